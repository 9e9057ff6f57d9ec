#ifndef PARSERS_ARENA_H
#define PARSERS_ARENA_H

/* The memory of one message: bump allocation, capped, given back all at once.  Not shared between
 * threads. */

#include "parsers/slice.h"

struct arena;

struct arena_mark {
	void *block;
	size_t used;
};

/* An arena that never holds more than `limit` bytes.  NULL for no memory. */
struct arena *arena_new(size_t limit);
void arena_free(struct arena *);

/* `size` bytes aligned for any type, not cleared; NULL when the limit or the memory is reached. */
void *arena_alloc(struct arena *, size_t size);

/* Like realloc: grows in place when `ptr` was the last allocation, else copies `old` bytes. */
void *arena_grow(struct arena *, void *ptr, size_t old, size_t size);

/* A copy of the slice; an absent slice when there is no room (the copy of an empty slice is
 * present). */
struct slice arena_copy(struct arena *, struct slice);

/* printf into the arena; an absent slice when there is no room. */
struct slice arena_printf(struct arena *, const char *, ...) __attribute__((format(printf, 2, 3)));

/* Everything allocated since the mark is free again. */
struct arena_mark arena_mark(const struct arena *);
void arena_rewind(struct arena *, struct arena_mark);

/* Forget everything; keeps one block for the next message and gives larger ones back. */
void arena_reset(struct arena *);

#endif
