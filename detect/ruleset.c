/* The set of rules in force: built once, then read by all workers without a lock.
 *
 * An event goes three steps, each of which ends it for most events.  Its channel and id choose a
 * bucket: the rules that can match it at all.  The bucket's scans are made, those that its rules
 * wait for; a rule waits for the patterns of which it cannot do without one.  Only rules that then
 * are awake get their condition evaluated, and what else that asks for scanned.  A rule without
 * such a pattern is always awake in its buckets.
 *
 * A rule's logsource gives it routes: channels, or single ids of them.  Where it has all of a
 * channel and compares EventID in every way to match, it is in the buckets of those ids; else in
 * all of the channel, and in the bucket without an id that the remaining events go to.  What
 * EventID patterns hit is known when a bucket is built.
 *
 * Rule texts, programs and buckets live in one arena that is given back with the set.  Not here:
 * reading files, and what a match means for a host. */

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/placeholders.h"
#include "detect/probe.h"
#include "detect/ruleset.h"
#include "detect/sigma.h"
#include "parsers/values.h"

#define REGEX_COST 64 /* a scan of its own: waited for where there is nothing else */
#define CORRELATE_CHAIN_MAX 8
#define NO_FIELD UINT32_MAX
#define NO_SCAN UINT32_MAX
#define COLUMN_PREFIX "host_info."
#define MEMORY_MAX ((size_t)512 * 1024 * 1024) /* of one set, without its databases */

struct ruleset_builder {
	struct arena *arena;
	struct sigma_rule *rules;
	uint32_t count, size;
	struct filter *filters;
	uint32_t filter_count, filter_size;
	struct sigma_fields fields;
	struct placeholders placeholders;
};

/* Scans, each once. */
struct scan_list {
	uint32_t *scans;
	uint32_t count;
};

/* How a rule is reached; made for each rule while the set is built. */
struct plan {
	uint32_t *waits; /* patterns */
	uint32_t wait_count;
	int32_t *ids;           /* events, sorted */
	uint32_t id_count;      /* 0: every event of its channel */
	struct scan_list scans; /* that find them */
	bool text;              /* it, or a filter of it, looks at all that a record says */
	uint32_t *filters;      /* that may take its matches away */
	uint32_t filter_count;
	struct correlation_link *links; /* the correlations that it takes part in */
	uint32_t link_count;
};

struct bucket {
	struct slice channel;
	int32_t event_id; /* -1: the ids of the channel that have no bucket */
	uint32_t rule_count;
	struct scan_list scans; /* to make first */
	uint64_t *waiting;      /* rules, as bits */
	uint64_t *always;
	uint32_t *preset; /* EventID patterns that hit */
	uint32_t preset_count;
	bool text; /* a rule looks at all that the record says */
};

/* A field that is a column of the operator's table of hosts. */
struct column {
	uint32_t more; /* its place in wevent.more */
	const char *name;
};

struct channel {
	struct slice name;
	struct bucket *buckets; /* by event id; the first has none */
	uint32_t count;
	uint32_t probes; /* the scan that finds those of its keywords; NO_SCAN */
};

struct ruleset {
	atomic_uint references;
	struct arena *arena;
	struct sigma_rule *rules;
	struct plan *plans;
	uint32_t count;
	uint32_t words; /* of a set of rules as bits */
	struct pattern_set *patterns;
	struct wevent_names *names; /* of the fields that only rules name, or NULL */
	uint32_t field_count;       /* F_MAX, these, and those that only probes are of */
	uint32_t *id_patterns;      /* those of EventID */
	uint32_t id_pattern_count;
	uint32_t *wake_start; /* pattern -> part of `wake`: the rules that wait for it */
	uint32_t *wake;
	struct bucket *buckets;
	uint32_t bucket_count;
	struct channel *channels;
	uint32_t channel_count;
	struct filter *filters;
	uint32_t filter_count;
	bool correlates;    /* one of the rules is a correlation */
	uint32_t match_max; /* rules in the largest bucket */
	uint32_t text;      /* the place of all that a record says in wevent.more; NO_FIELD */
	struct column *columns;
	uint32_t column_count;
};

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

