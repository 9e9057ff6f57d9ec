/* One event through the detection: host_observe, rules, host_decide, alerts.
 *
 * The host is borrowed twice and for as short as can be; what an alert says of it is copied out the
 * first time.  Rules are matched without any lock. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/detect.h"

struct detect {
	struct detect_hosts hosts;
	const struct ruleset *rules; /* NULL until detect_use() */
	struct ruleset_scratch *scratch;
	const struct alert_settings *settings;
	int64_t now; /* the owner's time at its last detect_tick(); STAMP_NONE before */
};

struct detect *
detect_new(struct detect_hosts hosts)
{
	struct detect *detect = calloc(1, sizeof(*detect));

	if (detect == NULL)
		return NULL;
	detect->hosts = hosts;
	detect->now = STAMP_NONE;
	return detect;
}

void
detect_free(struct detect *detect)
{
	if (detect == NULL)
		return;
	ruleset_scratch_free(detect->scratch);
	free(detect);
}

int
detect_use(struct detect *detect, struct ruleset *rules, const struct alert_settings *settings)
{
	struct ruleset_scratch *scratch = ruleset_scratch_new(rules);

	if (scratch == NULL)
		return -ENOMEM;
	ruleset_scratch_free(detect->scratch);
	detect->scratch = scratch;
	detect->rules = rules;
	detect->settings = settings;
	return 0;
}

/* A host that cannot be remembered: nothing is known of it but its name. */
static void
unknown_host(struct slice name, struct host_state *state)
{
	state->first_seen = STAMP_NONE;
	state->last_seen = STAMP_NONE;
	state->events = 0;
	state->alerts = 0;
	state->address[0] = '\0';
	state->name_length = (unsigned char)name.len;
	memcpy(state->name, name.ptr, name.len);
}

/* The first door.  Afterwards the event bears the name under which the host is known.  0 or
 * -ENOMEM. */
static int
observe(struct detect *detect, struct wevent *event, struct slice address, int64_t now,
	struct arena *arena, struct host_state *state)
{
	char folded[HOST_NAME_MAX_BYTES];
	struct slice name = { folded, host_fold(event->host, folded) };
	struct host *host = NULL;

	if (name.len == 0) {
		unknown_host(name, state);
		return 0;
	}
	host = detect->hosts.borrow(detect->hosts.table, name, now);
	if (host != NULL) {
		host_observe(host, event, address, now, state);
		detect->hosts.give_back(detect->hosts.table, host);
	} else {
		unknown_host(name, state);
	}

	name = (struct slice){ state->name, state->name_length };
	if (!slice_equal(event->host, name)) {
		name = arena_copy(arena, name);
		if (name.ptr == NULL)
			return -ENOMEM;
		event->host = name;
	}
	event->f[F_Computer] = event->host;
	return 0;
}

/* The second door.  Returns the number of matches that become alerts. */
static size_t
decide(struct detect *detect, const struct wevent *event, const struct match **matches,
	size_t count, int64_t now)
{
	struct host *host = NULL;

	if (event->host.len > 0)
		host = detect->hosts.borrow(detect->hosts.table, event->host, now);
	if (host == NULL)
		return count;
	count = host_decide(host, event, matches, count, now);
	detect->hosts.give_back(detect->hosts.table, host);
	return count;
}

/* Core rules first, then by level from the highest, then as the set orders them. */
static int
compare(const void *a, const void *b)
{
	const struct match *left = *(const struct match *const *)a;
	const struct match *right = *(const struct match *const *)b;

	if (left->rule->core != right->rule->core)
		return left->rule->core ? -1 : 1;
	if (left->severity != right->severity)
		return left->severity > right->severity ? -1 : 1;
	return left->rule->index < right->rule->index ? -1 : left->rule->index > right->rule->index;
}

/* One event on its way through the rules. */
struct passage {
	struct detect *detect;
	struct wevent *event;
	const struct alert_source *source;
	char event_id[ALERT_ID_MAX];
	struct host_state state;
	struct arena *arena;
	const struct detect_sink *sink;
};

/* All of them in one alert, or `each` in one.  -ENOMEM when one could not be built; the others are
 * emitted all the same. */
static int
emit_alerts(const struct passage *passage, const struct match *const *matches, size_t count,
	size_t each)
{
	const struct alert_settings *settings = passage->detect->settings;
	int result = 0;

	for (size_t i = 0; i < count; i += each) {
		struct arena_mark mark = arena_mark(passage->arena);
		struct alert alert;

		if (alert_build(settings, passage->source, passage->event, passage->event_id,
			    &passage->state, matches + i, each, passage->arena, &alert) == 0)
			passage->sink->alert(passage->sink->context, &alert);
		else
			result = -ENOMEM;
		arena_rewind(passage->arena, mark);
	}
	return result;
}

/* What filters did: each match is told of, and becomes an alert of its own when those are wanted.
 */
static int
emit_filtered(const struct passage *passage)
{
	const struct match *list;
	size_t count = ruleset_filtered(passage->detect->scratch, &list);
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		const struct match *match = &list[i];

		passage->sink->filtered(passage->sink->context, match->filter);
		if (passage->detect->settings->filtered && emit_alerts(passage, &match, 1, 1) < 0)
			result = -ENOMEM;
	}
	return result;
}

/* Taken with the event's own name: the known one may be another tomorrow. */
static int
identify(struct wevent *event, struct slice own, char id[ALERT_ID_MAX])
{
	struct slice known = event->host;
	int result;

	event->host = own;
	result = alert_event_id(event, id);
	event->host = known;
	return result;
}

/* The matches that stay become alerts.  Returns 0 or -ENOMEM. */
static int
speak(struct passage *passage, const struct match *list, size_t count, int64_t now)
{
	const struct match **matches = arena_alloc(passage->arena, count * sizeof(*matches));
	size_t alerts;

	if (matches == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		matches[i] = &list[i];
		if (list[i].filter != NULL)
			passage->sink->filtered(passage->sink->context, list[i].filter);
	}
	qsort(matches, count, sizeof(*matches), compare);
	alerts = decide(passage->detect, passage->event, matches, count, now);
	return emit_alerts(passage, matches, alerts,
		passage->detect->settings->mode == ALERT_PER_RULE ? 1 : alerts);
}

int
detect_event(struct detect *detect, struct wevent *event, const struct alert_source *source,
	struct arena *arena, const struct detect_sink *sink)
{
	int64_t now = source->received > detect->now ? source->received : detect->now;
	struct passage passage = {
		.detect = detect, .event = event, .source = source, .arena = arena, .sink = sink
	};
	struct slice own = event->host;
	const struct match *list, *filtered;
	size_t count;
	int result = 0, other;

	assert(detect->rules != NULL);
	if (observe(detect, event, source->address, now, arena, &passage.state) < 0 ||
		ruleset_complete(detect->rules, detect->settings->enrich, event, arena) != 0)
		return -ENOMEM;
	count = ruleset_match(detect->rules, detect->scratch, event, &list);
	if (count == 0 && ruleset_filtered(detect->scratch, &filtered) == 0)
		return 0;
	if (identify(event, own, passage.event_id) < 0)
		return -ENOMEM;
	if (count > 0)
		result = speak(&passage, list, count, now);
	other = emit_filtered(&passage);
	return result < 0 || other < 0 ? -ENOMEM : (int)count;
}

/* No rule has a window yet, so nothing closes.  Time itself is kept: until the next tick no host
 * sees time before this one, however late an event was received; and a clock that is set back takes
 * effect here, at once for all hosts of this worker. */
void
detect_tick(struct detect *detect, int64_t now)
{
	detect->now = now;
}
