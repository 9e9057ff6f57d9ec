/* The table of hosts.
 *
 * A stripe is a mutex, a hash table and a list in the order in which its hosts were last seen.  The
 * usual event finds its host under its own name: one hash, one lock.  Only a name that is not there
 * goes the long way: aliases and joins are looked up, the host is added, and afterwards the names
 * are looked at once more, since another thread may have learnt a better one meanwhile.
 *
 * Names live in a second structure under a lock of its own: every FQDN in the table by its first
 * label, and the aliases.  That lock and a stripe's are never held together.  So a name can be
 * known for a moment after its host was evicted, or the other way round; both are found and put
 * right by whoever comes next, and neither can make two records of one host that last.
 *
 * The bound is on all stripes together: a stripe's oldest host goes when it adds one at the bound,
 * so that no host is forgotten before the table is full; a stripe that is empty may add one all the
 * same.  Small tables have one stripe, and an exact order.
 *
 * A name of digits and dots, or with a colon, is an address: it has no labels and joins nothing. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <xxhash.h>

/* Out of memory, an element is not added, and its hh.tbl is NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "daemon/hosts.h"

#define STRIPES_MAX 256
/* A stripe for fewer makes the order of eviction inexact for nothing. */
#define STRIPE_HOSTS_MIN 64
#define CACHE_LINE 64
/* A host can be evicted between being added and being borrowed, on a table that is far too small.
 */
#define BORROW_TRIES 4

struct entry {
	struct host host; /* first: a borrowed host is its entry */
	struct stripe *stripe;
	uint64_t hash;
	UT_hash_handle hh;
	struct entry *prev, *next; /* least recently seen first */
};

struct stripe {
	_Alignas(CACHE_LINE) pthread_mutex_t lock;
	struct entry *table;
	struct entry *order;
};

struct label {
	UT_hash_handle hh;
	struct fqdn *names;
	size_t count;
	size_t length;
	char text[];
};

struct fqdn {
	UT_hash_handle hh;
	struct label *label;
	struct fqdn *prev, *next;
	size_t length;
	char name[];
};

struct alias {
	UT_hash_handle hh;
	size_t from_length;
	size_t to_length;
	char from[HOST_NAME_MAX_BYTES];
	char to[HOST_NAME_MAX_BYTES];
};

struct hosts {
	uint64_t seed;
	size_t max;
	size_t mask; /* stripes - 1 */
	struct stripe *stripes;
	_Atomic size_t count;
	_Atomic uint64_t evicted;

	pthread_rwlock_t names;
	struct label *labels;
	struct fqdn *fqdns;
	struct alias *aliases;
};

struct name {
	size_t length;
	uint64_t hash;
	char text[HOST_NAME_MAX_BYTES];
};

static unsigned
table_hash(uint64_t hash)
{
	return (unsigned)hash;
}

static uint64_t
hash_of(const struct hosts *hosts, struct slice name)
{
	return XXH3_64bits_withSeed(name.ptr, name.len, hosts->seed);
}

static void
name_set(const struct hosts *hosts, struct name *name, struct slice text)
{
	name->length = text.len < HOST_NAME_MAX_BYTES ? text.len : HOST_NAME_MAX_BYTES;
	memcpy(name->text, text.ptr, name->length);
	name->hash = hash_of(hosts, (struct slice){ name->text, name->length });
}

static struct slice
name_slice(const struct name *name)
{
	return (struct slice){ name->text, name->length };
}

/* The bits that the stripe's own table does not use. */
static struct stripe *
stripe_of(const struct hosts *hosts, uint64_t hash)
{
	return &hosts->stripes[(hash >> 32) & hosts->mask];
}

