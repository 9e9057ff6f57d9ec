/* The paths of all layouts as one constant tree, and the way from there to the canonical fields.
 *
 * An object's keys are filed by their length, a handful to each, so that a lookup is an index and
 * one or two comparisons of words; it is made for every key that stands where something is wanted,
 * some forty times an event.  Key names are case-sensitive: NXLog's ProcessID is the logging
 * service and ProcessId the event's process.
 *
 * What is left out on purpose: the accounts, processes and hosts of agents, services and relays
 * (UserID, AccountName, winlog.user, winlog.process.pid, process_id, agent, beat, observer), which
 * look like the event's own. */

#include <string.h>

#include "parsers/canon.h"
#include "parsers/layout.h"

#define KEY_MAX 18 /* bytes in the longest key */

struct key {
	char name[KEY_MAX + 2];
	uint16_t node; /* for event data: a layout_data, counted from its object's `data` */
};

#define KEYS(...) ((const struct key[]){ __VA_ARGS__, { "", 0 } })
/* clang-format off */
#define DATA(name) { #name, D_##name }
/* clang-format on */

static const struct key *const data_keys[KEY_MAX + 1] = {
	[4] = KEYS(DATA(User), DATA(Hash), DATA(Data)),
	[5] = KEYS(DATA(Image)),
	[6] = KEYS(DATA(Hashes), DATA(param1), DATA(param2), DATA(param3), DATA(param4),
		DATA(param5), DATA(param6), DATA(param7), DATA(param8), DATA(param9)),
	[7] = KEYS(DATA(UtcTime), DATA(LogonId), DATA(Details), DATA(Product), DATA(Company),
		DATA(param10), DATA(param11), DATA(param12), DATA(param13), DATA(param14),
		DATA(param15), DATA(param16), DATA(param17), DATA(param18), DATA(param19),
		DATA(param20), DATA(param21), DATA(param22), DATA(param23), DATA(param24),
		DATA(param25), DATA(param26), DATA(param27), DATA(param28), DATA(param29),
		DATA(param30), DATA(param31), DATA(param32)),
	[8] = KEYS(DATA(RuleName), DATA(NewValue)),
	[9] = KEYS(DATA(ProcessId), DATA(EventType), DATA(LogonGuid)),
	[10] = KEYS(DATA(ParentUser), DATA(ObjectType), DATA(ObjectName)),
	[11] = KEYS(DATA(ProcessGuid), DATA(CommandLine), DATA(Description), DATA(FileVersion),
		DATA(ParentImage), DATA(ProcessName), DATA(ContextInfo)),
	[12] = KEYS(DATA(TargetObject), DATA(NewProcessId)),
	[13] = KEYS(DATA(TargetLogonId)),
	[14] = KEYS(DATA(TargetFilename), DATA(IntegrityLevel), DATA(NewProcessName),
		DATA(MandatoryLabel), DATA(TargetUserName), DATA(SubjectLogonId)),
	[15] = KEYS(DATA(ParentProcessId), DATA(CreationUtcTime), DATA(SubjectUserName),
		DATA(ObjectValueName), DATA(ScriptBlockText)),
	[16] = KEYS(DATA(CurrentDirectory), DATA(OriginalFileName), DATA(TargetDomainName)),
	[17] = KEYS(DATA(ParentProcessGuid), DATA(ParentCommandLine), DATA(TerminalSessionId),
		DATA(ParentProcessName), DATA(SubjectDomainName)),
};

static const struct key *const root_keys[KEY_MAX + 1] = {
	[3] = KEYS({ "dll", NODE_DLL }, { "dns", NODE_DNS }),
	[4] = KEYS({ "host", NODE_HOST }, { "user", NODE_USER }, { "file", NODE_FILE },
		{ "rule", NODE_RULE }),
	[5] = KEYS({ "event", NODE_EVENT }, { "Event", NODE_EVTX }),
	[6] = KEYS({ "winlog", NODE_WINLOG }, { "source", NODE_SOURCE }, { "sysmon", NODE_SYSMON }),
	[7] = KEYS({ "process", NODE_PROCESS }, { "EventID", NODE_FLAT_ID },
		{ "Channel", NODE_FLAT_CHANNEL }, { "Message", NODE_FLAT_MESSAGE },
		{ "message", NODE_MESSAGE }, { "network", NODE_NETWORK }),
	[8] = KEYS({ "Hostname", NODE_FLAT_HOSTNAME }, { "Computer", NODE_FLAT_COMPUTER },
		{ "event_id", NODE_BEAT6_ID }, { "log_name", NODE_BEAT6_CHANNEL },
		{ "registry", NODE_REGISTRY }),
	[9] = KEYS({ "EventTime", NODE_FLAT_EVENT_TIME }, { "EventCode", NODE_FLAT_CODE },
		{ "user_data", NODE_BEAT6_EVENT_DATA }),
	[10] = KEYS({ "@timestamp", NODE_TIMESTAMP }, { "SourceName", NODE_FLAT_SOURCE },
		{ "event_data", NODE_BEAT6_EVENT_DATA }, { "powershell", NODE_POWERSHELL }),
	[11] = KEYS({ "TimeCreated", NODE_FLAT_TIME_CREATED },
		{ "source_name", NODE_BEAT6_PROVIDER }, { "destination", NODE_DESTINATION }),
	[12] = KEYS({ "RecordNumber", NODE_FLAT_RECORD_NUMBER },
		{ "ProviderName", NODE_FLAT_PROVIDER },
		{ "ComputerName", NODE_FLAT_COMPUTER_NAME }),
	[13] = KEYS({ "computer_name", NODE_BEAT6_COMPUTER },
		{ "record_number", NODE_BEAT6_RECORD }, { "EventRecordID", NODE_FLAT_RECORD_ID },
		{ "Provider_Name", NODE_FLAT_PROVIDER }),
	[16] = KEYS({ "SourceModuleName", NODE_FLAT_MODULE }),
	[17] = KEYS({ "EventReceivedTime", NODE_FLAT_RECEIVED_TIME }),
};

