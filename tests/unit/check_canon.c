/* One spelling for each value, and Security's events as Sysmon's. */

#include <check.h>
#include <stdlib.h>

#include "parsers/canon.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define NOTHING SLICE_INIT("(absent)")

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

static void
is(const char *name, struct slice got, struct slice expected)
{
	if (got.ptr == NULL)
		got = (struct slice)NOTHING;
	ck_assert_msg(slice_equal(got, expected), "%s: %.*s", name, (int)got.len, got.ptr);
}

static const struct row {
	const char *name;
	enum wevent_field field;
	struct slice before, after;
} rows[] = {
#define GUID "0197231E-5645-6929-C410-000000000D00"
	{ "a GUID as Sysmon writes it", F_ProcessGuid, SLICE_INIT("{" GUID "}"),
		SLICE_INIT("{" GUID "}") },
	{ "no braces", F_ProcessGuid, SLICE_INIT(GUID), SLICE_INIT("{" GUID "}") },
	{ "small letters", F_ParentProcessGuid,
		SLICE_INIT("{0197231e-5645-6929-c410-000000000d00}"), SLICE_INIT("{" GUID "}") },
	{ "small letters, no braces", F_LogonGuid,
		SLICE_INIT("0197231e-5645-6929-c410-000000000d00"), SLICE_INIT("{" GUID "}") },
	{ "one brace", F_ProcessGuid, SLICE_INIT("{" GUID), SLICE_INIT("{" GUID) },
	{ "a letter that is no digit", F_ProcessGuid,
		SLICE_INIT("0197231g-5645-6929-c410-000000000d00"),
		SLICE_INIT("0197231g-5645-6929-c410-000000000d00") },
	{ "no GUID", F_ProcessGuid, SLICE_INIT("{x}"), SLICE_INIT("{x}") },
	{ "a logon id", F_LogonId, SLICE_INIT("0x3e7"), SLICE_INIT("0x3e7") },
	{ "capitals", F_LogonId, SLICE_INIT("0X3E7"), SLICE_INIT("0x3e7") },
	{ "zeros", F_LogonId, SLICE_INIT("0x00000000000003E7"), SLICE_INIT("0x3e7") },
	{ "zero", F_LogonId, SLICE_INIT("0x00"), SLICE_INIT("0x0") },
	{ "a uid", F_LogonId, SLICE_INIT("1000"), SLICE_INIT("1000") },
	{ "no number", F_LogonId, SLICE_INIT("0xZ"), SLICE_INIT("0xZ") },
	{ "a prefix alone", F_LogonId, SLICE_INIT("0x"), SLICE_INIT("0x") },
	{ "more than 64 bits", F_LogonId, SLICE_INIT("0x10000000000000000"),
		SLICE_INIT("0x10000000000000000") },
	{ "the computer stays as received", F_Computer, SLICE_INIT("WEB01.Corp."),
		SLICE_INIT("WEB01.Corp.") },
	{ "an image is left alone", F_Image, SLICE_INIT("C:\\A.EXE"), SLICE_INIT("C:\\A.EXE") },
};

START_TEST(spells_values)
{
	struct wevent event;

	wevent_clear(&event);
	event.f[rows[_i].field] = rows[_i].before;
	ck_assert(canon_finish(&event, arena));
	is(rows[_i].name, event.f[rows[_i].field], rows[_i].after);
}
END_TEST

static const struct {
	struct slice computer, host;
} hosts[] = {
	{ SLICE_INIT("web01"), SLICE_INIT("web01") },
	{ SLICE_INIT("WEB01.Corp.Example"), SLICE_INIT("web01.corp.example") },
	{ SLICE_INIT("web01.corp..."), SLICE_INIT("web01.corp") },
	{ SLICE_INIT(" WEB01 "), SLICE_INIT("web01") },
	{ SLICE_INIT("."), NOTHING },
	{ SLICE_INIT("\xc3\x84x"), SLICE_INIT("\xc3\x84x") },
};

START_TEST(folds_the_host)
{
	struct wevent event;

	wevent_clear(&event);
	event.f[F_Computer] = hosts[_i].computer;
	ck_assert(canon_finish(&event, arena));
	is("host", event.host, hosts[_i].host);
}
END_TEST

