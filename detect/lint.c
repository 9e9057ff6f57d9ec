/* Contradictions; fields that a category's events do not have (Sysmon's schema, and Security's
 * audit events as canon.c makes them), and names that look like slips for others. */

#include <string.h>

#include "detect/lint.h"
#include "detect/spelling.h"

#define ITEMS_MAX 12 /* 4,096 assignments, nearly always ended by one of the first */

/* The program with these items true. */
static bool
eval(const struct condition *condition, uint32_t truths)
{
	bool stack[CONDITION_STACK_MAX + 1] = { false };
	uint32_t n = 0;

	for (uint32_t i = 0; i < condition->op_count; i++) {
		const struct condition_op *op = &condition->ops[i];
		uint32_t sum = 0;

		switch (op->code) {
		case CONDITION_ITEM:
			stack[n++] = (truths >> op->item & 1) != 0;
			break;
		case CONDITION_AND:
			n--;
			stack[n - 1] = stack[n - 1] && stack[n];
			break;
		case CONDITION_OR:
			n--;
			stack[n - 1] = stack[n - 1] || stack[n];
			break;
		case CONDITION_NOT:
			stack[n - 1] = !stack[n - 1];
			break;
		case CONDITION_SOME:
			n -= op->of - 1;
			for (uint32_t k = 0; k < op->of; k++)
				sum += stack[n - 1 + k];
			stack[n - 1] = sum >= op->least;
			break;
		}
	}
	return stack[0];
}

bool
lint_can_be_true(const struct condition *condition)
{
	if (condition->item_count == 0 || condition->item_count > ITEMS_MAX)
		return true;
	for (uint32_t truths = (1U << condition->item_count); truths > 0; truths--)
		if (eval(condition, truths - 1))
			return true;
	return false;
}

#define PROCESS                                                                                 \
	"Image", "CommandLine", "CurrentDirectory", "ProcessGuid", "ProcessId", "LogonGuid",    \
		"LogonId", "TerminalSessionId", "IntegrityLevel", "Hashes", "OriginalFileName", \
		"FileVersion", "Description", "Product", "Company", "ParentImage",              \
		"ParentCommandLine", "ParentProcessGuid", "ParentProcessId", "ParentUser"
#define ACTOR "Image", "ProcessGuid", "ProcessId"

static const struct {
	const char *name;
	const char *fields[40];
} categories[] = {
	{ "process_creation",
		{ PROCESS, "SubjectUserName", "SubjectDomainName", "SubjectUserSid",
			"SubjectLogonId", "TargetUserName", "TargetDomainName", "TargetLogonId",
			"MandatoryLabel", "TokenElevationType", "NewProcessName", "NewProcessId",
			"ParentProcessName", NULL } },
	{ "process_termination", { ACTOR, NULL } },
	{ "file_event", { ACTOR, "TargetFilename", "CreationUtcTime", NULL } },
	{ "file_change",
		{ ACTOR, "TargetFilename", "CreationUtcTime", "PreviousCreationUtcTime", NULL } },
	{ "file_delete", { ACTOR, "TargetFilename", "Hashes", "IsExecutable", "Archived", NULL } },
	{ "file_executable_detected", { ACTOR, "TargetFilename", "Hashes", NULL } },
	{ "create_stream_hash",
		{ ACTOR, "TargetFilename", "CreationUtcTime", "Hash", "Contents", NULL } },
	{ "registry_add", { ACTOR, "TargetObject", "EventType", NULL } },
	{ "registry_delete", { ACTOR, "TargetObject", "EventType", NULL } },
	{ "registry_rename", { ACTOR, "TargetObject", "EventType", "NewName", NULL } },
	{ "registry_set", { ACTOR, "TargetObject", "EventType", "Details", "OldValue", "NewValue",
				  "ObjectName", "ObjectValueName", "OperationType", "OldValueType",
				  "NewValueType", "SubjectUserName", "SubjectDomainName",
				  "SubjectLogonId", NULL } },
	{ "registry_event", { ACTOR, "TargetObject", "EventType", "Details", "NewName", "OldValue",
				    "NewValue", "ObjectName", "ObjectValueName", "OperationType",
				    "OldValueType", "NewValueType", "SubjectUserName",
				    "SubjectDomainName", "SubjectLogonId", NULL } },
	{ "image_load", { ACTOR, "ImageLoaded", "FileVersion", "Description", "Product", "Company",
				"OriginalFileName", "Hashes", "Signed", "Signature",
				"SignatureStatus", NULL } },
	{ "driver_load",
		{ "ImageLoaded", "Hashes", "Signed", "Signature", "SignatureStatus", NULL } },
	{ "network_connection",
		{ ACTOR, "Protocol", "Initiated", "SourceIsIpv6", "SourceIp", "SourceHostname",
			"SourcePort", "SourcePortName", "DestinationIsIpv6", "DestinationIp",
			"DestinationHostname", "DestinationPort", "DestinationPortName", NULL } },
	{ "dns_query", { ACTOR, "QueryName", "QueryStatus", "QueryResults", NULL } },
	{ "pipe_created", { ACTOR, "PipeName", "EventType", NULL } },
	{ "ps_script", { "ScriptBlockText", "ScriptBlockId", "Path", "MessageNumber",
			       "MessageTotal", "Data", NULL } },
};
#define CATEGORY_COUNT (sizeof(categories) / sizeof(categories[0]))

