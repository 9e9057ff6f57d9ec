#ifndef PARSERS_TEXT_H
#define PARSERS_TEXT_H

/* Sysmon's rendered message -> fields: the last resort. */

#include "parsers/wevent.h"

#define TEXT_MAX 65536 /* bytes of a message; Windows renders 32,767 UTF-16 units at most */

/* Is a field absent that each event of this id has, so that the rendered message is worth reading?
 */
bool text_is_needed(const struct wevent *);

/* Fill fields of the event that are absent from its rendered message; fields that are there stay.
 * All or nothing: a message that was rendered with the wrong manifest gives nothing. */
void text_fill(struct slice message, struct wevent *);

#endif
