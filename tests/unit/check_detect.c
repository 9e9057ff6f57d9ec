/* The detection as a whole: which name a host gets, which rule speaks, how many alerts there are,
 * and what a host without memory costs. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "detect/detect.h"
#include "detect/ruleset_builder.h"

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
	bool lowered[ALERTS_MAX];
	size_t limited;
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

/* As many windows as a test needs. */
#define WINDOWS_MAX 16

static struct {
	struct {
		char key[CORRELATE_KEY_MAX];
		size_t length;
		struct window *window;
	} list[WINDOWS_MAX];
	int held;
} windows;

static struct window *
borrow_window(void *context, struct slice key)
{
	int i = 0, free_place = -1;

	ck_assert_ptr_eq(context, &windows);
	ck_assert_int_eq(windows.held++, 0);
	ck_assert_uint_eq(table.held, 0);
	for (; i < WINDOWS_MAX; i++) {
		if (windows.list[i].window == NULL)
			free_place = i;
		else if (slice_equal((struct slice){ windows.list[i].key, windows.list[i].length },
				 key))
			return windows.list[i].window;
	}
	ck_assert_int_ne(free_place, -1);
	memcpy(windows.list[free_place].key, key.ptr, key.len);
	windows.list[free_place].length = key.len;
	windows.list[free_place].window = window_new();
	return windows.list[free_place].window;
}

static void
give_window_back(void *context, struct slice key, struct window *window)
{
	(void)context;
	(void)key;
	windows.held--;
	for (int i = 0; i < WINDOWS_MAX; i++) {
		if (windows.list[i].window != window || window_deadline(window) != INT64_MIN)
			continue;
		window_free(window);
		windows.list[i].window = NULL;
	}
}

static struct window *
borrow_due(void *context, int64_t now, char key[CORRELATE_KEY_MAX], size_t *length)
{
	int first = -1;

	(void)context;
	for (int i = 0; i < WINDOWS_MAX; i++) {
		if (windows.list[i].window == NULL || window_deadline(windows.list[i].window) > now)
			continue;
		if (first == -1 || window_deadline(windows.list[i].window) <
					   window_deadline(windows.list[first].window))
			first = i;
	}
	if (first == -1)
		return NULL;
	windows.held++;
	*length = windows.list[first].length;
	memcpy(key, windows.list[first].key, *length);
	return windows.list[first].window;
}

static size_t filtered_count;

static void
emit(void *context, const struct alert *alert)
{
	size_t i = emitted.count++;

	ck_assert_ptr_eq(context, &emitted);
	ck_assert_uint_eq(table.held, 0);
	ck_assert_uint_lt(i, ALERTS_MAX);
	emitted.lowered[i] = alert->lowered;
	memcpy(emitted.id[i], alert->id, ALERT_ID_MAX);
	memcpy(emitted.event_id[i], alert->event_id, ALERT_ID_MAX);
	snprintf(emitted.title[i], sizeof(emitted.title[i]), "%s", alert->rule->title);
	snprintf(emitted.json[i], sizeof(emitted.json[i]), "%.*s", (int)alert->json.len,
		alert->json.ptr);
}

static void
limited(void *context)
{
	ck_assert_ptr_eq(context, &emitted);
	emitted.limited++;
}

