/* The tree of paths, and the values that the reader leaves at its nodes. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/json.h"
#include "tests/unit/guard.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define DEPTH 16
#define KEYS 64

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

/* Walk the names of a path that are separated by '/'. */
static enum layout_node
walk(const char *path)
{
	enum layout_node node = NODE_ROOT;
	struct slice rest = slice_of(path);

	while (rest.len > 0) {
		size_t end = slice_find_byte(rest, '/');

		node = layout_child(node, slice_sub(rest, 0, end), NULL);
		rest = slice_sub(rest, end + 1, rest.len);
	}
	return node;
}

static const struct {
	const char *path;
	enum layout_node node;
} paths[] = {
	{ "", NODE_ROOT },
	{ "EventID", NODE_FLAT_ID },
	{ "EventID/#text", NODE_FLAT_ID_TEXT },
	{ "EventCode", NODE_FLAT_CODE },
	{ "Channel", NODE_FLAT_CHANNEL },
	{ "SourceName", NODE_FLAT_SOURCE },
	{ "ProviderName", NODE_FLAT_PROVIDER },
	{ "Provider_Name", NODE_FLAT_PROVIDER },
	{ "Hostname", NODE_FLAT_HOSTNAME },
	{ "Computer", NODE_FLAT_COMPUTER },
	{ "ComputerName", NODE_FLAT_COMPUTER_NAME },
	{ "RecordNumber", NODE_FLAT_RECORD_NUMBER },
	{ "EventRecordID", NODE_FLAT_RECORD_ID },
	{ "EventTime", NODE_FLAT_EVENT_TIME },
	{ "TimeCreated", NODE_FLAT_TIME_CREATED },
	{ "EventReceivedTime", NODE_FLAT_RECEIVED_TIME },
	{ "SourceModuleName", NODE_FLAT_MODULE },
	{ "Message", NODE_FLAT_MESSAGE },
	{ "@timestamp", NODE_TIMESTAMP },
	{ "host", NODE_HOST },
	{ "host/name", NODE_HOST_NAME },
	{ "event_id", NODE_BEAT6_ID },
	{ "log_name", NODE_BEAT6_CHANNEL },
	{ "source_name", NODE_BEAT6_PROVIDER },
	{ "computer_name", NODE_BEAT6_COMPUTER },
	{ "record_number", NODE_BEAT6_RECORD },
	{ "event_data", NODE_BEAT6_EVENT_DATA },
	{ "winlog", NODE_WINLOG },
	{ "winlog/event_id", NODE_WINLOG_ID },
	{ "winlog/channel", NODE_WINLOG_CHANNEL },
	{ "winlog/provider_name", NODE_WINLOG_PROVIDER },
	{ "winlog/computer_name", NODE_WINLOG_COMPUTER },
	{ "winlog/record_id", NODE_WINLOG_RECORD },
	{ "winlog/event_data", NODE_WINLOG_EVENT_DATA },
	{ "event", NODE_EVENT },
	{ "event/code", NODE_EVENT_CODE },
	{ "event/provider", NODE_EVENT_PROVIDER },
	{ "process", NODE_PROCESS },
	{ "process/executable", NODE_PROCESS_EXECUTABLE },
	{ "process/command_line", NODE_PROCESS_COMMAND_LINE },
	{ "process/working_directory", NODE_PROCESS_DIRECTORY },
	{ "process/entity_id", NODE_PROCESS_ENTITY },
	{ "process/pid", NODE_PROCESS_PID },
	{ "process/pe", NODE_PROCESS_PE },
	{ "process/pe/original_file_name", NODE_PROCESS_PE_NAME },
	{ "process/pe/imphash", NODE_PROCESS_IMPHASH },
	{ "process/hash", NODE_PROCESS_HASH },
	{ "process/hash/sha1", NODE_PROCESS_SHA1 },
	{ "process/hash/md5", NODE_PROCESS_MD5 },
	{ "process/hash/sha256", NODE_PROCESS_SHA256 },
	{ "process/parent", NODE_PROCESS_PARENT },
	{ "process/parent/executable", NODE_PARENT_EXECUTABLE },
	{ "process/parent/command_line", NODE_PARENT_COMMAND_LINE },
	{ "process/parent/entity_id", NODE_PARENT_ENTITY },
	{ "process/parent/pid", NODE_PARENT_PID },
	{ "file", NODE_FILE },
	{ "file/path", NODE_FILE_PATH },
	{ "file/pe", NODE_FILE_PE },
	{ "file/pe/original_file_name", NODE_FILE_PE_NAME },
	{ "file/pe/imphash", NODE_FILE_IMPHASH },
	{ "file/hash", NODE_FILE_HASH },
	{ "file/hash/sha1", NODE_FILE_SHA1 },
	{ "file/hash/md5", NODE_FILE_MD5 },
	{ "file/hash/sha256", NODE_FILE_SHA256 },
	{ "process/thread", NODE_PROCESS_THREAD },
	{ "process/thread/id", NODE_PROCESS_THREAD_ID },
	{ "process/pe/company", NODE_PROCESS_PE_COMPANY },
	{ "process/pe/file_version", NODE_PROCESS_PE_VERSION },
	{ "process/pe/description", NODE_PROCESS_PE_DESCRIPTION },
	{ "process/pe/product", NODE_PROCESS_PE_PRODUCT },
	{ "file/name", NODE_FILE_NAME },
	{ "file/pe/company", NODE_FILE_PE_COMPANY },
	{ "file/code_signature", NODE_FILE_SIGNATURE },
	{ "file/code_signature/signed", NODE_FILE_SIGNED },
	{ "file/code_signature/status", NODE_FILE_SIGNATURE_STATUS },
	{ "file/code_signature/subject_name", NODE_FILE_SIGNER },
	{ "dll", NODE_DLL },
	{ "dll/path", NODE_DLL_PATH },
	{ "dll/pe", NODE_DLL_PE },
	{ "dll/pe/original_file_name", NODE_DLL_PE_NAME },
	{ "dll/pe/imphash", NODE_DLL_IMPHASH },
	{ "dll/pe/company", NODE_DLL_PE_COMPANY },
	{ "dll/hash", NODE_DLL_HASH },
	{ "dll/hash/sha1", NODE_DLL_SHA1 },
	{ "dll/hash/md5", NODE_DLL_MD5 },
	{ "dll/hash/sha256", NODE_DLL_SHA256 },
	{ "dll/code_signature", NODE_DLL_SIGNATURE },
	{ "dll/code_signature/signed", NODE_DLL_SIGNED },
	{ "dll/code_signature/status", NODE_DLL_SIGNATURE_STATUS },
	{ "dll/code_signature/subject_name", NODE_DLL_SIGNER },
	{ "network", NODE_NETWORK },
	{ "network/transport", NODE_NETWORK_TRANSPORT },
	{ "network/protocol", NODE_NETWORK_PROTOCOL },
	{ "network/direction", NODE_NETWORK_DIRECTION },
	{ "network/type", NODE_NETWORK_TYPE },
	{ "source", NODE_SOURCE },
	{ "source/ip", NODE_SOURCE_IP },
	{ "source/domain", NODE_SOURCE_DOMAIN },
	{ "source/port", NODE_SOURCE_PORT },
	{ "destination", NODE_DESTINATION },
	{ "destination/ip", NODE_DESTINATION_IP },
	{ "destination/domain", NODE_DESTINATION_DOMAIN },
	{ "destination/port", NODE_DESTINATION_PORT },
	{ "dns", NODE_DNS },
	{ "dns/question", NODE_DNS_QUESTION },
	{ "dns/question/name", NODE_DNS_NAME },
	{ "sysmon", NODE_SYSMON },
	{ "sysmon/dns", NODE_SYSMON_DNS },
	{ "sysmon/dns/status", NODE_SYSMON_DNS_STATUS },
	{ "sysmon/file", NODE_SYSMON_FILE },
	{ "sysmon/file/archived", NODE_SYSMON_ARCHIVED },
	{ "sysmon/file/is_executable", NODE_SYSMON_EXECUTABLE },
	{ "powershell", NODE_POWERSHELL },
	{ "powershell/sequence", NODE_POWERSHELL_SEQUENCE },
	{ "powershell/total", NODE_POWERSHELL_TOTAL },
	{ "powershell/file", NODE_POWERSHELL_FILE },
	{ "powershell/file/script_block_id", NODE_POWERSHELL_BLOCK_ID },
	{ "powershell/file/script_block_text", NODE_POWERSHELL_BLOCK_TEXT },
	{ "registry", NODE_REGISTRY },
	{ "registry/path", NODE_REGISTRY_PATH },
	{ "registry/data", NODE_REGISTRY_DATA },
	{ "registry/data/strings", NODE_REGISTRY_STRINGS },
	{ "registry/data/type", NODE_REGISTRY_TYPE },
	{ "rule", NODE_RULE },
	{ "rule/name", NODE_RULE_NAME },
	{ "user", NODE_USER },
	{ "user/name", NODE_USER_NAME },
	{ "user/domain", NODE_USER_DOMAIN },
	{ "Event", NODE_EVTX },
	{ "Event/System", NODE_EVTX_SYSTEM },
	{ "Event/System/Provider", NODE_EVTX_PROVIDER },
	{ "Event/System/Provider/#attributes", NODE_EVTX_PROVIDER_ATTRIBUTES },
	{ "Event/System/Provider/#attributes/Name", NODE_EVTX_PROVIDER_NAME },
	{ "Event/System/EventID", NODE_EVTX_ID },
	{ "Event/System/EventID/#text", NODE_EVTX_ID_TEXT },
	{ "Event/System/TimeCreated", NODE_EVTX_TIME },
	{ "Event/System/TimeCreated/#attributes", NODE_EVTX_TIME_ATTRIBUTES },
	{ "Event/System/TimeCreated/#attributes/SystemTime", NODE_EVTX_SYSTEM_TIME },
	{ "Event/System/Channel", NODE_EVTX_CHANNEL },
	{ "Event/System/Computer", NODE_EVTX_COMPUTER },
	{ "Event/System/EventRecordID", NODE_EVTX_RECORD },
	{ "Event/EventData", NODE_EVTX_EVENT_DATA },
	{ "Event/EventData/Image/#text", NODE_EVTX_DATA + D_Image },
	{ "Event/System/Level", NODE_EVTX_LEVEL },
	{ "Event/System/Keywords", NODE_EVTX_KEYWORDS },
	{ "Event/RenderingInfo", NODE_EVTX_RENDERING },
	{ "Event/UserData", NODE_EVTX_USER_DATA },
	{ "Event/UserData/AnyName", NODE_EVTX_EVENT_DATA },
	{ "Event/UserData/AnyName/Image", NODE_EVTX_DATA + D_Image },
	{ "Event/UserData/#attributes", NODE_NONE },
	{ "user_data", NODE_BEAT6_EVENT_DATA },
	{ "winlog/user_data", NODE_WINLOG_EVENT_DATA },
	/* read only when rules name what may be in it */
	{ "message", NODE_NONE },
	{ "Event/RenderingInfo/Message", NODE_NONE },
	/* names that only look alike */
	{ "ProcessID", NODE_NONE },
	{ "ExecutionProcessID", NODE_NONE },
	{ "process_id", NODE_NONE },
	{ "winlog/process", NODE_NONE },
	{ "winlog/user", NODE_NONE },
	{ "winlog/Image", NODE_NONE },
	{ "eventid", NODE_NONE },
	{ "agent", NODE_NONE },
	{ "UserID", NODE_NONE },
	{ "a key that is much longer than any that is wanted", NODE_NONE },
};

