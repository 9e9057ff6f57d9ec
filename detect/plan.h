#ifndef DETECT_PLAN_H
#define DETECT_PLAN_H

/* How each rule is reached: the event ids that it allows, the patterns that it waits for and the
 * scans that find them. */

#include "detect/ruleset_parts.h"

/* The plans of all rules, with the ids and whether it looks at a record's text: what is known
 * before the patterns are compiled.  0 or -ENOMEM. */
int plan_rules(struct ruleset *);

/* The rest, when they are.  0 or -ENOMEM. */
int plan_scans(struct ruleset *);

bool plan_allows(const struct plan *, int32_t event_id);

/* A list with room for `max` scans in the set's arena: 0 or -ENOMEM; and one more of them, unless
 * it is there. */
int scan_list_make(struct ruleset *, struct scan_list *, size_t max);
void scan_list_add(struct scan_list *, uint32_t scan);

#endif
