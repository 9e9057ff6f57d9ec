/* Fuzz target of the framing.  The first byte is a seed: the rest is fed as one stream whole and
 * again in pieces that the seed chooses, with the same messages expected, and read as a file. Every
 * byte must be accounted for. */

#include <stdlib.h>
#include <string.h>

#include "parsers/frame.h"

#define LIMIT 48

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* FNV-1a over the results: enough to tell two sequences of messages apart. */
static uint64_t
mix(uint64_t sum, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
	return (sum ^ len) * UINT64_C(1099511628211);
}

static uint64_t
mix_result(uint64_t sum, enum frame_result what, struct slice msg, enum reason why)
{
	char tag[2] = { (char)what, what == FRAME_BAD ? (char)why : 0 };

	return mix(mix(sum, tag, 2), msg.ptr, msg.len);
}

/* Take the messages from a copy of the bytes, so that their address differs each time and their end
 * is known to the sanitizer.  The bytes used. */
static size_t
drain(struct frame *frame, struct slice in, uint64_t *sum)
{
	size_t total = 0;
	char *copy = malloc(in.len + (in.len == 0));

	REQUIRE(copy != NULL);
	if (in.len > 0)
		memcpy(copy, in.ptr, in.len);
	for (;;) {
		struct slice rest = { copy + total, in.len - total };
		struct slice msg = SLICE_NONE;
		enum reason why = REASON_MAX;
		size_t used = 0;
		enum frame_result what = frame_next(frame, rest, &msg, &used, &why);

		if (what == FRAME_MORE) {
			REQUIRE(used == 0 && msg.ptr == NULL && why == REASON_MAX);
			break;
		}
		REQUIRE(used > 0 && used <= rest.len);
		if (what != FRAME_SKIP) {
			REQUIRE(msg.ptr >= rest.ptr && msg.ptr + msg.len <= rest.ptr + used);
			REQUIRE(what == FRAME_BAD ? msg.len <= FRAME_HEAD_MAX : msg.len <= LIMIT);
			*sum = mix_result(*sum, what, msg, why);
		}
		total += used;
	}
	free(copy);
	return total;
}

/* Feed the stream; `random` 0 is one piece, else pieces of 1 to 16 bytes. */
static uint64_t
feed(struct slice stream, uint32_t random)
{
	uint64_t sum = UINT64_C(14695981039346656037);
	size_t begin = 0, end = random == 0 ? stream.len : 0;
	enum frame_result what;
	struct frame frame;
	struct slice msg = SLICE_NONE;
	enum reason why = REASON_MAX;

	frame_init(&frame, LIMIT);
	for (;;) {
		begin += drain(&frame, slice_sub(stream, begin, end), &sum);
		/* A message that is complete, or refused, never waits: what is kept is bounded. */
		REQUIRE(end - begin <= FRAME_HEAD_MAX + 16);
		if (end == stream.len)
			break;
		random = random * UINT32_C(1103515245) + 12345;
		end += 1 + (random >> 16) % 16;
		if (end > stream.len)
			end = stream.len;
	}
	what = frame_finish(&frame, slice_sub(stream, begin, stream.len), &msg, &why);
	REQUIRE(what != FRAME_MORE);
	if (what != FRAME_SKIP)
		sum = mix_result(sum, what, msg, why);
	return sum;
}

static void
read_file(struct slice file)
{
	size_t total = 0;

	for (;;) {
		struct slice rest = slice_sub(file, total, file.len);
		struct slice msg = SLICE_NONE;
		enum reason why = REASON_MAX;
		size_t used = 0;
		enum frame_result what = frame_file_next(rest, LIMIT, &msg, &used, &why);

		if (what == FRAME_MORE)
			break;
		REQUIRE(used > 0 && used <= rest.len);
		if (what != FRAME_SKIP) {
			REQUIRE(msg.len > 0 && msg.len <= LIMIT);
			REQUIRE(msg.ptr >= rest.ptr && msg.ptr + msg.len <= rest.ptr + used);
		}
		total += used;
	}
	REQUIRE(total == file.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice stream, datagram;

	if (size == 0)
		return 0;
	stream = (struct slice){ (const char *)data + 1, size - 1 };
	REQUIRE(feed(stream, 0) == feed(stream, (uint32_t)data[0] + 1));
	read_file(stream);
	datagram = frame_datagram(stream);
	REQUIRE(datagram.ptr == stream.ptr && datagram.len <= stream.len);
	return 0;
}
