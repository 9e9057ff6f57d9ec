/* Sigma rules (specification 2.1): a YAML document -> what an alert says of the rule, the events
 * that it is for, and its detection as items, selections and a condition.
 *
 * The specification's keys are in tables.  Keys of the author's own at the top level are allowed by
 * it and passed over; everything else that is not known, or not supported yet, is refused with its
 * place: a rule that is loaded means what it says.
 *
 * Fields that the canonical event does not have are kept from the record for the rules that name
 * them, under the very name.
 *
 * Not here yet: correlations, filters, keywords (text without a field).
 *
 * An empty field is recorded as an absent one by many senders, so null and '' mean the same: absent
 * or empty. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/modifier.h"
#include "detect/sigma.h"

#define FAULT_MAX 512
#define SHOW_MAX 80 /* bytes of a word quoted in a fault */

struct reader {
	const struct yaml *yaml;
	struct arena *arena;
	struct faults *faults;
	struct sigma_rule *out;
	struct sigma_fields *fields;
	const char *name;
	bool level;
	bool logsource;
	bool failed;
	bool no_memory;
	uint32_t item_size, pattern_size;
};

typedef void read_function(struct reader *, struct fy_node *key, struct fy_node *value);

/* For "%.*s". */
#define SHOW(s) (int)((s).len < SHOW_MAX ? (s).len : SHOW_MAX), ((s).len == 0 ? "" : (s).ptr)

static void refuse(struct reader *, struct fy_node *, const char *, ...)
	__attribute__((format(printf, 3, 4)));

static void
refuse(struct reader *reader, struct fy_node *node, const char *format, ...)
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

static void
no_memory(struct reader *reader)
{
	reader->failed = true;
	reader->no_memory = true;
}

/* Room for one more element at the end of an array in the arena; NULL for no memory. */
static void *
grow(struct reader *reader, void *array, uint32_t count, uint32_t *size, size_t element)
{
	uint32_t wanted = *size == 0 ? 8 : *size * 2;

	if (count < *size)
		return array;
	array = arena_grow(reader->arena, array, *size * element, wanted * element);
	if (array == NULL)
		no_memory(reader);
	else
		*size = wanted;
	return array;
}

static bool
is_map(struct fy_node *node)
{
	return node != NULL && fy_node_is_mapping(node);
}

static bool
is_list(struct fy_node *node)
{
	return node != NULL && fy_node_is_sequence(node);
}

static const char *
copy_text(struct reader *reader, struct slice text)
{
	char *copy = arena_alloc(reader->arena, text.len + 1);

	if (copy == NULL) {
		no_memory(reader);
		return NULL;
	}
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return copy;
}

/* A text for people, as a C string. */
static void
read_text(struct reader *reader, struct fy_node *key, struct fy_node *value, const char **to)
{
	struct slice name = yaml_scalar(key), text = slice_trim(yaml_scalar(value));
	const char *copy;

	if (text.len == 0 || slice_find_byte(text, '\0') < text.len) {
		refuse(reader, value == NULL ? key : value, "'%.*s' must be a text; write one",
			SHOW(name));
		return;
	}
	copy = copy_text(reader, text);
	if (copy != NULL)
		*to = copy;
}

static void
read_title(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
	read_text(reader, key, value, &reader->out->rule.title);
}

static void
read_name(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
	read_text(reader, key, value, &reader->name);
}

static void
read_description(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
	read_text(reader, key, value, &reader->out->rule.description);
}

static void
read_detection_type(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
	read_text(reader, key, value, &reader->out->rule.detection_type);
}

