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
	struct detect_windows windows;
	const struct ruleset *rules; /* NULL until detect_use() */
	struct ruleset_scratch *scratch;
	const struct alert_settings *settings;
	int64_t now; /* the owner's time at its last detect_tick(); STAMP_NONE before */
};

struct detect *
detect_new(struct detect_hosts hosts, struct detect_windows windows)
{
	struct detect *detect = calloc(1, sizeof(*detect));

	if (detect == NULL)
		return NULL;
	detect->hosts = hosts;
	detect->windows = windows;
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
	if (name.len > 0)
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

/* Rules before correlations; core rules first, then by level from the highest, then as the set
 * orders them. */
static int
compare(const void *a, const void *b)
{
	const struct match *left = *(const struct match *const *)a;
	const struct match *right = *(const struct match *const *)b;

	if ((left->correlated == NULL) != (right->correlated == NULL))
		return left->correlated == NULL ? -1 : 1;
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
	int64_t now;
	struct arena *arena;
	const struct detect_sink *sink;
};

/* One alert of these matches.  0 or -ENOMEM. */
static int
emit_alert(const struct passage *passage, const struct match *const *matches, size_t count)
{
	struct arena_mark mark = arena_mark(passage->arena);
	struct alert alert;
	int result = alert_build(passage->detect->settings, passage->source, passage->event,
		passage->event_id, &passage->state, matches, count, passage->arena, &alert);

	if (result == 0)
		passage->sink->alert(passage->sink->context, &alert);
	arena_rewind(passage->arena, mark);
	return result;
}

/* The rules that match an event in one alert, or each in its own; a correlation always has its own,
 * since it is of several events.  -ENOMEM when one could not be built; the others are emitted all
 * the same. */
static int
emit_alerts(const struct passage *passage, const struct match *const *matches, size_t count)
{
	int result = 0;
	size_t n;

	for (size_t i = 0; i < count; i += n) {
		n = 1;
		while (passage->detect->settings->mode == ALERT_PER_EVENT && i + n < count &&
			matches[i + n]->correlated == NULL)
			n++;
		if (emit_alert(passage, matches + i, n) < 0)
			result = -ENOMEM;
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
		if (passage->detect->settings->filtered && emit_alert(passage, &match, 1) < 0)
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

/* All matches of an event, correlations' behind those of rules. */
struct matches {
	struct match *list;
	size_t count, size;
};

static bool
add_match(struct passage *passage, struct matches *matches, const struct match *match)
{
	size_t size = matches->size == 0 ? 16 : matches->size * 2;
	struct match *list = matches->list;

	if (matches->count == matches->size) {
		list = arena_grow(
			passage->arena, list, matches->size * sizeof(*list), size * sizeof(*list));
		if (list == NULL)
			return false;
		matches->list = list;
		matches->size = size;
	}
	list[matches->count++] = *match;
	return true;
}

static void
parse_id(const char text[ALERT_ID_MAX], unsigned char id[CORRELATE_ID])
{
	for (size_t i = 0; i < ALERT_ID_MAX - 1; i++) {
		unsigned int digit =
			(unsigned int)(text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);

		id[i / 2] = (unsigned char)(i % 2 == 0 ? digit << 4 : id[i / 2] | digit);
	}
}

/* When the event was, as far as its own clock can be believed: further ahead it would make the
 * events of all others late. */
static int64_t
event_time(const struct passage *passage)
{
	int64_t time = passage->event->time;

	return time == STAMP_NONE || time > passage->now + CORRELATE_LATENESS ? passage->now : time;
}

/* A match for the alert of a correlation that speaks, one level lower when it is made only of
 * matches that filters have lowered.  0 or -ENOMEM. */
static int
add_correlated(struct passage *passage, const struct rule *rule,
	const struct correlated *correlated, struct matches *matches)
{
	struct slice key = arena_copy(passage->arena, correlated->key);
	struct correlated *copy = arena_alloc(passage->arena, sizeof(*copy));
	struct match match = { .rule = rule, .severity = rule->severity, .correlated = copy };

	if (key.ptr == NULL || copy == NULL)
		return -ENOMEM;
	*copy = *correlated;
	copy->key = key;
	if (copy->result.lowered && match.severity > SEVERITY_INFORMATIONAL)
		match.severity--;
	return add_match(passage, matches, &match) ? 0 : -ENOMEM;
}

static bool
copy_value(struct arena *arena, struct slice *value)
{
	if (value->ptr == NULL)
		return true;
	*value = arena_copy(arena, *value);
	return value->ptr != NULL;
}

/* An event of the window that has spoken, whose fields go with it: all of them in the arena.  false
 * for no memory, now or when it was to be kept. */
static bool
copy_event(const struct window *window, struct arena *arena, struct wevent *event)
{
	if (!window_event(window, event))
		return false;
	for (unsigned int i = 0; i < F_MAX; i++)
		if (!copy_value(arena, &event->f[i]))
			return false;
	return copy_value(arena, &event->host);
}

/* Has the event completed the correlation already, in the same group? */
static bool
has_spoken(const struct matches *matches, const struct rule *rule, struct slice key)
{
	for (size_t i = 0; i < matches->count; i++)
		if (matches->list[i].rule == rule &&
			slice_equal(matches->list[i].correlated->key, key))
			return true;
	return false;
}

static int speak_late(struct detect *, const struct rule *, const struct correlated *, int64_t now,
	struct wevent *, struct arena *, const struct detect_sink *);

/* Add the match to the window of a key.  Where that waits and speaks, *own is the event for its
 * alert. */
static enum window_answer
add_to_window(struct passage *passage, struct slice key, const struct correlation *correlation,
	const struct window_match *match, struct correlation_result *result, struct wevent *own)
{
	const struct detect_windows *windows = &passage->detect->windows;
	struct window *window = windows->borrow(windows->table, key);
	enum window_answer answer;

	if (window == NULL)
		return WINDOW_NO_MEMORY;
	answer = window_add(window, correlation, match, result);
	if (answer == WINDOW_SPEAKS && correlation_waits(correlation) &&
		!copy_event(window, passage->arena, own))
		answer = WINDOW_NO_MEMORY;
	windows->give_back(windows->table, key, window);
	return answer;
}

/* One correlation counts one match.  0 or -ENOMEM. */
static int
count_match(struct passage *passage, const struct correlation_link *link, const struct match *match,
	struct matches *matches)
{
	const struct rule *rule = ruleset_rule(passage->detect->rules, link->rule);
	const struct correlation *correlation = ruleset_correlation(passage->detect->rules, rule);
	struct correlated correlated = { .correlation = correlation };
	struct window_match counted = { .event = passage->event,
		.reference = link->reference,
		.lowered = alert_is_lowered(match),
		.time = event_time(passage),
		.received = passage->now };
	char key[CORRELATE_KEY_MAX];
	enum window_answer answer;
	struct wevent own;

	correlated.key = (struct slice){ key,
		correlation_key(correlation, rule->id, link->reference, passage->event, key) };
	if (correlated.key.len == 0 || has_spoken(matches, rule, correlated.key))
		return 0;
	parse_id(passage->event_id, counted.id);
	answer = add_to_window(
		passage, correlated.key, correlation, &counted, &correlated.result, &own);
	if (answer == WINDOW_SPEAKS && correlation_waits(correlation))
		return speak_late(passage->detect, rule, &correlated, passage->now, &own,
			passage->arena, passage->sink);
	if (answer == WINDOW_SPEAKS)
		return add_correlated(passage, rule, &correlated, matches);
	if (answer == WINDOW_NO_MEMORY)
		return -ENOMEM;
	if (answer != WINDOW_QUIET)
		passage->sink->passed_over(passage->sink->context, rule, answer);
	return 0;
}

/* Every match is counted by the correlations that its rule takes part in, and theirs in turn:
 * chains have an end.  0 or -ENOMEM. */
static int
correlate(struct passage *passage, struct matches *matches)
{
	int result = 0;

	for (size_t i = 0; i < matches->count; i++) {
		const struct match match = matches->list[i]; /* the list may move */
		const struct correlation_link *links;
		uint32_t count = ruleset_links(passage->detect->rules, match.rule, &links);

		for (uint32_t k = 0; k < count; k++)
			if (count_match(passage, &links[k], &match, matches) != 0)
				result = -ENOMEM;
	}
	return result;
}

/* The matches that stay become alerts.  Returns 0 or -ENOMEM. */
static int
speak(struct passage *passage, const struct matches *all)
{
	const struct match **matches =
		arena_alloc(passage->arena, all->count * sizeof(*matches) + 1);
	size_t alerts = 0;

	if (matches == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < all->count; i++) {
		if (all->list[i].filter != NULL)
			passage->sink->filtered(passage->sink->context, all->list[i].filter);
		if (!all->list[i].rule->silent)
			matches[alerts++] = &all->list[i];
	}
	if (alerts == 0)
		return 0;
	qsort(matches, alerts, sizeof(*matches), compare);
	alerts = decide(passage->detect, passage->event, matches, alerts, passage->now);
	return emit_alerts(passage, matches, alerts);
}

/* What the rules found.  0 or -ENOMEM. */
static int
pass_on(struct passage *passage, const struct match *list, size_t count)
{
	struct matches matches = { 0 };
	int result = 0;

	for (size_t i = 0; i < count; i++)
		if (!add_match(passage, &matches, &list[i]))
			return -ENOMEM;
	if (ruleset_correlates(passage->detect->rules))
		result = correlate(passage, &matches);
	return speak(passage, &matches) < 0 ? -ENOMEM : result;
}

int
detect_event(struct detect *detect, struct wevent *event, const struct alert_source *source,
	struct arena *arena, const struct detect_sink *sink)
{
	struct passage passage = { .detect = detect,
		.event = event,
		.source = source,
		.now = source->received > detect->now ? source->received : detect->now,
		.arena = arena,
		.sink = sink };
	struct slice own = event->host;
	const struct match *list, *filtered;
	size_t count;
	int result = 0, other;

	assert(detect->rules != NULL);
	if (observe(detect, event, source->address, passage.now, arena, &passage.state) < 0 ||
		ruleset_complete(detect->rules, detect->scratch, detect->settings->enrich, event,
			arena) != 0)
		return -ENOMEM;
	count = ruleset_match(detect->rules, detect->scratch, event, &list);
	if (ruleset_limited(detect->scratch))
		sink->limited(sink->context);
	if (count == 0 && ruleset_filtered(detect->scratch, &filtered) == 0)
		return 0;
	if (identify(event, own, passage.event_id) < 0)
		return -ENOMEM;
	if (count > 0)
		result = pass_on(&passage, list, count);
	other = emit_filtered(&passage);
	return result < 0 || other < 0 ? -ENOMEM : (int)count;
}

/* ---- time ---- */

/* The correlation that a key is of, or NULL when it is no longer loaded. */
static const struct rule *
find_owner(const struct ruleset *rules, struct slice key)
{
	for (size_t i = 0; i < ruleset_count(rules); i++) {
		const struct rule *rule = ruleset_rule(rules, i);
		const struct correlation *correlation = ruleset_correlation(rules, rule);

		if (correlation != NULL && correlation_owns(correlation, rule->id, key))
			return rule;
	}
	return NULL;
}

/* What waited speaks, with an event of its own.  0 or -ENOMEM. */
static int
speak_late(struct detect *detect, const struct rule *rule, const struct correlated *correlated,
	int64_t now, struct wevent *event, struct arena *arena, const struct detect_sink *sink)
{
	const struct alert_source source = { .input = SLICE("correlation"), .received = now };
	struct passage passage = { .detect = detect,
		.event = event,
		.source = &source,
		.now = now,
		.arena = arena,
		.sink = sink };
	struct matches matches = { 0 };

	unknown_host(slice_sub(event->host, 0, HOST_NAME_MAX_BYTES), &passage.state);
	if (alert_event_id(event, passage.event_id) < 0 ||
		add_correlated(&passage, rule, correlated, &matches) < 0 ||
		correlate(&passage, &matches) < 0)
		return -ENOMEM;
	return speak(&passage, &matches);
}

/* One window is due. */
static int
close_window(struct detect *detect, struct window *window, struct slice key, struct arena *arena,
	const struct detect_sink *sink)
{
	const struct rule *rule = find_owner(detect->rules, key);
	struct correlated correlated = { .key = key };
	enum window_answer answer = WINDOW_QUIET;
	int64_t due = window_deadline(window);
	struct wevent event;

	if (rule != NULL)
		correlated.correlation = ruleset_correlation(detect->rules, rule);
	if (rule == NULL || !correlation_waits(correlated.correlation))
		window_clear(window);
	else
		answer = window_close(
			window, correlated.correlation, detect->now, &correlated.result);
	if (answer == WINDOW_SPEAKS && !copy_event(window, arena, &event))
		answer = WINDOW_NO_MEMORY;
	if (answer == WINDOW_NO_MEMORY)
		window_clear(window); /* it would be due for ever */
	detect->windows.give_back(detect->windows.table, key, window);
	if (answer == WINDOW_SPEAKS)
		return speak_late(detect, rule, &correlated, due, &event, arena, sink);
	if (answer == WINDOW_FULL)
		sink->passed_over(sink->context, rule, answer);
	return answer == WINDOW_NO_MEMORY ? -ENOMEM : 0;
}

/* Until the next tick no host sees time before this one, however late an event was received; and a
 * clock that is set back takes effect here, at once for all hosts of this worker. */
int
detect_tick(struct detect *detect, int64_t now, struct arena *arena, const struct detect_sink *sink)
{
	char key[CORRELATE_KEY_MAX];
	struct window *window;
	int result = 0;
	size_t length;

	detect->now = now;
	while (detect->rules != NULL && (window = detect->windows.borrow_due(detect->windows.table,
						 now, key, &length)) != NULL) {
		struct arena_mark mark = arena_mark(arena);

		if (close_window(detect, window, (struct slice){ key, length }, arena, sink) < 0)
			result = -ENOMEM;
		arena_rewind(arena, mark);
	}
	return result;
}
