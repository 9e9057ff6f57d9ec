/* The fields that rules name of events whose strings have no names, or whose message is all there
 * is. */

#include <check.h>
#include <stdlib.h>

#include "parsers/classic.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define NOTHING SLICE_INIT("(absent)")
#define DATA_MAX 4

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new((size_t)1 << 20);
	ck_assert_ptr_nonnull(arena);
}

static void
teardown(void)
{
	arena_free(arena);
}

#define STARTED                                                                              \
	"\tNewEngineState=Available\r\n\tPreviousEngineState=None\r\n\r\n\tSequenceNumber=1" \
	"\r\n\r\n\tHostName=ConsoleHost\r\n\tHostApplication=powershell -c a=b \r\n"         \
	"\tEngineVersion=\r\n\tCommandLine=HostName=x"
#define MODULE                                                                    \
	"CommandInvocation(Get-Process): \"Get-Process\"\r\n\r\n\r\nContext:\r\n" \
	"        Severity = Informational\r\n        Host Name = ConsoleHost\r\n" \
	"        Host Application = powershell.exe\r\n\r\n\r\nUser Data:\r\n\r\n"
#define BLOCK(text)                                                                           \
	"Creating Scriptblock text (1 of 2):\r\n" text "\r\n\r\nScriptBlock ID: 50d2dbda\r\n" \
	"Path: C:\\x.ps1"
#define CHANGED "Configuration option 'xp_cmdshell' changed from 0 to 1. Run the RECONFIGURE"

