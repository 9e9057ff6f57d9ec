/* One page over HTTP/1.1, by libevent's evhttp, which parses the request and bounds its headers and
 * its body.
 *
 * evhttp's own timeout is for silence: a client that drips a byte at a time would stay for hours,
 * and evhttp 2.1 tells nobody of a connection before its request is complete.  So each connection's
 * bufferevent is made here and held for WEB_SECONDS, after which the socket is shut down whatever
 * it is doing.  Holding it also keeps its descriptor open, so that the number cannot be somebody
 * else's by then.  While WEB_CLIENTS_MAX are held nothing is accepted.  There is one request a
 * connection.
 *
 * No TLS and no authentication: it belongs on a loopback or a management network. */

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "daemon/log.h"
#include "daemon/web.h"
#include "parsers/slice.h"

#define ADDRESS_MAX 256
#define PAUSE_SECONDS                                                                         \
	1 /* until accepting is taken up again when there was no place or no descriptor for a \
	     client */

struct client {
	struct web *web;
	struct bufferevent *stream; /* NULL: a free place */
	struct event deadline;
};

struct web {
	struct event_base *base;
	struct evhttp *http;
	struct evconnlistener *listener;
	struct event resume;
	char *(*metrics)(void *);
	void *argument;
	int port;
	struct client clients[WEB_CLIENTS_MAX];
	size_t client_count;
};

static void
release_client(struct client *client)
{
	event_del(&client->deadline);
	bufferevent_decref(client->stream);
	client->stream = NULL;
	client->web->client_count--;
}

static void
deadline_cb(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;

	(void)fd;
	(void)what;
	(void)shutdown(
		bufferevent_getfd(client->stream), SHUT_RDWR); /* mostly it has ended long ago */
	release_client(client);
}

/* evhttp asks for the bufferevent of a connection that it has just accepted. */
static struct bufferevent *
accepted_cb(struct event_base *base, void *arg)
{
	static const struct timeval limit = { WEB_SECONDS, 0 };
	struct web *web = arg;
	struct client *client = web->clients;
	struct bufferevent *stream = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

	if (stream == NULL)
		return NULL;
	while (client->stream != NULL) /* one is free, else the listener were off */
		client++;
	client->web = web;
	evtimer_assign(&client->deadline, base, deadline_cb, client);
	if (evtimer_add(&client->deadline, &limit) == -1)
		return stream;
	bufferevent_incref(stream);
	client->stream = stream;
	if (++web->client_count == WEB_CLIENTS_MAX)
		evconnlistener_disable(web->listener);
	return stream;
}

/* accept(2) failed: mostly there is no descriptor.  The client stays in the backlog, so at once
 * again would be to spin. */
static void
accept_error_cb(struct evconnlistener *listener, void *arg)
{
	(void)arg;
	evconnlistener_disable(listener);
}

static void
resume_cb(evutil_socket_t fd, short what, void *arg)
{
	struct web *web = arg;

	(void)fd;
	(void)what;
	if (web->client_count < WEB_CLIENTS_MAX)
		evconnlistener_enable(web->listener);
}

static void
metrics_cb(struct evhttp_request *request, void *arg)
{
	struct web *web = arg;
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	bool head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
	struct evbuffer *body = evbuffer_new();
	char *text = web->metrics(web->argument), length[32];

	evhttp_add_header(headers, "Connection", "close");
	if (body == NULL || text == NULL || evbuffer_add(body, text, strlen(text)) == -1) {
		evhttp_send_reply(request, HTTP_SERVUNAVAIL, NULL, NULL);
	} else {
		snprintf(length, sizeof(length), "%zu", evbuffer_get_length(body));
		evhttp_add_header(headers, "Content-Length", length);
		evhttp_add_header(
			headers, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
		/* evhttp 2.1 would send the body of a HEAD, too. */
		evhttp_send_reply(request, HTTP_OK, NULL, head ? NULL : body);
	}
	if (body != NULL)
		evbuffer_free(body);
	free(text);
}

static void
other_cb(struct evhttp_request *request, void *arg)
{
	(void)arg;
	evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
	evhttp_send_reply(request, HTTP_NOTFOUND, NULL, NULL);
}

/* "host:port" or "[host]:port" into its halves. 0 or -EINVAL. */
static int
split_address(const char *address, char host[ADDRESS_MAX], uint16_t *port)
{
	struct slice text = slice_of(address), name;
	size_t colon = text.len;
	uint64_t number;

	while (colon > 0 && text.ptr[colon - 1] != ':')
		colon--;
	if (colon == 0 || slice_number(slice_sub(text, colon, text.len), UINT16_MAX, &number) != 0)
		return -EINVAL;
	name = slice_sub(text, 0, colon - 1);
	if (name.len > 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']')
		name = slice_sub(name, 1, name.len - 1);
	if (name.len == 0 || name.len >= ADDRESS_MAX)
		return -EINVAL;
	memcpy(host, name.ptr, name.len);
	host[name.len] = '\0';
	*port = (uint16_t)number;
	return 0;
}

static int
bound_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &length) == -1)
		return 0;
	if (address.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port);
	return ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
}

static int
serve(struct web *web, const char *host, uint16_t port)
{
	static const struct timeval second = { PAUSE_SECONDS, 0 };
	struct evhttp_bound_socket *bound;

	evhttp_set_allowed_methods(web->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(web->http, WEB_HEADERS_MAX);
	evhttp_set_max_body_size(web->http, WEB_BODY_MAX);
	evhttp_set_timeout(web->http, WEB_SECONDS);
	evhttp_set_bevcb(web->http, accepted_cb, web);
	evhttp_set_gencb(web->http, other_cb, web);
	if (evhttp_set_cb(web->http, "/metrics", metrics_cb, web) != 0)
		return -ENOMEM;
	errno = 0;
	bound = evhttp_bind_socket_with_handle(web->http, host, port);
	if (bound == NULL)
		return errno != 0 ? -errno : -EADDRNOTAVAIL;
	web->listener = evhttp_bound_socket_get_listener(bound);
	evconnlistener_set_error_cb(web->listener, accept_error_cb);
	web->port = bound_port(evhttp_bound_socket_get_fd(bound));
	event_assign(&web->resume, web->base, -1, EV_PERSIST, resume_cb, web);
	return event_add(&web->resume, &second) == 0 ? 0 : -ENOMEM;
}

struct web *
web_new(struct event_base *base, const char *address, char *(*metrics)(void *), void *argument)
{
	struct web *web = calloc(1, sizeof(*web));
	char host[ADDRESS_MAX];
	uint16_t port;
	int error = -ENOMEM;

	if (web == NULL)
		goto fail;
	error = split_address(address, host, &port);
	if (error != 0)
		goto fail;
	error = -ENOMEM;
	web->base = base;
	web->metrics = metrics;
	web->argument = argument;
	web->http = evhttp_new(base);
	if (web->http != NULL)
		error = serve(web, host, port);
	if (error != 0)
		goto fail;
	return web;
fail:
	log_error("metrics %s: %s", address,
		error == -EINVAL ? "is no \"host:port\"" : strerror(-error));
	web_free(web);
	return NULL;
}

void
web_free(struct web *web)
{
	if (web == NULL)
		return;
	if (web->http != NULL)
		evhttp_free(web->http); /* lets go of its connections, which go when they are
					   released here */
	for (size_t i = 0; i < WEB_CLIENTS_MAX; i++)
		if (web->clients[i].stream != NULL)
			release_client(&web->clients[i]);
	if (event_initialized(&web->resume))
		event_del(&web->resume);
	free(web);
}

int
web_port(const struct web *web)
{
	return web->port;
}
