/* A stripe is a mutex, a hash table, the order in which its windows were used, and a heap by their
 * deadlines, the earliest on top.
 *
 * All stripes together have one bound.  Each tells, without its lock, when its first window is due
 * and when its oldest one was used: what is due first of all, or goes first of all, is found so.
 * Another thread may change that before the lock is had; then it is looked for again. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/hash.h"
#include "daemon/log.h"
#include "daemon/windows.h"

#define STRIPES 64
#define CACHE_LINE 64

struct item {
	struct window *window;
	size_t bytes;     /* charged for it */
	int64_t deadline; /* of the window when it was last given back */
	size_t place;     /* in the heap */
	uint64_t used;    /* the number of its last use, of all uses */
	TAILQ_ENTRY(item) link;
	UT_hash_handle hh;
	size_t length;
	char key[];
};

TAILQ_HEAD(item_list, item);

struct stripe {
	_Alignas(CACHE_LINE) pthread_mutex_t lock;
	struct item *items;
	struct item_list order; /* of use */
	struct item **heap;
	size_t count, room; /* of the heap */
	/* Written under the lock; of an empty stripe they are the greatest. */
	_Atomic int64_t due;
	_Atomic uint64_t oldest;
};

struct windows {
	struct stripe stripes[STRIPES];
	_Atomic size_t bytes, bytes_max;
	_Atomic uint64_t uses, evicted;
};

/* ---- the heap ---- */

static void
set_place(struct stripe *stripe, size_t at, struct item *item)
{
	stripe->heap[at] = item;
	item->place = at;
}

/* Put the item at `at`, whose place is free, or where its deadline belongs above or below it. */
static void
settle(struct stripe *stripe, size_t at, struct item *item)
{
	struct item **heap = stripe->heap;

	for (; at > 0 && heap[(at - 1) / 2]->deadline > item->deadline; at = (at - 1) / 2)
		set_place(stripe, at, heap[(at - 1) / 2]);
	for (size_t child; (child = 2 * at + 1) < stripe->count; at = child) {
		if (child + 1 < stripe->count && heap[child + 1]->deadline < heap[child]->deadline)
			child++;
		if (heap[child]->deadline >= item->deadline)
			break;
		set_place(stripe, at, heap[child]);
	}
	set_place(stripe, at, item);
}

/* false for no memory. */
static bool
heap_add(struct stripe *stripe, struct item *item)
{
	size_t room = stripe->room == 0 ? 16 : stripe->room * 2;
	struct item **heap = stripe->heap;

	if (stripe->count == stripe->room) {
		heap = realloc(heap, room * sizeof(struct item *));
		if (heap == NULL)
			return false;
		stripe->heap = heap;
		stripe->room = room;
	}
	settle(stripe, stripe->count++, item);
	return true;
}

static void
heap_remove(struct stripe *stripe, const struct item *item)
{
	struct item *last = stripe->heap[--stripe->count];

	if (last != item)
		settle(stripe, item->place, last);
}

/* ---- stripes ---- */

/* Tell what is first, and unlock.  Relaxed: whoever sees what was before looks again, under the
 * lock or the next time. */
static void
release(struct stripe *stripe)
{
	const struct item *oldest = TAILQ_FIRST(&stripe->order);

	atomic_store_explicit(&stripe->due,
		stripe->count == 0 ? INT64_MAX : stripe->heap[0]->deadline, memory_order_relaxed);
	atomic_store_explicit(
		&stripe->oldest, oldest == NULL ? UINT64_MAX : oldest->used, memory_order_relaxed);
	(void)pthread_mutex_unlock(&stripe->lock);
}

/* Charge so many bytes for the item. */
static void
charge(struct windows *windows, struct item *item, size_t bytes)
{
	/* Modulo the width of size_t it is a difference. */
	(void)atomic_fetch_add_explicit(&windows->bytes, bytes - item->bytes, memory_order_relaxed);
	item->bytes = bytes;
}

