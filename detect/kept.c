/* Events of a window, each in one piece of memory: its fields one behind the other, the host last.
 */

#include <stdlib.h>
#include <string.h>

#include "detect/kept.h"

struct kept {
	int64_t time; /* as the window sees it */
	int64_t event_time;
	uint32_t lengths[F_MAX + 1]; /* and 1; 0 is absent */
	uint32_t size;
	int32_t event_id;
	enum layout layout;
	char bytes[];
};

_Static_assert(sizeof(struct kept) + sizeof(struct kept *) <= KEPT_MAX - KEPT_EVENT_MAX,
	"KEPT_MAX is true");

void
kept_done(struct kept_events *events)
{
	for (uint32_t i = 0; i < events->count; i++)
		free(events->list[i]);
	free(events->list);
}

size_t
kept_size(const struct kept_events *events)
{
	return events->size * sizeof(struct kept *) + events->bytes;
}

static struct slice *
field_or_host(struct wevent *event, unsigned int i)
{
	return i < F_MAX ? &event->f[i] : &event->host;
}

/* NULL for no memory. */
static struct kept *
pack(struct wevent event, int64_t time)
{
	uint32_t size = 0;
	struct kept *kept;
	char *to;

	for (unsigned int i = 0; i <= F_MAX; i++) {
		struct slice *value = field_or_host(&event, i);

		*value = slice_sub(*value, 0, KEPT_EVENT_MAX - size);
		size += (uint32_t)value->len;
	}
	kept = malloc(sizeof(*kept) + size);
	if (kept == NULL)
		return NULL;
	kept->time = time;
	kept->event_time = event.time;
	kept->event_id = event.event_id;
	kept->layout = event.layout;
	kept->size = size;
	to = kept->bytes;
	for (unsigned int i = 0; i <= F_MAX; i++) {
		struct slice value = *field_or_host(&event, i);

		kept->lengths[i] = value.ptr == NULL ? 0 : (uint32_t)value.len + 1;
		if (value.len > 0)
			memcpy(to, value.ptr, value.len);
		to += value.len;
	}
	return kept;
}

static void
drop(struct kept_events *events, uint32_t at)
{
	events->bytes -= sizeof(struct kept) + events->list[at]->size;
	free(events->list[at]);
	events->count--;
	memmove(events->list + at, events->list + at + 1,
		(events->count - at) * sizeof(struct kept *));
}

static bool
grow(struct kept_events *events)
{
	uint32_t size = events->size + 4;
	struct kept **list;

	if (events->count < events->size)
		return true;
	list = realloc(events->list, size * sizeof(struct kept *));
	if (list == NULL)
		return false;
	events->list = list;
	events->size = size;
	return true;
}

static bool
is_between(const struct kept_events *events, uint32_t at, int64_t timespan)
{
	return at > 0 && at + 1 < events->count &&
	       events->list[at + 1]->time - events->list[at - 1]->time <= timespan;
}

bool
kept_add(struct kept_events *events, const struct wevent *event, int64_t time, int64_t timespan)
{
	struct kept *kept = grow(events) ? pack(*event, time) : NULL;
	uint32_t at = events->count;

	if (kept == NULL)
		return false;
	while (at > 0 && events->list[at - 1]->time > time)
		at--;
	memmove(events->list + at + 1, events->list + at,
		(events->count - at) * sizeof(struct kept *));
	events->list[at] = kept;
	events->count++;
	events->bytes += sizeof(*kept) + kept->size;
	/* The new one, and those on both sides of it. */
	for (uint32_t middle = at + 2; middle-- > 0 && middle + 1 >= at;)
		if (is_between(events, middle, timespan))
			drop(events, middle);
	return true;
}

void
kept_forget(struct kept_events *events, int64_t before)
{
	while (events->count > 0 && events->list[0]->time < before)
		drop(events, 0);
}

bool
kept_find(const struct kept_events *events, int64_t until, struct wevent *event)
{
	const struct kept *kept = NULL;
	const char *at;

	for (uint32_t i = 0; i < events->count && events->list[i]->time <= until; i++)
		kept = events->list[i];
	if (kept == NULL)
		return false;
	wevent_clear(event);
	at = kept->bytes;
	for (unsigned int i = 0; i <= F_MAX; i++) {
		if (kept->lengths[i] == 0)
			continue;
		*field_or_host(event, i) = (struct slice){ at, kept->lengths[i] - 1 };
		at += kept->lengths[i] - 1;
	}
	event->time = kept->event_time;
	event->event_id = kept->event_id;
	event->layout = kept->layout;
	return true;
}
