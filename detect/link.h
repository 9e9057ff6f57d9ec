#ifndef DETECT_LINK_H
#define DETECT_LINK_H

/* Which rules a filter speaks of, and which rules a correlation counts. */

#include "detect/ruleset_parts.h"

/* Rules with faults of their own, which have been told: who names them is not at fault. */
struct refused {
	const char *id; /* or NULL, as the name */
	const char *name;
};
struct refusals {
	struct refused *list;
	uint32_t count, size;
};

/* Put each filter on the plans of its rules; a name that means no rule, two, or a correlation is a
 * warning.  0 or -ENOMEM. */
int link_filters(struct ruleset *, const struct refusals *, struct faults *);

/* Put each correlation on the plans of its rules, give it their level where it has none, and
 * silence rules that only correlations speak for.  0, -ENOMEM, or -EINVAL with what is wrong in the
 * faults: a rule that is not there or that a name does not tell from another, a chain that is too
 * long or has no end. */
int link_correlations(struct ruleset *, const struct refusals *, struct faults *);

#endif
