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

static size_t
place(uint32_t scan, struct slice value)
{
	return XXH3_64bits_withSeed(value.ptr, value.len, scan) % ENTRIES;
}

const uint32_t *
memo_find(const struct memo *memo, uint32_t scan, struct slice value, uint32_t *count)
{
	const struct entry *entry;

	if (value.len > MEMO_VALUE_MAX)
		return NULL;
	entry = &memo->entries[place(scan, value)];
	if (entry->scan != scan + 1 || entry->len != value.len ||
		memcmp(entry->value, value.ptr, value.len) != 0)
		return NULL;
	*count = entry->count;
	return entry->found;
}

uint32_t *
memo_put(struct memo *memo, uint32_t scan, struct slice value, uint32_t count)
{
	struct entry *entry;

	if (value.len > MEMO_VALUE_MAX || count > MEMO_FOUND_MAX)
		return NULL;
	entry = &memo->entries[place(scan, value)];
	entry->scan = scan + 1;
	entry->len = (uint16_t)value.len;
	entry->count = (uint16_t)count;
	memcpy(entry->value, value.ptr, value.len);
	return entry->found;
}
