#ifndef DETECT_HYPERSCAN_H
#define DETECT_HYPERSCAN_H

/* Strings or expressions -> a database of Hyperscan's, from a cache where that has it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hs/hs.h>

#include "detect/pattern.h"

/* Hyperscan 5.4.0 reads up to 8 bytes behind a text; one vector is room for other versions. */
#define HYPERSCAN_BEHIND 64

/* Patterns as Hyperscan takes them.  Their ids are no part of what a database is kept by. */
struct hyperscan_input {
	const char **texts;
	size_t *lens; /* of literals; NULL for expressions */
	unsigned int *flags, *ids;
	uint32_t count;
};

/* Room for `max` of them.  false for no memory; to be done with all the same. */
bool hyperscan_input_make(struct hyperscan_input *, uint32_t max, bool literals);
void hyperscan_input_done(struct hyperscan_input *);

/* NULL, or why this library is not to be trusted: a sentence.  Libraries of this interface are
 * known that overlook matches, and a linker takes either. */
const char *hyperscan_fault(void);

/* Is the expression Hyperscan's, and one that does not delay a load?  Flags are its own.  `*room`
 * is what is left of HYPERSCAN_ROOM for a database, the characters of counted repeats written out:
 * it takes about a millisecond to compile one. */
#define HYPERSCAN_ROOM 1000
bool hyperscan_takes(const char *expression, unsigned int flags, uint64_t *room);

/* 0, or -ENOTSUP with what Hyperscan says in *fault, to be freed.  The cache may be NULL. */
int hyperscan_make(const struct hyperscan_input *, const struct pattern_cache *, hs_database_t **,
	hs_compile_error_t **fault);

#endif
