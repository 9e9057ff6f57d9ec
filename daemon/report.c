/* One set of sums as text for people, as JSON, and for Prometheus (exposition format 0.0.4).
 *
 * All three begin with metrics_totals_new(), so that they say the same. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "daemon/report.h"
#include "parsers/stamp.h"

#define TEXT_PEERS 20 /* shown in the human status */
#define SECOND INT64_C(1000000)

static const struct {
	const char *name;
	const char *help;
} input_counters[] = {
#define X(name, help) { #name, help },
	INPUT_COUNTERS(X)
#undef X
};

static const struct {
	const char *name;
	const char *help;
} daemon_counters[] = {
#define X(name, help) { #name, help },
	DAEMON_COUNTERS(X)
#undef X
};

/* "3d 4h", "12m 5s": the two largest units. */
static void
format_duration(int64_t usec, char *text, size_t size)
{
	int64_t seconds = usec < 0 ? 0 : usec / SECOND;

	if (seconds >= 86400)
		(void)snprintf(text, size, "%" PRId64 "d %" PRId64 "h", seconds / 86400,
			seconds / 3600 % 24);
	else if (seconds >= 3600)
		(void)snprintf(
			text, size, "%" PRId64 "h %" PRId64 "m", seconds / 3600, seconds / 60 % 60);
	else if (seconds >= 60)
		(void)snprintf(text, size, "%" PRId64 "m %" PRId64 "s", seconds / 60, seconds % 60);
	else
		(void)snprintf(text, size, "%" PRId64 "s", seconds);
}

