/* The output thread: follows the journal for each output and gives its bytes to the output's
 * methods (out_syslog.c, out_file.c).
 *
 * An output is waiting (for its next attempt), connecting or connected.  Connected, it formats
 * entries of the journal into a buffer of OUTPUT_WINDOW bytes and gives that to the kernel;
 * `pieces` remembers where in the stream of bytes each entry ends.  `read` is the last entry that
 * was formatted, `cursor` the last whose bytes the kernel has whole, so that read - cursor is what
 * a lost connection puts back.  What the journal drops ahead of `read` is counted as dropped at
 * once, also for an output that is stuck; it leaves a gap in (cursor, read], which rewind() must
 * not count again.
 *
 * The main thread hands over a command under the lock and waits until this thread has done it; the
 * list of outputs changes only then. The lock also covers what a report says in words; its numbers
 * are atomic, with this thread as their only writer.
 *
 * It makes no acknowledgements of what the kernel took, and keeps no cursor over a restart. */

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/out_file.h"
#include "daemon/out_syslog.h"
#include "daemon/output.h"

#define OPEN_SECONDS 60                 /* for a whole attempt: the lookup and all addresses */
#define LATER_MS 20                     /* until the next try where writability cannot be watched */
#define TURN_WRITES 32                  /* of one output, then the others have theirs */
#define DISCARD_BYTES 4096              /* of what a peer says to us, at once */
#define LIST_MAX (4 * CONF_OUTPUTS_MAX) /* with those that were removed and are still sending */

enum state { STATE_WAITING, STATE_CONNECTING, STATE_CONNECTED };

static const char *const state_names[] = {
	[STATE_WAITING] = "waiting",
	[STATE_CONNECTING] = "connecting",
	[STATE_CONNECTED] = "connected",
};

static const struct output_methods *const methods_of[] = {
	[OUTPUT_TCP] = &out_syslog_stream_methods,
	[OUTPUT_UDP] = &out_syslog_datagram_methods,
	[OUTPUT_UNIX] = &out_syslog_stream_methods,
	[OUTPUT_UNIXGRAM] = &out_syslog_datagram_methods,
	[OUTPUT_STDOUT] = &out_stdout_methods,
	[OUTPUT_FILE] = &out_file_methods,
};

/* Offsets count the bytes of the connection from 0. */
struct piece {
	uint64_t end;
	uint64_t sequence;
};

struct output {
	struct outputs *outputs;
	struct conf_output conf; /* our own copies */
	const struct output_methods *methods;

	void *channel; /* while connecting and connected */
	struct evbuffer *buffer;
	struct piece pieces[OUTPUT_PIECES]; /* a ring of what is in the buffer */
	size_t piece_first, piece_count;
	uint64_t formatted, written; /* offsets: put into the buffer, given to the kernel */
	uint64_t boundary;           /* the end of the last entry that the kernel has whole */
	uint64_t cursor;
	uint64_t end;       /* its last entry: UINT64_MAX until it is removed or all stop */
	bool reopen_wanted; /* at the next boundary */
	bool attempted;     /* has been connected before */
	int64_t connected_at;
	int64_t backoff; /* milliseconds */

	/* Waiting: the next attempt; connecting: its end; connected: write again. */
	struct event timer;
	struct event readable; /* both only where the channel has a descriptor to watch */
	struct event writable;
	struct event deadline; /* of one that was removed */

	/* For the report. */
	counter sent, bytes, dropped, errors, reconnects;
	counter read;      /* the last entry that was formatted or dropped */
	counter in_flight; /* = piece_count */

	/* Under outputs->lock for writing, and for reading by the main thread. */
	enum state state;
	char last_error[sizeof(((struct output_view *)NULL)->last_error)];

	struct log_limit failures, losses, connects, drops;
};

/* What the main thread asks for. */
enum command { COMMAND_NONE, COMMAND_USE, COMMAND_STOP };

struct outputs {
	struct journal *journal;
	struct metrics *metrics;
	struct output_loop loop;
	struct event inbox, tick, stop_deadline;
	int inbox_fd; /* an eventfd: a command, or news in the journal */
	char collector[256];
	bool stopping;
	pthread_t thread;
	bool running; /* the main thread's */

