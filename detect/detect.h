#ifndef DETECT_DETECT_H
#define DETECT_DETECT_H

/* The only door of the detection: one event goes through host_observe, the rules, host_decide, and
 * comes out as alerts.
 *
 * Locks belong to the caller: `borrow` finds or adds the host and locks it, `give_back` unlocks it.
 * A host is held only inside host_observe and host_decide, and never two at once. */

#include "detect/alert.h"

struct detect_hosts {
	void *table;
	/* NULL when the host cannot be remembered (no memory): detection goes on without it. */
	struct host *(*borrow)(void *table, struct slice name, int64_t now);
	void (*give_back)(void *table, struct host *);
};

/* Where alerts go. */
struct detect_sink {
	void *context;
	/* Called once for each alert, in order; the alert and its JSON live until it returns. */
	void (*alert)(void *context, const struct alert *);
	/* A filter took a match away, or lowered it. */
	void (*filtered)(void *context, const struct filter *);
};

struct detect; /* of one worker: the set in force with its scratch */

struct detect *detect_new(struct detect_hosts);
void detect_free(struct detect *);

/* Take over to a new set and new settings (both outlive the next call of this).  0 or -ENOMEM, the
 * old ones then stay. */
int detect_use(struct detect *, struct ruleset *, const struct alert_settings *);

/* One event.  Its F_Computer and host are replaced by the name under which the host is known.
 * Returns the number of rules that matched, or -ENOMEM when an alert could not be built (the others
 * were emitted). */
int detect_event(struct detect *, struct wevent *, const struct alert_source *, struct arena *,
	const struct detect_sink *);

/* Time passes; windows close.  The owner calls it: the daemon by a timer, a replay whenever event
 * time advances.  An event received before the last tick counts as received at it. */
void detect_tick(struct detect *, int64_t now);

#endif
