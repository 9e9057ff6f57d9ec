#ifndef PARSERS_UTF8_H
#define PARSERS_UTF8_H

/* UTF-8 as of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */

#include "parsers/arena.h"

/* The length of the valid prefix; s.len when all of it is valid. */
size_t utf8_valid(struct slice s);

/* s itself when it is valid; else a copy in the arena in which each maximal bad sequence
 * (Unicode 3.9, U+FFFD substitution of maximal subparts) is U+FFFD.  Absent for no memory. */
struct slice utf8_repair(struct slice s, struct arena *);

#endif
