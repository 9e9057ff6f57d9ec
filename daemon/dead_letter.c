/* The dead-letter file.
 *
 * dead_letters_add() copies the message (its first DEAD_LETTER_BYTES_MAX bytes) into a queue that
 * is bounded in bytes; one thread takes the whole queue, makes a line of JSON of each letter and
 * appends it to the file.  The file is opened for the first letter, so that its owner is the
 * daemon's user and a daemon without dead letters leaves no file.
 *
 * A line is on disk whole or not at all: after a failed write the file is cut back to its last
 * line's end.  While the file cannot be opened or written, letters are lost and counted; it is
 * tried again once a second.  At half of the bound FILE becomes FILE.1 by rename, so both together
 * stay within it. */

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <yajl/yajl_gen.h>

#include "daemon/clock.h"
#include "daemon/dead_letter.h"
#include "daemon/log.h"
#include "parsers/stamp.h"
#include "parsers/utf8.h"

#define FILE_MODE 0640
#define RETRY_SECONDS 1
#define NAME_MAX_BYTES 128 /* of an input or a peer */

struct letter {
	struct letter *next;
	int64_t time;
	char input[NAME_MAX_BYTES];
	char peer[NAME_MAX_BYTES];
	enum reason reason;
	size_t length; /* of the message */
	size_t kept;
	char bytes[];
};

struct dead_letters {
	char *path;
	char *old_path; /* FILE.1 */
	uint64_t file_max;
	struct metrics *metrics;
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct letter *first;
	struct letter **last;
	size_t bytes; /* of the queue */
	bool stop;

	/* The thread's own. */
	int fd;
	uint64_t size;
	int64_t retry; /* clock_monotonic(); not before */
	unsigned char *base64;
	struct log_limit trouble;
};

static struct log_limit queue_full;

static void
lost(struct dead_letters *letters, uint64_t count)
{
	metrics_count(letters->metrics, DAEMON_dead_letters_lost, count);
}

static void
give_up_file(struct dead_letters *letters, const char *what)
{
	log_limited(&letters->trouble, LOG_LEVEL_ERROR,
		"dead letters: %s %s: %s; letters are lost until it works again", what,
		letters->path, strerror(errno));
	if (letters->fd != -1)
		(void)close(letters->fd); /* what was written is judged by write(2) */
	letters->fd = -1;
	letters->retry = clock_monotonic() + RETRY_SECONDS * 1000;
}

static bool
open_file(struct dead_letters *letters)
{
	struct stat status;

	if (letters->fd != -1)
		return true;
	if (clock_monotonic() < letters->retry)
		return false;
	/* A FIFO or a device could hold the thread up, and must not be renamed. */
	letters->fd = open(letters->path,
		O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
	if (letters->fd == -1 || fstat(letters->fd, &status) == -1) {
		give_up_file(letters, "cannot open");
		return false;
	}
	if (!S_ISREG(status.st_mode)) {
		errno = ENOTSUP;
		give_up_file(letters, "no regular file:");
		return false;
	}
	letters->size = status.st_size > 0 ? (uint64_t)status.st_size : 0;
	return true;
}

/* Room for a line of `length` bytes; an empty file takes any line. */
static bool
rotate(struct dead_letters *letters, size_t length)
{
	if (letters->size == 0 || letters->size + length <= letters->file_max)
		return true;
	if (rename(letters->path, letters->old_path) == -1) {
		give_up_file(letters, "cannot rename");
		return false;
	}
	(void)close(letters->fd);
	letters->fd = -1;
	return open_file(letters);
}

static bool
write_line(struct dead_letters *letters, const unsigned char *line, size_t length)
{
	size_t done = 0;

	if (!open_file(letters) || !rotate(letters, length))
		return false;
	while (done < length) {
		ssize_t n = write(letters->fd, line + done, length - done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			int saved = errno;

			/* The line's beginning is taken back; if even that fails, there is one bad
			 * line. */
			if (done > 0)
				(void)!ftruncate(letters->fd, (off_t)letters->size);
			errno = saved;
			give_up_file(letters, "cannot write");
			return false;
		}
		done += (size_t)n;
	}
	letters->size += length;
	return true;
}

/* Would a person read it as text: valid UTF-8 with no control characters but TAB, LF and CR? */
static bool
is_text(struct slice bytes)
{
	if (utf8_valid(bytes) != bytes.len)
		return false;
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char byte = (unsigned char)bytes.ptr[i];

		if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f)
			return false;
	}
	return true;
}

