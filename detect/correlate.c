/* Correlations: reading them, what they ask for, and the groups and values of events.
 *
 * The value of an event is a number, or a hash of its fields in lower case: that two different
 * values have one hash of 64 bits is not reckoned with. */

#include <math.h>
#include <string.h>

#include "detect/correlate.h"

#define USEC INT64_C(1000000)
#define GROUP_VALUE_MAX 256 /* bytes of one in a key; of longer ones the start and a hash */
#define HASH_START UINT64_C(14695981039346656037)

static const char *const type_names[CORRELATION_TYPE_MAX] = {
	[CORRELATION_EVENT_COUNT] = "event_count",
	[CORRELATION_VALUE_COUNT] = "value_count",
	[CORRELATION_TEMPORAL] = "temporal",
	[CORRELATION_TEMPORAL_ORDERED] = "temporal_ordered",
	[CORRELATION_VALUE_SUM] = "value_sum",
	[CORRELATION_VALUE_AVG] = "value_avg",
	[CORRELATION_VALUE_PERCENTILE] = "value_percentile",
	[CORRELATION_VALUE_MEDIAN] = "value_median",
};

const char *
correlation_type_name(enum correlation_type type)
{
	return type_names[type];
}

/* ---- reading ---- */

struct correlation_reader {
	struct sigma_reader *reader;
	struct correlation *out;
	const char *const *field_names; /* of the condition */
	struct fy_node *aliases;
	bool type, rules, timespan;
};

bool
correlation_is_temporal(enum correlation_type type)
{
	return type == CORRELATION_TEMPORAL || type == CORRELATION_TEMPORAL_ORDERED;
}

static bool
has_value(enum correlation_type type)
{
	return type != CORRELATION_EVENT_COUNT && !correlation_is_temporal(type);
}

static void
read_type(struct correlation_reader *correlation, struct fy_node *key, struct fy_node *value)
{
	struct slice text = yaml_scalar(value);

	(void)key;
	for (int i = 0; i < CORRELATION_TYPE_MAX; i++) {
		if (!slice_equal(text, slice_of(type_names[i])))
			continue;
		correlation->out->type = (enum correlation_type)i;
		correlation->type = true;
		return;
	}
	reader_refuse(correlation->reader, value == NULL ? key : value,
		"unknown type '%.*s'; write event_count, value_count, temporal, temporal_ordered, "
		"value_sum, value_avg, value_percentile or value_median",
		READER_SHOW(text));
}

static void
read_references(struct correlation_reader *correlation, struct fy_node *key, struct fy_node *value)
{
	struct sigma_reader *reader = correlation->reader;
	struct correlation *out = correlation->out;
	const char *const *names = NULL;
	size_t count = 0;

	yaml_place(reader->yaml, value == NULL ? key : value, &out->line, &out->column);
	reader_texts(reader, key, value, &names);
	while (names != NULL && names[count] != NULL)
		count++;
	if (count == 0 || count > CORRELATE_REFERENCES_MAX) {
		reader_refuse(reader, key, "a correlation has 1 to %d rules, by their ids or names",
			CORRELATE_REFERENCES_MAX);
		return;
	}
	out->references = arena_alloc(reader->arena, count * sizeof(*out->references));
	if (out->references == NULL) {
		reader_no_memory(reader);
		return;
	}
	for (size_t i = 0; i < count; i++)
		out->references[i] = (struct correlation_reference){ .name = names[i] };
	out->reference_count = (uint32_t)count;
	correlation->rules = true;
}

static void
read_group_by(struct correlation_reader *correlation, struct fy_node *key, struct fy_node *value)
{
	struct correlation *out = correlation->out;

	out->group_count = 0;
	reader_texts(correlation->reader, key, value, &out->group_names);
	while (out->group_names != NULL && out->group_names[out->group_count] != NULL)
		out->group_count++;
	if (out->group_count > CORRELATE_GROUP_MAX)
		reader_refuse(correlation->reader, key, "at most %d fields make a group",
			CORRELATE_GROUP_MAX);
}

