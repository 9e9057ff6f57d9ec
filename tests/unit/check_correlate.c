/* Correlations: what of a document is refused, and what a window makes of events: in order, late,
 * too late, in floods. */

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/placeholders.h"
#include "detect/sigma.h"
#include "detect/window.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SECOND INT64_C(1000000)
#define START (INT64_C(1773470415) * SECOND)

struct bench {
	struct arena *arena;
	struct faults faults;
	struct yaml *yaml;
	struct sigma_fields fields;
	struct placeholders placeholders;
	struct sigma_rule rule;
	int result;
};

static void
bench_open(struct bench *bench, const char *correlation)
{
	struct sigma_reader reader;
	char text[2048];

	*bench = (struct bench){ .arena = arena_new(1 << 24) };
	(void)snprintf(text, sizeof(text),
		"title: t\nid: 00000000-0000-4000-8000-000000000001\ncorrelation:\n%s",
		correlation);
	bench->yaml = yaml_parse("c.yml", slice_of(text), &bench->faults);
	ck_assert_msg(bench->yaml != NULL, "%s", text);
	reader = (struct sigma_reader){ .yaml = bench->yaml,
		.arena = bench->arena,
		.faults = &bench->faults,
		.fields = &bench->fields,
		.placeholders = &bench->placeholders };
	bench->result = sigma_parse(&reader, "c.yml", yaml_root(bench->yaml, 0), &bench->rule);
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
	const char *name, *correlation, *want;
	int line, column;
} refused_rows[] = {
	{ "an unknown type", " {type: near, rules: [a], timespan: 5m, condition: {gte: 1}}\n",
		"unknown type 'near'", 4, 9 },
	{ "no type", " {rules: [a], timespan: 5m, condition: {gte: 1}}\n", "no type", 3, 1 },
	{ "no rules", " {type: event_count, timespan: 5m, condition: {gte: 1}}\n", "no rules", 3,
		1 },
	{ "an empty list of rules",
		" {type: event_count, rules: [], timespan: 5m, condition: {gte: 1}}\n",
		"1 to 64 rules", 4, 22 },
	{ "no timespan", " {type: event_count, rules: [a], condition: {gte: 1}}\n", "no timespan",
		3, 1 },
	{ "a timespan of months",
		" {type: event_count, rules: [a], timespan: 5M, condition: {gte: 1}}\n", "write 5m",
		4, 44 },
	{ "a timespan of nothing",
		" {type: event_count, rules: [a], timespan: 0s, condition: {gte: 1}}\n", "write 5m",
		4, 44 },
	{ "two years", " {type: event_count, rules: [a], timespan: 800d, condition: {gte: 1}}\n",
		"at most 366d", 4, 44 },
	{ "no condition", " {type: event_count, rules: [a], timespan: 5m}\n", "needs a condition",
		3, 1 },
	{ "a condition that is a text",
		" {type: temporal, rules: [a, b], timespan: 5m, condition: a and b}\n", "is a map",
		4, 59 },
	{ "an unknown word",
		" {type: event_count, rules: [a], timespan: 5m, condition: {min: 1}}\n",
		"'min' is not known", 4, 60 },
	{ "a bound that is no number",
		" {type: event_count, rules: [a], timespan: 5m, condition: {gte: many}}\n",
		"'many' is no number", 4, 65 },
	{ "a value without a field",
		" {type: value_count, rules: [a], timespan: 5m, condition: {gte: 1}}\n",
		"needs a field", 3, 1 },
	{ "a count with a field",
		" {type: event_count, rules: [a], timespan: 5m, condition: {gte: 1, field: "
		"User}}\n",
		"has no field", 3, 1 },
	{ "a percentile of a sum",
		" {type: value_sum, rules: [a], timespan: 5m, condition: {gte: 1, field: User, "
		"percentile: 3}}\n",
		"has no percentile", 3, 1 },
	{ "a percentile beyond 100",
		" {type: value_percentile, rules: [a], timespan: 5m, condition: {gte: 1, field: "
		"User, "
		"percentile: 101}}\n",
		"0 to 100", 4, 86 },
	{ "too many events",
		" {type: event_count, rules: [a], timespan: 5m, condition: {gte: 10001}}\n",
		"lower the bound", 3, 1 },
	{ "more rules than there are",
		" {type: temporal, rules: [a, b], timespan: 5m, condition: {gte: 3}}\n",
		"more rules than it has", 3, 1 },
	{ "an alias without the rule",
		" {type: temporal, rules: [a, b], timespan: 5m, group-by: [x], aliases: {x: {a: "
		"User}}}\n",
		"alias 'x' has no field for rule 'b'", 4, 77 },
	{ "an unknown key",
		" {type: event_count, rules: [a], timespan: 5m, condition: {gte: 1}, group: [x]}\n",
		"'group' is not known", 4, 69 },
	{ "a slip in a key",
		" {type: event_count, rules: [a], timespan: 5m, condition: {gte: 1}, group_by: "
		"[x]}\n",
		"did you mean group-by?", 4, 69 },
	{ "a field beside the condition",
		" {type: value_count, rules: [a], timespan: 5m, field: User, condition: {gte: "
		"1}}\n",
		"'field' belongs into 'condition'", 4, 48 },
	{ "generate that is no truth",
		" {type: event_count, rules: [a], timespan: 5m, condition: {gte: 1}, generate: "
		"yes}\n",
		"'generate' is true or false", 4, 69 },
	{ "no map", "  - a\n", "must be a map", 4, 5 },
};

START_TEST(refuses_with_a_place)
{
	struct bench bench;

	bench_open(&bench, refused_rows[_i].correlation);
	ck_assert_msg(
		bench.result == -EINVAL && bench.faults.errors > 0, "%s", refused_rows[_i].name);
	ck_assert_msg(strstr(bench.faults.list[0].text, refused_rows[_i].want) != NULL, "%s: %s",
		refused_rows[_i].name, bench.faults.list[0].text);
	ck_assert_msg(bench.faults.list[0].line == refused_rows[_i].line, "%s: line %d",
		refused_rows[_i].name, bench.faults.list[0].line);
	ck_assert_msg(bench.faults.list[0].column == refused_rows[_i].column, "%s: column %d",
		refused_rows[_i].name, bench.faults.list[0].column);
	bench_close(&bench);
}
END_TEST

