/* A rule's logsource gives it routes: channels, or single ids of them.  Where it has all of a
 * channel and compares EventID in every way to match, it is in the buckets of those ids; else in
 * all of the channel, and in the bucket without an id that the remaining events go to.  What
 * EventID patterns hit is known when a bucket is built. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/index.h"
#include "detect/plan.h"

/* Pattern -> rules that wait for it, as one array cut into parts. */
static int
make_wake(struct ruleset *set)
{
	size_t patterns = pattern_count(set->patterns), total = 0;

	for (uint32_t i = 0; i < set->count; i++)
		total += set->plans[i].wait_count;
	set->wake_start = arena_alloc(set->arena, (patterns + 2) * sizeof(*set->wake_start));
	set->wake = arena_alloc(set->arena, total * sizeof(*set->wake) + 1);
	if (set->wake_start == NULL || set->wake == NULL || total > UINT32_MAX)
		return -ENOMEM;
	/* Counts two places ahead become starts one place ahead, which filling moves to where they
	 * belong. */
	memset(set->wake_start, 0, (patterns + 2) * sizeof(*set->wake_start));
	for (uint32_t i = 0; i < set->count; i++) {
		for (uint32_t k = 0; k < set->plans[i].wait_count; k++)
			set->wake_start[set->plans[i].waits[k] + 2]++;
	}
	for (size_t i = 1; i < patterns + 2; i++)
		set->wake_start[i] += set->wake_start[i - 1];
	for (uint32_t i = 0; i < set->count; i++) {
		for (uint32_t k = 0; k < set->plans[i].wait_count; k++)
			set->wake[set->wake_start[set->plans[i].waits[k] + 1]++] = i;
	}
	return 0;
}

static int
bucket_compare(const void *left, const void *right)
{
	const struct bucket *a = left, *b = right;
	int order = strcmp(a->channel.ptr, b->channel.ptr);

	if (order != 0)
		return order;
	return (a->event_id > b->event_id) - (a->event_id < b->event_id);
}

/* Those of one route, behind `n` buckets; the new count. */
static size_t
add_buckets(struct ruleset *set, size_t n, const struct route *route, const struct plan *plan)
{
	struct bucket bucket = { .channel = slice_of(route->channel), .event_id = -1 };

	set->buckets[n++] = bucket;
	if (route->event_id != -1) {
		bucket.event_id = route->event_id;
		set->buckets[n++] = bucket;
		return n;
	}
	for (uint32_t i = 0; i < plan->id_count; i++) {
		bucket.event_id = plan->ids[i];
		set->buckets[n++] = bucket;
	}
	return n;
}

/* One bucket for each channel and id that a rule names, and one without an id for each channel. */
static int
make_buckets(struct ruleset *set)
{
	size_t total = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < set->count; i++)
		total += ((size_t)set->plans[i].id_count + 2) * set->rules[i].route_count;
	set->buckets = arena_alloc(set->arena, total * sizeof(*set->buckets) + 1);
	if (set->buckets == NULL || total > UINT32_MAX)
		return -ENOMEM;
	total = 0;
	for (uint32_t i = 0; i < set->count; i++)
		for (uint32_t r = 0; r < set->rules[i].route_count; r++)
			total = add_buckets(set, total, &set->rules[i].routes[r], &set->plans[i]);
	if (total > 0)
		qsort(set->buckets, total, sizeof(*set->buckets), bucket_compare);
	for (size_t i = 0; i < total; i++) {
		if (n == 0 || bucket_compare(&set->buckets[i], &set->buckets[n - 1]) != 0)
			set->buckets[n++] = set->buckets[i];
	}
	set->bucket_count = n;
	return 0;
}

static int
make_channels(struct ruleset *set)
{
	uint32_t n = 0;

	set->channels =
		arena_alloc(set->arena, (size_t)set->bucket_count * sizeof(*set->channels) + 1);
	if (set->channels == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->bucket_count; i++) {
		struct bucket *bucket = &set->buckets[i];

		if (bucket->event_id == -1)
			set->channels[n++] =
				(struct channel){ .name = bucket->channel, .buckets = bucket };
		set->channels[n - 1].count++;
	}
	set->channel_count = n;
	return 0;
}

static bool
can_match(const struct ruleset *set, uint32_t rule, const struct bucket *bucket)
{
	const struct plan *plan = &set->plans[rule];
	bool routed = false;

	for (uint32_t i = 0; i < set->rules[rule].route_count && !routed; i++) {
		const struct route *route = &set->rules[rule].routes[i];

		routed = strcmp(route->channel, bucket->channel.ptr) == 0 &&
			 (route->event_id == -1 || route->event_id == bucket->event_id);
	}
	if (!routed)
		return false;
	return plan_allows(plan, bucket->event_id);
}