/* RFC 9562: 8-4-4-4-12 hexadecimal digits. */
static bool
is_uuid(struct slice text)
{
	if (text.len != 36)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = slice_lower((unsigned char)text.ptr[i]);

		if (i == 8 || i == 13 || i == 18 || i == 23
				? c != '-'
				: !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return true;
}

static void
read_id(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
	read_text(reader, key, value, &reader->out->rule.id);
	yaml_place(reader->yaml, value, &reader->out->id_line, &reader->out->id_column);
	if (reader->out->rule.id != NULL && !is_uuid(slice_trim(yaml_scalar(value))))
		yaml_fault(reader->yaml, value, reader->faults, true,
			"id is no UUID; make one with uuidgen");
}

static void
read_level(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
	struct slice text = yaml_scalar(value);

	(void)key;
	for (int i = 0; i < SEVERITY_MAX; i++) {
		if (slice_equal_nocase(text, slice_of(severity_name((enum severity)i)))) {
			reader->out->rule.severity = (enum severity)i;
			reader->level = true;
			return;
		}
	}
	refuse(reader, value,
		"unknown level '%.*s'; write informational, low, medium, high or critical",
		SHOW(text));
}

static void
read_status(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
	static const char *const known[] = { "stable", "test", "experimental", "deprecated" };
	struct slice text = yaml_scalar(value);

	(void)key;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (slice_equal_nocase(text, slice_of(known[i])))
			return;
	}
	if (slice_equal_nocase(text, SLICE("unsupported")))
		refuse(reader, value,
			"status 'unsupported': its author says that it cannot be used; remove the "
			"rule");
	else
		yaml_fault(reader->yaml, value, reader->faults, true,
			"unknown status '%.*s'; write stable, test, experimental or deprecated",
			SHOW(text));
}

static void
read_taxonomy(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
	struct slice text = yaml_scalar(value);

	(void)key;
	if (!slice_equal(text, SLICE("sigma")))
		refuse(reader, value,
			"taxonomy '%.*s' is not known; write the rule with Sigma's own field names",
			SHOW(text));
}

/* attack.t1505.003 -> T1505.003; NULL when it is another tag. */
static const char *
technique(struct reader *reader, struct slice tag)
{
	struct slice id = slice_sub(tag, 7, tag.len);
	char *copy;

	if (!slice_prefix_nocase(tag, SLICE("attack.t")) || (id.len != 5 && id.len != 9))
		return NULL;
	for (size_t i = 1; i < id.len; i++) {
		if (i == 5 ? id.ptr[i] != '.' : id.ptr[i] < '0' || id.ptr[i] > '9')
			return NULL;
	}
	copy = arena_alloc(reader->arena, id.len + 1);
	if (copy == NULL) {
		no_memory(reader);
		return NULL;
	}
	memcpy(copy, id.ptr, id.len);
	copy[0] = 'T';
	copy[id.len] = '\0';
	return copy;
}

static void
read_tags(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
	size_t count = is_list(value) ? (size_t)fy_node_sequence_item_count(value) : 0;
	const char **tags, **techniques;
	struct fy_node *node;
	void *iterator = NULL;
	size_t n = 0, m = 0;

	if (!is_list(value)) {
		refuse(reader, value == NULL ? key : value,
			"'tags' must be a list; write '- attack.t1505.003'");
		return;
	}
	tags = arena_alloc(reader->arena, (count + 1) * sizeof(*tags));
	techniques = arena_alloc(reader->arena, (count + 1) * sizeof(*techniques));
	if (tags == NULL || techniques == NULL) {
		no_memory(reader);
		return;
	}
	while (n < count && (node = fy_node_sequence_iterate(value, &iterator)) != NULL) {
		tags[n] = NULL;
		read_text(reader, key, node, &tags[n]);
		if (tags[n] == NULL)
			return;
		n++;
		techniques[m] = technique(reader, slice_trim(yaml_scalar(node)));
		m += techniques[m] != NULL;
	}
	tags[n] = NULL;
	techniques[m] = NULL;
	reader->out->rule.tags = tags;
	reader->out->rule.techniques = techniques;
}

/* The routes, in the arena. */
static void
keep_routes(struct reader *reader, struct fy_node *node, const struct route *routes, uint32_t count)
{
	struct route *copy = arena_alloc(reader->arena, count * sizeof(*copy) + 1);

	if (copy == NULL) {
		no_memory(reader);
		return;
	}
	memcpy(copy, routes, count * sizeof(*copy));
	reader->out->routes = copy;
	reader->out->route_count = count;
	if (count == 0)
		yaml_fault(reader->yaml, node, reader->faults, true,
			"no event that the collector takes is of this logsource: the rule is idle");
}

