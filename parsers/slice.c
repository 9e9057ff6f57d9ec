/* Slices: comparing, searching and reading numbers of byte strings that have no end mark.
 *
 * Comparison is of the bytes only: an absent slice compares like an empty one.  Case folding is one
 * constant table of ASCII; the letters of other scripts are bytes that differ.  Nothing here
 * allocates or copies. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "parsers/slice.h"

/* A function call per byte would show in the daemon's profile, as would tolower(), which asks the
 * locale. */
static const unsigned char lower[256] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
	0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
	0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26,
	0x27, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35,
	0x36, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x40, 0x61, 0x62, 0x63, 0x64,
	0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73,
	0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60, 0x61, 0x62,
	0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71,
	0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x7b, 0x7c, 0x7d, 0x7e, 0x7f, 0x80,
	0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f,
	0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e,
	0x9f, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad,
	0xae, 0xaf, 0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc,
	0xbd, 0xbe, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xcb,
	0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
	0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9,
	0xea, 0xeb, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
	0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff };

struct slice
slice_of(const char *text)
{
	if (text == NULL)
		return SLICE_NONE;
	return (struct slice){ text, strlen(text) };
}

struct slice
slice_sub(struct slice s, size_t from, size_t to)
{
	if (to > s.len)
		to = s.len;
	if (from > to)
		from = to;
	if (s.ptr == NULL)
		return SLICE_NONE;
	return (struct slice){ s.ptr + from, to - from };
}

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct slice
slice_trim(struct slice s)
{
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	while (s.len > 0 && is_blank(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	return s;
}

unsigned char
slice_lower(unsigned char byte)
{
	return lower[byte];
}

/* memcmp() must not see the null pointer of an absent slice. */
static bool
same(const char *a, const char *b, size_t len)
{
	return len == 0 || memcmp(a, b, len) == 0;
}

static bool
same_nocase(const char *a, const char *b, size_t len)
{
	size_t i = 0;

	/* Most bytes of real values agree in case too: eight at a time, and only a word that
	 * differs is folded. */
	for (; len - i >= 8; i += 8) {
		uint64_t wa, wb;

		memcpy(&wa, a + i, 8);
		memcpy(&wb, b + i, 8);
		if (wa == wb)
			continue;
		for (size_t k = i; k < i + 8; k++) {
			if (lower[(unsigned char)a[k]] != lower[(unsigned char)b[k]])
				return false;
		}
	}
	for (; i < len; i++) {
		if (lower[(unsigned char)a[i]] != lower[(unsigned char)b[i]])
			return false;
	}
	return true;
}

bool
slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && same(a.ptr, b.ptr, a.len);
}

bool
slice_equal_nocase(struct slice a, struct slice b)
{
	return a.len == b.len && same_nocase(a.ptr, b.ptr, a.len);
}

bool
slice_prefix(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && same(s.ptr, prefix.ptr, prefix.len);
}

bool
slice_prefix_nocase(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && same_nocase(s.ptr, prefix.ptr, prefix.len);
}

bool
slice_suffix_nocase(struct slice s, struct slice suffix)
{
	if (s.len < suffix.len)
		return false;
	if (suffix.len == 0)
		return true;
	return same_nocase(s.ptr + (s.len - suffix.len), suffix.ptr, suffix.len);
}

size_t
slice_find(struct slice s, struct slice needle)
{
	const char *hit;

	if (needle.len == 0)
		return 0;
	if (s.len < needle.len)
		return s.len;
	hit = memmem(s.ptr, s.len, needle.ptr, needle.len);
	return hit == NULL ? s.len : (size_t)(hit - s.ptr);
}

size_t
slice_find_byte(struct slice s, char byte)
{
	const char *hit;

	if (s.len == 0)
		return 0;
	hit = memchr(s.ptr, byte, s.len);
	return hit == NULL ? s.len : (size_t)(hit - s.ptr);
}

/* The value of a digit in bases up to 16; 16 for any other byte. */
static unsigned int
digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return (unsigned int)(byte - '0');
	byte = (char)lower[(unsigned char)byte];
	if (byte >= 'a' && byte <= 'f')
		return (unsigned int)(byte - 'a') + 10;
	return 16;
}

static int
number(struct slice s, unsigned int base, uint64_t max, uint64_t *n)
{
	bool over = false;
	uint64_t value = 0;

	if (s.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		unsigned int d = digit(s.ptr[i]);

		if (d >= base)
			return -EINVAL;
		/* Read on to the end: "99999x" is no number rather than one too large. */
		if (over || value > max / base || value * base > max - d || d > max)
			over = true;
		else
			value = value * base + d;
	}
	if (over)
		return -ERANGE;
	*n = value;
	return 0;
}

int
slice_number(struct slice s, uint64_t max, uint64_t *n)
{
	assert(n != NULL);
	return number(s, 10, max, n);
}

int
slice_number_any(struct slice s, uint64_t max, uint64_t *n)
{
	assert(n != NULL);
	if (slice_prefix_nocase(s, SLICE("0x")))
		return number(slice_sub(s, 2, s.len), 16, max, n);
	return number(s, 10, max, n);
}
