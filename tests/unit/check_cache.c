/* The cache of compiled databases: what was put in comes out, what nobody wants goes, and a file
 * that is not whole is no file. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/cache.h"
#include "daemon/rules.h"

static char directory[64], file[96];

static void
set_up(void)
{
	strcpy(directory, "/tmp/check_cache.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(file, sizeof(file), "%s/rules.cache", directory);
}

static void
tear_down(void)
{
	(void)unlink(file);
	ck_assert_int_eq(rmdir(directory), 0); /* nothing else was left */
}

static void
key_of(char name, unsigned char key[PATTERN_KEY])
{
	memset(key, name, PATTERN_KEY);
}

static struct slice
get(struct cache *cache, char name)
{
	struct pattern_cache patterns = cache_patterns(cache);
	unsigned char key[PATTERN_KEY];

	key_of(name, key);
	return patterns.get(patterns.context, key);
}

static void
put(struct cache *cache, char name, struct slice bytes)
{
	struct pattern_cache patterns = cache_patterns(cache);
	unsigned char key[PATTERN_KEY];

	key_of(name, key);
	patterns.put(patterns.context, key, bytes);
}

static struct cache *
open_good(void)
{
	bool damaged;
	struct cache *cache = cache_open(directory, &damaged);

	ck_assert_ptr_nonnull(cache);
	ck_assert(!damaged);
	return cache;
}

static void
fill(void)
{
	struct cache *cache = open_good();

	ck_assert(get(cache, 'a').ptr == NULL);
	put(cache, 'a', SLICE("first"));
	put(cache, 'b', SLICE("second, and longer"));
	put(cache, 'c', SLICE(""));
	ck_assert(slice_equal(get(cache, 'a'), SLICE("first")));
	ck_assert_int_eq(cache_close(cache), 0);
}

START_TEST(what_was_put_in_comes_out)
{
	struct cache *cache;

	fill();
	cache = open_good();
	ck_assert(slice_equal(get(cache, 'a'), SLICE("first")));
	ck_assert(slice_equal(get(cache, 'b'), SLICE("second, and longer")));
	ck_assert(get(cache, 'c').ptr != NULL && get(cache, 'c').len == 0);
	ck_assert(get(cache, 'd').ptr == NULL);
	ck_assert_int_eq(cache_close(cache), 0);
}
END_TEST