static void
read_logsource(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
	struct slice product = SLICE_NONE, category = SLICE_NONE, service = SLICE_NONE;
	const struct {
		struct slice name;
		struct slice *to; /* NULL: for people */
	} words[] = { { SLICE("product"), &product }, { SLICE("category"), &category },
		{ SLICE("service"), &service }, { SLICE("definition"), NULL } };
	struct route routes[LOGSOURCE_ROUTES_MAX];
	struct fy_node_pair *pair;
	void *iterator = NULL;
	bool unknown = false;

	reader->logsource = true;
	if (!is_map(value)) {
		refuse(reader, value == NULL ? key : value,
			"'logsource' must be a map; write 'service: sysmon' in it");
		return;
	}
	while ((pair = fy_node_mapping_iterate(value, &iterator)) != NULL) {
		struct slice name = yaml_scalar(fy_node_pair_key(pair));
		size_t i = 0;

		while (i < sizeof(words) / sizeof(words[0]) && !slice_equal(name, words[i].name))
			i++;
		unknown = unknown || i == sizeof(words) / sizeof(words[0]);
		if (i == sizeof(words) / sizeof(words[0]))
			refuse(reader, fy_node_pair_key(pair),
				"logsource '%.*s' is not known; write product, category or service",
				SHOW(name));
		else if (words[i].to != NULL)
			*words[i].to = slice_trim(yaml_scalar(fy_node_pair_value(pair)));
	}
	if (product.len + category.len + service.len == 0) {
		if (!unknown)
			refuse(reader, value,
				"the logsource names no product, category or service; write one");
		return;
	}
	keep_routes(reader, value, routes, logsource_routes(product, category, service, routes));
}

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
read_value(struct reader *reader, struct fy_node *node, struct modifier_values *values)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	struct slice text = yaml_scalar(node);
	struct condition_pattern *pattern;
	uint16_t *tokens;

	if (node != NULL && text.ptr == NULL) {
		refuse(reader, node,
			"a value must be text or a number; write the values as one list");
		return;
	}
	if (text.len == 0 ||
		(yaml_plain(node) && is_one_of(text, nulls, sizeof(nulls) / sizeof(nulls[0])))) {
		values->absent = true;
		return;
	}
	if (yaml_plain(node) && is_odd_number(text)) {
		refuse(reader, node, "YAML reads %.*s as another number than it looks; quote it",
			SHOW(text));
		return;
	}
	if (text.len > PATTERN_TOKENS_MAX - 2) {
		refuse(reader, node, "a value of %zu bytes, limit %d; shorten it", text.len,
			PATTERN_TOKENS_MAX - 2);
		return;
	}
	pattern = grow(reader, values->patterns, values->count, &values->size, sizeof(*pattern));
	if (pattern == NULL)
		return;
	values->patterns = pattern;
	pattern += values->count;
	tokens = arena_alloc(reader->arena, text.len * sizeof(*tokens));
	*pattern = (struct condition_pattern){ .value = values->value_count };
	pattern->text.ptr = copy_text(reader, text);
	if (tokens == NULL || pattern->text.ptr == NULL) {
		no_memory(reader);
		return;
	}
	pattern->text.len = text.len;
	pattern->glob = (struct glob){ tokens, pattern_parse(text, tokens), false };
	values->value_count++;
	values->count++;
}

static void
read_values(struct reader *reader, struct fy_node *key, struct fy_node *value,
	struct modifier_values *values)
{
	struct fy_node *node;
	void *iterator = NULL;

	if (!is_list(value)) {
		read_value(reader, value, values);
		return;
	}
	if (fy_node_sequence_is_empty(value))
		refuse(reader, key, "the list of values is empty; add one or remove the line");
	while ((node = fy_node_sequence_iterate(value, &iterator)) != NULL)
		read_value(reader, node, values);
}

