#ifndef DETECT_LINT_H
#define DETECT_LINT_H

/* What is odd about a rule that is not wrong: warnings for `check`. */

#include "detect/condition.h"

/* Can the condition be true at all, whatever the event?  Looked at where there are few items; true
 * when it is not known. */
bool lint_can_be_true(const struct condition *);

/* The name of a field of the condition that no event of the category has, or NULL; NULL as well for
 * a category whose fields are not listed here. */
const char *lint_foreign_field(struct slice category, const struct condition *);

#endif
