/* The control socket: answers, its file, and clients that mean no good. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "daemon/control.h"
#include "daemon/log.h"

#define BIG_ANSWER (3 * 1024 * 1024)
#define PATIENCE_MS 20000

static char directory[64], path[128];
static struct event_base *base;
static struct control *control;
static pthread_t thread;
static int stop[2]; /* a byte in it ends the loop */

static char *
answer(void *arg, const char *request)
{
	char *text = NULL;

	(void)arg;
	if (strcmp(request, "status") == 0)
		return strdup("all is well\n");
	if (strcmp(request, "big") == 0 && (text = malloc(BIG_ANSWER + 1)) != NULL) {
		memset(text, 'b', BIG_ANSWER);
		text[BIG_ANSWER] = '\0';
	}
	return text;
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
make_directory(void)
{
	strcpy(directory, "/tmp/check_control.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/control", directory);
	base = event_base_new();
}

static void
start(void)
{
	make_directory();
	control = control_new(base, path, "no-such-group", answer, NULL);
	ck_assert_ptr_nonnull(control);
	ck_assert_int_eq(pipe(stop), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, base), 0);
}

static void
end(void)
{
	ck_assert_int_eq(write(stop[1], "", 1), 1);
	pthread_join(thread, NULL);
	control_free(control);
	event_base_free(base);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(rmdir(directory), 0);
}

static int
dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* All that comes until the end, with PATIENCE_MS for each piece. */
static size_t
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
	return used;
}

/* A row: the bytes of a client and what it must read. */
static const struct {
	const char *name;
	struct slice sent;
	const char *text;
} request_rows[] = {
	{ "a request", SLICE_INIT("status\n"), "all is well\n" },
	{ "with CR", SLICE_INIT("status\r\n"), "all is well\n" },
	{ "more behind it", SLICE_INIT("status\nbig\n"), "all is well\n" },
	{ "unknown", SLICE_INIT("reboot\n"), "there is no such request\n" },
	{ "empty", SLICE_INIT("\n"), "there is no such request\n" },
	{ "a NUL inside", SLICE_INIT("status\0x\n"), "there is no such request\n" },
};

START_TEST(answers_a_request)
{
	char bytes[256];
	int fd;

	start();
	fd = dial();
	/* Byte by byte. */
	for (size_t i = 0; i < request_rows[_i].sent.len; i++)
		(void)!send(fd, request_rows[_i].sent.ptr + i, 1, MSG_NOSIGNAL);
	read_all(fd, bytes, sizeof(bytes));
	ck_assert_msg(
		strcmp(bytes, request_rows[_i].text) == 0, "%s: %s", request_rows[_i].name, bytes);
	close(fd);
	end();
}
END_TEST

START_TEST(asks_and_gets)
{
	char *text = NULL;

	start();
	ck_assert_int_eq(control_ask(path, "status", &text), 0);
	ck_assert_str_eq(text, "all is well\n");
	free(text);
	ck_assert_int_eq(control_ask(path, "big", &text), 0);
	ck_assert_uint_eq(strlen(text), BIG_ANSWER);
	free(text);
	end();
}
END_TEST

START_TEST(without_a_daemon_says_so)
{
	char *text = NULL, longer[300];

	make_directory();
	ck_assert_int_eq(control_ask(path, "status", &text), -ENOENT);
	memset(longer, 'p', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(control_ask(longer, "status", &text), -ENAMETOOLONG);
	ck_assert_int_eq(control_ask("", "status", &text), -ENAMETOOLONG);
	ck_assert_ptr_null(text);
	event_base_free(base);
	rmdir(directory);
}
END_TEST

START_TEST(the_file_is_for_owner_and_group)
{
	struct stat st;

	start();
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
	end();
}
END_TEST

START_TEST(replaces_a_stale_socket_only)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct control *second;
	int fd;

	make_directory();
	/* A plain file is somebody's. */
	fd = creat(path, 0600);
	close(fd);
	ck_assert_ptr_null(control_new(base, path, NULL, answer, NULL));
	ck_assert_int_eq(access(path, F_OK), 0);
	unlink(path);
	/* A socket that nobody listens on any more. */
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	control = control_new(base, path, NULL, answer, NULL);
	ck_assert_ptr_nonnull(control);
	/* A living daemon keeps it. */
	second = control_new(base, path, NULL, answer, NULL);
	ck_assert_ptr_null(second);
	ck_assert_int_eq(access(path, F_OK), 0);
	control_free(control);
	ck_assert_int_eq(access(path, F_OK), -1);
	event_base_free(base);
	rmdir(directory);
}
END_TEST

/* Clients that send nothing, too much, or never read: each goes at its deadline or before, and an
 * honest one gets its answer. */
START_TEST(outlasts_hostile_clients)
{
	int fds[CONTROL_CLIENTS_MAX + 4];
	char noise[4096], bytes[256], *text = NULL;
	int fd;

	start();
	memset(noise, 'n', sizeof(noise));
	fd = dial();
	(void)!send(fd, noise, sizeof(noise), MSG_NOSIGNAL);
	read_all(fd, bytes, sizeof(bytes));
	close(fd);
	/* Gone at once. */
	for (int i = 0; i < 100; i++)
		close(dial());
	/* All places taken by those who say nothing, and some who do not read. */
	for (int i = 0; i < CONTROL_CLIENTS_MAX + 4; i++) {
		fds[i] = dial();
		if (i % 2 == 1)
			ck_assert_int_eq(send(fds[i], "big\n", 4, MSG_NOSIGNAL), 4);
	}
	/* The first attempt may be over before the places are free again. */
	for (int i = 0; text == NULL && i < 3; i++) {
		int result = control_ask(path, "status", &text);
		ck_assert_msg(result == 0 || result == -ETIMEDOUT, "%s", strerror(-result));
	}
	ck_assert_ptr_nonnull(text);
	ck_assert_str_eq(text, "all is well\n");
	free(text);
	for (int i = 0; i < CONTROL_CLIENTS_MAX + 4; i++)
		close(fds[i]);
	end();
}
END_TEST

static Suite *
control_suite(void)
{
	Suite *suite = suite_create("control");
	TCase *tcase = tcase_create("control");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(
		tcase, answers_a_request, 0, sizeof(request_rows) / sizeof(request_rows[0]));
	tcase_add_test(tcase, asks_and_gets);
	tcase_add_test(tcase, without_a_daemon_says_so);
	tcase_add_test(tcase, the_file_is_for_owner_and_group);
	tcase_add_test(tcase, replaces_a_stale_socket_only);
	tcase_add_test(tcase, outlasts_hostile_clients);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(control_suite());
	int failed;

	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	log_open(LOG_LEVEL_ERROR);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
