/* Filters: what of a document is refused, and when one counts. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/filter.h"
#include "detect/ruleset_builder.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SYSMON "Microsoft-Windows-Sysmon/Operational"
#define RULE_ID "00000000-0000-4000-8000-000000000001"
#define FILTER_ID "00000000-0000-4000-8000-0000000000f1"
#define RULE                                                       \
	"title: t\nid: " RULE_ID "\nname: the_rule\nlevel: high\n" \
	"logsource: {product: windows, service: sysmon}\n"         \
	"detection:\n  s: {Image|endswith: '\\cmd.exe'}\n  condition: s\n"
#define FILTER(rest) "---\ntitle: f\nid: " FILTER_ID "\n" rest

static const struct {
	const char *name;
	const char *filter;
	const char *want; /* part of the fault */
	bool warning;
} refused_rows[] = {
	{ "no rules", "filter: {s: {Image: x}, condition: not s}\n", "names no rules", false },
	{ "an empty list of rules", "filter: {rules: [], s: {Image: x}, condition: not s}\n",
		"'rules' names none", false },
	{ "no condition", "filter: {rules: any, s: {Image: x}}\n", "no condition", false },
	{ "no map", "filter: any\n", "must be a map", false },
	{ "an action of its own",
		"action: hide\nfilter: {rules: any, s: {Image: x}, condition: not s}\n",
		"unknown action 'hide'", false },
	{ "a day",
		"schedule: {days: [someday]}\nfilter: {rules: any, s: {Image: x}, condition: not "
		"s}\n",
		"'someday' is no day of the week", false },
	{ "a day with one letter more",
		"schedule: {days: satt}\nfilter: {rules: any, s: {Image: x}, condition: not s}\n",
		"'satt' is no day", false },
	{ "a day in another language",
		"schedule: {days: [mon, montag]}\nfilter: {rules: any, s: {Image: x}, condition: "
		"not s}\n",
		"'montag' is no day", false },
	{ "a range without an end",
		"schedule: {days: mon-}\nfilter: {rules: any, s: {Image: x}, condition: not s}\n",
		"'mon-' is no day", false },
	{ "a range of three",
		"schedule: {days: mon-wed-fri}\nfilter: {rules: any, s: {Image: x}, condition: not "
		"s}\n",
		"'mon-wed-fri' is no day", false },
	{ "a map for days",
		"schedule: {days: {sat: true}}\nfilter: {rules: any, s: {Image: x}, condition: not "
		"s}\n",
		"'' is no day", false },
	{ "no days",
		"schedule: {days: []}\nfilter: {rules: any, s: {Image: x}, condition: not s}\n",
		"'days' names none", false },
	{ "hours",
		"schedule: {hours: \"9-17\"}\nfilter: {rules: any, s: {Image: x}, condition: not "
		"s}\n",
		"hours are written as", false },
	{ "the 25th hour",
		"schedule: {hours: \"22:00-25:00\"}\nfilter: {rules: any, s: {Image: x}, "
		"condition: not s}\n",
		"hours are written as", false },
	{ "a zone that nobody knows",
		"schedule: {zone: Nowhere/City}\nfilter: {rules: any, s: {Image: x}, condition: "
		"not s}\n",
		"'Nowhere/City' is no zone of this machine's database", false },
	{ "another key of a schedule",
		"schedule: {from: x}\nfilter: {rules: any, s: {Image: x}, condition: not s}\n",
		"not 'from'", false },
	{ "an empty schedule",
		"schedule: []\nfilter: {rules: any, s: {Image: x}, condition: not s}\n",
		"schedule is empty", false },
	{ "no title", "title: ''\nfilter: {rules: any, s: {Image: x}, condition: not s}\n", "title",
		false },
	{ "a rule that is not there",
		"filter: {rules: [the_rule, nobody], s: {Image: x}, condition: not s}\n",
		"names a rule that is not loaded: nobody", true },
	{ "a correlation",
		"filter: {rules: [twice], s: {Image: x}, condition: not s}\n"
		"---\ntitle: twice\nid: 00000000-0000-4000-8000-0000000000c1\nname: twice\n"
		"correlation: {type: event_count, rules: [the_rule], group-by: [Computer], "
		"timespan: 1m, condition: {gte: 2}}\ngenerate: true\n",
		"'twice' is a correlation, whose alerts no filter takes away", true },
	{ "a name of two rules",
		"filter: {rules: [the_rule], s: {Image: x}, condition: not s}\n---\n"
		"title: other\nid: 00000000-0000-4000-8000-000000000002\nname: the_rule\n"
		"level: high\nlogsource: {product: windows, service: sysmon}\n"
		"detection: {s: {Image: 'xxx'}, condition: s}\n",
		"two rules that are called 'the_rule' (f.yml:1, f.yml:", true },
	{ "the id of another filter",
		"filter: {rules: any, s: {Image: x}, condition: not s}\n---\ntitle: "
		"g\nid: " FILTER_ID "\nfilter: {rules: any, s: {Image: x}, condition: not s}\n",
		"id " FILTER_ID " is already that of f.yml:11; give", false },
	{ "the id of a rule",
		"filter: {rules: any, s: {Image: x}, condition: not s}\n---\n"
		"filter: {rules: any, s: {Image: x}, condition: not s}\ntitle: g\nid: " RULE_ID
		"\n",
		"id " RULE_ID " is already that of f.yml:2; give", false },
	{ "a slip in a key",
		"actoin: lower\nfilter: {rules: any, s: {Image: x}, condition: not s}\n",
		"a filter has no key 'actoin'; did you mean action?", false },
	{ "a slip in another",
		"shedule: {days: [sat]}\nfilter: {rules: any, s: {Image: x}, condition: not s}\n",
		"a filter has no key 'shedule'; did you mean schedule?", false },
	{ "a key in other letters",
		"Action: lower\nfilter: {rules: any, s: {Image: x}, condition: not s}\n",
		"a filter has no key 'Action'; did you mean action?", false },
	{ "a key of nobody's",
		"window: night\nfilter: {rules: any, s: {Image: x}, condition: not s}\n",
		"a filter has no key 'window'; remove it", false },
	{ "a key of a rule's",
		"level: low\nfilter: {rules: any, s: {Image: x}, condition: not s}\n",
		"'level' says nothing in a filter", true },
	{ "an action within",
		"filter: {rules: any, s: {Image: x}, action: lower, condition: not s}\n",
		"'action' would be a selection here; write 'action' beside 'filter', not in it",
		false },
	{ "a schedule within, with a slip",
		"filter: {rules: any, s: {Image: x}, shedule: {days: [sat]}, condition: not 1 of "
		"*}\n",
		"'shedule' would be a selection here; write 'schedule' beside", false },
	{ "a condition without not", "filter: {rules: any, s: {Image: x}, condition: s}\n",
		"write 'not SELECTION'", true },
	{ "a logsource of other events",
		"logsource: {product: windows, service: security}\n"
		"filter: {rules: [the_rule], s: {Image: x}, condition: not s}\n",
		"the filter's logsource has no event of rule 't'", true },
	{ "a field that the rule's events lack",
		"filter: {rules: [other_rule], s: {DestinationIp: x}, condition: not s}\n---\n"
		"title: other\nid: 00000000-0000-4000-8000-000000000002\nname: other_rule\n"
		"level: high\nlogsource: {product: windows, category: process_creation}\n"
		"detection: {s: {Image: 'xxx'}, condition: s}\n",
		"as of rule 'other', have no field 'DestinationIp'; correct it", true },
	{ "a logsource that never comes",
		"logsource: {product: aws}\nfilter: {rules: any, s: {Image: x}, condition: not "
		"s}\n",
		"the filter is idle", true },
};

