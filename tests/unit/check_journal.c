/* The journal: numbers, cursors, the bound, who is woken when, and all of it from several threads
 * at once. */

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/journal.h"

#define BIG (64 * 1024 * 1024)
#define THREADS 4
#define APPENDS 20000

static atomic_uint woken;

static void
count_wake(void *arg)
{
	(void)arg;
	atomic_fetch_add(&woken, 1);
}

static uint64_t
append(struct journal *journal, const char *text)
{
	struct alert alert = { .severity = SEVERITY_HIGH, .time = 7, .json = slice_of(text) };

	return journal_append(journal, &alert);
}

/* What one entry of so many bytes is charged. */
static size_t
charge_of(size_t length)
{
	struct journal *journal = journal_new(BIG);
	char *text = calloc(1, length + 1);
	size_t bytes;

	memset(text, 'x', length);
	append(journal, text);
	bytes = journal_bytes(journal);
	free(text);
	journal_free(journal);
	return bytes;
}

START_TEST(gives_back_what_was_appended)
{
	struct journal *journal = journal_new(BIG);
	struct journal_entry *entry;
	uint64_t skipped = 9;

	ck_assert_uint_eq(journal_last(journal), 0);
	ck_assert_ptr_null(journal_next(journal, 0, &skipped));
	ck_assert_uint_eq(skipped, 0);
	ck_assert_uint_eq(append(journal, "{\"a\":1}"), 1);
	ck_assert_uint_eq(append(journal, ""), 2);
	ck_assert_uint_eq(journal_last(journal), 2);
	entry = journal_next(journal, 0, &skipped);
	ck_assert_ptr_nonnull(entry);
	ck_assert_uint_eq(entry->sequence, 1);
	ck_assert_int_eq(entry->time, 7);
	ck_assert_int_eq(entry->severity, SEVERITY_HIGH);
	ck_assert_uint_eq(entry->length, 7);
	ck_assert_int_eq(memcmp(entry->json, "{\"a\":1}", 7), 0);
	journal_release(journal, entry);
	entry = journal_next(journal, 1, &skipped);
	ck_assert_uint_eq(entry->sequence, 2);
	ck_assert_uint_eq(entry->length, 0);
	journal_release(journal, entry);
	ck_assert_ptr_null(journal_next(journal, 2, &skipped));
	journal_free(journal);
}
END_TEST

/* A row: entries that fit, entries appended, the cursor; what is skipped and which entry is next
 * (0: none). */
static const struct {
	const char *name;
	size_t fit, appended;
	uint64_t cursor, skipped, next;
} bound_rows[] = {
	{ "all fit", 10, 10, 0, 0, 1 },
	{ "one too many", 10, 11, 0, 1, 2 },
	{ "many too many", 10, 1000, 0, 990, 991 },
	{ "a cursor in the middle of what went", 10, 1000, 500, 490, 991 },
	{ "a cursor just before what is kept", 10, 1000, 990, 0, 991 },
	{ "a cursor in what is kept", 10, 1000, 995, 0, 996 },
	{ "a cursor at the end", 10, 1000, 1000, 0, 0 },
	{ "more entries than the ring has at first", 5000, 6000, 0, 1000, 1001 },
};

START_TEST(drops_the_oldest_at_the_bound)
{
	size_t charge = charge_of(100), max = charge * bound_rows[_i].fit + charge - 1;
	struct journal *journal = journal_new(max);
	struct journal_entry *entry;
	char text[101];
	uint64_t skipped;

	memset(text, 'x', 100);
	text[100] = '\0';
	for (size_t i = 1; i <= bound_rows[_i].appended; i++) {
		ck_assert_uint_eq(append(journal, text), i);
		ck_assert_uint_le(journal_bytes(journal), max);
		ck_assert_uint_eq(journal_bytes(journal),
			charge * (i < bound_rows[_i].fit ? i : bound_rows[_i].fit));
	}
	entry = journal_next(journal, bound_rows[_i].cursor, &skipped);
	ck_assert_msg(skipped == bound_rows[_i].skipped, "%s: skipped %llu", bound_rows[_i].name,
		(unsigned long long)skipped);
	ck_assert_uint_eq(entry == NULL ? 0 : entry->sequence, bound_rows[_i].next);
	if (entry != NULL)
		journal_release(journal, entry);
	journal_free(journal);
}
END_TEST

START_TEST(refuses_an_alert_over_the_bound)
{
	struct journal *journal = journal_new(charge_of(10));

	ck_assert_uint_eq(append(journal, "0123456789"), 1);
	ck_assert_uint_eq(append(journal, "0123456789A"), 0);
	ck_assert_uint_eq(journal_last(journal), 1);
	ck_assert_uint_eq(journal_bytes(journal), charge_of(10));
	journal_free(journal);
}
END_TEST