/* Every event has these. */
static const char *const common[] = { "EventID", "Channel", "Provider_Name", "EventRecordID",
	"Computer", "UtcTime", "RuleName", "User", "Message", "Level", "Keywords", NULL };

/* Fields of Sysmon's other events, and of the events of Windows, PowerShell, IIS and SQL Server
 * that rules are written for: whoever names one of them has not mistyped it. */
static const char *const known[] = { "AccessList", "AccessMask", "Address", "AccountName",
	"AllowedToDelegateTo", "Application", "ApplicationPath", "Archived",
	"AttributeLDAPDisplayName", "AttributeValue", "AuditPolicyChanges",
	"AuthenticationPackageName", "Binary", "CallerProcessName", "CallTrace", "CertThumbprint",
	"ClassName", "ClientAddress", "ClientProcessId", "CommandName", "CommandPath",
	"CommandType", "ConfigPath", "Configuration", "ConfigurationOption", "Consumer", "Contents",
	"ContextInfo", "Data", "DestAddress", "Destination", "DestinationHostname", "DestinationIp",
	"DestinationIsIpv6", "DestinationPort", "DestinationPortName", "DestPort", "Device",
	"DeviceDescription", "DeviceName", "EditOperationType", "EngineVersion", "FileName",
	"FileNameBuffer", "Filter", "FilterName", "GrantedAccess", "Hash", "HiveName",
	"HostApplication", "HostId", "HostName", "HostVersion", "ImageLoaded", "ImagePath",
	"ImpersonationLevel", "Initiated", "IpAddress", "IpPort", "IsExecutable", "KeyLength",
	"Keywords", "Level", "LogonProcessName", "LogonType", "MandatoryLabel", "Message",
	"MessageNumber", "MessageTotal", "ModifyingApplication", "Name", "NewName",
	"NewProcessName", "NewThreadId", "NewUacValue", "NewValue", "NewValueType", "ObjectClass",
	"ObjectDN", "ObjectName", "ObjectServer", "ObjectType", "ObjectValueName", "OldUacValue",
	"OldValue", "OldValueType", "Operation", "OperationType", "param1", "param2", "param3",
	"ParentProcessName", "Path", "Payload", "payload", "PipeName", "PreAuthType",
	"PreviousCreationUtcTime", "PrivilegeList", "process", "ProcessName", "ProcessNameBuffer",
	"Properties", "Protocol", "Query", "QueryName", "QueryResults", "QueryStatus",
	"RelativeTargetName", "RemoteAddress", "RequestedPolicy", "SamAccountName", "ScriptBlockId",
	"ScriptName", "ServerName", "ServiceFileName", "ServiceName", "ServicePrincipalNames",
	"ServiceType", "ShareLocalPath", "ShareName", "SidHistory", "SidList", "Signature",
	"SignatureStatus", "Signed", "SourceAddress", "SourceFilename", "SourceHostname",
	"SourceImage", "SourceIp", "SourceIsIpv6", "SourceName", "SourcePort", "SourceProcessGUID",
	"SourceProcessGuid", "SourceProcessId", "SourceThreadId", "SourceUser", "StartAddress",
	"StartFunction", "StartModule", "State", "Status", "SubcategoryGuid", "SubjectDomainName",
	"SubjectLogonId", "subjectName", "SubjectUserName", "SubjectUserSid", "SubStatus",
	"TargetDomainName", "TargetImage", "TargetInfo", "TargetLogonId", "TargetName",
	"TargetProcessGUID", "TargetProcessGuid", "TargetProcessId", "TargetServerName",
	"TargetSid", "TargetUser", "TargetUserName", "TargetUserSid", "TaskContent",
	"TaskContentNew", "TaskName", "TemplateContent", "ThreatName", "TicketEncryptionType",
	"TicketOptions", "TokenElevationType", "Type", "UserName", "Version", "Workstation",
	"WorkstationName", NULL };

