/* The selections and the condition of a Sigma document (specification 2.1, "Detection") -> items,
 * programs over them, and the program that joins these.
 *
 * Keywords name no field: they are looked for anywhere in what the record says.
 *
 * An empty field is recorded as an absent one by many senders, so null and '' mean the same: absent
 * or empty. */

#include <errno.h>
#include <string.h>

#include "detect/modifier.h"
#include "detect/selection.h"

struct detection {
	struct sigma_reader *reader;
	struct condition *out;
	uint32_t item_size, pattern_size;
};

/* Does the rest of the text consist of at least one digit, and where do they end? */
static bool
digits(struct slice *text)
{
	size_t n = 0;

	while (n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9')
		n++;
	*text = slice_sub(*text, n, text->len);
	return n > 0;
}

/* Numbers whose value is not their text: 0x10, 0o7, 1.50, 1e3.  Digits alone are the text that they
 * are, with zeros in front too: they are identifiers then. */
static bool
is_odd_number(struct slice text)
{
	uint64_t n;
	bool any;

	if (slice_prefix_nocase(text, SLICE("0x")))
		return slice_number_any(text, UINT64_MAX, &n) != -EINVAL;
	if (slice_prefix(text, SLICE("0o")))
		return slice_number(slice_sub(text, 2, text.len), UINT64_MAX, &n) != -EINVAL;
	if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'))
		text = slice_sub(text, 1, text.len);
	any = digits(&text);
	if (text.len == 0)
		return false;
	if (text.ptr[0] == '.') {
		text = slice_sub(text, 1, text.len);
		any = digits(&text) || any;
	}
	if (any && text.len > 1 && slice_lower((unsigned char)text.ptr[0]) == 'e') {
		text = slice_sub(text, text.ptr[1] == '-' || text.ptr[1] == '+' ? 2 : 1, text.len);
		any = digits(&text);
	}
	return any && text.len == 0;
}

static bool
is_one_of(struct slice text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_equal(text, slice_of(words[i])))
			return true;
	}
	return false;
}

/* One value of an item. */
static void
read_value(struct sigma_reader *reader, struct fy_node *node, struct modifier_values *values)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	struct slice text = yaml_scalar(node);
	struct condition_pattern *pattern;
	uint16_t *tokens;

	if (node != NULL && text.ptr == NULL) {
		reader_refuse(reader, node,
			"a value must be text or a number; write the values as one list");
		return;
	}
	if (node == NULL ||
		(yaml_plain(node) && is_one_of(text, nulls, sizeof(nulls) / sizeof(nulls[0])))) {
		values->absent = true;
		values->null = true;
		return;
	}
	if (text.len == 0) {
		values->absent = true;
		return;
	}
	if (yaml_plain(node) && is_odd_number(text)) {
		reader_refuse(reader, node,
			"YAML reads %.*s as another number than it looks; quote it",
			READER_SHOW(text));
		return;
	}
	if (text.len > GLOB_TOKENS_MAX - 2) {
		reader_refuse(reader, node, "a value of %zu bytes, limit %d; shorten it", text.len,
			GLOB_TOKENS_MAX - 2);
		return;
	}
	pattern = reader_grow(
		reader, values->patterns, values->count, &values->size, sizeof(*pattern));
	if (pattern == NULL)
		return;
	values->patterns = pattern;
	pattern += values->count;
	tokens = arena_alloc(reader->arena, text.len * sizeof(*tokens));
	*pattern = (struct condition_pattern){ .value = values->value_count };
	pattern->text.ptr = reader_copy(reader, text);
	if (tokens == NULL || pattern->text.ptr == NULL) {
		reader_no_memory(reader);
		return;
	}
	pattern->text.len = text.len;
	pattern->glob = (struct glob){ tokens, glob_parse(text, tokens), false };
	values->value_count++;
	values->count++;
}

static void
read_values(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value,
	struct modifier_values *values)
{
	struct fy_node *node;
	void *iterator = NULL;

	if (!reader_is_list(value)) {
		read_value(reader, value, values);
		return;
	}
	if (fy_node_sequence_is_empty(value))
		reader_refuse(
			reader, key, "the list of values is empty; add one or remove the line");
	while ((node = fy_node_sequence_iterate(value, &iterator)) != NULL)
		read_value(reader, node, values);
}

/* "Field|modifier|modifier": the field, and the modifiers one after the other. */
static void
apply_modifiers(struct sigma_reader *reader, struct fy_node *key, struct slice names,
	struct modifier_values *values)
{
	char error[MODIFIER_ERROR_MAX];