static const struct row {
	const char *name;
	const char *channel;
	const char *provider;
	int32_t id;
	bool partial;
	struct {
		enum layout_data name;
		struct slice value;
	} data[DATA_MAX];
	struct slice message;
	const char *field;
	struct slice value;
} rows[] = {
#define SQL(id) "Application", "MSSQL$INST", id, false
	{ "strings by their numbers", SQL(15457),
		{ { D_param1, SLICE_INIT("xp_cmdshell") }, { D_param2, SLICE_INIT("0") },
			{ D_param3, SLICE_INIT("1") } },
		NOTHING, "Data", SLICE_INIT("xp_cmdshell\n0\n1") },
	{ "the second of many", SQL(33205),
		{ { D_param32, SLICE_INIT("z") }, { D_param10, SLICE_INIT("y") },
			{ D_param2, SLICE_INIT("x") } },
		NOTHING, "Data", SLICE_INIT("x\ny\nz") },
	{ "one string", SQL(15281), { { D_param1, SLICE_INIT("xp_cmdshell") } },
		SLICE_INIT("SQL Server blocked access to procedure"), "Data",
		SLICE_INIT("xp_cmdshell") },
	{ "no string", SQL(15281), { { D_MAX, NOTHING } },
		SLICE_INIT("SQL Server blocked access to procedure"), "Data",
		SLICE_INIT("SQL Server blocked access to procedure") },
	{ "neither", SQL(15281), { { D_MAX, NOTHING } }, NOTHING, "Data", NOTHING },
	{ "strings of a cut record", "Application", "MSSQLSERVER", 15281, true,
		{ { D_param1, SLICE_INIT("xp_cmdshell") } }, NOTHING, "Data", NOTHING },
	{ "a message of a cut record", "Application", "MSSQLSERVER", 15281, true,
		{ { D_MAX, NOTHING } }, SLICE_INIT("m"), "Data", NOTHING },
	{ "an option by number", SQL(15457),
		{ { D_param1, SLICE_INIT("xp_cmdshell") }, { D_param2, SLICE_INIT("0") },
			{ D_param3, SLICE_INIT("1") } },
		NOTHING, "ConfigurationOption", SLICE_INIT("xp_cmdshell") },
	{ "its former value by number", SQL(15457),
		{ { D_param1, SLICE_INIT("xp_cmdshell") }, { D_param2, SLICE_INIT("0") },
			{ D_param3, SLICE_INIT("1") } },
		NOTHING, "OldValue", SLICE_INIT("0") },
	{ "an option in a list", SQL(15457),
		{ { D_Data, SLICE_INIT("show advanced options\n0\n1") } }, NOTHING,
		"ConfigurationOption", SLICE_INIT("show advanced options") },
	{ "its new value in a list", SQL(15457),
		{ { D_Data, SLICE_INIT("show advanced options\n0\n1") } }, NOTHING, "NewValue",
		SLICE_INIT("1") },
	{ "a list of one", SQL(15457), { { D_Data, SLICE_INIT("x") } }, NOTHING, "NewValue",
		NOTHING },
	{ "an option in the message", SQL(15457), { { D_MAX, NOTHING } }, SLICE_INIT(CHANGED),
		"ConfigurationOption", SLICE_INIT("xp_cmdshell") },
	{ "its former value in the message", SQL(15457), { { D_MAX, NOTHING } },
		SLICE_INIT(CHANGED), "OldValue", SLICE_INIT("0") },
	{ "its new value in the message", SQL(15457), { { D_MAX, NOTHING } }, SLICE_INIT(CHANGED),
		"NewValue", SLICE_INIT("1") },
	{ "a message that ends early", SQL(15457), { { D_MAX, NOTHING } },
		SLICE_INIT("Configuration option 'xp_cmdshell' changed from 0 to 1"), "OldValue",
		NOTHING },
	{ "another message", SQL(15457), { { D_MAX, NOTHING } }, SLICE_INIT("x " CHANGED),
		"NewValue", NOTHING },
	{ "another id", SQL(15458), { { D_param1, SLICE_INIT("xp_cmdshell") } }, NOTHING,
		"ConfigurationOption", NOTHING },
	{ "another provider", "Application", "x", 15457, false,
		{ { D_param1, SLICE_INIT("xp_cmdshell") } }, NOTHING, "ConfigurationOption",
		NOTHING },

	{ "a cmdlet", "MSExchange Management", "MSExchange CmdletLogs", 1, false,
		{ { D_param1, SLICE_INIT("Set-OabVirtualDirectory") },
			{ D_param2, SLICE_INIT("-ExternalUrl \"x\"") } },
		SLICE_INIT("m"), "Data",
		SLICE_INIT("Set-OabVirtualDirectory\n-ExternalUrl \"x\"") },
	{ "a cmdlet's message", "MSExchange Management", "MSExchange Management", 6, false,
		{ { D_MAX, NOTHING } }, SLICE_INIT("Cmdlet failed. Cmdlet Install-TransportAgent"),
		"Data", SLICE_INIT("Cmdlet failed. Cmdlet Install-TransportAgent") },

#define POSH(id) "Windows PowerShell", "PowerShell", id, false
	{ "PowerShell's strings", POSH(400),
		{ { D_param1, SLICE_INIT("Available") }, { D_param3, SLICE_INIT(STARTED) } },
		NOTHING, "Data", SLICE_INIT("Available\n" STARTED) },
	{ "what runs PowerShell", POSH(400), { { D_param3, SLICE_INIT(STARTED) } }, NOTHING,
		"HostApplication", SLICE_INIT("powershell -c a=b") },
	{ "the first counts", POSH(400), { { D_param3, SLICE_INIT(STARTED) } }, NOTHING, "HostName",
		SLICE_INIT("ConsoleHost") },
	{ "no version", POSH(400), { { D_param3, SLICE_INIT(STARTED) } }, NOTHING, "EngineVersion",
		NOTHING },
	{ "in the message", POSH(600), { { D_MAX, NOTHING } },
		SLICE_INIT("Provider \"x\" is Started.\n\nDetails:\n" STARTED), "HostApplication",
		SLICE_INIT("powershell -c a=b") },
	{ "in a list", POSH(800), { { D_Data, SLICE_INIT("Get-Process\n" STARTED "\nx") } },
		NOTHING, "HostApplication", SLICE_INIT("powershell -c a=b") },
	{ "in another channel", "Application", "x", 400, false,
		{ { D_param3, SLICE_INIT(STARTED) } }, NOTHING, "HostApplication", NOTHING },

#define OPERATIONAL(id) \
	"Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", id, false
	{ "the module log's payload in the message", OPERATIONAL(4103), { { D_MAX, NOTHING } },
		SLICE_INIT(MODULE), "Payload",
		SLICE_INIT("CommandInvocation(Get-Process): \"Get-Process\"") },
	{ "its host in the message", OPERATIONAL(4103), { { D_MAX, NOTHING } }, SLICE_INIT(MODULE),
		"HostApplication", SLICE_INIT("powershell.exe") },
	{ "its host in the context", OPERATIONAL(4103),
		{ { D_ContextInfo, SLICE_INIT(" Host Application = a\r\n Engine Version = 5.1") } },
		SLICE_INIT(MODULE), "HostApplication", SLICE_INIT("a") },
	{ "its version in the context", OPERATIONAL(4103),
		{ { D_ContextInfo, SLICE_INIT(" Host Application = a\r\n Engine Version = 5.1") } },
		NOTHING, "EngineVersion", SLICE_INIT("5.1") },
	{ "another language's payload", OPERATIONAL(4103), { { D_MAX, NOTHING } },
		SLICE_INIT("x\nKontext:\n Schweregrad = Informational"), "Payload",
		SLICE_INIT("x\nKontext:\n Schweregrad = Informational") },
	{ "another language's context", OPERATIONAL(4103), { { D_MAX, NOTHING } },
		SLICE_INIT("x\nKontext:\n Schweregrad = Informational"), "ContextInfo",
		SLICE_INIT("x\nKontext:\n Schweregrad = Informational") },
	{ "no strings without names", OPERATIONAL(4103), { { D_MAX, NOTHING } }, SLICE_INIT(MODULE),
		"Data", NOTHING },
	{ "a script block's id in the message", OPERATIONAL(4104), { { D_MAX, NOTHING } },
		SLICE_INIT(BLOCK("x")), "ScriptBlockId", SLICE_INIT("50d2dbda") },
	{ "its path in the message", OPERATIONAL(4104), { { D_MAX, NOTHING } },
		SLICE_INIT(BLOCK("ScriptBlock ID: y\nPath: z")), "Path", SLICE_INIT("C:\\x.ps1") },
	{ "its number in the message", OPERATIONAL(4104), { { D_MAX, NOTHING } },
		SLICE_INIT(BLOCK("x")), "MessageNumber", SLICE_INIT("1") },
	{ "its count in the message", OPERATIONAL(4104), { { D_MAX, NOTHING } },
		SLICE_INIT(BLOCK("x")), "MessageTotal", SLICE_INIT("2") },
	{ "no count in the message", OPERATIONAL(4104), { { D_MAX, NOTHING } },
		SLICE_INIT("Creating Scriptblock text (\nScriptBlock ID: x"), "MessageTotal",
		NOTHING },
};

