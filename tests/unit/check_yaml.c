/* YAML: what is refused and where, what comes through, and that hostile texts end. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "detect/yaml.h"
#include "tests/unit/guard.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *name;
	struct slice text;
	int line, column;
	const char *say;
} refusal_rows[] = {
	{ "invalid UTF-8", SLICE_INIT("a: 1\nb: \xff\n"), 2, 4, "UTF-8" },
	{ "UTF-8 cut short", SLICE_INIT("a: \xe2\x82"), 1, 4, "UTF-8" },
	{ "a NUL", SLICE_INIT("a: \0\n"), 1, 4, "control character" },
	{ "an escape character", SLICE_INIT("a: b\n# \x1b[31m\n"), 2, 3, "control character" },
	{ "DEL", SLICE_INIT("\x7f"), 1, 1, "control character" },
	{ "a directive", SLICE_INIT("%YAML 1.1\n---\na: 1\n"), 1, 1, "'%'" },
	{ "an explicit key", SLICE_INIT("a: 1\n? b: \t|\nc"), 2, 1, "explicit key" },
	{ "an explicit key in a list", SLICE_INIT("a:\n  - ? b"), 2, 5, "explicit key" },
	{ "a percent sign inside a block", SLICE_INIT("a: |\n  x\n%y\n"), 3, 1, "'%'" },
	{ "a percent sign after CR", SLICE_INIT("a: 1\r%b"), 1, 6, "'%'" },
	{ "a duplicate key", SLICE_INIT("a: 1\nb: 2\na: 3\n"), 3, 1, "duplicate key 'a'" },
	{ "a duplicate key below", SLICE_INIT("a:\n  - x: 1\n    'x': 2\n"), 3, 5,
		"duplicate key 'x'" },
	{ "an open list", SLICE_INIT("a: [1, 2\n"), 2, 1, "no valid YAML" },
	{ "a tab as indentation", SLICE_INIT("a:\n\tb: 1\n"), 2, 1, "no valid YAML" },
	{ "two values", SLICE_INIT("a: b: c\n"), 1, 5, "no valid YAML" },
	{ "an open quote", SLICE_INIT("a: 'b\n"), 1, 5, "no valid YAML" },
	{ "a path in double quotes", SLICE_INIT("a: \"C:\\inetpub\"\n"), 1, 7,
		"put the text in single quotes" },
	{ "a colon without quotes", SLICE_INIT("title: T24: colon\n"), 1, 11,
		"put a text with a colon in single quotes" },
	{ "a surrogate escape", SLICE_INIT("a: \"\\ud800\"\n"), 1, 5, "no valid YAML" },
	{ "a tag", SLICE_INIT("a: !!binary aGk=\n"), 1, 13, "tags" },
	{ "a merge key", SLICE_INIT("a: &a {b: 1}\nc: {<<: *a}\n"), 2, 5, "merge key" },
	{ "an unknown anchor", SLICE_INIT("a: *b\n"), 1, 5, "unknown anchor" },
	{ "an anchor inside itself", SLICE_INIT("a: &a [1, *a]\n"), 1, 8, "nested deeper" },
	{ "a list as a key", SLICE_INIT("[a]: 1\n"), 1, 2, "a key that is no text" },
	{ "an empty key", SLICE_INIT("b: 1\n: 2\n"), 1, 1, "a key that is no text" },
	{ "a column in bytes", SLICE_INIT("\xc3\xa4\xc3\xb6: x: y\n"), 1, 8, "no valid YAML" },
};

START_TEST(refuses_with_a_place)
{
	struct slice text = guard_copy(refusal_rows[_i].text);
	struct faults faults = { 0 };
	struct yaml *yaml = yaml_parse("f.yml", text, &faults);

	/* Only with a duplicate key there is still something that can be looked at for more. */
	ck_assert_msg((yaml != NULL) == (strstr(refusal_rows[_i].say, "duplicate") != NULL), "%s",
		refusal_rows[_i].name);
	ck_assert_uint_ge(faults.errors, 1);
	ck_assert_uint_eq(faults.errors, faults.count);
	ck_assert_str_eq(faults.list[0].file, "f.yml");
	ck_assert_msg(strstr(faults.list[0].text, refusal_rows[_i].say) != NULL, "%s: %s",
		refusal_rows[_i].name, faults.list[0].text);
	ck_assert_msg(faults.list[0].line == refusal_rows[_i].line &&
			      faults.list[0].column == refusal_rows[_i].column,
		"%s: %d:%d %s", refusal_rows[_i].name, faults.list[0].line, faults.list[0].column,
		faults.list[0].text);
	yaml_free(yaml);
	faults_done(&faults);
	guard_free(text);
}
END_TEST