	pthread_mutex_t lock;
	pthread_cond_t done;
	enum command command; /* NONE: done */
	struct output **next; /* of COMMAND_USE: one for each output of the configuration */
	size_t next_count;
	int64_t stop_ms; /* of COMMAND_STOP */

	/* `count` in the order of the configuration, then those that were removed. */
	struct output *list[LIST_MAX];
	size_t count, removed_count;
};

static void
add_timer(struct event *timer, int64_t milliseconds)
{
	struct timeval wait = { milliseconds / 1000, (suseconds_t)(milliseconds % 1000 * 1000) };

	(void)evtimer_add(timer, &wait); /* without memory: the tick goes on from here */
}

static uint64_t
get(const counter *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

static void
set(counter *c, uint64_t value)
{
	atomic_store_explicit(c, value, memory_order_relaxed);
}

/* Say the next message of this kind whatever was said before. */
static void
forget(struct log_limit *limit)
{
	atomic_store(&limit->next, 0);
	atomic_store(&limit->suppressed, 0);
}

static void
set_state(struct output *output, enum state state)
{
	pthread_mutex_lock(&output->outputs->lock);
	output->state = state;
	pthread_mutex_unlock(&output->outputs->lock);
}

static void
set_error(struct output *output, const char *why)
{
	counter_add(&output->errors, 1);
	pthread_mutex_lock(&output->outputs->lock);
	snprintf(output->last_error, sizeof(output->last_error), "%s", why);
	pthread_mutex_unlock(&output->outputs->lock);
}

static void
pop_piece(struct output *output)
{
	output->piece_first = (output->piece_first + 1) % OUTPUT_PIECES;
	output->piece_count--;
	set(&output->in_flight, output->piece_count);
}

/* Entries up to the end that it has not sent. */
static uint64_t
waiting(const struct output *output, uint64_t last)
{
	uint64_t read = get(&output->read), end = last < output->end ? last : output->end;

	return (end > read ? end - read : 0) + get(&output->in_flight);
}

static void
count_drops(struct output *output, uint64_t dropped)
{
	if (dropped == 0)
		return;
	counter_add(&output->dropped, dropped);
	log_limited(&output->drops, LOG_LEVEL_WARNING,
		"output %s: %llu alerts were dropped at the journal's bound, %llu since the start",
		output->conf.name, (unsigned long long)dropped,
		(unsigned long long)get(&output->dropped));
}

/* The next entry to format, counting what the journal dropped before it. */
static struct journal_entry *
next_entry(struct output *output)
{
	struct journal *journal = output->outputs->journal;
	struct journal_entry *entry;
	uint64_t skipped, read = get(&output->read);

	if (read >= output->end)
		return NULL;
	entry = journal_next(journal, read, &skipped);
	if (skipped > output->end - read)
		skipped = output->end - read;
	set(&output->read, read + skipped);
	if (output->piece_count == 0)
		output->cursor = read + skipped;
	count_drops(output, skipped);
	if (entry != NULL && entry->sequence > output->end) {
		journal_release(journal, entry);
		entry = NULL;
	}
	return entry;
}

/* The connection has gone: what was formatted is to be sent again. */
static void
rewind_output(struct output *output)
{
	struct journal *journal = output->outputs->journal;
	uint64_t gone = get(&output->read) - output->cursor - output->piece_count, skipped;
	struct journal_entry *entry;

	evbuffer_drain(output->buffer, evbuffer_get_length(output->buffer));
	output->formatted = output->written = output->boundary = 0;
	output->piece_count = 0;
	set(&output->in_flight, 0);
	/* A gap was dropped and counted, and so all before its end is dropped, but only the gap is
	 * counted. */
	if (gone > 0) {
		entry = journal_next(journal, output->cursor, &skipped);
		if (entry != NULL)
			journal_release(journal, entry);
		output->cursor += skipped;
		count_drops(output, skipped > gone ? skipped - gone : 0);
	}
	set(&output->read, output->cursor);
}

static void
close_channel(struct output *output)
{
	if (output->channel == NULL)
		return;
	if (event_initialized(&output->readable))
		event_del(&output->readable);
	if (event_initialized(&output->writable))
		event_del(&output->writable);
	output->methods->close(output->channel, (size_t)(output->written - output->boundary));
	output->channel = NULL;
	rewind_output(output);
}

static uint64_t
random_below(uint64_t bound)
{
	uint64_t r = 0;

	(void)!getrandom(
		&r, sizeof(r), GRND_NONBLOCK); /* without it there is no jitter, only that */
	return r % bound;
}

/* Try again after the back-off, of which a random half is taken off so that a SIEM's clients do not
 * come back all at once. */
static int64_t
schedule_attempt(struct output *output)
{
	int64_t wait = output->backoff - (int64_t)random_below((uint64_t)output->backoff / 2);

	output->backoff *= 2;
	if (output->backoff > OUTPUT_BACKOFF_MAX_MS)
		output->backoff = OUTPUT_BACKOFF_MAX_MS;
	set_state(output, STATE_WAITING);
	add_timer(&output->timer, wait);
	return wait;
}

/* A connection was lost, or could not be made. */
static void
fail(struct output *output, const char *why)
{
	bool lost = output->state == STATE_CONNECTED;
	char peer[128];
	int64_t wait;

	snprintf(peer, sizeof(peer), "%s",
		output->conf.to != NULL ? output->conf.to : "standard output");
	if (output->channel != NULL)
		output->methods->peer(output->channel, peer, sizeof(peer));
	set_error(output, why);
	close_channel(output);
	if (lost && clock_monotonic() - output->connected_at >= OUTPUT_STEADY_SECONDS * 1000)
		output->backoff = OUTPUT_BACKOFF_FIRST_MS;
	wait = schedule_attempt(output);
	log_limited(lost ? &output->losses : &output->failures, LOG_LEVEL_WARNING,
		"output %s: %s %s: %s; %llu alerts wait, next attempt in %lld.%lld s",
		output->conf.name, lost ? "lost" : "cannot open", peer, why,
		(unsigned long long)waiting(output, journal_last(output->outputs->journal)),
		(long long)wait / 1000, (long long)wait % 1000 / 100);
}

/* Format what the journal has, as far as the window goes. */
static void
fill(struct output *output)
{
	struct journal *journal = output->outputs->journal;
	struct journal_entry *entry;
	size_t before, added;

	while (evbuffer_get_length(output->buffer) < OUTPUT_WINDOW &&
		output->piece_count < OUTPUT_PIECES && (entry = next_entry(output)) != NULL) {
		struct piece *piece = &output->pieces[(output->piece_first + output->piece_count) %
						      OUTPUT_PIECES];

		before = evbuffer_get_length(output->buffer);
		if (output_format(output->buffer, &output->conf, output->outputs->collector,
			    entry) != 0) {
			journal_release(journal, entry);
			return; /* no memory now: the next tick comes here again */
		}
		added = evbuffer_get_length(output->buffer) - before;
		output->formatted += added;
		piece->end = output->formatted;
		piece->sequence = entry->sequence;
		output->piece_count++;
		set(&output->in_flight, output->piece_count);
		set(&output->read, entry->sequence);
		journal_release(journal, entry);
	}
}

/* The kernel has taken so many bytes: the entries that end in them are done. */
static void
take(struct output *output, size_t bytes)
{
	output->written += bytes;
	counter_add(&output->bytes, bytes);
	while (output->piece_count > 0 &&
		output->pieces[output->piece_first].end <= output->written) {
		output->boundary = output->pieces[output->piece_first].end;
		output->cursor = output->pieces[output->piece_first].sequence;
		counter_add(&output->sent, 1);
		pop_piece(output);
	}
	if (output->piece_count == 0)
		output->cursor = get(&output->read);
}

/* The first entry can never go this way. */
static void
drop_first(struct output *output, size_t bytes)
{
	char why[64];

	snprintf(why, sizeof(why), "an alert of %zu bytes is too long for a datagram", bytes);
	set_error(output, why);
	counter_add(&output->dropped, 1);
	log_limited(&output->drops, LOG_LEVEL_WARNING, "output %s: %s; dropped", output->conf.name,
		why);
	evbuffer_drain(output->buffer, bytes);
	output->written += bytes;
	output->boundary = output->written;
	output->cursor = output->pieces[output->piece_first].sequence;
	pop_piece(output);
	if (output->piece_count == 0)
		output->cursor = get(&output->read);
}

/* Come back when the channel can take more; when that cannot be watched, in a moment. */
static void
write_later(struct output *output, int64_t milliseconds)
{
	if (event_initialized(&output->writable) && milliseconds == 0)
		(void)event_add(&output->writable, NULL);
	else
		add_timer(&output->timer, milliseconds);
}

static void open_channel(struct output *);

/* Give the kernel what it takes. */
static void
pump(struct output *output)
{
	for (int writes = 0; writes < TURN_WRITES; writes++) {
		size_t first;
		ssize_t n;

		if (output->reopen_wanted && output->written == output->boundary) {
			close_channel(output);
			open_channel(output);
			return;
		}
		fill(output);
		if (output->piece_count == 0)
			return;
		first = (size_t)(output->pieces[output->piece_first].end - output->written);
		n = output->methods->write(output->channel, output->buffer, first);
		if (n >= 0) {
			take(output, (size_t)n);
		} else if (n == -EMSGSIZE && output->methods->datagrams) {
			drop_first(output, first);
		} else if (n == -EAGAIN && event_initialized(&output->writable)) {
			write_later(output, 0);
			return;
		} else if (n == -EAGAIN || n == -ENOBUFS) {
			write_later(output, LATER_MS);
			return;
		} else {
			fail(output, strerror((int)-n));
			return;
		}
	}
	write_later(output, 0);
}

/* Is something scheduled that will come back to it? */
static bool
is_scheduled(const struct output *output)
{
	return evtimer_pending(&output->timer, NULL) ||
	       (event_initialized(&output->writable) &&
		       event_pending(&output->writable, EV_WRITE, NULL));
}

static void
output_free(struct output *output)
{
	if (output == NULL)
		return;
	assert(output->channel == NULL);
	if (event_initialized(&output->timer))
		event_del(&output->timer);
	if (event_initialized(&output->deadline))
		event_del(&output->deadline);
	if (output->buffer != NULL)
		evbuffer_free(output->buffer);
	free(output->conf.name);
	free(output->conf.to);
	free(output->conf.host);
	free(output->conf.port);
	free(output);
}

static void
end_removed(struct output *output)
{
	uint64_t left = waiting(output, output->end);

	close_channel(output);
	metrics_count(output->outputs->metrics, DAEMON_alerts_unsent, left);
	if (left > 0)
		log_warning("output %s: removed; %llu alerts were not sent", output->conf.name,
			(unsigned long long)left);
	else
		log_notice("output %s: removed", output->conf.name);
	output_free(output);
}

/* The last thing of each callback, since it may free outputs: tell the journal what is done, see
 * what has come to its end. */
static void
settle(struct outputs *outputs)
{
	uint64_t lowest = JOURNAL_NOBODY;
	size_t kept = outputs->count;
	bool finished = true;

	for (size_t i = outputs->count; i < outputs->count + outputs->removed_count; i++) {
		struct output *output = outputs->list[i];

		if (waiting(output, output->end) == 0 || !evtimer_pending(&output->deadline, NULL))
			end_removed(output);
		else
			outputs->list[kept++] = output;
	}
	outputs->removed_count = kept - outputs->count;
	for (size_t i = 0; i < kept; i++) {
		if (outputs->list[i]->cursor < lowest)
			lowest = outputs->list[i]->cursor;
		if (waiting(outputs->list[i], outputs->list[i]->end) > 0)
			finished = false;
	}
	journal_done(outputs->journal, lowest);
	if (outputs->stopping && finished)
		event_base_loopbreak(outputs->loop.base);
}

static void
readable_cb(evutil_socket_t fd, short what, void *arg)
{
	struct output *output = arg;
	struct outputs *outputs = output->outputs;
	char bytes[DISCARD_BYTES];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	(void)what;
	/* What a peer says is not for us.  A datagram socket reads its errors here and has no end.
	 */
	if (n == -1 && errno != EAGAIN && errno != EINTR)
		fail(output, strerror(errno));
	else if (n == 0 && !output->methods->datagrams)
		fail(output, "closed by the peer");
	settle(outputs);
}

static void
writable_cb(evutil_socket_t fd, short what, void *arg)
{
	struct output *output = arg;
	struct outputs *outputs = output->outputs;

	(void)fd;
	(void)what;
	pump(output);
	settle(outputs);
}

static void
start_sending(struct output *output)
{
	struct event_base *base = output->outputs->loop.base;
	int fd = output->methods->descriptor(output->channel);
	bool again = output->reopen_wanted;
	char peer[128];

	event_del(&output->timer);
	output->reopen_wanted = false;
	output->connected_at = clock_monotonic();
	memset(&output->readable, 0, sizeof(output->readable));
	memset(&output->writable, 0, sizeof(output->writable));
	if (fd != -1) {
		event_assign(&output->writable, base, fd, EV_WRITE, writable_cb, output);
		event_assign(
			&output->readable, base, fd, EV_READ | EV_PERSIST, readable_cb, output);
		if (event_add(&output->readable, NULL) == -1) {
			fail(output, strerror(ENOMEM));
			return;
		}
	}
	set_state(output, STATE_CONNECTED);
	if (!again) {
		output->methods->peer(output->channel, peer, sizeof(peer));
		/* A datagram's way opens and breaks with each alert that nobody takes, which is not
		 * worth two lines each. */
		if (!output->methods->datagrams) {
			forget(&output->connects);
			forget(&output->failures);
			forget(&output->losses);
		}
		log_limited(&output->connects, LOG_LEVEL_NOTICE,
			"output %s: connected to %s, %llu alerts were waiting", output->conf.name,
			peer,
			(unsigned long long)waiting(
				output, journal_last(output->outputs->journal)));
		if (output->attempted)
			counter_add(&output->reconnects, 1);
	}
	output->attempted = true;
	pump(output);
}

static void
opened_cb(void *arg, const char *why)
{
	struct output *output = arg;
	struct outputs *outputs = output->outputs;

	if (why == NULL)
		start_sending(output);
	else
		fail(output, why);
	settle(outputs);
}

static void
open_channel(struct output *output)
{
	struct output_opening opening = { &output->outputs->loop, &output->conf, opened_cb,
		output };
	int result = output->methods->open(&opening, &output->channel);

	if (result == 0) {
		start_sending(output);
	} else if (result == -EINPROGRESS) {
		set_state(output, STATE_CONNECTING);
		add_timer(&output->timer, OPEN_SECONDS * 1000);
	} else {
		output->reopen_wanted = false;
		fail(output, strerror(-result));
	}
}

static void
timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct output *output = arg;
	struct outputs *outputs = output->outputs;

	(void)fd;
	(void)what;
	if (output->state == STATE_WAITING)
		open_channel(output);
	else if (output->state == STATE_CONNECTING)
		fail(output, strerror(ETIMEDOUT));
	else
		pump(output);
	settle(outputs);
}

