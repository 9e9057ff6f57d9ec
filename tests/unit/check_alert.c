/* Alerts: what stands in one, which bytes it survives, and ids that stay. */

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "detect/alert.h"
#include "parsers/utf8.h"

#define RECEIVED INT64_C(1773470416500000) /* 2026-03-14T06:40:16.500Z */
#define TIME INT64_C(1773470415931000)
#define POOL "c:\\windows\\system32\\inetsrv\\w3wp.exe -ap \"DefaultAppPool\" -v \"v4.0\""

static const char *const shell_techniques[] = { "T1505.003", "T9999", NULL };
static const char *const shell_tags[] = { "attack.t1505.003", NULL };
static const char *const shell_falsepositives[] = { "Administrators", NULL };
static const char *const shell_field_names[] = { "LogonId", "Unknown", NULL };
static const enum wevent_field shell_fields[] = { F_LogonId, F_MAX };
static const char *const no_techniques[] = { NULL };
static const struct rule shell = {
	.id = "11111111-2222-4333-8444-555555555555",
	.title = "Web Server Starts a Shell",
	.detection_type = "WebShell_ChildProcess",
	.severity = SEVERITY_CRITICAL,
	.core = true,
	.status = "test",
	.techniques = shell_techniques,
	.tags = shell_tags,
	.falsepositives = shell_falsepositives,
	.field_names = shell_field_names,
	.fields = shell_fields,
};
static const struct rule whoami = {
	.id = "66666666-2222-4333-8444-555555555555",
	.title = "Whoami",
	.detection_type = "Recon",
	.severity = SEVERITY_LOW,
	.techniques = no_techniques,
	.tags = no_techniques,
	.falsepositives = no_techniques,
	.field_names = no_techniques,
	.index = 1,
};

static struct arena *arena;
static struct faults faults;
static struct attack *attack;
static struct alert_settings settings;
static struct alert_source source;
static struct host_state state;
static struct wevent event;
static struct match match;

static void
set_up(void)
{
	arena = arena_new(16 * 1024 * 1024);
	attack = attack_parse("attack.tsv", SLICE("T1505.003\tWeb Shell\tpersistence\n"), &faults);
	settings = (struct alert_settings){
		.mode = ALERT_PER_EVENT,
		.raw = true,
		.raw_max = 65536,
		.attack = attack,
		.collector = "log01",
		.version = "0.1",
	};
	source = (struct alert_source){
		.input = SLICE("tcp-514"),
		.peer = SLICE("192.0.2.7:50000"),
		.address = SLICE("192.0.2.7"),
		.received = RECEIVED,
	};
	state = (struct host_state){ .first_seen = RECEIVED, .last_seen = STAMP_NONE, .events = 1 };
	memcpy(state.address, "192.0.2.7", 9);

	wevent_clear(&event);
	event.event_id = 1;
	event.layout = LAYOUT_WINLOGBEAT;
	event.time = TIME;
	event.host = SLICE("web01.corp");
	event.raw = SLICE("{\"event_id\":1}");
	event.f[F_EventID] = SLICE("1");
	event.f[F_Channel] = SLICE("Microsoft-Windows-Sysmon/Operational");
	event.f[F_Provider_Name] = SLICE("Microsoft-Windows-Sysmon");
	event.f[F_EventRecordID] = SLICE("48240");
	event.f[F_User] = SLICE("IIS APPPOOL\\Default");
	event.f[F_Image] = SLICE("C:\\Windows\\System32\\cmd.exe");
	event.f[F_CommandLine] = SLICE("cmd.exe /c whoami");
	event.f[F_ParentImage] = SLICE("C:\\Windows\\System32\\inetsrv\\w3wp.exe");
	event.f[F_ParentCommandLine] = SLICE(POOL);
	event.f[F_ProcessGuid] = SLICE("{9531985D-5D9D-C9F8-1818-E811892F902B}");
	event.f[F_ProcessId] = SLICE("1950");
	event.f[F_LogonId] = SLICE("0x3e7");

	match = (struct match){ .rule = &shell, .severity = SEVERITY_CRITICAL, .matched_count = 1 };
	match.matched[0].field = F_Image;
	match.matched[0].name = "Image";
	match.matched[0].pattern = SLICE("\\cmd.exe");
}

