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
	for (; *words != NULL; words++)
		if (spelling_is_near(name, slice_of(*words)) &&
			(*word == NULL || spelling_distance(name, slice_of(*words)) <
						  spelling_distance(name, slice_of(*word))))
			*word = *words;
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

/* The lists of fields that events of the category may have, or any event. */
static size_t
list_fields(size_t which, const char *const *lists[CATEGORY_COUNT + 2])
{
	size_t count = 0;

	lists[count++] = common;
	lists[count++] = which < CATEGORY_COUNT ? categories[which].fields : known;
	for (size_t i = 0; which == CATEGORY_COUNT && i < CATEGORY_COUNT; i++)
		lists[count++] = categories[i].fields;
	return count;
}

bool
lint_has_field(struct slice category, const char *name)
{
	size_t which = find_category(category);
	enum wevent_field field = wevent_field_find(slice_of(name));
	struct slice own = slice_of(field < F_MAX ? wevent_field_name(field) : name);

	return which == CATEGORY_COUNT || is_listed(own, common) ||
	       is_listed(own, categories[which].fields) ||
	       slice_prefix_nocase(own, SLICE(READER_COLUMN_PREFIX));
}

static void
warn_field(struct sigma_reader *reader, const char *category, struct fy_node *node,
	struct slice name, const char *meant)
{
	if (category == NULL)
		yaml_fault(reader->yaml, node, reader->faults, true,
			"no event has a field '%.*s'; did you mean %s?", READER_SHOW(name), meant);
	else if (meant == NULL)
		yaml_fault(reader->yaml, node, reader->faults, true,
			"events of category %s have no field '%.*s'; correct one of them", category,
			READER_SHOW(name));
	else
		yaml_fault(reader->yaml, node, reader->faults, true,
			"events of category %s have no field '%.*s'; did you mean %s?", category,
			READER_SHOW(name), meant);
}

/* Fields that are not the event's own are looked for in records by their very letters, so that
 * other letter case is a slip as well. */
static void
check_name(
	struct sigma_reader *reader, struct slice category, struct fy_node *node, struct slice name)
{
	const char *const *lists[CATEGORY_COUNT + 2];
	size_t which = find_category(category), count = list_fields(which, lists);
	bool listed = which < CATEGORY_COUNT; /* all that there is */
	enum wevent_field field = wevent_field_find(name);
	struct slice own = field < F_MAX ? slice_of(wevent_field_name(field)) : name;
	const char *meant = NULL;

	if (name.len == 0 || slice_prefix_nocase(name, SLICE(READER_COLUMN_PREFIX)) ||
		(!listed && field < F_MAX))
		return;
	for (size_t i = 0; i < count; i++)
		if (is_listed(own, lists[i]))
			return;
	for (size_t i = 0; i < count; i++)
		find_nearest(own, lists[i], &meant);
	if (listed || meant != NULL)
		warn_field(reader, listed ? categories[which].name : NULL, node, name, meant);
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

/* The fields of the group that are no aliases. */
static void
check_correlation(struct sigma_reader *reader, struct fy_node *section)
{
	struct fy_node *group = reader_value(section, SLICE("group-by")), *node;
	struct fy_node *aliases = reader_value(section, SLICE("aliases"));
	void *iterator = NULL;

	while (reader_is_list(group) && (node = fy_node_sequence_iterate(group, &iterator)) != NULL)
		if (reader_value(aliases, yaml_scalar(node)) == NULL)
			check_name(reader, SLICE_NONE, node, yaml_scalar(node));
}

void
lint_fields(struct sigma_reader *reader, struct slice category, struct fy_node *root)
{
	struct fy_node *fields = reader_value(root, SLICE("fields"));

	check_selections(reader, category, reader_value(root, SLICE("detection")));
	check_selections(reader, category, reader_value(root, SLICE("filter")));
	check_correlation(reader, reader_value(root, SLICE("correlation")));
	if (fields != NULL)
		check_values(reader, category, fields, check_value);
}
