/* Zones of time by the machine's database. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/zones.h"
#include "parsers/arena.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define HOUR 3600

static const struct {
	const char *name;
	int64_t time;
	int32_t offset;
} offset_rows[] = {
	{ "Europe/Berlin", 1768435200, HOUR },     /* 2026-01-15 */
	{ "Europe/Berlin", 1774745999, HOUR },     /* 2026-03-29 00:59:59 */
	{ "Europe/Berlin", 1774746000, 2 * HOUR }, /* 01:00:00 */
	{ "Europe/Berlin", 1792889999, 2 * HOUR }, /* 2026-10-25 00:59:59 */
	{ "Europe/Berlin", 1792890000, HOUR },     /* 01:00:00 */
	{ "Europe/Berlin", 2700000000, 2 * HOUR }, /* 2055-07-23 */
	{ "America/New_York", 1768435200, -5 * HOUR },
	{ "America/New_York", 1784073600, -4 * HOUR }, /* 2026-07-15 */
	{ "Asia/Kolkata", 1784073600, 19800 }, { "Etc/GMT+5", 1784073600, -5 * HOUR },
	{ "Europe/Berlin", 0, HOUR }, /* before the first: as it was then */
};

START_TEST(offsets_change_at_their_second)
{
	struct arena *arena = arena_new(1 << 16);
	struct zone zone;

	ck_assert_int_eq(zones_find(offset_rows[_i].name, arena, &zone), 0);
	ck_assert_int_eq(zone_offset(&zone, offset_rows[_i].time), offset_rows[_i].offset);
	arena_free(arena);
}
END_TEST

START_TEST(what_is_no_name_is_not_found)
{
	static const char *const names[] = { "Nowhere/City", "", "/etc/localtime",
		"../../../etc/localtime", "EST5EDT,M3.2.0,M11.1.0", "Europe/Berlin ", "+01:00" };
	struct arena *arena = arena_new(1 << 16);
	struct zone zone;

	for (int i = 0; i < ROWS(names); i++)
		ck_assert_msg(zones_find(names[i], arena, &zone) == -ENOENT, "%s", names[i]);
	arena_free(arena);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("zones");
	TCase *tcase = tcase_create("zones");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, offsets_change_at_their_second, 0, ROWS(offset_rows));
	tcase_add_test(tcase, what_is_no_name_is_not_found);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
