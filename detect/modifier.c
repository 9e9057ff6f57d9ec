/* The table of Sigma's value modifiers (specification 2.1, appendix "Modifiers"), one function
 * each.
 *
 * A string modifier rewrites the tokens of each value: contains is a `*` at both ends and nothing
 * more.  Those of the specification that stand in the table without a function are refused, and
 * named as what they are: known, and not supported yet. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "detect/modifier.h"

typedef int modifier_function(struct modifier_values *, char error[MODIFIER_ERROR_MAX]);

static int
refuse(char error[MODIFIER_ERROR_MAX], const char *what)
{
	(void)snprintf(error, MODIFIER_ERROR_MAX, "%s", what);
	return -EINVAL;
}

/* A copy with a `*` at the ends that are asked for, where there is none yet. */
static int
widen(struct glob *glob, bool before, bool after, struct arena *arena)
{
	uint16_t *tokens = arena_alloc(arena, ((size_t)glob->count + 2) * sizeof(*tokens));
	uint32_t n = 0;

	if (tokens == NULL)
		return -ENOMEM;
	if (before && (glob->count == 0 || glob->tokens[0] != TOKEN_MANY))
		tokens[n++] = TOKEN_MANY;
	if (glob->count > 0)
		memcpy(tokens + n, glob->tokens, glob->count * sizeof(*tokens));
	n += glob->count;
	if (after && (n == 0 || tokens[n - 1] != TOKEN_MANY))
		tokens[n++] = TOKEN_MANY;
	*glob = (struct glob){ tokens, n };
	return 0;
}

static int
anchor(struct modifier_values *values, bool before, bool after, char error[MODIFIER_ERROR_MAX])
{
	if (values->anchored)
		return refuse(error,
			"only one of contains, startswith and endswith can be used; use wildcards");
	if (values->absent)
		return refuse(error, "contains, startswith and endswith need text; move null and "
				     "'' to an item of "
				     "their own");
	values->anchored = true;
	for (uint32_t i = 0; i < values->count; i++) {
		int result = widen(&values->patterns[i].glob, before, after, values->arena);

		if (result != 0)
			return result;
	}
	return 0;
}

static int
contains(struct modifier_values *values, char error[MODIFIER_ERROR_MAX])
{
	return anchor(values, true, true, error);
}

static int
startswith(struct modifier_values *values, char error[MODIFIER_ERROR_MAX])
{
	return anchor(values, false, true, error);
}

static int
endswith(struct modifier_values *values, char error[MODIFIER_ERROR_MAX])
{
	return anchor(values, true, false, error);
}

static int
all(struct modifier_values *values, char error[MODIFIER_ERROR_MAX])
{
	if (values->all)
		return refuse(error, "modifier 'all' stands twice; remove one");
	if (values->absent)
		return refuse(error,
			"modifier 'all' needs text; move null and '' to an item of their own");
	if (values->count < 2)
		return refuse(error, "modifier 'all' needs more than one value; remove it");
	values->all = true;
	return 0;
}

static const struct {
	struct slice name;
	modifier_function *apply; /* NULL: not supported yet */
} modifiers[] = {
	{ SLICE_INIT("all"), all },
	{ SLICE_INIT("base64"), NULL },
	{ SLICE_INIT("base64offset"), NULL },
	{ SLICE_INIT("cased"), NULL },
	{ SLICE_INIT("cidr"), NULL },
	{ SLICE_INIT("contains"), contains },
	{ SLICE_INIT("day"), NULL },
	{ SLICE_INIT("endswith"), endswith },
	{ SLICE_INIT("exists"), NULL },
	{ SLICE_INIT("expand"), NULL },
	{ SLICE_INIT("fieldref"), NULL },
	{ SLICE_INIT("gt"), NULL },
	{ SLICE_INIT("gte"), NULL },
	{ SLICE_INIT("hour"), NULL },
	{ SLICE_INIT("i"), NULL },
	{ SLICE_INIT("lt"), NULL },
	{ SLICE_INIT("lte"), NULL },
	{ SLICE_INIT("m"), NULL },
	{ SLICE_INIT("minute"), NULL },
	{ SLICE_INIT("month"), NULL },
	{ SLICE_INIT("neq"), NULL },
	{ SLICE_INIT("re"), NULL },
	{ SLICE_INIT("s"), NULL },
	{ SLICE_INIT("startswith"), startswith },
	{ SLICE_INIT("utf16"), NULL },
	{ SLICE_INIT("utf16be"), NULL },
	{ SLICE_INIT("utf16le"), NULL },
	{ SLICE_INIT("week"), NULL },
	{ SLICE_INIT("wide"), NULL },
	{ SLICE_INIT("windash"), NULL },
	{ SLICE_INIT("year"), NULL },
};

int
modifier_apply(struct slice name, struct modifier_values *values, char error[MODIFIER_ERROR_MAX])
{
	int len = (int)(name.len < 60 ? name.len : 60);

	for (size_t i = 0; i < sizeof(modifiers) / sizeof(modifiers[0]); i++) {
		if (!slice_equal(name, modifiers[i].name))
			continue;
		if (modifiers[i].apply != NULL)
			return modifiers[i].apply(values, error);
		(void)snprintf(error, MODIFIER_ERROR_MAX,
			"modifier '%.*s' is not supported yet; remove the rule, "
			"or use contains, startswith, endswith, all or wildcards",
			len, name.ptr);
		return -EINVAL;
	}
	(void)snprintf(error, MODIFIER_ERROR_MAX,
		"unknown modifier '%.*s'; contains, startswith, endswith and all "
		"are known",
		len, name.len == 0 ? "" : name.ptr);
	return -EINVAL;
}
