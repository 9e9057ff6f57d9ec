/* The detection as a whole: which name a host gets, which rule speaks, how many alerts there are,
 * and what a host without memory costs. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "detect/detect.h"

#define NOW INT64_C(1773470416500000)
#define HOSTS_MAX 4
#define ALERTS_MAX 8

/* Four rules: two of one event, in an order that is neither by name nor by level, a core one among
 * them. */
static const struct {
	const char *file;
	const char *text;
} rule_files[] = {
	{ "rules/a.yml", "title: Any Shell\n"
			 "id: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a01\n"
			 "logsource: {product: windows, service: sysmon}\n"
			 "detection:\n"
			 "  selection: {EventID: 1, Image|endswith: '\\cmd.exe'}\n"
			 "  condition: selection\n"
			 "level: low\n" },
	{ "rules/b.yml", "title: Whoami\n"
			 "id: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a02\n"
			 "logsource: {product: windows, service: sysmon}\n"
			 "detection:\n"
			 "  selection: {EventID: 1, CommandLine|contains: 'whoami'}\n"
			 "  condition: selection\n"
			 "level: critical\n" },
	{ "rules/core/c.yml", "title: Web Server's Child\n"
			      "id: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a03\n"
			      "detection_type: WebShell_ChildProcess\n"
			      "tags: [attack.persistence, attack.t1505.003]\n"
			      "logsource: {product: windows, service: sysmon}\n"
			      "detection:\n"
			      "  selection: {EventID: 1, ParentImage|endswith: '\\w3wp.exe'}\n"
			      "  condition: selection\n"
			      "level: high\n" },
	{ "rules/d.yml", "title: On One Host\n"
			 "id: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a04\n"
			 "logsource: {product: windows, service: sysmon}\n"
			 "detection:\n"
			 "  selection: {EventID: 3, Computer: 'web09.corp'}\n"
			 "  condition: selection\n"
			 "level: low\n" },
};

/* A table of hosts as an owner would have it, which joins web09 to web09.corp. */
static struct {
	struct host hosts[HOSTS_MAX];
	size_t count;
	size_t held;
	size_t borrowed;
	bool full;
} table;

static struct {
	size_t count;
	char id[ALERTS_MAX][ALERT_ID_MAX];
	char event_id[ALERTS_MAX][ALERT_ID_MAX];
	char title[ALERTS_MAX][64];
	char json[ALERTS_MAX][8192];
} emitted;

static struct faults faults;
static struct ruleset *rules;
static struct alert_settings settings;
static struct detect *detect;
static struct arena *arena;

static struct host *
borrow(void *owner, struct slice name, int64_t now)
{
	ck_assert_ptr_eq(owner, &table);
	ck_assert_uint_eq(table.held, 0);
	table.borrowed++;
	if (table.full)
		return NULL;
	if (slice_equal(name, SLICE("web09")))
		name = SLICE("web09.corp");
	table.held = 1;
	for (size_t i = 0; i < table.count; i++) {
		struct host *host = &table.hosts[i];

		if (slice_equal((struct slice){ host->name, host->name_length }, name))
			return host;
	}
	ck_assert_uint_lt(table.count, HOSTS_MAX);
	host_init(&table.hosts[table.count], name, now);
	return &table.hosts[table.count++];
}

static void
give_back(void *owner, struct host *host)
{
	ck_assert_ptr_eq(owner, &table);
	ck_assert_ptr_nonnull(host);
	ck_assert_uint_eq(table.held, 1);
	table.held = 0;
}

static size_t filtered_count;

static void
emit(void *context, const struct alert *alert)
{
	size_t i = emitted.count++;

	ck_assert_ptr_eq(context, &emitted);
	ck_assert_uint_eq(table.held, 0);
	ck_assert_uint_lt(i, ALERTS_MAX);
	memcpy(emitted.id[i], alert->id, ALERT_ID_MAX);
	memcpy(emitted.event_id[i], alert->event_id, ALERT_ID_MAX);
	snprintf(emitted.title[i], sizeof(emitted.title[i]), "%s", alert->rule->title);
	snprintf(emitted.json[i], sizeof(emitted.json[i]), "%.*s", (int)alert->json.len,
		alert->json.ptr);
}

static void
filtered(void *context, const struct filter *filter)
{
	(void)context;
	(void)filter;
	filtered_count++;
}

static struct ruleset *
build_rules(void)
{
	struct ruleset_builder *builder = ruleset_builder_new();
	struct ruleset *set;

	ck_assert_ptr_nonnull(builder);
	for (size_t i = 0; i < sizeof(rule_files) / sizeof(rule_files[0]); i++)
		ruleset_builder_add(
			builder, rule_files[i].file, slice_of(rule_files[i].text), &faults);
	for (size_t i = 0; i < faults.count; i++)
		ck_assert_msg(faults.list[i].warning, "%s:%d: %s", faults.list[i].file,
			faults.list[i].line, faults.list[i].text);
	set = ruleset_build(builder, &faults);
	ck_assert_ptr_nonnull(set);
	ruleset_builder_free(builder);
	return set;
}