static void
format_bytes(uint64_t bytes, char *text, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(text, size, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

static void
text_head(FILE *out, const struct metrics_totals *totals, const struct metrics_view *view)
{
	char uptime[32], used[32], max[32], loaded[32], waiting[32], journal[32];

	format_duration(view->now - view->started, uptime, sizeof(uptime));
	format_duration(view->now - view->rules_loaded, loaded, sizeof(loaded));
	format_bytes(view->memory_used, used, sizeof(used));
	format_bytes(view->memory_max, max, sizeof(max));
	format_bytes(view->journal_used, waiting, sizeof(waiting));
	format_bytes(view->journal_max, journal, sizeof(journal));
	fprintf(out, "t1505d %s, up %s, %zu workers\n\n", PACKAGE_VERSION, uptime, view->workers);
	fprintf(out, "  events       %" PRIu64 "  (%.1f/s in the last %.0f s)\n",
		totals->all[INPUT_COUNTER_events], totals->events_rate, totals->seconds);
	fprintf(out, "  alerts       %" PRIu64 "  (%.2f/s)\n", totals->all[INPUT_COUNTER_alerts],
		totals->alerts_rate);
	fprintf(out, "  refused      %" PRIu64 "  (%.2f/s)\n", totals->all[INPUT_COUNTER_refused],
		totals->refused_rate);
	fprintf(out, "  rules        %zu, of %zu patterns in %zu databases, loaded %s ago\n",
		view->rules, view->patterns, view->databases, loaded);
	if (view->rules_fault != NULL)
		fprintf(out, "               LAST RELOAD REFUSED: %s\n", view->rules_fault);
	fprintf(out, "  connections  %zu\n", view->connections);
	fprintf(out, "  hosts        %zu\n", view->hosts);
	fprintf(out, "  windows      %zu of correlations\n", view->windows);
	fprintf(out, "  input memory %s of %s\n", used, max);
	fprintf(out, "  journal      %s of %s\n", waiting, journal);
}

static void
text_inputs(FILE *out, const struct metrics_totals *totals, const struct metrics_view *view)
{
	fprintf(out, "\n%-28s %10s %12s %12s %10s %10s %10s\n", "INPUT", "CONNS", "MESSAGES",
		"EVENTS", "REFUSED", "ALERTS", "DROPS");
	for (size_t i = 0; i < view->input_count; i++) {
		const uint64_t *c = totals->inputs[i];

		fprintf(out,
			"%-28s %10" PRIu64 " %12" PRIu64 " %12" PRIu64 " %10" PRIu64 " %10" PRIu64
			" %10" PRIu64 "\n",
			view->input_names[i], c[INPUT_COUNTER_connections],
			c[INPUT_COUNTER_messages], c[INPUT_COUNTER_events],
			c[INPUT_COUNTER_refused], c[INPUT_COUNTER_alerts],
			c[INPUT_COUNTER_kernel_drops]);
	}
}

static void
text_peers(FILE *out, const struct metrics_totals *totals, const struct metrics_view *view)
{
	size_t shown = totals->peer_count < TEXT_PEERS ? totals->peer_count : TEXT_PEERS;

	if (shown == 0)
		return;
	fprintf(out, "\n%-40s %12s %10s %10s %10s %10s\n", "PEER", "MESSAGES", "BYTES", "REFUSED",
		"ALERTS", "LAST SEEN");
	for (size_t i = 0; i < shown; i++) {
		const struct metrics_peer_total *peer = &totals->peers[i];
		char bytes[32], seen[32] = "-";

		format_bytes(peer->bytes, bytes, sizeof(bytes));
		if (peer->last_seen != 0)
			format_duration(view->now - peer->last_seen, seen, sizeof(seen));
		fprintf(out, "%-40s %12" PRIu64 " %10s %10" PRIu64 " %10" PRIu64 " %10s\n",
			peer->address, peer->messages, bytes, peer->refused, peer->alerts, seen);
	}
	if (shown < totals->peer_count)
		fprintf(out, "and %zu more\n", totals->peer_count - shown);
}

static void
text_named(FILE *out, const char *head, const char *name, uint64_t value, const char *help,
	bool *begun)
{
	if (value == 0)
		return;
	if (!*begun)
		fprintf(out, "\n%-28s %12s\n", head, "COUNT");
	*begun = true;
	fprintf(out, "%-28s %12" PRIu64 "  %s\n", name, value, help);
}

static void
text_counters(FILE *out, const struct metrics_totals *totals)
{
	bool layouts = false, reasons = false, others = false;

	for (size_t i = 0; i < LAYOUT_MAX; i++)
		text_named(out, "LAYOUT", layout_name((enum layout)i), totals->layouts[i], "",
			&layouts);
	for (size_t i = 0; i < REASON_MAX; i++)
		text_named(out, "REASON", reason_name((enum reason)i), totals->reasons[i],
			reason_text((enum reason)i), &reasons);
	for (size_t i = INPUT_COUNTER_repaired; i <= INPUT_COUNTER_trailing; i++)
		text_named(out, "OTHER", input_counters[i].name, totals->all[i],
			input_counters[i].help, &others);
	for (size_t i = 0; i < DAEMON_COUNTER_MAX; i++)
		text_named(out, "OTHER", daemon_counters[i].name, totals->counters[i],
			daemon_counters[i].help, &others);
}

static void
text_rules(FILE *out, const char *what, const char *count, const struct metrics_rule_total *list,
	size_t list_count)
{
	if (list_count == 0)
		return;
	fprintf(out, "\n%-38s %10s  TITLE\n", what, count);
	for (size_t i = 0; i < list_count; i++)
		fprintf(out, "%-38s %10" PRIu64 "  %s\n", list[i].id, list[i].count, list[i].title);
}

static void
text_outputs(FILE *out, const struct metrics_view *view)
{
	if (view->output_count == 0)
		return;
	fprintf(out, "\n%-28s %-11s %10s %10s %10s %10s %10s\n", "OUTPUT", "STATE", "SENT",
		"WAITING", "DROPPED", "ERRORS", "RECONNECTS");
	for (size_t i = 0; i < view->output_count; i++) {
		const struct output_view *output = &view->outputs[i];

		fprintf(out,
			"%-28s %-11s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64
			" %10" PRIu64 "%s%s\n",
			output->name, output->state, output->sent, output->waiting, output->dropped,
			output->errors, output->reconnects,
			output->last_error[0] == '\0' ? "" : "  ", output->last_error);
	}
}

/* What a stream wrote into memory; NULL when anything of it failed. */
static char *
stream_text(FILE *out, char **text)
{
	bool failed = ferror(out) != 0;

	if (fclose(out) != 0 || failed) {
		free(*text);
		return NULL;
	}
	return *text;
}

char *
report_text(struct metrics *metrics, const struct metrics_view *view)
{
	struct metrics_totals *totals = metrics_totals_new(metrics, view);
	char *text = NULL;
	size_t size;
	FILE *out;

	if (totals == NULL)
		return NULL;
	out = open_memstream(&text, &size);
	if (out != NULL) {
		text_head(out, totals, view);
		text_inputs(out, totals, view);
		text_outputs(out, view);
		text_rules(out, "RULE", "ALERTS", totals->rules, totals->rule_count);
		text_rules(out, "FILTER", "FILTERED", totals->filters, totals->filter_count);
		text_peers(out, totals, view);
		text_counters(out, totals);
		text = stream_text(out, &text);
	}
	metrics_totals_free(totals);
	return text;
}

/* yajl's generator fails only for lack of memory, wrong use or a number that is none; the second is
 * ours and the first shows at the end, when there is no text: so results are not looked at. */

static void
json_string(yajl_gen gen, const char *text)
{
	(void)yajl_gen_string(gen, (const unsigned char *)text, strlen(text));
}

static void
json_number(yajl_gen gen, const char *key, uint64_t value)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%" PRIu64, value);

	json_string(gen, key);
	(void)yajl_gen_number(gen, text, (size_t)length);
}

static void
json_rate(yajl_gen gen, const char *key, double value)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%.3f", value);

	json_string(gen, key);
	(void)yajl_gen_number(gen, text, (size_t)length);
}