static const struct key *const winlog_keys[KEY_MAX + 1] = {
	[7] = KEYS({ "channel", NODE_WINLOG_CHANNEL }),
	[8] = KEYS({ "event_id", NODE_WINLOG_ID }),
	[9] = KEYS({ "record_id", NODE_WINLOG_RECORD }, { "user_data", NODE_WINLOG_EVENT_DATA }),
	[10] = KEYS({ "event_data", NODE_WINLOG_EVENT_DATA }),
	[13] = KEYS({ "computer_name", NODE_WINLOG_COMPUTER },
		{ "provider_name", NODE_WINLOG_PROVIDER }),
};

static const struct key *const event_keys[KEY_MAX + 1] = {
	[4] = KEYS({ "code", NODE_EVENT_CODE }),
	[8] = KEYS({ "provider", NODE_EVENT_PROVIDER }),
};

static const struct key *const process_keys[KEY_MAX + 1] = {
	[2] = KEYS({ "pe", NODE_PROCESS_PE }),
	[3] = KEYS({ "pid", NODE_PROCESS_PID }),
	[4] = KEYS({ "hash", NODE_PROCESS_HASH }),
	[6] = KEYS({ "parent", NODE_PROCESS_PARENT }, { "thread", NODE_PROCESS_THREAD }),
	[9] = KEYS({ "entity_id", NODE_PROCESS_ENTITY }),
	[10] = KEYS({ "executable", NODE_PROCESS_EXECUTABLE }),
	[12] = KEYS({ "command_line", NODE_PROCESS_COMMAND_LINE }),
	[17] = KEYS({ "working_directory", NODE_PROCESS_DIRECTORY }),
};

static const struct key *const process_pe_keys[KEY_MAX + 1] = {
	[7] = KEYS({ "imphash", NODE_PROCESS_IMPHASH }, { "company", NODE_PROCESS_PE_COMPANY },
		{ "product", NODE_PROCESS_PE_PRODUCT }),
	[11] = KEYS({ "description", NODE_PROCESS_PE_DESCRIPTION }),
	[12] = KEYS({ "file_version", NODE_PROCESS_PE_VERSION }),
	[18] = KEYS({ "original_file_name", NODE_PROCESS_PE_NAME }),
};

static const struct key *const thread_keys[KEY_MAX + 1] = {
	[2] = KEYS({ "id", NODE_PROCESS_THREAD_ID }),
};

static const struct key *const process_hash_keys[KEY_MAX + 1] = {
	[3] = KEYS({ "md5", NODE_PROCESS_MD5 }),
	[4] = KEYS({ "sha1", NODE_PROCESS_SHA1 }),
	[6] = KEYS({ "sha256", NODE_PROCESS_SHA256 }),
};

static const struct key *const parent_keys[KEY_MAX + 1] = {
	[3] = KEYS({ "pid", NODE_PARENT_PID }),
	[9] = KEYS({ "entity_id", NODE_PARENT_ENTITY }),
	[10] = KEYS({ "executable", NODE_PARENT_EXECUTABLE }),
	[12] = KEYS({ "command_line", NODE_PARENT_COMMAND_LINE }),
};

static const struct key *const file_keys[KEY_MAX + 1] = {
	[2] = KEYS({ "pe", NODE_FILE_PE }),
	[4] = KEYS(
		{ "path", NODE_FILE_PATH }, { "hash", NODE_FILE_HASH }, { "name", NODE_FILE_NAME }),
	[14] = KEYS({ "code_signature", NODE_FILE_SIGNATURE }),
};

static const struct key *const file_pe_keys[KEY_MAX + 1] = {
	[7] = KEYS({ "imphash", NODE_FILE_IMPHASH }, { "company", NODE_FILE_PE_COMPANY },
		{ "product", NODE_FILE_PE_PRODUCT }),
	[11] = KEYS({ "description", NODE_FILE_PE_DESCRIPTION }),
	[12] = KEYS({ "file_version", NODE_FILE_PE_VERSION }),
	[18] = KEYS({ "original_file_name", NODE_FILE_PE_NAME }),
};

static const struct key *const file_hash_keys[KEY_MAX + 1] = {
	[3] = KEYS({ "md5", NODE_FILE_MD5 }),
	[4] = KEYS({ "sha1", NODE_FILE_SHA1 }),
	[6] = KEYS({ "sha256", NODE_FILE_SHA256 }),
};

static const struct key *const file_signature_keys[KEY_MAX + 1] = {
	[6] = KEYS({ "signed", NODE_FILE_SIGNED }, { "status", NODE_FILE_SIGNATURE_STATUS }),
	[12] = KEYS({ "subject_name", NODE_FILE_SIGNER }),
};

