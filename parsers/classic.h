#ifndef PARSERS_CLASSIC_H
#define PARSERS_CLASSIC_H

/* Events whose strings have no names, and PowerShell's that came as rendered text -> the fields
 * that rules name.
 *
 * "Data" is all strings of a classic event, a line each, or its message where the record has no
 * others: an agent may have forwarded nothing else.  Sysmon's and Security's strings all have
 * names: their events have no Data. */

#include "parsers/layout.h"

/* Does classic_map() have something to say about this event? */
bool classic_is_needed(const struct wevent *);

/* Fill what is absent from event data and the rendered message, either of which may be absent.  Of
 * an event that the sender cut nothing is told that text behind the cut could change.  false: no
 * memory. */
bool classic_map(struct wevent *, const struct slice data[D_MAX], struct slice message,
	const struct wevent_names *, struct arena *);

#endif
