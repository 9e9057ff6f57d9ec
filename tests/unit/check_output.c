/* The outputs against receivers in this process: bytes on the wire, order, receivers that die, read
 * slowly or were never there, files that are rotated or full, reloads and the stop. */

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "daemon/log.h"
#include "daemon/output.h"

#define BIG (64 * 1024 * 1024)
#define PATIENCE_MS 20000

/* The world of one test. */
static char directory[] = "/tmp/check_output.XXXXXX";
static char path[128];  /* of a socket or a file */
static char other[128]; /* of another */
static struct journal *journal;
static struct metrics *metrics;
static struct outputs *outputs;
static struct conf_output list[4];
static struct conf conf;

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
wait_a_little(int64_t end, const char *condition)
{
	if (now_ms() > end)
		ck_abort_msg("did not come true: %s", condition);
	(void)poll(NULL, 0, 1);
}

/* Wait for a condition, which has PATIENCE_MS to come true. */
#define until(condition)                                 \
	do {                                             \
		int64_t end_ = now_ms() + PATIENCE_MS;   \
		while (!(condition))                     \
			wait_a_little(end_, #condition); \
	} while (0)

static void
make_world(size_t journal_max)
{
	strcpy(directory, "/tmp/check_output.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/one", directory);
	snprintf(other, sizeof(other), "%s/two", directory);
	memset(&conf, 0, sizeof(conf));
	memset(list, 0, sizeof(list));
	conf.outputs = list;
	journal = journal_new(journal_max);
	metrics = metrics_new(1);
	outputs = outputs_new(journal, metrics);
	ck_assert_ptr_nonnull(outputs);
}

static void
end_world(void)
{
	outputs_free(outputs);
	metrics_free(metrics);
	journal_free(journal);
	unlink(path);
	unlink(other);
	rmdir(directory);
}

static void
add_output(const char *name, enum output_type type, char *to)
{
	struct conf_output *output = &list[conf.output_count++];
	static char names[4][32];

	snprintf(names[conf.output_count - 1], sizeof(names[0]), "%s", name);
	output->name = names[conf.output_count - 1];
	output->type = type;
	output->to = to;
}

/* To 127.0.0.1, or `host`, on a port. */
static void
add_internet(const char *name, enum output_type type, const char *host, int port)
{
	static char to[64], hosts[64], ports[16];

	snprintf(hosts, sizeof(hosts), "%s", host);
	snprintf(ports, sizeof(ports), "%d", port);
	snprintf(to, sizeof(to), "%s:%d", host, port);
	add_output(name, type, to);
	list[conf.output_count - 1].host = hosts;
	list[conf.output_count - 1].port = ports;
}

static void
use(void)
{
	ck_assert_int_eq(outputs_use(outputs, &conf), 0);
}

/* Alerts "NUMBER" with so many bytes of padding behind. */
static void
append(unsigned from, unsigned to, size_t padding)
{
	char *text = malloc(padding + 16);
	int n;

	for (unsigned i = from; i <= to; i++) {
		struct alert alert = { .severity = SEVERITY_HIGH };

		n = snprintf(text, 16, "%u ", i);
		memset(text + n, 'x', padding);
		alert.json = (struct slice){ text, (size_t)n + padding };
		ck_assert_uint_gt(journal_append(journal, &alert), 0);
	}
	free(text);
}

static struct output_view
view(const char *name)
{
	struct output_view found = { 0 }, *views;
	size_t count;

	views = outputs_view(outputs, &count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(views[i].name, name) == 0)
			found = views[i];
	free(views);
	ck_assert_ptr_nonnull(found.state);
	return found;
}

static bool
state_is(const char *name, const char *state)
{
	return strcmp(view(name).state, state) == 0;
}

static int
bind_unix(int type, const char *where)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, where);
	unlink(where);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 8), 0);
	return fd;
}

static int
bind_internet(int type, int *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	address.sin_port = htons((uint16_t)*port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 8), 0);
	getsockname(fd, (struct sockaddr *)&address, &length);
	*port = ntohs(address.sin_port);
	return fd;
}

static bool
is_readable(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	return poll(&ready, 1, 0) == 1;
}