static void
tear_down(void)
{
	attack_free(attack);
	faults_done(&faults);
	arena_free(arena);
}

/* The alert's JSON as a string; it must be valid JSON on one line, in valid UTF-8. */
static const char *
build(const struct match *const *matches, size_t count, struct alert *alert)
{
	yajl_handle parser = yajl_alloc(NULL, NULL, NULL);
	char event_id[ALERT_ID_MAX];
	char *text;

	ck_assert_int_eq(alert_event_id(&event, event_id), 0);
	ck_assert_int_eq(alert_build(&settings, &source, &event, event_id, &state, matches, count,
				 arena, alert),
		0);
	ck_assert_int_eq(
		yajl_parse(parser, (const unsigned char *)alert->json.ptr, alert->json.len),
		yajl_status_ok);
	ck_assert_int_eq(yajl_complete_parse(parser), yajl_status_ok);
	yajl_free(parser);
	ck_assert_uint_eq(utf8_valid(alert->json), alert->json.len);
	for (size_t i = 0; i < alert->json.len; i++)
		if ((unsigned char)alert->json.ptr[i] < 0x20)
			ck_abort_msg("a control character at %zu", i);

	text = arena_alloc(arena, alert->json.len + 1);
	memcpy(text, alert->json.ptr, alert->json.len);
	text[alert->json.len] = '\0';
	return text;
}

static const char *
build_one(void)
{
	const struct match *matches[] = { &match };
	struct alert alert;

	return build(matches, 1, &alert);
}

#define HAS(json, part) ck_assert_msg(strstr((json), (part)) != NULL, "%s\nin %s", (part), (json))
#define HAS_NOT(json, part) \
	ck_assert_msg(strstr((json), (part)) == NULL, "%s\nin %s", (part), (json))

START_TEST(alert_has_all_keys_in_order)
{
	const struct match other = { .rule = &whoami, .severity = SEVERITY_LOW };
	const struct match *matches[] = { &match, &other };
	struct alert alert;
	const char *json = build(matches, 2, &alert);
	const char *expected =
		"\"schema\":\"1\",\"_time\":\"2026-03-14T06:40:15.931Z\",\"host\":\"web01.corp\","
		"\"User\":\"IIS APPPOOL\\\\Default\","
		"\"Image\":\"C:\\\\Windows\\\\System32\\\\cmd.exe\",\"CommandLine\":\"cmd.exe /c "
		"whoami\","
		"\"ParentImage\":\"C:\\\\Windows\\\\System32\\\\inetsrv\\\\w3wp.exe\","
		"\"ParentCommandLine\":\"c:\\\\windows\\\\system32\\\\inetsrv\\\\w3wp.exe -ap "
		"\\\"DefaultAppPool\\\" -v \\\"v4.0\\\"\","
		"\"TargetFilename\":null,\"TargetObject\":null,\"Details\":null,"
		"\"DetectionType\":\"WebShell_ChildProcess\",\"SeverityRating\":\"Critical\","
		"\"EventCode\":1,\"EventRecordID\":48240,"
		"\"Channel\":\"Microsoft-Windows-Sysmon/Operational\","
		"\"Provider_Name\":\"Microsoft-Windows-Sysmon\","
		"\"rule\":{\"id\":\"11111111-2222-4333-8444-555555555555\","
		"\"title\":\"Web Server Starts a "
		"Shell\",\"level\":\"critical\",\"status\":\"test\","
		"\"tags\":[\"attack.t1505.003\"],\"falsepositives\":[\"Administrators\"]},"
		"\"techniques\":[{\"id\":\"T1505.003\",\"name\":\"Web "
		"Shell\",\"tactics\":[\"persistence\"]},"
		"{\"id\":\"T9999\",\"name\":null,\"tactics\":[]}],"
		"\"severity_number\":5,"
		"\"message\":\"Critical WebShell_ChildProcess on web01.corp: w3wp.exe started "
		"cmd.exe /c "
		"whoami as IIS APPPOOL\\\\Default\","
		"\"matched\":[{\"field\":\"Image\",\"value\":\"C:\\\\Windows\\\\System32\\\\cmd."
		"exe\","
		"\"pattern\":\"\\\\cmd.exe\"}],"
		"\"collector\":{\"name\":\"log01\",\"version\":\"0.1\",\"input\":\"tcp-514\","
		"\"peer\":\"192.0.2.7:50000\",\"received\":\"2026-03-14T06:40:16.500Z\","
		"\"layout\":\"winlogbeat\"},"
		"\"host_state\":{\"first_seen\":\"2026-03-14T06:40:16.500Z\",\"last_seen\":null,"
		"\"events\":1,\"alerts\":0,\"address\":\"192.0.2.7\"},"
		"\"ProcessGuid\":\"{9531985D-5D9D-C9F8-1818-E811892F902B}\",\"ProcessId\":1950,"
		"\"LogonId\":\"0x3e7\",\"app_pool\":\"DefaultAppPool\","
		"\"fields\":{\"LogonId\":\"0x3e7\",\"Unknown\":null},"
		"\"rules\":[{\"id\":\"66666666-2222-4333-8444-555555555555\",\"title\":\"Whoami\","
		"\"level\":\"low\",\"DetectionType\":\"Recon\"}],"
		"\"event_raw\":\"{\\\"event_id\\\":1}\"}";

	ck_assert_uint_eq(strlen(alert.id), 32);
	ck_assert_uint_eq(strlen(alert.event_id), 32);
	ck_assert_ptr_eq(alert.rule, &shell);
	ck_assert_int_eq(alert.severity, SEVERITY_CRITICAL);
	ck_assert_int_eq(alert.time, TIME);
	ck_assert(slice_equal(alert.message,
		SLICE("Critical WebShell_ChildProcess on web01.corp: w3wp.exe started cmd.exe /c "
		      "whoami as IIS APPPOOL\\Default")));
	ck_assert_str_eq(strstr(json, "\"schema\""), expected);
	ck_assert_int_eq(strncmp(json, "{\"id\":\"", 7), 0);
	ck_assert_int_eq(strncmp(json + 7, alert.id, 32), 0);
	ck_assert_int_eq(strncmp(json + 39, "\",\"event_id\":\"", 14), 0);
	ck_assert_int_eq(strncmp(json + 53, alert.event_id, 32), 0);
}
END_TEST