static const struct key *const dll_keys[KEY_MAX + 1] = {
	[2] = KEYS({ "pe", NODE_DLL_PE }),
	[4] = KEYS({ "path", NODE_DLL_PATH }, { "hash", NODE_DLL_HASH }),
	[14] = KEYS({ "code_signature", NODE_DLL_SIGNATURE }),
};

static const struct key *const dll_pe_keys[KEY_MAX + 1] = {
	[7] = KEYS({ "imphash", NODE_DLL_IMPHASH }, { "company", NODE_DLL_PE_COMPANY },
		{ "product", NODE_DLL_PE_PRODUCT }),
	[11] = KEYS({ "description", NODE_DLL_PE_DESCRIPTION }),
	[12] = KEYS({ "file_version", NODE_DLL_PE_VERSION }),
	[18] = KEYS({ "original_file_name", NODE_DLL_PE_NAME }),
};

static const struct key *const dll_hash_keys[KEY_MAX + 1] = {
	[3] = KEYS({ "md5", NODE_DLL_MD5 }),
	[4] = KEYS({ "sha1", NODE_DLL_SHA1 }),
	[6] = KEYS({ "sha256", NODE_DLL_SHA256 }),
};

static const struct key *const dll_signature_keys[KEY_MAX + 1] = {
	[6] = KEYS({ "signed", NODE_DLL_SIGNED }, { "status", NODE_DLL_SIGNATURE_STATUS }),
	[12] = KEYS({ "subject_name", NODE_DLL_SIGNER }),
};

static const struct key *const network_keys[KEY_MAX + 1] = {
	[4] = KEYS({ "type", NODE_NETWORK_TYPE }),
	[8] = KEYS({ "protocol", NODE_NETWORK_PROTOCOL }),
	[9] = KEYS(
		{ "transport", NODE_NETWORK_TRANSPORT }, { "direction", NODE_NETWORK_DIRECTION }),
};

static const struct key *const source_keys[KEY_MAX + 1] = {
	[2] = KEYS({ "ip", NODE_SOURCE_IP }),
	[4] = KEYS({ "port", NODE_SOURCE_PORT }),
	[6] = KEYS({ "domain", NODE_SOURCE_DOMAIN }),
};

static const struct key *const destination_keys[KEY_MAX + 1] = {
	[2] = KEYS({ "ip", NODE_DESTINATION_IP }),
	[4] = KEYS({ "port", NODE_DESTINATION_PORT }),
	[6] = KEYS({ "domain", NODE_DESTINATION_DOMAIN }),
};

static const struct key *const dns_keys[KEY_MAX + 1] = {
	[8] = KEYS({ "question", NODE_DNS_QUESTION }),
};

static const struct key *const dns_question_keys[KEY_MAX + 1] = {
	[4] = KEYS({ "name", NODE_DNS_NAME }),
};

static const struct key *const sysmon_keys[KEY_MAX + 1] = {
	[3] = KEYS({ "dns", NODE_SYSMON_DNS }),
	[4] = KEYS({ "file", NODE_SYSMON_FILE }),
};

static const struct key *const sysmon_dns_keys[KEY_MAX + 1] = {
	[6] = KEYS({ "status", NODE_SYSMON_DNS_STATUS }),
};

static const struct key *const sysmon_file_keys[KEY_MAX + 1] = {
	[8] = KEYS({ "archived", NODE_SYSMON_ARCHIVED }),
	[13] = KEYS({ "is_executable", NODE_SYSMON_EXECUTABLE }),
};

static const struct key *const powershell_keys[KEY_MAX + 1] = {
	[4] = KEYS({ "file", NODE_POWERSHELL_FILE }),
	[5] = KEYS({ "total", NODE_POWERSHELL_TOTAL }),
	[8] = KEYS({ "sequence", NODE_POWERSHELL_SEQUENCE }),
};

static const struct key *const powershell_file_keys[KEY_MAX + 1] = {
	[15] = KEYS({ "script_block_id", NODE_POWERSHELL_BLOCK_ID }),
	[17] = KEYS({ "script_block_text", NODE_POWERSHELL_BLOCK_TEXT }),
};

static const struct key *const registry_keys[KEY_MAX + 1] = {
	[4] = KEYS({ "path", NODE_REGISTRY_PATH }, { "data", NODE_REGISTRY_DATA }),
};

static const struct key *const registry_data_keys[KEY_MAX + 1] = {
	[4] = KEYS({ "type", NODE_REGISTRY_TYPE }),
	[7] = KEYS({ "strings", NODE_REGISTRY_STRINGS }),
};

static const struct key *const user_keys[KEY_MAX + 1] = {
	[4] = KEYS({ "name", NODE_USER_NAME }),
	[6] = KEYS({ "domain", NODE_USER_DOMAIN }),
};

static const struct key *const host_keys[KEY_MAX + 1] = {
	[4] = KEYS({ "name", NODE_HOST_NAME }),
};

static const struct key *const rule_keys[KEY_MAX + 1] = {
	[4] = KEYS({ "name", NODE_RULE_NAME }),
};

static const struct key *const flat_id_keys[KEY_MAX + 1] = {
	[5] = KEYS({ "#text", NODE_FLAT_ID_TEXT }),
};

static const struct key *const evtx_keys[KEY_MAX + 1] = {
	[6] = KEYS({ "System", NODE_EVTX_SYSTEM }),
	[8] = KEYS({ "UserData", NODE_EVTX_USER_DATA }),
	[9] = KEYS({ "EventData", NODE_EVTX_EVENT_DATA }),
	[13] = KEYS({ "RenderingInfo", NODE_EVTX_RENDERING }),
};