static void
drop(struct windows *windows, struct stripe *stripe, struct item *item)
{
	HASH_DEL(stripe->items, item);
	TAILQ_REMOVE(&stripe->order, item, link);
	heap_remove(stripe, item);
	charge(windows, item, 0);
	window_free(item->window);
	free(item);
}

struct windows *
windows_new(size_t bytes_max)
{
	struct windows *windows = NULL;

	if (posix_memalign((void **)&windows, CACHE_LINE, sizeof(*windows)) != 0)
		return NULL;
	memset(windows, 0, sizeof(*windows));
	atomic_init(&windows->bytes, 0);
	atomic_init(&windows->bytes_max, bytes_max);
	atomic_init(&windows->uses, 0);
	atomic_init(&windows->evicted, 0);
	for (size_t i = 0; i < STRIPES; i++) {
		struct stripe *stripe = &windows->stripes[i];

		/* With the default attributes it cannot fail. */
		(void)pthread_mutex_init(&stripe->lock, NULL);
		TAILQ_INIT(&stripe->order);
		atomic_init(&stripe->due, INT64_MAX);
		atomic_init(&stripe->oldest, UINT64_MAX);
	}
	return windows;
}

void
windows_free(struct windows *windows)
{
	if (windows == NULL)
		return;
	for (size_t i = 0; i < STRIPES; i++) {
		struct stripe *stripe = &windows->stripes[i];

		while (stripe->count > 0)
			drop(windows, stripe, stripe->heap[0]);
		free(stripe->heap);
		(void)pthread_mutex_destroy(&stripe->lock);
	}
	free(windows);
}

void
windows_limit(struct windows *windows, size_t bytes_max)
{
	/* Relaxed: whoever sees the old bound keeps to that. */
	atomic_store_explicit(&windows->bytes_max, bytes_max, memory_order_relaxed);
}

static struct stripe *
stripe_of(struct windows *windows, struct slice key)
{
	unsigned int hash;

	HASH_VALUE(key.ptr, key.len, hash);
	return &windows->stripes[hash % STRIPES];
}

static struct item *
find(struct stripe *stripe, struct slice key)
{
	struct item *item;

	HASH_FIND(hh, stripe->items, key.ptr, key.len, item);
	return item;
}

/* NULL for no memory. */
static struct item *
add(struct stripe *stripe, struct slice key)
{
	struct item *item = calloc(1, sizeof(*item) + key.len);

	if (item == NULL)
		return NULL;
	item->window = window_new();
	item->deadline = INT64_MAX;
	memcpy(item->key, key.ptr, key.len);
	item->length = key.len;
	if (item->window == NULL || !heap_add(stripe, item))
		goto fail;
	HASH_ADD_KEYPTR(hh, stripe->items, item->key, item->length, item);
	if (item->hh.tbl == NULL)
		goto fail_in_heap;
	TAILQ_INSERT_TAIL(&stripe->order, item, link);
	return item;

fail_in_heap:
	heap_remove(stripe, item);
fail:
	window_free(item->window);
	free(item);
	return NULL;
}

static struct window *
borrow(void *table, struct slice key)
{
	struct windows *windows = table;
	struct stripe *stripe = stripe_of(windows, key);
	struct item *item;

	(void)pthread_mutex_lock(&stripe->lock);
	item = find(stripe, key);
	if (item == NULL)
		item = add(stripe, key);
	if (item == NULL) {
		release(stripe);
		return NULL;
	}
	item->used = atomic_fetch_add_explicit(&windows->uses, 1, memory_order_relaxed);
	TAILQ_REMOVE(&stripe->order, item, link);
	TAILQ_INSERT_TAIL(&stripe->order, item, link);
	return item->window;
}

