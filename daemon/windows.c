/* A stripe is a mutex, and a hash table whose own order is that of use: a window that is borrowed
 * is taken out and put in again at its end.
 *
 * Each stripe knows a time before which none of its windows is due, so that a tick looks at few of
 * them.  A window that has been used since is due later: then its stripe has been looked through
 * for nothing, once. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/hash.h"
#include "daemon/windows.h"

#define STRIPES 64
#define CACHE_LINE 64

struct item {
	struct window *window;
	size_t bytes; /* charged for it */
	UT_hash_handle hh;
	size_t length;
	char key[];
};

struct stripe {
	_Alignas(CACHE_LINE) pthread_mutex_t lock;
	struct item *items;
	size_t bytes;
	_Atomic int64_t due; /* nothing is before; written under the lock */
};

struct windows {
	struct stripe stripes[STRIPES];
	_Atomic size_t bytes_max;
	_Atomic uint64_t evicted;
};

struct windows *
windows_new(size_t bytes_max)
{
	struct windows *windows = NULL;

	if (posix_memalign((void **)&windows, CACHE_LINE, sizeof(*windows)) != 0)
		return NULL;
	memset(windows, 0, sizeof(*windows));
	atomic_init(&windows->bytes_max, bytes_max);
	atomic_init(&windows->evicted, 0);
	for (size_t i = 0; i < STRIPES; i++) {
		/* With the default attributes it cannot fail. */
		(void)pthread_mutex_init(&windows->stripes[i].lock, NULL);
		atomic_init(&windows->stripes[i].due, INT64_MAX);
	}
	return windows;
}

static void
drop(struct stripe *stripe, struct item *item)
{
	HASH_DEL(stripe->items, item);
	stripe->bytes -= item->bytes;
	window_free(item->window);
	free(item);
}

void
windows_free(struct windows *windows)
{
	if (windows == NULL)
		return;
	for (size_t i = 0; i < STRIPES; i++) {
		while (windows->stripes[i].items != NULL)
			drop(&windows->stripes[i], windows->stripes[i].items);
		(void)pthread_mutex_destroy(&windows->stripes[i].lock);
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

/* At the end of the order.  false for no memory: it is in no table then. */
static bool
put(struct stripe *stripe, struct item *item)
{
	HASH_ADD_KEYPTR(hh, stripe->items, item->key, item->length, item);
	return item->hh.tbl != NULL;
}

static struct item *
add(struct stripe *stripe, struct slice key)
{
	struct item *item = calloc(1, sizeof(*item) + key.len);

	if (item == NULL)
		return NULL;
	item->window = window_new();
	memcpy(item->key, key.ptr, key.len);
	item->length = key.len;
	if (item->window == NULL || !put(stripe, item)) {
		window_free(item->window);
		free(item);
		return NULL;
	}
	return item;
}

static struct window *
borrow(void *table, struct slice key)
{
	struct stripe *stripe = stripe_of(table, key);
	struct item *item;

	(void)pthread_mutex_lock(&stripe->lock);
	item = find(stripe, key);
	if (item == NULL) {
		item = add(stripe, key);
	} else if (item->hh.next != NULL) {
		HASH_DEL(stripe->items, item);
		if (!put(stripe, item)) {
			stripe->bytes -= item->bytes;
			window_free(item->window);
			free(item);
			item = NULL;
		}
	}
	if (item != NULL)
		return item->window;
	(void)pthread_mutex_unlock(&stripe->lock);
	return NULL;
}

/* Those used longest ago go, but not the last one, which has just been. */
static void
evict(struct windows *windows, struct stripe *stripe)
{
	size_t most = atomic_load_explicit(&windows->bytes_max, memory_order_relaxed) / STRIPES;

	while (stripe->bytes > most && stripe->items != NULL && stripe->items->hh.next != NULL) {
		drop(stripe, stripe->items);
		atomic_fetch_add_explicit(&windows->evicted, 1, memory_order_relaxed);
	}
}

static void
give_back(void *table, struct slice key, struct window *window)
{
	struct stripe *stripe = stripe_of(table, key);
	struct item *item = find(stripe, key);
	int64_t deadline = window_deadline(window);

	if (deadline == INT64_MIN) {
		drop(stripe, item);
	} else {
		stripe->bytes -= item->bytes;
		item->bytes = sizeof(*item) + item->length + window_size(window);
		stripe->bytes += item->bytes;
		if (deadline < atomic_load_explicit(&stripe->due, memory_order_relaxed))
			atomic_store_explicit(&stripe->due, deadline, memory_order_relaxed);
		evict(table, stripe);
	}
	(void)pthread_mutex_unlock(&stripe->lock);
}

/* The first that is due, or NULL with stripe->due put right. */
static struct item *
find_due(struct stripe *stripe, int64_t now)
{
	int64_t due = INT64_MAX;

	for (struct item *item = stripe->items; item != NULL; item = item->hh.next) {
		int64_t deadline = window_deadline(item->window);

		if (deadline <= now)
			return item;
		if (deadline < due)
			due = deadline;
	}
	atomic_store_explicit(&stripe->due, due, memory_order_relaxed);
	return NULL;
}

static struct window *
borrow_due(void *table, int64_t now, char key[CORRELATE_KEY_MAX], size_t *length)
{
	struct windows *windows = table;

	for (size_t i = 0; i < STRIPES; i++) {
		struct stripe *stripe = &windows->stripes[i];
		struct item *item;

		/* Relaxed: what another thread is about to put there is found the next time. */
		if (atomic_load_explicit(&stripe->due, memory_order_relaxed) > now)
			continue;
		(void)pthread_mutex_lock(&stripe->lock);
		item = find_due(stripe, now);
		if (item != NULL) {
			memcpy(key, item->key, item->length);
			*length = item->length;
			return item->window;
		}
		(void)pthread_mutex_unlock(&stripe->lock);
	}
	return NULL;
}

struct detect_windows
windows_of(struct windows *windows)
{
	return (struct detect_windows){ windows, borrow, give_back, borrow_due };
}

/* The sum over all stripes of what `bytes` says. */
static size_t
sum(struct windows *windows, bool bytes)
{
	size_t total = 0;

	for (size_t i = 0; i < STRIPES; i++) {
		struct stripe *stripe = &windows->stripes[i];

		(void)pthread_mutex_lock(&stripe->lock);
		total += bytes ? stripe->bytes : HASH_COUNT(stripe->items);
		(void)pthread_mutex_unlock(&stripe->lock);
	}
	return total;
}

size_t
windows_count(struct windows *windows)
{
	return sum(windows, false);
}

size_t
windows_bytes(struct windows *windows)
{
	return sum(windows, true);
}

uint64_t
windows_evicted(struct windows *windows)
{
	return atomic_load_explicit(&windows->evicted, memory_order_relaxed);
}
