/* Comparisons of a field with a number, a part of a date, a network or another field.
 *
 * Numbers are compared as the digits that they are, so that no value is too long or rounded.  Dates
 * are in the forms of the senders (stamp.c), and their parts in UTC: Sigma leaves zones to the
 * author. */

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "detect/compare.h"
#include "parsers/stamp.h"

#define SECOND INT64_C(1000000)
#define DAY_SECONDS 86400

/* A decimal number taken apart. */
struct decimal {
	bool negative;
	struct slice whole;    /* without leading zeros */
	struct slice fraction; /* without trailing zeros */
};

static size_t
digits(struct slice s)
{
	size_t n = 0;

	while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
		n++;
	return n;
}

static bool
take_apart(struct slice text, struct decimal *decimal)
{
	bool negative = text.len > 0 && text.ptr[0] == '-';
	struct slice whole, fraction = SLICE("");

	if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'))
		text = slice_sub(text, 1, text.len);
	whole = slice_sub(text, 0, digits(text));
	text = slice_sub(text, whole.len, text.len);
	if (whole.len == 0)
		return false;
	if (text.len > 0) {
		fraction = slice_sub(text, 1, text.len);
		if (text.ptr[0] != '.' || fraction.len == 0 || digits(fraction) < fraction.len)
			return false;
	}
	while (whole.len > 0 && whole.ptr[0] == '0')
		whole = slice_sub(whole, 1, whole.len);
	while (fraction.len > 0 && fraction.ptr[fraction.len - 1] == '0')
		fraction.len--;
	*decimal = (struct decimal){ negative && whole.len + fraction.len > 0, whole, fraction };
	return true;
}

static int
order_of(struct slice a, struct slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int
compare_decimals(const struct decimal *a, const struct decimal *b)
{
	int order;

	if (a->negative != b->negative)
		return a->negative ? -1 : 1;
	order = a->whole.len != b->whole.len ? (a->whole.len > b->whole.len ? 1 : -1)
					     : order_of(a->whole, b->whole);
	if (order == 0)
		order = order_of(a->fraction, b->fraction);
	return a->negative ? -order : order;
}

bool
compare_is_number(struct slice text)
{
	struct decimal decimal;

	return take_apart(text, &decimal);
}

static bool
in_order(enum compare_order wanted, int order)
{
	switch (wanted) {
	case COMPARE_EQ:
		return order == 0;
	case COMPARE_LT:
		return order < 0;
	case COMPARE_LTE:
		return order <= 0;
	case COMPARE_GT:
		return order > 0;
	case COMPARE_GTE:
		return order >= 0;
	}
	return false;
}

static bool
number_holds(const struct comparison *comparison, struct slice value)
{
	struct decimal left, right;
	char text[24];
	uint64_t n;

	if (slice_prefix_nocase(value, SLICE("0x"))) {
		if (slice_number_any(value, UINT64_MAX, &n) != 0)
			return false;
		value = (struct slice){ text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, n) };
	}
	return take_apart(value, &left) && take_apart(comparison->number, &right) &&
	       in_order(comparison->order, compare_decimals(&left, &right));
}

/* A day of the Gregorian calendar. */
struct date {
	int64_t year;
	int month, day;
	int day_of_year; /* from 0 */
	int weekday;     /* Monday is 0 */
};

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01, which was a Thursday.  Senders' years have four digits, so counting up is
 * short. */
static struct date
date_of(int64_t days)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	struct date date = { .year = 1970, .weekday = (int)(((days + 3) % 7 + 7) % 7) };
	int length;

	for (; days < 0; days += is_leap(date.year) ? 366 : 365)
		date.year--;
	for (; days >= (is_leap(date.year) ? 366 : 365); date.year++)
		days -= is_leap(date.year) ? 366 : 365;
	date.day_of_year = (int)days;
	for (date.month = 1;; date.month++) {
		length = lengths[date.month - 1] + (date.month == 2 && is_leap(date.year));
		if (days < length)
			break;
		days -= length;
	}
	date.day = (int)days + 1;
	return date;
}

/* ISO 8601: week 1 has the year's first Thursday. */
static int
week_of(const struct date *date)
{
	int thursday = date->day_of_year + 3 - date->weekday;
	int length = is_leap(date->year) ? 366 : 365;

	if (thursday < 0)
		thursday += is_leap(date->year - 1) ? 366 : 365;
	else if (thursday >= length)
		thursday -= length;
	return thursday / 7 + 1;
}

