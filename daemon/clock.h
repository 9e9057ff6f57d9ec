#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

/* The only two clocks. */

#include <stdint.h>

/* The wall clock, microseconds since 1970; it may be set. */
int64_t clock_now(void);

/* Milliseconds since some time in the past; never jumps.  For durations and deadlines. */
int64_t clock_monotonic(void);

#endif