static int
accept_one(int listener)
{
	int fd;

	until(is_readable(listener));
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ne(fd, -1);
	return fd;
}

/* The number that the next line begins with; its LF and what is before are read.  0 at the end of
 * the stream, -1 when the end came in the middle of a line. */
struct reader {
	int fd;
	size_t used, at;
	char bytes[65536];
};

static long
next_line(struct reader *reader)
{
	long number = 0;
	bool any = false, in_number = true;

	for (;;) {
		if (reader->at == reader->used) {
			ssize_t n;

			until(is_readable(reader->fd));
			n = read(reader->fd, reader->bytes, sizeof(reader->bytes));
			if (n <= 0)
				return any ? -1 : 0;
			reader->at = 0;
			reader->used = (size_t)n;
		}
		char c = reader->bytes[reader->at++];
		any = true;
		if (c == '\n')
			return number;
		in_number = in_number && c >= '0' && c <= '9';
		if (in_number)
			number = number * 10 + (c - '0');
		else if (c != ' ' && c != 'x')
			ck_abort_msg("a byte that is nobody's: %c", c);
	}
}

static void
expect(struct reader *reader, long from, long to)
{
	for (long i = from; i <= to; i++)
		ck_assert_int_eq(next_line(reader), i);
}

/* A row: an output's settings and the bytes of an alert `{"a":1}` of that severity. */
static const struct {
	const char *name;
	enum output_type type;
	enum output_envelope envelope;
	enum output_framing framing;
	enum severity severity;
	int64_t time;
	const char *bytes;
} format_rows[] = {
	{ "bare, LF", OUTPUT_TCP, OUTPUT_BARE, OUTPUT_LF, SEVERITY_HIGH, 0, "{\"a\":1}\n" },
	{ "bare, counted", OUTPUT_TCP, OUTPUT_BARE, OUTPUT_OCTET_COUNTED, SEVERITY_HIGH, 0,
		"7 {\"a\":1}" },
	{ "critical", OUTPUT_UNIX, OUTPUT_RFC5424, OUTPUT_LF, SEVERITY_CRITICAL,
		INT64_C(1772359200123000),
		"<106>1 2026-03-01T10:00:00.123Z soc1 t1505d - alert - {\"a\":1}\n" },
	{ "high, microseconds", OUTPUT_TCP, OUTPUT_RFC5424, OUTPUT_LF, SEVERITY_HIGH,
		INT64_C(1772359200123456),
		"<107>1 2026-03-01T10:00:00.123456Z soc1 t1505d - alert - {\"a\":1}\n" },
	{ "medium", OUTPUT_FILE, OUTPUT_RFC5424, OUTPUT_LF, SEVERITY_MEDIUM, 0,
		"<108>1 1970-01-01T00:00:00.000Z soc1 t1505d - alert - {\"a\":1}\n" },
	{ "low, counted", OUTPUT_STDOUT, OUTPUT_RFC5424, OUTPUT_OCTET_COUNTED, SEVERITY_LOW, 0,
		"61 <109>1 1970-01-01T00:00:00.000Z soc1 t1505d - alert - {\"a\":1}" },
	{ "informational by UDP has no trailer", OUTPUT_UDP, OUTPUT_RFC5424, OUTPUT_LF,
		SEVERITY_INFORMATIONAL, 0,
		"<110>1 1970-01-01T00:00:00.000Z soc1 t1505d - alert - {\"a\":1}" },
	{ "and no count", OUTPUT_UNIXGRAM, OUTPUT_BARE, OUTPUT_OCTET_COUNTED, SEVERITY_LOW, 0,
		"{\"a\":1}" },
};

START_TEST(formats_an_alert)
{
	struct journal *one = journal_new(BIG);
	struct alert alert = { .severity = format_rows[_i].severity,
		.time = format_rows[_i].time,
		.json = SLICE("{\"a\":1}") };
	struct conf_output output = { .type = format_rows[_i].type,
		.envelope = format_rows[_i].envelope,
		.framing = format_rows[_i].framing };
	struct evbuffer *buffer = evbuffer_new();
	struct journal_entry *entry;
	uint64_t skipped;
	char bytes[256] = "";

	journal_append(one, &alert);
	entry = journal_next(one, 0, &skipped);
	ck_assert_int_eq(output_format(buffer, &output, "soc1", entry), 0);
	evbuffer_remove(buffer, bytes, sizeof(bytes) - 1);
	ck_assert_msg(
		strcmp(bytes, format_rows[_i].bytes) == 0, "%s: %s", format_rows[_i].name, bytes);
	journal_release(one, entry);
	evbuffer_free(buffer);
	journal_free(one);
}
END_TEST