static void
passed_over(void *context, const struct rule *correlation, enum window_answer answer)
{
	(void)context;
	(void)correlation;
	(void)answer;
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
	set = ruleset_build(builder, NULL, &faults);
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
	detect = detect_new((struct detect_hosts){ &table, borrow, give_back },
		(struct detect_windows){ &windows, borrow_window, give_window_back, borrow_due });
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
	for (int i = 0; i < WINDOWS_MAX; i++)
		window_free(windows.list[i].window);
	memset(&windows, 0, sizeof(windows));
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

static void
tick(int64_t now)
{
	const struct detect_sink sink = { &emitted, emit, filtered, passed_over, limited };

	ck_assert_int_eq(detect_tick(detect, now, arena, &sink), 0);
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
	const struct detect_sink sink = { &emitted, emit, filtered, passed_over, limited };

	return detect_event(detect, event, &source, arena, &sink);
}

/* The same once more, as another event. */
static int
run_another(struct wevent *event, int64_t received)
{
	static char record[16];
	static int last;

	(void)snprintf(record, sizeof(record), "%d", 1000 + last++);
	event->f[F_EventRecordID] = slice_of(record);
	return run(event, received);
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
	/* The level is the highest of them all. */
	ck_assert_ptr_nonnull(strstr(emitted.json[0], "\"SeverityRating\":\"Critical\""));
	ck_assert_ptr_nonnull(strstr(emitted.json[0], "\"message\":\"Critical WebShell"));
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

	tick(NOW);
	run(&event, NOW - 5000000);
	ck_assert_int_eq(table.hosts[0].last_seen, NOW);
	ck_assert_int_eq(table.hosts[0].first_seen, NOW);
	/* The alert says what was received when. */
	ck_assert_ptr_nonnull(strstr(emitted.json[0], "\"received\":\"2026-03-14T06:40:11.500Z\""));
	/* A clock that is set back counts from the next tick on. */
	tick(NOW - 9000000);
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

/* Take over to the rules of this text beside the others, one alert a rule. */
static void
use_correlations(const char *text)
{
	static struct alert_settings per_rule;
	struct ruleset_builder *builder = ruleset_builder_new();
	struct ruleset *old = rules;

	for (size_t i = 0; i < sizeof(rule_files) / sizeof(rule_files[0]); i++)
		ruleset_builder_add(
			builder, rule_files[i].file, slice_of(rule_files[i].text), &faults);
	ruleset_builder_add(builder, "rules/e.yml", slice_of(text), &faults);
	rules = ruleset_build(builder, NULL, &faults);
	for (size_t i = 0; i < faults.count; i++)
		ck_assert_msg(faults.list[i].warning, "%s", faults.list[i].text);
	ck_assert_ptr_nonnull(rules);
	ruleset_builder_free(builder);
	per_rule = settings;
	per_rule.mode = ALERT_PER_RULE;
	ck_assert_int_eq(detect_use(detect, rules, &per_rule), 0);
	ruleset_unref(old);
}

/* What an expression was given up on may have been a match: the others are made, and it is told. */
START_TEST(an_expression_at_its_limit_is_told)
{
	static char command[65536];
	struct wevent event = process_event(SLICE("web01.corp"));

	use_correlations("title: Limit\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a77\nlevel: low\n"
			 "logsource: {service: sysmon}\n"
			 "detection: {s: {CommandLine|re: '^(?=(a+)+$)'}, condition: s}\n");
	memset(command, 'a', sizeof(command));
	event.f[F_CommandLine] = (struct slice){ command, 12 };
	ck_assert_int_ge(run(&event, NOW), 1);
	ck_assert_uint_eq(emitted.limited, 0);
	command[sizeof(command) - 1] = 'b';
	event.f[F_CommandLine] = (struct slice){ command, sizeof(command) };
	ck_assert_int_ge(run_another(&event, NOW), 1);
	ck_assert_uint_eq(emitted.limited, 1);
	event.f[F_CommandLine] = SLICE("cmd");
	ck_assert_int_ge(run_another(&event, NOW), 1);
	ck_assert_uint_eq(emitted.limited, 1);
}
END_TEST

#define SHELL "0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a01"
#define WHOAMI "0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a02"
#define CORE "0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a03"

static bool
said(const char *title)
{
	for (size_t i = 0; i < emitted.count; i++)
		if (strcmp(emitted.title[i], title) == 0)
			return true;
	return false;
}

/* What a correlation counts is silent, but for the core; the correlation has the highest level of
 * its rules where it has none. */
START_TEST(a_correlation_speaks_for_its_rules)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	use_correlations("title: Three\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
			 "correlation: {type: event_count, rules: [" WHOAMI ", " CORE
			 "], timespan: 5m, condition: {gte: 3}, group-by: [Computer]}\n");
	ck_assert_uint_eq(faults.count, 1); /* whoami is named as silent */
	ck_assert_ptr_nonnull(strstr(faults.list[0].text, "no alerts of its own"));
	(void)run_another(&event, NOW);
	ck_assert_uint_eq(emitted.count, 2);
	ck_assert(said("Any Shell") && said("Web Server's Child") && !said("Whoami"));
	emitted.count = 0;
	(void)run_another(&event, NOW);
	ck_assert_uint_eq(emitted.count, 3);
	ck_assert(said("Three"));
	for (size_t i = 0; i < emitted.count; i++)
		if (strcmp(emitted.title[i], "Three") == 0) {
			ck_assert_ptr_nonnull(
				strstr(emitted.json[i], "\"SeverityRating\":\"Critical\""));
			ck_assert_ptr_nonnull(strstr(emitted.json[i], "\"count\":3"));
		}
}
END_TEST

START_TEST(generate_leaves_the_rules_their_voice)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	use_correlations("title: Two\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\ngenerate: true\n"
			 "correlation: {type: event_count, rules: [" WHOAMI
			 "], timespan: 5m, condition: {gte: 2}}\n");
	(void)run_another(&event, NOW);
	ck_assert_uint_eq(emitted.count, 3);
	ck_assert(said("Whoami"));
}
END_TEST

