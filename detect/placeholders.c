/* Lists of values that only the operator has (specification 2.1, "Placeholders").  A value may have
 * wildcards, as any value of a rule; it has no placeholders itself. */

#include "detect/placeholders.h"

static bool
is_name(char byte)
{
	unsigned char c = slice_lower((unsigned char)byte);

	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

size_t
placeholders_next(struct slice text, size_t *len)
{
	for (size_t i = 0; i < text.len; i++) {
		size_t n = 1;

		if (text.ptr[i] != '%')
			continue;
		while (i + n < text.len && is_name(text.ptr[i + n]))
			n++;
		if (n == 1 || i + n == text.len || text.ptr[i + n] != '%')
			continue;
		*len = n + 1;
		return i;
	}
	return text.len;
}

bool
placeholders_are(struct fy_node *root)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	while (reader_is_map(root) && (pair = fy_node_mapping_iterate(root, &iterator)) != NULL)
		if (slice_equal(yaml_scalar(fy_node_pair_key(pair)), SLICE("placeholders")))
			return true;
	return false;
}

const struct placeholder *
placeholders_find(const struct placeholders *placeholders, struct slice name)
{
	for (uint32_t i = 0; i < placeholders->count; i++)
		if (slice_equal_nocase(slice_of(placeholders->list[i].name), name))
			return &placeholders->list[i];
	return NULL;
}

static void
read_value(struct sigma_reader *reader, struct fy_node *node, struct placeholder *placeholder)
{
	struct slice text = yaml_scalar(node);
	const char *copy;

	if (text.len == 0) {
		reader_refuse(reader, node, "a value of a placeholder must be a text; write one");
		return;
	}
	copy = reader_copy(reader, text);
	if (copy != NULL)
		placeholder->values[placeholder->count++] = (struct slice){ copy, text.len };
}

static void
read_values(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value,
	struct placeholder *placeholder)
{
	size_t count = reader_is_list(value) ? (size_t)fy_node_sequence_item_count(value) : 1;
	struct fy_node *node;
	void *iterator = NULL;

	placeholder->values = arena_alloc(reader->arena, count * sizeof(*placeholder->values) + 1);
	if (placeholder->values == NULL) {
		reader_no_memory(reader);
		return;
	}
	if (count == 0)
		reader_refuse(reader, key, "the list of values is empty; add one");
	if (!reader_is_list(value))
		read_value(reader, value == NULL ? key : value, placeholder);
	while (reader_is_list(value) && (node = fy_node_sequence_iterate(value, &iterator)) != NULL)
		read_value(reader, node, placeholder);
}

static void
read_placeholder(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value,
	struct placeholders *placeholders)
{
	struct slice name = yaml_scalar(key);
	struct placeholder *list;
	size_t n = 0;

	while (n < name.len && is_name(name.ptr[n]))
		n++;
	if (n == 0 || n < name.len || n > PLACEHOLDER_NAME_MAX) {
		reader_refuse(reader, key,
			"'%.*s' is no name of a placeholder; write up to %d letters, digits and "
			"_ - .",
			READER_SHOW(name), PLACEHOLDER_NAME_MAX);
		return;
	}
	if (placeholders_find(placeholders, name) != NULL) {
		reader_refuse(reader, key, "placeholder '%.*s' has values already; join the lists",
			READER_SHOW(name));
		return;
	}
	list = reader_grow(reader, placeholders->list, placeholders->count, &placeholders->size,
		sizeof(*list));
	if (list == NULL)
		return;
	placeholders->list = list;
	list += placeholders->count;
	*list = (struct placeholder){ .name = reader_copy(reader, name) };
	if (list->name == NULL)
		return;
	read_values(reader, key, value, list);
	placeholders->count++;
}

void
placeholders_read(
	struct sigma_reader *reader, struct fy_node *root, struct placeholders *placeholders)
{
	struct fy_node_pair *pair, *inner;
	void *iterator = NULL, *names = NULL;

	while ((pair = fy_node_mapping_iterate(root, &iterator)) != NULL) {
		struct fy_node *key = fy_node_pair_key(pair), *map = fy_node_pair_value(pair);

		if (!slice_equal(yaml_scalar(key), SLICE("placeholders"))) {
			reader_refuse(reader, key,
				"a document of placeholders has no other key; move it to its own "
				"document");
			continue;
		}
		if (!reader_is_map(map))
			reader_refuse(reader, key,
				"'placeholders' must be a map; write 'NAME: [ value, value ]' in "
				"it");
		while (reader_is_map(map) && (inner = fy_node_mapping_iterate(map, &names)) != NULL)
			read_placeholder(reader, fy_node_pair_key(inner), fy_node_pair_value(inner),
				placeholders);
	}
}
