#ifndef DETECT_FILTER_H
#define DETECT_FILTER_H

/* Sigma filters (specification 2.1, "Filters"): what an operator takes away from rules.  A match of
 * a rule stays when the filter's condition is true of the event too; when it is false, the match is
 * dropped, or speaks one level lower.
 *
 *     logsource: { product: windows }
 *     filter:
 *         rules: any
 *         deployment: { Image|endswith: '\agent.exe' }
 *         condition: not deployment
 *     action: lower
 *     schedule: { days: [ sat ], hours: "22:00-04:00", zone: "+01:00" }
 *
 * action and schedule are keys of this program's own. */

#include "detect/condition.h"
#include "detect/logsource.h"
#include "detect/reader.h"
#include "detect/schedule.h"

#define FILTER_SCHEDULES_MAX 16

struct filter {
	const char *id; /* or the title */
	const char *title;
	const char *file;
	int line, column; /* of its rules */
	int id_line, id_column;
	const char *const *rules;   /* ids or names, NULL-terminated; NULL: any */
	const struct route *routes; /* NULL: every event */
	uint32_t route_count;
	struct condition condition;
	struct schedule *schedules;
	uint32_t schedule_count; /* 0: always */
	bool lower;              /* one level, instead of dropping */
	uint32_t index;          /* in the set */
};

/* Read the maps 'filter', 'action' and 'schedule' of a document.  Faults are the reader's. */
void filter_read(
	struct sigma_reader *, struct fy_node *key, struct fy_node *value, struct filter *);
void filter_read_action(
	struct sigma_reader *, struct fy_node *key, struct fy_node *value, struct filter *);
void filter_read_schedule(
	struct sigma_reader *, struct fy_node *key, struct fy_node *value, struct filter *);

/* Is it for such an event, at the event's time?  An event without a time has none of a schedule's.
 */
bool filter_is_in_force(const struct filter *, const struct wevent *);

#endif