static void
json_text(yajl_gen gen, const char *key, const char *value)
{
	json_string(gen, key);
	if (value == NULL)
		(void)yajl_gen_null(gen);
	else
		json_string(gen, value);
}

static void
json_time(yajl_gen gen, const char *key, int64_t time)
{
	char text[STAMP_TEXT_MAX];

	text[time == 0 ? 0 : stamp_format(time, text)] = '\0';
	json_text(gen, key, time == 0 ? NULL : text);
}

static void
json_open(yajl_gen gen, const char *key, bool map)
{
	json_string(gen, key);
	if (map)
		(void)yajl_gen_map_open(gen);
	else
		(void)yajl_gen_array_open(gen);
}

static void
json_head(yajl_gen gen, const struct metrics_totals *totals, const struct metrics_view *view)
{
	json_text(gen, "version", PACKAGE_VERSION);
	json_time(gen, "time", view->now);
	json_time(gen, "started", view->started);
	json_number(gen, "uptime_seconds",
		view->now > view->started ? (uint64_t)((view->now - view->started) / SECOND) : 0);
	json_number(gen, "workers", view->workers);
	json_open(gen, "rates", true);
	json_rate(gen, "seconds", totals->seconds);
	json_rate(gen, "events_per_second", totals->events_rate);
	json_rate(gen, "alerts_per_second", totals->alerts_rate);
	json_rate(gen, "refused_per_second", totals->refused_rate);
	(void)yajl_gen_map_close(gen);
	json_open(gen, "totals", true);
	for (size_t i = 0; i < INPUT_COUNTER_MAX; i++)
		json_number(gen, input_counters[i].name, totals->all[i]);
	(void)yajl_gen_map_close(gen);
	json_number(gen, "connections", view->connections);
	json_number(gen, "hosts", view->hosts);
	json_number(gen, "windows", view->windows);
	json_open(gen, "memory", true);
	json_number(gen, "used", view->memory_used);
	json_number(gen, "max", view->memory_max);
	(void)yajl_gen_map_close(gen);
	json_open(gen, "journal", true);
	json_number(gen, "used", view->journal_used);
	json_number(gen, "max", view->journal_max);
	(void)yajl_gen_map_close(gen);
	json_open(gen, "ruleset", true);
	json_number(gen, "rules", view->rules);
	json_number(gen, "patterns", view->patterns);
	json_number(gen, "databases", view->databases);
	json_time(gen, "loaded", view->rules_loaded);
	json_text(gen, "fault", view->rules_fault);
	(void)yajl_gen_map_close(gen);
}

