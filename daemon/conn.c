/* TCP connections.
 *
 * An event of libevent says that there is something to read, and read(2) goes straight into the
 * worker's buffer: a bufferevent would cost six times the CPU.  A partial message that is small is
 * kept apart, copied to the front of the buffer and read behind; from SMALL_MAX on the connection
 * reads into its own buffer, which doubles, so that a message is not copied again for each of its
 * bytes, however slowly they come.  The buffer belongs to the turn: two connections never have
 * bytes in it.
 *
 * Connections with an incomplete message stand in the order in which these began.  When memory is
 * tight, one that has more than its share is parked: its event is taken off, nothing else changes.
 * The tick looks whether there is room again; where there is none for CONN_PARKED_SECONDS, the
 * oldest incomplete message of all workers is given up by the one that has it, and its connection
 * closed, since its next bytes could not be told from a message.  When memory is full that happens
 * at once, or where another worker has the oldest, with its next tick.
 *
 * A stream ends by EOF or by an error; both finish the last line, which has lost no more than its
 * trailer as far as anyone can tell. */

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "daemon/clock.h"
#include "daemon/conn.h"
#include "daemon/log.h"
#include "parsers/frame.h"

#define READ_SIZE ((size_t)64 * 1024) /* measured: more or less of it costs more CPU a byte */
#define SMALL_MAX ((size_t)16 * 1024)
#define OWN_MIN ((size_t)256)
#define COUNT_ROOM                                                                                 \
	16 /* blank, seven digits, blank: what stands before a counted message; CR and LF behind a \
	      line */

struct conn {
	struct event readable;
	struct conn_set *set;
	struct conn *prev, *next;   /* all */
	struct conn *older, *newer; /* those with an incomplete message */
	struct listener *listener;
	struct origin origin;
	struct frame frame;
	char *own; /* the partial message, charged with own_size; NULL: none */
	size_t own_size, own_used;
	uint64_t last_read; /* tick */
	int fd;
	bool parked;
	int64_t began; /* the partial message */
	struct in6_addr key;
	char address[LISTEN_ADDRESS_MAX];
	char peer[LISTEN_PEER_MAX];
};

struct conn_set {
	struct conn_set_parts parts;
	size_t message_max;
	unsigned idle_seconds;
	struct conn *all;
	struct conn *incomplete; /* the oldest first */
	size_t parked;
	uint64_t ticks;
	uint64_t tight_ticks; /* since memory was last eased, with connections parked anywhere */
	char buffer[SMALL_MAX + READ_SIZE];
};

enum turn {
	TURN_MORE,    /* there may be more to read now */
	TURN_DRAINED, /* nothing more is there */
	TURN_GONE,    /* the connection is closed and freed */
};

struct conn_set *
conn_set_new(const struct conn_set_parts *parts, const struct worker_settings *settings)
{
	struct conn_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->parts = *parts;
	conn_set_use(set, settings);
	return set;
}

/* Tell the other workers how old this one's oldest incomplete message is. */
static void
publish(struct conn_set *set)
{
	memory_oldest(set->parts.memory, set->parts.index,
		set->incomplete == NULL ? 0 : set->incomplete->began);
}

/* A message begins: it is the youngest. */
static void
begin(struct conn *conn)
{
	conn->began = clock_monotonic();
	DL_APPEND2(conn->set->incomplete, conn, older, newer);
	publish(conn->set);
}

static void
end(struct conn *conn)
{
	DL_DELETE2(conn->set->incomplete, conn, older, newer);
	publish(conn->set);
}

/* The partial message's buffer has `size` bytes from now on; 0: none.  false for no memory, nothing
 * has changed then. */
