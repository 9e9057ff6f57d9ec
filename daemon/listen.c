/* Listening sockets.
 *
 * A configuration is taken over in two steps.  First every input gets its socket: the one that is
 * open already, systemd's, or a new one; whatever goes wrong here closes the new ones and leaves
 * everything as it was.  Then the new ones are put to work and those that no input has claimed are
 * closed.  A descriptor of systemd is kept for the daemon's life and inputs get duplicates of it.
 *
 * TCP sockets are accepted from here, on the main thread, and each connection goes to the worker
 * with the fewest.  For UDP every worker has a socket of its own (SO_REUSEPORT: the kernel keeps a
 * sender on one socket); one of systemd is read by one worker, since it is one queue.
 *
 * When there are no descriptors left, accept(2) is not tried again for PAUSE_SECONDS: the clients
 * wait in the backlog, which loses nothing, and the daemon does not spin. */

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <utlist.h>

#include "daemon/hash.h"
#include "daemon/listen.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/worker.h"

#define BACKLOG 4096
#define ACCEPTS_A_TURN 64
#define ACCEPTS_AT_STOP 4096
#define PAUSE_SECONDS 1
#define KEEPALIVE_PROBES 4

/* A descriptor that systemd has passed. */
struct inherited {
	int fd;
	enum input_type type;
	struct sockaddr_storage address;
	char *name; /* FileDescriptorName */
	const struct conf_input
		*input; /* that it is, in the configuration that is being taken over */
};

/* The socket of an input. */
struct opening {
	struct opening *prev, *next;
	struct listeners *owner;
	struct listener *listener;
	struct sockaddr_storage configured;
	uint64_t receive_buffer;
	bool inherited;
	bool v6only;  /* of "[::]": IPv4 has an input of its own */
	bool claimed; /* by the configuration that is being taken over */
	bool handed;  /* to the workers */
	int *fds; /* of TCP: one, kept; of UDP: one for each worker, or one, until they are handed
		     over */
	size_t fd_count;
	struct event *readable; /* of TCP */
	struct event *resume;
};

/* Connections of one address. */
struct address {
	UT_hash_handle hh;
	struct in6_addr key;
	uint64_t count;
};

struct listeners {
	struct event_base *base;
	struct metrics *metrics;
	struct worker *const *workers; /* NULL until listeners_start() */
	size_t worker_count;
	size_t next_worker; /* reads the next UDP socket of systemd */
	struct opening *openings;
	struct inherited *inherited;
	size_t inherited_count;
	char names[CONF_INPUTS_MAX][sizeof(((struct listener *)NULL)->name)];
	size_t name_count;
	uint64_t connections_max, connections_per_address;

	pthread_mutex_t addresses_lock;
	struct address *addresses;
};

static const char *const type_names[] = { [INPUT_TCP] = "tcp", [INPUT_UDP] = "udp" };

struct in6_addr
listen_key(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
	struct in6_addr key = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	if (address->ss_family == AF_INET6)
		return ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	memcpy(&key.s6_addr[12], &v4->sin_addr, sizeof(v4->sin_addr));
	return key;
}

static unsigned
port_of(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
	return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
}

void
listen_format(const struct sockaddr_storage *from, char address[LISTEN_ADDRESS_MAX],
	char peer[LISTEN_PEER_MAX])
{
	struct in6_addr key = listen_key(from);

	/* An IPv4 client of an IPv6 socket is an IPv4 client. */
	if (IN6_IS_ADDR_V4MAPPED(&key)) {
		(void)inet_ntop(AF_INET, &key.s6_addr[12], address, LISTEN_ADDRESS_MAX);
		(void)snprintf(peer, LISTEN_PEER_MAX, "%s:%u", address, port_of(from));
	} else {
		(void)inet_ntop(AF_INET6, &key, address, LISTEN_ADDRESS_MAX);
		(void)snprintf(peer, LISTEN_PEER_MAX, "[%s]:%u", address, port_of(from));
	}
}

