#ifndef DETECT_LINT_H
#define DETECT_LINT_H

/* What is odd about a rule that is not wrong: warnings for `check`. */

#include "detect/condition.h"
#include "detect/reader.h"

/* Can the condition be true at all, whatever the event?  Looked at where there are few items; true
 * when it is not known. */
bool lint_can_be_true(const struct condition *);

/* Warn of the document's fields that no event of the category has, where the category's fields are
 * listed here, and else of those that look like slips for others. */
void lint_fields(struct sigma_reader *, struct slice category, struct fy_node *root);

/* Have events of the category a field of this name?  true for a category whose fields are not
 * listed here. */
bool lint_has_field(struct slice category, const char *name);

#endif
