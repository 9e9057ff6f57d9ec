#ifndef DETECT_PATTERN_H
#define DETECT_PATTERN_H

/* All strings and regular expressions of all rules: one scan for an event and a field.
 *
 * A set is filled, compiled once, and then only read, by any number of threads; what a scan writes
 * is in a scratch of one thread.  Letters match in either case in ASCII; other bytes match
 * themselves.  An expression that Hyperscan cannot take is PCRE2's, and is tried only when a rule
 * asks for it. */

#include "detect/glob.h"
#include "detect/regex.h"
#include "parsers/wevent.h"

#define PATTERN_ERROR_MAX 256

/* Databases that were compiled before, by what they are made of and the processor they are for. */
#define PATTERN_KEY 32 /* bytes; a SHA-256 */
struct pattern_cache {
	void *context;
	/* What was kept under the key, or an absent slice; good until the next call. */
	struct slice (*get)(void *context, const unsigned char key[PATTERN_KEY]);
	void (*put)(void *context, const unsigned char key[PATTERN_KEY], struct slice);
};

struct pattern_set;
struct pattern_scratch;

struct pattern_set *pattern_set_new(void);
void pattern_set_free(struct pattern_set *);

/* The number of this pattern of this field (a wevent_field, or F_MAX and more: see wevent_value());
 * the same one for the same pattern again.  The tokens are borrowed for the life of the set.  0 or
 * -ENOMEM. */
int pattern_add(struct pattern_set *, enum wevent_field, struct glob, uint32_t *id);

/* The same for a regular expression that regex_check() has found good. */
int pattern_add_regex(struct pattern_set *, enum wevent_field, struct slice expression,
	unsigned int flags, uint32_t *id);

enum wevent_field pattern_field(const struct pattern_set *, uint32_t id);

/* Does the scan find it?  Only when it has been compiled. */
bool pattern_is_scanned(const struct pattern_set *, uint32_t id);

/* The number of the scan that finds it, below pattern_scans(), and the field that a scan is of: one
 * scan is for all strings of a field, another for its regular expressions. */
uint32_t pattern_scan_of(const struct pattern_set *, uint32_t id);
uint32_t pattern_scan_of_strings(enum wevent_field);
uint32_t pattern_scans(const struct pattern_set *);
enum wevent_field pattern_scan_field(uint32_t scan);

/* Build the databases, or take them from the cache, which may be NULL and may hold any bytes that
 * it was given once.  0, or -ENOMEM or -ENOTSUP with a sentence in `error`. */
int pattern_compile(
	struct pattern_set *, const struct pattern_cache *, char error[PATTERN_ERROR_MAX]);

size_t pattern_count(const struct pattern_set *);
size_t pattern_databases(const struct pattern_set *);

struct pattern_scratch *pattern_scratch_new(const struct pattern_set *);
void pattern_scratch_free(struct pattern_scratch *);

/* Forget the hits of the last event. */
void pattern_reset(struct pattern_scratch *);

/* Scan the value of the scan's field, unless that has been done since the reset; an absent one hits
 * nothing.  Hits are added to those that are there. */
void pattern_scan(struct pattern_scratch *, uint32_t scan, struct slice value);

/* Take all scans of the field as done: the caller sets its hits. */
void pattern_skip(struct pattern_scratch *, enum wevent_field);

/* Count a pattern as hit without a scan. */
void pattern_set_hit(struct pattern_scratch *, uint32_t id);

/* Does it match?  `value` is that of its field, which is scanned now if it has not been.  What a
 * scan cannot tell is found out here, once. */
bool pattern_matches(struct pattern_scratch *, uint32_t id, struct slice value);

/* Has an expression of PCRE2's been given up at its limit of work since the reset? */
bool pattern_limited(const struct pattern_scratch *);

/* The patterns that have hit, or may have, since the reset, each once, in no order. */
const uint32_t *pattern_hits(const struct pattern_scratch *, size_t *count);

#endif
