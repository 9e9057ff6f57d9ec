#ifndef DAEMON_PRIVILEGES_H
#define DAEMON_PRIVILEGES_H

/* Started as root: become the configured user once the ports are bound.  Before any thread is
 * started. */

#include "daemon/conf.h"

/* Make the state directory and the control socket's if they are missing; as root they belong to
 * conf->user, and the process becomes that user with its groups, for good.  Without root, or with
 * `user: off`, the process stays who it is. 0; or -errno after logging. */
int privileges_drop(const struct conf *);

#endif
