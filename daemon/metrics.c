/* Counters, and their three renderings.
 *
 * A report first sums what the workers count into a struct metrics_totals, so that all three
 * renderings say the same; the tables of peers and rules are copied out under their mutex and
 * sorted outside of it.  Peers and rules are never removed: a pointer that was handed out stays
 * good, and a scrape never sees a counter go back. */

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/hash.h"
#include "daemon/metrics.h"

#define CACHE_LINE 64
#define SAMPLES (60 / METRICS_SAMPLE_SECONDS + 1)

struct peer {
	struct peer_metrics metrics; /* first: what is handed out */
	UT_hash_handle hh;
};

/* Of a rule or a filter. */
struct rule_metrics {
	UT_hash_handle hh;
	uint64_t count;
	char *title;
	char id[];
};

struct rule_table {
	struct rule_metrics *list;
	uint64_t others; /* of those that found no room */
};

struct sample {
	int64_t time;
	uint64_t events, alerts, refused;
};

struct metrics {
	unsigned worker_count;
	char *workers; /* at intervals of worker_size() */
	_Atomic uint64_t counters[DAEMON_COUNTER_MAX];
	uint64_t *progress; /* as last seen by metrics_progressed() */

	pthread_mutex_t lock;
	struct peer *peers;
	struct peer_metrics other_peers;
	struct rule_table rules, filters;
	struct sample samples[SAMPLES]; /* a ring; time 0 is none */
	size_t next_sample;
};

/* Where each counter lies. */
static const size_t input_counters[] = {
#define X(name, help) offsetof(struct input_metrics, name),
	INPUT_COUNTERS(X)
#undef X
};