void
listener_ref(struct listener *listener)
{
	atomic_fetch_add_explicit(&listener->references, 1, memory_order_relaxed);
}

void
listener_unref(struct listener *listener)
{
	/* Release and acquire: whoever frees sees what the others did before they let go. */
	if (atomic_fetch_sub_explicit(&listener->references, 1, memory_order_acq_rel) == 1)
		free(listener);
}

/* One more connection of this address.  false at the limit. */
static bool
address_enter(struct listeners *listeners, const struct in6_addr *key)
{
	uint64_t max = listeners->connections_per_address;
	struct address *address;
	bool room = true;

	(void)pthread_mutex_lock(&listeners->addresses_lock);
	HASH_FIND(hh, listeners->addresses, key, (unsigned)sizeof(*key), address);
	if (address == NULL) {
		address = calloc(1, sizeof(*address));
		if (address != NULL) {
			address->key = *key;
			HASH_ADD(hh, listeners->addresses, key, (unsigned)sizeof(*key), address);
			if (address->hh.tbl == NULL) {
				free(address);
				address = NULL;
			}
		}
	}
	/* Without memory to count it the connection is let in; limits.connections still holds. */
	if (address != NULL) {
		room = max == 0 || address->count < max;
		address->count += room;
	}
	(void)pthread_mutex_unlock(&listeners->addresses_lock);
	return room;
}

static void
address_leave(struct listeners *listeners, const struct in6_addr *key)
{
	struct address *address;

	(void)pthread_mutex_lock(&listeners->addresses_lock);
	HASH_FIND(hh, listeners->addresses, key, (unsigned)sizeof(*key), address);
	if (address != NULL && --address->count == 0) {
		HASH_DEL(listeners->addresses, address);
		free(address);
	}
	(void)pthread_mutex_unlock(&listeners->addresses_lock);
}

void
listener_leave(struct listener *listener, const struct in6_addr *peer)
{
	address_leave(listener->owner, peer);
	listener_unref(listener);
}

/* What systemd has passed: 0, or -errno after logging. */
static int
describe_inherited(struct inherited *inherited, int fd, const char *name)
{
	socklen_t length = sizeof(inherited->address);
	int type, protocol, listening = 1;
	socklen_t type_length = sizeof(type), protocol_length = sizeof(protocol);
	socklen_t listening_length = sizeof(listening);

	inherited->fd = fd;
	inherited->name = strdup(name);
	if (inherited->name == NULL)
		return -ENOMEM;
	/* systemd passes it blocking, unless NonBlocking= says otherwise: accept(2) would hold up
	 * the main thread. */
	if (evutil_make_socket_nonblocking(fd) == -1 ||
		getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_length) == -1 ||
		getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &protocol_length) == -1 ||
		getsockname(fd, (struct sockaddr *)&inherited->address, &length) == -1 ||
		(inherited->address.ss_family != AF_INET &&
			inherited->address.ss_family != AF_INET6) ||
		(protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)) {
		log_error("descriptor %d (%s) from systemd is no TCP or UDP socket; take it out of "
			  "the .socket unit",
			fd, name);
		return -EINVAL;
	}
	if (type == SOCK_STREAM &&
		(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_length) == -1 ||
			listening == 0)) {
		log_error("descriptor %d (%s) from systemd is a connection; set Accept=no in the "
			  ".socket unit",
			fd, name);
		return -EINVAL;
	}
	inherited->type = type == SOCK_STREAM ? INPUT_TCP : INPUT_UDP;
	return 0;
}

static int
inherit(struct listeners *listeners)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names), result = 0;

	if (count < 0) {
		log_error("sd_listen_fds: %s", strerror(-count));
		return count;
	}
	listeners->inherited = calloc((size_t)count + 1, sizeof(*listeners->inherited));
	if (listeners->inherited == NULL)
		result = -ENOMEM;
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = describe_inherited(
				&listeners->inherited[listeners->inherited_count++],
				SD_LISTEN_FDS_START + i, names[i]);
		free(names[i]);
	}
	free(names);
	return result;
}

