/* Rule sets: the original search's answers from the shipped core rules, which rules an event
 * reaches, and what a set says of itself. */

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_tree.h>

#include "detect/ruleset_builder.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define CORE TEST_DATA "/../../etc/rules/core/"
#define SYSMON "Microsoft-Windows-Sysmon/Operational"
#define PARITY_CASES 42

/* One builder, set and scratch of a test. */
struct bench {
	struct ruleset_builder *builder;
	struct faults faults;
	struct ruleset *set;
	struct ruleset_scratch *scratch;
};

static char *
read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	char *text = malloc(1024 * 1024);

	ck_assert_msg(file != NULL && text != NULL, "%s", path);
	*len = fread(text, 1, 1024 * 1024, file);
	ck_assert_int_eq(fclose(file), 0);
	return text;
}

static void
bench_open(struct bench *bench)
{
	*bench = (struct bench){ .builder = ruleset_builder_new() };
	ck_assert_ptr_nonnull(bench->builder);
}

static void
bench_add(struct bench *bench, const char *file, const char *text)
{
	ruleset_builder_add(bench->builder, file, slice_of(text), &bench->faults);
}

static void
bench_add_file(struct bench *bench, const char *path)
{
	size_t len;
	char *text = read_file(path, &len);

	ruleset_builder_add(bench->builder, path, (struct slice){ text, len }, &bench->faults);
	free(text);
}

static void
bench_build(struct bench *bench)
{
	bench->set = ruleset_build(bench->builder, NULL, &bench->faults);
	ruleset_builder_free(bench->builder);
	bench->builder = NULL;
	if (bench->set == NULL || bench->faults.errors > 0)
		ck_abort_msg(
			"%s", bench->faults.count > 0 ? bench->faults.list[0].text : "no memory");
	bench->scratch = ruleset_scratch_new(bench->set);
	ck_assert_ptr_nonnull(bench->scratch);
}

static void
bench_close(struct bench *bench)
{
	ruleset_scratch_free(bench->scratch);
	ruleset_unref(bench->set);
	ruleset_builder_free(bench->builder);
	faults_done(&bench->faults);
}

static void
bench_core(struct bench *bench)
{
	static const char *const files[] = {
		"webshell_child_process_critical.yml",
		"webshell_child_process_high.yml",
		"suspicious_web_file_written.yml",
		"iis_module_registered.yml",
	};

	bench_open(bench);
	for (int i = 0; i < ROWS(files); i++) {
		char path[512];

		ck_assert_int_lt(
			snprintf(path, sizeof(path), CORE "%s", files[i]), (int)sizeof(path));
		bench_add_file(bench, path);
	}
	bench_build(bench);
}

/* A case's event; EventCode is a number or a string there. */
static void
make_event(yajl_val object, struct wevent *event)
{
	wevent_clear(event);
	for (size_t i = 0; i < object->u.object.len; i++) {
		enum wevent_field field = wevent_field_find(slice_of(object->u.object.keys[i]));
		yajl_val value = object->u.object.values[i];
		struct slice text = slice_of(
			YAJL_IS_NUMBER(value) ? YAJL_GET_NUMBER(value) : YAJL_GET_STRING(value));
		uint64_t id;

		if (field == F_MAX)
			continue; /* host */
		event->f[field] = text;
		if (field == F_EventID && slice_number(text, INT32_MAX, &id) == 0)
			event->event_id = (int32_t)id;
	}
}

START_TEST(core_rules_answer_as_the_original_search)
{
	const char *type_path[] = { "expect", "DetectionType", NULL };
	const char *severity_path[] = { "expect", "SeverityRating", NULL };
	const char *event_path[] = { "event", NULL };
	struct bench bench;
	size_t len, cases = 0;
	char *text = read_file(TEST_DATA "/parity/spl-parity.ndjson", &len), *end;

	bench_core(&bench);
	ck_assert_uint_eq(ruleset_count(bench.set), 4);
	for (char *line = text; (end = memchr(line, '\n', len - (size_t)(line - text))) != NULL;
		line = end + 1) {
		char error[256];
		const struct match *matches;
		struct wevent event;
		yajl_val tree, type, severity;
		size_t n;

		*end = '\0';
		tree = yajl_tree_parse(line, error, sizeof(error));
		ck_assert_msg(tree != NULL, "%s", error);
		type = yajl_tree_get(tree, type_path, yajl_t_string);
		severity = yajl_tree_get(tree, severity_path, yajl_t_string);
		make_event(yajl_tree_get(tree, event_path, yajl_t_object), &event);
		n = ruleset_match(bench.set, bench.scratch, &event, &matches);
		ck_assert_msg(n == (type != NULL), "%zu matches: %s", n, line);
		if (n > 0) {
			ck_assert_str_eq(matches[0].rule->detection_type, YAJL_GET_STRING(type));
			ck_assert_str_eq(severity_name(matches[0].rule->severity),
				YAJL_GET_STRING(severity));
			ck_assert(matches[0].rule->core);
			ck_assert_uint_ge(matches[0].matched_count, 3);
		}
		yajl_tree_free(tree);
		cases++;
	}
	ck_assert_uint_eq(cases, PARITY_CASES);
	free(text);
	bench_close(&bench);
}
END_TEST

/* All rules of a folder of etc/rules. */
static void
bench_add_folder(struct bench *bench, const char *folder)
{
	DIR *directory = opendir(folder);
	struct dirent *entry;
	char path[512];

	ck_assert_msg(directory != NULL, "%s", folder);
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		ck_assert_int_lt(snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name),
			(int)sizeof(path));
		bench_add_file(bench, path);
	}
	ck_assert_int_eq(closedir(directory), 0);
}

/* Whatever else is loaded: the core speaks for the same events, with the same words. */
START_TEST(core_answers_the_same_beside_all_shipped_rules)
{
	const char *type_path[] = { "expect", "DetectionType", NULL };
	const char *event_path[] = { "event", NULL };
	struct bench bench;
	size_t len, cases = 0;
	char *text = read_file(TEST_DATA "/parity/spl-parity.ndjson", &len), *end;

	bench_open(&bench);
	bench_add_folder(&bench, TEST_DATA "/../../etc/rules/core");
	bench_add_folder(&bench, TEST_DATA "/../../etc/rules/extended");
	bench_add_folder(&bench, TEST_DATA "/../../etc/rules/correlation");
	bench_build(&bench);
	ck_assert_uint_gt(ruleset_count(bench.set), 40);
	for (char *line = text; (end = memchr(line, '\n', len - (size_t)(line - text))) != NULL;
		line = end + 1) {
		const char *said = NULL;
		const struct match *matches;
		struct wevent event;
		yajl_val tree, type;
		size_t n;

		*end = '\0';
		tree = yajl_tree_parse(line, NULL, 0);
		ck_assert_ptr_nonnull(tree);
		type = yajl_tree_get(tree, type_path, yajl_t_string);
		make_event(yajl_tree_get(tree, event_path, yajl_t_object), &event);
		n = ruleset_match(bench.set, bench.scratch, &event, &matches);
		for (size_t i = 0; i < n; i++) {
			ck_assert(!matches[i].rule->silent);
			if (matches[i].rule->core)
				said = matches[i].rule->detection_type;
		}
		ck_assert_msg((said != NULL) == (type != NULL), "%s", line);
		if (said != NULL)
			ck_assert_str_eq(said, YAJL_GET_STRING(type));
		yajl_tree_free(tree);
		cases++;
	}
	ck_assert_uint_eq(cases, PARITY_CASES);
	free(text);
	bench_close(&bench);
}
END_TEST