START_TEST(every_path_leads_to_its_node)
{
	ck_assert_msg(walk(paths[_i].path) == paths[_i].node, "%s", paths[_i].path);
}
END_TEST

START_TEST(event_data_is_below_four_nodes)
{
	static const char *const names[D_MAX] = {
#define X(name) #name,
		LAYOUT_DATA(X) LAYOUT_EXTRA(X)
#undef X
	};
	static const struct {
		enum layout_node object, data;
	} places[] = { { NODE_ROOT, NODE_FLAT_DATA }, { NODE_BEAT6_EVENT_DATA, NODE_BEAT6_DATA },
		{ NODE_WINLOG_EVENT_DATA, NODE_WINLOG_DATA },
		{ NODE_EVTX_EVENT_DATA, NODE_EVTX_DATA } };

	for (int place = 0; place < ROWS(places); place++) {
		for (unsigned int i = 0; i < D_MAX; i++)
			ck_assert_msg(layout_child(places[place].object, slice_of(names[i]),
					      NULL) == places[place].data + i,
				"%s", names[i]);
	}
	for (unsigned int i = 0; i < D_CANONICAL; i++)
		ck_assert_int_ne(wevent_field_find(slice_of(names[i])), F_MAX);
}
END_TEST

/* What is below a node is between it and its end: forgetting the node forgets all of it. */
START_TEST(a_node_is_followed_by_what_is_below_it)
{
	for (int i = 0; i < ROWS(paths); i++) {
		struct slice path = slice_of(paths[i].path);
		enum layout_node parent = NODE_ROOT;

		if (paths[i].node == NODE_NONE || paths[i].node == NODE_ROOT)
			continue;
		while (path.len > 0) {
			size_t end = slice_find_byte(path, '/');
			enum layout_node child =
				layout_child(parent, slice_sub(path, 0, end), NULL);

			path = slice_sub(path, end + 1, path.len);
			if (child == parent)
				continue;
			ck_assert(layout_has_children(parent));
			ck_assert_int_gt(child, parent);
			ck_assert_int_lt(child, layout_end(parent));
			ck_assert_int_le(layout_end(child), layout_end(parent));
			parent = child;
		}
	}
}
END_TEST

