#ifndef DAEMON_RULES_H
#define DAEMON_RULES_H

/* Everything that a reload replaces at once: the compiled rules, the ATT&CK table, the operator's
 * host columns and the alert settings.  Immutable, counted, handed to the workers by message. */

#include "daemon/conf.h"
#include "detect/alert.h"
#include "detect/ruleset.h"

struct rules {
	struct ruleset *set;
	struct alert_settings alert; /* points into this struct's own tables */
	struct attack *attack;
	struct enrich *enrich; /* or NULL */
	char *collector;       /* gethostname */
	_Atomic unsigned references;
};

/* Reads the folders (*.yml, *.yaml, by name, links to directories not followed) and builds.  NULL
 * with at least one error in faults. */
struct rules *rules_load(const struct conf *, struct faults *);
struct rules *rules_ref(struct rules *);
void rules_unref(struct rules *);

/* A whole file into memory: at most `max` bytes.  0 or -errno; free() *bytes. */
int rules_read_file(const char *path, size_t max, char **bytes, size_t *length);
/* The same from a descriptor, to its end. */
int rules_read_fd(int fd, size_t max, char **bytes, size_t *length);

#endif
