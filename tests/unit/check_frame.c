/* Framing.  Every stream is fed whole, byte by byte, and cut in two at every point, each time with
 * its bytes at another address against an unreadable page: the same messages come out. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "parsers/frame.h"
#include "tests/unit/guard.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define MESSAGES 8
#define LIMIT 64
#define FILE_LIMIT 100

/* A refused message is expected as "!reason:" and its first bytes. */
#define OVER_COUNT "!oversize_counted:"
#define OVER_LINE "!oversize_line:"
#define INCOMPLETE "!incomplete:"

#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN
#define AT_LIMIT SIXTY "abcd"
#define BOM "\xef\xbb\xbf"

#define NOTHING         \
	{               \
		NULL, 0 \
	}

struct row {
	const char *name;
	struct slice stream;
	struct slice messages[MESSAGES];
};

static const struct row rows[] = {
	{ "nothing", SLICE_INIT(""), { NOTHING } },
	{ "LF", SLICE_INIT("abc\ndef\n"), { SLICE_INIT("abc"), SLICE_INIT("def") } },
	{ "CRLF", SLICE_INIT("abc\r\ndef\r\n"), { SLICE_INIT("abc"), SLICE_INIT("def") } },
	{ "NUL", SLICE_INIT("<14>a\0<14>b\0"), { SLICE_INIT("<14>a"), SLICE_INIT("<14>b") } },
	{ "LF and NUL mixed", SLICE_INIT("a\0b\nc\0\nd\n"),
		{ SLICE_INIT("a"), SLICE_INIT("b"), SLICE_INIT("c"), SLICE_INIT("d") } },
	{ "a CR inside a line", SLICE_INIT("a\rb\nc\n"), { SLICE_INIT("a\rb"), SLICE_INIT("c") } },
	{ "empty lines", SLICE_INIT("\n\r\n\0a\n\n\n\r\nb\n"),
		{ SLICE_INIT("a"), SLICE_INIT("b") } },
	{ "last line without its trailer", SLICE_INIT("a\nbcd"),
		{ SLICE_INIT("a"), SLICE_INIT("bcd") } },
	{ "last line with half its trailer", SLICE_INIT("bcd\r"), { SLICE_INIT("bcd") } },
	{ "octet count", SLICE_INIT("8 <14>hell"), { SLICE_INIT("<14>hell") } },
	{ "octet counts in a row", SLICE_INIT("8 <14>hell4 {\"a\"5 [1,2]"),
		{ SLICE_INIT("<14>hell"), SLICE_INIT("{\"a\""), SLICE_INIT("[1,2]") } },
	{ "octet count and LF in one stream", SLICE_INIT("8 <14>hellabc\n"),
		{ SLICE_INIT("<14>hell"), SLICE_INIT("abc") } },
	{ "LF and then octet count", SLICE_INIT("abc\n8 <14>helldef\n"),
		{ SLICE_INIT("abc"), SLICE_INIT("<14>hell"), SLICE_INIT("def") } },
	{ "octet count before a byte order mark", SLICE_INIT("6 " BOM "{}\n5 " BOM "ab"),
		{ SLICE_INIT(BOM "{}\n"), SLICE_INIT(BOM "ab") } },
	{ "half a byte order mark is text", SLICE_INIT("6 \xef\xbb{}\n"),
		{ SLICE_INIT("6 \xef\xbb{}") } },
	{ "LF and CRLF behind a counted message",
		SLICE_INIT("8 <14>hell\n8 <14>hell\r\n8 <14>hell"),
		{ SLICE_INIT("<14>hell"), SLICE_INIT("<14>hell"), SLICE_INIT("<14>hell") } },
	{ "LF counted with the message", SLICE_INIT("5 <14>\n5 <15>\n"),
		{ SLICE_INIT("<14>\n"), SLICE_INIT("<15>\n") } },
	{ "LF and NUL in a counted message are data", SLICE_INIT("8 <14>\n\0\r\nx\n"),
		{ SLICE_INIT("<14>\n\0\r\n"), SLICE_INIT("x") } },
	{ "any byte after a counted message", SLICE_INIT("5 <14>a3 abc2 xy"),
		{ SLICE_INIT("<14>a"), SLICE_INIT("abc"), SLICE_INIT("xy") } },
	{ "no count before plain text", SLICE_INIT("3 abc\n2 xy\n"),
		{ SLICE_INIT("3 abc"), SLICE_INIT("2 xy") } },
	{ "a date is no count", SLICE_INIT("2026-03-01,10:00:00,app started\n{\"a\":1}\n"),
		{ SLICE_INIT("2026-03-01,10:00:00,app started"), SLICE_INIT("{\"a\":1}") } },
	{ "a count has no leading zero", SLICE_INIT("08 <14>hell\n0 <14>\n"),
		{ SLICE_INIT("08 <14>hell"), SLICE_INIT("0 <14>") } },
	{ "eight digits are text", SLICE_INIT("12345678 <14>x\n"),
		{ SLICE_INIT("12345678 <14>x") } },
	{ "two blanks are text", SLICE_INIT("4  <14>\n"), { SLICE_INIT("4  <14>") } },
	{ "digits alone are text", SLICE_INIT("330\n330 \n330"),
		{ SLICE_INIT("330"), SLICE_INIT("330 "), SLICE_INIT("330") } },
	{ "one blank before a frame", SLICE_INIT("a\n b\n 8 <14>hell 2 <x"),
		{ SLICE_INIT("a"), SLICE_INIT("b"), SLICE_INIT("<14>hell"), SLICE_INIT("<x") } },
	{ "one blank only", SLICE_INIT("  a\n \n \r\n"), { SLICE_INIT(" a") } },
	{ "a blank at the end", SLICE_INIT("a\n "), { SLICE_INIT("a") } },
	{ "count of exactly the limit", SLICE_INIT("64 <" TEN TEN TEN TEN TEN TEN "abcx\n"),
		{ SLICE_INIT("<" SIXTY "abc"), SLICE_INIT("x") } },
	{ "count over the limit", SLICE_INIT("65 <" AT_LIMIT "abc\n"),
		{ SLICE_INIT(OVER_COUNT "<" AT_LIMIT), SLICE_INIT("abc") } },
	{ "count over the limit, then a count", SLICE_INIT("71 {" SIXTY TEN "3 [\n]"),
		{ SLICE_INIT(OVER_COUNT "{" SIXTY TEN), SLICE_INIT("[\n]") } },
	{ "line of exactly the limit", SLICE_INIT(AT_LIMIT "\nabc\n"),
		{ SLICE_INIT(AT_LIMIT), SLICE_INIT("abc") } },
	{ "line of exactly the limit with CRLF", SLICE_INIT(AT_LIMIT "\r\nabc\n"),
		{ SLICE_INIT(AT_LIMIT), SLICE_INIT("abc") } },
	{ "line of exactly the limit behind a blank", SLICE_INIT(" " AT_LIMIT "\r\nabc\n"),
		{ SLICE_INIT(AT_LIMIT), SLICE_INIT("abc") } },
	{ "line of exactly the limit at the end", SLICE_INIT("x\n" AT_LIMIT "\r"),
		{ SLICE_INIT("x"), SLICE_INIT(AT_LIMIT) } },
	{ "line over the limit", SLICE_INIT(AT_LIMIT "e\nabc\n"),
		{ SLICE_INIT(OVER_LINE AT_LIMIT), SLICE_INIT("abc") } },
	{ "line over the limit by a CR", SLICE_INIT(AT_LIMIT "\re\nabc\n"),
		{ SLICE_INIT(OVER_LINE AT_LIMIT), SLICE_INIT("abc") } },
	{ "line over the limit by two CR", SLICE_INIT(AT_LIMIT "\r\r\nabc\n"),
		{ SLICE_INIT(OVER_LINE AT_LIMIT), SLICE_INIT("abc") } },
	{ "long line over the limit", SLICE_INIT(SIXTY SIXTY SIXTY "\0abc\n" SIXTY SIXTY),
		{ SLICE_INIT(OVER_LINE SIXTY "0123"), SLICE_INIT("abc"),
			SLICE_INIT(OVER_LINE SIXTY "0123") } },
	{ "connection ends inside a counted message", SLICE_INIT("8 <14>he"),
		{ SLICE_INIT(INCOMPLETE "<14>he") } },
	{ "connection ends inside a count", SLICE_INIT("5 <14>a33"),
		{ SLICE_INIT("<14>a"), SLICE_INIT(INCOMPLETE "33") } },
	{ "connection ends behind a count", SLICE_INIT("5 <14>a33 "),
		{ SLICE_INIT("<14>a"), SLICE_INIT(INCOMPLETE) } },
	{ "connection ends behind what may be a count", SLICE_INIT("33 "), { SLICE_INIT("33 ") } },
	{ "connection ends inside a refused message", SLICE_INIT("9999999 <" SIXTY),
		{ SLICE_INIT(INCOMPLETE "<" SIXTY) } },
};

