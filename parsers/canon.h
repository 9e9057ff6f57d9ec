#ifndef PARSERS_CANON_H
#define PARSERS_CANON_H

/* One spelling for each value, and one event for each thing that happened, whoever recorded it.
 * Functions that make new text make it in the arena; text that is as it should be is given back as
 * it is. */

#include "parsers/layout.h"

/* The value, or absent when it is "", "-" or the zero GUID, which mean that there is none. */
struct slice canon_present(struct slice);

/* Text in capitals; texts one behind the other, which may hold any byte.  Absent for no memory. */
struct slice canon_upper(struct slice, struct arena *);
struct slice canon_concat(const struct slice *parts, size_t count, struct arena *);

/* Eight-four-four-four-twelve hexadecimal digits, in braces or without. */
bool canon_is_guid(struct slice);

/* Was the event recorded by Sysmon for Windows? */
bool canon_is_sysmon(const struct wevent *);

/* Does canon_security() have something to say about this event? */
bool canon_is_security(const struct wevent *);

/* Security 4688, 4656, 4663 and 4657: canonical fields from event data.  false: no memory. */
bool canon_security(struct wevent *, const struct slice data[D_MAX], struct arena *);

/* For every event, at last: spelling of GUIDs and LogonId, the host, the channel of an event that
 * names only its provider. false: no memory. */
bool canon_finish(struct wevent *, struct arena *);

#endif
