#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/* Words to systemd (sd_notify(3)); nothing without NOTIFY_SOCKET. */

#include <stdbool.h>
#include <stdint.h>

void notify_ready(void);
void notify_reloading(void); /* with MONOTONIC_USEC; notify_ready() ends it */
void notify_stopping(void);
void notify_status(const char *text);
void notify_watchdog(void);
/* Microseconds between keep-alives (half of WatchdogSec), 0 when there is no watchdog. */
uint64_t notify_watchdog_interval(void);

#endif
