/* Counters: sums over workers, bounded tables, and three reports that readers of their kind can
 * read. */

#include <check.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#include "daemon/report.h"

#define NOW INT64_C(1772359200000000)

static const char *const input_names[] = { "tcp [::]:514", "a \"quoted\"\\ name\n" };

static struct output_view output = {
	.name = "siem",
	.state = "connected",
	.sent = 7,
	.bytes = 700,
	.dropped = 3,
	.errors = 2,
	.waiting = 5,
	.reconnects = 1,
	.last_error = "Connection refused",
};

static const struct metrics_view view = {
	.now = NOW + 60 * INT64_C(1000000),
	.started = NOW,
	.workers = 2,
	.input_names = input_names,
	.input_count = 2,
	.connections = 4,
	.hosts = 50,
	.memory_used = 1000,
	.memory_max = 2000,
	.rules = 4,
	.patterns = 64,
	.databases = 6,
	.rules_loaded = NOW,
	.rules_fault = "rules.yml:1:1: \"broken\"",
	.outputs = &output,
	.output_count = 1,
};

static struct metrics *
filled(void)
{
	struct metrics *metrics = metrics_new(2);

	for (unsigned worker = 0; worker < 2; worker++) {
		struct worker_metrics *counters = metrics_worker(metrics, worker);

		counter_add(&counters->inputs[0].events, 100 + worker);
		counter_add(&counters->inputs[1].alerts, 1);
		counter_add(&counters->reasons[REASON_JSON_SYNTAX], 2);
		counter_add(&counters->layouts[LAYOUT_NXLOG], 11);
	}
	metrics_peer(metrics, "192.0.2.3")->messages = 42;
	metrics_rule(metrics, "00e2d181", "A \"rule\"", 2);
	metrics_rule(metrics, "00e2d181", "A \"rule\"", 3);
	metrics_count(metrics, DAEMON_reloads, 2);
	return metrics;
}

static double
number_at(yajl_val tree, const char *first, const char *second)
{
	const char *path[] = { first, second, NULL };
	yajl_val value = yajl_tree_get(tree, path, yajl_t_number);

	ck_assert_msg(value != NULL, "no %s.%s", first, second == NULL ? "" : second);
	return YAJL_GET_DOUBLE(value);
}

static yajl_val
element(yajl_val tree, const char *list, size_t index)
{
	const char *path[] = { list, NULL };
	yajl_val value = yajl_tree_get(tree, path, yajl_t_array);

	ck_assert_ptr_nonnull(value);
	ck_assert_uint_lt(index, value->u.array.len);
	return value->u.array.values[index];
}

/* A minute at most, less when there was less, and nothing when the clock was set back. */
START_TEST(rates_are_of_the_last_minute)
{
	struct metrics *metrics = metrics_new(1);
	struct metrics_view now = view;
	static const struct {
		int after; /* seconds after the start */
		double seconds, rate;
	} rows[] = { { 1, 1, 10 }, { 7, 7, 10 }, { 60, 60, 10 }, { 62, 62, 10 }, { 300, 60, 10 },
		{ -5, 0, 0 } };

	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		struct metrics_totals *totals;
		int last = row == 0 ? 0 : rows[row - 1].after;

		for (int second = last + 1; second <= rows[row].after; second++) {
			counter_add(&metrics_worker(metrics, 0)->inputs[0].events, 10);
			if (second % METRICS_SAMPLE_SECONDS == 0)
				metrics_sample(metrics, view.started + second * INT64_C(1000000));
		}
		now.now = view.started + rows[row].after * INT64_C(1000000);
		totals = metrics_totals_new(metrics, &now);
		ck_assert_ptr_nonnull(totals);
		ck_assert_double_eq(totals->seconds, rows[row].seconds);
		ck_assert_double_eq(totals->events_rate, rows[row].rate);
		metrics_totals_free(totals);
	}
	metrics_free(metrics);
}
END_TEST

START_TEST(json_has_every_counter_summed)
{
	struct metrics *metrics = filled();
	char *text = report_json(metrics, &view), error[256];
	yajl_val tree = yajl_tree_parse(text, error, sizeof(error));
	const char *fault[] = { "ruleset", "fault", NULL };

	ck_assert_msg(tree != NULL, "%s", error);
	ck_assert_double_eq(number_at(element(tree, "inputs", 0), "events", NULL), 201);
	ck_assert_double_eq(number_at(element(tree, "inputs", 1), "alerts", NULL), 2);
	ck_assert_double_eq(number_at(tree, "totals", "events"), 201);
	ck_assert_double_eq(number_at(tree, "reasons", "json_syntax"), 4);
	ck_assert_double_eq(number_at(tree, "layouts", "nxlog"), 22);
	ck_assert_double_eq(number_at(tree, "counters", "reloads"), 2);
	ck_assert_double_eq(number_at(element(tree, "peers", 0), "messages", NULL), 42);
	ck_assert_double_eq(number_at(element(tree, "rules", 0), "alerts", NULL), 5);
	ck_assert_double_eq(number_at(element(tree, "outputs", 0), "dropped", NULL), 3);
	ck_assert_double_eq(number_at(tree, "hosts", NULL), 50);
	ck_assert_double_eq(number_at(tree, "uptime_seconds", NULL), 60);
	ck_assert_str_eq(
		YAJL_GET_STRING(yajl_tree_get(tree, fault, yajl_t_string)), view.rules_fault);
#define X(id, name, sentence) (void)number_at(tree, "reasons", name);
	REASONS(X)
#undef X
#define X(name, help) (void)number_at(tree, "counters", #name);
	DAEMON_COUNTERS(X)
#undef X
#define X(name, help) (void)number_at(tree, "totals", #name);
	INPUT_COUNTERS(X)
#undef X
	yajl_tree_free(tree);
	free(text);
	metrics_free(metrics);
}
END_TEST

