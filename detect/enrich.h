#ifndef DETECT_ENRICH_H
#define DETECT_ENRICH_H

/* The operator's own columns for a host (role, owner, environment, ...): RFC 4180 CSV whose first
 * line names the columns; the first column (or the one named "host") is the host's name in any
 * letter case. */

#include "detect/yaml.h"

#define ENRICH_COLUMNS_MAX 32
#define ENRICH_TEXT_MAX (64 * 1024 * 1024)

struct enrich;
struct enrich_row {
	size_t count;               /* of columns, the host's own left out */
	const char *const *columns; /* names, no two alike in any letter case */
	const char *const *values;  /* "" when the line has none */
};

/* NULL for no memory, or after adding an error when nothing of the file can be used.  A bad line is
 * an error and left out; of two lines for one host the first counts, and a warning says so. */
struct enrich *enrich_parse(const char *file, struct slice text, struct faults *);
void enrich_free(struct enrich *);
/* In any letter case. */
bool enrich_has_column(const struct enrich *, struct slice name);
/* `host` is folded; a file that names short names serves their FQDNs.  false when the table does
 * not have it. */
bool enrich_find(const struct enrich *, struct slice host, struct enrich_row *);

#endif
