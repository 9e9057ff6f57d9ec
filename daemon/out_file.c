/* Alerts into a file or onto standard output.
 *
 * A regular file cannot be watched for writability and a write to it does not wait for a reader, so
 * it is written in batches from the output thread.  O_NONBLOCK is for a FIFO or a device that was
 * given as the file.  A line is never left half: what was written of the last one is cut off again
 * when the disk is full, and a torn end that an earlier process left is ended by a line feed, never
 * cut, since the file may be somebody else's.
 *
 * Standard output may be a terminal or a pipe that is shared with a shell, where O_NONBLOCK would
 * change it for all.  So it is opened anew, which has a flag of its own.  Where that cannot be (a
 * socket, or the process has become another user), poll(2) is asked before each write, and a write
 * has no more bytes than whatever polls as writable takes without blocking: PIPE_BUF of a pipe
 * (pipe(7)), and hardly any of a terminal.
 *
 * Nothing is synced to the disk here. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "daemon/out_file.h"

#define STDOUT_CHUNK 4096 /* PIPE_BUF on Linux */
#define TERMINAL_CHUNK 64 /* a terminal polls as writable with less than 256 waiting */
#define STDOUT_TURN (16 * STDOUT_CHUNK) /* then the other outputs have theirs */

struct out_file {
	int fd;
	bool regular;
	int chunk; /* bytes at once after poll(2); 0: it does not block */
	const char *path;
};

static struct out_file *
out_file_new(int fd, const char *path)
{
	struct out_file *file = malloc(sizeof(*file));
	struct stat st;

	if (file == NULL)
		return NULL;
	file->fd = fd;
	file->path = path;
	file->chunk = 0;
	file->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	return file;
}

/* Does the file end in the middle of a line?  A file that may not be read is taken to be whole. */
static bool
is_torn(const struct out_file *file)
{
	bool torn = false;
	struct stat st;
	char last;
	int fd;

	if (!file->regular || fstat(file->fd, &st) == -1 || st.st_size == 0)
		return false;
	fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd != -1) {
		torn = pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
		close(fd);
	}
	return torn;
}

static int
file_open(const struct output_opening *opening, void **channel)
{
	const char *path = opening->conf->to;
	int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	struct out_file *file;

	if (fd == -1)
		return -errno;
	file = out_file_new(fd, path);
	if (file == NULL) {
		close(fd);
		return -ENOMEM;
	}
	/* An octet-counted stream has no line ends to be judged by. */
	if (opening->conf->framing == OUTPUT_LF && is_torn(file) && write(fd, "\n", 1) == -1) {
		int error = errno;
		close(fd);
		free(file);
		return -error;
	}
	*channel = file;
	return 0;
}

static int
file_descriptor(const void *channel)
{
	(void)channel;
	return -1;
}

static ssize_t
file_write(void *channel, struct evbuffer *buffer, size_t first)
{
	struct out_file *file = channel;
	int n;

	(void)first;
	n = evbuffer_write(buffer, file->fd);
	if (n == -1)
		return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return n;
}

static void
file_close(void *channel, size_t partial)
{
	struct out_file *file = channel;
	struct stat st;
	off_t end;

	/* The offset is behind our own last write: when it is also the file's end, nobody has
	 * appended since. */
	if (partial > 0 && file->regular && fstat(file->fd, &st) == 0) {
		end = lseek(file->fd, 0, SEEK_CUR);
		if (end == st.st_size && end >= (off_t)partial)
			(void)!ftruncate(file->fd,
				end - (off_t)partial); /* else the next open ends the line */
	}
	close(file->fd);
	free(file);
}

static void
file_peer(const void *channel, char *text, size_t size)
{
	snprintf(text, size, "%s", ((const struct out_file *)channel)->path);
}

static int
stdout_open(const struct output_opening *opening, void **channel)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL), fd;
	struct out_file *file;
	struct stat st;
	bool again;

	(void)opening;
	if (flags == -1 || (flags & O_ACCMODE) == O_RDONLY || fstat(STDOUT_FILENO, &st) == -1)
		return -EBADF;
	/* A file that is opened anew begins at its front; and it does not block. */
	again = !S_ISREG(st.st_mode);
	fd = again ? open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
	again = fd != -1;
	if (!again)
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (fd == -1)
		return -errno;
	file = out_file_new(fd, "standard output");
	if (file == NULL) {
		close(fd);
		return -ENOMEM;
	}
	if (!again && !S_ISREG(st.st_mode))
		file->chunk = isatty(fd) ? TERMINAL_CHUNK : STDOUT_CHUNK;
	*channel = file;
	return 0;
}

static ssize_t
stdout_write(void *channel, struct evbuffer *buffer, size_t first)
{
	struct out_file *file = channel;
	struct pollfd writable = { .fd = file->fd, .events = POLLOUT };
	ssize_t total = 0;

	if (file->chunk == 0)
		return file_write(channel, buffer, first);
	while (total < STDOUT_TURN && evbuffer_get_length(buffer) > 0) {
		int n, ready = poll(&writable, 1, 0);

		if (ready == 1 && (writable.revents & POLLOUT) == 0)
			return -EPIPE; /* POLLERR: the pipe has no reader; POLLHUP: the terminal has
					  gone */
		if (ready != 1)
			return total > 0 ? total : -EAGAIN;
		n = evbuffer_write_atmost(buffer, file->fd, file->chunk);
		if (n == -1) {
			if (total > 0)
				return total;
			return errno == EINTR ? -EAGAIN : -errno;
		}
		total += n;
	}
	return total;
}

const struct output_methods out_file_methods = {
	.reopen = true,
	.open = file_open,
	.descriptor = file_descriptor,
	.write = file_write,
	.close = file_close,
	.peer = file_peer,
};

const struct output_methods out_stdout_methods = {
	.open = stdout_open,
	.descriptor = file_descriptor,
	.write = stdout_write,
	.close = file_close,
	.peer = file_peer,
};
