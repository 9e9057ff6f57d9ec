/* Schedules: reading them, and whether a time is one of theirs. */

#include <errno.h>

#include "detect/schedule.h"

#define USEC INT64_C(1000000)
#define DAY_SECONDS 86400

/* In full, or their first three letters. */
#define DAY_SHORT 3
static const char *const day_names[7] = { "monday", "tuesday", "wednesday", "thursday", "friday",
	"saturday", "sunday" };

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

/* "+01:00" */
static bool
read_offset(struct slice text, int32_t *offset)
{
	bool west = text.len > 0 && text.ptr[0] == '-';

	if (text.len == 0 || (!west && text.ptr[0] != '+'))
		return false;
	text = slice_sub(text, 1, text.len);
	if (!take_clock(&text, offset) || text.len > 0)
		return false;
	if (west)
		*offset = -*offset;
	return true;
}

/* 0, -ENOENT or -ENOMEM. */
static int
find_zone(struct sigma_reader *reader, struct slice text, struct zone *zone)
{
	const char *name = reader_copy(reader, text);

	if (name == NULL)
		return -ENOMEM;
	if (reader->find_zone == NULL)
		return -ENOENT;
	return reader->find_zone(name, reader->arena, zone);
}

/* One change, that has always been. */
static int
fixed_zone(struct sigma_reader *reader, int32_t offset, struct zone *zone)
{
	struct zone_change *change = arena_alloc(reader->arena, sizeof(*change));

	if (change == NULL)
		return -ENOMEM;
	*change = (struct zone_change){ 0, offset };
	*zone = (struct zone){ change, 1 };
	return 0;
}

static void
read_zone(struct sigma_reader *reader, struct fy_node *place, struct slice text, struct zone *zone)
{
	int32_t offset = 0;
	int error;

	if (slice_equal_nocase(text, SLICE("UTC")) || slice_equal_nocase(text, SLICE("Z")) ||
		read_offset(text, &offset))
		error = fixed_zone(reader, offset, zone);
	else
		error = find_zone(reader, text, zone);
	if (error == -ENOENT)
		reader_refuse(reader, place,
			"'%.*s' is no zone of this machine's database of time zones (tzdata); "
			"write "
			"a name as Europe/Berlin, UTC, or an offset as \"+01:00\"",
			READER_SHOW(text));
	else if (error < 0)
		reader_no_memory(reader);
}

/* The number of a day, from Monday on; 7 for none. */
static unsigned int
find_day(struct slice word)
{
	unsigned int i = 0;

	while (i < 7 && !slice_equal_nocase(word, slice_of(day_names[i])) &&
		!slice_equal_nocase(word, slice_sub(slice_of(day_names[i]), 0, DAY_SHORT)))
		i++;
	return i;
}

/* "sat" or "fri-mon", which goes over the end of the week. */
static bool
read_day(struct slice text, struct schedule *schedule)
{
	size_t dash = slice_find_byte(text, '-');
	unsigned int first = find_day(slice_trim(slice_sub(text, 0, dash)));
	unsigned int last = dash == text.len
				    ? first
				    : find_day(slice_trim(slice_sub(text, dash + 1, text.len)));

	if (first == 7 || last == 7)
		return false;
	for (unsigned int day = first; day != last; day = (day + 1) % 7)
		schedule->days |= 1U << day;
	schedule->days |= 1U << last;
	return true;
}

static void
read_days(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value,
	struct schedule *schedule)
{
	struct fy_node *node = value;
	void *iterator = NULL;

	schedule->days = 0;
	if (reader_is_list(value))
		node = fy_node_sequence_iterate(value, &iterator);
	if (node == NULL)
		reader_refuse(reader, key, "'days' names none; write some or remove the line");
	for (; node != NULL;
		node = reader_is_list(value) ? fy_node_sequence_iterate(value, &iterator) : NULL)
		if (!read_day(slice_trim(yaml_scalar(node)), schedule))
			reader_refuse(reader, node,
				"'%.*s' is no day of the week; write mon to sun, monday to sunday, "
				"or a range as mon-fri",
				READER_SHOW(yaml_scalar(node)));
}

/* One line of the map. */
static void
read_key(struct sigma_reader *reader, struct fy_node *key, struct fy_node *value,
	struct schedule *schedule)
{
	struct slice name = yaml_scalar(key), text = slice_trim(yaml_scalar(value));
	struct fy_node *place = value == NULL ? key : value;

	if (slice_equal(name, SLICE("days")))
		read_days(reader, key, value, schedule);
	else if (!slice_equal(name, SLICE("hours")) && !slice_equal(name, SLICE("zone")))
		reader_refuse(reader, key, "a schedule has days, hours and a zone, not '%.*s'",
			READER_SHOW(name));
	else if (slice_equal(name, SLICE("hours")) && !read_hours(text, schedule))
		reader_refuse(reader, place, "hours are written as in \"22:00-04:00\"");
	else if (slice_equal(name, SLICE("zone")))
		read_zone(reader, place, text, &schedule->zone);
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
	while (reader_is_map(map) && (pair = fy_node_mapping_iterate(map, &iterator)) != NULL)
		read_key(reader, fy_node_pair_key(pair), fy_node_pair_value(pair), schedule);
}

bool
schedule_has(const struct schedule *schedule, int64_t time)
{
	int64_t utc = time / USEC - (time % USEC < 0);
	int64_t seconds = utc + zone_offset(&schedule->zone, utc);
	int64_t day = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
	int64_t clock = seconds - day * DAY_SECONDS;
	int64_t weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
	bool today = (schedule->days >> weekday & 1) != 0;
	bool yesterday = (schedule->days >> (weekday + 6) % 7 & 1) != 0;

	if (schedule->from < schedule->to)
		return today && clock >= schedule->from && clock < schedule->to;
	return (today && clock >= schedule->from) || (yesterday && clock < schedule->to);
}
