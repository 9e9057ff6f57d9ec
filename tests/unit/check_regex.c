/* Regular expressions by PCRE2: what is one, what it finds, and that hostile values end. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/regex.h"
#include "tests/unit/guard.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	struct slice expression;
	unsigned int flags;
	struct slice value;
	bool want;
} match_rows[] = {
	{ SLICE_INIT("b+c"), 0, SLICE_INIT("abbcd"), true },
	{ SLICE_INIT("B+C"), 0, SLICE_INIT("abbcd"), false },
	{ SLICE_INIT("B+C"), REGEX_CASELESS, SLICE_INIT("abbcd"), true },
	{ SLICE_INIT("^b"), 0, SLICE_INIT("a\nb"), false },
	{ SLICE_INIT("^b"), REGEX_MULTILINE, SLICE_INIT("a\nb"), true },
	{ SLICE_INIT("a.b"), 0, SLICE_INIT("a\nb"), false },
	{ SLICE_INIT("a.b"), REGEX_DOTALL, SLICE_INIT("a\nb"), true },
	{ SLICE_INIT("^a.b$"), 0,
		SLICE_INIT("a\xc3\xa4"
			   "b"),
		true },
	{ SLICE_INIT("(a)\\1"), 0, SLICE_INIT("aa"), true },
	{ SLICE_INIT("x(?!y)"), 0, SLICE_INIT("xy"), false },
	{ SLICE_INIT("x(?!y)"), 0, SLICE_INIT("xz"), true },
	{ SLICE_INIT(""), 0, SLICE_INIT(""), true },
	{ SLICE_INIT("^$"), 0, SLICE_INIT(""), true },
	{ SLICE_INIT("a"), 0,
		SLICE_INIT("\xff"
			   "a"),
		false },
};

START_TEST(finds_what_it_should)
{
	struct regex *regex = regex_new(match_rows[_i].expression, match_rows[_i].flags);
	struct regex_scratch *scratch = regex_scratch_new();
	struct slice value = guard_copy(match_rows[_i].value);
	bool limited = false;

	ck_assert(regex != NULL && scratch != NULL);
	ck_assert(regex_matches(regex, scratch, value, &limited) == match_rows[_i].want);
	ck_assert(!limited);
	guard_free(value);
	regex_scratch_free(scratch);
	regex_free(regex);
}
END_TEST

static const struct {
	struct slice expression;
	const char *say; /* NULL: it is one */
} check_rows[] = {
	{ SLICE_INIT("a|b"), NULL },
	{ SLICE_INIT("(?<=a)b"), NULL },
	{ SLICE_INIT("a("), "at its byte 3" },
	{ SLICE_INIT("[z-a]"), "range out of order" },
	{ SLICE_INIT("*a"), "at its byte 1" },
	{ SLICE_INIT("\\C"), "at its byte 3" },
	{ SLICE_INIT("a\\"), "at its byte 3" },
};

START_TEST(says_where_it_is_none)
{
	char error[REGEX_ERROR_MAX] = "";
	int result = regex_check(check_rows[_i].expression, 0, error);

	ck_assert_int_eq(result, check_rows[_i].say == NULL ? 0 : -EINVAL);
	ck_assert_msg(check_rows[_i].say == NULL || strstr(error, check_rows[_i].say) != NULL, "%s",
		error);
}
END_TEST

/* Expressions that take exponential time on values made for them: each ends at a limit. */
START_TEST(hostile_values_end)
{
	static const struct slice expressions[] = { SLICE_INIT("^(a+)+$"),
		SLICE_INIT("(a|aa)+b\\1"), SLICE_INIT("(?=(a+))\\1*x"), SLICE_INIT("(?<!y)a+y?x"),
		SLICE_INIT("(?<!y)\\w+\\s*=(?!z)") };
	enum { LEN = 1024 * 1024 };
	bool limited = false;
	struct regex *regex = regex_new(expressions[_i], 0);
	struct regex_scratch *scratch = regex_scratch_new();
	char *bytes = malloc(LEN);

	ck_assert(regex != NULL && scratch != NULL && bytes != NULL);
	memset(bytes, 'a', LEN);
	memcpy(bytes + LEN - 5, "b=zzx", 5);
	ck_assert(!regex_matches(regex, scratch, (struct slice){ bytes, LEN }, &limited));
	ck_assert(limited);
	free(bytes);
	regex_scratch_free(scratch);
	regex_free(regex);
}
END_TEST

START_TEST(a_huge_expression_is_refused)
{
	size_t len = REGEX_BYTES_MAX + 1;
	char *text = malloc(len), error[REGEX_ERROR_MAX];

	ck_assert_ptr_nonnull(text);
	memset(text, 'a', len);
	ck_assert_int_eq(regex_check((struct slice){ text, len }, 0, error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "limit 8192"));
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("regex");
	TCase *tcase = tcase_create("regex");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, finds_what_it_should, 0, ROWS(match_rows));
	tcase_add_loop_test(tcase, says_where_it_is_none, 0, ROWS(check_rows));
	tcase_add_loop_test(tcase, hostile_values_end, 0, 5);
	tcase_add_test(tcase, a_huge_expression_is_refused);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
