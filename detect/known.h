#ifndef DETECT_KNOWN_H
#define DETECT_KNOWN_H

/* The events that a window has counted, so that one that comes again is not counted again: time and
 * identity of each, by time.  Beyond KNOWN_MAX the oldest are forgotten. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KNOWN_MAX 20000
#define KNOWN_BYTES 16 /* that one takes */

struct known;

struct known_events {
	struct known *list;
	uint32_t count, size;
	int64_t forgotten; /* up to this time some are; INT64_MIN for none */
};

void known_init(struct known_events *);
void known_done(struct known_events *);

/* The bytes that they take. */
size_t known_size(const struct known_events *);

bool known_has(const struct known_events *, int64_t time, uint64_t identity);

/* false for no memory. */
bool known_add(struct known_events *, int64_t time, uint64_t identity);

/* Those before a time will not be asked for. */
void known_drop(struct known_events *, int64_t before);

#endif
