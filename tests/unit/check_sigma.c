/* Sigma rules: what an alert learns from one, and what is refused, with its place. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/placeholders.h"
#include "detect/sigma.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

#define ID "id: 6d0a4a43-3b86-4f7e-8f7e-0123456789ab\n"
#define LOGSOURCE "logsource: {service: sysmon}\n"
#define HEAD "title: t\n" ID "level: low\n" LOGSOURCE
#define RULE(detection) HEAD "detection:\n" detection

struct bench {
	struct arena *arena;
	struct faults faults;
	struct yaml *yaml;
	struct sigma_rule rule;
	struct sigma_reader reader;
	struct sigma_fields fields;
	struct placeholders placeholders;
	int result;
};

static void
bench_open(struct bench *bench, const char *file, const char *text)
{
	*bench = (struct bench){ .arena = arena_new(16 * 1024 * 1024) };
	bench->yaml = yaml_parse(file, slice_of(text), &bench->faults);
	ck_assert_msg(bench->yaml != NULL, "%s", text);
	bench->reader = (struct sigma_reader){ .yaml = bench->yaml,
		.arena = bench->arena,
		.faults = &bench->faults,
		.fields = &bench->fields,
		.placeholders = &bench->placeholders };
	bench->result = sigma_parse(&bench->reader, file, yaml_root(bench->yaml, 0), &bench->rule);
}

static void
bench_close(struct bench *bench)
{
	yaml_free(bench->yaml);
	arena_free(bench->arena);
	faults_done(&bench->faults);
	sigma_fields_done(&bench->fields);
}

static const struct {
	const char *name;
	const char *text;
	int line, column;
	const char *say;
} refusal_rows[] = {
	{ "a list", "- a\n", 1, 3, "a rule is a map" },
	{ "no title", ID "level: low\n" LOGSOURCE "detection:\n  s: {Image: x}\n  condition: s\n",
		1, 1, "no title" },
	{ "an empty title",
		"title: ''\n" ID LOGSOURCE "detection:\n  s: {Image: x}\n  condition: s\n", 1, 8,
		"'title' must be a text" },
	{ "no logsource", "title: t\n" ID "detection:\n  s: {Image: x}\n  condition: s\n", 1, 1,
		"no logsource" },
	{ "no detection", HEAD, 1, 1, "no detection" },
	{ "no condition", RULE("  s: {Image: x}\n"), 5, 1, "no condition" },
	{ "an empty condition", RULE("  s: {Image: x}\n  condition:\n"), 7, 3, "no condition" },
	{ "an empty list of conditions", RULE("  s: {Image: x}\n  condition: []\n"), 7, 3,
		"is empty" },
	{ "a condition that is a map", RULE("  s: {Image: x}\n  condition: {a: b}\n"), 7, 15,
		"must be a text" },
	{ "an unknown selection", RULE("  s: {Image: x}\n  condition: s and t\n"), 7, 14,
		"no selection 't'" },
	{ "the second of two conditions", RULE("  s: {Image: x}\n  condition:\n  - s\n  - s or\n"),
		9, 5, "missing at the end" },
	{ "an aggregation", RULE("  s: {Image: x}\n  condition: s | count() > 5\n"), 7, 14,
		"aggregation" },
	{ "more of them than there are", RULE("  s: {Image: x}\n  condition: 2 of s*\n"), 7, 14,
		"fewer selections" },
	{ "a bad level",
		"title: t\n" ID "level: loud\n" LOGSOURCE
		"detection:\n  s: {Image: x}\n  condition: s\n",
		3, 8, "unknown level 'loud'" },
	{ "an unsupported rule", "status: unsupported\n" RULE("  s: {Image: x}\n  condition: s\n"),
		1, 9, "unsupported" },
	{ "another taxonomy", "taxonomy: ecs\n" RULE("  s: {Image: x}\n  condition: s\n"), 1, 11,
		"taxonomy 'ecs'" },
	{ "tags that are no list", "tags: attack.t1505\n" RULE("  s: {Image: x}\n  condition: s\n"),
		1, 7, "'tags'" },
	{ "a correlation without rules", "title: t\ncorrelation: {type: event_count}\n", 2, 1,
		"no rules" },
	{ "a filter without a condition", "title: t\nfilter: {rules: any}\n", 2, 1,
		"no condition" },
	{ "a rule and a filter in one",
		RULE("  s: {Image: x}\n  condition: s\n") "filter: {rules: any}\n", 8, 1,
		"'detection' or 'filter', not both" },
	{ "a correlation and a rule in one",
		"correlation: {type: event_count}\n" RULE("  s: {Image: x}\n  condition: s\n"), 6,
		1, "'correlation' or 'detection', not both" },
	{ "a collection", "action: global\ntitle: t\n", 1, 1, "collections" },
	{ "an unknown word of a logsource",
		"title: t\n" ID "logsource:\n  product: windows\n  channel: System\n"
		"detection:\n  s: {Image: x}\n  condition: s\n",
		5, 3, "logsource 'channel'" },
	{ "a logsource of a definition alone",
		"title: t\n" ID
		"logsource: {definition: x}\ndetection:\n  s: {Image: x}\n  condition: s\n",
		3, 13, "names no product" },
	{ "an empty logsource",
		"title: t\n" ID "logsource:\ndetection:\n  s: {Image: x}\n  condition: s\n", 3, 1,
		"'logsource' must be a map" },
	{ "a time frame", RULE("  s: {Image: x}\n  timeframe: 5m\n  condition: s\n"), 7, 3,
		"'timeframe'" },
	{ "a keyword that is null", RULE("  s: [a, null]\n  condition: s\n"), 6, 10,
		"a keyword must be a text" },
	{ "a list among keywords", RULE("  s: [a, [b]]\n  condition: s\n"), 6, 7,
		"or a list of keywords" },
	{ "a keyword with a field's modifier", RULE("  s:\n    '|exists': true\n  condition: s\n"),
		7, 5, "no field that" },
	{ "an empty selection", RULE("  s: {}\n  condition: s\n"), 6, 3, "selection 's'" },
	{ "an empty map in a list", RULE("  s: [{Image: x}, {}, {}]\n  condition: s\n"), 6, 8,
		"an empty map" },
	{ "a field with a name that is too long",
		RULE("  s:\n    "
		     "Abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopq: x\n"
		     "  condition: s\n"),
		7, 5, "1 to 64 bytes" },
	{ "a selection with a fault on both sides",
		RULE("  s:\n    Image|beginswith: x\n  condition: s and s\n"), 7, 5,
		"unknown modifier 'beginswith'" },
	{ "two of selections of which one has a fault",
		RULE("  s1:\n    Image|beginswith: x\n  s2: {Image: x}\n  condition: 2 of s*\n"), 7,
		5, "unknown modifier 'beginswith'" },
	{ "a slip in a modifier", RULE("  s:\n    Image|endwith: x\n  condition: s\n"), 7, 5,
		"unknown modifier 'endwith'; did you mean endswith?" },
	{ "an unknown modifier", RULE("  s:\n    Image|beginswith: x\n  condition: s\n"), 7, 5,
		"unknown modifier 'beginswith'" },
	{ "a placeholder without values", RULE("  s:\n    Image|expand: '%x%'\n  condition: s\n"),
		7, 5, "placeholder %x% has no values" },
	{ "an empty modifier", RULE("  s:\n    Image|: x\n  condition: s\n"), 7, 5,
		"unknown modifier ''" },
	{ "two anchors", RULE("  s:\n    Image|startswith|endswith: x\n  condition: s\n"), 7, 5,
		"'endswith' cannot stand behind 'startswith'" },
	{ "all of one", RULE("  s:\n    Image|contains|all: x\n  condition: s\n"), 7, 5,
		"more than one value" },
	{ "all twice", RULE("  s:\n    Image|all|all: [x, y]\n  condition: s\n"), 7, 5, "twice" },
	{ "contains null", RULE("  s:\n    Image|contains: null\n  condition: s\n"), 7, 5,
		"null has no text" },
	{ "a list in a list", RULE("  s:\n    Image: [[x]]\n  condition: s\n"), 7, 14,
		"a value must be text" },
	{ "a map as a value", RULE("  s:\n    Image: {x: y}\n  condition: s\n"), 7, 13,
		"a value must be text" },
	{ "no value in a list", RULE("  s:\n    Image: []\n  condition: s\n"), 7, 5,
		"list of values is empty" },
	{ "a hexadecimal number", RULE("  s:\n    Image: 0x10\n  condition: s\n"), 7, 12, "0x10" },
	{ "a fraction", RULE("  s:\n    Image: -1.50\n  condition: s\n"), 7, 12, "1.50" },
	{ "an exponent", RULE("  s:\n    Image: 1e3\n  condition: s\n"), 7, 12, "1e3" },
};

START_TEST(refuses_with_a_place)
{
	struct bench bench;
	const struct fault *fault;

	bench_open(&bench, "f.yml", refusal_rows[_i].text);
	ck_assert_msg(bench.result == -EINVAL, "%s", refusal_rows[_i].name);
	ck_assert_uint_ge(bench.faults.errors, 1);
	fault = &bench.faults.list[0];
	for (size_t i = 0; i < bench.faults.count && fault->warning; i++)
		fault = &bench.faults.list[i];
	ck_assert_msg(strstr(fault->text, refusal_rows[_i].say) != NULL, "%s: %s",
		refusal_rows[_i].name, fault->text);
	ck_assert_msg(
		fault->line == refusal_rows[_i].line && fault->column == refusal_rows[_i].column,
		"%s: %d:%d %s", refusal_rows[_i].name, fault->line, fault->column, fault->text);
	bench_close(&bench);
}
END_TEST

static const struct {
	const char *name;
	const char *text;
	int line, column;
	const char *say;
} warning_rows[] = {
	{ "no id",
		"title: t\nlevel: low\n" LOGSOURCE "detection:\n  s: {Image: x}\n  condition: s\n",
		1, 1, "no id" },
	{ "an id that is no UUID",
		"title: t\nlevel: low\nid: 42\n" LOGSOURCE
		"detection:\n  s: {Image: x}\n  condition: s\n",
		3, 5, "no UUID" },
	{ "no level", "title: t\n" ID LOGSOURCE "detection:\n  s: {Image: x}\n  condition: s\n", 1,
		1, "no level" },
	{ "an unknown status", "status: done\n" RULE("  s: {Image: x}\n  condition: s\n"), 1, 9,
		"status 'done'" },
	{ "a slip in a key", "tag: [x]\n" RULE("  s: {Image: x}\n  condition: s\n"), 1, 1,
		"'tag' is a key that says nothing; did you mean tags?" },
	{ "a key in other letters", "Fields: [x]\n" RULE("  s: {Image: x}\n  condition: s\n"), 1, 1,
		"did you mean fields?" },
	{ "a slip in a key of another kind",
		"filtr: {rules: any}\n" RULE("  s: {Image: x}\n  condition: s\n"), 1, 1,
		"did you mean filter?" },
	{ "a filter that contradicts itself",
		"title: t\n" ID "filter: {rules: any, s: {Image: x}, condition: s and not s}\n", 1,
		1, "the filter takes everything away: its condition contradicts itself" },
	{ "a schedule of a rule",
		"schedule: {days: [sat]}\n" RULE("  s: {Image: x}\n  condition: s\n"), 1, 1,
		"'schedule' says nothing in a rule" },
	{ "a slip in a field of a group",
		"title: t\n" ID "correlation: {type: event_count, rules: [a], timespan: 1m,\n"
		"  group-by: [User, Computr], condition: {gte: 2}}\n",
		4, 20, "no event has a field 'Computr'; did you mean Computer?" },
	{ "a slip in a field of a group, beside an alias that looks like one",
		"title: t\n" ID "correlation: {type: event_count, rules: [a], timespan: 1m,\n"
		"  group-by: [Imagee, Computr], aliases: {Imagee: {a: Image}}, condition: {gte: "
		"2}}\n",
		4, 22, "did you mean Computer?" },
	{ "a slip in a filter's field",
		"title: t\n" ID "filter: {rules: any, s: {ParentImages: x}, condition: not s}\n", 3,
		26, "did you mean ParentImage?" },
	{ "a technique of three digits",
		"tags: [attack.t1505, attack.t150]\n" RULE("  s: {Image: x}\n  condition: s\n"), 1,
		22, "'attack.t150' is no technique" },
	{ "a technique with a letter",
		"tags: [attack.t15O5.003]\n" RULE("  s: {Image: x}\n  condition: s\n"), 1, 8,
		"'attack.t15O5.003' is no technique" },
	{ "a selection nobody uses", RULE("  s: {Image: x}\n  t: {Image: y}\n  condition: s\n"), 7,
		3, "selection 't'" },
};

START_TEST(warns_and_loads)
{
	struct bench bench;

	bench_open(&bench, "f.yml", warning_rows[_i].text);
	ck_assert_int_eq(bench.result, 0);
	ck_assert_uint_eq(bench.faults.errors, 0);
	ck_assert_uint_eq(bench.faults.count, 1);
	ck_assert(bench.faults.list[0].warning);
	ck_assert_msg(strstr(bench.faults.list[0].text, warning_rows[_i].say) != NULL, "%s",
		bench.faults.list[0].text);
	ck_assert_int_eq(bench.faults.list[0].line, warning_rows[_i].line);
	ck_assert_int_eq(bench.faults.list[0].column, warning_rows[_i].column);
	bench_close(&bench);
}
END_TEST

START_TEST(reads_what_an_alert_says)
{
	struct bench bench;
	const struct rule *rule = &bench.rule.rule;

	bench_open(&bench, "etc/rules/core/x.yml",
		"title: A title\n" ID "status: test\ndescription: |\n  One line.\n  "
		"Another.\nreferences: [x]\nauthor: a\n"
		"date: 2026-03-01\nmodified: 2026-03-02\nname: a_name\nmy_own_key: [1, {a: "
		"b}]\nfields: [Image]\n"
		"falsepositives: [none]\nlicense: MIT\nscope: [server]\nrelated: []\n"
		"tags: [attack.persistence, attack.t1505.003, attack.T1505, attack.g0001, "
		"attack.test, cve.2024-1]\n"
		"level: Critical\nlogsource: {product: windows, service: security, definition: "
		"audit it}\n"
		"detection:\n  s: {Image: x}\n  condition: s\ndetection_type: My_Type\n");
	ck_assert_int_eq(bench.result, 0);
	ck_assert_uint_eq(bench.faults.count, 0);
	ck_assert_str_eq(rule->title, "A title");
	ck_assert_str_eq(rule->id, "6d0a4a43-3b86-4f7e-8f7e-0123456789ab");
	ck_assert_str_eq(rule->description, "One line.\nAnother.");
	ck_assert_str_eq(rule->detection_type, "My_Type");
	ck_assert_str_eq(rule->file, "etc/rules/core/x.yml");
	ck_assert_uint_eq(bench.rule.route_count, 1);
	ck_assert_str_eq(bench.rule.routes[0].channel, "Security");
	ck_assert_int_eq(rule->severity, SEVERITY_CRITICAL);
	ck_assert(rule->core);
	ck_assert_str_eq(rule->tags[5], "cve.2024-1");
	ck_assert_ptr_null(rule->tags[6]);
	ck_assert_str_eq(rule->techniques[0], "T1505.003");
	ck_assert_str_eq(rule->techniques[1], "T1505");
	ck_assert_ptr_null(rule->techniques[2]);
	ck_assert_int_eq(bench.rule.line, 1);
	ck_assert_int_eq(bench.rule.id_line, 2);
	bench_close(&bench);
}
END_TEST

static const struct {
	const char *keys;
	const char *type;
} type_rows[] = {
	{ "", "t" },
	{ "name: n\n", "n" },
	{ "name: n\ndetection_type: d\n", "d" },
	{ "detection_type: ' d '\nname: n\n", "d" },
};

START_TEST(detection_type_falls_back)
{
	char text[512];
	struct bench bench;

	(void)snprintf(text, sizeof(text), "%s" RULE("  s: {Image: x}\n  condition: s\n"),
		type_rows[_i].keys);
	bench_open(&bench, "f.yml", text);
	ck_assert_int_eq(bench.result, 0);
	ck_assert_str_eq(bench.rule.rule.detection_type, type_rows[_i].type);
	ck_assert_ptr_null(bench.rule.rule.techniques[0]);
	ck_assert_ptr_null(bench.rule.rule.description);
	bench_close(&bench);
}
END_TEST

/* Is it below a directory named core? */
static const struct {
	const char *file;
	bool core;
} core_rows[] = {
	{ "core/a.yml", true },
	{ "/etc/x/core/sub/a.yml", true },
	{ "/etc/core.yml", false },
	{ "/etc/core", false },
	{ "/etc/encore/a.yml", false },
	{ "a.yml", false },
};

