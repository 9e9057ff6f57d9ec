/* An alert of any values: valid JSON on one line, in valid UTF-8, or refused for want of room.
 *
 * The input's first byte chooses flags, the second the room; then come fields, each behind its
 * number and its length (two bytes). */

#include <stdlib.h>
#include <yajl/yajl_parse.h>

#include "detect/alert.h"
#include "parsers/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The next field's bytes; false when nothing is left. */
static bool
next_field(struct slice *left, size_t *number, struct slice *value)
{
	size_t length;

	if (left->len < 3)
		return false;
	*number = (unsigned char)left->ptr[0];
	length = (size_t)(unsigned char)left->ptr[1] << 8 | (unsigned char)left->ptr[2];
	*value = slice_sub(*left, 3, 3 + length);
	*left = slice_sub(*left, 3 + value->len, left->len);
	return true;
}

static void
must(bool condition)
{
	if (!condition)
		abort();
}

static void
check_json(struct slice json)
{
	yajl_handle parser = yajl_alloc(NULL, NULL, NULL);

	must(utf8_valid(json) == json.len);
	for (size_t i = 0; i < json.len; i++)
		must((unsigned char)json.ptr[i] >= 0x20);
	must(yajl_parse(parser, (const unsigned char *)json.ptr, json.len) == yajl_status_ok);
	must(yajl_complete_parse(parser) == yajl_status_ok);
	yajl_free(parser);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const techniques[] = { "T1505.003", NULL };
	static const enum wevent_field fields[] = { F_Image };
	const struct rule rule = { .id = "id",
		.title = "title",
		.detection_type = "type",
		.severity = SEVERITY_HIGH,
		.techniques = techniques,
		.tags = techniques,
		.falsepositives = techniques,
		.field_names = techniques,
		.fields = fields };
	struct match match = { .rule = &rule };
	const struct match *matches[] = { &match, &match };
	struct alert_settings settings = { .collector = "c", .version = "v" };
	struct alert_source source = { .input = SLICE("i") };
	struct host_state state = { .first_seen = STAMP_NONE, .last_seen = STAMP_NONE };
	struct slice left = { (const char *)data, size };
	char event_id[ALERT_ID_MAX];
	struct wevent event;
	struct slice value;
	struct alert alert;
	struct arena *arena;
	size_t number;

	if (size < 2)
		return 0;
	arena = arena_new(1024 * (1 + (size_t)data[1] * 8));
	if (arena == NULL)
		return 0;
	wevent_clear(&event);
	settings.raw = (data[0] & 1) != 0;
	settings.raw_max = data[0] >> 2;
	event.partial = (data[0] & 2) != 0;
	event.event_id = data[0];
	left = slice_sub(left, 2, size);
	while (next_field(&left, &number, &value)) {
		if (number < F_MAX)
			event.f[number] = value;
		else if (number == F_MAX)
			event.host = value;
		else if (number == F_MAX + 1)
			event.raw = value;
		else if (number == F_MAX + 2)
			source.peer = value;
		else if (match.matched_count < MATCHED_MAX) {
			match.matched[match.matched_count].field =
				(enum wevent_field)(number % F_MAX);
			match.matched[match.matched_count].name =
				wevent_field_name((enum wevent_field)(number % F_MAX));
			match.matched[match.matched_count++].pattern = value;
		}
	}

	must(alert_event_id(&event, event_id) == 0);
	if (alert_build(&settings, &source, &event, event_id, &state, matches, 1 + size % 2, arena,
		    &alert) == 0)
		check_json(alert.json);
	arena_free(arena);
	return 0;
}