/* The exposition format 0.0.4: each line is a comment of two kinds, or a name, labels and a number.
 */
START_TEST(prometheus_can_read_each_line)
{
	struct metrics *metrics = filled();
	char *text = report_prometheus(metrics, &view), *rest = text, *line;
	regex_t grammar;
	int lines = 0;

	ck_assert_int_eq(regcomp(&grammar,
				 "^(# (HELP|TYPE) [a-z0-9_]+ .+|[a-z][a-z0-9_]*"
				 "([{][a-z_]+=\"([^\"\\\\]|\\\\[\\\\\"n])*\"(,[a-z_]+=\"([^\"\\\\]|"
				 "\\\\[\\\\\"n])*\")*[}])?"
				 " -?[0-9.e+]+)$",
				 REG_EXTENDED | REG_NOSUB),
		0);
	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
		lines++;
		ck_assert_msg(regexec(&grammar, line, 0, NULL, 0) == 0, "'%s'", line);
	}
	ck_assert_int_gt(lines, 50);
	regfree(&grammar);
	free(text);
	metrics_free(metrics);
}
END_TEST

static const char *const prometheus_lines[] = {
	"t1505d_input_events_total{input=\"tcp [::]:514\"} 201\n",
	"t1505d_input_alerts_total{input=\"a \\\"quoted\\\"\\\\ name\\n\"} 2\n",
	"# TYPE t1505d_input_events_total counter\n",
	"t1505d_output_dropped_total{output=\"siem\"} 3\n",
};

START_TEST(prometheus_has_the_values)
{
	struct metrics *metrics = filled();
	char *text = report_prometheus(metrics, &view);

	ck_assert_msg(strstr(text, prometheus_lines[_i]) != NULL, "no line '%s' in\n%s",
		prometheus_lines[_i], text);
	free(text);
	metrics_free(metrics);
}
END_TEST

static const char *const words[] = { "201", "nxlog", "json_syntax", "00e2d181", "192.0.2.3", "siem",
	"Connection refused", "broken" };

START_TEST(the_text_shows_what_happened)
{
	struct metrics *metrics = filled();
	char *text = report_text(metrics, &view);

	ck_assert_msg(strstr(text, words[_i]) != NULL, "no '%s' in\n%s", words[_i], text);
	free(text);
	metrics_free(metrics);
}
END_TEST

START_TEST(peers_over_the_bound_are_counted_together)
{
	struct metrics *metrics = metrics_new(1);
	struct peer_metrics *first, *other;
	char address[32];

	first = metrics_peer(metrics, "10.0.0.0");
	for (int i = 1; i < METRICS_PEERS_MAX; i++) {
		(void)snprintf(address, sizeof(address), "10.0.%d.%d", i / 256, i % 256);
		ck_assert_ptr_ne(metrics_peer(metrics, address), first);
	}
	other = metrics_peer(metrics, "192.0.2.1");
	ck_assert_str_eq(other->address, "other");
	ck_assert_ptr_eq(metrics_peer(metrics, "192.0.2.2"), other);
	ck_assert_ptr_eq(metrics_peer(metrics, "10.0.0.0"), first);
	metrics_free(metrics);
}
END_TEST

START_TEST(progress_is_that_of_every_worker)
{
	struct metrics *metrics = metrics_new(2);

	counter_add(&metrics_worker(metrics, 0)->progress, 1);
	counter_add(&metrics_worker(metrics, 1)->progress, 1);
	ck_assert(metrics_progressed(metrics));
	counter_add(&metrics_worker(metrics, 0)->progress, 1);
	ck_assert(!metrics_progressed(metrics));
	counter_add(&metrics_worker(metrics, 0)->progress, 1);
	counter_add(&metrics_worker(metrics, 1)->progress, 1);
	ck_assert(metrics_progressed(metrics));
	metrics_free(metrics);
}
END_TEST

START_TEST(a_line_counts_since_the_last_one)
{
	struct metrics *metrics = filled();
	struct metrics_since since = { 0 };
	struct metrics_view later = view;
	char text[512];

	metrics_line(metrics, &view, &since, text, sizeof(text));
	ck_assert_msg(strncmp(text, "201 events (3.4/s), 2 alerts, ", 30) == 0, "%s", text);
	later.now += 10 * INT64_C(1000000);
	counter_add(&metrics_worker(metrics, 1)->inputs[0].events, 50);
	metrics_line(metrics, &later, &since, text, sizeof(text));
	ck_assert_msg(strncmp(text, "50 events (5.0/s), 0 alerts, ", 29) == 0, "%s", text);
	metrics_free(metrics);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tcase = tcase_create("metrics");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, rates_are_of_the_last_minute);
	tcase_add_test(tcase, json_has_every_counter_summed);
	tcase_add_test(tcase, prometheus_can_read_each_line);
	tcase_add_loop_test(tcase, prometheus_has_the_values, 0,
		sizeof(prometheus_lines) / sizeof(prometheus_lines[0]));
	tcase_add_loop_test(
		tcase, the_text_shows_what_happened, 0, sizeof(words) / sizeof(words[0]));
	tcase_add_test(tcase, peers_over_the_bound_are_counted_together);
	tcase_add_test(tcase, progress_is_that_of_every_worker);
	tcase_add_test(tcase, a_line_counts_since_the_last_one);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