START_TEST(correlations_form_chains)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	use_correlations("title: Two\nname: two\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
			 "correlation: {type: event_count, rules: [" WHOAMI
			 "], timespan: 5m, condition: {gte: 2}}\n---\n"
			 "title: Twice Two\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a12\n"
			 "correlation: {type: event_count, rules: [two], timespan: 5m, condition: "
			 "{gte: 2}}\n");
	for (int i = 0; i < 3; i++) {
		(void)run_another(&event, NOW);
		ck_assert(!said("Two") && !said("Twice Two"));
		emitted.count = 0;
	}
	(void)run_another(&event, NOW);
	ck_assert(!said("Two") && said("Twice Two"));
}
END_TEST

/* What came together is of several events: it is never one of the other rules of a single one. */
START_TEST(a_correlation_has_an_alert_of_its_own)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	use_correlations(
		"title: Both\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\ngenerate: true\n"
		"correlation: {type: temporal, rules: [" WHOAMI ", " CORE "], timespan: 5m}\n");
	ck_assert_int_eq(detect_use(detect, rules, &settings), 0);
	(void)run(&event, NOW);
	ck_assert_uint_eq(emitted.count, 2);
	ck_assert_str_eq(emitted.title[0], "Web Server's Child");
	ck_assert_ptr_null(strstr(emitted.json[0], "\"Both\""));
	ck_assert_str_eq(emitted.title[1], "Both");
	ck_assert_ptr_nonnull(strstr(emitted.json[1], "\"SeverityRating\":\"Critical\""));
	ck_assert_ptr_nonnull(strstr(emitted.json[1], "\"correlation\":{"));
	ck_assert_ptr_null(strstr(emitted.json[1], "\"rules\""));
}
END_TEST

/* A window that waits speaks by a tick, with its last event. */
START_TEST(a_window_speaks_when_time_is_over)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	use_correlations("title: Few\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
			 "correlation: {type: event_count, rules: [" SHELL
			 "], timespan: 1m, condition: {lte: 2}}\n");
	(void)run(&event, NOW);
	emitted.count = 0;
	tick(NOW + 60000000 + CORRELATE_LATENESS - 1);
	ck_assert_uint_eq(emitted.count, 0);
	tick(NOW + 60000000 + CORRELATE_LATENESS);
	ck_assert_uint_eq(emitted.count, 1);
	ck_assert(said("Few"));
	ck_assert_ptr_nonnull(strstr(emitted.json[0], "\"host\":\"web01.corp\""));
	ck_assert_ptr_nonnull(strstr(emitted.json[0], "\"CommandLine\":\"cmd /c whoami\""));
	tick(NOW + INT64_C(3600000000));
	ck_assert_uint_eq(emitted.count, 1);
}
END_TEST

/* The event that closes a window is not of it. */
START_TEST(a_window_speaks_with_its_own_event)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	use_correlations("title: Few\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
			 "correlation: {type: event_count, rules: [" SHELL
			 "], timespan: 1m, condition: {lte: 2}}\n");
	(void)run(&event, NOW);
	emitted.count = 0;
	event = process_event(SLICE("web02.corp"));
	event.f[F_CommandLine] = SLICE("cmd /c dir");
	event.time += 60000000 + CORRELATE_LATENESS + 1;
	(void)run(&event, event.time);
	ck_assert(said("Few"));
	ck_assert_str_eq(emitted.title[0], "Few");
	ck_assert_ptr_nonnull(strstr(emitted.json[0], "\"host\":\"web01.corp\""));
	ck_assert_ptr_nonnull(strstr(emitted.json[0], "\"CommandLine\":\"cmd /c whoami\""));
}
END_TEST

