/* Contradictions, and fields that a category's events do not have (Sysmon's schema, and Security's
 * audit events as canon.c makes them). */

#include <string.h>

#include "detect/lint.h"
#include "detect/reader.h"

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
	const char *category;
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

/* Every event has these. */
static const char *const common[] = { "EventID", "Channel", "Provider_Name", "EventRecordID",
	"Computer", "UtcTime", "RuleName", "User", "Message", "Level", "Keywords", "keywords" };

static bool
is_listed(const char *name, const char *const *list, size_t max)
{
	for (size_t i = 0; i < max && list[i] != NULL; i++)
		if (slice_equal_nocase(slice_of(name), slice_of(list[i])))
			return true;
	return slice_prefix_nocase(slice_of(name), SLICE(READER_COLUMN_PREFIX));
}

const char *
lint_foreign_field(struct slice category, const struct condition *condition)
{
	size_t which = 0, count = sizeof(categories) / sizeof(categories[0]);

	while (which < count && !slice_equal_nocase(category, slice_of(categories[which].category)))
		which++;
	for (uint32_t i = 0; i < condition->item_count && which < count; i++) {
		const char *name = condition->items[i].name;

		if (!is_listed(name, common, sizeof(common) / sizeof(common[0])) &&
			!is_listed(name, categories[which].fields, 40))
			return name;
	}
	return NULL;
}