/* Each parent with each child, and with names that only look like them: one of the two severities,
 * never both. */
START_TEST(core_never_speaks_with_both_severities)
{
	static const char *const parents[] = { "C:\\w3wp.exe", "C:\\httpd.exe", "C:\\nginx.exe",
		"C:\\java.exe", "C:\\php-cgi.exe", "C:\\perl.exe", "C:\\python.exe", "C:\\ruby.exe",
		"C:\\node.exe", "C:\\tomcat9.exe" };
	static const struct {
		const char *image;
		const char *severity;
	} children[] = {
		{ "C:\\cmd.exe", "Critical" },
		{ "C:\\powershell.exe", "Critical" },
		{ "C:\\pwsh.exe", "Critical" },
		{ "C:\\wscript.exe", "Critical" },
		{ "C:\\cscript.exe", "Critical" },
		{ "C:\\mshta.exe", "Critical" },
		{ "C:\\rundll32.exe", "High" },
		{ "C:\\regsvr32.exe", "High" },
		{ "C:\\certutil.exe", "High" },
		{ "C:\\net.exe", "High" },
		{ "C:\\net1.exe", "High" },
		{ "C:\\whoami.exe", "High" },
		{ "C:\\systeminfo.exe", "High" },
		{ "C:\\ipconfig.exe", "High" },
		{ "C:\\hostname.exe", "High" },
		{ "C:\\nltest.exe", "High" },
		{ "C:\\curl.exe", "High" },
		{ "C:\\wget.exe", "High" },
		{ "C:\\pwsh.exe\\wget.exe", "Critical" },
		{ "C:\\csc.exe", NULL },
		{ "cmd.exe", NULL },
	};
	struct bench bench;

	bench_core(&bench);
	for (int p = 0; p < ROWS(parents); p++) {
		for (int c = 0; c < ROWS(children); c++) {
			const struct match *matches;
			struct wevent event;
			size_t n;

			wevent_clear(&event);
			event.event_id = 1;
			event.f[F_EventID] = SLICE("1");
			event.f[F_Channel] = SLICE(SYSMON);
			event.f[F_ParentImage] = slice_of(parents[p]);
			event.f[F_Image] = slice_of(children[c].image);
			n = ruleset_match(bench.set, bench.scratch, &event, &matches);
			ck_assert_msg(n == (children[c].severity != NULL), "%s %s", parents[p],
				children[c].image);
			if (n > 0)
				ck_assert_str_eq(severity_name(matches[0].rule->severity),
					children[c].severity);
		}
	}
	bench_close(&bench);
}
END_TEST

START_TEST(a_match_shows_what_was_true)
{
	static const struct {
		enum wevent_field field;
		const char *pattern;
	} want[] = {
		{ F_EventID, "1" },
		{ F_ParentImage, "*\\tomcat*.exe" },
		{ F_Image, "\\cmd.exe" },
		{ F_Image, "cmd.exe" },
	};
	struct bench bench;
	const struct match *matches;
	struct wevent event;

	bench_core(&bench);
	wevent_clear(&event);
	event.event_id = 1;
	event.f[F_EventID] = SLICE("1");
	event.f[F_Channel] = SLICE(SYSMON);
	event.f[F_ParentImage] = SLICE("D:\\tomcat\\bin\\tomcat9.exe");
	event.f[F_Image] = SLICE("C:\\Windows\\System32\\cmd.exe");
	ck_assert_uint_eq(ruleset_match(bench.set, bench.scratch, &event, &matches), 1);
	ck_assert_str_eq(matches[0].rule->techniques[0], "T1505.003");
	ck_assert_ptr_null(matches[0].rule->techniques[1]);
	ck_assert_uint_eq(matches[0].matched_count, ROWS(want));
	for (int i = 0; i < ROWS(want); i++) {
		ck_assert_int_eq(matches[0].matched[i].field, want[i].field);
		ck_assert(slice_equal(matches[0].matched[i].pattern, slice_of(want[i].pattern)));
	}
	bench_close(&bench);
}
END_TEST

#define RULE(id, service, detection)                               \
	"title: " id "\nid: 00000000-0000-4000-8000-0000000000" id \
	"\nlevel: low\nlogsource: {service: " service "}\ndetection:\n" detection

/* Detections and the events that they must match (in capitals) and must not, of event id, Image and
 * User. */
