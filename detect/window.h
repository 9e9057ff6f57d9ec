#ifndef DETECT_WINDOW_H
#define DETECT_WINDOW_H

/* What is remembered of one group of a correlation.
 *
 * Time is the events' own.  A window is open for the correlation's time span; events that are late
 * by up to CORRELATE_LATENESS beyond it still find their place in it, later ones take no part.
 *
 * Counts and distinct values with lower bounds only (gt, gte), sums with such, and temporal, speak
 * with the event that completes them; then their window is empty again, so that no event is in two
 * alerts of one correlation.  Everything else can only be known when the window closes, and speaks
 * then.
 *
 * Nothing here locks: the owner of a window does. */

#include "detect/correlate.h"

#define CORRELATE_LATENESS (INT64_C(300) * 1000000) /* microseconds */
#define CORRELATE_ENTRIES_MAX 20000 /* of one window; then the oldest are forgotten */
#define CORRELATE_EVENT_MAX 8192    /* bytes of an event that is kept for an alert */
#define CORRELATE_RELATED_MAX 32    /* events that an alert names */
#define CORRELATE_ID 16             /* bytes of an event's identity */

/* What a window has come to. */
struct correlation_result {
	double value;        /* count, sum, ... */
	int64_t first, last; /* event times */
	uint32_t count;      /* of events */
	uint32_t related_count;
	unsigned char related[CORRELATE_RELATED_MAX][CORRELATE_ID]; /* the last of them */
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
	WINDOW_NO_MEMORY
};

/* An event of the group that the reference's rule matched, at `time`, received at `now`.
 * WINDOW_SPEAKS: *result is what has come together; it is not counted again. */
enum window_answer window_add(struct window *, const struct correlation *, uint32_t reference,
	const struct wevent *, const unsigned char id[CORRELATE_ID], int64_t time, int64_t now,
	struct correlation_result *result);

/* Receive time from which on the window has nothing to wait for; INT64_MIN for an empty one. */
int64_t window_deadline(const struct window *);

/* Forget everything. */
void window_clear(struct window *);

/* The first time span of a correlation that waits closes: WINDOW_SPEAKS, WINDOW_QUIET or
 * WINDOW_NO_MEMORY.  What came after it stays. */
enum window_answer window_close(
	struct window *, const struct correlation *, struct correlation_result *result);

/* The last event of a window that waits, with its canonical fields; of the window.  false when
 * there is none. */
bool window_event(const struct window *, struct wevent *);

#endif
