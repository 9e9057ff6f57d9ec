/* UTF-8: where it stops being valid, and the marks that replace what is not. */

#include <check.h>
#include <stdlib.h>

#include "parsers/utf8.h"
#include "tests/unit/guard.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

#define MARK "\xef\xbf\xbd"

static const struct {
	const char *name;
	struct slice text;
	size_t valid;
	struct slice repaired;
} rows[] = {
	{ "absent", { NULL, 0 }, 0, { NULL, 0 } },
	{ "empty", SLICE_INIT(""), 0, SLICE_INIT("") },
	{ "ASCII", SLICE_INIT("cmd.exe /c whoami && ipconfig /all"), 34,
		SLICE_INIT("cmd.exe /c whoami && ipconfig /all") },
	{ "a NUL is ASCII", SLICE_INIT("a\0b"), 3, SLICE_INIT("a\0b") },
	{ "two, three and four bytes", SLICE_INIT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), 9,
		SLICE_INIT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80") },
	{ "limits of the ranges",
		SLICE_INIT("\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80"
			   "\xf4\x8f\xbf\xbf"),
		21,
		SLICE_INIT("\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80"
			   "\xf4\x8f\xbf\xbf") },
	{ "one byte of an ANSI code page", SLICE_INIT("cmd.exe /c \xe9 whoami"), 11,
		SLICE_INIT("cmd.exe /c " MARK " whoami") },
	{ "no lead byte",
		SLICE_INIT("a\xff"
			   "b\xfe\x80"),
		1, SLICE_INIT("a" MARK "b" MARK MARK) },
	{ "overlong slash", SLICE_INIT("\xc0\xaf"), 0, SLICE_INIT(MARK MARK) },
	{ "overlong in three bytes", SLICE_INIT("\xe0\x80\xaf"), 0, SLICE_INIT(MARK MARK MARK) },
	{ "encoded surrogate", SLICE_INIT("x\xed\xa0\x80"), 1, SLICE_INIT("x" MARK MARK MARK) },
	{ "over U+10FFFF", SLICE_INIT("\xf4\x90\x80\x80"), 0, SLICE_INIT(MARK MARK MARK MARK) },
	{ "cut after two of three", SLICE_INIT("ab\xe4\xb8 x"), 2, SLICE_INIT("ab" MARK " x") },
	{ "cut at the end", SLICE_INIT("ab\xf0\x9f\x98"), 2, SLICE_INIT("ab" MARK) },
	{ "lead at the end", SLICE_INIT("ab\xc3"), 2, SLICE_INIT("ab" MARK) },
	{ "the standard's own example (table 3-11)",
		SLICE_INIT("\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64"), 1,
		SLICE_INIT("a" MARK MARK MARK "b" MARK "c" MARK MARK "d") },
	{ "behind a word of ASCII", SLICE_INIT("0123456789abcdef0123456789abcde\xff"), 31,
		SLICE_INIT("0123456789abcdef0123456789abcde" MARK) },
};

START_TEST(validates_and_repairs)
{
	struct arena *arena = arena_new(65536);
	struct slice text = guard_copy(rows[_i].text);
	struct slice repaired;

	ck_assert_msg(utf8_valid(text) == rows[_i].valid, "%s", rows[_i].name);
	repaired = utf8_repair(text, arena);
	ck_assert_msg(slice_equal(repaired, rows[_i].repaired), "%s", rows[_i].name);
	ck_assert_uint_eq(utf8_valid(repaired), repaired.len);
	/* Valid text is not copied. */
	ck_assert((repaired.ptr == text.ptr) == (rows[_i].valid == text.len));
	guard_free(text);
	arena_free(arena);
}
END_TEST

START_TEST(finds_a_bad_byte_at_every_offset)
{
	char text[70];

	for (size_t at = 0; at < sizeof(text); at++) {
		memset(text, 'x', sizeof(text));
		text[at] = '\x80';
		struct slice copy = guard_copy((struct slice){ text, sizeof(text) });
		ck_assert_uint_eq(utf8_valid(copy), at);
		guard_free(copy);
	}
}
END_TEST

/* The definition, read from RFC 3629 in another way than the code does. */
static bool
decodes(const unsigned char *p, size_t len)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	size_t follow = p[0] < 0x80 ? 0 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
	uint32_t code = p[0];

	if ((p[0] >= 0x80 && p[0] < 0xc0) || p[0] >= 0xf8 || len != follow + 1)
		return false;
	if (follow > 0)
		code &= 0x3fU >> follow;
	for (size_t i = 1; i <= follow; i++) {
		if (p[i] >> 6 != 2)
			return false;
		code = code << 6 | (p[i] & 0x3f);
	}
	return code >= least[follow] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

START_TEST(agrees_with_the_definition)
{
	static const unsigned char tails[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
		0xc0 };
	size_t n = sizeof(tails);

	for (size_t i = 0; i < 256 * n * n * n; i++) {
		const unsigned char p[] = { (unsigned char)(i / n / n / n), tails[i / n / n % n],
			tails[i / n % n], tails[i % n] };

		for (size_t len = 1; len <= 4; len++) {
			size_t valid = utf8_valid((struct slice){ (const char *)p, len });
			size_t want = 0;

			while (want < len) {
				size_t step = 1;

				while (step <= len - want && !decodes(p + want, step))
					step++;
				if (step > len - want)
					break;
				want += step;
			}
			ck_assert_msg(valid == want, "%02x %02x %02x %02x", p[0], p[1], p[2], p[3]);
		}
	}
}
END_TEST

START_TEST(is_absent_without_room)
{
	struct arena *arena = arena_new(16);

	ck_assert_ptr_null(utf8_repair(SLICE("0123456789abcde\xff"), arena).ptr);
	arena_free(arena);
}
END_TEST

static Suite *
utf8_suite(void)
{
	Suite *suite = suite_create("utf8");
	TCase *tcase = tcase_create("utf8");

	tcase_add_loop_test(tcase, validates_and_repairs, 0, ROWS(rows));
	tcase_add_test(tcase, finds_a_bad_byte_at_every_offset);
	tcase_add_test(tcase, agrees_with_the_definition);
	tcase_add_test(tcase, is_absent_without_room);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(utf8_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