struct result {
	char text[MESSAGES][256];
	size_t len[MESSAGES];
	size_t n;
};

static void
result_add(struct result *result, enum frame_result what, struct slice msg, enum reason why)
{
	size_t n = 0;

	ck_assert_uint_lt(result->n, MESSAGES);
	ck_assert_uint_lt(msg.len, 200);
	if (what == FRAME_BAD) {
		n = (size_t)snprintf(result->text[result->n], 256, "!%s:", reason_name(why));
	}
	memcpy(result->text[result->n] + n, msg.ptr, msg.len);
	result->len[result->n++] = n + msg.len;
}

/* Take what there is to take from the front of `in`; the bytes used. */
static size_t
drain(struct frame *frame, struct slice in, struct result *result)
{
	size_t total = 0;

	for (;;) {
		struct slice copy = guard_copy(slice_sub(in, total, in.len));
		struct slice msg = SLICE_NONE;
		enum reason why = REASON_MAX;
		size_t used = 0;
		enum frame_result what = frame_next(frame, copy, &msg, &used, &why);

		if (what == FRAME_MORE) {
			ck_assert(used == 0 && msg.ptr == NULL && why == REASON_MAX);
			guard_free(copy);
			return total;
		}
		ck_assert(used > 0 && used <= copy.len);
		if (what != FRAME_SKIP) {
			ck_assert(msg.ptr >= copy.ptr && msg.ptr + msg.len <= copy.ptr + used);
			result_add(result, what, msg, why);
		}
		guard_free(copy);
		total += used;
	}
}