/* "Field|modifier|modifier": the field, and the modifiers one after the other. */
static void
apply_modifiers(struct reader *reader, struct fy_node *key, struct slice names,
	struct modifier_values *values)
{
	char error[MODIFIER_ERROR_MAX];

	while (names.ptr != NULL) {
		size_t bar = slice_find_byte(names, '|');
		struct slice name = slice_sub(names, 0, bar);
		int result = modifier_apply(name, values, error);

		names = bar < names.len ? slice_sub(names, bar + 1, names.len) : SLICE_NONE;
		if (result == -ENOMEM)
			no_memory(reader);
		else if (result != 0)
			refuse(reader, key, "%s", error);
	}
}

/* Put the values' patterns behind those of the items before. */
static bool
keep_patterns(struct reader *reader, const struct modifier_values *values)
{
	struct condition *condition = &reader->out->condition;

	for (uint32_t i = 0; i < values->count; i++) {
		struct condition_pattern *patterns = grow(reader, condition->patterns,
			condition->pattern_count, &reader->pattern_size, sizeof(*patterns));

		if (patterns == NULL)
			return false;
		condition->patterns = patterns;
		patterns[condition->pattern_count] = values->patterns[i];
		patterns[condition->pattern_count++].glob.cased = values->cased;
	}
	return true;
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

/* Fields of Sysmon's other events, and of the audit events and script blocks that rules are written
 * for: whoever names one of them has not mistyped it. */
static bool
is_known(struct slice name)
{
	static const char *const known[] = { "AccessList", "AccessMask", "CallTrace", "Consumer",
		"Contents", "ContextInfo", "Destination", "DestinationHostname", "DestinationIp",
		"DestinationIsIpv6", "DestinationPort", "Device", "Filter", "GrantedAccess",
		"HostApplication", "HostName", "ImageLoaded", "Initiated", "IsExecutable",
		"LogonType", "MandatoryLabel", "Name", "NewName", "NewProcessName", "NewThreadId",
		"NewValue", "ObjectName", "ObjectServer", "ObjectType", "ObjectValueName",
		"Operation", "ParentProcessName", "Path", "Payload", "PipeName",
		"PreviousCreationUtcTime", "ProcessName", "Protocol", "Query", "QueryName",
		"QueryResults", "QueryStatus", "ScriptBlockId", "ServiceFileName", "ServiceName",
		"Signature", "SignatureStatus", "Signed", "SourceHostname", "SourceImage",
		"SourceIp", "SourcePort", "SourceProcessGUID", "SourceProcessId", "SourceUser",
		"StartAddress", "StartFunction", "StartModule", "State", "SubjectDomainName",
		"SubjectLogonId", "SubjectUserName", "SubjectUserSid", "TargetDomainName",
		"TargetImage", "TargetProcessGUID", "TargetProcessId", "TargetUser",
		"TargetUserName", "TargetUserSid", "TokenElevationType", "Type", "Version" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_equal(name, slice_of(known[i])))
			return true;
	return false;
}

/* The field of a name: 0, -ENOMEM, or -EINVAL for none. */
static int
field_of(void *context, struct slice name, enum wevent_field *field)
{
	struct reader *reader = context;

	*field = wevent_field_find(name);
	if (*field != F_MAX)
		return 0;
	if (name.len == 0 || name.len > WEVENT_NAME_MAX || slice_find_byte(name, '\0') < name.len ||
		reader->fields->count == WEVENT_NAMES_MAX)
		return -EINVAL;
	return find_field(reader->fields, name, field);
}

/* The field of an item.  false: it is none. */
static bool
read_field(struct reader *reader, struct fy_node *key, struct slice name, enum wevent_field *field)
{
	int result = field_of(reader, name, field);

	if (result == -ENOMEM)
		no_memory(reader);
	if (result == -EINVAL)
		refuse(reader, key,
			"field '%.*s': the name of a field has 1 to %d bytes, and there are at "
			"most "
			"%d that Sysmon's process and file events do not have",
			SHOW(name), WEVENT_NAME_MAX, WEVENT_NAMES_MAX);
	if (result == 0 && *field >= F_MAX && !is_known(name))
		yaml_fault(reader->yaml, key, reader->faults, true,
			"field '%.*s' is none that the manual lists; it is looked for in the "
			"records under this very name",
			SHOW(name));
	return result == 0;
}

/* One line of a selection -> an item; its index, or UINT32_MAX. */
static uint32_t
read_item(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
	struct condition *condition = &reader->out->condition;
	struct slice name = yaml_scalar(key);
	size_t bar = slice_find_byte(name, '|');
	uint32_t first = condition->pattern_count;
	struct modifier_values values = {
		.arena = reader->arena, .field = field_of, .context = reader
	};
	struct condition_item *items;
	enum wevent_field field;
	const char *shown;

	if (bar == 0) {
		refuse(reader, key,
			"keywords (text without a field) are not supported yet; name a field");
		return UINT32_MAX;
	}
	name = slice_sub(name, 0, bar);
	if (!read_field(reader, key, name, &field))
		return UINT32_MAX;
	shown = field < F_MAX ? wevent_field_name(field) : copy_text(reader, name);
	name = yaml_scalar(key);
	read_values(reader, key, value, &values);
	if (bar < name.len && !reader->no_memory)
		apply_modifiers(reader, key, slice_sub(name, bar + 1, name.len), &values);
	if (reader->no_memory || !keep_patterns(reader, &values))
		return UINT32_MAX;
	items = grow(reader, condition->items, condition->item_count, &reader->item_size,
		sizeof(*items));
	if (items == NULL)
		return UINT32_MAX;
	condition->items = items;
	items[condition->item_count] = (struct condition_item){
		.field = field,
		.name = shown,
		.all = values.all,
		.negated = values.negated,
		.absent = values.absent,
		.value_count = values.value_count,
		.first = first,
		.count = values.count,
	};
	return condition->item_count++;
}

/* All items of a map; `ops` has room for two operations an item. */
static uint32_t
read_map(struct reader *reader, struct fy_node *map, struct condition_op *ops)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;
	uint32_t n = 0;

	while ((pair = fy_node_mapping_iterate(map, &iterator)) != NULL) {
		uint32_t item = read_item(reader, fy_node_pair_key(pair), fy_node_pair_value(pair));
		bool first = n == 0;

		ops[n++] = (struct condition_op){ .code = CONDITION_ITEM, .item = item };
		if (!first)
			ops[n++] = (struct condition_op){ .code = CONDITION_AND };
	}
	if (n == 0)
		refuse(reader, map, "an empty map; add a field or remove it");
	return n;
}

