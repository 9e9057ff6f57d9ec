/* Texts -> rules, in the order of their files and places, and then the set, part by part. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/index.h"
#include "detect/link.h"
#include "detect/placeholders.h"
#include "detect/plan.h"
#include "detect/probe.h"
#include "detect/ruleset_builder.h"
#include "detect/ruleset_parts.h"

#define MEMORY_MAX ((size_t)512 * 1024 * 1024) /* of one set, without its databases */

/* A text that names placeholders waits for the values of all. */
struct waiting {
	const char *file;
	struct slice text;
};

struct ruleset_builder {
	struct arena *arena;
	struct waiting *waiting;
	uint32_t waiting_count, waiting_size;
	struct refusals refusals;
	struct sigma_rule *rules;
	uint32_t count, size;
	struct filter *filters;
	uint32_t filter_count, filter_size;
	struct sigma_fields fields;
	struct placeholders placeholders;
	zone_find *find_zone;
};

void
ruleset_builder_zones(struct ruleset_builder *builder, zone_find *find)
{
	builder->find_zone = find;
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
	free(builder->waiting);
	free(builder->refusals.list);
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

/* Its text stays in the arena: a set with a fault is not used for long. */
static int
keep_refusal(struct ruleset_builder *builder, const struct sigma_rule *document)
{
	struct refused one = { document->rule.id, document->rule.name };
	void *list = builder->refusals.list;
	int result =
		append(&list, &builder->refusals.count, &builder->refusals.size, &one, sizeof(one));

	builder->refusals.list = list;
	return result;
}

static struct sigma_reader
reader_of(struct ruleset_builder *builder, const struct yaml *yaml, struct faults *faults)
{
	return (struct sigma_reader){ .yaml = yaml,
		.arena = builder->arena,
		.faults = faults,
		.fields = &builder->fields,
		.placeholders = &builder->placeholders,
		.find_zone = builder->find_zone };
}

/* 0 or -ENOMEM. */
static int
add_document(struct ruleset_builder *builder, const struct yaml *yaml, const char *file,
	struct fy_node *root, struct faults *faults)
{
	struct sigma_reader reader = reader_of(builder, yaml, faults);
	struct sigma_rule document;
	int result;

	if (builder->count + builder->filter_count == RULES_MAX) {
		yaml_fault(yaml, root, faults, false, "more than %d rules; remove some", RULES_MAX);
		return 0;
	}
	result = sigma_parse(&reader, file, root, &document);
	if (result == 0)
		result = keep_document(builder, &document);
	else if (result == -EINVAL)
		result = keep_refusal(builder, &document);
	return result;
}

static int
add_documents(struct ruleset_builder *builder, const struct yaml *yaml, const char *file,
	struct faults *faults)
{
	int result = 0;

	for (size_t i = 0; i < yaml_count(yaml) && result == 0; i++)
		if (!placeholders_are(yaml_root(yaml, i)))
			result = add_document(builder, yaml, file, yaml_root(yaml, i), faults);
	return result;
}

static int
add_placeholders(struct ruleset_builder *builder, const struct yaml *yaml, struct faults *faults)
{
	struct sigma_reader reader = reader_of(builder, yaml, faults);

	for (size_t i = 0; i < yaml_count(yaml); i++)
		if (placeholders_are(yaml_root(yaml, i)))
			placeholders_read(&reader, yaml_root(yaml, i), &builder->placeholders);
	return reader.no_memory ? -ENOMEM : 0;
}

static int
wait_for_values(struct ruleset_builder *builder, const char *file, struct slice text)
{
	struct waiting one = { file, arena_copy(builder->arena, text) };
	void *list = builder->waiting;
	int result = -ENOMEM;

	if (one.text.ptr != NULL)
		result = append(
			&list, &builder->waiting_count, &builder->waiting_size, &one, sizeof(one));
	builder->waiting = list;
	return result;
}

void
ruleset_builder_add(
	struct ruleset_builder *builder, const char *file, struct slice text, struct faults *faults)
{
	struct yaml *yaml = yaml_parse(file, text, faults);
	const char *name;
	int result = -ENOMEM;

	if (yaml == NULL)
		return;
	if (yaml_count(yaml) == 0)
		faults_add(faults, file, 0, 0, true, "no rule in it; remove the file");
	name = arena_copy(builder->arena, (struct slice){ file, strlen(file) + 1 }).ptr;
	if (name != NULL)
		result = add_placeholders(builder, yaml, faults);
	if (result == 0 && slice_find(text, SLICE("expand")) < text.len)
		result = wait_for_values(builder, name, text);
	else if (result == 0)
		result = add_documents(builder, yaml, name, faults);
	if (result != 0)
		faults_add(faults, file, 0, 0, false, "out of memory for this file's rules");
	yaml_free(yaml);
}

/* The texts that were waiting; that they are YAML was seen when they came. */
static void
add_waiting(struct ruleset_builder *builder, struct faults *faults)
{
	for (uint32_t i = 0; i < builder->waiting_count; i++) {
		const struct waiting *one = &builder->waiting[i];
		struct faults told = { 0 };
		struct yaml *yaml = yaml_parse(one->file, one->text, &told);

		if (yaml == NULL || add_documents(builder, yaml, one->file, faults) != 0)
			faults_add(faults, one->file, 0, 0, false,
				"out of memory for this file's rules");
		yaml_free(yaml);
		faults_done(&told);
	}
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

/* An id and where it stands. */
struct identity {
	const char *id, *file;
	int line, column;
};

static int
identity_compare(const void *left, const void *right)
{
	const struct identity *a = left, *b = right;
	int order = compare_nocase(a->id, b->id);

	if (order == 0)
		order = strcmp(a->file, b->file);
	return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

/* No two rules or filters may have one id: whoever refers to it means one of them.  0 or -ENOMEM.
 */
static int
check_ids(const struct ruleset_builder *builder, struct faults *faults)
{
	uint32_t count = 0;
	struct identity *ids =
		calloc((size_t)builder->count + builder->filter_count + 1, sizeof(*ids));

	if (ids == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < builder->count; i++) {
		const struct sigma_rule *rule = &builder->rules[i];

		ids[count++] = (struct identity){ rule->rule.id, rule->rule.file, rule->id_line,
			rule->id_column };
	}
	for (uint32_t i = 0; i < builder->filter_count; i++) {
		const struct filter *filter = &builder->filters[i];

		ids[count++] = (struct identity){ filter->id, filter->file, filter->id_line,
			filter->id_column };
	}
	qsort(ids, count, sizeof(*ids), identity_compare);
	for (uint32_t i = 1; i < count; i++) {
		if (compare_nocase(ids[i - 1].id, ids[i].id) != 0)
			continue;
		faults_add(faults, ids[i].file, ids[i].line, ids[i].column, false,
			"id %s is already that of %s:%d; give this one a new one", ids[i].id,
			ids[i - 1].file, ids[i - 1].line);
	}
	free(ids);
	return 0;
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

static void
order_rules(struct ruleset_builder *builder)
{
	if (builder->count > 0)
		qsort(builder->rules, builder->count, sizeof(*builder->rules), place_compare);
	for (uint32_t i = 0; i < builder->count; i++)
		builder->rules[i].rule.index = i;
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
	if (probes_make(set) != 0)
		return -ENOMEM;
	if (pattern_compile(set->patterns, cache, error) == 0)
		return 0;
	faults_add(faults, "rules", 0, 0, false, "the patterns of all rules together: %s", error);
	return -EINVAL;
}

/* Which of the fields that only rules name are not the record's. */
static int
find_own_fields(struct ruleset *set, const struct sigma_fields *fields)
{
	struct slice prefix = SLICE(READER_COLUMN_PREFIX);

	set->text = NO_FIELD;
	set->columns = arena_alloc(set->arena, fields->count * sizeof(*set->columns) + 1);
	if (set->columns == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < fields->count; i++) {
		struct slice name = fields->names[i];

		if (name.len == 0)
			set->text = i;
		if (!slice_prefix_nocase(name, prefix))
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

		if (id == -1 || plan_allows(plan, id))
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
				"the rule has no text of two letters or more that every match must "
				"have, so it is evaluated for each event of its logsource; add one "
				"where there is one");
	}
}

/* Warn of the condition's columns that no host has. */
static void
check_columns(const struct condition *condition, const char *file, int line, int column,
	const struct enrich *enrich, struct faults *faults)
{
	for (uint32_t i = 0; i < condition->item_count; i++) {
		struct slice name = slice_of(condition->items[i].name);

		if (!slice_prefix_nocase(name, SLICE(READER_COLUMN_PREFIX)))
			continue;
		name = slice_sub(name, strlen(READER_COLUMN_PREFIX), name.len);
		if (enrich == NULL)
			faults_add(faults, file, line, column, true,
				"no host has '%s': there is no table of hosts; set enrich.hosts",
				condition->items[i].name);
		else if (!enrich_has_column(enrich, name))
			faults_add(faults, file, line, column, true,
				"no host has '%s': the table of enrich.hosts has no such column; "
				"correct one of them",
				condition->items[i].name);
	}
}

void
ruleset_check_columns(const struct ruleset *set, const struct enrich *enrich, struct faults *faults)
{
	for (uint32_t i = 0; i < set->count; i++)
		check_columns(&set->rules[i].condition, set->rules[i].rule.file, set->rules[i].line,
			set->rules[i].column, enrich, faults);
	for (uint32_t i = 0; i < set->filter_count; i++)
		check_columns(&set->filters[i].condition, set->filters[i].file,
			set->filters[i].line, set->filters[i].column, enrich, faults);
}

static bool
has_technique(const struct rule *rule, const char *id)
{
	const char *const *one = rule->techniques;

	while (*one != NULL && strcmp(*one, id) != 0)
		one++;
	return *one != NULL;
}

/* Warn of a technique that the table lacks, once for all rules that have it: a collection of rules
 * may be newer than the table. */
static void
warn_technique(const struct ruleset *set, uint32_t first, const char *id, struct faults *faults)
{
	const struct sigma_rule *rule = &set->rules[first];
	uint32_t more = 0;

	for (uint32_t i = 0; i < first; i++)
		if (has_technique(&set->rules[i].rule, id))
			return;
	for (uint32_t i = first + 1; i < set->count; i++)
		more += has_technique(&set->rules[i].rule, id);
	faults_add(faults, rule->rule.file, rule->line, rule->column, true,
		"the table of ATT&CK has no technique %s, a tag of %u rule%s; correct the tag, or "
		"add a line to the table",
		id, more + 1, more == 0 ? "" : "s");
}

/* "attack.persistance" and the like. */
static void
warn_tactic(const struct sigma_rule *rule, const struct attack *attack, struct slice tag,
	struct faults *faults)
{
	static const struct slice prefix = SLICE_INIT("attack.");
	const char *meant =
		!slice_prefix_nocase(tag, prefix)
			? NULL
			: attack_tactic_meant(attack, slice_sub(tag, prefix.len, tag.len));

	if (meant != NULL)
		faults_add(faults, rule->rule.file, rule->line, rule->column, true,
			"ATT&CK has no tactic for the tag '%.*s'; did you mean attack.%s?",
			READER_SHOW(tag), meant);
}

void
ruleset_check_tags(const struct ruleset *set, const struct attack *attack, struct faults *faults)
{
	for (uint32_t i = 0; i < set->count; i++) {
		const struct rule *rule = &set->rules[i].rule;

		for (const char *const *id = rule->techniques; *id != NULL; id++)
			if (attack_find(attack, *id) == NULL)
				warn_technique(set, i, *id, faults);
		for (const char *const *tag = rule->tags; *tag != NULL; tag++)
			warn_tactic(&set->rules[i], attack, slice_of(*tag), faults);
	}
}

static int
compile(struct ruleset *set, const struct refusals *refusals, const struct pattern_cache *cache,
	struct faults *faults)
{
	int result = plan_rules(set);

	if (result == 0)
		result = link_filters(set, refusals, faults);
	if (result == 0)
		result = link_correlations(set, refusals, faults);
	if (result == 0)
		result = index_make(set);
	if (result == 0)
		result = compile_patterns(set, cache, faults);
	if (result == 0)
		result = plan_waits(set);
	if (result == 0)
		result = index_fill(set);
	if (result == 0)
		warn_rules(set, faults);
	return result;
}

struct ruleset *
ruleset_build(
	struct ruleset_builder *builder, const struct pattern_cache *cache, struct faults *faults)
{
	struct ruleset *set = calloc(1, sizeof(*set));
	size_t errors = faults->errors;
	int result = -ENOMEM;

	if (set == NULL)
		goto fail;
	add_waiting(builder, faults);
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
	order_rules(builder);
	order_filters(builder);
	result = check_ids(builder, faults);
	if (result != 0)
		goto fail;
	/* The builder keeps all of it until nothing can fail any more. */
	set->arena = builder->arena;
	set->rules = builder->rules;
	set->count = builder->count;
	set->filters = builder->filters;
	set->filter_count = builder->filter_count;
	set->words = builder->count / 64 + 1;
	result = find_own_fields(set, &builder->fields);
	if (result == 0)
		result = compile(set, &builder->refusals, cache, faults);
	if (result == 0 && faults->errors > errors)
		result = -EINVAL;
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