static void
read_timespan(struct correlation_reader *correlation, struct fy_node *key, struct fy_node *value)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	struct slice text = yaml_scalar(value);
	uint64_t n;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && text.len > 1; i++) {
		int64_t most = CORRELATE_TIMESPAN_MAX / USEC / units[i].seconds;

		if (text.ptr[text.len - 1] != units[i].unit ||
			slice_number(slice_sub(text, 0, text.len - 1), (uint64_t)most, &n) != 0 ||
			n == 0)
			continue;
		correlation->out->timespan = (int64_t)n * units[i].seconds * USEC;
		correlation->timespan = true;
		return;
	}
	reader_refuse(correlation->reader, value == NULL ? key : value,
		"a timespan is a number and s, m, h or d, at most 366d; write 5m, not '%.*s'",
		READER_SHOW(text));
}

/* A decimal number, or a hexadecimal one behind 0x, whatever the locale. */
static bool
to_number(struct slice text, double *number)
{
	double scale = 1, sum = 0;
	bool negative = text.len > 0 && text.ptr[0] == '-', point = false, digit = false;
	uint64_t n;

	if (slice_prefix_nocase(text, SLICE("0x"))) {
		if (slice_number_any(text, UINT64_MAX, &n) != 0)
			return false;
		*number = (double)n;
		return true;
	}
	for (size_t i = negative; i < text.len; i++) {
		if (text.ptr[i] == '.' && !point) {
			point = true;
		} else if (text.ptr[i] >= '0' && text.ptr[i] <= '9' && i < 64) {
			sum = sum * 10 + (text.ptr[i] - '0');
			scale *= point ? 10 : 1;
			digit = true;
		} else {
			return false;
		}
	}
	*number = (negative ? -sum : sum) / scale;
	return digit;
}

/* One line of a condition that is a bound.  false: it is none. */
static bool
read_bound(struct correlation_reader *correlation, struct fy_node *key, struct fy_node *value)
{
	static const char *const orders[] = { [ORDER_GT] = "gt",
		[ORDER_GTE] = "gte",
		[ORDER_LT] = "lt",
		[ORDER_LTE] = "lte",
		[ORDER_EQ] = "eq",
		[ORDER_NEQ] = "neq" };
	struct correlation *out = correlation->out;
	struct slice name = yaml_scalar(key);
	double number;

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		if (!slice_equal(name, slice_of(orders[i])))
			continue;
		if (!to_number(yaml_scalar(value), &number))
			reader_refuse(correlation->reader, value == NULL ? key : value,
				"'%.*s' is no number", READER_SHOW(yaml_scalar(value)));
		else if (out->bound_count < CORRELATE_BOUNDS_MAX) {
			out->bounds[out->bound_count].order = (enum correlation_order)i;
			out->bounds[out->bound_count++].value = number;
		}
		return true;
	}
	return false;
}

static void
read_percentile(struct correlation_reader *correlation, struct fy_node *key, struct fy_node *value)
{
	double *percentile = &correlation->out->percentile;

	if (!to_number(yaml_scalar(value), percentile) || *percentile < 0 || *percentile > 100) {
		*percentile = -1;
		reader_refuse(correlation->reader, key, "a percentile is a number from 0 to 100");
	}
}

static void
read_condition(struct correlation_reader *correlation, struct fy_node *key, struct fy_node *value)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	if (!reader_is_map(value)) {
		reader_refuse(correlation->reader, value == NULL ? key : value,
			"the condition of a correlation is a map; write 'gte: 10' in it");
		return;
	}
	while ((pair = fy_node_mapping_iterate(value, &iterator)) != NULL) {
		struct fy_node *name = fy_node_pair_key(pair), *node = fy_node_pair_value(pair);

		if (slice_equal(yaml_scalar(name), SLICE("field")))
			reader_texts(correlation->reader, name, node, &correlation->field_names);
		else if (slice_equal(yaml_scalar(name), SLICE("percentile")))
			read_percentile(correlation, name, node);
		else if (!read_bound(correlation, name, node))
			reader_refuse(correlation->reader, name,
				"'%.*s' is not known in a condition; write gt, gte, lt, lte, eq, "
				"neq "
				"or field",
				READER_SHOW(yaml_scalar(name)));
	}
}