static const struct key *const evtx_system_keys[KEY_MAX + 1] = {
	[5] = KEYS({ "Level", NODE_EVTX_LEVEL }),
	[7] = KEYS({ "EventID", NODE_EVTX_ID }, { "Channel", NODE_EVTX_CHANNEL }),
	[8] = KEYS({ "Provider", NODE_EVTX_PROVIDER }, { "Computer", NODE_EVTX_COMPUTER },
		{ "Keywords", NODE_EVTX_KEYWORDS }),
	[11] = KEYS({ "TimeCreated", NODE_EVTX_TIME }),
	[13] = KEYS({ "EventRecordID", NODE_EVTX_RECORD }),
};

static const struct key *const evtx_provider_keys[KEY_MAX + 1] = {
	[11] = KEYS({ "#attributes", NODE_EVTX_PROVIDER_ATTRIBUTES }),
};

static const struct key *const evtx_provider_attribute_keys[KEY_MAX + 1] = {
	[4] = KEYS({ "Name", NODE_EVTX_PROVIDER_NAME }),
};

static const struct key *const evtx_time_keys[KEY_MAX + 1] = {
	[11] = KEYS({ "#attributes", NODE_EVTX_TIME_ATTRIBUTES }),
};

static const struct key *const evtx_time_attribute_keys[KEY_MAX + 1] = {
	[10] = KEYS({ "SystemTime", NODE_EVTX_SYSTEM_TIME }),
};

static const struct key *const evtx_id_keys[KEY_MAX + 1] = {
	[5] = KEYS({ "#text", NODE_EVTX_ID_TEXT }),
};

static const struct key *const evtx_rendering_keys[KEY_MAX + 1] = {
	[7] = KEYS({ "Message", NODE_EVTX_MESSAGE }),
};

/* The nodes that have others below them; `end` is the node behind those. */
static const struct object {
	const struct key *const *keys;
	uint16_t data; /* where event data begins that is among the keys, or 0 */
	uint16_t end;
} objects[NODE_MAX] = {
	[NODE_ROOT] = { root_keys, NODE_FLAT_DATA, NODE_MAX },
	[NODE_FLAT_ID] = { flat_id_keys, 0, NODE_FLAT_CODE },
	[NODE_HOST] = { host_keys, 0, NODE_BEAT6_ID },
	[NODE_BEAT6_EVENT_DATA] = { NULL, NODE_BEAT6_DATA, NODE_WINLOG },
	[NODE_WINLOG] = { winlog_keys, 0, NODE_EVENT },
	[NODE_WINLOG_EVENT_DATA] = { NULL, NODE_WINLOG_DATA, NODE_EVENT },
	[NODE_EVENT] = { event_keys, 0, NODE_PROCESS },
	[NODE_PROCESS] = { process_keys, 0, NODE_FILE },
	[NODE_PROCESS_THREAD] = { thread_keys, 0, NODE_PROCESS_PE },
	[NODE_PROCESS_PE] = { process_pe_keys, 0, NODE_PROCESS_HASH },
	[NODE_PROCESS_HASH] = { process_hash_keys, 0, NODE_PROCESS_PARENT },
	[NODE_PROCESS_PARENT] = { parent_keys, 0, NODE_FILE },
	[NODE_FILE] = { file_keys, 0, NODE_DLL },
	[NODE_FILE_PE] = { file_pe_keys, 0, NODE_FILE_HASH },
	[NODE_FILE_HASH] = { file_hash_keys, 0, NODE_FILE_SIGNATURE },
	[NODE_FILE_SIGNATURE] = { file_signature_keys, 0, NODE_DLL },
	[NODE_DLL] = { dll_keys, 0, NODE_NETWORK },
	[NODE_DLL_PE] = { dll_pe_keys, 0, NODE_DLL_HASH },
	[NODE_DLL_HASH] = { dll_hash_keys, 0, NODE_DLL_SIGNATURE },
	[NODE_DLL_SIGNATURE] = { dll_signature_keys, 0, NODE_NETWORK },
	[NODE_NETWORK] = { network_keys, 0, NODE_SOURCE },
	[NODE_SOURCE] = { source_keys, 0, NODE_DESTINATION },
	[NODE_DESTINATION] = { destination_keys, 0, NODE_DNS },
	[NODE_DNS] = { dns_keys, 0, NODE_SYSMON },
	[NODE_DNS_QUESTION] = { dns_question_keys, 0, NODE_SYSMON },
	[NODE_SYSMON] = { sysmon_keys, 0, NODE_POWERSHELL },
	[NODE_SYSMON_DNS] = { sysmon_dns_keys, 0, NODE_SYSMON_FILE },
	[NODE_SYSMON_FILE] = { sysmon_file_keys, 0, NODE_POWERSHELL },
	[NODE_POWERSHELL] = { powershell_keys, 0, NODE_REGISTRY },
	[NODE_POWERSHELL_FILE] = { powershell_file_keys, 0, NODE_REGISTRY },
	[NODE_REGISTRY] = { registry_keys, 0, NODE_RULE },
	[NODE_REGISTRY_DATA] = { registry_data_keys, 0, NODE_RULE },
	[NODE_RULE] = { rule_keys, 0, NODE_USER },
	[NODE_USER] = { user_keys, 0, NODE_EVTX },
	[NODE_EVTX] = { evtx_keys, 0, NODE_MAX },
	[NODE_EVTX_SYSTEM] = { evtx_system_keys, 0, NODE_EVTX_RENDERING },
	[NODE_EVTX_PROVIDER] = { evtx_provider_keys, 0, NODE_EVTX_ID },
	[NODE_EVTX_PROVIDER_ATTRIBUTES] = { evtx_provider_attribute_keys, 0, NODE_EVTX_ID },
	[NODE_EVTX_ID] = { evtx_id_keys, 0, NODE_EVTX_TIME },
	[NODE_EVTX_TIME] = { evtx_time_keys, 0, NODE_EVTX_CHANNEL },
	[NODE_EVTX_TIME_ATTRIBUTES] = { evtx_time_attribute_keys, 0, NODE_EVTX_CHANNEL },
	[NODE_EVTX_RENDERING] = { evtx_rendering_keys, 0, NODE_EVTX_USER_DATA },
	[NODE_EVTX_USER_DATA] = { NULL, 0, NODE_MAX },
	[NODE_EVTX_EVENT_DATA] = { NULL, NODE_EVTX_DATA, NODE_MAX },
};