/* All faults at once, and none that only follows from another; warnings begin with '?'. */
static const struct {
	const char *name, *correlation, *wants[6];
} fault_rows[] = {
	{ "nothing", " {}\n", { "no type", "no rules", "no timespan" } },
	{ "an unknown type", " {type: near, rules: [a], timespan: 5m, condition: {gte: 1}}\n",
		{ "unknown type 'near'" } },
	{ "a bad timespan", " {type: event_count, rules: [a], timespan: 5, condition: {gte: 1}}\n",
		{ "write 5m" } },
	{ "no rules in the list",
		" {type: temporal, rules: [], timespan: 5m, condition: {gte: 2}}\n",
		{ "1 to 64 rules" } },
	{ "a bad bound", " {type: event_count, rules: [a], timespan: 5m, condition: {gte: many}}\n",
		{ "'many' is no number" } },
	{ "a condition that is a list",
		" {type: value_count, rules: [a], timespan: 5m, condition: [gte]}\n",
		{ "is a map" } },
	{ "a bad field",
		" {type: value_count, rules: [a], timespan: 5m, condition: {gte: 1, field: {}}}\n",
		{ "field" } },
	{ "no bound and no field", " {type: value_sum, rules: [a], timespan: 5m, condition: {}}\n",
		{ "needs a condition", "needs a field" } },
	{ "all at once",
		" {type: near, rules: [], timespan: 5, condition: {gte: many, min: 1}, group: x}\n",
		{ "unknown type 'near'", "1 to 64 rules", "write 5m", "'many' is no number",
			"'min' is not known", "'group' is not known" } },
	{ "aliases without rules",
		" {type: temporal, rules: [a, b], timespan: 5, group-by: [x, y], aliases: {x: {a: "
		"User}, y: {b: User}}}\n",
		{ "write 5m", "alias 'y' has no field for rule 'a'",
			"alias 'x' has no field for rule 'b'" } },
	{ "an unknown field, of several rules",
		" {type: temporal, rules: [a, b, c], timespan: 5m, group-by: [Users]}\n",
		{ "?no event has a field 'Users'; did you mean User?" } },
	{ "bounds that no number meets",
		" {type: event_count, rules: [a], timespan: 5m, condition: {gte: 5, lt: 3}}\n",
		{ "?never speaks: no number meets its condition" } },
	{ "bounds that no count meets",
		" {type: event_count, rules: [a], timespan: 5m, condition: {gt: 2, lt: 3}}\n",
		{ "?never speaks" } },
	{ "no event at all", " {type: event_count, rules: [a], timespan: 5m, condition: {lt: 1}}\n",
		{ "?never speaks" } },
	{ "bounds that a sum meets",
		" {type: value_sum, rules: [a], timespan: 5m, condition: {gt: 2, lt: 3, field: "
		"ProcessId}}\n",
		{ NULL } },
	{ "a range", " {type: event_count, rules: [a], timespan: 5m, condition: {gt: 2, lt: 4}}\n",
		{ NULL } },
	{ "a share beyond all",
		" {type: value_percentile, rules: [a], timespan: 5m, condition: {gt: 100, field: "
		"User}}\n",
		{ "?never speaks" } },
	{ "a small share",
		" {type: value_percentile, rules: [a], timespan: 5m, condition: {lt: 0.5, field: "
		"User}}\n",
		{ NULL } },
	{ "a share of nothing",
		" {type: value_percentile, rules: [a], timespan: 5m, condition: {lte: 0, field: "
		"User}}\n",
		{ "?never speaks" } },
	{ "a share of nearly all",
		" {type: value_percentile, rules: [a], timespan: 5m, condition: {gt: 99.5, lt: "
		"100, "
		"field: User}}\n",
		{ NULL } },
	{ "a share that is not the only number between",
		" {type: value_percentile, rules: [a], timespan: 5m, condition: {gt: 99, neq: "
		"99.5, "
		"field: User}}\n",
		{ NULL } },
	{ "a sum of texts",
		" {type: value_sum, rules: [a, b], timespan: 5m, condition: {gt: 2, field: "
		"Image}}\n",
		{ "?field 'Image' has no numbers" } },
};

START_TEST(tells_all_faults_and_no_others)
{
	struct bench bench;
	size_t count = 0;

	bench_open(&bench, fault_rows[_i].correlation);
	while (count < 6 && fault_rows[_i].wants[count] != NULL)
		count++;
	for (size_t i = 0; i < bench.faults.count; i++) {
		const struct fault *fault = &bench.faults.list[i];
		const char *want = i < count ? fault_rows[_i].wants[i] : "nothing";

		ck_assert_msg(fault->warning == (want[0] == '?') &&
				      strstr(fault->text, want + fault->warning) != NULL,
			"%s: %s", fault_rows[_i].name, fault->text);
	}
	ck_assert_msg(bench.faults.count == count, "%s: %zu faults", fault_rows[_i].name,
		bench.faults.count);
	bench_close(&bench);
}
END_TEST

/* An event: when, which rule of the list, User, and what comes of it: '.' nothing, '!' it speaks,
 * 'L' too late, 'N' no value, 'K' known: it is the event of the step before. */
struct step {
	int seconds;
	unsigned int reference;
	const char *user;
	char want;
};

