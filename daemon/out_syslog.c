/* Alerts over sockets, bare or in an RFC 5424 envelope, octet-counted (RFC 6587) or ended by LF, a
 * datagram each on UDP (RFC 5426) and UNIX datagram sockets.
 *
 * Opening never blocks: a name is looked up by evdns (with /etc/hosts and resolv.conf as they are
 * now), its addresses are tried in turn, each for OUTPUT_CONNECT_SECONDS.  A numeric address takes
 * the same road and is answered at once.  A lookup that nobody waits for any more lives on by
 * itself until evdns ends it, since evdns calls back after a cancel, too.
 *
 * No TLS, and no acknowledgement: a stream's receiver that dies loses what its kernel held. */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/util.h>

#include "daemon/out_syslog.h"
#include "parsers/stamp.h"

#define FACILITY_AUDIT 13 /* RFC 5424, table 1: log audit */
#define HEADER_MAX 512    /* of an envelope: a host name has at most 255 bytes */
#define KEEPALIVE_SECONDS 60
#define UNACKNOWLEDGED_MS 60000 /* then a peer's machine is taken to be gone */
#define DATAGRAM_BUFFER                                                           \
	(1024 * 1024) /* asked for: a UNIX datagram is bounded by the send buffer \
		       */

struct out_syslog {
	struct output_opening opening;
	int fd; /* -1: none yet */
	struct lookup *lookup;
	struct evutil_addrinfo *addresses, *next; /* of the lookup, and the one to be tried next */
	struct event step; /* while opening: an answer to look at, a connect to end */
	int failure;       /* of the lookup: EVUTIL_EAI_* */
	int error;         /* of the last address */
};

struct lookup {
	struct out_syslog *owner; /* NULL: closed meanwhile */
	struct output_loop *loop;
};

/* RFC 5424, table 2. */
static const int severities[SEVERITY_MAX] = {
	[SEVERITY_INFORMATIONAL] = 6,
	[SEVERITY_LOW] = 5,
	[SEVERITY_MEDIUM] = 4,
	[SEVERITY_HIGH] = 3,
	[SEVERITY_CRITICAL] = 2,
};

static bool
is_datagram(enum output_type type)
{
	return type == OUTPUT_UDP || type == OUTPUT_UNIXGRAM;
}

int
output_format(struct evbuffer *buffer, const struct conf_output *conf, const char *collector,
	const struct journal_entry *entry)
{
	char header[HEADER_MAX] = "", count[32] = "", time[STAMP_TEXT_MAX];
	size_t header_length = 0, count_length = 0, length = entry->length;
	const char *json = entry->json;
	bool datagram = is_datagram(conf->type);

	if (datagram && entry->short_length > 0) {
		json += length;
		length = entry->short_length;
	}

	if (conf->envelope == OUTPUT_RFC5424) {
		stamp_format(entry->time, time);
		header_length = (size_t)snprintf(header, sizeof(header),
			"<%d>1 %s %.255s t1505d - alert - ",
			FACILITY_AUDIT * 8 + severities[entry->severity], time, collector);
	}
	if (!datagram && conf->framing == OUTPUT_OCTET_COUNTED)
		count_length =
			(size_t)snprintf(count, sizeof(count), "%zu ", header_length + length);
	/* With the room made first, what follows cannot fail half-way. */
	if (evbuffer_expand(buffer, count_length + header_length + length + 1) == -1)
		return -ENOMEM;
	evbuffer_add(buffer, count, count_length);
	evbuffer_add(buffer, header, header_length);
	evbuffer_add(buffer, json, length);
	if (!datagram && conf->framing == OUTPUT_LF)
		evbuffer_add(buffer, "\n", 1);
	return 0;
}

static void
close_socket(struct out_syslog *out)
{
	if (out->fd != -1)
		close(out->fd);
	out->fd = -1;
}

