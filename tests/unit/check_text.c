/* Sysmon's rendered message, as a last resort. */

#include <check.h>
#include <stdlib.h>

#include "parsers/text.h"
#include "tests/unit/guard.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define NOTHING SLICE_INIT("(absent)")
#define GUID "{41C8662E-1F69-5F25-0000-0010EE870200}"

static const struct row {
	const char *name;
	int32_t id;
	struct slice message;
	enum wevent_field field;
	struct slice value;
} rows[] = {
	{ "CRLF", 1,
		SLICE_INIT(
			"Process Create:\r\nRuleName: \r\nProcessId: 2964\r\nImage: C:\\a.exe\r\n"),
		F_ProcessId, SLICE_INIT("2964") },
	{ "LF", 1, SLICE_INIT("Process Create:\nProcessId: 2964\nImage: C:\\a.exe"), F_Image,
		SLICE_INIT("C:\\a.exe") },
	{ "an empty value", 1, SLICE_INIT("Process Create:\r\nRuleName: \r\nUtcTime: x\r\n"),
		F_RuleName, NOTHING },
	{ "an empty value without a blank", 1,
		SLICE_INIT("Process Create:\r\nRuleName:\r\nUtcTime: x\r\n"), F_UtcTime,
		SLICE_INIT("x") },
	{ "\"-\"", 1, SLICE_INIT("Process Create:\nRuleName: -\n"), F_RuleName, NOTHING },
	{ "a value with a colon and a blank", 1,
		SLICE_INIT("x:\nCommandLine: a User: b\nUser: c\n"), F_CommandLine,
		SLICE_INIT("a User: b") },
	{ "a value of several lines", 1, SLICE_INIT("x:\r\nCommandLine: a\r\nb\r\n\r\nUser: c"),
		F_CommandLine, SLICE_INIT("a\r\nb\r\n") },
	{ "a label that came before is text", 1,
		SLICE_INIT("x:\nImage: a\nCommandLine: b\nImage: evil\n"), F_Image,
		SLICE_INIT("a") },
	{ "the last value goes to the end", 1, SLICE_INIT("x:\nParentImage: a\nand b"),
		F_ParentImage, SLICE_INIT("a\nand b") },
	{ "a label inside another one", 1, SLICE_INIT("x:\nParentImage: a\n"), F_Image, NOTHING },
	{ "flattened", 1,
		SLICE_INIT(
			"Process Create: RuleName: UtcTime: 2020-08-01 07:53:13.181 "
			"ProcessGuid: " GUID " ProcessId: 2964 Image: C:\\a b.exe ParentImage: c"),
		F_Image, SLICE_INIT("C:\\a b.exe") },
	{ "flattened: the time keeps its blank", 1,
		SLICE_INIT("Process Create: RuleName: UtcTime: 2020-08-01 07:53:13.181 ProcessId: "
			   "2964"),
		F_UtcTime, SLICE_INIT("2020-08-01 07:53:13.181") },
	{ "flattened: an empty value", 1, SLICE_INIT("Process Create: RuleName: UtcTime: x"),
		F_RuleName, NOTHING },
	{ "a placeholder", 13, SLICE_INIT("x:\nDetails: a\nUser: %9"), F_User, NOTHING },
	{ "what stands beside a placeholder", 13, SLICE_INIT("x:\nDetails: a\nUser: %9"), F_Details,
		SLICE_INIT("a") },
	{ "the zero of the formatter", 13, SLICE_INIT("x:\nProcessId: 0\nImage: a"), F_ProcessId,
		NOTHING },
	{ "shifted: a GUID as the user", 1, SLICE_INIT("x:\nImage: a\nUser: " GUID), F_Image,
		NOTHING },
	{ "shifted: hashes without =", 1, SLICE_INIT("x:\nImage: a\nHashes: System"), F_Image,
		NOTHING },
	{ "shifted: a path as the id", 1, SLICE_INIT("x:\nProcessId: C:\\a\nImage: a"), F_Image,
		NOTHING },
	{ "shifted: a time as the GUID", 1, SLICE_INIT("x:\nProcessGuid: 2020\nImage: a"), F_Image,
		NOTHING },
	{ "registry", 13,
		SLICE_INIT(
			"Registry value set:\r\nEventType: SetValue\r\nTargetObject: HKLM\\a\r\n"),
		F_EventType, SLICE_INIT("SetValue") },
	{ "another id's label", 11, SLICE_INIT("File created:\r\nCommandLine: x\r\n"),
		F_CommandLine, NOTHING },
	{ "an id that is not known", 4, SLICE_INIT("x:\nImage: a\n"), F_Image, NOTHING },
	{ "nothing", 1, SLICE_INIT(""), F_Image, NOTHING },
	{ "labels alone", 1, SLICE_INIT("Image:\nUser:"), F_User, NOTHING },
};

static void
sysmon(struct wevent *event, int32_t id)
{
	wevent_clear(event);
	event->event_id = id;
	event->f[F_Provider_Name] = SLICE("Microsoft-Windows-Sysmon");
}

START_TEST(reads_labels)
{
	struct slice message = guard_copy(rows[_i].message), value;
	struct wevent event;

	sysmon(&event, rows[_i].id);
	text_fill(message, &event);
	value = event.f[rows[_i].field];
	if (value.ptr == NULL)
		value = (struct slice)NOTHING;
	ck_assert_msg(slice_equal(value, rows[_i].value), "%s: \"%.*s\"", rows[_i].name,
		(int)value.len, value.ptr);
	guard_free(message);
}
END_TEST

START_TEST(never_reads_past_a_cut)
{
	for (size_t len = 0; len < rows[_i].message.len; len++) {
		struct slice message = guard_copy(slice_sub(rows[_i].message, 0, len));
		struct wevent event;

		sysmon(&event, rows[_i].id);
		text_fill(message, &event);
		guard_free(message);
	}
}
END_TEST

START_TEST(fields_that_are_there_stay)
{
	struct wevent event;

	sysmon(&event, 1);
	event.f[F_Image] = SLICE("real");
	text_fill(SLICE("x:\nImage: text\nCommandLine: c"), &event);
	ck_assert(slice_equal(event.f[F_Image], SLICE("real")));
	ck_assert(slice_equal(event.f[F_CommandLine], SLICE("c")));
}
END_TEST

START_TEST(is_read_only_when_needed)
{
	struct wevent event;

	sysmon(&event, 5);
	ck_assert(text_is_needed(&event));
	event.f[F_UtcTime] = event.f[F_ProcessGuid] = event.f[F_ProcessId] = SLICE("x");
	ck_assert(text_is_needed(&event));
	event.f[F_Image] = SLICE("x");
	ck_assert(!text_is_needed(&event));
	event.event_id = 11;
	ck_assert(text_is_needed(&event));
	event.f[F_Provider_Name] = SLICE("Microsoft-Windows-Security-Auditing");
	ck_assert(!text_is_needed(&event));
}
END_TEST

static Suite *
text_suite(void)
{
	Suite *suite = suite_create("text");
	TCase *tcase = tcase_create("text");

	tcase_add_loop_test(tcase, reads_labels, 0, ROWS(rows));
	tcase_add_loop_test(tcase, never_reads_past_a_cut, 0, ROWS(rows));
	tcase_add_test(tcase, fields_that_are_there_stay);
	tcase_add_test(tcase, is_read_only_when_needed);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(text_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
