/* The payload's text -> one event after the other.
 *
 * The text is looked over once for what yajl must not see (bytes that are no UTF-8, unpaired
 * surrogates, raw control characters in strings); nearly always there is nothing and the events are
 * slices of the message itself.  Then each JSON value is read by json.c, its layout recognised and
 * mapped (layout.c), and its values brought to one spelling (canon.c).
 *
 * A record that is no JSON gives up the rest of its payload: where the next one would begin is a
 * guess that an attacker could help. */

#include <string.h>

#include "parsers/canon.h"
#include "parsers/classic.h"
#include "parsers/ecs.h"
#include "parsers/json.h"
#include "parsers/payload.h"
#include "parsers/text.h"
#include "parsers/utf8.h"

/* What a look over the text may find. */
struct suspects {
	bool high;    /* bytes over 0x7f */
	bool control; /* bytes below 0x20, which also are the line breaks of pretty-printed JSON */
	bool surrogate; /* \ud, as in \ud83d but also in C:\\udo */
};

/* Blocks of a constant length are what gcc -O2 makes vector code of. */
#define BLOCK 64

static struct suspects
look_over(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	unsigned char high = 0, control = 0, surrogate = 0;
	size_t i = 0;

	for (; s.len - i >= BLOCK + 2; i += BLOCK, p += BLOCK) {
		for (int k = 0; k < BLOCK; k++) {
			high |= p[k];
			control |= p[k] < 0x20;
			surrogate |=
				(p[k] == '\\') & (p[k + 1] == 'u') & ((p[k + 2] | 0x20) == 'd');
		}
	}
	for (; i < s.len; i++, p++) {
		high |= *p;
		control |= *p < 0x20;
		if (s.len - i > 2)
			surrogate |= (p[0] == '\\') & (p[1] == 'u') & ((p[2] | 0x20) == 'd');
	}
	return (struct suspects){ (high & 0x80) != 0, control != 0, surrogate != 0 };
}

/* Text that is first measured (ptr NULL) and then written. */
struct writer {
	char *ptr;
	size_t len;
	bool changed;
};

static void
put(struct writer *out, const char *bytes, size_t len)
{
	if (out->ptr != NULL)
		memcpy(out->ptr + out->len, bytes, len);
	out->len += len;
}

/* The UTF-16 unit of "\uXXXX" at the front of s, or -1. */
static int
unicode_escape(struct slice s)
{
	int unit = 0;

	if (s.len < 6 || s.ptr[0] != '\\' || s.ptr[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int c = slice_lower((unsigned char)s.ptr[i]);

		if (c >= '0' && c <= '9')
			unit = unit * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			unit = unit * 16 + (c - 'a' + 10);
		else
			return -1;
	}
	return unit;
}

/* Copy the escape at the front of s; half a surrogate pair becomes U+FFFD.  The bytes of s that are
 * done with. */
static size_t
mend_escape(struct slice s, struct writer *out)
{
	int unit = unicode_escape(s), low;
	size_t len = s.len < 2 ? s.len : 2;

	if (unit >= 0xd800 && unit <= 0xdfff) {
		low = unicode_escape(slice_sub(s, 6, s.len));
		len = 12;
		if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff) {
			put(out, "\\ufffd", 6);
			out->changed = true;
			return 6;
		}
	}
	put(out, s.ptr, len);
	return len;
}

/* A raw control character of a string as the escape that it should have been. */
static void
mend_control(char byte, struct writer *out)
{
	static const char hex[] = "0123456789abcdef";
	const char *letter = byte == '\0' ? NULL : strchr("\bb\ff\nn\rr\tt", byte);
	char escape[] = { '\\', 'u', '0', '0', hex[byte >> 4 & 1], hex[byte & 15] };

	if (letter != NULL) {
		escape[1] = letter[1];
		put(out, escape, 2);
	} else {
		put(out, escape, sizeof(escape));
	}
	out->changed = true;
}

/* The bytes at the front of s that need no look. */
static size_t
plain_run(struct slice s)
{
	size_t i = 0;

	while (i < s.len && (unsigned char)s.ptr[i] >= 0x20 && s.ptr[i] != '"' && s.ptr[i] != '\\')
		i++;
	return i;
}

/* Copy JSON text with its escapes and the control characters of its strings mended.  Text between
 * records may hold a quote that nobody closes; escapes don't depend on it. */
static void
mend(struct slice s, struct writer *out)
{
	bool string = false;

	while (s.len > 0) {
		size_t used = plain_run(s);

		put(out, s.ptr, used);
		s = slice_sub(s, used, s.len);
		if (s.len == 0)
			return;
		used = 1;
		if (s.ptr[0] == '\\')
			used = mend_escape(s, out);
		else if (string && s.ptr[0] != '"')
			mend_control(s.ptr[0], out);
		else
			put(out, s.ptr, 1);
		string ^= s.ptr[0] == '"';
		s = slice_sub(s, used, s.len);
	}
}

