#ifndef DETECT_PLACEHOLDERS_H
#define DETECT_PLACEHOLDERS_H

/* The operator's lists of values for |expand: a document with the key 'placeholders', a map from a
 * name to a value or a list of values.
 *
 *     placeholders:
 *         DomainControllers: [ dc01, dc02 ]
 */

#include "detect/reader.h"

#define PLACEHOLDER_NAME_MAX 64

struct placeholder {
	const char *name;
	struct slice *values; /* with a NUL behind each */
	uint32_t count;
};

/* All that have been read; zero-initialise.  Everything in it is the arena's. */
struct placeholders {
	struct placeholder *list;
	uint32_t count, size;
};

/* Is this document one of placeholders? */
bool placeholders_are(struct fy_node *root);

/* Add those of the document.  Faults are the reader's; what has none is added. */
void placeholders_read(struct sigma_reader *, struct fy_node *root, struct placeholders *);

/* The one of this name, or NULL. */
const struct placeholder *placeholders_find(const struct placeholders *, struct slice name);

/* The first %name% of the text: its place, with the signs in *len.  text.len when there is none. */
size_t placeholders_next(struct slice text, size_t *len);

#endif
