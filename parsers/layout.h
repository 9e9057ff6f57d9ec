#ifndef PARSERS_LAYOUT_H
#define PARSERS_LAYOUT_H

/* The layouts: which path of a JSON record holds what, and how a record tells its layout.
 *
 * All paths of all layouts form one constant tree.  json.c walks it while it reads and leaves a
 * struct layout_record, the values found at its nodes; layout_recognise() and layout_map() make the
 * canonical event from that. */

#include "parsers/arena.h"
#include "parsers/wevent.h"

/* clang-format off */

/* Event data by the names that Windows gives them: first those that are canonical fields ... */
#define LAYOUT_DATA(X) \
	X(EventType) X(UtcTime) X(RuleName) X(User) X(Image) X(CommandLine) X(CurrentDirectory) \
	X(ProcessGuid) X(ProcessId) X(LogonGuid) X(LogonId) X(TerminalSessionId) \
	X(IntegrityLevel) X(Hashes) X(OriginalFileName) X(FileVersion) X(Description) X(Product) \
	X(Company) X(ParentImage) X(ParentCommandLine) X(ParentProcessGuid) X(ParentProcessId) \
	X(ParentUser) X(TargetFilename) X(CreationUtcTime) X(TargetObject) X(Details) \
	X(ScriptBlockText)

/* ... then those that canon.c makes canonical fields from, and the strings of classic events, which
 * have no names: all in one as Data, or each by its number. */
#define LAYOUT_EXTRA(X) \
	X(Hash) X(NewProcessName) X(NewProcessId) X(ParentProcessName) X(MandatoryLabel) \
	X(TargetUserName) X(TargetDomainName) X(TargetLogonId) X(SubjectUserName) \
	X(SubjectDomainName) X(SubjectLogonId) X(ObjectType) X(ObjectName) X(ObjectValueName) \
	X(ProcessName) X(NewValue) X(ContextInfo) X(Data) \
	X(param1) X(param2) X(param3) X(param4) X(param5) X(param6) X(param7) X(param8) \
	X(param9) X(param10) X(param11) X(param12) X(param13) X(param14) X(param15) X(param16) \
	X(param17) X(param18) X(param19) X(param20) X(param21) X(param22) X(param23) X(param24) \
	X(param25) X(param26) X(param27) X(param28) X(param29) X(param30) X(param31) X(param32)

enum layout_data {
#define X(name) D_##name,
	LAYOUT_DATA(X) LAYOUT_EXTRA(X)
#undef X
	D_MAX,
	D_CANONICAL = D_Hash /* so many are canonical */
};

/* clang-format on */

/* The nodes of the tree that somebody asks for by name, in an order in which a node is followed by
 * all that is below it.  Event data is below four of them: at the root (FLAT), in Winlogbeat 5 and
 * 6, in Winlogbeat 7 and later, and in evtx_dump's.  An event has user data instead of event data
 * when its provider has a schema of its own; they have the same place. */