START_TEST(absent_values_are_null_or_left_out)
{
	const char *json;

	wevent_clear(&event);
	event.host = SLICE("web01");
	source.peer = SLICE_NONE;
	settings.attack = NULL;
	state = (struct host_state){ .first_seen = STAMP_NONE, .last_seen = STAMP_NONE };
	match.matched_count = 0;
	json = build_one();
	HAS(json, "\"_time\":\"2026-03-14T06:40:16.500Z\"");
	HAS(json, "\"User\":null,\"Image\":null,\"CommandLine\":null,\"ParentImage\":null,"
		  "\"ParentCommandLine\":null,\"TargetFilename\":null,\"TargetObject\":null,"
		  "\"Details\":null,");
	HAS(json, "\"EventCode\":null,\"EventRecordID\":null,\"Channel\":null,\"Provider_Name\":"
		  "null");
	HAS(json, "\"matched\":[]");
	HAS(json, "\"peer\":null");
	HAS(json, "\"first_seen\":null,\"last_seen\":null,\"events\":0,\"alerts\":0,\"address\":"
		  "null},\"fields\":{\"LogonId\":null,\"Unknown\":null}}");
	HAS(json, "{\"id\":\"T1505.003\",\"name\":null,\"tactics\":[]}");
	HAS_NOT(json, "ProcessGuid");
	HAS_NOT(json, "event_raw");
	HAS_NOT(json, "rules");
	HAS_NOT(json, "partial");
}
END_TEST

START_TEST(empty_is_not_absent)
{
	event.f[F_CommandLine] = SLICE("");
	HAS(build_one(), "\"CommandLine\":\"\"");
}
END_TEST