static const struct {
	const char *name;
	const char *detection;
	struct {
		int32_t id;
		const char *image;
		const char *user;
		bool want;
	} events[6];
} reach_rows[] = {
	{ "one id", "  s: {EventID: 1, Image: x}\n  condition: s\n",
		{ { 1, "x", NULL, true }, { 11, "x", NULL, false }, { 1, "xx", NULL, false },
			{ 2, "x", NULL, false } } },
	{ "several ids", "  s: {EventID: [1, 11], Image: x}\n  condition: s\n",
		{ { 1, "x", NULL, true }, { 11, "X", NULL, true }, { 2, "x", NULL, false },
			{ 111, "x", NULL, false } } },
	{ "an id in one of two ways",
		"  s:\n  - {EventID: 1, Image: x}\n  - User: y\n  condition: s\n",
		{ { 1, "x", NULL, true }, { 5, "z", "y", true }, { 5, "x", "z", false } } },
	{ "ids in both ways",
		"  s:\n  - {EventID: 1, Image: x}\n  - {EventID: 2, User: y}\n  condition: s\n",
		{ { 1, "x", NULL, true }, { 2, "z", "y", true }, { 1, "z", "y", false },
			{ 2, "x", NULL, false }, { 3, "x", "y", false } } },
	{ "a negated id", "  s: {Image: x}\n  i: {EventID: 1}\n  condition: s and not i\n",
		{ { 1, "x", NULL, false }, { 2, "x", NULL, true }, { 77, "x", NULL, true } } },
	{ "an id with a wildcard", "  s: {EventID: 4*, Image: x}\n  condition: s\n",
		{ { 4, "x", NULL, true }, { 4688, "x", NULL, true }, { 14, "x", NULL, false } } },
	{ "an id as an end", "  s: {EventID|endswith: '8', Image: x}\n  condition: s\n",
		{ { 4688, "x", NULL, true }, { 1, "x", NULL, false } } },
	{ "an id with zeros in front is no id", "  s: {EventID: '01', Image: x}\n  condition: s\n",
		{ { 1, "x", NULL, false } } },
	{ "nothing but an id", "  s: {EventID: 5}\n  condition: s\n",
		{ { 5, NULL, NULL, true }, { 6, NULL, NULL, false } } },
	{ "nothing but a negation", "  s: {Image: x}\n  condition: not s\n",
		{ { 5, NULL, NULL, true }, { 6, "y", NULL, true }, { 6, "x", NULL, false } } },
	{ "a missing field matches nothing", "  s: {Image: '*'}\n  condition: s\n",
		{ { 1, NULL, NULL, false }, { 1, "", NULL, true }, { 1, "x", NULL, true } } },
	{ "null and the empty text are absent or empty",
		"  s: {Image: null, User: ''}\n  condition: s\n",
		{ { 1, NULL, NULL, true }, { 1, "", "", true }, { 1, "x", NULL, false },
			{ 1, NULL, "x", false } } },
	{ "null among texts", "  s: {Image: [null, x]}\n  condition: s\n",
		{ { 1, NULL, NULL, true }, { 1, "x", NULL, true }, { 1, "y", NULL, false } } },
	{ "all of several", "  s: {Image|contains|all: [ab, cd]}\n  condition: s\n",
		{ { 1, "xcdab", NULL, true }, { 1, "ab", NULL, false },
			{ 1, "cd", NULL, false } } },
	{ "a wildcard inside", "  s: {Image: 'a*b?c'}\n  condition: s\n",
		{ { 1, "axbbxc", NULL, true }, { 1, "ABxC", NULL, true }, { 1, "abc", NULL, false },
			{ 1, "axbxcc", NULL, false } } },
	{ "? is one character of any length", "  s: {Image: 'a?b'}\n  condition: s\n",
		{ { 1,
			  "a\xe2\x82\xac"
			  "b",
			  NULL, true },
			{ 1, "axb", NULL, true }, { 1, "axxb", NULL, false } } },
	{ "wildcards only", "  s: {Image: '??*'}\n  condition: s\n",
		{ { 1, "ab", NULL, true }, { 1, "a", NULL, false }, { 1, NULL, NULL, false } } },
	{ "a list of conditions is an or", "  s: {Image: x}\n  t: {User: y}\n  condition: [s, t]\n",
		{ { 1, "x", NULL, true }, { 1, NULL, "y", true }, { 1, "y", "x", false } } },
	{ "1 of a pattern",
		"  sel_a: {Image: x}\n  sel_b: {User: y}\n  _c: {Image: z}\n  condition: 1 of sel* "
		"or _c\n",
		{ { 1, "x", NULL, true }, { 1, NULL, "y", true }, { 1, "z", NULL, true },
			{ 1, "w", NULL, false } } },
	{ "all of them", "  a: {Image: x}\n  b: {User: y}\n  condition: all of them\n",
		{ { 1, "x", "y", true }, { 1, "x", NULL, false }, { 1, NULL, "y", false } } },
	{ "EventCode is EventID", "  s: {EventCode: 7}\n  condition: s\n",
		{ { 7, NULL, NULL, true }, { 8, NULL, NULL, false } } },
};

START_TEST(reaches_the_events_that_it_is_for)
{
	char text[2048];
	struct bench bench;

	(void)snprintf(text, sizeof(text), RULE("01", "sysmon", "%s"), reach_rows[_i].detection);
	bench_open(&bench);
	bench_add(&bench, "rule.yml", text);
	bench_build(&bench);
	for (int k = 0; k < ROWS(reach_rows[_i].events) && reach_rows[_i].events[k].id != 0; k++) {
		const struct match *matches;
		struct wevent event;
		char id[16];

		wevent_clear(&event);
		event.event_id = reach_rows[_i].events[k].id;
		event.f[F_EventID] = (struct slice){ id,
			(size_t)snprintf(id, sizeof(id), "%d", event.event_id) };
		event.f[F_Image] = slice_of(reach_rows[_i].events[k].image);
		event.f[F_User] = slice_of(reach_rows[_i].events[k].user);
		ck_assert_uint_eq(ruleset_match(bench.set, bench.scratch, &event, &matches), 0);
		event.f[F_Channel] = SLICE("Security");
		ck_assert_uint_eq(ruleset_match(bench.set, bench.scratch, &event, &matches), 0);
		event.f[F_Channel] = SLICE(SYSMON);
		ck_assert_msg(ruleset_match(bench.set, bench.scratch, &event, &matches) ==
				      reach_rows[_i].events[k].want,
			"%s, event %d", reach_rows[_i].name, k);
	}
	bench_close(&bench);
}
END_TEST

/* A category is single events of channels, whatever else the rule compares; what has no route is
 * idle and disturbs nobody. */
START_TEST(a_category_reaches_its_events)
{
	static const char rule[] =
		"title: t\nid: 00000000-0000-4000-8000-000000000001\nlevel: low\n"
		"logsource: {category: process_creation, product: windows}\n"
		"detection:\n  s: {Image: x}\n  condition: s\n---\n"
		"title: u\nid: 00000000-0000-4000-8000-000000000002\nlevel: low\n"
		"logsource: {category: process_creation, product: windows}\n"
		"detection:\n  s: {Image: x, EventID: 4688}\n  condition: s\n---\n"
		"title: v\nid: 00000000-0000-4000-8000-000000000003\nlevel: low\n"
		"logsource: {product: aws, service: cloudtrail}\n"
		"detection:\n  s: {Image: x}\n  condition: s\n";
	static const struct {
		const char *channel, *image;
		int id;
		size_t want;
	} events[] = { { SYSMON, "x", 1, 1 }, { "Security", "x", 4688, 2 }, { SYSMON, "y", 1, 0 },
		{ SYSMON, "x", 4688, 0 }, { "Security", "x", 1, 0 }, { SYSMON, "x", 5, 0 },
		{ "Linux-Sysmon/Operational", "x", 1, 0 }, { "System", "x", 1, 0 } };
	struct bench bench;

	bench_open(&bench);
	bench_add(&bench, "rule.yml", rule);
	ck_assert_uint_eq(bench.faults.errors, 0);
	ck_assert_uint_eq(bench.faults.count, 1);
	ck_assert_ptr_nonnull(strstr(bench.faults.list[0].text, "the rule is idle"));
	ck_assert_int_eq(bench.faults.list[0].line, 20);
	bench.set = ruleset_build(bench.builder, NULL, &bench.faults);
	ck_assert_ptr_nonnull(bench.set);
	bench.scratch = ruleset_scratch_new(bench.set);
	for (int i = 0; i < ROWS(events); i++) {
		const struct match *matches;
		struct wevent event;
		char id[16];

		wevent_clear(&event);
		event.event_id = events[i].id;
		event.f[F_EventID] = (struct slice){ id,
			(size_t)snprintf(id, sizeof(id), "%d", event.event_id) };
		event.f[F_Channel] = slice_of(events[i].channel);
		event.f[F_Image] = slice_of(events[i].image);
		ck_assert_msg(
			ruleset_match(bench.set, bench.scratch, &event, &matches) == events[i].want,
			"event %d", i);
	}
	bench_close(&bench);
}
END_TEST