START_TEST(core_is_a_directory)
{
	struct bench bench;

	bench_open(&bench, core_rows[_i].file, RULE("  s: {Image: x}\n  condition: s\n"));
	ck_assert_int_eq(bench.rule.rule.core, core_rows[_i].core);
	bench_close(&bench);
}
END_TEST

/* Items: their field, whether all must hit or the field may be absent, and their values' tokens
 * ('*' and '?' for wildcards). */
static const struct {
	const char *line;
	enum wevent_field field;
	bool all, absent;
	uint32_t count;
	const char *first;
} item_rows[] = {
	{ "Image: x", F_Image, false, false, 1, "x" },
	{ "image: x", F_Image, false, false, 1, "x" },
	{ "EventCode: 1", F_EventID, false, false, 1, "1" },
	{ "EventID: [1, '2']", F_EventID, false, false, 2, "1" },
	{ "Image: -5", F_Image, false, false, 1, "-5" },
	{ "Image: 0", F_Image, false, false, 1, "0" },
	{ "Image: 00050429", F_Image, false, false, 1, "00050429" },
	{ "Image: '0x10'", F_Image, false, false, 1, "0x10" },
	{ "Image: 'true'", F_Image, false, false, 1, "true" },
	{ "Image: true", F_Image, false, false, 1, "true" },
	{ "Image: 1.2.3", F_Image, false, false, 1, "1.2.3" },
	{ "Image: 10e", F_Image, false, false, 1, "10e" },
	{ "Image|contains: x", F_Image, false, false, 1, "*x*" },
	{ "Image|startswith: x", F_Image, false, false, 1, "x*" },
	{ "Image|endswith: x", F_Image, false, false, 1, "*x" },
	{ "Image|contains: '*x'", F_Image, false, false, 1, "*x*" },
	{ "Image|endswith: '\\x'", F_Image, false, false, 1, "*\\x" },
	{ "Image|contains: 'x\\'", F_Image, false, false, 1, "*x\\*" },
	{ "Image|all|contains: [x, y]", F_Image, true, false, 2, "*x*" },
	{ "Image|contains|all: [x, y]", F_Image, true, false, 2, "*x*" },
	{ "Image: null", F_Image, false, true, 0, NULL },
	{ "Image: ~", F_Image, false, true, 0, NULL },
	{ "Image:", F_Image, false, true, 0, NULL },
	{ "Image: ''", F_Image, false, true, 0, NULL },
	{ "Image: 'null'", F_Image, false, false, 1, "null" },
	{ "Image: [null, x]", F_Image, false, true, 1, "x" },
	{ "Image: 'a?b*'", F_Image, false, false, 1, "a?b*" },
};

