#ifndef DAEMON_WINDOWS_H
#define DAEMON_WINDOWS_H

/* The table of correlation windows: striped, and bounded in bytes, all together; the window that
 * was used longest ago goes first, and never the one that was used last, however large.  A stripe's
 * lock is held from the borrowing of a window until it is given back; no thread holds two, nor one
 * with that of a host. */

#include "detect/detect.h"

struct windows;

struct windows *windows_new(size_t bytes_max);
void windows_free(struct windows *);

/* Any thread.  What is beyond the bound goes when a window is given back. */
void windows_limit(struct windows *, size_t bytes_max);

/* For detect_new(). */
struct detect_windows windows_of(struct windows *);

size_t windows_count(struct windows *);
size_t windows_bytes(struct windows *);
uint64_t windows_evicted(struct windows *);

#endif
