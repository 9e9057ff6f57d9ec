#ifndef DAEMON_CONN_H
#define DAEMON_CONN_H

/* The TCP connections of one worker: read, framed, given to the pipeline; their deadlines and
 * limits.  Nothing is ever written to a client.  On the worker's thread.
 *
 * A connection holds only its partial message, and that is charged to limits.memory
 * (daemon/memory.h). */

#include "daemon/worker.h"

#define CONN_READS_MAX 4 /* of one connection before the next has its turn */
#define CONN_PARKED_SECONDS \
	10 /* without relief, then the oldest incomplete message is given up, one a second */
#define CONN_FINISH_BYTES_MAX \
	(16 * 1024 * 1024)      /* read of one connection in one round at the stop */
#define CONN_FINISH_PAUSE_MS 50 /* between two rounds */

struct conn_set;

struct conn_set_parts { /* borrowed */
	struct event_base *base;
	struct pipeline *pipeline;
	struct metrics *metrics;
	unsigned index; /* of the worker, in what it publishes in `memory` */
	struct worker_metrics *worker_metrics;
	struct memory *memory;
	_Atomic size_t *open; /* goes down with each connection that ends */
};

/* NULL for no memory. */
struct conn_set *conn_set_new(const struct conn_set_parts *, const struct worker_settings *);
/* Closes what is left, unfinished. */
void conn_set_free(struct conn_set *);

void conn_set_use(struct conn_set *, const struct worker_settings *);

/* A connection that was accepted; the descriptor, which does not block, is the set's, also on
 * failure (it is then closed). */
void conn_set_add(
	struct conn_set *, int fd, struct listener *, const struct sockaddr_storage *peer);

/* Once a second: idle connections, and those that memory has stopped. */
void conn_set_tick(struct conn_set *);

/* The stop: read what the kernel has of each connection, until the deadline (clock_monotonic),
 * finish its last message, close. */
void conn_set_finish(struct conn_set *, int64_t deadline);

#endif
