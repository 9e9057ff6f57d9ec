#ifndef DETECT_RULESET_H
#define DETECT_RULESET_H

/* All rules, compiled (ruleset_builder.h): immutable, shared by all workers, counted.
 *
 * Rules come as Sigma YAML.  Their strings go into one Hyperscan database a field; an event's
 * fields are scanned once each, and only those that rules of its channel and id look at.  A rule's
 * condition is evaluated only when one of the patterns that it cannot match without has hit.  What
 * of Sigma is not understood is an error with its place, never ignored. */

#include "detect/enrich.h"
#include "parsers/wevent.h"

#define RULES_MAX 65536
#define MATCHED_MAX 16 /* (field, value, pattern) triples shown of one match */

enum severity {
	SEVERITY_INFORMATIONAL,
	SEVERITY_LOW,
	SEVERITY_MEDIUM,
	SEVERITY_HIGH,
	SEVERITY_CRITICAL,
	SEVERITY_MAX
};

/* "Informational" ... "Critical". */
const char *severity_name(enum severity);

/* What the alert says of a rule.  All of it belongs to the set. */
struct rule {
	const char *id; /* Sigma's UUID */
	const char *title;
	const char *name;   /* by which others may refer to it, or NULL */
	const char *status; /* or NULL */
	const char *file;
	const char *detection_type; /* the key detection_type, else name, else title */
	const char *description;    /* or NULL */
	enum severity severity;
	bool silent;                       /* correlations speak for it */
	bool core;                         /* below a directory named core */
	const char *const *techniques;     /* "T1505.003", from attack.* tags, NULL-terminated */
	const char *const *tags;           /* NULL-terminated */
	const char *const *falsepositives; /* NULL-terminated */
	const char *const *field_names;    /* that an analyst wants to see; NULL-terminated */
	const enum wevent_field *fields;   /* the same */
	uint32_t index;                    /* in the set, by file name and place */
};

struct filter;      /* detect/filter.h */
struct correlation; /* detect/correlate.h */
struct correlated;  /* detect/alert.h */

struct match {
	const struct rule *rule;
	enum severity severity;              /* the rule's, or one level lower */
	const struct filter *filter;         /* that lowered it or took it away, or NULL */
	const struct correlated *correlated; /* what came together, of a correlation; else NULL */
	uint32_t matched_count;
	struct {
		enum wevent_field field;
		const char *name;     /* of the field */
		bool keyword;         /* the field is all that the record says */
		struct slice pattern; /* as the rule writes it */
	} matched[MATCHED_MAX];
};

struct ruleset;
struct ruleset_scratch; /* of one worker and one set */

struct ruleset *ruleset_ref(struct ruleset *);
void ruleset_unref(struct ruleset *);

/* The fields that rules name and the canonical event does not have: events need them to match, see
 * wevent_value().  The set's; NULL when there are none. */
const struct wevent_names *ruleset_names(const struct ruleset *);

size_t ruleset_filter_count(const struct ruleset *);
const struct filter *ruleset_filter(const struct ruleset *, size_t index);
size_t ruleset_count(const struct ruleset *);
const struct rule *ruleset_rule(const struct ruleset *, size_t index);
/* Does no event that the collector takes reach the rule? */
bool ruleset_is_idle(const struct ruleset *, const struct rule *);

/* Must the rule be evaluated for every event of its logsource, since there is no text that it
 * cannot match without? */
bool ruleset_is_always_evaluated(const struct ruleset *, const struct rule *);

/* Why a rule matches the event or not, which ruleset_complete_all() has been done for: its
 * logsource, then condition_explain().  Returns whether it matches, filters left out. */
struct explain_sink; /* detect/condition.h */
bool ruleset_explain(const struct ruleset *, struct ruleset_scratch *, const struct rule *,
	const struct wevent *, const struct explain_sink *, bool *routed);

/* The correlations that a rule takes part in, as their indices and its place among their
 * references; and what a rule is that is a correlation, else NULL. */
struct correlation_link {
	uint32_t rule;
	uint32_t reference;
};
uint32_t ruleset_links(
	const struct ruleset *, const struct rule *, const struct correlation_link **);
const struct correlation *ruleset_correlation(const struct ruleset *, const struct rule *);
bool ruleset_correlates(const struct ruleset *); /* is there any? */

/* Rules, patterns and databases, for the log and the status. */
void ruleset_figures(const struct ruleset *, size_t *rules, size_t *patterns, size_t *databases);

struct ruleset_scratch *ruleset_scratch_new(const struct ruleset *);
void ruleset_scratch_free(struct ruleset_scratch *);

/* Fill the fields that no record has: all that it says, which keywords look at (only when a rule
 * that may match asks, and the record can hold one), and the operator's columns of the host
 * (host_info.NAME; `enrich` may be NULL).  0 or -ENOMEM. */
int ruleset_complete(const struct ruleset *, struct ruleset_scratch *, const struct enrich *,
	struct wevent *, struct arena *);

/* The same for an event that no rule is for, so that one can be explained. */
int ruleset_complete_all(
	const struct ruleset *, const struct enrich *, struct wevent *, struct arena *);

/* The rules that match the event, in the set's order.  Returns the count; `*matches` is the
 * scratch's and valid until its next use. */
size_t ruleset_match(const struct ruleset *, struct ruleset_scratch *, const struct wevent *,
	const struct match **matches);

/* Was an expression given up on that event at its limit of work?  Then a rule may have missed it.
 */
bool ruleset_limited(const struct ruleset_scratch *);

/* The matches of that event that filters took away; valid as long. */
size_t ruleset_filtered(const struct ruleset_scratch *, const struct match **filtered);

#endif
