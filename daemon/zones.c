/* A zone is looked at day by day, and the second of a change is found by halving: its rules are the
 * library's business, and a schedule needs no library when it is asked. */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include "daemon/zones.h"
#include "parsers/arena.h"

#define DAY INT64_C(86400)
#define FIRST INT64_C(946684800) /* 2000-01-01 */
#define LAST INT64_C(2840140800) /* 2060-01-01 */
#define CHANGES_MAX 512

static int32_t
offset_at(GTimeZone *zone, int64_t seconds)
{
	gint interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, seconds);

	return (int32_t)g_time_zone_get_offset(zone, interval);
}

/* The second of a change, which comes after `before` and not after `after`. */
static int64_t
find_change(GTimeZone *zone, int64_t before, int64_t after)
{
	int32_t old = offset_at(zone, before);

	while (after - before > 1) {
		int64_t middle = before + (after - before) / 2;

		if (offset_at(zone, middle) == old)
			before = middle;
		else
			after = middle;
	}
	return after;
}

static uint32_t
list_changes(GTimeZone *zone, struct zone_change changes[CHANGES_MAX])
{
	uint32_t count = 1;

	changes[0] = (struct zone_change){ FIRST, offset_at(zone, FIRST) };
	for (int64_t day = FIRST; day < LAST && count < CHANGES_MAX; day += DAY) {
		int64_t at;

		if (offset_at(zone, day + DAY) == changes[count - 1].offset)
			continue;
		at = find_change(zone, day, day + DAY);
		changes[count++] = (struct zone_change){ at, offset_at(zone, at) };
	}
	return count;
}

/* A name of the database is no path to elsewhere, nor a rule in POSIX' form. */
static bool
is_name(const char *name)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_-+";

	return name[strspn(name, letters)] == '\0' && name[0] != '/' && name[0] != '\0';
}

int
zones_find(const char *name, struct arena *arena, struct zone *zone)
{
	GTimeZone *found = is_name(name) ? g_time_zone_new_identifier(name) : NULL;
	struct zone_change changes[CHANGES_MAX], *copy;
	uint32_t count;

	if (found == NULL)
		return -ENOENT;
	count = list_changes(found, changes);
	g_time_zone_unref(found);
	copy = arena_alloc(arena, count * sizeof(*copy));
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, changes, count * sizeof(*copy));
	*zone = (struct zone){ copy, count };
	return 0;
}