#define ABSENT "(absent)"

static const struct row {
	const char *name;
	struct slice text;
	enum json_result result;
	size_t used;
	enum layout_node node;
	struct slice value;
} rows[] = {
	{ "a string is a slice", SLICE_INIT("{\"Image\":\"a\"} x"), JSON_OBJECT, 13,
		NODE_FLAT_DATA + D_Image, SLICE_INIT("a") },
	{ "an empty string", SLICE_INIT("{\"Image\":\"\"}"), JSON_OBJECT, 12,
		NODE_FLAT_DATA + D_Image, SLICE_INIT("") },
	{ "escapes", SLICE_INIT("{\"Image\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u0000\"}"),
		JSON_OBJECT, 40, NODE_FLAT_DATA + D_Image,
		SLICE_INIT("\"\\/\b\f\n\r\t\xc3\xa9\0") },
	{ "a number is its text", SLICE_INIT("{\"Image\":-1.50E+07}"), JSON_OBJECT, 19,
		NODE_FLAT_DATA + D_Image, SLICE_INIT("-1.50E+07") },
	{ "a number larger than any type", SLICE_INIT("{\"Image\":123456789012345678901234567890}"),
		JSON_OBJECT, 40, NODE_FLAT_DATA + D_Image,
		SLICE_INIT("123456789012345678901234567890") },
	{ "null", SLICE_INIT("{\"Image\":null}"), JSON_OBJECT, 14, NODE_FLAT_DATA + D_Image,
		SLICE_INIT(ABSENT) },
	{ "not there", SLICE_INIT("{}"), JSON_OBJECT, 2, NODE_FLAT_DATA + D_Image,
		SLICE_INIT(ABSENT) },
	{ "below an unwanted object", SLICE_INIT("{\"x\":{\"Image\":\"a\"}}"), JSON_OBJECT, 19,
		NODE_FLAT_DATA + D_Image, SLICE_INIT(ABSENT) },
	{ "behind an unwanted object", SLICE_INIT("{\"x\":{\"y\":[{}]},\"Image\":\"a\"}"),
		JSON_OBJECT, 28, NODE_FLAT_DATA + D_Image, SLICE_INIT("a") },
	{ "a wanted string behind one that is not", SLICE_INIT("{\"x\":\"\\n\",\"Image\":\"\\n\"}"),
		JSON_OBJECT, 23, NODE_FLAT_DATA + D_Image, SLICE_INIT("\n") },
	{ "an array's first scalar behind an object",
		SLICE_INIT("{\"Image\":[{\"Image\":\"\\n\"},\"\\t\",\"z\"]}"), JSON_OBJECT, 35,
		NODE_FLAT_DATA + D_Image, SLICE_INIT("\t") },
	{ "text in an object",
		SLICE_INIT("{\"Image\":{\"#attributes\":{\"x\":\"y\"},\"#text\":\"a\"}}"),
		JSON_OBJECT, 47, NODE_FLAT_DATA + D_Image, SLICE_INIT("a") },
	{ "an array of text in an object", SLICE_INIT("{\"Image\":{\"#text\":[\"a\",\"b\"]}}"),
		JSON_OBJECT, 29, NODE_FLAT_DATA + D_Image, SLICE_INIT("a") },
	{ "an object without text", SLICE_INIT("{\"Image\":{\"text\":\"a\"}}"), JSON_OBJECT, 22,
		NODE_FLAT_DATA + D_Image, SLICE_INIT("") },
	{ "objects in one another are no text",
		SLICE_INIT("{\"Image\":{\"#text\":{\"#text\":{\"#text\":[[\"a\"]]}}}}"),
		JSON_OBJECT, 47, NODE_FLAT_DATA + D_Image, SLICE_INIT("") },
	{ "the deepest text",
		SLICE_INIT("{\"Event\":{\"System\":{\"Provider\":{\"#attributes\":{\"Name\":{\"#"
			   "text\":["
			   "[],{\"#text\":1},\"a\"]}}}}}}"),
		JSON_OBJECT, 89, NODE_EVTX_PROVIDER_NAME, SLICE_INIT("a") },
	{ "a list",
		SLICE_INIT(
			"{\"Data\":[\"a\",\"\\\\\",null,[\"x\"],{\"#text\":\"y\"},2,true,\"\"]}"),
		JSON_OBJECT, 54, NODE_FLAT_DATA + D_Data, SLICE_INIT("a\n\\\n2\ntrue\n") },
	{ "a list of one", SLICE_INIT("{\"Data\":[\"\"]}"), JSON_OBJECT, 13,
		NODE_FLAT_DATA + D_Data, SLICE_INIT("") },
	{ "a list of none", SLICE_INIT("{\"Data\":[null]}"), JSON_OBJECT, 15,
		NODE_FLAT_DATA + D_Data, SLICE_INIT(ABSENT) },
	{ "a list in an object", SLICE_INIT("{\"Data\":{\"#text\":[\"a\",\"b\"]}}"), JSON_OBJECT,
		28, NODE_FLAT_DATA + D_Data, SLICE_INIT("a\nb") },
	{ "no list", SLICE_INIT("{\"Data\":\"a\"}"), JSON_OBJECT, 12, NODE_FLAT_DATA + D_Data,
		SLICE_INIT("a") },
	{ "a cut list", SLICE_INIT("{\"Data\":[\"a\",\"b\","), JSON_CUT, 17,
		NODE_FLAT_DATA + D_Data, SLICE_INIT(ABSENT) },
	{ "a list cut in what is not wanted", SLICE_INIT("{\"Data\":[\"a\",[1,"), JSON_CUT, 16,
		NODE_FLAT_DATA + D_Data, SLICE_INIT(ABSENT) },
	{ "cut behind a list", SLICE_INIT("{\"Data\":[\"a\",\"b\"],"), JSON_CUT, 18,
		NODE_FLAT_DATA + D_Data, SLICE_INIT("a\nb") },
	{ "user data",
		SLICE_INIT("{\"Event\":{\"UserData\":{\"#attributes\":{\"Image\":1},\"X\":{"
			   "\"#attributes\":{},\"Image\":\"a\"}}}}"),
		JSON_OBJECT, 85, NODE_EVTX_DATA + D_Image, SLICE_INIT("a") },
	{ "a string", SLICE_INIT("\"a\\n\" x"), JSON_OTHER, 5, NODE_ROOT, SLICE_INIT("a\n") },
	{ "a number at the end", SLICE_INIT("12"), JSON_OTHER, 2, NODE_ROOT, SLICE_INIT("12") },
	{ "an array", SLICE_INIT("[{\"Image\":1}] x"), JSON_OTHER, 13, NODE_FLAT_DATA + D_Image,
		SLICE_INIT(ABSENT) },
	{ "cut", SLICE_INIT("{\"Image\":\"a\",\"User\":\"b"), JSON_CUT, 22,
		NODE_FLAT_DATA + D_Image, SLICE_INIT("a") },
	{ "a cut string", SLICE_INIT("{\"Image\":\"a"), JSON_CUT, 11, NODE_FLAT_DATA + D_Image,
		SLICE_INIT(ABSENT) },
	{ "a cut number", SLICE_INIT("{\"Image\":1"), JSON_CUT, 10, NODE_FLAT_DATA + D_Image,
		SLICE_INIT(ABSENT) },
	{ "no JSON", SLICE_INIT("{\"Image\":a}"), JSON_SYNTAX, 11, NODE_NONE, SLICE_INIT(ABSENT) },
	{ "a comment", SLICE_INIT("{/* */}"), JSON_SYNTAX, 7, NODE_NONE, SLICE_INIT(ABSENT) },
	{ "too deep", SLICE_INIT("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]"), JSON_DEPTH, 34, NODE_NONE,
		SLICE_INIT(ABSENT) },
};

