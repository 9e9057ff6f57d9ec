/* The memory of one host: its name, its counters and their bounds, and two hosts that turn out to
 * be one. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "detect/host.h"

#define SECOND INT64_C(1000000)
#define NOW (INT64_C(1772359200) * SECOND)

static const struct rule shell = { .detection_type = "WebShell_ChildProcess" };
static const struct rule file = { .detection_type = "SuspiciousWebFile_Written" };

static struct wevent
event_of(int32_t id, int64_t time)
{
	struct wevent event;

	wevent_clear(&event);
	event.event_id = id;
	event.time = time;
	return event;
}

static uint32_t
count_of(const struct host *host, int32_t id)
{
	for (size_t i = 0; i < HOST_EVENT_IDS; i++)
		if (host->event_ids[i].id == id)
			return host->event_ids[i].count;
	return 0;
}

static void
check_name(const struct host_state *state, const char *name)
{
	ck_assert_uint_eq(state->name_length, strlen(name));
	ck_assert_mem_eq(state->name, name, strlen(name));
}

static const struct {
	const char *what;
	struct slice computer;
	const char *folded;
} names[] = {
	{ "letters go to lower case", { "WEB01.Corp.Example", 18 }, "web01.corp.example" },
	{ "a trailing dot is cut", { "web01.corp.", 11 }, "web01.corp" },
	{ "all trailing dots are cut", { "web01...", 8 }, "web01" },
	{ "only dots leave nothing", { "...", 3 }, "" },
	{ "an absent name leaves nothing", { NULL, 0 }, "" },
	{ "other scripts keep their bytes", { "B\xc3\x9cRO", 5 }, "b\xc3\x9cro" },
};

START_TEST(name_is_folded)
{
	char name[HOST_NAME_MAX_BYTES];
	size_t length = host_fold(names[_i].computer, name);

	ck_assert_msg(
		length == strlen(names[_i].folded) && memcmp(name, names[_i].folded, length) == 0,
		"%s: %.*s", names[_i].what, (int)length, name);
}
END_TEST

START_TEST(long_name_is_cut_once_and_for_all)
{
	char text[400], once[HOST_NAME_MAX_BYTES], twice[HOST_NAME_MAX_BYTES];
	size_t first, second;

	for (size_t dots = 0; dots < 8; dots++) {
		memset(text, 'A', sizeof(text));
		memset(text + HOST_NAME_MAX_BYTES - dots, '.', dots);
		first = host_fold((struct slice){ text, sizeof(text) }, once);
		second = host_fold((struct slice){ once, first }, twice);
		ck_assert_uint_eq(first, HOST_NAME_MAX_BYTES - dots);
		ck_assert_uint_eq(second, first);
		ck_assert_mem_eq(once, twice, first);
	}
	/* The cut falls between characters. */
	memset(text, 'a', sizeof(text));
	memcpy(text + HOST_NAME_MAX_BYTES - 1, "\xc3\x9c", 2);
	ck_assert_uint_eq(
		host_fold((struct slice){ text, sizeof(text) }, once), HOST_NAME_MAX_BYTES - 1);
}
END_TEST

START_TEST(state_is_of_before_this_event)
{
	struct wevent event = event_of(1, NOW);
	const struct match match = { .rule = &shell };
	const struct match *matches[] = { &match };
	struct host_state state;
	struct host host;

	host_init(&host, SLICE("web01"), NOW);
	host_observe(&host, &event, SLICE("192.0.2.7"), NOW, &state);
	check_name(&state, "web01");
	ck_assert_int_eq(state.first_seen, NOW);
	ck_assert(state.last_seen == STAMP_NONE);
	ck_assert_uint_eq(state.events, 1);
	ck_assert_uint_eq(state.alerts, 0);
	ck_assert_str_eq(state.address, "192.0.2.7");

	ck_assert_uint_eq(host_decide(&host, &event, matches, 1, NOW), 1);
	host_observe(&host, &event, SLICE_NONE, NOW + SECOND, &state);
	ck_assert_int_eq(state.last_seen, NOW);
	ck_assert_uint_eq(state.events, 2);
	ck_assert_uint_eq(state.alerts, 1);
	ck_assert_str_eq(state.address, "192.0.2.7");
}
END_TEST