enum layout_node {
	NODE_NONE, /* wanted by nobody, as is everything below it */
	NODE_ROOT,
	NODE_FLAT_DATA,
	NODE_FLAT_ID = NODE_FLAT_DATA + D_MAX,
	NODE_FLAT_ID_TEXT,
	NODE_FLAT_CODE,
	NODE_FLAT_CHANNEL,
	NODE_FLAT_SOURCE,
	NODE_FLAT_PROVIDER,
	NODE_FLAT_HOSTNAME,
	NODE_FLAT_COMPUTER,
	NODE_FLAT_COMPUTER_NAME,
	NODE_FLAT_RECORD_NUMBER,
	NODE_FLAT_RECORD_ID,
	NODE_FLAT_EVENT_TIME,
	NODE_FLAT_TIME_CREATED,
	NODE_FLAT_RECEIVED_TIME,
	NODE_FLAT_MODULE,
	NODE_FLAT_MESSAGE,
	NODE_TIMESTAMP,
	NODE_MESSAGE,
	NODE_HOST,
	NODE_HOST_NAME,
	NODE_BEAT6_ID,
	NODE_BEAT6_CHANNEL,
	NODE_BEAT6_PROVIDER,
	NODE_BEAT6_COMPUTER,
	NODE_BEAT6_RECORD,
	NODE_BEAT6_EVENT_DATA,
	NODE_BEAT6_DATA,
	NODE_WINLOG = NODE_BEAT6_DATA + D_MAX,
	NODE_WINLOG_ID,
	NODE_WINLOG_CHANNEL,
	NODE_WINLOG_PROVIDER,
	NODE_WINLOG_COMPUTER,
	NODE_WINLOG_RECORD,
	NODE_WINLOG_EVENT_DATA,
	NODE_WINLOG_DATA,
	NODE_EVENT = NODE_WINLOG_DATA + D_MAX,
	NODE_EVENT_CODE,
	NODE_EVENT_PROVIDER,
	NODE_PROCESS,
	NODE_PROCESS_EXECUTABLE,
	NODE_PROCESS_COMMAND_LINE,
	NODE_PROCESS_DIRECTORY,
	NODE_PROCESS_ENTITY,
	NODE_PROCESS_PID,
	NODE_PROCESS_THREAD,
	NODE_PROCESS_THREAD_ID,
	NODE_PROCESS_PE,
	NODE_PROCESS_PE_NAME,
	NODE_PROCESS_PE_VERSION,
	NODE_PROCESS_PE_DESCRIPTION,
	NODE_PROCESS_PE_PRODUCT,
	NODE_PROCESS_PE_COMPANY,
	NODE_PROCESS_IMPHASH,
	NODE_PROCESS_HASH,
	NODE_PROCESS_SHA1,
	NODE_PROCESS_MD5,
	NODE_PROCESS_SHA256,
	NODE_PROCESS_PARENT,
	NODE_PARENT_EXECUTABLE,
	NODE_PARENT_COMMAND_LINE,
	NODE_PARENT_ENTITY,
	NODE_PARENT_PID,
	NODE_FILE,
	NODE_FILE_PATH,
	NODE_FILE_NAME,
	NODE_FILE_PE,
	NODE_FILE_PE_NAME,
	NODE_FILE_PE_VERSION,
	NODE_FILE_PE_DESCRIPTION,
	NODE_FILE_PE_PRODUCT,
	NODE_FILE_PE_COMPANY,
	NODE_FILE_IMPHASH,
	NODE_FILE_HASH,
	NODE_FILE_SHA1,
	NODE_FILE_MD5,
	NODE_FILE_SHA256,
	NODE_FILE_SIGNATURE,
	NODE_FILE_SIGNED,
	NODE_FILE_SIGNER,
	NODE_FILE_SIGNATURE_STATUS,
	NODE_DLL,
	NODE_DLL_PATH,
	NODE_DLL_PE,
	NODE_DLL_PE_NAME,
	NODE_DLL_PE_VERSION,
	NODE_DLL_PE_DESCRIPTION,
	NODE_DLL_PE_PRODUCT,
	NODE_DLL_PE_COMPANY,
	NODE_DLL_IMPHASH,
	NODE_DLL_HASH,
	NODE_DLL_SHA1,
	NODE_DLL_MD5,
	NODE_DLL_SHA256,
	NODE_DLL_SIGNATURE,
	NODE_DLL_SIGNED,
	NODE_DLL_SIGNER,
	NODE_DLL_SIGNATURE_STATUS,
	NODE_NETWORK,
	NODE_NETWORK_TRANSPORT,
	NODE_NETWORK_PROTOCOL,
	NODE_NETWORK_DIRECTION,
	NODE_NETWORK_TYPE,
	NODE_SOURCE,
	NODE_SOURCE_IP,
	NODE_SOURCE_DOMAIN,
	NODE_SOURCE_PORT,
	NODE_DESTINATION,
	NODE_DESTINATION_IP,
	NODE_DESTINATION_DOMAIN,
	NODE_DESTINATION_PORT,
	NODE_DNS,
	NODE_DNS_QUESTION,
	NODE_DNS_NAME,
	NODE_SYSMON,
	NODE_SYSMON_DNS,
	NODE_SYSMON_DNS_STATUS,
	NODE_SYSMON_FILE,
	NODE_SYSMON_ARCHIVED,
	NODE_SYSMON_EXECUTABLE,
	NODE_POWERSHELL,
	NODE_POWERSHELL_SEQUENCE,
	NODE_POWERSHELL_TOTAL,
	NODE_POWERSHELL_FILE,
	NODE_POWERSHELL_BLOCK_ID,
	NODE_POWERSHELL_BLOCK_TEXT,
	NODE_REGISTRY,
	NODE_REGISTRY_PATH,
	NODE_REGISTRY_DATA,
	NODE_REGISTRY_STRINGS,
	NODE_REGISTRY_TYPE,
	NODE_RULE,
	NODE_RULE_NAME,
	NODE_USER,
	NODE_USER_NAME,
	NODE_USER_DOMAIN,
	NODE_EVTX,
	NODE_EVTX_SYSTEM,
	NODE_EVTX_PROVIDER,
	NODE_EVTX_PROVIDER_ATTRIBUTES,
	NODE_EVTX_PROVIDER_NAME,
	NODE_EVTX_ID,
	NODE_EVTX_ID_TEXT,
	NODE_EVTX_TIME,
	NODE_EVTX_TIME_ATTRIBUTES,
	NODE_EVTX_SYSTEM_TIME,
	NODE_EVTX_CHANNEL,
	NODE_EVTX_COMPUTER,
	NODE_EVTX_RECORD,
	NODE_EVTX_LEVEL,
	NODE_EVTX_KEYWORDS,
	NODE_EVTX_RENDERING,
	NODE_EVTX_MESSAGE,
	NODE_EVTX_USER_DATA,
	NODE_EVTX_EVENT_DATA,
	NODE_EVTX_DATA,
	NODE_MAX = NODE_EVTX_DATA + D_MAX
};

