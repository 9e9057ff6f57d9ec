/* The parts of the daemon that make records of bytes, without its sockets. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/recording.h"
#include "daemon/rules.h"
#include "detect/host.h"
#include "parsers/envelope.h"
#include "parsers/frame.h"

#define MESSAGE_BYTES_MAX ((size_t)16 * 1024 * 1024) /* the most that limits.message can be */
#define ARENA_BYTES_MAX (16 * MESSAGE_BYTES_MAX)
#define PIPE_BYTES_MAX ((size_t)1024 * 1024 * 1024) /* of an input that cannot be mapped */
#define MICROSECONDS_IN_SECOND 1000000

struct recording {
	const struct recording_reader *reader;
	struct payload_limits limits;
	struct arena *arena;
	struct slice hostname; /* of the message's syslog header, folded */
	int64_t time;
	uint64_t done; /* bytes */
	bool ended;
};

static void
record(struct recording *recording, struct wevent *event, const struct envelope *envelope)
{
	struct arena_mark mark = arena_mark(recording->arena);

	if (event->host.len == 0)
		event->host = recording->hostname;
	if (event->host.len == 0) {
		recording->reader->refused(recording->reader->context, REASON_NO_HOST);
		return;
	}
	if (event->time != STAMP_NONE || envelope->time != STAMP_NONE)
		recording->time = event->time != STAMP_NONE ? event->time : envelope->time;
	recording->ended = !recording->reader->event(
		recording->reader->context, event, recording->time, recording->arena);
	arena_rewind(recording->arena, mark);
}

static void
message(struct recording *recording, struct slice bytes)
{
	char folded[HOST_NAME_MAX_BYTES];
	struct envelope envelope;
	enum payload_result result;
	struct payload payload;
	struct wevent event;
	enum reason why;

	envelope_parse(bytes, recording->time, &envelope);
	/* As in pipeline.c: the header's host is for records that name none. */
	recording->hostname = (struct slice){ folded, host_fold(envelope.hostname, folded) };
	if (slice_equal(envelope.hostname, SLICE("-")))
		recording->hostname = SLICE_NONE;
	payload_init(&payload, envelope.payload, recording->limits, recording->arena);
	while (!recording->ended &&
		(result = payload_next(&payload, &event, &why)) != PAYLOAD_END) {
		if (result == PAYLOAD_RECORD)
			record(recording, &event, &envelope);
		else
			recording->reader->refused(recording->reader->context, why);
	}
	arena_reset(recording->arena);
}

static void
read_bytes(struct recording *recording, struct slice rest)
{
	enum frame_result result;
	struct slice bytes;
	enum reason why;
	size_t used;

	while (!recording->ended && (result = frame_file_next(rest, MESSAGE_BYTES_MAX, &bytes,
					     &used, &why)) != FRAME_MORE) {
		rest = slice_sub(rest, used, rest.len);
		recording->done += used;
		if (result == FRAME_SKIP)
			continue;
		if (result == FRAME_OK)
			message(recording, bytes);
		else
			recording->reader->refused(recording->reader->context, why);
		if (recording->reader->progress != NULL)
			recording->reader->progress(recording->reader->context, recording->done);
	}
}

static bool
is_stdin(const char *file)
{
	return strcmp(file, "-") == 0;
}

/* 0, or -errno.  A regular file is mapped: it may be larger than memory. */
static int
read_fd(struct recording *recording, int fd)
{
	struct stat st;
	size_t length;
	char *bytes;
	int error;

	if (fstat(fd, &st) == -1)
		return -errno;
	/* Until an event tells another time. */
	recording->time = (int64_t)st.st_mtim.tv_sec * MICROSECONDS_IN_SECOND;
	if (S_ISREG(st.st_mode) && st.st_size > 0 && lseek(fd, 0, SEEK_CUR) == 0) {
		length = (size_t)st.st_size;
		bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes == MAP_FAILED)
			return -errno;
		(void)madvise(bytes, length, MADV_SEQUENTIAL); /* a hint */
		read_bytes(recording, (struct slice){ bytes, length });
		(void)munmap(bytes, length); /* what mmap() gave */
		return 0;
	}
	error = rules_read_fd(fd, PIPE_BYTES_MAX, &bytes, &length);
	if (error < 0)
		return error;
	read_bytes(recording, (struct slice){ bytes, length });
	free(bytes);
	return 0;
}

int
recording_read(
	const char *file, struct payload_limits limits, const struct recording_reader *reader)
{
	struct recording recording = {
		.reader = reader, .limits = limits, .arena = arena_new(ARENA_BYTES_MAX)
	};
	int error, fd = is_stdin(file) ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);

	error = recording.arena == NULL ? -ENOMEM : fd == -1 ? -errno : read_fd(&recording, fd);
	if (fd != -1 && fd != STDIN_FILENO)
		(void)close(fd); /* only read from */
	arena_free(recording.arena);
	return error;
}

uint64_t
recording_bytes(char *const *files, size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++) {
		struct stat st;
		int failed = is_stdin(files[i]) ? fstat(STDIN_FILENO, &st) : stat(files[i], &st);

		if (failed == -1)
			continue;
		if (!S_ISREG(st.st_mode))
			return 0;
		total += (uint64_t)st.st_size;
	}
	return total;
}