static void
set_up(void)
{
	memset(&table, 0, sizeof(table));
	memset(&emitted, 0, sizeof(emitted));
	settings = (struct alert_settings){
		.mode = ALERT_PER_EVENT,
		.collector = "log01",
		.version = "0.1",
	};
	rules = build_rules();
	arena = arena_new(1024 * 1024);
	detect = detect_new((struct detect_hosts){ &table, borrow, give_back });
	ck_assert_ptr_nonnull(detect);
	ck_assert_int_eq(detect_use(detect, rules, &settings), 0);
}

static void
tear_down(void)
{
	detect_free(detect);
	arena_free(arena);
	ruleset_unref(rules);
	faults_done(&faults);
}

static struct wevent
process_event(struct slice host)
{
	struct wevent event;

	wevent_clear(&event);
	event.event_id = 1;
	event.time = NOW;
	event.host = host;
	event.f[F_Computer] = host;
	event.f[F_EventID] = SLICE("1");
	event.f[F_Channel] = SLICE("Microsoft-Windows-Sysmon/Operational");
	event.f[F_EventRecordID] = SLICE("1");
	event.f[F_Image] = SLICE("C:\\Windows\\System32\\cmd.exe");
	event.f[F_CommandLine] = SLICE("cmd /c whoami");
	event.f[F_ParentImage] = SLICE("C:\\Windows\\System32\\inetsrv\\w3wp.exe");
	return event;
}

static int
run(struct wevent *event, int64_t received)
{
	const struct alert_source source = {
		.input = SLICE("tcp"),
		.peer = SLICE("192.0.2.7:50000"),
		.address = SLICE("192.0.2.7"),
		.received = received,
	};
	const struct detect_sink sink = { &emitted, emit, filtered };

	return detect_event(detect, event, &source, arena, &sink);
}

START_TEST(core_rule_speaks_for_the_event)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	ck_assert_int_eq(run(&event, NOW), 3);
	ck_assert_uint_eq(emitted.count, 1);
	ck_assert_str_eq(emitted.title[0], "Web Server's Child");
	/* The others follow, from the highest level. */
	const char *others = strstr(emitted.json[0], "\"rules\":[");

	ck_assert_ptr_nonnull(others);
	ck_assert_ptr_nonnull(strstr(others, "\"Whoami\""));
	ck_assert_ptr_nonnull(strstr(strstr(others, "\"Whoami\""), "\"Any Shell\""));
}
END_TEST

START_TEST(highest_level_speaks_where_no_core_rule_does)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	event.f[F_ParentImage] = SLICE("C:\\explorer.exe");
	ck_assert_int_eq(run(&event, NOW), 2);
	ck_assert_uint_eq(emitted.count, 1);
	ck_assert_str_eq(emitted.title[0], "Whoami");
}
END_TEST

START_TEST(per_rule_gives_one_alert_each)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	settings.mode = ALERT_PER_RULE;
	ck_assert_int_eq(run(&event, NOW), 3);
	ck_assert_uint_eq(emitted.count, 3);
	ck_assert_str_eq(emitted.title[0], "Web Server's Child");
	ck_assert_str_eq(emitted.title[1], "Whoami");
	ck_assert_str_eq(emitted.title[2], "Any Shell");
	for (size_t i = 0; i < 3; i++) {
		ck_assert_str_eq(emitted.event_id[i], emitted.event_id[0]);
		ck_assert_ptr_null(strstr(emitted.json[i], "\"rules\""));
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(emitted.id[i], emitted.id[j]);
	}
}
END_TEST

START_TEST(event_that_matches_nothing_is_counted)
{
	struct wevent event = process_event(SLICE("WEB01.corp."));

	event.event_id = 5;
	event.f[F_EventID] = SLICE("5");
	ck_assert_int_eq(run(&event, NOW), 0);
	ck_assert_uint_eq(emitted.count, 0);
	ck_assert_uint_eq(table.borrowed, 1);
	ck_assert_uint_eq(table.hosts[0].events, 1);
	ck_assert_str_eq(table.hosts[0].address, "192.0.2.7");
	ck_assert(slice_equal(event.host, SLICE("web01.corp")));
	ck_assert(slice_equal(event.f[F_Computer], SLICE("web01.corp")));
}
END_TEST

START_TEST(matches_are_counted_with_their_host)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	run(&event, NOW);
	ck_assert_uint_eq(table.borrowed, 2);
	ck_assert_uint_eq(table.hosts[0].alerts, 3);
	event = process_event(SLICE("web01.corp"));
	run(&event, NOW + 1000000);
	ck_assert_uint_eq(table.count, 1);
	ck_assert_ptr_nonnull(strstr(emitted.json[1],
		"\"host_state\":{\"first_seen\":\"2026-03-14T06:40:16.500Z\","
		"\"last_seen\":\"2026-03-14T06:40:16.500Z\",\"events\":2,\"alerts\":3,"
		"\"address\":\"192.0.2.7\"}"));
	ck_assert_str_eq(emitted.id[0], emitted.id[1]);
}
END_TEST