static const struct {
	struct slice value;
	bool present;
} values[] = {
	{ SLICE_INIT(""), false },
	{ SLICE_INIT("-"), false },
	{ SLICE_INIT("{00000000-0000-0000-0000-000000000000}"), false },
	{ SLICE_INIT("00000000-0000-0000-0000-000000000000"), false },
	{ SLICE_INIT(" "), true },
	{ SLICE_INIT("--"), true },
	{ SLICE_INIT("(Empty)"), true },
	{ SLICE_INIT("{00000000-0000-0000-0000-000000000001}"), true },
	{ SLICE_INIT("\0"), true },
};

START_TEST(knows_what_means_nothing)
{
	ck_assert_int_eq(canon_present(values[_i].value).ptr != NULL, values[_i].present);
}
END_TEST

#define DATA_MAX 8

static const struct security_row {
	const char *name;
	int32_t id;
	bool partial;
	struct {
		enum layout_data name;
		struct slice value;
	} data[DATA_MAX];
	enum wevent_field field;
	struct slice value;
} security_rows[] = {
	{ "a process", 4688, false, { { D_NewProcessName, SLICE_INIT("a") } }, F_Image,
		SLICE_INIT("a") },
	{ "its id", 4688, false, { { D_NewProcessId, SLICE_INIT("0x1A3c") } }, F_ProcessId,
		SLICE_INIT("6716") },
	{ "its id, decimal already", 4688, false, { { D_NewProcessId, SLICE_INIT("6716") } },
		F_ProcessId, SLICE_INIT("6716") },
	{ "its creator's id", 4688, false, { { D_ProcessId, SLICE_INIT("0x11ec") } },
		F_ParentProcessId, SLICE_INIT("4588") },
	{ "its creator's id is not its own", 4688, false, { { D_ProcessId, SLICE_INIT("0x11ec") } },
		F_ProcessId, NOTHING },
	{ "its creator", 4688, false, { { D_ParentProcessName, SLICE_INIT("p") } }, F_ParentImage,
		SLICE_INIT("p") },
	{ "low", 4688, false, { { D_MandatoryLabel, SLICE_INIT("S-1-16-4096") } }, F_IntegrityLevel,
		SLICE_INIT("Low") },
	{ "medium", 4688, false, { { D_MandatoryLabel, SLICE_INIT("S-1-16-8192") } },
		F_IntegrityLevel, SLICE_INIT("Medium") },
	{ "system", 4688, false, { { D_MandatoryLabel, SLICE_INIT("S-1-16-16384") } },
		F_IntegrityLevel, SLICE_INIT("System") },
	{ "the creator's user", 4688, false,
		{ { D_SubjectDomainName, SLICE_INIT("D") }, { D_SubjectUserName, SLICE_INIT("s") },
			{ D_TargetLogonId, SLICE_INIT("0x0") } },
		F_User, SLICE_INIT("D\\s") },
	{ "the target user", 4688, false,
		{ { D_SubjectUserName, SLICE_INIT("s") }, { D_TargetDomainName, SLICE_INIT("T") },
			{ D_TargetUserName, SLICE_INIT("t") },
			{ D_TargetLogonId, SLICE_INIT("0x5") } },
		F_User, SLICE_INIT("T\\t") },
	{ "the target's logon", 4688, false,
		{ { D_SubjectLogonId, SLICE_INIT("0x3e7") }, { D_TargetUserName, SLICE_INIT("t") },
			{ D_TargetLogonId, SLICE_INIT("0x5") } },
		F_LogonId, SLICE_INIT("0x5") },
	{ "a target without a logon is none", 4688, false,
		{ { D_SubjectUserName, SLICE_INIT("s") }, { D_TargetUserName, SLICE_INIT("t") },
			{ D_TargetLogonId, SLICE_INIT("0x0") } },
		F_User, SLICE_INIT("s") },
	{ "a user whose domain was cut off", 4688, true, { { D_TargetUserName, SLICE_INIT("t") } },
		F_User, NOTHING },
	{ "a target that was cut off", 4688, true,
		{ { D_SubjectDomainName, SLICE_INIT("D") },
			{ D_SubjectUserName, SLICE_INIT("s") } },
		F_User, NOTHING },
	{ "a file", 4663, false,
		{ { D_ObjectType, SLICE_INIT("File") },
			{ D_ObjectName, SLICE_INIT("C:\\x.aspx") } },
		F_TargetFilename, SLICE_INIT("C:\\x.aspx") },
	{ "who touched it", 4663, false, { { D_ProcessName, SLICE_INIT("C:\\w.exe") } }, F_Image,
		SLICE_INIT("C:\\w.exe") },
	{ "by which process", 4656, false, { { D_ProcessId, SLICE_INIT("0x10") } }, F_ProcessId,
		SLICE_INIT("16") },
	{ "for whom", 4656, false,
		{ { D_SubjectDomainName, SLICE_INIT("D") },
			{ D_SubjectUserName, SLICE_INIT("s") } },
		F_User, SLICE_INIT("D\\s") },
	{ "a key", 4656, false,
		{ { D_ObjectType, SLICE_INIT("Key") },
			{ D_ObjectName, SLICE_INIT("\\REGISTRY\\MACHINE\\SOFTWARE\\X") } },
		F_TargetObject, SLICE_INIT("HKLM\\SOFTWARE\\X") },
	{ "something else", 4656, false,
		{ { D_ObjectType, SLICE_INIT("Token") }, { D_ObjectName, SLICE_INIT("x") } },
		F_TargetObject, NOTHING },
	{ "a value", 4657, false,
		{ { D_ObjectName,
			  SLICE_INIT(
				  "\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\W3SVC") },
			{ D_ObjectValueName, SLICE_INIT("ServiceDll") } },
		F_TargetObject,
		SLICE_INIT("HKLM\\SYSTEM\\CurrentControlSet\\Services\\W3SVC\\ServiceDll") },
	{ "a user's value, with a NUL", 4657, false,
		{ { D_ObjectName, SLICE_INIT("\\Registry\\User\\S-1-5-18\\a\0b") },
			{ D_ObjectValueName, SLICE_INIT("v") } },
		F_TargetObject, SLICE_INIT("HKU\\S-1-5-18\\a\0b\\v") },
	{ "the second control set is the key's end", 4657, false,
		{ { D_ObjectName, SLICE_INIT("\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet002") },
			{ D_ObjectValueName, SLICE_INIT("v") } },
		F_TargetObject, SLICE_INIT("HKLM\\SYSTEM\\CurrentControlSet\\v") },
	{ "no control set", 4657, false,
		{ { D_ObjectName, SLICE_INIT("HKLM\\ControlSet0012\\x") } }, F_TargetObject,
		SLICE_INIT("HKLM\\ControlSet0012\\x") },
	{ "a key whose value was cut off", 4657, true, { { D_ObjectName, SLICE_INIT("HKLM\\x") } },
		F_TargetObject, NOTHING },
	{ "its data", 4657, false, { { D_NewValue, SLICE_INIT("C:\\x.dll") } }, F_Details,
		SLICE_INIT("C:\\x.dll") },
};