int
listeners_new(struct event_base *base, size_t worker_count, struct metrics *metrics,
	struct listeners **result)
{
	struct listeners *listeners = calloc(1, sizeof(*listeners));
	int error;

	if (listeners == NULL)
		return -ENOMEM;
	listeners->base = base;
	listeners->metrics = metrics;
	listeners->worker_count = worker_count;
	(void)pthread_mutex_init(
		&listeners->addresses_lock, NULL); /* cannot fail without attributes */
	error = inherit(listeners);
	if (error < 0) {
		listeners_free(listeners);
		return error;
	}
	*result = listeners;
	return 0;
}

static void
close_fds(struct opening *opening)
{
	for (size_t i = 0; i < opening->fd_count; i++)
		(void)close(opening->fds[i]); /* nothing was written */
	opening->fd_count = 0;
}

static void
free_opening(struct opening *opening)
{
	if (opening->readable != NULL)
		event_free(opening->readable);
	if (opening->resume != NULL)
		event_free(opening->resume);
	close_fds(opening);
	free(opening->fds);
	if (opening->listener != NULL)
		listener_unref(opening->listener);
	free(opening);
}

void
listeners_free(struct listeners *listeners)
{
	struct opening *opening, *next;
	struct address *address, *next_address;

	if (listeners == NULL)
		return;
	DL_FOREACH_SAFE(listeners->openings, opening, next)
	free_opening(opening);
	for (size_t i = 0; i < listeners->inherited_count; i++) {
		(void)close(listeners->inherited[i].fd); /* systemd has its own */
		free(listeners->inherited[i].name);
	}
	free(listeners->inherited);
	HASH_ITER (hh, listeners->addresses, address, next_address) {
		HASH_DEL(listeners->addresses, address);
		free(address);
	}
	(void)pthread_mutex_destroy(&listeners->addresses_lock);
	free(listeners);
}

static bool
same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	struct in6_addr left = listen_key(a), right = listen_key(b);

	return a->ss_family == b->ss_family && port_of(a) == port_of(b) &&
	       memcmp(&left, &right, sizeof(left)) == 0;
}

static const struct inherited *
inherited_of(const struct listeners *listeners, const struct conf_input *input)
{
	for (size_t i = 0; i < listeners->inherited_count; i++)
		if (listeners->inherited[i].input == input)
			return &listeners->inherited[i];
	return NULL;
}

/* An input of the descriptor's type that no other has: of its address, or of its name. */
static const struct conf_input *
free_input(const struct listeners *listeners, const struct conf *conf,
	const struct inherited *inherited, bool by_name)
{
	for (size_t i = 0; i < conf->input_count; i++) {
		const struct conf_input *input = &conf->inputs[i];

		if (input->type != inherited->type || inherited_of(listeners, input) != NULL)
			continue;
		if (by_name ? strcmp(input->name, inherited->name) == 0
			    : same_address(&input->address, &inherited->address))
			return input;
	}
	return NULL;
}

/* Which input each descriptor of systemd is: all by type and address first, then by name, which
 * those of one .socket unit share.  0, or -EINVAL after logging. */
static int
match_inherited(struct listeners *listeners, const struct conf *conf)
{
	int result = 0;

	for (size_t d = 0; d < listeners->inherited_count; d++)
		listeners->inherited[d].input = NULL;
	for (int by_name = 0; by_name <= 1; by_name++)
		for (size_t d = 0; d < listeners->inherited_count; d++) {
			struct inherited *inherited = &listeners->inherited[d];

			if (inherited->input == NULL)
				inherited->input =
					free_input(listeners, conf, inherited, by_name == 1);
		}
	for (size_t d = 0; d < listeners->inherited_count; d++) {
		const struct inherited *inherited = &listeners->inherited[d];
		char address[LISTEN_ADDRESS_MAX], text[LISTEN_PEER_MAX];

		if (inherited->input != NULL)
			continue;
		listen_format(&inherited->address, address, text);
		log_error(
			"descriptor %d from systemd (%s %s, name \"%s\") fits no input; configure "
			"inputs: - { type: %s, listen: \"%s\" }, or give an input of this type the "
			"name in FileDescriptorName=, or take it out of the .socket unit",
			inherited->fd, type_names[inherited->type], text, inherited->name,
			type_names[inherited->type], text);
		result = -EINVAL;
	}
	return result;
}

