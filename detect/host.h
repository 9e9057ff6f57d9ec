#ifndef DETECT_HOST_H
#define DETECT_HOST_H

/* What is remembered of one host.  A host has a fixed size and no pointers, so it can be bounded,
 * moved and (later) saved as it is.  Time is microseconds, handed in; nothing here locks: the owner
 * of the table does. */

#include "detect/ruleset.h"
#include "parsers/wevent.h"

#define HOST_NAME_MAX_BYTES 255 /* RFC 1035; a longer name is cut here, in one place */
#define HOST_EVENT_IDS 24       /* event ids counted apart; the rest together */
#define HOST_ALERT_TYPES 8      /* detection types counted apart; the rest together */
#define HOST_ADDRESS_MAX 64
#define HOST_CLOCK_AHEAD_MAX (INT64_C(86400) * 1000000) /* further ahead no event time is kept */

struct host {
	int64_t first_seen; /* receive time */
	int64_t last_seen;
	int64_t last_event; /* highest event time accepted; STAMP_NONE when none */
	uint64_t events;
	uint64_t alerts; /* rules that matched, whether or not they shared an alert */
	struct {
		int32_t id;
		uint32_t count;
	} event_ids[HOST_EVENT_IDS]; /* a place with count 0 is free, and so are all behind it */
	uint64_t other_event_ids;
	struct {
		uint64_t type; /* hash of the detection type */
		uint32_t count;
	} alert_types[HOST_ALERT_TYPES]; /* free places as above */
	uint64_t other_alert_types;
	char address[HOST_ADDRESS_MAX]; /* it comes through, without the port; "" when unknown */
	unsigned char name_length;
	char name[HOST_NAME_MAX_BYTES];
};

/* A copy of what an alert says of its host ("host_state"), taken under the lock, used after it. */
struct host_state {
	int64_t first_seen;
	int64_t last_seen; /* before this event; STAMP_NONE for the first */
	uint64_t events;   /* with this one */
	uint64_t alerts;   /* before this one */
	char address[HOST_ADDRESS_MAX];
	unsigned char name_length;
	char name[HOST_NAME_MAX_BYTES];
};

void host_init(struct host *, struct slice name, int64_t now);

/* The first door, before the rules: the event is counted and what alerts want to know is copied
 * out. `address` may be absent. */
void host_observe(struct host *, const struct wevent *, struct slice address, int64_t now,
	struct host_state *);

/* The second door, after the rules, for events that a rule matched: the matches are counted.
 * Returns how many of them go on to become alerts (all of them, today), moved to the front. */
size_t host_decide(struct host *, const struct wevent *, const struct match **matches, size_t count,
	int64_t now);

/* `from` was the same host under a short name: its counts are added. */
void host_merge(struct host *into, const struct host *from);

/* The host's key: Computer in lower case, trailing dots cut, at most HOST_NAME_MAX_BYTES; copied
 * into `name`.  Returns the length, 0 when nothing is left. */
size_t host_fold(struct slice computer, char name[HOST_NAME_MAX_BYTES]);

#endif