#define WEB "{\"EventID\":1,\"a\":{\"Keyword\":\"C:\\\\inetpub\\\\wwwroot\"},\"b\":\"x y\"}"

static const struct {
	const char *name, *detection, *raw;
	size_t want;
} keyword_rows[] = {
	{ "a keyword", "  k: wwwroot\n  condition: k\n", WEB, 1 },
	{ "in any letter case", "  k: WWWRoot\n  condition: k\n", WEB, 1 },
	{ "one of a list", "  k: [nothing, inetpub]\n  condition: k\n", WEB, 1 },
	{ "none of a list", "  k: [nothing, nobody]\n  condition: k\n", WEB, 0 },
	{ "a backslash as the record means it", "  k: [inetpub\\wwwroot]\n  condition: k\n", WEB,
		1 },
	{ "wildcards", "  k: ['inet*root', zzz]\n  condition: k\n", WEB, 1 },
	{ "all of a list", "  k: {'|all': [inetpub, x y]}\n  condition: k\n", WEB, 1 },
	{ "not all of a list", "  k: {'|all': [inetpub, x z]}\n  condition: k\n", WEB, 0 },
	{ "a regular expression", "  k: {'|re': 'inet.ub'}\n  condition: k\n", WEB, 1 },
	{ "keys are no text", "  k: Keyword\n  condition: k\n", WEB, 0 },
	{ "a number", "  k: 1\n  condition: k\n", WEB, 1 },
	{ "beside a map", "  k: [nothing, {EventID: 1}]\n  condition: k\n", WEB, 1 },
	{ "beside a field", "  k: inetpub\n  s: {Image: x}\n  condition: k and not s\n", WEB, 1 },
	{ "characters as numbers", "  k: inetpub\n  condition: k\n",
		"{\"a\":\"C:\\\\\\u0069netpub\"}", 1 },
	{ "what JSON escapes", "  k: ['to: \"a/b\"']\n  condition: k\n",
		"{\"a\":\"to: \\\"a\\/b\\\"\"}", 1 },
	{ "too short for a probe", "  k: \"x'\"\n  condition: k\n", "{\"a\":\"x'\"}", 1 },
	{ "two bytes beside a longer one", "  k: [nothing, 'x ']\n  condition: k\n", WEB, 1 },
	{ "across wildcards", "  k: 'x?y*'\n  condition: k\n", WEB, 1 },
	{ "a field without a name", "  k: inetpub\n  condition: k\n", "{\"\":1,\"a\":\"inetpu\"}",
		0 },
	{ "no record", "  k: inetpub\n  condition: k\n", NULL, 0 },
	{ "not a keyword", "  k: inetpub\n  condition: not k\n", WEB, 0 },
};

/* They look at all that the record says. */
START_TEST(keywords_match_anywhere)
{
	struct arena *arena = arena_new(1 << 20);
	const struct match *matches;
	struct wevent event;
	struct bench bench;
	char text[1024];

	(void)snprintf(text, sizeof(text), RULE("01", "sysmon", "%s"), keyword_rows[_i].detection);
	bench_open(&bench);
	bench_add(&bench, "rule.yml", text);
	bench_build(&bench);
	wevent_clear(&event);
	event.event_id = 1;
	event.f[F_EventID] = SLICE("1");
	event.f[F_Channel] = SLICE(SYSMON);
	event.raw = slice_of(keyword_rows[_i].raw);
	ck_assert_int_eq(ruleset_complete(bench.set, bench.scratch, NULL, &event, arena), 0);
	ck_assert_msg(
		ruleset_match(bench.set, bench.scratch, &event, &matches) == keyword_rows[_i].want,
		"%s", keyword_rows[_i].name);
	if (keyword_rows[_i].want > 0 && matches[0].matched_count > 0 &&
		matches[0].matched[0].keyword)
		ck_assert_str_eq(matches[0].matched[0].name, "keywords");
	bench_close(&bench);
	arena_free(arena);
}
END_TEST

/* What an event of one channel found out of its id is nothing that one of another has to go by: in
 * the first the id's hits are known before anything is scanned. */
START_TEST(an_id_is_found_behind_events_of_other_channels)
{
	static const char *const channels[] = { "Security", "System", "Security", "System" };
	const struct match *matches;
	struct wevent event;
	struct bench bench;

	bench_open(&bench);
	bench_add(&bench, "a.yml",
		RULE("01", "security",
			"  s: {EventID: 5001}\n  t: {EventID|re: '^5\\d01'}\n  condition: s and "
			"t\n"));
	bench_add(&bench, "b.yml",
		RULE("02", "system", "  s: {EventID|re: '^5\\d01'}\n  condition: s\n"));
	bench_build(&bench);
	for (int i = 0; i < ROWS(channels); i++) {
		wevent_clear(&event);
		event.event_id = 5001;
		event.f[F_EventID] = SLICE("5001");
		event.f[F_Channel] = slice_of(channels[i]);
		ck_assert_msg(ruleset_match(bench.set, bench.scratch, &event, &matches) == 1,
			"event %d", i);
	}
	bench_close(&bench);
}
END_TEST

/* The operator's columns are fields; what a record claims under their names is not believed. */
START_TEST(columns_of_the_host_match)
{
	struct arena *arena = arena_new(1 << 20);
	struct bench bench;
	struct slice claimed[] = { SLICE("dmz") };
	const struct match *matches;
	struct enrich *enrich;
	struct wevent event;

	bench_open(&bench);
	enrich =
		enrich_parse("hosts.csv", SLICE("host,Zone\nweb01,dmz\ndb01,lan\n"), &bench.faults);
	bench_add(&bench, "rule.yml",
		RULE("01", "sysmon", "  s: {Host_Info.zone: dmz}\n  condition: s\n"));
	bench_build(&bench);
	wevent_clear(&event);
	event.event_id = 1;
	event.f[F_EventID] = SLICE("1");
	event.f[F_Channel] = SLICE(SYSMON);
	event.host = SLICE("web01");
	ck_assert_int_eq(ruleset_complete(bench.set, bench.scratch, enrich, &event, arena), 0);
	ck_assert_uint_eq(ruleset_match(bench.set, bench.scratch, &event, &matches), 1);
	event.host = SLICE("db01");
	event.more = claimed;
	event.more_count = 1;
	ck_assert_int_eq(ruleset_complete(bench.set, bench.scratch, enrich, &event, arena), 0);
	ck_assert_uint_eq(ruleset_match(bench.set, bench.scratch, &event, &matches), 0);
	enrich_free(enrich);
	bench_close(&bench);
	arena_free(arena);
}
END_TEST