START_TEST(sends_in_order)
{
	struct reader reader = { 0 };
	int listener;

	make_world(BIG);
	listener = bind_unix(SOCK_STREAM, path);
	add_output("siem", OUTPUT_UNIX, path);
	use();
	append(1, 500, 10);
	reader.fd = accept_one(listener);
	append(501, 1000, 1000);
	expect(&reader, 1, 1000);
	until(view("siem").sent == 1000);
	ck_assert_str_eq(view("siem").state, "connected");
	ck_assert_uint_eq(view("siem").waiting, 0);
	ck_assert_uint_eq(view("siem").dropped, 0);
	ck_assert_uint_eq(view("siem").errors, 0);
	ck_assert_uint_eq(view("siem").reconnects, 0);
	ck_assert_uint_gt(view("siem").bytes, 500 * 1000);
	until(journal_bytes(journal) == 0);
	close(reader.fd);
	close(listener);
	end_world();
}
END_TEST

START_TEST(comes_back_to_a_receiver_that_died)
{
	struct reader reader = { 0 };
	int listener, port = 0;

	make_world(BIG);
	listener = bind_internet(SOCK_STREAM, &port);
	add_internet("siem", OUTPUT_TCP, "127.0.0.1", port);
	use();
	append(1, 100, 10);
	reader.fd = accept_one(listener);
	expect(&reader, 1, 100);
	close(listener);
	close(reader.fd);
	until(!state_is("siem", "connected"));
	append(101, 300, 10);
	until(view("siem").errors >= 2); /* lost, and once refused */
	ck_assert_uint_eq(view("siem").waiting, 200);
	ck_assert_ptr_nonnull(strstr(view("siem").last_error, "refused"));
	listener = bind_internet(SOCK_STREAM, &port);
	memset(&reader, 0, sizeof(reader));
	reader.fd = accept_one(listener);
	expect(&reader, 101, 300);
	until(view("siem").sent == 300);
	ck_assert_uint_eq(view("siem").reconnects, 1);
	ck_assert_uint_eq(view("siem").dropped, 0);
	close(reader.fd);
	close(listener);
	end_world();
}
END_TEST

START_TEST(repeats_an_alert_that_was_cut)
{
	struct reader reader = { 0 };
	uint64_t before = 0;
	long number = 0, line;
	int listener;

	make_world(BIG);
	listener = bind_unix(SOCK_STREAM, path);
	add_output("siem", OUTPUT_UNIX, path);
	use();
	reader.fd = accept_one(listener);
	append(1, 300, 10007);
	/* Until the kernel's buffer is full. */
	for (int64_t quiet = now_ms(); now_ms() < quiet + 300;) {
		uint64_t bytes = view("siem").bytes;
		if (bytes != before || bytes == 0)
			quiet = now_ms();
		before = bytes;
	}
	ck_assert_uint_gt(view("siem").waiting, 0);
	/* What is in the buffer can still be read. */
	shutdown(reader.fd, SHUT_RD);
	while ((line = next_line(&reader)) > 0)
		ck_assert_int_eq(line, ++number);
	close(reader.fd);
	memset(&reader, 0, sizeof(reader));
	reader.fd = accept_one(listener);
	expect(&reader, number + 1, 300);
	until(view("siem").sent == 300);
	close(reader.fd);
	close(listener);
	end_world();
}
END_TEST