struct ruleset_builder *
ruleset_builder_new(void)
{
	struct ruleset_builder *builder = calloc(1, sizeof(*builder));

	if (builder == NULL)
		return NULL;
	builder->arena = arena_new(MEMORY_MAX);
	if (builder->arena == NULL) {
		free(builder);
		return NULL;
	}
	return builder;
}

void
ruleset_builder_free(struct ruleset_builder *builder)
{
	if (builder == NULL)
		return;
	arena_free(builder->arena);
	free(builder->rules);
	free(builder->filters);
	sigma_fields_done(&builder->fields);
	free(builder);
}

/* Put one more element behind `count` others.  0 or -ENOMEM. */
static int
append(void **array, uint32_t *count, uint32_t *size, const void *element, size_t bytes)
{
	uint32_t wanted = *size == 0 ? 16 : *size * 2;
	void *grown;

	if (*count == *size) {
		grown = realloc(*array, wanted * bytes);
		if (grown == NULL)
			return -ENOMEM;
		*array = grown;
		*size = wanted;
	}
	memcpy((char *)*array + *count * bytes, element, bytes);
	++*count;
	return 0;
}

static int
keep_document(struct ruleset_builder *builder, const struct sigma_rule *document)
{
	void *rules = builder->rules, *filters = builder->filters;
	int result;

	if (document->kind == SIGMA_FILTER) {
		result = append(&filters, &builder->filter_count, &builder->filter_size,
			&document->filter, sizeof(document->filter));
		builder->filters = filters;
	} else {
		result = append(
			&rules, &builder->count, &builder->size, document, sizeof(*document));
		builder->rules = rules;
	}
	return result;
}

static int
add_document(struct ruleset_builder *builder, const struct yaml *yaml, const char *file,
	struct fy_node *root, struct faults *faults)
{
	struct sigma_reader reader = { .yaml = yaml,
		.arena = builder->arena,
		.faults = faults,
		.fields = &builder->fields,
		.placeholders = &builder->placeholders };
	struct arena_mark mark = arena_mark(builder->arena);
	struct sigma_rule document;
	int result;

	if (placeholders_are(root)) {
		placeholders_read(&reader, root, &builder->placeholders);
		return reader.no_memory ? -ENOMEM : 0;
	}
	if (builder->count + builder->filter_count == RULES_MAX) {
		yaml_fault(yaml, root, faults, false, "more than %d rules; remove some", RULES_MAX);
		return 0;
	}
	result = sigma_parse(&reader, file, root, &document);
	if (result == 0)
		result = keep_document(builder, &document);
	else
		arena_rewind(builder->arena, mark);
	return result == -ENOMEM ? result : 0;
}

void
ruleset_builder_add(
	struct ruleset_builder *builder, const char *file, struct slice text, struct faults *faults)
{
	struct yaml *yaml = yaml_parse(file, text, faults);
	const char *name;

	if (yaml == NULL)
		return;
	if (yaml_count(yaml) == 0)
		faults_add(faults, file, 0, 0, true, "no rule in it; remove the file");
	name = arena_copy(builder->arena, (struct slice){ file, strlen(file) + 1 }).ptr;
	for (size_t i = 0; i < yaml_count(yaml); i++) {
		if (name == NULL ||
			add_document(builder, yaml, name, yaml_root(yaml, i), faults) != 0) {
			faults_add(
				faults, file, 0, 0, false, "out of memory for this file's rules");
			break;
		}
	}
	yaml_free(yaml);
}

static int
place_compare(const void *left, const void *right)
{
	const struct sigma_rule *a = left, *b = right;
	int order = strcmp(a->rule.file, b->rule.file);

	if (order != 0)
		return order;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->column > b->column) - (a->column < b->column);
}

/* Ids in any letter case: by their bytes in lower case. */
static int
compare_nocase(const char *a, const char *b)
{
	unsigned char left, right;

	do {
		left = slice_lower((unsigned char)*a++);
		right = slice_lower((unsigned char)*b++);
	} while (left == right && left != '\0');
	return (left > right) - (left < right);
}