	while (names.ptr != NULL) {
		size_t bar = slice_find_byte(names, '|');
		struct slice name = slice_sub(names, 0, bar);
		int result = modifier_apply(name, values, error);

		names = bar < names.len ? slice_sub(names, bar + 1, names.len) : SLICE_NONE;
		if (result == -ENOMEM)
			reader_no_memory(reader);
		else if (result != 0)
			reader_refuse(reader, key, "%s", error);
	}
}

/* Put the values' patterns behind those of the items before. */
static bool
keep_patterns(struct detection *detection, const struct modifier_values *values)
{
	struct sigma_reader *reader = detection->reader;
	struct condition *condition = detection->out;

	for (uint32_t i = 0; i < values->count; i++) {
		struct condition_pattern *patterns = reader_grow(reader, condition->patterns,
			condition->pattern_count, &detection->pattern_size, sizeof(*patterns));

		if (patterns == NULL)
			return false;
		condition->patterns = patterns;
		patterns[condition->pattern_count] = values->patterns[i];
		patterns[condition->pattern_count++].glob.cased = values->cased;
	}
	return true;
}

static const struct placeholder *
find_placeholder(void *context, struct slice name)
{
	const struct sigma_reader *reader = context;

	return placeholders_find(reader->placeholders, name);
}

/* The field that the name in front of the modifiers means, and how alerts call it. */
static bool
find_item_field(struct sigma_reader *reader, struct fy_node *key, struct slice name,
	enum wevent_field *field, const char **shown)
{
	if (name.len == 0) {
		*shown = "keywords";
		if (reader_text_field(reader, field) == 0)
			return true;
		reader_no_memory(reader);
		return false;
	}
	if (!reader_field(reader, key, name, field))
		return false;
	*shown = *field < F_MAX ? wevent_field_name(*field) : reader_copy(reader, name);
	return true;
}

/* A keyword may stand anywhere. */
static void
widen_keywords(struct sigma_reader *reader, struct fy_node *key, struct modifier_values *values)
{
	if (values->absent)
		reader_refuse(reader, key, "a keyword must be a text; write one");
	else if (values->count > 0 && values->patterns[0].kind == CONDITION_COMPARISON)
		reader_refuse(reader, key,
			"a keyword has no field that could be compared; name the field");
	else if (values->count > 0 && values->patterns[0].kind == CONDITION_GLOB &&
		 !values->before && !values->after)
		apply_modifiers(reader, key, SLICE("contains"), values);
}

/* Is '-' alone among the values?  Windows writes it for no value, and as such it is taken away from
 * the fields that all layouts are brought to. */
static bool
has_dash(const struct modifier_values *values)
{
	for (uint32_t i = 0; i < values->count && !values->all; i++)
		if (values->patterns[i].kind == CONDITION_GLOB &&
			values->patterns[i].glob.count == 1 &&
			values->patterns[i].glob.tokens[0] == '-')
			return true;
	return false;
}

/* A field with its modifiers and values -> an item; its index, or UINT32_MAX.  `words` is what the
 * key says: "" for a keyword that has no key. */
static uint32_t
read_item(
	struct detection *detection, struct fy_node *key, struct slice words, struct fy_node *value)
{
	struct sigma_reader *reader = detection->reader;
	struct condition *condition = detection->out;
	size_t bar = slice_find_byte(words, '|');
	uint32_t first = condition->pattern_count;
	struct modifier_values values = { .arena = reader->arena,
		.field = reader_find_field,
		.placeholder = find_placeholder,
		.context = reader };
	struct condition_item *items;
	enum wevent_field field;
	const char *shown;
	bool empty;

	if (!find_item_field(reader, key, slice_sub(words, 0, bar), &field, &shown))
		return UINT32_MAX;
	read_values(reader, key, value, &values);
	empty = values.absent;
	if (bar < words.len && !reader->no_memory)
		apply_modifiers(reader, key, slice_sub(words, bar + 1, words.len), &values);
	if (empty && !values.absent)
		yaml_fault(reader->yaml, key, reader->faults, true,
			"'' stands in every text: the line is true of every event with the field; "
			"remove '' or the line");
	if (bar == 0 && !reader->no_memory)
		widen_keywords(reader, key, &values);
	if (reader->no_memory || !keep_patterns(detection, &values))
		return UINT32_MAX;
	items = reader_grow(reader, condition->items, condition->item_count, &detection->item_size,
		sizeof(*items));
	if (items == NULL)
		return UINT32_MAX;
	condition->items = items;
	items[condition->item_count] = (struct condition_item){
		.field = field,
		.name = shown,
		.key = reader_copy(reader, words),
		.all = values.all,
		.negated = values.negated,
		.absent = values.absent || (field < F_MAX && has_dash(&values)),
		.keywords = bar == 0,
		.value_count = values.value_count,
		.first = first,
		.count = values.count,
	};
	return condition->item_count++;
}