/* Once a second, and when the journal has news: send, and see what it dropped while an output was
 * stuck. */
static void
look_at_journal(struct outputs *outputs)
{
	struct journal_entry *entry;

	for (size_t i = 0; i < outputs->count + outputs->removed_count; i++) {
		struct output *output = outputs->list[i];

		if (output->state == STATE_CONNECTED && !is_scheduled(output)) {
			pump(output);
		} else {
			if (output->state == STATE_WAITING && !is_scheduled(output))
				add_timer(&output->timer, 0);
			entry = next_entry(output);
			if (entry != NULL)
				journal_release(outputs->journal, entry);
		}
	}
}

static void
tick_cb(evutil_socket_t fd, short what, void *arg)
{
	struct outputs *outputs = arg;

	(void)fd;
	(void)what;
	look_at_journal(outputs);
	settle(outputs);
}

static void
deadline_cb(evutil_socket_t fd, short what, void *arg)
{
	struct output *output = arg;

	(void)fd;
	(void)what;
	settle(output->outputs); /* no longer pending, so it goes */
}

static void
stop_deadline_cb(evutil_socket_t fd, short what, void *arg)
{
	struct outputs *outputs = arg;

	(void)fd;
	(void)what;
	event_base_loopbreak(outputs->loop.base);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_settings(const struct conf_output *a, const struct conf_output *b)
{
	return a->type == b->type && same_text(a->to, b->to) && a->envelope == b->envelope &&
	       a->framing == b->framing;
}

/* The output of this name that is in force, taken out of the list. */
static struct output *
take_by_name(struct outputs *outputs, const char *name)
{
	for (size_t i = 0; i < outputs->count; i++) {
		struct output *output = outputs->list[i];

		if (output != NULL && strcmp(output->conf.name, name) == 0) {
			outputs->list[i] = NULL;
			return output;
		}
	}
	return NULL;
}

/* Under another configuration the output of the same name goes on where the old one is.  Returns
 * the one that is in force. */
static struct output *
succeed(struct output *next, struct output *old)
{
	if (old == NULL) {
		next->cursor = journal_begin(next->outputs->journal);
	} else if (same_settings(&old->conf, &next->conf)) {
		output_free(next);
		old->reopen_wanted = old->methods->reopen && old->state == STATE_CONNECTED;
		return old;
	} else {
		close_channel(old);
		next->cursor = old->cursor;
		set(&next->sent, get(&old->sent));
		set(&next->bytes, get(&old->bytes));
		set(&next->dropped, get(&old->dropped));
		set(&next->errors, get(&old->errors));
		set(&next->reconnects, get(&old->reconnects));
		output_free(old);
	}
	set(&next->read, next->cursor);
	return next;
}

/* Try again now, whatever the back-off had in mind. */
static void
hurry(struct output *output)
{
	output->backoff = OUTPUT_BACKOFF_FIRST_MS;
	if (output->state == STATE_WAITING)
		add_timer(&output->timer, 0);
}

/* COMMAND_USE. */
static void
use_next(struct outputs *outputs)
{
	const struct timeval limit = { OUTPUT_REMOVED_SECONDS, 0 };
	struct output *list[LIST_MAX];
	size_t count = 0;

	for (size_t i = 0; i < outputs->next_count; i++) {
		struct output *next = outputs->next[i];
		list[count++] = succeed(next, take_by_name(outputs, next->conf.name));
	}
	for (size_t i = 0; i < outputs->count + outputs->removed_count; i++) {
		struct output *output = outputs->list[i];

		if (output == NULL)
			continue;
		if (i < outputs->count) {
			output->end = journal_last(outputs->journal);
			(void)evtimer_add(&output->deadline, &limit);
			hurry(output);
		}
		if (count < LIST_MAX)
			list[count++] = output;
		else
			end_removed(output); /* reloads in quick succession */
	}
	memcpy(outputs->list, list, count * sizeof(list[0]));
	outputs->count = outputs->next_count;
	outputs->removed_count = count - outputs->count;
	for (size_t i = 0; i < outputs->count; i++) {
		hurry(outputs->list[i]);
		if (outputs->list[i]->reopen_wanted)
			pump(outputs->list[i]);
	}
}

/* COMMAND_STOP: what is in the journal now is what is left to do. */
static void
begin_stop(struct outputs *outputs)
{
	const struct timeval limit = { (time_t)(outputs->stop_ms / 1000),
		(suseconds_t)(outputs->stop_ms % 1000 * 1000) };

	outputs->stopping = true;
	for (size_t i = 0; i < outputs->count; i++) {
		outputs->list[i]->end = journal_last(outputs->journal);
		hurry(outputs->list[i]);
	}
	if (evtimer_add(&outputs->stop_deadline, &limit) == -1)
		event_base_loopbreak(outputs->loop.base);
}

/* A command or news in the journal. */
static void
inbox_cb(evutil_socket_t fd, short what, void *arg)
{
	struct outputs *outputs = arg;
	enum command command;
	uint64_t n;

	(void)what;
	(void)!read(fd, &n, sizeof(n)); /* only to make it quiet */
	pthread_mutex_lock(&outputs->lock);
	command = outputs->command;
	pthread_mutex_unlock(&outputs->lock);
	if (command == COMMAND_USE)
		use_next(outputs);
	else if (command == COMMAND_STOP)
		begin_stop(outputs);
	if (command != COMMAND_NONE) {
		pthread_mutex_lock(&outputs->lock);
		outputs->command = COMMAND_NONE;
		pthread_cond_signal(&outputs->done);
		pthread_mutex_unlock(&outputs->lock);
	}
	look_at_journal(outputs);
	settle(outputs);
}

static void *
run_thread(void *arg)
{
	struct outputs *outputs = arg;

	event_base_dispatch(outputs->loop.base);
	for (size_t i = outputs->count; i < outputs->count + outputs->removed_count; i++)
		end_removed(outputs->list[i]);
	outputs->removed_count = 0;
	for (size_t i = 0; i < outputs->count; i++) {
		close_channel(outputs->list[i]);
		event_del(&outputs->list[i]->timer);
	}
	return NULL;
}

/* Wake the thread. */
static void
poke(void *arg)
{
	const struct outputs *outputs = arg;
	const uint64_t one = 1;

	(void)!write(outputs->inbox_fd, &one,
		sizeof(one)); /* fails only when it is awake 2^64 times over */
}

/* Hand over a command that is filled in, and wait until it is done. */
static void
ask(struct outputs *outputs, enum command command)
{
	pthread_mutex_lock(&outputs->lock);
	outputs->command = command;
	poke(outputs);
	while (outputs->command != COMMAND_NONE)
		pthread_cond_wait(&outputs->done, &outputs->lock);
	pthread_mutex_unlock(&outputs->lock);
}

/* HOSTNAME of RFC 5424 is printable ASCII, or a dash. */
static void
name_collector(struct outputs *outputs)
{
	if (gethostname(outputs->collector, sizeof(outputs->collector) - 1) == -1 ||
		outputs->collector[0] == '\0')
		strcpy(outputs->collector, "-");
	for (char *c = outputs->collector; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			*c = '_';
}

/* libevent's resolver tells of its name servers; what matters of it is in an output's error. */
static void
dns_log_cb(int is_warning, const char *message)
{
	(void)is_warning;
	(void)message;
}

static int
new_loop(struct outputs *outputs)
{
	static const struct timeval second = { 1, 0 };
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
		base = event_base_new_with_config(config);
	if (config != NULL)
		event_config_free(config);
	outputs->loop.base = base;
	if (base == NULL)
		return -ENOMEM;
	event_assign(
		&outputs->inbox, base, outputs->inbox_fd, EV_READ | EV_PERSIST, inbox_cb, outputs);
	event_assign(&outputs->tick, base, -1, EV_PERSIST, tick_cb, outputs);
	evtimer_assign(&outputs->stop_deadline, base, stop_deadline_cb, outputs);
	evdns_set_log_fn(dns_log_cb);
	outputs->loop.dns = evdns_base_new(base, 0);
	if (outputs->loop.dns == NULL || event_add(&outputs->inbox, NULL) == -1 ||
		event_add(&outputs->tick, &second) == -1)
		return -ENOMEM;
	return 0;
}

/* Signals are the main thread's; a broken pipe is told by write(2). */
static int
start_thread(struct outputs *outputs)
{
	sigset_t all, before;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&outputs->thread, NULL, run_thread, outputs);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result != 0)
		return -result;
	outputs->running = true;
	(void)pthread_setname_np(outputs->thread, "outputs");
	return 0;
}

