#ifndef DAEMON_DEAD_LETTER_H
#define DAEMON_DEAD_LETTER_H

/* Messages that could not be used, one JSON object a line: time, input, peer, reason, length, and
 * the bytes as "text", or "base64" when they are no text.  Bounded: at half of the bound the file
 * becomes FILE.1 and a new one begins.  A thread of its own writes, so that a slow disk holds up no
 * worker; what waits for it is bounded and what does not fit is counted. */

#include "daemon/metrics.h"
#include "parsers/reason.h"

#define DEAD_LETTER_BYTES_MAX (64 * 1024) /* kept of one message; a cut is marked */
#define DEAD_LETTER_QUEUE_MAX (8 * 1024 * 1024)

struct dead_letters;

/* `path` NULL: nothing is written.  NULL for no memory; a file that can't be opened is logged and
 * tried again. */
struct dead_letters *dead_letters_new(const char *path, uint64_t max, struct metrics *);
void dead_letters_free(struct dead_letters *); /* writes what waits */

/* Any thread; never waits for the disk. */
void dead_letters_add(struct dead_letters *, int64_t now, const char *input, const char *peer,
	enum reason, struct slice bytes);

#endif