static int
id_compare(const void *left, const void *right)
{
	const struct sigma_rule *a = *(const struct sigma_rule *const *)left;
	const struct sigma_rule *b = *(const struct sigma_rule *const *)right;
	int order = compare_nocase(a->rule.id, b->rule.id);

	if (order != 0)
		return order;
	return (a->rule.index > b->rule.index) - (a->rule.index < b->rule.index);
}

static int
filter_compare(const void *left, const void *right)
{
	const struct filter *a = left, *b = right;
	int order = strcmp(a->file, b->file);

	return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

static void
order_filters(struct ruleset_builder *builder)
{
	if (builder->filter_count > 0)
		qsort(builder->filters, builder->filter_count, sizeof(*builder->filters),
			filter_compare);
	for (uint32_t i = 0; i < builder->filter_count; i++)
		builder->filters[i].index = i;
}

/* Sort the rules by place and see that no two have one id. */
static int
order_rules(struct ruleset_builder *builder, struct faults *faults)
{
	const struct sigma_rule **sorted = calloc((size_t)builder->count + 1, sizeof(*sorted));
	int result = 0;

	if (sorted == NULL)
		return -ENOMEM;
	if (builder->count > 0)
		qsort(builder->rules, builder->count, sizeof(*builder->rules), place_compare);
	for (uint32_t i = 0; i < builder->count; i++) {
		builder->rules[i].rule.index = i;
		sorted[i] = &builder->rules[i];
	}
	qsort(sorted, builder->count, sizeof(const struct sigma_rule *), id_compare);
	for (uint32_t i = 1; i < builder->count; i++) {
		if (compare_nocase(sorted[i - 1]->rule.id, sorted[i]->rule.id) != 0)
			continue;
		faults_add(faults, sorted[i]->rule.file, sorted[i]->id_line, sorted[i]->id_column,
			false, "id %s is already that of %s:%d; give this rule a new one",
			sorted[i]->rule.id, sorted[i - 1]->rule.file, sorted[i - 1]->id_line);
		result = -EINVAL;
	}
	free(sorted);
	return result;
}

static int
add_pattern(struct pattern_set *set, enum wevent_field field, struct condition_pattern *pattern)
{
	switch (pattern->kind) {
	case CONDITION_GLOB:
		return pattern_add(set, field, pattern->glob, &pattern->id);
	case CONDITION_REGEX:
		return pattern_add_regex(
			set, field, pattern->text, pattern->regex_flags, &pattern->id);
	case CONDITION_COMPARISON:
		break;
	}
	return 0;
}

static int
add_patterns(struct pattern_set *set, struct condition *condition)
{
	for (uint32_t i = 0; i < condition->item_count; i++) {
		const struct condition_item *item = &condition->items[i];

		for (uint32_t p = item->first; p < item->first + item->count; p++)
			if (add_pattern(set, item->field, &condition->patterns[p]) != 0)
				return -ENOMEM;
	}
	return 0;
}

/* Does the condition look at all that a record says? */
static bool
has_keywords(const struct condition *condition)
{
	for (uint32_t i = 0; i < condition->item_count; i++)
		if (condition->items[i].keywords)
			return true;
	return false;
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
				result = probe_add(set->patterns, field, pattern->glob, set->arena);
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
	int result = probe_add_numbers(set->patterns, field, set->arena);

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
static int
make_probes(struct ruleset *set)
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

/* Number all patterns and build the databases. */
static int
compile_patterns(struct ruleset *set, const struct pattern_cache *cache, struct faults *faults)
{
	char error[PATTERN_ERROR_MAX];

	for (uint32_t i = 0; i < set->count; i++)
		if (add_patterns(set->patterns, &set->rules[i].condition) != 0)
			return -ENOMEM;
	for (uint32_t i = 0; i < set->filter_count; i++)
		if (add_patterns(set->patterns, &set->filters[i].condition) != 0)
			return -ENOMEM;
	if (make_probes(set) != 0)
		return -ENOMEM;
	if (pattern_compile(set->patterns, cache, error) == 0)
		return 0;
	faults_add(faults, "rules", 0, 0, false, "the patterns of all rules together: %s", error);
	return -EINVAL;
}

/* Room for `max` scans. */
static int
list_make(struct ruleset *set, struct scan_list *list, size_t max)
{
	*list = (struct scan_list){ arena_alloc(set->arena, max * sizeof(uint32_t) + 1), 0 };
	return list->scans == NULL ? -ENOMEM : 0;
}

static void
list_add(struct scan_list *list, uint32_t scan)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->scans[i] == scan)
			return;
	list->scans[list->count++] = scan;
}