START_TEST(a_held_entry_outlives_its_place)
{
	struct journal *journal = journal_new(charge_of(5));
	struct journal_entry *entry;
	uint64_t skipped;

	append(journal, "first");
	entry = journal_next(journal, 0, &skipped);
	append(journal, "other");
	ck_assert_int_eq(memcmp(entry->json, "first", 5), 0);
	journal_release(journal, entry);
	journal_free(journal);
}
END_TEST

START_TEST(what_all_have_read_goes)
{
	struct journal *journal = journal_new(BIG);
	struct journal_entry *entry;
	uint64_t skipped;

	for (int i = 0; i < 10; i++)
		append(journal, "x");
	journal_done(journal, 4);
	ck_assert_uint_eq(journal_bytes(journal), 6 * charge_of(1));
	entry = journal_next(journal, 4, &skipped);
	ck_assert_uint_eq(skipped, 0);
	ck_assert_uint_eq(entry->sequence, 5);
	journal_release(journal, entry);
	journal_done(journal, 10);
	ck_assert_uint_eq(journal_bytes(journal), 0);
	ck_assert_uint_eq(append(journal, "x"), 11);
	ck_assert_uint_eq(journal_bytes(journal), charge_of(1));
	journal_free(journal);
}
END_TEST

START_TEST(keeps_nothing_for_nobody)
{
	struct journal *journal = journal_new(BIG);
	struct journal_entry *entry;
	uint64_t skipped;

	append(journal, "x");
	journal_done(journal, JOURNAL_NOBODY);
	ck_assert_uint_eq(journal_bytes(journal), 0);
	ck_assert_uint_eq(append(journal, "x"), 2);
	ck_assert_uint_eq(journal_bytes(journal), 0);
	ck_assert_uint_eq(journal_begin(journal), 2);
	ck_assert_uint_eq(append(journal, "x"), 3);
	ck_assert_uint_eq(
		journal_begin(journal), 3); /* a second reader takes nothing from the first */
	entry = journal_next(journal, 2, &skipped);
	ck_assert_uint_eq(skipped, 0);
	ck_assert_uint_eq(entry->sequence, 3);
	journal_release(journal, entry);
	journal_free(journal);
}
END_TEST

START_TEST(wakes_once_after_all_was_read)
{
	struct journal *journal = journal_new(BIG);
	uint64_t skipped;

	atomic_store(&woken, 0);
	journal_wake(journal, count_wake, NULL);
	append(journal, "x");
	ck_assert_uint_eq(atomic_load(&woken), 0); /* nobody had come for it */
	ck_assert_ptr_null(journal_next(journal, 1, &skipped));
	append(journal, "x");
	append(journal, "x");
	ck_assert_uint_eq(atomic_load(&woken), 1);
	ck_assert_ptr_null(journal_next(journal, 3, &skipped));
	append(journal, "x");
	ck_assert_uint_eq(atomic_load(&woken), 2);
	journal_free(journal);
}
END_TEST

static void *
append_many(void *arg)
{
	char text[32];

	for (int i = 0; i < APPENDS; i++) {
		snprintf(text, sizeof(text), "entry %d", i);
		append(arg, text);
	}
	return NULL;
}

/* A reader that follows four writers over a small bound misses no number: each is read or skipped.
 */
START_TEST(threads_append_while_one_reads)
{
	struct journal *journal = journal_new(charge_of(16) * 100);
	pthread_t threads[THREADS];
	uint64_t cursor = 0, skipped, read = 0, lost = 0;

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, append_many, journal), 0);
	while (cursor < (uint64_t)THREADS * APPENDS) {
		struct journal_entry *entry = journal_next(journal, cursor, &skipped);

		lost += skipped;
		cursor += skipped;
		if (entry == NULL)
			continue;
		ck_assert_uint_eq(entry->sequence, cursor + 1);
		ck_assert_int_eq(memcmp(entry->json, "entry ", 6), 0);
		cursor = entry->sequence;
		journal_release(journal, entry);
		read++;
		if (cursor % 7 == 0)
			journal_done(journal, cursor);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(read + lost, (uint64_t)THREADS * APPENDS);
	ck_assert_uint_eq(journal_last(journal), (uint64_t)THREADS * APPENDS);
	journal_free(journal);
}
END_TEST

static Suite *
journal_suite(void)
{
	Suite *suite = suite_create("journal");
	TCase *tcase = tcase_create("journal");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, gives_back_what_was_appended);
	tcase_add_loop_test(tcase, drops_the_oldest_at_the_bound, 0,
		sizeof(bound_rows) / sizeof(bound_rows[0]));
	tcase_add_test(tcase, refuses_an_alert_over_the_bound);
	tcase_add_test(tcase, a_held_entry_outlives_its_place);
	tcase_add_test(tcase, what_all_have_read_goes);
	tcase_add_test(tcase, keeps_nothing_for_nobody);
	tcase_add_test(tcase, wakes_once_after_all_was_read);
	tcase_add_test(tcase, threads_append_while_one_reads);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(journal_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
