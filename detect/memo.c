/* A table without chains: an entry stands at its hash, with the whole of its value beside it, so
 * that a value that was made to have another's hash finds nothing that is not its own. */

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "detect/memo.h"

#define ENTRIES 2048 /* a power of two; 700 KB */

struct entry {
	uint32_t scan; /* and one: 0 is an empty place */
	uint16_t len, count;
	uint32_t found[MEMO_FOUND_MAX];
	char value[MEMO_VALUE_MAX];
};

struct memo {
	struct entry *unknown; /* the place of what was asked for last; NULL: it is too long */
	uint32_t scan;         /* of it */
	struct slice value;
	struct entry entries[ENTRIES];
};

struct memo *
memo_new(void)
{
	return calloc(1, sizeof(struct memo));
}

void
memo_free(struct memo *memo)
{
	free(memo);
}

const uint32_t *
memo_find(struct memo *memo, uint32_t scan, struct slice value, uint32_t *count)
{
	struct entry *entry;

	memo->unknown = NULL;
	if (value.len > MEMO_VALUE_MAX)
		return NULL;
	entry = &memo->entries[XXH3_64bits_withSeed(value.ptr, value.len, scan) % ENTRIES];
	if (entry->scan == scan + 1 && entry->len == value.len &&
		memcmp(entry->value, value.ptr, value.len) == 0) {
		*count = entry->count;
		return entry->found;
	}
	memo->unknown = entry;
	memo->scan = scan;
	memo->value = value;
	return NULL;
}

uint32_t *
memo_put(struct memo *memo, uint32_t count)
{
	struct entry *entry = memo->unknown;

	if (entry == NULL || count > MEMO_FOUND_MAX)
		return NULL;
	entry->scan = memo->scan + 1;
	entry->len = (uint16_t)memo->value.len;
	entry->count = (uint16_t)count;
	memcpy(entry->value, memo->value.ptr, memo->value.len);
	return entry->found;
}
