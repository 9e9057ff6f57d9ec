#ifndef DETECT_GLOB_H
#define DETECT_GLOB_H

/* A value of a rule with its wildcards. */

#include <stdbool.h>
#include <stdint.h>

#include "parsers/slice.h"

#define GLOB_TOKENS_MAX 8192 /* of one value; Hyperscan takes no literal over 16,000 bytes */

/* A value is a row of tokens: bytes, `?`, `*`, and what |windash makes of a dash: any of - / and
 * the dashes U+2013 to U+2015. */
enum { TOKEN_ONE = 256, TOKEN_MANY = 257, TOKEN_DASH = 258 };

struct glob {
	const uint16_t *tokens;
	uint32_t count;
	bool cased; /* letters match in their own case only */
};

/* Sigma's escapes: \* and \? are plain, \\ is one backslash, a backslash before anything else is
 * itself.  Writes at most text.len tokens and returns how many. */
uint32_t glob_parse(struct slice text, uint16_t *tokens);

/* Does the glob match the whole text?  `?` takes one character, of several bytes in UTF-8.  Time is
 * at most the product of both lengths. */
bool glob_matches(struct glob, struct slice text);

/* The run that a scan looks for, plain bytes with at most one dash; of no length for a value that
 * is too short for it, or of wildcards only. */
struct glob_run {
	uint32_t start, len;
};
struct glob_run glob_run(struct glob);

/* Is it plain bytes and nothing else? */
bool glob_is_plain(struct glob);

#endif
