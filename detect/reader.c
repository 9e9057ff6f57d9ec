/* The shared parts of reading Sigma documents. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/reader.h"

#define FAULT_MAX 512

void
reader_refuse(struct sigma_reader *reader, struct fy_node *node, const char *format, ...)
{
	char text[FAULT_MAX];
	va_list arguments;

	va_start(arguments, format);
	if (vsnprintf(text, sizeof(text), format, arguments) < 0)
		text[0] = '\0';
	va_end(arguments);
	reader->failed = true;
	yaml_fault(reader->yaml, node, reader->faults, false, "%s", text);
}

void
reader_no_memory(struct sigma_reader *reader)
{
	reader->failed = true;
	reader->no_memory = true;
}

void *
reader_grow(
	struct sigma_reader *reader, void *array, uint32_t count, uint32_t *size, size_t element)
{
	uint32_t wanted = *size == 0 ? 8 : *size * 2;

	if (count < *size)
		return array;
	array = arena_grow(reader->arena, array, *size * element, wanted * element);
	if (array == NULL)
		reader_no_memory(reader);
	else
		*size = wanted;
	return array;
}

bool
reader_is_map(struct fy_node *node)
{
	return node != NULL && fy_node_is_mapping(node);
}

bool
reader_is_list(struct fy_node *node)
{
	return node != NULL && fy_node_is_sequence(node);
}

struct fy_node *
reader_value(struct fy_node *map, struct slice key)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	while (reader_is_map(map) && (pair = fy_node_mapping_iterate(map, &iterator)) != NULL)
		if (slice_equal(yaml_scalar(fy_node_pair_key(pair)), key))
			return fy_node_pair_value(pair);
	return NULL;
}

const char *
reader_copy(struct sigma_reader *reader, struct slice text)
{
	char *copy = arena_alloc(reader->arena, text.len + 1);

	if (copy == NULL) {
		reader_no_memory(reader);
		return NULL;
	}
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return copy;
}

void
reader_text(
	struct sigma_reader *reader, struct fy_node *key, struct fy_node *value, const char **to)
{
	struct slice name = yaml_scalar(key), text = slice_trim(yaml_scalar(value));
	const char *copy;

	if (text.len == 0 || slice_find_byte(text, '\0') < text.len) {
		reader_refuse(reader, value == NULL ? key : value,
			"'%.*s' must be a text; write one", READER_SHOW(name));
		return;
	}
	copy = reader_copy(reader, text);
	if (copy != NULL)
		*to = copy;
}
void
reader_texts(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value,
	const char *const **to)
{
	size_t count = reader_is_list(value) ? (size_t)fy_node_sequence_item_count(value) : 1;
	const char **texts = arena_alloc(reader->arena, (count + 1) * sizeof(*texts));
	struct fy_node *node;
	void *iterator = NULL;
	size_t n = 0;

	if (texts == NULL) {
		reader_no_memory(reader);
		return;
	}
	texts[0] = NULL;
	if (!reader_is_list(value)) {
		reader_text(reader, key, value, &texts[0]);
		n = texts[0] != NULL;
	}
	while (reader_is_list(value) &&
		(node = fy_node_sequence_iterate(value, &iterator)) != NULL) {
		texts[n] = NULL;
		reader_text(reader, key, node, &texts[n]);
		n += texts[n] != NULL;
	}
	texts[n] = NULL;
	*to = texts;
}

void
reader_flag(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value, bool *to)
{
	struct slice text = yaml_scalar(value), name = yaml_scalar(key);

	*to = slice_equal_nocase(text, SLICE("true"));
	if (!*to && !slice_equal_nocase(text, SLICE("false")))
		reader_refuse(reader, key, "'%.*s' is true or false", READER_SHOW(name));
}

void
sigma_fields_done(struct sigma_fields *fields)
{
	for (uint32_t i = 0; i < fields->count; i++)
		free((char *)(uintptr_t)fields->names[i].ptr);
	free(fields->names);
	*fields = (struct sigma_fields){ 0 };
}

/* The number of a field that only rules name, which may be new.  0, or -ENOMEM. */
static int
find_field(struct sigma_fields *fields, struct slice name, enum wevent_field *field)
{
	uint32_t i = 0, size = fields->size == 0 ? 16 : fields->size * 2;
	char *copy;

	while (i < fields->count && !slice_equal(fields->names[i], name))
		i++;
	if (i == fields->count && i == fields->size) {
		struct slice *names = realloc(fields->names, size * sizeof(*names));

		if (names == NULL)
			return -ENOMEM;
		fields->names = names;
		fields->size = size;
	}
	if (i == fields->count) {
		copy = strndup(name.ptr, name.len);
		if (copy == NULL)
			return -ENOMEM;
		fields->names[fields->count++] = (struct slice){ copy, name.len };
	}
	*field = (enum wevent_field)(F_MAX + i);
	return 0;
}

int
reader_text_field(struct sigma_reader *reader, enum wevent_field *field)
{
	return find_field(reader->fields, SLICE(""), field);
}

int
reader_find_field(void *context, struct slice name, enum wevent_field *field)
{
	struct sigma_reader *reader = context;

	*field = wevent_field_find(name);
	if (*field != F_MAX)
		return 0;
	if (name.len == 0 || name.len > WEVENT_NAME_MAX || slice_find_byte(name, '\0') < name.len ||
		reader->fields->count == WEVENT_NAMES_MAX)
		return -EINVAL;
	return find_field(reader->fields, name, field);
}

bool
reader_field(struct sigma_reader *reader, struct fy_node *key, struct slice name,
	enum wevent_field *field)
{
	int result = reader_find_field(reader, name, field);

	if (result == -ENOMEM)
		reader_no_memory(reader);
	if (result == -EINVAL)
		reader_refuse(reader, key,
			"field '%.*s': the name of a field has 1 to %d bytes, and there are at "
			"most "
			"%d that Sysmon's process and file events do not have",
			READER_SHOW(name), WEVENT_NAME_MAX, WEVENT_NAMES_MAX);
	return result == 0;
}
