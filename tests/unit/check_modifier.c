/* What each modifier of Sigma means: a rule of one line, a command line, and whether it matches; or
 * why the line is refused.  The rule goes the whole way, from its text to a scan. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/ruleset_builder.h"
#include "tests/unit/guard.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *line;
	const char *value; /* of CommandLine; Image is C:\Windows\cmd.exe, User is absent */
	bool want;
	const char *refused; /* why */
} rows[] = {

	/* cased */
	{ "CommandLine: Abc", "aBC", true, NULL },
	{ "CommandLine|cased: Abc", "Abc", true, NULL },
	{ "CommandLine|cased: Abc", "abc", false, NULL },
	{ "CommandLine|contains|cased: 'B?d'", "xxBcdxx", true, NULL },
	{ "CommandLine|contains|cased: 'B?d'", "xxBcDxx", false, NULL },
	{ "CommandLine|cased|startswith: Ab", "Abc", true, NULL },
	{ "CommandLine|cased|startswith: Ab", "abc", false, NULL },
	{ "CommandLine|cased: '*'", "x", true, NULL },

	/* windash */
	{ "CommandLine|windash|contains: ' -enc'", "powershell -enc x", true, NULL },
	{ "CommandLine|windash|contains: ' -enc'", "powershell /ENC x", true, NULL },
	{ "CommandLine|contains|windash: ' /enc'", "powershell -enc x", true, NULL },
	{ "CommandLine|windash|contains: ' -enc'",
		"powershell \xe2\x80\x95"
		"enc x",
		true, NULL },
	{ "CommandLine|windash|contains: \" \xe2\x80\x93"
	  "enc\"",
		"powershell -enc x", true, NULL },
	{ "CommandLine|windash|contains: ' -enc'",
		"powershell \xe2\x80\x92"
		"enc x",
		false, NULL },
	{ "CommandLine|windash|contains: ' -enc'", "powershell enc x", false, NULL },
	{ "CommandLine|windash|contains: 'a-b'", "a/b", false, NULL },
	{ "CommandLine|windash|contains: '--foo'", "x -/foo", true, NULL },
	{ "CommandLine|windash|contains: 'C:/'", "C:-", false, NULL },
	{ "CommandLine|windash|contains|all: [' -a', ' -b']", "x /a /b", true, NULL },
	{ "CommandLine|windash|contains|all: [' -a', ' -b']", "x /a", false, NULL },

	/* expand */
	{ "CommandLine|expand: '%Two%'", "one", true, NULL },
	{ "CommandLine|expand: '%Two%'", "TWO", true, NULL },
	{ "CommandLine|expand: '%two%'", "two", true, NULL },
	{ "CommandLine|expand: '%Two%'", "three", false, NULL },
	{ "CommandLine|expand: '%Two%'", "%Two%", false, NULL },
	{ "CommandLine|expand: 'a %Two% b %Two%'", "a two b one", true, NULL },
	{ "CommandLine|expand: 'a %Two% b %Two%'", "a two b two c", false, NULL },
	{ "CommandLine|expand|contains: '%Two%'", "x one y", true, NULL },
	{ "CommandLine|contains|expand: '%Two%'", "x one y", true, NULL },
	{ "CommandLine|startswith|expand: '%Two%'", "one y", true, NULL },
	{ "CommandLine|startswith|expand: '%Two%'", "x one", false, NULL },
	{ "CommandLine|contains|all|expand: ['%Two%', ' y']", "x two y", true, NULL },
	{ "CommandLine|contains|all|expand: ['%Two%', ' y']", "x one two", false, NULL },
	{ "CommandLine|expand: '%Wild%'", "abcd", true, NULL },
	{ "CommandLine|expand: ['%Two%', plain]", "plain", true, NULL },
	{ "CommandLine|expand: '100%'", "100%", true, NULL },
	{ "CommandLine|expand: '50% of %%'", "50% of %%", true, NULL },
	{ "CommandLine|expand|base64: '%Two%'", "b25l", true, NULL },
	{ "CommandLine|expand|re: '^%Two%$'", "two", true, NULL },
	{ "CommandLine|neq|expand: '%Two%'", "two", false, NULL },
	{ "CommandLine|expand: '%Nobody%'", "", false, "placeholder %Nobody% has no values" },
	{ "CommandLine|windash|expand: '%Two%'", "", false,
		"'expand' cannot stand behind 'windash'" },

	/* encodings */
	{ "CommandLine|base64: ping", "cGluZw==", true, NULL },
	{ "CommandLine|base64: ping", "cgluzw==", false, NULL },
	{ "CommandLine|base64|contains: ping", "x cGluZw== y", true, NULL },
	{ "CommandLine|base64offset|contains: whoami", "IHdob2FtaQ==d2hvYW1pIA==", true, NULL },
	{ "CommandLine|base64offset|contains: whoami", "eyB3aG9hbWkg", true, NULL },
	{ "CommandLine|base64offset|contains: whoami", "xx d2hvYW1p yy", true, NULL },
	{ "CommandLine|base64offset|contains: whoami", "x dob2Fta y", true, NULL },
	{ "CommandLine|base64offset|contains: whoami", "x 3aG9hbW y", true, NULL },
	{ "CommandLine|base64offset|contains: whoami", "x D2HVYW1P y", false, NULL },
	{ "CommandLine|wide|base64offset|contains: 'cmd /c'", "-enc YwBtAGQAIAAvAGMA", true, NULL },
	{ "CommandLine|utf16le|base64offset|contains: 'cmd /c'", "-enc xxMAbQBkACAALwBjA", true,
		NULL },
	{ "CommandLine|utf16le|base64offset|contains: 'cmd /c'", "-enc jAG0AZAAgAC8AYw", true,
		NULL },
	{ "CommandLine|utf16be|base64: 'A'", "AEE=", true, NULL },
	{ "CommandLine|utf16|base64: 'A'", "//5BAA==", true, NULL },
	{ "CommandLine|wide|base64: \"\xf0\x9f\x98\x80\"", "PdgA3g==", true, NULL },
	{ "CommandLine|wide|base64: \"\xc3\xa4\"", "5AA=", true, NULL },
	{ "CommandLine|base64offset|contains|all: [whoami, ipconfig]", "d2hvYW1p", false, NULL },
	{ "CommandLine|base64offset|contains|all: [whoami, ipconfig]", "d2hvYW1p aXBjb25maW", true,
		NULL },

	/* regular expressions */
	{ "CommandLine|re: 'c[md]+ /c'", "x cmd /c", true, NULL },
	{ "CommandLine|re: 'c[md]+ /c'", "x CMD /c", false, NULL },
	{ "CommandLine|re|i: 'c[md]+ /c'", "x CMD /c", true, NULL },
	{ "CommandLine|re: '^cmd$'", "cmd\nx", false, NULL },
	{ "CommandLine|re|m: '^x$'", "cmd\nx", true, NULL },
	{ "CommandLine|re: 'd.x'", "cmd\nx", false, NULL },
	{ "CommandLine|re|s|i: 'D.x'", "cmd\nx", true, NULL },
	{ "CommandLine|re: 'a(?!b)'", "ab", false, NULL },
	{ "CommandLine|re: 'a(?!b)'", "abac", true, NULL },
	{ "CommandLine|re: '(a)\\1'", "xaay", true, NULL },
	{ "CommandLine|re: ['(a)\\1', 'zz']", "zz", true, NULL },
	{ "CommandLine|re|all: ['(a)\\1', 'zz']", "zz", false, NULL },
	{ "CommandLine|re|all: ['(a)\\1', 'zz']", "aazz", true, NULL },
	{ "CommandLine|re: '^\xc3\xa4.\xc3\xb6$'", "\xc3\xa4\xc3\xbc\xc3\xb6", true, NULL },
	{ "CommandLine|re: 'x*'", "y", true, NULL },
	{ "CommandLine|re: '\\\\x41\\*'", "\\x41*", true, NULL },

	/* numbers */
	{ "CommandLine|lt: 10", "9", true, NULL },
	{ "CommandLine|lt: 10", "10", false, NULL },
	{ "CommandLine|lte: 10", "10", true, NULL },
	{ "CommandLine|gt: 10", "11", true, NULL },
	{ "CommandLine|gt: 10", "9", false, NULL },
	{ "CommandLine|gte: [10, 20]", "15", true, NULL },
	{ "CommandLine|gte|all: [10, 20]", "15", false, NULL },
	{ "CommandLine|gte: -3", "-2", true, NULL },
	{ "CommandLine|gte: 1", "x", false, NULL },

	/* dates */
	{ "CommandLine|hour: 23", "2026-03-01 23:59:00", true, NULL },
	{ "CommandLine|hour: [22, 23]", "2026-03-01 21:59:00", false, NULL },
	{ "CommandLine|hour|gte: 22", "2026-03-01 23:59:00", true, NULL },
	{ "CommandLine|minute: 59", "2026-03-01 23:59:00", true, NULL },
	{ "CommandLine|day: 1", "2026-03-01 23:59:00", true, NULL },
	{ "CommandLine|week: 9", "2026-03-01 23:59:00", true, NULL },
	{ "CommandLine|month: 3", "2026-03-01 23:59:00", true, NULL },
	{ "CommandLine|year|lt: 2027", "2026-03-01 23:59:00", true, NULL },

	/* networks */
	{ "CommandLine|cidr: 10.0.0.0/8", "10.1.2.3", true, NULL },
	{ "CommandLine|cidr: ['fe80::/10', 10.0.0.0/8]", "192.0.2.1", false, NULL },

	/* fields */
	{ "CommandLine|fieldref: Image", "C:\\WINDOWS\\cmd.exe", true, NULL },
	{ "CommandLine|fieldref: Image", "C:\\WINDOWS\\cmd.exe x", false, NULL },
	{ "CommandLine|fieldref|startswith: Image", "C:\\WINDOWS\\cmd.exe x", true, NULL },
	{ "CommandLine|endswith|fieldref: Image", "x C:\\WINDOWS\\cmd.exe", true, NULL },
	{ "CommandLine|fieldref: User", "x", false, NULL },
	{ "CommandLine|fieldref|neq: Image", "x", true, NULL },
	{ "CommandLine|neq|fieldref: Image", "c:\\windows\\cmd.exe", false, NULL },

	/* neq and exists */
	{ "CommandLine|neq: x", "x", false, NULL },
	{ "CommandLine|neq: x", "y", true, NULL },
	{ "User|neq: x", "y", true, NULL },
	{ "CommandLine|neq: null", "y", true, NULL },
	{ "User|neq: null", "y", false, NULL },
	{ "CommandLine|neq: [x, y]", "y", false, NULL },
	{ "CommandLine|contains|neq: [x, y]", "z", true, NULL },
	{ "CommandLine|contains|all|neq: [x, y]", "x", true, NULL },
	{ "CommandLine|contains|all|neq: [x, y]", "xy", false, NULL },
	{ "CommandLine|gt|neq: 5", "4", true, NULL },
	{ "CommandLine|exists: true", "y", true, NULL },
	{ "CommandLine|exists: false", "y", false, NULL },
	{ "User|exists: true", "y", false, NULL },
	{ "User|exists: false", "y", true, NULL },
	{ "User|exists: 'No'", "", false, "takes true or false" },

	/* refused */
	{ "CommandLine|exists: [true, false]", "", false, "takes true or false" },
	{ "CommandLine|exists|all: [true, false]", "", false, "takes true or false" },
	{ "CommandLine|re: 'a('", "", false, "no regular expression, at its byte 3" },
	{ "CommandLine|re|contains: a", "", false, "'contains' cannot stand behind 're'" },
	{ "CommandLine|contains|re: a", "", false, "'re' cannot stand behind 'contains'" },
	{ "CommandLine|i: a", "", false, "'i' belongs behind 're'" },
	{ "CommandLine|re|i|i: a", "", false, "'i' stands twice" },
	{ "CommandLine|re: \"a\\0b\"", "", false, "has a NUL in it" },
	{ "CommandLine|base64: 'a*'", "", false, "has a wildcard" },
	{ "CommandLine|contains|base64: a", "", false, "'base64' cannot stand behind 'contains'" },
	{ "CommandLine|windash|base64: ' -a'", "", false,
		"'base64' cannot stand behind 'windash'" },
	{ "CommandLine|base64offset: a", "", false, "too short to be known" },
	{ "CommandLine|lt: ten", "", false, "'ten' is no number" },
	{ "CommandLine|lt|gt: 1", "", false, "'gt' cannot stand behind 'lt'" },
	{ "CommandLine|hour: 1.2.3", "", false, "is no hour; write 0 to 23" },
	{ "CommandLine|hour: 24", "", false, "'24' is no hour" },
	{ "CommandLine|hour|gte: [22, 25]", "", false, "'25' is no hour" },
	{ "CommandLine|minute: 60", "", false, "is no minute; write 0 to 59" },
	{ "CommandLine|day: 0", "", false, "is no day of a month; write 1 to 31" },
	{ "CommandLine|week: 54", "", false, "is no week" },
	{ "CommandLine|month: 13", "", false, "is no month" },
	{ "CommandLine|year: 0", "", false, "is no year" },
	{ "CommandLine|hour|minute: 1", "", false, "'minute' cannot stand behind 'hour'" },
	{ "CommandLine|cidr: 10.0.0.0/40", "", false, "'10.0.0.0/40' is no network" },
	{ "CommandLine|fieldref: Nothing", "x", false, NULL },
	{ "CommandLine|fieldref|neq: Nothing", "x", true, NULL },
	{ "CommandLine|fieldref: \"a\\0b\"", "", false, "is no name of a field" },
	{ "CommandLine|fieldref|contains: Image", "", false,
		"contains cannot be used with fieldref" },
	{ "CommandLine|contains|fieldref: Image", "", false,
		"contains cannot be used with fieldref" },
	{ "CommandLine|cased|re: a", "", false, "'re' cannot stand behind 'cased'" },
	{ "CommandLine|contains: ''", "x", true, NULL },
	{ "CommandLine|contains: [a, '']", "x", true, NULL },
	{ "CommandLine|endswith: ''", "", true, NULL },
	{ "User|contains: ''", "x", false, NULL },
	{ "CommandLine|contains: [a, null]", "", false, "null has no text" },
	{ "CommandLine|contains|all: [a, '']", "xax", true, NULL },
	{ "CommandLine|contains|all: [a, '']", "x", false, NULL },
	{ "CommandLine|cased: null", "", false, "'cased' needs a value" },
	{ "CommandLine|neq|neq: a", "", false, "stands twice" },
};

