/* Why a rule matches an event or not: the lines of each selection, item, value and condition. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/condition.h"
#include "detect/ruleset_builder.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SYSMON "Microsoft-Windows-Sysmon/Operational"
#define IMAGE "C:\\Windows\\cmd.exe"

/* A line is "+" or "-", the first letter of its kind, the text, and "=" the value of an item. */
static const struct {
	const char *name;
	const char *detection;
	const char *channel;
	bool matches, routed;
	const char *want;
} rows[] = {
	{ "a selection that is true", "  s: {Image|endswith: '\\cmd.exe'}\n  condition: s\n",
		SYSMON, true, true, "+S s|+I Image|endswith=" IMAGE "|+P \\cmd.exe|+C s" },
	{ "one that is not", "  s: {Image|endswith: '\\x.exe'}\n  condition: s\n", SYSMON, false,
		true, "-S s|-I Image|endswith=" IMAGE "|-P \\x.exe|-C s" },
	{ "one value of two", "  s: {Image|contains: [cmd, x.exe]}\n  condition: s\n", SYSMON, true,
		true, "+S s|+I Image|contains=" IMAGE "|+P cmd|-P x.exe|+C s" },
	{ "both values of two", "  s: {Image|contains|all: [cmd, x.exe]}\n  condition: s\n", SYSMON,
		false, true, "-S s|-I Image|contains|all=" IMAGE "|+P cmd|-P x.exe|-C s" },
	{ "two selections, one of them not",
		"  s: {Image|contains: cmd}\n  f: {User: svc}\n  condition: s and not f\n", SYSMON,
		true, true,
		"+S s|+I Image|contains=" IMAGE "|+P cmd|-S f|-I User|-P svc|+C s and not f" },
	{ "two items", "  s: {Image|contains: cmd, User: svc}\n  condition: s\n", SYSMON, false,
		true, "-S s|+I Image|contains=" IMAGE "|+P cmd|-I User|-P svc|-C s" },
	{ "maps in a list", "  s: [{Image|contains: cmd}, {User: svc}]\n  condition: s\n", SYSMON,
		true, true, "+S s|+I Image|contains=" IMAGE "|+P cmd|-I User|-P svc|+C s" },
	{ "a value that must be absent", "  s: {User: null}\n  condition: s\n", SYSMON, true, true,
		"+S s|+I User|+P null|+C s" },
	{ "a value that Windows writes for none", "  s: {User: ['-', svc]}\n  condition: s\n",
		SYSMON, true, true, "+S s|+I User|-P -|-P svc|+P null|+C s" },
	{ "none of the values", "  s: {Image|neq: x}\n  condition: s\n", SYSMON, true, true,
		"+S s|+I Image|neq=" IMAGE "|-P x|+C s" },
	{ "a value of three patterns",
		"  s: {Image|base64offset|contains: whoami}\n  condition: s\n", SYSMON, false, true,
		"-S s|-I Image|base64offset|contains=" IMAGE "|-P whoami|-C s" },
	{ "a regular expression", "  s: {Image|re: 'c.d\\.exe$'}\n  condition: s\n", SYSMON, true,
		true, "+S s|+I Image|re=" IMAGE "|+P c.d\\.exe$|+C s" },
	{ "keywords", "  k: [somewhere, nowhere]\n  condition: k\n", SYSMON, true, true,
		"+S k|+K keywords|+P somewhere|-K keywords|-P nowhere|+C k" },
	{ "a list of conditions, each for itself",
		"  s: {Image|contains: cmd}\n  f: {User: svc}\n  g: {User: anna}\n"
		"  condition: [f, s, g]\n",
		SYSMON, true, true,
		"+S s|+I Image|contains=" IMAGE
		"|+P cmd|-S f|-I User|-P svc|-S g|-I User|-P anna|-C f|+C s|-C g" },
	{ "a list of one condition", "  s: {User: svc}\n  condition: [s]\n", SYSMON, false, true,
		"-S s|-I User|-P svc|-C s" },
	{ "a pattern of names",
		"  a1: {User: svc}\n  a2: {Image|contains: cmd}\n  condition: 1 of a*\n", SYSMON,
		true, true,
		"-S a1|-I User|-P svc|+S a2|+I Image|contains=" IMAGE "|+P cmd|+C 1 of a*" },
	{ "another channel", "  s: {Image|contains: cmd}\n  condition: s\n", "Security", false,
		false, "+S s|+I Image|contains=" IMAGE "|+P cmd|+C s" },
	{ "keywords of another channel", "  k: somewhere\n  condition: k\n", "Security", false,
		false, "+S k|+K keywords|+P somewhere|+C k" },
};

static void
line_cb(void *context, enum explain_kind kind, struct slice text, struct slice value, bool holds)
{
	static const char kinds[] = { [EXPLAIN_SELECTION] = 'S',
		[EXPLAIN_ITEM] = 'I',
		[EXPLAIN_KEYWORDS] = 'K',
		[EXPLAIN_PATTERN] = 'P',
		[EXPLAIN_CONDITION] = 'C' };
	char *said = context;
	size_t have = strlen(said);

	(void)snprintf(said + have, 1024 - have, "%s%c%c %.*s%s%.*s", have == 0 ? "" : "|",
		holds ? '+' : '-', kinds[kind], (int)text.len, text.ptr, value.len > 0 ? "=" : "",
		(int)value.len, value.len > 0 ? value.ptr : "");
}

START_TEST(says_line_by_line_why)
{
	struct ruleset_builder *builder = ruleset_builder_new();
	struct arena *arena = arena_new(1 << 20);
	struct faults faults = { 0 };
	struct ruleset_scratch *scratch;
	struct ruleset *set;
	struct wevent event;
	char text[1024], said[1024] = "";
	const struct explain_sink sink = { said, line_cb };
	bool routed, matches;

	(void)snprintf(text, sizeof(text),
		"title: t\nid: 00000000-0000-4000-8000-000000000001\nlevel: high\n"
		"logsource: {product: windows, service: sysmon}\ndetection:\n%s",
		rows[_i].detection);
	ruleset_builder_add(builder, "rule.yml", slice_of(text), &faults);
	set = ruleset_build(builder, NULL, &faults);
	ruleset_builder_free(builder);
	ck_assert_msg(set != NULL && faults.errors == 0, "%s: %s", rows[_i].name,
		faults.count > 0 ? faults.list[0].text : "no memory");
	scratch = ruleset_scratch_new(set);

	wevent_clear(&event);
	event.event_id = 1;
	event.f[F_EventID] = SLICE("1");
	event.f[F_Channel] = slice_of(rows[_i].channel);
	event.f[F_Image] = SLICE(IMAGE);
	event.raw = SLICE("{\"message\": \"it is somewhere\"}");
	ck_assert_int_eq(ruleset_complete_all(set, NULL, &event, arena), 0);
	/* Twice, since a scratch keeps what the last event has hit. */
	for (int turn = 0; turn < 2; turn++) {
		said[0] = '\0';
		matches =
			ruleset_explain(set, scratch, ruleset_rule(set, 0), &event, &sink, &routed);
		ck_assert_msg(strcmp(said, rows[_i].want) == 0, "%s: %s", rows[_i].name, said);
		ck_assert_msg(matches == rows[_i].matches && routed == rows[_i].routed, "%s",
			rows[_i].name);
	}
	ruleset_scratch_free(scratch);
	ruleset_unref(set);
	faults_done(&faults);
	arena_free(arena);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("explain");
	TCase *tcase = tcase_create("explain");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, says_line_by_line_why, 0, ROWS(rows));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