struct hosts *
hosts_new(size_t max)
{
	struct hosts *hosts = calloc(1, sizeof(*hosts));
	size_t stripes = 1;

	if (hosts == NULL)
		return NULL;
	while (stripes < STRIPES_MAX && stripes * 2 <= max / STRIPE_HOSTS_MIN)
		stripes *= 2;
	hosts->max = max;
	hosts->mask = stripes - 1;
	hosts->stripes = aligned_alloc(CACHE_LINE, stripes * sizeof(*hosts->stripes));
	if (hosts->stripes == NULL || pthread_rwlock_init(&hosts->names, NULL) != 0) {
		free(hosts->stripes);
		free(hosts);
		return NULL;
	}
	memset(hosts->stripes, 0, stripes * sizeof(*hosts->stripes));
	for (size_t i = 0; i < stripes; i++)
		(void)pthread_mutex_init(
			&hosts->stripes[i].lock, NULL); /* cannot fail without attributes */
	/* Without the kernel's random numbers (a very old one) the table works, with names that can
	 * be chosen to collide. */
	if (getrandom(&hosts->seed, sizeof(hosts->seed), GRND_NONBLOCK) != sizeof(hosts->seed))
		hosts->seed = (uint64_t)time(NULL);
	return hosts;
}

static void
free_aliases(struct alias *aliases)
{
	struct alias *alias, *next;

	HASH_ITER (hh, aliases, alias, next) {
		HASH_DEL(aliases, alias);
		free(alias);
	}
}

void
hosts_free(struct hosts *hosts)
{
	struct fqdn *fqdn, *next_fqdn;
	struct label *label, *next_label;

	if (hosts == NULL)
		return;
	for (size_t i = 0; i <= hosts->mask; i++) {
		struct stripe *stripe = &hosts->stripes[i];
		struct entry *entry, *next;

		HASH_CLEAR(hh, stripe->table);
		DL_FOREACH_SAFE(stripe->order, entry, next)
		free(entry);
		(void)pthread_mutex_destroy(&stripe->lock);
	}
	free(hosts->stripes);
	HASH_ITER (hh, hosts->fqdns, fqdn, next_fqdn) {
		HASH_DEL(hosts->fqdns, fqdn);
		free(fqdn);
	}
	HASH_ITER (hh, hosts->labels, label, next_label) {
		HASH_DEL(hosts->labels, label);
		free(label);
	}
	free_aliases(hosts->aliases);
	(void)pthread_rwlock_destroy(&hosts->names);
	free(hosts);
}

/* The length of the first label when the name is an FQDN; 0 for a short name or an address. */
static size_t
first_label(struct slice name)
{
	bool address = true;

	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == ':')
			return 0;
		if (name.ptr[i] != '.' && (name.ptr[i] < '0' || name.ptr[i] > '9'))
			address = false;
	}
	if (address)
		return 0;
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] == '.')
			return i;
	return 0;
}

/* Under the stripe's lock. */

static struct entry *
stripe_find(const struct stripe *stripe, struct slice name, uint64_t hash)
{
	struct entry *entry;

	HASH_FIND_BYHASHVALUE(
		hh, stripe->table, name.ptr, (unsigned)name.len, table_hash(hash), entry);
	return entry;
}

static void
stripe_seen(struct stripe *stripe, struct entry *entry)
{
	if (entry->next == NULL) /* the last already */
		return;
	DL_DELETE(stripe->order, entry);
	DL_APPEND(stripe->order, entry);
}

static void
stripe_remove(struct hosts *hosts, struct stripe *stripe, struct entry *entry)
{
	HASH_DELETE(hh, stripe->table, entry);
	DL_DELETE(stripe->order, entry);
	atomic_fetch_sub_explicit(&hosts->count, 1, memory_order_relaxed);
}

static bool
stripe_add(struct hosts *hosts, struct stripe *stripe, struct entry *entry)
{
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, stripe->table, entry->host.name, entry->host.name_length,
		table_hash(entry->hash), entry);
	if (entry->hh.tbl == NULL)
		return false;
	entry->stripe = stripe;
	DL_APPEND(stripe->order, entry);
	atomic_fetch_add_explicit(&hosts->count, 1, memory_order_relaxed);
	return true;
}

/* Take a host out of the table; the caller's now. */
static struct entry *
take_out(struct hosts *hosts, struct slice name)
{
	uint64_t hash = hash_of(hosts, name);
	struct stripe *stripe = stripe_of(hosts, hash);
	struct entry *entry;

	(void)pthread_mutex_lock(&stripe->lock);
	entry = stripe_find(stripe, name, hash);
	if (entry != NULL)
		stripe_remove(hosts, stripe, entry);
	(void)pthread_mutex_unlock(&stripe->lock);
	return entry;
}

/* `entry` is not in the table; its counts go to the host `into`, when that is there, and it is
 * freed. */
