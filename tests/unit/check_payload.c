/* Payloads to events: every sample of a real sender in tests/data/payload gives the fields written
 * down beside it; the inputs that break collectors give what they should; cut anywhere, a payload
 * gives only what was complete. */

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/envelope.h"
#include "parsers/payload.h"
#include "tests/unit/guard.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define ARENA_LIMIT ((size_t)64 << 20)
#define NOW INT64_C(1772359200000000) /* 2026-03-01T10:00:00Z */
#define SAMPLES_MAX 256

static const struct payload_limits limits = { .json_depth = 256, .json_keys = 10000 };

/* What rules name beside the canonical fields: for the samples. */
static const struct slice named[] = { SLICE_INIT("AccessMask"), SLICE_INIT("Archived"),
	SLICE_INIT("ConfigPath"), SLICE_INIT("Configuration"), SLICE_INIT("ConfigurationOption"),
	SLICE_INIT("ContextInfo"), SLICE_INIT("Data"), SLICE_INIT("DestinationIp"),
	SLICE_INIT("EditOperationType"), SLICE_INIT("EngineVersion"), SLICE_INIT("HostApplication"),
	SLICE_INIT("HostName"), SLICE_INIT("ImageLoaded"), SLICE_INIT("MessageNumber"),
	SLICE_INIT("MessageTotal"), SLICE_INIT("NewValue"), SLICE_INIT("OldValue"),
	SLICE_INIT("OperationType"), SLICE_INIT("Path"), SLICE_INIT("Payload"),
	SLICE_INIT("PipeName"), SLICE_INIT("QueryName"), SLICE_INIT("ScriptBlockId"),
	SLICE_INIT("Signature"), SLICE_INIT("Signed"), SLICE_INIT("SourceImage"),
	SLICE_INIT("TargetImage"), SLICE_INIT("param2") };
#define NAMED (sizeof(named) / sizeof(named[0]))
static struct wevent_names *names_of_rules;

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new(ARENA_LIMIT);
	ck_assert_ptr_nonnull(arena);
	names_of_rules = wevent_names_new(named, NAMED);
	ck_assert_ptr_nonnull(names_of_rules);
}

static void
teardown(void)
{
	wevent_names_free(names_of_rules);
	arena_free(arena);
}

/* Text that grows; what it holds is compared with what is expected. */
struct text {
	char bytes[262144];
	size_t len;
};

static struct text got;

static void
add(const char *bytes, size_t len)
{
	ck_assert_uint_lt(got.len + len, sizeof(got.bytes));
	memcpy(got.bytes + got.len, bytes, len);
	got.len += len;
	got.bytes[got.len] = '\0';
}

static void
add_text(const char *text)
{
	add(text, strlen(text));
}

/* Backslashes and control characters are written as in C. */
static void
add_escaped(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char escape[8];
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == '\\')
			add_text("\\\\");
		else if (c == '\n')
			add_text("\\n");
		else if (c == '\r')
			add_text("\\r");
		else if (c == '\t')
			add_text("\\t");
		else if (c < 0x20 || c == 0x7f)
			add(escape, (size_t)snprintf(escape, sizeof(escape), "\\x%02x", c));
		else
			add(&s.ptr[i], 1);
	}
}

static void
add_line(const char *name, struct slice value)
{
	add_text(name);
	add_text("=");
	add_escaped(value);
	add_text("\n");
}

static void
add_event(const struct wevent *event)
{
	char time[STAMP_TEXT_MAX] = "none";

	if (event->time != STAMP_NONE)
		(void)stamp_format(event->time, time);
	add_line("layout", slice_of(layout_name(event->layout)));
	add_line("host", event->host);
	add_line("time", slice_of(time));
	for (unsigned int i = 0; i < F_MAX; i++) {
		if (event->f[i].ptr != NULL)
			add_line(wevent_field_name((enum wevent_field)i), event->f[i]);
	}
	for (uint32_t i = 0; i < event->more_count; i++) {
		if (event->more[i].ptr != NULL)
			add_line(named[i].ptr, event->more[i]);
	}
}

static struct slice
read_file(const char *folder, const char *name)
{
	static char bytes[1 << 20];
	char path[4096];
	size_t len;
	FILE *file;

	ck_assert_int_lt(snprintf(path, sizeof(path), "%s/%s", folder, name), (int)sizeof(path));
	file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "%s", path);
	len = fread(bytes, 1, sizeof(bytes), file);
	ck_assert_uint_lt(len, sizeof(bytes));
	ck_assert_int_eq(fclose(file), 0);
	return (struct slice){ bytes, len };
}

static int
is_input(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 3 && strcmp(entry->d_name + len - 3, ".in") == 0;
}

#define PAYLOADS TEST_DATA "/payload"

static char samples[SAMPLES_MAX][256];

