/* The account of limits.memory.  It only counts: who holds memory decides what to do at the marks
 * (conn.c).
 *
 * The counters are atomic and relaxed: nothing else is published through them, and a limit that is
 * seen a moment late is seen at the next message. */

#include "daemon/memory.h"

#define TIGHT_PERCENT 80
#define EASED_PERCENT 70

static size_t
load(const _Atomic size_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

void
memory_change(struct memory *memory, size_t old, size_t size)
{
	if (size > old)
		atomic_fetch_add_explicit(&memory->used, size - old, memory_order_relaxed);
	else if (size < old)
		atomic_fetch_sub_explicit(&memory->used, old - size, memory_order_relaxed);
	if (old == 0 && size > 0)
		atomic_fetch_add_explicit(&memory->holders, 1, memory_order_relaxed);
	else if (old > 0 && size == 0)
		atomic_fetch_sub_explicit(&memory->holders, 1, memory_order_relaxed);
}

/* The limit is divided before it is multiplied: it may be anything. */
bool
memory_tight(const struct memory *memory)
{
	return load(&memory->used) >= load(&memory->max) / 100 * TIGHT_PERCENT;
}

bool
memory_eased(const struct memory *memory)
{
	return load(&memory->used) < load(&memory->max) / 100 * EASED_PERCENT;
}

bool
memory_full(const struct memory *memory)
{
	return load(&memory->used) > load(&memory->max);
}

void
memory_oldest(struct memory *memory, unsigned worker, int64_t began)
{
	atomic_store_explicit(&memory->oldest[worker], began, memory_order_relaxed);
}

bool
memory_is_oldest(const struct memory *memory, unsigned worker)
{
	int64_t mine = atomic_load_explicit(&memory->oldest[worker], memory_order_relaxed);

	for (unsigned i = 0; mine != 0 && i < MEMORY_WORKERS_MAX; i++) {
		int64_t other = atomic_load_explicit(&memory->oldest[i], memory_order_relaxed);

		if (other != 0 && (other < mine || (other == mine && i < worker)))
			return false;
	}
	return mine != 0;
}

size_t
memory_share(const struct memory *memory)
{
	size_t holders = load(&memory->holders);

	return load(&memory->max) / 2 / (holders == 0 ? 1 : holders);
}