struct outputs *
outputs_new(struct journal *journal, struct metrics *metrics)
{
	struct outputs *outputs = calloc(1, sizeof(*outputs));

	if (outputs == NULL)
		return NULL;
	outputs->journal = journal;
	outputs->metrics = metrics;
	pthread_mutex_init(&outputs->lock, NULL);
	pthread_cond_init(&outputs->done, NULL);
	name_collector(outputs);
	outputs->inbox_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (outputs->inbox_fd == -1 || new_loop(outputs) != 0 || start_thread(outputs) != 0) {
		outputs_free(outputs);
		return NULL;
	}
	journal_wake(journal, poke, outputs);
	return outputs;
}

static bool
copy_text(char **to, const char *from)
{
	*to = from == NULL ? NULL : strdup(from);
	return from == NULL || *to != NULL;
}

static struct output *
output_new(struct outputs *outputs, const struct conf_output *conf)
{
	struct output *output = calloc(1, sizeof(*output));

	if (output == NULL)
		return NULL;
	output->outputs = outputs;
	output->methods = methods_of[conf->type];
	output->conf.type = conf->type;
	output->conf.envelope = conf->envelope;
	output->conf.framing = conf->framing;
	output->end = UINT64_MAX;
	output->backoff = OUTPUT_BACKOFF_FIRST_MS;
	output->buffer = evbuffer_new();
	if (output->buffer == NULL || !copy_text(&output->conf.name, conf->name) ||
		!copy_text(&output->conf.to, conf->to) ||
		!copy_text(&output->conf.host, conf->host) ||
		!copy_text(&output->conf.port, conf->port)) {
		output_free(output);
		return NULL;
	}
	evtimer_assign(&output->timer, outputs->loop.base, timer_cb, output);
	evtimer_assign(&output->deadline, outputs->loop.base, deadline_cb, output);
	return output;
}

