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

/* The windows of correlations, which several workers share.  A window is locked from when it is
 * borrowed until it is given back, when the table forgets an empty one. */
struct detect_windows {
	void *table;
	/* The window of a key, which may be new; NULL for no memory. */
	struct window *(*borrow)(void *table, struct slice key);
	void (*give_back)(void *table, struct slice key, struct window *);
	/* The one whose deadline has passed before those of all others, with its key, or NULL: a
	 * chain closes from within. */
	struct window *(*borrow_due)(
		void *table, int64_t now, char key[CORRELATE_KEY_MAX], size_t *length);
};

/* Where alerts go. */
struct detect_sink {
	void *context;
	/* Called once for each alert, in order; the alert and its JSON live until it returns. */
	void (*alert)(void *context, const struct alert *);
	/* A filter took a match away, or lowered it. */
	void (*filtered)(void *context, const struct filter *);
	/* An event took no part in a correlation: it was too late, without the value, or counted
	 * already; or the window was full, and the correlation does not say what it cannot know. */
	void (*passed_over)(void *context, const struct rule *correlation, enum window_answer);
	/* An expression was given up on the event at its limit of work: a rule may have missed it.
	 */
	void (*limited)(void *context);
};

struct detect; /* of one worker: the set in force with its scratch */

struct detect *detect_new(struct detect_hosts, struct detect_windows);
void detect_free(struct detect *);

/* Take over to a new set and new settings (both outlive the next call of this).  0 or -ENOMEM, the
 * old ones then stay. */
int detect_use(struct detect *, struct ruleset *, const struct alert_settings *);

/* One event.  Its F_Computer and host are replaced by the name under which the host is known.
 * Returns the number of rules that matched, or -ENOMEM when an alert could not be built (the others
 * were emitted). */
int detect_event(struct detect *, struct wevent *, const struct alert_source *, struct arena *,
	const struct detect_sink *);

/* Time passes; windows close, and may speak.  The owner calls it: the daemon by a timer, a replay
 * whenever event time advances.  An event received before the last tick counts as received at it.
 * 0, or -ENOMEM when an alert could not be built. */
int detect_tick(struct detect *, int64_t now, struct arena *, const struct detect_sink *);

#endif