/* How many items a selection has; 0 when it is nothing that can be a selection. */
static size_t
count_items(struct fy_node *value)
{
	struct fy_node *node;
	void *iterator = NULL;
	size_t n = 0;

	if (is_map(value))
		return (size_t)fy_node_mapping_item_count(value);
	if (!is_list(value))
		return 0;
	while ((node = fy_node_sequence_iterate(value, &iterator)) != NULL) {
		if (!is_map(node))
			return 0;
		n += (size_t)fy_node_mapping_item_count(node);
	}
	return n;
}

static void
read_selection(struct reader *reader, struct fy_node *key, struct fy_node *value,
	struct condition_selection *selection)
{
	size_t count = count_items(value), maps = 1;
	struct condition_op *ops;
	struct fy_node *node;
	void *iterator = NULL;
	uint32_t n = 0;

	selection->name = yaml_scalar(key);
	if (count == 0) {
		refuse(reader, value == NULL ? key : value,
			"selection '%.*s' must be a map of fields or a list of such maps; "
			"keywords (text without a field) are not supported yet",
			SHOW(selection->name));
		return;
	}
	if (is_list(value))
		maps = (size_t)fy_node_sequence_item_count(value);
	ops = arena_alloc(reader->arena, (count * 2 + maps) * sizeof(*ops));
	if (ops == NULL) {
		no_memory(reader);
		return;
	}
	if (is_map(value))
		n = read_map(reader, value, ops);
	while (is_list(value) && (node = fy_node_sequence_iterate(value, &iterator)) != NULL) {
		bool first = n == 0;

		n += read_map(reader, node, ops + n);
		if (!first)
			ops[n++] = (struct condition_op){ .code = CONDITION_OR };
	}
	selection->ops = ops;
	selection->op_count = n;
}

