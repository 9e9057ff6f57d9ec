/* The daemon's side of Type=notify (sd_notify(3)).
 *
 * The results are ignored throughout: without systemd there is nobody to tell, and with it nothing
 * better could be done. */

#include <inttypes.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "daemon/notify.h"

void
notify_ready(void)
{
	(void)sd_notify(0, "READY=1");
}

void
notify_reloading(void)
{
	struct timespec now;

	/* Type=notify-reload wants the moment, so that it can tell this reload from an earlier one.
	 */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		(int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void
notify_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}

void
notify_status(const char *text)
{
	(void)sd_notifyf(0, "STATUS=%s", text);
}

void
notify_watchdog(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}

uint64_t
notify_watchdog_interval(void)
{
	uint64_t usec;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return 0;
	return usec / 2;
}
