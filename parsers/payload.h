#ifndef PARSERS_PAYLOAD_H
#define PARSERS_PAYLOAD_H

/* A message's payload -> its records.  Recognises the layout of each record by itself (formats of
 * Winlogbeat, ECS, NXLog, flat JSON, evtx_dump) and gives canonical events.  The only door to
 * json.c, layout.c, ecs.c, text.c, canon.c and classic.c.
 *
 * A payload may hold several JSON objects in a row, or an array of them; text before the first '{'
 * is skipped.  Before parsing, in a copy: bytes that are no UTF-8 and unpaired surrogate escapes
 * become U+FFFD, raw control characters in strings are escaped; after a syntax error, rsyslog's
 * #ooo escapes outside strings are undone once.  Nothing of it refuses a record. */

#include "parsers/arena.h"
#include "parsers/reason.h"
#include "parsers/wevent.h"

struct payload_limits {
	uint32_t json_depth;              /* nesting */
	uint32_t json_keys;               /* keys in one record */
	const struct wevent_names *names; /* fields that only rules name, or NULL; borrowed */
};

enum payload_result { PAYLOAD_RECORD, PAYLOAD_BAD, PAYLOAD_END };

struct json;

struct payload {
	struct slice rest;   /* not read yet */
	struct slice record; /* the bytes of the last result, after repair */
	struct payload_limits limits;
	struct arena *arena;
	struct json *json; /* reads records; NULL for no memory */
	bool in_array;
	bool any;      /* a record has been found */
	bool trailing; /* text that is no record stands behind the last one: for a counter, at
			  PAYLOAD_END */
	bool undone;   /* rsyslog's escapes */
	bool repaired; /* the bytes were not as JSON wants them: `rest` is a repaired copy in the
			  arena */
};

/* Until the payload is done with, the arena may only be rewound to marks that are younger than the
 * last call: payload_init() and payload_next() keep what they need in it. */
void payload_init(struct payload *, struct slice bytes, struct payload_limits, struct arena *);

/* The next record.  PAYLOAD_RECORD: `*event` is filled; its slices live until the arena is reset or
 * rewound. With event->partial the record was cut by the sender: count REASON_JSON_TRUNCATED and
 * keep the message as a dead letter as well. PAYLOAD_BAD: count `*why` and keep the message as a
 * dead letter; call again, a later record may be good. PAYLOAD_END: nothing is left. */
enum payload_result payload_next(struct payload *, struct wevent *event, enum reason *why);

#endif