START_TEST(reads_values)
{
	const struct row *row = &rows[_i];
	struct slice text = guard_copy(row->text);
	struct json *json = json_new(arena, text.len, DEPTH, KEYS, NULL);
	const struct layout_record *record;
	struct slice value = SLICE_NONE;
	uint32_t duplicates;
	size_t used;

	ck_assert_msg(
		json_read(json, text, &record, &duplicates, &used) == row->result, "%s", row->name);
	ck_assert_msg(used == row->used, "%s: %zu", row->name, used);
	ck_assert_uint_eq(duplicates, 0);
	if ((record->seen[row->node / 64] >> (row->node % 64) & 1) != 0)
		value = record->value[row->node];
	if (value.ptr == NULL)
		value = SLICE(ABSENT);
	ck_assert_msg(
		slice_equal(value, row->value), "%s: %.*s", row->name, (int)value.len, value.ptr);
	guard_free(text);
}
END_TEST

/* The reader's memory is for texts of its size: each call may use all of it. */
START_TEST(reads_again_and_again)
{
	struct slice text = SLICE("{\"x\":\"\\n\\n\\n\\n\",\"Image\":\"\\\\a\\\\b\"}");
	struct json *json = json_new(arena, text.len * 3, DEPTH, KEYS, NULL);
	struct slice values[3];

	for (int i = 0; i < 3; i++) {
		const struct layout_record *record;
		uint32_t duplicates;
		size_t used;

		ck_assert_int_eq(json_read(json, text, &record, &duplicates, &used), JSON_OBJECT);
		values[i] = record->value[NODE_FLAT_DATA + D_Image];
	}
	for (int i = 0; i < 3; i++)
		ck_assert(slice_equal(values[i], SLICE("\\a\\b")));
}
END_TEST

static Suite *
json_suite(void)
{
	Suite *suite = suite_create("json");
	TCase *tcase = tcase_create("json");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, every_path_leads_to_its_node, 0, ROWS(paths));
	tcase_add_test(tcase, event_data_is_below_four_nodes);
	tcase_add_test(tcase, a_node_is_followed_by_what_is_below_it);
	tcase_add_loop_test(tcase, reads_values, 0, ROWS(rows));
	tcase_add_test(tcase, reads_again_and_again);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(json_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
