/* The table of windows: found again, bounded, due in time. */

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/windows.h"

#define SECOND INT64_C(1000000)
#define NOW (INT64_C(1773470415) * SECOND)

/* Five events within a minute. */
static enum wevent_field no_fields[1];
static struct correlation_reference reference = { "r", 0, no_fields, no_fields };
static const struct correlation five = { .type = CORRELATION_EVENT_COUNT,
	.references = &reference,
	.reference_count = 1,
	.timespan = 60 * SECOND,
	.bounds = { { ORDER_GTE, 5 } },
	.bound_count = 1,
	.percentile = -1 };

static atomic_uint events; /* so many that each has an identity of its own */

static enum window_answer
count(struct windows *windows, const char *key, int64_t time)
{
	struct detect_windows table = windows_of(windows);
	struct correlation_result result;
	struct window *window = table.borrow(table.table, slice_of(key));
	enum window_answer answer;
	struct wevent event;
	struct window_match match = { .event = &event, .time = time, .received = time };
	unsigned int number = atomic_fetch_add(&events, 1);

	ck_assert_ptr_nonnull(window);
	memcpy(match.id, &number, sizeof(number));
	wevent_clear(&event);
	answer = window_add(window, &five, &match, &result);
	table.give_back(table.table, slice_of(key), window);
	return answer;
}

START_TEST(a_window_is_found_again)
{
	struct windows *windows = windows_new(1 << 20);
	struct detect_windows table = windows_of(windows);
	char key[CORRELATE_KEY_MAX];
	struct window *window;
	size_t length;

	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(count(windows, "a", NOW + i), WINDOW_QUIET);
		ck_assert_int_eq(count(windows, "b", NOW + i), WINDOW_QUIET);
	}
	ck_assert_uint_eq(windows_count(windows), 2);
	ck_assert_uint_gt(windows_bytes(windows), 0);
	ck_assert_int_eq(count(windows, "a", NOW + 5), WINDOW_SPEAKS);
	ck_assert_int_eq(count(windows, "b", NOW + 5), WINDOW_SPEAKS);
	/* They know what has spoken, and are gone when they are empty. */
	ck_assert_uint_eq(windows_count(windows), 2);
	while ((window = table.borrow_due(table.table, INT64_MAX, key, &length)) != NULL) {
		window_clear(window);
		table.give_back(table.table, (struct slice){ key, length }, window);
	}
	ck_assert_uint_eq(windows_count(windows), 0);
	ck_assert_uint_eq(windows_bytes(windows), 0);
	windows_free(windows);
}
END_TEST

START_TEST(the_table_is_bounded)
{
	struct windows *windows = windows_new(1 << 20);
	char key[16];

	for (int i = 0; i < 50000; i++) {
		(void)snprintf(key, sizeof(key), "key %d", i);
		ck_assert_int_eq(count(windows, key, NOW), WINDOW_QUIET);
	}
	ck_assert_uint_le(windows_bytes(windows), 1 << 20);
	ck_assert_uint_gt(windows_evicted(windows), 40000);
	ck_assert_uint_eq(windows_count(windows) + windows_evicted(windows), 50000);
	windows_limit(windows, 1);
	for (int i = 0; i < 50000; i++) {
		(void)snprintf(key, sizeof(key), "key %d", i);
		(void)count(windows, key, NOW);
	}
	ck_assert_uint_eq(windows_count(windows), 1);
	windows_free(windows);
}
END_TEST

START_TEST(the_window_used_last_stays)
{
	struct windows *windows = windows_new(1 << 20);
	char key[16];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(count(windows, "mine", NOW), WINDOW_QUIET);
	for (int i = 0; i < 50000; i++) {
		(void)snprintf(key, sizeof(key), "key %d", i);
		(void)count(windows, key, NOW);
		if (i % 4 == 0)
			continue;
		/* Borrowing is using. */
		struct detect_windows table = windows_of(windows);
		struct window *window = table.borrow(table.table, SLICE("mine"));

		table.give_back(table.table, SLICE("mine"), window);
	}
	ck_assert_int_eq(count(windows, "mine", NOW), WINDOW_SPEAKS);
	windows_free(windows);
}
END_TEST

START_TEST(what_is_due_is_handed_out_once)
{
	struct windows *windows = windows_new(1 << 20);
	struct detect_windows table = windows_of(windows);
	int64_t due = NOW + 2 * 60 * SECOND + CORRELATE_LATENESS;
	char key[CORRELATE_KEY_MAX];
	struct window *window;
	size_t length;

	(void)count(windows, "a", NOW);
	(void)count(windows, "b", NOW + SECOND);
	ck_assert_ptr_null(table.borrow_due(table.table, due - 1, key, &length));
	window = table.borrow_due(table.table, due, key, &length);
	ck_assert_ptr_nonnull(window);
	ck_assert(slice_equal((struct slice){ key, length }, SLICE("a")));
	window_clear(window);
	table.give_back(table.table, (struct slice){ key, length }, window);
	ck_assert_ptr_null(table.borrow_due(table.table, due, key, &length));
	/* Used once more, it is due later. */
	(void)count(windows, "b", NOW + 9 * SECOND);
	ck_assert_ptr_null(table.borrow_due(table.table, due + SECOND, key, &length));
	window = table.borrow_due(table.table, INT64_MAX, key, &length);
	ck_assert_ptr_nonnull(window);
	window_clear(window);
	table.give_back(table.table, (struct slice){ key, length }, window);
	ck_assert_uint_eq(windows_count(windows), 0);
	windows_free(windows);
}
END_TEST

