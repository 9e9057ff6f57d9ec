/* Which words are taken for slips of others. */

#include <check.h>
#include <stdlib.h>

#include "detect/spelling.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define LONG "0123456789012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *name, *written, *word;
	size_t distance;
	bool near;
} rows[] = {
	{ "the same", "action", "action", 0, true },
	{ "other letter case", "TargetFileName", "TargetFilename", 0, true },
	{ "one letter less", "shedule", "schedule", 1, true },
	{ "one letter more", "actions", "action", 1, true },
	{ "another letter", "aktion", "action", 1, true },
	{ "neighbours exchanged", "actoin", "action", 1, true },
	{ "neighbours exchanged in front", "aemg", "eamg", 1, true },
	{ "neighbours exchanged twice", "barde", "abrdx", 2, false },
	{ "two slips in a short word", "akzion", "action", 2, false },
	{ "two slips in a long word", "process_kreatoin", "process_creation", 2, true },
	{ "three slips", "prozess_kreatoin", "process_creation", 3, false },
	{ "a short word", "sat", "sun", 2, false },
	{ "one slip in three letters", "day", "dag", 1, false },
	{ "another word", "author", "action", 3, false },
	{ "nothing", "", "action", 6, false },
	{ "as long as can be", LONG, LONG, 0, true },
	{ "longer", LONG "4", LONG, SIZE_MAX, false },
};

START_TEST(tells_slips_from_other_words)
{
	struct slice written = slice_of(rows[_i].written), word = slice_of(rows[_i].word);

	ck_assert_msg(spelling_distance(written, word) == rows[_i].distance, "%s: %zu",
		rows[_i].name, spelling_distance(written, word));
	ck_assert_msg(spelling_distance(word, written) == rows[_i].distance, "%s", rows[_i].name);
	ck_assert_msg(spelling_is_near(written, word) == rows[_i].near, "%s", rows[_i].name);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("spelling");
	TCase *tcase = tcase_create("spelling");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, tells_slips_from_other_words, 0, ROWS(rows));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
