#ifndef DAEMON_WEB_H
#define DAEMON_WEB_H

/* Prometheus text over HTTP (evhttp): GET and HEAD of /metrics on one address.  Nothing else is
 * served; request sizes, clients and times are bounded. */

#define WEB_CLIENTS_MAX 64 /* connections in any WEB_SECONDS; the next ones wait in the backlog */
#define WEB_SECONDS 10     /* a connection has for everything */
#define WEB_HEADERS_MAX 8192
#define WEB_BODY_MAX 1024

struct event_base;
struct web;

/* `address`: "host:port", "[::1]:port", port 0 for any.  `metrics` returns malloc'd text, or NULL
 * for no memory (the client gets 503). The program ignores SIGPIPE.  NULL after logging. */
struct web *web_new(struct event_base *, const char *address, char *(*metrics)(void *), void *);
void web_free(struct web *);
int web_port(const struct web *); /* as bound */

#endif