static bool
is_listed(struct slice name, const char *const *words)
{
	while (*words != NULL && !slice_equal(name, slice_of(*words)))
		words++;
	return *words != NULL;
}

/* The nearest of the words, if it is near and nearer than `*word`, which may be NULL. */
static void
find_nearest(struct slice name, const char *const *words, const char **word)
{
	for (; *words != NULL; words++) {
		size_t distance = spelling_distance(name, slice_of(*words));

		if (spelling_is_near(name, slice_of(*words)) &&
			(*word == NULL || distance < spelling_distance(name, slice_of(*word))))
			*word = *words;
	}
}

/* The row of a category whose fields are listed; CATEGORY_COUNT: there is none. */
static size_t
find_category(struct slice category)
{
	size_t i = 0;

	while (i < CATEGORY_COUNT && !slice_equal_nocase(category, slice_of(categories[i].name)))
		i++;
	return i;
}

/* Fields that are not the event's own are looked for in records by their very letters, so that
 * other letter case is a slip as well. */
static void
check_name(
	struct sigma_reader *reader, struct slice category, struct fy_node *node, struct slice name)
{
	const char *const *lists[CATEGORY_COUNT + 2] = { common };
	size_t which = find_category(category), count = 1;
	enum wevent_field field = wevent_field_find(name);
	struct slice written = name;
	const char *word = NULL;

	if (name.len == 0 || slice_prefix_nocase(name, SLICE(READER_COLUMN_PREFIX)) ||
		(which == CATEGORY_COUNT && field < F_MAX))
		return;
	if (field < F_MAX)
		name = slice_of(wevent_field_name(field));
	if (which < CATEGORY_COUNT)
		lists[count++] = categories[which].fields;
	else
		lists[count++] = known;
	for (size_t i = 0; which == CATEGORY_COUNT && i < CATEGORY_COUNT; i++)
		lists[count++] = categories[i].fields;
	for (size_t i = 0; i < count; i++)
		if (is_listed(name, lists[i]))
			return;
	for (size_t i = 0; i < count; i++)
		find_nearest(name, lists[i], &word);
	if (which < CATEGORY_COUNT)
		yaml_fault(reader->yaml, node, reader->faults, true,
			"events of category %s have no field '%.*s'; %s%s%s",
			categories[which].name, READER_SHOW(written),
			word == NULL ? "correct one of them" : "did you mean ",
			word == NULL ? "" : word, word == NULL ? "" : "?");
	else if (word != NULL)
		yaml_fault(reader->yaml, node, reader->faults, true,
			"no event has a field '%.*s'; did you mean %s?", READER_SHOW(written),
			word);
}