static void
json_counters(yajl_gen gen, const struct metrics_totals *totals, const struct metrics_view *view)
{
	json_open(gen, "inputs", false);
	for (size_t i = 0; i < view->input_count; i++) {
		(void)yajl_gen_map_open(gen);
		json_text(gen, "name", view->input_names[i]);
		for (size_t c = 0; c < INPUT_COUNTER_MAX; c++)
			json_number(gen, input_counters[c].name, totals->inputs[i][c]);
		(void)yajl_gen_map_close(gen);
	}
	(void)yajl_gen_array_close(gen);
	json_open(gen, "layouts", true);
	for (size_t i = 0; i < LAYOUT_MAX; i++)
		json_number(gen, layout_name((enum layout)i), totals->layouts[i]);
	(void)yajl_gen_map_close(gen);
	json_open(gen, "reasons", true);
	for (size_t i = 0; i < REASON_MAX; i++)
		json_number(gen, reason_name((enum reason)i), totals->reasons[i]);
	(void)yajl_gen_map_close(gen);
	json_open(gen, "counters", true);
	for (size_t i = 0; i < DAEMON_COUNTER_MAX; i++)
		json_number(gen, daemon_counters[i].name, totals->counters[i]);
	(void)yajl_gen_map_close(gen);
}

static void
json_rules(yajl_gen gen, const char *key, const char *count_key,
	const struct metrics_rule_total *list, size_t count)
{
	json_open(gen, key, false);
	for (size_t i = 0; i < count; i++) {
		(void)yajl_gen_map_open(gen);
		json_text(gen, "id", list[i].id);
		json_text(gen, "title", list[i].title);
		json_number(gen, count_key, list[i].count);
		(void)yajl_gen_map_close(gen);
	}
	(void)yajl_gen_array_close(gen);
}

static void
json_tables(yajl_gen gen, const struct metrics_totals *totals, const struct metrics_view *view)
{
	json_open(gen, "peers", false);
	for (size_t i = 0; i < totals->peer_count; i++) {
		const struct metrics_peer_total *peer = &totals->peers[i];

		(void)yajl_gen_map_open(gen);
		json_text(gen, "address", peer->address);
		json_number(gen, "messages", peer->messages);
		json_number(gen, "bytes", peer->bytes);
		json_number(gen, "refused", peer->refused);
		json_number(gen, "alerts", peer->alerts);
		json_number(gen, "connections", peer->connections);
		json_time(gen, "last_seen", peer->last_seen);
		(void)yajl_gen_map_close(gen);
	}
	(void)yajl_gen_array_close(gen);
	json_rules(gen, "rules", "alerts", totals->rules, totals->rule_count);
	json_rules(gen, "filters", "filtered", totals->filters, totals->filter_count);
	json_open(gen, "outputs", false);
	for (size_t i = 0; i < view->output_count; i++) {
		const struct output_view *output = &view->outputs[i];

		(void)yajl_gen_map_open(gen);
		json_text(gen, "name", output->name);
		json_text(gen, "state", output->state);
		json_number(gen, "sent", output->sent);
		json_number(gen, "bytes", output->bytes);
		json_number(gen, "waiting", output->waiting);
		json_number(gen, "dropped", output->dropped);
		json_number(gen, "errors", output->errors);
		json_number(gen, "reconnects", output->reconnects);
		json_text(gen, "last_error",
			output->last_error[0] == '\0' ? NULL : output->last_error);
		(void)yajl_gen_map_close(gen);
	}
	(void)yajl_gen_array_close(gen);
}

char *
report_json(struct metrics *metrics, const struct metrics_view *view)
{
	struct metrics_totals *totals = metrics_totals_new(metrics, view);
	yajl_gen gen = yajl_gen_alloc(NULL);
	const unsigned char *bytes;
	char *text = NULL;
	size_t length;

	if (totals != NULL && gen != NULL) {
		(void)yajl_gen_map_open(gen);
		json_head(gen, totals, view);
		json_counters(gen, totals, view);
		json_tables(gen, totals, view);
		(void)yajl_gen_map_close(gen);
		if (yajl_gen_get_buf(gen, &bytes, &length) == yajl_gen_status_ok)
			text = strndup((const char *)bytes, length);
	}
	if (gen != NULL)
		yajl_gen_free(gen);
	metrics_totals_free(totals);
	return text;
}

