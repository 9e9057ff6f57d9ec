#ifndef DETECT_ATTACK_H
#define DETECT_ATTACK_H

/* MITRE ATT&CK techniques: id -> name and tactics, from the shipped table etc/attack.tsv
 * (id TAB name TAB tactics, comma-separated; # starts a comment). */

#include "detect/yaml.h"

struct attack;
struct technique {
	const char *id;
	const char *name;
	const char *const *tactics; /* NULL-terminated */
};

/* NULL for no memory; bad lines are faults and left out. */
struct attack *attack_parse(const char *file, struct slice text, struct faults *);
void attack_free(struct attack *);
/* NULL when the table does not have it, or there is no table. */
const struct technique *attack_find(const struct attack *, const char *id);

/* The tactic that the word is probably a slip for; NULL when it is one itself, or like none. */
const char *attack_tactic_meant(const struct attack *, struct slice);

#endif