/* All items of a map; `ops` has room for two operations an item. */
static uint32_t
read_map(struct detection *detection, struct fy_node *map, struct condition_op *ops)
{
	struct sigma_reader *reader = detection->reader;
	struct fy_node_pair *pair;
	void *iterator = NULL;
	uint32_t n = 0;

	while ((pair = fy_node_mapping_iterate(map, &iterator)) != NULL) {
		struct fy_node *key = fy_node_pair_key(pair);
		uint32_t item =
			read_item(detection, key, yaml_scalar(key), fy_node_pair_value(pair));
		bool first = n == 0;

		ops[n++] = (struct condition_op){ .code = CONDITION_ITEM, .item = item };
		if (!first)
			ops[n++] = (struct condition_op){ .code = CONDITION_AND };
	}
	if (n == 0)
		reader_refuse(reader, map, "an empty map; add a field or remove it");
	return n;
}

/* A map of fields, or a keyword. */
static uint32_t
read_element(struct detection *detection, struct fy_node *node, struct condition_op *ops)
{
	if (reader_is_map(node))
		return read_map(detection, node, ops);
	ops[0] = (struct condition_op){ .code = CONDITION_ITEM,
		.item = read_item(detection, node, SLICE(""), node) };
	return 1;
}

/* How many items a selection has; 0 when it is nothing that can be a selection. */
static size_t
count_items(struct fy_node *value)
{
	struct fy_node *node;
	void *iterator = NULL;
	size_t n = 0;

	if (reader_is_map(value))
		return (size_t)fy_node_mapping_item_count(value);
	if (!reader_is_list(value))
		return yaml_scalar(value).len > 0;
	while ((node = fy_node_sequence_iterate(value, &iterator)) != NULL) {
		if (reader_is_list(node))
			return 0;
		n += reader_is_map(node) ? (size_t)fy_node_mapping_item_count(node) : 1;
	}
	return n;
}

static void
read_selection(struct detection *detection, struct fy_node *key, struct fy_node *value,
	struct condition_selection *selection)
{
	struct sigma_reader *reader = detection->reader;
	size_t count = count_items(value), maps = 1;
	struct condition_op *ops;
	struct fy_node *node;
	void *iterator = NULL;
	uint32_t n = 0;

	selection->name = yaml_scalar(key);
	if (count == 0) {
		reader_refuse(reader, value == NULL ? key : value,
			"selection '%.*s' must be a map of fields, a list of such maps, or a list "
			"of keywords",
			READER_SHOW(selection->name));
		return;
	}
	if (reader_is_list(value))
		maps = (size_t)fy_node_sequence_item_count(value);
	ops = arena_alloc(reader->arena, (count * 2 + maps) * sizeof(*ops));
	if (ops == NULL) {
		reader_no_memory(reader);
		return;
	}
	if (!reader_is_list(value))
		n = read_element(detection, value, ops);
	while (reader_is_list(value) &&
		(node = fy_node_sequence_iterate(value, &iterator)) != NULL) {
		bool first = n == 0;

		n += read_element(detection, node, ops + n);
		if (!first)
			ops[n++] = (struct condition_op){ .code = CONDITION_OR };
	}
	selection->ops = ops;
	selection->op_count = n;
}

static void
read_condition(struct detection *detection, struct fy_node *node,
	struct condition_selection *selections, size_t count)
{
	struct sigma_reader *reader = detection->reader;
	struct condition *condition = detection->out;
	char error[CONDITION_ERROR_MAX];
	struct slice text = yaml_scalar(node);
	int result;

	if (text.ptr == NULL) {
		reader_refuse(reader, node, "'condition' must be a text or a list of texts");
		return;
	}
	result = condition_compile(text, selections, count, reader->arena, &condition->ops,
		&condition->op_count, error);
	if (result == -ENOMEM)
		reader_no_memory(reader);
	else if (result != 0)
		reader_refuse(reader, node, "%s", error);
}

