/* The operator's CSV: RFC 4180's forms, lines that are refused, and which host gets which row. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "detect/enrich.h"

static struct faults faults;

static void
clear_faults(void)
{
	faults_done(&faults);
}

/* The host's row as "column=value|column=value"; "-" when it has none. */
static const char *
row_of(const struct enrich *enrich, struct slice host)
{
	static char text[512];
	struct enrich_row row;
	size_t length = 0;

	if (!enrich_find(enrich, host, &row))
		return "-";
	text[0] = '\0';
	for (size_t i = 0; i < row.count; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s=%s",
			i > 0 ? "|" : "", row.columns[i], row.values[i]);
	return text;
}

static const struct {
	const char *what;
	const char *text;
	const char *row; /* of web01 */
	size_t errors;
	size_t warnings;
	int line; /* of the first fault */
} files[] = {
	{ "plain lines", "host,role,owner\nweb01,iis,ops\n", "role=iis|owner=ops", 0, 0, 0 },
	{ "CRLF", "host,role\r\nweb01,iis\r\n", "role=iis", 0, 0, 0 },
	{ "no line end at the end", "host,role\nweb01,iis", "role=iis", 0, 0, 0 },
	{ "a byte order mark", "\xef\xbb\xbfhost,role\nweb01,iis\n", "role=iis", 0, 0, 0 },
	{ "a byte order mark before quotes", "\xef\xbb\xbf\"host\",role\nweb01,iis\n", "role=iis",
		0, 0, 0 },
	{ "blank lines", "\n\r\nhost,role\n\n\r\nweb01,iis\n\n", "role=iis", 0, 0, 0 },
	{ "a spreadsheet's empty lines", "host,role\n,\nweb01,iis\n,\n", "role=iis", 0, 0, 0 },
	{ "commas and quotes in quotes", "host,role\n\"web01\",\"a, \"\"b\"\"\"\n", "role=a, \"b\"",
		0, 0, 0 },
	{ "a line break in quotes", "host,role\nweb01,\"a\r\nb\"\nx,y,z\n", "role=a\r\nb", 1, 0,
		4 },
	{ "an empty quoted field", "host,role,owner\nweb01,\"\",ops\n", "role=|owner=ops", 0, 0,
		0 },
	{ "fewer fields than columns", "host,role,owner\nweb01,iis\n", "role=iis|owner=", 0, 0, 0 },
	{ "blanks are part of a value", "host,role\nweb01, iis \n", "role= iis ", 0, 0, 0 },
	{ "blanks are no part of a name", " host , role \n web01 ,iis\n", "role=iis", 0, 0, 0 },
	{ "the host in any letter case", "host,role\nWEB01.,iis\n", "role=iis", 0, 0, 0 },
	{ "the first column is the host's", "name,role\nweb01,iis\n", "role=iis", 0, 0, 0 },
	{ "a column named host wherever it stands", "role,Host,owner\niis,web01,ops\n",
		"role=iis|owner=ops", 0, 0, 0 },
	{ "a carriage return inside a field", "host,role\nweb01,a\rb\n", "role=a\rb", 0, 0, 0 },
	{ "letters outside ASCII", "host,r\xc3\xb4le\nweb01,\xc3\xa9\n", "r\xc3\xb4le=\xc3\xa9", 0,
		0, 0 },

	{ "too many fields", "host,role\nweb02,a,b\nweb01,iis\n", "role=iis", 1, 0, 2 },
	{ "a line without a host", "host,role\n,iis\nweb01,iis\n", "role=iis", 1, 0, 2 },
	{ "a host of dots", "host,role\n..,iis\nweb01,iis\n", "role=iis", 1, 0, 2 },
	{ "a line too short to name its host", "role,owner,host\na,b\niis,ops,web01\n",
		"role=iis|owner=ops", 1, 0, 2 },
	{ "a quote inside a field", "host,role\nweb02,a\"b\nweb01,iis\n", "role=iis", 1, 0, 2 },
	{ "text after quotes", "host,role\nweb02,\"a\"b\nweb01,iis\n", "role=iis", 1, 0, 2 },
	{ "a carriage return after quotes", "host,role\nweb02,\"a\"\rb\nweb01,iis\n", "role=iis", 1,
		0, 2 },
	{ "quotes that do not end", "host,role\nweb02,\"a\nweb01,iis\n", "role=iis", 1, 0, 2 },
	{ "two lines for one host", "host,role\nweb01,iis\nWEB01,sql\n", "role=iis", 0, 1, 3 },
};

START_TEST(file_gives_row)
{
	struct enrich *enrich = enrich_parse("hosts.csv", slice_of(files[_i].text), &faults);

	ck_assert_msg(enrich != NULL, "%s", files[_i].what);
	ck_assert_msg(strcmp(row_of(enrich, SLICE("web01")), files[_i].row) == 0, "%s: %s",
		files[_i].what, row_of(enrich, SLICE("web01")));
	ck_assert_msg(faults.errors == files[_i].errors &&
			      faults.count == files[_i].errors + files[_i].warnings,
		"%s: %zu errors of %zu faults", files[_i].what, faults.errors, faults.count);
	if (faults.count > 0)
		ck_assert_msg(faults.list[0].line == files[_i].line, "%s: line %d", files[_i].what,
			faults.list[0].line);
	enrich_free(enrich);
}
END_TEST