static const struct {
	const char *name;
	const char *correlation;
	struct step steps[10];
	double value; /* of the last that spoke */
	int closes;   /* how often it speaks when time is over */
} window_rows[] = {
	{ "three within five minutes",
		" {type: event_count, rules: [a], timespan: 5m, condition: {gte: 3}}\n",
		{ { 0, 0, "x", '.' }, { 100, 0, "x", '.' }, { 300, 0, "x", '!' },
			{ 301, 0, "x", '.' } },
		3, 0 },
	{ "three in more than five minutes",
		" {type: event_count, rules: [a], timespan: 5m, condition: {gte: 3}}\n",
		{ { 0, 0, "x", '.' }, { 100, 0, "x", '.' }, { 301, 0, "x", '.' },
			{ 400, 0, "x", '!' } },
		3, 0 },
	{ "more than two", " {type: event_count, rules: [a], timespan: 5m, condition: {gt: 2}}\n",
		{ { 0, 0, "x", '.' }, { 1, 0, "x", '.' }, { 2, 0, "x", '!' } }, 3, 0 },
	{ "any event", " {type: event_count, rules: [a], timespan: 5m, condition: {gte: 1}}\n",
		{ { 0, 0, "x", '!' }, { 0, 0, "x", '!' } }, 1, 0 },
	{ "out of order", " {type: event_count, rules: [a], timespan: 10s, condition: {gte: 3}}\n",
		{ { 100, 0, "x", '.' }, { 95, 0, "x", '.' }, { 91, 0, "x", '!' } }, 3, 0 },
	{ "a late one in the middle",
		" {type: event_count, rules: [a], timespan: 10s, condition: {gte: 3}}\n",
		{ { 0, 0, "x", '.' }, { 8, 0, "x", '.' }, { 100, 0, "x", '.' },
			{ 4, 0, "x", '!' } },
		3, 0 },
	{ "too late", " {type: event_count, rules: [a], timespan: 10s, condition: {gte: 3}}\n",
		{ { 1000, 0, "x", '.' }, { 690, 0, "x", '.' }, { 689, 0, "x", 'L' } }, 0, 0 },
	{ "late, with others that were before it",
		" {type: event_count, rules: [a], timespan: 10m, condition: {gte: 3}}\n",
		{ { 0, 0, "x", '.' }, { 1, 0, "x", '.' }, { 1000, 0, "x", '.' },
			{ 150, 0, "x", '!' } },
		3, 0 },
	{ "an event that comes again",
		" {type: event_count, rules: [a], timespan: 5m, condition: {gte: 3}}\n",
		{ { 0, 0, "x", '.' }, { 0, 0, "x", 'K' }, { 1, 0, "x", '.' }, { 1, 0, "x", 'K' },
			{ 2, 0, "x", '!' } },
		3, 0 },
	{ "what has spoken comes again",
		" {type: event_count, rules: [a], timespan: 10s, condition: {gte: 2}}\n",
		{ { 0, 0, "x", '.' }, { 1, 0, "x", '!' }, { 1, 0, "x", 'K' }, { 2, 0, "x", '.' },
			{ 3, 0, "x", '!' } },
		2, 0 },
	{ "what has spoken makes others late",
		" {type: event_count, rules: [a], timespan: 10s, condition: {gte: 1}}\n",
		{ { 1000, 0, "x", '!' }, { 690, 0, "x", '!' }, { 689, 0, "x", 'L' } }, 1, 0 },
	{ "an event that two rules match",
		" {type: event_count, rules: [a, b], timespan: 5m, condition: {gte: 2}}\n",
		{ { 0, 0, "x", '.' }, { 0, 1, "x", '!' } }, 2, 0 },
	{ "few events are known at the end",
		" {type: event_count, rules: [a], timespan: 5m, condition: {lte: 2}}\n",
		{ { 0, 0, "x", '.' }, { 100, 0, "x", '.' } }, 2, 1 },
	{ "a range", " {type: event_count, rules: [a], timespan: 5m, condition: {gt: 1, lte: 3}}\n",
		{ { 0, 0, "x", '.' }, { 100, 0, "x", '.' } }, 2, 1 },
	{ "beyond the range",
		" {type: event_count, rules: [a], timespan: 5m, condition: {lt: 2}}\n",
		{ { 0, 0, "x", '.' }, { 100, 0, "x", '.' } }, 0, 0 },
	{ "exactly two", " {type: event_count, rules: [a], timespan: 5m, condition: {eq: 2}}\n",
		{ { 0, 0, "x", '.' }, { 100, 0, "x", '.' } }, 2, 1 },
	{ "not two", " {type: event_count, rules: [a], timespan: 5m, condition: {neq: 2}}\n",
		{ { 0, 0, "x", '.' }, { 100, 0, "x", '.' } }, 0, 0 },
	{ "an event long after closes the window",
		" {type: event_count, rules: [a], timespan: 1m, condition: {lte: 1}}\n",
		{ { 0, 0, "x", '.' }, { 361, 0, "x", '!' } }, 1, 1 },
	{ "the event that closes a window, again",
		" {type: event_count, rules: [a], timespan: 1m, condition: {lte: 1}}\n",
		{ { 0, 0, "x", '.' }, { 361, 0, "x", '!' }, { 361, 0, "x", 'K' } }, 1, 1 },
	{ "an event of a window that has closed",
		" {type: event_count, rules: [a], timespan: 1m, condition: {lte: 1}}\n",
		{ { 0, 0, "x", '.' }, { 1, 0, "x", '.' }, { 361, 0, "x", '.' }, { 60, 0, "x", 'L' },
			{ 61, 0, "x", '.' } },
		1, 2 },
	{ "two spans that wait at once",
		" {type: event_count, rules: [a], timespan: 1m, condition: {lte: 1}}\n",
		{ { 0, 0, "x", '.' }, { 61, 0, "x", '.' }, { 122, 0, "x", '.' } }, 1, 3 },
	{ "three values",
		" {type: value_count, rules: [a], timespan: 5m, condition: {field: User, gte: "
		"3}}\n",
		{ { 0, 0, "x", '.' }, { 1, 0, "y", '.' }, { 2, 0, "X", '.' }, { 3, 0, "z", '!' } },
		3, 0 },
	{ "a value that is there again keeps its last time",
		" {type: value_count, rules: [a], timespan: 10s, condition: {field: User, gte: "
		"2}}\n",
		{ { 0, 0, "x", '.' }, { 9, 0, "x", '.' }, { 19, 0, "y", '!' } }, 2, 0 },
	{ "a late value that is there again",
		" {type: value_count, rules: [a], timespan: 10s, condition: {field: User, gte: "
		"2}}\n",
		{ { 9, 0, "x", '.' }, { 0, 0, "x", '.' }, { 19, 0, "y", '!' } }, 2, 0 },
	{ "a late value between two times of another",
		" {type: value_count, rules: [a], timespan: 10s, condition: {field: User, gte: "
		"2}}\n",
		{ { 0, 0, "x", '.' }, { 100, 0, "x", '.' }, { 5, 0, "y", '!' } }, 2, 0 },
	{ "a value between two times of itself",
		" {type: value_count, rules: [a], timespan: 10s, condition: {field: User, gte: "
		"3}}\n",
		{ { 0, 0, "x", '.' }, { 5, 0, "x", '.' }, { 10, 0, "x", '.' }, { 15, 0, "x", '.' },
			{ 20, 0, "y", '.' }, { 2, 0, "y", '.' }, { 12, 0, "z", '!' } },
		3, 0 },
	{ "no value",
		" {type: value_count, rules: [a], timespan: 5m, condition: {field: User, gte: "
		"1}}\n",
		{ { 0, 0, NULL, 'N' }, { 0, 0, "", 'N' }, { 0, 0, "x", '!' } }, 1, 0 },
	{ "few values at the end",
		" {type: value_count, rules: [a], timespan: 5m, condition: {field: User, lte: "
		"2}}\n",
		{ { 0, 0, "x", '.' }, { 1, 0, "y", '.' }, { 2, 0, "X", '.' } }, 2, 1 },
	{ "temporal in any order", " {type: temporal, rules: [a, b, c], timespan: 5m}\n",
		{ { 0, 2, "x", '.' }, { 1, 0, "x", '.' }, { 2, 0, "x", '.' }, { 3, 1, "x", '!' } },
		3, 0 },
	{ "temporal, one too old", " {type: temporal, rules: [a, b], timespan: 5m}\n",
		{ { 0, 0, "x", '.' }, { 301, 1, "x", '.' }, { 302, 0, "x", '!' } }, 2, 0 },
	{ "temporal, two of three",
		" {type: temporal, rules: [a, b, c], timespan: 5m, condition: {gte: 2}}\n",
		{ { 0, 2, "x", '.' }, { 1, 2, "x", '.' }, { 2, 1, "x", '!' } }, 2, 0 },
	{ "temporal, not both",
		" {type: temporal, rules: [a, b], timespan: 5m, condition: {lt: 2}}\n",
		{ { 0, 0, "x", '.' }, { 1, 0, "x", '.' } }, 1, 1 },
	{ "temporal, a late one", " {type: temporal, rules: [a, b], timespan: 10s}\n",
		{ { 0, 0, "x", '.' }, { 100, 0, "x", '.' }, { 5, 1, "x", '!' } }, 2, 0 },
	{ "ordered", " {type: temporal_ordered, rules: [a, b, c], timespan: 5m}\n",
		{ { 0, 0, "x", '.' }, { 1, 1, "x", '.' }, { 2, 2, "x", '!' } }, 3, 0 },
	{ "in another order", " {type: temporal_ordered, rules: [a, b, c], timespan: 5m}\n",
		{ { 0, 1, "x", '.' }, { 1, 0, "x", '.' }, { 2, 2, "x", '.' }, { 3, 1, "x", '.' },
			{ 4, 2, "x", '!' } },
		3, 0 },
	{ "ordered, put right by a late one",
		" {type: temporal_ordered, rules: [a, b], timespan: 5m}\n",
		{ { 10, 1, "x", '.' }, { 5, 0, "x", '!' } }, 2, 0 },
	{ "ordered, at one time", " {type: temporal_ordered, rules: [a, b], timespan: 5m}\n",
		{ { 0, 1, "x", '.' }, { 0, 0, "x", '!' } }, 2, 0 },
	{ "ordered, begun too long ago",
		" {type: temporal_ordered, rules: [a, b], timespan: 10s}\n",
		{ { 0, 0, "x", '.' }, { 11, 1, "x", '.' }, { 12, 0, "x", '.' },
			{ 13, 1, "x", '!' } },
		2, 0 },
	{ "ordered, two of three are enough",
		" {type: temporal_ordered, rules: [a, b, c], timespan: 5m, condition: {gte: 2}}\n",
		{ { 0, 2, "x", '.' }, { 1, 0, "x", '.' }, { 2, 2, "x", '!' } }, 2, 0 },
	{ "a sum",
		" {type: value_sum, rules: [a], timespan: 5m, condition: {field: User, gt: 10}}\n",
		{ { 0, 0, "4", '.' }, { 1, 0, "6.0", '.' }, { 2, 0, "0x1", '!' } }, 11, 0 },
	{ "a sum of nothing numeric",
		" {type: value_sum, rules: [a], timespan: 5m, condition: {field: User, gt: 10}}\n",
		{ { 0, 0, "eleven", 'N' }, { 1, 0, "1e9", 'N' }, { 1, 0, "-", 'N' },
			{ 2, 0, "11", '!' } },
		11, 0 },
	{ "a sum within its time",
		" {type: value_sum, rules: [a], timespan: 10s, condition: {field: User, gt: 10}}\n",
		{ { 0, 0, "8", '.' }, { 11, 0, "8", '.' }, { 12, 0, "8", '!' } }, 16, 0 },
	{ "a sum before a negative number, with a late one",
		" {type: value_sum, rules: [a], timespan: 10s, condition: {field: User, gte: "
		"10}}\n",
		{ { 0, 0, "6", '.' }, { 5, 0, "-6", '.' }, { 2, 0, "4", '!' } }, 10, 0 },
	{ "a small sum",
		" {type: value_sum, rules: [a], timespan: 5m, condition: {field: User, lt: 10}}\n",
		{ { 0, 0, "4", '.' }, { 1, 0, "-6", '.' } }, -2, 1 },
	{ "an average",
		" {type: value_avg, rules: [a], timespan: 5m, condition: {field: User, gte: 5}}\n",
		{ { 0, 0, "9", '.' }, { 1, 0, "2", '.' } }, 5.5, 1 },
	{ "a median",
		" {type: value_median, rules: [a], timespan: 5m, condition: {field: User, gte: "
		"3}}\n",
		{ { 0, 0, "100", '.' }, { 1, 0, "1", '.' }, { 2, 0, "3", '.' } }, 3, 1 },
	{ "a median of two",
		" {type: value_median, rules: [a], timespan: 5m, condition: {field: User, gte: "
		"3}}\n",
		{ { 0, 0, "1", '.' }, { 1, 0, "6", '.' } }, 3.5, 1 },
	{ "a percentile",
		" {type: value_percentile, rules: [a], timespan: 5m, condition: {field: User, "
		"percentile: "
		"75, gte: 3}}\n",
		{ { 0, 0, "1", '.' }, { 1, 0, "2", '.' }, { 2, 0, "3", '.' }, { 3, 0, "9", '.' } },
		3, 1 },
	{ "a rare value",
		" {type: value_percentile, rules: [a], timespan: 5m, condition: {field: User, lte: "
		"20}}\n",
		{ { 0, 0, "x", '.' }, { 1, 0, "x", '.' }, { 2, 0, "x", '.' }, { 3, 0, "x", '.' },
			{ 4, 0, "y", '!' }, { 5, 0, "x", '.' }, { 6, 0, "z", '!' } },
		100.0 / 7, 0 },
};

