#ifndef DAEMON_REPORT_H
#define DAEMON_REPORT_H

/* The counters for those who read them.  Each is text that the caller frees; NULL for no memory. */

#include "daemon/metrics.h"

/* What an operator wants to see at a glance. */
char *report_text(struct metrics *, const struct metrics_view *);
/* One JSON object with every counter. */
char *report_json(struct metrics *, const struct metrics_view *);
/* Prometheus' text format, version 0.0.4. */
char *report_prometheus(struct metrics *, const struct metrics_view *);

#endif