/* Whoever needs much memory needs it of all that there is: a stranger's window stays, wherever it
 * is, while there is room, and goes for a younger one when there is none. */
START_TEST(all_windows_share_one_bound)
{
	struct windows *windows = windows_new(1 << 20);
	char key[16];
	size_t bytes;

	(void)count(windows, "a", NOW);
	bytes = windows_bytes(windows);
	windows_limit(windows, bytes * 64);
	for (int i = 0; i < 60; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		(void)count(windows, key, NOW);
	}
	ck_assert_uint_eq(windows_evicted(windows), 0);
	ck_assert_uint_eq(windows_count(windows), 61);
	windows_limit(windows, bytes * 8);
	(void)count(windows, "b", NOW);
	ck_assert_uint_le(windows_bytes(windows), bytes * 8);
	ck_assert_uint_ge(windows_count(windows), 7);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(count(windows, "59", NOW), WINDOW_QUIET);
	ck_assert_int_eq(count(windows, "59", NOW), WINDOW_SPEAKS);
	ck_assert_int_eq(count(windows, "a", NOW), WINDOW_QUIET);
	windows_free(windows);
}
END_TEST

#define MANY 200

/* Whatever their keys, windows are due in the order of their deadlines. */
START_TEST(what_is_due_first_comes_first)
{
	struct windows *windows = windows_new(1 << 20);
	struct detect_windows table = windows_of(windows);
	char key[CORRELATE_KEY_MAX];
	int64_t last = INT64_MIN;
	struct window *window;
	size_t length;

	for (int i = 0; i < MANY; i++) {
		(void)snprintf(key, sizeof(key), "key %d", i);
		(void)count(windows, key, NOW + i * 7919 % MANY * SECOND);
	}
	/* Used once more, these are due later. */
	for (int i = 0; i < MANY; i += 3) {
		(void)snprintf(key, sizeof(key), "key %d", i);
		(void)count(windows, key, NOW + (MANY + i) * SECOND);
	}
	for (int i = 0; i < MANY; i++) {
		window = table.borrow_due(table.table, INT64_MAX, key, &length);
		ck_assert_ptr_nonnull(window);
		ck_assert_int_gt(window_deadline(window), last);
		last = window_deadline(window);
		window_clear(window);
		table.give_back(table.table, (struct slice){ key, length }, window);
	}
	ck_assert_ptr_null(table.borrow_due(table.table, INT64_MAX, key, &length));
	windows_free(windows);
}
END_TEST

#define THREADS 4
#define EACH 5000

static _Atomic int spoken;

static void *
worker(void *argument)
{
	for (int i = 0; i < EACH; i++)
		spoken += count(argument, i % 2 == 0 ? "a" : "b", NOW) == WINDOW_SPEAKS;
	return NULL;
}

/* Every event of every thread is counted once. */
START_TEST(threads_share_windows)
{
	struct windows *windows = windows_new(1 << 20);
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, worker, windows), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_int_eq(spoken, THREADS * EACH / 5);
	windows_free(windows);
}
END_TEST

static void *
evict_and_close(void *argument)
{
	struct detect_windows table = windows_of(argument);
	char key[CORRELATE_KEY_MAX];
	size_t length;

	for (int i = 0; i < EACH; i++) {
		struct window *window = NULL;

		(void)snprintf(key, sizeof(key), "key %d", i * 7919 % 1000);
		(void)count(argument, key, NOW + i * SECOND);
		if (i % 3 == 0)
			window = table.borrow_due(table.table, NOW + i * SECOND, key, &length);
		if (window == NULL)
			continue;
		window_clear(window);
		table.give_back(table.table, (struct slice){ key, length }, window);
	}
	return NULL;
}

/* Whichever stripe a thread evicts from or closes in, nothing is lost sight of. */
START_TEST(threads_share_one_bound)
{
	struct windows *windows = windows_new(100000);
	struct detect_windows table = windows_of(windows);
	pthread_t threads[THREADS];
	char key[CORRELATE_KEY_MAX];
	struct window *window;
	size_t length;

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, evict_and_close, windows), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_uint_gt(windows_evicted(windows), 0);
	ck_assert_uint_le(windows_bytes(windows), 100000);
	while ((window = table.borrow_due(table.table, INT64_MAX, key, &length)) != NULL) {
		window_clear(window);
		table.give_back(table.table, (struct slice){ key, length }, window);
	}
	ck_assert_uint_eq(windows_count(windows), 0);
	ck_assert_uint_eq(windows_bytes(windows), 0);
	windows_free(windows);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("windows");
	TCase *tcase = tcase_create("windows");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, a_window_is_found_again);
	tcase_add_test(tcase, the_table_is_bounded);
	tcase_add_test(tcase, the_window_used_last_stays);
	tcase_add_test(tcase, what_is_due_is_handed_out_once);
	tcase_add_test(tcase, all_windows_share_one_bound);
	tcase_add_test(tcase, what_is_due_first_comes_first);
	tcase_add_test(tcase, threads_share_windows);
	tcase_add_test(tcase, threads_share_one_bound);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