static void
read_aliases(struct correlation_reader *correlation, struct fy_node *key, struct fy_node *value)
{
	correlation->aliases = value;
	if (!reader_is_map(value))
		reader_refuse(correlation->reader, key,
			"'aliases' must be a map; write 'alias: { rule: field }' in it");
}

static void
read_generate(struct correlation_reader *correlation, struct fy_node *key, struct fy_node *value)
{
	reader_flag(correlation->reader, key, value, &correlation->out->generate);
}

static const struct {
	const char *key;
	void (*read)(struct correlation_reader *, struct fy_node *key, struct fy_node *value);
} keys[] = {
	{ "aliases", read_aliases },
	{ "condition", read_condition },
	{ "generate", read_generate },
	{ "group-by", read_group_by },
	{ "rules", read_references },
	{ "timespan", read_timespan },
	{ "type", read_type },
};

static struct fy_node *
look_up(struct fy_node *map, struct slice name)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	while (reader_is_map(map) && (pair = fy_node_mapping_iterate(map, &iterator)) != NULL)
		if (slice_equal(yaml_scalar(fy_node_pair_key(pair)), name))
			return fy_node_pair_value(pair);
	return NULL;
}

/* The fields that the names mean for one reference. */
static enum wevent_field *
find_fields(struct correlation_reader *correlation, struct fy_node *key,
	const struct correlation_reference *reference, const char *const *names, uint32_t count)
{
	struct sigma_reader *reader = correlation->reader;
	enum wevent_field *fields = arena_alloc(reader->arena, count * sizeof(*fields) + 1);

	if (fields == NULL)
		reader_no_memory(reader);
	for (uint32_t i = 0; i < count && fields != NULL; i++) {
		struct slice name = slice_of(names[i]);
		struct fy_node *alias = look_up(correlation->aliases, name);

		if (alias != NULL)
			name = yaml_scalar(look_up(alias, slice_of(reference->name)));
		if (name.len == 0) {
			reader_refuse(reader, alias,
				"alias '%s' has no field for rule '%s'; write one, under the word "
				"that 'rules' has for it",
				names[i], reference->name);
			return fields;
		}
		if (!reader_field(reader, alias == NULL ? key : alias, name, &fields[i]))
			return fields;
	}
	return fields;
}

/* The most that a lower bound asks for; 0: there is none. */
static double
least_value(const struct correlation *correlation)
{
	double least = 0;

	for (uint32_t i = 0; i < correlation->bound_count; i++) {
		double value = correlation->bounds[i].value;

		if (correlation->bounds[i].order == ORDER_GT)
			value = floor(value) + 1;
		else if (correlation->bounds[i].order != ORDER_GTE)
			continue;
		if (ceil(value) > least)
			least = ceil(value);
	}
	return least;
}

/* What belongs together does. */
static void
check(struct correlation_reader *correlation, struct fy_node *key)
{
	struct sigma_reader *reader = correlation->reader;
	const struct correlation *out = correlation->out;

	if (!correlation->type)
		reader_refuse(
			reader, key, "the correlation has no type; write 'type: event_count'");
	if (!correlation->rules)
		reader_refuse(reader, key, "the correlation has no rules; name some");
	if (!correlation->timespan)
		reader_refuse(reader, key, "the correlation has no timespan; write 'timespan: 5m'");
	if (reader->failed)
		return;
	if (!correlation_is_temporal(out->type) && out->bound_count == 0)
		reader_refuse(reader, key,
			"%s needs a condition with a number; write 'condition: { gte: 10 }'",
			type_names[out->type]);
	if (has_value(out->type) != (out->field_count > 0))
		reader_refuse(reader, key,
			has_value(out->type)
				? "%s needs a field in its condition; write 'field: NAME'"
				: "%s has no field in its condition; remove it",
			type_names[out->type]);
	if (out->field_count > CORRELATE_FIELDS_MAX ||
		(out->field_count > 1 && out->type != CORRELATION_VALUE_COUNT))
		reader_refuse(
			reader, key, "%s has too many fields; remove some", type_names[out->type]);
	if (out->percentile >= 0 && out->type != CORRELATION_VALUE_PERCENTILE)
		reader_refuse(
			reader, key, "%s has no percentile; remove it", type_names[out->type]);
	if (out->type <= CORRELATION_VALUE_COUNT && least_value(out) > CORRELATE_COUNT_MAX)
		reader_refuse(reader, key, "more than %d events are not counted; lower the bound",
			CORRELATE_COUNT_MAX);
	if (correlation_is_temporal(out->type) && least_value(out) > out->reference_count)
		reader_refuse(reader, key, "the correlation asks for more rules than it has");
}