static void
read_condition(struct reader *reader, struct fy_node *node, struct condition_selection *selections,
	size_t count)
{
	struct condition *condition = &reader->out->condition;
	char error[CONDITION_ERROR_MAX];
	struct slice text = yaml_scalar(node);
	int result;

	if (text.ptr == NULL) {
		refuse(reader, node, "'condition' must be a text or a list of texts");
		return;
	}
	result = condition_compile(text, selections, count, reader->arena, &condition->ops,
		&condition->op_count, error);
	if (result == -ENOMEM)
		no_memory(reader);
	else if (result != 0)
		refuse(reader, node, "%s", error);
}

static void
read_conditions(struct reader *reader, struct fy_node *key, struct fy_node *value,
	struct condition_selection *selections, size_t count)
{
	struct fy_node *node;
	void *iterator = NULL;

	if (is_list(value) && fy_node_sequence_is_empty(value))
		refuse(reader, key, "the list of conditions is empty; write one");
	if (value != NULL && !is_list(value))
		read_condition(reader, value, selections, count);
	while (is_list(value) && (node = fy_node_sequence_iterate(value, &iterator)) != NULL)
		read_condition(reader, node, selections, count);
}

/* The keys of the detection that are no selections. */
static bool
is_reserved(struct reader *reader, struct fy_node *key)
{
	struct slice name = yaml_scalar(key);

	if (slice_equal(name, SLICE("timeframe"))) {
		refuse(reader, key,
			"'timeframe' belongs to aggregations, which Sigma 2 has given up; remove "
			"it");
		return true;
	}
	return slice_equal(name, SLICE("condition"));
}

static void
warn_unused(struct reader *reader, struct fy_node *detection,
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
					SHOW(selections[i].name));
		}
	}
}

static void
read_detection(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
	struct condition_selection *selections;
	struct fy_node *condition_key = NULL, *condition = NULL;
	struct fy_node_pair *pair;
	void *iterator = NULL;
	size_t count = 0;

	if (!is_map(value)) {
		refuse(reader, value == NULL ? key : value,
			"'detection' must be a map of selections and a condition");
		return;
	}
	selections = arena_alloc(reader->arena,
		((size_t)fy_node_mapping_item_count(value) + 1) * sizeof(*selections));
	if (selections == NULL) {
		no_memory(reader);
		return;
	}
	while ((pair = fy_node_mapping_iterate(value, &iterator)) != NULL) {
		struct fy_node *name = fy_node_pair_key(pair);

		if (slice_equal(yaml_scalar(name), SLICE("condition"))) {
			condition_key = name;
			condition = fy_node_pair_value(pair);
		}
		if (is_reserved(reader, name))
			continue;
		selections[count] = (struct condition_selection){ 0 };
		read_selection(reader, name, fy_node_pair_value(pair), &selections[count]);
		count++;
	}
	if (yaml_scalar(condition).len == 0 && !is_list(condition) && !is_map(condition))
		refuse(reader, condition_key == NULL ? key : condition_key,
			"the detection has no condition; write "
			"'condition: SELECTION'");
	else
		read_conditions(reader, condition_key, condition, selections, count);
	if (!reader->failed)
		warn_unused(reader, value, selections, count);
}

/* The keys that make a document something else than a rule, or change what a rule means. */
static const struct {
	const char *key;
	const char *why;
} refused[] = {
	{ "correlation", "correlations are not supported yet; remove the document" },
	{ "filter", "filters are not supported yet; remove the document" },
	{ "action", "rule collections ('action') are Sigma 1; write each rule out" },
};