static bool
resize(struct conn *conn, size_t size)
{
	char *own = NULL;

	if (size == conn->own_size)
		return true;
	if (size > 0) {
		own = realloc(conn->own, size);
		if (own == NULL)
			return false;
	} else {
		free(conn->own);
	}
	memory_change(conn->set->parts.memory, conn->own_size, size);
	if (conn->own_size == 0)
		begin(conn);
	else if (size == 0)
		end(conn);
	conn->own = own;
	conn->own_size = size;
	return true;
}

static void
unpark(struct conn *conn)
{
	if (!conn->parked)
		return;
	conn->parked = false;
	conn->set->parked--;
	atomic_fetch_sub_explicit(&conn->set->parts.memory->parked, 1, memory_order_relaxed);
}

static void
close_conn(struct conn *conn)
{
	struct conn_set *set = conn->set;

	(void)event_del(&conn->readable); /* fails only for an event that was never set up */
	(void)close(conn->fd);            /* nothing was written that could be lost */
	unpark(conn);
	(void)resize(conn, 0);
	DL_DELETE(set->all, conn);
	listener_leave(conn->listener, &conn->key);
	atomic_fetch_sub_explicit(set->parts.open, 1, memory_order_relaxed);
	free(conn);
}

void
conn_set_free(struct conn_set *set)
{
	if (set == NULL)
		return;
	while (set->all != NULL)
		close_conn(set->all);
	free(set);
}

void
conn_set_use(struct conn_set *set, const struct worker_settings *settings)
{
	struct conn *conn;

	set->message_max = settings->limits.message_max;
	set->idle_seconds = settings->idle_seconds;
	DL_FOREACH(set->all, conn)
	conn->frame.limit = set->message_max;
}

/* Give up the partial message `bytes`, and with it the connection. */
static void
give_up(struct conn *conn, enum reason why, struct slice bytes)
{
	static struct log_limit limit;

	log_limited(&limit, LOG_LEVEL_WARNING,
		"conn %s: %s; %zu bytes go to the dead letters, the connection is closed",
		conn->peer, reason_text(why), bytes.len);
	pipeline_refused(conn->set->parts.pipeline, why, bytes, &conn->origin, clock_now());
	close_conn(conn);
}

static struct slice
partial(const struct conn *conn)
{
	return (struct slice){ conn->own, conn->own_used };
}

/* The stream has ended: its last message is finished, the connection closed. */
static void
finish(struct conn *conn, int64_t now)
{
	struct conn_set *set = conn->set;
	struct slice message;
	enum reason why;

	switch (conn->own == NULL ? FRAME_SKIP
				  : frame_finish(&conn->frame, partial(conn), &message, &why)) {
	case FRAME_OK:
		pipeline_message(set->parts.pipeline, message, &conn->origin, now);
		atomic_fetch_add_explicit(
			&conn->origin.peer_metrics->messages, 1, memory_order_relaxed);
		break;
	case FRAME_BAD:
		pipeline_refused(set->parts.pipeline, why, message, &conn->origin, now);
		break;
	case FRAME_SKIP:
	case FRAME_MORE:
		break;
	}
	close_conn(conn);
}

/* All whole messages of `in` go to the pipeline.  Returns the bytes that are done with. */
static size_t
cut(struct conn *conn, struct slice in, int64_t now)
{
	struct pipeline *pipeline = conn->set->parts.pipeline;
	uint64_t messages = 0;
	size_t done = 0;

	while (done < in.len) {
		enum frame_result result;
		struct slice message;
		enum reason why;
		size_t used;

		result = frame_next(
			&conn->frame, slice_sub(in, done, in.len), &message, &used, &why);
		if (result == FRAME_MORE)
			break;
		done += used;
		if (result == FRAME_OK) {
			pipeline_message(pipeline, message, &conn->origin, now);
			messages++;
		} else if (result == FRAME_BAD) {
			static struct log_limit limit;

			log_limited(&limit, LOG_LEVEL_WARNING,
				"conn %s: %s (%zu bytes); its first bytes go to the dead letters, "
				"the rest "
				"is skipped",
				conn->peer, reason_text(why), conn->frame.limit);
			pipeline_refused(pipeline, why, message, &conn->origin, now);
		}
	}
	if (messages > 0)
		atomic_fetch_add_explicit(
			&conn->origin.peer_metrics->messages, messages, memory_order_relaxed);
	return done;
}

