/* The control socket: a UNIX stream on which `t1505d status` asks one question.
 *
 * A client has CONTROL_SECONDS for the whole of it, from its connect to the last byte of the
 * answer, so that one that sends or reads nothing costs a place for that long and no more; when all
 * places are taken the next clients wait in the backlog.  Who may ask is the matter of the file's
 * mode and group.  Nothing can be changed over it. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "daemon/clock.h"
#include "daemon/control.h"
#include "daemon/log.h"
#include "parsers/slice.h"

#define ASK_BYTES (64 * 1024) /* read at once by control_ask() */
#define PAUSE_SECONDS 1       /* without accepting, when there is no descriptor for a client */

struct client {
	struct control *control;
	struct bufferevent *stream;
	struct event *deadline;
	bool answered;
};

struct control {
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *pause;
	char *path;
	dev_t device; /* of the socket file, to know it again */
	ino_t inode;
	char *(*answer)(void *, const char *);
	void *argument;
	struct client clients[CONTROL_CLIENTS_MAX]; /* free: stream is NULL */
	size_t client_count;
};

static int
fill_address(const char *path, struct sockaddr_un *address)
{
	size_t length = strlen(path); /* ours, of the configuration or the command line */

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (length == 0 || length >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, length);
	return 0;
}

static void
end_client(struct client *client)
{
	struct control *control = client->control;

	event_free(client->deadline);
	bufferevent_free(client->stream);
	client->stream = NULL;
	if (control->client_count-- == CONTROL_CLIENTS_MAX)
		evconnlistener_enable(control->listener);
}

static void
give_answer(struct client *client, struct slice request)
{
	static const char unknown[] = "there is no such request\n";
	char line[CONTROL_REQUEST_MAX + 1];
	char *text = NULL;

	client->answered = true;
	bufferevent_disable(client->stream, EV_READ);
	memcpy(line, request.ptr, request.len);
	line[request.len] = '\0';
	if (slice_find_byte(request, '\0') == request.len)
		text = client->control->answer(client->control->argument, line);
	if (text != NULL)
		bufferevent_write(client->stream, text, strlen(text)); /* ours */
	else
		bufferevent_write(client->stream, unknown, sizeof(unknown) - 1);
	free(text);
}

/* Of the first line all is kept until its LF is there; CONTROL_REQUEST_MAX bytes without one are no
 * request. */
static void
read_cb(struct bufferevent *stream, void *arg)
{
	struct client *client = arg;
	struct evbuffer *input = bufferevent_get_input(stream);
	char bytes[CONTROL_REQUEST_MAX];
	ev_ssize_t n = evbuffer_copyout(input, bytes, sizeof(bytes));
	struct slice request = { bytes, n > 0 ? (size_t)n : 0 };
	size_t end = slice_find_byte(request, '\n');

	if (client->answered)
		return;
	if (end == request.len && request.len < CONTROL_REQUEST_MAX)
		return;
	give_answer(client, slice_trim(slice_sub(request, 0, end)));
}

static void
written_cb(struct bufferevent *stream, void *arg)
{
	struct client *client = arg;

	(void)stream;
	if (client->answered)
		end_client(client);
}

static void
closed_cb(struct bufferevent *stream, short what, void *arg)
{
	(void)stream;
	(void)what;
	end_client(arg);
}

static void
deadline_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	end_client(arg);
}

