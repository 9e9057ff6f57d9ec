/* The values of a record as one text. */

#include <check.h>
#include <stdlib.h>

#include "parsers/values.h"
#include "tests/unit/guard.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *name;
	struct slice json;
	struct slice text;
} rows[] = {
	{ "strings, numbers and words, no keys", SLICE_INIT("{\"a\":\"x y\",\"b\":[1,true,null]}"),
		SLICE_INIT("x y\n1\ntrue\nnull") },
	{ "blanks before a colon", SLICE_INIT("{ \"a\" \t\r\n: \"x\" }"), SLICE_INIT("x") },
	{ "escapes", SLICE_INIT("{\"a\":\"C:\\\\x\\\"\\/\\n\\t\\b\\f\\r\\q\"}"),
		SLICE_INIT("C:\\x\"/\n\t\b\f\rq") },
	{ "code points", SLICE_INIT("[\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"]"),
		SLICE_INIT("A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") },
	{ "half a pair", SLICE_INIT("[\"\\ud83dx\\ude00\\ud83d\\u0041\"]"),
		SLICE_INIT("\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd"
			   "A") },
	{ "no digits", SLICE_INIT("[\"\\u00zz\"]"), SLICE_INIT("00zz") },
	{ "a quoted backslash before the end", SLICE_INIT("{\"a\":\"C:\\\\\",\"b\":\"y\"}"),
		SLICE_INIT("C:\\\ny") },
	{ "a string that ends nowhere", SLICE_INIT("{\"a\":\"xy\\"), SLICE_INIT("xy\\") },
	{ "an escape that ends nowhere", SLICE_INIT("{\"a\":\"xy\\u12"), SLICE_INIT("xy12") },
	{ "an empty string", SLICE_INIT("{\"a\":\"\",\"b\":\"x\"}"), SLICE_INIT("\nx") },
	{ "no JSON at all", SLICE_INIT("<14>one two"), SLICE_INIT("<14>one\ntwo") },
	{ "nothing", SLICE_INIT(""), SLICE_INIT("") },
};

START_TEST(values_without_keys)
{
	struct arena *arena = arena_new(1 << 20);
	struct slice json = guard_copy(rows[_i].json), text = values_text(json, arena);

	ck_assert_msg(slice_equal(text, rows[_i].text), "%s: %.*s", rows[_i].name, (int)text.len,
		text.ptr);
	guard_free(json);
	arena_free(arena);
}
END_TEST

START_TEST(never_reads_past_a_cut)
{
	struct arena *arena = arena_new(1 << 20);

	for (size_t len = 0; len <= rows[_i].json.len; len++) {
		struct slice json = guard_copy(slice_sub(rows[_i].json, 0, len));

		ck_assert_uint_le(values_text(json, arena).len, len);
		guard_free(json);
	}
	arena_free(arena);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("values");
	TCase *tcase = tcase_create("values");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, values_without_keys, 0, ROWS(rows));
	tcase_add_loop_test(tcase, never_reads_past_a_cut, 0, ROWS(rows));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
