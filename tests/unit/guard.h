#ifndef TESTS_UNIT_GUARD_H
#define TESTS_UNIT_GUARD_H

/* Test input whose end touches a page that cannot be read: a parser that looks one byte too far
 * dies at once, with or without a sanitizer. */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "parsers/slice.h"

/* The bytes of whole pages that hold `len` bytes; one page at least. */
static inline size_t
guard_pages(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return len == 0 ? page : (len + page - 1) / page * page;
}

/* A copy; an absent slice stays absent. */
static inline struct slice
guard_copy(struct slice s)
{
	size_t size = guard_pages(s.len);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *map, *copy;

	if (s.ptr == NULL)
		return SLICE_NONE;
	map = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || mprotect(map + size, page, PROT_NONE) == -1)
		abort();
	copy = map + size - s.len;
	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	return (struct slice){ copy, s.len };
}

/* What guard_copy() gave, with its length. */
static inline void
guard_free(struct slice s)
{
	size_t size = guard_pages(s.len);

	if (s.ptr == NULL)
		return;
	if (munmap((void *)(uintptr_t)(s.ptr + s.len - size),
		    size + (size_t)sysconf(_SC_PAGESIZE)) == -1)
		abort();
}

#endif