START_TEST(counts_what_comes_together)
{
	struct bench bench;
	struct window *window = window_new();
	struct correlation_result result = { 0 };
	double value = 0;
	int closes = 0;

	bench_open(&bench, window_rows[_i].correlation);
	ck_assert_msg(bench.result == 0, "%s: %s", window_rows[_i].name,
		bench.faults.count > 0 ? bench.faults.list[0].text : "");
	for (int i = 0; i < ROWS(window_rows[_i].steps) && window_rows[_i].steps[i].want != '\0';
		i++) {
		static const char answers[] = { [WINDOW_QUIET] = '.',
			[WINDOW_SPEAKS] = '!',
			[WINDOW_LATE] = 'L',
			[WINDOW_NO_VALUE] = 'N',
			[WINDOW_KNOWN] = 'K' };
		const struct step *step = &window_rows[_i].steps[i];
		int64_t time = START + step->seconds * SECOND;
		struct wevent event;
		const struct window_match match = { .event = &event,
			.id = { (unsigned char)(step->want == 'K' ? i - 1 : i) },
			.reference = step->reference,
			.time = time,
			.received = time };
		enum window_answer answer;

		wevent_clear(&event);
		event.f[F_User] = slice_of(step->user);
		answer = window_add(window, &bench.rule.correlation, &match, &result);
		ck_assert_msg(answers[answer] == step->want, "%s: step %d: %c",
			window_rows[_i].name, i, answers[answer]);
		if (answer == WINDOW_SPEAKS)
			value = result.value;
	}
	while (correlation_waits(&bench.rule.correlation) && window_deadline(window) != INT64_MIN) {
		if (window_close(window, &bench.rule.correlation, START, &result) != WINDOW_SPEAKS)
			continue;
		value = result.value;
		closes++;
	}
	ck_assert_msg(closes == window_rows[_i].closes, "%s: %d", window_rows[_i].name, closes);
	ck_assert_msg(
		fabs(value - window_rows[_i].value) < 1e-9, "%s: %f", window_rows[_i].name, value);
	window_free(window);
	bench_close(&bench);
}
END_TEST

static uint32_t last_id; /* of an event */

/* Another event, with a number for User. */
static enum window_answer
add_value(struct window *window, const struct bench *bench, unsigned int reference,
	int64_t milliseconds, int number, struct correlation_result *result)
{
	char text[16];
	struct wevent event;
	struct window_match match = { .event = &event,
		.reference = reference,
		.time = START + milliseconds * 1000,
		.received = START };

	(void)snprintf(text, sizeof(text), "%d", number);
	wevent_clear(&event);
	event.f[F_User] = slice_of(text);
	last_id++;
	memcpy(match.id, &last_id, sizeof(last_id));
	return window_add(window, &bench->rule.correlation, &match, result);
}

static enum window_answer
add(struct window *window, const struct bench *bench, unsigned int reference, int64_t seconds,
	struct correlation_result *result)
{
	return add_value(window, bench, reference, seconds * 1000, 0, result);
}

/* ---- the same as by counting plainly ---- */

#define PLAIN_MAX 400

/* All events since the window spoke, by time and reference. */
static struct plain {
	int64_t time;
	unsigned int reference;
	int number;
} plain[PLAIN_MAX];
static int plain_count;

static void
plain_add(struct plain event)
{
	int i = plain_count++;

	for (; i > 0 && (plain[i - 1].time > event.time ||
				(plain[i - 1].time == event.time &&
					plain[i - 1].reference > event.reference));
		i--)
		plain[i] = plain[i - 1];
	plain[i] = event;
}

