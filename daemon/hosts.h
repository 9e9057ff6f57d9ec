#ifndef DAEMON_HOSTS_H
#define DAEMON_HOSTS_H

/* The table of hosts: striped, bounded, least recently seen goes first.  A stripe's lock is held
 * from hosts_borrow() to hosts_give_back(); no thread holds two.  A short name joins the one FQDN
 * known with that first label (never when two are known); aliases of the configuration come before
 * that. */

#include "daemon/conf.h"
#include "detect/host.h"

struct hosts;

struct hosts *hosts_new(size_t max);
void hosts_free(struct hosts *);

/* Replace the aliases (copied); any thread. */
int hosts_aliases(struct hosts *, const struct conf_alias *, size_t count);

/* Find or add, and lock; NULL for no memory.  `name` is folded.  The signatures are those of struct
 * detect_hosts. */
struct host *hosts_borrow(void *hosts, struct slice name, int64_t now);
void hosts_give_back(void *hosts, struct host *);

size_t hosts_count(struct hosts *);
uint64_t hosts_evicted(struct hosts *);

#endif
