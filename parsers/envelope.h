#ifndef PARSERS_ENVELOPE_H
#define PARSERS_ENVELOPE_H

/* A message -> syslog header and payload: RFC 5424, RFC 3164 in its variants, or none.  Never
 * refuses: what is no header is payload.  All slices are of the message. */

#include "parsers/slice.h"

enum envelope_kind { ENVELOPE_NONE, ENVELOPE_RFC3164, ENVELOPE_RFC5424 };

struct envelope {
	enum envelope_kind kind;
	int pri;      /* 0-191; -1 when there is none */
	int64_t time; /* the header's time, microseconds UTC; STAMP_NONE when there is none */
	struct slice hostname; /* the sender's word; a relay's where it was relayed */
	struct slice app_name; /* RFC 5424 APP-NAME, RFC 3164 TAG */
	struct slice procid;
	struct slice msgid;
	struct slice structured_data; /* "[...]..." as it stands, absent for "-" */
	bool cee;                     /* the @cee: cookie stood before the payload */
	struct slice payload;         /* after byte order marks, cookie and blanks */
};

/* `now` (microseconds) gives RFC 3164 times their year. */
void envelope_parse(struct slice message, int64_t now, struct envelope *);

#endif
