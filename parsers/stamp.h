#ifndef PARSERS_STAMP_H
#define PARSERS_STAMP_H

/* Date forms of the senders <-> microseconds since 1970-01-01T00:00:00Z.  No time zone database, no
 * clock. */

#include "parsers/slice.h"

#define STAMP_NONE INT64_MIN
#define STAMP_TEXT_MAX 32

/* "YYYY-MM-DD" then T or a blank, "hh:mm:ss", an optional fraction (. or , and 1 to 9 digits, cut
 * to microseconds), an optional zone (Z, UTC, +hh:mm, +hhmm, an optional blank before it).  Without
 * a zone the time is taken as UTC and *zoned is false.  The whole slice must be used.  0 or
 * -EINVAL, results untouched on failure. */
int stamp_parse(struct slice, int64_t *usec, bool *zoned);

/* RFC 3164 "Mmm dd hh:mm:ss" with the variants of real devices: day padded with a blank or zero or
 * not at all, a year after or before the day, a fraction.  Without a year the one that puts the
 * time nearest to `now` is taken. The number of bytes used, or -EINVAL. */
int stamp_parse_bsd(struct slice, int64_t now, int64_t *usec);

/* RFC 3339 in UTC: "2026-03-01T10:00:00.000Z", six fraction digits when the microseconds are not
 * whole milliseconds.  Returns the length. */
size_t stamp_format(int64_t usec, char text[STAMP_TEXT_MAX]);

#endif