START_TEST(known_fields_and_flags_follow)
{
	struct enrich *enrich = enrich_parse(
		"hosts.csv", SLICE("host,role,note\nweb01,iis,\"a \"\"b\"\"\"\n"), &faults);
	const char *json;

	settings.enrich = enrich;
	event.partial = true;
	event.repaired = true;
	event.f[F_ParentProcessGuid] = SLICE("{A}");
	event.f[F_ParentProcessId] = SLICE("0x1a");
	event.f[F_ParentUser] = SLICE("u");
	event.f[F_OriginalFileName] = SLICE("Cmd.Exe");
	event.f[F_CurrentDirectory] = SLICE("C:\\");
	event.f[F_IntegrityLevel] = SLICE("High");
	event.f[F_LogonId] = SLICE("1000");
	event.f[F_Hashes] = SLICE("MD5=0");
	event.f[F_RuleName] = SLICE("r");
	json = build_one();
	HAS(json, "\"ProcessId\":1950,\"ParentProcessGuid\":\"{A}\",\"ParentProcessId\":\"0x1a\","
		  "\"ParentUser\":\"u\",\"OriginalFileName\":\"Cmd.Exe\",\"CurrentDirectory\":\"C:"
		  "\\\\\","
		  "\"IntegrityLevel\":\"High\",\"LogonId\":\"1000\",\"Hashes\":\"MD5=0\","
		  "\"RuleName\":\"r\",\"app_pool\":\"DefaultAppPool\",\"fields\":{\"LogonId\":"
		  "\"1000\",\"Unknown\":null},\"partial\":true,"
		  "\"repaired\":true,"
		  "\"host_info\":{\"role\":\"iis\",\"note\":\"a \\\"b\\\"\"},\"event_raw\"");
	enrich_free(enrich);
}
END_TEST

static const struct {
	struct slice value;
	const char *json;
} record_ids[] = {
	{ { "0", 1 }, "\"EventRecordID\":0," },
	{ { "9007199254740992", 16 }, "\"EventRecordID\":9007199254740992," },
	{ { "9007199254740993", 16 }, "\"EventRecordID\":\"9007199254740993\"," },
	{ { "99999999999999999999", 20 }, "\"EventRecordID\":\"99999999999999999999\"," },
	{ { "-1", 2 }, "\"EventRecordID\":\"-1\"," },
	{ { "12x", 3 }, "\"EventRecordID\":\"12x\"," },
	{ { "", 0 }, "\"EventRecordID\":\"\"," },
};

START_TEST(record_id_is_a_number_where_it_is_one)
{
	event.f[F_EventRecordID] = record_ids[_i].value;
	HAS(build_one(), record_ids[_i].json);
}
END_TEST

/* In every place where the input's bytes go. */
START_TEST(any_byte_comes_out_as_json)
{
	char bytes[1024];
	struct slice value = { bytes, sizeof(bytes) };
	unsigned seed = (unsigned)_i;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		seed = seed * 1103515245 + 12345;
		bytes[i] = (char)(_i == 0 ? i : seed >> 16);
	}
	for (size_t i = 0; i < F_MAX; i++)
		event.f[i] = value;
	event.host = value;
	event.raw = value;
	source.peer = value;
	source.input = value;
	memcpy(state.address, bytes, sizeof(state.address));
	match.matched[0].pattern = value;
	build_one();
}
END_TEST

START_TEST(bad_bytes_are_replaced_and_control_characters_escaped)
{
	event.f[F_CommandLine] = SLICE("a\xff\0\x1b\x7f\"\\/b\xed\xa0\x80");
	HAS(build_one(), "\"CommandLine\":\"a\xef\xbf\xbd\\u0000\\u001B\x7f\\\"\\\\/b\xef\xbf\xbd");
}
END_TEST

START_TEST(sentence_stays_on_one_line)
{
	event.f[F_CommandLine] =
		SLICE("cmd\r\n\x1b[31m\x7f\xc2\x9b\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6\xc3\xa9");
	HAS(build_one(), "w3wp.exe started cmd???[31m?????\xc3\xa9 as ");
}
END_TEST