const char layout_object[] = "{";
const char layout_dotted[] = ".";

/* memcmp() of a length that the compiler doesn't know is a call; keys are short, so two words that
 * overlap cover them. */
static inline bool
same_key(const char *a, const char *b, size_t len)
{
	uint64_t front_a, front_b, back_a, back_b;

	if (len < 8 || len > 16)
		return memcmp(a, b, len) == 0;
	memcpy(&front_a, a, 8);
	memcpy(&front_b, b, 8);
	memcpy(&back_a, a + len - 8, 8);
	memcpy(&back_b, b + len - 8, 8);
	return ((front_a ^ front_b) | (back_a ^ back_b)) == 0;
}

static inline const struct key *
find_key(const struct key *const *keys, struct slice name)
{
	const struct key *key = keys[name.len];

	if (key == NULL)
		return NULL;
	for (; key->name[0] != '\0'; key++) {
		if (key->name[name.len - 1] == name.ptr[name.len - 1] &&
			same_key(key->name, name.ptr, name.len))
			return key;
	}
	return NULL;
}

/* The number of an object that holds event data. */
static uint32_t
area_of(unsigned int data)
{
	return data == NODE_FLAT_DATA     ? 0
	       : data == NODE_BEAT6_DATA  ? 1
	       : data == NODE_WINLOG_DATA ? 2
					  : 3;
}

uint32_t
layout_nodes(const struct wevent_names *names)
{
	return NODE_MAX + LAYOUT_AREAS * wevent_names_count(names);
}

/* Microsoft Defender's names have blanks in them; rules leave these out, or write "_". */
static uint32_t
find_without_blanks(struct slice name, const struct wevent_names *names)
{
	char bare[WEVENT_NAME_MAX], joined[WEVENT_NAME_MAX];
	size_t len = 0;
	uint32_t i;

	if (name.len > WEVENT_NAME_MAX || slice_find_byte(name, ' ') == name.len)
		return UINT32_MAX;
	for (size_t k = 0; k < name.len; k++) {
		joined[k] = name.ptr[k];
		if (name.ptr[k] == ' ')
			joined[k] = '_';
		else
			bare[len++] = name.ptr[k];
	}
	i = wevent_names_find(names, (struct slice){ bare, len });
	return i != UINT32_MAX ? i : wevent_names_find(names, (struct slice){ joined, name.len });
}

/* A key of event data that only rules name. */
static enum layout_node
find_more(const struct object *object, struct slice name, const struct wevent_names *names)
{
	uint32_t i = wevent_names_find(names, name);

	if (i == UINT32_MAX)
		i = find_without_blanks(name, names);
	if (i == UINT32_MAX)
		return NODE_NONE;
	return (enum layout_node)(NODE_MAX + area_of(object->data) * wevent_names_count(names) + i);
}

static bool
is_message_named(const struct wevent_names *names)
{
	static const struct slice from_it[] = { SLICE_INIT("Message"), SLICE_INIT("Data"),
		SLICE_INIT("Type"), SLICE_INIT("Payload"), SLICE_INIT("ContextInfo"),
		SLICE_INIT("HostApplication"), SLICE_INIT("ConfigurationOption") };

	for (size_t i = 0; i < sizeof(from_it) / sizeof(from_it[0]); i++) {
		if (wevent_names_find(names, from_it[i]) != UINT32_MAX)
			return true;
	}
	return false;
}

enum layout_node
layout_child(enum layout_node node, struct slice name, const struct wevent_names *names)
{
	const struct object *object;
	const struct key *key = NULL;

	if (name.len == 0 || node == NODE_NONE)
		return NODE_NONE;
	if (!layout_has_children(node))
		return slice_equal(name, SLICE("#text")) ? node : NODE_NONE;
	object = &objects[node];
	/* The one thing in it is the event's own element, of any name. */
	if (node == NODE_EVTX_USER_DATA)
		return name.ptr[0] == '#' ? NODE_NONE : NODE_EVTX_EVENT_DATA;
	if (name.len <= KEY_MAX && object->keys != NULL) {
		key = find_key(object->keys, name);
		if (key != NULL && (key->node == NODE_MESSAGE || key->node == NODE_EVTX_MESSAGE) &&
			!is_message_named(names))
			return NODE_NONE;
		if (key != NULL)
			return (enum layout_node)key->node;
	}
	if (object->data == 0)
		return NODE_NONE;
	if (name.len <= KEY_MAX)
		key = find_key(data_keys, name);
	if (key != NULL)
		return (enum layout_node)(object->data + key->node);
	return names == NULL ? NODE_NONE : find_more(object, name, names);
}

