#ifndef DAEMON_JOURNAL_H
#define DAEMON_JOURNAL_H

/* Alerts between detection and outputs: a log in memory with a sequence number an entry and a
 * cursor an output. Appending never waits: at the bound the oldest entry goes, and is counted for
 * each output that had not sent it. Appended from any thread, read from the output thread.
 *
 * The readers own their cursors.  output.c tells the journal the lowest of them (journal_done), and
 * what lies below can go; when there is no output at all it says JOURNAL_NOBODY, and entries then
 * get their number but are not kept. */

#include "detect/alert.h"

struct journal_entry {
	uint64_t sequence; /* from 1 */
	int64_t time;      /* the alert's */
	enum severity severity;
	size_t length;       /* of json, without LF */
	size_t short_length; /* of the short form, which lies behind it; 0: there is none */
	char json[];
};

struct journal;

#define JOURNAL_NOBODY UINT64_MAX

/* `max`: bytes of entries, their headers included.  NULL for no memory. */
struct journal *journal_new(size_t max);
void journal_free(struct journal *);

/* `wake` is called, from any thread and without a lock, after an append to a journal whose readers
 * had read everything.  outputs_new() sets it; set it while nobody appends.  NULL: nobody is woken.
 */
void journal_wake(struct journal *, void (*wake)(void *), void *);

/* Copies the alert.  Its sequence number, or 0 when memory is out or the alert alone is over the
 * bound (counted by the caller as lost). */
uint64_t journal_append(struct journal *, const struct alert *);

/* A new reader begins at the journal's end: its cursor.  From here on entries are kept for it. */
uint64_t journal_begin(struct journal *);

/* Readers: a cursor is the sequence number of the last entry that is done with.  The first entry
 * after it is held for the caller until journal_release(); NULL when there is none.  *skipped:
 * entries after the cursor that were dropped at the bound. */
struct journal_entry *journal_next(struct journal *, uint64_t cursor, uint64_t *skipped);
void journal_release(struct journal *, struct journal_entry *);

/* The lowest of all readers' cursors: entries up to it can go.  JOURNAL_NOBODY when there is no
 * reader. */
void journal_done(struct journal *, uint64_t cursor);

uint64_t journal_last(struct journal *); /* 0: nothing was appended */
size_t journal_bytes(struct journal *);  /* of entries that are kept */

#endif
