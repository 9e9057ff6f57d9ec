/* Dates: every form that the senders write, those that are none, and back. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "parsers/stamp.h"
#include "tests/unit/guard.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

#define TEN INT64_C(1772359200000000) /* 2026-03-01T10:00:00Z */

static const struct {
	struct slice text;
	int64_t usec;
	bool zoned;
} good_rows[] = {
	{ SLICE_INIT("2026-03-01T10:00:00Z"), TEN, true },
	{ SLICE_INIT("2026-03-01T10:00:00.000Z"), TEN, true },
	{ SLICE_INIT("2026-03-01t10:00:00z"), TEN, true },
	{ SLICE_INIT("2026-03-01 10:00:00"), TEN, false },
	{ SLICE_INIT("2026-03-01 10:00:00.123"), TEN + 123000, false },
	{ SLICE_INIT("2026-03-01 10:00:00,123"), TEN + 123000, false },
	{ SLICE_INIT("2026-03-01T10:00:00.1234567Z"), TEN + 123456, true },
	{ SLICE_INIT("2026-03-01T10:00:00.123456789Z"), TEN + 123456, true },
	{ SLICE_INIT("2026-03-01T11:00:00+01:00"), TEN, true },
	{ SLICE_INIT("2026-03-01T04:30:00.5-05:30"), TEN + 500000, true },
	{ SLICE_INIT("2026-03-01 12:00:00 +0200"), TEN, true },
	{ SLICE_INIT("2026-03-01 10:00:00 UTC"), TEN, true },
	{ SLICE_INIT("2026-03-01 10:00:00UTC"), TEN, true },
	{ SLICE_INIT("2026-02-28T23:59:60Z"), INT64_C(1772323200000000), true },
	{ SLICE_INIT("1970-01-01 00:00:00"), 0, false },
	{ SLICE_INIT("1969-12-31T23:59:59.999999Z"), -1, true },
	{ SLICE_INIT("2000-02-29T00:00:00Z"), INT64_C(951782400000000), true },
	{ SLICE_INIT("1601-01-01T00:00:00Z"), INT64_C(-11644473600000000), true },
	{ SLICE_INIT("0001-01-01T00:00:00Z"), INT64_C(-62135596800000000), true },
	{ SLICE_INIT("9999-12-31T23:59:59Z"), INT64_C(253402300799000000), true },
};

START_TEST(reads_dates)
{
	struct slice text = guard_copy(good_rows[_i].text);
	int64_t usec;
	bool zoned;

	ck_assert_int_eq(stamp_parse(text, &usec, &zoned), 0);
	ck_assert_int_eq(usec, good_rows[_i].usec);
	ck_assert_int_eq(zoned, good_rows[_i].zoned);
	guard_free(text);
}
END_TEST

static const struct slice bad_rows[] = {
	{ NULL, 0 },
	SLICE_INIT(""),
	SLICE_INIT("2026"),
	SLICE_INIT("2026-03-01"),
	SLICE_INIT("2026-03-01T"),
	SLICE_INIT("2026-03-01T10:00"),
	SLICE_INIT("2026-03-01T10:00:0"),
	SLICE_INIT("2026-03-01T10:00:00 "),
	SLICE_INIT("2026-03-01T10:00:00X"),
	SLICE_INIT("2026-03-01T10:00:00."),
	SLICE_INIT("2026-03-01T10:00:00.1234567890Z"),
	SLICE_INIT("2026-03-01T10:00:00+1"),
	SLICE_INIT("2026-03-01T10:00:00+01:0"),
	SLICE_INIT("2026-03-01T10:00:00+24:00"),
	SLICE_INIT("2026-03-01T10:00:00Z "),
	SLICE_INIT("2026-03-01T24:00:00Z"),
	SLICE_INIT("2026-03-01T10:60:00Z"),
	SLICE_INIT("2026-03-01T10:00:61Z"),
	SLICE_INIT("2026-00-01T10:00:00Z"),
	SLICE_INIT("2026-13-01T10:00:00Z"),
	SLICE_INIT("2026-02-29T10:00:00Z"),
	SLICE_INIT("1900-02-29T10:00:00Z"),
	SLICE_INIT("2026-04-31T10:00:00Z"),
	SLICE_INIT("0000-01-01T10:00:00Z"),
	SLICE_INIT("2026-03-00T10:00:00Z"),
	SLICE_INIT(" 2026-03-01T10:00:00Z"),
	SLICE_INIT("2026/03/01 10:00:00"),
	SLICE_INIT("2026-03-01T10:00:00\0"),
};

START_TEST(refuses_what_is_no_date)
{
	struct slice text = guard_copy(bad_rows[_i]);
	int64_t usec = 77;
	bool zoned = true;

	ck_assert_int_eq(stamp_parse(text, &usec, &zoned), -EINVAL);
	ck_assert_int_eq(usec, 77);
	ck_assert(zoned);
	guard_free(text);
}
END_TEST

#define DAY INT64_C(86400000000)

