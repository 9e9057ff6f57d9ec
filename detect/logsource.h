#ifndef DETECT_LOGSOURCE_H
#define DETECT_LOGSOURCE_H

/* Sigma's logsource -> the events that it means, as Windows names their channels and ids
 * (specification 2.1, appendix "Taxonomy").  One table. */

#include <stdbool.h>
#include <stdint.h>

#include "parsers/slice.h"

#define LOGSOURCE_ROUTES_MAX 64

struct route {
	const char *channel;
	int32_t event_id; /* -1: all of the channel */
};

/* The routes of a product, a category and a service, of which each may be absent but not all; in
 * any letter case.  Returns how many, 0 when no event that the collector takes is meant. */
uint32_t logsource_routes(struct slice product, struct slice category, struct slice service,
	struct route routes[LOGSOURCE_ROUTES_MAX]);

/* The word that one of them was probably meant for, when there are no such routes; or NULL. */
const char *logsource_meant(struct slice product, struct slice category, struct slice service);

/* Is an event of this channel and id on one of them? */
bool logsource_takes(
	const struct route *routes, uint32_t count, struct slice channel, int32_t event_id);

#endif