int
outputs_use(struct outputs *outputs, const struct conf *conf)
{
	struct output *next[CONF_OUTPUTS_MAX];

	assert(conf->output_count <= CONF_OUTPUTS_MAX);
	for (size_t i = 0; i < conf->output_count; i++) {
		next[i] = output_new(outputs, &conf->outputs[i]);
		if (next[i] == NULL) {
			while (i > 0)
				output_free(next[--i]);
			return -ENOMEM;
		}
	}
	outputs->next = next;
	outputs->next_count = conf->output_count;
	ask(outputs, COMMAND_USE);
	return 0;
}

uint64_t
outputs_stop(struct outputs *outputs, int64_t milliseconds)
{
	uint64_t total = 0, left;

	if (!outputs->running)
		return 0;
	outputs->stop_ms = milliseconds;
	ask(outputs, COMMAND_STOP);
	pthread_join(outputs->thread, NULL);
	outputs->running = false;
	for (size_t i = 0; i < outputs->count; i++) {
		left = waiting(outputs->list[i], outputs->list[i]->end);
		if (left > 0)
			log_warning("output %s: stopped; %llu alerts were not sent",
				outputs->list[i]->conf.name, (unsigned long long)left);
		total += left;
	}
	metrics_count(outputs->metrics, DAEMON_alerts_unsent, total);
	return total;
}