/* A column that no host has. */
START_TEST(columns_that_are_not_there_are_told)
{
	struct bench bench;
	struct enrich *enrich;

	bench_open(&bench);
	enrich = enrich_parse("hosts.csv", SLICE("host,Zone\nweb01,dmz\n"), &bench.faults);
	bench_add(&bench, "rule.yml",
		RULE("01", "sysmon",
			"  s: {host_info.zone: dmz, host_info.role: web}\n  condition: s\n"));
	bench_add(&bench, "filter.yml",
		"title: f\nid: 00000000-0000-4000-8000-0000000000f1\n"
		"filter: {rules: any, s: {host_info.owner: me}, condition: not s}\n");
	bench_build(&bench);
	ruleset_check_columns(bench.set, enrich, &bench.faults);
	ck_assert_uint_eq(bench.faults.count, 2);
	ck_assert(bench.faults.list[0].warning);
	ck_assert_str_eq(bench.faults.list[0].file, "rule.yml");
	ck_assert_ptr_nonnull(strstr(bench.faults.list[0].text, "no host has 'host_info.role'"));
	ck_assert_str_eq(bench.faults.list[1].file, "filter.yml");
	ck_assert_int_eq(bench.faults.list[1].line, 3);
	faults_done(&bench.faults);
	ruleset_check_columns(bench.set, NULL, &bench.faults);
	ck_assert_uint_eq(bench.faults.count, 3);
	ck_assert_ptr_nonnull(strstr(bench.faults.list[0].text, "there is no table of hosts"));
	enrich_free(enrich);
	bench_close(&bench);
}
END_TEST

/* One warning for all rules that have the same. */
START_TEST(tags_that_are_not_of_attack_are_told)
{
#define TAGGED(number, tags) \
	"tags: [" tags "]\n" RULE(number, "sysmon", "  s: {Image: xxx}\n  condition: s\n")
	struct bench bench;
	struct attack *attack;

	bench_open(&bench);
	attack = attack_parse(
		"attack.tsv", SLICE("T1505.003\tWeb Shell\tpersistence\n"), &bench.faults);
	bench_add(&bench, "a.yml",
		TAGGED("01", "attack.t1505.003, attack.persistence, attack.s0001"));
	bench_add(&bench, "b.yml", TAGGED("02", "attack.t9999, attack.stealth, cve.2024-1"));
	bench_add(&bench, "c.yml", TAGGED("03", "attack.T9999, attack.persistance"));
	bench_build(&bench);
	ruleset_check_tags(bench.set, attack, &bench.faults);
	ck_assert_uint_eq(bench.faults.count, 2);
	ck_assert(bench.faults.list[0].warning);
	ck_assert_str_eq(bench.faults.list[0].file, "b.yml");
	ck_assert_ptr_nonnull(strstr(bench.faults.list[0].text, "T9999, a tag of 2 rules;"));
	ck_assert_str_eq(bench.faults.list[1].file, "c.yml");
	ck_assert_ptr_nonnull(
		strstr(bench.faults.list[1].text, "did you mean attack.persistence?"));
	attack_free(attack);
	bench_close(&bench);
}
END_TEST

/* A rule may name any field; the match says which. */
START_TEST(fields_that_only_rules_name_match)
{
	static const char rule[] =
		"title: t\nid: 00000000-0000-4000-8000-000000000001\nlevel: low\n"
		"logsource: {category: image_load, product: windows}\n"
		"detection:\n  s: {ImageLoaded|endswith: x.dll, Signed: false}\n"
		"  f: {Image: y}\n  condition: s and not f\n";
	struct slice more[2] = { SLICE("C:\\x.dll"), SLICE("False") };
	struct bench bench;
	const struct match *matches;
	struct wevent event;

	bench_open(&bench);
	bench_add(&bench, "rule.yml", rule);
	bench_build(&bench);
	ck_assert_uint_eq(wevent_names_count(ruleset_names(bench.set)), 2);
	ck_assert_uint_eq(wevent_names_find(ruleset_names(bench.set), SLICE("ImageLoaded")), 0);
	wevent_clear(&event);
	event.event_id = 7;
	event.f[F_EventID] = SLICE("7");
	event.f[F_Channel] = SLICE(SYSMON);
	ck_assert_uint_eq(ruleset_match(bench.set, bench.scratch, &event, &matches), 0);
	event.more = more;
	event.more_count = 2;
	ck_assert_uint_eq(ruleset_match(bench.set, bench.scratch, &event, &matches), 1);
	ck_assert_uint_eq(matches[0].matched_count, 2);
	ck_assert_str_eq(matches[0].matched[0].name, "ImageLoaded");
	ck_assert_str_eq(matches[0].matched[1].name, "Signed");
	more[1] = SLICE("true");
	ck_assert_uint_eq(ruleset_match(bench.set, bench.scratch, &event, &matches), 0);
	bench_close(&bench);
}
END_TEST

static const char *const three[] = {
	RULE("01", "sysmon", "  s: {Image: xy}\n  condition: s\n"),
	RULE("02", "security", "  s: {EventID: 4688}\n  condition: s\n"),
	RULE("03", "sysmon", "  s: {EventID: 1}\n  condition: s\n"),
};
static const char *const three_files[] = { "b.yml", "c.yml", "core/a.yml" };

/* All six orders of adding give one set. */
START_TEST(order_does_not_depend_on_the_order_of_adding)
{
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 },
		{ 2, 0, 1 }, { 2, 1, 0 } };
	struct bench bench;
	const struct match *matches;
	struct wevent event;
	size_t rules, patterns, databases;

	bench_open(&bench);
	for (int i = 0; i < 3; i++)
		bench_add(&bench, three_files[orders[_i][i]], three[orders[_i][i]]);
	bench_build(&bench);
	ck_assert_str_eq(ruleset_rule(bench.set, 0)->title, "01");
	ck_assert_str_eq(ruleset_rule(bench.set, 1)->file, "c.yml");
	ck_assert_uint_eq(ruleset_rule(bench.set, 2)->index, 2);
	ck_assert(ruleset_rule(bench.set, 2)->core && !ruleset_rule(bench.set, 0)->core);
	ruleset_figures(bench.set, &rules, &patterns, &databases);
	ck_assert_uint_eq(rules, 3);
	ck_assert_uint_eq(patterns, 3);
	ck_assert_uint_eq(databases, 2);
	wevent_clear(&event);
	event.event_id = 1;
	event.f[F_EventID] = SLICE("1");
	event.f[F_Channel] = SLICE("microsoft-windows-sysmon/operational");
	event.f[F_Image] = SLICE("XY");
	ck_assert_uint_eq(ruleset_match(bench.set, bench.scratch, &event, &matches), 2);
	ck_assert_uint_eq(matches[0].rule->index, 0);
	ck_assert_uint_eq(matches[1].rule->index, 2);
	bench_close(&bench);
}
END_TEST

