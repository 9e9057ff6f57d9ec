/* Elastic's schema: what the Sysmon and PowerShell modules moved out of event data, put back.
 *
 * The moves are those of the pipelines that Elastic publishes, of Winlogbeat 7's scripts and of the
 * agent's integrations.  What event data still has counts first.  What the modules change so that
 * it cannot be told any more (a QWORD's high half, the results of a query) stays absent. */

#include "parsers/ecs.h"
#include "parsers/canon.h"

/* "SHA1=..,MD5=..,SHA256=..,IMPHASH=.." in Sysmon's capitals. */
enum hash_owner { OF_PROCESS, OF_FILE, OF_DLL, HASH_OWNERS };

static bool
join_hashes(const struct layout_record *record, enum hash_owner owner, struct wevent *event,
	struct arena *arena)
{
	static const struct {
		struct slice name;
		uint16_t node[HASH_OWNERS];
	} kinds[] = {
		{ { "SHA1=", 5 }, { NODE_PROCESS_SHA1, NODE_FILE_SHA1, NODE_DLL_SHA1 } },
		{ { "MD5=", 4 }, { NODE_PROCESS_MD5, NODE_FILE_MD5, NODE_DLL_MD5 } },
		{ { "SHA256=", 7 }, { NODE_PROCESS_SHA256, NODE_FILE_SHA256, NODE_DLL_SHA256 } },
		{ { "IMPHASH=", 8 },
			{ NODE_PROCESS_IMPHASH, NODE_FILE_IMPHASH, NODE_DLL_IMPHASH } },
	};
	struct slice parts[3 * sizeof(kinds) / sizeof(kinds[0])];
	size_t count = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct slice hash = layout_value(record, (enum layout_node)kinds[i].node[owner]);

		if (hash.ptr == NULL)
			continue;
		parts[count] = count == 0 ? SLICE("") : SLICE(",");
		count++;
		parts[count++] = kinds[i].name;
		parts[count] = canon_upper(hash, arena);
		if (parts[count++].ptr == NULL)
			return false;
	}
	if (count == 0)
		return true;
	event->f[F_Hashes] = canon_concat(parts, count, arena);
	return event->f[F_Hashes].ptr != NULL;
}

/* Sysmon's text of a registry value from its type and string. */
static bool
registry_details(const struct layout_record *record, struct wevent *event, struct arena *arena)
{
	struct slice type = layout_value(record, NODE_REGISTRY_TYPE);
	struct slice text = layout_value(record, NODE_REGISTRY_STRINGS);
	struct slice details = text;
	uint64_t n;

	/* Behind the cut of a record that the sender cut may have stood what the text means. */
	if (event->partial && type.ptr == NULL)
		return true;
	if (slice_equal(type, SLICE("REG_BINARY"))) {
		details = SLICE("Binary Data");
	} else if (slice_equal(type, SLICE("SZ_DWORD"))) {
		if (slice_number_any(text, UINT32_MAX, &n) == 0)
			details = arena_printf(arena, "DWORD (0x%08x)", (unsigned int)n);
	} else if (slice_equal(type, SLICE("SZ_QWORD"))) {
		/* The pipeline adds the high half shifted by 8 instead of 32 bits: then the value
		 * can't be known. */
		if (slice_number_any(text, UINT32_MAX, &n) != 0)
			return true;
		details = arena_printf(arena, "QWORD (0x00000000-0x%08x)", (unsigned int)n);
	}
	if (text.ptr != NULL && details.ptr == NULL)
		return false;
	event->f[F_Details] = details;
	return true;
}

static bool
utc_time(struct wevent *event, struct arena *arena)
{
	char text[STAMP_TEXT_MAX];

	/* "2020-05-05T14:57:44.714Z" to "2020-05-05 14:57:44.714" */
	(void)stamp_format(event->time, text);
	text[10] = ' ';
	event->f[F_UtcTime] = arena_copy(arena, (struct slice){ text, 23 });
	return event->f[F_UtcTime].ptr != NULL;
}