/* Feed the stream in pieces that end at `cut` and then every `step` bytes. */
static void
feed(struct slice stream, size_t cut, size_t step, struct result *result)
{
	struct frame frame;
	size_t begin = 0, end = cut;
	struct slice msg, rest;
	enum frame_result what;
	enum reason why;

	memset(result, 0, sizeof(*result));
	frame_init(&frame, LIMIT);
	for (;;) {
		begin += drain(&frame, slice_sub(stream, begin, end), result);
		if (end >= stream.len)
			break;
		end += step;
	}
	rest = guard_copy(slice_sub(stream, begin, stream.len));
	what = frame_finish(&frame, rest, &msg, &why);
	ck_assert_int_ne(what, FRAME_MORE);
	if (what != FRAME_SKIP)
		result_add(result, what, msg, why);
	guard_free(rest);
}

static void
same(const struct row *row, const struct result *result, const char *how, size_t cut)
{
	size_t n = 0;

	while (n < MESSAGES && row->messages[n].ptr != NULL)
		n++;
	for (size_t i = 0; i < n && i < result->n; i++) {
		struct slice got = { result->text[i], result->len[i] };

		ck_assert_msg(slice_equal(got, row->messages[i]),
			"%s, %s %zu: message %zu is \"%.*s\"", row->name, how, cut, i, (int)got.len,
			got.ptr);
	}
	ck_assert_msg(result->n == n, "%s, %s %zu: %zu messages", row->name, how, cut, result->n);
}

