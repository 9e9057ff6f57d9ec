/* Comparisons: numbers as digits, parts of dates, networks, other fields, presence. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/compare.h"
#include "tests/unit/guard.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static bool
holds(const struct comparison *comparison, struct slice value)
{
	struct wevent event;
	bool result;

	wevent_clear(&event);
	event.f[F_Details] = guard_copy(value);
	result = compare_holds(comparison, &event, F_Details);
	guard_free(event.f[F_Details]);
	return result;
}

/* The value, how it stands to the number, and what it then is for each order. */
static const struct {
	struct slice value, number;
	int order; /* -1, 0, 1; 2: no number */
} number_rows[] = {
	{ SLICE_INIT("1"), SLICE_INIT("1"), 0 },
	{ SLICE_INIT("9"), SLICE_INIT("10"), -1 },
	{ SLICE_INIT("10"), SLICE_INIT("9"), 1 },
	{ SLICE_INIT("007"), SLICE_INIT("7"), 0 },
	{ SLICE_INIT("+7"), SLICE_INIT("7"), 0 },
	{ SLICE_INIT("-7"), SLICE_INIT("7"), -1 },
	{ SLICE_INIT("-10"), SLICE_INIT("-9"), -1 },
	{ SLICE_INIT("-0"), SLICE_INIT("0"), 0 },
	{ SLICE_INIT("1.5"), SLICE_INIT("1"), 1 },
	{ SLICE_INIT("1.50"), SLICE_INIT("1.5"), 0 },
	{ SLICE_INIT("1.45"), SLICE_INIT("1.5"), -1 },
	{ SLICE_INIT("-1.5"), SLICE_INIT("-1"), -1 },
	{ SLICE_INIT("0x10"), SLICE_INIT("16"), 0 },
	{ SLICE_INIT("0xFFFFFFFFFFFFFFFF"), SLICE_INIT("18446744073709551615"), 0 },
	{ SLICE_INIT("0x10000000000000000"), SLICE_INIT("0"), 2 },
	{ SLICE_INIT("123456789012345678901234567890"),
		SLICE_INIT("123456789012345678901234567889"), 1 },
	{ SLICE_INIT(""), SLICE_INIT("0"), 2 },
	{ SLICE_INIT("x"), SLICE_INIT("0"), 2 },
	{ SLICE_INIT("1."), SLICE_INIT("0"), 2 },
	{ SLICE_INIT(".5"), SLICE_INIT("0"), 2 },
	{ SLICE_INIT("1e3"), SLICE_INIT("0"), 2 },
	{ SLICE_INIT("-"), SLICE_INIT("0"), 2 },
	{ SLICE_INIT("1 "), SLICE_INIT("0"), 2 },
};

START_TEST(numbers_are_compared_as_digits)
{
	int order = number_rows[_i].order;
	struct comparison c = { .kind = COMPARE_NUMBER, .number = number_rows[_i].number };
	const struct {
		enum compare_order order;
		bool want;
	} wanted[] = { { COMPARE_EQ, order == 0 }, { COMPARE_LT, order == -1 },
		{ COMPARE_LTE, order == -1 || order == 0 }, { COMPARE_GT, order == 1 },
		{ COMPARE_GTE, order == 1 || order == 0 } };

	for (int i = 0; i < ROWS(wanted); i++) {
		c.order = wanted[i].order;
		ck_assert_int_eq(holds(&c, number_rows[_i].value), wanted[i].want);
	}
}
END_TEST

static const struct {
	const char *date;
	enum compare_part part;
	const char *number;
} date_rows[] = {
	{ "2026-03-01 10:05:59.999", COMPARE_MINUTE, "5" },
	{ "2026-03-01T10:05:59+01:00", COMPARE_HOUR, "9" },
	{ "2024-02-29 00:00:00", COMPARE_DAY, "29" },
	{ "2024-12-31 23:59:59", COMPARE_DAY, "31" },
	{ "2000-03-01 00:00:00", COMPARE_MONTH, "3" },
	{ "1900-02-28 12:00:00", COMPARE_MONTH, "2" },
	{ "1969-12-31 23:59:59", COMPARE_YEAR, "1969" },
	{ "1969-12-31 23:59:59", COMPARE_HOUR, "23" },
	{ "9999-12-31 00:00:00", COMPARE_YEAR, "9999" },
	{ "2026-01-01 00:00:00", COMPARE_WEEK, "1" },
	{ "2021-01-03 00:00:00", COMPARE_WEEK, "53" },
	{ "2021-01-04 00:00:00", COMPARE_WEEK, "1" },
	{ "2024-12-30 00:00:00", COMPARE_WEEK, "1" },
	{ "2020-12-31 00:00:00", COMPARE_WEEK, "53" },
	{ "2027-01-01 00:00:00", COMPARE_WEEK, "53" },
};

START_TEST(dates_have_parts)
{
	struct comparison c = { .kind = COMPARE_DATE,
		.part = date_rows[_i].part,
		.number = slice_of(date_rows[_i].number) };

	ck_assert(holds(&c, slice_of(date_rows[_i].date)));
	ck_assert(!holds(&c, SLICE("yesterday")));
	c.order = COMPARE_GT;
	ck_assert(!holds(&c, slice_of(date_rows[_i].date)));
}
END_TEST

