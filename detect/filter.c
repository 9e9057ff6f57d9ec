/* Filters: reading them, and when they count.  They select as rules do. */

#include <string.h>

#include "detect/filter.h"
#include "detect/selection.h"
#include "detect/spelling.h"

/* ---- reading ---- */

/* The value, or the one item of a list. */
static struct slice
only_word(struct fy_node *value)
{
	if (reader_is_list(value) && fy_node_sequence_item_count(value) == 1)
		return yaml_scalar(fy_node_sequence_get_by_index(value, 0));
	return yaml_scalar(value);
}

static void
read_rules(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value,
	struct filter *filter)
{
	struct slice word = only_word(value);

	if (reader_is_list(value) ? fy_node_sequence_is_empty(value) : word.len == 0) {
		reader_refuse(reader, key, "'rules' names none; write ids or names, or 'any'");
		return;
	}
	if (slice_equal_nocase(word, SLICE("any")) || slice_equal_nocase(word, SLICE("all"))) {
		filter->rules = NULL;
		return;
	}
	reader_texts(reader, key, value, &filter->rules);
}

/* Does the condition take away what a selection is, as a filter does? */
static bool
has_not(struct slice condition)
{
	for (size_t i = 0; i + 3 <= condition.len; i++)
		if (slice_prefix_nocase(slice_sub(condition, i, condition.len), SLICE("not")))
			return true;
	return false;
}

/* Is one of the words the value, or a key of it? */
static bool
has_word(struct fy_node *value, const char *const *words)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	for (size_t i = 0; words[i] != NULL; i++)
		if (slice_equal_nocase(yaml_scalar(value), slice_of(words[i])))
			return true;
	while (reader_is_map(value) && (pair = fy_node_mapping_iterate(value, &iterator)) != NULL)
		if (has_word(fy_node_pair_key(pair), words))
			return true;
	return false;
}

/* A key of the document that has slipped into the map would be one more selection, and have no
 * effect or a wrong one.  `scheduler` may be a selection, but not with days. */
static void
check_selection(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value)
{
	static const struct {
		const char *key;
		const char *words[4]; /* of its value */
	} outside[] = { { "action", { "drop", "lower" } },
		{ "logsource", { "product", "category", "service" } },
		{ "schedule", { "days", "hours", "zone" } } };
	struct slice name = yaml_scalar(key);

	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		if (slice_equal_nocase(name, slice_of(outside[i].key)) ||
			(spelling_is_near(name, slice_of(outside[i].key)) &&
				has_word(value, outside[i].words)))
			reader_refuse(reader, key,
				"'%.*s' would be a selection here; write '%s' beside 'filter', not "
				"in it",
				READER_SHOW(name), outside[i].key);
}

void
filter_read(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value,
	struct filter *filter)
{
	static const char *const others[] = { "rules", NULL };
	struct fy_node_pair *pair;
	void *iterator = NULL;
	bool rules = false;

	if (!reader_is_map(value)) {
		reader_refuse(reader, value == NULL ? key : value,
			"'filter' must be a map of rules, selections and a condition");
		return;
	}
	while ((pair = fy_node_mapping_iterate(value, &iterator)) != NULL) {
		struct fy_node *name = fy_node_pair_key(pair), *node = fy_node_pair_value(pair);

		check_selection(reader, name, node);
		if (slice_equal(yaml_scalar(name), SLICE("rules"))) {
			read_rules(reader, name, node, filter);
			yaml_place(reader->yaml, node, &filter->line, &filter->column);
			rules = true;
		}
		if (slice_equal(yaml_scalar(name), SLICE("condition")) &&
			!has_not(yaml_scalar(node)))
			yaml_fault(reader->yaml, node, reader->faults, true,
				"the filter leaves only what its condition is true of; write 'not "
				"SELECTION' to take that away");
	}
	if (!rules)
		reader_refuse(reader, key,
			"the filter names no rules; write 'rules: [ id or name ]' or 'rules: any'");
	selection_read(reader, key, value, others, &filter->condition);
}

void
filter_read_action(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value,
	struct filter *filter)
{
	struct slice word = yaml_scalar(value);

	filter->lower = slice_equal_nocase(word, SLICE("lower"));
	if (!filter->lower && !slice_equal_nocase(word, SLICE("drop")))
		reader_refuse(reader, value == NULL ? key : value,
			"unknown action '%.*s'; write drop or lower", READER_SHOW(word));
}

void
filter_read_schedule(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value,
	struct filter *filter)
{
	struct fy_node *node;
	void *iterator = NULL;

	filter->schedule_count = 0;
	filter->schedules =
		arena_alloc(reader->arena, FILTER_SCHEDULES_MAX * sizeof(struct schedule));
	if (filter->schedules == NULL) {
		reader_no_memory(reader);
		return;
	}
	if (value == NULL || (reader_is_list(value) && fy_node_sequence_is_empty(value)))
		reader_refuse(reader, key, "the schedule is empty; write one or remove the line");
	else if (!reader_is_list(value))
		schedule_read(reader, value, &filter->schedules[filter->schedule_count++]);
	while (reader_is_list(value) &&
		(node = fy_node_sequence_iterate(value, &iterator)) != NULL) {
		if (filter->schedule_count == FILTER_SCHEDULES_MAX) {
			reader_refuse(reader, node, "more than %d schedules; join some",
				FILTER_SCHEDULES_MAX);
			return;
		}
		schedule_read(reader, node, &filter->schedules[filter->schedule_count++]);
	}
}

/* ---- when it counts ---- */

bool
filter_is_in_force(const struct filter *filter, const struct wevent *event)
{
	bool scheduled = filter->schedule_count == 0;

	for (uint32_t i = 0; i < filter->schedule_count && event->time != STAMP_NONE; i++)
		scheduled = scheduled || schedule_has(&filter->schedules[i], event->time);
	return scheduled &&
	       (filter->routes == NULL || logsource_takes(filter->routes, filter->route_count,
						  event->f[F_Channel], event->event_id));
}