static void
prometheus_head(FILE *out, const char *name, const char *help, const char *type)
{
	fprintf(out, "# HELP t1505d_%s %s\n# TYPE t1505d_%s %s\n", name, help, name, type);
}

/* label="value" with the escapes of the exposition format. */
static void
prometheus_label(FILE *out, const char *label, const char *value)
{
	fprintf(out, "%s=\"", label);
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '\\' || *value == '"')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
	fputc('"', out);
}

static void
prometheus_value(
	FILE *out, const char *name, const char *label, const char *label_value, uint64_t value)
{
	fprintf(out, "t1505d_%s{", name);
	prometheus_label(out, label, label_value);
	fprintf(out, "} %" PRIu64 "\n", value);
}

static void
prometheus_gauge(FILE *out, const char *name, const char *help, double value)
{
	prometheus_head(out, name, help, "gauge");
	fprintf(out, "t1505d_%s %.17g\n", name, value);
}

static void
prometheus_gauges(FILE *out, const struct metrics_view *view)
{
	prometheus_head(out, "build_info", "the program's version, as a label", "gauge");
	prometheus_value(out, "build_info", "version", PACKAGE_VERSION, 1);
	prometheus_gauge(out, "start_time_seconds", "when the daemon started, Unix time",
		(double)view->started / 1e6);
	prometheus_gauge(out, "workers", "worker threads", (double)view->workers);
	prometheus_gauge(out, "connections", "connections open", (double)view->connections);
	prometheus_gauge(out, "hosts", "hosts remembered", (double)view->hosts);
	prometheus_gauge(
		out, "correlation_windows", "open windows of correlations", (double)view->windows);
	prometheus_gauge(
		out, "memory_used_bytes", "memory held by inputs", (double)view->memory_used);
	prometheus_gauge(out, "memory_max_bytes", "limits.memory", (double)view->memory_max);
	prometheus_gauge(out, "journal_used_bytes", "alerts that wait for outputs",
		(double)view->journal_used);
	prometheus_gauge(out, "journal_max_bytes", "journal.max_size", (double)view->journal_max);
	prometheus_gauge(out, "rules", "rules loaded", (double)view->rules);
	prometheus_gauge(out, "rule_patterns", "patterns of all rules", (double)view->patterns);
	prometheus_gauge(out, "rules_loaded_time_seconds", "when the rules were loaded, Unix time",
		(double)view->rules_loaded / 1e6);
	prometheus_gauge(out, "reload_refused", "1 when the last reload was refused",
		view->rules_fault != NULL);
}

static void
prometheus_counters(FILE *out, const struct metrics_totals *totals, const struct metrics_view *view)
{
	char name[64];

	for (size_t c = 0; c < INPUT_COUNTER_MAX; c++) {
		(void)snprintf(name, sizeof(name), "input_%s_total", input_counters[c].name);
		prometheus_head(out, name, input_counters[c].help, "counter");
		for (size_t i = 0; i < view->input_count; i++)
			prometheus_value(
				out, name, "input", view->input_names[i], totals->inputs[i][c]);
	}
	prometheus_head(out, "layout_records_total", "records by their layout", "counter");
	for (size_t i = 0; i < LAYOUT_MAX; i++)
		prometheus_value(out, "layout_records_total", "layout", layout_name((enum layout)i),
			totals->layouts[i]);
	prometheus_head(out, "refused_total", "messages and records refused or damaged, by reason",
		"counter");
	for (size_t i = 0; i < REASON_MAX; i++)
		prometheus_value(out, "refused_total", "reason", reason_name((enum reason)i),
			totals->reasons[i]);
	for (size_t i = 0; i < DAEMON_COUNTER_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%s_total", daemon_counters[i].name);
		prometheus_head(out, name, daemon_counters[i].help, "counter");
		fprintf(out, "t1505d_%s %" PRIu64 "\n", name, totals->counters[i]);
	}
}