bool
layout_has_children(enum layout_node node)
{
	return node < NODE_MAX && objects[node].end != 0;
}

bool
layout_is_list(enum layout_node node)
{
	return node == NODE_FLAT_DATA + D_Data || node == NODE_BEAT6_DATA + D_Data ||
	       node == NODE_WINLOG_DATA + D_Data || node == NODE_EVTX_DATA + D_Data;
}

enum layout_node
layout_end(enum layout_node node)
{
	return (enum layout_node)(layout_has_children(node) ? objects[node].end : node + 1);
}

static void
forget(struct layout_record *record, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		record->seen[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

void
layout_forget(struct layout_record *record, enum layout_node node)
{
	static const uint16_t areas[LAYOUT_AREAS] = { NODE_FLAT_DATA, NODE_BEAT6_DATA,
		NODE_WINLOG_DATA, NODE_EVTX_DATA };
	enum layout_node end = layout_end(node);
	size_t count = wevent_names_count(record->names);

	forget(record, node, end);
	for (size_t i = 0; i < LAYOUT_AREAS; i++) {
		size_t first = NODE_MAX + i * count;

		if (areas[i] >= node && areas[i] < end && layout_has_children(node))
			forget(record, first, first + count);
	}
}

static bool
seen(const struct layout_record *record, enum layout_node node)
{
	return (record->seen[node / 64] >> (node % 64) & 1) != 0;
}

bool
layout_is_object(const struct layout_record *record, enum layout_node node)
{
	const char *mark = seen(record, node) ? record->value[node].ptr : NULL;

	return mark == layout_object || mark == layout_dotted;
}

struct slice
layout_value(const struct layout_record *record, enum layout_node node)
{
	return seen(record, node) ? canon_present(record->value[node]) : SLICE_NONE;
}

/* A record of Sysmon or Security without any agent's mark: at least two of id, channel, provider
 * and computer. */
static bool
is_flat(const struct layout_record *record)
{
	int marks = 0;

	marks += seen(record, NODE_FLAT_ID) || seen(record, NODE_FLAT_CODE);
	marks += seen(record, NODE_FLAT_CHANNEL);
	marks += seen(record, NODE_FLAT_SOURCE) || seen(record, NODE_FLAT_PROVIDER);
	marks += seen(record, NODE_FLAT_COMPUTER) || seen(record, NODE_FLAT_HOSTNAME) ||
		 seen(record, NODE_FLAT_COMPUTER_NAME);
	return marks >= 2;
}

/* The flat exports of OTRF have Hostname and SourceName too, but Windows' TimeCreated where NXLog
 * writes EventTime. */
static bool
is_nxlog(const struct layout_record *record)
{
	return seen(record, NODE_FLAT_MODULE) || seen(record, NODE_FLAT_RECEIVED_TIME) ||
	       (seen(record, NODE_FLAT_HOSTNAME) && seen(record, NODE_FLAT_SOURCE) &&
		       !seen(record, NODE_FLAT_TIME_CREATED));
}

bool
layout_recognise(const struct layout_record *record, enum layout *layout)
{
	if (layout_is_object(record, NODE_EVTX) && layout_is_object(record, NODE_EVTX_SYSTEM))
		*layout = LAYOUT_EVTX_DUMP;
	else if (layout_is_object(record, NODE_WINLOG))
		*layout = layout_value(record, NODE_PROCESS_EXECUTABLE).ptr != NULL ||
					  layout_value(record, NODE_FILE_PATH).ptr != NULL ||
					  layout_value(record, NODE_REGISTRY_PATH).ptr != NULL ||
					  layout_value(record, NODE_DLL_PATH).ptr != NULL ||
					  layout_is_object(record, NODE_POWERSHELL)
				  ? LAYOUT_ECS
				  : LAYOUT_WINLOGBEAT;
	else if (seen(record, NODE_BEAT6_CHANNEL) &&
		 (layout_is_object(record, NODE_BEAT6_EVENT_DATA) || seen(record, NODE_BEAT6_ID)))
		*layout = LAYOUT_WINLOGBEAT6;
	else if (is_nxlog(record))
		*layout = LAYOUT_NXLOG;
	else if (is_flat(record))
		*layout = LAYOUT_FLAT;
	else
		return false;
	return true;
}

#define CHOICES 4

/* Where a layout has what is not event data: the first that says something counts. */
static const struct source {
	uint16_t data;
	uint16_t message;
	uint16_t id[CHOICES];
	uint16_t channel[CHOICES];
	uint16_t provider[CHOICES];
	uint16_t computer[CHOICES];
	uint16_t record[CHOICES];
	uint16_t time[CHOICES];
} sources[LAYOUT_MAX] = {
	[LAYOUT_WINLOGBEAT6] = {
		.data = NODE_BEAT6_DATA,
		.message = NODE_MESSAGE,
		.id = { NODE_BEAT6_ID },
		.channel = { NODE_BEAT6_CHANNEL },
		.provider = { NODE_BEAT6_PROVIDER },
		.computer = { NODE_BEAT6_COMPUTER },
		.record = { NODE_BEAT6_RECORD },
		.time = { NODE_TIMESTAMP },
	},
	[LAYOUT_WINLOGBEAT] = {
		.data = NODE_WINLOG_DATA,
		.message = NODE_MESSAGE,
		.id = { NODE_WINLOG_ID, NODE_EVENT_CODE },
		.channel = { NODE_WINLOG_CHANNEL },
		.provider = { NODE_WINLOG_PROVIDER, NODE_EVENT_PROVIDER },
		.computer = { NODE_WINLOG_COMPUTER, NODE_HOST_NAME },
		.record = { NODE_WINLOG_RECORD },
		.time = { NODE_TIMESTAMP },
	},
	[LAYOUT_ECS] = {
		.data = NODE_WINLOG_DATA,
		.message = NODE_MESSAGE,
		.id = { NODE_EVENT_CODE, NODE_WINLOG_ID },
		.channel = { NODE_WINLOG_CHANNEL },
		.provider = { NODE_WINLOG_PROVIDER, NODE_EVENT_PROVIDER },
		.computer = { NODE_WINLOG_COMPUTER, NODE_HOST_NAME },
		.record = { NODE_WINLOG_RECORD },
		.time = { NODE_TIMESTAMP },
	},
	[LAYOUT_NXLOG] = {
		.data = NODE_FLAT_DATA,
		.message = NODE_FLAT_MESSAGE,
		.id = { NODE_FLAT_ID, NODE_FLAT_ID_TEXT, NODE_FLAT_CODE },
		.channel = { NODE_FLAT_CHANNEL },
		.provider = { NODE_FLAT_SOURCE, NODE_FLAT_PROVIDER },
		.computer = { NODE_FLAT_HOSTNAME, NODE_FLAT_COMPUTER },
		.record = { NODE_FLAT_RECORD_NUMBER, NODE_FLAT_RECORD_ID },
		.time = { NODE_FLAT_EVENT_TIME, NODE_FLAT_TIME_CREATED, NODE_TIMESTAMP },
	},
	[LAYOUT_FLAT] = {
		.data = NODE_FLAT_DATA,
		.message = NODE_FLAT_MESSAGE,
		.id = { NODE_FLAT_ID, NODE_FLAT_ID_TEXT, NODE_FLAT_CODE },
		.channel = { NODE_FLAT_CHANNEL },
		.provider = { NODE_FLAT_SOURCE, NODE_FLAT_PROVIDER },
		.computer = { NODE_FLAT_HOSTNAME, NODE_FLAT_COMPUTER, NODE_FLAT_COMPUTER_NAME },
		.record = { NODE_FLAT_RECORD_ID, NODE_FLAT_RECORD_NUMBER },
		.time = { NODE_FLAT_TIME_CREATED, NODE_TIMESTAMP, NODE_FLAT_EVENT_TIME },
	},
	[LAYOUT_EVTX_DUMP] = {
		.data = NODE_EVTX_DATA,
		.message = NODE_EVTX_MESSAGE,
		.id = { NODE_EVTX_ID, NODE_EVTX_ID_TEXT },
		.channel = { NODE_EVTX_CHANNEL },
		.provider = { NODE_EVTX_PROVIDER_NAME },
		.computer = { NODE_EVTX_COMPUTER },
		.record = { NODE_EVTX_RECORD },
		.time = { NODE_EVTX_SYSTEM_TIME },
	},
};

static struct slice
first_of(const struct layout_record *record, const uint16_t nodes[CHOICES])
{
	struct slice value = SLICE_NONE;

	for (int i = 0; i < CHOICES && nodes[i] != NODE_NONE && value.ptr == NULL; i++)
		value = layout_value(record, (enum layout_node)nodes[i]);
	return value;
}

/* 1, "1", " 1" and 1.0 are an id; "1x", true and 1.5 are none.  *text becomes the plain decimal
 * digits in it. */
static bool
read_id(struct slice *text, int32_t *id)
{
	struct slice s = slice_trim(*text);
	size_t point = slice_find_byte(s, '.');
	uint64_t n;

	if (point + 1 == s.len)
		return false;
	for (size_t i = point + 1; i < s.len; i++) {
		if (s.ptr[i] != '0')
			return false;
	}
	s = slice_sub(s, 0, point);
	if (slice_number(s, INT32_MAX, &n) != 0)
		return false;
	while (s.len > 1 && s.ptr[0] == '0')
		s = slice_sub(s, 1, s.len);
	*text = s;
	*id = (int32_t)n;
	return true;
}

/* The record's own time: of the event where it says one, else of the record. */
static int64_t
time_of(const struct layout_record *record, const uint16_t nodes[CHOICES], struct slice utc)
{
	int64_t time = STAMP_NONE;
	bool zoned;

	if (utc.ptr != NULL && stamp_parse(utc, &time, &zoned) == 0)
		return time;
	for (int i = 0; i < CHOICES && nodes[i] != NODE_NONE; i++) {
		struct slice text = layout_value(record, (enum layout_node)nodes[i]);

		if (text.ptr != NULL && stamp_parse(text, &time, &zoned) == 0)
			return time;
	}
	return STAMP_NONE;
}

/* NXLog's own field EventType has the place of Sysmon's in the older versions ("INFO" beside
 * EventTypeOrignal). */
static bool
is_nxlog_type(struct slice type)
{
	static const struct slice types[] = { { "INFO", 4 }, { "AUDIT_SUCCESS", 13 },
		{ "AUDIT_FAILURE", 13 }, { "WARNING", 7 }, { "ERROR", 5 }, { "VERBOSE", 7 },
		{ "CRITICAL", 8 }, { "DEBUG", 5 } };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (slice_equal(type, types[i]))
			return true;
	}
	return false;
}

_Static_assert(D_CANONICAL <= 64 && D_MAX - D_CANONICAL <= 64, "seen_bits()");

/* The bits [from, from + count) of the nodes seen, count up to 64. */
static uint64_t
seen_bits(const struct layout_record *record, size_t from, unsigned int count)
{
	uint64_t bits = record->seen[from / 64] >> (from % 64);

	if (from % 64 != 0 && from / 64 + 1 < (record->node_count + 63) / 64)
		bits |= record->seen[from / 64 + 1] << (64 - from % 64);
	return bits & (~UINT64_C(0) >> (64 - count));
}

void
layout_map(const struct layout_record *record, enum layout layout, struct wevent *event)
{
	static const uint8_t fields[D_CANONICAL] = {
#define X(name) [D_##name] = F_##name,
		LAYOUT_DATA(X)
#undef X
	};
	const struct source *source = &sources[layout];
	struct slice *f = event->f;
	uint64_t bits = seen_bits(record, source->data, D_CANONICAL);

	for (; bits != 0; bits &= bits - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(bits);

		f[fields[i]] = canon_present(record->value[source->data + i]);
	}
	if (f[F_Hashes].ptr == NULL) /* Sysmon before 3.0 */
		f[F_Hashes] = layout_value(record, (enum layout_node)(source->data + D_Hash));
	if (source->data == NODE_FLAT_DATA && is_nxlog_type(f[F_EventType]))
		f[F_EventType] = SLICE_NONE;
	event->layout = layout;
	f[F_EventID] = first_of(record, source->id);
	if (f[F_EventID].ptr == NULL || !read_id(&f[F_EventID], &event->event_id))
		f[F_EventID] = SLICE_NONE;
	f[F_Channel] = first_of(record, source->channel);
	f[F_Provider_Name] = first_of(record, source->provider);
	f[F_EventRecordID] = first_of(record, source->record);
	f[F_Computer] = first_of(record, source->computer);
	/* Splunk's name for it, and only beside Splunk's name for the id: elsewhere it is the
	 * relay. */
	if (layout == LAYOUT_FLAT && f[F_Computer].ptr == NULL && seen(record, NODE_FLAT_CODE))
		f[F_Computer] = layout_value(record, NODE_HOST);
	event->time = time_of(record, source->time, f[F_UtcTime]);
}

/* What an event of any kind has beside its data, where that has nothing of this name. */
static void
add_common(const struct layout_record *record, enum layout layout, struct wevent *event)
{
	const struct {
		struct slice name, value;
	} common[] = {
		{ SLICE("Message"), layout_message(record, layout) },
		{ SLICE("SourceName"), event->f[F_Provider_Name] },
		{ SLICE("Level"), layout_value(record, NODE_EVTX_LEVEL) },
		{ SLICE("Keywords"), layout_value(record, NODE_EVTX_KEYWORDS) },
	};

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
		struct slice *field = wevent_more(event, record->names, common[i].name);

		if (field != NULL && field->ptr == NULL)
			*field = common[i].value;
	}
}