static struct ruleset *
build(const char *line, struct faults *faults)
{
	struct ruleset_builder *builder = ruleset_builder_new();
	struct ruleset *set = NULL;
	char text[1024];
	int len = snprintf(text, sizeof(text),
		"title: t\nid: 6e0a3f0e-0000-4000-8000-000000000001\nlevel: low\n"
		"logsource: {product: windows, service: sysmon}\n"
		"detection:\n  s:\n    %s\n  condition: s\n",
		line);

	ck_assert(builder != NULL && len > 0 && (size_t)len < sizeof(text));
	ruleset_builder_add(builder, "placeholders.yml",
		SLICE("placeholders: {Two: [one, two], Wild: a*d}"), faults);
	ruleset_builder_add(builder, "t.yml", (struct slice){ text, (size_t)len }, faults);
	set = ruleset_build(builder, NULL, faults);
	if (faults->errors > 0) {
		ruleset_unref(set);
		set = NULL;
	}
	ruleset_builder_free(builder);
	return set;
}

static bool
matches(const struct ruleset *set, struct slice value)
{
	struct ruleset_scratch *scratch = ruleset_scratch_new(set);
	const struct match *found;
	struct wevent event;
	size_t count;

	ck_assert_ptr_nonnull(scratch);
	wevent_clear(&event);
	event.f[F_Channel] = SLICE("Microsoft-Windows-Sysmon/Operational");
	event.f[F_Image] = SLICE("C:\\Windows\\cmd.exe");
	event.f[F_CommandLine] = guard_copy(value);
	event.f[F_EventID] = SLICE("1");
	event.event_id = 1;
	count = ruleset_match(set, scratch, &event, &found);
	guard_free(event.f[F_CommandLine]);
	ruleset_scratch_free(scratch);
	return count > 0;
}

