#ifndef DAEMON_RULE_FILES_H
#define DAEMON_RULE_FILES_H

/* The files of rules.paths and rules.filters: which they are, and their texts. */

#include <limits.h>

#include "daemon/conf.h"
#include "detect/ruleset_builder.h"

#define RULE_FILES_BESIDE_MAX (2 * PATH_MAX)

/* An error of a path itself: at its place in the configuration, with the setting, else as the
 * path's own. */
void rule_files_fault(struct faults *, const struct conf_path *, const char *setting, const char *,
	...) __attribute__((format(printf, 4, 5)));

/* Give all of them to the builder: *.yml and *.yaml, by name, links to directories not followed.
 * What cannot be read is an error. */
void rule_files_read(const struct conf *, struct ruleset_builder *, struct faults *);

/* Find what stands beside a path of rules in a source tree and in an installed one, below
 * PKGDATADIR for rules of one's own; `rules` may be NULL.  false: it is nowhere; `file` is then
 * where it was looked for last. */
bool rule_files_beside(const char *rules, const char *name, char file[RULE_FILES_BESIDE_MAX]);

#endif