START_TEST(a_window_speaks_of_an_event_without_a_host)
{
	struct wevent event = process_event(SLICE_NONE);

	use_correlations("title: Few\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
			 "correlation: {type: event_count, rules: [" SHELL
			 "], timespan: 1m, condition: {lte: 2}}\n");
	(void)run(&event, NOW);
	emitted.count = 0;
	tick(NOW + 60000000 + CORRELATE_LATENESS);
	ck_assert_uint_eq(emitted.count, 1);
	ck_assert_ptr_nonnull(strstr(emitted.json[0], "\"host\":null"));
}
END_TEST

START_TEST(an_event_that_comes_again_is_counted_once)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	use_correlations("title: Two\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
			 "correlation: {type: event_count, rules: [" WHOAMI
			 "], timespan: 5m, condition: {gte: 2}}\n");
	(void)run(&event, NOW);
	(void)run(&event, NOW + 1000000);
	ck_assert(!said("Two"));
	emitted.count = 0;
	(void)run_another(&event, NOW + 2000000);
	ck_assert(said("Two"));
}
END_TEST

/* However many of the rules it matches, an event completes a correlation once. */
START_TEST(an_event_is_in_one_alert_of_a_correlation)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	use_correlations("title: Any\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
			 "correlation: {type: event_count, rules: [" WHOAMI ", " SHELL
			 "], timespan: 5m, condition: {gte: 1}}\n");
	(void)run(&event, NOW);
	ck_assert_uint_eq(emitted.count, 2);
	ck_assert(said("Web Server's Child") && said("Any"));
}
END_TEST

/* One event with a clock that is far ahead makes no other late. */
START_TEST(a_clock_ahead_silences_no_correlation)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	use_correlations("title: Three\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
			 "correlation: {type: event_count, rules: [" WHOAMI
			 "], timespan: 5m, condition: {gte: 3}}\n");
	event.time = NOW + INT64_C(20) * 3600 * 1000000;
	(void)run_another(&event, NOW);
	event.time = NOW;
	(void)run_another(&event, NOW);
	ck_assert(!said("Three"));
	emitted.count = 0;
	(void)run_another(&event, NOW);
	ck_assert(said("Three"));
}
END_TEST

#define LOWERING                                                          \
	"title: Lower\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a21\n"        \
	"logsource: {product: windows, service: sysmon}\naction: lower\n" \
	"filter: {rules: [" WHOAMI "], agent: {User: agent}, condition: not agent}\n"

/* The alert of an event says that it is lowered where it would have a higher level without the
 * filter, and each rule says so in any case. */
START_TEST(an_alert_is_lowered_where_that_changes_it)
{
	static const struct {
		const char *text;
		const char *level;
		bool lowered;
	} lowered_rows[] = {
		{ LOWERING, "\"SeverityRating\":\"High\"", true },
		{ LOWERING "---\ntitle: Other\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a12\n"
			   "logsource: {service: sysmon}\nlevel: critical\n"
			   "detection: {s: {CommandLine|contains: whoami}, condition: s}\n",
			"\"SeverityRating\":\"Critical\"", false },
	};
	struct wevent event = process_event(SLICE("web01.corp"));
	const char *rules_at, *lowered_at;

	use_correlations(lowered_rows[_i].text);
	ck_assert_int_eq(detect_use(detect, rules, &settings), 0);
	event.f[F_User] = SLICE("agent");
	(void)run(&event, NOW);
	ck_assert_uint_eq(emitted.count, 1);
	ck_assert_str_eq(emitted.title[0], "Web Server's Child");
	ck_assert_ptr_nonnull(strstr(emitted.json[0], lowered_rows[_i].level));
	ck_assert(emitted.lowered[0] == lowered_rows[_i].lowered);
	rules_at = strstr(emitted.json[0], "\"rules\":[");
	ck_assert_ptr_nonnull(rules_at);
	lowered_at = strstr(rules_at, "\"lowered\":{");
	ck_assert_ptr_nonnull(lowered_at);
	ck_assert_ptr_nonnull(strchr(lowered_at, ']'));
	ck_assert((strstr(strchr(lowered_at, ']'), "\"lowered\":{") != NULL) ==
		  lowered_rows[_i].lowered);
}
END_TEST