static int
list_samples(void)
{
	struct dirent **entries;
	int count = scandir(PAYLOADS, &entries, is_input, alphasort);

	for (int i = 0; i < count; i++) {
		if (i < SAMPLES_MAX)
			(void)snprintf(samples[i], sizeof(samples[i]), "%s", entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return count < SAMPLES_MAX ? count : SAMPLES_MAX;
}

/* The sample's payload as one datagram's, against an unreadable page. */
static struct slice
sample_payload(int i)
{
	struct slice message = slice_trim(read_file(PAYLOADS, samples[i]));
	struct envelope envelope;

	envelope_parse(message, NOW, &envelope);
	return guard_copy(envelope.payload);
}

START_TEST(samples_give_their_fields)
{
	struct slice bytes = sample_payload(_i), expected;
	struct payload_limits with = limits;
	struct payload payload;
	struct wevent event;
	enum reason why;
	char name[256];

	got.len = 0;
	with.names = names_of_rules;
	payload_init(&payload, bytes, with, arena);
	ck_assert_int_eq(payload_next(&payload, &event, &why), PAYLOAD_RECORD);
	ck_assert(!event.partial);
	ck_assert(!event.repaired);
	ck_assert_uint_eq(event.duplicate_keys, 0);
	add_event(&event);
	ck_assert_int_eq(payload_next(&payload, &event, &why), PAYLOAD_END);
	(void)snprintf(name, sizeof(name), "%.*s.out", (int)(strlen(samples[_i]) - 3), samples[_i]);
	expected = read_file(PAYLOADS, name);
	ck_assert_msg(slice_equal(expected, (struct slice){ got.bytes, got.len }),
		"%s: expected\n%.*s\ngot\n%s", samples[_i], (int)expected.len, expected.ptr,
		got.bytes);
	guard_free(bytes);
}
END_TEST

/* What a cut record says, the whole record says too. */
START_TEST(a_cut_record_holds_complete_values_only)
{
	struct slice bytes = sample_payload(_i), whole_copy = bytes;
	struct arena *whole_arena = arena_new(ARENA_LIMIT);
	struct payload_limits with = limits;
	struct payload payload;
	struct wevent whole, event;
	enum reason why;

	with.names = names_of_rules;
	payload_init(&payload, whole_copy, with, whole_arena);
	ck_assert_int_eq(payload_next(&payload, &whole, &why), PAYLOAD_RECORD);
	for (size_t len = 0; len < bytes.len; len++) {
		struct slice cut = guard_copy(slice_sub(bytes, 0, len));
		enum payload_result result;

		payload_init(&payload, cut, with, arena);
		result = payload_next(&payload, &event, &why);
		if (result == PAYLOAD_BAD) {
			ck_assert_int_eq(why, len == 0 ? REASON_EMPTY : REASON_JSON_TRUNCATED);
		} else {
			ck_assert_int_eq(result, PAYLOAD_RECORD);
			ck_assert(event.partial);
			for (unsigned int i = 0; i < F_MAX + NAMED; i++) {
				struct slice value = wevent_value(&event, i);

				if (value.ptr != NULL)
					ck_assert_msg(slice_equal(value, wevent_value(&whole, i)),
						"%s at %zu: %s is %.*s", samples[_i], len,
						i < F_MAX ? wevent_field_name(i)
							  : named[i - F_MAX].ptr,
						(int)value.len, value.ptr);
			}
		}
		ck_assert_int_eq(payload_next(&payload, &event, &why), PAYLOAD_END);
		arena_reset(arena);
		guard_free(cut);
	}
	arena_free(whole_arena);
	guard_free(bytes);
}
END_TEST

/* A record in few words: "1 web01 [image] [command line] [parent image]" and marks; a refusal:
 * "!reason". */
static void
add_summary(enum payload_result result, const struct wevent *event, enum reason why)
{
	static const enum wevent_field shown[] = { F_Image, F_CommandLine, F_ParentImage };
	char number[16];

	if (result == PAYLOAD_BAD) {
		add_text("!");
		add_text(reason_name(why));
		add_text("\n");
		return;
	}
	add(number, (size_t)snprintf(number, sizeof(number), "%d ", event->event_id));
	add_escaped(event->host);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		add_text(" [");
		add_escaped(event->f[shown[i]]);
		add_text("]");
	}
	if (event->partial)
		add_text(" partial");
	if (event->repaired)
		add_text(" repaired");
	if (event->duplicate_keys > 0)
		add(number,
			(size_t)snprintf(number, sizeof(number), " dup=%u", event->duplicate_keys));
	add_text("\n");
}

static void
summarize(struct slice message, struct payload_limits with)
{
	struct envelope envelope;
	struct payload payload;
	struct wevent event;
	enum payload_result result;
	enum reason why;

	got.len = 0;
	got.bytes[0] = '\0';
	envelope_parse(message, NOW, &envelope);
	payload_init(&payload, envelope.payload, with, arena);
	while ((result = payload_next(&payload, &event, &why)) != PAYLOAD_END)
		add_summary(result, &event, why);
	if (payload.trailing)
		add_text("trailing\n");
}

#define ID(id) "\"event_id\":" id ","
#define WINLOG(id, data)                                                                       \
	"{\"@timestamp\":\"2026-03-01T10:00:00.000Z\",\"winlog\":{"                            \
	"\"channel\":\"Microsoft-Windows-Sysmon/Operational\",\"computer_name\":\"WEB01\"," id \
	"\"event_data\":{" data "}}}"
#define CMD "\"Image\":\"C:\\\\cmd.exe\",\"CommandLine\":\"cmd.exe /c whoami\""
#define GOOD WINLOG(ID("1"), CMD)
#define SEEN "1 web01 [C:\\\\cmd.exe] [cmd.exe /c whoami] []"
#define LINE(bytes) WINLOG(ID("1"), "\"Image\":\"a\",\"CommandLine\":\"" bytes "\"")
#define SEEN_LINE(bytes) "1 web01 [a] [" bytes "] []"
#define HEADER "<14>1 2026-03-01T10:00:00Z WEB01 nxlog - - - "
#define BOM "\xef\xbb\xbf"
#define MARK "\xef\xbf\xbd"
#define FLAT(data)                                               \
	"{\"EventID\":1,\"Channel\":\"Microsoft-Windows-Sysmon/" \
	"Operational\",\"Hostname\":\"WEB01\"," data "}"

static const struct row {
	const char *name;
	struct slice message;
	const char *expected;
} rows[] = {
	{ "a byte order mark before the JSON of a syslog message", SLICE_INIT(HEADER BOM GOOD),
		SEEN "\n" },
	{ "a byte order mark before bare JSON", SLICE_INIT(BOM GOOD), SEEN "\n" },
	{ "the word BOM before the JSON", SLICE_INIT(HEADER "BOM" GOOD), SEEN "\n" },
	{ "a doubled byte order mark", SLICE_INIT(BOM BOM GOOD), SEEN "\n" },
	{ "text with braces before the JSON", SLICE_INIT("a {5770385F-C22A} {b: " GOOD),
		SEEN "\n" },
	{ "text in brackets before the JSON", SLICE_INIT("[2804]: " GOOD), SEEN "\n" },

	{ "Latin-1", SLICE_INIT(LINE("a \xe9 b")), SEEN_LINE("a " MARK " b") " repaired\n" },
	{ "a byte that no UTF-8 has", SLICE_INIT(LINE("a \xff b")),
		SEEN_LINE("a " MARK " b") " repaired\n" },
	{ "an overlong form", SLICE_INIT(LINE("a \xc0\xaf b")),
		SEEN_LINE("a " MARK MARK " b") " repaired\n" },
	{ "an encoded surrogate", SLICE_INIT(LINE("a \xed\xa0\x80 b")),
		SEEN_LINE("a " MARK MARK MARK " b") " repaired\n" },
	{ "half a sequence", SLICE_INIT(LINE("a \xe4\xb8 b")),
		SEEN_LINE("a " MARK " b") " repaired\n" },
	{ "good UTF-8 is left alone", SLICE_INIT(LINE("\xe2\x82\xac")),
		SEEN_LINE("\xe2\x82\xac") "\n" },

	{ "a high surrogate before an escaped A", SLICE_INIT(LINE("\\ud800\\u0041bc")),
		SEEN_LINE(MARK "Abc") " repaired\n" },
	{ "a low surrogate", SLICE_INIT(LINE("\\uDC00x")), SEEN_LINE(MARK "x") " repaired\n" },
	{ "a high surrogate before the quote", SLICE_INIT(LINE("x\\uD83D")),
		SEEN_LINE("x" MARK) " repaired\n" },
	{ "two high surrogates and a low one", SLICE_INIT(LINE("\\ud83d\\ud83d\\ude00")),
		SEEN_LINE(MARK "\xf0\x9f\x98\x80") " repaired\n" },
	{ "a pair", SLICE_INIT(LINE("\\ud83d\\ude00")), SEEN_LINE("\xf0\x9f\x98\x80") "\n" },
	{ "a path that looks like a surrogate", SLICE_INIT(LINE("C:\\\\udo\\\\ud800")),
		SEEN_LINE("C:\\\\udo\\\\ud800") "\n" },
	{ "a high surrogate before an escaped backslash", SLICE_INIT(LINE("\\ud800\\\\udc00")),
		SEEN_LINE(MARK "\\\\udc00") " repaired\n" },

	{ "a surrogate behind a stray quote", SLICE_INIT(GOOD " \" " LINE("\\ud800\\u0041bc")),
		SEEN " repaired\n" SEEN_LINE(MARK "Abc") " repaired\n" },

	{ "raw control characters in a string",
		SLICE_INIT(LINE("a\tb\nc\x01"
				"d\0e")),
		SEEN_LINE("a\\tb\\nc\\x01d\\x00e") " repaired\n" },
	{ "a NUL as an escape is data", SLICE_INIT(LINE("cmd\\u0000 /c whoami")),
		SEEN_LINE("cmd\\x00 /c whoami") "\n" },
	{ "line breaks between the tokens are no damage",
		SLICE_INIT("{\n\t\"EventID\": 1,\r\n\t\"Channel\": \"c\",\n\t\"Computer\": "
			   "\"h\"\n}\n"),
		"1 h [] [] []\n" },

	{ "an id as a string", SLICE_INIT(WINLOG(ID("\"1\""), CMD)), SEEN "\n" },
	{ "an id as a float", SLICE_INIT(WINLOG(ID("1.0"), CMD)), SEEN "\n" },
	{ "an id padded", SLICE_INIT(WINLOG(ID("\" 1\""), CMD)), SEEN "\n" },
	{ "an id only as event.code",
		SLICE_INIT("{\"event\":{\"code\":\"1\"},\"winlog\":{\"computer_name\":\"WEB01\","
			   "\"event_data\":{" CMD "}}}"),
		SEEN "\n" },
	{ "1x is no id", SLICE_INIT(WINLOG(ID("\"1x\""), CMD)), "!no_event_id\n" },
	{ "true is no id", SLICE_INIT(WINLOG(ID("true"), CMD)), "!no_event_id\n" },
	{ "1.5 is no id", SLICE_INIT(WINLOG(ID("1.5"), CMD)), "!no_event_id\n" },
	{ "1. is no id", SLICE_INIT(WINLOG(ID("\"1.\""), CMD)), "!no_event_id\n" },
	{ "-1 is no id", SLICE_INIT(WINLOG(ID("-1"), CMD)), "!no_event_id\n" },
	{ "2147483648 is no id", SLICE_INIT(WINLOG(ID("2147483648"), CMD)), "!no_event_id\n" },
	{ "no id", SLICE_INIT(WINLOG("", CMD)), "!no_event_id\n" },
	{ "an id as an object",
		SLICE_INIT("{\"Event\":{\"System\":{\"EventID\":{\"#attributes\":{\"Qualifiers\":"
			   "\"\"},"
			   "\"#text\":1},\"Computer\":\"WEB01\"},\"EventData\":{" CMD "}}}"),
		SEEN "\n" },

	{ "records in a row", SLICE_INIT(GOOD GOOD " " GOOD), SEEN "\n" SEEN "\n" SEEN "\n" },
	{ "an array of records", SLICE_INIT("[" GOOD ", " GOOD "]"), SEEN "\n" SEEN "\n" },
	{ "blanks that only yajl takes for some", SLICE_INIT("[\f" GOOD ",\v" GOOD "]"),
		SEEN "\n" SEEN "\n" },
	{ "arrays and records in a row", SLICE_INIT("[" GOOD "]" GOOD "[" GOOD "]"),
		SEEN "\n" SEEN "\n" SEEN "\n" },
	{ "values among the records of an array",
		SLICE_INIT("[\"a{\"," GOOD ",1,null,[{}]," GOOD "]"),
		"!json_scalar\n" SEEN "\n!json_scalar\n!json_scalar\n!json_scalar\n" SEEN "\n" },
	{ "an unusable record between good ones", SLICE_INIT(GOOD "{\"a\":1}" GOOD),
		SEEN "\n!unknown_layout\n" SEEN "\n" },
	{ "a syntax error gives up what follows", SLICE_INIT(GOOD "{\"a\":}" GOOD),
		SEEN "\n!json_syntax\n" },
	{ "text behind a record", SLICE_INIT(GOOD " and so on"), SEEN "\ntrailing\n" },
	{ "text between records", SLICE_INIT(GOOD " and " GOOD), SEEN "\n" SEEN "\n" },

	{ "a field twice: the last counts", SLICE_INIT(LINE("x\",\"CommandLine\":\"y")),
		SEEN_LINE("y") " dup=1\n" },
	{ "a field twice, the second time null",
		SLICE_INIT(LINE("x\",\"CommandLine\":null,\"z\":\"")), SEEN_LINE("") " dup=1\n" },
	{ "a field twice, the second time an object",
		SLICE_INIT(LINE("x\",\"CommandLine\":{\"a\":1},\"z\":\"")),
		SEEN_LINE("") " dup=1\n" },
	{ "event data twice: the later object counts, whole",
		SLICE_INIT(
			"{\"winlog\":{\"computer_name\":\"h\",\"event_id\":1,\"event_data\":{" CMD
			"},\"event_data\":{\"Image\":\"b\"}}}"),
		"1 h [b] [] [] dup=1\n" },
	{ "a field twice, the second time text in an object",
		SLICE_INIT(LINE("x\",\"CommandLine\":{\"#text\":\"y\"},\"z\":\"")),
		SEEN_LINE("y") " dup=1\n" },
	{ "text twice in an object",
		SLICE_INIT(WINLOG(ID("1"), "\"Image\":{\"#text\":\"a\",\"#text\":\"b\"}")),
		"1 web01 [b] [] [] dup=1\n" },
	{ "winlog twice",
		SLICE_INIT("{\"winlog\":{\"event_id\":1,\"event_data\":{" CMD "}},"
			   "\"winlog\":{\"event_id\":5,\"computer_name\":\"h\"}}"),
		"5 h [] [] [] dup=1\n" },
	{ "an unwanted field twice is not counted", SLICE_INIT(LINE("x\",\"z\":1,\"z\":\"")),
		SEEN_LINE("x") "\n" },
	{ "a key with escapes", SLICE_INIT(WINLOG(ID("1"), "\"\\u0049mage\":\"a\"")),
		"1 web01 [a] [] []\n" },
	{ "keys are case-sensitive", SLICE_INIT(WINLOG(ID("1"), "\"image\":\"a\",\"IMAGE\":\"a\"")),
		"1 web01 [] [] []\n" },

	{ "a flattened document",
		SLICE_INIT("{\"winlog.event_id\":1,\"winlog.computer_name\":\"WEB01\","
			   "\"winlog.event_data.Image\":\"C:\\\\cmd.exe\","
			   "\"winlog.event_data.CommandLine\":\"cmd.exe /c whoami\"}"),
		SEEN "\n" },
	{ "a nested object beats dotted keys before it",
		SLICE_INIT("{\"winlog.event_data.Image\":\"evil\","
			   "\"winlog.event_id\":5,"
			   "\"winlog\":{"
			   "\"computer_name\":\"h\",\"event_id\":1,\"event_data\":{}}}"),
		"1 h [] [] []\n" },
	{ "a nested object beats dotted keys behind it",
		SLICE_INIT("{\"winlog\":{\"computer_name\":\"h\",\"event_id\":1,\"event_data\":{}},"
			   "\"winlog.event_data.Image\":\"evil\",\"winlog.event_id\":5}"),
		"1 h [] [] []\n" },
	{ "a dotted key inside an object is no path",
		SLICE_INIT(
			"{\"winlog\":{\"computer_name\":\"h\",\"event_id\":1,"
			"\"event_data.Image\":\"evil\",\"event_data\":{\"CommandLine\":\"x\"}}}"),
		"1 h [] [x] []\n" },
	{ "dots that lead nowhere",
		SLICE_INIT("{\".\":1,\"..\":2,\"winlog.\":3,\"a.b\":4,\"EventID\":1,\"Channel\":"
			   "\"c\"}"),
		"1  [] [] []\n" },

	{ "the first scalar of an array counts",
		SLICE_INIT(WINLOG(
			ID("[1,2]"), "\"Image\":[{\"x\":1},[2],\"a\",\"b\"],\"CommandLine\":[]")),
		"1 web01 [a] [] []\n" },
	{ "an object in an array is dead",
		SLICE_INIT("{\"winlog\":[{\"event_id\":1}],\"EventID\":1,\"Channel\":\"c\"}"),
		"1  [] [] []\n" },
	{ "numbers are text", SLICE_INIT(WINLOG(ID("1"), "\"Image\":1e5,\"CommandLine\":-0.50")),
		"1 web01 [1e5] [-0.50] []\n" },
	{ "booleans are text", SLICE_INIT(WINLOG(ID("1"), "\"Image\":true,\"CommandLine\":false")),
		"1 web01 [true] [false] []\n" },

	{ "cut in a string",
		SLICE_INIT(HEADER
			"{\"winlog\":{\"computer_name\":\"WEB01\",\"event_id\":1,\"event_data\":{"
			"\"Image\":\"C:\\\\cmd.exe\",\"CommandLine\":\"powershell.exe -enc AAAA"),
		"1 web01 [C:\\\\cmd.exe] [] [] partial\n" },
	{ "cut in a number", SLICE_INIT("{\"winlog\":{\"computer_name\":\"WEB01\",\"event_id\":1"),
		"!json_truncated\n" },
	{ "cut in an array of records",
		SLICE_INIT("[" GOOD ","
			   "{\"winlog\":{\"event_id\":1,"),
		SEEN "\n1  [] [] [] partial\n" },
	{ "cut before any layout", SLICE_INIT("{\"a\":\"b\",\"c"), "!json_truncated\n" },
	{ "cut behind the brace", SLICE_INIT("{"), "!json_truncated\n" },

	{ "rsyslog's line breaks",
		SLICE_INIT("{#012  \"EventID\": 1,#012#011\"Channel\": \"c\",#015#012  "
			   "\"Computer\": \"h\","
			   "\"Image\":\"a#012b\"#012}"),
		"1 h [a#012b] [] []\n" },
	{ "rsyslog's line breaks behind many escapes",
		SLICE_INIT("{\"EventID\":1,\"Channel\":"
			   "\"\\u0041\\u0041\\u0041\\u0041\\u0041\\u0041\",\"Image\":"
			   "\"\\na\\nb\\nc\\nd\\ne\\nf\\ng\\nh\\ni\\nj\\nk\\nl\",#012\"Image\":"
			   "\"x\"}"),
		"1  [x] [] [] dup=1\n" },
	{ "escapes of rsyslog around the comma of an array",
		SLICE_INIT("[{\"EventID\":1,\"Channel\":\"c\",\"Computer\":\"h\"}#012,#012"
			   "{\"EventID\":2,\"Channel\":\"c\",\"Computer\":\"h\"}#012]"),
		"1 h [] [] []\n2 h [] [] []\n" },
	{ "a brace behind the record", SLICE_INIT(GOOD " x {"), SEEN "\ntrailing\n" },
	{ "what ends a line is no text", SLICE_INIT(GOOD ",#015#012"), SEEN "\n" },
	{ "what ends an array is no text", SLICE_INIT("[" GOOD "] \r"), SEEN "\n" },
	{ "a stray # is still an error", SLICE_INIT("{#012  \"EventID\": #1}"), "!json_syntax\n" },

	{ "nothing", SLICE_INIT(""), "!empty\n" },
	{ "blanks", SLICE_INIT(" \r\n\t"), "!empty\n" },
	{ "text", SLICE_INIT("2026-03-01,10:00:00,app started"), "!no_record\n" },
	{ "text with a brace", SLICE_INIT("if (a) { b; }"), "!no_record\n" },
	{ "a string", SLICE_INIT("\"text\""), "!json_scalar\n" },
	{ "a number", SLICE_INIT("42"), "!json_scalar\n" },
	{ "null", SLICE_INIT("null"), "!json_scalar\n" },
	{ "an array of numbers", SLICE_INIT("[1, 2]"), "!json_scalar\n" },
	{ "an empty array", SLICE_INIT("[]"), "!json_scalar\n" },
	{ "an object without anything", SLICE_INIT("{}"), "!unknown_layout\n" },
	{ "no quotes", SLICE_INIT("{EventID:1}"), "!json_syntax\n" },
	{ "a trailing comma", SLICE_INIT("{\"EventID\":1,}"), "!json_syntax\n" },
	{ "a bracket too many", SLICE_INIT("{\"EventID\":1]"), "!json_syntax\n" },
	{ "winlog without an object", SLICE_INIT("{\"winlog\":null,\"event_id\":1}"),
		"!unknown_layout\n" },
	{ "winlog is null in a flat record",
		SLICE_INIT("{\"winlog\":null,\"EventID\":1,\"Channel\":\"c\"}"), "1  [] [] []\n" },
	{ "no computer", SLICE_INIT("{\"winlog\":{\"event_id\":1},\"agent\":{\"name\":\"x\"}}"),
		"1  [] [] []\n" },
	{ "dots behind the computer's name",
		SLICE_INIT("{\"winlog\":{\"event_id\":1,\"computer_name\":\"Web01.Corp..\"}}"),
		"1 web01.corp [] [] []\n" },
	{ "\"-\" and \"\" are absent",
		SLICE_INIT(WINLOG(ID("1"), "\"Image\":\"-\",\"CommandLine\":\"\"")),
		"1 web01 [] [] []\n" },
};

START_TEST(gives_records)
{
	const struct row *row = &rows[_i];
	struct slice message = guard_copy(row->message);

	summarize(message, limits);
	ck_assert_msg(strcmp(got.bytes, row->expected) == 0, "%s: expected\n%sgot\n%s", row->name,
		row->expected, got.bytes);
	guard_free(message);
}
END_TEST

START_TEST(never_reads_past_a_cut)
{
	for (size_t len = 0; len < rows[_i].message.len; len++) {
		struct slice message = guard_copy(slice_sub(rows[_i].message, 0, len));

		summarize(message, limits);
		arena_reset(arena);
		guard_free(message);
	}
}
END_TEST

/* One field of a record. */
static const struct field_row {
	const char *name;
	const char *json;
	enum wevent_field field;
	const char *value; /* NULL: absent */
} field_rows[] = {
#define NXLOG(data)                                                            \
	"{\"EventID\":1,\"SourceModuleName\":\"eventlog\",\"Hostname\":\"h\"," \
	"\"SourceName\":\"Microsoft-Windows-Sysmon\"," data "}"
#define ECS(id, data)                                                           \
	"{\"event\":{\"code\":\"" id "\"},\"winlog\":{\"computer_name\":\"h\"," \
	"\"provider_name\":\"Microsoft-Windows-Sysmon\"},"                      \
	"\"@timestamp\":\"2026-03-01T10:00:00.123Z\","                          \
	"\"process\":{\"executable\":\"C:\\\\a.exe\"}," data "}"
	{ "NXLog: ProcessId beside ExecutionProcessID is the event's",
		NXLOG("\"ExecutionProcessID\":2804,\"ProcessId\":\"6196\""), F_ProcessId, "6196" },
	{ "NXLog: ProcessID is the logger's", NXLOG("\"ProcessID\":2804"), F_ProcessId, NULL },
	{ "NXLog: ExecutionProcessID is the logger's", NXLOG("\"ExecutionProcessID\":2804"),
		F_ProcessId, NULL },
	{ "NXLog: then the message tells",
		NXLOG("\"ProcessID\":2804,\"Message\":\"Process Create:\\r\\nProcessId: 2964\\r\\n"
		      "Image: a\""),
		F_ProcessId, "2964" },
	{ "NXLog: a field that is there is not taken from the message",
		NXLOG("\"Image\":\"b\",\"Message\":\"Process Create:\\r\\nProcessId: 1\\r\\nImage: "
		      "a\""),
		F_Image, "b" },
	{ "NXLog: accounts are the logger's",
		NXLOG("\"UserID\":\"S-1-5-18\",\"AccountName\":\"SYSTEM\",\"Domain\":\"NT "
		      "AUTHORITY\""),
		F_User, NULL },
	{ "NXLog: its own EventType", NXLOG("\"EventType\":\"INFO\""), F_EventType, NULL },
	{ "NXLog: Sysmon's EventType", NXLOG("\"EventType\":\"SetValue\""), F_EventType,
		"SetValue" },
	{ "NXLog: the relay's host", NXLOG("\"host\":\"relay\""), F_Computer, "h" },
	{ "the channel of Sysmon from its provider", NXLOG("\"a\":1"), F_Channel,
		"Microsoft-Windows-Sysmon/Operational" },
	{ "the channel of Sysmon for Linux from its provider",
		"{\"winlog\":{\"event_id\":1,\"provider_name\":\"Linux-Sysmon\"}}", F_Channel,
		"Linux-Sysmon/Operational" },
	{ "no channel from another provider",
		"{\"winlog\":{\"event_id\":1,\"provider_name\":\"MSExchange Management\"}}",
		F_Channel, NULL },
	{ "a channel stays as received", "{\"winlog\":{\"event_id\":1,\"channel\":\"SECURITY\"}}",
		F_Channel, "SECURITY" },
	{ "the id in plain decimal", "{\"winlog\":{\"event_id\":\" 01.0 \"}}", F_EventID, "1" },
	{ "Winlogbeat 6: process_id is the logger's",
		"{\"event_id\":1,\"log_name\":\"c\",\"process_id\":5,\"user\":{\"name\":\"SYSTEM\"}"
		","
		"\"event_data\":{}}",
		F_ProcessId, NULL },
	{ "Winlogbeat 6: user is the logger's",
		"{\"event_id\":1,\"log_name\":\"c\",\"user\":{\"name\":\"SYSTEM\",\"domain\":"
		"\"NT\"},"
		"\"event_data\":{}}",
		F_User, NULL },
	{ "Winlogbeat 6: host.name is the collector's",
		"{\"event_id\":1,\"log_name\":\"c\",\"host\":{\"name\":\"WEC1\"},\"event_data\":{}"
		"}",
		F_Computer, NULL },
	{ "Winlogbeat 8: computer_name before host.name",
		"{\"host\":{\"name\":\"x\"},\"winlog\":{\"event_id\":1,\"computer_name\":\"h\"}}",
		F_Computer, "h" },
	{ "Winlogbeat 8: host.name for want of better",
		"{\"host\":{\"name\":\"x\"},\"winlog\":{\"event_id\":1}}", F_Computer, "x" },
	{ "Winlogbeat 8: the message is not read",
		"{\"message\":\"Image: a\",\"Message\":\"Image: a\",\"winlog\":{\"event_id\":1,"
		"\"channel\":\"Microsoft-Windows-Sysmon/Operational\"}}",
		F_Image, NULL },
	{ "Splunk's names", "{\"EventCode\":\"11\",\"Channel\":\"c\",\"host\":\"web01\"}",
		F_Computer, "web01" },
	{ "host without them is the relay",
		"{\"EventID\":\"11\",\"Channel\":\"c\",\"host\":\"web01\"}", F_Computer, NULL },
	{ "\"(Empty)\" is a value", WINLOG(ID("13"), "\"Details\":\"(Empty)\""), F_Details,
		"(Empty)" },
	{ "empty details are absent", WINLOG(ID("13"), "\"Details\":\"\""), F_Details, NULL },
	{ "the zero GUID is absent",
		WINLOG(ID("1"), "\"ParentProcessGuid\":\"{00000000-0000-0000-0000-000000000000}\""),
		F_ParentProcessGuid, NULL },
	{ "the zero GUID without braces is absent",
		WINLOG(ID("1"), "\"ParentProcessGuid\":\"00000000-0000-0000-0000-000000000000\""),
		F_ParentProcessGuid, NULL },
	{ "a padded LogonId", WINLOG(ID("1"), "\"LogonId\":\"0x00000000000003E7\""), F_LogonId,
		"0x3e7" },
	{ "a Linux LogonId", WINLOG(ID("1"), "\"LogonId\":\"1000\""), F_LogonId, "1000" },
	{ "Hash of old Sysmon", WINLOG(ID("1"), "\"Hash\":\"SHA1=0A\""), F_Hashes, "SHA1=0A" },

	{ "ECS: user of both parts", ECS("1", "\"user\":{\"domain\":\"D\",\"name\":\"N\"}"), F_User,
		"D\\N" },
	{ "ECS: a name alone is the logger's", ECS("1", "\"user\":{\"name\":\"SYSTEM\"}"), F_User,
		NULL },
	{ "ECS: an id alone is the logger's", ECS("1", "\"user\":{\"id\":\"S-1-5-18\"}"), F_User,
		NULL },
	{ "ECS: UtcTime from the record's", ECS("1", "\"a\":1"), F_UtcTime,
		"2026-03-01 10:00:00.123" },
	{ "ECS: Image", ECS("1", "\"a\":1"), F_Image, "C:\\a.exe" },
	{ "ECS: a file", ECS("11", "\"file\":{\"path\":\"C:\\\\b.aspx\"}"), F_TargetFilename,
		"C:\\b.aspx" },
	{ "ECS: an image that was loaded is no file written",
		ECS("7", "\"file\":{\"path\":\"C:\\\\b.dll\"}"), F_TargetFilename, NULL },
	{ "ECS: a file's hashes",
		ECS("29", "\"file\":{\"pe\":{\"imphash\":\"ff\"},\"hash\":{\"sha256\":\"0b\","
			  "\"md5\":\"0a\"}}"),
		F_Hashes, "MD5=0A,SHA256=0B,IMPHASH=FF" },
	{ "ECS: a DLL's hashes", ECS("7", "\"dll\":{\"hash\":{\"sha1\":\"0c\"}}"), F_Hashes,
		"SHA1=0C" },
	{ "ECS: a DLL's company", ECS("7", "\"dll\":{\"pe\":{\"company\":\"c\"}}"), F_Company,
		"c" },
	{ "ECS: a process' version",
		ECS("1", "\"process\":{\"pe\":{\"file_version\":\"1.2\"},"
			 "\"executable\":\"a\"}"),
		F_FileVersion, "1.2" },
	{ "ECS: the source of an access is not Image", ECS("10", "\"a\":1"), F_Image, NULL },
	{ "ECS: nor is what a script belongs to",
		"{\"event\":{\"code\":\"4103\"},\"powershell\":{},\"process\":{\"executable\":"
		"\"a\"},"
		"\"winlog\":{}}",
		F_Image, NULL },
	{ "ECS: a script is no file written",
		"{\"event\":{\"code\":\"4104\",\"provider\":\"Microsoft-Windows-PowerShell\"},"
		"\"file\":{\"path\":"
		"\"a\"},\"winlog\":{}}",
		F_TargetFilename, NULL },
	{ "ECS: a script block",
		"{\"event\":{\"code\":\"4104\"},\"powershell\":{\"file\":{\"script_block_text\":"
		"\"t\"}},"
		"\"winlog\":{}}",
		F_ScriptBlockText, "t" },
	{ "ECS: DWORD",
		ECS("13", "\"registry\":{\"data\":{\"strings\":[\"26\"],\"type\":\"SZ_DWORD\"}}"),
		F_Details, "DWORD (0x0000001a)" },
	{ "ECS: QWORD",
		ECS("13", "\"registry\":{\"data\":{\"strings\":[\"5\"],\"type\":\"SZ_QWORD\"}}"),
		F_Details, "QWORD (0x00000000-0x00000005)" },
	{ "ECS: a large QWORD can't be known",
		ECS("13", "\"registry\":{\"data\":{\"strings\":[\"4294967296\"],\"type\":\"SZ_"
			  "QWORD\"}}"),
		F_Details, NULL },
	{ "ECS: binary", ECS("13", "\"registry\":{\"data\":{\"type\":\"REG_BINARY\"}}"), F_Details,
		"Binary Data" },
	{ "ECS: a string",
		ECS("13", "\"registry\":{\"data\":{\"strings\":[\"C:\\\\x.dll\",\"y\"],\"type\":"
			  "\"REG_SZ\"}}"),
		F_Details, "C:\\x.dll" },

#define AUDIT(id, data)                                                      \
	"{\"winlog\":{\"channel\":\"Security\",\"computer_name\":\"WEB01\"," \
	"\"event_id\":" id ",\"event_data\":{" data "}}}"
#define CREATED(more)                                                                  \
	AUDIT("4688", "\"SubjectUserName\":\"WEB01$\",\"NewProcessId\":\"0x1a3c\","    \
		      "\"NewProcessName\":\"C:\\\\cmd.exe\",\"ProcessId\":\"0x11ec\"," \
		      "\"CommandLine\":\"\"" more)
	{ "4688: NewProcessId is the process", CREATED(""), F_ProcessId, "6716" },
	{ "4688: ProcessId is the creator", CREATED(""), F_ParentProcessId, "4588" },
	{ "4688: Image", CREATED(""), F_Image, "C:\\cmd.exe" },
	{ "4688: an empty command line", CREATED(""), F_CommandLine, NULL },
	{ "4688: no parent before version 2", CREATED(""), F_ParentImage, NULL },
	{ "4688: the parent", CREATED(",\"ParentProcessName\":\"C:\\\\w3wp.exe\""), F_ParentImage,
		"C:\\w3wp.exe" },
	{ "4688 keeps its id", CREATED(""), F_EventID, "4688" },
	{ "4688 of another channel is something else",
		"{\"winlog\":{\"channel\":\"System\",\"event_id\":4688,\"event_data\":{"
		"\"ProcessId\":\"0x10\"}}}",
		F_ProcessId, "0x10" },
	{ "4688 in Elastic's schema",
		"{\"event\":{\"code\":\"4688\"},\"process\":{\"executable\":\"C:\\\\a.exe\","
		"\"pid\":6716,"
		"\"parent\":{\"executable\":\"C:\\\\b.exe\"}},\"winlog\":{\"channel\":\"Security\"}"
		"}",
		F_ProcessId, "6716" },
};

START_TEST(gives_fields)
{
	const struct field_row *row = &field_rows[_i];
	struct slice bytes = guard_copy(slice_of(row->json)), value;
	struct payload payload;
	struct wevent event;
	enum reason why;

	payload_init(&payload, bytes, limits, arena);
	ck_assert_msg(payload_next(&payload, &event, &why) == PAYLOAD_RECORD, "%s", row->name);
	value = event.f[row->field];
	if (row->value == NULL)
		ck_assert_msg(value.ptr == NULL, "%s: %.*s", row->name, (int)value.len, value.ptr);
	else
		ck_assert_msg(value.ptr != NULL && slice_equal(value, slice_of(row->value)),
			"%s: %.*s", row->name, (int)value.len, value.ptr == NULL ? "" : value.ptr);
	guard_free(bytes);
}
END_TEST

/* One field of a record that only rules name. */
#define WINLOG_DATA(name, value) \
	"{\"winlog\":{\"event_id\":1,\"event_data\":{\"" name "\":\"" value "\"}}}"
#define ZERO_GUID "{00000000-0000-0000-0000-000000000000}"
static const struct rule_row {
	const char *name;
	const char *json;
	const char *field;
	const char *value; /* NULL: absent */
} rule_rows[] = {
#define PROCESS                                                                                    \
	"\"process\":{\"entity_id\":\"{E}\",\"executable\":\"C:\\\\a.exe\",\"pid\":7,\"thread\":{" \
	"\"id\":9}}"
#define NETWORK                                                                                    \
	"\"network\":{\"transport\":\"tcp\",\"protocol\":\"https\",\"direction\":\"egress\","      \
	"\"type\":\"ipv4\"},\"source\":{\"ip\":\"10.0.0.1\",\"domain\":\"h.corp\",\"port\":50000}" \
	","                                                                                        \
	"\"destination\":{\"ip\":\"192.0.2.1\",\"domain\":\"x.example\",\"port\":443}"
#define SIGNED(of)                                                                           \
	"\"" of                                                                              \
	"\":{\"path\":\"C:\\\\b.dll\",\"code_signature\":{\"signed\":true,\"subject_name\":" \
	"\"Microsoft "                                                                       \
	"Windows\",\"status\":\"Valid\"},\"hash\":{\"md5\":\"0a\"},\"pe\":{\"company\":\"c\"}}"
	{ "ECS 3: DestinationIp", ECS("3", NETWORK), "DestinationIp", "192.0.2.1" },
	{ "ECS 3: DestinationHostname", ECS("3", NETWORK), "DestinationHostname", "x.example" },
	{ "ECS 3: DestinationPort", ECS("3", NETWORK), "DestinationPort", "443" },
	{ "ECS 3: DestinationPortName", ECS("3", NETWORK), "DestinationPortName", "https" },
	{ "ECS 3: DestinationIsIpv6", ECS("3", NETWORK), "DestinationIsIpv6", "false" },
	{ "ECS 3: SourceIp", ECS("3", NETWORK), "SourceIp", "10.0.0.1" },
	{ "ECS 3: SourceHostname", ECS("3", NETWORK), "SourceHostname", "h.corp" },
	{ "ECS 3: SourcePort", ECS("3", NETWORK), "SourcePort", "50000" },
	{ "ECS 3: Protocol", ECS("3", NETWORK), "Protocol", "tcp" },
	{ "ECS 3: Initiated", ECS("3", NETWORK), "Initiated", "true" },
	{ "ECS 3: not initiated", ECS("3", "\"network\":{\"direction\":\"ingress\"}"), "Initiated",
		"false" },
	{ "ECS 3: another word", ECS("3", "\"network\":{\"direction\":\"internal\"}"), "Initiated",
		"internal" },
	{ "ECS 22 has no connection", ECS("22", NETWORK), "DestinationIp", NULL },
	{ "ECS 6: a driver", ECS("6", SIGNED("file")), "ImageLoaded", "C:\\b.dll" },
	{ "ECS 7: an image", ECS("7", SIGNED("file")), "ImageLoaded", "C:\\b.dll" },
	{ "ECS 7: a DLL", ECS("7", SIGNED("dll")), "ImageLoaded", "C:\\b.dll" },
	{ "ECS 7: a DLL alone",
		"{\"event\":{\"code\":\"7\",\"provider\":\"Microsoft-Windows-Sysmon\"},\"winlog\":{"
		"}," SIGNED("dll") "}",
		"ImageLoaded", "C:\\b.dll" },
	{ "ECS 7: Signed", ECS("7", SIGNED("file")), "Signed", "true" },
	{ "ECS 7: a DLL's Signed", ECS("7", SIGNED("dll")), "Signed", "true" },
	{ "ECS 7: Signature", ECS("7", SIGNED("file")), "Signature", "Microsoft Windows" },
	{ "ECS 7: a DLL's SignatureStatus", ECS("7", SIGNED("dll")), "SignatureStatus", "Valid" },
	{ "ECS 11: a file is no image", ECS("11", SIGNED("file")), "ImageLoaded", NULL },
	{ "ECS 8: SourceImage", ECS("8", PROCESS), "SourceImage", "C:\\a.exe" },
	{ "ECS 8: SourceProcessGuid", ECS("8", PROCESS), "SourceProcessGuid", "{E}" },
	{ "ECS 10: SourceProcessGUID", ECS("10", PROCESS), "SourceProcessGUID", "{E}" },
	{ "ECS 10: SourceProcessId", ECS("10", PROCESS), "SourceProcessId", "7" },
	{ "ECS 10: SourceThreadId", ECS("10", PROCESS), "SourceThreadId", "9" },
	{ "ECS 1 has no other process", ECS("1", PROCESS), "SourceImage", NULL },
	{ "ECS 9: Device", ECS("9", "\"file\":{\"path\":\"\\\\Device\\\\x\"}"), "Device",
		"\\Device\\x" },
	{ "ECS 15: Hash", ECS("15", "\"file\":{\"hash\":{\"md5\":\"0a\"}}"), "Hash", "MD5=0A" },
	{ "ECS 17: PipeName", ECS("17", "\"file\":{\"name\":\"\\\\pipe\"}"), "PipeName", "\\pipe" },
	{ "ECS 20: Destination", ECS("20", PROCESS), "Destination", "C:\\a.exe" },
	{ "ECS 22: QueryName", ECS("22", "\"dns\":{\"question\":{\"name\":\"x.example\"}}"),
		"QueryName", "x.example" },
	{ "ECS 22: QueryStatus", ECS("22", "\"sysmon\":{\"dns\":{\"status\":\"SUCCESS\"}}"),
		"QueryStatus", "0" },
	{ "ECS 23: Archived", ECS("23", "\"sysmon\":{\"file\":{\"archived\":true}}"), "Archived",
		"true" },
	{ "ECS 23: IsExecutable", ECS("23", "\"sysmon\":{\"file\":{\"is_executable\":false}}"),
		"IsExecutable", "false" },
	{ "ECS 25: Type", ECS("25", "\"message\":\"Image is replaced\""), "Type",
		"Image is replaced" },
	{ "ECS: event data first",
		"{\"event\":{\"code\":\"7\",\"provider\":\"Microsoft-Windows-Sysmon\"},"
		"\"winlog\":{\"event_data\":{\"Signed\":\"false\"}}," SIGNED("file") "}",
		"Signed", "false" },
	{ "ECS of another provider",
		"{\"event\":{\"code\":\"7\",\"provider\":\"x\"},\"winlog\":{}," SIGNED("file") "}",
		"ImageLoaded", NULL },
#define SCRIPT                                                                                    \
	"{\"event\":{\"code\":\"4104\",\"provider\":\"Microsoft-Windows-PowerShell\"},\"file\":{" \
	"\"path\":"                                                                               \
	"\"C:\\\\x.ps1\"},\"powershell\":{\"file\":{\"script_block_id\":\"i\",\"script_block_"    \
	"text\":\"t\"},"                                                                          \
	"\"sequence\":1,\"total\":2},\"winlog\":{\"channel\":\"Microsoft-Windows-PowerShell/"     \
	"Operational\"}}"
	{ "ECS 4104: ScriptBlockId", SCRIPT, "ScriptBlockId", "i" },
	{ "ECS 4104: Path", SCRIPT, "Path", "C:\\x.ps1" },
	{ "ECS 4104: MessageNumber", SCRIPT, "MessageNumber", "1" },
	{ "ECS 4104: MessageTotal", SCRIPT, "MessageTotal", "2" },
	{ "ECS 800: Data is the message",
		"{\"event\":{\"code\":\"800\"},\"message\":\"m\\n\\tHostApplication=p\","
		"\"powershell\":{},"
		"\"winlog\":{\"channel\":\"Windows PowerShell\"}}",
		"Data", "m\n\tHostApplication=p" },
	{ "ECS 800: HostApplication",
		"{\"event\":{\"code\":\"800\"},\"powershell\":{},\"process\":{\"command_line\":\"p "
		"-c x\"},"
		"\"winlog\":{\"channel\":\"Windows PowerShell\"}}",
		"HostApplication", "p -c x" },

	{ "Winlogbeat 6: Message", "{\"event_id\":1,\"log_name\":\"c\",\"message\":\"m\"}",
		"Message", "m" },
	{ "Winlogbeat 8: Message", "{\"message\":\"m\",\"winlog\":{\"event_id\":1}}", "Message",
		"m" },
	{ "NXLog: Message", NXLOG("\"Message\":\"m\""), "Message", "m" },
	{ "flat: Message", FLAT("\"Message\":\"m\""), "Message", "m" },
	{ "evtx_dump: Message",
		"{\"Event\":{\"System\":{\"EventID\":1},\"RenderingInfo\":{\"Message\":\"m\"}}}",
		"Message", "m" },
	{ "no Message", "{\"winlog\":{\"event_id\":1}}", "Message", NULL },
	{ "a dash is a value", WINLOG_DATA("WorkstationName", "-"), "WorkstationName", "-" },
	{ "a dash of a field with a node", WINLOG_DATA("SubjectUserName", "-"), "SubjectUserName",
		"-" },
	{ "no identity is a value", WINLOG_DATA("TargetLogonGuid", ZERO_GUID), "TargetLogonGuid",
		ZERO_GUID },
	{ "an empty field is none", WINLOG_DATA("WorkstationName", ""), "WorkstationName", NULL },
	{ "SourceName is Provider_Name", NXLOG("\"x\":1"), "SourceName",
		"Microsoft-Windows-Sysmon" },
#define EVTX(system, more) \
	"{\"Event\":{\"System\":{\"EventID\":1,\"Channel\":\"Application\"" system "}," more "}}"
	{ "a name with blanks",
		EVTX("", "\"EventData\":{\"Source Name\":\"Real-Time Protection\"}"), "SourceName",
		"Real-Time Protection" },
	{ "a name with blanks that has a place", EVTX("", "\"EventData\":{\"Process Name\":\"a\"}"),
		"ProcessName", "a" },
	{ "a blank for a line", EVTX("", "\"EventData\":{\"Feature Name\":\"%%886\"}"),
		"Feature_Name", "%%886" },
	{ "blanks alone", EVTX("", "\"EventData\":{\"  \":\"a\",\" b \":\"c\"}"), "b", "c" },
	{ "evtx_dump: Level", EVTX(",\"Level\":4", "\"EventData\":null"), "Level", "4" },
	{ "evtx_dump: Keywords", EVTX(",\"Keywords\":\"0x80\"", "\"EventData\":null"), "Keywords",
		"0x80" },
	{ "evtx_dump: the message", EVTX("", "\"RenderingInfo\":{\"Message\":\"m\"}"), "Data",
		"m" },
	{ "evtx_dump: a string", EVTX("", "\"EventData\":{\"Data\":\"a\"}"), "Data", "a" },
	{ "evtx_dump: a string in an object",
		EVTX("", "\"EventData\":{\"Data\":{\"#text\":\"a\"}}"), "Data", "a" },
	{ "evtx_dump: a list", EVTX("", "\"EventData\":{\"Data\":[\"a\",\"b\"]}"), "Data", "a\nb" },
	{ "evtx_dump: a list in an object",
		EVTX("", "\"EventData\":{\"#attributes\":{\"Name\":\"n\"},\"Data\":{\"#text\":["
			 "\"a\",\"b\"]}}"),
		"Data", "a\nb" },
	{ "evtx_dump: user data with attributes",
		EVTX("", "\"UserData\":{\"X\":{\"#attributes\":{\"xmlns\":\"n\"},\"Type\":{\"#"
			 "attributes\":{"
			 "\"a\":1},\"#text\":\"t\"}}}"),
		"Type", "t" },
	{ "Winlogbeat 6: user data",
		"{\"event_id\":29,\"log_name\":\"c\",\"user_data\":{\"xml_name\":\"X\","
		"\"OldValue\":\"o\"}}",
		"OldValue", "o" },
	{ "Winlogbeat 6: the message", "{\"event_id\":29,\"log_name\":\"c\",\"message\":\"m\"}",
		"Data", "m" },
	{ "Winlogbeat 8: the message",
		"{\"message\":\"m\",\"winlog\":{\"event_id\":29,\"channel\":\"c\"}}", "Data", "m" },
	{ "Sysmon's events have no Data",
		"{\"message\":\"m\",\"winlog\":{\"event_id\":1,\"provider_name\":\"Microsoft-"
		"Windows-Sysmon\"}}",
		"Data", NULL },

#define ACCESS                                                                                  \
	"\"SubjectUserName\":\"anna\",\"ObjectType\":\"File\",\"ObjectName\":\"C:\\\\x.aspx\"," \
	"\"ProcessName\":\"C:\\\\w3wp.exe\",\"ProcessId\":\"0x10\",\"AccessMask\":\"0x2\","     \
	"\"AccessList\":\"%%4417\\n\\t\\t\\t\\t\""
	{ "4663: AccessMask", AUDIT("4663", ACCESS), "AccessMask", "0x2" },
	{ "4663: AccessList", AUDIT("4663", ACCESS), "AccessList", "%%4417\n\t\t\t\t" },
	{ "4656: ObjectType", AUDIT("4656", ACCESS), "ObjectType", "File" },
	{ "4656: ObjectName", AUDIT("4656", ACCESS), "ObjectName", "C:\\x.aspx" },
	{ "4656: ProcessName", AUDIT("4656", ACCESS), "ProcessName", "C:\\w3wp.exe" },
	{ "4656: SubjectUserName", AUDIT("4656", ACCESS), "SubjectUserName", "anna" },
	{ "4657: OperationType", AUDIT("4657", "\"OperationType\":\"%%1905\""), "OperationType",
		"%%1905" },
	{ "4657: OldValue", AUDIT("4657", "\"OldValue\":\"a\",\"NewValue\":\"b\""), "OldValue",
		"a" },
	{ "4657: NewValue", AUDIT("4657", "\"OldValue\":\"a\",\"NewValue\":\"b\""), "NewValue",
		"b" },
};

START_TEST(gives_fields_of_rules)
{
	const struct rule_row *row = &rule_rows[_i];
	struct slice bytes = guard_copy(slice_of(row->json)), field = slice_of(row->field), value;
	struct wevent_names *names = wevent_names_new(&field, 1);
	struct payload_limits with = limits;
	struct payload payload;
	struct wevent event;
	enum reason why;

	with.names = names;
	payload_init(&payload, bytes, with, arena);
	ck_assert_msg(payload_next(&payload, &event, &why) == PAYLOAD_RECORD, "%s", row->name);
	value = wevent_value(&event, F_MAX);
	if (row->value == NULL)
		ck_assert_msg(value.ptr == NULL, "%s: %.*s", row->name, (int)value.len, value.ptr);
	else
		ck_assert_msg(value.ptr != NULL && slice_equal(value, slice_of(row->value)),
			"%s: %.*s", row->name, (int)value.len, value.ptr == NULL ? "" : value.ptr);
	wevent_names_free(names);
	guard_free(bytes);
}
END_TEST

/* Where the time of a record comes from. */
static const struct time_row {
	const char *json;
	const char *time;
} time_rows[] = {
	{ WINLOG(ID("1"), "\"UtcTime\":\"2026-03-02 11:00:00.250\""), "2026-03-02T11:00:00.250Z" },
	{ WINLOG(ID("1"), "\"UtcTime\":\"yesterday\""), "2026-03-01T10:00:00.000Z" },
	{ "{\"winlog\":{\"event_id\":1}}", "none" },
	{ NXLOG("\"EventTime\":\"2024-02-22T20:38:56.221331+01:00\""),
		"2024-02-22T19:38:56.221331Z" },
	{ NXLOG("\"EventTime\":\"2020-06-09 22:51:04\""), "2020-06-09T22:51:04.000Z" },
	{ FLAT("\"TimeCreated\":\"2021-03-14T01:40:10.775Z\""), "2021-03-14T01:40:10.775Z" },
	{ "{\"Event\":{\"System\":{\"EventID\":1,\"TimeCreated\":{\"#attributes\":"
	  "{\"SystemTime\":\"2025-11-28T07:59:01.340553Z\"}}}}}",
		"2025-11-28T07:59:01.340553Z" },
};

START_TEST(takes_the_events_time)
{
	struct slice bytes = slice_of(time_rows[_i].json);
	char time[STAMP_TEXT_MAX] = "none";
	struct payload payload;
	struct wevent event;
	enum reason why;

	payload_init(&payload, bytes, limits, arena);
	ck_assert_int_eq(payload_next(&payload, &event, &why), PAYLOAD_RECORD);
	if (event.time != STAMP_NONE)
		(void)stamp_format(event.time, time);
	ck_assert_str_eq(time, time_rows[_i].time);
}
END_TEST

/* A record with `depth` objects in one another beside what is wanted. */
static struct slice
nested(unsigned int depth, bool arrays)
{
	char *text = arena_alloc(arena, 4096 + 8 * (size_t)depth);
	char *p = text;

	p += sprintf(p, "{\"EventID\":1,\"Channel\":\"c\",\"Computer\":\"h\",\"a\":");
	for (unsigned int i = 1; i < depth; i++)
		p += sprintf(p, arrays ? "[" : "{\"b\":");
	p += sprintf(p, "1");
	for (unsigned int i = 1; i < depth; i++)
		*p++ = arrays ? ']' : '}';
	p += sprintf(p, ",\"Image\":\"x\"}");
	return (struct slice){ text, (size_t)(p - text) };
}

START_TEST(nesting_is_limited)
{
	for (int arrays = 0; arrays < 2; arrays++) {
		summarize(nested(64, arrays == 1), limits);
		ck_assert_str_eq(got.bytes, "1 h [x] [] []\n");
		summarize(nested(256, arrays == 1), limits);
		ck_assert_str_eq(got.bytes, "1 h [x] [] []\n");
		summarize(nested(257, arrays == 1), limits);
		ck_assert_str_eq(got.bytes, "!json_depth\n");
		summarize(nested(100000, arrays == 1),
			(struct payload_limits){ 200000, 200000, NULL });
		ck_assert_str_eq(got.bytes, "1 h [x] [] []\n");
	}
}
END_TEST

START_TEST(keys_are_limited)
{
	struct slice message = SLICE("{\"EventID\":1,\"Channel\":\"c\",\"a\":{\"b\":[{\"c\":1}]}}");

	summarize(message, (struct payload_limits){ 256, 5, NULL });
	ck_assert_str_eq(got.bytes, "1  [] [] []\n");
	summarize(message, (struct payload_limits){ 256, 4, NULL });
	ck_assert_str_eq(got.bytes, "!json_keys\n");
}
END_TEST

/* Strings of every length around the sizes of yajl's buffers, with and without escapes, whole and
 * cut. */
START_TEST(long_strings_are_whole)
{
	static const size_t lengths[] = { 0, 1, 2046, 2047, 2048, 2049, 4095, 4096, 65535, 300000 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t len = lengths[i];
		char *text = arena_alloc(arena, len + 512);
		size_t at = (size_t)sprintf(text, "{\"winlog\":{\"event_id\":1,\"event_data\":{"
						  "\"CommandLine\":\"\\n");
		struct payload payload;
		struct wevent event;
		enum reason why;

		memset(text + at, 'A', len);
		at += len;
		at += (size_t)sprintf(text + at, "\"}}}");
		payload_init(&payload, (struct slice){ text, at }, limits, arena);
		ck_assert_int_eq(payload_next(&payload, &event, &why), PAYLOAD_RECORD);
		ck_assert_uint_eq(event.f[F_CommandLine].len, len + 1);
		payload_init(&payload, (struct slice){ text, at - 4 }, limits, arena);
		ck_assert_int_eq(payload_next(&payload, &event, &why), PAYLOAD_RECORD);
		ck_assert(event.partial);
		ck_assert_ptr_null(event.f[F_CommandLine].ptr);
		arena_reset(arena);
	}
}
END_TEST

START_TEST(says_when_memory_is_short)
{
	struct slice bytes = SLICE(GOOD);
	bool enough = false;

	for (size_t limit = 0; !enough; limit += 16) {
		struct arena *small = arena_new(limit);
		struct payload payload;
		struct wevent event;
		enum reason why = REASON_MAX;

		payload_init(&payload, bytes, limits, small);
		enough = payload_next(&payload, &event, &why) == PAYLOAD_RECORD;
		if (!enough)
			ck_assert_int_eq(why, REASON_NO_MEMORY);
		ck_assert_int_eq(payload_next(&payload, &event, &why), PAYLOAD_END);
		arena_free(small);
	}
}
END_TEST

START_TEST(the_record_is_kept_as_received)
{
	struct slice bytes = SLICE("x " GOOD " " GOOD);
	struct payload payload;
	struct wevent event;
	enum reason why;

	payload_init(&payload, bytes, limits, arena);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(payload_next(&payload, &event, &why), PAYLOAD_RECORD);
		ck_assert(slice_equal(event.raw, SLICE(GOOD)));
		ck_assert(slice_equal(payload.record, SLICE(GOOD)));
	}
}
END_TEST

