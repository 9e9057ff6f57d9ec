/* A worker thread: its loop, its inbox, its UDP sockets, and the tick.
 *
 * The event_base has no locks; only the inbox is shared.  A sender appends a message under a mutex
 * and writes to an eventfd; the worker takes the whole list at once and works it off in order, so
 * that what was handed over before a stop is served before it.
 *
 * Datagrams are received in vectors (recvmmsg) into buffers that hold any datagram; they are made
 * when the first UDP socket comes. What a datagram's sender is called is kept in a small cache:
 * formatting it and finding its counters costs more than the system call's part in it. */

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <linux/sock_diag.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>
#include <xxhash.h>

#include "daemon/clock.h"
#include "daemon/conn.h"
#include "daemon/log.h"
#include "parsers/frame.h"

#define TICK_SECONDS 1
#define VECTOR 32
#define DATAGRAM_MAX 65536 /* IPv6 has no larger ones but jumbograms */
#define VECTORS_A_TURN 4
#define DRAIN_SECONDS 2 /* for the datagrams of a listener that a reload takes away */
#define SENDERS 256     /* remembered by name; a power of two */

enum inbox_type {
	INBOX_CONNECTION,
	INBOX_DATAGRAMS,
	INBOX_DROP_LISTENER,
	INBOX_RULES,
	INBOX_STOP,
};

struct message {
	struct message *next;
	enum inbox_type type;
	int fd;
	struct listener *listener; /* a reference, but for INBOX_DROP_LISTENER */
	struct sockaddr_storage peer;
	struct rules *rules; /* a reference */
	struct worker_settings settings;
	int64_t deadline; /* of INBOX_STOP */
};

/* A UDP socket. */
struct datagrams {
	struct event readable;
	struct datagrams *prev, *next;
	struct worker *worker;
	struct listener *listener;
	int fd;
	uint32_t drops; /* the kernel's count, as last seen */
};

struct sender {
	struct in6_addr key;
	uint16_t port;
	bool used;
	struct peer_metrics *metrics;
	char address[LISTEN_ADDRESS_MAX];
	char peer[LISTEN_PEER_MAX];
};

/* Of all UDP sockets of a worker. */
struct receiver {
	struct mmsghdr headers[VECTOR];
	struct iovec parts[VECTOR];
	struct sockaddr_storage peers[VECTOR];
	/* One control message: the count of drops. */
	_Alignas(struct cmsghdr) char control[VECTOR][CMSG_SPACE(sizeof(uint32_t))];
	struct sender senders[SENDERS];
	char bytes[VECTOR][DATAGRAM_MAX];
};

struct worker {
	pthread_t thread;
	bool started;
	struct event_base *base;
	struct event tick;
	struct event inbox_readable;
	struct metrics *metrics;
	struct worker_metrics *counters;
	struct pipeline *pipeline;
	struct worker_settings settings;
	struct conn_set *conns;
	struct datagrams *sockets;
	struct receiver *receiver;
	_Atomic size_t open; /* connections, those in the inbox included */

	int inbox_fd;
	pthread_mutex_t inbox_lock;
	struct message *inbox;
	struct message **inbox_end;
	struct message stop; /* ours, so that a stop needs no memory */
};

/* The sender of a datagram, by its address and port. */
static struct sender *
sender_of(struct worker *worker, const struct sockaddr_storage *peer)
{
	struct {
		struct in6_addr key;
		uint16_t port, zero;
	} of = { listen_key(peer), 0, 0 };
	struct sender *sender;

	of.port = peer->ss_family == AF_INET
			  ? ((const struct sockaddr_in *)(const void *)peer)->sin_port
			  : ((const struct sockaddr_in6 *)(const void *)peer)->sin6_port;
	sender = &worker->receiver->senders[XXH3_64bits(&of, sizeof(of)) % SENDERS];
	if (sender->used && sender->port == of.port &&
		memcmp(&sender->key, &of.key, sizeof(of.key)) == 0)
		return sender;
	sender->used = true;
	sender->key = of.key;
	sender->port = of.port;
	listen_format(peer, sender->address, sender->peer);
	sender->metrics = metrics_peer(worker->metrics, sender->address);
	return sender;
}