START_TEST(cuts_a_stream_into_messages)
{
	const struct row *row = &rows[_i];
	struct result result;

	feed(row->stream, row->stream.len, 1, &result);
	same(row, &result, "whole", 0);
	feed(row->stream, 1, 1, &result);
	same(row, &result, "in bytes", 0);
	for (size_t cut = 0; cut < row->stream.len; cut++) {
		feed(row->stream, cut, row->stream.len, &result);
		same(row, &result, "cut at", cut);
	}
}
END_TEST

/* What has to wait, and what is known at once. */
static const struct {
	struct slice in;
	bool counted;
	enum frame_result what;
	size_t used;
} wait_rows[] = {
	{ SLICE_INIT(""), false, FRAME_MORE, 0 },
	{ SLICE_INIT("330"), false, FRAME_MORE, 0 },
	{ SLICE_INIT("330 "), false, FRAME_MORE, 0 },
	{ SLICE_INIT("330 \xef\xbb"), false, FRAME_MORE, 0 },
	{ SLICE_INIT("1234567"), false, FRAME_MORE, 0 },
	{ SLICE_INIT("12345678 \n"), false, FRAME_OK, 10 },
	{ SLICE_INIT("1 <"), false, FRAME_OK, 3 },
	{ SLICE_INIT("1 x"), false, FRAME_MORE, 0 },
	{ SLICE_INIT("1 x"), true, FRAME_OK, 3 },
	{ SLICE_INIT("2 x"), true, FRAME_MORE, 0 },
	{ SLICE_INIT("\r"), false, FRAME_SKIP, 1 },
	{ SLICE_INIT(" "), false, FRAME_MORE, 0 },
	{ SLICE_INIT("65 <" AT_LIMIT), false, FRAME_BAD, 68 },
	{ SLICE_INIT("65 <" SIXTY "abc"), false, FRAME_MORE, 0 },
	{ SLICE_INIT(AT_LIMIT "\r"), false, FRAME_MORE, 0 },
	{ SLICE_INIT(AT_LIMIT "e"), false, FRAME_BAD, 65 },
};

START_TEST(waits_exactly_when_more_bytes_decide)
{
	struct slice in = guard_copy(wait_rows[_i].in);
	struct frame frame;
	struct slice msg;
	enum reason why;
	size_t used = 0;

	frame_init(&frame, LIMIT);
	frame.counted = wait_rows[_i].counted;
	ck_assert_int_eq(frame_next(&frame, in, &msg, &used, &why), wait_rows[_i].what);
	ck_assert_uint_eq(used, wait_rows[_i].used);
	guard_free(in);
}
END_TEST

START_TEST(shows_no_more_than_the_head_of_a_long_message)
{
	static char in[20000];
	struct slice msg, all = { in, sizeof(in) };
	struct frame frame;
	enum reason why;
	size_t used, total = 0;

	memset(in, 'x', sizeof(in));
	memcpy(in, "9999 <", 6);
	in[10004] = '\n';
	frame_init(&frame, 5000);
	ck_assert_int_eq(frame_next(&frame, all, &msg, &used, &why), FRAME_BAD);
	ck_assert_uint_eq(msg.len, FRAME_HEAD_MAX);
	ck_assert_int_eq(why, REASON_OVERSIZE_COUNTED);
	total = used;
	ck_assert_int_eq(
		frame_next(&frame, slice_sub(all, total, all.len), &msg, &used, &why), FRAME_SKIP);
	total += used;
	ck_assert_uint_eq(total, 10004);
	total++;
	ck_assert_int_eq(
		frame_next(&frame, slice_sub(all, total, all.len), &msg, &used, &why), FRAME_BAD);
	ck_assert_uint_eq(msg.len, FRAME_HEAD_MAX);
	ck_assert_int_eq(why, REASON_OVERSIZE_LINE);
}
END_TEST

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

START_TEST(byte_by_byte_is_linear)
{
	size_t len = (size_t)1 << 18;
	char *in = malloc(len);
	struct frame frame;
	struct slice msg;
	enum reason why;
	double begin = seconds();
	size_t used;

	ck_assert_ptr_nonnull(in);
	memset(in, 'x', len);
	frame_init(&frame, len);
	for (size_t i = 1; i <= len; i++) {
		ck_assert_int_eq(
			frame_next(&frame, (struct slice){ in, i }, &msg, &used, &why), FRAME_MORE);
	}
	/* Searching from the front each time would take a minute. */
	ck_assert(seconds() - begin < 5);
	free(in);
}
END_TEST