/* The next line of a file that was read whole. */
static struct slice
next_line(struct slice *rest)
{
	size_t end = slice_find_byte(*rest, '\n');
	struct slice line = slice_sub(*rest, 0, end);

	*rest = slice_sub(*rest, end + 1, rest->len);
	return line;
}

static void
parity_event(struct slice line, struct wevent *event)
{
	struct envelope envelope;
	struct payload payload;
	enum reason why;

	envelope_parse(line, NOW, &envelope);
	payload_init(&payload, envelope.payload, limits, arena);
	ck_assert_int_eq(payload_next(&payload, event, &why), PAYLOAD_RECORD);
}

static void
same_events(const struct wevent *a, const struct wevent *b)
{
	for (unsigned int i = 0; i < F_MAX; i++)
		ck_assert_msg((a->f[i].ptr == NULL) == (b->f[i].ptr == NULL) &&
				      slice_equal(a->f[i], b->f[i]),
			"%s: %.*s, %.*s", wevent_field_name((enum wevent_field)i), (int)a->f[i].len,
			a->f[i].ptr == NULL ? "" : a->f[i].ptr, (int)b->f[i].len,
			b->f[i].ptr == NULL ? "" : b->f[i].ptr);
	ck_assert(slice_equal(a->host, b->host));
	ck_assert_int_eq(a->event_id, b->event_id);
	ck_assert_int_eq(a->time, b->time);
}

