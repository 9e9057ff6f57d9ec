#ifndef DETECT_PLAN_H
#define DETECT_PLAN_H

/* How each rule is reached: the event ids that it allows, and the patterns that it waits for. */

#include "detect/ruleset_parts.h"

/* The plans of all rules, with the ids and whether it looks at a record's text: what is known
 * before the patterns are compiled.  0 or -ENOMEM. */
int plan_rules(struct ruleset *);

/* The rest, when they are.  0 or -ENOMEM. */
int plan_waits(struct ruleset *);

bool plan_allows(const struct plan *, int32_t event_id);

#endif
