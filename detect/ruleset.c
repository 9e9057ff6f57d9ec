/* The set of rules in force: built once, then read by all workers without a lock.
 *
 * An event goes three steps, each of which ends it for most events.  Its channel and id choose a
 * bucket: the rules that can match it at all.  The bucket's scans are made, those that its rules
 * wait for; a rule waits for the patterns of which it cannot do without one.  Only rules that then
 * are awake get their condition evaluated, and what else that asks for scanned.  A rule without
 * such a pattern is always awake in its buckets.
 *
 * Rule texts, programs and buckets live in one arena that is given back with the set.  Not here:
 * reading files, and what a match means for a host. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/index.h"
#include "detect/ruleset.h"
#include "detect/ruleset_parts.h"
#include "parsers/values.h"

struct ruleset_scratch {
	struct pattern_scratch *patterns;
	uint64_t *awake;
	struct match *matches;
	struct match *filtered;
	size_t filtered_count;
};

const char *
severity_name(enum severity severity)
{
	static const char *const names[SEVERITY_MAX] = { "Informational", "Low", "Medium", "High",
		"Critical" };

	assert((unsigned int)severity < SEVERITY_MAX);
	return names[severity];
}

struct ruleset *
ruleset_ref(struct ruleset *set)
{
	/* Relaxed: who refs holds a reference already, so nothing can be freed meanwhile. */
	(void)atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
	return set;
}

void
ruleset_unref(struct ruleset *set)
{
	if (set == NULL)
		return;
	/* Release and acquire: what others did with the set comes before it is freed. */
	if (atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1)
		return;
	pattern_set_free(set->patterns);
	wevent_names_free(set->names);
	free(set->rules);
	free(set->filters);
	arena_free(set->arena);
	free(set);
}

const struct wevent_names *
ruleset_names(const struct ruleset *set)
{
	return set->names;
}

bool
ruleset_is_idle(const struct ruleset *set, const struct rule *rule)
{
	const struct sigma_rule *one = &set->rules[rule->index];

	return one->kind == SIGMA_RULE && one->route_count == 0;
}

bool
ruleset_is_always_evaluated(const struct ruleset *set, const struct rule *rule)
{
	return set->rules[rule->index].kind == SIGMA_RULE &&
	       set->plans[rule->index].wait_count == 0;
}

uint32_t
ruleset_links(
	const struct ruleset *set, const struct rule *rule, const struct correlation_link **links)
{
	*links = set->plans[rule->index].links;
	return set->plans[rule->index].link_count;
}

const struct correlation *
ruleset_correlation(const struct ruleset *set, const struct rule *rule)
{
	const struct sigma_rule *one = &set->rules[rule->index];

	return one->kind == SIGMA_CORRELATION ? &one->correlation : NULL;
}

bool
ruleset_correlates(const struct ruleset *set)
{
	return set->correlates;
}

size_t
ruleset_filter_count(const struct ruleset *set)
{
	return set->filter_count;
}

const struct filter *
ruleset_filter(const struct ruleset *set, size_t index)
{
	assert(index < set->filter_count);
	return &set->filters[index];
}

size_t
ruleset_count(const struct ruleset *set)
{
	return set->count;
}

const struct rule *
ruleset_rule(const struct ruleset *set, size_t index)
{
	assert(index < set->count);
	return &set->rules[index].rule;
}

void
ruleset_figures(const struct ruleset *set, size_t *rules, size_t *patterns, size_t *databases)
{
	*rules = set->count;
	*patterns = pattern_count(set->patterns);
	*databases = pattern_databases(set->patterns);
}

struct ruleset_scratch *
ruleset_scratch_new(const struct ruleset *set)
{
	struct ruleset_scratch *scratch = calloc(1, sizeof(*scratch));

	if (scratch == NULL)
		return NULL;
	scratch->patterns = pattern_scratch_new(set->patterns);
	scratch->awake = calloc(set->words, sizeof(*scratch->awake));
	scratch->matches = calloc((size_t)set->match_max + 1, sizeof(*scratch->matches));
	scratch->filtered = calloc((size_t)set->match_max + 1, sizeof(*scratch->filtered));
	if (scratch->patterns == NULL || scratch->awake == NULL || scratch->matches == NULL ||
		scratch->filtered == NULL) {
		ruleset_scratch_free(scratch);
		return NULL;
	}
	return scratch;
}

