#ifndef DETECT_SIGMA_H
#define DETECT_SIGMA_H

/* One Sigma document -> a rule with its condition, or a filter, ready to be compiled into a set. */

#include "detect/condition.h"
#include "detect/correlate.h"
#include "detect/filter.h"
#include "detect/logsource.h"
#include "detect/reader.h"

enum sigma_kind { SIGMA_RULE, SIGMA_FILTER, SIGMA_CORRELATION };

/* A document. */
struct sigma_rule {
	enum sigma_kind kind;
	struct rule rule;           /* but for its index */
	struct slice category;      /* of its logsource, or absent */
	const struct route *routes; /* the events that it is for */
	uint32_t route_count;       /* 0: it is idle, since none of them come here */
	struct condition condition; /* but for its patterns' ids */
	int line, column;           /* of the document */
	int id_line, id_column;
	struct filter filter;           /* of SIGMA_FILTER, but for its index */
	struct correlation correlation; /* of SIGMA_CORRELATION, but for its references' rules */
	bool level;                     /* there is one */
};

/* Read a document's root.  All text is copied into the reader's arena, `file` is borrowed for as
 * long.  0; -EINVAL after adding at least one error, of the rule only id and name being there then,
 * if it has them; -ENOMEM.  Warnings may be added in any case, and fields that are new. */
int sigma_parse(struct sigma_reader *, const char *file, struct fy_node *root, struct sigma_rule *);

#endif
