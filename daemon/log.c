/* One line a message on stderr, in one write(2), so that lines of several threads never mix.
 *
 * Under systemd stderr is the journal's: a line begins with its priority as "<4>" (sd-daemon(3))
 * and the journal adds the time. Elsewhere it begins with the time in UTC and a word.  A message
 * that does not fit is cut; a write that fails is lost, since there is nobody to tell.
 *
 * Nobody waits for whoever reads stderr: poll(2) is asked before each write, under a lock, so that
 * no other thread takes the room in between.  A pipe that polls as writable takes PIPE_BUF bytes.
 */

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "parsers/stamp.h"
#include "parsers/utf8.h"

#define LINE_BYTES_MAX 4096 /* PIPE_BUF on Linux */

static const struct {
	const char *priority; /* of syslog(3) */
	const char *word;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "<3>", "error: " },
	[LOG_LEVEL_WARNING] = { "<4>", "warning: " },
	[LOG_LEVEL_NOTICE] = { "<5>", "" },
	[LOG_LEVEL_INFO] = { "<6>", "" },
};

/* Set once by log_open(), before there are threads. */
static enum log_level log_highest = LOG_LEVEL_INFO;
static bool log_journal;

/* JOURNAL_STREAM is "device:inode" of the journal's socket; it is inherited by programs whose
 * stderr is something else. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) == -1)
		return false;
	(void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, own) == 0;
}

void
log_open(enum log_level highest)
{
	log_highest = highest;
	log_journal = stderr_is_journal();
}

/* What stands before the message. */
static size_t
prefix(enum log_level level, char *line, size_t size)
{
	char stamp[STAMP_TEXT_MAX];
	int n;

	if (log_journal) {
		n = snprintf(line, size, "%s", levels[level].priority);
	} else {
		(void)stamp_format(clock_now() / 1000 * 1000, stamp);
		n = snprintf(line, size, "%s t1505d: %s", stamp, levels[level].word);
	}
	return n < 0 ? 0 : (size_t)n;
}

/* Can it be written to without waiting? */
static bool
is_writable(void)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) != 0;
}

static void
write_line(const char *line, size_t length)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static uint64_t lost;
	char told[LINE_BYTES_MAX];
	size_t n;

	(void)pthread_mutex_lock(&lock);
	if (lost > 0 && is_writable()) {
		n = prefix(LOG_LEVEL_WARNING, told, sizeof(told));
		n += (size_t)snprintf(told + n, sizeof(told) - n,
			"log: %ju lines were lost, since nobody read them\n", (uintmax_t)lost);
		(void)!write(STDERR_FILENO, told, n); /* nobody to tell */
		lost = 0;
	}
	if (is_writable())
		(void)!write(STDERR_FILENO, line, length);
	else
		lost++;
	(void)pthread_mutex_unlock(&lock);
}

/* `more` stands behind the message. */
static void __attribute__((format(printf, 2, 0)))
log_line(enum log_level level, const char *format, va_list arguments, const char *more)
{
	char line[LINE_BYTES_MAX];
	size_t room = sizeof(line) - strlen(more) - 1, length;
	int n;

	length = prefix(level, line, room);
	n = vsnprintf(line + length, room - length, format, arguments);
	if (n < 0)
		return;
	length += (size_t)n < room - length ? (size_t)n : room - length - 1;
	/* What was not escaped by the caller must not make a second line, nor move a cursor. */
	for (char *p = line; p < line + length; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	memcpy(line + length, more, strlen(more));
	length += strlen(more);
	line[length++] = '\n';
	write_line(line, length);
}

#define LOG_FUNCTION(name, level)                       \
	void log_##name(const char *format, ...)        \
	{                                               \
		va_list arguments;                      \
                                                        \
		if (level > log_highest)                \
			return;                         \
		va_start(arguments, format);            \
		log_line(level, format, arguments, ""); \
		va_end(arguments);                      \
	}

LOG_FUNCTION(error, LOG_LEVEL_ERROR)
LOG_FUNCTION(warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(notice, LOG_LEVEL_NOTICE)
LOG_FUNCTION(info, LOG_LEVEL_INFO)

void
log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
{
	int64_t now = clock_monotonic() / 1000 + 1; /* 0 means never, also right after boot */
	int64_t next;
	uint64_t left_out;
	char more[64] = "";
	va_list arguments;

	if (level > log_highest)
		return;
	/* One thread wins the turn; relaxed, since nothing else is read through these. */
	next = atomic_load_explicit(&limit->next, memory_order_relaxed);
	if ((next != 0 && now < next) ||
		!atomic_compare_exchange_strong_explicit(&limit->next, &next,
			now + LOG_LIMIT_SECONDS, memory_order_relaxed, memory_order_relaxed)) {
		atomic_fetch_add_explicit(&limit->suppressed, 1, memory_order_relaxed);
		return;
	}
	left_out = atomic_exchange_explicit(&limit->suppressed, 0, memory_order_relaxed);
	if (left_out > 0)
		(void)snprintf(more, sizeof(more), " (and %ju more like it)", (uintmax_t)left_out);
	va_start(arguments, format);
	log_line(level, format, arguments, more);
	va_end(arguments);
}

/* The length of the printable character in front, 0 when its first byte has to be escaped: controls
 * (C0, DEL, C1), and what turns the reading direction or breaks the line (U+2028 to U+202E, U+2066
 * to U+2069). */
static size_t
printable(struct slice s)
{
	const unsigned char *byte = (const unsigned char *)s.ptr;
	size_t length = byte[0] < 0x80 ? 1 : byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;

	if (length == 1)
		return byte[0] >= 0x20 && byte[0] != 0x7f;
	if (s.len < length || utf8_valid(slice_sub(s, 0, length)) < length)
		return 0;
	if (length == 2 && byte[0] == 0xc2 && byte[1] < 0xa0)
		return 0;
	if (length == 3 && byte[0] == 0xe2 &&
		((byte[1] == 0x80 && byte[2] >= 0xa8 && byte[2] <= 0xae) ||
			(byte[1] == 0x81 && byte[2] >= 0xa6 && byte[2] <= 0xa9)))
		return 0;
	return length;
}

const char *
log_escape(struct slice s, char *text, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t length = 0, whole = 0; /* whole: where the text can be cut and "..." still fits */

	if (size == 0)
		return text;
	while (s.len > 0) {
		unsigned char byte = (unsigned char)s.ptr[0];
		size_t used = printable(s);
		const char escape[] = { '\\', 'x', digits[byte >> 4], digits[byte & 15] };
		size_t wanted = used > 0 ? used : sizeof(escape);

		if (wanted > size - 1 - length) {
			size_t dots = size - 1 - whole < 3 ? size - 1 - whole : 3;

			memset(text + whole, '.', dots);
			length = whole + dots;
			break;
		}
		memcpy(text + length, used > 0 ? s.ptr : escape, wanted);
		length += wanted;
		if (length + 3 <= size - 1)
			whole = length;
		s = slice_sub(s, used > 0 ? used : 1, s.len);
	}
	text[length] = '\0';
	return text;
}