START_TEST(all_layouts_give_the_same_event)
{
	static const char *const files[] = { "winlogbeat8.ndjson", "winlogbeat6.ndjson",
		"nxlog.ndjson", "rfc5424.ndjson" };
	struct slice all[4];
	int cases = 0;

	for (int i = 0; i < 4; i++)
		all[i] = arena_copy(arena, read_file(TEST_DATA "/parity", files[i]));
	for (; all[0].len > 0; cases++) {
		struct wevent first, other;

		parity_event(next_line(&all[0]), &first);
		ck_assert_int_eq(first.layout, LAYOUT_WINLOGBEAT);
		for (int i = 1; i < 3; i++) {
			parity_event(next_line(&all[i]), &other);
			ck_assert_int_eq(other.layout, i == 1 ? LAYOUT_WINLOGBEAT6 : LAYOUT_NXLOG);
			same_events(&first, &other);
		}
		for (int i = 0; i < 3; i++) {
			parity_event(next_line(&all[3]), &other);
			same_events(&first, &other);
		}
	}
	ck_assert_int_eq(cases, 42);
	for (int i = 1; i < 4; i++)
		ck_assert_uint_eq(all[i].len, 0);
}
END_TEST

/* What is forgotten with an object that comes twice. */
START_TEST(fields_of_rules_go_with_their_object)
{
	static const struct slice list[] = { SLICE_INIT("ImageLoaded") };
	struct wevent_names *names = wevent_names_new(list, 1);
	struct payload_limits with = limits;
	struct payload payload;
	struct wevent event;
	enum reason why;

	with.names = names;
	payload_init(&payload,
		SLICE("{\"winlog\":{\"event_data\":{\"ImageLoaded\":\"a\"}},\"winlog\":{"
		      "\"event_id\":7,\"event_data\":{}}}"),
		with, arena);
	ck_assert_int_eq(payload_next(&payload, &event, &why), PAYLOAD_RECORD);
	ck_assert_ptr_null(wevent_value(&event, F_MAX).ptr);
	wevent_names_free(names);
}
END_TEST

