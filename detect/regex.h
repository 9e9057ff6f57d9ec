#ifndef DETECT_REGEX_H
#define DETECT_REGEX_H

/* Regular expressions by PCRE2, under limits: what Hyperscan cannot do, and the judge of what is
 * an expression at all.  They are searched for, not anchored. */

#include "parsers/slice.h"

#define REGEX_ERROR_MAX 256
#define REGEX_BYTES_MAX 8192

/* Sigma's |re|i, |m and |s. */
enum { REGEX_CASELESS = 1, REGEX_MULTILINE = 2, REGEX_DOTALL = 4 };

/* 0; -ENOMEM; -EINVAL with what is wrong, and where, in `error`. */
int regex_check(struct slice expression, unsigned int flags, char error[REGEX_ERROR_MAX]);

struct regex; /* immutable: any number of threads may match it */
struct regex *regex_new(struct slice expression, unsigned int flags);
void regex_free(struct regex *);

struct regex_scratch; /* of one thread, for all expressions */
struct regex_scratch *regex_scratch_new(void);
void regex_scratch_free(struct regex_scratch *);

/* Does it match anywhere in the value?  At a limit of work or memory it does not, and *limited is
 * set, which is left alone otherwise. */
bool regex_matches(const struct regex *, struct regex_scratch *, struct slice value, bool *limited);

#endif