/* What the correlation counts among events [from, to), looking at each pair of them. */
static int
plain_value(enum correlation_type type, int from, int to)
{
	int sum = 0, chains[PLAIN_MAX], longest = 0;

	for (int i = from; i < to; i++) {
		bool again = false;

		chains[i] = 1;
		for (int k = from; k < i; k++) {
			again = again ||
				(type == CORRELATION_VALUE_COUNT
						? plain[k].number == plain[i].number
						: plain[k].reference == plain[i].reference);
			if (plain[k].reference < plain[i].reference && chains[k] >= chains[i])
				chains[i] = chains[k] + 1;
		}
		longest = chains[i] > longest ? chains[i] : longest;
		if (type == CORRELATION_EVENT_COUNT)
			sum++;
		else if (type == CORRELATION_VALUE_SUM)
			sum += plain[i].number;
		else if (!again)
			sum++;
	}
	return type == CORRELATION_TEMPORAL_ORDERED ? longest : sum;
}

static bool
plain_speaks(const struct correlation *correlation)
{
	for (int from = 0; from < plain_count; from++)
		for (int to = from + 1; to <= plain_count; to++) {
			if (plain[to - 1].time - plain[from].time > correlation->timespan / 1000000)
				break;
			if (correlation_holds(
				    correlation, plain_value(correlation->type, from, to)))
				return true;
		}
	return false;
}

static const char *const plain_rows[] = {
	" {type: event_count, rules: [a, b, c], timespan: 20s, condition: {gte: 9}}\n",
	" {type: value_count, rules: [a, b, c], timespan: 20s, condition: {field: User, gte: 6}}\n",
	" {type: value_sum, rules: [a, b, c], timespan: 20s, condition: {field: User, gte: 15}}\n",
	" {type: temporal, rules: [a, b, c, d, e], timespan: 20s, condition: {gte: 5}}\n",
	" {type: temporal_ordered, rules: [a, b, c, d], timespan: 20s, condition: {gte: 4}}\n",
	" {type: temporal_ordered, rules: [a, b, c, d, e], timespan: 20s, condition: {gte: 3}}\n",
};

START_TEST(agrees_with_plain_counting)
{
	struct correlation_result result;
	struct bench bench;
	uint32_t spoken = 0;

	bench_open(&bench, plain_rows[_i]);
	srand((unsigned int)_i + 1);
	for (int stream = 0; stream < 100; stream++) {
		struct window *window = window_new();
		int now = 0;

		plain_count = 0;
		for (int i = 0; i < 100; i++) {
			struct plain event = { .number = rand() % 8 - 3 };
			enum window_answer answer;
			bool speaks;

			event.reference =
				(unsigned int)rand() % bench.rule.correlation.reference_count;
			now += rand() % 8;
			event.time = now - (rand() % 3 == 0 ? rand() % 60 : 0);
			plain_add(event);
			speaks = plain_speaks(&bench.rule.correlation);
			answer = add_value(window, &bench, event.reference, event.time * 1000,
				event.number, &result);
			ck_assert_msg(answer == (speaks ? WINDOW_SPEAKS : WINDOW_QUIET),
				"%sstream %d, event %d: %d", plain_rows[_i], stream, i, answer);
			spoken += speaks;
			plain_count = speaks ? 0 : plain_count;
		}
		window_free(window);
	}
	ck_assert_uint_gt(spoken, 100);
	bench_close(&bench);
}
END_TEST

/* What waits: the value of the first time span, whose events go.  Events of it come no more. */
static double
plain_close(const struct correlation *correlation, int64_t *closed)
{
	double value;
	int to = 0;

	*closed = plain[0].time + correlation->timespan / 1000000;
	while (to < plain_count && plain[to].time <= *closed)
		to++;
	value = plain_value(correlation->type, 0, to);
	plain_count -= to;
	memmove(plain, plain + to, (size_t)plain_count * sizeof(plain[0]));
	return value;
}

/* Not of values: those that are left out may begin another span. */
static const char *const waiting_rows[] = {
	" {type: event_count, rules: [a, b, c], timespan: 20s, condition: {lte: 1000}}\n",
	(" {type: value_sum, rules: [a, b, c], timespan: 20s, condition: {field: User, lte: "
	 "1000}}\n"),
	" {type: temporal, rules: [a, b, c, d, e], timespan: 20s, condition: {lte: 5}}\n",
	" {type: temporal_ordered, rules: [a, b, c, d], timespan: 20s, condition: {lte: 5}}\n",
};

START_TEST(closes_like_plain_counting)
{
	struct correlation_result result;
	struct bench bench;
	uint32_t spoken = 0;

	bench_open(&bench, waiting_rows[_i]);
	srand((unsigned int)_i + 1);
	for (int stream = 0; stream < 100; stream++) {
		struct window *window = window_new();
		int64_t closed = INT64_MIN, newest = -1000;
		int now = 0;

		plain_count = 0;
		for (int i = 0; i < 200; i++) {
			struct plain event = { .number = rand() % 8 - 3 };
			enum window_answer answer, want = WINDOW_QUIET;
			double value = 0;

			event.reference =
				(unsigned int)rand() % bench.rule.correlation.reference_count;
			now += rand() % 8;
			event.time = now - (rand() % 3 == 0 ? rand() % 400 : 0);
			newest = event.time > newest ? event.time : newest;
			if (event.time <= closed || event.time < newest - 320) {
				want = WINDOW_LATE;
			} else if (plain_count > 0 && event.time > plain[0].time + 320) {
				want = WINDOW_SPEAKS;
				value = plain_close(&bench.rule.correlation, &closed);
			}
			if (want != WINDOW_LATE)
				plain_add(event);
			answer = add_value(window, &bench, event.reference, event.time * 1000,
				event.number, &result);
			ck_assert_msg(answer == want, "%sstream %d, event %d: %d", waiting_rows[_i],
				stream, i, answer);
			if (answer != WINDOW_SPEAKS)
				continue;
			ck_assert_msg(fabs(result.value - value) < 1e-9,
				"%sstream %d, event %d: %f for %f", waiting_rows[_i], stream, i,
				result.value, value);
			spoken++;
		}
		window_free(window);
	}
	ck_assert_uint_gt(spoken, 100);
	bench_close(&bench);
}
END_TEST

/* ---- floods ---- */

/* However often one rule matches, what others have matched stays known. */
START_TEST(a_flood_pushes_nothing_out)
{
	struct correlation_result result;
	struct window *window = window_new();
	struct bench bench;

	bench_open(&bench, " {type: temporal_ordered, rules: [a, b, c], timespan: 1h}\n");
	ck_assert_int_eq(add(window, &bench, 0, 0, &result), WINDOW_QUIET);
	for (int i = 1; i < 3000; i++)
		ck_assert_int_eq(add(window, &bench, 1, i, &result), WINDOW_QUIET);
	ck_assert_uint_lt(window_size(window), 96 * 1024);
	ck_assert_int_eq(add(window, &bench, 2, 3001, &result), WINDOW_SPEAKS);
	window_free(window);
	bench_close(&bench);
}
END_TEST

/* Nor does it hide what was between its events. */
START_TEST(a_late_event_finds_its_place_in_a_flood)
{
	struct correlation_result result;
	struct window *window = window_new();
	struct bench bench;

	bench_open(&bench, " {type: temporal_ordered, rules: [a, b], timespan: 1m}\n");
	for (int i = 0; i < 30000; i++)
		ck_assert_int_eq(add_value(window, &bench, 0, 10 * i, 0, &result), WINDOW_QUIET);
	ck_assert_int_eq(add(window, &bench, 1, 200, &result), WINDOW_SPEAKS);
	window_free(window);
	bench_close(&bench);
}
END_TEST