/* The stripe with the window that was used longest ago, or NULL when none was before that use. */
static struct stripe *
find_oldest(struct windows *windows, uint64_t before)
{
	struct stripe *found = NULL;

	for (size_t i = 0; i < STRIPES; i++) {
		struct stripe *stripe = &windows->stripes[i];
		uint64_t oldest = atomic_load_explicit(&stripe->oldest, memory_order_relaxed);

		if (oldest >= before)
			continue;
		before = oldest;
		found = stripe;
	}
	return found;
}

/* Those used longest ago go while there are too many bytes, but none used after `before`. */
static void
evict(struct windows *windows, uint64_t before)
{
	static struct log_limit limit;
	struct stripe *stripe;

	while (atomic_load_explicit(&windows->bytes, memory_order_relaxed) >
			atomic_load_explicit(&windows->bytes_max, memory_order_relaxed) &&
		(stripe = find_oldest(windows, before)) != NULL) {
		struct item *item;
		bool old;

		(void)pthread_mutex_lock(&stripe->lock);
		item = TAILQ_FIRST(&stripe->order);
		old = item != NULL && item->used < before;
		if (old)
			drop(windows, stripe, item);
		release(stripe);
		if (!old)
			continue;
		atomic_fetch_add_explicit(&windows->evicted, 1, memory_order_relaxed);
		log_limited(&limit, LOG_LEVEL_WARNING,
			"limits.correlations: the windows of correlations have no more room; those "
			"used longest ago are forgotten");
	}
}

static void
give_back(void *table, struct slice key, struct window *window)
{
	struct windows *windows = table;
	struct stripe *stripe = stripe_of(windows, key);
	struct item *item = find(stripe, key);
	int64_t deadline = window_deadline(window);
	uint64_t used = item->used;

	if (deadline == INT64_MIN) {
		drop(windows, stripe, item);
	} else {
		charge(windows, item,
			sizeof(*item) + sizeof(struct item *) + item->length + window_size(window));
		item->deadline = deadline;
		settle(stripe, item->place, item);
	}
	release(stripe);
	evict(windows, used);
}

/* The stripe whose first window is due before those of all others, or NULL when none is. */
static struct stripe *
find_due(struct windows *windows, int64_t now)
{
	struct stripe *found = NULL;
	int64_t first = now == INT64_MAX ? now : now + 1;

	for (size_t i = 0; i < STRIPES; i++) {
		struct stripe *stripe = &windows->stripes[i];
		int64_t due = atomic_load_explicit(&stripe->due, memory_order_relaxed);

		if (due >= first)
			continue;
		first = due;
		found = stripe;
	}
	return found;
}

static struct window *
borrow_due(void *table, int64_t now, char key[CORRELATE_KEY_MAX], size_t *length)
{
	struct windows *windows = table;
	struct stripe *stripe;

	while ((stripe = find_due(windows, now)) != NULL) {
		(void)pthread_mutex_lock(&stripe->lock);
		if (stripe->count > 0 && stripe->heap[0]->deadline <= now) {
			const struct item *item = stripe->heap[0];

			memcpy(key, item->key, item->length);
			*length = item->length;
			return item->window;
		}
		release(stripe);
	}
	return NULL;
}

struct detect_windows
windows_of(struct windows *windows)
{
	return (struct detect_windows){ windows, borrow, give_back, borrow_due };
}

size_t
windows_count(struct windows *windows)
{
	size_t total = 0;

	for (size_t i = 0; i < STRIPES; i++) {
		struct stripe *stripe = &windows->stripes[i];

		(void)pthread_mutex_lock(&stripe->lock);
		total += stripe->count;
		(void)pthread_mutex_unlock(&stripe->lock);
	}
	return total;
}

size_t
windows_bytes(struct windows *windows)
{
	return atomic_load_explicit(&windows->bytes, memory_order_relaxed);
}

uint64_t
windows_evicted(struct windows *windows)
{
	return atomic_load_explicit(&windows->evicted, memory_order_relaxed);
}
