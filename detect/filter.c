/* Filters: reading them, and when they count.  Their selections and conditions are those of rules.
 *
 * A zone is an offset from UTC: nothing here reads a database of time zones. */

#include <string.h>

#include "detect/filter.h"
#include "detect/selection.h"
#include "detect/spelling.h"

#define USEC INT64_C(1000000)
#define DAY_SECONDS 86400

static const char *const day_names[7] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

/* ---- reading ---- */

static void
read_rules(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value,
	struct filter *filter)
{
	struct slice word = yaml_scalar(value);

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

/* A key of the document that has slipped into the map would be one more selection, and have no
 * effect or a wrong one. */
static void
check_selection(struct sigma_reader *reader, struct fy_node *key)
{
	static const char *const outside[] = { "action", "logsource", "schedule" };
	struct slice name = yaml_scalar(key);

	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		if (spelling_is_near(name, slice_of(outside[i])))
			reader_refuse(reader, key,
				"'%.*s' would be a selection here; write '%s' beside 'filter', not "
				"in it",
				READER_SHOW(name), outside[i]);
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

		check_selection(reader, name);
		if (slice_equal(yaml_scalar(name), SLICE("rules"))) {
			read_rules(reader, name, node, filter);
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

/* "22:30" from the front of the text, in seconds. */
static bool
take_clock(struct slice *text, int32_t *seconds)
{
	uint64_t hour, minute;

	if (text->len < 5 || text->ptr[2] != ':' ||
		slice_number(slice_sub(*text, 0, 2), 24, &hour) != 0 ||
		slice_number(slice_sub(*text, 3, 5), 59, &minute) != 0 ||
		(hour == 24 && minute > 0))
		return false;
	*seconds = (int32_t)(hour * 3600 + minute * 60);
	*text = slice_sub(*text, 5, text->len);
	return true;
}

static bool
read_hours(struct slice text, struct schedule *schedule)
{
	if (!take_clock(&text, &schedule->from) || text.len == 0 || text.ptr[0] != '-')
		return false;
	text = slice_sub(text, 1, text.len);
	return take_clock(&text, &schedule->to) && text.len == 0;
}

static bool
read_zone(struct slice text, struct schedule *schedule)
{
	bool west = text.len > 0 && text.ptr[0] == '-';

	if (slice_equal_nocase(text, SLICE("UTC")) || slice_equal_nocase(text, SLICE("Z"))) {
		schedule->offset = 0;
		return true;
	}
	if (text.len == 0 || (!west && text.ptr[0] != '+'))
		return false;
	text = slice_sub(text, 1, text.len);
	if (!take_clock(&text, &schedule->offset) || text.len > 0)
		return false;
	if (west)
		schedule->offset = -schedule->offset;
	return true;
}

static bool
read_day(struct slice word, struct schedule *schedule)
{
	for (unsigned int i = 0; i < 7; i++) {
		if (!slice_equal_nocase(slice_sub(word, 0, 3), slice_of(day_names[i])))
			continue;
		schedule->days |= 1U << i;
		return true;
	}
	return false;
}

static bool
read_days(struct fy_node *value, struct schedule *schedule)
{
	struct fy_node *node;
	void *iterator = NULL;
	bool good = true;

	schedule->days = 0;
	if (!reader_is_list(value))
		return read_day(yaml_scalar(value), schedule);
	while ((node = fy_node_sequence_iterate(value, &iterator)) != NULL)
		good = read_day(yaml_scalar(node), schedule) && good;
	return good && schedule->days != 0;
}

static void
read_one_schedule(struct sigma_reader *reader, struct fy_node *map, struct schedule *schedule)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	*schedule = (struct schedule){ .days = 0x7f, .to = DAY_SECONDS };
	if (!reader_is_map(map))
		reader_refuse(reader, map,
			"a schedule is a map; write '{ days: [ sat ], hours: \"22:00-04:00\" }'");
	while (reader_is_map(map) && (pair = fy_node_mapping_iterate(map, &iterator)) != NULL) {
		struct fy_node *key = fy_node_pair_key(pair), *value = fy_node_pair_value(pair);
		struct slice name = yaml_scalar(key), text = slice_trim(yaml_scalar(value));

		if (slice_equal(name, SLICE("days"))) {
			if (!read_days(value, schedule))
				reader_refuse(reader, key,
					"days are mon, tue, wed, thu, fri, sat and sun");
		} else if (slice_equal(name, SLICE("hours"))) {
			if (!read_hours(text, schedule))
				reader_refuse(
					reader, key, "hours are written as in \"22:00-04:00\"");
		} else if (slice_equal(name, SLICE("zone"))) {
			if (!read_zone(text, schedule))
				reader_refuse(reader, key,
					"a zone is UTC or an offset from it, as in \"+01:00\"");
		} else {
			reader_refuse(reader, key,
				"a schedule has days, hours and a zone, not '%.*s'",
				READER_SHOW(name));
		}
	}
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
		read_one_schedule(reader, value, &filter->schedules[filter->schedule_count++]);
	while (reader_is_list(value) &&
		(node = fy_node_sequence_iterate(value, &iterator)) != NULL) {
		if (filter->schedule_count == FILTER_SCHEDULES_MAX) {
			reader_refuse(reader, node, "more than %d schedules; join some",
				FILTER_SCHEDULES_MAX);
			return;
		}
		read_one_schedule(reader, node, &filter->schedules[filter->schedule_count++]);
	}
}

/* ---- when it counts ---- */

/* Hours that end before they begin, or with them, end on the next day. */
static bool
is_scheduled(const struct schedule *schedule, int64_t time)
{
	int64_t seconds = time / USEC - (time % USEC < 0) + schedule->offset;
	int64_t day = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
	int64_t clock = seconds - day * DAY_SECONDS;
	int64_t weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
	bool today = (schedule->days >> weekday & 1) != 0;
	bool yesterday = (schedule->days >> (weekday + 6) % 7 & 1) != 0;

	if (schedule->from < schedule->to)
		return today && clock >= schedule->from && clock < schedule->to;
	return (today && clock >= schedule->from) || (yesterday && clock < schedule->to);
}

bool
filter_is_in_force(const struct filter *filter, const struct wevent *event)
{
	bool scheduled = filter->schedule_count == 0;

	for (uint32_t i = 0; i < filter->schedule_count && event->time != STAMP_NONE; i++)
		scheduled = scheduled || is_scheduled(&filter->schedules[i], event->time);
	return scheduled &&
	       (filter->routes == NULL || logsource_takes(filter->routes, filter->route_count,
						  event->f[F_Channel], event->event_id));
}