void
ruleset_scratch_free(struct ruleset_scratch *scratch)
{
	if (scratch == NULL)
		return;
	pattern_scratch_free(scratch->patterns);
	free(scratch->awake);
	free(scratch->matches);
	free(scratch->filtered);
	free(scratch);
}

/* Room for the fields that only rules name. */
static struct slice *
more_fields(struct wevent *event, uint32_t count, struct arena *arena)
{
	if (event->more_count >= count)
		return event->more;
	event->more = arena_alloc(arena, count * sizeof(*event->more));
	event->more_count = event->more == NULL ? 0 : count;
	for (uint32_t i = 0; i < event->more_count; i++)
		event->more[i] = SLICE_NONE;
	return event->more;
}

static void
fill_columns(const struct ruleset *set, const struct enrich *enrich, const struct wevent *event)
{
	struct enrich_row row = { 0 };

	if (enrich != NULL && !enrich_find(enrich, event->host, &row))
		row.count = 0;
	for (uint32_t i = 0; i < set->column_count; i++) {
		struct slice *value = &event->more[set->columns[i].more];

		*value = SLICE_NONE;
		for (size_t k = 0; k < row.count; k++)
			if (slice_equal_nocase(
				    slice_of(row.columns[k]), slice_of(set->columns[i].name)))
				*value = slice_of(row.values[k]);
	}
}

static int
complete(const struct ruleset *set, bool text, const struct enrich *enrich, struct wevent *event,
	struct arena *arena)
{
	if (more_fields(event, wevent_names_count(set->names), arena) == NULL)
		return -ENOMEM;
	if (set->text != NO_FIELD) {
		/* A record may have a field of the same name, which is none. */
		event->more[set->text] = text ? values_text(event->raw, arena) : SLICE("");
		if (event->more[set->text].ptr == NULL)
			return -ENOMEM;
	}
	fill_columns(set, enrich, event);
	return 0;
}

/* Can the record's text have a keyword of the channel's rules? */
static bool
may_have_keyword(
	struct ruleset_scratch *scratch, const struct channel *channel, const struct wevent *event)
{
	size_t count;

	if (channel->probes == NO_SCAN)
		return true;
	pattern_reset(scratch->patterns);
	pattern_scan(scratch->patterns, channel->probes, event->raw);
	(void)pattern_hits(scratch->patterns, &count);
	return count > 0;
}

int
ruleset_complete(const struct ruleset *set, struct ruleset_scratch *scratch,
	const struct enrich *enrich, struct wevent *event, struct arena *arena)
{
	const struct channel *channel;
	const struct bucket *bucket;

	if (set->text == NO_FIELD && set->column_count == 0)
		return 0;
	channel = index_channel(set, event);
	bucket = index_bucket(channel, event);
	if (bucket == NULL)
		return 0;
	return complete(set, bucket->text && may_have_keyword(scratch, channel, event), enrich,
		event, arena);
}

int
ruleset_complete_all(const struct ruleset *set, const struct enrich *enrich, struct wevent *event,
	struct arena *arena)
{
	if (set->text == NO_FIELD && set->column_count == 0)
		return 0;
	return complete(set, set->text != NO_FIELD, enrich, event, arena);
}

/* Mark the rules of the bucket that wait for something that has hit.  Is any rule awake? */
static bool
wake_rules(const struct ruleset *set, struct ruleset_scratch *scratch, const struct bucket *bucket)
{
	size_t count;
	const uint32_t *hits = pattern_hits(scratch->patterns, &count);
	uint64_t any = 0;

	for (size_t i = 0; i < count; i++) {
		for (uint32_t k = set->wake_start[hits[i]]; k < set->wake_start[hits[i] + 1]; k++) {
			uint32_t rule = set->wake[k];

			scratch->awake[rule / 64] |=
				bucket->waiting[rule / 64] & (UINT64_C(1) << (rule % 64));
		}
	}
	for (uint32_t i = 0; i < set->words; i++) {
		scratch->awake[i] |= bucket->always[i];
		any |= scratch->awake[i];
	}
	return any != 0;
}

