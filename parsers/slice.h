#ifndef PARSERS_SLICE_H
#define PARSERS_SLICE_H

/* A pointer and a length, by value.  Bytes are not NUL-terminated and may hold any value.  Absent
 * is ptr == NULL; empty (ptr set, len 0) is not absent.  Folding is ASCII only and independent of
 * the locale. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const char *ptr;
	size_t len;
};

#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })
#define SLICE_NONE ((struct slice){ NULL, 0 })

/* SLICE() where C wants a constant: the initializers of static tables. */
#define SLICE_INIT(literal)                    \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

/* A slice over a NUL-terminated string that outlives it; absent for NULL. */
struct slice slice_of(const char *);

/* Bytes [from, to) of s, both cut to its length. */
struct slice slice_sub(struct slice s, size_t from, size_t to);

/* Without leading and trailing blanks, tabs, CR and LF. */
struct slice slice_trim(struct slice);

/* The letter A-Z in lower case, any other byte unchanged. */
unsigned char slice_lower(unsigned char);

bool slice_equal(struct slice, struct slice);
bool slice_equal_nocase(struct slice, struct slice);
bool slice_prefix(struct slice s, struct slice prefix);
bool slice_prefix_nocase(struct slice s, struct slice prefix);
bool slice_suffix_nocase(struct slice s, struct slice suffix);

/* Where needle begins in s, or s.len when it does not occur. */
size_t slice_find(struct slice s, struct slice needle);
size_t slice_find_byte(struct slice s, char byte);

/* The whole slice as an unsigned decimal, or as 0x-prefixed hexadecimal with slice_number_any(); no
 * sign, no blanks. 0, or -EINVAL (not a number) or -ERANGE (over max); *n is untouched on failure.
 */
int slice_number(struct slice, uint64_t max, uint64_t *n);
int slice_number_any(struct slice, uint64_t max, uint64_t *n);

#endif