/* Fields that only rules name are found in every layout under their own names, those too from which
 * canonical ones are made; what another layout's place holds is not taken for them. */
START_TEST(fields_of_rules_are_kept)
{
	static const struct slice list[] = { SLICE_INIT("ImageLoaded"), SLICE_INIT("Signed"),
		SLICE_INIT("SubjectUserName"), SLICE_INIT("ABigFieldWithALongName") };
#define MORE                                                                                    \
	"\"ImageLoaded\":\"C:\\\\x.dll\",\"Signed\":false,\"SubjectUserName\":\"anna\",\"x\":{" \
	"\"Signed\":1}"
	static const char *const texts[] = {
		"{\"@timestamp\":\"2026-03-01T10:00:00.000Z\",\"Signed\":\"no\",\"winlog\":{"
		"\"channel\":"
		"\"c\",\"computer_name\":\"h\",\"event_id\":7,\"event_data\":{" MORE "}}}",
		"{\"log_name\":\"c\",\"computer_name\":\"h\",\"event_id\":7,\"event_data\":{" MORE
		"}}",
		"{\"EventID\":7,\"Channel\":\"c\",\"Hostname\":\"h\"," MORE "}",
		"{\"Event\":{\"System\":{\"EventID\":7,\"Channel\":\"c\",\"Computer\":\"h\"},"
		"\"EventData\":{" MORE "}}}",
		"{\"winlog.channel\":\"c\",\"winlog.computer_name\":\"h\",\"winlog.event_id\":7,"
		"\"winlog.event_data.ImageLoaded\":\"C:\\\\x.dll\",\"winlog.event_data.Signed\":"
		"false,"
		"\"winlog.event_data.SubjectUserName\":\"anna\"}",
	};
	struct wevent_names *names = wevent_names_new(list, 4);
	struct payload_limits with = limits;
	struct payload payload;
	struct wevent event;
	enum reason why;

	with.names = names;
	payload_init(&payload, slice_of(texts[_i]), with, arena);
	ck_assert_int_eq(payload_next(&payload, &event, &why), PAYLOAD_RECORD);
	ck_assert_uint_eq(event.more_count, 4);
	ck_assert(slice_equal_nocase(wevent_value(&event, F_MAX), SLICE("C:\\x.dll")) ||
		  slice_equal(wevent_value(&event, F_MAX), SLICE("C:\\\\x.dll")));
	ck_assert(slice_equal(wevent_value(&event, F_MAX + 1), SLICE("false")));
	ck_assert(slice_equal(wevent_value(&event, F_MAX + 2), SLICE("anna")));
	ck_assert_ptr_null(wevent_value(&event, F_MAX + 3).ptr);
	ck_assert_ptr_null(wevent_value(&event, F_MAX + 4).ptr);
	wevent_names_free(names);
}
END_TEST