START_TEST(long_address_is_cut)
{
	struct wevent event = event_of(1, NOW);
	struct host_state state;
	struct host host;
	char address[200];

	memset(address, '1', sizeof(address));
	host_init(&host, SLICE("web01"), NOW);
	host_observe(&host, &event, (struct slice){ address, sizeof(address) }, NOW, &state);
	ck_assert_uint_eq(strlen(state.address), HOST_ADDRESS_MAX - 1);
	host_observe(&host, &event, SLICE("::1"), NOW, &state);
	ck_assert_str_eq(state.address, "::1");
}
END_TEST

START_TEST(event_ids_are_counted_apart_then_together)
{
	struct host_state state;
	struct host host;

	host_init(&host, SLICE("web01"), NOW);
	for (int32_t round = 0; round < 2; round++) {
		for (int32_t id = 1; id <= HOST_EVENT_IDS + 10; id++) {
			struct wevent event = event_of(id, NOW);

			host_observe(&host, &event, SLICE_NONE, NOW, &state);
		}
	}
	for (int32_t id = 1; id <= HOST_EVENT_IDS; id++)
		ck_assert_uint_eq(count_of(&host, id), 2);
	ck_assert_uint_eq(count_of(&host, HOST_EVENT_IDS + 1), 0);
	ck_assert_uint_eq(host.other_event_ids, 20);
	ck_assert_uint_eq(host.events, 2 * (HOST_EVENT_IDS + 10));
}
END_TEST

START_TEST(event_id_zero_is_an_id)
{
	struct wevent zero = event_of(0, NOW);
	struct host_state state;
	struct host host;

	host_init(&host, SLICE("web01"), NOW);
	host_observe(&host, &zero, SLICE_NONE, NOW, &state);
	ck_assert_uint_eq(count_of(&host, 0), 1);
}
END_TEST

START_TEST(alert_types_are_counted_apart_then_together)
{
	static const char *const types[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
	struct wevent event = event_of(1, NOW);
	struct host host;

	host_init(&host, SLICE("web01"), NOW);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const struct rule rule = { .detection_type = types[i] };
		const struct match match = { .rule = &rule };
		const struct match *matches[] = { &match, &match };

		ck_assert_uint_eq(host_decide(&host, &event, matches, 2, NOW), 2);
	}
	ck_assert_uint_eq(host.alerts, 20);
	for (size_t i = 0; i < HOST_ALERT_TYPES; i++)
		ck_assert_uint_eq(host.alert_types[i].count, 2);
	ck_assert_uint_eq(host.other_alert_types, 4);
}
END_TEST

START_TEST(counters_stop_at_their_highest_value)
{
	struct wevent event = event_of(11, NOW);
	struct host_state state;
	struct host host;

	host_init(&host, SLICE("web01"), NOW);
	host.event_ids[0].id = 11;
	host.event_ids[0].count = UINT32_MAX;
	host_observe(&host, &event, SLICE_NONE, NOW, &state);
	ck_assert_uint_eq(count_of(&host, 11), UINT32_MAX);
}
END_TEST

START_TEST(last_event_is_the_highest_that_can_be_believed)
{
	static const int64_t day = 86400 * SECOND;
	const int64_t times[] = { STAMP_NONE, NOW - 60 * day, NOW, NOW - SECOND, NOW + 2 * day };
	const int64_t expected[] = { STAMP_NONE, NOW - 60 * day, NOW, NOW, NOW };
	struct host_state state;
	struct host host;

	host_init(&host, SLICE("web01"), NOW);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct wevent event = event_of(1, times[i]);

		host_observe(&host, &event, SLICE_NONE, NOW, &state);
		ck_assert(host.last_event == expected[i]);
	}
}
END_TEST

START_TEST(clock_that_was_set_back_is_followed)
{
	struct wevent event = event_of(1, STAMP_NONE);
	struct host_state state;
	struct host host;

	host_init(&host, SLICE("web01"), NOW);
	host_observe(&host, &event, SLICE_NONE, NOW, &state);
	host_observe(&host, &event, SLICE_NONE, NOW - 3600 * SECOND, &state);
	ck_assert_int_eq(host.last_seen, NOW - 3600 * SECOND);
}
END_TEST