static void
prometheus_peers(FILE *out, const struct metrics_totals *totals)
{
	static const struct {
		const char *name;
		const char *help;
		size_t offset;
	} columns[] = {
		{ "peer_messages_total", "messages by peer",
			offsetof(struct metrics_peer_total, messages) },
		{ "peer_bytes_total", "bytes by peer", offsetof(struct metrics_peer_total, bytes) },
		{ "peer_refused_total", "messages refused by peer",
			offsetof(struct metrics_peer_total, refused) },
		{ "peer_alerts_total", "alerts by peer",
			offsetof(struct metrics_peer_total, alerts) },
		{ "peer_connections_total", "connections by peer",
			offsetof(struct metrics_peer_total, connections) },
	};

	for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++) {
		prometheus_head(out, columns[c].name, columns[c].help, "counter");
		for (size_t i = 0; i < totals->peer_count; i++) {
			uint64_t value;

			memcpy(&value, (const char *)&totals->peers[i] + columns[c].offset,
				sizeof(value));
			prometheus_value(
				out, columns[c].name, "peer", totals->peers[i].address, value);
		}
	}
}

static void
prometheus_rules(FILE *out, const char *name, const char *help, const char *label,
	const struct metrics_rule_total *list, size_t count)
{
	prometheus_head(out, name, help, "counter");
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "t1505d_%s{", name);
		prometheus_label(out, label, list[i].id);
		fputc(',', out);
		prometheus_label(out, "title", list[i].title);
		fprintf(out, "} %" PRIu64 "\n", list[i].count);
	}
}

static void
prometheus_outputs(FILE *out, const struct metrics_view *view)
{
	static const struct {
		const char *name;
		const char *help;
		const char *type;
		size_t offset;
	} columns[] = {
		{ "output_sent_total", "alerts sent", "counter",
			offsetof(struct output_view, sent) },
		{ "output_bytes_total", "bytes sent", "counter",
			offsetof(struct output_view, bytes) },
		{ "output_dropped_total", "alerts dropped at the journal's bound", "counter",
			offsetof(struct output_view, dropped) },
		{ "output_errors_total", "failures to connect or write", "counter",
			offsetof(struct output_view, errors) },
		{ "output_reconnects_total", "connections made again", "counter",
			offsetof(struct output_view, reconnects) },
		{ "output_waiting", "alerts that wait", "gauge",
			offsetof(struct output_view, waiting) },
	};

	for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++) {
		prometheus_head(out, columns[c].name, columns[c].help, columns[c].type);
		for (size_t i = 0; i < view->output_count; i++) {
			uint64_t value;

			memcpy(&value, (const char *)&view->outputs[i] + columns[c].offset,
				sizeof(value));
			prometheus_value(
				out, columns[c].name, "output", view->outputs[i].name, value);
		}
	}
	prometheus_head(out, "output_connected", "1 when the output is connected", "gauge");
	for (size_t i = 0; i < view->output_count; i++)
		prometheus_value(out, "output_connected", "output", view->outputs[i].name,
			strcmp(view->outputs[i].state, "connected") == 0);
}

char *
report_prometheus(struct metrics *metrics, const struct metrics_view *view)
{
	struct metrics_totals *totals = metrics_totals_new(metrics, view);
	char *text = NULL;
	size_t size;
	FILE *out;

	if (totals == NULL)
		return NULL;
	out = open_memstream(&text, &size);
	if (out != NULL) {
		prometheus_gauges(out, view);
		prometheus_counters(out, totals, view);
		prometheus_peers(out, totals);
		prometheus_rules(out, "rule_alerts_total", "alerts by rule", "rule", totals->rules,
			totals->rule_count);
		prometheus_rules(out, "filtered_total",
			"matches that a filter took away or lowered", "filter", totals->filters,
			totals->filter_count);
		prometheus_outputs(out, view);
		text = stream_text(out, &text);
	}
	metrics_totals_free(totals);
	return text;
}
