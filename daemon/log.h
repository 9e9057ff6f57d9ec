#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

/* One line a message on stderr: with sd-daemon(3) priorities under systemd (JOURNAL_STREAM), else
 * with the time and a word. Callable from any thread, and never waits: what a pipe or a socket that
 * nobody reads does not take is lost, and the next line that goes out says how much.  Bytes of
 * peers go through log_escape() first. */

#include <stdatomic.h>
#include <stdint.h>

#include "parsers/slice.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO };

/* Messages above `highest` are not written.  Finds out by itself how stderr wants to be written to.
 */
void log_open(enum log_level highest);

void log_error(const char *, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *, ...) __attribute__((format(printf, 1, 2)));

/* The first message, then at most one every LOG_LIMIT_SECONDS with the number that was left out.
 * Zero-initialise. */
#define LOG_LIMIT_SECONDS 60
struct log_limit {
	_Atomic int64_t next; /* monotonic, seconds */
	_Atomic uint64_t suppressed;
};
void log_limited(struct log_limit *, enum log_level, const char *, ...)
	__attribute__((format(printf, 3, 4)));

/* Printable ASCII and valid UTF-8 as they are, the rest as \xHH, at most size - 1 bytes, cut with
 * "...". Returns text. */
const char *log_escape(struct slice, char *text, size_t size);

#endif
