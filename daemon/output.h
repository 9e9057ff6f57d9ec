#ifndef DAEMON_OUTPUT_H
#define DAEMON_OUTPUT_H

/* The outputs: one thread with its own event_base and evdns.  Each output follows the journal by a
 * cursor of its own, batches, reconnects with back-off and jitter, and counts what it sent, lost
 * and waited for.  A dead output holds up nobody else.
 *
 * "Sent" is what the kernel has taken.  An alert that was cut in its middle by a lost connection is
 * sent again from its start. */

#include <sys/types.h>

#include "daemon/conf.h"
#include "daemon/journal.h"
#include "daemon/metrics.h"

/* Formatted and not yet given to the kernel, of one output; the last alert may go over. */
#define OUTPUT_WINDOW (256 * 1024) /* bytes */
#define OUTPUT_PIECES 1024         /* alerts */

#define OUTPUT_BACKOFF_FIRST_MS 500 /* before the first new attempt; doubles */
#define OUTPUT_BACKOFF_MAX_MS 30000
#define OUTPUT_CONNECT_SECONDS 10 /* for an attempt to connect to one address */
#define OUTPUT_STEADY_SECONDS 10  /* a connection that held so long starts the back-off anew */
#define OUTPUT_REMOVED_SECONDS 2  /* for an output that a reload removed to send what waits */

struct outputs;

/* Starts the thread and has the journal wake it (journal_wake).  Both live until outputs_free(),
 * and nobody appends during that. Out of memory or descriptors: NULL. */
struct outputs *outputs_new(struct journal *, struct metrics *);

/* Take over to this configuration, which is copied.  An output that is unchanged goes on; one whose
 * settings changed under the same name goes on at the same alert with its new settings; one that is
 * gone sends what waits, in the background and for OUTPUT_REMOVED_SECONDS at most, and ends; a new
 * one begins at the journal's end.  Files are reopened (logrotate).  Called from the main thread;
 * returns when it is done.  0, or -ENOMEM with everything as it was.
 * Files are created by whoever the process is then: call it when privileges are dropped. */
int outputs_use(struct outputs *, const struct conf *);

/* Stop: send what is in the journal until `milliseconds` are over, close, end the thread.  Returns
 * the number of alerts that were not sent, summed over the outputs.  outputs_view() works until
 * outputs_free(). */
uint64_t outputs_stop(struct outputs *, int64_t milliseconds);
void outputs_free(struct outputs *);

/* A copy for a report, names included; free() it.  NULL for no memory (or no outputs), *count is
 * then 0.  From the main thread. */
struct output_view *outputs_view(struct outputs *, size_t *count);

/* The bytes of one entry on the wire, with its trailer or count, appended to the buffer: bare or in
 * an RFC 5424 envelope (facility 13, the alert's severity; HOSTNAME is the collector, APP-NAME
 * t1505d, MSGID alert), LF or octet-counted; a datagram has neither, and the alert's short form
 * where it has one. 0, or -ENOMEM with the buffer
 * as it was.  In out_syslog.c. */
struct evbuffer;
int output_format(struct evbuffer *, const struct conf_output *, const char *collector,
	const struct journal_entry *);

/* What the way out of one type is made of: a table of functions in out_syslog.c or out_file.c. They
 * run on the output thread and never block. */
struct event_base;
struct evdns_base;

struct output_loop {
	struct event_base *base;
	struct evdns_base *dns;
	unsigned lookups; /* that have not ended; resolv.conf is read anew when there is none */
};

struct output_opening {
	struct output_loop *loop;
	const struct conf_output *conf; /* lives as long as the channel */
	/* The end of an open() that answered -EINPROGRESS: NULL when the channel is open, else why
	 * not (it is to be closed then). */
	void (*opened)(void *, const char *why);
	void *argument;
};

struct output_methods {
	bool datagrams;
	bool reopen; /* by a reload, for logrotate */

	/* 0: open.  -EINPROGRESS: opened() will be called, once, unless the channel is closed
	 * before.  Else -errno and no channel. */
	int (*open)(const struct output_opening *, void **channel);

	/* To be watched: readable means that the peer has closed or talks, writable that write()
	 * may go on.  -1: cannot be watched. */
	int (*descriptor)(const void *channel);

	/* Give the kernel what it takes of the buffer and drain that; `first` is the length of the
	 * first alert, all that a datagram takes. The number of bytes, or -errno: -EAGAIN and
	 * -ENOBUFS for later, -EMSGSIZE when this one can never go, else the channel is done for.
	 */
	ssize_t (*write)(void *channel, struct evbuffer *, size_t first);

	/* `partial`: bytes that were written of an alert whose rest was not. */
	void (*close)(void *channel, size_t partial);

	/* Where it leads, for messages. */
	void (*peer)(const void *channel, char *text, size_t size);
};

#endif
