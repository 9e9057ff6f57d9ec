#ifndef PARSERS_VALUES_H
#define PARSERS_VALUES_H

/* The values of a record as one text, for searches that name no field. */

#include "parsers/arena.h"
#include "parsers/slice.h"

/* The strings, numbers and words of a JSON text (RFC 8259) without its keys, escapes resolved, one
 * on a line.  The text need not be whole or valid: what is no string stands as it is.  Allocated in
 * the arena, never longer than the text; absent for no memory. */
struct slice values_text(struct slice json, struct arena *);

#endif
