#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

/* Counters.  A worker writes its own without a lock (one writer: relaxed load and store); readers
 * sum them.  Peers and rules are tables with a bound, under a mutex that is taken once a connection
 * or an alert, never once an event.  Rendered by report.c.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "daemon/conf.h"
#include "parsers/reason.h"
#include "parsers/wevent.h"

#define METRICS_PEERS_MAX 4096  /* further peers are counted together as "other" */
#define METRICS_RULES_MAX 65536 /* further rules likewise */

typedef _Atomic uint64_t counter;

static inline void
counter_add(counter *c, uint64_t n)
{
	/* One writer, so no read-modify-write is needed; a reader sees an old or a new value, never
	 * a torn one. */
	atomic_store_explicit(
		c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

/* clang-format off */
#define INPUT_COUNTERS(X) \
	X(connections, "connections accepted") \
	X(datagrams, "datagrams received") \
	X(bytes, "bytes received") \
	X(messages, "messages cut from the stream") \
	X(events, "records that became events") \
	X(refused, "messages refused") \
	X(repaired, "records with invalid UTF-8, lone surrogates or raw control characters, repaired") \
	X(partial, "records cut by their sender, used in part") \
	X(duplicate_keys, "JSON keys that came twice") \
	X(trailing, "messages with text behind their last record, which is not looked at") \
	X(alerts, "alerts raised") X(kernel_drops, "datagrams dropped by the kernel (SO_RXQ_OVFL)")

struct input_metrics {
#define X(name, help) counter name;
	INPUT_COUNTERS(X)
#undef X
};
/* clang-format on */

/* Of one worker. */
struct worker_metrics {
	struct input_metrics inputs[CONF_INPUTS_MAX];
	counter reasons[REASON_MAX];
	counter layouts[LAYOUT_MAX];
	counter progress; /* loop turns, for the watchdog */
};

struct peer_metrics { /* several writers: atomic_fetch_add */
	_Atomic uint64_t messages, bytes, refused, alerts, connections;
	_Atomic int64_t last_seen;
	char address[64];
};

/* One value for each of these, whoever counts them. */
/* clang-format off */
#define DAEMON_COUNTERS(X) \
	X(connections_refused, "connections refused at a limit") \
	X(accept_errors, "accept(2) failed (no descriptors)") \
	X(idle_closed, "connections closed at limits.idle") \
	X(parked, "connections not read at 80 % of limits.memory") \
	X(dead_letters, "dead letters written") X(dead_letters_lost, "dead letters lost") \
	X(journal_entries, "alerts appended to the journal") \
	X(alerts_unsent, "alerts that an output had not sent when it was removed or stopped") \
	X(reloads, "reloads done") \
	X(reload_failures, "reloads refused") \
	X(hosts_evicted, "hosts forgotten at hosts.max") \
	X(windows_evicted, "windows of correlations forgotten at limits.correlations") \
	X(correlation_late, "matches that came too late for a correlation") \
	X(correlation_no_value, "matches without the value that a correlation counts") \
	X(correlation_known, "matches of events that a correlation has counted already") \
	X(correlation_full, "matches and answers for which a window of a correlation was too full")
/* clang-format on */

struct metrics;
struct metrics *metrics_new(unsigned workers);
void metrics_free(struct metrics *);
struct worker_metrics *metrics_worker(struct metrics *, unsigned index);

/* Borrowed for ever; never NULL ("other" at the bound or without memory). */
struct peer_metrics *metrics_peer(struct metrics *, const char *address);
void metrics_rule(struct metrics *, const char *rule_id, const char *title, uint64_t alerts);
/* Matches that a filter took away or lowered; 0 for one that is in force and has done nothing. */
void metrics_filter(struct metrics *, const char *filter_id, const char *title, uint64_t matches);

/* clang-format off */
enum daemon_counter {
#define X(name, help) DAEMON_##name,
	DAEMON_COUNTERS(X)
#undef X
	DAEMON_COUNTER_MAX
};
/* clang-format on */
void metrics_count(struct metrics *, enum daemon_counter, uint64_t n); /* atomic add */
uint64_t metrics_total(const struct metrics *, enum daemon_counter);

/* Sum of all workers' progress, each by itself: has every worker moved since the last call?
 * (watchdog; one caller) */
bool metrics_progressed(struct metrics *);

/* What only others know, given when a report is rendered. */
struct metrics_view {
	int64_t now, started; /* microseconds */
	size_t workers;
	size_t input_count; /* slots of worker_metrics.inputs in use, with their names */
	const char *const *input_names;
	size_t connections, hosts, windows, memory_used, memory_max, journal_used, journal_max;
	size_t rules, patterns, databases;
	int64_t rules_loaded;    /* when */
	const char *rules_fault; /* why the last reload was refused, or NULL */
	struct output_view {
		const char *name;
		const char *state; /* connected, connecting, waiting */
		uint64_t sent, bytes, dropped, errors, waiting, reconnects;
		char last_error[128];
	} * outputs;
	size_t output_count;
};

/* Called every few seconds, so that the status can say what was done in the last minute. */
#define METRICS_SAMPLE_SECONDS 5
void metrics_sample(struct metrics *, int64_t now);

/* clang-format off */
/* One input's counters, summed, in the order of INPUT_COUNTERS. */
enum input_counter {
#define X(name, help) INPUT_COUNTER_##name,
	INPUT_COUNTERS(X)
#undef X
	INPUT_COUNTER_MAX
};
/* clang-format on */

struct metrics_peer_total {
	const char *address;
	uint64_t messages, bytes, refused, alerts, connections;
	int64_t last_seen;
};

struct metrics_rule_total {
	const char *id; /* both belong to the table, for ever */
	const char *title;
	uint64_t count; /* alerts, or what a filter did */
};

struct metrics_totals {
	uint64_t inputs[CONF_INPUTS_MAX][INPUT_COUNTER_MAX];
	uint64_t all[INPUT_COUNTER_MAX];
	uint64_t reasons[REASON_MAX];
	uint64_t layouts[LAYOUT_MAX];
	uint64_t counters[DAEMON_COUNTER_MAX];
	struct metrics_peer_total *peers; /* most messages first */
	size_t peer_count;
	struct metrics_rule_total *rules; /* most alerts first */
	size_t rule_count;
	struct metrics_rule_total *filters; /* that did most first */
	size_t filter_count;
	double seconds; /* that the rates are of */
	double events_rate, alerts_rate, refused_rate;
};

/* The sums of this moment, for a report; NULL for no memory. */
struct metrics_totals *metrics_totals_new(struct metrics *, const struct metrics_view *);
void metrics_totals_free(struct metrics_totals *);

/* One line: what was done since the caller's last call (`since` begins as zeroes: since the start),
 * and what there is now. */
struct metrics_since {
	int64_t time;
	uint64_t events, alerts, refused;
};
void metrics_line(struct metrics *, const struct metrics_view *, struct metrics_since *since,
	char *text, size_t size);

#endif
