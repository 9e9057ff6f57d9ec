/* Lines of the log: what stands before a message, that it stays one line, what is left out, and the
 * escapes of peers' bytes. */

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "tests/unit/guard.h"

/* stderr goes into a file while a test runs; check's own reports come after the fork. */
static int captured;
static char text[1024 * 1024];

static void
capture(void)
{
	char name[] = "/tmp/check_log.XXXXXX";

	captured = mkstemp(name);
	ck_assert_int_ge(captured, 0);
	(void)unlink(name);
	ck_assert_int_eq(dup2(captured, STDERR_FILENO), STDERR_FILENO);
	(void)unsetenv("JOURNAL_STREAM");
	log_open(LOG_LEVEL_INFO);
}

static const char *
lines(void)
{
	ssize_t n = pread(captured, text, sizeof(text) - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	ck_assert_int_eq(ftruncate(captured, 0), 0);
	(void)lseek(captured, 0, SEEK_SET);
	return text;
}

static size_t
count_lines(const char *s)
{
	size_t count = 0;

	for (; *s != '\0'; s++)
		count += *s == '\n';
	return count;
}

START_TEST(line_has_time_and_word)
{
	const char *line;

	log_error("no %s", "room");
	line = lines();
	/* 2026-03-01T10:00:00.000Z */
	ck_assert_int_eq(line[10], 'T');
	ck_assert_str_eq(line + 23, "Z t1505d: error: no room\n");
	log_notice("ready");
	ck_assert_str_eq(lines() + 23, "Z t1505d: ready\n");
}
END_TEST

START_TEST(levels_over_the_highest_are_left_out)
{
	log_info("b");
	ck_assert_uint_eq(count_lines(lines()), 1);
	log_open(LOG_LEVEL_WARNING);
	log_info("c");
	log_warning("d");
	ck_assert_str_eq(lines() + 23, "Z t1505d: warning: d\n");
}
END_TEST

START_TEST(journal_gets_priorities)
{
	char stream[64];
	struct stat st;

	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	(void)snprintf(
		stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
	log_open(LOG_LEVEL_INFO);
	log_error("a");
	log_warning("b");
	log_notice("c");
	log_info("d");
	ck_assert_str_eq(lines(), "<3>a\n<4>b\n<5>c\n<6>d\n");
}
END_TEST

START_TEST(journal_of_somebody_else_is_not_ours)
{
	ck_assert_int_eq(setenv("JOURNAL_STREAM", "8:1", 1), 0);
	log_open(LOG_LEVEL_INFO);
	log_error("a");
	ck_assert_ptr_nonnull(strstr(lines(), "t1505d: error: a\n"));
}
END_TEST

/* A pipe that nobody reads: the line that finds no room is lost and counted, and nobody waits. */
START_TEST(nobody_waits_for_the_reader)
{
	char *bytes = malloc(1024 * 1024);
	ssize_t n;
	int ends[2];

	ck_assert_ptr_nonnull(bytes);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	for (int i = 0; i < 5000; i++)
		log_info("%d %0200d", i, 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	n = read(ends[0], bytes, 1024 * 1024);
	ck_assert_int_gt(n, 0);
	log_info("here");
	n = read(ends[0], bytes, 1024 * 1024 - 1);
	ck_assert_int_gt(n, 0);
	bytes[n] = '\0';
	ck_assert_ptr_nonnull(strstr(bytes, " lines were lost, since nobody read them\n"));
	ck_assert_ptr_nonnull(strstr(bytes, "t1505d: here\n"));
	free(bytes);
	(void)close(ends[0]);
	(void)close(ends[1]);
}
END_TEST

START_TEST(message_stays_one_line)
{
	log_info("a\nb\033[2Jc");
	ck_assert_str_eq(lines() + 23, "Z t1505d: a?b?[2Jc\n");
}
END_TEST

START_TEST(long_message_is_cut)
{
	char longer[10000];
	const char *line;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	log_info("%s", longer);
	line = lines();
	ck_assert_uint_eq(count_lines(line), 1);
	ck_assert_uint_le(strlen(line), 4096);
	ck_assert_int_eq(line[strlen(line) - 1], '\n');
}
END_TEST

START_TEST(repeats_are_counted)
{
	struct log_limit limit = { 0 };

	for (int i = 0; i < 100; i++)
		log_limited(&limit, LOG_LEVEL_WARNING, "full %d", i);
	ck_assert_str_eq(lines() + 23, "Z t1505d: warning: full 0\n");
	ck_assert_uint_eq(limit.suppressed, 99);
	limit.next = 1; /* long ago */
	log_limited(&limit, LOG_LEVEL_WARNING, "full again");
	ck_assert_str_eq(lines() + 23, "Z t1505d: warning: full again (and 99 more like it)\n");
	ck_assert_uint_eq(limit.suppressed, 0);
}
END_TEST

START_TEST(repeats_below_the_level_are_not_counted)
{
	struct log_limit limit = { 0 };

	log_open(LOG_LEVEL_WARNING);
	log_limited(&limit, LOG_LEVEL_INFO, "a");
	ck_assert_str_eq(lines(), "");
	ck_assert_int_eq(limit.next, 0);
}
END_TEST

static struct log_limit shared;

static void *
write_many(void *context)
{
	(void)context;
	for (int i = 0; i < 500; i++) {
		log_info("a line of a thread, long enough to be cut in two if it could be");
		log_limited(&shared, LOG_LEVEL_INFO, "shared");
	}
	return NULL;
}

START_TEST(lines_of_threads_do_not_mix)
{
	pthread_t threads[4];
	const char *line;
	size_t plain = 0, limited = 0;

	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	line = lines();
	ck_assert_uint_eq(count_lines(line), 2001);
	for (; *line != '\0'; line = strchr(line, '\n') + 1) {
		plain += strncmp(line + 23, "Z t1505d: a line of a thread, long enough to be cut",
				 50) == 0;
		limited += strncmp(line + 23, "Z t1505d: shared\n", 17) == 0;
	}
	ck_assert_uint_eq(plain, 2000);
	ck_assert_uint_eq(limited, 1);
	ck_assert_uint_eq(shared.suppressed, 1999);
}
END_TEST

static const struct {
	const char *what;
	struct slice bytes;
	size_t size;
	const char *text;
} escapes[] = {
	{ "nothing", SLICE_INIT(""), 16, "" },
	{ "ASCII", SLICE_INIT("abc ~"), 16, "abc ~" },
	{ "a line break and an escape", SLICE_INIT("a\n\033[2J"), 32, "a\\x0a\\x1b[2J" },
	{ "NUL and DEL", SLICE_INIT("\0\x7f"), 16, "\\x00\\x7f" },
	{ "letters outside ASCII", SLICE_INIT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), 16,
		"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "invalid UTF-8", SLICE_INIT("a\xff\xc3"), 32, "a\\xff\\xc3" },
	{ "an overlong form", SLICE_INIT("\xc0\xaf"), 32, "\\xc0\\xaf" },
	{ "a C1 control", SLICE_INIT("\xc2\x9b"), 32, "\\xc2\\x9b" },
	{ "a change of the reading direction", SLICE_INIT("\xe2\x80\xae"), 32, "\\xe2\\x80\\xae" },
	{ "just room enough", SLICE_INIT("abcde"), 6, "abcde" },
	{ "a cut", SLICE_INIT("abcdef"), 6, "ab..." },
	{ "a cut before an escape", SLICE_INIT("abc\n"), 7, "abc..." },
	{ "a cut between characters", SLICE_INIT("a\xc3\xa4\xc3\xa4x"), 6, "a..." },
	{ "room for dots alone", SLICE_INIT("abcdef"), 4, "..." },
	{ "room for nothing", SLICE_INIT("abc"), 1, "" },
};

START_TEST(bytes_are_escaped)
{
	struct slice bytes = guard_copy(escapes[_i].bytes);
	char buffer[64];

	memset(buffer, '#', sizeof(buffer));
	ck_assert_msg(strcmp(log_escape(bytes, buffer, escapes[_i].size), escapes[_i].text) == 0,
		"%s: %s", escapes[_i].what, buffer);
	ck_assert_int_eq(buffer[escapes[_i].size], '#');
	guard_free(bytes);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("lines"), *e = tcase_create("escapes");

	tcase_add_checked_fixture(t, capture, NULL);
	tcase_add_test(t, line_has_time_and_word);
	tcase_add_test(t, levels_over_the_highest_are_left_out);
	tcase_add_test(t, journal_gets_priorities);
	tcase_add_test(t, journal_of_somebody_else_is_not_ours);
	tcase_add_test(t, nobody_waits_for_the_reader);
	tcase_add_test(t, message_stays_one_line);
	tcase_add_test(t, long_message_is_cut);
	tcase_add_test(t, repeats_are_counted);
	tcase_add_test(t, repeats_below_the_level_are_not_counted);
	tcase_add_test(t, lines_of_threads_do_not_mix);
	tcase_add_loop_test(e, bytes_are_escaped, 0, sizeof(escapes) / sizeof(escapes[0]));
	suite_add_tcase(s, t);
	suite_add_tcase(s, e);
	return s;
}

int
main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