static int
new_socket(struct out_syslog *out, int family)
{
	int type = is_datagram(out->opening.conf->type) ? SOCK_DGRAM : SOCK_STREAM;
	int on = 1, idle = KEEPALIVE_SECONDS, size = DATAGRAM_BUFFER;
	unsigned int unacknowledged = UNACKNOWLEDGED_MS;

	out->fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (out->fd == -1)
		return -errno;
	/* None of these is worth failing for. */
	if (out->opening.conf->type == OUTPUT_TCP) {
		(void)setsockopt(out->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
		(void)setsockopt(out->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
		/* Keepalive is silent while something is unacknowledged, and TCP alone would go on
		 * for a quarter of an hour. */
		(void)setsockopt(out->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged,
			sizeof(unacknowledged));
	}
	if (out->opening.conf->type == OUTPUT_UNIXGRAM)
		(void)setsockopt(out->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

static void connect_next(struct out_syslog *);

/* The connection to one address is made or not. */
static void
connected_cb(evutil_socket_t fd, short what, void *arg)
{
	struct out_syslog *out = arg;
	socklen_t length = sizeof(out->error);

	if ((what & EV_TIMEOUT) != 0)
		out->error = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &out->error, &length) == -1)
		out->error = errno;
	if (out->error == 0) {
		out->opening.opened(out->opening.argument, NULL);
		return;
	}
	close_socket(out);
	connect_next(out);
}

/* Try the addresses that are left until one answers or takes its time. Calls opened(), after which
 * `out` may be gone. */
static void
connect_next(struct out_syslog *out)
{
	const struct timeval limit = { OUTPUT_CONNECT_SECONDS, 0 };

	while (out->next != NULL) {
		struct evutil_addrinfo *address = out->next;
		int result = new_socket(out, address->ai_family);

		out->next = address->ai_next;
		if (result == 0 &&
			connect(out->fd, address->ai_addr, (socklen_t)address->ai_addrlen) == -1)
			result = -errno;
		if (result == 0) {
			out->opening.opened(out->opening.argument, NULL);
			return;
		}
		if (result == -EINPROGRESS) {
			event_assign(&out->step, out->opening.loop->base, out->fd, EV_WRITE,
				connected_cb, out);
			if (event_add(&out->step, &limit) == 0)
				return;
			result = -ENOMEM;
		}
		out->error = -result;
		close_socket(out);
	}
	out->opening.opened(out->opening.argument, strerror(out->error));
}

/* The answer of a lookup, outside of evdns's own calls. */
static void
answer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct out_syslog *out = arg;
	char why[128];

	(void)fd;
	(void)what;
	if (out->failure == 0) {
		connect_next(out);
		return;
	}
	snprintf(why, sizeof(why), "name lookup: %s", evutil_gai_strerror(out->failure));
	out->opening.opened(out->opening.argument, why);
}

/* evdns_getaddrinfo()'s callback, perhaps before that returns. */
static void
resolved_cb(int result, struct evutil_addrinfo *addresses, void *arg)
{
	struct lookup *lookup = arg;
	struct out_syslog *out = lookup->owner;

	lookup->loop->lookups--;
	free(lookup);
	if (out == NULL) {
		if (addresses != NULL)
			evutil_freeaddrinfo(addresses);
		return;
	}
	out->lookup = NULL;
	out->failure = result;
	out->error = EADDRNOTAVAIL; /* when there is no address in the answer */
	out->addresses = out->next = addresses;
	event_active(&out->step, EV_TIMEOUT, 0);
}

/* The name servers and /etc/hosts may have changed since the last lookup; at boot they come after
 * us. */
static void
reread_resolver_files(struct evdns_base *dns)
{
	evdns_base_clear_nameservers_and_suspend(dns);
	evdns_base_clear_host_addresses(dns);
	(void)evdns_base_resolv_conf_parse(dns, DNS_OPTIONS_ALL,
		"/etc/resolv.conf"); /* missing: the lookup fails and says so */
	evdns_base_resume(dns);
}

static int
open_internet(struct out_syslog *out)
{
	struct output_loop *loop = out->opening.loop;
	struct evutil_addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = is_datagram(out->opening.conf->type) ? SOCK_DGRAM : SOCK_STREAM,
		.ai_protocol = is_datagram(out->opening.conf->type) ? IPPROTO_UDP : IPPROTO_TCP,
	};
	struct lookup *lookup = malloc(sizeof(*lookup));

	if (lookup == NULL)
		return -ENOMEM;
	if (loop->lookups == 0)
		reread_resolver_files(loop->dns);
	lookup->owner = out;
	lookup->loop = loop;
	out->lookup = lookup;
	loop->lookups++;
	event_assign(&out->step, loop->base, -1, 0, answer_cb, out);
	/* It always calls back, on any failure of its own, too; the request it returns is only good
	 * for a cancel. */
	(void)evdns_getaddrinfo(loop->dns, out->opening.conf->host, out->opening.conf->port, &hints,
		resolved_cb, lookup);
	return -EINPROGRESS;
}

