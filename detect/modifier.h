#ifndef DETECT_MODIFIER_H
#define DETECT_MODIFIER_H

/* The value modifiers of Sigma: "Field|contains|all".  They are applied in the order in which they
 * are written, each to all values of the item. */

#include "detect/condition.h"
#include "detect/placeholders.h"

#define MODIFIER_ERROR_MAX 256
#define MODIFIER_EXPANDED_MAX 65536 /* patterns of an item after expand */

/* The values of one item while its modifiers work on them. */
struct modifier_values {
	struct arena *arena;
	struct condition_pattern *patterns; /* they and all that they point to are the arena's */
	uint32_t count, size;               /* a value may have become several patterns */
	uint32_t value_count;               /* as the rule has them, without null and '' */
	unsigned int applied;               /* modifiers, as bits of their places in the table */
	bool absent;                        /* null or '' is among them */
	bool null;                          /* null is */
	bool all;
	bool negated;
	bool cased;
	bool before, after; /* wildcards that contains, startswith and endswith have added */
	/* The field of a name, for fieldref: 0, -ENOMEM, or -EINVAL for none. */
	int (*field)(void *context, struct slice name, enum wevent_field *);
	/* The values of a placeholder, for expand: NULL for none of this name. */
	const struct placeholder *(*placeholder)(void *context, struct slice name);
	void *context;
};

/* Apply the modifier named.  0, -ENOMEM, or -EINVAL with what is wrong and what to do about it in
 * `error`: unknown, or not fit for these values or behind those before it. */
int modifier_apply(struct slice name, struct modifier_values *, char error[MODIFIER_ERROR_MAX]);

#endif
