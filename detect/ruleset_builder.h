#ifndef DETECT_RULESET_BUILDER_H
#define DETECT_RULESET_BUILDER_H

/* Sigma's texts -> a set of rules. */

#include "detect/attack.h"
#include "detect/pattern.h"
#include "detect/ruleset.h"
#include "detect/zone.h"

/* A builder takes texts in any order; the set's order does not depend on it. */
struct ruleset_builder;
struct ruleset_builder *ruleset_builder_new(void);
void ruleset_builder_free(struct ruleset_builder *);

/* How schedules find their zones by name; without it they know UTC and offsets. */
void ruleset_builder_zones(struct ruleset_builder *, zone_find *);

/* Add a file's rules, or the operator's values for |expand, which count for all files; faults are
 * added to `faults`, here or when the set is built, and the rules that have one are left out.
 * `text` is copied. */
void ruleset_builder_add(
	struct ruleset_builder *, const char *file, struct slice text, struct faults *);

/* Compile, with databases that were compiled before, if there are any.  NULL when an error was
 * found here (in `faults`) or memory is out; reference count 1. The builder has given its rules
 * away then and can only be freed. */
struct ruleset *ruleset_build(
	struct ruleset_builder *, const struct pattern_cache *, struct faults *);

/* Warn of each rule and filter that compares a column (host_info.NAME) which the operator's table
 * of hosts does not have; NULL: there is no table. */
void ruleset_check_columns(const struct ruleset *, const struct enrich *, struct faults *);

/* Warn of tags that the table of ATT&CK does not have: techniques, and slips of tactics. */
void ruleset_check_tags(const struct ruleset *, const struct attack *, struct faults *);

#endif
