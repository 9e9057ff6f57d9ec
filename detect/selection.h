#ifndef DETECT_SELECTION_H
#define DETECT_SELECTION_H

/* The detection of a Sigma document: selections and a condition -> a program. */

#include "detect/condition.h"
#include "detect/reader.h"

/* Read the map of selections at `value`, which is that of `key`, into `out`, but for its patterns'
 * ids.  Its keys of these other names (NULL-terminated) are no selections.  Faults are the
 * reader's.
 */
void selection_read(struct sigma_reader *, struct fy_node *key, struct fy_node *value,
	const char *const *others, struct condition *out);

#endif