static const struct {
	const char *name;
	struct slice text;
	size_t documents;
	struct slice first; /* the value of the first document's key a */
	bool plain;
} accept_rows[] = {
	{ "nothing", SLICE_INIT(""), 0, SLICE_INIT(""), false },
	{ "blanks", SLICE_INIT(" \n\n"), 0, SLICE_INIT(""), false },
	{ "a comment", SLICE_INIT("# a: 1\n"), 0, SLICE_INIT(""), false },
	{ "a plain text", SLICE_INIT("a: x y\n"), 1, SLICE_INIT("x y"), true },
	{ "no line end", SLICE_INIT("a: x"), 1, SLICE_INIT("x"), true },
	{ "a quoted text", SLICE_INIT("a: '*\\cmd.exe'\n"), 1, SLICE_INIT("*\\cmd.exe"), false },
	{ "an escape", SLICE_INIT("a: \"\\0\\t\\xe4\"\n"), 1, SLICE_INIT("\0\t\xc3\xa4"), false },
	{ "a null", SLICE_INIT("a:\n"), 1, SLICE_INIT(""), true },
	{ "an empty text", SLICE_INIT("a: ''\n"), 1, SLICE_INIT(""), false },
	{ "a folded text", SLICE_INIT("a: >\n  x\n  y\n"), 1, SLICE_INIT("x y\n"), false },
	{ "a byte order mark",
		SLICE_INIT("\xef\xbb\xbf"
			   "a: 1\n"),
		1, SLICE_INIT("1"), true },
	{ "CRLF", SLICE_INIT("a: 1\r\nb: 2\r\n"), 1, SLICE_INIT("1"), true },
	{ "three documents, one empty", SLICE_INIT("a: 1\n---\n---\nb: 2\n"), 2, SLICE_INIT("1"),
		true },
	{ "a document after the end", SLICE_INIT("a: 1\n...\n---\nb: 2\n"), 2, SLICE_INIT("1"),
		true },
	{ "an alias", SLICE_INIT("b: &x '7'\na: *x\n"), 1, SLICE_INIT("7"), false },
	{ "a percent sign in a line", SLICE_INIT("a: 100%\n"), 1, SLICE_INIT("100%"), true },
};

static struct fy_node *
member(struct fy_node *map, const char *name)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	while ((pair = fy_node_mapping_iterate(map, &iterator)) != NULL) {
		if (slice_equal(yaml_scalar(fy_node_pair_key(pair)), slice_of(name)))
			return fy_node_pair_value(pair);
	}
	return NULL;
}

