#ifndef DETECT_CORRELATE_H
#define DETECT_CORRELATE_H

/* Sigma correlations (specification 2.1, "Correlation Rules"): events that rules matched, counted
 * and put in order within a time span, for each group of events that have the same values in the
 * fields of group-by.  What is remembered of a group is a window, see window.h. */

#include "detect/reader.h"
#include "parsers/wevent.h"

#define CORRELATE_COUNT_MAX 10000 /* that a bound may ask for */
#define CORRELATE_REFERENCES_MAX 64
#define CORRELATE_GROUP_MAX 16
#define CORRELATE_FIELDS_MAX 8
#define CORRELATE_BOUNDS_MAX 6
#define CORRELATE_TIMESPAN_MAX (INT64_C(366) * 86400 * 1000000)
#define CORRELATE_KEY_MAX 4700 /* bytes; long values of a group are cut */

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
	const char *const *field_names; /* of the value, likewise */
	uint32_t field_count;
	int64_t timespan; /* microseconds */
	int64_t delay;    /* its references speak so late; given by ruleset_build() */
	struct {
		enum correlation_order order;
		double value;
	} bounds[CORRELATE_BOUNDS_MAX]; /* all must hold */
	uint32_t bound_count;
	double percentile; /* of value_percentile; below 0: the share of the event's own value */
	bool generate;     /* its references alert by themselves too */
	uint64_t version;  /* of what windows depend on: those of another are not continued */
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

/* All of its bounds, or all of its references where it has none?  How many events, values or
 * references there must be at least, of one that does not wait. */
bool correlation_holds(const struct correlation *, double value);
uint32_t correlation_wanted(const struct correlation *);

/* temporal or temporal_ordered; value_percentile without a percentile: the share that the event's
 * own value has of all. */
bool correlation_is_temporal(enum correlation_type);
bool correlation_is_share(const struct correlation *);

/* The value of an event: a number, or a hash in any letter case.  false: it has none. */
struct correlation_value {
	double number;
	uint64_t hash;
};
bool correlation_value(const struct correlation *, uint32_t reference, const struct wevent *,
	struct correlation_value *);

#endif
