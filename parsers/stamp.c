/* Dates and times of senders (RFC 3339, RFC 3164 section 4.1.2, and what is written in their place)
 * and back.
 *
 * The proleptic Gregorian calendar, years 1 to 9999, no time zone names but Z and UTC, no leap
 * seconds: the 60th second is the first one of the next minute.  Nothing asks a clock: RFC 3164
 * writes no year, so its reader is told what time it is. */

#include <errno.h>
#include <string.h>

#include "parsers/stamp.h"

#define SECOND INT64_C(1000000)
#define DAY (INT64_C(86400) * SECOND)
#define FIRST_TIME (INT64_C(-62135596800) * SECOND)         /* 0001-01-01T00:00:00Z */
#define LAST_TIME (INT64_C(253402300799) * SECOND + 999999) /* 9999-12-31T23:59:59.999999Z */

struct moment {
	int year, month, day; /* month and day from 1 */
	int hour, minute, second;
	int usec;
};

/* The rest of the text that is being read. */
struct cursor {
	const char *at, *end;
};

/* Days since 1970-01-01.  The year begins in March here, so that the leap day is its last one;
 * 719468 days lie between 0000-03-01 and 1970-01-01. */
static int64_t
days_from_date(int year, int month, int day)
{
	int y = month <= 2 ? year - 1 : year;
	int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	/* y is 0 or more: the year is 1 or more, or 0 with a month after February. */
	return (int64_t)y * 365 + y / 4 - y / 100 + y / 400 + of_year - 719468;
}

/* The reverse, for days of the years 1 to 9999. */
static void
date_from_days(int64_t days, struct moment *m)
{
	int64_t n = days + 719468;
	int era = (int)(n / 146097); /* 400 years */
	int of_era = (int)(n % 146097);
	int year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int month = (5 * of_year + 2) / 153; /* from March, which is 0 */

	m->day = of_year - (153 * month + 2) / 5 + 1;
	m->month = month < 10 ? month + 3 : month - 9;
	m->year = year_of_era + era * 400 + (m->month <= 2 ? 1 : 0);
}

static bool
leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool
date_exists(int year, int month, int day)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1)
		return false;
	return day <= lengths[month - 1] + (month == 2 && leap(year) ? 1 : 0);
}

static int64_t
usec_from_moment(const struct moment *m)
{
	int64_t seconds = days_from_date(m->year, m->month, m->day) * 86400;

	return (seconds + m->hour * 3600 + m->minute * 60 + m->second) * SECOND + m->usec;
}

static bool
take_byte(struct cursor *c, const char *set)
{
	if (c->at == c->end || *c->at == '\0' || strchr(set, *c->at) == NULL)
		return false;
	c->at++;
	return true;
}

static bool
is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/* Exactly `digits` digits. */
static bool
take_number(struct cursor *c, int digits, int *n)
{
	int value = 0;

	if (c->end - c->at < digits)
		return false;
	for (int i = 0; i < digits; i++) {
		if (!is_digit(c->at[i]))
			return false;
		value = value * 10 + (c->at[i] - '0');
	}
	c->at += digits;
	*n = value;
	return true;
}

/* "hh:mm:ss" */
static bool
take_clock(struct cursor *c, struct moment *m)
{
	if (!take_number(c, 2, &m->hour) || !take_byte(c, ":") || !take_number(c, 2, &m->minute) ||
		!take_byte(c, ":") || !take_number(c, 2, &m->second))
		return false;
	return m->hour <= 23 && m->minute <= 59 && m->second <= 60;
}

/* A point or a comma and 1 to 9 digits; not there is fine, and nothing is taken then. */
static void
take_fraction(struct cursor *c, struct moment *m)
{
	int weight = 100000;
	const char *p = c->at;

	m->usec = 0;
	if (c->end - p < 2 || (*p != '.' && *p != ',') || !is_digit(p[1]))
		return;
	p++;
	for (int i = 0; i < 9 && p < c->end && is_digit(*p); i++, p++) {
		m->usec += (*p - '0') * weight;
		weight /= 10;
	}
	c->at = p;
}

