#ifndef DETECT_COMPARE_H
#define DETECT_COMPARE_H

/* Comparisons of a field that are no patterns: numbers, parts of a date, networks, another field,
 * and whether it is there at all.  They are made when a rule is evaluated, never by the scan. */

#include "parsers/wevent.h"

enum compare_kind {
	COMPARE_NUMBER,
	COMPARE_DATE,    /* a part of it */
	COMPARE_NETWORK, /* RFC 4632, RFC 4291 */
	COMPARE_FIELD,
	COMPARE_EXISTS,
};

enum compare_order { COMPARE_EQ, COMPARE_LT, COMPARE_LTE, COMPARE_GT, COMPARE_GTE };

enum compare_part {
	COMPARE_MINUTE,
	COMPARE_HOUR,
	COMPARE_DAY,
	COMPARE_WEEK, /* ISO 8601 */
	COMPARE_MONTH,
	COMPARE_YEAR,
};

struct comparison {
	enum compare_kind kind;
	enum compare_order order;  /* of NUMBER and DATE */
	enum compare_part part;    /* of DATE */
	struct slice number;       /* of NUMBER and DATE: decimal, borrowed */
	unsigned char network[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned int bits;         /* of them, those that count */
	enum wevent_field other;   /* of FIELD: in any letter case, */
	bool before, after;        /* with anything before it, or behind it */
	bool exists;               /* of EXISTS: is it wanted? */
};

/* Is the text a decimal number: a sign, digits, a point and digits, of which only digits must be?
 */
bool compare_is_number(struct slice);

/* "10.0.0.0/8", "fe80::/10", or an address alone.  0 or -EINVAL, and untouched then. */
int compare_network(struct slice, struct comparison *);

/* A field that is absent, or no number, date or address, compares as false, except that it does not
 * exist.  Numbers have any length; those of a field may be hexadecimal, with 0x. */
bool compare_holds(const struct comparison *, const struct wevent *, enum wevent_field);

#endif
