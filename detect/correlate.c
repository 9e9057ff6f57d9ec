/* Correlations: reading them, and the windows that count.
 *
 * A window is a row of entries in the order of their times, an entry a matched event: who matched,
 * when, what value.  An event in its order goes to the end and is judged with what is within one
 * time span before it; a late one is put where it belongs and judged with all spans that it is in.
 *
 * What bounds a window: entries older than a time span and the lateness are forgotten, and the
 * oldest beyond CORRELATE_ENTRIES_MAX.  Of temporal correlations only the first and the last of a
 * run of one reference are kept, and each reference has its share of the entries, so that a flood
 * of one cannot push out the others. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/correlate.h"

#define USEC INT64_C(1000000)
#define GROUP_VALUE_MAX 256 /* bytes of one in a key; of longer ones the start and a hash */
#define TEMPORAL_ENTRIES_MAX 256
#define NO_TIME INT64_MIN
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

struct entry {
	int64_t time;
	double number;
	uint64_t hash;
	uint32_t reference;
	unsigned char id[CORRELATE_ID];
};

struct window {
	struct entry *entries; /* by time */
	uint32_t count, size;
	int64_t deadline; /* receive time */
	/* The last event, of a correlation that waits: its canonical fields one behind the other.
	 */
	char *event;
	uint32_t lengths[F_MAX]; /* and 1; 0 is absent */
	int64_t event_time;
	int32_t event_id;
	enum layout layout;
	uint32_t host_length;
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

static bool
is_temporal(enum correlation_type type)
{
	return type == CORRELATION_TEMPORAL || type == CORRELATION_TEMPORAL_ORDERED;
}

static bool
has_value(enum correlation_type type)
{
	return type != CORRELATION_EVENT_COUNT && !is_temporal(type);
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
	if (!is_temporal(out->type) && out->bound_count == 0)
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
	if (is_temporal(out->type) && least_value(out) > out->reference_count)
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

static bool
holds(const struct correlation *correlation, double value)
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
static bool
is_share(const struct correlation *correlation)
{
	return correlation->type == CORRELATION_VALUE_PERCENTILE && correlation->percentile < 0;
}

bool
correlation_waits(const struct correlation *correlation)
{
	if (is_share(correlation))
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
static uint32_t
wanted(const struct correlation *correlation)
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

/* The entry's value.  false: the event has none. */
static bool
take_value(const struct correlation *correlation, uint32_t reference, const struct wevent *event,
	struct entry *entry)
{
	const enum wevent_field *fields = correlation->references[reference].fields;
	bool number = correlation->type >= CORRELATION_VALUE_SUM && !is_share(correlation);

	entry->hash = HASH_START;
	for (uint32_t i = 0; i < correlation->field_count; i++) {
		struct slice value = wevent_value(event, fields[i]);

		if (value.len == 0)
			return false;
		entry->hash = hash_more(entry->hash, value);
		if (number && !to_number(value, &entry->number))
			return false;
	}
	return true;
}

/* ---- windows ---- */

struct window *
window_new(void)
{
	struct window *window = calloc(1, sizeof(*window));

	if (window != NULL)
		window->deadline = NO_TIME;
	return window;
}

void
window_free(struct window *window)
{
	if (window == NULL)
		return;
	free(window->entries);
	free(window->event);
	free(window);
}

size_t
window_size(const struct window *window)
{
	return sizeof(*window) + window->size * sizeof(*window->entries) +
	       (window->event == NULL ? 0 : CORRELATE_EVENT_MAX);
}

int64_t
window_deadline(const struct window *window)
{
	return window->count == 0 ? NO_TIME : window->deadline;
}

void
window_clear(struct window *window)
{
	window->count = 0;
}

static void
forget(struct window *window, uint32_t from, uint32_t count)
{
	memmove(window->entries + from, window->entries + from + count,
		(window->count - from - count) * sizeof(*window->entries));
	window->count -= count;
}

/* What is too old to be in a time span with anything that may still come; not for a few only. */
static void
trim(struct window *window, const struct correlation *correlation)
{
	int64_t oldest = window->entries[window->count - 1].time - correlation->timespan -
			 CORRELATE_LATENESS;
	uint32_t n = 0;

	while (n < window->count && window->entries[n].time < oldest)
		n++;
	if (n > window->count / 8)
		forget(window, 0, n);
}

/* Keep the first and the last of a run, and each reference within its share. */
static void
thin_out(struct window *window, const struct correlation *correlation, uint32_t *at)
{
	uint32_t share = TEMPORAL_ENTRIES_MAX / correlation->reference_count, have = 0;
	uint32_t reference = window->entries[*at].reference, i = *at;
	const struct entry *entries = window->entries;

	if (i >= 2 && entries[i - 1].reference == reference &&
		entries[i - 2].reference == reference) {
		forget(window, i - 1, 1);
		--*at;
	}
	for (i = 0; i < window->count; i++)
		have += entries[i].reference == reference;
	for (i = 0; i < window->count && have > share; i++) {
		if (entries[i].reference != reference || i == *at)
			continue;
		forget(window, i, 1);
		*at -= i < *at;
		break;
	}
}

/* Put the entry where it belongs; its place to *at.  false for no memory. */
static bool
insert(struct window *window, const struct entry *entry, uint32_t *at)
{
	uint32_t i;

	if (window->count == CORRELATE_ENTRIES_MAX)
		forget(window, 0, CORRELATE_ENTRIES_MAX / 8);
	if (window->count == window->size) {
		uint32_t size = window->size == 0 ? 4 : window->size * 2;
		struct entry *entries = realloc(window->entries, size * sizeof(*entries));

		if (entries == NULL)
			return false;
		window->entries = entries;
		window->size = size;
	}
	i = window->count;
	while (i > 0 && window->entries[i - 1].time > entry->time)
		i--;
	memmove(window->entries + i + 1, window->entries + i, (window->count - i) * sizeof(*entry));
	window->entries[i] = *entry;
	window->count++;
	*at = i;
	return true;
}

/* The last event, for the alert of a window that waits. */
static bool
remember(struct window *window, const struct wevent *event)
{
	uint32_t n = 0;

	if (window->event == NULL)
		window->event = malloc(CORRELATE_EVENT_MAX);
	if (window->event == NULL)
		return false;
	for (unsigned int i = 0; i <= F_MAX; i++) {
		struct slice value = i < F_MAX ? event->f[i] : event->host;
		uint32_t length =
			(uint32_t)(value.len < CORRELATE_EVENT_MAX - n ? value.len
								       : CORRELATE_EVENT_MAX - n);

		if (length > 0)
			memcpy(window->event + n, value.ptr, length);
		if (i < F_MAX)
			window->lengths[i] = value.ptr == NULL ? 0 : length + 1;
		else
			window->host_length = length;
		n += length;
	}
	window->event_time = event->time;
	window->event_id = event->event_id;
	window->layout = event->layout;
	return true;
}

bool
window_event(const struct window *window, struct wevent *event)
{
	const char *at = window->event;

	if (at == NULL)
		return false;
	wevent_clear(event);
	for (unsigned int i = 0; i < F_MAX; i++) {
		if (window->lengths[i] == 0)
			continue;
		event->f[i] = (struct slice){ at, window->lengths[i] - 1 };
		at += window->lengths[i] - 1;
	}
	event->host = (struct slice){ at, window->host_length };
	event->time = window->event_time;
	event->event_id = window->event_id;
	event->layout = window->layout;
	return true;
}

/* ---- what has come together ---- */

/* Entries [from, to) are it. */
static void
report(const struct window *window, uint32_t from, uint32_t to, double value,
	struct correlation_result *result)
{
	uint32_t n = to - from < CORRELATE_RELATED_MAX ? to - from : CORRELATE_RELATED_MAX;

	result->value = value;
	result->first = window->entries[from].time;
	result->last = window->entries[to - 1].time;
	result->count = to - from;
	result->related_count = n;
	for (uint32_t i = 0; i < n; i++)
		memcpy(result->related[i], window->entries[to - n + i].id, CORRELATE_ID);
}

/* The end of the time span that begins with entry `from`. */
static uint32_t
span_end(const struct window *window, const struct correlation *correlation, uint32_t from)
{
	int64_t last = window->entries[from].time + correlation->timespan;
	uint32_t to = from;

	while (to < window->count && window->entries[to].time <= last)
		to++;
	return to;
}

/* The first entry that is within a time span before entry `at`. */
static uint32_t
span_start(const struct window *window, const struct correlation *correlation, uint32_t at)
{
	int64_t first = window->entries[at].time - correlation->timespan;
	uint32_t from = at;

	while (from > 0 && window->entries[from - 1].time >= first)
		from--;
	return from;
}

/* So many entries within a time span, with the one at `at` among them? */
static bool
enough_entries(const struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	uint32_t n = wanted(correlation), from = at + 1 > n ? at + 1 - n : 0;

	for (; from <= at && from + n <= window->count; from++) {
		if (window->entries[from + n - 1].time - window->entries[from].time >
			correlation->timespan)
			continue;
		report(window, from, from + n, n, result);
		return true;
	}
	return false;
}

/* How many references are among the entries. */
static uint32_t
count_references(const struct window *window, uint32_t from, uint32_t to)
{
	uint64_t seen = 0;

	for (uint32_t i = from; i < to; i++)
		seen |= UINT64_C(1) << window->entries[i].reference;
	return (uint32_t)__builtin_popcountll(seen);
}

_Static_assert(CORRELATE_REFERENCES_MAX <= 64, "references are bits");

/* The longest chain of references in their order among the entries: start[r][n] is the last time at
 * which a chain of n + 1 that ends with r can begin. */
static uint32_t
longest_chain(const struct window *window, uint32_t from, uint32_t to, int64_t timespan,
	uint32_t references)
{
	int64_t start[CORRELATE_REFERENCES_MAX][CORRELATE_REFERENCES_MAX];
	uint32_t best = 0;

	for (uint32_t r = 0; r < references; r++)
		for (uint32_t n = 0; n < references; n++)
			start[r][n] = NO_TIME;
	for (uint32_t i = from; i < to; i++) {
		uint32_t r = window->entries[i].reference;
		int64_t time = window->entries[i].time;

		start[r][0] = time;
		for (uint32_t n = 1; n <= r; n++)
			for (uint32_t before = n - 1; before < r; before++)
				if (start[before][n - 1] > start[r][n])
					start[r][n] = start[before][n - 1];
		for (uint32_t n = best; n <= r; n++)
			if (start[r][n] != NO_TIME && time - start[r][n] <= timespan)
				best = n + 1;
	}
	return best;
}

static bool
enough_references(const struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	uint32_t from = span_start(window, correlation, at), to, n;

	for (; from <= at; from++) {
		to = span_end(window, correlation, from);
		n = correlation->type == CORRELATION_TEMPORAL
			    ? count_references(window, from, to)
			    : longest_chain(window, from, to, correlation->timespan,
				      correlation->reference_count);
		if (n >= wanted(correlation) && holds(correlation, n)) {
			report(window, from, to, n, result);
			return true;
		}
		/* In its order an event is the last of all spans, and the first of them has the
		 * most. */
		if (to == window->count)
			return false;
	}
	return false;
}

static bool
enough_sum(const struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	for (uint32_t from = span_start(window, correlation, at); from <= at; from++) {
		uint32_t to = span_end(window, correlation, from);
		double sum = 0;

		for (uint32_t i = from; i < to; i++)
			sum += window->entries[i].number;
		if (holds(correlation, sum)) {
			report(window, from, to, sum, result);
			return true;
		}
		if (to == window->count)
			return false;
	}
	return false;
}

/* The share, in percent, that the value at `at` has of those within a time span before it. */
static bool
right_share(const struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	uint32_t from = span_start(window, correlation, at), same = 0;
	double share;

	for (uint32_t i = from; i <= at; i++)
		same += window->entries[i].hash == window->entries[at].hash;
	share = 100.0 * same / (at + 1 - from);
	if (!holds(correlation, share))
		return false;
	report(window, at, at + 1, share, result);
	return true;
}

/* Of a value that was there already only the last time counts: the entry of it that is not `at`. */
static void
drop_double(struct window *window, uint32_t *at)
{
	for (uint32_t i = 0; i < window->count; i++) {
		if (i == *at || window->entries[i].hash != window->entries[*at].hash)
			continue;
		if (i < *at) {
			forget(window, i, 1);
			--*at;
		} else {
			forget(window, *at, 1);
			*at = i - 1;
		}
		return;
	}
}

static bool
speaks(struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	switch (correlation->type) {
	case CORRELATION_VALUE_COUNT:
	case CORRELATION_EVENT_COUNT:
		return enough_entries(window, correlation, at, result);
	case CORRELATION_TEMPORAL:
	case CORRELATION_TEMPORAL_ORDERED:
		return enough_references(window, correlation, at, result);
	case CORRELATION_VALUE_SUM:
		return enough_sum(window, correlation, at, result);
	default:
		return right_share(window, correlation, at, result);
	}
}

/* ---- windows that wait ---- */

static int
compare_numbers(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The nearest rank (the median of an even count is the mean of both in the middle). */
static bool
rank(const struct window *window, uint32_t to, double percentile, bool median, double *value)
{
	double *numbers = malloc(to * sizeof(*numbers));
	uint32_t n;

	if (numbers == NULL)
		return false;
	for (uint32_t i = 0; i < to; i++)
		numbers[i] = window->entries[i].number;
	qsort(numbers, to, sizeof(*numbers), compare_numbers);
	n = (uint32_t)ceil(percentile / 100 * to);
	n = n == 0 ? 0 : n - 1;
	*value = median && to % 2 == 0 ? (numbers[to / 2 - 1] + numbers[to / 2]) / 2 : numbers[n];
	free(numbers);
	return true;
}

static int
compare_hashes(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* How many different ones.  false for no memory. */
static bool
count_values(const struct window *window, uint32_t to, double *value)
{
	uint64_t *hashes = malloc(to * sizeof(*hashes));

	if (hashes == NULL)
		return false;
	for (uint32_t i = 0; i < to; i++)
		hashes[i] = window->entries[i].hash;
	qsort(hashes, to, sizeof(*hashes), compare_hashes);
	for (uint32_t i = 0; i < to; i++)
		*value += i == 0 || hashes[i] != hashes[i - 1];
	free(hashes);
	return true;
}

/* The value of the first `to` entries.  false for no memory. */
static bool
evaluate(const struct window *window, const struct correlation *correlation, uint32_t to,
	double *value)
{
	*value = 0;
	switch (correlation->type) {
	case CORRELATION_EVENT_COUNT:
		*value = to;
		break;
	case CORRELATION_VALUE_COUNT:
		return count_values(window, to, value);
	case CORRELATION_TEMPORAL:
		*value = count_references(window, 0, to);
		break;
	case CORRELATION_TEMPORAL_ORDERED:
		*value = longest_chain(
			window, 0, to, correlation->timespan, correlation->reference_count);
		break;
	case CORRELATION_VALUE_SUM:
	case CORRELATION_VALUE_AVG:
		for (uint32_t i = 0; i < to; i++)
			*value += window->entries[i].number;
		*value /= correlation->type == CORRELATION_VALUE_AVG ? to : 1;
		break;
	case CORRELATION_VALUE_PERCENTILE:
		return rank(window, to, correlation->percentile, false, value);
	case CORRELATION_VALUE_MEDIAN:
		return rank(window, to, 50, true, value);
	case CORRELATION_TYPE_MAX:
		break;
	}
	return true;
}

enum window_answer
window_close(struct window *window, const struct correlation *correlation,
	struct correlation_result *result)
{
	enum window_answer answer = WINDOW_QUIET;
	int64_t first;
	uint32_t to;
	double value;

	if (window->count == 0)
		return WINDOW_QUIET;
	to = span_end(window, correlation, 0);
	if (!evaluate(window, correlation, to, &value))
		return WINDOW_NO_MEMORY;
	if (holds(correlation, value)) {
		report(window, 0, to, value, result);
		answer = WINDOW_SPEAKS;
	}
	first = window->entries[0].time;
	forget(window, 0, to);
	if (window->count > 0)
		window->deadline += window->entries[0].time - first;
	return answer;
}

/* An event for a window that waits; what came before may be complete with it. */
static enum window_answer
wait_for_close(struct window *window, const struct correlation *correlation,
	const struct entry *entry, const struct wevent *event, int64_t now,
	struct correlation_result *result)
{
	enum window_answer answer = WINDOW_QUIET;
	uint32_t at;

	if (window->count > 0 &&
		entry->time > window->entries[0].time + correlation->timespan + CORRELATE_LATENESS)
		answer = window_close(window, correlation, result);
	if (answer == WINDOW_NO_MEMORY)
		return answer;
	if (window->count == 0)
		window->deadline = now + correlation->timespan + CORRELATE_LATENESS;
	if (!insert(window, entry, &at) || !remember(window, event))
		return WINDOW_NO_MEMORY;
	if (is_temporal(correlation->type))
		thin_out(window, correlation, &at);
	return answer;
}

enum window_answer
window_add(struct window *window, const struct correlation *correlation, uint32_t reference,
	const struct wevent *event, const unsigned char id[CORRELATE_ID], int64_t time, int64_t now,
	struct correlation_result *result)
{
	struct entry entry = { .time = time, .reference = reference };
	uint32_t at;

	memcpy(entry.id, id, CORRELATE_ID);
	if (!take_value(correlation, reference, event, &entry))
		return WINDOW_NO_VALUE;
	if (window->count > 0 && time < window->entries[window->count - 1].time -
						 correlation->timespan - CORRELATE_LATENESS)
		return WINDOW_LATE;
	if (correlation_waits(correlation))
		return wait_for_close(window, correlation, &entry, event, now, result);
	if (!insert(window, &entry, &at))
		return WINDOW_NO_MEMORY;
	window->deadline = now + correlation->timespan + CORRELATE_LATENESS;
	if (is_temporal(correlation->type))
		thin_out(window, correlation, &at);
	if (correlation->type == CORRELATION_VALUE_COUNT)
		drop_double(window, &at);
	if (speaks(window, correlation, at, result)) {
		if (!is_share(correlation))
			window->count = 0;
		return WINDOW_SPEAKS;
	}
	trim(window, correlation);
	return WINDOW_QUIET;
}