static int
set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == -1 ? -errno : 0;
}

/* "[::]" takes IPv4 as well, unless the same port is configured for 0.0.0.0 beside it. */
static bool
wants_v6only(const struct conf *conf, const struct conf_input *input)
{
	struct in6_addr any = IN6ADDR_ANY_INIT, key = listen_key(&input->address);

	if (memcmp(&key, &any, sizeof(any)) != 0)
		return true;
	for (size_t i = 0; i < conf->input_count; i++)
		if (conf->inputs[i].type == input->type &&
			conf->inputs[i].address.ss_family == AF_INET &&
			port_of(&conf->inputs[i].address) == port_of(&input->address))
			return true;
	return false;
}

/* A bound socket; `address` is configured, or with the port that another worker's socket was given.
 * The descriptor or -errno. */
static int
open_socket(const struct conf *conf, const struct conf_input *input,
	const struct sockaddr_storage *address, bool share)
{
	int type = input->type == INPUT_TCP ? SOCK_STREAM : SOCK_DGRAM, error = 0;
	int fd = socket(address->ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -errno;
	if (address->ss_family == AF_INET6)
		error = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, wants_v6only(conf, input));
	if (error == 0 && input->type == INPUT_TCP)
		error = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (error == 0 && share)
		error = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (error == 0 && bind(fd, (const struct sockaddr *)address, input->address_length) == -1)
		error = -errno;
	if (error == 0 && input->type == INPUT_TCP && listen(fd, BACKLOG) == -1)
		error = -errno;
	if (error == 0)
		return fd;
	(void)close(fd); /* nothing was written */
	return error;
}

/* With SO_REUSEPORT a second daemon would get half of the datagrams and neither would know. */
static int
probe_udp(const struct conf *conf, const struct conf_input *input)
{
	int fd = open_socket(conf, input, &input->address, false);

	if (fd < 0)
		return fd;
	(void)close(fd); /* only asked whether it can be bound */
	return 0;
}

static int
add_fd(struct opening *opening, int fd)
{
	int *fds;

	if (fd < 0)
		return fd;
	fds = realloc(opening->fds, (opening->fd_count + 1) * sizeof(*fds));
	if (fds == NULL) {
		(void)close(fd); /* nothing was written */
		return -ENOMEM;
	}
	opening->fds = fds;
	opening->fds[opening->fd_count++] = fd;
	return 0;
}

static int
duplicate(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy == -1 ? -errno : copy;
}

static int
take_address(struct opening *opening)
{
	struct listener *listener = opening->listener;

	listener->address_length = sizeof(listener->address);
	if (getsockname(opening->fds[0], (struct sockaddr *)&listener->address,
		    &listener->address_length) == -1)
		return -errno;
	return 0;
}

/* The opening of the same type and address, whatever its name. */
static struct opening *
find_opening(const struct listeners *listeners, const struct conf_input *input, bool inherited)
{
	struct opening *opening;

	DL_FOREACH(listeners->openings, opening)
	if (opening->listener->type == input->type && !opening->claimed &&
		opening->inherited == inherited &&
		same_address(&opening->configured, &input->address))
		return opening;
	return NULL;
}