/* A value that names a field. */
static void
check_value(struct sigma_reader *reader, struct slice category, struct fy_node *node)
{
	check_name(reader, category, node, yaml_scalar(node));
}

/* Can it be an EventID: digits, with or without wildcards? */
static bool
is_event_id(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.ptr[i] < '0' || text.ptr[i] > '9') && text.ptr[i] != '*' &&
			text.ptr[i] != '?')
			return false;
	return true;
}

static void
check_event_id(struct sigma_reader *reader, struct slice category, struct fy_node *node)
{
	struct slice text = yaml_scalar(node);

	(void)category;
	if (yaml_plain(node) && slice_equal_nocase(text, SLICE("null")))
		return;
	if (!is_event_id(text))
		yaml_fault(reader->yaml, node, reader->faults, true,
			"no event has the EventID '%.*s'; write a number", READER_SHOW(text));
}

/* Of a list, or a single one. */
static void
check_values(struct sigma_reader *reader, struct slice category, struct fy_node *value,
	void (*check)(struct sigma_reader *, struct slice category, struct fy_node *))
{
	struct fy_node *node;
	void *iterator = NULL;

	if (!reader_is_list(value))
		check(reader, category, value);
	while (reader_is_list(value) && (node = fy_node_sequence_iterate(value, &iterator)) != NULL)
		check(reader, category, node);
}

/* The keys of a map, and the fields that are values. */
static void
check_map(struct sigma_reader *reader, struct slice category, struct fy_node *map)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	while (reader_is_map(map) && (pair = fy_node_mapping_iterate(map, &iterator)) != NULL) {
		struct fy_node *key = fy_node_pair_key(pair);
		struct slice words = yaml_scalar(key);

		check_name(reader, category, key, slice_sub(words, 0, slice_find_byte(words, '|')));
		if (slice_find(words, SLICE("|fieldref")) < words.len)
			check_values(reader, category, fy_node_pair_value(pair), check_value);
		if (wevent_field_find(words) == F_EventID)
			check_values(reader, category, fy_node_pair_value(pair), check_event_id);
	}
}

/* Selections: maps of fields, or lists of such maps. */
static void
check_selections(struct sigma_reader *reader, struct slice category, struct fy_node *section)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	while (reader_is_map(section) &&
		(pair = fy_node_mapping_iterate(section, &iterator)) != NULL) {
		struct fy_node *value = fy_node_pair_value(pair), *node;
		void *maps = NULL;

		check_map(reader, category, value);
		while (reader_is_list(value) &&
			(node = fy_node_sequence_iterate(value, &maps)) != NULL)
			check_map(reader, category, node);
	}
}

static void
check_correlation(struct sigma_reader *reader, struct fy_node *section)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	while (reader_is_map(section) &&
		(pair = fy_node_mapping_iterate(section, &iterator)) != NULL)
		if (slice_equal(yaml_scalar(fy_node_pair_key(pair)), SLICE("group-by")))
			check_values(reader, SLICE_NONE, fy_node_pair_value(pair), check_value);
}

void
lint_fields(struct sigma_reader *reader, struct slice category, struct fy_node *root)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	while ((pair = fy_node_mapping_iterate(root, &iterator)) != NULL) {
		struct slice key = yaml_scalar(fy_node_pair_key(pair));
		struct fy_node *value = fy_node_pair_value(pair);

		if (slice_equal(key, SLICE("detection")) || slice_equal(key, SLICE("filter")))
			check_selections(reader, category, value);
		else if (slice_equal(key, SLICE("correlation")))
			check_correlation(reader, value);
		else if (slice_equal(key, SLICE("fields")))
			check_values(reader, category, value, check_value);
	}
}
