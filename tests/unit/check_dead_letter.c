/* Dead letters: the line, text or base64, the bound, and a file that cannot be had. */

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yajl/yajl_tree.h>

#include "daemon/dead_letter.h"
#include "daemon/log.h"

#define NOW INT64_C(1772359200000000) /* 2026-03-01T10:00:00Z */

static char directory[64], path[128];

static void
begin(void)
{
	(void)snprintf(directory, sizeof(directory), "/tmp/t1505d-check.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/dead.ndjson", directory);
}

static void
end(void)
{
	char old[160];

	(void)snprintf(old, sizeof(old), "%s.1", path);
	(void)unlink(old);
	(void)unlink(path);
	(void)rmdir(directory);
}

/* All of a file, with a NUL behind it; NULL when there is none. */
static char *
content(const char *name, size_t *length)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct stat status;
	char *text;

	if (fd == -1)
		return NULL;
	ck_assert_int_eq(fstat(fd, &status), 0);
	text = malloc((size_t)status.st_size + 1);
	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(read(fd, text, (size_t)status.st_size), status.st_size);
	text[status.st_size] = '\0';
	*length = (size_t)status.st_size;
	(void)close(fd);
	return text;
}

static const char *
string_at(yajl_val tree, const char *key)
{
	const char *keys[] = { key, NULL };
	yajl_val value = yajl_tree_get(tree, keys, yajl_t_string);

	return value == NULL ? NULL : YAJL_GET_STRING(value);
}

static const struct {
	const char *what;
	struct slice bytes;
	const char *text, *base64;
} line_rows[] = {
	{ "text stays text", SLICE_INIT("no record at all"), "no record at all", NULL },
	{ "tabs and line breaks are text", SLICE_INIT("a\tb\r\nc"), "a\tb\r\nc", NULL },
	{ "UTF-8 is text", SLICE_INIT("caf\xc3\xa9"), "caf\xc3\xa9", NULL },
	{ "quotes and backslashes come back", SLICE_INIT("\"C:\\x\""), "\"C:\\x\"", NULL },
	{ "nothing is text", SLICE_INIT(""), "", NULL },
	{ "bad UTF-8 is base64", SLICE_INIT("\xff\xfe"), NULL, "//4=" },
	{ "a NUL is base64", SLICE_INIT("a\0b"), NULL, "YQBi" },
	{ "a control character is base64", SLICE_INIT("\x1b[2J"), NULL, "G1sySg==" },
};

START_TEST(a_line_tells_all)
{
	struct metrics *metrics = metrics_new(1);
	struct dead_letters *letters;
	char error[256], *text;
	yajl_val tree;
	size_t length;

	begin();
	letters = dead_letters_new(path, 1 << 20, metrics);
	dead_letters_add(
		letters, NOW, "tcp", "192.0.2.3:514", REASON_NO_RECORD, line_rows[_i].bytes);
	dead_letters_free(letters);
	text = content(path, &length);
	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(text[length - 1], '\n');
	ck_assert_ptr_eq(strchr(text, '\n'), text + length - 1);
	tree = yajl_tree_parse(text, error, sizeof(error));
	ck_assert_msg(tree != NULL, "%s: %s", line_rows[_i].what, error);
	ck_assert_str_eq(string_at(tree, "time"), "2026-03-01T10:00:00.000Z");
	ck_assert_str_eq(string_at(tree, "input"), "tcp");
	ck_assert_str_eq(string_at(tree, "peer"), "192.0.2.3:514");
	ck_assert_str_eq(string_at(tree, "reason"), "no_record");
	ck_assert_pstr_eq(string_at(tree, "text"), line_rows[_i].text);
	ck_assert_pstr_eq(string_at(tree, "base64"), line_rows[_i].base64);
	ck_assert_uint_eq(metrics_total(metrics, DAEMON_dead_letters), 1);
	yajl_tree_free(tree);
	free(text);
	metrics_free(metrics);
	end();
}
END_TEST