START_TEST(many_short_messages_with_nul_are_linear)
{
	size_t len = (size_t)1 << 20, total = 0;
	char *in = malloc(len);
	struct frame frame;
	struct slice msg;
	enum reason why;
	double begin = seconds();
	size_t used;

	ck_assert_ptr_nonnull(in);
	for (size_t i = 0; i < len; i++)
		in[i] = i % 2 == 0 ? 'x' : '\0';
	frame_init(&frame, len);
	for (; total < len; total += used) {
		ck_assert_int_eq(frame_next(&frame, (struct slice){ in + total, len - total }, &msg,
					 &used, &why),
			FRAME_OK);
	}
	ck_assert(seconds() - begin < 10);
	free(in);
}
END_TEST

#define PRETTY(n) \
	"{\n  \"Event\": {\n    \"a\": [\n      {\n        \"b\": " n "\n      }\n    ]\n  }\n}"

static const struct row file_rows[] = {
	{ "nothing", SLICE_INIT(""), { NOTHING } },
	{ "blanks", SLICE_INIT(" \n\t\r\n"), { NOTHING } },
	{ "NDJSON", SLICE_INIT("{\"a\":1}\n{\"b\":2}\r\n{\"c\":3}"),
		{ SLICE_INIT("{\"a\":1}"), SLICE_INIT("{\"b\":2}"), SLICE_INIT("{\"c\":3}") } },
	{ "syslog lines", SLICE_INIT("<14>a {\"b\"\n<14>c\r\n\nMar  1 10:00:00 h t: x\n12 <14>"),
		{ SLICE_INIT("<14>a {\"b\""), SLICE_INIT("<14>c"),
			SLICE_INIT("Mar  1 10:00:00 h t: x"), SLICE_INIT("12 <14>") } },
	{ "a pretty-printed document", SLICE_INIT(PRETTY("1") "\n"), { SLICE_INIT(PRETTY("1")) } },
	{ "documents in a row, LF between", SLICE_INIT(PRETTY("1") "\n" PRETTY("2") "\n"),
		{ SLICE_INIT(PRETTY("1")), SLICE_INIT(PRETTY("2")) } },
	{ "documents in a row, nothing between", SLICE_INIT(PRETTY("1") PRETTY("2") "{\"c\":3}{}"),
		{ SLICE_INIT(PRETTY("1")), SLICE_INIT(PRETTY("2")), SLICE_INIT("{\"c\":3}"),
			SLICE_INIT("{}") } },
	{ "byte order marks", SLICE_INIT(BOM "{\"a\":1}\n" BOM BOM "x\n"),
		{ SLICE_INIT("{\"a\":1}"), SLICE_INIT("x") } },
	{ "brackets in strings", SLICE_INIT("{\"a\":\"}\\\"]{\"}\n{\"b\":\"\\\\\"}\n"),
		{ SLICE_INIT("{\"a\":\"}\\\"]{\"}"), SLICE_INIT("{\"b\":\"\\\\\"}") } },
	{ "an array is one message", SLICE_INIT("[\n  {\"a\":1},\n  {\"b\":2}\n]\nx\n"),
		{ SLICE_INIT("[\n  {\"a\":1},\n  {\"b\":2}\n]"), SLICE_INIT("x") } },
	{ "an array without indentation", SLICE_INIT("[\n{\"a\":1},\n{\"b\":2}\n]\nx\n"),
		{ SLICE_INIT("{\"a\":1}"), SLICE_INIT("{\"b\":2}"), SLICE_INIT("x") } },
	{ "an array over the limit",
		SLICE_INIT(
			"[\n  {\n    \"a\": \"" TEN TEN TEN
			"\"\n  },\n  {\n    \"b\": \"" TEN TEN TEN "\"\n  } , {\"c\":1}\n]\nx\n"),
		{ SLICE_INIT("{\n    \"a\": \"" TEN TEN TEN "\"\n  }"),
			SLICE_INIT("{\n    \"b\": \"" TEN TEN TEN "\"\n  }"),
			SLICE_INIT("{\"c\":1}"), SLICE_INIT("x") } },
	{ "text in brackets is a line", SLICE_INIT("[INFO] a\n[a] [b]\n{ text }\n{x}y\n[{x] y\n"),
		{ SLICE_INIT("[INFO] a"), SLICE_INIT("[a] [b]"), SLICE_INIT("{ text }"),
			SLICE_INIT("{x}y"), SLICE_INIT("{x] y") } },
	{ "text behind a value stays with it", SLICE_INIT("{\"a\":1} b\n{\n \"a\":1\n} b\nc\n"),
		{ SLICE_INIT("{\"a\":1} b"), SLICE_INIT("{\n \"a\":1\n} b"), SLICE_INIT("c") } },
	{ "a cut line, then a good one", SLICE_INIT("{\"a\":{\"b\":1},\n{\"c\":2}\n"),
		{ SLICE_INIT("{\"a\":{\"b\":1},"), SLICE_INIT("{\"c\":2}") } },
	{ "a line cut in a string, then a good one", SLICE_INIT("{\"a\":\"b\n{\"c\":2}\n"),
		{ SLICE_INIT("{\"a\":\"b"), SLICE_INIT("{\"c\":2}") } },
	{ "a line cut behind a backslash, then a good one", SLICE_INIT("{\"a\":\"b\\\n{\"c\":2}\n"),
		{ SLICE_INIT("{\"a\":\"b\\"), SLICE_INIT("{\"c\":2}") } },
	{ "a cut line, then syslog", SLICE_INIT("{\"a\":[1,\n<14>x ]}\n"),
		{ SLICE_INIT("{\"a\":[1,"), SLICE_INIT("<14>x ]}") } },
	{ "a cut document, then a good one", SLICE_INIT("{\n  \"a\": 1,\n" PRETTY("2") "\n"),
		{ SLICE_INIT("{"), SLICE_INIT("\"a\": 1,"), SLICE_INIT(PRETTY("2")) } },
	{ "a cut document at the end", SLICE_INIT("{\n \"a\":\n"),
		{ SLICE_INIT("{"), SLICE_INIT("\"a\":") } },
	{ "the wrong bracket", SLICE_INIT("{\"a\":[1}\n{\"b\":2}\n"),
		{ SLICE_INIT("{\"a\":[1}"), SLICE_INIT("{\"b\":2}") } },
	{ "a closing bracket alone", SLICE_INIT("}\nx\n]\n"),
		{ SLICE_INIT("}"), SLICE_INIT("x") } },
	{ "a line over the limit",
		SLICE_INIT("{\"a\":\"" SIXTY SIXTY "\"}\n{\"b\":2}\n" SIXTY SIXTY),
		{ SLICE_INIT(OVER_LINE "{\"a\":\"" SIXTY TEN TEN TEN "0123"),
			SLICE_INIT("{\"b\":2}"), SLICE_INIT(OVER_LINE SIXTY TEN TEN TEN TEN) } },
	{ "a line of exactly the limit", SLICE_INIT(SIXTY TEN TEN TEN TEN "\r\nx"),
		{ SLICE_INIT(SIXTY TEN TEN TEN TEN), SLICE_INIT("x") } },
	{ "NUL ends a line", SLICE_INIT("{\"a\":1}\0x\0"),
		{ SLICE_INIT("{\"a\":1}"), SLICE_INIT("x") } },
};