/* What filters have lowered takes part, but makes no correlation of its full level. */
START_TEST(a_correlation_of_lowered_matches_is_lowered)
{
	struct wevent event = process_event(SLICE("web01.corp"));

	use_correlations(
		"title: Two\nname: two\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
		"generate: true\n"
		"correlation: {type: event_count, rules: [" WHOAMI
		"], timespan: 5m, condition: {gte: 2}}\n---\n"
		"title: Chained\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a12\ngenerate: true\n"
		"correlation: {type: event_count, rules: [two], timespan: 5m, condition: "
		"{gte: 1}}\n---\n" LOWERING);
	event.f[F_User] = SLICE("agent");
	(void)run_another(&event, NOW);
	emitted.count = 0;
	(void)run_another(&event, NOW);
	ck_assert(said("Two") && said("Chained"));
	for (size_t i = 0; i < emitted.count; i++) {
		ck_assert_ptr_null(strstr(emitted.json[i], "\"SeverityRating\":\"Critical\""));
		ck_assert((strstr(emitted.json[i], "\"lowered\":true") != NULL) ==
			  (strstr(emitted.json[i], "\"correlation\":{") != NULL));
		ck_assert(emitted.lowered[i] ==
			  (strstr(emitted.json[i], "\"correlation\":{") != NULL ||
				  strcmp(emitted.title[i], "Whoami") == 0));
	}
	(void)run_another(&event, NOW);
	emitted.count = 0;
	event.f[F_User] = SLICE("anna");
	(void)run_another(&event, NOW);
	for (size_t i = 0; i < emitted.count; i++)
		if (strcmp(emitted.title[i], "Two") == 0 ||
			strcmp(emitted.title[i], "Chained") == 0)
			ck_assert_ptr_nonnull(
				strstr(emitted.json[i], "\"SeverityRating\":\"Critical\""));
	ck_assert(said("Two") && said("Chained"));
}
END_TEST

#define NAMED                                                                 \
	"title: Once\nname: once\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a31\n" \
	"logsource: {product: windows, service: sysmon}\n"                    \
	"detection: {s: {EventID: 1, Image: cmd.exe}, condition: s}\n"

static const struct {
	const char *name, *before, *after;
	bool same;
} version_rows[] = {
	{ "the level", "title: T\nlevel: low\n|type: event_count, condition: {gte: 5}",
		"title: U\nlevel: high\n|type: event_count, condition: {gte: 5}", true },
	{ "a bound", "|type: event_count, condition: {gte: 5}",
		"|type: event_count, condition: {gte: 6}", false },
	{ "one letter case in the bytes of a bound", "|type: event_count, condition: {gte: 80}",
		"|type: event_count, condition: {gte: 320}", false },
	{ "the order of a bound", "|type: event_count, condition: {gte: 3}",
		"|type: event_count, condition: {lte: 3}", false },
	{ "one bound more", "|type: event_count, condition: {gte: 3}",
		"|type: event_count, condition: {gte: 3, lt: 9}", false },
	{ "the timespan", "|type: event_count, condition: {gte: 3}",
		"|type: event_count, condition: {gte: 3}, timespan: 6m", false },
	{ "the percentile",
		"|type: value_percentile, condition: {gte: 3, field: ProcessId, percentile: 50}",
		"|type: value_percentile, condition: {gte: 3, field: ProcessId, percentile: 90}",
		false },
	{ "a percentile",
		"|type: value_percentile, condition: {gte: 3, field: ProcessId, percentile: 0}",
		"|type: value_percentile, condition: {gte: 3, field: ProcessId}", false },
	{ "an alias", "|type: temporal, group-by: [who], aliases: {who: {" WHOAMI ": User}}",
		"|type: temporal, group-by: [who], aliases: {who: {" WHOAMI ": ParentUser}}",
		false },
	{ "a name that becomes an alias", "|type: temporal, group-by: [User]",
		"|type: temporal, group-by: [User], aliases: {User: {" WHOAMI ": ParentUser}}",
		false },
	{ "an alias for the value",
		"|type: value_count, condition: {gte: 3, field: v}, aliases: {v: {" WHOAMI
		": User}}",
		"|type: value_count, condition: {gte: 3, field: v}, aliases: {v: {" WHOAMI
		": Image}}",
		false },
};