static int
open_fds(struct listeners *listeners, const struct conf *conf, const struct conf_input *input,
	const struct inherited *inherited, struct opening *opening)
{
	const struct opening *same = find_opening(listeners, input, false);
	const struct sockaddr_storage *address = &input->address;
	int error;

	if (inherited != NULL) {
		error = add_fd(opening, duplicate(inherited->fd));
	} else if (input->type == INPUT_TCP && same != NULL) {
		/* The input has a new name: the address is bound once only. */
		error = add_fd(opening, duplicate(same->fds[0]));
	} else if (input->type == INPUT_TCP) {
		error = add_fd(opening, open_socket(conf, input, address, false));
	} else {
		error = same != NULL ? 0 : probe_udp(conf, input);
		for (size_t i = 0; i < listeners->worker_count && error == 0; i++) {
			error = add_fd(opening, open_socket(conf, input, address, true));
			if (error == 0 && i == 0)
				error = take_address(opening);
			address = &opening->listener->address;
		}
	}
	return error < 0 ? error : take_address(opening);
}

/* SO_RCVBUFFORCE takes CAP_NET_ADMIN and is not held to net.core.rmem_max. */
static int
set_receive_buffer(const struct opening *opening, const struct conf_input *input)
{
	int wanted = (int)input->receive_buffer, granted = 0;
	socklen_t length = sizeof(granted);

	for (size_t i = 0; i < opening->fd_count; i++) {
		int fd = opening->fds[i], error;

		if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, wanted) < 0 &&
			(error = set_int(fd, SOL_SOCKET, SO_RCVBUF, wanted)) < 0)
			return error;
		if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &length) == -1)
			return -errno;
		if ((error = set_int(fd, SOL_SOCKET, SO_RXQ_OVFL, 1)) < 0)
			return error;
	}
	granted /= 2; /* the kernel doubles it for its own needs, and shows that */
	if (granted < wanted)
		log_notice("%s: receive buffer of %d bytes granted, %d asked for; raise "
			   "net.core.rmem_max",
			input->name, granted, wanted);
	else
		log_info("%s: receive buffer of %d bytes granted", input->name, granted);
	return 0;
}

/* The counters' place of a name.  When all are taken, one whose name is configured no more; its
 * counters go on under the new name. */
static unsigned
name_index(struct listeners *listeners, const struct conf *conf, const char *name)
{
	size_t place = listeners->name_count;

	for (size_t i = 0; i < listeners->name_count; i++)
		if (strcmp(listeners->names[i], name) == 0)
			return (unsigned)i;
	for (size_t i = 0; place == CONF_INPUTS_MAX && i < CONF_INPUTS_MAX; i++) {
		bool used = false;

		for (size_t k = 0; k < conf->input_count; k++)
			used = used || strcmp(listeners->names[i], conf->inputs[k].name) == 0;
		if (!used)
			place = i;
	}
	assert(place < CONF_INPUTS_MAX);
	if (place == listeners->name_count)
		listeners->name_count++;
	(void)snprintf(listeners->names[place], sizeof(listeners->names[place]), "%s", name);
	return (unsigned)place;
}

static void
complain(const struct conf_input *input, int error)
{
	const char *cure = "";

	if (error == -EACCES)
		cure = "; ports below 1024 take root, CAP_NET_BIND_SERVICE or t1505d.socket";
	else if (error == -EADDRINUSE)
		cure = "; another program has it (ss -lntup shows which), or an input that is to "
		       "be replaced: then restart";
	else if (error == -EADDRNOTAVAIL)
		cure = "; no interface has this address";
	log_error("%s:%d: %s: cannot listen on %s: %s%s", input->file, input->line, input->name,
		input->listen, strerror(-error), cure);
}

/* A socket for the input, which nobody reads yet.  0, or -errno after logging. */
static int
open_input(struct listeners *listeners, const struct conf *conf, const struct conf_input *input,
	const struct inherited *inherited, struct opening **result)
{
	struct opening *opening = calloc(1, sizeof(*opening));
	int error = -ENOMEM;

	if (opening == NULL)
		goto fail;
	opening->owner = listeners;
	opening->inherited = inherited != NULL;
	opening->configured = input->address;
	opening->receive_buffer = input->receive_buffer;
	opening->v6only = wants_v6only(conf, input);
	opening->claimed = true;
	opening->listener = calloc(1, sizeof(*opening->listener));
	if (opening->listener == NULL)
		goto fail;
	opening->listener->owner = listeners;
	opening->listener->type = input->type;
	opening->listener->references = 1;
	(void)snprintf(opening->listener->name, sizeof(opening->listener->name), "%s", input->name);
	error = open_fds(listeners, conf, input, inherited, opening);
	if (error == 0 && input->type == INPUT_UDP)
		error = set_receive_buffer(opening, input);
	if (error < 0)
		goto fail;
	*result = opening;
	return 0;
fail:
	complain(input, error);
	if (opening != NULL)
		free_opening(opening);
	return error;
}