/* The least power of two that holds `size`. */
static size_t
rounded(size_t size)
{
	size_t result = OWN_MIN;

	while (result < size)
		result *= 2;
	return result;
}

/* Keep what is left of a read: `rest`, which lies in the worker's buffer or in the connection's
 * own.  `begun`: it is the beginning of another message than before.  false for no memory. */
static bool
keep(struct conn *conn, struct slice rest, bool begun)
{
	bool inside = rest.len > 0 && rest.ptr >= conn->own && conn->own != NULL &&
		      rest.ptr < conn->own + conn->own_size;
	size_t size = rest.len == 0 ? 0 : rounded(rest.len);

	if (begun && conn->own != NULL) {
		end(conn);
		begin(conn);
	}
	if (inside) {
		memmove(conn->own, rest.ptr, rest.len);
		/* Given back only when much is left over: a partial that grows needs it again. */
		if (size <= conn->own_size / 4)
			(void)resize(conn, size); /* the larger buffer does as well */
	} else {
		if (size > conn->own_size || size <= conn->own_size / 4)
			if (!resize(conn, size))
				return false;
		if (rest.len > 0)
			memcpy(conn->own, rest.ptr, rest.len);
	}
	conn->own_used = rest.len;
	return true;
}

/* Do not read from it until there is room. */
static void
park(struct conn *conn)
{
	static struct log_limit limit;
	struct conn_set *set = conn->set;

	if (conn->parked)
		return;
	(void)event_del(&conn->readable); /* was added */
	conn->parked = true;
	set->parked++;
	atomic_fetch_add_explicit(&set->parts.memory->parked, 1, memory_order_relaxed);
	metrics_count(set->parts.metrics, DAEMON_parked, 1);
	log_limited(&limit, LOG_LEVEL_WARNING,
		"conn %s: holds %zu bytes of a message while limits.memory is nearly used up; not "
		"read until there is room",
		conn->peer, conn->own_used);
}

static void
park_if_tight(struct conn *conn)
{
	const struct memory *memory = conn->set->parts.memory;

	if (memory_tight(memory) && conn->own_size > memory_share(memory))
		park(conn);
}

/* At the limit the oldest incomplete messages are given up until there is room.  Where another
 * worker has the oldest, that gives it up with its next tick, and this connection waits.
 * false: this connection's was one of them. */
static bool
make_room(struct conn *conn)
{
	struct conn_set *set = conn->set;
	bool alive = true;

	while (alive && memory_full(set->parts.memory) && set->incomplete != NULL) {
		struct conn *oldest = set->incomplete;

		if (!memory_is_oldest(set->parts.memory, set->parts.index)) {
			park(conn);
			break;
		}
		alive = oldest != conn;
		give_up(oldest, REASON_SHED, partial(oldest));
	}
	return alive;
}

/* Where the next read goes: `*at`, `*room` bytes.  false for no memory. */
static bool
place(struct conn *conn, char **at, size_t *room)
{
	size_t max = conn->set->message_max + COUNT_ROOM + READ_SIZE;

	if (conn->own_used < SMALL_MAX) {
		if (conn->own_used > 0)
			memcpy(conn->set->buffer, conn->own, conn->own_used);
		*at = conn->set->buffer + conn->own_used;
		*room = READ_SIZE;
		return true;
	}
	if (conn->own_size - conn->own_used < SMALL_MAX) {
		size_t size = conn->own_size * 2 < max ? conn->own_size * 2 : max;

		/* The limit may have been lowered meanwhile. */
		if (size < conn->own_used + READ_SIZE)
			size = conn->own_used + READ_SIZE;
		if (!resize(conn, size))
			return false;
	}
	*at = conn->own + conn->own_used;
	*room = conn->own_size - conn->own_used;
	return true;
}