static void
count_drops(struct datagrams *socket, struct msghdr *header)
{
	static struct log_limit limit;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		uint32_t drops, more;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&drops, CMSG_DATA(c), sizeof(drops));
		more = drops - socket->drops; /* the kernel's counter wraps */
		if (more == 0)
			continue;
		socket->drops = drops;
		counter_add(&socket->worker->counters->inputs[socket->listener->index].kernel_drops,
			more);
		log_limited(&limit, LOG_LEVEL_WARNING,
			"%s: the kernel dropped %u datagrams; a larger receive_buffer or more "
			"workers "
			"may help",
			socket->listener->name, more);
	}
}

static void
take_datagram(struct datagrams *socket, size_t i, int64_t now)
{
	struct worker *worker = socket->worker;
	struct receiver *receiver = worker->receiver;
	struct input_metrics *input = &worker->counters->inputs[socket->listener->index];
	struct sender *sender = sender_of(worker, &receiver->peers[i]);
	struct slice bytes = { receiver->bytes[i], receiver->headers[i].msg_len };
	struct slice message = frame_datagram(bytes);
	const struct origin origin = {
		.input = socket->listener->index,
		.input_name = socket->listener->name,
		.peer = sender->peer,
		.address = sender->address,
		.peer_metrics = sender->metrics,
	};

	counter_add(&input->datagrams, 1);
	counter_add(&input->bytes, bytes.len);
	count_drops(socket, &receiver->headers[i].msg_hdr);
	atomic_fetch_add_explicit(&sender->metrics->bytes, bytes.len, memory_order_relaxed);
	atomic_store_explicit(&sender->metrics->last_seen, now, memory_order_relaxed);
	if ((receiver->headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0 ||
		message.len > worker->settings.limits.message_max) {
		pipeline_refused(worker->pipeline, REASON_OVERSIZE_DATAGRAM, message, &origin, now);
	} else if (message.len > 0) {
		atomic_fetch_add_explicit(&sender->metrics->messages, 1, memory_order_relaxed);
		pipeline_message(worker->pipeline, message, &origin, now);
	}
}

/* The kernel writes the lengths over. */
static void
prepare(struct receiver *receiver)
{
	for (size_t i = 0; i < VECTOR; i++) {
		struct msghdr *header = &receiver->headers[i].msg_hdr;

		receiver->parts[i] = (struct iovec){ receiver->bytes[i], DATAGRAM_MAX };
		*header = (struct msghdr){
			.msg_name = &receiver->peers[i],
			.msg_namelen = sizeof(receiver->peers[i]),
			.msg_iov = &receiver->parts[i],
			.msg_iovlen = 1,
			.msg_control = receiver->control[i],
			.msg_controllen = sizeof(receiver->control[i]),
		};
	}
}

/* What waits in the socket, at most `vectors` calls.  false: nothing waits any more. */
static bool
receive(struct datagrams *socket, int vectors)
{
	static struct log_limit limit;
	struct receiver *receiver = socket->worker->receiver;
	int64_t now = clock_now();

	for (int v = 0; v < vectors; v++) {
		int n;

		prepare(receiver);
		n = recvmmsg(socket->fd, receiver->headers, VECTOR, MSG_DONTWAIT, NULL);
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			log_limited(&limit, LOG_LEVEL_WARNING, "%s: cannot receive: %s",
				socket->listener->name, strerror(errno));
		for (int i = 0; i < n; i++)
			take_datagram(socket, (size_t)i, now);
		if (n < VECTOR)
			return false;
	}
	return true;
}

/* All that waits, which is no more than the receive buffer holds, until the deadline. */
static void
drain(struct datagrams *socket, int64_t deadline)
{
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof(memory);

	while (receive(socket, VECTORS_A_TURN))
		if (clock_monotonic() >= deadline)
			break;
	if (getsockopt(socket->fd, SOL_SOCKET, SO_MEMINFO, memory, &size) == 0 &&
		memory[SK_MEMINFO_RMEM_ALLOC] > 0)
		log_warning("%s: closed with %u bytes of datagrams that there was no time to read",
			socket->listener->name, memory[SK_MEMINFO_RMEM_ALLOC]);
}

static void
datagrams_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	(void)receive(argument, VECTORS_A_TURN); /* the rest announces itself again */
}