/* The kernel does not let an open socket change whether it takes IPv4 as well, nor another one of
 * the same port be opened beside it.  0, or -EADDRINUSE after logging. */
static int
check_v6only(
	const struct listeners *listeners, const struct conf *conf, const struct conf_input *input)
{
	const struct opening *opening = find_opening(listeners, input, false);

	if (opening == NULL || opening->listener->address.ss_family != AF_INET6 ||
		opening->v6only == wants_v6only(conf, input))
		return 0;
	log_error("%s:%d: %s: %s is open %s; whether it takes IPv4 as well depends on an input for "
		  "0.0.0.0 beside it and is decided at the start: restart",
		input->file, input->line, input->name, input->listen,
		opening->v6only ? "for IPv6 alone" : "for IPv4 as well");
	return -EADDRINUSE;
}

/* Open already, and just as configured? */
static struct opening *
find_unchanged(const struct listeners *listeners, const struct conf_input *input, bool inherited)
{
	struct opening *opening = find_opening(listeners, input, inherited);

	if (opening == NULL || strcmp(opening->listener->name, input->name) != 0 ||
		opening->receive_buffer != input->receive_buffer)
		return NULL;
	return opening;
}

static struct worker *
least_loaded(const struct listeners *listeners)
{
	struct worker *best = listeners->workers[0];

	for (size_t i = 1; i < listeners->worker_count; i++)
		if (worker_connections(listeners->workers[i]) < worker_connections(best))
			best = listeners->workers[i];
	return best;
}

static size_t
connections(const struct listeners *listeners)
{
	size_t sum = 0;

	for (size_t i = 0; i < listeners->worker_count; i++)
		sum += worker_connections(listeners->workers[i]);
	return sum;
}

static void
refuse(struct listeners *listeners, int fd, const struct sockaddr_storage *peer, const char *limit,
	uint64_t max)
{
	static struct log_limit log;
	char address[LISTEN_ADDRESS_MAX], text[LISTEN_PEER_MAX];

	listen_format(peer, address, text);
	(void)close(fd); /* nothing was written */
	metrics_count(listeners->metrics, DAEMON_connections_refused, 1);
	log_limited(&log, LOG_LEVEL_WARNING,
		"conn %s: %" PRIu64 " connections (%s) are open; this one is closed", text, max,
		limit);
}

static void
welcome(struct opening *opening, int fd, const struct sockaddr_storage *peer)
{
	struct listeners *listeners = opening->owner;
	struct in6_addr key = listen_key(peer);

	if (connections(listeners) >= listeners->connections_max) {
		refuse(listeners, fd, peer, "limits.connections", listeners->connections_max);
	} else if (!address_enter(listeners, &key)) {
		refuse(listeners, fd, peer, "limits.connections_per_address",
			listeners->connections_per_address);
	} else if (worker_take_connection(least_loaded(listeners), fd, opening->listener, peer) <
		   0) {
		log_error("out of memory for a connection; it is closed");
	}
}

static void
pause_accepting(struct opening *opening, int error)
{
	static const struct timeval pause = { PAUSE_SECONDS, 0 };
	static struct log_limit limit;

	metrics_count(opening->owner->metrics, DAEMON_accept_errors, 1);
	log_limited(&limit, LOG_LEVEL_ERROR,
		"%s: cannot accept a connection: %s; clients wait until there is room",
		opening->listener->name, strerror(error));
	/* If the timer cannot be set, it is tried again at once. */
	if (event_add(opening->resume, &pause) == 0)
		(void)event_del(opening->readable);
}