START_TEST(what_nobody_asks_for_goes)
{
	struct cache *cache;
	struct stat before, after;

	fill();
	ck_assert_int_eq(stat(file, &before), 0);
	cache = open_good();
	(void)get(cache, 'a');
	(void)get(cache, 'b');
	(void)get(cache, 'c');
	ck_assert_int_eq(cache_close(cache), 0);
	ck_assert_int_eq(stat(file, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino); /* nothing is new: it was not written */
	cache = open_good();
	(void)get(cache, 'b');
	ck_assert_int_eq(cache_close(cache), 0);
	cache = open_good();
	ck_assert(get(cache, 'a').ptr == NULL);
	ck_assert(slice_equal(get(cache, 'b'), SLICE("second, and longer")));
	ck_assert_int_eq(cache_close(cache), 0);
}
END_TEST

START_TEST(a_new_value_takes_the_place_of_the_old)
{
	struct cache *cache;

	fill();
	cache = open_good();
	(void)get(cache, 'a');
	put(cache, 'a', SLICE("other"));
	ck_assert_int_eq(cache_close(cache), 0);
	cache = open_good();
	ck_assert(slice_equal(get(cache, 'a'), SLICE("other")));
	ck_assert_int_eq(cache_close(cache), 0);
}
END_TEST

static void
write_bytes(const char *bytes, size_t length)
{
	FILE *stream = fopen(file, "w");

	ck_assert_ptr_nonnull(stream);
	ck_assert_uint_eq(fwrite(bytes, 1, length, stream), length);
	ck_assert_int_eq(fclose(stream), 0);
}

/* Cut at each length, and with each byte changed. */
START_TEST(a_damaged_file_is_none)
{
	size_t length;
	char *bytes;
	bool damaged;

	fill();
	ck_assert_int_eq(rules_read_file(file, 1 << 20, &bytes, &length), 0);
	for (size_t i = 0; i < length; i++) {
		struct cache *cache;

		write_bytes(bytes, i);
		cache = cache_open(directory, &damaged);
		ck_assert(damaged);
		ck_assert(get(cache, 'a').ptr == NULL);
		ck_assert_int_eq(cache_close(cache), 0);
		bytes[i] = (char)(bytes[i] ^ 1);
		write_bytes(bytes, length);
		cache = cache_open(directory, &damaged);
		ck_assert(damaged);
		ck_assert(get(cache, 'b').ptr == NULL);
		/* It is replaced by one that is whole. */
		put(cache, 'a', SLICE("new"));
		ck_assert_int_eq(cache_close(cache), 0);
		cache = open_good();
		ck_assert(slice_equal(get(cache, 'a'), SLICE("new")));
		ck_assert_int_eq(cache_close(cache), 0);
		bytes[i] = (char)(bytes[i] ^ 1);
	}
	free(bytes);
}
END_TEST

START_TEST(no_directory_is_no_cache)
{
	bool damaged;
	struct cache *cache;

	ck_assert_ptr_null(cache_open(NULL, &damaged));
	cache = cache_open("/nonexistent/cache", &damaged);
	ck_assert_ptr_nonnull(cache);
	ck_assert(!damaged);
	put(cache, 'a', SLICE("x"));
	ck_assert_int_lt(cache_close(cache), 0);
}
END_TEST

/* A set that comes from the cache finds what the compiled one finds; bytes that are no database are
 * compiled again. */
START_TEST(a_set_from_the_cache_is_the_same)
{
	static uint16_t tokens[3][4] = { { TOKEN_MANY, 'a', 'b' }, { 'x', 'y', TOKEN_MANY },
		{ 'q', 'r', 's' } };
	size_t length;
	char *bytes;

	for (int round = 0; round < 4; round++) {
		struct pattern_set *set = pattern_set_new();
		struct cache *cache = open_good();
		struct pattern_cache patterns = cache_patterns(cache);
		char error[PATTERN_ERROR_MAX];
		struct pattern_scratch *scratch;
		uint32_t ids[4];

		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(pattern_add(set, F_Image,
						 (struct glob){ tokens[i], 3, false }, &ids[i]),
				0);
		/* The first is refused by Hyperscan, the second is not. */
		ck_assert_int_eq(pattern_add_regex(set, F_Image, SLICE("(a)\\1"), 0, &ids[3]), 0);
		ck_assert_int_eq(pattern_add_regex(set, F_Image, SLICE("x.*y"), 0, &ids[3]), 0);
		ck_assert_int_eq(pattern_compile(set, &patterns, error), 0);
		ck_assert_int_eq(cache_close(cache), 0);
		scratch = pattern_scratch_new(set);
		pattern_scan(scratch, pattern_scan_of_strings(F_Image), SLICE("xyab"));
		ck_assert(pattern_matches(scratch, ids[0], SLICE("xyab")));
		ck_assert(pattern_matches(scratch, ids[1], SLICE("xyab")));
		ck_assert(!pattern_matches(scratch, ids[2], SLICE("xyab")));
		ck_assert(pattern_matches(scratch, ids[3], SLICE("xyab")));
		pattern_scratch_free(scratch);
		pattern_set_free(set);
		ck_assert_int_eq(rules_read_file(file, 1 << 24, &bytes, &length), 0);
		free(bytes);
		ck_assert_uint_gt(length, 200);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cache");
	TCase *tcase = tcase_create("cache");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, what_was_put_in_comes_out);
	tcase_add_test(tcase, what_nobody_asks_for_goes);
	tcase_add_test(tcase, a_new_value_takes_the_place_of_the_old);
	tcase_add_test(tcase, a_damaged_file_is_none);
	tcase_add_test(tcase, no_directory_is_no_cache);
	tcase_add_test(tcase, a_set_from_the_cache_is_the_same);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