static void
count_read(struct conn *conn, size_t bytes, int64_t now)
{
	struct peer_metrics *peer = conn->origin.peer_metrics;

	conn->last_read = conn->set->ticks;
	counter_add(&conn->set->parts.worker_metrics->inputs[conn->origin.input].bytes, bytes);
	atomic_fetch_add_explicit(&peer->bytes, bytes, memory_order_relaxed);
	atomic_store_explicit(&peer->last_seen, now, memory_order_relaxed);
}

/* One read and what comes of it.  `*bytes` is what was read. */
static enum turn
take_turn(struct conn *conn, int64_t now, size_t *bytes)
{
	size_t room, done, before;
	struct slice in;
	char *at;
	ssize_t n;

	*bytes = 0;
	if (!place(conn, &at, &room)) {
		give_up(conn, REASON_NO_MEMORY, partial(conn));
		return TURN_GONE;
	}
	do
		n = read(conn->fd, at, room);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return TURN_DRAINED;
	if (n == -1) {
		static struct log_limit limit;

		log_limited(&limit, LOG_LEVEL_INFO,
			"conn %s: %s; what came of its last line is used", conn->peer,
			strerror(errno));
	}
	if (n <= 0) {
		finish(conn, now);
		return TURN_GONE;
	}

	*bytes = (size_t)n;
	count_read(conn, (size_t)n, now);
	before = conn->own_used;
	in = (struct slice){ at - before, before + (size_t)n };
	done = cut(conn, in, now);
	if (!keep(conn, slice_sub(in, done, in.len), done > 0)) {
		give_up(conn, REASON_NO_MEMORY, slice_sub(in, done, in.len));
		return TURN_GONE;
	}
	if (!make_room(conn))
		return TURN_GONE;
	if (conn->parked)
		return TURN_DRAINED;
	/* Less than was asked for is all that was there: the EAGAIN is not worth a system call. */
	return (size_t)n == room ? TURN_MORE : TURN_DRAINED;
}

static void
readable_cb(evutil_socket_t fd, short what, void *argument)
{
	struct conn *conn = argument;
	int64_t now = clock_now();
	enum turn turn = TURN_MORE;
	size_t bytes;

	(void)fd;
	(void)what;
	for (int i = 0; turn == TURN_MORE && i < CONN_READS_MAX; i++)
		turn = take_turn(conn, now, &bytes);
	if (turn != TURN_GONE)
		park_if_tight(conn);
}

static void
describe(struct conn *conn, const struct sockaddr_storage *peer)
{
	struct conn_set *set = conn->set;

	listen_format(peer, conn->address, conn->peer);
	conn->key = listen_key(peer);
	conn->origin = (struct origin){
		.input = conn->listener->index,
		.input_name = conn->listener->name,
		.peer = conn->peer,
		.address = conn->address,
		.peer_metrics = metrics_peer(set->parts.metrics, conn->address),
	};
	counter_add(&set->parts.worker_metrics->inputs[conn->origin.input].connections, 1);
	atomic_fetch_add_explicit(&conn->origin.peer_metrics->connections, 1, memory_order_relaxed);
	atomic_store_explicit(
		&conn->origin.peer_metrics->last_seen, clock_now(), memory_order_relaxed);
}