START_TEST(cuts_a_file_into_messages)
{
	const struct row *row = &file_rows[_i];
	struct result result;
	size_t total = 0;

	memset(&result, 0, sizeof(result));
	for (;;) {
		struct slice in = guard_copy(slice_sub(row->stream, total, row->stream.len));
		struct slice msg = SLICE_NONE;
		enum reason why = REASON_MAX;
		size_t used = 0;
		enum frame_result what = frame_file_next(in, FILE_LIMIT, &msg, &used, &why);

		if (what == FRAME_OK || what == FRAME_BAD) {
			ck_assert(msg.ptr >= in.ptr && msg.ptr + msg.len <= in.ptr + used);
			result_add(&result, what, msg, why);
		}
		guard_free(in);
		if (what == FRAME_MORE)
			break;
		ck_assert(used > 0);
		total += used;
		ck_assert_uint_le(total, row->stream.len);
	}
	ck_assert_uint_eq(total, row->stream.len);
	same(row, &result, "file", 0);
}
END_TEST

/* Files whose every line begins a value that never ends. */
static const struct slice hostile_lines[] = {
	SLICE_INIT("{\"a\":\n"),
	SLICE_INIT("{\n\"a\":\n"),
	SLICE_INIT("[{\"a\":\n"),
	SLICE_INIT("[\n\n{\"a\":[\n"),
	SLICE_INIT("{\"a\":\n\"a\",\"b\"\n"),
	SLICE_INIT("[{"),
	SLICE_INIT("{\"a\":"),
	SLICE_INIT("]"),
	SLICE_INIT(","),
	SLICE_INIT("{\"a\\"),
	SLICE_INIT("{}x"),
};

