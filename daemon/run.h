#ifndef DAEMON_RUN_H
#define DAEMON_RUN_H

/* `t1505d run`: start order, signals, reload, stop order (the reverse of the start).  Returns the
 * exit code (sysexits.h). */

/* `port_file`: NULL, or where to write "TYPE ADDRESS:PORT" of each listener (and "metrics ...")
 * once all are bound, by rename. */
int run_daemon(const char *conf_file, const char *port_file);

#endif