static uint64_t
version_of(const char *text)
{
	const char *rest = strchr(text, '|') + 1;
	char document[1024];

	(void)snprintf(document, sizeof(document),
		"%.*s%sid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
		"correlation: {rules: [" WHOAMI "], %s%s}\n",
		(int)(rest - 1 - text), text, rest - 1 == text ? "title: T\n" : "",
		strstr(rest, "timespan") == NULL ? "timespan: 5m, " : "", rest);
	use_correlations(document);
	for (size_t i = 0; i < ruleset_count(rules); i++) {
		const struct correlation *correlation =
			ruleset_correlation(rules, ruleset_rule(rules, i));

		if (correlation != NULL)
			return correlation->version;
	}
	ck_abort_msg("no correlation");
	return 0;
}

/* Windows go on over a reload only where they mean the same. */
START_TEST(a_version_is_of_all_that_windows_depend_on)
{
	bool same = version_of(version_rows[_i].before) == version_of(version_rows[_i].after);

	ck_assert_msg(same == version_rows[_i].same, "%s", version_rows[_i].name);
}
END_TEST

/* The inner speaks 15 minutes after its events; here so that the story is of two events. */
#define WAITING                                                                         \
	"title: Inner\nname: inner\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"         \
	"correlation: {type: event_count, rules: [" WHOAMI "], group-by: [Computer],\n" \
	" timespan: 10m, condition: {eq: 1}}\n---\n"                                    \
	"title: Outer\nname: outer\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a12\n"         \
	"correlation: {rules: [inner, once], group-by: [Computer], timespan: 1m, "

static const struct {
	const char *name, *text;
	int64_t step; /* of the ticks, in seconds */
	bool goes_on; /* with the other rule, each minute */
} waiting_chain_rows[] = {
	{ "a story of what waits", WAITING "type: temporal}\n---\n" NAMED, 1, false },
	{ "all windows close at once", WAITING "type: temporal}\n---\n" NAMED, 86400, false },
	{ "both wait", WAITING "type: event_count, condition: {eq: 2}}\n---\n" NAMED, 1, false },
	{ "both wait, and close at once",
		WAITING "type: event_count, condition: {eq: 2}}\n---\n" NAMED, 86400, false },
	{ "three, one on the other",
		WAITING "type: event_count, condition: {eq: 2}}\n---\n"
			"title: Last\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a13\n"
			"correlation: {type: temporal, rules: [outer, once],\n"
			" group-by: [Computer], timespan: 1m}\n---\n" NAMED,
		1, false },
	{ "the other rule goes on meanwhile", WAITING "type: temporal}\n---\n" NAMED, 1, true },
};

/* A correlation waits for those that it counts, with a window that they may be late for. */
START_TEST(a_chain_waits_for_what_waits)
{
	struct wevent event = process_event(SLICE("web01.corp"));
	int64_t step = waiting_chain_rows[_i].step * 1000000;
	bool goes_on = waiting_chain_rows[_i].goes_on;

	use_correlations(waiting_chain_rows[_i].text);
	(void)run_another(&event, NOW);
	event.f[F_CommandLine] = SLICE("dir");
	event.f[F_Image] = SLICE("cmd.exe");
	event.f[F_ParentImage] = SLICE("explorer.exe");
	event.time = NOW + 1000000;
	(void)run_another(&event, event.time);
	emitted.count = 0;
	for (int64_t now = NOW + step; now <= NOW + INT64_C(86400000000); now += step) {
		tick(now);
		if (!goes_on || now > NOW + INT64_C(3600000000) || (now - NOW) % 60000000 != 0)
			continue;
		event.time = now;
		(void)run_another(&event, now);
	}
	ck_assert_msg(emitted.count == 1, "%s: %zu", waiting_chain_rows[_i].name, emitted.count);
	ck_assert_str_eq(emitted.title[0], _i == 4 ? "Last" : "Outer");
}
END_TEST