START_TEST(maps_security_events)
{
	const struct security_row *row = &security_rows[_i];
	struct slice data[D_MAX] = { SLICE_INIT("") };
	struct wevent event;

	data[0] = SLICE_NONE;
	for (int i = 0; i < DATA_MAX && row->data[i].value.ptr != NULL; i++)
		data[row->data[i].name] = row->data[i].value;
	wevent_clear(&event);
	event.event_id = row->id;
	event.partial = row->partial;
	event.f[F_Channel] = SLICE("security");
	ck_assert(canon_is_security(&event));
	ck_assert(canon_security(&event, data, arena));
	is(row->name, event.f[row->field], row->value);
}
END_TEST

START_TEST(security_is_a_channel)
{
	struct wevent event;

	wevent_clear(&event);
	event.event_id = 4688;
	event.f[F_Channel] = SLICE("System");
	ck_assert(!canon_is_security(&event));
	event.f[F_Channel] = SLICE("Security");
	ck_assert(canon_is_security(&event));
	event.event_id = 4689;
	ck_assert(!canon_is_security(&event));
}
END_TEST

static Suite *
canon_suite(void)
{
	Suite *suite = suite_create("canon");
	TCase *tcase = tcase_create("canon");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, spells_values, 0, ROWS(rows));
	tcase_add_loop_test(tcase, folds_the_host, 0, ROWS(hosts));
	tcase_add_loop_test(tcase, knows_what_means_nothing, 0, ROWS(values));
	tcase_add_loop_test(tcase, maps_security_events, 0, ROWS(security_rows));
	tcase_add_test(tcase, security_is_a_channel);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(canon_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
