/* The costs are guesses at how often something hits: of the items that a condition cannot be true
 * without, the cheapest are waited for.  Event ids have buckets instead, and are asked for apart.
 */

#include <errno.h>
#include <stdlib.h>

#include "detect/plan.h"

#define REGEX_COST 64 /* a scan of its own: waited for where there is nothing else */

/* The event id of a pattern that is a plain number; -1 for any other. */
static int32_t
plain_id(const struct condition_pattern *pattern)
{
	uint64_t id;

	if (pattern->kind != CONDITION_GLOB || !glob_is_plain(pattern->glob) ||
		slice_number(pattern->text, INT32_MAX, &id) != 0)
		return -1;
	return (int32_t)id;
}

/* Waiting for an event id: only items that are plain numbers. */
static uint32_t
id_cost(const struct ruleset *set, const struct condition *condition,
	const struct condition_item *item)
{
	(void)set;
	if (item->field != F_EventID || item->absent || item->all || item->negated)
		return 0;
	for (uint32_t i = 0; i < item->count; i++) {
		if (plain_id(&condition->patterns[item->first + i]) == -1)
			return 0;
	}
	return item->count;
}

/* How often a pattern will hit, roughly: a short literal is dear.  0: the scan does not find it. */
static uint32_t
pattern_cost(const struct ruleset *set, const struct condition_pattern *pattern)
{
	uint32_t len = pattern->kind == CONDITION_GLOB ? glob_run(pattern->glob).len : 0;

	if (pattern->kind == CONDITION_REGEX && pattern_is_scanned(set->patterns, pattern->id))
		return REGEX_COST;
	return len == 0 ? 0 : 1 + 8 / len;
}

/* The patterns of one value of the item, from *first on: their cost together, 0 when one of them
 * can't be waited for. */
static uint32_t
value_cost(const struct ruleset *set, const struct condition *condition,
	const struct condition_item *item, uint32_t first, uint32_t *count)
{
	const struct condition_pattern *patterns = condition->patterns;
	uint32_t end = item->first + item->count, cost = 0;
	bool all = true;

	for (*count = 0;
		first + *count < end && patterns[first + *count].value == patterns[first].value;
		++*count) {
		uint32_t one = pattern_cost(set, &patterns[first + *count]);

		all = all && one > 0;
		cost += one;
	}
	return all ? cost : 0;
}

/* The value of an item with |all that is best waited for: its patterns and their cost. */
static uint32_t
rarest(const struct ruleset *set, const struct condition *condition,
	const struct condition_item *item, uint32_t *first, uint32_t *count)
{
	uint32_t best = 0, n;

	*first = item->first;
	*count = 0;
	for (uint32_t i = item->first; i < item->first + item->count; i += n) {
		uint32_t cost = value_cost(set, condition, item, i, &n);

		if (cost == 0 || (best > 0 && cost >= best))
			continue;
		best = cost;
		*first = i;
		*count = n;
	}
	return best;
}

/* Waiting for a string: the scan finds each pattern of the item, or of one of the values of |all.
 * Ids have buckets. */
static uint32_t
string_cost(const struct ruleset *set, const struct condition *condition,
	const struct condition_item *item)
{
	uint32_t cost = 0, first, count;

	if (item->field == F_EventID || item->absent || item->negated || item->count == 0)
		return 0;
	if (item->all)
		return rarest(set, condition, item, &first, &count);
	for (uint32_t i = item->first; i < item->first + item->count; i++) {
		uint32_t one = pattern_cost(set, &condition->patterns[i]);

		if (one == 0)
			return 0;
		cost += one;
	}
	return cost;
}

typedef uint32_t cost_function(
	const struct ruleset *, const struct condition *, const struct condition_item *);

/* The items that a condition cannot do without one of, by that measure; NULL for no memory. */
static uint32_t *
required_items(const struct ruleset *set, const struct condition *condition, cost_function *measure,
	uint32_t *count)
{
	struct arena *arena = set->arena;
	uint32_t *cost = arena_alloc(arena, (size_t)condition->item_count * sizeof(*cost) + 1);
	uint32_t *items = arena_alloc(arena, (size_t)condition->op_count * sizeof(*items) + 1);

	if (cost == NULL || items == NULL)
		return NULL;
	for (uint32_t i = 0; i < condition->item_count; i++)
		cost[i] = measure(set, condition, &condition->items[i]);
	*count = condition_required(condition, cost, items);
	return items;
}

static int
number_compare(const void *left, const void *right)
{
	int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;

	return (a > b) - (a < b);
}

/* The numbers sorted, each once; the new count. */
static uint32_t
sort_numbers(int32_t *numbers, uint32_t count)
{
	uint32_t n = 0;

	if (count == 0)
		return 0;
	qsort(numbers, count, sizeof(*numbers), number_compare);
	for (uint32_t i = 0; i < count; i++) {
		if (n == 0 || numbers[i] != numbers[n - 1])
			numbers[n++] = numbers[i];
	}
	return n;
}

static int
find_ids(struct ruleset *set, const struct condition *condition, struct plan *plan)
{
	uint32_t count, *items = required_items(set, condition, id_cost, &count), total = 0;

	if (items == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		total += condition->items[items[i]].count;
	plan->ids = arena_alloc(set->arena, (size_t)total * sizeof(*plan->ids) + 1);
	if (plan->ids == NULL)
		return -ENOMEM;
	total = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct condition_item *item = &condition->items[items[i]];

		for (uint32_t k = 0; k < item->count; k++)
			plan->ids[total++] = plain_id(&condition->patterns[item->first + k]);
	}
	plan->id_count = sort_numbers(plan->ids, total);
	return 0;
}

static int
find_waits(struct ruleset *set, const struct condition *condition, struct plan *plan)
{
	uint32_t count, *items = required_items(set, condition, string_cost, &count), total = 0;

	if (items == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		total += condition->items[items[i]].count;
	plan->waits = arena_alloc(set->arena, (size_t)total * sizeof(*plan->waits) + 1);
	if (plan->waits == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const struct condition_item *item = &condition->items[items[i]];
		uint32_t from = item->first, n = item->count;

		if (item->all)
			(void)rarest(set, condition, item, &from, &n); /* its cost is known */
		for (uint32_t k = from; k < from + n; k++)
			plan->waits[plan->wait_count++] = condition->patterns[k].id;
	}
	return 0;
}

int
plan_rules(struct ruleset *set)
{
	set->plans = arena_alloc(set->arena, (size_t)set->count * sizeof(*set->plans) + 1);
	if (set->plans == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->count; i++) {
		set->plans[i] =
			(struct plan){ .text = condition_has_keywords(&set->rules[i].condition) };
		if (set->rules[i].kind != SIGMA_CORRELATION &&
			find_ids(set, &set->rules[i].condition, &set->plans[i]) != 0)
			return -ENOMEM;
	}
	return 0;
}

int
plan_waits(struct ruleset *set)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (set->rules[i].kind != SIGMA_CORRELATION &&
			find_waits(set, &set->rules[i].condition, &set->plans[i]) != 0)
			return -ENOMEM;
	return 0;
}

bool
plan_allows(const struct plan *plan, int32_t event_id)
{
	return plan->id_count == 0 || bsearch(&event_id, plan->ids, plan->id_count,
					      sizeof(*plan->ids), number_compare) != NULL;
}
