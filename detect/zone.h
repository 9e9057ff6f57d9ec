#ifndef DETECT_ZONE_H
#define DETECT_ZONE_H

/* A zone of time: its offsets from UTC, each from a time on. */

#include <stdint.h>

struct arena;

struct zone_change {
	int64_t from;   /* seconds since 1970, UTC */
	int32_t offset; /* seconds east of UTC */
};

/* Ascending; before the first one the first one holds.  None: UTC. */
struct zone {
	const struct zone_change *changes;
	uint32_t count;
};

/* Finds a zone by its name.  0 with the zone, whose changes are in the arena; -ENOENT for no such
 * name; -ENOMEM. */
typedef int zone_find(const char *name, struct arena *, struct zone *);

/* Seconds east of UTC at a time. */
int32_t zone_offset(const struct zone *, int64_t seconds);

#endif