/* A list of them is joined by or. */
static void
read_conditions(struct detection *detection, struct fy_node *key, struct fy_node *value,
	struct condition_selection *selections, size_t count)
{
	struct sigma_reader *reader = detection->reader;
	struct condition *condition = detection->out;
	size_t texts = reader_is_list(value) ? (size_t)fy_node_sequence_item_count(value) : 1,
	       n = 0;
	struct fy_node *node;
	void *iterator = NULL;

	condition->ends = arena_alloc(reader->arena, texts * sizeof(*condition->ends) + 1);
	if (condition->ends == NULL) {
		reader_no_memory(reader);
		return;
	}
	if (reader_is_list(value) && fy_node_sequence_is_empty(value))
		reader_refuse(reader, key, "the list of conditions is empty; write one");
	if (value != NULL && !reader_is_list(value)) {
		read_condition(detection, value, selections, count);
		condition->ends[0] = condition->op_count;
	}
	while (reader_is_list(value) &&
		(node = fy_node_sequence_iterate(value, &iterator)) != NULL) {
		read_condition(detection, node, selections, count);
		condition->ends[n++] = condition->op_count;
	}
}

static bool
is_selection(struct fy_node *key, const char *const *others)
{
	struct slice name = yaml_scalar(key);

	for (size_t i = 0; others[i] != NULL; i++)
		if (slice_equal(name, slice_of(others[i])))
			return false;
	return !slice_equal(name, SLICE("condition"));
}

static void
warn_unused(struct sigma_reader *reader, struct fy_node *detection,
	const struct condition_selection *selections, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct fy_node_pair *pair;
		void *iterator = NULL;

		while (!selections[i].used &&
			(pair = fy_node_mapping_iterate(detection, &iterator)) != NULL) {
			if (slice_equal(yaml_scalar(fy_node_pair_key(pair)), selections[i].name))
				yaml_fault(reader->yaml, fy_node_pair_key(pair), reader->faults,
					true,
					"no condition uses selection '%.*s'; remove it or name it",
					READER_SHOW(selections[i].name));
		}
	}
}

/* What the program was made of, for those who ask. */
static void
keep_selections(struct sigma_reader *reader, struct fy_node *condition,
	struct condition_selection *selections, size_t count, struct condition *out)
{
	for (size_t i = 0; i < count; i++)
		selections[i].name.ptr = reader_copy(reader, selections[i].name);
	out->selections = selections;
	out->selection_count = (uint32_t)count;
	if (!reader->failed)
		reader_texts(reader, condition, condition, &out->texts);
}

void
selection_read(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value,
	const char *const *others, struct condition *out)
{
	struct detection detection = { .reader = reader, .out = out };
	struct condition_selection *selections;
	struct fy_node *condition_key = NULL, *condition = NULL;
	struct fy_node_pair *pair;
	void *iterator = NULL;
	size_t count = 0;

	*out = (struct condition){ 0 }; /* a key that comes twice counts the last time */
	if (!reader_is_map(value)) {
		reader_refuse(reader, value == NULL ? key : value,
			"'%.*s' must be a map of selections and a condition",
			READER_SHOW(yaml_scalar(key)));
		return;
	}
	selections = arena_alloc(reader->arena,
		((size_t)fy_node_mapping_item_count(value) + 1) * sizeof(*selections));
	if (selections == NULL) {
		reader_no_memory(reader);
		return;
	}
	while ((pair = fy_node_mapping_iterate(value, &iterator)) != NULL) {
		struct fy_node *name = fy_node_pair_key(pair);

		if (slice_equal(yaml_scalar(name), SLICE("condition"))) {
			condition_key = name;
			condition = fy_node_pair_value(pair);
		}
		if (!is_selection(name, others))
			continue;
		selections[count] = (struct condition_selection){ 0 };
		read_selection(&detection, name, fy_node_pair_value(pair), &selections[count]);
		count++;
	}
	if (yaml_scalar(condition).len == 0 && !reader_is_list(condition) &&
		!reader_is_map(condition))
		reader_refuse(reader, condition_key == NULL ? key : condition_key,
			"the detection has no condition; write "
			"'condition: SELECTION'");
	else
		read_conditions(&detection, condition_key, condition, selections, count);
	if (!reader->failed)
		warn_unused(reader, value, selections, count);
	keep_selections(reader, condition, selections, count, out);
}