START_TEST(means_what_the_specification_says)
{
	struct faults faults = { 0 };
	struct ruleset *set = build(rows[_i].line, &faults);
	const char *fault = faults.count > 0 ? faults.list[0].text : "";

	ck_assert_msg((set == NULL) == (rows[_i].refused != NULL), "%s: %s", rows[_i].line, fault);
	if (set != NULL)
		ck_assert_msg(matches(set, slice_of(rows[_i].value)) == rows[_i].want, "%s: %s",
			rows[_i].line, rows[_i].value);
	else
		ck_assert_msg(
			strstr(fault, rows[_i].refused) != NULL, "%s: %s", rows[_i].line, fault);
	ruleset_unref(set);
	faults_done(&faults);
}
END_TEST

/* Its list is at fault, not the rules that name it. */
START_TEST(a_placeholder_with_no_values_is_one_fault)
{
	struct ruleset_builder *builder = ruleset_builder_new();
	struct faults faults = { 0 };

	ruleset_builder_add(
		builder, "placeholders.yml", SLICE("placeholders: {None: []}"), &faults);
	ruleset_builder_add(builder, "t.yml",
		SLICE("title: t\nid: 6e0a3f0e-0000-4000-8000-000000000001\nlevel: low\n"
		      "logsource: {product: windows, service: sysmon}\n"
		      "detection:\n  s:\n    Image|expand: 'a%None%b%None%'\n  condition: s\n"),
		&faults);
	ruleset_unref(ruleset_build(builder, NULL, &faults));
	ck_assert_uint_eq(faults.errors, 1);
	ck_assert_str_eq(faults.list[0].file, "placeholders.yml");
	ck_assert_ptr_nonnull(strstr(faults.list[0].text, "the list of values is empty"));
	ruleset_builder_free(builder);
	faults_done(&faults);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("modifier");
	TCase *tcase = tcase_create("modifier");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, means_what_the_specification_says, 0, ROWS(rows));
	tcase_add_test(tcase, a_placeholder_with_no_values_is_one_fault);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