static void
close_datagrams(struct datagrams *socket)
{
	(void)event_del(&socket->readable); /* fails only for an event that was never set up */
	(void)close(socket->fd);            /* nothing was written */
	DL_DELETE(socket->worker->sockets, socket);
	listener_unref(socket->listener);
	free(socket);
}

static void
add_datagrams(struct worker *worker, int fd, struct listener *listener)
{
	struct datagrams *socket = calloc(1, sizeof(*socket));
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	socklen_t size = sizeof(memory);

	/* Not cleared: two megabytes of it are touched only by large datagrams. */
	if (socket != NULL && worker->receiver == NULL) {
		worker->receiver = malloc(sizeof(*worker->receiver));
		if (worker->receiver != NULL)
			memset(worker->receiver->senders, 0, sizeof(worker->receiver->senders));
	}
	if (socket == NULL || worker->receiver == NULL) {
		log_error("%s: out of memory; this worker does not read it", listener->name);
		(void)close(fd); /* nothing was written */
		listener_unref(listener);
		free(socket);
		return;
	}
	socket->worker = worker;
	socket->listener = listener;
	socket->fd = fd;
	/* A socket from systemd has a life before ours. */
	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size) == 0)
		socket->drops = memory[SK_MEMINFO_DROPS];
	DL_APPEND(worker->sockets, socket);
	if (event_assign(&socket->readable, worker->base, fd, EV_READ | EV_PERSIST, datagrams_cb,
		    socket) == -1 ||
		event_add(&socket->readable, NULL) == -1) {
		log_error("%s: cannot be watched; this worker does not read it", listener->name);
		close_datagrams(socket);
	}
}

/* What has arrived before a reload took the listener away is still read. */
static void
drop_listener(struct worker *worker, const struct listener *listener)
{
	struct datagrams *socket, *next;

	DL_FOREACH_SAFE(worker->sockets, socket, next)
	{
		if (socket->listener != listener)
			continue;
		drain(socket, clock_monotonic() + DRAIN_SECONDS * 1000);
		close_datagrams(socket);
	}
}

static void
use(struct worker *worker, struct rules *rules, const struct worker_settings *settings)
{
	if (pipeline_use(worker->pipeline, rules, &settings->limits) < 0) {
		log_error("out of memory for the new rules; one worker goes on with the old ones");
		return;
	}
	worker->settings = *settings;
	conn_set_use(worker->conns, settings);
}

static void
stop(struct worker *worker, int64_t deadline)
{
	conn_set_finish(worker->conns, deadline);
	while (worker->sockets != NULL) {
		drain(worker->sockets, deadline);
		close_datagrams(worker->sockets);
	}
	(void)event_base_loopbreak(worker->base); /* fails only without a base */
}

static void
handle(struct worker *worker, struct message *message)
{
	switch (message->type) {
	case INBOX_CONNECTION:
		conn_set_add(worker->conns, message->fd, message->listener, &message->peer);
		break;
	case INBOX_DATAGRAMS:
		add_datagrams(worker, message->fd, message->listener);
		break;
	case INBOX_DROP_LISTENER:
		drop_listener(worker, message->listener);
		listener_unref(message->listener);
		break;
	case INBOX_RULES:
		use(worker, message->rules, &message->settings);
		rules_unref(message->rules);
		break;
	case INBOX_STOP:
		stop(worker, message->deadline);
		return; /* the worker's own */
	}
	free(message);
}