/* Make *text what yajl may see.  false: no memory. */
static bool
repair(struct slice *text, struct arena *arena, bool *changed)
{
	struct suspects suspects = look_over(*text);
	struct writer out = { NULL, 0, false };
	struct slice valid = *text;

	if (suspects.high) {
		valid = utf8_repair(*text, arena);
		if (valid.ptr == NULL)
			return false;
		*changed |= valid.ptr != text->ptr;
		*text = valid;
	}
	if (!suspects.control && !suspects.surrogate)
		return true;
	mend(*text, &out);
	if (!out.changed)
		return true;
	out.ptr = arena_alloc(arena, out.len);
	if (out.ptr == NULL)
		return false;
	*changed = true;
	out.len = 0;
	mend(*text, &out);
	*text = (struct slice){ out.ptr, out.len };
	return true;
}

/* Is it an escape of rsyslog's, as #012? */
static bool
is_octal(struct slice s)
{
	return s.len >= 4 && s.ptr[0] == '#' && s.ptr[1] == '0' && s.ptr[2] >= '0' &&
	       s.ptr[2] <= '3' && s.ptr[3] >= '0' && s.ptr[3] <= '7';
}

/* rsyslog hands on the line breaks of pretty-printed JSON as #012, which is as long as a line break
 * and three blanks.  Only those outside of strings: inside, nobody can tell them from the sender's
 * text.  false: there are none, or no memory. */
static bool
undo_octal(struct slice *text, struct arena *arena)
{
	struct slice copy = arena_copy(arena, *text);
	char *p = (char *)(uintptr_t)copy.ptr;
	bool string = false, changed = false;

	if (p == NULL)
		return false;
	for (size_t i = 0; i < copy.len; i++) {
		if (string && p[i] == '\\') {
			i++;
			continue;
		}
		string ^= p[i] == '"';
		if (string || !is_octal(slice_sub(copy, i, copy.len)))
			continue;
		memset(p + i, ' ', 4);
		changed = true;
	}
	if (changed)
		*text = copy;
	return changed;
}

