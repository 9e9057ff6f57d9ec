#ifndef DAEMON_LISTEN_H
#define DAEMON_LISTEN_H

/* Listening sockets: bound from the configuration or inherited from systemd
 * (sd_listen_fds_with_names), and who gets the next connection.  An inherited descriptor replaces
 * the input of the same type and address, else the one that FileDescriptorName names; one that fits
 * neither is an error.  Runs on the main thread; workers only read a listener's name and index. */

#include <netinet/in.h>
#include <stdio.h>

#include "daemon/conf.h"

#define LISTEN_ADDRESS_MAX 48 /* "2001:db8::1" */
#define LISTEN_PEER_MAX 64    /* "[2001:db8::1]:514" */

struct listeners;
struct event_base;
struct worker;
struct metrics;

struct listener {
	char name[128];
	unsigned index; /* into worker_metrics.inputs; stays the same over reloads */
	enum input_type type;
	struct sockaddr_storage address; /* as bound: the port is known when 0 was asked for */
	socklen_t address_length;
	_Atomic unsigned references; /* main thread, each connection, each datagram socket */
	struct listeners *owner;
};

/* Any thread. */
void listener_ref(struct listener *);
void listener_unref(struct listener *);

/* Any thread: a connection of this listener has ended.  Its address may have one more; a reference
 * is given back. */
void listener_leave(struct listener *, const struct in6_addr *peer);

/* An IP address as one of 16 bytes (IPv4 mapped into IPv6); and as text, alone and with its port.
 */
struct in6_addr listen_key(const struct sockaddr_storage *);
void listen_format(const struct sockaddr_storage *, char address[LISTEN_ADDRESS_MAX],
	char peer[LISTEN_PEER_MAX]);

/* Takes what systemd has passed.  0; -ENOMEM; or -errno after logging, -EINVAL when something was
 * passed that is no listening socket. */
int listeners_new(struct event_base *, size_t worker_count, struct metrics *, struct listeners **);
/* When no worker runs any more. */
void listeners_free(struct listeners *);

/* Open what `conf` names, keep what is open and still named, close the rest.  0; or -errno after
 * logging, everything is then as it was (but for -ENOMEM while sockets change hands: then some are
 * not read); -EINVAL: there is no input, or a descriptor of systemd fits none. */
int listeners_use(struct listeners *, const struct conf *);

/* From now on connections are accepted and handed to these. 0 or -errno. */
int listeners_start(struct listeners *, struct worker *const *workers);

/* SIGTERM: what waits to be accepted is, and then no more. */
void listeners_stop(struct listeners *);

/* "tcp 127.0.0.1:40123" a line, for run --port-file. */
void listeners_print_ports(struct listeners *, FILE *);

/* By index; borrowed until the next listeners_use(). */
size_t listeners_names(struct listeners *, const char **names, size_t max);

#endif