static void
read_hostile(const char *in, size_t len)
{
	double begin = seconds();
	struct slice msg;
	enum reason why;
	size_t used = 0;

	for (size_t total = 0; total < len; total += used) {
		enum frame_result what = frame_file_next(
			(struct slice){ in + total, len - total }, 1 << 20, &msg, &used, &why);

		ck_assert_int_ne(what, FRAME_MORE);
	}
	ck_assert_msg(seconds() - begin < 20, "%.20s", in);
}

START_TEST(hostile_files_are_linear)
{
	size_t len = (size_t)1 << 19, n = hostile_lines[_i].len;
	char *in = malloc(len);

	ck_assert_ptr_nonnull(in);
	for (size_t i = 0; i < len; i++)
		in[i] = hostile_lines[_i].ptr[i % n];
	read_hostile(in, len);
	free(in);
}
END_TEST

START_TEST(indented_hostile_files_are_linear)
{
	size_t len = (size_t)1 << 19, at = 0;
	char *in = malloc(len);

	ck_assert_ptr_nonnull(in);
	memset(in, ' ', len);
	/* Each line is indented more than the one before it, so that each looks like a part of it.
	 */
	for (size_t indent = 0; at + indent + 8 < len; indent = (indent + 1) % 300) {
		memcpy(in + at + indent, "{\"a\":\n", 6);
		at += indent + 6;
	}
	read_hostile(in, len);
	free(in);
}
END_TEST

START_TEST(trims_datagrams)
{
	ck_assert(slice_equal(frame_datagram(SLICE("<14>a\0")), SLICE("<14>a")));
	ck_assert(slice_equal(frame_datagram(SLICE("<14>a\r\n")), SLICE("<14>a")));
	ck_assert(slice_equal(frame_datagram(SLICE("<14>a\n\0\0")), SLICE("<14>a")));
	ck_assert(slice_equal(frame_datagram(SLICE("a\nb\0c")), SLICE("a\nb\0c")));
	ck_assert_uint_eq(frame_datagram(SLICE("\r\n")).len, 0);
	ck_assert_ptr_null(frame_datagram(SLICE_NONE).ptr);
}
END_TEST

static Suite *
frame_suite(void)
{
	Suite *suite = suite_create("frame");
	TCase *tcase = tcase_create("frame");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, cuts_a_stream_into_messages, 0, ROWS(rows));
	tcase_add_loop_test(tcase, waits_exactly_when_more_bytes_decide, 0, ROWS(wait_rows));
	tcase_add_test(tcase, shows_no_more_than_the_head_of_a_long_message);
	tcase_add_test(tcase, byte_by_byte_is_linear);
	tcase_add_test(tcase, many_short_messages_with_nul_are_linear);
	tcase_add_loop_test(tcase, cuts_a_file_into_messages, 0, ROWS(file_rows));
	tcase_add_loop_test(tcase, hostile_files_are_linear, 0, ROWS(hostile_lines));
	tcase_add_test(tcase, indented_hostile_files_are_linear);
	tcase_add_test(tcase, trims_datagrams);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(frame_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
