#ifndef PARSERS_JSON_H
#define PARSERS_JSON_H

/* JSON (RFC 8259) -> the values at the nodes of the layouts' tree, through yajl's callbacks.  The
 * text must be valid UTF-8 without unpaired surrogate escapes.  Numbers stay text.  A key that
 * comes twice counts the last time: a whole object then takes the place of the former one. */

#include "parsers/arena.h"
#include "parsers/layout.h"

struct json;

enum json_result {
	JSON_OBJECT,
	JSON_OTHER, /* a value that is no object */
	JSON_CUT,   /* the text ends inside the value; what was complete is in the record */
	JSON_SYNTAX,
	JSON_DEPTH,
	JSON_KEYS
};

/* A reader for texts of up to `size` bytes together (those that were refused don't count), nesting
 * of `depth` and `keys` in one value, which also finds fields of these names (borrowed; or NULL).
 * All its memory is of the arena and taken here.  NULL for no memory. */
struct json *json_new(struct arena *, size_t size, uint32_t depth, uint32_t keys,
	const struct wevent_names *names);

/* Read the one value at the front of `text`; `*used` is its length, or that of `text` when it is
 * not known.  *record lives until the next call; its slices are of `text` or of the arena and stay.
 */
enum json_result json_read(struct json *, struct slice text, const struct layout_record **record,
	uint32_t *duplicate_keys, size_t *used);

#endif
