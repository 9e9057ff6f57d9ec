/* One message: syslog header, records, detection, alerts into the journal.
 *
 * All memory that a message needs comes from an arena that is reset behind it.  What detection
 * takes for one record is given back before the next, so that a message of a thousand records needs
 * no more for it than a message of one.
 *
 * A record without a Computer takes its host from the syslog header: senders of flat JSON that
 * leave the host to the header are no relays.  Where there is neither, the record is refused.
 *
 * A message makes one dead letter at most, under the first reason found in it; each reason is
 * counted. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/log.h"
#include "daemon/pipeline.h"
#include "detect/filter.h"
#include "parsers/envelope.h"

struct pipeline {
	struct pipeline_parts parts;
	struct pipeline_limits limits;
	struct arena *arena;
	struct detect *detect;
	struct rules *rules;
};

/* A message on its way. */
struct work {
	struct pipeline *pipeline;
	struct slice message;
	const struct origin *origin;
	int64_t now;
	struct input_metrics *input;
	struct slice hostname; /* of the syslog header, folded; absent when there is none */
	bool refused;
	bool alerts_lost;
	enum reason first;
};

struct pipeline *
pipeline_new(const struct pipeline_parts *parts)
{
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));

	if (pipeline == NULL)
		return NULL;
	pipeline->parts = *parts;
	pipeline->detect =
		detect_new((struct detect_hosts){ parts->hosts, hosts_borrow, hosts_give_back },
			windows_of(parts->windows));
	if (pipeline->detect == NULL) {
		free(pipeline);
		return NULL;
	}
	return pipeline;
}

void
pipeline_free(struct pipeline *pipeline)
{
	if (pipeline == NULL)
		return;
	detect_free(pipeline->detect);
	arena_free(pipeline->arena);
	rules_unref(pipeline->rules);
	free(pipeline);
}

int
pipeline_use(struct pipeline *pipeline, struct rules *rules, const struct pipeline_limits *limits)
{
	struct arena *arena = pipeline->arena;

	if (arena == NULL || limits->message_max != pipeline->limits.message_max)
		arena = arena_new(
			limits->message_max * PIPELINE_MEMORY_FACTOR + PIPELINE_MEMORY_FIXED);
	if (arena == NULL)
		return -ENOMEM;
	if (detect_use(pipeline->detect, rules->set, &rules->alert) < 0) {
		if (arena != pipeline->arena)
			arena_free(arena);
		return -ENOMEM;
	}
	if (arena != pipeline->arena)
		arena_free(pipeline->arena);
	pipeline->arena = arena;
	pipeline->limits = *limits;
	pipeline->limits.payload.names = ruleset_names(rules->set);
	(void)rules_ref(rules);
	rules_unref(pipeline->rules);
	pipeline->rules = rules;
	return 0;
}

/* Count a reason; the first one is the dead letter's. */
static void
note(struct work *work, enum reason why)
{
	counter_add(&work->pipeline->parts.worker_metrics->reasons[why], 1);
	if (!work->refused)
		work->first = why;
	work->refused = true;
}

/* Count the message as refused and keep it. */
static void
keep(struct work *work)
{
	const struct origin *origin = work->origin;

	counter_add(&work->input->refused, 1);
	atomic_fetch_add_explicit(&origin->peer_metrics->refused, 1, memory_order_relaxed);
	dead_letters_add(work->pipeline->parts.dead_letters, work->now, origin->input_name,
		origin->peer, work->first, work->message);
}

/* Into the journal.  false: it is lost. */
static bool
keep_alert(const struct pipeline_parts *parts, const struct alert *alert)
{
	if (journal_append(parts->journal, alert) == 0)
		return false;
	metrics_count(parts->metrics, DAEMON_journal_entries, 1);
	metrics_rule(parts->metrics, alert->rule->id, alert->rule->title, 1);
	return true;
}

static void
emit(void *context, const struct alert *alert)
{
	struct work *work = context;

	if (!keep_alert(&work->pipeline->parts, alert)) {
		work->alerts_lost = true;
		return;
	}
	counter_add(&work->input->alerts, 1);
	atomic_fetch_add_explicit(&work->origin->peer_metrics->alerts, 1, memory_order_relaxed);
}

static void
count_filtered(void *context, const struct filter *filter)
{
	const struct work *work = context;

	metrics_filter(work->pipeline->parts.metrics, filter->id, filter->title, 1);
}

static void
count_passed_over(void *context, const struct rule *correlation, enum window_answer answer)
{
	static const enum daemon_counter counters[] = { [WINDOW_LATE] = DAEMON_correlation_late,
		[WINDOW_NO_VALUE] = DAEMON_correlation_no_value,
		[WINDOW_KNOWN] = DAEMON_correlation_known,
		[WINDOW_FULL] = DAEMON_correlation_full };
	static struct log_limit limit;
	const struct work *work = context;

	metrics_count(work->pipeline->parts.metrics, counters[answer], 1);
	if (answer == WINDOW_FULL)
		log_limited(&limit, LOG_LEVEL_WARNING,
			"correlation '%s': a group has more than %d events that all matter; some "
			"are left out, and what they could change is not said",
			correlation->title, CORRELATE_ENTRIES_MAX);
}

