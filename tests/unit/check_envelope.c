/* Syslog headers: what each sender writes, what breaks off, and that no byte of a JSON body is ever
 * taken for header. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "parsers/envelope.h"
#include "parsers/stamp.h"
#include "tests/unit/guard.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

#define TEN INT64_C(1772359200000000) /* 2026-03-01T10:00:00Z */
#define BOM "\xef\xbb\xbf"
#define NOTHING         \
	{               \
		NULL, 0 \
	}
#define JSON "{\"a\":[\"x\"] }"

struct row {
	const char *name;
	struct slice message;
	enum envelope_kind kind;
	int pri;
	int64_t time;
	struct slice hostname, app_name, procid, msgid, data;
	bool cee;
	struct slice payload;
};

static const struct row rows[] = {
	/* none */
	{ "a JSON line", SLICE_INIT(JSON), ENVELOPE_NONE, -1, STAMP_NONE, NOTHING, NOTHING, NOTHING,
		NOTHING, NOTHING, false, SLICE_INIT(JSON) },
	{ "a JSON line with blanks, a mark and line ends", SLICE_INIT(" " BOM "\t" JSON " \r\n"),
		ENVELOPE_NONE, -1, STAMP_NONE, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, false,
		SLICE_INIT(JSON) },
	{ "two marks", SLICE_INIT(BOM BOM JSON), ENVELOPE_NONE, -1, STAMP_NONE, NOTHING, NOTHING,
		NOTHING, NOTHING, NOTHING, false, SLICE_INIT(JSON) },
	{ "cookie without a header", SLICE_INIT("@cee:" JSON), ENVELOPE_NONE, -1, STAMP_NONE,
		NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, true, SLICE_INIT(JSON) },
	{ "plain text", SLICE_INIT("something: happened"), ENVELOPE_NONE, -1, STAMP_NONE, NOTHING,
		NOTHING, NOTHING, NOTHING, NOTHING, false, SLICE_INIT("something: happened") },
	{ "XML", SLICE_INIT("<Event><System/></Event>"), ENVELOPE_NONE, -1, STAMP_NONE, NOTHING,
		NOTHING, NOTHING, NOTHING, NOTHING, false, SLICE_INIT("<Event><System/></Event>") },
	{ "nothing", SLICE_INIT(""), ENVELOPE_NONE, -1, STAMP_NONE, NOTHING, NOTHING, NOTHING,
		NOTHING, NOTHING, false, SLICE_INIT("") },

	/* PRI */
	{ "PRI and JSON", SLICE_INIT("<14>" JSON), ENVELOPE_RFC3164, 14, STAMP_NONE, NOTHING,
		NOTHING, NOTHING, NOTHING, NOTHING, false, SLICE_INIT(JSON) },
	{ "PRI, blank, mark and JSON", SLICE_INIT("<14> " BOM JSON), ENVELOPE_RFC3164, 14,
		STAMP_NONE, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, false, SLICE_INIT(JSON) },
	{ "greatest PRI", SLICE_INIT("<191>x"), ENVELOPE_RFC3164, 191, STAMP_NONE, NOTHING, NOTHING,
		NOTHING, NOTHING, NOTHING, false, SLICE_INIT("x") },
	{ "PRI with zeros", SLICE_INIT("<000>x"), ENVELOPE_RFC3164, 0, STAMP_NONE, NOTHING, NOTHING,
		NOTHING, NOTHING, NOTHING, false, SLICE_INIT("x") },
	{ "PRI too great", SLICE_INIT("<192>" JSON), ENVELOPE_NONE, -1, STAMP_NONE, NOTHING,
		NOTHING, NOTHING, NOTHING, NOTHING, false, SLICE_INIT("<192>" JSON) },
	{ "PRI too long", SLICE_INIT("<0014>x"), ENVELOPE_NONE, -1, STAMP_NONE, NOTHING, NOTHING,
		NOTHING, NOTHING, NOTHING, false, SLICE_INIT("<0014>x") },
	{ "PRI without digits", SLICE_INIT("<>x"), ENVELOPE_NONE, -1, STAMP_NONE, NOTHING, NOTHING,
		NOTHING, NOTHING, NOTHING, false, SLICE_INIT("<>x") },
	{ "PRI that is not closed", SLICE_INIT("<14"), ENVELOPE_NONE, -1, STAMP_NONE, NOTHING,
		NOTHING, NOTHING, NOTHING, NOTHING, false, SLICE_INIT("<14") },
	{ "PRI alone", SLICE_INIT("<14>"), ENVELOPE_RFC3164, 14, STAMP_NONE, NOTHING, NOTHING,
		NOTHING, NOTHING, NOTHING, false, SLICE_INIT("") },

	/* RFC 5424 */
	{ "all fields, JSON", SLICE_INIT("<14>1 2026-03-01T10:00:00Z WEB01 nxlog 12 ID1 - " JSON),
		ENVELOPE_RFC5424, 14, TEN, SLICE_INIT("WEB01"), SLICE_INIT("nxlog"),
		SLICE_INIT("12"), SLICE_INIT("ID1"), NOTHING, false, SLICE_INIT(JSON) },
	{ "no fields", SLICE_INIT("<14>1 - - - - - - text"), ENVELOPE_RFC5424, 14, STAMP_NONE,
		NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, false, SLICE_INIT("text") },
	{ "no message", SLICE_INIT("<14>1 - - - - - -"), ENVELOPE_RFC5424, 14, STAMP_NONE, NOTHING,
		NOTHING, NOTHING, NOTHING, NOTHING, false, SLICE_INIT("") },
	{ "mark before the message",
		SLICE_INIT("<14>1 2026-03-01T11:00:00.5+01:00 WEB01 nxlog - - - " BOM JSON),
		ENVELOPE_RFC5424, 14, TEN + 500000, SLICE_INIT("WEB01"), SLICE_INIT("nxlog"),
		NOTHING, NOTHING, NOTHING, false, SLICE_INIT(JSON) },
	{ "the word BOM", SLICE_INIT("<14>1 - WEB01 nxlog - - - BOM{\"a\":1}"), ENVELOPE_RFC5424,
		14, STAMP_NONE, SLICE_INIT("WEB01"), SLICE_INIT("nxlog"), NOTHING, NOTHING, NOTHING,
		false, SLICE_INIT("BOM{\"a\":1}") },
	{ "cookie", SLICE_INIT("<14>1 - h a - - - @cee:  " JSON), ENVELOPE_RFC5424, 14, STAMP_NONE,
		SLICE_INIT("h"), SLICE_INIT("a"), NOTHING, NOTHING, NOTHING, true,
		SLICE_INIT(JSON) },
	{ "mark and cookie", SLICE_INIT("<14>1 - h a - - - " BOM "@cee: " JSON), ENVELOPE_RFC5424,
		14, STAMP_NONE, SLICE_INIT("h"), SLICE_INIT("a"), NOTHING, NOTHING, NOTHING, true,
		SLICE_INIT(JSON) },
	{ "structured data", SLICE_INIT("<14>1 - h a - - [x@1 a=\"b\" c=\"d e\"][y z=\"\"] " JSON),
		ENVELOPE_RFC5424, 14, STAMP_NONE, SLICE_INIT("h"), SLICE_INIT("a"), NOTHING,
		NOTHING, SLICE_INIT("[x@1 a=\"b\" c=\"d e\"][y z=\"\"]"), false, SLICE_INIT(JSON) },
	{ "structured data without parameters or message", SLICE_INIT("<14>1 - h a - - [x]"),
		ENVELOPE_RFC5424, 14, STAMP_NONE, SLICE_INIT("h"), SLICE_INIT("a"), NOTHING,
		NOTHING, SLICE_INIT("[x]"), false, SLICE_INIT("") },
	{ "escapes in structured data",
		SLICE_INIT("<14>1 - h a - - [x p=\"C:\\\\T\\\\\" q=\"a \\\"b\\\" [\\]\" "
			   "r=\"\\n\"] " JSON),
		ENVELOPE_RFC5424, 14, STAMP_NONE, SLICE_INIT("h"), SLICE_INIT("a"), NOTHING,
		NOTHING, SLICE_INIT("[x p=\"C:\\\\T\\\\\" q=\"a \\\"b\\\" [\\]\" r=\"\\n\"]"),
		false, SLICE_INIT(JSON) },
	{ "an escaped quote and bracket inside a value",
		SLICE_INIT("<14>1 - h a - - [x p=\"$a[\\\"b\\\"] = 1\" q=\"2\"] text"),
		ENVELOPE_RFC5424, 14, STAMP_NONE, SLICE_INIT("h"), SLICE_INIT("a"), NOTHING,
		NOTHING, SLICE_INIT("[x p=\"$a[\\\"b\\\"] = 1\" q=\"2\"]"), false,
		SLICE_INIT("text") },
	{ "paths that were not escaped",
		SLICE_INIT(
			"<14>1 - h a - - [x p=\"C:\\T\\\" q=\"\"C:\\a b\" /c\" r=\"[a]\"] " JSON),
		ENVELOPE_RFC5424, 14, STAMP_NONE, SLICE_INIT("h"), SLICE_INIT("a"), NOTHING,
		NOTHING, SLICE_INIT("[x p=\"C:\\T\\\" q=\"\"C:\\a b\" /c\" r=\"[a]\"]"), false,
		SLICE_INIT(JSON) },
	{ "a path that was not escaped at the end, then JSON",
		SLICE_INIT("<14>1 - h a - - [x p=\"C:\\T\\\"] " JSON), ENVELOPE_RFC5424, 14,
		STAMP_NONE, SLICE_INIT("h"), SLICE_INIT("a"), NOTHING, NOTHING,
		SLICE_INIT("[x p=\"C:\\T\\\"]"), false, SLICE_INIT(JSON) },
	{ "a path that was not escaped at the end, then text",
		SLICE_INIT("<14>1 - h a - - [x p=\"C:\\T\\\"] text"), ENVELOPE_RFC5424, 14,
		STAMP_NONE, SLICE_INIT("h"), SLICE_INIT("a"), NOTHING, NOTHING,
		SLICE_INIT("[x p=\"C:\\T\\\"]"), false, SLICE_INIT("text") },
	{ "structured data that are cut", SLICE_INIT("<14>1 - h a - - [x p=\"C:"), ENVELOPE_RFC5424,
		14, STAMP_NONE, SLICE_INIT("h"), SLICE_INIT("a"), NOTHING, NOTHING, NOTHING, false,
		SLICE_INIT("[x p=\"C:") },
	{ "no structured data field", SLICE_INIT("<14>1 - h a - - " JSON), ENVELOPE_RFC5424, 14,
		STAMP_NONE, SLICE_INIT("h"), SLICE_INIT("a"), NOTHING, NOTHING, NOTHING, false,
		SLICE_INIT(JSON) },
	{ "an array for structured data", SLICE_INIT("<14>1 - h a - - [" JSON "]"),
		ENVELOPE_RFC5424, 14, STAMP_NONE, SLICE_INIT("h"), SLICE_INIT("a"), NOTHING,
		NOTHING, NOTHING, false, SLICE_INIT("[" JSON "]") },
	{ "JSON where the host should be",
		SLICE_INIT("<14>1 2026-03-01T10:00:00Z { \"a\":\"b c\"}"), ENVELOPE_RFC5424, 14,
		TEN, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, false,
		SLICE_INIT("{ \"a\":\"b c\"}") },
	{ "JSON in a word", SLICE_INIT("<14>1 2026-03-01T10:00:00Z h x{\"a\":\"b c\"}"),
		ENVELOPE_RFC5424, 14, TEN, SLICE_INIT("h"), NOTHING, NOTHING, NOTHING, NOTHING,
		false, SLICE_INIT("x{\"a\":\"b c\"}") },
	{ "a GUID for a process id", SLICE_INIT("<14>1 - h a {5770385F-C22A} - - x"),
		ENVELOPE_RFC5424, 14, STAMP_NONE, SLICE_INIT("h"), SLICE_INIT("a"),
		SLICE_INIT("{5770385F-C22A}"), NOTHING, NOTHING, false, SLICE_INIT("x") },
	{ "a header that breaks off", SLICE_INIT("<14>1 2026-03-01T10:00:00Z WEB01"),
		ENVELOPE_RFC5424, 14, TEN, SLICE_INIT("WEB01"), NOTHING, NOTHING, NOTHING, NOTHING,
		false, SLICE_INIT("") },
	{ "a time that cannot be read", SLICE_INIT("<14>1 2026-13-01T10:00:00Z h a - - - x"),
		ENVELOPE_RFC5424, 14, STAMP_NONE, SLICE_INIT("h"), SLICE_INIT("a"), NOTHING,
		NOTHING, NOTHING, false, SLICE_INIT("x") },
	{ "text that begins with a one", SLICE_INIT("<14>1 message sent"), ENVELOPE_RFC3164, 14,
		STAMP_NONE, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, false,
		SLICE_INIT("1 message sent") },
	{ "another version", SLICE_INIT("<14>2 - h a - - - " JSON), ENVELOPE_RFC3164, 14,
		STAMP_NONE, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, false,
		SLICE_INIT("2 - h a - - - " JSON) },

	/* RFC 3164 */
	{ "BSD header", SLICE_INIT("<13>Mar  1 10:00:00 relay1 nxlog[12]: text"), ENVELOPE_RFC3164,
		13, TEN, SLICE_INIT("relay1"), SLICE_INIT("nxlog"), SLICE_INIT("12"), NOTHING,
		NOTHING, false, SLICE_INIT("text") },
	{ "tag without a process id", SLICE_INIT("<13>Mar  1 10:00:00 relay1 sysmon: " JSON),
		ENVELOPE_RFC3164, 13, TEN, SLICE_INIT("relay1"), SLICE_INIT("sysmon"), NOTHING,
		NOTHING, NOTHING, false, SLICE_INIT(JSON) },
	{ "cookie behind a tag", SLICE_INIT("<13>Mar  1 10:00:00 relay1 nxlog: @cee: " JSON),
		ENVELOPE_RFC3164, 13, TEN, SLICE_INIT("relay1"), SLICE_INIT("nxlog"), NOTHING,
		NOTHING, NOTHING, true, SLICE_INIT(JSON) },
	{ "cookie without a tag", SLICE_INIT("<13>Mar  1 10:00:00 relay1 @cee:" JSON),
		ENVELOPE_RFC3164, 13, TEN, SLICE_INIT("relay1"), NOTHING, NOTHING, NOTHING, NOTHING,
		true, SLICE_INIT(JSON) },
	{ "cookie glued to the tag", SLICE_INIT("<13>Mar  1 10:00:00 relay1 nxlog:@cee:" JSON),
		ENVELOPE_RFC3164, 13, TEN, SLICE_INIT("relay1"), SLICE_INIT("nxlog"), NOTHING,
		NOTHING, NOTHING, true, SLICE_INIT(JSON) },
	{ "no host", SLICE_INIT("<13>Mar  1 10:00:00 sysmon[3]: x"), ENVELOPE_RFC3164, 13, TEN,
		NOTHING, SLICE_INIT("sysmon"), SLICE_INIT("3"), NOTHING, NOTHING, false,
		SLICE_INIT("x") },
	{ "no tag", SLICE_INIT("<13>Mar  1 10:00:00 host " JSON), ENVELOPE_RFC3164, 13, TEN,
		SLICE_INIT("host"), NOTHING, NOTHING, NOTHING, NOTHING, false, SLICE_INIT(JSON) },
	{ "no host and no tag", SLICE_INIT("<13>Mar  1 10:00:00 " JSON), ENVELOPE_RFC3164, 13, TEN,
		NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, false, SLICE_INIT(JSON) },
	{ "tag glued to JSON, no host", SLICE_INIT("<13>Mar  1 10:00:00 t:" JSON), ENVELOPE_RFC3164,
		13, TEN, NOTHING, SLICE_INIT("t"), NOTHING, NOTHING, NOTHING, false,
		SLICE_INIT(JSON) },
	{ "a word glued to JSON", SLICE_INIT("<13>Mar  1 10:00:00 host t{ \"a\": 1}"),
		ENVELOPE_RFC3164, 13, TEN, SLICE_INIT("host"), NOTHING, NOTHING, NOTHING, NOTHING,
		false, SLICE_INIT("t{ \"a\": 1}") },
	{ "a word glued to JSON, no host", SLICE_INIT("<13>Mar  1 10:00:00 t{ \"a\": 1}"),
		ENVELOPE_RFC3164, 13, TEN, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, false,
		SLICE_INIT("t{ \"a\": 1}") },
	{ "header without text", SLICE_INIT("<13>Mar  1 10:00:00 host"), ENVELOPE_RFC3164, 13, TEN,
		SLICE_INIT("host"), NOTHING, NOTHING, NOTHING, NOTHING, false, SLICE_INIT("") },
	{ "time alone", SLICE_INIT("<13>Mar  1 10:00:00"), ENVELOPE_RFC3164, 13, TEN, NOTHING,
		NOTHING, NOTHING, NOTHING, NOTHING, false, SLICE_INIT("") },
	{ "no PRI", SLICE_INIT("Mar  1 10:00:00 sysmon-test sysmon: <Event>"), ENVELOPE_RFC3164, -1,
		TEN, SLICE_INIT("sysmon-test"), SLICE_INIT("sysmon"), NOTHING, NOTHING, NOTHING,
		false, SLICE_INIT("<Event>") },
	{ "no time", SLICE_INIT("<13>sysmon[3]: " JSON), ENVELOPE_RFC3164, 13, STAMP_NONE, NOTHING,
		SLICE_INIT("sysmon"), SLICE_INIT("3"), NOTHING, NOTHING, false, SLICE_INIT(JSON) },
	{ "year", SLICE_INIT("<13>Mar  1 2026 10:00:00 host t: x"), ENVELOPE_RFC3164, 13, TEN,
		SLICE_INIT("host"), SLICE_INIT("t"), NOTHING, NOTHING, NOTHING, false,
		SLICE_INIT("x") },
	{ "sequence number and milliseconds",
		SLICE_INIT("<189>29: *Mar  1 10:00:00.250: %SYS-5-CONFIG_I: x"), ENVELOPE_RFC3164,
		189, TEN + 250000, NOTHING, SLICE_INIT("%SYS-5-CONFIG_I"), NOTHING, NOTHING,
		NOTHING, false, SLICE_INIT("x") },
	{ "ISO time", SLICE_INIT("<13>2026-03-01T10:00:00.000Z host t[1]: x"), ENVELOPE_RFC3164, 13,
		TEN, SLICE_INIT("host"), SLICE_INIT("t"), SLICE_INIT("1"), NOTHING, NOTHING, false,
		SLICE_INIT("x") },
	{ "ISO time with a blank", SLICE_INIT("<13>2026-03-01 10:00:00 host t: x"),
		ENVELOPE_RFC3164, 13, TEN, SLICE_INIT("host"), SLICE_INIT("t"), NOTHING, NOTHING,
		NOTHING, false, SLICE_INIT("x") },
	{ "ISO time without PRI", SLICE_INIT("2026-03-01T10:00:00+00:00 host t: " JSON),
		ENVELOPE_RFC3164, -1, TEN, SLICE_INIT("host"), SLICE_INIT("t"), NOTHING, NOTHING,
		NOTHING, false, SLICE_INIT(JSON) },
	{ "ISO time with a colon", SLICE_INIT("<13>2026-03-01T10:00:00Z: t: x"), ENVELOPE_RFC3164,
		13, TEN, NOTHING, SLICE_INIT("t"), NOTHING, NOTHING, NOTHING, false,
		SLICE_INIT("x") },
	{ "an address for a host", SLICE_INIT("<13>Mar  1 10:00:00 fe80::1 t: x"), ENVELOPE_RFC3164,
		13, TEN, SLICE_INIT("fe80::1"), SLICE_INIT("t"), NOTHING, NOTHING, NOTHING, false,
		SLICE_INIT("x") },
	{ "no drive is a tag", SLICE_INIT("<13>Mar  1 10:00:00 host C:\\x.exe started"),
		ENVELOPE_RFC3164, 13, TEN, SLICE_INIT("host"), NOTHING, NOTHING, NOTHING, NOTHING,
		false, SLICE_INIT("C:\\x.exe started") },
	{ "tabs", SLICE_INIT("<14>Mar  1 10:00:00 host\tMSWinEventLog\t1\tSecurity"),
		ENVELOPE_RFC3164, 14, TEN, SLICE_INIT("host"), NOTHING, NOTHING, NOTHING, NOTHING,
		false, SLICE_INIT("MSWinEventLog\t1\tSecurity") },
	{ "a header in a header",
		SLICE_INIT("<13>Mar  1 10:00:00 relay <14>Mar  1 10:00:00 h t: " JSON),
		ENVELOPE_RFC3164, 13, TEN, SLICE_INIT("relay"), NOTHING, NOTHING, NOTHING, NOTHING,
		false, SLICE_INIT("<14>Mar  1 10:00:00 h t: " JSON) },
	{ "a NUL at the end", SLICE_INIT("<14>" JSON "\0"), ENVELOPE_RFC3164, 14, STAMP_NONE,
		NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, false, SLICE_INIT(JSON) },
};