/* A UNIX socket connects at once or not at all: a full backlog is -EAGAIN, and a reason to come
 * back later. */
static int
open_unix(struct out_syslog *out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(out->opening.conf->to); /* ours, of the configuration */
	int result;

	if (length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, out->opening.conf->to, length);
	result = new_socket(out, AF_UNIX);
	if (result == 0 && connect(out->fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		result = -errno;
	return result;
}

static void
syslog_close(void *channel, size_t partial)
{
	struct out_syslog *out = channel;

	(void)partial;
	if (out->lookup != NULL)
		out->lookup->owner = NULL;
	if (event_initialized(&out->step))
		event_del(&out->step);
	if (out->addresses != NULL)
		evutil_freeaddrinfo(out->addresses);
	close_socket(out);
	free(out);
}

static int
syslog_open(const struct output_opening *opening, void **channel)
{
	struct out_syslog *out = calloc(1, sizeof(*out));
	int result;

	if (out == NULL)
		return -ENOMEM;
	out->opening = *opening;
	out->fd = -1;
	if (opening->conf->type == OUTPUT_TCP || opening->conf->type == OUTPUT_UDP)
		result = open_internet(out);
	else
		result = open_unix(out);
	if (result != 0 && result != -EINPROGRESS) {
		syslog_close(out, 0);
		return result;
	}
	*channel = out;
	return result;
}

static int
syslog_descriptor(const void *channel)
{
	return ((const struct out_syslog *)channel)->fd;
}

static ssize_t
stream_write(void *channel, struct evbuffer *buffer, size_t first)
{
	struct out_syslog *out = channel;
	int n = evbuffer_write(buffer, out->fd);

	(void)first;
	if (n == -1)
		return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return n;
}

static ssize_t
datagram_write(void *channel, struct evbuffer *buffer, size_t first)
{
	struct out_syslog *out = channel;
	const unsigned char *bytes = evbuffer_pullup(buffer, (ev_ssize_t)first);

	if (bytes == NULL)
		return -ENOBUFS; /* no memory for it now */
	if (send(out->fd, bytes, first, MSG_NOSIGNAL) == -1)
		return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
	evbuffer_drain(buffer, first);
	return (ssize_t)first;
}

/* The address that was taken, which for a name is worth knowing. */
static void
syslog_peer(const void *channel, char *text, size_t size)
{
	const struct out_syslog *out = channel;
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	char address[INET6_ADDRSTRLEN];
	const void *in;

	if (out->fd == -1 || getpeername(out->fd, (struct sockaddr *)&peer, &length) == -1 ||
		(peer.ss_family != AF_INET && peer.ss_family != AF_INET6)) {
		snprintf(text, size, "%s", out->opening.conf->to);
		return;
	}
	if (peer.ss_family == AF_INET)
		in = &((struct sockaddr_in *)(void *)&peer)->sin_addr;
	else
		in = &((struct sockaddr_in6 *)(void *)&peer)->sin6_addr;
	evutil_inet_ntop(peer.ss_family, in, address, sizeof(address));
	snprintf(text, size, peer.ss_family == AF_INET ? "%s:%s" : "[%s]:%s", address,
		out->opening.conf->port);
}

const struct output_methods out_syslog_stream_methods = {
	.open = syslog_open,
	.descriptor = syslog_descriptor,
	.write = stream_write,
	.close = syslog_close,
	.peer = syslog_peer,
};

const struct output_methods out_syslog_datagram_methods = {
	.datagrams = true,
	.open = syslog_open,
	.descriptor = syslog_descriptor,
	.write = datagram_write,
	.close = syslog_close,
	.peer = syslog_peer,
};