/* Objects on the way to the deepest node, the root's among them. */
#define LAYOUT_DEPTH 5

/* What one record has at the nodes.  `value` is set where the bit of the node in `seen` is: the
 * text of a string, number or boolean; absent for null; layout_object or layout_dotted, both empty,
 * for a node that has others below it. */
struct layout_record {
	uint64_t *seen;
	struct slice *value;
	const struct wevent_names *names; /* of fields that only rules name, or NULL */
	uint32_t node_count;              /* NODE_MAX, and a node for each of these below each
					     LAYOUT_AREAS */
};

/* Where event data is: below the root, and three others. */
#define LAYOUT_AREAS 4

/* The nodes of a tree with these names. */
uint32_t layout_nodes(const struct wevent_names *);

extern const char layout_object[]; /* was an object */
extern const char layout_dotted[]; /* was the front of a dotted key only: "winlog.event_id" */

/* The node of a key in the object at `node`, or NODE_NONE.  `names` may be NULL.  A node that has
 * none below it may be an object all the same, with its attributes: "#text" in it is the node. */
enum layout_node layout_child(enum layout_node, struct slice key, const struct wevent_names *names);

/* Can anything be below the node? */
bool layout_has_children(enum layout_node);

/* Does an array there stand for all of its values, a line each?  Else it is its first. */
bool layout_is_list(enum layout_node);

/* The node behind the last one that is below this one. */
enum layout_node layout_end(enum layout_node);

/* The node has not been seen, nor any below it. */
void layout_forget(struct layout_record *, enum layout_node);

/* Was the node an object, or the front of a dotted key? */
bool layout_is_object(const struct layout_record *, enum layout_node);

/* The node's value if it says something: not "", "-" or the zero GUID.  Else absent. */
struct slice layout_value(const struct layout_record *, enum layout_node);

/* The record's layout; false when it has none that is known. */
bool layout_recognise(const struct layout_record *, enum layout *);

/* Fill the event's fields, id, layout and time from a record of this layout.  All are slices of the
 * record's values. */
void layout_map(const struct layout_record *, enum layout, struct wevent *);

/* The same for the fields that only rules name.  false: no memory. */
bool layout_map_more(const struct layout_record *, enum layout, struct wevent *, struct arena *);

/* The message that Windows has rendered, or absent.  Beats' and evtx_dump's are only read when
 * rules name a field that may be taken from it: they are a third of a record, and hardly ever
 * needed. */
struct slice layout_message(const struct layout_record *, enum layout);

/* The record's event data by name, for canon_security() and classic_map(). */
void layout_data(const struct layout_record *, enum layout, struct slice data[D_MAX]);

#endif