START_TEST(a_long_message_is_cut_and_says_so)
{
	struct metrics *metrics = metrics_new(1);
	struct dead_letters *letters;
	size_t size = DEAD_LETTER_BYTES_MAX + 10, length;
	char *bytes = malloc(size), *text;

	begin();
	memset(bytes, 'x', size);
	letters = dead_letters_new(path, 1 << 20, metrics);
	dead_letters_add(
		letters, NOW, "tcp", "p", REASON_OVERSIZE_LINE, (struct slice){ bytes, size });
	dead_letters_free(letters);
	text = content(path, &length);
	ck_assert_ptr_nonnull(strstr(text, "\"cut\":true"));
	ck_assert_ptr_nonnull(strstr(text, "\"length\":65546"));
	ck_assert_uint_lt(length, DEAD_LETTER_BYTES_MAX + 512);
	free(text);
	free(bytes);
	metrics_free(metrics);
	end();
}
END_TEST

START_TEST(both_files_stay_within_the_bound)
{
	struct metrics *metrics = metrics_new(1);
	struct dead_letters *letters;
	char old[160], bytes[1000], *text;
	size_t length, total = 0;

	begin();
	memset(bytes, 'x', sizeof(bytes));
	letters = dead_letters_new(path, 64 * 1024, metrics);
	for (int i = 0; i < 500; i++)
		dead_letters_add(letters, NOW, "tcp", "p", REASON_NO_RECORD,
			(struct slice){ bytes, sizeof(bytes) });
	dead_letters_free(letters);
	(void)snprintf(old, sizeof(old), "%s.1", path);
	for (int i = 0; i < 2; i++) {
		text = content(i == 0 ? path : old, &length);
		ck_assert_ptr_nonnull(text);
		ck_assert_int_eq(text[0], '{');
		total += length;
		free(text);
	}
	ck_assert_uint_le(total, 64 * 1024);
	ck_assert_uint_eq(metrics_total(metrics, DAEMON_dead_letters) +
				  metrics_total(metrics, DAEMON_dead_letters_lost),
		500);
	metrics_free(metrics);
	end();
}
END_TEST

START_TEST(a_file_that_cannot_be_had_loses_and_counts)
{
	struct metrics *metrics = metrics_new(1);
	struct dead_letters *letters = dead_letters_new("/nonexistent/dead", 1 << 20, metrics);

	ck_assert_ptr_nonnull(letters);
	for (int i = 0; i < 3; i++)
		dead_letters_add(letters, NOW, "tcp", "p", REASON_NO_RECORD, SLICE("x"));
	dead_letters_free(letters);
	ck_assert_uint_eq(metrics_total(metrics, DAEMON_dead_letters), 0);
	ck_assert_uint_eq(metrics_total(metrics, DAEMON_dead_letters_lost), 3);
	metrics_free(metrics);
}
END_TEST

/* It would hold the thread up, and be renamed away. */
START_TEST(what_is_no_file_is_left_alone)
{
	struct metrics *metrics = metrics_new(1);
	struct dead_letters *letters;
	struct stat st;
	int reader;

	begin();
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	ck_assert_int_ge(reader, 0);
	letters = dead_letters_new(path, 1 << 20, metrics);
	ck_assert_ptr_nonnull(letters);
	dead_letters_add(letters, NOW, "tcp", "p", REASON_NO_RECORD, SLICE("x"));
	dead_letters_free(letters);
	ck_assert_uint_eq(metrics_total(metrics, DAEMON_dead_letters_lost), 1);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISFIFO(st.st_mode));
	(void)close(reader);
	metrics_free(metrics);
	end();
}
END_TEST

START_TEST(off_writes_nothing)
{
	struct metrics *metrics = metrics_new(1);
	struct dead_letters *letters = dead_letters_new(NULL, 1 << 20, metrics);

	ck_assert_ptr_nonnull(letters);
	dead_letters_add(letters, NOW, "tcp", "p", REASON_NO_RECORD, SLICE("x"));
	dead_letters_free(letters);
	ck_assert_uint_eq(metrics_total(metrics, DAEMON_dead_letters), 0);
	metrics_free(metrics);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dead_letter");
	TCase *tcase = tcase_create("dead_letter");
	SRunner *runner = srunner_create(suite);
	int failed;

	log_open(LOG_LEVEL_ERROR);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, a_line_tells_all, 0, sizeof(line_rows) / sizeof(line_rows[0]));
	tcase_add_test(tcase, a_long_message_is_cut_and_says_so);
	tcase_add_test(tcase, both_files_stay_within_the_bound);
	tcase_add_test(tcase, a_file_that_cannot_be_had_loses_and_counts);
	tcase_add_test(tcase, what_is_no_file_is_left_alone);
	tcase_add_test(tcase, off_writes_nothing);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