static void
count_limited(void *context)
{
	note(context, REASON_REGEX_LIMIT);
}

static void
count_record(struct work *work, const struct wevent *event)
{
	counter_add(&work->input->events, 1);
	counter_add(&work->pipeline->parts.worker_metrics->layouts[event->layout], 1);
	if (event->repaired)
		counter_add(&work->input->repaired, 1);
	if (event->duplicate_keys > 0)
		counter_add(&work->input->duplicate_keys, event->duplicate_keys);
	if (event->partial) {
		counter_add(&work->input->partial, 1);
		note(work, REASON_JSON_TRUNCATED);
	}
}

static void
record(struct work *work, struct wevent *event)
{
	static struct log_limit limit;
	struct pipeline *pipeline = work->pipeline;
	const struct alert_source source = {
		.input = slice_of(work->origin->input_name),
		.peer = slice_of(work->origin->peer),
		.address = slice_of(work->origin->address),
		.received = work->now,
	};
	const struct detect_sink sink = { work, emit, count_filtered, count_passed_over,
		count_limited };
	struct arena_mark mark = arena_mark(pipeline->arena);

	if (event->host.len == 0)
		event->host = work->hostname;
	if (event->host.len == 0) {
		note(work, REASON_NO_HOST);
		return;
	}
	count_record(work, event);
	work->alerts_lost = false;
	if (detect_event(pipeline->detect, event, &source, pipeline->arena, &sink) < 0 ||
		work->alerts_lost) {
		note(work, REASON_NO_MEMORY);
		log_limited(&limit, LOG_LEVEL_ERROR,
			"%s: out of memory for an alert of an event from %s; the event is a dead "
			"letter",
			work->origin->input_name, work->origin->peer);
	}
	arena_rewind(pipeline->arena, mark);
}

/* The header's word for the host, as a host's key. */
static struct slice
header_host(const struct envelope *envelope, struct arena *arena)
{
	char folded[HOST_NAME_MAX_BYTES];
	size_t length;

	if (envelope->hostname.len == 0 || slice_equal(envelope->hostname, SLICE("-")))
		return SLICE_NONE;
	length = host_fold(envelope->hostname, folded);
	return length == 0 ? SLICE_NONE : arena_copy(arena, (struct slice){ folded, length });
}

static void
records(struct work *work, struct slice bytes)
{
	struct pipeline *pipeline = work->pipeline;
	struct payload payload;

	payload_init(&payload, bytes, pipeline->limits.payload, pipeline->arena);
	for (;;) {
		struct wevent event;
		enum reason why;

		switch (payload_next(&payload, &event, &why)) {
		case PAYLOAD_RECORD:
			record(work, &event);
			break;
		case PAYLOAD_BAD:
			note(work, why);
			break;
		case PAYLOAD_END:
			if (payload.trailing)
				counter_add(&work->input->trailing, 1);
			return;
		}
	}
}

void
pipeline_message(
	struct pipeline *pipeline, struct slice message, const struct origin *origin, int64_t now)
{
	struct work work = { .pipeline = pipeline,
		.message = message,
		.origin = origin,
		.now = now,
		.input = &pipeline->parts.worker_metrics->inputs[origin->input] };
	struct envelope envelope;

	assert(pipeline->rules != NULL);
	counter_add(&work.input->messages, 1);
	envelope_parse(message, now, &envelope);
	if (envelope.payload.len == 0) {
		note(&work, REASON_EMPTY);
	} else {
		work.hostname = header_host(&envelope, pipeline->arena);
		records(&work, envelope.payload);
	}
	if (work.refused)
		keep(&work);
	arena_reset(pipeline->arena);
}

void
pipeline_refused(struct pipeline *pipeline, enum reason why, struct slice head,
	const struct origin *origin, int64_t now)
{
	struct work work = { .pipeline = pipeline,
		.message = head,
		.origin = origin,
		.now = now,
		.input = &pipeline->parts.worker_metrics->inputs[origin->input] };

	note(&work, why);
	keep(&work);
}

/* An alert of a window that closed has no message that could become a dead letter. */
static void
emit_late(void *context, const struct alert *alert)
{
	static struct log_limit limit;
	struct work *work = context;

	if (!keep_alert(&work->pipeline->parts, alert))
		log_limited(&limit, LOG_LEVEL_ERROR,
			"correlation '%s': out of memory for an alert; it is lost",
			alert->rule->title);
}

void
pipeline_tick(struct pipeline *pipeline, int64_t now)
{
	static struct log_limit limit;
	struct work work = { .pipeline = pipeline };
	const struct detect_sink sink = { &work, emit_late, count_filtered, count_passed_over,
		count_limited };

	if (detect_tick(pipeline->detect, now, pipeline->arena, &sink) < 0)
		log_limited(&limit, LOG_LEVEL_ERROR,
			"out of memory for an alert of a correlation; it is lost");
}
