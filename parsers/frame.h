#ifndef PARSERS_FRAME_H
#define PARSERS_FRAME_H

/* A TCP stream -> messages, RFC 6587: octet counting or a trailer (LF, CRLF, NUL), told apart
 * message by message.
 *
 * A count is [1-9][0-9]{0,6} SP followed by '<', '{', '[' or a byte order mark; by any byte on a
 * connection that has already carried a counted message.  Everything else is a line.  One blank
 * before a frame is skipped (Cisco), empty lines are too. A message over the limit is refused with
 * its first bytes and the rest of it skipped, whatever its length. */

#include "parsers/reason.h"
#include "parsers/slice.h"

#define FRAME_HEAD_MAX 4096 /* bytes of a refused message that are shown for the dead letters */

enum frame_result { FRAME_OK, FRAME_MORE, FRAME_SKIP, FRAME_BAD };

struct frame {
	size_t limit;   /* bytes in a message, at most */
	uint64_t skip;  /* octets of a refused counted message that are still to come */
	size_t scanned; /* bytes at the front of `in` that are known to hold no trailer */
	bool skip_line; /* inside a refused line: skip to its trailer */
	bool counted;   /* a counted message has been carried */
};

void frame_init(struct frame *, size_t limit);

/* Cut the next message off the front of `in`.  FRAME_OK: `*msg` is a slice of `in`, `*used` bytes
 * are done with. FRAME_SKIP: `*used` bytes hold no message; call again.  FRAME_MORE: call again
 * with the same bytes and more; nothing was written.  FRAME_BAD: `*msg` is the refused message's
 * beginning, skip `*used`, count `*why`. */
enum frame_result frame_next(
	struct frame *, struct slice in, struct slice *msg, size_t *used, enum reason *why);

/* The stream has ended and `in` is what FRAME_MORE left: a line without its trailer is a message
 * (FRAME_OK), a counted message without its end is FRAME_BAD; FRAME_SKIP when there is neither. */
enum frame_result frame_finish(
	struct frame *, struct slice in, struct slice *msg, enum reason *why);

/* A file or a standard input, complete in `in`: lines, and JSON documents that span lines
 * (pretty-printed, or in a row without a separator).  FRAME_OK, FRAME_SKIP or FRAME_BAD as above;
 * FRAME_MORE at the end. */
enum frame_result frame_file_next(
	struct slice in, size_t limit, struct slice *msg, size_t *used, enum reason *why);

/* A datagram without its trailing NUL, CR and LF (RFC 5426). */
struct slice frame_datagram(struct slice);

#endif