static const struct {
	const char *key;
	read_function *read;
} keys[] = {
	{ "description", read_description },
	{ "detection", read_detection },
	{ "detection_type", read_detection_type },
	{ "id", read_id },
	{ "level", read_level },
	{ "logsource", read_logsource },
	{ "name", read_name },
	{ "status", read_status },
	{ "tags", read_tags },
	{ "taxonomy", read_taxonomy },
	{ "title", read_title },
};

/* Is the document a rule at all? */
static bool
check_kind(struct reader *reader, struct fy_node *root)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	if (!is_map(root)) {
		refuse(reader, root, "a rule is a map; write 'title: ...' and so on");
		return false;
	}
	while ((pair = fy_node_mapping_iterate(root, &iterator)) != NULL) {
		struct slice name = yaml_scalar(fy_node_pair_key(pair));

		for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
			if (slice_equal(name, slice_of(refused[i].key))) {
				refuse(reader, fy_node_pair_key(pair), "%s", refused[i].why);
				return false;
			}
		}
	}
	return true;
}

static void
read_keys(struct reader *reader, struct fy_node *root)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;
	bool detection = false;

	while ((pair = fy_node_mapping_iterate(root, &iterator)) != NULL) {
		struct slice name = yaml_scalar(fy_node_pair_key(pair));

		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			if (!slice_equal(name, slice_of(keys[i].key)))
				continue;
			keys[i].read(reader, fy_node_pair_key(pair), fy_node_pair_value(pair));
			detection = detection || keys[i].read == read_detection;
		}
	}
	if (!reader->logsource)
		refuse(reader, root,
			"the rule has no logsource; write 'logsource:' with 'category: "
			"process_creation' or 'service: sysmon' in it");
	if (!detection)
		refuse(reader, root, "the rule has no detection; write selections and a condition");
	if (reader->out->rule.title == NULL && !reader->failed)
		refuse(reader, root, "the rule has no title; write 'title: ...'");
}

/* Below a directory named core. */
static bool
is_core(struct slice file)
{
	struct slice rest = file;

	while (rest.len > 0) {
		size_t slash = slice_find_byte(rest, '/');

		if (slash == rest.len)
			return false;
		if (slice_equal(slice_sub(rest, 0, slash), SLICE("core")))
			return true;
		rest = slice_sub(rest, slash + 1, rest.len);
	}
	return false;
}

/* What the rule leaves out and alerts need. */
static void
complete(struct reader *reader, struct fy_node *root)
{
	static const char *const none[] = { NULL };
	struct rule *rule = &reader->out->rule;

	if (rule->id == NULL) {
		rule->id = rule->title;
		yaml_fault(reader->yaml, root, reader->faults, true,
			"the rule has no id, its title is taken; make one with "
			"uuidgen");
	}
	if (!reader->level) {
		rule->severity = SEVERITY_MEDIUM;
		yaml_fault(reader->yaml, root, reader->faults, true,
			"the rule has no level, medium is taken; write one");
	}
	if (rule->detection_type == NULL)
		rule->detection_type = reader->name != NULL ? reader->name : rule->title;
	if (rule->tags == NULL) {
		rule->tags = none;
		rule->techniques = none;
	}
}

int
sigma_parse(const struct yaml *yaml, const char *file, struct fy_node *root, struct arena *arena,
	struct sigma_fields *fields, struct faults *faults, struct sigma_rule *out)
{
	struct sigma_rule rule = { .rule = { .file = file, .core = is_core(slice_of(file)) } };
	struct reader reader = {
		.yaml = yaml, .arena = arena, .faults = faults, .out = &rule, .fields = fields
	};

	yaml_place(yaml, root, &rule.line, &rule.column);
	rule.id_line = rule.line;
	rule.id_column = rule.column;
	if (check_kind(&reader, root))
		read_keys(&reader, root);
	if (!reader.failed)
		complete(&reader, root);
	if (reader.no_memory)
		return -ENOMEM;
	if (reader.failed)
		return -EINVAL;
	*out = rule;
	return 0;
}