static const struct {
	const char *what;
	struct {
		enum wevent_field field;
		struct slice value;
	} set[6];
	int32_t event_id;
	const char *said;
} deeds[] = {
#define S(literal)                             \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}
	{ "a program without a command line",
		{ { F_ParentImage, S("/usr/sbin/apache2") }, { F_Image, S("/bin/sh") } }, 1,
		"apache2 started sh" },
	{ "a command line that does not name its program",
		{ { F_ParentImage, S("/usr/sbin/apache2") }, { F_Image, S("/bin/sh") },
			{ F_CommandLine, S("-c id") }, { F_User, S("www-data") } },
		1, "apache2 started sh: -c id as www-data" },
	{ "a command line that names it without its suffix",
		{ { F_ParentImage, S("C:\\w.exe") }, { F_Image, S("C:\\Windows\\CMD.EXE") },
			{ F_CommandLine, S("cmd /c dir") } },
		1, "w.exe started cmd /c dir" },
	{ "a process without its parent",
		{ { F_Image, S("C:\\Windows\\cmd.exe") }, { F_CommandLine, S("cmd /c dir") } },
		4688, "on web01.corp: cmd /c dir" },
	{ "a file written",
		{ { F_Image, S("C:\\a\\powershell.exe") }, { F_TargetFilename, S("C:\\w\\x.aspx") },
			{ F_User, S("CORP\\u") } },
		11, "powershell.exe wrote C:\\\\w\\\\x.aspx as CORP\\\\u" },
	{ "a file deleted", { { F_Image, S("System") }, { F_TargetFilename, S("C:\\x") } }, 23,
		"System deleted C:\\\\x" },
	{ "a file of which nothing more is known", { { F_TargetFilename, S("C:\\x") } }, 4663,
		"a process touched C:\\\\x" },
	{ "a value set",
		{ { F_Image, S("C:\\reg.exe") }, { F_TargetObject, S("HKLM\\S\\x") },
			{ F_Details, S("C:\\m.dll") } },
		13, "reg.exe set HKLM\\\\S\\\\x to C:\\\\m.dll" },
	{ "a key changed", { { F_Image, S("C:\\reg.exe") }, { F_TargetObject, S("HKLM\\S") } }, 12,
		"reg.exe changed HKLM\\\\S" },
	{ "anything else", { { F_EventID, S("4104") }, { F_Channel, S("PowerShell/Operational") } },
		4104, "event 4104 of PowerShell/Operational" },
#undef S
};

START_TEST(sentence_tells_the_deed)
{
	const char *json;

	wevent_clear(&event);
	event.host = SLICE("web01.corp");
	event.event_id = deeds[_i].event_id;
	for (size_t i = 0; i < 6 && deeds[_i].set[i].value.ptr != NULL; i++)
		event.f[deeds[_i].set[i].field] = deeds[_i].set[i].value;
	json = build_one();
	ck_assert_msg(strstr(json, deeds[_i].said) != NULL, "%s: %s", deeds[_i].what, json);
}
END_TEST

START_TEST(long_values_are_cut_where_they_illustrate_only)
{
	char *value = arena_alloc(arena, 10001);
	const char *json, *matched;

	memset(value, 'a', 10001);
	/* Two-byte characters at an odd offset: a cut at an even limit would fall into one. */
	for (size_t i = 1; i < 10001; i += 2)
		memcpy(value + i, "\xc3\xa9", 2);
	event.f[F_CommandLine] = (struct slice){ value, 10001 };
	match.matched[0].field = F_CommandLine;
	match.matched[0].name = "CommandLine";
	json = build_one();
	matched = strstr(json, "\"matched\":[{\"field\":\"CommandLine\",\"value\":\"");
	ck_assert_ptr_nonnull(matched);
	matched += strlen("\"matched\":[{\"field\":\"CommandLine\",\"value\":\"");
	ck_assert_uint_eq(strcspn(matched, "\""), 4095 + 3);
	ck_assert_int_eq(strncmp(matched + 4093, "\xc3\xa9\xe2\x80\xa6\"", 6), 0);
	/* The column itself is whole. */
	ck_assert_uint_eq(strcspn(strstr(json, "\"CommandLine\":\"") + 15, "\""), 10001);
}
END_TEST

START_TEST(longest_sentence_fits)
{
	char *value = arena_alloc(arena, 5000);

	memset(value, 'x', 5000);
	for (size_t i = 0; i < F_MAX; i++)
		event.f[i] = (struct slice){ value, 5000 };
	event.f[F_TargetFilename] = event.f[F_TargetObject] = SLICE_NONE;
	event.f[F_Image] = (struct slice){ arena_copy(arena, event.f[F_Image]).ptr, 5000 };
	memset((char *)(uintptr_t)event.f[F_Image].ptr, 'y', 5000);
	event.f[F_User] = SLICE("the user");
	HAS(build_one(), " as the user\"");
}
END_TEST

