#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

/* limits.memory: what all inputs hold together (partial messages), charged exactly, from any
 * thread.  At 80 % the connections that hold more than their share are no longer read, until it is
 * less than 70 %; at 100 % the oldest incomplete message goes to the dead letters and its
 * connection is closed. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_WORKERS_MAX 256

struct memory {
	_Atomic size_t used;
	_Atomic size_t max;
	_Atomic size_t holders;                     /* connections that hold anything */
	_Atomic size_t parked;                      /* of them, those that are not read */
	_Atomic int64_t oldest[MEMORY_WORKERS_MAX]; /* when each worker's oldest message began; 0:
						       it has none */
};

/* A holder has `size` bytes now and had `old` before; 0 is none. */
void memory_change(struct memory *, size_t old, size_t size);

bool memory_tight(const struct memory *); /* 80 % */
bool memory_eased(const struct memory *); /* less than 70 % */
bool memory_full(const struct memory *);  /* more than 100 % */

/* A worker's oldest incomplete message began then, 0: it has none. */
void memory_oldest(struct memory *, unsigned worker, int64_t began);

/* Is that of this worker the oldest of all?  Of two that began at once, the first worker's is. */
bool memory_is_oldest(const struct memory *, unsigned worker);

/* What a holder may have and still be read when memory is tight: its part of half of the limit. */
size_t memory_share(const struct memory *);

#endif
