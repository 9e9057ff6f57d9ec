#ifndef DAEMON_TABLE_H
#define DAEMON_TABLE_H

/* Alerts as a person reads them: a row each, sorted by time, as wide as the terminal.  Bounded by
 * TABLE_ROWS_MAX; one thread. */

#include "detect/alert.h"

#define TABLE_ROWS_MAX 1000000

struct table;

struct table *table_new(void);
void table_free(struct table *);

/* Copies what it shows, except for the rule, which must outlive the table.  Without memory, or with
 * TABLE_ROWS_MAX rows, the alert is left out and counted. */
void table_add(struct table *, const struct alert *, struct slice user);
uint64_t table_left_out(const struct table *);

/* To standard output, newest first, with colours on a terminal (NO_COLOR switches them off);
 * nothing without rows.  Errors stay in the stream. */
void table_print(struct table *);

/* The width of the terminal on standard output; without one a row is as long as it is. */
size_t table_columns(void);
/* How wide a printable text is, at most `max`. */
size_t table_width(const char *text, size_t max);
/* One cell, padded unless it is the row's last; a cut is marked.  `left`: columns that the row
 * still has. */
void table_cell(const char *text, size_t width, bool last, size_t *left);

#endif
