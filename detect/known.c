/* A row in the order of times: most events come in that order, and go to its end. */

#include <stdlib.h>
#include <string.h>

#include "detect/known.h"

struct known {
	int64_t time;
	uint64_t identity;
};

_Static_assert(sizeof(struct known) <= KNOWN_BYTES, "KNOWN_BYTES is true");

void
known_init(struct known_events *events)
{
	*events = (struct known_events){ .forgotten = INT64_MIN };
}

void
known_done(struct known_events *events)
{
	free(events->list);
}

size_t
known_size(const struct known_events *events)
{
	return events->size * sizeof(*events->list);
}

/* The place of the first one that is not before the time. */
static uint32_t
find(const struct known_events *events, int64_t time)
{
	uint32_t from = 0, to = events->count;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (events->list[middle].time < time)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

bool
known_has(const struct known_events *events, int64_t time, uint64_t identity)
{
	for (uint32_t i = find(events, time); i < events->count && events->list[i].time == time;
		i++)
		if (events->list[i].identity == identity)
			return true;
	return false;
}

static void
forget(struct known_events *events, uint32_t count)
{
	events->count -= count;
	memmove(events->list, events->list + count, events->count * sizeof(*events->list));
}

static bool
grow(struct known_events *events)
{
	uint32_t size = events->size + events->size / 2 + 4;
	struct known *list;

	if (events->count < events->size)
		return true;
	if (size > KNOWN_MAX)
		size = KNOWN_MAX;
	list = realloc(events->list, size * sizeof(*list));
	if (list == NULL)
		return false;
	events->list = list;
	events->size = size;
	return true;
}

bool
known_add(struct known_events *events, int64_t time, uint64_t identity)
{
	uint32_t at;

	if (events->count == KNOWN_MAX) {
		if (events->list[KNOWN_MAX / 8 - 1].time > events->forgotten)
			events->forgotten = events->list[KNOWN_MAX / 8 - 1].time;
		forget(events, KNOWN_MAX / 8);
	}
	if (!grow(events))
		return false;
	at = find(events, time);
	memmove(events->list + at + 1, events->list + at,
		(events->count - at) * sizeof(*events->list));
	events->list[at] = (struct known){ time, identity };
	events->count++;
	return true;
}

/* Not when they are few. */
void
known_drop(struct known_events *events, int64_t before)
{
	uint32_t count = find(events, before);

	if (count > events->count / 8)
		forget(events, count);
}