/* Wherever in the flood it is, with the shortest time span and many references. */
START_TEST(a_flood_hides_no_second)
{
	struct correlation_result result;
	struct window *window = window_new();
	struct bench bench;

	bench_open(&bench, " {type: temporal, rules: [a, b, c, d, e, f, g, h], timespan: 1s}\n");
	for (int i = 0; i < 6000; i++)
		ck_assert_int_eq(add_value(window, &bench, 0, 50 * i, 0, &result), WINDOW_QUIET);
	for (unsigned int reference = 1; reference < 8; reference++)
		ck_assert_int_eq(add_value(window, &bench, reference, _i * 10000 + 500, 0, &result),
			reference < 7 ? WINDOW_QUIET : WINDOW_SPEAKS);
	window_free(window);
	bench_close(&bench);
}
END_TEST

/* References so many that their shares are small: what then is missing is said. */
START_TEST(a_flood_beyond_the_share_is_said)
{
	char text[512] = " {type: temporal, timespan: 1s, rules: [r0";
	struct correlation_result result;
	struct window *window = window_new();
	struct bench bench;
	bool full = false;

	for (int i = 1; i < 64; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ", r%d", i);
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "]}\n");
	bench_open(&bench, text);
	ck_assert_int_eq(bench.result, 0);
	for (int i = 0; i < 550; i++)
		(void)add_value(window, &bench, 0, 550 * i, 0, &result);
	for (int i = 0; i < 300; i++)
		full |= add_value(window, &bench, 1, 1000 * i + 500, 0, &result) == WINDOW_FULL;
	ck_assert(full);
	window_free(window);
	bench_close(&bench);
}
END_TEST

START_TEST(the_begin_of_a_story_outlasts_a_flood)
{
	unsigned char first[CORRELATE_ID] = { 0 };
	struct correlation_result result;
	struct window *window = window_new();
	struct bench bench;
	bool named = false;

	bench_open(&bench, " {type: temporal_ordered, rules: [a, b, c], timespan: 1h}\n");
	ck_assert_int_eq(add(window, &bench, 0, 0, &result), WINDOW_QUIET);
	memcpy(first, &last_id, sizeof(last_id));
	ck_assert_int_eq(add(window, &bench, 1, 1, &result), WINDOW_QUIET);
	for (int i = 0; i < 3000; i++)
		ck_assert_int_eq(add(window, &bench, (unsigned int)i % 2, 3 + i / 20, &result),
			WINDOW_QUIET);
	ck_assert_int_eq(add(window, &bench, 2, 2, &result), WINDOW_SPEAKS);
	ck_assert_uint_eq(result.count, 3);
	for (uint32_t i = 0; i < result.related_count; i++)
		named = named || memcmp(result.related[i], first, CORRELATE_ID) == 0;
	ck_assert(named);
	window_free(window);
	bench_close(&bench);
}
END_TEST

/* Each reference is named, however many events of the others there were. */
START_TEST(an_alert_names_events_of_each_rule)
{
	unsigned char first[CORRELATE_ID] = { 0 };
	struct correlation_result result;
	struct window *window = window_new();
	struct bench bench;
	bool named = false;

	bench_open(&bench, " {type: temporal, rules: [a, b, c], timespan: 1h}\n");
	ck_assert_int_eq(add(window, &bench, 0, 0, &result), WINDOW_QUIET);
	memcpy(first, &last_id, sizeof(last_id));
	for (int i = 1; i < 100; i++)
		ck_assert_int_eq(add(window, &bench, 1, i, &result), WINDOW_QUIET);
	ck_assert_int_eq(add(window, &bench, 2, 100, &result), WINDOW_SPEAKS);
	ck_assert_uint_eq(result.count, 101);
	for (uint32_t i = 0; i < result.related_count; i++)
		named = named || memcmp(result.related[i], first, CORRELATE_ID) == 0;
	ck_assert(named);
	window_free(window);
	bench_close(&bench);
}
END_TEST

/* Windows that get more events than they have entries: `events` of them, one each second, `values`
 * different numbers from 1 on.  What comes of the last, and when time is over. */
static const struct {
	const char *name, *correlation;
	int events, values;
	enum window_answer last, closing;
	double value;
} flood_rows[] = {
	{ "no more than are there",
		" {type: event_count, rules: [a], timespan: 1d, condition: {lte: 60000}}\n", 60000,
		1, WINDOW_QUIET, WINDOW_SPEAKS, 60000 },
	{ "more than are asked for",
		" {type: event_count, rules: [a], timespan: 1d, condition: {lte: 20000}}\n", 60000,
		1, WINDOW_QUIET, WINDOW_QUIET, 0 },
	{ "a sum of many",
		" {type: value_sum, rules: [a], timespan: 1d, condition: {field: User, gte: "
		"60000}}\n",
		60000, 1, WINDOW_SPEAKS, WINDOW_QUIET, 60000 },
	{ "a sum that waits",
		" {type: value_sum, rules: [a], timespan: 1d, condition: {field: User, lte: "
		"60000}}\n",
		60000, 1, WINDOW_QUIET, WINDOW_SPEAKS, 60000 },
	{ "an average of many",
		" {type: value_avg, rules: [a], timespan: 1d, condition: {field: User, gte: 1}}\n",
		60000, 3, WINDOW_QUIET, WINDOW_SPEAKS, 2 },
	{ "one value of many",
		" {type: value_count, rules: [a], timespan: 1d, condition: {field: User, lte: "
		"1}}\n",
		60000, 1, WINDOW_QUIET, WINDOW_SPEAKS, 1 },
	{ "more values than can be known",
		" {type: value_count, rules: [a], timespan: 1d, condition: {field: User, lte: "
		"25000}}\n",
		30000, 30000, WINDOW_FULL, WINDOW_FULL, 0 },
	{ "a median of more than can be known",
		" {type: value_median, rules: [a], timespan: 1d, condition: {field: User, gte: "
		"1}}\n",
		30000, 2, WINDOW_FULL, WINDOW_FULL, 0 },
};

/* What comes again is not counted again, in a flood either: all events twice, the second time in
 * the same order. */
static const struct {
	const char *name, *correlation;
	int events;
	enum window_answer again;   /* of the first that comes again */
	enum window_answer closing; /* and when time is over */
} again_rows[] = {
	{ "a sum that is not reached",
		" {type: value_sum, rules: [a], timespan: 1d, condition: {field: User, gte: "
		"4000}}\n",
		3000, WINDOW_KNOWN, WINDOW_QUIET },
	{ "a count that is right",
		" {type: event_count, rules: [a], timespan: 1d, condition: {gte: 2900, lte: "
		"3100}}\n",
		3000, WINDOW_KNOWN, WINDOW_SPEAKS },
	{ "a count of more than are known",
		" {type: event_count, rules: [a], timespan: 1d, condition: {lte: 25000}}\n", 30000,
		WINDOW_FULL, WINDOW_FULL },
	{ "values, which are what they were",
		" {type: value_count, rules: [a], timespan: 1d, condition: {field: User, lte: "
		"1}}\n",
		30000, WINDOW_QUIET, WINDOW_SPEAKS },
};