static const struct {
	const char *what;
	struct slice raw;
	size_t max;
	const char *json;
} raws[] = {
#define S(literal)                             \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}
	{ "shorter than the bound", S("abc"), 4, "\"event_raw\":\"abc\"}" },
	{ "as long as the bound", S("abcd"), 4, "\"event_raw\":\"abcd\"}" },
	{ "longer", S("abcde"), 4, "\"event_raw\":\"abcd\",\"event_raw_cut\":true}" },
	{ "cut in a character", S("abc\xc3\xa9"), 4,
		"\"event_raw\":\"abc\",\"event_raw_cut\":true}" },
	{ "cut behind a character", S("ab\xc3\xa9z"), 4,
		"\"event_raw\":\"ab\xc3\xa9\",\"event_raw_cut\":true}" },
	{ "longer after repair", S("ab\xff\xff"), 5,
		"\"event_raw\":\"ab\xef\xbf\xbd\",\"event_raw_cut\":true}" },
	{ "a bound of nothing", S("abc"), 0, "\"event_raw\":\"\",\"event_raw_cut\":true}" },
	{ "the largest bound", S("abc"), SIZE_MAX, "\"event_raw\":\"abc\"}" },
#undef S
};

START_TEST(raw_record_is_bounded)
{
	const char *json;

	event.raw = raws[_i].raw;
	settings.raw_max = raws[_i].max;
	json = build_one();
	ck_assert_msg(strstr(json, raws[_i].json) != NULL, "%s: %s", raws[_i].what, json);
}
END_TEST

START_TEST(raw_record_can_be_switched_off)
{
	settings.raw = false;
	HAS_NOT(build_one(), "event_raw");
}
END_TEST

static const struct {
	const char *what;
	struct slice parent_line;
	struct slice line;
	bool process;
	const char *pool; /* NULL: none */
} pools[] = {
#define S(literal)                             \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}
#define NONE            \
	{               \
		NULL, 0 \
	}
	{ "quoted", S("w3wp.exe -ap \"My Pool\" -v"), NONE, true, "My Pool" },
	{ "not quoted", S("w3wp.exe -ap Pool -v"), NONE, true, "Pool" },
	{ "last", S("w3wp.exe -ap  Pool"), NONE, true, "Pool" },
	{ "quotes that do not end", S("w3wp.exe -ap \"My Pool"), NONE, true, "My Pool" },
	{ "a quoted program", S("\"C:\\a b\\w3wp.exe\" -ap \"P\""), NONE, true, "P" },
	{ "no value", S("w3wp.exe -ap"), NONE, true, NULL },
	{ "an empty value", S("w3wp.exe -ap \"\" -v x"), NONE, true, NULL },
	{ "part of another word", S("w3wp.exe -apx P x-ap Q"), NONE, true, NULL },
	{ "inside a quoted argument", S("w3wp.exe -h \"x -ap P\" -ap Q"), NONE, true, "Q" },
	{ "no server's command line", NONE, S("cmd /c echo -ap Evil"), true, NULL },
	{ "the child's own words", S("java.exe"), S("cmd /c echo -ap Evil"), true, NULL },
	{ "an event of the server itself", NONE, S("w3wp.exe -ap \"P\""), false, "P" },
	{ "an empty line", S(""), NONE, true, NULL },
#undef NONE
#undef S
};

START_TEST(app_pool_is_the_servers)
{
	char expected[64];
	const char *json;

	event.f[F_ParentImage] = pools[_i].process ? SLICE("C:\\w3wp.exe") : SLICE_NONE;
	event.f[F_ParentCommandLine] = pools[_i].parent_line;
	event.f[F_CommandLine] = pools[_i].line;
	json = build_one();
	if (pools[_i].pool != NULL)
		snprintf(expected, sizeof(expected), "\"app_pool\":\"%s\"", pools[_i].pool);
	else
		ck_assert_msg(strstr(json, "app_pool") == NULL, "%s: %s", pools[_i].what, json);
	if (pools[_i].pool != NULL)
		ck_assert_msg(strstr(json, expected) != NULL, "%s: %s", pools[_i].what, json);
}
END_TEST