/* A cut may have gone through a character. */
static struct slice
whole_characters(struct slice bytes)
{
	size_t valid = utf8_valid(bytes);

	return bytes.len - valid < 4 ? slice_sub(bytes, 0, valid) : bytes;
}

static void
gen_string(yajl_gen gen, const char *text)
{
	(void)yajl_gen_string(gen, (const unsigned char *)text, strlen(text));
}

/* Errors of the generator are lack of memory, which shows in the line's absence, or wrong use,
 * which is ours. */
static void
gen_letter(struct dead_letters *letters, yajl_gen gen, const struct letter *letter)
{
	bool cut = letter->kept < letter->length;
	struct slice bytes = { letter->bytes, letter->kept };
	char time[STAMP_TEXT_MAX];
	size_t length = stamp_format(letter->time, time);

	(void)yajl_gen_map_open(gen);
	gen_string(gen, "time");
	(void)yajl_gen_string(gen, (const unsigned char *)time, length);
	gen_string(gen, "input");
	gen_string(gen, letter->input);
	gen_string(gen, "peer");
	gen_string(gen, letter->peer);
	gen_string(gen, "reason");
	gen_string(gen, reason_name(letter->reason));
	gen_string(gen, "length");
	(void)yajl_gen_integer(gen, (long long)letter->length);
	if (cut)
		bytes = whole_characters(bytes);
	if (is_text(bytes)) {
		gen_string(gen, "text");
		(void)yajl_gen_string(gen, (const unsigned char *)bytes.ptr, bytes.len);
	} else {
		int written = EVP_EncodeBlock(
			letters->base64, (const unsigned char *)letter->bytes, (int)letter->kept);

		gen_string(gen, "base64");
		(void)yajl_gen_string(gen, letters->base64, (size_t)written);
	}
	if (cut) {
		gen_string(gen, "cut");
		(void)yajl_gen_bool(gen, 1);
	}
	(void)yajl_gen_map_close(gen);
}

static bool
write_letter(struct dead_letters *letters, const struct letter *letter)
{
	yajl_gen gen = yajl_gen_alloc(NULL);
	const unsigned char *json;
	unsigned char *line = NULL;
	size_t length;
	bool done = false;

	if (gen == NULL)
		return false;
	gen_letter(letters, gen, letter);
	if (yajl_gen_get_buf(gen, &json, &length) == yajl_gen_status_ok)
		line = malloc(length + 1);
	if (line != NULL) {
		memcpy(line, json, length);
		line[length] = '\n';
		done = write_line(letters, line, length + 1);
	}
	free(line);
	yajl_gen_free(gen);
	return done;
}

static void
write_letters(struct dead_letters *letters, struct letter *list)
{
	while (list != NULL) {
		struct letter *letter = list;

		list = letter->next;
		if (write_letter(letters, letter))
			metrics_count(letters->metrics, DAEMON_dead_letters, 1);
		else
			lost(letters, 1);
		free(letter);
	}
}

static void *
run(void *argument)
{
	struct dead_letters *letters = argument;
	bool stop = false;

	(void)pthread_mutex_lock(&letters->lock);
	while (!stop) {
		struct letter *list;

		while (letters->first == NULL && !letters->stop)
			(void)pthread_cond_wait(&letters->wake, &letters->lock);
		list = letters->first;
		letters->first = NULL;
		letters->last = &letters->first;
		letters->bytes = 0;
		stop = letters->stop;
		(void)pthread_mutex_unlock(&letters->lock);
		write_letters(letters, list);
		(void)pthread_mutex_lock(&letters->lock);
	}
	(void)pthread_mutex_unlock(&letters->lock);
	return NULL;
}

