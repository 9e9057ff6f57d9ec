/* The names and the sentences of the reasons, both made from the one list in the header. */

#include <assert.h>

#include "parsers/reason.h"

static const char *const names[REASON_MAX] = {
#define X(id, name, text) [REASON_##id] = (name),
	REASONS(X)
#undef X
};

static const char *const texts[REASON_MAX] = {
#define X(id, name, text) [REASON_##id] = (text),
	REASONS(X)
#undef X
};

const char *
reason_name(enum reason reason)
{
	assert((unsigned int)reason < REASON_MAX);
	return names[reason];
}

const char *
reason_text(enum reason reason)
{
	assert((unsigned int)reason < REASON_MAX);
	return texts[reason];
}