/* A padded event has a short form for datagrams, whatever it is padded with and however often. */
START_TEST(a_long_alert_has_a_short_form)
{
	static const char paddings[] = { 'a', '\\', '\x01', '"', '\xff' };
	const struct match *matches[] = { &match };
	struct alert alert;
	char *value = arena_alloc(arena, 32767);
	const char *json, *line;

	(void)build(matches, 1, &alert);
	ck_assert_ptr_null(alert.short_json.ptr);
	memset(value, paddings[_i], 32767);
	memcpy(value, "cmd.exe /c whoami", 17);
	match.matched_count = MATCHED_MAX;
	for (uint32_t i = 0; i < MATCHED_MAX; i++) {
		match.matched[i].field = F_CommandLine;
		match.matched[i].name = "CommandLine";
	}
	for (int field = 0; field < F_MAX; field++)
		if (field != F_EventID && field != F_EventRecordID)
			event.f[field] = (struct slice){ value, 32767 };
	event.raw = (struct slice){ value, 32767 };
	(void)build(matches, 1, &alert);
	ck_assert_uint_gt(alert.json.len, ALERT_DATAGRAM_MAX);
	ck_assert_uint_le(alert.short_json.len, ALERT_DATAGRAM_MAX);
	ck_assert_uint_eq(utf8_valid(alert.short_json), alert.short_json.len);
	line = arena_copy(arena, alert.short_json).ptr;
	json = strndup(line, alert.short_json.len);
	HAS(json, alert.id);
	HAS(json, alert.event_id);
	HAS(json, "\"CommandLine\":\"cmd.exe /c whoami");
	HAS(json, "\"cut\":true");
	HAS_NOT(json, "event_raw");
	ck_assert_int_eq(json[alert.short_json.len - 1], '}');
	free((char *)(uintptr_t)json);
}
END_TEST

START_TEST(no_room_is_no_alert)
{
	const struct match *matches[] = { &match };
	char event_id[ALERT_ID_MAX] = "0";
	struct alert alert = { .time = 77 };
	bool built = false;

	/* From nothing to enough: refused whole or built whole, never a crash. */
	for (size_t limit = 1024; limit < 64 * 1024; limit += 512) {
		struct arena *small = arena_new(limit);
		int result;

		if (small == NULL)
			continue;
		result = alert_build(
			&settings, &source, &event, event_id, &state, matches, 1, small, &alert);
		if (result < 0)
			ck_assert_int_eq(alert.time, 77);
		else
			ck_assert_int_eq(alert.json.ptr[alert.json.len - 1], '}');
		ck_assert(!built || result == 0);
		built = result == 0;
		alert.time = 77;
		arena_free(small);
	}
	ck_assert(built);
}
END_TEST

START_TEST(same_event_has_the_same_id)
{
	char first[ALERT_ID_MAX], second[ALERT_ID_MAX];

	ck_assert_int_eq(alert_event_id(&event, first), 0);
	/* What another agent, another layout or another route makes of it. */
	event.host = SLICE("WEB01.corp.");
	event.f[F_Channel] = SLICE("microsoft-windows-sysmon/operational");
	event.f[F_ProcessGuid] = SLICE("9531985d-5d9d-c9f8-1818-e811892f902b");
	event.f[F_CommandLine] = SLICE_NONE;
	event.f[F_UtcTime] = SLICE("2026-03-14 06:40:15.931");
	event.layout = LAYOUT_NXLOG;
	event.raw = SLICE_NONE;
	ck_assert_int_eq(alert_event_id(&event, second), 0);
	ck_assert_str_eq(first, second);
}
END_TEST

static void
change_host(void)
{
	event.host = SLICE("web02.corp");
}

static void
change_channel(void)
{
	event.f[F_Channel] = SLICE("Security");
}

static void
lose_channel(void)
{
	event.f[F_Channel] = SLICE_NONE;
}

static void
change_record(void)
{
	event.f[F_EventRecordID] = SLICE("48241");
}

static void
lose_record(void)
{
	event.f[F_EventRecordID] = SLICE_NONE;
}

static void
change_code(void)
{
	event.event_id = 5;
}

static void
change_time(void)
{
	event.time++;
}

static void
change_guid(void)
{
	event.f[F_ProcessGuid] = SLICE("{9531985D-5D9D-C9F8-1818-E811892F902C}");
}

/* The last letter of one part as the first of the next. */
static void
shift_parts(void)
{
	event.host = SLICE("web01.cor");
	event.f[F_Channel] = SLICE("pMicrosoft-Windows-Sysmon/Operational");
}

static void (*const changes[])(void) = { change_host, change_channel, lose_channel, change_record,
	lose_record, change_code, change_time, change_guid, shift_parts };