void
outputs_free(struct outputs *outputs)
{
	if (outputs == NULL)
		return;
	(void)outputs_stop(outputs, 0);
	journal_wake(outputs->journal, NULL, NULL);
	for (size_t i = 0; i < outputs->count; i++)
		output_free(outputs->list[i]);
	if (outputs->loop.dns != NULL)
		evdns_base_free(outputs->loop.dns, 1);
	if (outputs->loop.base != NULL) {
		/* The lookups that were left end in callbacks of the loop. */
		event_del(&outputs->inbox);
		event_del(&outputs->tick);
		event_del(&outputs->stop_deadline);
		event_base_loop(outputs->loop.base, EVLOOP_NONBLOCK);
		event_base_free(outputs->loop.base);
	}
	if (outputs->inbox_fd != -1)
		close(outputs->inbox_fd);
	pthread_cond_destroy(&outputs->done);
	pthread_mutex_destroy(&outputs->lock);
	free(outputs);
}

struct output_view *
outputs_view(struct outputs *outputs, size_t *count)
{
	uint64_t last = journal_last(outputs->journal);
	size_t size = outputs->count * sizeof(struct output_view);
	struct output_view *views;
	char *names;

	*count = 0;
	for (size_t i = 0; i < outputs->count; i++)
		size += strlen(outputs->list[i]->conf.name) + 1;
	views = size > 0 ? calloc(1, size) : NULL;
	if (views == NULL)
		return NULL;
	*count = outputs->count;
	names = (char *)(views + *count);
	pthread_mutex_lock(&outputs->lock);
	for (size_t i = 0; i < *count; i++) {
		const struct output *output = outputs->list[i];
		struct output_view *view = &views[i];

		view->name = names;
		names = stpcpy(names, output->conf.name) + 1;
		view->state = state_names[output->state];
		view->sent = get(&output->sent);
		view->bytes = get(&output->bytes);
		view->dropped = get(&output->dropped);
		view->errors = get(&output->errors);
		view->reconnects = get(&output->reconnects);
		view->waiting = waiting(output, last);
		memcpy(view->last_error, output->last_error, sizeof(view->last_error));
	}
	pthread_mutex_unlock(&outputs->lock);
	return views;
}