static const struct {
	const char *name, *text, *want;
} chain_rows[] = {
	{ "a rule that is not there",
		"title: t\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
		"correlation: {type: temporal, rules: [nobody], timespan: 5m}\n",
		"no rule with the id or name 'nobody'" },
	{ "a chain that leads back to itself",
		"title: t\nname: a\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
		"correlation: {type: temporal, rules: [b], timespan: 5m}\n---\n"
		"title: u\nname: b\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a12\n"
		"correlation: {type: temporal, rules: [a], timespan: 5m}\n",
		"leads back to itself" },
	{ "a correlation of itself",
		"title: t\nname: a\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
		"correlation: {type: temporal, rules: [a], timespan: 5m}\n",
		"leads back to itself" },
	{ "a rule that is named twice",
		"title: t\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
		"correlation: {type: event_count, rules: [once, once], timespan: 5m, condition: "
		"{gte: 2}}\n---\n" NAMED,
		"'once' and 'once' are one rule" },
	{ "a rule that is named by its id and its name",
		"title: t\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
		"correlation: {type: event_count, rules: [once, "
		"0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a31], timespan: 5m, condition: "
		"{gte: 2}}\n---\n" NAMED,
		"'once' and '0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a31' are one rule" },
	{ "a rule that speaks too late",
		"title: t\nname: a\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a11\n"
		"correlation: {type: event_count, rules: [once], timespan: 1h, condition: {lt: "
		"9}}\n"
		"---\ntitle: u\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a12\n"
		"correlation: {type: event_count, rules: [a], timespan: 10s, condition: {lt: 9}}\n"
		"---\n" NAMED,
		"'a' speaks up to 3900 s after its events" },
};

START_TEST(a_chain_without_an_end_is_refused)
{
	struct ruleset_builder *builder = ruleset_builder_new();

	ruleset_builder_add(builder, "e.yml", slice_of(chain_rows[_i].text), &faults);
	ck_assert_ptr_null(ruleset_build(builder, NULL, &faults));
	ck_assert_uint_ge(faults.errors, 1);
	ck_assert_msg(strstr(faults.list[faults.count - 1].text, chain_rows[_i].want) != NULL,
		"%s: %s", chain_rows[_i].name, faults.list[faults.count - 1].text);
	ruleset_builder_free(builder);
}
END_TEST

#define WRITTEN                                                                     \
	"title: Written\nname: written\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a31\n" \
	"logsource: {product: windows, category: file_event}\n"                     \
	"detection: {s: {TargetFilename: a.aspx}, condition: s}\n"                  \
	"---\ntitle: t\nid: 0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f0a32\n"

/* The field that no event of the rule's category has; NULL: none. */
static const struct {
	const char *name, *text, *field;
} foreign_rows[] = {
	{ "a group",
		WRITTEN "correlation: {type: event_count, rules: [written], group-by: [Computer, "
			"ParentImage], timespan: 5m, condition: {gte: 2}}\n",
		"'ParentImage'" },
	{ "a value",
		WRITTEN "correlation: {type: value_count, rules: [written], timespan: 5m, "
			"condition: {gte: 2, field: CommandLine}}\n",
		"'CommandLine'" },
	{ "an alias",
		WRITTEN "correlation: {type: temporal, rules: [written], group-by: [who], "
			"aliases: {who: {written: ParentUser}}, timespan: 5m}\n",
		"'ParentUser'" },
	{ "an alias for a field that only rules name",
		WRITTEN "correlation: {type: temporal, rules: [written], group-by: [who], "
			"aliases: {who: {written: CreationTime}}, timespan: 5m}\n",
		NULL },
	{ "a field that only rules name",
		WRITTEN "correlation: {type: temporal, rules: [written], group-by: [QueryName], "
			"timespan: 5m}\n",
		"'QueryName'" },
	{ "what the events have",
		WRITTEN "correlation: {type: event_count, rules: [written], group-by: [Computer, "
			"User, TargetFilename], timespan: 5m, condition: {gte: 2}}\n",
		NULL },
};

