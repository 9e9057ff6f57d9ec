#ifndef DETECT_MODIFIER_H
#define DETECT_MODIFIER_H

/* The value modifiers of Sigma: "Field|contains|all".  They are applied in the order in which they
 * are written, each to all values of the item. */

#include "detect/condition.h"

#define MODIFIER_ERROR_MAX 256

/* The values of one item while its modifiers work on them. */
struct modifier_values {
	struct condition_pattern *patterns; /* their tokens are the arena's */
	uint32_t count;
	bool absent; /* null or '' is among them */
	bool all;
	bool anchored; /* contains, startswith or endswith was there */
	struct arena *arena;
};

/* Apply the modifier named.  0, -ENOMEM, or -EINVAL with what is wrong and what to do about it in
 * `error`: unknown, not supported yet, or not fit for these values. */
int modifier_apply(struct slice name, struct modifier_values *, char error[MODIFIER_ERROR_MAX]);

#endif
