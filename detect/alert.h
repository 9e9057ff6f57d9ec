#ifndef DETECT_ALERT_H
#define DETECT_ALERT_H

/* An alert: the columns of the original search, who and what around them, a stable id, and its JSON
 * on one line. */

#include "detect/attack.h"
#include "detect/enrich.h"
#include "detect/host.h"
#include "detect/window.h"
#include "parsers/arena.h"

#define ALERT_SCHEMA "1"
#define ALERT_ID_MAX 33          /* 128 bits in hexadecimal and a NUL */
#define ALERT_DATAGRAM_MAX 60000 /* bytes of JSON that fit into any datagram, with an envelope */

enum alert_mode { ALERT_PER_EVENT, ALERT_PER_RULE };

struct alert_settings {
	enum alert_mode mode;
	bool raw;       /* event_raw is wanted */
	bool filtered;  /* alerts of what filters took away are wanted too */
	size_t raw_max; /* its bytes, at most; a cut is marked */
	const struct attack *attack;
	const struct enrich *enrich; /* or NULL */
	const char *collector;       /* this machine's name */
	const char *version;
};

/* How the event came here. */
struct alert_source {
	struct slice input;   /* the input's name, or the file of a replay */
	struct slice peer;    /* address and port; absent in a replay */
	struct slice address; /* the peer's address alone */
	int64_t received;     /* microseconds */
};

/* What came together in a match of a correlation. */
struct correlated {
	const struct correlation *correlation;
	struct slice key; /* of its group */
	struct correlation_result result;
};

/* Has a filter lowered the match, or all that came together in it? */
bool alert_is_lowered(const struct match *);

struct alert {
	char id[ALERT_ID_MAX];
	char event_id[ALERT_ID_MAX];
	const struct rule *rule; /* the one that speaks: core first, else the highest level */
	bool filtered;           /* a filter took it away, */
	bool lowered;            /* or lowered its level, or those of all that came together */
	enum severity severity;  /* the highest of all matches */
	int64_t time;            /* the event's, else when it was received */
	struct slice host;
	struct slice message; /* the readable line; lives in the arena */
	struct slice json;    /* one line without its LF, valid UTF-8; lives in the arena */
	/* When that is longer than ALERT_DATAGRAM_MAX, the same without event_raw and with its long
	 * values cut, so that nobody escapes by padding; else absent. */
	struct slice short_json;
};

/* SHA-256 cut to 128 bits, in hexadecimal.  An event's identity is host, Channel, EventRecordID,
 * EventCode, UtcTime (else the record's time) and ProcessGuid; without a record id, these and all
 * canonical fields.  An alert's is the event's and the rule's.
 * 0, or -ENOMEM with `id` untouched. */
int alert_event_id(const struct wevent *, char id[ALERT_ID_MAX]);
int alert_id(const char event_id[ALERT_ID_MAX], const struct rule *, char id[ALERT_ID_MAX]);

/* One alert of the `count` matches of one event, matches[0] being the one that speaks, with the
 * highest of their levels.  `event_id`
 * is handed in because it is taken before the event gets the name under which its host is known:
 * that name may change, the event's identity does not.
 * 0, or -ENOMEM with `*alert` untouched. */
int alert_build(const struct alert_settings *, const struct alert_source *, const struct wevent *,
	const char event_id[ALERT_ID_MAX], const struct host_state *,
	const struct match *const *matches, size_t count, struct arena *, struct alert *);

#endif