/* JSON's blanks, and two more that yajl takes for some. */
static bool
is_blank(char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static struct slice
skip_blanks(struct slice s)
{
	size_t i = 0;

	while (i < s.len && is_blank(s.ptr[i]))
		i++;
	return slice_sub(s, i, s.len);
}

static bool
begins(struct slice s, char byte)
{
	return s.len > 0 && s.ptr[0] == byte;
}

/* Where an object begins in text that may hold braces of its own, as in "{5770385f-...}: {"; s.len
 * for nowhere. */
static size_t
find_object(struct slice s)
{
	for (size_t i = slice_find_byte(s, '{'); i < s.len;) {
		struct slice behind = skip_blanks(slice_sub(s, i + 1, s.len));

		/* '#': a line break that rsyslog has escaped */
		if (i == 0 || begins(behind, '"') || begins(behind, '}') || begins(behind, '#'))
			return i;
		i = (size_t)(behind.ptr - s.ptr);
		i += slice_find_byte(behind, '{');
	}
	return s.len;
}

/* An array whose first element could be a record; "[1234]: {" is no array. */
static bool
is_array(struct slice s)
{
	struct slice behind;

	if (!begins(s, '['))
		return false;
	behind = skip_blanks(slice_sub(s, 1, s.len));
	return begins(behind, '{') || begins(behind, '[') || begins(behind, '"');
}

void
payload_init(struct payload *payload, struct slice bytes, struct payload_limits limits,
	struct arena *arena)
{
	struct slice text = slice_trim(bytes);

	*payload = (struct payload){ .rest = text, .limits = limits, .arena = arena };
	if (text.len == 0)
		return;
	if (!begins(text, '[')) {
		size_t start = find_object(text);

		if (start < text.len)
			payload->rest = text = slice_sub(text, start, text.len);
	}
	if (repair(&text, arena, &payload->repaired)) {
		payload->rest = text;
		payload->json = json_new(
			arena, text.len, limits.json_depth, limits.json_keys, limits.names);
	}
}

/* Nothing more can be had from the payload. */
static enum payload_result
give_up(struct payload *payload, enum reason because, enum reason *why)
{
	payload->record = payload->rest;
	payload->rest = SLICE_NONE;
	payload->any = true;
	*why = because;
	return PAYLOAD_BAD;
}

/* Skip to the next value.  false: there is none. */
static bool
next_value(struct payload *payload)
{
	for (;;) {
		struct slice rest = skip_blanks(payload->rest);

		while (payload->in_array && begins(rest, ','))
			rest = skip_blanks(slice_sub(rest, 1, rest.len));
		payload->rest = rest;
		if (rest.len == 0)
			return false;
		if (payload->in_array && begins(rest, ']')) {
			payload->in_array = false;
			payload->rest = slice_sub(rest, 1, rest.len);
		} else if (payload->in_array || begins(rest, '{')) {
			return true;
		} else if (is_array(rest)) {
			payload->in_array = true;
			payload->rest = slice_sub(rest, 1, rest.len);
		} else {
			size_t start = find_object(rest);

			if (start == rest.len)
				return false;
			payload->rest = slice_sub(rest, start, rest.len);
			return true;
		}
	}
}

/* Is there more than what may end an array or a line? */
static bool
is_trailing(struct slice rest)
{
	while (rest.len > 0) {
		if (is_octal(rest))
			rest = slice_sub(rest, 4, rest.len);
		else if (is_blank(rest.ptr[0]) || rest.ptr[0] == ',' || rest.ptr[0] == ']' ||
			 rest.ptr[0] == '\0')
			rest = slice_sub(rest, 1, rest.len);
		else
			return true;
	}
	return false;
}

/* Text that holds no record: is it JSON at least? */
static enum reason
reason_of_text(struct payload *payload)
{
	const struct layout_record *record;
	uint32_t duplicates;
	size_t used;

	if (payload->rest.len == 0)
		return REASON_EMPTY;
	if (json_read(payload->json, payload->rest, &record, &duplicates, &used) == JSON_OTHER &&
		skip_blanks(slice_sub(payload->rest, used, payload->rest.len)).len == 0)
		return REASON_JSON_SCALAR;
	return REASON_NO_RECORD;
}

/* The record's values as a canonical event. */
static bool
make_event(const struct payload *payload, const struct layout_record *record, bool partial,
	struct wevent *event, enum reason *why)
{
	struct arena *arena = payload->arena;
	struct slice data[D_MAX];
	enum layout layout;

	wevent_clear(event);
	event->raw = payload->record;
	event->partial = partial;
	event->repaired = payload->repaired;
	*why = REASON_UNKNOWN_LAYOUT;
	if (!layout_recognise(record, &layout))
		return false;
	layout_map(record, layout, event);
	*why = REASON_NO_EVENT_ID;
	if (event->event_id == -1)
		return false;
	*why = REASON_NO_MEMORY;
	if (!layout_map_more(record, layout, event, arena))
		return false;
	if (canon_is_security(event)) {
		layout_data(record, layout, data);
		if (!canon_security(event, data, arena))
			return false;
	}
	if (layout == LAYOUT_ECS && !ecs_map(record, event, arena))
		return false;
	if ((layout == LAYOUT_NXLOG || layout == LAYOUT_FLAT) && text_is_needed(event))
		text_fill(layout_message(record, layout), event);
	if (classic_is_needed(event)) {
		layout_data(record, layout, data);
		if (!classic_map(event, data, layout_message(record, layout), record->names, arena))
			return false;
	}
	return canon_finish(event, arena);
}

static const enum reason refusals[] = {
	[JSON_OTHER] = REASON_JSON_SCALAR,
	[JSON_SYNTAX] = REASON_JSON_SYNTAX,
	[JSON_DEPTH] = REASON_JSON_DEPTH,
	[JSON_KEYS] = REASON_JSON_KEYS,
};

enum payload_result
payload_next(struct payload *payload, struct wevent *event, enum reason *why)
{
	const struct layout_record *record;
	enum json_result result;
	uint32_t duplicates;
	size_t used;

	if (payload->json == NULL && payload->rest.len > 0)
		return give_up(payload, REASON_NO_MEMORY, why);
	if (!next_value(payload)) {
		payload->trailing = payload->any && is_trailing(payload->rest);
		if (payload->any)
			return PAYLOAD_END;
		return give_up(payload, reason_of_text(payload), why);
	}
	payload->any = true;
	result = json_read(payload->json, payload->rest, &record, &duplicates, &used);
	if (result == JSON_SYNTAX && !payload->undone &&
		undo_octal(&payload->rest, payload->arena)) {
		/* The escapes may have stood before the value, or in the place of one. */
		payload->undone = true;
		return payload_next(payload, event, why);
	}
	if (result != JSON_OBJECT && result != JSON_CUT && result != JSON_OTHER)
		return give_up(payload, refusals[result], why);
	payload->record = slice_sub(payload->rest, 0, used);
	payload->rest = slice_sub(payload->rest, used, payload->rest.len);
	if (result != JSON_OTHER && make_event(payload, record, result == JSON_CUT, event, why)) {
		event->duplicate_keys = duplicates;
		return PAYLOAD_RECORD;
	}
	if (result == JSON_CUT && *why != REASON_NO_MEMORY)
		*why = REASON_JSON_TRUNCATED;
	if (result == JSON_OTHER)
		*why = REASON_JSON_SCALAR;
	return PAYLOAD_BAD;
}