static void
same(const char *name, const char *field, struct slice got, struct slice want)
{
	ck_assert_msg(slice_equal(got, want) && (got.ptr == NULL) == (want.ptr == NULL),
		"%s: %s is \"%.*s\"", name, field, (int)got.len, got.ptr == NULL ? "" : got.ptr);
}

START_TEST(reads_headers)
{
	const struct row *row = &rows[_i];
	struct slice message = guard_copy(row->message);
	struct envelope e;

	memset(&e, 0xa5, sizeof(e));
	envelope_parse(message, TEN, &e);
	ck_assert_msg(e.kind == row->kind, "%s: kind %d", row->name, (int)e.kind);
	ck_assert_msg(e.pri == row->pri, "%s: PRI %d", row->name, e.pri);
	ck_assert_msg(e.time == row->time, "%s: time %lld", row->name, (long long)e.time);
	same(row->name, "hostname", e.hostname, row->hostname);
	same(row->name, "app_name", e.app_name, row->app_name);
	same(row->name, "procid", e.procid, row->procid);
	same(row->name, "msgid", e.msgid, row->msgid);
	same(row->name, "structured_data", e.structured_data, row->data);
	ck_assert_msg(e.cee == row->cee, "%s: cookie", row->name);
	same(row->name, "payload", e.payload, row->payload);
	guard_free(message);
}
END_TEST

