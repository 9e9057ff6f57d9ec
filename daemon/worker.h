#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

/* A worker: a thread with its own event_base, its connections and UDP sockets, one pipeline. Others
 * speak to it only through its inbox, a locked list and an eventfd; the messages are one enum. */

#include "daemon/listen.h"
#include "daemon/memory.h"
#include "daemon/pipeline.h"

struct worker;

struct worker_settings {       /* of the configuration, changed by a reload */
	unsigned idle_seconds; /* 0: off */
	struct pipeline_limits limits;
};

/* `index`: from 0, of all that share the memory.  NULL for no memory or descriptors. */
struct worker *worker_new(unsigned index, const struct pipeline_parts *, struct memory *,
	const struct worker_settings *, struct rules *);
/* 0 or -errno.  The inbox may be filled before. */
int worker_start(struct worker *);

/* Inbox messages.  A descriptor that is handed over belongs to the worker, also on failure (it is
 * closed).  0 or -ENOMEM. */
int worker_take_connection(
	struct worker *, int fd, struct listener *, const struct sockaddr_storage *peer);
int worker_take_datagrams(struct worker *, int fd, struct listener *);
int worker_drop_listener(struct worker *,
	struct listener
		*); /* a reload removed it: close its datagram socket; connections live on */
int worker_use(struct worker *, struct rules *, const struct worker_settings *);
/* Read what has arrived, until the deadline (clock_monotonic), finish, end the thread; once. */
void worker_stop(struct worker *, int64_t deadline);

void worker_join(struct worker *);
void worker_free(struct worker *);

size_t worker_connections(const struct worker *); /* any thread */

#endif