static void
merge(struct hosts *hosts, struct entry *entry, struct slice into)
{
	uint64_t hash = hash_of(hosts, into);
	struct stripe *stripe = stripe_of(hosts, hash);
	struct entry *target;

	(void)pthread_mutex_lock(&stripe->lock);
	target = stripe_find(stripe, into, hash);
	if (target != NULL)
		host_merge(&target->host, &entry->host);
	(void)pthread_mutex_unlock(&stripe->lock);
	free(entry);
}

/* Under the lock of the names. */

static struct alias *
alias_find(const struct hosts *hosts, struct slice name, uint64_t hash)
{
	struct alias *alias;

	HASH_FIND_BYHASHVALUE(
		hh, hosts->aliases, name.ptr, (unsigned)name.len, table_hash(hash), alias);
	return alias;
}

static struct label *
label_find(const struct hosts *hosts, struct slice text, uint64_t hash)
{
	struct label *label;

	HASH_FIND_BYHASHVALUE(
		hh, hosts->labels, text.ptr, (unsigned)text.len, table_hash(hash), label);
	return label;
}

static struct label *
label_add(struct hosts *hosts, struct slice text, uint64_t hash)
{
	struct label *label = calloc(1, sizeof(*label) + text.len);

	if (label == NULL)
		return NULL;
	label->length = text.len;
	memcpy(label->text, text.ptr, text.len);
	HASH_ADD_KEYPTR_BYHASHVALUE(
		hh, hosts->labels, label->text, (unsigned)label->length, table_hash(hash), label);
	if (label->hh.tbl == NULL) {
		free(label);
		return NULL;
	}
	return label;
}

static void
label_drop_if_empty(struct hosts *hosts, struct label *label)
{
	if (label->count > 0)
		return;
	HASH_DEL(hosts->labels, label);
	free(label);
}

static struct fqdn *
fqdn_find(const struct hosts *hosts, struct slice name, uint64_t hash)
{
	struct fqdn *fqdn;

	HASH_FIND_BYHASHVALUE(
		hh, hosts->fqdns, name.ptr, (unsigned)name.len, table_hash(hash), fqdn);
	return fqdn;
}

/* Know an FQDN by its first label.  Out of memory it is not known, and short names do not join it.
 */
static struct label *
fqdn_add(struct hosts *hosts, const struct name *name, struct slice text)
{
	struct fqdn *fqdn = fqdn_find(hosts, name_slice(name), name->hash);
	uint64_t hash = hash_of(hosts, text);
	struct label *label;

	if (fqdn != NULL)
		return fqdn->label;
	label = label_find(hosts, text, hash);
	if (label == NULL)
		label = label_add(hosts, text, hash);
	if (label == NULL)
		return NULL;
	fqdn = calloc(1, sizeof(*fqdn) + name->length);
	if (fqdn != NULL) {
		fqdn->label = label;
		fqdn->length = name->length;
		memcpy(fqdn->name, name->text, name->length);
		HASH_ADD_KEYPTR_BYHASHVALUE(hh, hosts->fqdns, fqdn->name, (unsigned)fqdn->length,
			table_hash(name->hash), fqdn);
	}
	if (fqdn == NULL || fqdn->hh.tbl == NULL) {
		free(fqdn);
		label_drop_if_empty(hosts, label);
		return NULL;
	}
	DL_APPEND(label->names, fqdn);
	label->count++;
	return label;
}

static void
fqdn_remove(struct hosts *hosts, struct slice name, uint64_t hash)
{
	struct fqdn *fqdn = fqdn_find(hosts, name, hash);
	struct label *label;

	if (fqdn == NULL)
		return;
	label = fqdn->label;
	HASH_DEL(hosts->fqdns, fqdn);
	DL_DELETE(label->names, fqdn);
	label->count--;
	label_drop_if_empty(hosts, label);
	free(fqdn);
}

/* The name under which a host is to be found: by alias, or the FQDN that a short name joins. false:
 * under its own. */