/* 2026-11-27 is a Friday. */
#define FRIDAY INT64_C(1795737600) /* 00:00 UTC */
#define HOUR 3600

/* A zone that goes over from one hour to two east of UTC. */
static int
find_zone(const char *name, struct arena *arena, struct zone *zone)
{
	static const struct zone_change changes[] = { { 0, HOUR }, { FRIDAY, 2 * HOUR } };

	(void)arena;
	if (strcmp(name, "Test/Summer") != 0)
		return -ENOENT;
	*zone = (struct zone){ changes, 2 };
	return 0;
}

static struct ruleset *
build(const char *text, struct faults *faults)
{
	struct ruleset_builder *builder = ruleset_builder_new();
	struct ruleset *set;

	ruleset_builder_zones(builder, find_zone);

	ruleset_builder_add(builder, "f.yml", slice_of(text), faults);
	set = ruleset_build(builder, NULL, faults);
	ruleset_builder_free(builder);
	return set;
}

START_TEST(faults_say_what_is_wrong)
{
	struct faults faults = { 0 };
	struct ruleset *set;
	char text[2048];

	(void)snprintf(text, sizeof(text), RULE "---\n%s%s",
		strncmp(refused_rows[_i].filter, "title:", 6) == 0 ? ""
								   : "title: f\nid: " FILTER_ID
								     "\n",
		refused_rows[_i].filter);
	set = build(text, &faults);
	ck_assert_msg(faults.count > 0, "%s", refused_rows[_i].name);
	ck_assert_msg(strstr(faults.list[0].text, refused_rows[_i].want) != NULL, "%s: %s",
		refused_rows[_i].name, faults.list[0].text);
	ck_assert_int_eq(faults.list[0].warning, refused_rows[_i].warning);
	ck_assert_int_gt(faults.list[0].line, 8);
	ruleset_unref(set);
	faults_done(&faults);
}
END_TEST