/* Every header that can be cut, with JSON behind the cut: the body comes out whole. */
START_TEST(loses_no_json_behind_a_header_that_breaks_off)
{
	static const char json[] = JSON;
	static const char *const gaps[] = { "", " " };
	const struct row *row = &rows[_i];
	char text[512];

	for (size_t cut = 0; cut <= row->message.len; cut++) {
		for (size_t gap = 0; gap < 2; gap++) {
			size_t n = cut;
			struct slice message;
			struct envelope e;

			memcpy(text, row->message.ptr, cut);
			memcpy(text + n, gaps[gap], gap);
			n += gap;
			memcpy(text + n, json, sizeof(json) - 1);
			message = guard_copy((struct slice){ text, n + sizeof(json) - 1 });
			envelope_parse(message, TEN, &e);
			ck_assert_msg(
				e.payload.len >= sizeof(json) - 1 &&
					memcmp(e.payload.ptr + e.payload.len - (sizeof(json) - 1),
						json, sizeof(json) - 1) == 0,
				"%s, cut at %zu: %.*s", row->name, cut, (int)e.payload.len,
				e.payload.ptr);
			guard_free(message);
		}
	}
}
END_TEST

START_TEST(hostile_structured_data_are_linear)
{
	static const char *const parts[] = { "\" ", "\" a=", "\\\"] ", "\\\"] {", "[\"" };
	size_t len = (size_t)1 << 18, part = strlen(parts[_i]), n;
	char *text = malloc(len);
	struct envelope e;

	ck_assert_ptr_nonnull(text);
	n = (size_t)snprintf(text, len, "<14>1 - h a - - [x p=\"");
	for (size_t i = n; i < len; i++)
		text[i] = i < len / 2 ? parts[_i][(i - n) % part] : ' ';
	envelope_parse((struct slice){ text, len }, TEN, &e);
	ck_assert_int_eq(e.kind, ENVELOPE_RFC5424);
	free(text);
}
END_TEST

START_TEST(takes_an_absent_message)
{
	struct envelope e;

	envelope_parse(SLICE_NONE, TEN, &e);
	ck_assert_int_eq(e.kind, ENVELOPE_NONE);
	ck_assert_uint_eq(e.payload.len, 0);
}
END_TEST

static Suite *
envelope_suite(void)
{
	Suite *suite = suite_create("envelope");
	TCase *tcase = tcase_create("envelope");

	tcase_add_loop_test(tcase, reads_headers, 0, ROWS(rows));
	tcase_add_loop_test(tcase, loses_no_json_behind_a_header_that_breaks_off, 0, ROWS(rows));
	tcase_add_loop_test(tcase, hostile_structured_data_are_linear, 0, 5);
	tcase_add_test(tcase, takes_an_absent_message);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(envelope_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