static const struct {
	const char *network;
	struct slice address;
	bool want;
} network_rows[] = {
	{ "10.0.0.0/8", SLICE_INIT("10.255.0.1"), true },
	{ "10.0.0.0/8", SLICE_INIT("11.0.0.1"), false },
	{ "192.168.1.128/25", SLICE_INIT("192.168.1.129"), true },
	{ "192.168.1.128/25", SLICE_INIT("192.168.1.127"), false },
	{ "0.0.0.0/0", SLICE_INIT("203.0.113.1"), true },
	{ "0.0.0.0/0", SLICE_INIT("2001:db8::1"), false },
	{ "203.0.113.1", SLICE_INIT("203.0.113.1"), true },
	{ "203.0.113.1", SLICE_INIT("203.0.113.2"), false },
	{ "203.0.113.0/24", SLICE_INIT("::ffff:203.0.113.7"), true },
	{ "2001:db8::/32", SLICE_INIT("2001:DB8:1::1"), true },
	{ "2001:db8::/33", SLICE_INIT("2001:db8:8000::1"), false },
	{ "::/0", SLICE_INIT("fe80::1"), true },
	{ "::/0", SLICE_INIT("10.0.0.1"), false },
	{ "::/0", SLICE_INIT("::ffff:10.0.0.1"), false },
	{ "::1", SLICE_INIT("::1"), true },
	{ "fe80::/10", SLICE_INIT("fe80::1%eth0"), true },
	{ "fe80::/10", SLICE_INIT("fe80::a1b2:c3d4:e5f6:a7b8%12"), true },
	{ "fe80::/10", SLICE_INIT("%12"), false },
	{ "fec0::/10", SLICE_INIT("fe80::1%12"), false },
	{ "10.0.0.0/8", SLICE_INIT("10.0.0.1\0"), false },
	{ "10.0.0.0/8", SLICE_INIT("10.1"), false },
	{ "10.0.0.0/8", SLICE_INIT(""), false },
};

START_TEST(networks_hold_addresses)
{
	struct comparison c;

	ck_assert_int_eq(compare_network(slice_of(network_rows[_i].network), &c), 0);
	ck_assert_int_eq(holds(&c, network_rows[_i].address), network_rows[_i].want);
}
END_TEST

START_TEST(what_is_no_network_is_refused)
{
	static const struct slice texts[] = { SLICE_INIT(""), SLICE_INIT("/8"),
		SLICE_INIT("10.0.0.0/"), SLICE_INIT("10.0.0.0/33"), SLICE_INIT("::/129"),
		SLICE_INIT("10.0.0/8"), SLICE_INIT("x/8"), SLICE_INIT("10.0.0.0/8/8"),
		SLICE_INIT("10.0.0.0/-1"),
		SLICE_INIT("1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc") };
	struct comparison c;

	for (int i = 0; i < ROWS(texts); i++)
		ck_assert_int_eq(compare_network(texts[i], &c), -EINVAL);
}
END_TEST

START_TEST(fields_are_compared_with_each_other)
{
	struct comparison c = { .kind = COMPARE_FIELD, .other = F_Image };
	struct wevent event;

	wevent_clear(&event);
	ck_assert(!compare_holds(&c, &event, F_Details));
	event.f[F_Details] = SLICE("C:\\A.EXE");
	ck_assert(!compare_holds(&c, &event, F_Details));
	event.f[F_Image] = SLICE("c:\\a.exe");
	ck_assert(compare_holds(&c, &event, F_Details));
	event.f[F_Image] = SLICE("\\a.exe");
	ck_assert(!compare_holds(&c, &event, F_Details));
	c.before = true;
	ck_assert(compare_holds(&c, &event, F_Details));
	c.before = false;
	c.after = true;
	ck_assert(!compare_holds(&c, &event, F_Details));
	event.f[F_Image] = SLICE("c:");
	ck_assert(compare_holds(&c, &event, F_Details));
}
END_TEST

START_TEST(an_empty_field_does_not_exist)
{
	struct comparison c = { .kind = COMPARE_EXISTS, .exists = true };
	struct wevent event;

	wevent_clear(&event);
	ck_assert(!compare_holds(&c, &event, F_Image));
	event.f[F_Image] = SLICE("");
	ck_assert(!compare_holds(&c, &event, F_Image));
	event.f[F_Image] = SLICE("x");
	ck_assert(compare_holds(&c, &event, F_Image));
	c.exists = false;
	ck_assert(!compare_holds(&c, &event, F_Image));
	ck_assert(compare_holds(&c, &event, F_User));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("compare");
	TCase *tcase = tcase_create("compare");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, numbers_are_compared_as_digits, 0, ROWS(number_rows));
	tcase_add_loop_test(tcase, dates_have_parts, 0, ROWS(date_rows));
	tcase_add_loop_test(tcase, networks_hold_addresses, 0, ROWS(network_rows));
	tcase_add_test(tcase, what_is_no_network_is_refused);
	tcase_add_test(tcase, fields_are_compared_with_each_other);
	tcase_add_test(tcase, an_empty_field_does_not_exist);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