static const struct {
	const char *what;
	struct slice text;
	int line;
} useless[] = {
#define USELESS(what, text, line)                            \
	{                                                    \
		(what), { (text), sizeof(text) - 1 }, (line) \
	}
	USELESS("an empty file", "", 0),
	USELESS("only blank lines", "\n\n", 0),
	USELESS("semicolons", "host;role\nweb01;iis\n", 1),
	USELESS("a column without a name", "host,,role\nweb01,a,b\n", 1),
	USELESS("two columns of one name", "host,role,role\nweb01,a,b\n", 1),
	USELESS("two columns of one name in other letters", "host,role,Role\nweb01,a,b\n", 1),
	USELESS("two columns named host", "host,host,host\nweb01,a,b\n", 1),
	USELESS("a first line with a stray quote", "host,\"role\nweb01,iis\n", 1),
	USELESS("UTF-16", "h\0o\0s\0t\0,\0r\0\n\0", 1),
	USELESS("a single-byte code page", "host,role\nweb01,B\xfcro\n", 2),
	USELESS("33 columns",
		"host,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,"
		"29,30,"
		"31,32\n",
		1),
#undef USELESS
};

START_TEST(useless_file_is_refused)
{
	struct enrich *enrich = enrich_parse("hosts.csv", useless[_i].text, &faults);

	ck_assert_msg(enrich == NULL, "%s", useless[_i].what);
	ck_assert_msg(faults.errors == 1 && faults.list[0].line == useless[_i].line,
		"%s: %zu errors, line %d", useless[_i].what, faults.errors, faults.list[0].line);
}
END_TEST

START_TEST(as_many_columns_as_allowed)
{
	struct enrich *enrich = enrich_parse("hosts.csv",
		SLICE("host,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,"
		      "27,28,29,"
		      "30,31\nweb01,a\n"),
		&faults);
	struct enrich_row row;

	ck_assert_ptr_nonnull(enrich);
	ck_assert(enrich_find(enrich, SLICE("web01"), &row));
	ck_assert_uint_eq(row.count, ENRICH_COLUMNS_MAX - 1);
	ck_assert_str_eq(row.values[30], "");
	enrich_free(enrich);
}
END_TEST

START_TEST(short_name_serves_fqdns_that_the_file_lacks)
{
	struct enrich *enrich = enrich_parse("hosts.csv",
		SLICE("host,role\nweb01,short\nweb01.corp,long\nsql01.corp,sql\n"), &faults);

	ck_assert_ptr_nonnull(enrich);
	ck_assert_str_eq(row_of(enrich, SLICE("web01")), "role=short");
	ck_assert_str_eq(row_of(enrich, SLICE("web01.corp")), "role=long");
	ck_assert_str_eq(row_of(enrich, SLICE("web01.dmz")), "role=short");
	/* The other way round nobody can tell: two domains may have an sql01. */
	ck_assert_str_eq(row_of(enrich, SLICE("sql01")), "-");
	ck_assert_str_eq(row_of(enrich, SLICE("")), "-");
	ck_assert_str_eq(row_of(enrich, SLICE(".corp")), "-");
	enrich_free(enrich);
	enrich_free(NULL);
}
END_TEST

START_TEST(every_cut_of_a_file_is_survived)
{
	static const char text[] = "host,\"r\"\"ole\"\r\nweb01,\"a,\nb\"\r\n\nweb02,c\n";

	for (size_t length = 0; length < sizeof(text); length++) {
		char *copy = malloc(length > 0 ? length : 1);

		memcpy(copy, text, length);
		enrich_free(enrich_parse("hosts.csv", (struct slice){ copy, length }, &faults));
		free(copy);
	}
}
END_TEST

START_TEST(thousands_of_hosts)
{
	static char text[256 * 1024];
	size_t length = (size_t)snprintf(text, sizeof(text), "host,role\n");
	struct enrich *enrich;

	for (int i = 0; i < 10000; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "h%d,r%d\n", i, i);
	enrich = enrich_parse("hosts.csv", (struct slice){ text, length }, &faults);
	ck_assert_ptr_nonnull(enrich);
	ck_assert_str_eq(row_of(enrich, SLICE("h9999")), "role=r9999");
	ck_assert_str_eq(row_of(enrich, SLICE("h10000")), "-");
	enrich_free(enrich);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("enrich");
	TCase *tcase = tcase_create("enrich");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, NULL, clear_faults);
	tcase_add_loop_test(tcase, file_gives_row, 0, sizeof(files) / sizeof(files[0]));
	tcase_add_loop_test(
		tcase, useless_file_is_refused, 0, sizeof(useless) / sizeof(useless[0]));
	tcase_add_test(tcase, as_many_columns_as_allowed);
	tcase_add_test(tcase, short_name_serves_fqdns_that_the_file_lacks);
	tcase_add_test(tcase, every_cut_of_a_file_is_survived);
	tcase_add_test(tcase, thousands_of_hosts);
	suite_add_tcase(suite, tcase);

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
