#ifndef DAEMON_RECORDING_H
#define DAEMON_RECORDING_H

/* Recorded events: files of JSON lines, of JSON documents in a row, or of syslog lines, read record
 * by record.  One thread; a regular file is mapped, anything else is read to its end first. */

#include "parsers/payload.h"

struct recording_reader {
	void *context;
	/* A record.  It has the host of its syslog header where it names none itself; `time` is its
	 * own, else the header's, else that of the record before it, else when the file was
	 * changed.  false ends the reading. */
	bool (*event)(void *context, struct wevent *, int64_t time, struct arena *);
	/* A message that is no record, or has no host. */
	void (*refused)(void *context, enum reason);
	/* A message is done with; so many bytes of the file are.  NULL: nobody asks. */
	void (*progress)(void *context, uint64_t done);
};

/* Read a file, "-" being the standard input.  0 or -errno (-EFBIG: more than 1 GiB that cannot be
 * mapped). */
int recording_read(const char *file, struct payload_limits, const struct recording_reader *);

/* How much there is to read; 0 when one of them does not say. */
uint64_t recording_bytes(char *const *files, size_t count);

#endif