START_TEST(reads_items)
{
	char text[512], tokens[64] = "";
	struct bench bench;
	const struct condition_item *item;

	(void)snprintf(
		text, sizeof(text), RULE("  s:\n    %s\n  condition: s\n"), item_rows[_i].line);
	bench_open(&bench, "f.yml", text);
	ck_assert_msg(
		bench.result == 0, "%s", bench.faults.count > 0 ? bench.faults.list[0].text : "");
	ck_assert_uint_eq(bench.rule.condition.item_count, 1);
	item = &bench.rule.condition.items[0];
	ck_assert_int_eq(item->field, item_rows[_i].field);
	ck_assert_int_eq(item->all, item_rows[_i].all);
	ck_assert_int_eq(item->absent, item_rows[_i].absent);
	ck_assert_uint_eq(item->count, item_rows[_i].count);
	for (uint32_t i = 0; item->count > 0 && i < bench.rule.condition.patterns[0].glob.count;
		i++) {
		uint16_t token = bench.rule.condition.patterns[0].glob.tokens[i];

		tokens[i] = token == TOKEN_MANY ? '*' : token == TOKEN_ONE ? '?' : (char)token;
	}
	ck_assert_str_eq(tokens, item_rows[_i].first == NULL ? "" : item_rows[_i].first);
	bench_close(&bench);
}
END_TEST

