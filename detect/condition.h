#ifndef DETECT_CONDITION_H
#define DETECT_CONDITION_H

/* A rule's condition: text -> a small postfix program over the rule's items, which is then
 * evaluated on the patterns that hit.
 *
 * An item is one line of a selection: a field and the patterns of which any, or with |all each,
 * must match.  Items belong to the rule; selections are programs over them; the condition joins
 * selections. */

#include "detect/compare.h"
#include "detect/pattern.h"
#include "detect/ruleset.h"

#define CONDITION_OPS_MAX 65536 /* of one rule, its selections written out */
#define CONDITION_STACK_MAX 64  /* parentheses and operators that are open at once */
#define CONDITION_ERROR_MAX 256

enum condition_kind { CONDITION_GLOB, CONDITION_REGEX, CONDITION_COMPARISON };

struct condition_pattern {
	struct slice text; /* as the rule writes it */
	enum condition_kind kind;
	struct glob glob;           /* of GLOB */
	unsigned int regex_flags;   /* of REGEX, whose expression is `text` */
	struct comparison compared; /* of COMPARISON */
	uint32_t value;             /* of the item, from 0: one value may have several patterns */
	uint32_t id;                /* in the set, but for COMPARISON; given by ruleset_build() */
};

struct condition_item {
	enum wevent_field field; /* or F_MAX and more: see wevent_value() */
	const char *name;        /* of it */
	const char *key;         /* as the rule writes it, with its modifiers; "" for a keyword */
	bool all;                /* each value must match, not any */
	bool negated;            /* none must, or with `all` not each */
	bool absent;   /* null or '' is among the values: true when the field is absent or empty */
	bool keywords; /* the field is all that the record says */
	uint32_t value_count;
	uint32_t first; /* of its patterns, which are in the order of their values */
	uint32_t count;
};

enum condition_opcode {
	CONDITION_ITEM,
	CONDITION_AND,
	CONDITION_OR,
	CONDITION_NOT,
	CONDITION_SOME, /* of the last values at least so many */
};

struct condition_op {
	enum condition_opcode code;
	uint32_t item;  /* of CONDITION_ITEM */
	uint32_t skip;  /* of the first item of a right operand: the operator is so far behind */
	uint32_t least; /* of CONDITION_SOME */
	uint32_t of;
};

struct condition_selection {
	struct slice name;
	struct condition_op
		*ops; /* NULL when it has a fault of its own; then the condition is only checked */
	uint32_t op_count;
	bool used;
};

/* A finished program: at its end one value is on the stack, and never more than CONDITION_STACK_MAX
 * are. */
struct condition {
	struct condition_op *ops;
	uint32_t op_count;
	struct condition_item *items;
	uint32_t item_count;
	struct condition_pattern *patterns;
	uint32_t pattern_count;
	/* What it was made of, for those who ask. */
	struct condition_selection *selections;
	uint32_t selection_count;
	const char *const *texts; /* of the conditions, NULL-terminated */
	uint32_t *ends;           /* of their operations; all but the first end in an or */
};

/* Compile `text` into the arena, behind the *op_count operations that are at *ops: a list of
 * conditions is joined by or.  Selections that it names are marked used.  0, -ENOMEM, or -EINVAL
 * with what is wrong and what to do about it in `error`; *ops and *op_count are untouched then. */
int condition_compile(struct slice text, struct condition_selection *selections, size_t count,
	struct arena *, struct condition_op **ops, uint32_t *op_count,
	char error[CONDITION_ERROR_MAX]);

/* Evaluate.  True: the pairs of field and pattern that were true in selections that were true and
 * not negated are in `match`; false: match->matched_count is 0. */
bool condition_eval(
	const struct condition *, struct pattern_scratch *, const struct wevent *, struct match *);

/* Why a condition is true or false: selection by selection, item by item, value by value. */
enum explain_kind {
	EXPLAIN_SELECTION, /* its name */
	EXPLAIN_ITEM,      /* its key, and the value that the event has for it */
	EXPLAIN_KEYWORDS,  /* an item that looks at all that the event says */
	EXPLAIN_PATTERN,   /* one value of the item */
	EXPLAIN_CONDITION, /* one of them */
};
struct explain_sink {
	void *context;
	void (*line)(void *context, enum explain_kind, struct slice text, struct slice value,
		bool holds);
};
/* Returns condition_eval(). */
bool condition_explain(const struct condition *, struct pattern_scratch *, const struct wevent *,
	const struct explain_sink *);

/* The items of which at least one must be true for the condition to be true.  `cost` says for each
 * item how dear it is to wait for, 0 when it can't be waited for at all; the cheapest set is taken.
 * Returns how many, 0 when there is no such set; `required` has room for op_count of them. */
uint32_t condition_required(const struct condition *, const uint32_t *cost, uint32_t *required);

/* Does it look at all that a record says? */
bool condition_has_keywords(const struct condition *);

#endif
