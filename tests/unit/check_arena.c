/* The arena: alignment, growth, the limit, marks and resets. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/arena.h"

#define MIB ((size_t)1024 * 1024)

START_TEST(aligns_every_allocation)
{
	struct arena *arena = arena_new(MIB);

	for (size_t size = 0; size < 100; size++) {
		char *ptr = arena_alloc(arena, size);

		ck_assert_ptr_nonnull(ptr);
		ck_assert_uint_eq((uintptr_t)ptr % 16, 0);
		memset(ptr, 'x', size);
	}
	arena_free(arena);
}
END_TEST

START_TEST(keeps_the_limit)
{
	struct arena *arena = arena_new(1000);
	size_t got = 0;

	while (arena_alloc(arena, 16) != NULL)
		got += 16;
	ck_assert_uint_eq(got, 992);
	ck_assert_ptr_null(arena_alloc(arena, 1));
	arena_reset(arena);
	ck_assert_ptr_null(arena_alloc(arena, 1001));
	ck_assert_ptr_null(arena_alloc(arena, SIZE_MAX));
	ck_assert_ptr_null(arena_alloc(arena, SIZE_MAX - 8));
	ck_assert_ptr_nonnull(arena_alloc(arena, 992));
	arena_free(arena);
}
END_TEST

START_TEST(limit_holds_over_many_blocks)
{
	struct arena *arena = arena_new(3 * MIB);
	size_t got = 0;
	char *ptr;

	while ((ptr = arena_alloc(arena, 4096)) != NULL) {
		memset(ptr, (int)(got / 4096), 4096);
		got += 4096;
	}
	ck_assert_uint_eq(got, 3 * MIB);
	arena_free(arena);
}
END_TEST

START_TEST(takes_one_piece_of_the_whole_limit)
{
	struct arena *arena = arena_new(3 * MIB);
	char *ptr = arena_alloc(arena, 3 * MIB);

	ck_assert_ptr_nonnull(ptr);
	memset(ptr, 1, 3 * MIB);
	ck_assert_ptr_null(arena_alloc(arena, 1));
	arena_reset(arena);
	ck_assert_ptr_nonnull(arena_alloc(arena, 1));
	arena_free(arena);
}
END_TEST

START_TEST(grows_the_last_allocation_in_place)
{
	struct arena *arena = arena_new(MIB);
	char *a = arena_alloc(arena, 100);
	char *b;

	memset(a, 'a', 100);
	ck_assert_ptr_eq(arena_grow(arena, a, 100, 5000), a);
	memset(a + 100, 'b', 4900);
	ck_assert_int_eq(a[99], 'a');
	/* Shrinking the last one gives room back. */
	ck_assert_ptr_eq(arena_grow(arena, a, 5000, 10), a);
	b = arena_alloc(arena, 1);
	ck_assert_ptr_eq(b, a + 16);
	arena_free(arena);
}
END_TEST

START_TEST(copies_when_it_cannot_grow_in_place)
{
	struct arena *arena = arena_new(4 * MIB);
	char *a = arena_alloc(arena, 100);
	char *b, *c;

	memset(a, 'a', 100);
	ck_assert_ptr_nonnull(arena_alloc(arena, 1));
	b = arena_grow(arena, a, 100, 200);
	ck_assert_ptr_ne(b, a);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(b[i], 'a');
	memset(b, 'b', 200);
	c = arena_grow(arena, b, 200, 200 * 1024); /* over the end of the first block */
	ck_assert_ptr_ne(c, b);
	ck_assert_int_eq(c[199], 'b');
	ck_assert_ptr_nonnull(arena_grow(arena, NULL, 0, 10));
	ck_assert_ptr_eq(arena_grow(arena, a, 100, 50), a);
	arena_free(arena);
}
END_TEST

