#ifndef DETECT_CORRELATE_H
#define DETECT_CORRELATE_H

/* Sigma correlations (specification 2.1, "Correlation Rules"): events that rules matched, counted
 * and put in order within a time span, for each group of events that have the same values in the
 * fields of group-by.
 *
 * A window is what is remembered of one group.  Time is the events' own.  A window is open for
 * `timespan`; events that are late by up to CORRELATE_LATENESS beyond it still find their place in
 * it, later ones take no part.
 *
 * Counts and distinct values with lower bounds only (gt, gte), and temporal, speak with the event
 * that completes them; then their window is empty again, so that no event is in two alerts of one
 * correlation.  Everything else can only be known when the window closes, and speaks then.
 *
 * Nothing here locks: the owner of a window does. */

#include "detect/reader.h"
#include "parsers/wevent.h"

#define CORRELATE_LATENESS (INT64_C(300) * 1000000) /* microseconds */
#define CORRELATE_COUNT_MAX 10000                   /* that a bound may ask for */
#define CORRELATE_REFERENCES_MAX 64
#define CORRELATE_GROUP_MAX 16
#define CORRELATE_FIELDS_MAX 8
#define CORRELATE_ENTRIES_MAX 20000 /* of one window; then the oldest are forgotten */
#define CORRELATE_EVENT_MAX 8192    /* bytes of an event that is kept for an alert */
#define CORRELATE_BOUNDS_MAX 6
#define CORRELATE_TIMESPAN_MAX (INT64_C(366) * 86400 * 1000000)
#define CORRELATE_KEY_MAX 4700   /* bytes; long values of a group are cut */
#define CORRELATE_RELATED_MAX 32 /* events that an alert names */
#define CORRELATE_ID 16          /* bytes of an event's identity */

enum correlation_type {
	CORRELATION_EVENT_COUNT,
	CORRELATION_VALUE_COUNT,
	CORRELATION_TEMPORAL,
	CORRELATION_TEMPORAL_ORDERED,
	CORRELATION_VALUE_SUM,
	CORRELATION_VALUE_AVG,
	CORRELATION_VALUE_PERCENTILE,
	CORRELATION_VALUE_MEDIAN,
	CORRELATION_TYPE_MAX
};

/* "event_count" and so on. */
const char *correlation_type_name(enum correlation_type);

enum correlation_order { ORDER_GT, ORDER_GTE, ORDER_LT, ORDER_LTE, ORDER_EQ, ORDER_NEQ };

/* A rule or correlation that takes part. */
struct correlation_reference {
	const char *name;          /* an id or a name, as it is written */
	uint32_t rule;             /* its index in the set; given by ruleset_build() */
	enum wevent_field *group;  /* its fields for group-by, aliases resolved */
	enum wevent_field *fields; /* those of the value */
};

struct correlation {
	enum correlation_type type;
	struct correlation_reference *references;
	uint32_t reference_count;
	const char *const *group_names; /* as group-by has them, NULL-terminated */
	uint32_t group_count;
	uint32_t field_count;
	int64_t timespan; /* microseconds */
	struct {
		enum correlation_order order;
		double value;
	} bounds[CORRELATE_BOUNDS_MAX]; /* all must hold */
	uint32_t bound_count;
	double percentile; /* of value_percentile; below 0: the share of the event's own value */
	bool generate;     /* its references alert by themselves too */
	uint64_t version;  /* of all this: windows of another one are not continued */
	int line, column;  /* of the list of references */
};

/* Read the map 'correlation' of a document, but for the references' rules.  Faults are the
 * reader's. */
void correlation_read(
	struct sigma_reader *, struct fy_node *key, struct fy_node *value, struct correlation *);

/* Does it speak only when its window closes? */
bool correlation_waits(const struct correlation *);

/* The key of the event's group for the correlation with this id.  Returns its length; 0 when the
 * event lacks a field of group-by and takes no part. */
size_t correlation_key(const struct correlation *, const char *id, uint32_t reference,
	const struct wevent *, char key[CORRELATE_KEY_MAX]);

/* Of a key: is it of this correlation, and the n-th value of its group. */
bool correlation_owns(const struct correlation *, const char *id, struct slice key);
struct slice correlation_group(struct slice key, uint32_t n);

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