START_TEST(a_slow_reader_loses_the_oldest)
{
	struct reader reader = { 0 };
	long line, last = 0;
	uint64_t read = 0;
	unsigned appended = 0;
	int listener;

	make_world(1024 * 1024);
	listener = bind_unix(SOCK_STREAM, path);
	add_output("slow", OUTPUT_UNIX, path);
	add_output("fast", OUTPUT_FILE, other);
	use();
	reader.fd = accept_one(listener);
	while (view("slow").dropped < 100) {
		ck_assert_uint_lt(appended, 100000);
		append(appended + 1, appended + 50, 4000);
		appended += 50;
		until(view("fast").sent == appended);
		ck_assert_uint_le(journal_bytes(journal), 1024 * 1024);
	}
	ck_assert_uint_eq(view("fast").dropped, 0);
	while (last < (long)appended) {
		line = next_line(&reader);
		ck_assert_int_gt(line, last);
		last = line;
		read++;
	}
	until(view("slow").waiting == 0);
	ck_assert_uint_eq(view("slow").sent, read);
	ck_assert_uint_eq(view("slow").sent + view("slow").dropped, appended);
	close(reader.fd);
	close(listener);
	end_world();
}
END_TEST

/* As above, but the reader dies with a gap ahead of it: nothing is counted twice. */
START_TEST(drops_are_counted_once_over_a_reconnect)
{
	struct reader reader = { 0 };
	unsigned appended = 0;
	long line, last = 0;
	uint64_t first = 0, second = 0;
	int listener;

	make_world(1024 * 1024);
	listener = bind_unix(SOCK_STREAM, path);
	add_output("slow", OUTPUT_UNIX, path);
	add_output("fast", OUTPUT_FILE, other);
	use();
	reader.fd = accept_one(listener);
	while (view("slow").dropped < 100) {
		append(appended + 1, appended + 50, 4000);
		appended += 50;
		until(view("fast").sent == appended);
	}
	shutdown(reader.fd, SHUT_RD);
	while ((line = next_line(&reader)) > 0)
		first++;
	close(reader.fd);
	memset(&reader, 0, sizeof(reader));
	reader.fd = accept_one(listener);
	while (last < (long)appended) {
		line = next_line(&reader);
		ck_assert_int_gt(line, last);
		last = line;
		second++;
	}
	until(view("slow").waiting == 0);
	ck_assert_uint_eq(view("slow").sent, first + second);
	ck_assert_uint_eq(view("slow").sent + view("slow").dropped, appended);
	close(reader.fd);
	close(listener);
	end_world();
}
END_TEST

START_TEST(a_dead_output_holds_up_nobody)
{
	struct reader reader = { 0 };
	int listener;

	make_world(64 * 1024);
	listener = bind_unix(SOCK_STREAM, path);
	add_output("dead", OUTPUT_UNIX, other);
	add_output("full", OUTPUT_FILE, (char[]){ "/dev/full" });
	add_output("siem", OUTPUT_UNIX, path);
	use();
	reader.fd = accept_one(listener);
	for (unsigned i = 0; i < 20; i++) {
		append(i * 100 + 1, i * 100 + 100, 50);
		expect(&reader, i * 100 + 1, i * 100 + 100);
	}
	until(view("siem").sent == 2000);
	until(view("dead").dropped > 0 && view("full").dropped > 0);
	ck_assert_uint_eq(view("siem").dropped, 0);
	ck_assert_str_eq(view("dead").state, "waiting");
	ck_assert_ptr_nonnull(strstr(view("dead").last_error, "No such file"));
	ck_assert_ptr_nonnull(strstr(view("full").last_error, "No space"));
	ck_assert_uint_le(journal_bytes(journal), 64 * 1024);
	close(reader.fd);
	close(listener);
	end_world();
}
END_TEST

START_TEST(a_peer_that_talks_is_not_listened_to)
{
	struct reader reader = { 0 };
	char noise[4096];
	int listener;

	make_world(BIG);
	memset(noise, 'n', sizeof(noise));
	listener = bind_unix(SOCK_STREAM, path);
	add_output("siem", OUTPUT_UNIX, path);
	use();
	reader.fd = accept_one(listener);
	/* More than its buffers hold: it must be read. */
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(send(reader.fd, noise, sizeof(noise), MSG_NOSIGNAL),
			(ssize_t)sizeof(noise));
	append(1, 10, 10);
	expect(&reader, 1, 10);
	close(reader.fd);
	close(listener);
	end_world();
}
END_TEST