/* Elastic's words for what Sysmon and Windows write as others. */
static struct slice
sysmon_word(enum layout_node node, struct slice value)
{
	static const struct {
		uint16_t node;
		struct slice from, to;
	} words[] = {
		{ NODE_NETWORK_DIRECTION, SLICE_INIT("egress"), SLICE_INIT("true") },
		{ NODE_NETWORK_DIRECTION, SLICE_INIT("outbound"), SLICE_INIT("true") },
		{ NODE_NETWORK_DIRECTION, SLICE_INIT("ingress"), SLICE_INIT("false") },
		{ NODE_NETWORK_DIRECTION, SLICE_INIT("inbound"), SLICE_INIT("false") },
		{ NODE_NETWORK_TYPE, SLICE_INIT("ipv6"), SLICE_INIT("true") },
		{ NODE_NETWORK_TYPE, SLICE_INIT("ipv4"), SLICE_INIT("false") },
		{ NODE_SYSMON_DNS_STATUS, SLICE_INIT("SUCCESS"), SLICE_INIT("0") },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].node == node && slice_equal(words[i].from, value))
			return words[i].to;
	}
	return value;
}

#define ID(id) (UINT64_C(1) << (id))

/* The Sysmon module's moves by id, of fields that only rules name. */
static const struct moved {
	struct slice name;
	uint16_t node;
	uint64_t ids;
} moved_by_sysmon[] = {
	{ SLICE_INIT("SourceIp"), NODE_SOURCE_IP, ID(3) },
	{ SLICE_INIT("SourceHostname"), NODE_SOURCE_DOMAIN, ID(3) },
	{ SLICE_INIT("SourcePort"), NODE_SOURCE_PORT, ID(3) },
	{ SLICE_INIT("SourceIsIpv6"), NODE_NETWORK_TYPE, ID(3) },
	{ SLICE_INIT("DestinationIp"), NODE_DESTINATION_IP, ID(3) },
	{ SLICE_INIT("DestinationHostname"), NODE_DESTINATION_DOMAIN, ID(3) },
	{ SLICE_INIT("DestinationPort"), NODE_DESTINATION_PORT, ID(3) },
	{ SLICE_INIT("DestinationPortName"), NODE_NETWORK_PROTOCOL, ID(3) },
	{ SLICE_INIT("DestinationIsIpv6"), NODE_NETWORK_TYPE, ID(3) },
	{ SLICE_INIT("Protocol"), NODE_NETWORK_TRANSPORT, ID(3) },
	{ SLICE_INIT("Initiated"), NODE_NETWORK_DIRECTION, ID(3) },
	{ SLICE_INIT("ImageLoaded"), NODE_FILE_PATH, ID(6) | ID(7) },
	{ SLICE_INIT("ImageLoaded"), NODE_DLL_PATH, ID(7) },
	{ SLICE_INIT("Signed"), NODE_FILE_SIGNED, ID(6) | ID(7) },
	{ SLICE_INIT("Signed"), NODE_DLL_SIGNED, ID(7) },
	{ SLICE_INIT("Signature"), NODE_FILE_SIGNER, ID(6) | ID(7) },
	{ SLICE_INIT("Signature"), NODE_DLL_SIGNER, ID(7) },
	{ SLICE_INIT("SignatureStatus"), NODE_FILE_SIGNATURE_STATUS, ID(6) | ID(7) },
	{ SLICE_INIT("SignatureStatus"), NODE_DLL_SIGNATURE_STATUS, ID(7) },
	{ SLICE_INIT("SourceImage"), NODE_PROCESS_EXECUTABLE, ID(8) | ID(10) },
	{ SLICE_INIT("SourceProcessGuid"), NODE_PROCESS_ENTITY, ID(8) },
	{ SLICE_INIT("SourceProcessGUID"), NODE_PROCESS_ENTITY, ID(10) },
	{ SLICE_INIT("SourceProcessId"), NODE_PROCESS_PID, ID(8) | ID(10) },
	{ SLICE_INIT("SourceThreadId"), NODE_PROCESS_THREAD_ID, ID(10) },
	{ SLICE_INIT("Device"), NODE_FILE_PATH, ID(9) },
	{ SLICE_INIT("PipeName"), NODE_FILE_NAME, ID(17) | ID(18) },
	{ SLICE_INIT("Destination"), NODE_PROCESS_EXECUTABLE, ID(20) },
	{ SLICE_INIT("QueryName"), NODE_DNS_NAME, ID(22) },
	{ SLICE_INIT("QueryStatus"), NODE_SYSMON_DNS_STATUS, ID(22) },
	{ SLICE_INIT("Archived"), NODE_SYSMON_ARCHIVED, ID(23) },
	{ SLICE_INIT("IsExecutable"), NODE_SYSMON_EXECUTABLE, ID(23) | ID(26) },
	{ SLICE_INIT("Type"), NODE_MESSAGE, ID(25) },
};