/* Fields that the canonical event does not have are numbered behind those, each once. */
START_TEST(other_fields_get_numbers)
{
	struct bench bench;
	const struct condition_item *items;

	bench_open(&bench, "f.yml",
		RULE("  s:\n    ImageLoaded: x\n    Image: y\n    Signed: z\n    imageloaded: w\n"
		     "    ImageLoaded|endswith: v\n  condition: s\n"));
	ck_assert_int_eq(bench.result, 0);
	ck_assert_uint_eq(bench.fields.count, 3);
	items = bench.rule.condition.items;
	ck_assert_uint_eq(items[0].field, F_MAX);
	ck_assert_str_eq(items[0].name, "ImageLoaded");
	ck_assert_uint_eq(items[1].field, F_Image);
	ck_assert_str_eq(items[1].name, "Image");
	ck_assert_uint_eq(items[2].field, F_MAX + 1);
	ck_assert_uint_eq(items[3].field, F_MAX + 2);
	ck_assert_uint_eq(items[4].field, F_MAX);
	bench_close(&bench);
}
END_TEST

START_TEST(finds_all_faults_of_a_rule)
{
	struct bench bench;

	bench_open(&bench, "f.yml",
		"title: t\nlevel: loud\nlogsource: {channel: x}\ndetection:\n"
		"  s:\n    Image|foo: x\n    Image|re: '('\n  t: [null]\n  condition: s and u\n");
	ck_assert_int_eq(bench.result, -EINVAL);
	ck_assert_uint_eq(bench.faults.errors, 6);
	bench_close(&bench);
}
END_TEST