START_TEST(the_second_of_two_ids_is_refused)
{
	struct bench bench;

	bench_open(&bench);
	bench_add(&bench, "b.yml", three[0]);
	bench_add(&bench, "a.yml", three[0]);
	ck_assert_uint_eq(bench.faults.count, 0);
	ck_assert_ptr_null(ruleset_build(bench.builder, NULL, &bench.faults));
	ck_assert_uint_eq(bench.faults.errors, 1);
	ck_assert_str_eq(bench.faults.list[0].file, "b.yml");
	ck_assert_int_eq(bench.faults.list[0].line, 2);
	ck_assert_int_eq(bench.faults.list[0].column, 5);
	ck_assert_ptr_nonnull(strstr(bench.faults.list[0].text, "a.yml:2"));
	bench_close(&bench);
}
END_TEST

/* A correlation would count one of them only. */
START_TEST(a_name_of_two_rules_cannot_be_counted)
{
	static const char correlation[] =
		"title: c\nid: 00000000-0000-4000-8000-0000000000c1\ncorrelation: {type: temporal, "
		"rules: [same], timespan: 5m}\n";
	struct bench bench;

	bench_open(&bench);
	bench_add(&bench, "a.yml", three[0]);
	bench_add(&bench, "b.yml", three[1]);
	bench_add(&bench, "c.yml",
		"name: same\n" RULE("04", "sysmon", "  s: {Image: x}\n  condition: s\n"));
	bench_add(&bench, "d.yml",
		"name: same\n" RULE("05", "sysmon", "  s: {Image: x}\n  condition: s\n"));
	bench_add(&bench, "e.yml", correlation);
	ck_assert_ptr_null(ruleset_build(bench.builder, NULL, &bench.faults));
	ck_assert_uint_eq(bench.faults.errors, 1);
	ck_assert_str_eq(bench.faults.list[0].file, "e.yml");
	ck_assert_ptr_nonnull(strstr(
		bench.faults.list[0].text, "two rules are called 'same' (c.yml:1, d.yml:1)"));
	bench_close(&bench);
}
END_TEST