START_TEST(growing_keeps_the_limit)
{
	struct arena *arena = arena_new(1024);
	char *a = arena_alloc(arena, 512);

	ck_assert_ptr_eq(arena_grow(arena, a, 512, 1024), a);
	ck_assert_ptr_null(arena_grow(arena, a, 1024, 1025));
	memset(a, 'a', 1024); /* a failure left it as it was */
	ck_assert_ptr_null(arena_grow(arena, a, 1024, SIZE_MAX));
	arena_free(arena);
}
END_TEST

START_TEST(rewinds_to_a_mark)
{
	struct arena *arena = arena_new(4 * MIB);
	struct arena_mark mark;
	char *kept = arena_alloc(arena, 10);
	char *first;

	memcpy(kept, "0123456789", 10);
	mark = arena_mark(arena);
	first = arena_alloc(arena, 10);
	for (int i = 0; i < 20; i++)
		ck_assert_ptr_nonnull(arena_alloc(arena, 50000));
	arena_rewind(arena, mark);
	ck_assert_ptr_eq(arena_alloc(arena, 10), first);
	ck_assert_mem_eq(kept, "0123456789", 10);
	/* The limit counts from the mark again. */
	arena_rewind(arena, mark);
	ck_assert_ptr_nonnull(arena_alloc(arena, 4 * MIB - 16));
	arena_free(arena);
}
END_TEST

START_TEST(starts_over_after_a_reset)
{
	struct arena *arena = arena_new(MIB);
	char *first = arena_alloc(arena, 10);

	for (int i = 0; i < 1000; i++) {
		ck_assert_ptr_nonnull(arena_alloc(arena, 100000));
		ck_assert_ptr_nonnull(arena_alloc(arena, 800000));
		arena_reset(arena);
		ck_assert_ptr_eq(arena_alloc(arena, 10), first);
	}
	arena_free(arena);
}
END_TEST

START_TEST(copies_slices)
{
	struct arena *arena = arena_new(1024);
	struct slice copy = arena_copy(arena, SLICE("a\0b"));

	ck_assert(slice_equal(copy, SLICE("a\0b")));
	ck_assert_ptr_null(arena_copy(arena, SLICE_NONE).ptr);
	ck_assert_ptr_nonnull(arena_copy(arena, SLICE("")).ptr);
	ck_assert_ptr_nonnull(arena_alloc(arena, 900));
	ck_assert_ptr_null(arena_copy(arena, (struct slice){ copy.ptr, 200 }).ptr);
	arena_free(arena);
}
END_TEST

START_TEST(prints)
{
	struct arena *arena = arena_new(64);

	ck_assert(slice_equal(arena_printf(arena, "%d-%s", 42, "x"), SLICE("42-x")));
	ck_assert_ptr_nonnull(arena_printf(arena, "%s", "").ptr);
	ck_assert_ptr_null(arena_printf(arena, "%100d", 1).ptr);
	arena_free(arena);
}
END_TEST

START_TEST(frees_nothing_for_null)
{
	arena_free(NULL);
}
END_TEST

static Suite *
arena_suite(void)
{
	Suite *suite = suite_create("arena");
	TCase *tcase = tcase_create("arena");

	tcase_add_test(tcase, aligns_every_allocation);
	tcase_add_test(tcase, keeps_the_limit);
	tcase_add_test(tcase, limit_holds_over_many_blocks);
	tcase_add_test(tcase, takes_one_piece_of_the_whole_limit);
	tcase_add_test(tcase, grows_the_last_allocation_in_place);
	tcase_add_test(tcase, copies_when_it_cannot_grow_in_place);
	tcase_add_test(tcase, growing_keeps_the_limit);
	tcase_add_test(tcase, rewinds_to_a_mark);
	tcase_add_test(tcase, starts_over_after_a_reset);
	tcase_add_test(tcase, copies_slices);
	tcase_add_test(tcase, prints);
	tcase_add_test(tcase, frees_nothing_for_null);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(arena_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