/* FNV-1a, continued. */
static uint64_t
hash_more(uint64_t hash, struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ slice_lower((unsigned char)text.ptr[i])) * UINT64_C(1099511628211);
	return (hash ^ 0x100) * UINT64_C(1099511628211);
}

/* What windows depend on. */
static uint64_t
version_of(const struct correlation_reader *correlation)
{
	const struct correlation *out = correlation->out;
	uint64_t hash = hash_more(HASH_START, slice_of(type_names[out->type]));

	for (uint32_t i = 0; i < out->reference_count; i++)
		hash = hash_more(hash, slice_of(out->references[i].name));
	for (uint32_t i = 0; i < out->group_count; i++)
		hash = hash_more(hash, slice_of(out->group_names[i]));
	for (uint32_t i = 0; i < out->field_count; i++)
		hash = hash_more(hash, slice_of(correlation->field_names[i]));
	return hash ^ (uint64_t)out->timespan;
}

void
correlation_read(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value,
	struct correlation *out)
{
	struct correlation_reader correlation = { .reader = reader, .out = out };
	struct fy_node_pair *pair;
	void *iterator = NULL;

	*out = (struct correlation){ .percentile = -1 };
	if (!reader_is_map(value)) {
		reader_refuse(reader, value == NULL ? key : value, "'correlation' must be a map");
		return;
	}
	while ((pair = fy_node_mapping_iterate(value, &iterator)) != NULL) {
		struct slice name = yaml_scalar(fy_node_pair_key(pair));
		size_t i = 0;

		while (i < sizeof(keys) / sizeof(keys[0]) &&
			!slice_equal(name, slice_of(keys[i].key)))
			i++;
		if (i == sizeof(keys) / sizeof(keys[0]))
			reader_refuse(reader, fy_node_pair_key(pair),
				"'%.*s' is not known in a correlation; remove it",
				READER_SHOW(name));
		else
			keys[i].read(
				&correlation, fy_node_pair_key(pair), fy_node_pair_value(pair));
	}
	while (correlation.field_names != NULL && correlation.field_names[out->field_count] != NULL)
		out->field_count++;
	check(&correlation, key);
	out->version = version_of(&correlation);
	for (uint32_t i = 0; i < out->reference_count && !reader->failed; i++) {
		out->references[i].group = find_fields(
			&correlation, key, &out->references[i], out->group_names, out->group_count);
		out->references[i].fields = find_fields(&correlation, key, &out->references[i],
			correlation.field_names, out->field_count);
	}
}

/* ---- what a correlation asks for ---- */

bool
correlation_holds(const struct correlation *correlation, double value)
{
	for (uint32_t i = 0; i < correlation->bound_count; i++) {
		double bound = correlation->bounds[i].value;
		bool good = false;

		switch (correlation->bounds[i].order) {
		case ORDER_GT:
			good = value > bound;
			break;
		case ORDER_GTE:
			good = value >= bound;
			break;
		case ORDER_LT:
			good = value < bound;
			break;
		case ORDER_LTE:
			good = value <= bound;
			break;
		case ORDER_EQ:
			good = !(value < bound) && !(value > bound);
			break;
		case ORDER_NEQ:
			good = value < bound || value > bound;
			break;
		}
		if (!good)
			return false;
	}
	return true;
}

/* The share of the event's own value among all. */
bool
correlation_is_share(const struct correlation *correlation)
{
	return correlation->type == CORRELATION_VALUE_PERCENTILE && correlation->percentile < 0;
}

