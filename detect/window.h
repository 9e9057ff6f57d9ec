#ifndef DETECT_WINDOW_H
#define DETECT_WINDOW_H

/* What is remembered of one group of a correlation.
 *
 * Time is the events' own.  A window is open for the correlation's time span; events that are late
 * by up to CORRELATE_LATENESS beyond it, and what their references wait, still find their place in
 * it, later ones take no part, nor does an event that has been counted, even in an alert.
 *
 * Counts and distinct values with lower bounds only (gt, gte), sums with such, and temporal, speak
 * with the event that completes them; then their window is empty again, so that no event is in two
 * alerts of one correlation.  Everything else can only be known when the window closes, and speaks
 * then.
 *
 * A window takes at most WINDOW_SIZE_MAX bytes.  What a flood brings beyond its entries never makes
 * it speak wrongly: counts and sums stay exact, but for what is close to the end of a time span,
 * and what can no longer be known is not said (WINDOW_FULL).
 *
 * Nothing here locks: the owner of a window does. */

#include "detect/correlate.h"
#include "detect/kept.h"
#include "detect/known.h"

#define CORRELATE_LATENESS (INT64_C(300) * 1000000) /* microseconds */
#define CORRELATE_ENTRIES_MAX 20000                 /* of one window */
#define CORRELATE_RELATED_MAX 32                    /* events that an alert names */
#define CORRELATE_ID 16                             /* bytes of an event's identity */

/* Entries of 88 bytes; what is known; and of a window that waits two events for each time span of a
 * second that may be open at once. */
#define WINDOW_SIZE_MAX \
	(CORRELATE_ENTRIES_MAX * 88 + KNOWN_MAX * KNOWN_BYTES + 2 * 304 * KEPT_MAX + 4096)

/* What a window has come to. */
struct correlation_result {
	double value;        /* count, sum, ... */
	int64_t first, last; /* event times */
	uint32_t count;      /* of events */
	bool lowered;        /* filters have lowered every one of them */
	uint32_t related_count;
	/* The last of them; of a temporal correlation with no more references than these the last
	 * of each are among them. */
	unsigned char related[CORRELATE_RELATED_MAX][CORRELATE_ID];
};

struct window;

/* An empty one.  NULL for no memory. */
struct window *window_new(void);
void window_free(struct window *);
/* The bytes that it takes. */
size_t window_size(const struct window *);

enum window_answer {
	WINDOW_QUIET,
	WINDOW_SPEAKS,
	WINDOW_LATE,     /* the event is too late to take part */
	WINDOW_NO_VALUE, /* the event has no value of the field */
	WINDOW_KNOWN,    /* the event has been counted already */
	WINDOW_FULL,     /* the window cannot hold all that it would need to answer */
	WINDOW_NO_MEMORY
};

/* An event of the group that a reference's rule matched. */
struct window_match {
	const struct wevent *event;
	unsigned char id[CORRELATE_ID];
	uint32_t reference;
	bool lowered; /* a filter has lowered the match */
	int64_t time, received;
};

/* WINDOW_SPEAKS: *result is what has come together; it is not counted again.  Of a window that
 * waits that is what was there before the match. */
enum window_answer window_add(struct window *, const struct correlation *,
	const struct window_match *, struct correlation_result *result);

/* Receive time from which on the window has nothing to wait for; INT64_MIN for one that remembers
 * nothing. */
int64_t window_deadline(const struct window *);

/* Forget everything. */
void window_clear(struct window *);

/* The first time span of a correlation that waits closes: WINDOW_SPEAKS, WINDOW_QUIET, WINDOW_FULL
 * or WINDOW_NO_MEMORY.  What came after it stays.  A window that has no other is not forgotten yet,
 * so that what comes late does not open it again, but after as long a time when it is closed once
 * more. */
enum window_answer window_close(struct window *, const struct correlation *, int64_t now,
	struct correlation_result *result);

/* An event of the time span that closed last, the last of it that is kept, with its canonical
 * fields, which are the window's.  false when there is none. */
bool window_event(const struct window *, struct wevent *);

#endif
