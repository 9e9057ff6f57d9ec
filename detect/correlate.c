/* Correlations: reading them, what they ask for, and the groups and values of events.
 *
 * The value of an event is a number, or a hash of its fields in lower case: that two different
 * values have one hash of 64 bits is not reckoned with. */

#include <math.h>
#include <string.h>

#include "detect/correlate.h"
#include "detect/spelling.h"

#define USEC INT64_C(1000000)
#define GROUP_VALUE_MAX 256 /* bytes of one in a key; of longer ones the start and a hash */
#define HASH_START UINT64_C(14695981039346656037) /* of FNV-1a, as its prime */
#define HASH_PRIME UINT64_C(1099511628211)

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
	struct fy_node *aliases;
	/* There is one, which may be wrong: then that has been said. */
	bool type, rules, timespan, bound, field;
	bool no_condition; /* it is there, but no map */
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

/* Is its value a number, and not what an event says? */
static bool
is_numeric(const struct correlation *correlation)
{
	return correlation->type >= CORRELATION_VALUE_SUM && !correlation_is_share(correlation);
}

static void
read_type(struct correlation_reader *correlation, struct fy_node *key, struct fy_node *value)
{
	struct slice text = yaml_scalar(value);

	correlation->type = true;
	for (int i = 0; i < CORRELATION_TYPE_MAX; i++) {
		if (!slice_equal(text, slice_of(type_names[i])))
			continue;
		correlation->out->type = (enum correlation_type)i;
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

	correlation->rules = true;
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

	correlation->timespan = true;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && text.len > 1; i++) {
		int64_t most = CORRELATE_TIMESPAN_MAX / USEC / units[i].seconds;

		if (text.ptr[text.len - 1] != units[i].unit ||
			slice_number(slice_sub(text, 0, text.len - 1), (uint64_t)most, &n) != 0 ||
			n == 0)
			continue;
		correlation->out->timespan = (int64_t)n * units[i].seconds * USEC;
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
		correlation->bound = true;
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
read_field(struct correlation_reader *correlation, struct fy_node *key, struct fy_node *value)
{
	struct correlation *out = correlation->out;

	correlation->field = true;
	out->field_count = 0;
	reader_texts(correlation->reader, key, value, &out->field_names);
	while (out->field_names != NULL && out->field_names[out->field_count] != NULL)
		out->field_count++;
}

static void
read_condition(struct correlation_reader *correlation, struct fy_node *key, struct fy_node *value)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	if (!reader_is_map(value)) {
		correlation->no_condition = true;
		reader_refuse(correlation->reader, value == NULL ? key : value,
			"the condition of a correlation is a map; write 'gte: 10' in it");
		return;
	}
	while ((pair = fy_node_mapping_iterate(value, &iterator)) != NULL) {
		struct fy_node *name = fy_node_pair_key(pair), *node = fy_node_pair_value(pair);

		if (slice_equal(yaml_scalar(name), SLICE("field")))
			read_field(correlation, name, node);
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

/* A key that is in no row: a correlation without its group would be another one. */
static void
unknown_key(struct sigma_reader *reader, struct fy_node *key)
{
	struct slice name = yaml_scalar(key);
	size_t i = 0;

	while (i < sizeof(keys) / sizeof(keys[0]) && !spelling_is_near(name, slice_of(keys[i].key)))
		i++;
	if (i < sizeof(keys) / sizeof(keys[0]))
		reader_refuse(reader, key, "'%.*s' is not known in a correlation; did you mean %s?",
			READER_SHOW(name), keys[i].key);
	else if (slice_equal(name, SLICE("field")) || slice_equal(name, SLICE("percentile")))
		reader_refuse(reader, key, "'%.*s' belongs into 'condition'; write it there",
			READER_SHOW(name));
	else
		reader_refuse(reader, key, "'%.*s' is not known in a correlation; remove it",
			READER_SHOW(name));
}

/* What a name of the group or of the value means for a reference, as it is written; nothing of an
 * alias without a field for it. */
static struct slice
meaning(const struct correlation_reader *correlation, const char *name,
	const struct correlation_reference *reference)
{
	struct fy_node *alias = reader_value(correlation->aliases, slice_of(name));

	return alias == NULL ? slice_of(name)
			     : yaml_scalar(reader_value(alias, slice_of(reference->name)));
}

/* The field that an alias means for a reference. */
static void
find_alias(struct correlation_reader *correlation, struct fy_node *alias, const char *name,
	const struct correlation_reference *reference, enum wevent_field *field)
{
	struct slice own = meaning(correlation, name, reference);

	if (own.len > 0)
		(void)reader_field(correlation->reader, alias, own, field);
	else
		reader_refuse(correlation->reader, alias,
			"alias '%s' has no field for rule '%s'; write one, under the word that "
			"'rules' has for it",
			name, reference->name);
}

/* The fields that the names mean for one reference; `first` are those of the first, which what is
 * no alias is the same for.  NULL for no memory. */
static enum wevent_field *
find_fields(struct correlation_reader *correlation, struct fy_node *key,
	const struct correlation_reference *reference, const char *const *names, uint32_t count,
	const enum wevent_field *first)
{
	struct sigma_reader *reader = correlation->reader;
	enum wevent_field *fields = arena_alloc(reader->arena, count * sizeof(*fields) + 1);

	if (fields == NULL)
		reader_no_memory(reader);
	for (uint32_t i = 0; i < count && fields != NULL; i++) {
		struct fy_node *alias = reader_value(correlation->aliases, slice_of(names[i]));

		fields[i] = first == NULL ? F_MAX : first[i];
		if (alias != NULL)
			find_alias(correlation, alias, names[i], reference, &fields[i]);
		else if (first == NULL)
			(void)reader_field(reader, key, slice_of(names[i]), &fields[i]);
	}
	return fields;
}

/* Those of group-by and of the value, for all references. */
static void
find_all_fields(struct correlation_reader *correlation, struct fy_node *key)
{
	struct correlation *out = correlation->out;
	const enum wevent_field *group = NULL, *fields = NULL;

	for (uint32_t i = 0; i < out->reference_count; i++) {
		struct correlation_reference *reference = &out->references[i];

		reference->group = find_fields(
			correlation, key, reference, out->group_names, out->group_count, group);
		reference->fields = find_fields(
			correlation, key, reference, out->field_names, out->field_count, fields);
		group = reference->group;
		fields = reference->fields;
	}
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

/* The least and the most that a count, a sum or a share can be. */
static void
range_of(const struct correlation *correlation, double *least, double *most)
{
	*least = correlation->type <= CORRELATION_TEMPORAL_ORDERED ? 1 : -HUGE_VAL;
	*most = HUGE_VAL;
	if (correlation_is_temporal(correlation->type))
		*most = correlation->reference_count;
	if (correlation_is_share(correlation)) {
		*least = nextafter(0, 1); /* the event itself has one */
		*most = 100;
	}
}

/* Is there such a number that all bounds take?  If so, one is a bound or an end of the range, or in
 * the middle between two of these; of whole numbers the next one may be it. */
static bool
can_hold(const struct correlation *correlation)
{
	bool whole = correlation->type <= CORRELATION_TEMPORAL_ORDERED;
	double points[CORRELATE_BOUNDS_MAX + 2], least, most;
	uint32_t count = 0;

	range_of(correlation, &least, &most);
	for (; count < correlation->bound_count; count++)
		points[count] = correlation->bounds[count].value;
	points[count++] = least;
	points[count++] = most;
	for (uint32_t i = 0; i < count * count; i++)
		for (int step = 0; step <= whole; step++) {
			double middle = (points[i / count] + points[i % count]) / 2;
			double value = whole ? floor(middle) + step : middle;

			if (value >= least && value <= most &&
				correlation_holds(correlation, value))
				return true;
		}
	return false;
}

/* What of the condition the type asks for, and takes. */
static void
check_condition(const struct correlation_reader *correlation, struct fy_node *key)
{
	struct sigma_reader *reader = correlation->reader;
	const struct correlation *out = correlation->out;
	const char *type = type_names[out->type];

	if (!correlation_is_temporal(out->type) && !correlation->bound)
		reader_refuse(reader, key,
			"%s needs a condition with a number; write 'condition: { gte: 10 }'", type);
	if (has_value(out->type) != correlation->field)
		reader_refuse(reader, key,
			has_value(out->type)
				? "%s needs a field in its condition; write 'field: NAME'"
				: "%s has no field in its condition; remove it",
			type);
	if (out->field_count > CORRELATE_FIELDS_MAX ||
		(out->field_count > 1 && out->type != CORRELATION_VALUE_COUNT))
		reader_refuse(reader, key, "%s has too many fields; remove some", type);
	if (out->percentile >= 0 && out->type != CORRELATION_VALUE_PERCENTILE)
		reader_refuse(reader, key, "%s has no percentile; remove it", type);
	if (out->type <= CORRELATION_VALUE_COUNT && least_value(out) > CORRELATE_COUNT_MAX)
		reader_refuse(reader, key, "more than %d events are not counted; lower the bound",
			CORRELATE_COUNT_MAX);
	if (correlation_is_temporal(out->type) && out->reference_count > 0 &&
		least_value(out) > out->reference_count)
		reader_refuse(reader, key, "the correlation asks for more rules than it has");
}

/* What belongs together does. */
static void
check(const struct correlation_reader *correlation, struct fy_node *key)
{
	struct sigma_reader *reader = correlation->reader;

	if (!correlation->type)
		reader_refuse(
			reader, key, "the correlation has no type; write 'type: event_count'");
	if (!correlation->rules)
		reader_refuse(reader, key, "the correlation has no rules; name some");
	if (!correlation->timespan)
		reader_refuse(reader, key, "the correlation has no timespan; write 'timespan: 5m'");
	if (correlation->out->type != CORRELATION_TYPE_MAX && !correlation->no_condition)
		check_condition(correlation, key);
}

/* These are numbers in every event that has them, of the fields that all know. */
static bool
is_number(enum wevent_field field)
{
	static const enum wevent_field numbers[] = { F_EventID, F_EventRecordID, F_LogonId,
		F_ParentProcessId, F_ProcessId, F_TerminalSessionId };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i] == field)
			return true;
	return field >= F_MAX;
}

/* Warn of what is not wrong, but never speaks. */
static void
look_at(const struct correlation_reader *correlation, struct fy_node *key)
{
	struct sigma_reader *reader = correlation->reader;
	const struct correlation *out = correlation->out;

	if (!can_hold(out))
		yaml_fault(reader->yaml, key, reader->faults, true,
			"the correlation never speaks: no number meets its condition; correct the "
			"bounds");
	for (uint32_t i = 0; i < out->reference_count && is_numeric(out); i++) {
		enum wevent_field field = out->references[i].fields[0];

		if (is_number(field))
			continue;
		yaml_fault(reader->yaml, key, reader->faults, true,
			"field '%s' has no numbers, so that the correlation never speaks; name "
			"another",
			wevent_field_name(field));
		break;
	}
}

/* FNV-1a, continued. */
static uint64_t
hash_more(uint64_t hash, struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ slice_lower((unsigned char)text.ptr[i])) * HASH_PRIME;
	return (hash ^ 0x100) * HASH_PRIME;
}

static uint64_t
hash_number(uint64_t hash, uint64_t number)
{
	for (unsigned int i = 0; i < 64; i += 8)
		hash = (hash ^ (number >> i & 0xff)) * HASH_PRIME;
	return hash;
}

/* A number as its bits. */
static uint64_t
hash_double(uint64_t hash, double number)
{
	uint64_t bits;

	_Static_assert(sizeof(bits) == sizeof(number), "a double has 64 bits");
	memcpy(&bits, &number, sizeof(bits));
	return hash_number(hash, bits);
}

/* What these names mean for a reference. */
static uint64_t
hash_meanings(uint64_t hash, const struct correlation_reader *correlation,
	const struct correlation_reference *reference, const char *const *names, uint32_t count)
{
	hash = hash_number(hash, count);
	for (uint32_t i = 0; i < count; i++)
		hash = hash_more(hash, meaning(correlation, names[i], reference));
	return hash;
}

/* All that windows depend on. */
static uint64_t
version_of(const struct correlation_reader *correlation)
{
	const struct correlation *out = correlation->out;
	uint64_t hash = hash_more(HASH_START, slice_of(type_names[out->type]));

	hash = hash_number(hash, (uint64_t)out->timespan);
	hash = hash_double(hash, out->percentile);
	for (uint32_t i = 0; i < out->bound_count; i++) {
		hash = hash_number(hash, out->bounds[i].order);
		hash = hash_double(hash, out->bounds[i].value);
	}
	for (uint32_t i = 0; i < out->reference_count; i++) {
		const struct correlation_reference *reference = &out->references[i];

		hash = hash_more(hash, slice_of(reference->name));
		hash = hash_meanings(
			hash, correlation, reference, out->group_names, out->group_count);
		hash = hash_meanings(
			hash, correlation, reference, out->field_names, out->field_count);
	}
	return hash;
}

void
correlation_read(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value,
	struct correlation *out)
{
	struct correlation_reader correlation = { .reader = reader, .out = out };
	struct fy_node_pair *pair;
	void *iterator = NULL;

	*out = (struct correlation){ .type = CORRELATION_TYPE_MAX, .percentile = -1 };
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
			unknown_key(reader, fy_node_pair_key(pair));
		else
			keys[i].read(
				&correlation, fy_node_pair_key(pair), fy_node_pair_value(pair));
	}
	check(&correlation, key);
	find_all_fields(&correlation, key);
	if (reader->failed)
		return;
	out->version = version_of(&correlation);
	look_at(&correlation, key);
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

/* An event's value, absent where it is Windows' dash for none: events without one are no group. */
static struct slice
value_of(const struct wevent *event, enum wevent_field field)
{
	struct slice value = wevent_value(event, field);

	return slice_equal(value, SLICE("-")) ? SLICE_NONE : value;
}

size_t
correlation_key(const struct correlation *correlation, const char *id, uint32_t reference,
	const struct wevent *event, char key[CORRELATE_KEY_MAX])
{
	size_t n = put_own(correlation, id, key);

	for (uint32_t i = 0; i < correlation->group_count; i++) {
		struct slice value = value_of(event, correlation->references[reference].group[i]);

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

	out->hash = HASH_START;
	for (uint32_t i = 0; i < correlation->field_count; i++) {
		struct slice value = value_of(event, fields[i]);

		if (value.len == 0)
			return false;
		out->hash = hash_more(out->hash, value);
		if (is_numeric(correlation) && !to_number(value, &out->number))
			return false;
	}
	return true;
}
