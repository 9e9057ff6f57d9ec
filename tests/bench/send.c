/* Send a file of lines over TCP connections as fast as the receiver takes them.
 *
 *   send [-c CONNECTIONS] [-n TIMES] [-o] [-s BYTES] ADDRESS PORT FILE
 *
 * -n sends the file that many times, -o puts octet counts in front instead of LF behind, -s gives
 * the kernel at most so many bytes at once, each as a segment of its own.  A line that names a host
 * "WEB-0042" goes to connection 42 modulo CONNECTIONS, so that a host's events stay in order on one
 * connection; other lines go round in turn.  All connections are open before the first byte is
 * sent, and what will be sent lies in memory before the clock starts.  Then each is half closed,
 * and the receiver is waited for.
 *
 * Prints: start=MONOTONIC end=MONOTONIC events=N bytes=N */

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4096
#define STALL_MILLISECONDS 60000
#define WRITE_MAX 262144

struct stream {
	char *bytes;
	size_t length, sent;
};

struct options {
	size_t connections, times, write_max;
	bool counted;
};

static double
monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t
connection_of(const char *line, size_t length, size_t number, size_t connections)
{
	const char *host = memmem(line, length, "WEB-", 4);

	if (host == NULL || host + 8 > line + length)
		return number % connections;
	number = 0;
	for (const char *c = host + 4; c < host + 8 && *c >= '0' && *c <= '9'; c++)
		number = number * 10 + (size_t)(*c - '0');
	return number % connections;
}

/* One line into its stream; with bytes == NULL only its size is added. */
static void
put_line(struct stream *stream, const char *line, size_t length, bool counted)
{
	char count[32] = "";
	int n = counted ? snprintf(count, sizeof(count), "%zu ", length) : 0;

	if (stream->bytes != NULL) {
		char *to = stream->bytes + stream->length;
		memcpy(to, count, (size_t)n);
		memcpy(to + n, line, length);
		if (!counted)
			to[length] = '\n';
	}
	stream->length += (size_t)n + length + (counted ? 0 : 1);
}

/* Returns the number of lines. */
static size_t
arrange(struct stream *streams, const struct options *o, const char *file, size_t size)
{
	size_t lines = 0;

	for (int pass = 0; pass < 2; pass++) {
		lines = 0;
		for (size_t i = 0; i < o->connections; i++) {
			if (pass == 1 && (streams[i].bytes = malloc(streams[i].length + 1)) == NULL)
				err(1, "malloc");
			streams[i].length = 0;
		}
		for (size_t time = 0; time < o->times; time++) {
			for (const char *p = file, *end = file + size; p < end; lines++) {
				const char *lf = memchr(p, '\n', (size_t)(end - p));
				size_t n = (size_t)((lf != NULL ? lf : end) - p);
				size_t to = connection_of(p, n, lines, o->connections);
				put_line(&streams[to], p, n, o->counted);
				p += n + 1;
			}
		}
	}
	return lines;
}

static int
connect_to(const char *address, const char *port, bool nodelay)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6 };
	bool six = inet_pton(AF_INET6, address, &a6.sin6_addr) == 1;
	int fd, one = 1;

	if (!six && inet_pton(AF_INET, address, &a4.sin_addr) != 1)
		errx(2, "%s is no address", address);
	a4.sin_port = a6.sin6_port = htons((uint16_t)strtoul(port, NULL, 10));
	fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, six ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4,
				six ? sizeof(a6) : sizeof(a4)) == -1)
		err(1, "%s:%s", address, port);
	if (nodelay && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == -1)
		err(1, "TCP_NODELAY");
	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		err(1, "O_NONBLOCK");
	return fd;
}

static void
send_all(struct stream *streams, struct pollfd *polls, const struct options *o)
{
	size_t left = o->connections;

	while (left > 0) {
		if (poll(polls, o->connections, STALL_MILLISECONDS) <= 0)
			errx(1, "the receiver has taken nothing for a minute");
		for (size_t i = 0; i < o->connections; i++) {
			struct stream *s = &streams[i];
			size_t want = s->length - s->sent;
			ssize_t n = 0;
			if (polls[i].fd < 0 || polls[i].revents == 0)
				continue;
			if (want > 0)
				n = send(polls[i].fd, s->bytes + s->sent,
					want < o->write_max ? want : o->write_max, 0);
			if (n == -1 && errno != EAGAIN)
				err(1, "connection %zu, after %zu bytes", i, s->sent);
			if (n > 0)
				s->sent += (size_t)n;
			if (s->sent == s->length) {
				(void)shutdown(polls[i].fd, SHUT_WR); /* the receiver may be gone */
				polls[i].fd = ~polls[i].fd;
				left--;
			}
		}
	}
}

/* Until the receiver closes, ten seconds at most: it has then read everything. */
static void
wait_for_close(const struct pollfd *polls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct pollfd p = { .fd = ~polls[i].fd, .events = POLLIN };
		char c;
		while (poll(&p, 1, 10000) > 0 && recv(p.fd, &c, 1, 0) > 0)
			continue;
		close(p.fd);
	}
}

int
main(int argc, char **argv)
{
	static struct stream streams[CONNECTIONS_MAX];
	static struct pollfd polls[CONNECTIONS_MAX];
	struct options o = { .connections = 1, .times = 1, .write_max = WRITE_MAX };
	struct rlimit files = { .rlim_cur = CONNECTIONS_MAX + 64,
		.rlim_max = CONNECTIONS_MAX + 64 };
	const char *map = "";
	size_t lines, bytes = 0;
	double start, end;
	struct stat st;
	int c, fd;

	while ((c = getopt(argc, argv, "c:n:os:")) != -1) {
		switch (c) {
		case 'c':
			o.connections = strtoul(optarg, NULL, 10);
			break;
		case 'n':
			o.times = strtoul(optarg, NULL, 10);
			break;
		case 'o':
			o.counted = true;
			break;
		case 's':
			o.write_max = strtoul(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 3 || o.connections < 1 || o.connections > CONNECTIONS_MAX ||
		o.write_max < 1)
		errx(2, "usage: send [-c CONNECTIONS] [-n TIMES] [-o] [-s BYTES] ADDRESS PORT "
			"FILE");
	signal(SIGPIPE, SIG_IGN);
	(void)setrlimit(RLIMIT_NOFILE, &files); /* a lower limit shows itself at connect */
	fd = open(argv[optind + 2], O_RDONLY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		err(1, "%s", argv[optind + 2]);
	if (st.st_size > 0 && (map = mmap(NULL, (size_t)st.st_size, PROT_READ,
				       MAP_PRIVATE | MAP_POPULATE, fd, 0)) == MAP_FAILED)
		err(1, "mmap");
	lines = arrange(streams, &o, map, (size_t)st.st_size);
	for (size_t i = 0; i < o.connections; i++) {
		polls[i].fd = connect_to(argv[optind], argv[optind + 1], o.write_max < WRITE_MAX);
		polls[i].events = POLLOUT;
		bytes += streams[i].length;
	}
	start = monotonic();
	send_all(streams, polls, &o);
	end = monotonic();
	printf("start=%.6f end=%.6f events=%zu bytes=%zu\n", start, end, lines, bytes);
	fflush(stdout);
	wait_for_close(polls, o.connections);
	return 0;
}
