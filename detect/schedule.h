#ifndef DETECT_SCHEDULE_H
#define DETECT_SCHEDULE_H

/* Times of the week:
 *
 *     { days: [ mon-fri ], hours: "22:00-04:00", zone: Europe/Berlin }
 *
 * Each key may be missing: every day, all hours, UTC. */

#include "detect/reader.h"

struct schedule {
	unsigned int days; /* bits from Monday on, of the day on which the hours begin */
	int32_t from, to;  /* seconds of a day; to may be less than from: the next day's */
	struct zone zone;
};

/* Read a map.  Faults, all of them, are the reader's. */
void schedule_read(struct sigma_reader *, struct fy_node *map, struct schedule *);

/* Is the time, in microseconds UTC, one of it?  Hours that end before they begin, or with them, end
 * on the next day. */
bool schedule_has(const struct schedule *, int64_t time);

#endif