/* A zone, in seconds east of Greenwich; not there is fine. */
static bool
take_zone(struct cursor *c, int *east, bool *zoned)
{
	int hours, minutes, sign;

	*east = 0;
	*zoned = false;
	if (c->at == c->end)
		return true;
	(void)take_byte(c, " ");
	*zoned = true;
	if (take_byte(c, "Zz"))
		return true;
	if (c->end - c->at >= 3 && memcmp(c->at, "UTC", 3) == 0) {
		c->at += 3;
		return true;
	}
	sign = c->at < c->end && *c->at == '-' ? -1 : 1;
	if (!take_byte(c, "+-") || !take_number(c, 2, &hours))
		return false;
	(void)take_byte(c, ":");
	if (!take_number(c, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*east = sign * (hours * 3600 + minutes * 60);
	return true;
}

int
stamp_parse(struct slice s, int64_t *usec, bool *zoned)
{
	struct cursor c = { s.ptr, s.ptr };
	struct moment m;
	bool has_zone;
	int east;

	if (s.len == 0)
		return -EINVAL;
	c.end += s.len;
	if (!take_number(&c, 4, &m.year) || !take_byte(&c, "-") || !take_number(&c, 2, &m.month) ||
		!take_byte(&c, "-") || !take_number(&c, 2, &m.day))
		return -EINVAL;
	if (!date_exists(m.year, m.month, m.day) || !take_byte(&c, "Tt ") || !take_clock(&c, &m))
		return -EINVAL;
	take_fraction(&c, &m);
	if (!take_zone(&c, &east, &has_zone) || c.at != c.end)
		return -EINVAL;
	*usec = usec_from_moment(&m) - east * SECOND;
	*zoned = has_zone;
	return 0;
}

static bool
take_month(struct cursor *c, int *month)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	if (c->end - c->at < 3)
		return false;
	for (int i = 0; i < 12; i++) {
		if (slice_equal_nocase(
			    (struct slice){ c->at, 3 }, (struct slice){ names + 3 * i, 3 })) {
			c->at += 3;
			*month = i + 1;
			return true;
		}
	}
	return false;
}

/* A year and the blank behind it; 1970 to 2099, so that a host which is named by a number is rarely
 * taken for one. */
static bool
take_year(struct cursor *c, int *year)
{
	struct cursor ahead = *c;
	int n;

	if (!take_number(&ahead, 4, &n) || n < 1970 || n > 2099 || !take_byte(&ahead, " "))
		return false;
	*year = n;
	*c = ahead;
	return true;
}

/* One or two digits of a day, with the blanks around it. */
static bool
take_day(struct cursor *c, int *day)
{
	(void)take_byte(c, " "); /* the padding of a day below ten */
	if (!take_number(c, 2, day) && !take_number(c, 1, day))
		return false;
	return take_byte(c, " ");
}

/* Set the year that puts the moment nearest to `now`.  A 29 February may be eight years from the
 * next one (1904 from 1896). */
static bool
guess_year(struct moment *m, int64_t now)
{
	int reach = m->month == 2 && m->day == 29 ? 8 : 1;
	struct moment today;
	uint64_t best = UINT64_MAX;
	int best_year = 0;

	if (now < FIRST_TIME)
		now = FIRST_TIME;
	if (now > LAST_TIME)
		now = LAST_TIME;
	/* Rounding the days before 1970 towards zero is off by one day, which only matters to the
	 * year that is begun with. */
	date_from_days(now / DAY, &today);
	for (int year = today.year - reach; year <= today.year + reach; year++) {
		int64_t time;
		uint64_t distance;

		if (!date_exists(year, m->month, m->day))
			continue;
		m->year = year;
		time = usec_from_moment(m);
		distance = time > now ? (uint64_t)(time - now) : (uint64_t)(now - time);
		if (distance < best) {
			best = distance;
			best_year = year;
		}
	}
	m->year = best_year;
	return best_year != 0;
}

int
stamp_parse_bsd(struct slice s, int64_t now, int64_t *usec)
{
	struct cursor c = { s.ptr, s.ptr };
	struct cursor ahead;
	struct moment m = { 0 };

	/* The longest form is "2026 Mar 01 10:00:00.123456789": without the bound, `used` would not
	 * be sure to fit an int. */
	if (s.len == 0)
		return -EINVAL;
	c.end += s.len > 64 ? 64 : s.len;
	(void)take_year(&c, &m.year);
	if (!take_month(&c, &m.month) || !take_byte(&c, " "))
		return -EINVAL;
	if (m.year == 0)
		(void)take_year(&c, &m.year);
	if (!take_day(&c, &m.day))
		return -EINVAL;
	if (m.year == 0)
		(void)take_year(&c, &m.year);
	if (!take_clock(&c, &m))
		return -EINVAL;
	take_fraction(&c, &m);
	/* "Mar 14 06:40:19 2026 host" is written by Aruba and ctime(); the blank behind it stays,
	 * as it does behind any other form. */
	ahead = c;
	if (m.year == 0 && take_byte(&ahead, " ") && take_year(&ahead, &m.year))
		c.at = ahead.at - 1;
	if (m.year == 0 && !guess_year(&m, now))
		return -EINVAL;
	if (!date_exists(m.year, m.month, m.day))
		return -EINVAL;
	*usec = usec_from_moment(&m);
	return (int)(c.at - s.ptr);
}

/* `n` in `digits` decimal digits. */
static char *
put_number(char *out, int n, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		out[i] = (char)('0' + n % 10);
		n /= 10;
	}
	return out + digits;
}

size_t
stamp_format(int64_t usec, char text[STAMP_TEXT_MAX])
{
	struct moment m;
	char *out = text;
	int64_t days, rest;
	int seconds;

	/* RFC 3339 has no years before 0 or after 9999. */
	if (usec < FIRST_TIME)
		usec = FIRST_TIME;
	if (usec > LAST_TIME)
		usec = LAST_TIME;
	days = usec / DAY;
	rest = usec % DAY;
	if (rest < 0) {
		rest += DAY;
		days--;
	}
	date_from_days(days, &m);
	seconds = (int)(rest / SECOND);
	m.usec = (int)(rest % SECOND);
	out = put_number(out, m.year, 4);
	*out++ = '-';
	out = put_number(out, m.month, 2);
	*out++ = '-';
	out = put_number(out, m.day, 2);
	*out++ = 'T';
	out = put_number(out, seconds / 3600, 2);
	*out++ = ':';
	out = put_number(out, seconds / 60 % 60, 2);
	*out++ = ':';
	out = put_number(out, seconds % 60, 2);
	*out++ = '.';
	if (m.usec % 1000 == 0)
		out = put_number(out, m.usec / 1000, 3);
	else
		out = put_number(out, m.usec, 6);
	*out++ = 'Z';
	*out = '\0';
	return (size_t)(out - text);
}