START_TEST(what_comes_again_is_not_counted_again)
{
	struct correlation_result result;
	struct window *window = window_new();
	struct bench bench;

	bench_open(&bench, again_rows[_i].correlation);
	for (int again = 0; again < 2; again++) {
		last_id = 0;
		for (int i = 0; i < again_rows[_i].events; i++) {
			enum window_answer answer =
				add_value(window, &bench, 0, 1000 * (int64_t)i, 1, &result);

			ck_assert_msg(
				answer != WINDOW_SPEAKS &&
					(i != 0 || again == 0 || answer == again_rows[_i].again),
				"%s: %d: %d", again_rows[_i].name, i, answer);
		}
	}
	ck_assert_uint_le(window_size(window), WINDOW_SIZE_MAX);
	if (correlation_waits(&bench.rule.correlation))
		ck_assert_int_eq(window_close(window, &bench.rule.correlation, START, &result),
			again_rows[_i].closing);
	window_free(window);
	bench_close(&bench);
}
END_TEST

START_TEST(a_flood_is_counted_or_nothing_is_said)
{
	enum window_answer answer = WINDOW_QUIET;
	struct correlation_result result = { 0 };
	struct window *window = window_new();
	struct bench bench;

	bench_open(&bench, flood_rows[_i].correlation);
	for (int i = 0; i < flood_rows[_i].events; i++) {
		ck_assert_msg(answer != WINDOW_SPEAKS, "%s: speaks at %d", flood_rows[_i].name, i);
		answer = add_value(window, &bench, 0, 1000 * (int64_t)i,
			1 + i % flood_rows[_i].values, &result);
	}
	ck_assert_msg(answer == flood_rows[_i].last, "%s: %d", flood_rows[_i].name, answer);
	ck_assert_uint_le(window_size(window), WINDOW_SIZE_MAX);
	answer = window_close(window, &bench.rule.correlation, START, &result);
	ck_assert_msg(answer == flood_rows[_i].closing, "%s: %d", flood_rows[_i].name, answer);
	ck_assert_msg(fabs(result.value - flood_rows[_i].value) < 1e-9, "%s: %f",
		flood_rows[_i].name, result.value);
	if (answer == WINDOW_SPEAKS)
		ck_assert_uint_eq(result.count, (uint32_t)flood_rows[_i].events);
	window_free(window);
	bench_close(&bench);
}
END_TEST

/* A flood makes unknown what it is in, and nothing before it. */
START_TEST(a_flood_leaves_what_was_before_it)
{
	struct correlation_result result;
	struct window *window = window_new();
	struct bench bench;

	bench_open(&bench, " {type: value_median, rules: [a], timespan: 1m, condition: {field: "
			   "User, gte: 5}}\n");
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(add_value(window, &bench, 0, i, 7, &result), WINDOW_QUIET);
	for (int i = 0; i < 21000; i++)
		ck_assert_int_eq(add_value(window, &bench, 0, 100000 + i, 7, &result),
			i < CORRELATE_ENTRIES_MAX - 3 ? WINDOW_QUIET : WINDOW_FULL);
	ck_assert_int_eq(
		window_close(window, &bench.rule.correlation, START, &result), WINDOW_SPEAKS);
	ck_assert_uint_eq(result.count, 3);
	ck_assert_int_eq(
		window_close(window, &bench.rule.correlation, START, &result), WINDOW_FULL);
	window_free(window);
	bench_close(&bench);
}
END_TEST

/* What was frequent is not rare for being forgotten. */
START_TEST(a_share_of_what_is_forgotten_is_not_known)
{
	struct correlation_result result;
	struct window *window = window_new();
	struct bench bench;

	bench_open(&bench, " {type: value_percentile, rules: [a], timespan: 1d, condition: {field: "
			   "User, lte: 10}}\n");
	for (int i = 0; i < 10000; i++)
		(void)add_value(window, &bench, 0, i, 1, &result);
	for (int i = 0; i < 20000; i++)
		(void)add_value(window, &bench, 0, 20000 + i, 2, &result);
	ck_assert_int_eq(add_value(window, &bench, 0, 50000, 1, &result), WINDOW_FULL);
	window_free(window);
	bench_close(&bench);
}
END_TEST

START_TEST(the_largest_count_is_reached)
{
	struct correlation_result result;
	struct window *window = window_new();
	struct bench bench;

	bench_open(&bench,
		" {type: event_count, rules: [a], timespan: 1d, condition: {gte: 10000}}\n");
	for (int i = 0; i < 9999; i++)
		ck_assert_int_eq(add(window, &bench, 0, i, &result), WINDOW_QUIET);
	ck_assert_int_eq(add(window, &bench, 0, 10000, &result), WINDOW_SPEAKS);
	ck_assert_uint_eq(result.count, 10000);
	ck_assert_uint_eq(result.related_count, CORRELATE_RELATED_MAX);
	ck_assert_int_eq(result.first, START);
	ck_assert_int_eq(result.last, START + 10000 * SECOND);
	window_free(window);
	bench_close(&bench);
}
END_TEST

/* A key tells correlations and groups apart, and groups are the same in any letter case. */
START_TEST(keys_tell_groups_apart)
{
	char first[CORRELATE_KEY_MAX], second[CORRELATE_KEY_MAX], longer[CORRELATE_KEY_MAX];
	char text[1000];
	struct slice a = { first, 0 }, b = { second, 0 };
	const struct correlation *correlation;
	struct wevent event;
	struct bench bench;

	bench_open(&bench, " {type: temporal, rules: [a, b], timespan: 5m, group-by: [User, who],"
			   " aliases: {who: {a: Image, b: ParentImage}}}\n");
	ck_assert_int_eq(bench.result, 0);
	correlation = &bench.rule.correlation;
	wevent_clear(&event);
	event.f[F_User] = SLICE("Anna");
	ck_assert_uint_eq(correlation_key(correlation, "id", 0, &event, first), 0);
	event.f[F_Image] = SLICE("-");
	ck_assert_uint_eq(correlation_key(correlation, "id", 0, &event, first), 0);
	event.f[F_Image] = SLICE("X.exe");
	a.len = correlation_key(correlation, "id", 0, &event, first);
	event.f[F_Image] = SLICE("other");
	event.f[F_ParentImage] = SLICE("x.EXE");
	event.f[F_User] = SLICE("ANNA");
	b.len = correlation_key(correlation, "id", 1, &event, second);
	ck_assert(slice_equal(a, b));
	ck_assert(slice_equal(correlation_group(a, 0), SLICE("anna")));
	ck_assert(slice_equal(correlation_group(a, 1), SLICE("x.exe")));
	ck_assert(correlation_group(a, 2).ptr == NULL);
	ck_assert(correlation_owns(correlation, "id", a));
	ck_assert(!correlation_owns(correlation, "other", a));
	b.len = correlation_key(correlation, "other", 1, &event, second);
	ck_assert(!slice_equal(a, b));
	memset(text, 'x', sizeof(text));
	event.f[F_User] = (struct slice){ text, sizeof(text) };
	b.len = correlation_key(correlation, "id", 1, &event, second);
	text[sizeof(text) - 1] = 'y';
	a.len = correlation_key(correlation, "id", 1, &event, longer);
	a.ptr = longer;
	ck_assert(!slice_equal(a, b));
	ck_assert_uint_lt(a.len, 400);
	bench_close(&bench);
}
END_TEST

