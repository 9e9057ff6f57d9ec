#ifndef DETECT_PROBE_H
#define DETECT_PROBE_H

/* Which records can hold a keyword.
 *
 * A keyword is looked for in the text of all values, which costs a walk over the record to make.  A
 * probe is a part of the keyword that JSON (RFC 8259, 7) is written without escapes: a record that
 * has none of them in it as it came, and none of their characters as a number, has no keyword in
 * its text. */

#include "detect/ruleset_parts.h"

/* The probes of each channel's keywords, as patterns of a field that is none of the event's, where
 * all of them have one.  For channels that index_make() has made.  0 or -ENOMEM. */
int probes_make(struct ruleset *);

#endif
