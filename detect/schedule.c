/* Schedules: reading them, and whether a time is one of theirs.
 *
 * A zone is an offset from UTC: nothing here reads a database of time zones. */

#include "detect/schedule.h"

#define USEC INT64_C(1000000)
#define DAY_SECONDS 86400

static const char *const day_names[7] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

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

void
schedule_read(struct sigma_reader *reader, struct fy_node *map, struct schedule *schedule)
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

bool
schedule_has(const struct schedule *schedule, int64_t time)
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