/* The event id of a pattern that is a plain number; -1 for any other. */
static int32_t
plain_id(const struct condition_pattern *pattern)
{
	uint64_t id;

	if (pattern->kind != CONDITION_GLOB || !pattern_is_plain(pattern->glob) ||
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
	uint32_t len = pattern->kind == CONDITION_GLOB ? pattern_literal(pattern->glob) : 0;

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
plan_ids(struct ruleset *set, const struct condition *condition, struct plan *plan)
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
plan_waits(struct ruleset *set, const struct condition *condition, struct plan *plan)
{
	uint32_t count, *items = required_items(set, condition, string_cost, &count), total = 0;

	if (items == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		total += condition->items[items[i]].count;
	plan->waits = arena_alloc(set->arena, (size_t)total * sizeof(*plan->waits) + 1);
	if (plan->waits == NULL || list_make(set, &plan->scans, total) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const struct condition_item *item = &condition->items[items[i]];
		uint32_t from = item->first, n = item->count;

		if (item->all)
			(void)rarest(set, condition, item, &from, &n); /* its cost is known */
		for (uint32_t k = from; k < from + n; k++) {
			uint32_t id = condition->patterns[k].id;

			list_add(&plan->scans, pattern_scan_of(set->patterns, id));
			plan->waits[plan->wait_count++] = id;
		}
	}
	return 0;
}

/* Plans with what is known before the patterns are compiled. */
static int
make_plans(struct ruleset *set)
{
	set->plans = arena_alloc(set->arena, (size_t)set->count * sizeof(*set->plans) + 1);
	if (set->plans == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->count; i++) {
		set->plans[i] = (struct plan){ .text = has_keywords(&set->rules[i].condition) };
		if (set->rules[i].kind != SIGMA_CORRELATION &&
			plan_ids(set, &set->rules[i].condition, &set->plans[i]) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int
make_waits(struct ruleset *set)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (set->rules[i].kind != SIGMA_CORRELATION &&
			plan_waits(set, &set->rules[i].condition, &set->plans[i]) != 0)
			return -ENOMEM;
	return 0;
}

/* Is it called by this id, in any letter case, or this name? */
static bool
is_called(const struct sigma_rule *rule, const char *reference)
{
	return compare_nocase(rule->rule.id, reference) == 0 ||
	       (rule->name != NULL && strcmp(rule->name, reference) == 0);
}

/* Does the filter speak of the rule?  `used` has room for its references. */
static bool
filter_names(const struct filter *filter, const struct sigma_rule *rule, bool *used)
{
	bool named = filter->rules == NULL;

	for (uint32_t i = 0; filter->rules != NULL && filter->rules[i] != NULL; i++) {
		if (!is_called(rule, filter->rules[i]))
			continue;
		used[i] = true;
		named = true;
	}
	return named;
}

/* Put the filter on the lists of its rules, which have room for all filters. */
static int
link_filter(struct ruleset *set, const struct filter *filter, struct faults *faults)
{
	uint32_t count = 0;
	bool *used;

	while (filter->rules != NULL && filter->rules[count] != NULL)
		count++;
	used = calloc(count + 1, sizeof(*used));
	if (used == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->count; i++) {
		struct plan *plan = &set->plans[i];

		if (!filter_names(filter, &set->rules[i], used))
			continue;
		plan->filters[plan->filter_count++] = filter->index;
		plan->text = plan->text || has_keywords(&filter->condition);
	}
	for (uint32_t i = 0; i < count; i++)
		if (!used[i])
			faults_add(faults, filter->file, filter->line, filter->column, true,
				"the filter names a rule that is not loaded: %s; correct it or "
				"remove it",
				filter->rules[i]);
	free(used);
	return 0;
}

/* The rule that a correlation means; -1: there is none. */
static int64_t
find_reference(const struct ruleset *set, const char *reference)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (is_called(&set->rules[i], reference))
			return i;
	return -1;
}

/* Put the correlation on the lists of its rules.  0, -ENOMEM, or -EINVAL for a rule that is not
 * there. */
static int
link_correlation(struct ruleset *set, uint32_t index, struct faults *faults)
{
	struct sigma_rule *rule = &set->rules[index];
	struct correlation *correlation = &rule->correlation;
	int result = 0;

	for (uint32_t i = 0; i < correlation->reference_count; i++) {
		struct correlation_reference *reference = &correlation->references[i];
		int64_t found = find_reference(set, reference->name);
		struct correlation_link *links;
		struct plan *plan;

		if (found == -1) {
			faults_add(faults, rule->rule.file, correlation->line, correlation->column,
				false,
				"there is no rule with the id or name '%s'; load it or correct the "
				"name",
				reference->name);
			result = -EINVAL;
			continue;
		}
		reference->rule = (uint32_t)found;
		plan = &set->plans[found];
		links = arena_grow(set->arena, plan->links, plan->link_count * sizeof(*links),
			(plan->link_count + 1) * sizeof(*links));
		if (links == NULL)
			return -ENOMEM;
		links[plan->link_count++] = (struct correlation_link){ index, i };
		plan->links = links;
	}
	return result;
}

/* A correlation has the highest level of its rules where it has none of its own; `depth` is that of
 * the chain.  false: the chain has no end. */
static bool
settle_level(struct ruleset *set, uint32_t index, uint32_t depth)
{
	struct sigma_rule *rule = &set->rules[index];

	if (rule->kind != SIGMA_CORRELATION)
		return true;
	if (depth == CORRELATE_CHAIN_MAX)
		return false;
	for (uint32_t i = 0; i < rule->correlation.reference_count; i++) {
		uint32_t other = rule->correlation.references[i].rule;

		if (!settle_level(set, other, depth + 1))
			return false;
		if (!rule->level && set->rules[other].rule.severity > rule->rule.severity)
			rule->rule.severity = set->rules[other].rule.severity;
	}
	return true;
}

/* Rules that only correlations speak for.  Those of the core always speak. */
static void
silence(struct ruleset *set, uint32_t index, struct faults *faults)
{
	struct sigma_rule *rule = &set->rules[index];
	const struct plan *plan = &set->plans[index];

	for (uint32_t i = 0; i < plan->link_count; i++)
		if (set->rules[plan->links[i].rule].correlation.generate)
			return;
	if (plan->link_count == 0 || rule->rule.core)
		return;
	rule->rule.silent = true;
	if (rule->kind == SIGMA_CORRELATION)
		return; /* a link of a chain is made for that */
	faults_add(faults, rule->rule.file, rule->line, rule->column, true,
		"the rule makes no alerts of its own, since correlation '%s' (%s) counts it; write "
		"'generate: true' there to have both",
		set->rules[plan->links[0].rule].rule.title,
		set->rules[plan->links[0].rule].rule.file);
}

static int
link_correlations(struct ruleset *set, struct faults *faults)
{
	int result = 0;

	for (uint32_t i = 0; i < set->count; i++) {
		int one = 0;

		if (set->rules[i].kind == SIGMA_CORRELATION) {
			set->correlates = true;
			one = link_correlation(set, i, faults);
		}
		if (one == -ENOMEM)
			return one;
		result = result == 0 ? one : result;
	}
	for (uint32_t i = 0; i < set->count && result == 0; i++) {
		if (settle_level(set, i, 0))
			continue;
		faults_add(faults, set->rules[i].rule.file, set->rules[i].correlation.line,
			set->rules[i].correlation.column, false,
			"a chain of more than %d correlations, or one that leads back to itself; "
			"shorten it",
			CORRELATE_CHAIN_MAX);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < set->count && result == 0; i++)
		silence(set, i, faults);
	return result;
}

static int
link_filters(struct ruleset *set, struct faults *faults)
{
	size_t room = set->filter_count * sizeof(uint32_t) + 1;

	for (uint32_t i = 0; i < set->count && set->filter_count > 0; i++) {
		set->plans[i].filters = arena_alloc(set->arena, room);
		if (set->plans[i].filters == NULL)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < set->filter_count; i++)
		if (link_filter(set, &set->filters[i], faults) != 0)
			return -ENOMEM;
	return 0;
}

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
	return plan->id_count == 0 || bsearch(&bucket->event_id, plan->ids, plan->id_count,
					      sizeof(*plan->ids), number_compare) != NULL;
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

static int
fill_bucket(struct ruleset *set, struct bucket *bucket, struct pattern_scratch *scratch)
{
	size_t size = (size_t)set->words * sizeof(uint64_t);

	bucket->waiting = arena_alloc(set->arena, size);
	bucket->always = arena_alloc(set->arena, size);
	if (bucket->waiting == NULL || bucket->always == NULL ||
		list_make(set, &bucket->scans, pattern_scans(set->patterns)) != 0)
		return -ENOMEM;
	memset(bucket->waiting, 0, size);
	memset(bucket->always, 0, size);
	for (uint32_t i = 0; i < set->count; i++) {
		uint64_t *rules = set->plans[i].wait_count > 0 ? bucket->waiting : bucket->always;

		if (!can_match(set, i, bucket))
			continue;
		rules[i / 64] |= UINT64_C(1) << (i % 64);
		for (uint32_t k = 0; k < set->plans[i].scans.count; k++)
			list_add(&bucket->scans, set->plans[i].scans.scans[k]);
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

/* Which of the fields that only rules name are not the record's. */
static int
find_own_fields(struct ruleset *set, const struct sigma_fields *fields)
{
	struct slice prefix = SLICE(COLUMN_PREFIX);

	set->text = NO_FIELD;
	set->columns = arena_alloc(set->arena, fields->count * sizeof(*set->columns) + 1);
	if (set->columns == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < fields->count; i++) {
		struct slice name = fields->names[i];

		if (name.len == 0)
			set->text = i;
		if (!slice_prefix(name, prefix))
			continue;
		name = arena_copy(set->arena, (struct slice){ name.ptr, name.len + 1 });
		if (name.ptr == NULL)
			return -ENOMEM;
		set->columns[set->column_count++] = (struct column){ i, name.ptr + prefix.len };
	}
	return 0;
}

/* Is there an event id that both the logsource and the condition allow? */
static bool
has_event(const struct ruleset *set, uint32_t rule)
{
	const struct plan *plan = &set->plans[rule];

	for (uint32_t i = 0; i < set->rules[rule].route_count; i++) {
		int32_t id = set->rules[rule].routes[i].event_id;

		if (id == -1 || plan->id_count == 0 ||
			bsearch(&id, plan->ids, plan->id_count, sizeof(*plan->ids),
				number_compare) != NULL)
			return true;
	}
	return set->rules[rule].route_count == 0; /* idle, which has been said */
}

/* What an author wants to know of how the rules are evaluated. */
static void
warn_rules(const struct ruleset *set, struct faults *faults)
{
	for (uint32_t i = 0; i < set->count; i++) {
		const struct sigma_rule *rule = &set->rules[i];

		if (rule->kind != SIGMA_RULE)
			continue;
		if (!has_event(set, i))
			faults_add(faults, rule->rule.file, rule->line, rule->column, true,
				"the rule can never match: no event of its logsource has an "
				"EventID "
				"that it asks for");
		else if (rule->route_count > 0 && set->plans[i].wait_count == 0)
			faults_add(faults, rule->rule.file, rule->line, rule->column, true,
				"the rule has no text that every match must have, so it is "
				"evaluated for each event of its logsource; add one where there is "
				"one");
	}
}

static int
compile(struct ruleset *set, const struct pattern_cache *cache, struct faults *faults)
{
	int result = make_plans(set);

	if (result == 0)
		result = link_filters(set, faults);
	if (result == 0)
		result = link_correlations(set, faults);
	if (result == 0)
		result = make_buckets(set);
	if (result == 0)
		result = make_channels(set);
	if (result == 0)
		result = compile_patterns(set, cache, faults);
	if (result == 0)
		result = make_waits(set);
	if (result == 0)
		result = make_wake(set);
	if (result == 0)
		result = fill_buckets(set);
	if (result == 0)
		warn_rules(set, faults);
	return result;
}

struct ruleset *
ruleset_build(
	struct ruleset_builder *builder, const struct pattern_cache *cache, struct faults *faults)
{
	struct ruleset *set = calloc(1, sizeof(*set));
	int result = -ENOMEM;

	if (set == NULL)
		goto fail;
	atomic_init(&set->references, 1);
	set->patterns = pattern_set_new();
	if (set->patterns == NULL)
		goto fail;
	set->field_count = F_MAX + builder->fields.count;
	if (builder->fields.count > 0) {
		set->names = wevent_names_new(builder->fields.names, builder->fields.count);
		if (set->names == NULL)
			goto fail;
	}
	result = order_rules(builder, faults);
	if (result != 0)
		goto fail;
	order_filters(builder);
	/* The builder keeps all of it until nothing can fail any more. */
	set->arena = builder->arena;
	set->rules = builder->rules;
	set->count = builder->count;
	set->filters = builder->filters;
	set->filter_count = builder->filter_count;
	set->words = builder->count / 64 + 1;
	result = find_own_fields(set, &builder->fields);
	if (result == 0)
		result = compile(set, cache, faults);
	if (result != 0)
		goto fail;
	builder->arena = NULL;
	builder->rules = NULL;
	builder->filters = NULL;
	return set;
fail:
	if (result == -ENOMEM)
		faults_add(faults, "rules", 0, 0, false, "out of memory for the rules");
	if (set != NULL) {
		pattern_set_free(set->patterns);
		wevent_names_free(set->names);
	}
	free(set);
	return NULL;
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

static const struct channel *
find_channel(const struct ruleset *set, const struct wevent *event)
{
	for (uint32_t i = 0; i < set->channel_count; i++)
		if (slice_equal_nocase(set->channels[i].name, event->f[F_Channel]))
			return &set->channels[i];
	return NULL;
}

/* NULL when no rule can match: another channel, or an id of it that no rule is for. */
static const struct bucket *
find_bucket(const struct channel *channel, const struct wevent *event)
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
			if (strcmp(row.columns[k], set->columns[i].name) == 0)
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
	channel = find_channel(set, event);
	bucket = find_bucket(channel, event);
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

size_t
ruleset_match(const struct ruleset *set, struct ruleset_scratch *scratch,
	const struct wevent *event, const struct match **matches)
{
	const struct bucket *bucket = find_bucket(find_channel(set, event), event);
	size_t n = 0;

	*matches = scratch->matches;
	scratch->filtered_count = 0;
	if (bucket == NULL)
		return 0;
	pattern_reset(scratch->patterns);
	for (uint32_t i = 0; i < bucket->preset_count; i++)
		pattern_set_hit(scratch->patterns, bucket->preset[i]);
	if (bucket->event_id != -1)
		pattern_skip_scan(scratch->patterns, pattern_scan_of_strings(F_EventID));
	for (uint32_t i = 0; i < bucket->scans.count; i++) {
		uint32_t scan = bucket->scans.scans[i];

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

static bool
is_routed(const struct sigma_rule *rule, const struct wevent *event)
{
	for (uint32_t i = 0; i < rule->route_count; i++)
		if ((rule->routes[i].event_id == -1 ||
			    rule->routes[i].event_id == event->event_id) &&
			slice_equal_nocase(slice_of(rule->routes[i].channel), event->f[F_Channel]))
			return true;
	return false;
}

bool
ruleset_explain(const struct ruleset *set, struct ruleset_scratch *scratch, const struct rule *rule,
	const struct wevent *event, const struct explain_sink *sink, bool *routed)
{
	const struct sigma_rule *one = &set->rules[rule->index];

	*routed = is_routed(one, event);
	if (one->kind != SIGMA_RULE)
		return false;
	pattern_reset(scratch->patterns);
	return condition_explain(&one->condition, scratch->patterns, event, sink) && *routed;
}