START_TEST(any_may_be_the_item_of_a_list)
{
	struct faults faults = { 0 };
	struct ruleset *set =
		build(RULE "---\ntitle: f\nid: " FILTER_ID
			   "\nfilter: {rules: [any], s: {Image: x}, condition: not s}\n",
			&faults);

	ck_assert_ptr_nonnull(set);
	ck_assert_uint_eq(faults.count, 0);
	ruleset_unref(set);
}
END_TEST

/* What is called nearly like a key of the document, and is none. */
START_TEST(a_selection_may_be_called_scheduler)
{
	struct faults faults = { 0 };
	struct ruleset *set = build(RULE "---\ntitle: f\nid: " FILTER_ID
					 "\nfilter: {rules: any, scheduler: {Image: x}, "
					 "actions: [drop it], condition: not 1 of *}\n",
		&faults);

	ck_assert_ptr_nonnull(set);
	ck_assert_uint_eq(faults.count, 0);
	ruleset_unref(set);
}
END_TEST

/* Each at its own place. */
START_TEST(all_faults_of_a_schedule)
{
	static const int columns[] = { 21, 29, 44, 58 };
	struct faults faults = { 0 };
	struct ruleset *set = build(
		RULE FILTER("schedule: { days: [ montag, satt ], hours: \"9-17\", zone: \"CET\" }\n"
			    "filter: {rules: any, s: {Image: x}, condition: not s}\n"),
		&faults);

	ck_assert_uint_eq(faults.errors, 4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(faults.list[i].line, 12);
		ck_assert_msg(
			faults.list[i].column == columns[i], "%zu: %d", i, faults.list[i].column);
	}
	ruleset_unref(set);
	faults_done(&faults);
}
END_TEST