static struct message *
take_inbox(struct worker *worker)
{
	struct message *list;

	(void)pthread_mutex_lock(&worker->inbox_lock);
	list = worker->inbox;
	worker->inbox = NULL;
	worker->inbox_end = &worker->inbox;
	(void)pthread_mutex_unlock(&worker->inbox_lock);
	return list;
}

static void
inbox_cb(evutil_socket_t fd, short what, void *argument)
{
	struct worker *worker = argument;
	struct message *list;
	uint64_t value;

	(void)what;
	/* Emptied before the list is taken: a message that comes between is then announced again.
	 * It fails only where there is nothing to empty. */
	(void)!read((int)fd, &value, sizeof(value));
	list = take_inbox(worker);
	while (list != NULL) {
		struct message *message = list;

		list = message->next;
		handle(worker, message);
	}
}

static void
tick_cb(evutil_socket_t fd, short what, void *argument)
{
	struct worker *worker = argument;

	(void)fd;
	(void)what;
	counter_add(&worker->counters->progress, 1);
	conn_set_tick(worker->conns);
	pipeline_tick(worker->pipeline, clock_now());
}

/* The base and what is always in it. */
static int
make_base(struct worker *worker)
{
	static const struct timeval interval = { TICK_SECONDS, 0 };
	struct event_config *config = event_config_new();

	if (config == NULL)
		return -ENOMEM;
	if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
		worker->base = event_base_new_with_config(config);
	event_config_free(config);
	if (worker->base == NULL)
		return -ENOMEM;
	worker->inbox_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->inbox_fd == -1)
		return -errno;
	if (event_assign(&worker->inbox_readable, worker->base, worker->inbox_fd,
		    EV_READ | EV_PERSIST, inbox_cb, worker) == -1 ||
		event_assign(&worker->tick, worker->base, -1, EV_PERSIST, tick_cb, worker) == -1 ||
		event_add(&worker->inbox_readable, NULL) == -1 ||
		event_add(&worker->tick, &interval) == -1)
		return -ENOMEM;
	return 0;
}

struct worker *
worker_new(unsigned index, const struct pipeline_parts *parts, struct memory *memory,
	const struct worker_settings *settings, struct rules *rules)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	if (worker == NULL)
		return NULL;
	worker->inbox_fd = -1;
	worker->inbox_end = &worker->inbox;
	worker->metrics = parts->metrics;
	worker->counters = parts->worker_metrics;
	worker->settings = *settings;
	(void)pthread_mutex_init(&worker->inbox_lock, NULL); /* cannot fail without attributes */
	if (make_base(worker) < 0)
		goto fail;
	worker->pipeline = pipeline_new(parts);
	if (worker->pipeline == NULL ||
		pipeline_use(worker->pipeline, rules, &settings->limits) < 0)
		goto fail;
	worker->conns = conn_set_new(
		&(struct conn_set_parts){
			.base = worker->base,
			.pipeline = worker->pipeline,
			.metrics = parts->metrics,
			.worker_metrics = parts->worker_metrics,
			.memory = memory,
			.index = index,
			.open = &worker->open,
		},
		settings);
	if (worker->conns == NULL)
		goto fail;
	return worker;
fail:
	worker_free(worker);
	return NULL;
}

static void *
run(void *argument)
{
	struct worker *worker = argument;

	if (event_base_dispatch(worker->base) == -1)
		log_error("worker: the event loop has failed");
	return NULL;
}

int
worker_start(struct worker *worker)
{
	int error = pthread_create(&worker->thread, NULL, run, worker);

	if (error != 0)
		return -error;
	worker->started = true;
	return 0;
}

