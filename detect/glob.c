/* Matching goes through the text once, and back to the last star where it fails. */

#include <string.h>

#include "detect/glob.h"

#define LITERAL_MIN 2  /* bytes; shorter ones are in nearly every text */
#define LITERAL_GOOD 6 /* so long that it need not be longer */
#define NONE UINT32_MAX

uint32_t
glob_parse(struct slice text, uint16_t *tokens)
{
	uint32_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c == '\\' && i + 1 < text.len && strchr("*?\\", text.ptr[i + 1]) != NULL &&
			text.ptr[i + 1] != '\0') {
			tokens[n++] = (unsigned char)text.ptr[++i];
		} else if (c == '*') {
			if (n == 0 || tokens[n - 1] != TOKEN_MANY)
				tokens[n++] = TOKEN_MANY;
		} else {
			tokens[n++] = c == '?' ? TOKEN_ONE : c;
		}
	}
	return n;
}

/* The bytes of the character at `at`: one, and those that continue it. */
static size_t
character(struct slice text, size_t at)
{
	size_t n = 1;

	while (at + n < text.len && ((unsigned char)text.ptr[at + n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* The bytes of a dash that stands for an option's, as |windash has it; 0 for anything else. */
static size_t
dash(struct slice text, size_t at)
{
	const char *p = text.ptr + at;

	if (*p == '-' || *p == '/')
		return 1;
	return text.len - at >= 3 && memcmp(p, "\xe2\x80", 2) == 0 && (unsigned char)p[2] >= 0x93 &&
			       (unsigned char)p[2] <= 0x95
		       ? 3
		       : 0;
}

/* How many bytes the token takes at `at`; 0 when it does not match there. */
static size_t
step(uint16_t token, bool cased, struct slice text, size_t at)
{
	if (token == TOKEN_ONE)
		return character(text, at);
	if (token == TOKEN_MANY)
		return 0;
	if (token == TOKEN_DASH)
		return dash(text, at);
	if (cased)
		return (unsigned char)text.ptr[at] == token;
	return slice_lower((unsigned char)text.ptr[at]) == slice_lower((unsigned char)token);
}

bool
glob_matches(struct glob glob, struct slice text)
{
	uint32_t t = 0, star = NONE;
	size_t at = 0, resume = 0;

	/* Only the last `*` is ever tried again: an earlier one that takes more cannot help. */
	while (at < text.len) {
		size_t n = t < glob.count ? step(glob.tokens[t], glob.cased, text, at) : 0;

		if (n > 0) {
			t++;
			at += n;
		} else if (t < glob.count && glob.tokens[t] == TOKEN_MANY) {
			star = t++;
			resume = at;
		} else if (star != NONE) {
			t = star + 1;
			resume += character(text, resume);
			at = resume;
		} else {
			return false;
		}
	}
	while (t < glob.count && glob.tokens[t] == TOKEN_MANY)
		t++;
	return t == glob.count;
}

/* The longest run with so many dashes, the first of those that are as long. */
static struct glob_run
longest(struct glob glob, uint32_t dashes)
{
	struct glob_run best = { 0, 0 };
	uint32_t start = 0, have = 0;

	for (uint32_t i = 0; i < glob.count; i++) {
		have += glob.tokens[i] == TOKEN_DASH;
		if (glob.tokens[i] == TOKEN_ONE || glob.tokens[i] == TOKEN_MANY) {
			start = i + 1;
			have = 0;
		}
		for (; have > dashes; start++)
			have -= glob.tokens[start] == TOKEN_DASH;
		if (i + 1 - start > best.len)
			best = (struct glob_run){ start, i + 1 - start };
	}
	return best;
}

/* What to look for: one literal where that is long enough, else one for each dash there is.  What
 * is too short is in so many texts that it is better asked for. */
struct glob_run
glob_run(struct glob glob)
{
	struct glob_run plain = longest(glob, 0), dashed = longest(glob, 1);

	if (plain.len < LITERAL_GOOD && dashed.len > plain.len)
		plain = dashed;
	return plain.len < LITERAL_MIN ? (struct glob_run){ 0, 0 } : plain;
}

bool
glob_is_plain(struct glob glob)
{
	return longest(glob, 0).len == glob.count;
}
