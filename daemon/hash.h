#ifndef DAEMON_HASH_H
#define DAEMON_HASH_H

/* uthash for tables whose keys come from the network: XXH3 with a seed that nobody can guess, so
 * that keys cannot be chosen to collide.  Include it in the place of uthash.h. */

#include <stdint.h>

#include <xxhash.h>

/* Set by hash_init(), before there are threads; 0 until then. */
extern uint64_t hash_seed;
void hash_init(void);

#define HASH_FUNCTION(key, length, value) \
	((value) = (unsigned int)XXH3_64bits_withSeed(key, length, hash_seed))

/* uthash leaves the entry out when it has no memory for it. */
#define HASH_NONFATAL_OOM 1

#include <uthash.h>

#endif
