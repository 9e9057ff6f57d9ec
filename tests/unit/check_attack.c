/* The table of techniques: good lines, bad lines, and the one that is shipped. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "detect/attack.h"

#define GOOD "T1505.003\tWeb Shell\tpersistence\n"

static struct faults faults;

static void
clear_faults(void)
{
	faults_done(&faults);
}

START_TEST(technique_is_found_with_its_tactics)
{
	struct attack *attack = attack_parse("attack.tsv",
		SLICE("# a comment\n\nT1505.003\tWeb Shell\tpersistence\r\n"
		      "T1055\tProcess Injection\tdefense-evasion,privilege-escalation"),
		&faults);
	const struct technique *technique;

	ck_assert_ptr_nonnull(attack);
	ck_assert_uint_eq(faults.count, 0);
	technique = attack_find(attack, "T1055");
	ck_assert_ptr_nonnull(technique);
	ck_assert_str_eq(technique->name, "Process Injection");
	ck_assert_str_eq(technique->tactics[0], "defense-evasion");
	ck_assert_str_eq(technique->tactics[1], "privilege-escalation");
	ck_assert_ptr_null(technique->tactics[2]);
	technique = attack_find(attack, "T1505.003");
	ck_assert_ptr_nonnull(technique);
	ck_assert_str_eq(technique->tactics[0], "persistence");
	ck_assert_ptr_null(technique->tactics[1]);
	ck_assert_ptr_null(attack_find(attack, "T1505"));
	ck_assert_ptr_null(attack_find(attack, "t1055"));
	ck_assert_ptr_null(attack_find(NULL, "T1055"));
	attack_free(attack);
	attack_free(NULL);
}
END_TEST

/* Each is line 2, behind a good one and before another. */
static const struct {
	const char *what;
	struct slice line;
} bad[] = {
#define BAD(what, line)                          \
	{                                        \
		(what),                          \
		{                                \
			(line), sizeof(line) - 1 \
		}                                \
	}
	BAD("no id", "Web Shell\tpersistence"),
	BAD("an id in lower case", "t1505\tServer Software Component\tpersistence"),
	BAD("an id that is too short", "T150\tName\tpersistence"),
	BAD("an id with letters", "T15O5\tName\tpersistence"),
	BAD("a sub-technique with two digits", "T1505.03\tName\tpersistence"),
	BAD("no name", "T1505\t\tpersistence"),
	BAD("no tactics", "T1505\tServer Software Component"),
	BAD("an empty tactic", "T1505\tServer Software Component\tpersistence,,execution"),
	BAD("a tactic that is no short name", "T1505\tServer Software Component\tPersistence"),
	BAD("blanks for tabs", "T1505  Server Software Component  persistence"),
	BAD("bytes that are no UTF-8", "T1505\tServer \xff\tpersistence"),
	BAD("a NUL byte", "T1505\tServer\0Component\tpersistence"),
#undef BAD
};

START_TEST(bad_line_is_left_out_and_named)
{
	char text[256];
	size_t length = 0;
	struct attack *attack;

	memcpy(text, GOOD, sizeof(GOOD) - 1);
	length += sizeof(GOOD) - 1;
	memcpy(text + length, bad[_i].line.ptr, bad[_i].line.len);
	length += bad[_i].line.len;
	memcpy(text + length, "\nT1190\tName\tinitial-access\n", 27);
	length += 27;

	attack = attack_parse("attack.tsv", (struct slice){ text, length }, &faults);
	ck_assert_ptr_nonnull(attack);
	ck_assert_msg(faults.errors == 1 && faults.list[0].line == 2, "%s", bad[_i].what);
	ck_assert_ptr_nonnull(attack_find(attack, "T1505.003"));
	ck_assert_ptr_nonnull(attack_find(attack, "T1190"));
	ck_assert_ptr_null(attack_find(attack, "T1505"));
	attack_free(attack);
}
END_TEST

START_TEST(second_line_of_a_technique_is_an_error)
{
	struct attack *attack = attack_parse("attack.tsv", SLICE(GOOD GOOD), &faults);

	ck_assert_ptr_nonnull(attack);
	ck_assert_uint_eq(faults.errors, 1);
	ck_assert_ptr_nonnull(attack_find(attack, "T1505.003"));
	attack_free(attack);
}
END_TEST

START_TEST(empty_table_has_nothing)
{
	struct attack *attack = attack_parse("attack.tsv", SLICE_NONE, &faults);

	ck_assert_ptr_nonnull(attack);
	ck_assert_uint_eq(faults.count, 0);
	ck_assert_ptr_null(attack_find(attack, "T1505"));
	attack_free(attack);
}
END_TEST

/* The table of the package is read from the source tree, two folders above the tests' data. */
START_TEST(shipped_table_is_good)
{
	static const char *const wanted[][2] = {
		{ "T1505.001", "SQL Stored Procedures" },
		{ "T1505.002", "Transport Agent" },
		{ "T1505.003", "Web Shell" },
		{ "T1505.004", "IIS Components" },
		{ "T1505.005", "Terminal Services DLL" },
		{ "T1505.006", "vSphere Installation Bundles" },
		{ "T1059.003", "Windows Command Shell" },
		{ "T1190", "Exploit Public-Facing Application" },
	};
	static char text[256 * 1024];
	FILE *file = fopen(TEST_DATA "/../../etc/attack.tsv", "r");
	struct attack *attack;
	size_t length;

	ck_assert_ptr_nonnull(file);
	length = fread(text, 1, sizeof(text), file);
	ck_assert(length < sizeof(text));
	fclose(file);
	attack = attack_parse("attack.tsv", (struct slice){ text, length }, &faults);
	ck_assert_ptr_nonnull(attack);
	ck_assert_uint_eq(faults.count, 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const struct technique *technique = attack_find(attack, wanted[i][0]);

		ck_assert_msg(technique != NULL, "%s", wanted[i][0]);
		ck_assert_str_eq(technique->name, wanted[i][1]);
	}
	attack_free(attack);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("attack");
	TCase *tcase = tcase_create("attack");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, NULL, clear_faults);
	tcase_add_test(tcase, technique_is_found_with_its_tactics);
	tcase_add_loop_test(tcase, bad_line_is_left_out_and_named, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, second_line_of_a_technique_is_an_error);
	tcase_add_test(tcase, empty_table_has_nothing);
	tcase_add_test(tcase, shipped_table_is_good);
	suite_add_tcase(suite, tcase);

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
