#ifndef DETECT_MEMO_H
#define DETECT_MEMO_H

/* What scans have found lately.
 *
 * Most of a host's events are of the same few programs, users and command lines, and a scan of the
 * same value finds the same patterns.  A memo is of one thread and of a fixed size; a value takes
 * the place of another with the same hash. */

#include <stdbool.h>
#include <stdint.h>

#include "parsers/slice.h"

#define MEMO_VALUE_MAX 208 /* bytes; longer ones hardly come twice */
#define MEMO_FOUND_MAX 31  /* patterns found in one value */

struct memo;

struct memo *memo_new(void); /* NULL for no memory */
void memo_free(struct memo *);

/* What the scan found in the value, of which the patterns that were only candidates have
 * MEMO_CANDIDATE.  NULL: not known.  Good until the next memo_put(). */
#define MEMO_CANDIDATE (UINT32_C(1) << 31)
const uint32_t *memo_find(struct memo *, uint32_t scan, struct slice value, uint32_t *count);

/* Room to write what that scan found in that value, which memo_find() has just not known: `count`
 * numbers.  NULL when that is too much. */
uint32_t *memo_put(struct memo *, uint32_t count);

#endif