static const struct {
	struct slice text;
	int64_t now;
	int used;
	int64_t usec;
} bsd_rows[] = {
	{ SLICE_INIT("Mar  1 10:00:00 host"), TEN, 15, TEN },
	{ SLICE_INIT("Mar 01 10:00:00"), TEN, 15, TEN },
	{ SLICE_INIT("Mar 1 10:00:00"), TEN, 14, TEN },
	{ SLICE_INIT("MAR  1 10:00:00"), TEN, 15, TEN },
	{ SLICE_INIT("Mar  1 10:00:00.250 host"), TEN, 19, TEN + 250000 },
	{ SLICE_INIT("Mar  1 2026 10:00:00 host"), 0, 20, TEN },
	{ SLICE_INIT("2026 Mar  1 10:00:00 host"), 0, 20, TEN },
	{ SLICE_INIT("Mar 2026  1 10:00:00 host"), 0, 20, TEN },
	{ SLICE_INIT("Mar  1 10:00:00 2026 host"), 0, 20, TEN },
	{ SLICE_INIT("Mar  1 10:00:00 2026"), TEN, 15, TEN }, /* a host may be a number */
	{ SLICE_INIT("Mar  1 10:00:00:"), TEN, 15, TEN },
	/* the year nearest to now, over the turn of the year in both directions */
	{ SLICE_INIT("Dec 31 23:00:00"), INT64_C(1767225600000000), 15, INT64_C(1767222000000000) },
	{ SLICE_INIT("Jan  1 01:00:00"), INT64_C(1767222000000000), 15, INT64_C(1767229200000000) },
	{ SLICE_INIT("Mar  1 10:00:00"), TEN + 150 * DAY, 15, TEN },
	{ SLICE_INIT("Mar  1 10:00:00"), TEN - 150 * DAY, 15, TEN },
	/* a leap day is in a leap year: 2024 is nearer to 2026-02-01 than 2028 */
	{ SLICE_INIT("Feb 29 00:00:00"), TEN - 28 * DAY, 15, INT64_C(1709164800000000) },
	{ SLICE_INIT("Mar  1 10:00:00"), INT64_MAX, 15, INT64_C(253375898400000000) },
	{ SLICE_INIT("Mar 31 10:00:00 x"), STAMP_NONE, 15, INT64_C(-62127871200000000) },
	{ SLICE_INIT(""), TEN, -EINVAL, 0 },
	{ SLICE_INIT("Mar"), TEN, -EINVAL, 0 },
	{ SLICE_INIT("Mar 1"), TEN, -EINVAL, 0 },
	{ SLICE_INIT("Mar 32 10:00:00"), TEN, -EINVAL, 0 },
	{ SLICE_INIT("Feb 30 10:00:00"), TEN, -EINVAL, 0 },
	{ SLICE_INIT("Mxr  1 10:00:00"), TEN, -EINVAL, 0 },
	{ SLICE_INIT("Mar  1 10:00"), TEN, -EINVAL, 0 },
	{ SLICE_INIT("Mar  1 25:00:00"), TEN, -EINVAL, 0 },
	{ SLICE_INIT("May the force be with you"), TEN, -EINVAL, 0 },
	{ SLICE_INIT("2026-03-01T10:00:00Z"), TEN, -EINVAL, 0 },
};

START_TEST(reads_bsd_dates)
{
	struct slice text = guard_copy(bsd_rows[_i].text);
	int64_t usec = 0;

	ck_assert_int_eq(stamp_parse_bsd(text, bsd_rows[_i].now, &usec), bsd_rows[_i].used);
	ck_assert_int_eq(usec, bsd_rows[_i].usec);
	guard_free(text);
}
END_TEST

static const struct {
	int64_t usec;
	const char *text;
} format_rows[] = {
	{ TEN, "2026-03-01T10:00:00.000Z" },
	{ TEN + 123000, "2026-03-01T10:00:00.123Z" },
	{ TEN + 1, "2026-03-01T10:00:00.000001Z" },
	{ -1, "1969-12-31T23:59:59.999999Z" },
	{ INT64_MAX, "9999-12-31T23:59:59.999999Z" },
	{ INT64_MIN, "0001-01-01T00:00:00.000Z" },
};

START_TEST(writes_dates)
{
	char text[STAMP_TEXT_MAX];

	ck_assert_uint_eq(stamp_format(format_rows[_i].usec, text), strlen(format_rows[_i].text));
	ck_assert_str_eq(text, format_rows[_i].text);
}
END_TEST

START_TEST(reads_what_it_wrote)
{
	/* A step that is no divisor of days or years: each kind of year and each month is met. */
	for (int64_t usec = INT64_C(-62135596800000000); usec < INT64_C(253402300799000000);
		usec += INT64_C(8234567891234567)) {
		char text[STAMP_TEXT_MAX];
		int64_t back;
		bool zoned;

		size_t len = stamp_format(usec, text);
		ck_assert_int_eq(stamp_parse((struct slice){ text, len }, &back, &zoned), 0);
		ck_assert_int_eq(back, usec);
		ck_assert(zoned);
	}
	for (int64_t day = -140000; day < 140000; day += 1) {
		char text[STAMP_TEXT_MAX];
		int64_t back;
		bool zoned;

		size_t len = stamp_format(day * DAY, text);
		ck_assert_int_eq(stamp_parse((struct slice){ text, len }, &back, &zoned), 0);
		ck_assert(back == day * DAY);
	}
}
END_TEST

static Suite *
stamp_suite(void)
{
	Suite *suite = suite_create("stamp");
	TCase *tcase = tcase_create("stamp");

	tcase_add_loop_test(tcase, reads_dates, 0, ROWS(good_rows));
	tcase_add_loop_test(tcase, refuses_what_is_no_date, 0, ROWS(bad_rows));
	tcase_add_loop_test(tcase, reads_bsd_dates, 0, ROWS(bsd_rows));
	tcase_add_loop_test(tcase, writes_dates, 0, ROWS(format_rows));
	tcase_add_test(tcase, reads_what_it_wrote);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(stamp_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