/* Each fault once, all in one run, and none for those who name what has a fault. */
START_TEST(faults_have_no_echo)
{
	static const char *const want[] = { "unknown modifier 'foo'", "is already that of",
		"no rule with the id or name 'nobody'" };
	struct bench bench;

	bench_open(&bench);
	bench_add(&bench, "a.yml",
		"name: bad\n" RULE("01", "sysmon", "  s: {Image|foo: x}\n  condition: s\n"));
	bench_add(&bench, "b.yml", RULE("02", "sysmon", "  s: {Image: x}\n  condition: s\n"));
	bench_add(&bench, "c.yml", RULE("02", "sysmon", "  s: {Image: x}\n  condition: s\n"));
	bench_add(&bench, "d.yml",
		"title: c\nid: 00000000-0000-4000-8000-0000000000c1\ncorrelation: {type: temporal, "
		"rules: [bad, nobody], timespan: 5m}\n");
	bench_add(&bench, "e.yml",
		"title: f\nid: 00000000-0000-4000-8000-0000000000f1\n"
		"filter: {rules: [bad], s: {Image: x}, condition: not s}\n");
	ck_assert_ptr_null(ruleset_build(bench.builder, NULL, &bench.faults));
	ck_assert_uint_eq(bench.faults.count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_msg(strstr(bench.faults.list[i].text, want[i]) != NULL, "%s",
			bench.faults.list[i].text);
	bench_close(&bench);
}
END_TEST

START_TEST(a_rule_with_a_fault_is_left_out)
{
	struct bench bench;

	bench_open(&bench);
	bench_add(&bench, "a.yml",
		RULE("01", "sysmon", "  s: {Image: x}\n  condition: s\n") "---\n" RULE(
			"02", "sysmon", "  s: {Image|foo: x}\n  condition: s\n") "---\n" RULE("03",
			"sysmon", "  s: {Image: x}\n  condition: s\n"));
	ck_assert_uint_eq(bench.faults.errors, 1);
	faults_done(&bench.faults);
	bench_build(&bench);
	ck_assert_uint_eq(ruleset_count(bench.set), 2);
	ck_assert_str_eq(ruleset_rule(bench.set, 1)->title, "03");
	bench_close(&bench);
}
END_TEST

START_TEST(an_empty_set_matches_nothing)
{
	struct bench bench;
	const struct match *matches;
	struct wevent event;

	bench_open(&bench);
	bench_build(&bench);
	wevent_clear(&event);
	event.f[F_Channel] = SLICE(SYSMON);
	ck_assert_uint_eq(ruleset_match(bench.set, bench.scratch, &event, &matches), 0);
	bench_close(&bench);
}
END_TEST

START_TEST(a_counted_set_outlives_its_first_owner)
{
	struct bench bench;

	bench_core(&bench);
	ck_assert_ptr_eq(ruleset_ref(bench.set), bench.set);
	ruleset_unref(bench.set);
	ck_assert_str_eq(ruleset_rule(bench.set, 0)->detection_type, "IIS_Module_Registered");
	bench_close(&bench);
	ruleset_unref(NULL);
}
END_TEST

/* More rules than one word of a set of bits holds, each with a string of its own. */
START_TEST(many_rules_find_their_own_events)
{
	enum { RULES = 200 };
	struct bench bench;
	const struct match *matches;
	struct wevent event;
	char text[512], file[32], image[32];

	bench_open(&bench);
	for (int i = 0; i < RULES; i++) {
		(void)snprintf(text, sizeof(text),
			"title: r%03d\nid: 00000000-0000-4000-8000-000000000%03d\nlevel: low\n"
			"logsource: {service: sysmon}\ndetection:\n  s: {EventID: %d, "
			"Image|endswith: '\\n%03d.exe'}\n"
			"  condition: s\n",
			i, i, i % 7, i);
		(void)snprintf(file, sizeof(file), "r%03d.yml", i);
		bench_add(&bench, file, text);
	}
	bench_build(&bench);
	for (int i = 0; i < RULES; i++) {
		wevent_clear(&event);
		event.f[F_Channel] = SLICE(SYSMON);
		event.event_id = i % 7;
		event.f[F_Image] = (struct slice){ image,
			(size_t)snprintf(image, sizeof(image), "C:\\N%03d.EXE", i) };
		ck_assert_uint_eq(ruleset_match(bench.set, bench.scratch, &event, &matches), 1);
		ck_assert_uint_eq(matches[0].rule->index, (uint32_t)i);
		event.event_id = (i + 1) % 7;
		ck_assert_uint_eq(ruleset_match(bench.set, bench.scratch, &event, &matches), 0);
	}
	bench_close(&bench);
}
END_TEST

/* Rules made at random, kept beside their text in a form that is evaluated without any of the
 * engine. */
enum { PLAIN_SELECTIONS = 3, PLAIN_ITEMS = 2, PLAIN_VALUES = 2, PLAIN_OPS = 12, PLAIN_RULES = 40 };

struct plain_item {
	enum wevent_field field;
	enum plain_kind {
		PLAIN_EXACT,
		PLAIN_START,
		PLAIN_END,
		PLAIN_CONTAINS,
		PLAIN_CASED,
		PLAIN_CONTAINS_CASED,
		PLAIN_WINDASH,
		PLAIN_REGEX,
		PLAIN_WILDCARD, /* between the first byte and the rest */
		PLAIN_KINDS
	} kind;
	bool all;
	size_t count;
	char values[PLAIN_VALUES][8];
};

struct plain_rule {
	struct plain_item items[PLAIN_SELECTIONS][PLAIN_ITEMS];
	size_t counts[PLAIN_SELECTIONS];
	char ops[PLAIN_OPS + 1]; /* postfix: 0 1 2 for selections, S for two of them, & | ! */
};

static uint32_t
next_random(uint32_t *state, uint32_t below)
{
	*state = *state * 1664525U + 1013904223U;
	return (*state >> 16) % below;
}

static void
random_value(uint32_t *state, const char *letters, char value[5])
{
	size_t len = 1 + next_random(state, 4);

	for (size_t i = 0; i < len; i++)
		value[i] = letters[next_random(state, (uint32_t)strlen(letters))];
	value[len] = '\0';
}

static void
random_rule(uint32_t *state, struct plain_rule *rule)
{
	static const enum wevent_field fields[] = { F_EventID, F_Image, F_User, F_CommandLine };
	size_t depth = 0, n = 0;

	for (int s = 0; s < PLAIN_SELECTIONS; s++) {
		rule->counts[s] = 1 + next_random(state, PLAIN_ITEMS);
		for (size_t i = 0; i < rule->counts[s]; i++) {
			struct plain_item *item = &rule->items[s][i];

			/* The two items of a map are of two fields, or they would be one key. */
			item->field = fields[i * 2 + next_random(state, 2)];
			item->kind = item->field == F_EventID
					     ? PLAIN_EXACT
					     : (enum plain_kind)next_random(state, PLAIN_KINDS);
			item->count = 1 + next_random(state, PLAIN_VALUES);
			item->all = item->count > 1 && next_random(state, 4) == 0;
			for (size_t v = 0; v < item->count; v++) {
				random_value(state, "abA-", item->values[v]);
				if (item->field == F_EventID) {
					item->values[v][0] = (char)('1' + next_random(state, 3));
					item->values[v][1] = '\0';
				}
			}
		}
	}
	/* Room is kept for the operators that join what is on the stack. */
	while (n + depth + 1 < PLAIN_OPS) {
		uint32_t kind = next_random(state, 4);

		if (depth > 0 && kind == 0) {
			rule->ops[n++] = '!';
		} else if (depth > 1 && kind == 1) {
			rule->ops[n++] = next_random(state, 2) == 0 ? '&' : '|';
			depth--;
		} else {
			rule->ops[n++] = "012S"[next_random(state, PLAIN_SELECTIONS + 1)];
			depth++;
		}
	}
	for (; depth > 1; depth--)
		rule->ops[n++] = next_random(state, 3) == 0 ? '|' : '&';
	rule->ops[n] = '\0';
}

static void
write_rule(const struct plain_rule *rule, int number, char *text, size_t size)
{
	static const char *const modifiers[PLAIN_KINDS] = { "", "|startswith", "|endswith",
		"|contains", "|cased", "|contains|cased", "|windash|contains", "|re", "" };
	char stack[PLAIN_OPS][512];
	size_t n = 0, len;

	len = (size_t)snprintf(text, size,
		"title: t\nid: 00000000-0000-4000-8000-000000000%03d\nlevel: low\n"
		"logsource: {service: sysmon}\ndetection:\n",
		number);
	for (int s = 0; s < PLAIN_SELECTIONS; s++) {
		len += (size_t)snprintf(text + len, size - len, "  s%d:\n", s);
		for (size_t i = 0; i < rule->counts[s]; i++) {
			const struct plain_item *item = &rule->items[s][i];

			len += (size_t)snprintf(text + len, size - len, "    %s%s%s: [",
				wevent_field_name(item->field), modifiers[item->kind],
				item->all ? "|all" : "");
			for (size_t v = 0; v < item->count; v++)
				len += (size_t)snprintf(text + len, size - len, "%s'%.1s%s%s'",
					v > 0 ? ", " : "", item->values[v],
					item->kind == PLAIN_WILDCARD ? "*" : "",
					item->values[v] + 1);
			len += (size_t)snprintf(text + len, size - len, "]\n");
		}
	}
	for (const char *op = rule->ops; *op != '\0'; op++) {
		char joined[512];

		if (*op == '!') {
			(void)snprintf(joined, sizeof(joined), "not (%.400s)", stack[n - 1]);
			n--;
		} else if (*op == '&' || *op == '|') {
			(void)snprintf(joined, sizeof(joined), "(%.200s) %s (%.200s)", stack[n - 2],
				*op == '&' ? "and" : "or", stack[n - 1]);
			n -= 2;
		} else if (*op == 'S') {
			(void)snprintf(joined, sizeof(joined), "2 of s*");
		} else {
			(void)snprintf(joined, sizeof(joined), "s%c", *op);
		}
		memcpy(stack[n++], joined, sizeof(joined));
	}
	(void)snprintf(text + len, size - len, "  condition: %s\n", stack[0]);
}

static bool
is_word(char c)
{
	return c == 'a' || c == 'b' || c == 'A';
}

/* Does the value stand at the front of the text? */
static bool
plain_front(enum plain_kind kind, struct slice value, struct slice text)
{
	bool cased = kind == PLAIN_CASED || kind == PLAIN_CONTAINS_CASED || kind == PLAIN_REGEX;

	if (text.len < value.len)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		char a = value.ptr[i], b = text.ptr[i];
		bool option = kind == PLAIN_WINDASH && a == '-' && i + 1 < value.len &&
			      is_word(value.ptr[i + 1]) && (i == 0 || !is_word(value.ptr[i - 1]));

		if (option && b == '/')
			continue;
		if (cased ? a != b : slice_lower((unsigned char)a) != slice_lower((unsigned char)b))
			return false;
	}
	return true;
}