bool
correlation_waits(const struct correlation *correlation)
{
	if (correlation_is_share(correlation))
		return false;
	if (correlation->type == CORRELATION_VALUE_AVG ||
		correlation->type == CORRELATION_VALUE_PERCENTILE ||
		correlation->type == CORRELATION_VALUE_MEDIAN)
		return true;
	for (uint32_t i = 0; i < correlation->bound_count; i++)
		if (correlation->bounds[i].order != ORDER_GT &&
			correlation->bounds[i].order != ORDER_GTE)
			return true;
	return false;
}

/* How many entries, values or references there must be, of one that does not wait. */
uint32_t
correlation_wanted(const struct correlation *correlation)
{
	double least = least_value(correlation);

	if (correlation->bound_count == 0)
		return correlation->reference_count;
	return least < 1 ? 1 : (uint32_t)least;
}

/* ---- keys and values ---- */

/* One value of a group behind its length, in lower case. */
static size_t
put_value(struct slice value, char *to)
{
	static const char digits[] = "0123456789abcdef";
	size_t length = value.len < GROUP_VALUE_MAX ? value.len : GROUP_VALUE_MAX - 16;
	uint64_t hash = value.len < GROUP_VALUE_MAX ? 0 : hash_more(HASH_START, value);
	size_t n = 2;

	for (size_t i = 0; i < length; i++)
		to[n++] = (char)slice_lower((unsigned char)value.ptr[i]);
	for (unsigned int i = 0; i < 16 && value.len >= GROUP_VALUE_MAX; i++)
		to[n++] = digits[hash >> (60 - 4 * i) & 0xf];
	to[0] = (char)((n - 2) >> 8);
	to[1] = (char)((n - 2) & 0xff);
	return n;
}

_Static_assert((CORRELATE_GROUP_MAX + 2) * (GROUP_VALUE_MAX + 2) <= CORRELATE_KEY_MAX,
	"a key has room for all values of a group");

/* The correlation's own part of a key. */
static size_t
put_own(const struct correlation *correlation, const char *id, char *key)
{
	size_t n = put_value(slice_of(id), key);
	char version[sizeof(correlation->version)];

	for (size_t i = 0; i < sizeof(version); i++)
		version[i] = (char)(correlation->version >> (8 * i) & 0x3f);
	return n + put_value((struct slice){ version, sizeof(version) }, key + n);
}

size_t
correlation_key(const struct correlation *correlation, const char *id, uint32_t reference,
	const struct wevent *event, char key[CORRELATE_KEY_MAX])
{
	size_t n = put_own(correlation, id, key);

	for (uint32_t i = 0; i < correlation->group_count; i++) {
		struct slice value =
			wevent_value(event, correlation->references[reference].group[i]);

		if (value.len == 0)
			return 0;
		n += put_value(value, key + n);
	}
	return n;
}

struct slice
correlation_group(struct slice key, uint32_t n)
{
	size_t length;

	for (uint32_t i = 0;; i++) {
		if (key.len < 2)
			return SLICE_NONE;
		length = (size_t)(unsigned char)key.ptr[0] << 8 | (unsigned char)key.ptr[1];
		key = slice_sub(key, 2, key.len);
		if (i == n + 2)
			return slice_sub(key, 0, length);
		key = slice_sub(key, length, key.len);
	}
}

bool
correlation_owns(const struct correlation *correlation, const char *id, struct slice key)
{
	char own[2 * (GROUP_VALUE_MAX + 2)];
	size_t n = put_own(correlation, id, own);

	return slice_prefix(key, (struct slice){ own, n });
}

bool
correlation_value(const struct correlation *correlation, uint32_t reference,
	const struct wevent *event, struct correlation_value *out)
{
	const enum wevent_field *fields = correlation->references[reference].fields;
	bool number =
		correlation->type >= CORRELATION_VALUE_SUM && !correlation_is_share(correlation);

	out->hash = HASH_START;
	for (uint32_t i = 0; i < correlation->field_count; i++) {
		struct slice value = wevent_value(event, fields[i]);

		if (value.len == 0)
			return false;
		out->hash = hash_more(out->hash, value);
		if (number && !to_number(value, &out->number))
			return false;
	}
	return true;
}