void
conn_set_add(struct conn_set *set, int fd, struct listener *listener,
	const struct sockaddr_storage *peer)
{
	struct conn *conn = calloc(1, sizeof(*conn));
	struct in6_addr key;

	if (conn == NULL)
		goto fail;
	conn->set = set;
	conn->listener = listener;
	conn->fd = fd;
	conn->last_read = set->ticks;
	frame_init(&conn->frame, set->message_max);
	describe(conn, peer);
	DL_APPEND(set->all, conn);
	if (event_assign(&conn->readable, set->parts.base, fd, EV_READ | EV_PERSIST, readable_cb,
		    conn) == -1 ||
		event_add(&conn->readable, NULL) == -1) {
		log_error("conn %s: cannot be watched; it is closed", conn->peer);
		close_conn(conn);
	}
	return;
fail:
	(void)close(fd); /* not read from yet */
	key = listen_key(peer);
	listener_leave(listener, &key);
	atomic_fetch_sub_explicit(set->parts.open, 1, memory_order_relaxed);
	log_error("out of memory for a connection; it is closed");
}

static void
close_idle(struct conn_set *set)
{
	static struct log_limit limit;
	struct conn *conn, *next;
	int64_t now = clock_now();

	DL_FOREACH_SAFE(set->all, conn, next)
	{
		if (conn->parked || set->ticks - conn->last_read < set->idle_seconds)
			continue;
		metrics_count(set->parts.metrics, DAEMON_idle_closed, 1);
		log_limited(&limit, LOG_LEVEL_NOTICE,
			"conn %s: silent for %u s (limits.idle); closed", conn->peer,
			set->idle_seconds);
		finish(conn, now);
	}
}

/* Read again from all that were parked; who is too large will be parked again. */
static void
resume(struct conn_set *set)
{
	struct conn *conn, *next;

	DL_FOREACH_SAFE2(set->incomplete, conn, next, newer)
	{
		if (!conn->parked)
			continue;
		unpark(conn);
		if (event_add(&conn->readable, NULL) == -1)
			give_up(conn, REASON_NO_MEMORY, partial(conn));
	}
}

static size_t
load_parked(const struct memory *memory)
{
	return atomic_load_explicit(&memory->parked, memory_order_relaxed);
}

void
conn_set_tick(struct conn_set *set)
{
	const struct memory *memory = set->parts.memory;

	set->ticks++;
	if (set->idle_seconds > 0)
		close_idle(set);
	if (memory_eased(memory) || load_parked(memory) == 0) {
		set->tight_ticks = 0;
		if (set->parked > 0)
			resume(set);
		return;
	}
	set->tight_ticks++;
	do {
		if (set->tight_ticks <= CONN_PARKED_SECONDS && !memory_full(memory))
			return;
		if (!memory_is_oldest(memory, set->parts.index))
			return;
		give_up(set->incomplete, REASON_SHED, partial(set->incomplete));
	} while (memory_full(memory));
}

/* One round: each connection is read until it has nothing more, or its share is used up, or the
 * deadline is there.  Returns the bytes that came. */
static size_t
read_all(struct conn_set *set, int64_t now, int64_t deadline)
{
	size_t count, total = 0;
	struct conn *conn;

	DL_COUNT(set->all, conn, count);
	/* From the front to the back of the list, since a turn may close any connection
	 * (make_room). */
	while (count-- > 0 && set->all != NULL && clock_monotonic() < deadline) {
		enum turn turn = TURN_MORE;
		size_t share = 0, bytes;

		conn = set->all;
		DL_DELETE(set->all, conn);
		DL_APPEND(set->all, conn);
		while (turn == TURN_MORE && share < CONN_FINISH_BYTES_MAX) {
			turn = take_turn(conn, now, &bytes);
			share += bytes;
		}
		total += share;
	}
	return total;
}

/* What a sender's kernel still holds comes only when ours has room again, so after each round that
 * brought something there is another. */
void
conn_set_finish(struct conn_set *set, int64_t deadline)
{
	static const struct timespec pause = { 0, CONN_FINISH_PAUSE_MS * 1000000L };
	int64_t now = clock_now();

	while (read_all(set, now, deadline) > 0 && set->all != NULL && clock_monotonic() < deadline)
		(void)nanosleep(&pause, NULL); /* cut short by a signal it is as good */
	while (set->all != NULL)
		finish(set->all, now);
}