/* The PowerShell modules' moves.  The rest of what they moved is read from the message, like what
 * they removed (classic.c). */
static const struct moved moved_by_powershell[] = {
	{ SLICE_INIT("ScriptBlockId"), NODE_POWERSHELL_BLOCK_ID, 0 },
	{ SLICE_INIT("MessageNumber"), NODE_POWERSHELL_SEQUENCE, 0 },
	{ SLICE_INIT("MessageTotal"), NODE_POWERSHELL_TOTAL, 0 },
	{ SLICE_INIT("HostApplication"), NODE_PROCESS_COMMAND_LINE, 0 },
	{ SLICE_INIT("Path"), NODE_FILE_PATH, 0 },
	{ SLICE_INIT("ScriptName"), NODE_FILE_PATH, 0 },
};

static void
put_back(const struct layout_record *record, const struct moved *moved, struct wevent *event)
{
	struct slice *field = wevent_more(event, record->names, moved->name);
	enum layout_node node = (enum layout_node)moved->node;

	if (field != NULL && field->ptr == NULL)
		*field = sysmon_word(node, layout_value(record, node));
}

static bool
is_powershell(const struct layout_record *record, const struct wevent *event)
{
	return slice_suffix_nocase(event->f[F_Provider_Name], SLICE("PowerShell")) ||
	       slice_equal_nocase(event->f[F_Provider_Name], SLICE("PowerShellCore")) ||
	       layout_is_object(record, NODE_POWERSHELL);
}

static void
map_powershell(const struct layout_record *record, struct wevent *event)
{
	struct slice *text = &event->f[F_ScriptBlockText];

	if (text->ptr == NULL)
		*text = layout_value(record, NODE_POWERSHELL_BLOCK_TEXT);
	for (size_t i = 0; i < sizeof(moved_by_powershell) / sizeof(moved_by_powershell[0]); i++)
		put_back(record, &moved_by_powershell[i], event);
}

/* Sysmon's fields of its events other than those of processes, files and the registry. */
static void
map_sysmon(const struct layout_record *record, struct wevent *event)
{
	struct slice *hash = wevent_more(event, record->names, SLICE("Hash"));

	if (event->event_id >= 64 || !canon_is_sysmon(event))
		return;
	for (size_t i = 0; i < sizeof(moved_by_sysmon) / sizeof(moved_by_sysmon[0]); i++) {
		if ((moved_by_sysmon[i].ids >> event->event_id & 1) != 0)
			put_back(record, &moved_by_sysmon[i], event);
	}
	if (event->event_id == 15 && hash != NULL && hash->ptr == NULL)
		*hash = event->f[F_Hashes];
}

#undef ID

