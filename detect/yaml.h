#ifndef DETECT_YAML_H
#define DETECT_YAML_H

/* YAML text -> libfyaml documents, guarded: a text that is not valid UTF-8, holds control
 * characters, starts a line with '%' or exceeds 1 MiB is refused before libfyaml sees it; aliases
 * expand under a node limit.  Every fault has its place. */

#include <libfyaml.h>

#include "parsers/arena.h"

#define YAML_TEXT_MAX (1024 * 1024)
#define YAML_NODES_MAX 100000 /* of a document after its aliases are expanded */

/* Faults in the order in which they are found; a sorted report is the caller's. */
struct fault {
	char *file;
	int line;   /* from 1; 0 when the whole file is meant */
	int column; /* from 1, in bytes */
	bool warning;
	char *text; /* what is wrong and what to do */
};

struct faults {
	struct fault *list;
	size_t count;
	size_t errors; /* of them, those that are no warnings */
};

/* Add one fault; out of memory it is counted all the same. */
void faults_add(struct faults *, const char *file, int line, int column, bool warning, const char *,
	...) __attribute__((format(printf, 6, 7)));
void faults_done(struct faults *);

/* "FILE:LINE:COLUMN", or FILE alone when all of it is meant, cut to `size`.  Returns `text`. */
const char *fault_place(const struct fault *, char *text, size_t size);

struct yaml; /* a text and its documents */

/* Parse `text` (borrowed until yaml_free) with `file` as its name in faults.  NULL after adding at
 * least one error.  A duplicate key is an error that leaves the documents, so that all other faults
 * can be found in them. */
struct yaml *yaml_parse(const char *file, struct slice text, struct faults *);
void yaml_free(struct yaml *);
const char *yaml_file(const struct yaml *);

/* The roots in order (--- starts a new document); an empty document is not listed. */
size_t yaml_count(const struct yaml *);
struct fy_node *yaml_root(const struct yaml *, size_t index);

/* A scalar's text after YAML's own escapes, borrowed from the document; absent for other nodes. */
struct slice yaml_scalar(struct fy_node *);

/* Is the scalar plain (unquoted), so that null, true and numbers have their YAML meaning? */
bool yaml_plain(struct fy_node *);

/* The node's place, for faults that are found when the text is gone. */
void yaml_place(const struct yaml *, struct fy_node *, int *line, int *column);

/* An error or a warning at the node's place. */
void yaml_fault(const struct yaml *, struct fy_node *, struct faults *, bool warning, const char *,
	...) __attribute__((format(printf, 5, 6)));

#endif