/* Errors of the connection that came, not of the daemon (accept(2), "Error handling"). */
static bool
passing(int error)
{
	static const int list[] = { EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN,
		ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH };

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (list[i] == error)
			return true;
	return false;
}

static void
accept_some(struct opening *opening, int turns)
{
	for (int i = 0; i < turns; i++) {
		struct sockaddr_storage peer = { 0 };
		socklen_t length = sizeof(peer);
		int fd = accept4(opening->fds[0], (struct sockaddr *)&peer, &length,
			SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd != -1) {
			welcome(opening, fd, &peer);
		} else if (errno == EAGAIN) {
			return;
		} else if (!passing(errno)) {
			pause_accepting(opening, errno);
			return;
		}
	}
}

static void
accept_cb(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	accept_some(argument, ACCEPTS_A_TURN);
}

static void
resume_cb(evutil_socket_t fd, short what, void *argument)
{
	static const struct timeval pause = { PAUSE_SECONDS, 0 };
	struct opening *opening = argument;

	(void)fd;
	(void)what;
	if (event_add(opening->readable, NULL) == -1)
		(void)event_add(
			opening->resume, &pause); /* timers need no memory once there was one */
}

/* Put to work: the workers read it or the main thread accepts. */
static int
hand_over(struct listeners *listeners, struct opening *opening)
{
	int result = 0;

	if (opening->handed || listeners->workers == NULL)
		return 0;
	opening->handed = true;
	if (opening->listener->type == INPUT_UDP) {
		for (size_t i = 0; i < opening->fd_count; i++) {
			size_t worker = opening->fd_count == 1
						? listeners->next_worker++ % listeners->worker_count
						: i;
			int error = worker_take_datagrams(
				listeners->workers[worker], opening->fds[i], opening->listener);

			result = error < 0 ? error : result;
		}
		opening->fd_count = 0;
		return result;
	}
	opening->readable = event_new(
		listeners->base, opening->fds[0], EV_READ | EV_PERSIST, accept_cb, opening);
	opening->resume = event_new(listeners->base, -1, 0, resume_cb, opening);
	if (opening->readable == NULL || opening->resume == NULL ||
		event_add(opening->readable, NULL) == -1)
		return -ENOMEM;
	return 0;
}

static void
drop(struct listeners *listeners, struct opening *opening)
{
	if (opening->listener->type == INPUT_UDP && opening->handed)
		for (size_t i = 0; i < listeners->worker_count; i++)
			if (worker_drop_listener(listeners->workers[i], opening->listener) < 0)
				log_error("%s: out of memory; it is still read",
					opening->listener->name);
	/* Clients that have connected have been told that they are heard. */
	if (opening->listener->type == INPUT_TCP && opening->handed && !opening->inherited)
		accept_some(opening, ACCEPTS_AT_STOP);
	log_info("%s: closed, it is configured no more", opening->listener->name);
	DL_DELETE(listeners->openings, opening);
	free_opening(opening);
}

/* Accepted connections take these over from their listening socket. */
static void
set_keepalive(const struct opening *opening, uint64_t seconds)
{
	int fd = opening->fds[0], interval = (int)(seconds / KEEPALIVE_PROBES);

	if (set_int(fd, SOL_SOCKET, SO_KEEPALIVE, seconds > 0) < 0 ||
		(seconds > 0 &&
			(set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)seconds) < 0 ||
				set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL,
					interval < 1 ? 1 : interval) < 0 ||
				set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES) < 0)))
		log_warning(
			"%s: cannot set keep-alive: %s", opening->listener->name, strerror(errno));
}

