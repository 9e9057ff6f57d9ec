/* The journal in memory: a ring of pointers, so that a cursor finds its entry by its number, each
 * pointing to one counted copy of an alert.
 *
 * An entry belongs to the ring and to whoever holds it; the last of them frees it.  So a reader may
 * format an entry while an append pushes it out at the bound, and neither waits for the other.  An
 * alert is copied before the lock is taken.
 *
 * It does not survive the process: that is a journal on disk with the same calls. */

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/journal.h"

#define RING_FIRST                                                                                \
	1024 /* places at the start; doubled when full, never given back: journal.max_size bounds \
		them too */

/* In front of each entry, in the same piece of memory. */
struct node {
	size_t size; /* what it is charged */
	unsigned references;
};

struct journal {
	pthread_mutex_t lock; /* over everything below but max, wake and wake_argument */
	struct node **ring;   /* of entry n at n % places */
	size_t places;        /* a power of two */
	uint64_t first;       /* the oldest entry that is kept; last + 1 when there is none */
	uint64_t last;        /* the newest number given out */
	uint64_t done;        /* entries up to it are nobody's */
	size_t bytes;
	bool drained; /* readers have read everything and want to be woken */
	size_t max;
	void (*wake)(void *);
	void *wake_argument;
};

static struct journal_entry *
entry_of(struct node *node)
{
	return (struct journal_entry *)(void *)(node + 1);
}

static struct node *
node_of(struct journal_entry *entry)
{
	return (struct node *)(void *)entry - 1;
}

struct journal *
journal_new(size_t max)
{
	struct journal *journal = calloc(1, sizeof(*journal));

	if (journal == NULL)
		return NULL;
	journal->ring = calloc(RING_FIRST, sizeof(journal->ring[0]));
	if (journal->ring == NULL || pthread_mutex_init(&journal->lock, NULL) != 0) {
		free(journal->ring);
		free(journal);
		return NULL;
	}
	journal->places = RING_FIRST;
	journal->first = 1;
	journal->max = max;
	return journal;
}

static void
drop_oldest(struct journal *journal)
{
	struct node *node = journal->ring[journal->first & (journal->places - 1)];

	assert(journal->first <= journal->last);
	journal->first++;
	journal->bytes -= node->size;
	if (--node->references == 0)
		free(node);
}

void
journal_free(struct journal *journal)
{
	if (journal == NULL)
		return;
	while (journal->first <= journal->last)
		drop_oldest(journal);
	pthread_mutex_destroy(&journal->lock);
	free(journal->ring);
	free(journal);
}

void
journal_wake(struct journal *journal, void (*wake)(void *), void *argument)
{
	journal->wake = wake;
	journal->wake_argument = argument;
}

static struct node *
node_new(const struct alert *alert)
{
	size_t size = sizeof(struct node) + sizeof(struct journal_entry);
	struct journal_entry *entry;
	struct node *node;

	if (__builtin_add_overflow(size, alert->json.len, &size) ||
		__builtin_add_overflow(size, alert->short_json.len, &size))
		return NULL;
	node = malloc(size);
	if (node == NULL)
		return NULL;
	node->size = size;
	node->references = 1;
	entry = entry_of(node);
	entry->time = alert->time;
	entry->severity = alert->severity;
	entry->length = alert->json.len;
	memcpy(entry->json, alert->json.ptr, alert->json.len);
	entry->short_length = alert->short_json.len;
	if (alert->short_json.len > 0)
		memcpy(entry->json + entry->length, alert->short_json.ptr, alert->short_json.len);
	return node;
}

/* Room for one more pointer. */
static bool
ring_reserve(struct journal *journal)
{
	struct node **ring;
	size_t places;

	if (journal->last + 1 - journal->first < journal->places)
		return true;
	places = journal->places * 2;
	ring = calloc(places, sizeof(ring[0]));
	if (ring == NULL)
		return false;
	for (uint64_t n = journal->first; n <= journal->last; n++)
		ring[n & (places - 1)] = journal->ring[n & (journal->places - 1)];
	free(journal->ring);
	journal->ring = ring;
	journal->places = places;
	return true;
}

uint64_t
journal_append(struct journal *journal, const struct alert *alert)
{
	struct node *node = node_new(alert);
	uint64_t sequence;
	bool wake;

	if (node == NULL || node->size > journal->max) {
		free(node);
		return 0;
	}
	pthread_mutex_lock(&journal->lock);
	while (journal->bytes + node->size > journal->max)
		drop_oldest(journal);
	if (!ring_reserve(journal)) {
		pthread_mutex_unlock(&journal->lock);
		free(node);
		return 0;
	}
	sequence = ++journal->last;
	if (sequence <= journal->done) { /* nobody reads, so the ring is empty */
		journal->first = sequence + 1;
		wake = false;
	} else {
		entry_of(node)->sequence = sequence;
		journal->ring[sequence & (journal->places - 1)] = node;
		journal->bytes += node->size;
		node = NULL;
		wake = journal->drained;
		journal->drained = false;
	}
	pthread_mutex_unlock(&journal->lock);
	free(node);
	if (wake && journal->wake != NULL)
		journal->wake(journal->wake_argument);
	return sequence;
}

uint64_t
journal_begin(struct journal *journal)
{
	uint64_t last;

	pthread_mutex_lock(&journal->lock);
	last = journal->last;
	if (journal->done == JOURNAL_NOBODY)
		journal->done = last;
	pthread_mutex_unlock(&journal->lock);
	return last;
}

struct journal_entry *
journal_next(struct journal *journal, uint64_t cursor, uint64_t *skipped)
{
	struct journal_entry *entry = NULL;
	uint64_t next = cursor + 1;

	pthread_mutex_lock(&journal->lock);
	assert(cursor <= journal->last);
	if (next < journal->first)
		next = journal->first;
	*skipped = next - cursor - 1;
	if (next <= journal->last) {
		struct node *node = journal->ring[next & (journal->places - 1)];
		node->references++;
		entry = entry_of(node);
	} else {
		journal->drained = true;
	}
	pthread_mutex_unlock(&journal->lock);
	return entry;
}

void
journal_release(struct journal *journal, struct journal_entry *entry)
{
	struct node *node = node_of(entry);

	pthread_mutex_lock(&journal->lock);
	if (--node->references > 0)
		node = NULL;
	pthread_mutex_unlock(&journal->lock);
	free(node);
}

void
journal_done(struct journal *journal, uint64_t cursor)
{
	pthread_mutex_lock(&journal->lock);
	journal->done = cursor;
	while (journal->first <= journal->last && journal->first <= cursor)
		drop_oldest(journal);
	pthread_mutex_unlock(&journal->lock);
}

uint64_t
journal_last(struct journal *journal)
{
	uint64_t last;

	pthread_mutex_lock(&journal->lock);
	last = journal->last;
	pthread_mutex_unlock(&journal->lock);
	return last;
}

size_t
journal_bytes(struct journal *journal)
{
	size_t bytes;

	pthread_mutex_lock(&journal->lock);
	bytes = journal->bytes;
	pthread_mutex_unlock(&journal->lock);
	return bytes;
}