/* What only rules name is theirs to read: '-' is a value here.  An empty one says nothing. */
static struct slice
raw_value(const struct layout_record *record, unsigned int node)
{
	return seen(record, (enum layout_node)node) && record->value[node].len > 0
		       ? record->value[node]
		       : SLICE_NONE;
}

bool
layout_map_more(const struct layout_record *record, enum layout layout, struct wevent *event,
	struct arena *arena)
{
	static const struct slice extra[D_MAX - D_CANONICAL] = {
#define X(name) [D_##name - D_CANONICAL] = { #name, sizeof(#name) - 1 },
		LAYOUT_EXTRA(X)
#undef X
	};
	uint32_t count = wevent_names_count(record->names);
	enum layout_node first =
		(enum layout_node)(NODE_MAX + area_of(sources[layout].data) * count);
	unsigned int data = sources[layout].data + (unsigned int)D_CANONICAL;
	uint64_t bits = seen_bits(record, data, D_MAX - D_CANONICAL);
	struct slice *more;

	if (count == 0)
		return true;
	more = arena_alloc(arena, count * sizeof(*more));
	if (more == NULL)
		return false;
	for (uint32_t i = 0; i < count; i++)
		more[i] = raw_value(record, first + i);
	/* These have nodes of their own, since others are made from them. */
	for (; bits != 0; bits &= bits - 1) {
		unsigned int d = (unsigned int)__builtin_ctzll(bits);
		uint32_t i = wevent_names_find(record->names, extra[d]);

		if (i != UINT32_MAX)
			more[i] = raw_value(record, data + d);
	}
	event->more = more;
	event->more_count = count;
	add_common(record, layout, event);
	return true;
}

struct slice
layout_message(const struct layout_record *record, enum layout layout)
{
	return layout_value(record, (enum layout_node)sources[layout].message);
}

void
layout_data(const struct layout_record *record, enum layout layout, struct slice data[D_MAX])
{
	for (unsigned int i = 0; i < D_MAX; i++)
		data[i] = layout_value(record, (enum layout_node)(sources[layout].data + i));
}
