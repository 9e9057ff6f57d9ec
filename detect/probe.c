/* A probe is the longest run of a keyword's bytes between its wildcards and whatever JSON may write
 * with a backslash: quotes, slashes, control characters. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/probe.h"

#define PROBE_MIN 3 /* bytes; shorter ones are in every record */

static bool
is_plain(uint16_t token)
{
	return token >= 0x20 && token < 0x7f && strchr("\"\\/", token) == NULL;
}

/* A pattern that finds the tokens anywhere. */
static int
add(struct pattern_set *set, enum wevent_field field, const uint16_t *tokens, uint32_t count,
	struct arena *arena)
{
	uint16_t *copy = arena_alloc(arena, ((size_t)count + 2) * sizeof(*copy));
	struct glob glob = { .tokens = copy, .count = count + 2 };
	uint32_t id;

	if (copy == NULL)
		return -ENOMEM;
	copy[0] = copy[count + 1] = TOKEN_MANY;
	memcpy(copy + 1, tokens, count * sizeof(*copy));
	return pattern_add(set, field, glob, &id);
}

/* 0, -ENOENT for a keyword that has no probe, -ENOMEM. */
static int
add_keyword(
	struct pattern_set *set, enum wevent_field field, struct glob keyword, struct arena *arena)
{
	uint32_t start = 0, best = 0, len = 0;

	for (uint32_t i = 0; i < keyword.count; i++) {
		if (!is_plain(keyword.tokens[i])) {
			start = i + 1;
		} else if (i + 1 - start > len) {
			best = start;
			len = i + 1 - start;
		}
	}
	if (len < PROBE_MIN)
		return -ENOENT;
	return add(set, field, keyword.tokens + best, len, arena);
}

/* What finds characters that are written as numbers. */
static int
add_numbers(struct pattern_set *set, enum wevent_field field, struct arena *arena)
{
	static const char tens[] = "234567"; /* all of ASCII but its control characters */

	for (size_t i = 0; tens[i] != '\0'; i++) {
		const uint16_t tokens[] = { '\\', 'u', '0', '0', (unsigned char)tens[i] };
		int result = add(set, field, tokens, sizeof(tokens) / sizeof(tokens[0]), arena);

		if (result != 0)
			return result;
	}
	return 0;
}

/* 0, -ENOENT for a keyword that has no probe, -ENOMEM. */
static int
add_probes(struct ruleset *set, enum wevent_field field, const struct condition *condition)
{
	for (uint32_t i = 0; i < condition->item_count; i++) {
		const struct condition_item *item = &condition->items[i];

		for (uint32_t p = item->first; item->keywords && p < item->first + item->count;
			p++) {
			const struct condition_pattern *pattern = &condition->patterns[p];
			int result = -ENOENT;

			if (pattern->kind == CONDITION_GLOB)
				result = add_keyword(
					set->patterns, field, pattern->glob, set->arena);
			if (result != 0)
				return result;
		}
	}
	return 0;
}

/* Those of these rules and their filters, and none when a keyword has no probe. */
static int
probe_rules(struct ruleset *set, const uint64_t *rules, uint32_t *probes)
{
	enum wevent_field field = (enum wevent_field)set->field_count;
	int result = add_numbers(set->patterns, field, set->arena);

	for (uint32_t i = 0; i < set->count && result == 0; i++) {
		const struct plan *plan = &set->plans[i];

		if ((rules[i / 64] >> (i % 64) & 1) == 0)
			continue;
		result = add_probes(set, field, &set->rules[i].condition);
		for (uint32_t k = 0; k < plan->filter_count && result == 0; k++)
			result = add_probes(set, field, &set->filters[plan->filters[k]].condition);
	}
	if (result == 0)
		*probes = pattern_scan_of_strings(field);
	set->field_count++;
	return result == -ENOENT ? 0 : result;
}

static bool
reaches(const struct sigma_rule *rule, struct slice channel)
{
	for (uint32_t i = 0; i < rule->route_count; i++)
		if (strcmp(rule->routes[i].channel, channel.ptr) == 0)
			return true;
	return false;
}

/* The probes of each channel: one field for all channels that have the same rules with keywords. */
int
probes_make(struct ruleset *set)
{
	size_t size = (size_t)set->words * sizeof(uint64_t);
	uint64_t *rules = calloc((size_t)set->channel_count + 1, size);
	int result = rules == NULL ? -ENOMEM : 0;

	for (uint32_t c = 0; c < set->channel_count && result == 0; c++) {
		struct channel *channel = &set->channels[c];
		uint64_t *mine = rules + (size_t)c * set->words;
		bool any = false;
		uint32_t same = 0;

		for (uint32_t i = 0; i < set->count; i++) {
			if (!set->plans[i].text || !reaches(&set->rules[i], channel->name))
				continue;
			mine[i / 64] |= UINT64_C(1) << (i % 64);
			any = true;
		}
		while (same < c && memcmp(rules + (size_t)same * set->words, mine, size) != 0)
			same++;
		channel->probes = same < c ? set->channels[same].probes : NO_SCAN;
		if (any && same == c)
			result = probe_rules(set, mine, &channel->probes);
	}
	free(rules);
	return result;
}
