/* The file: a head of 24 bytes (magic, and XXH3-64 of all that follows), then entries of a key, a
 * length of eight bytes in the order of the machine, and so many bytes. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "daemon/cache.h"
#include "daemon/rules.h"

#define MAGIC "t1505d cache 1\n" /* and its NUL: 16 bytes */
#define HEAD_BYTES (sizeof(MAGIC) + sizeof(uint64_t))
#define FILE_NAME "rules.cache"

struct entry {
	unsigned char key[PATTERN_KEY];
	const char *bytes; /* of the file, or of its own */
	size_t length;
	char *own;
	bool used;
};

struct cache {
	char *path;
	char *file; /* its bytes */
	struct entry *entries;
	size_t count, size;
	bool changed; /* something is new */
	bool failed;  /* something could not be kept */
};

static bool
add(struct cache *cache, const struct entry *entry)
{
	size_t size = cache->size == 0 ? 64 : cache->size * 2;
	struct entry *entries = cache->entries;

	if (cache->count == cache->size) {
		entries = realloc(entries, size * sizeof(*entries));
		if (entries == NULL)
			return false;
		cache->entries = entries;
		cache->size = size;
	}
	entries[cache->count++] = *entry;
	return true;
}

/* The entries of a file whose checksum is right.  false: they do not add up. */
static bool
read_entries(struct cache *cache, const char *bytes, size_t length)
{
	while (length > 0) {
		struct entry entry = { 0 };
		uint64_t size;

		if (length < PATTERN_KEY + sizeof(size))
			return false;
		memcpy(entry.key, bytes, PATTERN_KEY);
		memcpy(&size, bytes + PATTERN_KEY, sizeof(size));
		bytes += PATTERN_KEY + sizeof(size);
		length -= PATTERN_KEY + sizeof(size);
		if (size > length)
			return false;
		entry.bytes = bytes;
		entry.length = (size_t)size;
		bytes += size;
		length -= (size_t)size;
		if (!add(cache, &entry))
			return false;
	}
	return true;
}

/* false: what is there is no cache. */
static bool
read_cache(struct cache *cache)
{
	uint64_t sum;
	size_t length;

	if (rules_read_file(cache->path, CACHE_BYTES_MAX, &cache->file, &length) < 0)
		return access(cache->path, F_OK) == -1; /* nothing is there yet */
	if (length < HEAD_BYTES || memcmp(cache->file, MAGIC, sizeof(MAGIC)) != 0)
		return false;
	memcpy(&sum, cache->file + sizeof(MAGIC), sizeof(sum));
	if (sum != XXH3_64bits(cache->file + HEAD_BYTES, length - HEAD_BYTES))
		return false;
	return read_entries(cache, cache->file + HEAD_BYTES, length - HEAD_BYTES);
}

static void
cache_free(struct cache *cache)
{
	for (size_t i = 0; i < cache->count; i++)
		free(cache->entries[i].own);
	free(cache->entries);
	free(cache->file);
	free(cache->path);
	free(cache);
}

struct cache *
cache_open(const char *directory, bool *damaged)
{
	struct cache *cache;

	*damaged = false;
	if (directory == NULL)
		return NULL;
	cache = calloc(1, sizeof(*cache));
	if (cache == NULL)
		return NULL;
	if (asprintf(&cache->path, "%s/" FILE_NAME, directory) == -1) {
		free(cache);
		return NULL;
	}
	*damaged = !read_cache(cache);
	if (*damaged) {
		cache->count = 0;
		cache->changed = true;
	}
	return cache;
}

static struct slice
get(void *context, const unsigned char key[PATTERN_KEY])
{
	struct cache *cache = context;

	for (size_t i = 0; i < cache->count; i++) {
		if (memcmp(cache->entries[i].key, key, PATTERN_KEY) != 0)
			continue;
		cache->entries[i].used = true;
		return (struct slice){ cache->entries[i].bytes, cache->entries[i].length };
	}
	return SLICE_NONE;
}

static void
put(void *context, const unsigned char key[PATTERN_KEY], struct slice bytes)
{
	struct cache *cache = context;
	struct entry entry = { .length = bytes.len, .used = true };

	memcpy(entry.key, key, PATTERN_KEY);
	entry.bytes = entry.own = malloc(bytes.len + 1);
	if (entry.own != NULL)
		memcpy(entry.own, bytes.ptr, bytes.len);
	/* One that the library did not take is not asked for by this key again. */
	for (size_t i = 0; i < cache->count; i++)
		if (memcmp(cache->entries[i].key, key, PATTERN_KEY) == 0)
			cache->entries[i].used = false;
	if (entry.own != NULL && add(cache, &entry)) {
		cache->changed = true;
		return;
	}
	free(entry.own);
	cache->failed = true;
}

struct pattern_cache
cache_patterns(struct cache *cache)
{
	return (struct pattern_cache){ cache, get, put };
}

/* All that is used, as a file's bytes; free() them.  NULL when they are too many or memory is out.
 */
static char *
make_file(const struct cache *cache, size_t *length)
{
	size_t at = HEAD_BYTES;
	uint64_t sum;
	char *bytes;

	*length = HEAD_BYTES;
	for (size_t i = 0; i < cache->count; i++)
		if (cache->entries[i].used)
			*length += PATTERN_KEY + sizeof(uint64_t) + cache->entries[i].length;
	bytes = *length > CACHE_BYTES_MAX ? NULL : malloc(*length);
	for (size_t i = 0; i < cache->count && bytes != NULL; i++) {
		const struct entry *entry = &cache->entries[i];
		uint64_t size = entry->length;

		if (!entry->used)
			continue;
		memcpy(bytes + at, entry->key, PATTERN_KEY);
		memcpy(bytes + at + PATTERN_KEY, &size, sizeof(size));
		memcpy(bytes + at + PATTERN_KEY + sizeof(size), entry->bytes, entry->length);
		at += PATTERN_KEY + sizeof(size) + entry->length;
	}
	if (bytes == NULL)
		return NULL;
	memcpy(bytes, MAGIC, sizeof(MAGIC));
	sum = XXH3_64bits(bytes + HEAD_BYTES, *length - HEAD_BYTES);
	memcpy(bytes + sizeof(MAGIC), &sum, sizeof(sum));
	return bytes;
}

/* Beside the file, then in its place. */
static int
write_file(const struct cache *cache, const char *bytes, size_t length)
{
	char beside[PATH_MAX];
	int fd, error = 0;

	if (snprintf(beside, sizeof(beside), "%s.XXXXXX", cache->path) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd == -1)
		return -errno;
	for (size_t at = 0; at < length && error == 0;) {
		ssize_t n = write(fd, bytes + at, length - at);

		if (n == -1 && errno != EINTR)
			error = -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	/* No fsync(2): a file that a crash has cut is told by its checksum, and made again. */
	if (close(fd) == -1 && error == 0)
		error = -errno;
	if (error == 0 && rename(beside, cache->path) == -1)
		error = -errno;
	if (error < 0)
		(void)unlink(beside); /* it may never have been there */
	return error;
}

int
cache_close(struct cache *cache)
{
	size_t length;
	char *bytes;
	int error = 0;

	if (cache == NULL)
		return 0;
	for (size_t i = 0; i < cache->count; i++)
		cache->changed = cache->changed || !cache->entries[i].used;
	if (cache->changed && !cache->failed) {
		bytes = make_file(cache, &length);
		error = bytes == NULL ? -ENOMEM : write_file(cache, bytes, length);
		free(bytes);
	}
	cache_free(cache);
	return error;
}