static bool
date_holds(const struct comparison *comparison, struct slice value)
{
	int64_t time, seconds, days, part = 0;
	struct comparison number = *comparison;
	struct date date;
	char text[24];
	bool zoned;

	if (stamp_parse(value, &time, &zoned) != 0)
		return false;
	seconds = time / SECOND - (time % SECOND < 0);
	days = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
	seconds -= days * DAY_SECONDS;
	date = date_of(days);
	switch (comparison->part) {
	case COMPARE_MINUTE:
		part = seconds / 60 % 60;
		break;
	case COMPARE_HOUR:
		part = seconds / 3600;
		break;
	case COMPARE_DAY:
		part = date.day;
		break;
	case COMPARE_WEEK:
		part = week_of(&date);
		break;
	case COMPARE_MONTH:
		part = date.month;
		break;
	case COMPARE_YEAR:
		part = date.year;
		break;
	}
	number.kind = COMPARE_NUMBER;
	return number_holds(&number,
		(struct slice){ text, (size_t)snprintf(text, sizeof(text), "%" PRId64, part) });
}

/* An IPv4 address as one of IPv6 begins with these (RFC 4291, 2.5.5.2). */
#define MAPPED_BITS 96
static const unsigned char mapped[MAPPED_BITS / 8] = { [10] = 0xff, [11] = 0xff };

/* An address as 16 bytes; `*bits` is how many a whole one of its family has. */
static bool
parse_address(struct slice text, unsigned char address[16], unsigned int *bits)
{
	char copy[INET6_ADDRSTRLEN];

	if (text.len == 0 || text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	if (strlen(copy) < text.len)
		return false;
	*bits = 128;
	if (inet_pton(AF_INET6, copy, address) == 1)
		return true;
	*bits = 32;
	memcpy(address, mapped, sizeof(mapped));
	return inet_pton(AF_INET, copy, address + sizeof(mapped)) == 1;
}

int
compare_network(struct slice text, struct comparison *comparison)
{
	size_t slash = slice_find_byte(text, '/');
	struct comparison network = { .kind = COMPARE_NETWORK };
	uint64_t length;

	if (!parse_address(slice_sub(text, 0, slash), network.network, &network.bits))
		return -EINVAL;
	length = network.bits;
	if (slash < text.len &&
		slice_number(slice_sub(text, slash + 1, text.len), network.bits, &length) != 0)
		return -EINVAL;
	/* An IPv4 network lies behind the 96 bits of the mapping. */
	network.bits = 128 - network.bits + (unsigned int)length;
	*comparison = network;
	return 0;
}

static bool
network_holds(const struct comparison *comparison, struct slice value)
{
	unsigned int whole = comparison->bits / 8, rest = comparison->bits % 8, bits;
	unsigned char address[16];
	int differ;

	/* Windows writes the zone behind a local address: fe80::1%12. */
	if (!parse_address(slice_sub(value, 0, slice_find_byte(value, '%')), address, &bits) ||
		memcmp(address, comparison->network, whole) != 0)
		return false;
	/* IPv4 is mapped into IPv6 here, but lies in no network of IPv6. */
	if (comparison->bits < MAPPED_BITS && memcmp(address, mapped, sizeof(mapped)) == 0)
		return false;
	if (rest == 0)
		return true;
	differ = address[whole] ^ comparison->network[whole];
	return differ >> (8 - rest) == 0;
}

static bool
field_holds(const struct comparison *comparison, struct slice value, struct slice other)
{
	if (value.len == 0 || other.len == 0)
		return false;
	if (comparison->before)
		return slice_suffix_nocase(value, other);
	if (comparison->after)
		return slice_prefix_nocase(value, other);
	return slice_equal_nocase(value, other);
}

bool
compare_holds(
	const struct comparison *comparison, const struct wevent *event, enum wevent_field field)
{
	struct slice value = wevent_value(event, field);

	switch (comparison->kind) {
	case COMPARE_NUMBER:
		return number_holds(comparison, value);
	case COMPARE_DATE:
		return date_holds(comparison, value);
	case COMPARE_NETWORK:
		return network_holds(comparison, value);
	case COMPARE_FIELD:
		return field_holds(comparison, value, wevent_value(event, comparison->other));
	case COMPARE_EXISTS:
		return (value.len > 0) == comparison->exists;
	}
	return false;
}
