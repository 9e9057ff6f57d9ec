#ifndef DETECT_INDEX_H
#define DETECT_INDEX_H

/* From an event's channel and id to the rules that can match it, and from a pattern to the rules
 * that wait for it. */

#include "detect/ruleset_parts.h"

/* The channels and their buckets, empty, of rules that have plans.  0 or -ENOMEM. */
int index_make(struct ruleset *);

/* What is in them, when the patterns are compiled and the plans whole.  0 or -ENOMEM. */
int index_fill(struct ruleset *);

/* NULL when no rule can match: another channel; an id of it that no rule is for. */
const struct channel *index_channel(const struct ruleset *, const struct wevent *);
const struct bucket *index_bucket(const struct channel *, const struct wevent *);

#endif
