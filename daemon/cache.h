#ifndef DAEMON_CACHE_H
#define DAEMON_CACHE_H

/* Compiled databases on disk, so that a restart with thousands of rules takes no time: one file,
 * rules.cache, with a checksum over all of it.  What is damaged, or of another version, is not used
 * and is replaced; what nobody asked for since it was opened is left out of the next file. */

#include "detect/pattern.h"

#define CACHE_BYTES_MAX ((size_t)256 * 1024 * 1024)

struct cache;

/* `directory` may be NULL: there is no cache then, and NULL is returned, as for no memory.
 * *damaged: there is a file, and it is not usable. */
struct cache *cache_open(const char *directory, bool *damaged);

/* For ruleset_build(). */
struct pattern_cache cache_patterns(struct cache *);

/* Write what was asked for and what is new, when that is another than the file has: beside it, then
 * renamed.  0, or -errno with the old file left as it is.  Frees the cache. */
int cache_close(struct cache *);

#endif