/* The EventID patterns that an event of this bucket hits: all its events have the same id. */
static int
preset(struct ruleset *set, struct bucket *bucket, struct pattern_scratch *scratch)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", bucket->event_id);
	struct slice value = { text, (size_t)len };

	if (bucket->event_id == -1)
		return 0;
	pattern_reset(scratch);
	bucket->preset =
		arena_alloc(set->arena, set->id_pattern_count * sizeof(*bucket->preset) + 1);
	if (bucket->preset == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->id_pattern_count; i++)
		if (pattern_matches(scratch, set->id_patterns[i], value))
			bucket->preset[bucket->preset_count++] = set->id_patterns[i];
	return 0;
}

static void
add_scan(struct bucket *bucket, uint32_t scan)
{
	for (uint32_t i = 0; i < bucket->scan_count; i++)
		if (bucket->scans[i] == scan)
			return;
	bucket->scans[bucket->scan_count++] = scan;
}

static int
fill_bucket(struct ruleset *set, struct bucket *bucket, struct pattern_scratch *scratch)
{
	size_t size = (size_t)set->words * sizeof(uint64_t);

	bucket->waiting = arena_alloc(set->arena, size);
	bucket->always = arena_alloc(set->arena, size);
	bucket->scans =
		arena_alloc(set->arena, pattern_scans(set->patterns) * sizeof(*bucket->scans) + 1);
	if (bucket->waiting == NULL || bucket->always == NULL || bucket->scans == NULL)
		return -ENOMEM;
	memset(bucket->waiting, 0, size);
	memset(bucket->always, 0, size);
	for (uint32_t i = 0; i < set->count; i++) {
		uint64_t *rules = set->plans[i].wait_count > 0 ? bucket->waiting : bucket->always;

		if (!can_match(set, i, bucket))
			continue;
		rules[i / 64] |= UINT64_C(1) << (i % 64);
		for (uint32_t k = 0; k < set->plans[i].wait_count; k++)
			add_scan(bucket, pattern_scan_of(set->patterns, set->plans[i].waits[k]));
		bucket->text = bucket->text || set->plans[i].text;
		bucket->rule_count++;
	}
	if (bucket->rule_count > set->match_max)
		set->match_max = bucket->rule_count;
	return preset(set, bucket, scratch);
}

/* The patterns of EventID. */
static int
list_id_patterns(struct ruleset *set)
{
	uint32_t count = (uint32_t)pattern_count(set->patterns);

	for (uint32_t i = 0; i < count; i++)
		set->id_pattern_count += pattern_field(set->patterns, i) == F_EventID;
	set->id_patterns =
		arena_alloc(set->arena, set->id_pattern_count * sizeof(*set->id_patterns) + 1);
	if (set->id_patterns == NULL)
		return -ENOMEM;
	for (uint32_t i = 0, n = 0; i < count; i++)
		if (pattern_field(set->patterns, i) == F_EventID)
			set->id_patterns[n++] = i;
	return 0;
}

static int
fill_buckets(struct ruleset *set)
{
	struct pattern_scratch *scratch = pattern_scratch_new(set->patterns);
	int result = scratch == NULL ? -ENOMEM : list_id_patterns(set);

	for (uint32_t i = 0; i < set->bucket_count && result == 0; i++)
		result = fill_bucket(set, &set->buckets[i], scratch);
	pattern_scratch_free(scratch);
	return result;
}

const struct channel *
index_channel(const struct ruleset *set, const struct wevent *event)
{
	for (uint32_t i = 0; i < set->channel_count; i++)
		if (slice_equal_nocase(set->channels[i].name, event->f[F_Channel]))
			return &set->channels[i];
	return NULL;
}

const struct bucket *
index_bucket(const struct channel *channel, const struct wevent *event)
{
	uint32_t low = 1, high;

	if (channel == NULL)
		return NULL;
	high = channel->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (channel->buckets[middle].event_id == event->event_id)
			return &channel->buckets[middle];
		if (channel->buckets[middle].event_id < event->event_id)
			low = middle + 1;
		else
			high = middle;
	}
	return channel->buckets[0].rule_count > 0 ? &channel->buckets[0] : NULL;
}

int
index_make(struct ruleset *set)
{
	int result = make_buckets(set);

	return result == 0 ? make_channels(set) : result;
}

int
index_fill(struct ruleset *set)
{
	int result = make_wake(set);

	return result == 0 ? fill_buckets(set) : result;
}