START_TEST(a_huge_value_is_refused)
{
	size_t len = GLOB_TOKENS_MAX;
	char *text = malloc(len + 512);
	struct bench bench;
	int head;

	ck_assert_ptr_nonnull(text);
	head = snprintf(text, 512, RULE("  condition: s\n  s:\n    Image: "));
	memset(text + head, 'x', len);
	text[(size_t)head + len] = '\0';
	bench_open(&bench, "f.yml", text);
	ck_assert_int_eq(bench.result, -EINVAL);
	ck_assert_ptr_nonnull(strstr(bench.faults.list[0].text, "limit"));
	bench_close(&bench);
	free(text);
}
END_TEST

static Suite *
sigma_suite(void)
{
	Suite *suite = suite_create("sigma");
	TCase *tcase = tcase_create("sigma");

	tcase_add_loop_test(tcase, refuses_with_a_place, 0, ROWS(refusal_rows));
	tcase_add_loop_test(tcase, warns_and_loads, 0, ROWS(warning_rows));
	tcase_add_test(tcase, reads_what_an_alert_says);
	tcase_add_loop_test(tcase, detection_type_falls_back, 0, ROWS(type_rows));
	tcase_add_loop_test(tcase, core_is_a_directory, 0, ROWS(core_rows));
	tcase_add_loop_test(tcase, reads_items, 0, ROWS(item_rows));
	tcase_add_test(tcase, other_fields_get_numbers);
	tcase_add_test(tcase, finds_all_faults_of_a_rule);
	tcase_add_test(tcase, a_huge_value_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(sigma_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
