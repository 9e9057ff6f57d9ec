/* The names of the canonical fields and of the layouts, made from the lists in the header.
 *
 * wevent_field_find() walks the list: it is asked when rules are loaded, not while events
 * pass. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/wevent.h"

static const struct slice field_names[F_MAX] = {
#define X(name) [F_##name] = { #name, sizeof(#name) - 1 },
	WEVENT_FIELDS(X)
#undef X
};

static const char *const layout_names[LAYOUT_MAX] = {
#define X(id, name) [LAYOUT_##id] = (name),
	LAYOUTS(X)
#undef X
};

const char *
wevent_field_name(enum wevent_field field)
{
	assert((unsigned int)field < F_MAX);
	return field_names[field].ptr;
}

enum wevent_field
wevent_field_find(struct slice name)
{
	if (slice_equal_nocase(name, SLICE("EventCode")))
		return F_EventID;
	if (slice_equal_nocase(name, SLICE("host")))
		return F_Computer;
	for (unsigned int i = 0; i < F_MAX; i++) {
		if (slice_equal_nocase(name, field_names[i]))
			return (enum wevent_field)i;
	}
	return F_MAX;
}

const char *
layout_name(enum layout layout)
{
	assert((unsigned int)layout < LAYOUT_MAX);
	return layout_names[layout];
}

void
wevent_clear(struct wevent *event)
{
	*event = (struct wevent){ .time = STAMP_NONE, .event_id = -1 };
}

struct slice
wevent_value(const struct wevent *event, enum wevent_field field)
{
	if (field < F_MAX)
		return event->f[field];
	return (uint32_t)field - F_MAX < event->more_count ? event->more[field - F_MAX]
							   : SLICE_NONE;
}

struct name {
	uint32_t next; /* of the same place; UINT32_MAX: none */
	uint32_t len;
	char text[WEVENT_NAME_MAX];
};

struct wevent_names {
	uint32_t count;
	uint32_t mask;
	uint32_t *first; /* by place() */
	struct name *names;
};

/* Names of fields differ at their ends and in length; the table is the operator's own. */
static uint32_t
place(struct slice name)
{
	return (uint32_t)name.len * 131 + (unsigned char)name.ptr[0] * 31 +
	       (unsigned char)name.ptr[name.len - 1] * 7 + (unsigned char)name.ptr[name.len / 2];
}

struct wevent_names *
wevent_names_new(const struct slice *list, uint32_t count)
{
	struct wevent_names *names = calloc(1, sizeof(*names));
	uint32_t places = 64;

	while (places < 2 * count)
		places *= 2;
	if (names == NULL)
		return NULL;
	names->first = malloc(places * sizeof(*names->first));
	names->names = calloc((size_t)count + 1, sizeof(*names->names));
	if (names->first == NULL || names->names == NULL) {
		wevent_names_free(names);
		return NULL;
	}
	names->mask = places - 1;
	names->count = count;
	for (uint32_t i = 0; i < places; i++)
		names->first[i] = UINT32_MAX;
	for (uint32_t i = 0; i < count; i++) {
		struct name *name = &names->names[i];
		uint32_t *slot;

		assert(list[i].len <= WEVENT_NAME_MAX);
		if (list[i].len == 0)
			continue;
		slot = &names->first[place(list[i]) & names->mask];
		name->len = (uint32_t)list[i].len;
		memcpy(name->text, list[i].ptr, list[i].len);
		name->next = *slot;
		*slot = i;
	}
	return names;
}

void
wevent_names_free(struct wevent_names *names)
{
	if (names == NULL)
		return;
	free(names->first);
	free(names->names);
	free(names);
}

uint32_t
wevent_names_count(const struct wevent_names *names)
{
	return names == NULL ? 0 : names->count;
}

uint32_t
wevent_names_find(const struct wevent_names *names, struct slice name)
{
	if (names == NULL || name.len == 0 || name.len > WEVENT_NAME_MAX)
		return UINT32_MAX;
	for (uint32_t i = names->first[place(name) & names->mask]; i != UINT32_MAX;
		i = names->names[i].next)
		if (names->names[i].len == name.len &&
			memcmp(names->names[i].text, name.ptr, name.len) == 0)
			return i;
	return UINT32_MAX;
}

struct slice *
wevent_more(struct wevent *event, const struct wevent_names *names, struct slice name)
{
	uint32_t i = wevent_names_find(names, name);

	return i < event->more_count ? &event->more[i] : NULL;
}
