/* A receiver of alerts: takes lines from any number of connections, or datagrams, and counts them.
 *
 *   sink [-o FILE] [-p FILE] [-x LINES] [-i SECONDS] [-e LINES] [-w] tcp|udp PORT | unix|unixgram
 * PATH
 *
 * -o appends what comes to FILE as it comes (a datagram gets an LF); -p writes the port to FILE
 * once it is bound (PORT may be 0); -x ends one second after so many lines (the second shows lines
 * too many); -i ends after so many seconds without a line; -e closes everything at once after so
 * many lines, as a receiver that dies; -w reads nothing until SIGUSR1, as a slow one. TCP and UDP
 * are bound to 127.0.0.1.
 *
 * At its end, also by SIGTERM, it prints: reached=MONOTONIC lines=N A=N B=N C=N other=N.  A line's
 * kind is its DetectionType, or its first letter when another program filtered it.  Exit status 1
 * when -x was not met. */

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 64
#define HEAD_MAX 4096 /* of a line is looked at for its kind */

struct line {
	char head[HEAD_MAX];
	size_t length;
};

static struct line lines[CLIENTS_MAX + 1];
static struct pollfd polls[CLIENTS_MAX + 1];
static size_t poll_count = 1;
static unsigned long total, kinds[4];
static int copy = -1;
static volatile sig_atomic_t stopped, go;

static double
monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
on_signal(int number)
{
	if (number == SIGUSR1)
		go = 1;
	else
		stopped = 1;
}

static unsigned
kind_of(const struct line *line)
{
	static const struct {
		const char *type;
		unsigned kind;
	} types[] = {
		{ "\"DetectionType\":\"WebShell_ChildProcess\"", 0 },
		{ "\"DetectionType\":\"SuspiciousWebFile_Written\"", 1 },
		{ "\"DetectionType\":\"IIS_Module_Registered\"", 2 },
	};

	if (line->length > 1 && line->head[0] >= 'A' && line->head[0] <= 'C' &&
		line->head[1] == ' ')
		return (unsigned)(line->head[0] - 'A');
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (memmem(line->head, line->length, types[i].type, strlen(types[i].type)) != NULL)
			return types[i].kind;
	return 3;
}

static void
take_line(struct line *line)
{
	kinds[kind_of(line)]++;
	total++;
	line->length = 0;
}

static void
take_bytes(struct line *line, const char *bytes, size_t length)
{
	for (const char *p = bytes, *end = bytes + length; p < end;) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((lf != NULL ? lf : end) - p);
		size_t room = HEAD_MAX - line->length;
		memcpy(line->head + line->length, p, n < room ? n : room);
		line->length += n < room ? n : room;
		p += n;
		if (lf != NULL) {
			take_line(line);
			p++;
		}
	}
	if (copy != -1 && write(copy, bytes, length) != (ssize_t)length)
		err(1, "-o");
}

static bool
is_stream(const char *type)
{
	return strcmp(type, "tcp") == 0 || strcmp(type, "unix") == 0;
}

static int
open_socket(const char *type, const char *where, const char *port_file)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	bool is_unix = strncmp(type, "unix", 4) == 0;
	socklen_t length = sizeof(in);
	int one = 1, fd = socket(is_unix ? AF_UNIX : AF_INET,
			     (is_stream(type) ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);

	if (fd == -1)
		err(1, "socket");
	if (is_unix) {
		if (strlen(where) >= sizeof(un.sun_path))
			errx(2, "%s: too long", where);
		memcpy(un.sun_path, where, strlen(where) + 1);
		(void)unlink(where); /* of one that died */
		if (bind(fd, (struct sockaddr *)&un, sizeof(un)) == -1)
			err(1, "%s", where);
	} else {
		in.sin_port = htons((uint16_t)strtoul(where, NULL, 10));
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)); /* bind tells */
		if (bind(fd, (struct sockaddr *)&in, sizeof(in)) == -1)
			err(1, "port %s", where);
	}
	if (is_stream(type) && listen(fd, 64) == -1)
		err(1, "listen");
	if (port_file != NULL) {
		FILE *f = fopen(port_file, "w");
		if (f == NULL ||
			(!is_unix && getsockname(fd, (struct sockaddr *)&in, &length) == -1))
			err(1, "%s", port_file);
		fprintf(f, "%u\n", is_unix ? 0U : (unsigned)ntohs(in.sin_port));
		fclose(f);
	}
	return fd;
}

static void
take_client(void)
{
	int fd = accept4(polls[0].fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd == -1)
		return;
	polls[poll_count] = (struct pollfd){ .fd = fd, .events = POLLIN };
	lines[poll_count++].length = 0;
}

static void
read_client(size_t i)
{
	static char buffer[1 << 16];
	ssize_t n = read(polls[i].fd, buffer, sizeof(buffer));

	if (n > 0) {
		take_bytes(&lines[i], buffer, (size_t)n);
		return;
	}
	close(polls[i].fd);
	poll_count--;
	polls[i] = polls[poll_count];
	memmove(&lines[i], &lines[poll_count], sizeof(lines[i])); /* also when it was the last */
}

static void
read_datagram(void)
{
	static char buffer[(1 << 16) + 1];
	ssize_t n = recv(polls[0].fd, buffer, sizeof(buffer) - 1, 0);

	if (n < 0)
		return;
	buffer[n] = '\n';
	take_bytes(&lines[0], buffer, (size_t)n + 1);
}

static void
poll_once(bool stream)
{
	if (poll(polls, poll_count, 200) <= 0)
		return;
	for (size_t i = poll_count - 1; i >= 1; i--)
		if (polls[i].revents != 0)
			read_client(i);
	if (polls[0].revents != 0 && !stream)
		read_datagram();
	else if (polls[0].revents != 0 && poll_count <= CLIENTS_MAX)
		take_client();
}

int
main(int argc, char **argv)
{
	unsigned long expected = 0, die_after = 0;
	double idle = 0, reached = -1, last = monotonic();
	const char *port_file = NULL;
	bool stream;
	int c;

	while ((c = getopt(argc, argv, "o:p:x:i:e:w")) != -1) {
		switch (c) {
		case 'o':
			copy = open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
			if (copy == -1)
				err(1, "%s", optarg);
			break;
		case 'p':
			port_file = optarg;
			break;
		case 'x':
			expected = strtoul(optarg, NULL, 10);
			break;
		case 'i':
			idle = strtod(optarg, NULL);
			break;
		case 'e':
			die_after = strtoul(optarg, NULL, 10);
			break;
		case 'w':
			go = -1;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2)
		errx(2, "usage: sink [-o FILE] [-p FILE] [-x LINES] [-i SECONDS] [-e LINES] [-w] "
			"TYPE PORT|PATH");
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGUSR1, on_signal);
	stream = is_stream(argv[optind]);
	polls[0] = (struct pollfd){ .fd = open_socket(argv[optind], argv[optind + 1], port_file),
		.events = POLLIN };
	while (go == -1 && !stopped)
		(void)poll(NULL, 0, 100); /* a signal ends it at once */
	while (!stopped && (die_after == 0 || total < die_after)) {
		unsigned long before = total;
		poll_once(stream);
		if (total > before)
			last = monotonic();
		if (expected > 0 && reached < 0 && total >= expected)
			reached = last;
		if (reached > 0 && monotonic() - reached > 1)
			break;
		if (idle > 0 && monotonic() - last > idle)
			break;
	}
	printf("reached=%.6f lines=%lu A=%lu B=%lu C=%lu other=%lu\n", reached, total, kinds[0],
		kinds[1], kinds[2], kinds[3]);
	return expected > 0 && total != expected;
}
