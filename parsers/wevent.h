#ifndef PARSERS_WEVENT_H
#define PARSERS_WEVENT_H

/* One Windows event in canonical form.  Field names are Sysmon's.  A field is a slice of the
 * message or of the message's arena: it has no NUL at its end, may hold any byte, and lives until
 * the arena is reset.  Absent is ptr == NULL. */

#include "parsers/slice.h"
#include "parsers/stamp.h"

/* clang-format off */
#define WEVENT_FIELDS(X) \
	X(EventID) X(Channel) X(Provider_Name) X(EventRecordID) X(EventType) X(Computer) \
	X(UtcTime) X(RuleName) X(User) X(Image) X(CommandLine) X(CurrentDirectory) \
	X(ProcessGuid) X(ProcessId) X(LogonGuid) X(LogonId) X(TerminalSessionId) X(IntegrityLevel) \
	X(Hashes) X(OriginalFileName) X(FileVersion) X(Description) X(Product) X(Company) \
	X(ParentImage) X(ParentCommandLine) X(ParentProcessGuid) X(ParentProcessId) X(ParentUser) \
	X(TargetFilename) X(CreationUtcTime) X(TargetObject) X(Details) X(ScriptBlockText)

enum wevent_field {
#define X(name) F_##name,
	WEVENT_FIELDS(X)
#undef X
	F_MAX
};
/* clang-format on */

/* clang-format off */
#define LAYOUTS(X) \
	X(WINLOGBEAT6, "winlogbeat6") \
	X(WINLOGBEAT, "winlogbeat") \
	X(ECS, "ecs") \
	X(NXLOG, "nxlog") \
	X(FLAT, "flat") \
	X(EVTX_DUMP, "evtx_dump")

enum layout {
#define X(id, name) LAYOUT_##id,
	LAYOUTS(X)
#undef X
	LAYOUT_MAX
};
/* clang-format on */

struct wevent {
	struct slice f[F_MAX];
	struct slice *more; /* fields that only rules name, in the order of their wevent_names; may
			       be NULL */
	uint32_t more_count;
	struct slice host; /* Computer in lower case without a trailing dot: the host's key, never
			      the relay's */
	struct slice raw;  /* the record as received */
	int64_t time;      /* UtcTime, else the record's own time; STAMP_NONE when it has none */
	int32_t event_id;  /* -1: none */
	enum layout layout;
	bool partial;  /* the sender cut the record; the fields that are here are complete */
	bool repaired; /* invalid UTF-8, lone surrogates or raw control characters were replaced */
	uint32_t duplicate_keys; /* keys that came twice; the last one counts */
};

/* Sysmon's name of a field ("Image"), and the field of a name in any letter case; F_MAX when there
 * is none.  Sigma's EventCode is EventID, and the alerts' host is Computer. */
const char *wevent_field_name(enum wevent_field);
enum wevent_field wevent_field_find(struct slice name);

/* The value of a field: one of the above, or F_MAX + n for the n-th that only rules name. */
struct slice wevent_value(const struct wevent *, enum wevent_field);

/* The names of such fields, in the case of the record's keys.  One without a name is in no record.
 * Immutable. */
#define WEVENT_NAMES_MAX 4096
#define WEVENT_NAME_MAX 64 /* bytes of one */
struct wevent_names;
struct wevent_names *wevent_names_new(const struct slice *names, uint32_t count); /* copies them */
void wevent_names_free(struct wevent_names *);
uint32_t wevent_names_count(const struct wevent_names *);              /* 0 for NULL */
uint32_t wevent_names_find(const struct wevent_names *, struct slice); /* UINT32_MAX: not there */

/* Where the event has the field of this name; NULL when no rule names it. */
struct slice *wevent_more(struct wevent *, const struct wevent_names *, struct slice name);

const char *layout_name(enum layout);

/* All fields absent, no time, no event id. */
void wevent_clear(struct wevent *);

#endif