static void
free_parts(struct dead_letters *letters)
{
	free(letters->path);
	free(letters->old_path);
	free(letters->base64);
	(void)pthread_mutex_destroy(&letters->lock);
	(void)pthread_cond_destroy(&letters->wake);
	free(letters);
}

struct dead_letters *
dead_letters_new(const char *path, uint64_t max, struct metrics *metrics)
{
	struct dead_letters *letters = calloc(1, sizeof(*letters));

	if (letters == NULL)
		return NULL;
	letters->metrics = metrics;
	letters->file_max = max / 2;
	letters->last = &letters->first;
	letters->fd = -1;
	(void)pthread_mutex_init(&letters->lock, NULL);
	(void)pthread_cond_init(&letters->wake, NULL);
	if (path == NULL)
		return letters;
	letters->path = strdup(path);
	letters->base64 = malloc((DEAD_LETTER_BYTES_MAX + 2) / 3 * 4 + 1);
	if (letters->path == NULL || letters->base64 == NULL ||
		asprintf(&letters->old_path, "%s.1", path) == -1) {
		letters->old_path = NULL; /* undefined after a failure */
		goto fail;
	}
	if (pthread_create(&letters->thread, NULL, run, letters) != 0)
		goto fail;
	return letters;
fail:
	free_parts(letters);
	return NULL;
}

void
dead_letters_free(struct dead_letters *letters)
{
	if (letters == NULL)
		return;
	if (letters->path != NULL) {
		(void)pthread_mutex_lock(&letters->lock);
		letters->stop = true;
		(void)pthread_cond_signal(&letters->wake);
		(void)pthread_mutex_unlock(&letters->lock);
		(void)pthread_join(letters->thread, NULL);
	}
	if (letters->fd != -1)
		(void)close(letters->fd);
	free_parts(letters);
}

static struct letter *
letter_new(int64_t now, const char *input, const char *peer, enum reason reason, struct slice bytes)
{
	size_t kept = bytes.len < DEAD_LETTER_BYTES_MAX ? bytes.len : DEAD_LETTER_BYTES_MAX;
	struct letter *letter = malloc(sizeof(*letter) + kept);

	if (letter == NULL)
		return NULL;
	letter->next = NULL;
	letter->time = now;
	(void)snprintf(letter->input, sizeof(letter->input), "%s", input);
	(void)snprintf(letter->peer, sizeof(letter->peer), "%s", peer);
	letter->reason = reason;
	letter->length = bytes.len;
	letter->kept = kept;
	if (kept > 0)
		memcpy(letter->bytes, bytes.ptr, kept);
	return letter;
}

void
dead_letters_add(struct dead_letters *letters, int64_t now, const char *input, const char *peer,
	enum reason reason, struct slice bytes)
{
	struct letter *letter;
	size_t size;
	bool full;

	if (letters->path == NULL)
		return;
	letter = letter_new(now, input, peer, reason, bytes);
	if (letter == NULL) {
		lost(letters, 1);
		return;
	}
	size = sizeof(*letter) + letter->kept;
	(void)pthread_mutex_lock(&letters->lock);
	full = letters->bytes + size > DEAD_LETTER_QUEUE_MAX;
	if (!full) {
		letters->bytes += size;
		*letters->last = letter;
		letters->last = &letter->next;
		(void)pthread_cond_signal(&letters->wake);
	}
	(void)pthread_mutex_unlock(&letters->lock);
	if (full) {
		free(letter);
		lost(letters, 1);
		log_limited(&queue_full, LOG_LEVEL_WARNING,
			"dead letters: the disk does not keep up; letters are lost (last from %s)",
			peer);
	}
}
