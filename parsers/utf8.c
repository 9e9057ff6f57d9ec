/* UTF-8 (RFC 3629): where it stops being valid, and a repaired copy.
 *
 * Nearly all text of Windows events is ASCII, so runs of it are passed sixteen bytes at a time.  A
 * sequence that is no UTF-8 is replaced by one U+FFFD for each maximal subpart (Unicode 15, 3.9,
 * table 3-11), as browsers do: the number of marks then does not depend on the reader.  Normal
 * forms and unassigned code points are not looked at. */

#include <string.h>

#include "parsers/utf8.h"

/* What may follow a lead byte: how many bytes, and the range of the first of them, which is where
 * overlong forms, surrogates and code points over U+10FFFF are told from good ones. */
struct lead {
	unsigned char first, last;
	unsigned char follow;
	unsigned char low, high;
};

static const struct lead leads[] = {
	{ 0xc2, 0xdf, 1, 0x80, 0xbf },
	{ 0xe0, 0xe0, 2, 0xa0, 0xbf },
	{ 0xe1, 0xec, 2, 0x80, 0xbf },
	{ 0xed, 0xed, 2, 0x80, 0x9f },
	{ 0xee, 0xef, 2, 0x80, 0xbf },
	{ 0xf0, 0xf0, 3, 0x90, 0xbf },
	{ 0xf1, 0xf3, 3, 0x80, 0xbf },
	{ 0xf4, 0xf4, 3, 0x80, 0x8f },
};

/* The length of the sequence at `p`, which is no ASCII byte.  When it is not well formed, *good is
 * false and the length is that of its maximal subpart, at least one byte. */
static size_t
sequence(const unsigned char *p, size_t left, bool *good)
{
	const struct lead *lead = NULL;

	*good = false;
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		if (p[0] >= leads[i].first && p[0] <= leads[i].last)
			lead = &leads[i];
	}
	if (lead == NULL || left < 2 || p[1] < lead->low || p[1] > lead->high)
		return 1;
	for (size_t i = 2; i <= lead->follow; i++) {
		if (i == left || (p[i] & 0xc0) != 0x80)
			return i;
	}
	*good = true;
	return (size_t)lead->follow + 1;
}

/* The length of the run of ASCII at the front. */
static size_t
ascii(const unsigned char *p, size_t len)
{
	size_t i = 0;

	for (; len - i >= 16; i += 16) {
		uint64_t a, b;

		memcpy(&a, p + i, 8);
		memcpy(&b, p + i + 8, 8);
		if (((a | b) & 0x8080808080808080U) != 0)
			break;
	}
	while (i < len && p[i] < 0x80)
		i++;
	return i;
}

size_t
utf8_valid(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t i = 0;

	while (i < s.len) {
		size_t n;
		bool good;

		i += ascii(p + i, s.len - i);
		if (i == s.len)
			break;
		n = sequence(p + i, s.len - i, &good);
		if (!good)
			break;
		i += n;
	}
	return i;
}

/* Walk over the pieces of `s`; with `out` they are written there.  The length of the result. */
static size_t
repair(struct slice s, char *out)
{
	static const char mark[] = { '\xef', '\xbf', '\xbd' };
	size_t total = 0;

	for (size_t i = 0; i < s.len;) {
		size_t n = utf8_valid(slice_sub(s, i, s.len));
		bool good;

		if (out != NULL && n > 0)
			memcpy(out + total, s.ptr + i, n);
		i += n;
		total += n;
		if (i == s.len)
			break;
		if (out != NULL)
			memcpy(out + total, mark, sizeof(mark));
		total += sizeof(mark);
		i += sequence((const unsigned char *)s.ptr + i, s.len - i, &good);
	}
	return total;
}

struct slice
utf8_repair(struct slice s, struct arena *arena)
{
	size_t len;
	char *copy;

	if (utf8_valid(s) == s.len)
		return s;
	if (s.len > SIZE_MAX / 3) /* each byte may become three */
		return SLICE_NONE;
	len = repair(s, NULL);
	copy = arena_alloc(arena, len);
	if (copy == NULL)
		return SLICE_NONE;
	(void)repair(s, copy); /* the same length again */
	return (struct slice){ copy, len };
}