START_TEST(accepts)
{
	struct slice text = guard_copy(accept_rows[_i].text);
	struct faults faults = { 0 };
	struct yaml *yaml = yaml_parse("f.yml", text, &faults);

	ck_assert_msg(yaml != NULL, "%s: %s", accept_rows[_i].name,
		faults.count > 0 ? faults.list[0].text : "");
	ck_assert_uint_eq(faults.count, 0);
	ck_assert_uint_eq(yaml_count(yaml), accept_rows[_i].documents);
	if (yaml_count(yaml) > 0) {
		struct fy_node *node = member(yaml_root(yaml, 0), "a");

		ck_assert_ptr_nonnull(node);
		ck_assert_msg(slice_equal(yaml_scalar(node), accept_rows[_i].first), "%s",
			accept_rows[_i].name);
		ck_assert_int_eq(yaml_plain(node), accept_rows[_i].plain);
		ck_assert_ptr_null(yaml_scalar(yaml_root(yaml, 0)).ptr);
	}
	yaml_free(yaml);
	guard_free(text);
}
END_TEST

static const struct {
	const char *key;
	int line, column;
} place_rows[] = {
	{ "plain", 1, 11 },
	{ "quoted", 2, 9 },
	{ "list", 4, 3 },
	{ "map", 6, 3 },
	{ "flow", 7, 9 },
	{ "nothing", 8, 1 },
	{ "empty", 9, 1 },
	{ "wide", 10, 14 },
	{ "alias", 1, 11 },
};

START_TEST(nodes_have_places)
{
	struct faults faults = { 0 };
	struct yaml *yaml = yaml_parse("f.yml",
		SLICE("plain: &x 1\nquoted: 'a'\nlist:\n- 1\nmap:\n  a: 1\nflow: "
		      "[[7]]\nnothing:\nempty: {}\n"
		      "wide: {\xc3\xa4\xc3\xb6: 1}\nalias: *x\n"),
		&faults);
	struct fy_node *node;
	int line, column;

	ck_assert_ptr_nonnull(yaml);
	node = member(yaml_root(yaml, 0), place_rows[_i].key);
	if (strcmp(place_rows[_i].key, "wide") == 0)
		node = member(node, "\xc3\xa4\xc3\xb6");
	yaml_place(yaml, node, &line, &column);
	yaml_fault(yaml, node, &faults, true, "%s", "here");
	ck_assert_int_eq(faults.list[0].line, line);
	ck_assert_int_eq(faults.list[0].column, column);
	ck_assert_uint_eq(faults.errors, 0);
	ck_assert_msg(line == place_rows[_i].line, "%s: %d:%d", place_rows[_i].key, line, column);
	ck_assert_msg(
		column == place_rows[_i].column, "%s: %d:%d", place_rows[_i].key, line, column);
	yaml_free(yaml);
	faults_done(&faults);
}
END_TEST

START_TEST(finds_all_faults)
{
	struct faults faults = { 0 };

	ck_assert_ptr_null(yaml_parse(
		"f.yml", SLICE("a: 1\na: 2\nb: !x 1\n---\nc: 1\nc: 2\n---\nd: [\n"), &faults));
	ck_assert_uint_eq(faults.errors, 4);
	faults_done(&faults);
	ck_assert_uint_eq(faults.count, 0);
}
END_TEST

START_TEST(faults_do_not_move_the_cursor)
{
	struct faults faults = { 0 };

	faults_add(&faults, "f", 1, 1, false, "%s", "a\x1b[2Jb\nc\x7f\xc3\xa4");
	ck_assert_str_eq(faults.list[0].text, "a?[2Jb?c?\xc3\xa4");
	faults_done(&faults);
}
END_TEST

/* A line over and over; the limit that it runs into. */
static const struct {
	const char *name;
	const char *front, *line;
	int count;
	const char *say; /* NULL: it is fine */
} hostile_rows[] = {
	{ "lists in lists", "", "[", 200000, "Max depth" },
	{ "lists in lists in block style", "", "- ", 100000, "Max depth" },
	{ "anchors", "", "- &a 1\n", 50000, "anchors" },
	{ "values", "", "- 1\n", 200000, "100000 values" },
	{ "aliases", "a: &x 1\nb:\n", "- *x\n", 50000, NULL },
	{ "too large", "", "# comment, twenty...\n", 60000, "limit 1048576" },
	{ "documents", "", "---\na: 1\n", 20000, NULL },
	{ "documents without anything", "", "---\n", 50000, NULL },
	{ "the same key", "", "a: 1\n", 3000, "duplicate key" },
	{ "keys without values", "", "? a\n", 3000, "explicit key" },
	{ "blanks", "", " ", 1000000, NULL },
	{ "exclamation marks", "", "!", 100000, "tags" },
};

