#ifndef DAEMON_LOADER_H
#define DAEMON_LOADER_H

/* Reads a configuration and compiles its rules on a thread of its own, so that the main thread
 * accepts connections meanwhile. */

#include <event2/event.h>

#include "daemon/rules.h"

/* What was read.  `error` < 0: neither of the two is there, and faults say why. */
struct loaded {
	int error;
	struct conf *conf;
	struct rules *rules;
	struct faults faults;
};

struct loader;

/* `load` runs on the loader's thread; `done` on the base's afterwards, and takes over what was read
 * but for the faults.  NULL for no memory or descriptors. */
struct loader *loader_new(struct event_base *, void (*load)(const char *file, struct loaded *),
	void (*done)(void *context, struct loaded *), void *context);

/* Begin; while one is under way, once more behind it: whoever asks gets what the file holds then.
 * `file` is borrowed.  0 or -errno. */
int loader_start(struct loader *, const char *file);

/* Waits for what is under way, and throws it away. */
void loader_free(struct loader *);

#endif
