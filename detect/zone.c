/* Most times are near the end of a zone's changes. */

#include "detect/zone.h"

int32_t
zone_offset(const struct zone *zone, int64_t seconds)
{
	uint32_t i = zone->count;

	if (i == 0)
		return 0;
	while (i > 1 && zone->changes[i - 1].from > seconds)
		i--;
	return zone->changes[i - 1].offset;
}
