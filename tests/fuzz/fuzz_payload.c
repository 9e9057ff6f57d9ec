/* Fuzz target of payloads: every byte of every field can be read and is valid UTF-8, the record
 * lies in what was given or in its repaired copy, the reader comes to an end, and a second time
 * gives the same. */

#include <stdlib.h>
#include <string.h>

#include "parsers/payload.h"
#include "parsers/utf8.h"

#define ARENA_LIMIT ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* Fields that only rules name: those of the record, one that canonical fields are made from, and
 * what is made from strings and from the message. */
static const struct slice list[] = { SLICE_INIT("ImageLoaded"), SLICE_INIT("NewProcessName"),
	SLICE_INIT("x"), SLICE_INIT("Data"), SLICE_INIT("Message"), SLICE_INIT("Payload"),
	SLICE_INIT("ContextInfo"), SLICE_INIT("HostApplication"), SLICE_INIT("ConfigurationOption"),
	SLICE_INIT("OldValue"), SLICE_INIT("NewValue"), SLICE_INIT("MessageNumber"),
	SLICE_INIT("MessageTotal"), SLICE_INIT("Path"), SLICE_INIT("Signed"),
	SLICE_INIT("SourceImage"), SLICE_INIT("Initiated"), SLICE_INIT("PipeName") };
#define NAMES (sizeof(list) / sizeof(list[0]))

/* Reads all of it: a slice of freed memory is an error here. */
static void
valid(struct slice s)
{
	if (s.ptr != NULL)
		REQUIRE(utf8_valid(s) == s.len);
	else
		REQUIRE(s.len == 0);
}

static void
look_at(const struct wevent *event, struct slice record)
{
	for (unsigned int i = 0; i < F_MAX; i++) {
		valid(event->f[i]);
		REQUIRE(event->f[i].ptr == NULL || event->f[i].len > 0);
	}
	REQUIRE(event->more_count == NAMES);
	for (uint32_t i = 0; i < event->more_count; i++)
		valid(event->more[i]);
	valid(event->host);
	valid(event->raw);
	REQUIRE(event->raw.ptr == record.ptr && event->raw.len == record.len);
	REQUIRE(event->raw.len > 0 && event->raw.ptr[0] == '{');
	REQUIRE(event->event_id >= 0 && event->f[F_EventID].ptr != NULL);
	REQUIRE((unsigned int)event->layout < LAYOUT_MAX);
}

static const struct wevent_names *
names(void)
{
	static struct wevent_names *made;

	if (made == NULL)
		made = wevent_names_new(list, NAMES);
	REQUIRE(made != NULL);
	return made;
}

/* A number that depends on all that is found. */
static uint64_t
walk(struct slice bytes, struct arena *arena)
{
	const struct payload_limits limits = {
		.json_depth = 64, .json_keys = 1000, .names = names()
	};
	struct payload payload;
	struct wevent event;
	enum payload_result result;
	enum reason why = REASON_MAX;
	uint64_t hash = 0;
	size_t count = 0;

	payload_init(&payload, bytes, limits, arena);
	while ((result = payload_next(&payload, &event, &why)) != PAYLOAD_END) {
		/* Each result but the first takes a byte at least. */
		REQUIRE(count++ <= bytes.len);
		hash = hash * 31 + (uint64_t)result + payload.record.len;
		if (result == PAYLOAD_BAD) {
			REQUIRE((unsigned int)why < REASON_MAX && why != REASON_NO_MEMORY);
			hash = hash * 31 + (uint64_t)why;
			continue;
		}
		look_at(&event, payload.record);
		for (unsigned int i = 0; i < F_MAX; i++)
			hash = hash * 31 + event.f[i].len;
		for (uint32_t i = 0; i < event.more_count; i++)
			hash = hash * 31 + event.more[i].len;
	}
	REQUIRE(count > 0);
	REQUIRE(payload_next(&payload, &event, &why) == PAYLOAD_END);
	return hash;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char none[] = "";
	struct slice bytes = { size > 0 ? (const char *)data : none, size };
	struct arena *arena = arena_new(ARENA_LIMIT);
	uint64_t hash;

	if (arena == NULL)
		return 0;
	hash = walk(bytes, arena);
	arena_reset(arena);
	REQUIRE(walk(bytes, arena) == hash);
	arena_free(arena);
	return 0;
}
