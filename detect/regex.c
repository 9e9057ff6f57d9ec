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

struct regex {
	pcre2_code *code;
};

struct regex_scratch {
	pcre2_match_data *data;
	pcre2_match_context *context;
};

static pcre2_code *
compile(struct slice expression, unsigned int flags, int *error, size_t *at)
{
	uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;

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
	code = compile(expression, flags, &number, &at);
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
	regex->code = compile(expression, flags, &number, &at);
	if (regex->code == NULL) {
		free(regex);
		return NULL;
	}
	return regex;
}

void
regex_free(struct regex *regex)
{
	if (regex == NULL)
		return;
	pcre2_code_free(regex->code);
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

bool
regex_matches(const struct regex *regex, struct regex_scratch *scratch, struct slice value)
{
	static const char empty[] = "";
	size_t limit = STEPS_MAX / (value.len + 1);

	limit = limit < STEPS_A_START_MIN ? STEPS_A_START_MIN : limit;
	limit = limit > STEPS_A_START_MAX ? STEPS_A_START_MAX : limit;
	(void)pcre2_set_match_limit(scratch->context, (uint32_t)limit);
	/* 0: it matches, and has more groups than there is room for. */
	return pcre2_match(regex->code, (PCRE2_SPTR)(value.len == 0 ? empty : value.ptr), value.len,
		       0, 0, scratch->data, scratch->context) >= 0;
}