/* An event of which rules name one field. */
static struct slice
map(const struct row *row, struct wevent *event)
{
	struct slice data[D_MAX] = { SLICE_INIT("") }, field = slice_of(row->field);
	struct slice message =
		slice_equal(row->message, SLICE("(absent)")) ? SLICE_NONE : row->message;
	struct wevent_names *names = wevent_names_new(&field, 1);
	struct slice value = SLICE_NONE;

	data[0] = SLICE_NONE;
	for (int i = 0; i < DATA_MAX && row->data[i].value.ptr != NULL; i++) {
		if (row->data[i].name != D_MAX)
			data[row->data[i].name] = row->data[i].value;
	}
	wevent_clear(event);
	event->event_id = row->id;
	event->partial = row->partial;
	event->f[F_Channel] = slice_of(row->channel);
	event->f[F_Provider_Name] = slice_of(row->provider);
	event->more = &value;
	event->more_count = 1;
	ck_assert(classic_is_needed(event));
	ck_assert(classic_map(event, data, message, names, arena));
	wevent_names_free(names);
	return value;
}

START_TEST(fills_fields)
{
	const struct row *row = &rows[_i];
	struct wevent event;
	struct slice got = map(row, &event);

	if (got.ptr == NULL)
		got = (struct slice)NOTHING;
	ck_assert_msg(slice_equal(got, row->value), "%s: %.*s", row->name, (int)got.len, got.ptr);
}
END_TEST

static const struct {
	struct slice message, text;
} blocks[] = {
	{ SLICE_INIT(BLOCK("Get-Process\r\n  | x\r\n")), SLICE_INIT("Get-Process\r\n  | x\r\n") },
	{ SLICE_INIT(BLOCK("ScriptBlock ID: y\nPath: z")),
		SLICE_INIT("ScriptBlock ID: y\nPath: z") },
	{ SLICE_INIT("Creating Scriptblock text (1 of 1):\nx\n\nScriptBlock ID: y\nPath: "),
		SLICE_INIT("x") },
	{ SLICE_INIT("Creating Scriptblock text (1 of 1):\nx\n"), NOTHING },
	{ SLICE_INIT("Creating Scriptblock text (1 of 1):\n\n\nScriptBlock ID: y"), NOTHING },
	{ SLICE_INIT("x\nScriptBlock ID: y"), NOTHING },
	{ SLICE_INIT(""), NOTHING },
};

START_TEST(finds_the_script_in_the_message)
{
	struct row row = { "script", OPERATIONAL(4104), { { D_MAX, NOTHING } }, blocks[_i].message,
		"x", NOTHING };
	struct wevent event;
	struct slice got;

	(void)map(&row, &event);
	got = event.f[F_ScriptBlockText];
	if (got.ptr == NULL)
		got = (struct slice)NOTHING;
	ck_assert_msg(slice_equal(got, blocks[_i].text), "%.*s", (int)got.len, got.ptr);
}
END_TEST

START_TEST(is_for_events_without_names)
{
	struct slice value = SLICE_NONE;
	struct wevent event;

	wevent_clear(&event);
	event.f[F_Channel] = SLICE("Application");
	ck_assert(!classic_is_needed(&event));
	event.more = &value;
	event.more_count = 1;
	ck_assert(classic_is_needed(&event));
	event.f[F_Channel] = SLICE("security");
	ck_assert(!classic_is_needed(&event));
	event.f[F_Channel] = SLICE("Microsoft-Windows-Sysmon/Operational");
	ck_assert(!classic_is_needed(&event));
}
END_TEST

static Suite *
classic_suite(void)
{
	Suite *suite = suite_create("classic");
	TCase *tcase = tcase_create("classic");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, fills_fields, 0, ROWS(rows));
	tcase_add_loop_test(tcase, finds_the_script_in_the_message, 0, ROWS(blocks));
	tcase_add_test(tcase, is_for_events_without_names);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(classic_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
