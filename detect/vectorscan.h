#ifndef DETECT_VECTORSCAN_H
#define DETECT_VECTORSCAN_H

/* Strings or expressions -> a database of Vectorscan's, from a cache where that has it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hs/hs.h>

#include "detect/pattern.h"

#define VECTORSCAN_PADDING 64 /* zeros behind a text that is scanned; twice of what is needed */

/* Patterns as Vectorscan takes them.  Their ids are no part of what a database is kept by. */
struct vectorscan_input {
	const char **texts;
	size_t *lens; /* of literals; NULL for expressions */
	unsigned int *flags, *ids;
	uint32_t count;
};

/* Room for `max` of them.  false for no memory; to be done with all the same. */
bool vectorscan_input_make(struct vectorscan_input *, uint32_t max, bool literals);
void vectorscan_input_done(struct vectorscan_input *);

/* 0, or -ENOTSUP with what Vectorscan says in *fault, to be freed.  The cache may be NULL. */
int vectorscan_make(const struct vectorscan_input *, const struct pattern_cache *, hs_database_t **,
	hs_compile_error_t **fault);

#endif
