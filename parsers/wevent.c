/* The names of the canonical fields and of the layouts, made from the lists in the header.
 *
 * wevent_field_find() walks the list: it is asked when rules are loaded, not while events
 * pass. */

#include <assert.h>

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