static Suite *
payload_suite(int sample_count)
{
	Suite *suite = suite_create("payload");
	TCase *tcase = tcase_create("payload");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, samples_give_their_fields, 0, sample_count);
	tcase_add_loop_test(tcase, a_cut_record_holds_complete_values_only, 0, sample_count);
	tcase_add_loop_test(tcase, gives_records, 0, ROWS(rows));
	tcase_add_loop_test(tcase, never_reads_past_a_cut, 0, ROWS(rows));
	tcase_add_loop_test(tcase, gives_fields, 0, ROWS(field_rows));
	tcase_add_loop_test(tcase, gives_fields_of_rules, 0, ROWS(rule_rows));
	tcase_add_loop_test(tcase, takes_the_events_time, 0, ROWS(time_rows));
	tcase_add_test(tcase, nesting_is_limited);
	tcase_add_loop_test(tcase, fields_of_rules_are_kept, 0, 5);
	tcase_add_test(tcase, fields_of_rules_go_with_their_object);
	tcase_add_test(tcase, keys_are_limited);
	tcase_add_test(tcase, long_strings_are_whole);
	tcase_add_test(tcase, says_when_memory_is_short);
	tcase_add_test(tcase, the_record_is_kept_as_received);
	tcase_add_test(tcase, all_layouts_give_the_same_event);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	int count = list_samples(), failed;
	SRunner *runner;

	if (count <= 0) {
		fprintf(stderr, "%s: no samples\n", PAYLOADS);
		return EXIT_FAILURE;
	}
	runner = srunner_create(payload_suite(count));
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
