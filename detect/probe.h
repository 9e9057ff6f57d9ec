#ifndef DETECT_PROBE_H
#define DETECT_PROBE_H

/* Which records can hold a keyword.
 *
 * A keyword is looked for in the text of all values, which costs a walk over the record to make.  A
 * probe is a part of the keyword that JSON (RFC 8259, 7) is written without escapes: a record that
 * has none of them in it as it came, and none of their characters as a number, has no keyword in
 * its text. */

#include "detect/pattern.h"
#include "parsers/arena.h"

/* Add the probe of a keyword to those of the field, which is none of the event's.  0; -ENOENT when
 * it has none, so that each text is to be looked at; -ENOMEM.  Tokens are the arena's. */
int probe_add(struct pattern_set *, enum wevent_field, struct glob keyword, struct arena *);

/* Add what finds characters that are written as numbers.  0 or -ENOMEM. */
int probe_add_numbers(struct pattern_set *, enum wevent_field, struct arena *);

#endif