START_TEST(other_event_has_another_id)
{
	char first[ALERT_ID_MAX], second[ALERT_ID_MAX];

	ck_assert_int_eq(alert_event_id(&event, first), 0);
	changes[_i]();
	ck_assert_int_eq(alert_event_id(&event, second), 0);
	ck_assert_str_ne(first, second);
}
END_TEST

START_TEST(without_a_record_id_all_fields_count)
{
	char first[ALERT_ID_MAX], second[ALERT_ID_MAX], third[ALERT_ID_MAX];

	event.f[F_EventRecordID] = SLICE_NONE;
	ck_assert_int_eq(alert_event_id(&event, first), 0);
	event.f[F_Computer] = SLICE("WEB01");
	ck_assert_int_eq(alert_event_id(&event, second), 0);
	ck_assert_str_eq(first, second);
	event.f[F_CommandLine] = SLICE("cmd.exe /c whoami ");
	ck_assert_int_eq(alert_event_id(&event, second), 0);
	ck_assert_str_ne(first, second);
	/* The same bytes in another field. */
	event.f[F_Description] = event.f[F_CommandLine];
	event.f[F_CommandLine] = SLICE_NONE;
	ck_assert_int_eq(alert_event_id(&event, third), 0);
	ck_assert_str_ne(second, third);
}
END_TEST

START_TEST(ids_do_not_change_between_releases)
{
	char event_id[ALERT_ID_MAX], id[ALERT_ID_MAX];

	ck_assert_int_eq(alert_event_id(&event, event_id), 0);
	ck_assert_str_eq(event_id, "8d761b64c22017105184a942f01a501f");
	ck_assert_int_eq(alert_id(event_id, &shell, id), 0);
	ck_assert_str_eq(id, "fb605f332fa28137bdf9cef7cc410c4e");
}
END_TEST

START_TEST(rule_without_an_id_goes_by_its_title)
{
	static const char event_id[ALERT_ID_MAX] = "0", other_id[ALERT_ID_MAX] = "1";
	struct rule one = { .id = "", .title = "One" }, two = { .id = "", .title = "Two" };
	char first[ALERT_ID_MAX], second[ALERT_ID_MAX];

	ck_assert_int_eq(alert_id(event_id, &one, first), 0);
	ck_assert_int_eq(alert_id(event_id, &two, second), 0);
	ck_assert_str_ne(first, second);
	ck_assert_int_eq(alert_id(other_id, &one, second), 0);
	ck_assert_str_ne(first, second);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
	Suite *suite = suite_create("alert");
	TCase *tcase = tcase_create("alert");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, alert_has_all_keys_in_order);
	tcase_add_test(tcase, absent_values_are_null_or_left_out);
	tcase_add_test(tcase, empty_is_not_absent);
	tcase_add_test(tcase, known_fields_and_flags_follow);
	tcase_add_loop_test(tcase, record_id_is_a_number_where_it_is_one, 0, COUNT(record_ids));
	tcase_add_loop_test(tcase, any_byte_comes_out_as_json, 0, 20);
	tcase_add_test(tcase, bad_bytes_are_replaced_and_control_characters_escaped);
	tcase_add_test(tcase, sentence_stays_on_one_line);
	tcase_add_loop_test(tcase, sentence_tells_the_deed, 0, COUNT(deeds));
	tcase_add_test(tcase, long_values_are_cut_where_they_illustrate_only);
	tcase_add_test(tcase, longest_sentence_fits);
	tcase_add_loop_test(tcase, raw_record_is_bounded, 0, COUNT(raws));
	tcase_add_test(tcase, raw_record_can_be_switched_off);
	tcase_add_loop_test(tcase, a_long_alert_has_a_short_form, 0, 5);
	tcase_add_loop_test(tcase, app_pool_is_the_servers, 0, COUNT(pools));
	tcase_add_test(tcase, no_room_is_no_alert);
	tcase_add_test(tcase, same_event_has_the_same_id);
	tcase_add_loop_test(tcase, other_event_has_another_id, 0, COUNT(changes));
	tcase_add_test(tcase, without_a_record_id_all_fields_count);
	tcase_add_test(tcase, ids_do_not_change_between_releases);
	tcase_add_test(tcase, rule_without_an_id_goes_by_its_title);
	suite_add_tcase(suite, tcase);

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