START_TEST(a_name_is_looked_up)
{
	struct reader reader = { 0 };
	int listener, port = 0;

	make_world(BIG);
	listener = bind_internet(SOCK_STREAM, &port);
	add_internet("siem", OUTPUT_TCP, "localhost", port);
	use();
	append(1, 3, 1);
	reader.fd = accept_one(listener);
	expect(&reader, 1, 3);
	close(reader.fd);
	close(listener);
	end_world();
}
END_TEST

/* The end comes while the lookup of a name that nobody knows may still run. */
START_TEST(ends_in_the_middle_of_a_lookup)
{
	make_world(BIG);
	add_internet("siem", OUTPUT_TCP, "nobody.invalid", 514);
	use();
	append(1, 3, 1);
	until(!state_is("siem", "connected"));
	ck_assert_uint_eq(outputs_stop(outputs, 0), 3);
	ck_assert_uint_eq(metrics_total(metrics, DAEMON_alerts_unsent), 3);
	end_world();
}
END_TEST

static ssize_t
receive(int fd, char *bytes, size_t size)
{
	until(is_readable(fd));
	return recv(fd, bytes, size, MSG_TRUNC);
}

START_TEST(a_datagram_an_alert)
{
	enum output_type type = _i == 0 ? OUTPUT_UDP : OUTPUT_UNIXGRAM;
	char bytes[65536];
	int fd, port = 0;

	make_world(BIG);
	if (type == OUTPUT_UDP) {
		fd = bind_internet(SOCK_DGRAM, &port);
		add_internet("siem", type, "127.0.0.1", port);
	} else {
		fd = bind_unix(SOCK_DGRAM, path);
		add_output("siem", type, path);
	}
	use();
	append(1, 1, 10);
	append(2, 2, 4 * 1024 * 1024); /* can never go */
	append(3, 3, 20000);
	ck_assert_int_eq(receive(fd, bytes, sizeof(bytes)), 12);
	ck_assert_int_eq(memcmp(bytes, "1 xxxxxxxxxx", 12), 0);
	ck_assert_int_eq(receive(fd, bytes, sizeof(bytes)), 20002);
	until(view("siem").sent == 2);
	ck_assert_uint_eq(view("siem").dropped, 1);
	ck_assert_uint_eq(view("siem").waiting, 0);
	ck_assert_ptr_nonnull(strstr(view("siem").last_error, "too long"));
	/* A receiver that comes late to a full queue gets all of it on a UNIX socket, in order. */
	for (unsigned i = 0; type == OUTPUT_UNIXGRAM && i < 2000; i += 500)
		append(i + 4, i + 503, 100);
	for (unsigned i = 4; type == OUTPUT_UNIXGRAM && i < 2004; i++) {
		ck_assert_int_gt(receive(fd, bytes, sizeof(bytes)), 100);
		ck_assert_int_eq(strtol(bytes, NULL, 10), i);
	}
	close(fd);
	end_world();
}
END_TEST

/* Of a UDP port that nobody listens on the kernel hears with the next datagram; the output then
 * waits as for any other. */
START_TEST(a_datagram_nobody_takes)
{
	char bytes[256];
	int fd, port = 0;

	make_world(BIG);
	close(bind_internet(SOCK_DGRAM, &port));
	add_internet("siem", OUTPUT_UDP, "127.0.0.1", port);
	use();
	append(1, 5, 1);
	until(view("siem").errors > 0);
	fd = bind_internet(SOCK_DGRAM, &port);
	until(view("siem").waiting == 0);
	append(6, 6, 1);
	do {
		ck_assert_int_gt(receive(fd, bytes, sizeof(bytes)), 0);
	} while (strtol(bytes, NULL, 10) != 6);
	ck_assert_uint_eq(view("siem").sent, 6);
	close(fd);
	end_world();
}
END_TEST

static void
expect_file(const char *file, long from, long to)
{
	struct reader reader = { .fd = open(file, O_RDONLY) };

	ck_assert_int_ne(reader.fd, -1);
	expect(&reader, from, to);
	ck_assert_int_eq(next_line(&reader), 0);
	close(reader.fd);
}