static bool
plain_value(const struct plain_item *item, struct slice value, struct slice text)
{
	bool anywhere = item->kind == PLAIN_CONTAINS || item->kind == PLAIN_CONTAINS_CASED ||
			item->kind == PLAIN_WINDASH || item->kind == PLAIN_REGEX;

	if (text.len == 0 && (item->kind == PLAIN_EXACT || item->kind == PLAIN_CASED) &&
		!item->all && slice_equal(value, SLICE("-")))
		return true; /* there is none */
	if (text.ptr == NULL || text.len < value.len)
		return false;
	if (item->kind == PLAIN_EXACT || item->kind == PLAIN_CASED)
		return text.len == value.len && plain_front(item->kind, value, text);
	if (item->kind == PLAIN_START)
		return plain_front(item->kind, value, text);
	if (item->kind == PLAIN_END)
		return slice_suffix_nocase(text, value);
	if (item->kind == PLAIN_WILDCARD)
		return slice_prefix_nocase(text, slice_sub(value, 0, 1)) &&
		       slice_suffix_nocase(
			       slice_sub(text, 1, text.len), slice_sub(value, 1, value.len));
	for (size_t i = 0; anywhere && i + value.len <= text.len; i++)
		if (plain_front(item->kind, value, slice_sub(text, i, text.len)))
			return true;
	return false;
}

static bool
plain_selection(const struct plain_item *items, size_t count, const struct wevent *event)
{
	bool truth = true;

	for (size_t i = 0; i < count; i++) {
		size_t hits = 0;

		for (size_t v = 0; v < items[i].count; v++)
			hits += plain_value(
				&items[i], slice_of(items[i].values[v]), event->f[items[i].field]);
		truth = truth && (items[i].all ? hits == items[i].count : hits > 0);
	}
	return truth;
}

static bool
plain_rule_matches(const struct plain_rule *rule, const struct wevent *event)
{
	bool stack[PLAIN_OPS];
	size_t n = 0;

	for (const char *op = rule->ops; *op != '\0'; op++) {
		bool truth;

		if (*op == '!') {
			stack[n - 1] = !stack[n - 1];
			continue;
		}
		if (*op == '&' || *op == '|') {
			n--;
			stack[n - 1] =
				*op == '&' ? stack[n - 1] && stack[n] : stack[n - 1] || stack[n];
			continue;
		}
		if (*op == 'S') {
			size_t sum = 0;

			for (int k = 0; k < PLAIN_SELECTIONS; k++)
				sum += plain_selection(rule->items[k], rule->counts[k], event);
			truth = sum >= 2;
		} else {
			truth = plain_selection(
				rule->items[*op - '0'], rule->counts[*op - '0'], event);
		}
		stack[n++] = truth;
	}
	return stack[0];
}

/* Buckets, waiting and staged scans must not change what matches. */
START_TEST(agrees_with_a_plain_evaluation)
{
	enum { EVENTS = 400 };
	static const enum wevent_field fields[] = { F_Image, F_User, F_CommandLine };
	static struct plain_rule rules[PLAIN_RULES];
	struct bench bench;
	uint32_t state = 7 + (uint32_t)_i;

	bench_open(&bench);
	for (int i = 0; i < PLAIN_RULES; i++) {
		char text[4096], file[32];

		random_rule(&state, &rules[i]);
		write_rule(&rules[i], i, text, sizeof(text));
		(void)snprintf(file, sizeof(file), "r%03d.yml", i);
		bench_add(&bench, file, text);
	}
	ck_assert_uint_eq(bench.faults.errors, 0);
	faults_done(&bench.faults); /* warnings: not every selection is used */
	bench_build(&bench);
	for (int e = 0; e < EVENTS; e++) {
		const struct match *matches;
		char texts[3][16], id[2] = { (char)('1' + next_random(&state, 4)), '\0' };
		struct wevent event;
		size_t count, n = 0;

		wevent_clear(&event);
		event.f[F_Channel] = SLICE(SYSMON);
		event.event_id = id[0] - '0';
		event.f[F_EventID] = slice_of(id);
		for (int f = 0; f < 3; f++) {
			random_value(&state, "abA-/ ", texts[f]);
			random_value(&state, "abA-/ ", texts[f] + strlen(texts[f]));
			if (next_random(&state, 4) > 0)
				event.f[fields[f]] = slice_of(texts[f]);
		}
		count = ruleset_match(bench.set, bench.scratch, &event, &matches);
		for (uint32_t i = 0; i < PLAIN_RULES; i++) {
			bool want = plain_rule_matches(&rules[i], &event);
			bool have = n < count && matches[n].rule->index == i;

			ck_assert_msg(want == have, "rule %u, %s, event %d", i, rules[i].ops, e);
			n += have;
		}
		ck_assert_uint_eq(n, count);
	}
	bench_close(&bench);
}
END_TEST

static Suite *
ruleset_suite(void)
{
	Suite *suite = suite_create("ruleset");
	TCase *tcase = tcase_create("ruleset");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, core_rules_answer_as_the_original_search);
	tcase_add_test(tcase, core_answers_the_same_beside_all_shipped_rules);
	tcase_add_test(tcase, core_never_speaks_with_both_severities);
	tcase_add_test(tcase, a_match_shows_what_was_true);
	tcase_add_loop_test(tcase, reaches_the_events_that_it_is_for, 0, ROWS(reach_rows));
	tcase_add_test(tcase, a_category_reaches_its_events);
	tcase_add_loop_test(tcase, keywords_match_anywhere, 0, ROWS(keyword_rows));
	tcase_add_test(tcase, tags_that_are_not_of_attack_are_told);
	tcase_add_test(tcase, columns_of_the_host_match);
	tcase_add_test(tcase, columns_that_are_not_there_are_told);
	tcase_add_test(tcase, fields_that_only_rules_name_match);
	tcase_add_loop_test(tcase, order_does_not_depend_on_the_order_of_adding, 0, 6);
	tcase_add_test(tcase, the_second_of_two_ids_is_refused);
	tcase_add_test(tcase, a_name_of_two_rules_cannot_be_counted);
	tcase_add_test(tcase, faults_have_no_echo);
	tcase_add_test(tcase, a_rule_with_a_fault_is_left_out);
	tcase_add_test(tcase, an_empty_set_matches_nothing);
	tcase_add_test(tcase, a_counted_set_outlives_its_first_owner);
	tcase_add_test(tcase, many_rules_find_their_own_events);
	tcase_add_test(tcase, an_id_is_found_behind_events_of_other_channels);
	tcase_add_loop_test(tcase, agrees_with_a_plain_evaluation, 0, 20);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(ruleset_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