/* Each worker's counters have cache lines of their own. */
static size_t
worker_size(void)
{
	return (sizeof(struct worker_metrics) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

struct metrics *
metrics_new(unsigned workers)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	if (metrics == NULL)
		return NULL;
	metrics->worker_count = workers;
	metrics->workers = aligned_alloc(CACHE_LINE, workers * worker_size());
	metrics->progress = calloc(workers, sizeof(*metrics->progress));
	if (metrics->workers == NULL || metrics->progress == NULL ||
		pthread_mutex_init(&metrics->lock, NULL) != 0) {
		free(metrics->workers);
		free(metrics->progress);
		free(metrics);
		return NULL;
	}
	memset(metrics->workers, 0, workers * worker_size());
	strcpy(metrics->other_peers.address, "other");
	return metrics;
}

static void
table_clear(struct rule_table *table)
{
	struct rule_metrics *rule, *next;

	HASH_ITER (hh, table->list, rule, next) {
		HASH_DEL(table->list, rule);
		free(rule->title);
		free(rule);
	}
}

void
metrics_free(struct metrics *metrics)
{
	struct peer *peer, *next_peer;

	if (metrics == NULL)
		return;
	HASH_ITER (hh, metrics->peers, peer, next_peer) {
		HASH_DEL(metrics->peers, peer);
		free(peer);
	}
	table_clear(&metrics->rules);
	table_clear(&metrics->filters);
	(void)pthread_mutex_destroy(&metrics->lock);
	free(metrics->workers);
	free(metrics->progress);
	free(metrics);
}

struct worker_metrics *
metrics_worker(struct metrics *metrics, unsigned index)
{
	return (struct worker_metrics *)(void *)(metrics->workers + index * worker_size());
}

struct peer_metrics *
metrics_peer(struct metrics *metrics, const char *address)
{
	size_t length = strnlen(address, sizeof(metrics->other_peers.address) - 1);
	struct peer_metrics *result = &metrics->other_peers;
	struct peer *peer;

	(void)pthread_mutex_lock(&metrics->lock);
	HASH_FIND(hh, metrics->peers, address, (unsigned)length, peer);
	if (peer == NULL && HASH_COUNT(metrics->peers) < METRICS_PEERS_MAX) {
		peer = calloc(1, sizeof(*peer));
		if (peer != NULL) {
			memcpy(peer->metrics.address, address, length);
			HASH_ADD_KEYPTR(
				hh, metrics->peers, peer->metrics.address, (unsigned)length, peer);
			if (peer->hh.tbl == NULL) {
				free(peer);
				peer = NULL;
			}
		}
	}
	if (peer != NULL)
		result = &peer->metrics;
	(void)pthread_mutex_unlock(&metrics->lock);
	return result;
}

static struct rule_metrics *
rule_add(struct rule_table *table, const char *id, const char *title)
{
	size_t length = strlen(id);
	struct rule_metrics *rule = calloc(1, sizeof(*rule) + length + 1);

	if (rule == NULL)
		return NULL;
	memcpy(rule->id, id, length);
	rule->title = strdup(title);
	if (rule->title != NULL) {
		HASH_ADD_KEYPTR(hh, table->list, rule->id, (unsigned)length, rule);
		if (rule->hh.tbl != NULL)
			return rule;
	}
	free(rule->title);
	free(rule);
	return NULL;
}

static void
table_count(struct metrics *metrics, struct rule_table *table, const char *id, const char *title,
	uint64_t count)
{
	struct rule_metrics *rule;

	(void)pthread_mutex_lock(&metrics->lock);
	HASH_FIND(hh, table->list, id, (unsigned)strlen(id), rule);
	if (rule == NULL && HASH_COUNT(table->list) < METRICS_RULES_MAX)
		rule = rule_add(table, id, title);
	if (rule != NULL)
		rule->count += count;
	else
		table->others += count;
	(void)pthread_mutex_unlock(&metrics->lock);
}

void
metrics_rule(struct metrics *metrics, const char *rule_id, const char *title, uint64_t alerts)
{
	table_count(metrics, &metrics->rules, rule_id, title, alerts);
}

void
metrics_filter(struct metrics *metrics, const char *filter_id, const char *title, uint64_t matches)
{
	table_count(metrics, &metrics->filters, filter_id, title, matches);
}

void
metrics_count(struct metrics *metrics, enum daemon_counter which, uint64_t n)
{
	atomic_fetch_add_explicit(&metrics->counters[which], n, memory_order_relaxed);
}

uint64_t
metrics_total(const struct metrics *metrics, enum daemon_counter which)
{
	return atomic_load_explicit(&metrics->counters[which], memory_order_relaxed);
}

bool
metrics_progressed(struct metrics *metrics)
{
	bool all = true;

	for (unsigned i = 0; i < metrics->worker_count; i++) {
		uint64_t now = atomic_load_explicit(
			&metrics_worker(metrics, i)->progress, memory_order_relaxed);

		if (now == metrics->progress[i])
			all = false;
		metrics->progress[i] = now;
	}
	return all;
}

static uint64_t
input_counter(const struct input_metrics *input, size_t which)
{
	const counter *value =
		(const counter *)(const void *)((const char *)input + input_counters[which]);

	return atomic_load_explicit(value, memory_order_relaxed);
}

static void
sum_counters(const uint64_t *from, uint64_t *into, size_t count)
{
	for (size_t i = 0; i < count; i++)
		into[i] += from[i];
}

/* What all workers counted. */
static void
sum_workers(struct metrics *metrics, struct metrics_totals *totals)
{
	for (unsigned w = 0; w < metrics->worker_count; w++) {
		struct worker_metrics *worker = metrics_worker(metrics, w);

		for (size_t i = 0; i < CONF_INPUTS_MAX; i++)
			for (size_t c = 0; c < INPUT_COUNTER_MAX; c++)
				totals->inputs[i][c] += input_counter(&worker->inputs[i], c);
		for (size_t i = 0; i < REASON_MAX; i++)
			totals->reasons[i] +=
				atomic_load_explicit(&worker->reasons[i], memory_order_relaxed);
		for (size_t i = 0; i < LAYOUT_MAX; i++)
			totals->layouts[i] +=
				atomic_load_explicit(&worker->layouts[i], memory_order_relaxed);
	}
	for (size_t i = 0; i < CONF_INPUTS_MAX; i++)
		sum_counters(totals->inputs[i], totals->all, INPUT_COUNTER_MAX);
	for (size_t i = 0; i < DAEMON_COUNTER_MAX; i++)
		totals->counters[i] = metrics_total(metrics, (enum daemon_counter)i);
}

static uint64_t
load(_Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void
copy_peer(struct peer_metrics *peer, struct metrics_peer_total *total)
{
	total->address = peer->address;
	total->messages = load(&peer->messages);
	total->bytes = load(&peer->bytes);
	total->refused = load(&peer->refused);
	total->alerts = load(&peer->alerts);
	total->connections = load(&peer->connections);
	total->last_seen = atomic_load_explicit(&peer->last_seen, memory_order_relaxed);
}

static bool
peer_spoke(struct peer_metrics *peer)
{
	return load(&peer->messages) > 0 || load(&peer->refused) > 0 ||
	       load(&peer->connections) > 0;
}

/* NULL for no memory. */
static struct metrics_rule_total *
copy_table(const struct rule_table *table, const char *others, size_t *count)
{
	struct metrics_rule_total *totals = calloc(HASH_COUNT(table->list) + 1, sizeof(*totals));
	const struct rule_metrics *rule;

	if (totals == NULL)
		return NULL;
	for (rule = table->list; rule != NULL; rule = rule->hh.next)
		totals[(*count)++] =
			(struct metrics_rule_total){ rule->id, rule->title, rule->count };
	if (table->others > 0)
		totals[(*count)++] = (struct metrics_rule_total){ "other", others, table->others };
	return totals;
}

/* Under the lock; false for no memory. */
static bool
copy_tables(struct metrics *metrics, struct metrics_totals *totals)
{
	struct peer *peer, *next_peer;

	totals->peers = calloc(HASH_COUNT(metrics->peers) + 1, sizeof(*totals->peers));
	totals->rules = copy_table(&metrics->rules, "further rules", &totals->rule_count);
	totals->filters = copy_table(&metrics->filters, "further filters", &totals->filter_count);
	if (totals->peers == NULL || totals->rules == NULL || totals->filters == NULL)
		return false;
	HASH_ITER (hh, metrics->peers, peer, next_peer)
		copy_peer(&peer->metrics, &totals->peers[totals->peer_count++]);
	if (peer_spoke(&metrics->other_peers))
		copy_peer(&metrics->other_peers, &totals->peers[totals->peer_count++]);
	return true;
}

static int
compare_peers(const void *a, const void *b)
{
	const struct metrics_peer_total *left = a, *right = b;

	if (left->messages != right->messages)
		return left->messages > right->messages ? -1 : 1;
	return strcmp(left->address, right->address);
}

static int
compare_rules(const void *a, const void *b)
{
	const struct metrics_rule_total *left = a, *right = b;

	if (left->count != right->count)
		return left->count > right->count ? -1 : 1;
	return strcmp(left->id, right->id);
}

static double
rate(uint64_t now, uint64_t then, double seconds)
{
	return now > then && seconds > 0 ? (double)(now - then) / seconds : 0;
}

/* Against the sample of a minute ago, or the start. Under the lock. */
static void
set_rates(struct metrics *metrics, const struct metrics_view *view, struct metrics_totals *totals)
{
	struct sample oldest = metrics->samples[metrics->next_sample];

	/* A younger process, or a clock that was set back. */
	if (oldest.time == 0 || oldest.time >= view->now)
		oldest = (struct sample){ view->started, 0, 0, 0 };
	totals->seconds = view->now > oldest.time ? (double)(view->now - oldest.time) / 1e6 : 0;
	totals->events_rate =
		rate(totals->all[INPUT_COUNTER_events], oldest.events, totals->seconds);
	totals->alerts_rate =
		rate(totals->all[INPUT_COUNTER_alerts], oldest.alerts, totals->seconds);
	totals->refused_rate =
		rate(totals->all[INPUT_COUNTER_refused], oldest.refused, totals->seconds);
}

void
metrics_totals_free(struct metrics_totals *totals)
{
	if (totals == NULL)
		return;
	free(totals->peers);
	free(totals->rules);
	free(totals->filters);
	free(totals);
}

struct metrics_totals *
metrics_totals_new(struct metrics *metrics, const struct metrics_view *view)
{
	struct metrics_totals *totals = calloc(1, sizeof(*totals));
	bool copied;

	if (totals == NULL)
		return NULL;
	sum_workers(metrics, totals);
	(void)pthread_mutex_lock(&metrics->lock);
	copied = copy_tables(metrics, totals);
	set_rates(metrics, view, totals);
	(void)pthread_mutex_unlock(&metrics->lock);
	if (!copied) {
		metrics_totals_free(totals);
		return NULL;
	}
	qsort(totals->peers, totals->peer_count, sizeof(*totals->peers), compare_peers);
	qsort(totals->rules, totals->rule_count, sizeof(*totals->rules), compare_rules);
	qsort(totals->filters, totals->filter_count, sizeof(*totals->filters), compare_rules);
	return totals;
}

static uint64_t
sum_input_counter(struct metrics *metrics, size_t which)
{
	uint64_t sum = 0;

	for (unsigned w = 0; w < metrics->worker_count; w++)
		for (size_t i = 0; i < CONF_INPUTS_MAX; i++)
			sum += input_counter(&metrics_worker(metrics, w)->inputs[i], which);
	return sum;
}

void
metrics_sample(struct metrics *metrics, int64_t now)
{
	struct sample sample = { now, sum_input_counter(metrics, INPUT_COUNTER_events),
		sum_input_counter(metrics, INPUT_COUNTER_alerts),
		sum_input_counter(metrics, INPUT_COUNTER_refused) };

	(void)pthread_mutex_lock(&metrics->lock);
	metrics->samples[metrics->next_sample] = sample;
	metrics->next_sample = (metrics->next_sample + 1) % SAMPLES;
	(void)pthread_mutex_unlock(&metrics->lock);
}

void
metrics_line(struct metrics *metrics, const struct metrics_view *view, struct metrics_since *since,
	char *text, size_t size)
{
	struct metrics_since now = { view->now, sum_input_counter(metrics, INPUT_COUNTER_events),
		sum_input_counter(metrics, INPUT_COUNTER_alerts),
		sum_input_counter(metrics, INPUT_COUNTER_refused) };
	int64_t from = since->time == 0 ? view->started : since->time;
	double seconds = view->now > from ? (double)(view->now - from) / 1e6 : 0;
	uint64_t waiting = 0;

	for (size_t i = 0; i < view->output_count; i++)
		waiting = waiting > view->outputs[i].waiting ? waiting : view->outputs[i].waiting;
	(void)snprintf(text, size,
		"%" PRIu64 " events (%.1f/s), %" PRIu64 " alerts, %" PRIu64
		" refused, %zu connections, "
		"%zu hosts, %" PRIu64 " alerts waiting",
		now.events - since->events, rate(now.events, since->events, seconds),
		now.alerts - since->alerts, now.refused - since->refused, view->connections,
		view->hosts, waiting);
	*since = now;
}
