/* PCRE2 as Sigma's |re has it: UTF-8, case-sensitive, the dot not for line breaks, unless flags say
 * otherwise.
 *
 * The interpreter is used, not the JIT compiler, since its limits count work and memory exactly and
 * a daemon need not be able to make memory executable.  Look-behind, back-references and the like
 * are PCRE2's own business; callouts and \C are not. */

#define PCRE2_CODE_UNIT_WIDTH 8

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <pcre2.h>

#include "detect/regex.h"

/* PCRE2 counts steps anew at each byte where a match may begin, so a long value gets fewer. */
#define STEPS_MAX 20000000
#define STEPS_A_START_MIN 1000
#define STEPS_A_START_MAX 100000
#define DEPTH_LIMIT 10000
#define HEAP_LIMIT 4096 /* KiB */

/* A run of \w+ is one step however long it is, so that steps alone allow work that grows with the
 * square of the length.  In long values the bytes that are gone over are counted, by callouts,
 * which make an expression some times slower. */
#define LONG_VALUE 4096
#define BYTES_MAX 200000000

struct regex {
	pcre2_code *code;
	pcre2_code *counted; /* the same with callouts; NULL: with them it is too large */
};

struct regex_scratch {
	pcre2_match_data *data;
	pcre2_match_context *context;
};

struct work {
	uint64_t bytes; /* gone over so far */
	size_t position;
};

static pcre2_code *
compile(struct slice expression, unsigned int flags, uint32_t options, int *error, size_t *at)
{
	options |= PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
	options |= (flags & REGEX_CASELESS) != 0 ? PCRE2_CASELESS : 0;
	options |= (flags & REGEX_MULTILINE) != 0 ? PCRE2_MULTILINE : 0;
	options |= (flags & REGEX_DOTALL) != 0 ? PCRE2_DOTALL : 0;
	return pcre2_compile((PCRE2_SPTR)expression.ptr, expression.len, options, error, at, NULL);
}

int
regex_check(struct slice expression, unsigned int flags, char error[REGEX_ERROR_MAX])
{
	PCRE2_UCHAR text[128];
	pcre2_code *code;
	size_t at = 0;
	int number;

	if (expression.len > REGEX_BYTES_MAX) {
		(void)snprintf(error, REGEX_ERROR_MAX,
			"a regular expression of %zu bytes, limit %d; split it", expression.len,
			REGEX_BYTES_MAX);
		return -EINVAL;
	}
	code = compile(expression, flags, 0, &number, &at);
	if (code != NULL) {
		pcre2_code_free(code);
		return 0;
	}
	if (number == PCRE2_ERROR_HEAP_FAILED)
		return -ENOMEM;
	if (pcre2_get_error_message(number, text, sizeof(text)) < 0)
		text[0] = '\0';
	(void)snprintf(error, REGEX_ERROR_MAX,
		"no regular expression, at its byte %zu: %s; correct it or put a backslash before "
		"what is meant literally",
		at + 1, (const char *)text);
	return -EINVAL;
}

struct regex *
regex_new(struct slice expression, unsigned int flags)
{
	struct regex *regex = malloc(sizeof(*regex));
	size_t at;
	int number;

	if (regex == NULL)
		return NULL;
	regex->code = compile(expression, flags, 0, &number, &at);
	regex->counted = compile(expression, flags, PCRE2_AUTO_CALLOUT, &number, &at);
	if (regex->code == NULL) {
		regex_free(regex);
		return NULL;
	}
	return regex;
}

void
regex_free(struct regex *regex)
{
	if (regex == NULL)
		return;
	pcre2_code_free(regex->code); /* NULL is fine */
	pcre2_code_free(regex->counted);
	free(regex);
}

struct regex_scratch *
regex_scratch_new(void)
{
	struct regex_scratch *scratch = calloc(1, sizeof(*scratch));

	if (scratch == NULL)
		return NULL;
	scratch->data = pcre2_match_data_create(1, NULL);
	scratch->context = pcre2_match_context_create(NULL);
	if (scratch->data == NULL || scratch->context == NULL) {
		regex_scratch_free(scratch);
		return NULL;
	}
	/* These only store the number. */
	(void)pcre2_set_depth_limit(scratch->context, DEPTH_LIMIT);
	(void)pcre2_set_heap_limit(scratch->context, HEAP_LIMIT);
	return scratch;
}

void
regex_scratch_free(struct regex_scratch *scratch)
{
	if (scratch == NULL)
		return;
	pcre2_match_data_free(scratch->data); /* NULL is fine for both */
	pcre2_match_context_free(scratch->context);
	free(scratch);
}

static int
count_work(pcre2_callout_block *block, void *context)
{
	struct work *work = context;

	if (block->current_position > work->position)
		work->bytes += block->current_position - work->position;
	work->position = block->current_position;
	return work->bytes > BYTES_MAX ? PCRE2_ERROR_CALLOUT : 0;
}

bool
regex_matches(
	const struct regex *regex, struct regex_scratch *scratch, struct slice value, bool *limited)
{
	static const char empty[] = "";
	bool counted = value.len > LONG_VALUE && regex->counted != NULL;
	size_t limit = STEPS_MAX / (value.len + 1);
	struct work work = { 0, 0 };
	int result;

	limit = limit < STEPS_A_START_MIN ? STEPS_A_START_MIN : limit;
	limit = limit > STEPS_A_START_MAX ? STEPS_A_START_MAX : limit;
	(void)pcre2_set_match_limit(scratch->context, (uint32_t)limit);
	(void)pcre2_set_callout(scratch->context, count_work, &work);
	result = pcre2_match(counted ? regex->counted : regex->code,
		(PCRE2_SPTR)(value.len == 0 ? empty : value.ptr), value.len, 0, 0, scratch->data,
		scratch->context);
	if (result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT ||
		result == PCRE2_ERROR_HEAPLIMIT || result == PCRE2_ERROR_NOMEMORY ||
		result == PCRE2_ERROR_CALLOUT)
		*limited = true;
	return result >= 0; /* 0: it matches, and has more groups than there is room for */
}
