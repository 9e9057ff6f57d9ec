/* The seed of the tables. */

#include <sys/random.h>
#include <time.h>

#include "daemon/hash.h"

uint64_t hash_seed;

void
hash_init(void)
{
	/* It fails only early at boot, where the time is as good as there is. */
	if (getrandom(&hash_seed, sizeof(hash_seed), GRND_NONBLOCK) != sizeof(hash_seed))
		hash_seed = (uint64_t)time(NULL);
}