START_TEST(hostile_texts_end)
{
	size_t front = strlen(hostile_rows[_i].front), line = strlen(hostile_rows[_i].line),
	       len = front;
	char *text = malloc(front + line * (size_t)hostile_rows[_i].count);
	struct faults faults = { 0 };
	struct yaml *yaml;

	ck_assert_ptr_nonnull(text);
	memcpy(text, hostile_rows[_i].front, front);
	for (int i = 0; i < hostile_rows[_i].count; i++, len += line)
		memcpy(text + len, hostile_rows[_i].line, line);
	yaml = yaml_parse("f.yml", (struct slice){ text, len }, &faults);
	ck_assert_msg(
		(faults.errors > 0) == (hostile_rows[_i].say != NULL), "%s", hostile_rows[_i].name);
	ck_assert_msg(
		faults.errors == 0 || strstr(faults.list[0].text, hostile_rows[_i].say) != NULL,
		"%s: %s", hostile_rows[_i].name, faults.list[0].text);
	yaml_free(yaml);
	faults_done(&faults);
	free(text);
}
END_TEST

/* Ten aliases of ten of ten: nothing is expanded before it is known how much it would be. */
START_TEST(aliases_expand_under_a_limit)
{
	char text[1024] = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
	struct faults faults = { 0 };

	for (char i = '1'; i <= '8'; i++) {
		char line[] = "aN: &aN [*aM, *aM, *aM, *aM, *aM, *aM, *aM, *aM, *aM, *aM]\n";

		for (char *p = line; *p != '\0'; p++)
			*p = *p == 'N' ? i : *p == 'M' ? (char)(i - 1) : *p;
		strcat(text, line);
	}
	ck_assert_ptr_null(yaml_parse("f.yml", slice_of(text), &faults));
	ck_assert_uint_eq(faults.errors, 1);
	ck_assert_ptr_nonnull(strstr(faults.list[0].text, "100000 values"));
	faults_done(&faults);
}
END_TEST

START_TEST(a_text_cut_anywhere_ends)
{
	struct slice whole = SLICE("%x\na: &x [1, {b: 'c', d: \"\\u00e4\"}]\n---\n# e\nf: |\n  "
				   "g\n\xc3\xa4: *x\n? h\n: !i j\n");

	for (size_t from = 0; from <= 3; from += 3) {
		for (size_t to = from; to <= whole.len; to++) {
			struct slice text = guard_copy(slice_sub(whole, from, to));
			struct faults faults = { 0 };
			struct yaml *yaml = yaml_parse("f.yml", text, &faults);

			ck_assert((yaml == NULL) == (faults.errors > 0));
			yaml_free(yaml);
			faults_done(&faults);
			guard_free(text);
		}
	}
}
END_TEST

static Suite *
yaml_suite(void)
{
	Suite *suite = suite_create("yaml");
	TCase *tcase = tcase_create("yaml");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, refuses_with_a_place, 0, ROWS(refusal_rows));
	tcase_add_loop_test(tcase, accepts, 0, ROWS(accept_rows));
	tcase_add_loop_test(tcase, nodes_have_places, 0, ROWS(place_rows));
	tcase_add_test(tcase, finds_all_faults);
	tcase_add_test(tcase, faults_do_not_move_the_cursor);
	tcase_add_loop_test(tcase, hostile_texts_end, 0, ROWS(hostile_rows));
	tcase_add_test(tcase, aliases_expand_under_a_limit);
	tcase_add_test(tcase, a_text_cut_anywhere_ends);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(yaml_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