/* A window that waits keeps its last event for the alert, cut where it is too long. */
START_TEST(a_window_that_waits_keeps_its_event)
{
	struct correlation_result result;
	struct window *window = window_new();
	char text[9000];
	struct wevent event, kept;
	const struct window_match match = { .event = &event, .time = START, .received = START };
	struct bench bench;

	bench_open(&bench, " {type: event_count, rules: [a], timespan: 5m, condition: {lte: 5}}\n");
	ck_assert(!window_event(window, &kept));
	wevent_clear(&event);
	memset(text, 'x', sizeof(text));
	event.f[F_Image] = SLICE("C:\\cmd.exe");
	event.f[F_User] = SLICE("");
	event.f[F_CommandLine] = (struct slice){ text, sizeof(text) };
	event.host = SLICE("web01");
	event.event_id = 1;
	event.time = START;
	ck_assert_int_eq(
		window_add(window, &bench.rule.correlation, &match, &result), WINDOW_QUIET);
	ck_assert_int_eq(
		window_close(window, &bench.rule.correlation, START, &result), WINDOW_SPEAKS);
	ck_assert(window_event(window, &kept));
	ck_assert(slice_equal(kept.f[F_Image], event.f[F_Image]));
	ck_assert(kept.f[F_User].ptr != NULL && kept.f[F_User].len == 0);
	ck_assert(kept.f[F_Company].ptr == NULL);
	ck_assert_uint_lt(kept.f[F_CommandLine].len, KEPT_EVENT_MAX);
	ck_assert_int_eq(kept.event_id, 1);
	ck_assert_int_eq(kept.time, START);
	window_free(window);
	bench_close(&bench);
}
END_TEST

/* The event of an alert is one of those that came together, not the one that closed the window. */
START_TEST(a_window_speaks_with_an_event_of_its_own)
{
	struct correlation_result result;
	struct window *window = window_new();
	struct wevent kept;
	struct bench bench;

	bench_open(&bench, " {type: event_count, rules: [a], timespan: 1m, condition: {lte: 5}}\n");
	ck_assert_int_eq(add_value(window, &bench, 0, 0, 1, &result), WINDOW_QUIET);
	ck_assert_int_eq(add_value(window, &bench, 0, 60000, 3, &result), WINDOW_QUIET);
	ck_assert_int_eq(add_value(window, &bench, 0, 30000, 2, &result), WINDOW_QUIET);
	ck_assert_int_eq(add_value(window, &bench, 0, 61000, 4, &result), WINDOW_QUIET);
	ck_assert_int_eq(add_value(window, &bench, 0, 361000, 5, &result), WINDOW_SPEAKS);
	ck_assert(window_event(window, &kept));
	ck_assert(slice_equal(kept.f[F_User], SLICE("3")));
	ck_assert_int_eq(
		window_close(window, &bench.rule.correlation, START, &result), WINDOW_SPEAKS);
	ck_assert(window_event(window, &kept));
	ck_assert(slice_equal(kept.f[F_User], SLICE("4")));
	window_free(window);
	bench_close(&bench);
}
END_TEST

/* What belongs to a span that is closed opens no new one, as long as the window is there. */
START_TEST(what_is_closed_stays_closed)
{
	struct correlation_result result;
	struct window *window = window_new();
	const struct correlation *correlation;
	struct bench bench;

	bench_open(
		&bench, " {type: event_count, rules: [a], timespan: 10s, condition: {lte: 3}}\n");
	correlation = &bench.rule.correlation;
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(add(window, &bench, 0, i, &result), WINDOW_QUIET);
	ck_assert_int_eq(window_close(window, correlation, START, &result), WINDOW_QUIET);
	ck_assert_int_eq(
		window_deadline(window), START + correlation->timespan + CORRELATE_LATENESS);
	last_id -= 3;
	ck_assert_int_eq(add(window, &bench, 0, 1, &result), WINDOW_LATE);
	ck_assert_int_eq(window_close(window, correlation, START, &result), WINDOW_QUIET);
	ck_assert_int_eq(window_deadline(window), INT64_MIN);
	window_free(window);
	bench_close(&bench);
}
END_TEST

/* Few events of many, whatever their order. */
START_TEST(a_window_keeps_few_events)
{
	struct correlation_result result;
	struct window *window = window_new();
	struct wevent kept;
	struct bench bench;

	bench_open(&bench, " {type: event_count, rules: [a], timespan: 1m, condition: {lte: 5}}\n");
	for (int i = 0; i < 3600; i++)
		(void)add(window, &bench, 0, i * 7 % 360, &result);
	ck_assert_uint_lt(window_size(window), 256 * 1024);
	for (int64_t deadline = 0; (deadline = window_deadline(window)) != INT64_MIN;) {
		(void)window_close(window, &bench.rule.correlation, deadline, &result);
		ck_assert(window_event(window, &kept) || window_deadline(window) == INT64_MIN);
	}
	window_free(window);
	bench_close(&bench);
}
END_TEST

START_TEST(a_result_is_lowered_when_all_its_events_are)
{
	struct correlation_result result;
	struct window *window = window_new();
	struct bench bench;
	struct wevent event;
	struct window_match match = { .event = &event, .lowered = true };

	bench_open(&bench, " {type: event_count, rules: [a], timespan: 1m, condition: {gte: 2}}\n");
	wevent_clear(&event);
	for (int i = 0; i < 4; i++) {
		match.id[0] = (unsigned char)i;
		match.lowered = i < 3;
		ck_assert_int_eq(window_add(window, &bench.rule.correlation, &match, &result),
			i % 2 == 0 ? WINDOW_QUIET : WINDOW_SPEAKS);
		ck_assert(i % 2 == 0 || result.lowered == (i == 1));
	}
	window_free(window);
	bench_close(&bench);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("correlate");
	TCase *tcase = tcase_create("correlate");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, refuses_with_a_place, 0, ROWS(refused_rows));
	tcase_add_loop_test(tcase, tells_all_faults_and_no_others, 0, ROWS(fault_rows));
	tcase_add_loop_test(tcase, counts_what_comes_together, 0, ROWS(window_rows));
	tcase_add_loop_test(tcase, agrees_with_plain_counting, 0, ROWS(plain_rows));
	tcase_add_loop_test(tcase, closes_like_plain_counting, 0, ROWS(waiting_rows));
	tcase_add_test(tcase, a_flood_pushes_nothing_out);
	tcase_add_test(tcase, a_late_event_finds_its_place_in_a_flood);
	tcase_add_loop_test(tcase, a_flood_hides_no_second, 0, 30);
	tcase_add_test(tcase, a_flood_beyond_the_share_is_said);
	tcase_add_test(tcase, the_begin_of_a_story_outlasts_a_flood);
	tcase_add_test(tcase, an_alert_names_events_of_each_rule);
	tcase_add_loop_test(tcase, a_flood_is_counted_or_nothing_is_said, 0, ROWS(flood_rows));
	tcase_add_loop_test(tcase, what_comes_again_is_not_counted_again, 0, ROWS(again_rows));
	tcase_add_test(tcase, a_flood_leaves_what_was_before_it);
	tcase_add_test(tcase, a_share_of_what_is_forgotten_is_not_known);
	tcase_add_test(tcase, a_window_speaks_with_an_event_of_its_own);
	tcase_add_test(tcase, what_is_closed_stays_closed);
	tcase_add_test(tcase, a_window_keeps_few_events);
	tcase_add_test(tcase, a_result_is_lowered_when_all_its_events_are);
	tcase_add_test(tcase, the_largest_count_is_reached);
	tcase_add_test(tcase, keys_tell_groups_apart);
	tcase_add_test(tcase, a_window_that_waits_keeps_its_event);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
