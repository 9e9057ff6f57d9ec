/* The metrics page by raw HTTP: what is served, what is refused, and clients that mean no good. */

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "daemon/log.h"
#include "daemon/web.h"

#define PATIENCE_MS 30000

static struct event_base *base;
static struct web *web;
static pthread_t thread;
static int stop[2]; /* a byte in it ends the loop */

static char *
metrics(void *arg)
{
	return arg == NULL ? NULL : strdup(arg);
}

static void
stop_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

static void *
serve(void *arg)
{
	struct event *stopped = event_new(arg, stop[0], EV_READ, stop_cb, arg);

	event_add(stopped, NULL);
	event_base_dispatch(arg);
	event_free(stopped);
	return NULL;
}

static void
start(const char *address, char *text)
{
	base = event_base_new();
	web = web_new(base, address, metrics, text);
	ck_assert_ptr_nonnull(web);
	ck_assert_int_gt(web_port(web), 0);
	ck_assert_int_eq(pipe(stop), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, base), 0);
}

static void
end(void)
{
	ck_assert_int_eq(write(stop[1], "", 1), 1);
	pthread_join(thread, NULL);
	web_free(web);
	event_base_free(base);
}

static int
dial(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_port = htons((uint16_t)web_port(web));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* All that comes until the end. */
static void
read_all(int fd, char *bytes, size_t size)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	size_t used = 0;
	ssize_t n;

	do {
		ck_assert_int_eq(poll(&ready, 1, PATIENCE_MS), 1);
		n = read(fd, bytes + used, size - 1 - used);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	bytes[used] = '\0';
}

/* A row: a request, and what its answer begins with, holds and ends with (NULL: whatever). */
static const struct {
	const char *request, *begins, *holds, *ends;
} request_rows[] = {
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ",
		"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n",
		"\r\n\r\nt1505d_up 1\n" },
	{ "GET /metrics HTTP/1.0\r\n\r\n", "HTTP/1.0 200 ", "t1505d_up", "\r\n\r\nt1505d_up 1\n" },
	{ "GET /metrics?all=1 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", NULL,
		"t1505d_up 1\n" },
	{ "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", "Connection: close\r\n",
		"\r\n\r\n" },
	{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ", NULL, NULL },
	{ "GET /metrics/x HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ", NULL, NULL },
	{ "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 501 ", NULL,
		NULL },
	{ "DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 501 ", NULL, NULL },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n", "HTTP/1.1 413 ",
		NULL, NULL },
	{ "nonsense\r\n\r\n", "HTTP/1.1 400 ", NULL, NULL },
};

START_TEST(serves_one_page)
{
	char text[] = "t1505d_up 1\n", bytes[4096];
	const char *ends = request_rows[_i].ends;
	int fd;

	start("127.0.0.1:0", text);
	fd = dial();
	ck_assert_int_gt(
		send(fd, request_rows[_i].request, strlen(request_rows[_i].request), MSG_NOSIGNAL),
		0);
	read_all(fd, bytes, sizeof(bytes));
	ck_assert_msg(strncmp(bytes, request_rows[_i].begins, strlen(request_rows[_i].begins)) == 0,
		"%s: %s", request_rows[_i].request, bytes);
	if (request_rows[_i].holds != NULL)
		ck_assert_msg(strstr(bytes, request_rows[_i].holds) != NULL, "%s", bytes);
	if (ends != NULL) {
		ck_assert_uint_ge(strlen(bytes), strlen(ends));
		ck_assert_str_eq(bytes + strlen(bytes) - strlen(ends), ends);
	}
	close(fd);
	end();
}
END_TEST

START_TEST(without_memory_is_unavailable)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
	char bytes[4096];
	int fd;

	start("127.0.0.1:0", NULL);
	fd = dial();
	ck_assert_int_gt(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL), 0);
	read_all(fd, bytes, sizeof(bytes));
	ck_assert_msg(strncmp(bytes, "HTTP/1.1 503 ", 13) == 0, "%s", bytes);
	close(fd);
	end();
}
END_TEST

static const char *const bad_addresses[] = { "", "127.0.0.1", "127.0.0.1:", ":80",
	"127.0.0.1:65536", "127.0.0.1:x", "192.0.2.1:0" /* not ours */ };

START_TEST(refuses_what_is_no_address_of_ours)
{
	base = event_base_new();
	ck_assert_ptr_null(web_new(base, bad_addresses[_i], metrics, NULL));
	event_base_free(base);
}
END_TEST

START_TEST(listens_on_ipv6)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 address = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	bool usable = fd != -1 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

	if (fd != -1)
		close(fd);
	if (!usable) /* a machine without IPv6 */
		return;
	base = event_base_new();
	web = web_new(base, "[::1]:0", metrics, NULL);
	ck_assert_ptr_nonnull(web);
	ck_assert_int_gt(web_port(web), 0);
	web_free(web);
	event_base_free(base);
}
END_TEST

/* More clients than there are places, who say nothing, drip, or send headers without end: all are
 * gone after WEB_SECONDS, and an honest one gets its page. */
START_TEST(outlasts_hostile_clients)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
	char text[] = "t1505d_up 1\n", bytes[4096], noise[4096];
	int fds[WEB_CLIENTS_MAX + 10], fd;

	start("127.0.0.1:0", text);
	memset(noise, 'n', sizeof(noise));
	for (int i = 0; i < WEB_CLIENTS_MAX + 10; i++) {
		fds[i] = dial();
		if (i % 3 == 1)
			(void)!send(fds[i], "GET /met", 8, MSG_NOSIGNAL);
		for (int j = 0; i % 3 == 2 && j < 16; j++)
			(void)!send(fds[i], noise, sizeof(noise), MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	fd = dial();
	ck_assert_int_gt(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL), 0);
	read_all(fd, bytes, sizeof(bytes));
	ck_assert_msg(strncmp(bytes, "HTTP/1.1 200 ", 13) == 0, "%s", bytes);
	close(fd);
	read_all(fds[0], bytes, sizeof(bytes)); /* its time was over before that */
	for (int i = 0; i < WEB_CLIENTS_MAX + 10; i++)
		close(fds[i]);
	end();
}
END_TEST

static Suite *
web_suite(void)
{
	Suite *suite = suite_create("web");
	TCase *tcase = tcase_create("web");

	tcase_set_timeout(tcase, 90);
	tcase_add_loop_test(
		tcase, serves_one_page, 0, sizeof(request_rows) / sizeof(request_rows[0]));
	tcase_add_test(tcase, without_memory_is_unavailable);
	tcase_add_loop_test(tcase, refuses_what_is_no_address_of_ours, 0,
		sizeof(bad_addresses) / sizeof(bad_addresses[0]));
	tcase_add_test(tcase, listens_on_ipv6);
	tcase_add_test(tcase, outlasts_hostile_clients);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(web_suite());
	int failed;

	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	log_open(LOG_LEVEL_ERROR);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
