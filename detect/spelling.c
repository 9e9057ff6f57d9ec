/* The distance of two words, row by row of the usual table; an exchange of neighbours looks two
 * rows back. */

#include <string.h>

#include "detect/spelling.h"

#define WORD_MAX 64
#define WORD_ONE_SLIP 4
#define WORD_TWO_SLIPS 8

static bool
same(struct slice a, size_t i, struct slice b, size_t j)
{
	return slice_lower((unsigned char)a.ptr[i]) == slice_lower((unsigned char)b.ptr[j]);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
spelling_distance(struct slice a, struct slice b)
{
	size_t before[WORD_MAX + 1], last[WORD_MAX + 1] = { 0 }, row[WORD_MAX + 1] = { 0 };

	if (a.len > WORD_MAX || b.len > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		memcpy(before, last, sizeof(before));
		memcpy(last, row, sizeof(last));
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			row[j] = least(last[j - 1] + (same(a, i - 1, b, j - 1) ? 0 : 1),
				least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a, i - 1, b, j - 2) && same(a, i - 2, b, j - 1))
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[b.len];
}

bool
spelling_is_near(struct slice written, struct slice word)
{
	size_t slips = word.len < WORD_ONE_SLIP ? 0 : word.len < WORD_TWO_SLIPS ? 1 : 2;

	/* Most words differ in length already. */
	return written.len + slips >= word.len && word.len + slips >= written.len &&
	       spelling_distance(written, word) <= slips;
}