/* The filters of a rule that matched.  false: one of them takes the match away. */
static bool
stays(const struct ruleset *set, struct ruleset_scratch *scratch, const struct wevent *event,
	uint32_t rule, struct match *match)
{
	const struct plan *plan = &set->plans[rule];

	for (uint32_t i = 0; i < plan->filter_count; i++) {
		const struct filter *filter = &set->filters[plan->filters[i]];
		struct match ignored;

		if ((match->filter != NULL && filter->lower) || !filter_is_in_force(filter, event))
			continue;
		if (condition_eval(&filter->condition, scratch->patterns, event, &ignored))
			continue;
		match->filter = filter;
		if (!filter->lower)
			return false;
		if (match->severity > SEVERITY_INFORMATIONAL)
			match->severity--;
	}
	return true;
}

/* A rule that is awake.  Does it match? */
static bool
match_rule(const struct ruleset *set, struct ruleset_scratch *scratch, const struct wevent *event,
	uint32_t rule, struct match *match)
{
	match->rule = &set->rules[rule].rule;
	match->severity = match->rule->severity;
	match->filter = NULL;
	match->correlated = NULL;
	if (!condition_eval(&set->rules[rule].condition, scratch->patterns, event, match))
		return false;
	if (stays(set, scratch, event, rule, match))
		return true;
	scratch->filtered[scratch->filtered_count++] = *match;
	return false;
}

size_t
ruleset_filtered(const struct ruleset_scratch *scratch, const struct match **filtered)
{
	*filtered = scratch->filtered;
	return scratch->filtered_count;
}

bool
ruleset_limited(const struct ruleset_scratch *scratch)
{
	return pattern_limited(scratch->patterns);
}

size_t
ruleset_match(const struct ruleset *set, struct ruleset_scratch *scratch,
	const struct wevent *event, const struct match **matches)
{
	const struct bucket *bucket = index_bucket(index_channel(set, event), event);
	size_t n = 0;

	*matches = scratch->matches;
	scratch->filtered_count = 0;
	if (bucket == NULL)
		return 0;
	pattern_reset(scratch->patterns);
	for (uint32_t i = 0; i < bucket->preset_count; i++)
		pattern_set_hit(scratch->patterns, bucket->preset[i]);
	if (bucket->event_id != -1)
		pattern_skip(scratch->patterns, F_EventID);
	for (uint32_t i = 0; i < bucket->scan_count; i++) {
		uint32_t scan = bucket->scans[i];

		pattern_scan(
			scratch->patterns, scan, wevent_value(event, pattern_scan_field(scan)));
	}
	if (!wake_rules(set, scratch, bucket))
		return 0;
	for (uint32_t word = 0; word < set->words; word++) {
		for (; scratch->awake[word] != 0;
			scratch->awake[word] &= scratch->awake[word] - 1) {
			uint32_t rule = word * 64 + (uint32_t)__builtin_ctzll(scratch->awake[word]);

			n += match_rule(set, scratch, event, rule, &scratch->matches[n]);
		}
	}
	return n;
}

bool
ruleset_explain(const struct ruleset *set, struct ruleset_scratch *scratch, const struct rule *rule,
	const struct wevent *event, const struct explain_sink *sink, bool *routed)
{
	const struct sigma_rule *one = &set->rules[rule->index];

	*routed = logsource_takes(
		one->routes, one->route_count, event->f[F_Channel], event->event_id);
	if (one->kind != SIGMA_RULE)
		return false;
	pattern_reset(scratch->patterns);
	return condition_explain(&one->condition, scratch->patterns, event, sink) && *routed;
}