/* Canonical fields by where they were moved to, whatever the event. */
static const struct canonical {
	uint16_t node, field;
} moved_canonical[] = {
	{ NODE_PROCESS_COMMAND_LINE, F_CommandLine },
	{ NODE_PROCESS_DIRECTORY, F_CurrentDirectory },
	{ NODE_PROCESS_PE_NAME, F_OriginalFileName },
	{ NODE_PROCESS_PE_VERSION, F_FileVersion },
	{ NODE_PROCESS_PE_DESCRIPTION, F_Description },
	{ NODE_PROCESS_PE_PRODUCT, F_Product },
	{ NODE_PROCESS_PE_COMPANY, F_Company },
	{ NODE_FILE_PE_NAME, F_OriginalFileName },
	{ NODE_FILE_PE_VERSION, F_FileVersion },
	{ NODE_FILE_PE_DESCRIPTION, F_Description },
	{ NODE_FILE_PE_PRODUCT, F_Product },
	{ NODE_FILE_PE_COMPANY, F_Company },
	{ NODE_DLL_PE_NAME, F_OriginalFileName },
	{ NODE_DLL_PE_VERSION, F_FileVersion },
	{ NODE_DLL_PE_DESCRIPTION, F_Description },
	{ NODE_DLL_PE_PRODUCT, F_Product },
	{ NODE_DLL_PE_COMPANY, F_Company },
	{ NODE_PARENT_EXECUTABLE, F_ParentImage },
	{ NODE_PARENT_COMMAND_LINE, F_ParentCommandLine },
	{ NODE_PARENT_ENTITY, F_ParentProcessGuid },
	{ NODE_PARENT_PID, F_ParentProcessId },
	{ NODE_REGISTRY_PATH, F_TargetObject },
	{ NODE_RULE_NAME, F_RuleName },
};

/* Those that have another name in events about two processes, or about none. */
static const struct canonical moved_process[] = {
	{ NODE_PROCESS_EXECUTABLE, F_Image },
	{ NODE_PROCESS_ENTITY, F_ProcessGuid },
	{ NODE_PROCESS_PID, F_ProcessId },
};

static void
fill(const struct layout_record *record, const struct canonical *moved, size_t count,
	struct wevent *event)
{
	for (size_t i = 0; i < count; i++) {
		struct slice *field = &event->f[moved[i].field];

		if (field->ptr == NULL)
			*field = layout_value(record, (enum layout_node)moved[i].node);
	}
}

bool
ecs_map(const struct layout_record *record, struct wevent *event, struct arena *arena)
{
	int32_t id = event->event_id;
	bool image_loaded = id == 6 || id == 7 || id == 9; /* file.path is ImageLoaded or Device */
	/* Of a cut record the provider may not be known yet. */
	bool renamed =
		(id == 8 || id == 10 || id == 20) && (event->partial || canon_is_sysmon(event));
	struct slice *f = event->f;
	struct slice domain = layout_value(record, NODE_USER_DOMAIN);
	struct slice name = layout_value(record, NODE_USER_NAME);

	if (is_powershell(record, event)) {
		map_powershell(record, event);
		return true;
	}
	fill(record, moved_canonical, sizeof(moved_canonical) / sizeof(moved_canonical[0]), event);
	if (!renamed)
		fill(record, moved_process, sizeof(moved_process) / sizeof(moved_process[0]),
			event);
	if (f[F_TargetFilename].ptr == NULL && !image_loaded)
		f[F_TargetFilename] = layout_value(record, NODE_FILE_PATH);
	/* A name alone, or user.id, is the account of the service that wrote the event. */
	if (f[F_User].ptr == NULL && domain.ptr != NULL && name.ptr != NULL) {
		f[F_User] =
			canon_concat((const struct slice[]){ domain, SLICE("\\"), name }, 3, arena);
		if (f[F_User].ptr == NULL)
			return false;
	}
	if (f[F_Hashes].ptr == NULL && !event->partial &&
		!join_hashes(record, image_loaded || id == 15 || id == 29 ? OF_FILE : OF_PROCESS,
			event, arena))
		return false;
	if (f[F_Hashes].ptr == NULL && !event->partial && id == 7 &&
		!join_hashes(record, OF_DLL, event, arena))
		return false;
	if (f[F_Details].ptr == NULL && !registry_details(record, event, arena))
		return false;
	map_sysmon(record, event);
	if (f[F_UtcTime].ptr == NULL && event->time != STAMP_NONE && canon_is_sysmon(event))
		return utc_time(event, arena);
	return true;
}
