/* Slices: comparing, searching and numbers, with input against an unreadable page. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/guard.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *name;
	struct slice a, b;
	bool equal, nocase, prefix, prefix_nocase, suffix_nocase;
} compare_rows[] = {
	{ "same bytes", SLICE_INIT("cmd.exe"), SLICE_INIT("cmd.exe"), 1, 1, 1, 1, 1 },
	{ "letter case", SLICE_INIT("CMD.exe"), SLICE_INIT("cmd.EXE"), 0, 1, 0, 1, 1 },
	{ "prefix", SLICE_INIT("C:\\Windows\\x"), SLICE_INIT("C:\\Windows"), 0, 0, 1, 1, 0 },
	{ "prefix without case", SLICE_INIT("C:\\Windows\\x"), SLICE_INIT("c:\\wINDOWS"), 0, 0, 0,
		1, 0 },
	{ "suffix longer than a word", SLICE_INIT("C:\\Windows\\System32\\CMD.EXE"),
		SLICE_INIT("\\system32\\cmd.exe"), 0, 0, 0, 0, 1 },
	{ "longer than the text", SLICE_INIT("exe"), SLICE_INIT("cmd.exe"), 0, 0, 0, 0, 0 },
	{ "empty needle", SLICE_INIT("x"), SLICE_INIT(""), 0, 0, 1, 1, 1 },
	{ "absent needle", SLICE_INIT("x"), { NULL, 0 }, 0, 0, 1, 1, 1 },
	{ "both absent", { NULL, 0 }, { NULL, 0 }, 1, 1, 1, 1, 1 },
	{ "a NUL is a byte", SLICE_INIT("a\0b"), SLICE_INIT("a\0c"), 0, 0, 0, 0, 0 },
	{ "only A to Z fold", SLICE_INIT("[\\]^_@"), SLICE_INIT("{|}~\x7f`"), 0, 0, 0, 0, 0 },
	{ "bytes over 127 do not fold", SLICE_INIT("\xc3\x84"), SLICE_INIT("\xc3\xa4"), 0, 0, 0, 0,
		0 },
	{ "last byte of a word differs", SLICE_INIT("ABCDEFGH12345678"),
		SLICE_INIT("abcdefgh12345679"), 0, 0, 0, 0, 0 },
};

START_TEST(compares)
{
	struct slice a = guard_copy(compare_rows[_i].a);
	struct slice b = guard_copy(compare_rows[_i].b);
	const char *name = compare_rows[_i].name;

	ck_assert_msg(slice_equal(a, b) == compare_rows[_i].equal, "%s: equal", name);
	ck_assert_msg(slice_equal_nocase(a, b) == compare_rows[_i].nocase, "%s: nocase", name);
	ck_assert_msg(slice_prefix(a, b) == compare_rows[_i].prefix, "%s: prefix", name);
	ck_assert_msg(slice_prefix_nocase(a, b) == compare_rows[_i].prefix_nocase,
		"%s: prefix_nocase", name);
	ck_assert_msg(slice_suffix_nocase(a, b) == compare_rows[_i].suffix_nocase,
		"%s: suffix_nocase", name);
	guard_free(a);
	guard_free(b);
}
END_TEST

START_TEST(folds_ascii_letters_only)
{
	for (int byte = 0; byte < 256; byte++) {
		int want = byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;

		ck_assert_int_eq(slice_lower((unsigned char)byte), want);
	}
}
END_TEST

static const struct {
	struct slice text, needle;
	size_t at;
} find_rows[] = {
	{ SLICE_INIT("abcabc"), SLICE_INIT("abc"), 0 },
	{ SLICE_INIT("xxabc"), SLICE_INIT("abc"), 2 },
	{ SLICE_INIT("ababac"), SLICE_INIT("abac"), 2 },
	{ SLICE_INIT("abc"), SLICE_INIT("d"), 3 },
	{ SLICE_INIT("ab"), SLICE_INIT("abc"), 2 },
	{ SLICE_INIT("a\0b"), SLICE_INIT("\0b"), 1 },
	{ SLICE_INIT("abc"), SLICE_INIT(""), 0 },
	{ { NULL, 0 }, SLICE_INIT("a"), 0 },
	{ SLICE_INIT(""), SLICE_INIT("a"), 0 },
};

START_TEST(finds)
{
	struct slice text = guard_copy(find_rows[_i].text);

	ck_assert_uint_eq(slice_find(text, find_rows[_i].needle), find_rows[_i].at);
	if (find_rows[_i].needle.len == 1) {
		ck_assert_uint_eq(
			slice_find_byte(text, find_rows[_i].needle.ptr[0]), find_rows[_i].at);
	}
	guard_free(text);
}
END_TEST

static const struct {
	struct slice text;
	uint64_t max;
	int plain, any;
	uint64_t n;
} number_rows[] = {
	{ SLICE_INIT("0"), 9, 0, 0, 0 },
	{ SLICE_INIT("4688"), UINT32_MAX, 0, 0, 4688 },
	{ SLICE_INIT("007"), 9, 0, 0, 7 },
	{ SLICE_INIT("18446744073709551615"), UINT64_MAX, 0, 0, UINT64_MAX },
	{ SLICE_INIT("18446744073709551616"), UINT64_MAX, -ERANGE, -ERANGE, 0 },
	{ SLICE_INIT("99999999999999999999999999"), UINT64_MAX, -ERANGE, -ERANGE, 0 },
	{ SLICE_INIT("191"), 191, 0, 0, 191 },
	{ SLICE_INIT("192"), 191, -ERANGE, -ERANGE, 0 },
	{ SLICE_INIT("9"), 5, -ERANGE, -ERANGE, 0 },
	{ SLICE_INIT("999x"), 5, -EINVAL, -EINVAL, 0 },
	{ SLICE_INIT(""), 9, -EINVAL, -EINVAL, 0 },
	{ { NULL, 0 }, 9, -EINVAL, -EINVAL, 0 },
	{ SLICE_INIT(" 1"), 9, -EINVAL, -EINVAL, 0 },
	{ SLICE_INIT("+1"), 9, -EINVAL, -EINVAL, 0 },
	{ SLICE_INIT("-1"), 9, -EINVAL, -EINVAL, 0 },
	{ SLICE_INIT("1.0"), 9, -EINVAL, -EINVAL, 0 },
	{ SLICE_INIT("1\0"), 9, -EINVAL, -EINVAL, 0 },
	{ SLICE_INIT("0x1a3c"), UINT32_MAX, -EINVAL, 0, 6716 },
	{ SLICE_INIT("0X3E7"), UINT32_MAX, -EINVAL, 0, 999 },
	{ SLICE_INIT("0x00000000000003e7"), UINT32_MAX, -EINVAL, 0, 999 },
	{ SLICE_INIT("0x"), 9, -EINVAL, -EINVAL, 0 },
	{ SLICE_INIT("0xg"), 9, -EINVAL, -EINVAL, 0 },
	{ SLICE_INIT("0x10000000000000000"), UINT64_MAX, -EINVAL, -ERANGE, 0 },
};

START_TEST(reads_numbers)
{
	struct slice text = guard_copy(number_rows[_i].text);
	uint64_t n = 77;

	ck_assert_int_eq(slice_number(text, number_rows[_i].max, &n), number_rows[_i].plain);
	ck_assert_uint_eq(n, number_rows[_i].plain == 0 ? number_rows[_i].n : 77);
	n = 77;
	ck_assert_int_eq(slice_number_any(text, number_rows[_i].max, &n), number_rows[_i].any);
	ck_assert_uint_eq(n, number_rows[_i].any == 0 ? number_rows[_i].n : 77);
	guard_free(text);
}
END_TEST

START_TEST(cuts_to_the_length)
{
	struct slice s = SLICE("hello");

	ck_assert(slice_equal(slice_sub(s, 1, 3), SLICE("el")));
	ck_assert(slice_equal(slice_sub(s, 3, 99), SLICE("lo")));
	ck_assert_uint_eq(slice_sub(s, 9, 99).len, 0);
	ck_assert_uint_eq(slice_sub(s, 4, 2).len, 0);
	ck_assert_ptr_nonnull(slice_sub(s, 9, 99).ptr);
	ck_assert_ptr_null(slice_sub(SLICE_NONE, 1, 2).ptr);
}
END_TEST

START_TEST(trims_blanks_and_line_ends)
{
	ck_assert(slice_equal(slice_trim(SLICE(" \t a b\r\n ")), SLICE("a b")));
	ck_assert_uint_eq(slice_trim(SLICE(" \r\n\t")).len, 0);
	ck_assert_ptr_nonnull(slice_trim(SLICE(" ")).ptr);
	ck_assert_ptr_null(slice_trim(SLICE_NONE).ptr);
}
END_TEST

START_TEST(takes_a_string)
{
	ck_assert(slice_equal(slice_of("abc"), SLICE("abc")));
	ck_assert_ptr_null(slice_of(NULL).ptr);
	ck_assert_ptr_nonnull(slice_of("").ptr);
}
END_TEST

static Suite *
slice_suite(void)
{
	Suite *suite = suite_create("slice");
	TCase *tcase = tcase_create("slice");

	tcase_add_loop_test(tcase, compares, 0, ROWS(compare_rows));
	tcase_add_test(tcase, folds_ascii_letters_only);
	tcase_add_loop_test(tcase, finds, 0, ROWS(find_rows));
	tcase_add_loop_test(tcase, reads_numbers, 0, ROWS(number_rows));
	tcase_add_test(tcase, cuts_to_the_length);
	tcase_add_test(tcase, trims_blanks_and_line_ends);
	tcase_add_test(tcase, takes_a_string);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(slice_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