START_TEST(a_file_is_reopened_by_a_reload)
{
	struct stat st;

	make_world(BIG);
	add_output("file", OUTPUT_FILE, path);
	use();
	append(1, 10, 10);
	until(view("file").sent == 10);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0137, 0);
	ck_assert_int_eq(rename(path, other), 0);
	append(11, 20, 10);
	until(view("file").sent == 20);
	use();
	append(21, 30, 10);
	until(view("file").sent == 30);
	expect_file(other, 1, 20);
	expect_file(path, 21, 30);
	ck_assert_uint_eq(view("file").reconnects, 0);
	end_world();
}
END_TEST

START_TEST(a_torn_line_of_before_is_ended)
{
	int fd;

	make_world(BIG);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(write(fd, "1 x\n2 xx", 8), 8);
	close(fd);
	add_output("file", OUTPUT_FILE, path);
	use();
	append(3, 4, 1);
	until(view("file").sent == 2);
	expect_file(path, 1, 4);
	end_world();
}
END_TEST

/* The limit of a process's files is as good as a full disk: a short write and then an error.  The
 * file begins with a hole, so that the limit lies far behind the other files of this process. */
START_TEST(a_full_disk_leaves_whole_lines)
{
	const off_t hole = (off_t)1 << 30;
	struct rlimit limit = { (rlim_t)hole + 2500, RLIM_INFINITY };
	struct reader reader = { 0 };
	struct stat st;
	int fd;

	signal(SIGXFSZ, SIG_IGN);
	make_world(BIG);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(pwrite(fd, "\n", 1, hole - 1), 1);
	add_output("file", OUTPUT_FILE, path);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	use();
	append(1, 10, 997); /* the first nine have 1000 bytes with their ends */
	until(view("file").errors > 0);
	until(fstat(fd, &st) == 0 && st.st_size == hole + 2000);
	ck_assert_str_eq(view("file").state, "waiting");
	ck_assert_uint_eq(view("file").sent, 2);
	limit.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	until(view("file").sent == 10);
	ck_assert_int_eq(lseek(fd, hole, SEEK_SET), hole);
	reader.fd = fd;
	expect(&reader, 1, 10);
	ck_assert_int_eq(next_line(&reader), 0);
	close(fd);
	end_world();
}
END_TEST

START_TEST(standard_output_never_blocks_the_others)
{
	struct reader reader = { 0 };
	int ends[2], saved = dup(STDOUT_FILENO);

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_ne(dup2(ends[1], STDOUT_FILENO), -1);
	close(ends[1]);
	make_world(BIG);
	add_output("stdout", OUTPUT_STDOUT, NULL);
	add_output("file", OUTPUT_FILE, path);
	use();
	append(1, 500, 1000); /* more than a pipe holds */
	until(view("file").sent == 500);
	ck_assert_uint_lt(view("stdout").sent, 500);
	ck_assert_int_eq(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK, 0);
	reader.fd = ends[0];
	expect(&reader, 1, 500);
	close(ends[0]);
	append(501, 501, 1);
	until(state_is("stdout", "waiting"));
	end_world();
	dup2(saved, STDOUT_FILENO);
	close(saved);
}
END_TEST

START_TEST(without_outputs_nothing_piles_up)
{
	make_world(BIG);
	use();
	append(1, 1000, 10);
	until(journal_bytes(journal) == 0);
	add_output("file", OUTPUT_FILE, path);
	use();
	append(1, 5, 10);
	until(view("file").sent == 5);
	expect_file(path, 1, 5);
	conf.output_count = 0;
	use();
	append(1001, 2000, 10);
	until(journal_bytes(journal) == 0);
	end_world();
}
END_TEST

START_TEST(a_reload_keeps_what_waits)
{
	make_world(BIG);
	add_output("siem", OUTPUT_UNIX, (char[]){ "/nonexistent/siem" });
	use();
	append(1, 20, 10);
	until(view("siem").errors > 0);
	/* The operator corrects where it leads. */
	list[0].type = OUTPUT_FILE;
	list[0].to = path;
	use();
	until(view("siem").sent == 20);
	ck_assert_uint_gt(view("siem").errors, 0);
	/* A second one begins now. */
	add_output("new", OUTPUT_FILE, other);
	use();
	append(21, 30, 10);
	until(view("new").sent == 10);
	until(view("siem").sent == 30);
	expect_file(path, 1, 30);
	expect_file(other, 21, 30);
	end_world();
}
END_TEST