START_TEST(warns_of_fields_that_no_event_of_a_rule_has)
{
	struct ruleset_builder *builder = ruleset_builder_new();
	struct ruleset *set;
	size_t found = 0;

	ruleset_builder_add(builder, "e.yml", slice_of(foreign_rows[_i].text), &faults);
	set = ruleset_build(builder, NULL, &faults);
	ck_assert_ptr_nonnull(set);
	for (size_t i = 0; i < faults.count; i++) {
		if (strstr(faults.list[i].text, "take no part") == NULL)
			continue;
		found++;
		ck_assert(faults.list[i].warning && foreign_rows[_i].field != NULL);
		ck_assert_ptr_nonnull(strstr(faults.list[i].text, foreign_rows[_i].field));
	}
	ck_assert_msg(found == (foreign_rows[_i].field != NULL), "%s", foreign_rows[_i].name);
	ruleset_unref(set);
	ruleset_builder_free(builder);
}
END_TEST

#define LEVELS 7
#define WIDTH 16

/* Seven levels of correlations, each of all of the level below: as many ways down as 16 to the
 * seventh, and each is looked at once. */
START_TEST(chains_that_meet_are_settled_once)
{
	struct ruleset_builder *builder = ruleset_builder_new();
	size_t size = LEVELS * WIDTH * 512, n = 0;
	char *text = malloc(size);
	struct ruleset *set;

	ck_assert_ptr_nonnull(text);
	for (int i = 0; i < LEVELS * WIDTH; i++) {
		n += (size_t)snprintf(text + n, size - n,
			"title: t\nname: c%d\nid: "
			"0b3a1a52-0a56-4a0e-8a4b-3f1d6f6f1%03d\ncorrelation:\n"
			" type: event_count\n timespan: 5m\n condition: {gte: 1}\n rules: [once",
			i, i);
		for (int k = 0; i >= WIDTH && k < WIDTH; k++)
			n += (size_t)snprintf(
				text + n, size - n, ", c%d", i / WIDTH * WIDTH - WIDTH + k);
		n += (size_t)snprintf(text + n, size - n, "]\n---\n");
	}
	n += (size_t)snprintf(text + n, size - n, "%slevel: critical\n", NAMED);
	ruleset_builder_add(builder, "e.yml", (struct slice){ text, n }, &faults);
	set = ruleset_build(builder, NULL, &faults);
	ck_assert_uint_eq(faults.errors, 0);
	ck_assert_ptr_nonnull(set);
	ck_assert_int_eq(ruleset_rule(set, LEVELS * WIDTH - 1)->severity, SEVERITY_CRITICAL);
	ruleset_unref(set);
	ruleset_builder_free(builder);
	free(text);
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
	tcase_add_test(tcase, an_expression_at_its_limit_is_told);
	tcase_add_test(tcase, a_correlation_speaks_for_its_rules);
	tcase_add_test(tcase, generate_leaves_the_rules_their_voice);
	tcase_add_test(tcase, correlations_form_chains);
	tcase_add_test(tcase, a_correlation_has_an_alert_of_its_own);
	tcase_add_loop_test(tcase, an_alert_is_lowered_where_that_changes_it, 0, 2);
	tcase_add_test(tcase, a_window_speaks_when_time_is_over);
	tcase_add_test(tcase, a_window_speaks_with_its_own_event);
	tcase_add_test(tcase, a_window_speaks_of_an_event_without_a_host);
	tcase_add_test(tcase, an_event_that_comes_again_is_counted_once);
	tcase_add_test(tcase, an_event_is_in_one_alert_of_a_correlation);
	tcase_add_test(tcase, a_clock_ahead_silences_no_correlation);
	tcase_add_test(tcase, a_correlation_of_lowered_matches_is_lowered);
	tcase_add_loop_test(tcase, a_version_is_of_all_that_windows_depend_on, 0,
		(int)(sizeof(version_rows) / sizeof(version_rows[0])));
	tcase_add_loop_test(tcase, a_chain_waits_for_what_waits, 0,
		(int)(sizeof(waiting_chain_rows) / sizeof(waiting_chain_rows[0])));
	tcase_add_loop_test(tcase, a_chain_without_an_end_is_refused, 0,
		(int)(sizeof(chain_rows) / sizeof(chain_rows[0])));
	tcase_add_loop_test(tcase, warns_of_fields_that_no_event_of_a_rule_has, 0,
		(int)(sizeof(foreign_rows) / sizeof(foreign_rows[0])));
	tcase_add_test(tcase, chains_that_meet_are_settled_once);
	suite_add_tcase(suite, tcase);

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
