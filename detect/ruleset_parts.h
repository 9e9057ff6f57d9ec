#ifndef DETECT_RULESET_PARTS_H
#define DETECT_RULESET_PARTS_H

/* What a set of rules is made of, for the files that build it and read it: ruleset_builder.c,
 * plan.c, link.c, index.c, probe.c and ruleset.c, in this order.  Nobody else includes it. */

#include <stdatomic.h>

#include "detect/pattern.h"
#include "detect/ruleset.h"
#include "detect/sigma.h"

#define NO_FIELD UINT32_MAX
#define NO_SCAN UINT32_MAX

/* How a rule is reached; made for each rule while the set is built. */
struct plan {
	uint32_t *waits; /* patterns */
	uint32_t wait_count;
	int32_t *ids;      /* events, sorted */
	uint32_t id_count; /* 0: every event of its channel */
	bool text;         /* it, or a filter of it, looks at all that a record says */
	uint32_t *filters; /* that may take its matches away */
	uint32_t filter_count;
	struct correlation_link *links; /* the correlations that it takes part in */
	uint32_t link_count;
	uint32_t chain; /* how many correlations there are from it down; 0: not known */
};

struct bucket {
	struct slice channel;
	int32_t event_id; /* -1: the ids of the channel that have no bucket */
	uint32_t rule_count;
	uint32_t *scans; /* to make first, each once: they find what its rules wait for */
	uint32_t scan_count;
	uint64_t *waiting; /* rules, as bits */
	uint64_t *always;
	uint32_t *preset; /* EventID patterns that hit */
	uint32_t preset_count;
	bool text; /* a rule looks at all that the record says */
};

/* A field that is a column of the operator's table of hosts. */
struct column {
	uint32_t more; /* its place in wevent.more */
	const char *name;
};

struct channel {
	struct slice name;
	struct bucket *buckets; /* by event id; the first has none */
	uint32_t count;
	uint32_t probes; /* the scan that finds those of its keywords; NO_SCAN */
};

struct ruleset {
	atomic_uint references;
	struct arena *arena;
	struct sigma_rule *rules;
	struct plan *plans;
	uint32_t count;
	uint32_t words; /* of a set of rules as bits */
	struct pattern_set *patterns;
	struct wevent_names *names; /* of the fields that only rules name, or NULL */
	uint32_t field_count;       /* F_MAX, these, and those that only probes are of */
	uint32_t *id_patterns;      /* those of EventID */
	uint32_t id_pattern_count;
	uint32_t *wake_start; /* pattern -> part of `wake`: the rules that wait for it */
	uint32_t *wake;
	struct bucket *buckets;
	uint32_t bucket_count;
	struct channel *channels;
	uint32_t channel_count;
	struct filter *filters;
	uint32_t filter_count;
	bool correlates;    /* one of the rules is a correlation */
	uint32_t match_max; /* rules in the largest bucket */
	uint32_t text;      /* the place of all that a record says in wevent.more; NO_FIELD */
	struct column *columns;
	uint32_t column_count;
};

#endif