static bool
resolve(struct hosts *hosts, struct name *name)
{
	struct slice own = name_slice(name);
	const struct alias *alias;
	const struct label *label;
	bool found = false;

	(void)pthread_rwlock_rdlock(&hosts->names);
	alias = alias_find(hosts, own, name->hash);
	if (alias != NULL) {
		name_set(hosts, name, (struct slice){ alias->to, alias->to_length });
		found = true;
	} else if (first_label(own) == 0) {
		label = label_find(hosts, own, name->hash);
		if (label != NULL && label->count == 1) {
			const struct fqdn *fqdn = label->names;

			name_set(hosts, name, (struct slice){ fqdn->name, fqdn->length });
			found = true;
		}
	}
	(void)pthread_rwlock_unlock(&hosts->names);
	return found;
}

static bool
in_table(struct hosts *hosts, const struct name *name)
{
	struct stripe *stripe = stripe_of(hosts, name->hash);
	bool found;

	(void)pthread_mutex_lock(&stripe->lock);
	found = stripe_find(stripe, name_slice(name), name->hash) != NULL;
	(void)pthread_mutex_unlock(&stripe->lock);
	return found;
}

/* An FQDN is in the table: short names join it from now on, and what was remembered under the short
 * name is its own. */
static void
learn(struct hosts *hosts, const struct name *name)
{
	struct slice text = { name->text, first_label(name_slice(name)) };
	const struct label *label;
	struct entry *entry = NULL;
	bool only;

	if (text.len == 0)
		return;
	(void)pthread_rwlock_wrlock(&hosts->names);
	label = fqdn_add(hosts, name, text);
	only = label != NULL && label->count == 1;
	(void)pthread_rwlock_unlock(&hosts->names);
	if (only)
		entry = take_out(hosts, text);
	if (entry != NULL)
		merge(hosts, entry, name_slice(name));
}

/* An FQDN has left the table. */
static void
forget(struct hosts *hosts, const struct name *name)
{
	if (first_label(name_slice(name)) == 0)
		return;
	(void)pthread_rwlock_wrlock(&hosts->names);
	fqdn_remove(hosts, name_slice(name), name->hash);
	(void)pthread_rwlock_unlock(&hosts->names);
	/* Another thread may have added it again before its name was removed. */
	if (in_table(hosts, name))
		learn(hosts, name);
}

static struct entry *
entry_new(const struct name *name, int64_t now)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return NULL;
	host_init(&entry->host, name_slice(name), now);
	entry->hash = name->hash;
	return entry;
}

/* The name is in the table afterwards; at the bound the oldest of its stripe has gone.  0 or
 * -ENOMEM. */
static int
add(struct hosts *hosts, const struct name *name, int64_t now)
{
	struct stripe *stripe = stripe_of(hosts, name->hash);
	struct entry *entry = entry_new(name, now), *spare = entry, *oldest = NULL;
	int result = 0;

	if (entry == NULL)
		return -ENOMEM;
	(void)pthread_mutex_lock(&stripe->lock);
	if (stripe_find(stripe, name_slice(name), name->hash) == NULL) {
		if (atomic_load_explicit(&hosts->count, memory_order_relaxed) >= hosts->max)
			oldest = stripe->order;
		if (oldest != NULL)
			stripe_remove(hosts, stripe, oldest);
		if (stripe_add(hosts, stripe, entry))
			spare = NULL;
		else
			result = -ENOMEM;
	}
	(void)pthread_mutex_unlock(&stripe->lock);
	free(spare);
	if (oldest != NULL) {
		struct name gone;

		name_set(hosts, &gone,
			(struct slice){ oldest->host.name, oldest->host.name_length });
		free(oldest);
		atomic_fetch_add_explicit(&hosts->evicted, 1, memory_order_relaxed);
		forget(hosts, &gone);
	}
	return result;
}

/* The host if it is there under this very name, and then locked. */
static struct host *
borrow_known(struct hosts *hosts, struct slice name, uint64_t hash)
{
	struct stripe *stripe = stripe_of(hosts, hash);
	struct entry *entry;

	(void)pthread_mutex_lock(&stripe->lock);
	entry = stripe_find(stripe, name, hash);
	if (entry != NULL) {
		stripe_seen(stripe, entry);
		return &entry->host;
	}
	(void)pthread_mutex_unlock(&stripe->lock);
	return NULL;
}