/* Give back what a message holds that nobody will work off. */
static void
release(struct worker *worker, const struct message *message)
{
	struct in6_addr key;

	switch (message->type) {
	case INBOX_CONNECTION:
		(void)close(message->fd); /* not read from yet */
		key = listen_key(&message->peer);
		listener_leave(message->listener, &key);
		atomic_fetch_sub_explicit(&worker->open, 1, memory_order_relaxed);
		break;
	case INBOX_DATAGRAMS:
		(void)close(message->fd); /* nothing was written */
		listener_unref(message->listener);
		break;
	case INBOX_DROP_LISTENER:
		listener_unref(message->listener);
		break;
	case INBOX_RULES:
		rules_unref(message->rules);
		break;
	case INBOX_STOP:
		break;
	}
}

static void
append(struct worker *worker, struct message *message)
{
	uint64_t one = 1;

	message->next = NULL;
	(void)pthread_mutex_lock(&worker->inbox_lock);
	*worker->inbox_end = message;
	worker->inbox_end = &message->next;
	(void)pthread_mutex_unlock(&worker->inbox_lock);
	/* EAGAIN means that it is readable already. */
	if (write(worker->inbox_fd, &one, sizeof(one)) == -1 && errno != EAGAIN)
		log_error("worker: eventfd: %s", strerror(errno));
}

/* Append a copy of the message; what it holds goes with it, or is given back. */
static int
post(struct worker *worker, const struct message *from)
{
	struct message *message = malloc(sizeof(*message));

	if (message == NULL) {
		release(worker, from);
		return -ENOMEM;
	}
	*message = *from;
	append(worker, message);
	return 0;
}

int
worker_take_connection(struct worker *worker, int fd, struct listener *listener,
	const struct sockaddr_storage *peer)
{
	listener_ref(listener);
	atomic_fetch_add_explicit(&worker->open, 1, memory_order_relaxed);
	return post(worker,
		&(struct message){
			.type = INBOX_CONNECTION, .fd = fd, .listener = listener, .peer = *peer });
}

int
worker_take_datagrams(struct worker *worker, int fd, struct listener *listener)
{
	listener_ref(listener);
	return post(worker,
		&(struct message){ .type = INBOX_DATAGRAMS, .fd = fd, .listener = listener });
}

int
worker_drop_listener(struct worker *worker, struct listener *listener)
{
	listener_ref(listener);
	return post(worker, &(struct message){ .type = INBOX_DROP_LISTENER, .listener = listener });
}

int
worker_use(struct worker *worker, struct rules *rules, const struct worker_settings *settings)
{
	return post(worker,
		&(struct message){
			.type = INBOX_RULES, .rules = rules_ref(rules), .settings = *settings });
}

void
worker_stop(struct worker *worker, int64_t deadline)
{
	worker->stop = (struct message){ .type = INBOX_STOP, .deadline = deadline };
	append(worker, &worker->stop);
}

void
worker_join(struct worker *worker)
{
	if (worker->started)
		(void)pthread_join(worker->thread, NULL); /* fails only for our own mistakes */
	worker->started = false;
}

void
worker_free(struct worker *worker)
{
	struct message *list;

	if (worker == NULL)
		return;
	list = take_inbox(worker);
	while (list != NULL) {
		struct message *message = list;

		list = message->next;
		release(worker, message);
		if (message != &worker->stop)
			free(message);
	}
	conn_set_free(worker->conns);
	while (worker->sockets != NULL)
		close_datagrams(worker->sockets);
	free(worker->receiver);
	pipeline_free(worker->pipeline);
	if (worker->base != NULL)
		event_base_free(worker->base);
	if (worker->inbox_fd != -1)
		(void)close(worker->inbox_fd);
	(void)pthread_mutex_destroy(&worker->inbox_lock);
	free(worker);
}

size_t
worker_connections(const struct worker *worker)
{
	return atomic_load_explicit(&worker->open, memory_order_relaxed);
}