START_TEST(a_removed_output_sends_what_waits)
{
	struct reader reader = { 0 };
	int listener;

	make_world(BIG);
	listener = bind_unix(SOCK_STREAM, path);
	add_output("siem", OUTPUT_UNIX, path);
	add_output("dead", OUTPUT_UNIX, other);
	use();
	reader.fd = accept_one(listener);
	append(1, 2000, 1000); /* more than its buffers hold */
	conf.output_count = 0;
	int64_t before = now_ms();
	use();
	ck_assert_int_lt(now_ms() - before, 1000);
	append(2001, 2010, 10); /* not its business any more */
	expect(&reader, 1, 2000);
	ck_assert_int_eq(next_line(&reader), 0);
	until(journal_bytes(journal) == 0); /* the dead one is given up after a while */
	close(reader.fd);
	close(listener);
	end_world();
}
END_TEST

START_TEST(the_stop_sends_all_to_the_living)
{
	struct reader reader = { 0 };
	int listener;

	make_world(BIG);
	listener = bind_unix(SOCK_STREAM, path);
	add_output("siem", OUTPUT_UNIX, path);
	add_output("file", OUTPUT_FILE, other);
	use();
	append(1, 100, 100); /* fits into its buffers */
	ck_assert_uint_eq(outputs_stop(outputs, 10000), 0);
	reader.fd = accept_one(listener);
	expect(&reader, 1, 100);
	ck_assert_int_eq(next_line(&reader), 0);
	expect_file(other, 1, 100);
	ck_assert_uint_eq(view("siem").sent, 100);
	close(reader.fd);
	close(listener);
	end_world();
}
END_TEST

START_TEST(the_stop_does_not_wait_for_the_dead)
{
	int64_t before;

	make_world(BIG);
	add_output("dead", OUTPUT_UNIX, path);
	add_output("file", OUTPUT_FILE, other);
	use();
	append(1, 20, 100);
	before = now_ms();
	ck_assert_uint_eq(outputs_stop(outputs, 1000), 20);
	ck_assert_int_lt(now_ms() - before, 5000);
	expect_file(other, 1, 20);
	ck_assert_uint_eq(view("dead").waiting, 20);
	end_world();
}
END_TEST

static Suite *
output_suite(void)
{
	Suite *suite = suite_create("output");
	TCase *tcase = tcase_create("output");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(
		tcase, formats_an_alert, 0, sizeof(format_rows) / sizeof(format_rows[0]));
	tcase_add_test(tcase, sends_in_order);
	tcase_add_test(tcase, comes_back_to_a_receiver_that_died);
	tcase_add_test(tcase, repeats_an_alert_that_was_cut);
	tcase_add_test(tcase, a_slow_reader_loses_the_oldest);
	tcase_add_test(tcase, drops_are_counted_once_over_a_reconnect);
	tcase_add_test(tcase, a_dead_output_holds_up_nobody);
	tcase_add_test(tcase, a_peer_that_talks_is_not_listened_to);
	tcase_add_test(tcase, a_name_is_looked_up);
	tcase_add_test(tcase, ends_in_the_middle_of_a_lookup);
	tcase_add_loop_test(tcase, a_datagram_an_alert, 0, 2);
	tcase_add_test(tcase, a_datagram_nobody_takes);
	tcase_add_test(tcase, a_file_is_reopened_by_a_reload);
	tcase_add_test(tcase, a_torn_line_of_before_is_ended);
	tcase_add_test(tcase, a_full_disk_leaves_whole_lines);
	tcase_add_test(tcase, standard_output_never_blocks_the_others);
	tcase_add_test(tcase, without_outputs_nothing_piles_up);
	tcase_add_test(tcase, a_reload_keeps_what_waits);
	tcase_add_test(tcase, a_removed_output_sends_what_waits);
	tcase_add_test(tcase, the_stop_sends_all_to_the_living);
	tcase_add_test(tcase, the_stop_does_not_wait_for_the_dead);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner;
	int failed;

	log_open(LOG_LEVEL_ERROR);
	runner = srunner_create(output_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