static struct host *
borrow_new(struct hosts *hosts, struct name *name, int64_t now)
{
	for (int i = 0; i < BORROW_TRIES; i++) {
		struct name own;
		struct host *host;

		if (resolve(hosts, name)) {
			host = borrow_known(hosts, name_slice(name), name->hash);
			if (host != NULL)
				return host;
		}
		if (add(hosts, name, now) < 0)
			return NULL;
		learn(hosts, name);
		/* Between resolve() and add() an alias or an FQDN may have come: what was added is
		 * then not its own. */
		own = *name;
		if (resolve(hosts, name)) {
			struct entry *entry = take_out(hosts, name_slice(&own));

			if (entry != NULL && add(hosts, name, now) == 0)
				learn(hosts, name);
			if (entry != NULL)
				merge(hosts, entry, name_slice(name));
		}
		host = borrow_known(hosts, name_slice(name), name->hash);
		if (host != NULL)
			return host;
	}
	return NULL;
}

struct host *
hosts_borrow(void *table, struct slice name, int64_t now)
{
	struct hosts *hosts = table;
	uint64_t hash = hash_of(hosts, name);
	struct host *host = borrow_known(hosts, name, hash);
	struct name own;

	if (host != NULL)
		return host;
	name_set(hosts, &own, name);
	return borrow_new(hosts, &own, now);
}

void
hosts_give_back(void *table, struct host *host)
{
	struct stripe *stripe = ((struct entry *)host)->stripe;

	(void)table;
	(void)pthread_mutex_unlock(&stripe->lock);
}

/* The aliases as a table; NULL for none. */
static int
build_aliases(const struct hosts *hosts, const struct conf_alias *list, size_t count,
	struct alias **table)
{
	struct alias *aliases = NULL;

	for (size_t i = 0; i < count; i++) {
		struct alias *alias = calloc(1, sizeof(*alias)), *old;
		struct slice from;

		if (alias == NULL)
			goto fail;
		alias->from_length = host_fold(slice_of(list[i].from), alias->from);
		alias->to_length = host_fold(slice_of(list[i].to), alias->to);
		from = (struct slice){ alias->from, alias->from_length };
		HASH_FIND_BYHASHVALUE(hh, aliases, from.ptr, (unsigned)from.len,
			table_hash(hash_of(hosts, from)), old);
		/* An alias to itself would be followed for ever; of two for one name the first
		 * counts. */
		if (old != NULL || from.len == 0 || alias->to_length == 0 ||
			slice_equal(from, (struct slice){ alias->to, alias->to_length })) {
			free(alias);
			continue;
		}
		HASH_ADD_KEYPTR_BYHASHVALUE(hh, aliases, alias->from, (unsigned)alias->from_length,
			table_hash(hash_of(hosts, from)), alias);
		if (alias->hh.tbl == NULL) {
			free(alias);
			goto fail;
		}
	}
	*table = aliases;
	return 0;
fail:
	free_aliases(aliases);
	return -ENOMEM;
}

int
hosts_aliases(struct hosts *hosts, const struct conf_alias *list, size_t count)
{
	struct alias *aliases, *old;

	if (build_aliases(hosts, list, count, &aliases) < 0)
		return -ENOMEM;
	(void)pthread_rwlock_wrlock(&hosts->names);
	old = hosts->aliases;
	hosts->aliases = aliases;
	(void)pthread_rwlock_unlock(&hosts->names);
	free_aliases(old);

	/* What is remembered under a name that is now another's belongs to the other. */
	for (size_t i = 0; i < count; i++) {
		char folded[HOST_NAME_MAX_BYTES];
		struct name name;
		struct entry *entry;

		name_set(hosts, &name,
			(struct slice){ folded, host_fold(slice_of(list[i].from), folded) });
		if (!resolve(hosts, &name))
			continue;
		entry = take_out(
			hosts, (struct slice){ folded, host_fold(slice_of(list[i].from), folded) });
		if (entry == NULL)
			continue;
		if (add(hosts, &name, entry->host.first_seen) == 0)
			learn(hosts, &name);
		merge(hosts, entry, name_slice(&name));
	}
	return 0;
}

size_t
hosts_count(struct hosts *hosts)
{
	return atomic_load_explicit(&hosts->count, memory_order_relaxed);
}

uint64_t
hosts_evicted(struct hosts *hosts)
{
	return atomic_load_explicit(&hosts->evicted, memory_order_relaxed);
}