START_TEST(merge_adds_what_the_short_name_knew)
{
	const struct match shell_match = { .rule = &shell }, file_match = { .rule = &file };
	const struct match *one[] = { &shell_match };
	const struct match *both[] = { &shell_match, &file_match };
	struct wevent process = event_of(1, NOW), written = event_of(11, NOW + SECOND);
	struct host_state state;
	struct host into, from;

	host_init(&from, SLICE("web01"), NOW);
	host_observe(&from, &process, SLICE("192.0.2.7"), NOW, &state);
	host_observe(&from, &written, SLICE("192.0.2.7"), NOW + 2 * SECOND, &state);
	host_decide(&from, &written, both, 2, NOW);
	host_init(&into, SLICE("web01.corp"), NOW + SECOND);
	host_observe(&into, &process, SLICE_NONE, NOW + SECOND, &state);
	host_decide(&into, &process, one, 1, NOW);

	host_merge(&into, &from);
	ck_assert_int_eq(into.first_seen, NOW);
	ck_assert_int_eq(into.last_seen, NOW + 2 * SECOND);
	ck_assert_int_eq(into.last_event, NOW + SECOND);
	ck_assert_uint_eq(into.events, 3);
	ck_assert_uint_eq(into.alerts, 3);
	ck_assert_uint_eq(count_of(&into, 1), 2);
	ck_assert_uint_eq(count_of(&into, 11), 1);
	ck_assert_uint_eq(into.alert_types[0].count, 2);
	ck_assert_uint_eq(into.alert_types[1].count, 1);
	ck_assert_str_eq(into.address, "192.0.2.7");
	host_observe(&into, &process, SLICE_NONE, NOW, &state);
	check_name(&state, "web01.corp");
}
END_TEST

START_TEST(merge_keeps_what_finds_no_place)
{
	struct host_state state;
	struct host into, from;

	host_init(&into, SLICE("web01.corp"), NOW);
	host_init(&from, SLICE("web01"), NOW);
	for (int32_t id = 0; id < 2 * HOST_EVENT_IDS; id++) {
		struct wevent event = event_of(id, NOW);

		host_observe(id % 2 == 0 ? &into : &from, &event, SLICE_NONE, NOW, &state);
	}
	host_merge(&into, &from);
	ck_assert_uint_eq(into.events, 2 * HOST_EVENT_IDS);
	ck_assert_uint_eq(into.other_event_ids, HOST_EVENT_IDS);
}
END_TEST

START_TEST(merge_with_a_host_never_heard_changes_nothing)
{
	struct wevent event = event_of(1, NOW);
	struct host_state state;
	struct host into, from;

	host_init(&from, SLICE("web01"), NOW);
	host_init(&into, SLICE("web01.corp"), NOW);
	host_observe(&into, &event, SLICE("::1"), NOW, &state);
	host_merge(&into, &from);
	ck_assert_uint_eq(into.events, 1);
	ck_assert_int_eq(into.last_seen, NOW);
	ck_assert_str_eq(into.address, "::1");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("host");
	TCase *tcase = tcase_create("host");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, name_is_folded, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_test(tcase, long_name_is_cut_once_and_for_all);
	tcase_add_test(tcase, state_is_of_before_this_event);
	tcase_add_test(tcase, long_address_is_cut);
	tcase_add_test(tcase, event_ids_are_counted_apart_then_together);
	tcase_add_test(tcase, event_id_zero_is_an_id);
	tcase_add_test(tcase, alert_types_are_counted_apart_then_together);
	tcase_add_test(tcase, counters_stop_at_their_highest_value);
	tcase_add_test(tcase, last_event_is_the_highest_that_can_be_believed);
	tcase_add_test(tcase, clock_that_was_set_back_is_followed);
	tcase_add_test(tcase, merge_adds_what_the_short_name_knew);
	tcase_add_test(tcase, merge_keeps_what_finds_no_place);
	tcase_add_test(tcase, merge_with_a_host_never_heard_changes_nothing);
	suite_add_tcase(suite, tcase);

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