START_TEST(event_bears_the_name_its_host_is_known_by)
{
	struct wevent event = process_event(SLICE("web09"));

	event.event_id = 3;
	event.f[F_EventID] = SLICE("3");
	/* A rule that names the full name matches, although the event has the short one. */
	ck_assert_int_eq(run(&event, NOW), 1);
	ck_assert_ptr_nonnull(strstr(emitted.json[0], "\"host\":\"web09.corp\""));
	ck_assert(slice_equal(event.host, SLICE("web09.corp")));
	ck_assert(slice_equal(event.f[F_Computer], SLICE("web09.corp")));
}
END_TEST

START_TEST(id_does_not_depend_on_what_was_known)
{
	struct wevent event = process_event(SLICE("web09"));

	table.full = true;
	run(&event, NOW);
	table.full = false;
	event = process_event(SLICE("web09"));
	run(&event, NOW);
	ck_assert_uint_eq(emitted.count, 2);
	ck_assert_ptr_nonnull(strstr(emitted.json[0], "\"host\":\"web09\""));
	ck_assert_ptr_nonnull(strstr(emitted.json[1], "\"host\":\"web09.corp\""));
	ck_assert_str_eq(emitted.id[0], emitted.id[1]);
	ck_assert_str_eq(emitted.event_id[0], emitted.event_id[1]);
}
END_TEST

START_TEST(host_that_cannot_be_remembered_is_watched_all_the_same)
{
	struct wevent event = process_event(SLICE("WEB01.corp"));

	table.full = true;
	ck_assert_int_eq(run(&event, NOW), 3);
	ck_assert_uint_eq(emitted.count, 1);
	ck_assert_ptr_nonnull(strstr(emitted.json[0], "\"host\":\"web01.corp\""));
	ck_assert_ptr_nonnull(strstr(emitted.json[0],
		"\"host_state\":{\"first_seen\":null,\"last_seen\":null,\"events\":0,\"alerts\":0,"
		"\"address\":null}"));
}
END_TEST

START_TEST(event_without_a_host_is_watched_all_the_same)
{
	struct wevent event = process_event(SLICE_NONE);

	ck_assert_int_eq(run(&event, NOW), 3);
	ck_assert_uint_eq(table.borrowed, 0);
	ck_assert_ptr_nonnull(strstr(emitted.json[0], "\"host\":null"));
}
END_TEST

START_TEST(alert_without_room_is_an_error)
{
	struct wevent event = process_event(SLICE("web01.corp"));
	struct arena *roomy = arena;

	arena = arena_new(1024);
	ck_assert_ptr_nonnull(arena);
	ck_assert_int_lt(run(&event, NOW), 0);
	ck_assert_uint_eq(emitted.count, 0);
	arena_free(arena);
	arena = roomy;
	/* And the next event is as if nothing had been. */
	event = process_event(SLICE("web01.corp"));
	ck_assert_int_eq(run(&event, NOW), 3);
}
END_TEST

START_TEST(time_does_not_run_back_between_ticks)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	detect_tick(detect, NOW);
	run(&event, NOW - 5000000);
	ck_assert_int_eq(table.hosts[0].last_seen, NOW);
	ck_assert_int_eq(table.hosts[0].first_seen, NOW);
	/* The alert says what was received when. */
	ck_assert_ptr_nonnull(strstr(emitted.json[0], "\"received\":\"2026-03-14T06:40:11.500Z\""));
	/* A clock that is set back counts from the next tick on. */
	detect_tick(detect, NOW - 9000000);
	event = process_event(SLICE("web01.corp"));
	run(&event, NOW - 8000000);
	ck_assert_int_eq(table.hosts[0].last_seen, NOW - 8000000);
}
END_TEST

START_TEST(new_set_takes_over)
{
	struct wevent event = process_event(SLICE("web01.corp"));
	struct ruleset *old = rules;
	struct alert_settings per_rule = settings;

	per_rule.mode = ALERT_PER_RULE;
	rules = build_rules();
	ck_assert_int_eq(detect_use(detect, rules, &per_rule), 0);
	ruleset_unref(old);
	ck_assert_int_eq(run(&event, NOW), 3);
	ck_assert_uint_eq(emitted.count, 3);
	detect_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("detect");
	TCase *tcase = tcase_create("detect");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, core_rule_speaks_for_the_event);
	tcase_add_test(tcase, highest_level_speaks_where_no_core_rule_does);
	tcase_add_test(tcase, per_rule_gives_one_alert_each);
	tcase_add_test(tcase, event_that_matches_nothing_is_counted);
	tcase_add_test(tcase, matches_are_counted_with_their_host);
	tcase_add_test(tcase, event_bears_the_name_its_host_is_known_by);
	tcase_add_test(tcase, id_does_not_depend_on_what_was_known);
	tcase_add_test(tcase, host_that_cannot_be_remembered_is_watched_all_the_same);
	tcase_add_test(tcase, event_without_a_host_is_watched_all_the_same);
	tcase_add_test(tcase, alert_without_room_is_an_error);
	tcase_add_test(tcase, time_does_not_run_back_between_ticks);
	tcase_add_test(tcase, new_set_takes_over);
	suite_add_tcase(suite, tcase);

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
