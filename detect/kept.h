#ifndef DETECT_KEPT_H
#define DETECT_KEPT_H

/* The events that a window keeps for its alert, by time: few of many, but one of each time span
 * that had any.  Of three within one time span the one in the middle goes, since a span that it is
 * in has one of the others as well; so there are at most two for each span, and one more.
 *
 * Of an event its canonical fields are kept, all together cut at KEPT_EVENT_MAX bytes. */

#include <stdbool.h>

#include "parsers/wevent.h"

#define KEPT_EVENT_MAX 8192
#define KEPT_MAX (KEPT_EVENT_MAX + 256) /* bytes that one takes */

struct kept;

/* Zero-initialise; kept_done() frees what is in it. */
struct kept_events {
	struct kept **list;
	uint32_t count, size;
	size_t bytes;
};

void kept_done(struct kept_events *);

/* The bytes that they take. */
size_t kept_size(const struct kept_events *);

/* Keep an event of this time.  false for no memory. */
bool kept_add(struct kept_events *, const struct wevent *, int64_t time, int64_t timespan);

/* Forget those before a time. */
void kept_forget(struct kept_events *, int64_t before);

/* The last one up to a time, which lives as long as it is kept.  false when there is none. */
bool kept_find(const struct kept_events *, int64_t until, struct wevent *);

#endif
