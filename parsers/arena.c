/* A region for one message: allocation moves a pointer, nothing is freed singly, a reset forgets
 * all of it.
 *
 * The first block is made with the arena and stays with it, so that an ordinary message costs no
 * malloc(); further blocks double in size and are given back by a reset or a rewind.  The limit
 * counts the bytes handed out, rounded up to the alignment; what is lost at the ends of blocks is
 * not counted and is less than as much again.
 *
 * Under AddressSanitizer, memory that is not handed out is poisoned: a slice that outlives its
 * message is an error at its next use, not silent garbage. */

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/arena.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define POISON(ptr, len) ASAN_POISON_MEMORY_REGION(ptr, len)
#define UNPOISON(ptr, len) ASAN_UNPOISON_MEMORY_REGION(ptr, len)
#else
#define POISON(ptr, len) ((void)(ptr), (void)(len))
#define UNPOISON(ptr, len) ((void)(ptr), (void)(len))
#endif

#define ALIGNMENT 16
#define FIRST_BLOCK ((size_t)64 * 1024)

struct block {
	struct block *below; /* the block before it, full or nearly so */
	size_t base;         /* bytes handed out from the blocks below */
	size_t size;
	size_t used;
	_Alignas(ALIGNMENT) char data[];
};

struct arena {
	struct block *top;
	size_t limit;
};

static struct block *
block_new(struct block *below, size_t size)
{
	struct block *block;

	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = malloc(sizeof(*block) + size);
	if (block == NULL)
		return NULL;
	block->below = below;
	block->base = below == NULL ? 0 : below->base + below->used;
	block->size = size;
	block->used = 0;
	POISON(block->data, size);
	return block;
}

static void
block_free(struct block *block)
{
	/* The allocator writes into what it gets back. */
	UNPOISON(block->data, block->size);
	free(block);
}

struct arena *
arena_new(size_t limit)
{
	struct arena *arena = malloc(sizeof(*arena));

	if (arena == NULL)
		return NULL;
	arena->limit = limit;
	arena->top = block_new(NULL, FIRST_BLOCK);
	if (arena->top == NULL) {
		free(arena);
		return NULL;
	}
	return arena;
}

void
arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	for (struct block *block = arena->top; block != NULL;) {
		struct block *below = block->below;

		block_free(block);
		block = below;
	}
	free(arena);
}

/* No allocation takes zero bytes: each has an address of its own. */
static size_t
rounded(size_t size)
{
	return size == 0 ? ALIGNMENT : (size + (ALIGNMENT - 1)) & ~(size_t)(ALIGNMENT - 1);
}

/* Bytes that may still be handed out under the limit. */
static size_t
left(const struct arena *arena)
{
	size_t out = arena->top->base + arena->top->used;

	return out > arena->limit ? 0 : arena->limit - out;
}

/* A new top block with room for `need`: twice the one before, but not more than the limit can ever
 * use. */
static struct block *
push(struct arena *arena, size_t need)
{
	size_t size = arena->top->size > SIZE_MAX / 2 ? need : arena->top->size * 2;
	struct block *block;

	if (size > left(arena))
		size = left(arena);
	block = block_new(arena->top, size < need ? need : size);
	if (block != NULL)
		arena->top = block;
	return block;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	struct block *top = arena->top;
	size_t need;
	char *ptr;

	if (size > SIZE_MAX - ALIGNMENT)
		return NULL;
	need = rounded(size);
	if (need > left(arena))
		return NULL;
	if (need > top->size - top->used) {
		top = push(arena, need);
		if (top == NULL)
			return NULL;
	}
	ptr = top->data + top->used;
	top->used += need;
	UNPOISON(ptr, size);
	return ptr;
}

void *
arena_grow(struct arena *arena, void *ptr, size_t old, size_t size)
{
	struct block *top = arena->top;
	void *copy;
	size_t at;

	if (ptr == NULL)
		return arena_alloc(arena, size);
	if (size > SIZE_MAX - ALIGNMENT)
		return NULL;
	if (top->used >= rounded(old) && (char *)ptr == top->data + (top->used - rounded(old))) {
		at = top->used - rounded(old);
		if (rounded(size) <= top->size - at &&
			rounded(size) <= left(arena) + rounded(old)) {
			top->used = at + rounded(size);
			POISON(ptr, rounded(old));
			UNPOISON(ptr, size);
			return ptr;
		}
	} else if (size <= old) {
		return ptr;
	}
	copy = arena_alloc(arena, size);
	if (copy == NULL)
		return NULL;
	memcpy(copy, ptr, old < size ? old : size);
	return copy;
}

struct slice
arena_copy(struct arena *arena, struct slice s)
{
	char *copy;

	if (s.ptr == NULL)
		return SLICE_NONE;
	copy = arena_alloc(arena, s.len);
	if (copy == NULL)
		return SLICE_NONE;
	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	return (struct slice){ copy, s.len };
}

struct slice
arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return SLICE_NONE;
	text = arena_alloc(arena, (size_t)len + 1);
	if (text == NULL)
		return SLICE_NONE;
	va_start(args, format);
	len = vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return (struct slice){ text, (size_t)len };
}

struct arena_mark
arena_mark(const struct arena *arena)
{
	return (struct arena_mark){ arena->top, arena->top->used };
}

void
arena_rewind(struct arena *arena, struct arena_mark mark)
{
	while (arena->top != mark.block) {
		struct block *below = arena->top->below;

		assert(below !=
			NULL); /* else the mark is of another arena, or older than a reset */
		block_free(arena->top);
		arena->top = below;
	}
	assert(mark.used <= arena->top->used);
	POISON(arena->top->data + mark.used, arena->top->used - mark.used);
	arena->top->used = mark.used;
}

void
arena_reset(struct arena *arena)
{
	struct block *first = arena->top;

	while (first->below != NULL)
		first = first->below;
	arena_rewind(arena, (struct arena_mark){ first, 0 });
}