static const struct {
	const char *name;
	const char *filter;
	const char *user;
	int64_t time; /* seconds; -1: none */
	size_t want;
	enum severity severity;
} effect_rows[] = {
	{ "takes away", FILTER("filter: {rules: any, s: {User: svc}, condition: not s}\n"), "svc",
		0, 0, SEVERITY_HIGH },
	{ "leaves others", FILTER("filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"anna", 0, 1, SEVERITY_HIGH },
	{ "by id, in capitals",
		FILTER("filter: {rules: [00000000-0000-4000-8000-000000000001], s: {User: svc}, "
		       "condition: not s}\n"),
		"svc", 0, 0, SEVERITY_HIGH },
	{ "by name", FILTER("filter: {rules: [the_rule], s: {User: svc}, condition: not s}\n"),
		"svc", 0, 0, SEVERITY_HIGH },
	{ "one name that is no list",
		FILTER("filter: {rules: the_rule, s: {User: svc}, condition: not s}\n"), "svc", 0,
		0, SEVERITY_HIGH },
	{ "lowers",
		FILTER("action: lower\nfilter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", 0, 1, SEVERITY_MEDIUM },
	{ "drops by name",
		FILTER("action: drop\nfilter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", 0, 0, SEVERITY_HIGH },
	{ "a selection that is wanted",
		FILTER("filter: {rules: any, s: {User: svc}, condition: s}\n"), "anna", 0, 0,
		SEVERITY_HIGH },
	{ "its own logsource",
		FILTER("logsource: {product: windows, category: process_creation}\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", 0, 0, SEVERITY_HIGH },
	{ "another logsource",
		FILTER("logsource: {product: windows, category: file_event}\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", 0, 1, SEVERITY_HIGH },
	{ "keywords, which no rule has",
		FILTER("filter: {rules: any, s: [sv], condition: not s}\n"), "svc", 0, 0,
		SEVERITY_HIGH },
	{ "other keywords", FILTER("filter: {rules: any, s: [nobody], condition: not s}\n"), "svc",
		0, 1, SEVERITY_HIGH },
	{ "on its day",
		FILTER("schedule: {days: fri}\nfilter: {rules: any, s: {User: svc}, condition: not "
		       "s}\n"),
		"svc", FRIDAY, 0, SEVERITY_HIGH },
	{ "the day before",
		FILTER("schedule: {days: [fri]}\nfilter: {rules: any, s: {User: svc}, condition: "
		       "not s}\n"),
		"svc", FRIDAY - 1, 1, SEVERITY_HIGH },
	{ "within its hours",
		FILTER("schedule: {hours: \"09:00-17:00\"}\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", FRIDAY + 9 * HOUR, 0, SEVERITY_HIGH },
	{ "at their end",
		FILTER("schedule: {hours: \"09:00-17:00\"}\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", FRIDAY + 17 * HOUR, 1, SEVERITY_HIGH },
	{ "within a range of days",
		FILTER("schedule: {days: Wednesday - SAT}\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", FRIDAY, 0, SEVERITY_HIGH },
	{ "at the end of a range",
		FILTER("schedule: {days: [mon, wed-fri]}\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", FRIDAY, 0, SEVERITY_HIGH },
	{ "within a range over the end of the week",
		FILTER("schedule: {days: thu-mon}\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", FRIDAY, 0, SEVERITY_HIGH },
	{ "outside a range over the end of the week",
		FILTER("schedule: {days: sat-thu}\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", FRIDAY, 1, SEVERITY_HIGH },
	{ "past midnight of its day",
		FILTER("schedule: {days: [thursday], hours: \"22:00-04:00\"}\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", FRIDAY + 3 * HOUR, 0, SEVERITY_HIGH },
	{ "past midnight of another day",
		FILTER("schedule: {days: [fri], hours: \"22:00-04:00\"}\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", FRIDAY + 3 * HOUR, 1, SEVERITY_HIGH },
	{ "in its zone",
		FILTER("schedule: {days: [fri], hours: \"00:00-01:00\", zone: \"+02:00\"}\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", FRIDAY - 90 * 60, 0, SEVERITY_HIGH },
	{ "west of UTC",
		FILTER("schedule: {days: [thu], hours: \"20:00-24:00\", zone: \"-05:00\"}\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", FRIDAY + 2 * HOUR, 0, SEVERITY_HIGH },
	{ "in a zone by name, when its offset changes",
		FILTER("schedule: {days: [fri], hours: \"02:00-03:00\", zone: Test/Summer}\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", FRIDAY, 0, SEVERITY_HIGH },
	{ "in a zone by name, before that",
		FILTER("schedule: {days: [fri], hours: \"00:00-01:00\", zone: Test/Summer}\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", FRIDAY - 60, 0, SEVERITY_HIGH },
	{ "the second of two schedules",
		FILTER("schedule: [{days: [mon]}, {days: [fri]}]\n"
		       "filter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", FRIDAY, 0, SEVERITY_HIGH },
	{ "no time",
		FILTER("schedule: {}\nfilter: {rules: any, s: {User: svc}, condition: not s}\n"),
		"svc", -1, 1, SEVERITY_HIGH },
};

START_TEST(has_the_effect_that_it_names)
{
	struct arena *arena = arena_new(1 << 20);
	const struct match *matches, *filtered;
	struct ruleset_scratch *scratch;
	struct faults faults = { 0 };
	struct ruleset *set;
	struct wevent event;
	char text[2048], raw[64];
	size_t count;

	(void)snprintf(text, sizeof(text), RULE "%s", effect_rows[_i].filter);
	set = build(text, &faults);
	ck_assert_msg(set != NULL, "%s: %s", effect_rows[_i].name,
		faults.count > 0 ? faults.list[0].text : "");
	scratch = ruleset_scratch_new(set);
	wevent_clear(&event);
	event.event_id = 1;
	event.f[F_EventID] = SLICE("1");
	event.f[F_Channel] = SLICE(SYSMON);
	event.f[F_Image] = SLICE("C:\\Windows\\cmd.exe");
	event.f[F_User] = slice_of(effect_rows[_i].user);
	if (effect_rows[_i].time >= 0)
		event.time = effect_rows[_i].time * 1000000;
	(void)snprintf(raw, sizeof(raw), "{\"user\":\"%s\"}", effect_rows[_i].user);
	event.raw = slice_of(raw);
	ck_assert_int_eq(ruleset_complete(set, scratch, NULL, &event, arena), 0);
	count = ruleset_match(set, scratch, &event, &matches);
	ck_assert_msg(count == effect_rows[_i].want, "%s", effect_rows[_i].name);
	if (count > 0)
		ck_assert_int_eq(matches[0].severity, effect_rows[_i].severity);
	ck_assert_uint_eq(ruleset_filtered(scratch, &filtered), 1 - count);
	if (count == 0)
		ck_assert_str_eq(filtered[0].filter->id, FILTER_ID);
	else
		ck_assert_int_eq(
			matches[0].filter != NULL, effect_rows[_i].severity != SEVERITY_HIGH);
	ruleset_scratch_free(scratch);
	ruleset_unref(set);
	faults_done(&faults);
	arena_free(arena);
}
END_TEST

/* One level for all that lower, and one that drops ends it. */
START_TEST(several_filters_of_one_rule)
{
	static const char text[] =
		RULE "---\ntitle: a\nid: a\naction: lower\n"
		     "filter: {rules: any, s: {User: svc}, condition: not s}\n"
		     "---\ntitle: b\nid: b\naction: lower\n"
		     "filter: {rules: any, s: {User: svc}, condition: not s}\n"
		     "---\ntitle: c\nid: c\n"
		     "filter: {rules: any, s: {Computer: pc}, condition: not s}\n";
	struct faults faults = { 0 };
	struct ruleset *set = build(text, &faults);
	struct ruleset_scratch *scratch;
	const struct match *matches, *filtered;
	struct wevent event;

	ck_assert_ptr_nonnull(set);
	ck_assert_uint_eq(ruleset_filter_count(set), 3);
	ck_assert_str_eq(ruleset_filter(set, 2)->title, "c");
	scratch = ruleset_scratch_new(set);
	wevent_clear(&event);
	event.event_id = 1;
	event.f[F_EventID] = SLICE("1");
	event.f[F_Channel] = SLICE(SYSMON);
	event.f[F_Image] = SLICE("C:\\Windows\\cmd.exe");
	event.f[F_User] = SLICE("svc");
	ck_assert_uint_eq(ruleset_match(set, scratch, &event, &matches), 1);
	ck_assert_int_eq(matches[0].severity, SEVERITY_MEDIUM);
	event.f[F_Computer] = SLICE("pc");
	ck_assert_uint_eq(ruleset_match(set, scratch, &event, &matches), 0);
	ck_assert_uint_eq(ruleset_filtered(scratch, &filtered), 1);
	ck_assert_str_eq(filtered[0].filter->title, "c");
	ruleset_scratch_free(scratch);
	ruleset_unref(set);
	faults_done(&faults);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("filter");
	TCase *tcase = tcase_create("filter");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, faults_say_what_is_wrong, 0, ROWS(refused_rows));
	tcase_add_test(tcase, any_may_be_the_item_of_a_list);
	tcase_add_test(tcase, a_selection_may_be_called_scheduler);
	tcase_add_test(tcase, all_faults_of_a_schedule);
	tcase_add_loop_test(tcase, has_the_effect_that_it_names, 0, ROWS(effect_rows));
	tcase_add_test(tcase, several_filters_of_one_rule);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