/* The first step: everything that is wanted is open or claimed; the new ones are in *fresh. */
static int
open_all(struct listeners *listeners, const struct conf *conf, struct opening **fresh)
{
	struct opening *opening;
	int error = 0;

	DL_FOREACH(listeners->openings, opening)
	opening->claimed = false;
	for (size_t i = 0; i < conf->input_count && error == 0; i++)
		error = check_v6only(listeners, conf, &conf->inputs[i]);
	for (size_t i = 0; i < conf->input_count && error == 0; i++) {
		const struct conf_input *input = &conf->inputs[i];
		const struct inherited *inherited = inherited_of(listeners, input);

		opening = find_unchanged(listeners, input, inherited != NULL);
		if (opening != NULL) {
			opening->claimed = true;
			continue;
		}
		error = open_input(listeners, conf, input, inherited, &opening);
		if (error == 0)
			DL_APPEND(*fresh, opening);
	}
	return error;
}

/* The second step. */
static int
commit(struct listeners *listeners, const struct conf *conf, struct opening *fresh)
{
	struct opening *opening, *next;
	int result = 0;

	listeners->connections_max = conf->connections_max;
	listeners->connections_per_address = conf->connections_per_address;
	DL_FOREACH_SAFE(listeners->openings, opening, next)
	if (!opening->claimed)
		drop(listeners, opening);
	DL_FOREACH_SAFE(fresh, opening, next)
	{
		char address[LISTEN_ADDRESS_MAX], text[LISTEN_PEER_MAX];
		int error;

		DL_DELETE(fresh, opening);
		DL_APPEND(listeners->openings, opening);
		opening->listener->index = name_index(listeners, conf, opening->listener->name);
		listen_format(&opening->listener->address, address, text);
		log_info("%s: listening on %s%s", opening->listener->name, text,
			opening->inherited ? ", from systemd" : "");
		error = hand_over(listeners, opening);
		result = error < 0 ? error : result;
	}
	DL_FOREACH(listeners->openings, opening)
	if (opening->listener->type == INPUT_TCP)
		set_keepalive(opening, conf->keepalive_seconds);
	return result;
}

int
listeners_use(struct listeners *listeners, const struct conf *conf)
{
	struct opening *fresh = NULL, *opening, *next;
	int error;

	if (conf->input_count == 0 && listeners->inherited_count == 0) {
		log_error("no inputs are configured; add inputs: - { type: tcp, listen: "
			  "\"[::]:514\" }");
		return -EINVAL;
	}
	if (match_inherited(listeners, conf) < 0)
		return -EINVAL;
	error = open_all(listeners, conf, &fresh);
	if (error == 0)
		return commit(listeners, conf, fresh);
	DL_FOREACH_SAFE(fresh, opening, next)
	free_opening(opening);
	return error;
}

int
listeners_start(struct listeners *listeners, struct worker *const *workers)
{
	struct opening *opening;
	int result = 0;

	listeners->workers = workers;
	DL_FOREACH(listeners->openings, opening)
	{
		int error = hand_over(listeners, opening);

		result = error < 0 ? error : result;
	}
	return result;
}

void
listeners_stop(struct listeners *listeners)
{
	struct opening *opening, *next;

	DL_FOREACH_SAFE(listeners->openings, opening, next)
	{
		if (opening->listener->type != INPUT_TCP)
			continue;
		/* Connections that systemd's socket holds are the next daemon's. */
		if (opening->handed && !opening->inherited)
			accept_some(opening, ACCEPTS_AT_STOP);
		DL_DELETE(listeners->openings, opening);
		free_opening(opening);
	}
}

void
listeners_print_ports(struct listeners *listeners, FILE *out)
{
	struct opening *opening;

	DL_FOREACH(listeners->openings, opening)
	{
		char address[LISTEN_ADDRESS_MAX], text[LISTEN_PEER_MAX];

		listen_format(&opening->listener->address, address, text);
		fprintf(out, "%s %s\n", type_names[opening->listener->type], text);
	}
}

size_t
listeners_names(struct listeners *listeners, const char **names, size_t max)
{
	size_t count = listeners->name_count < max ? listeners->name_count : max;

	for (size_t i = 0; i < count; i++)
		names[i] = listeners->names[i];
	return count;
}