static void
accept_cb(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int length,
	void *arg)
{
	static const struct timeval limit = { CONTROL_SECONDS, 0 };
	struct control *control = arg;
	struct client *client = control->clients;

	(void)address;
	(void)length;
	while (client->stream != NULL) /* one is free, else the listener were off */
		client++;
	client->control = control;
	client->answered = false;
	client->deadline = evtimer_new(control->base, deadline_cb, client);
	client->stream = bufferevent_socket_new(control->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (client->stream == NULL)
		close(fd);
	if (client->deadline == NULL || client->stream == NULL ||
		evtimer_add(client->deadline, &limit) == -1)
		goto fail;
	bufferevent_setcb(client->stream, read_cb, written_cb, closed_cb, client);
	bufferevent_setwatermark(client->stream, EV_READ, 0, CONTROL_REQUEST_MAX);
	bufferevent_enable(client->stream, EV_READ | EV_WRITE);
	if (++control->client_count == CONTROL_CLIENTS_MAX)
		evconnlistener_disable(listener);
	return;
fail:
	if (client->deadline != NULL)
		event_free(client->deadline);
	if (client->stream != NULL)
		bufferevent_free(client->stream);
	client->stream = NULL;
}

/* accept(2) failed: mostly there is no descriptor.  The client stays in the backlog, so at once
 * again would be to spin. */
static void
accept_error_cb(struct evconnlistener *listener, void *arg)
{
	static const struct timeval wait = { PAUSE_SECONDS, 0 };
	struct control *control = arg;

	evconnlistener_disable(listener);
	(void)evtimer_add(control->pause, &wait);
}

static void
pause_over_cb(evutil_socket_t fd, short what, void *arg)
{
	struct control *control = arg;

	(void)fd;
	(void)what;
	if (control->client_count < CONTROL_CLIENTS_MAX)
		evconnlistener_enable(control->listener);
}

/* Clear the path of a socket that nobody listens on any more. */
static int
clear_path(const char *path, const struct sockaddr_un *address)
{
	struct stat st;
	int fd, result = 0;

	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	/* A full backlog (EAGAIN) has a daemon behind it, too. */
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		result = -EADDRINUSE;
	else if (errno != ECONNREFUSED)
		result = -errno;
	else if (unlink(path) == -1)
		result = -errno;
	close(fd);
	return result;
}

/* The group may ask. Not worth failing for.  Under systemd the socket has it already, and the
 * sandbox forbids the call. */
static void
give_to_group(const char *path, const char *name)
{
	char space[4096];
	struct group entry, *found = NULL;
	struct stat st;

	if (name == NULL)
		return;
	if (getgrnam_r(name, &entry, space, sizeof(space), &found) != 0 || found == NULL)
		log_info("control %s: there is no group %s; only the daemon's own user and group "
			 "may ask",
			path, name);
	else if ((stat(path, &st) == -1 || st.st_gid != found->gr_gid) &&
		 chown(path, (uid_t)-1, found->gr_gid) == -1)
		log_info("control %s: cannot give it to group %s: %s", path, name, strerror(errno));
}

/* Bound and listening, 0660 at any time. */
static int
listen_on(const char *path, const char *group, int *result)
{
	struct sockaddr_un address;
	int fd, error = fill_address(path, &address);

	if (error == 0)
		error = clear_path(path, &address);
	if (error != 0)
		return error;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	/* The mode that the file will be made with, so that it is never open to all: unix(7) takes
	 * it from the descriptor. */
	if (fchmod(fd, 0660) == -1 || bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		goto fail;
	give_to_group(path, group);
	if (chmod(path, 0660) == -1 || listen(fd, CONTROL_CLIENTS_MAX) == -1)
		goto fail;
	*result = fd;
	return 0;
fail:
	error = -errno;
	close(fd);
	return error;
}

struct control *
control_new(struct event_base *base, const char *path, const char *group,
	char *(*answer)(void *, const char *), void *argument)
{
	struct control *control = calloc(1, sizeof(*control));
	struct stat st;
	int fd = -1, error = -ENOMEM;

	if (control == NULL || (control->path = strdup(path)) == NULL)
		goto fail;
	error = listen_on(path, group, &fd);
	if (error != 0)
		goto fail;
	error = -ENOMEM;
	control->base = base;
	control->answer = answer;
	control->argument = argument;
	if (stat(path, &st) == 0) {
		control->device = st.st_dev;
		control->inode = st.st_ino;
	}
	control->pause = evtimer_new(base, pause_over_cb, control);
	if (control->pause == NULL)
		goto fail;
	control->listener = evconnlistener_new(
		base, accept_cb, control, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (control->listener == NULL)
		goto fail;
	evconnlistener_set_error_cb(control->listener, accept_error_cb);
	return control;
fail:
	log_error("control %s: %s", path,
		error == -EADDRINUSE ? "another daemon listens here; choose another control.socket"
		: error == -EEXIST   ? "the file is there and is no socket; remove it or choose "
				       "another control.socket"
				     : strerror(-error));
	if (fd != -1) {
		close(fd);
		(void)unlink(path);
	}
	if (control != NULL) {
		free(control->path);
		if (control->pause != NULL)
			event_free(control->pause);
	}
	free(control);
	return NULL;
}

void
control_free(struct control *control)
{
	struct stat st;

	if (control == NULL)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (control->clients[i].stream != NULL)
			end_client(&control->clients[i]);
	evconnlistener_free(control->listener);
	event_free(control->pause);
	if (stat(control->path, &st) == 0 && st.st_dev == control->device &&
		st.st_ino == control->inode)
		(void)unlink(control->path); /* a directory that is not ours any more keeps it; the
						next start replaces it */
	free(control->path);
	free(control);
}

static int
wait_for(int fd, short what, int64_t end)
{
	struct pollfd ready = { .fd = fd, .events = what };
	int64_t left = end - clock_monotonic();
	int n = left > 0 ? poll(&ready, 1, (int)left) : 0;

	if (n == -1)
		return errno == EINTR ? 0 : -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int
send_request(int fd, const char *request, int64_t end)
{
	char line[CONTROL_REQUEST_MAX + 1];
	int length = snprintf(line, sizeof(line), "%s\n", request);
	size_t sent = 0;

	if (length < 0 || length > CONTROL_REQUEST_MAX)
		return -EMSGSIZE;
	while (sent < (size_t)length) {
		int result = wait_for(fd, POLLOUT, end);
		ssize_t n;

		if (result != 0)
			return result;
		n = send(fd, line + sent, (size_t)length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return -errno;
		sent += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int
read_answer(int fd, int64_t end, char **answer)
{
	size_t used = 0, size = 0;
	char *text = NULL, *more;
	int result;

	for (;;) {
		ssize_t n;

		result = used < CONTROL_ANSWER_MAX ? wait_for(fd, POLLIN, end) : -EFBIG;
		if (result != 0)
			goto fail;
		if (size - used < ASK_BYTES + 1) {
			size = size * 2 + ASK_BYTES + 1;
			more = realloc(text, size);
			if (more == NULL) {
				result = -ENOMEM;
				goto fail;
			}
			text = more;
		}
		n = recv(fd, text + used, ASK_BYTES, MSG_DONTWAIT);
		if (n == -1 && errno != EAGAIN && errno != EINTR) {
			result = -errno;
			goto fail;
		}
		if (n == 0)
			break;
		used += n > 0 ? (size_t)n : 0;
	}
	text[used] = '\0';
	*answer = text;
	return 0;
fail:
	free(text);
	return result;
}

/* Connect within CONTROL_SECONDS: with all places taken and a full backlog that can take a while.
 */
static int
dial(const struct sockaddr_un *address, int *result)
{
	static const struct timeval limit = { CONTROL_SECONDS, 0 };
	int error, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == -1 ||
		connect(fd, (const struct sockaddr *)address, sizeof(*address)) == -1) {
		error = errno == EAGAIN ? -ETIMEDOUT : -errno;
		close(fd);
		return error;
	}
	*result = fd;
	return 0;
}

int
control_ask(const char *path, const char *request, char **answer)
{
	int64_t end = clock_monotonic() + CONTROL_SECONDS * 1000;
	struct sockaddr_un address;
	int fd = -1, result = fill_address(path, &address);

	if (result == 0)
		result = dial(&address, &fd);
	if (result != 0)
		return result;
	result = send_request(fd, request, end);
	if (result == 0)
		result = read_answer(fd, end, answer);
	close(fd);
	return result;
}
