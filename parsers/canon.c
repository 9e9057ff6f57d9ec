/* What Windows, Sysmon and the agents spell in several ways, spelt in one; Security's audit events
 * as the Sysmon events that they correspond to.
 *
 * Event ids stay as received (a 4688 stays 4688): that it serves where Sysmon's 1 does is for the
 * rules to say.  Values that are not of the expected form are left as they are, never dropped. */

#include <string.h>

#include "parsers/canon.h"

#define GUID_LEN 36 /* without braces */

static bool
is_hex(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'F') ||
	       (byte >= 'a' && byte <= 'f');
}

static struct slice
without_braces(struct slice s)
{
	if (s.len == GUID_LEN + 2 && s.ptr[0] == '{' && s.ptr[GUID_LEN + 1] == '}')
		return slice_sub(s, 1, GUID_LEN + 1);
	return s;
}

static bool
is_bare_guid(struct slice s)
{
	if (s.len != GUID_LEN)
		return false;
	for (size_t i = 0; i < GUID_LEN; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s.ptr[i] != '-' : !is_hex(s.ptr[i]))
			return false;
	}
	return true;
}

bool
canon_is_guid(struct slice s)
{
	return is_bare_guid(without_braces(s));
}

struct slice
canon_present(struct slice s)
{
	if (s.len == 0 || (s.len == 1 && s.ptr[0] == '-'))
		return SLICE_NONE;
	if (s.len != GUID_LEN && s.len != GUID_LEN + 2)
		return s;
	if (slice_equal(without_braces(s), SLICE("00000000-0000-0000-0000-000000000000")))
		return SLICE_NONE;
	return s;
}

struct slice
canon_upper(struct slice s, struct arena *arena)
{
	char *text = arena_alloc(arena, s.len);

	if (text == NULL)
		return SLICE_NONE;
	for (size_t i = 0; i < s.len; i++) {
		bool small = s.ptr[i] >= 'a' && s.ptr[i] <= 'z';

		text[i] = (char)(small ? s.ptr[i] - 'a' + 'A' : s.ptr[i]);
	}
	return (struct slice){ text, s.len };
}

struct slice
canon_concat(const struct slice *parts, size_t count, struct arena *arena)
{
	size_t len = 0, at = 0;
	char *text;

	for (size_t i = 0; i < count; i++)
		len += parts[i].len;
	text = arena_alloc(arena, len);
	if (text == NULL)
		return SLICE_NONE;
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len > 0)
			memcpy(text + at, parts[i].ptr, parts[i].len);
		at += parts[i].len;
	}
	return (struct slice){ text, len };
}

/* Capitals and braces, as Sysmon writes it; some agents write neither. */
static bool
guid(struct slice *value, struct arena *arena)
{
	struct slice bare = without_braces(*value);
	bool small = false;

	if (value->ptr == NULL || !is_bare_guid(bare))
		return true;
	for (size_t i = 0; i < GUID_LEN; i++)
		small |= bare.ptr[i] >= 'a';
	if (!small && bare.ptr != value->ptr)
		return true;
	bare = canon_upper(bare, arena);
	if (bare.ptr == NULL)
		return false;
	*value = canon_concat((const struct slice[]){ SLICE("{"), bare, SLICE("}") }, 3, arena);
	return value->ptr != NULL;
}

/* "0x00000000000003E7" of EVTX tools and "0x3E7" of rendered text are "0x3e7".  Sysmon for Linux
 * has a decimal uid. */
static bool
logon_id(struct slice *value, struct arena *arena)
{
	struct slice digits = slice_sub(*value, 2, value->len);
	bool plain = true;
	uint64_t n;
	char *text;

	if (!slice_prefix_nocase(*value, SLICE("0x")) ||
		slice_number_any(*value, UINT64_MAX, &n) != 0)
		return true;
	while (digits.len > 1 && digits.ptr[0] == '0')
		digits = slice_sub(digits, 1, digits.len);
	for (size_t i = 0; i < digits.len; i++)
		plain &= slice_lower((unsigned char)digits.ptr[i]) == (unsigned char)digits.ptr[i];
	if (plain && value->ptr[1] == 'x' && digits.ptr == value->ptr + 2)
		return true;
	text = arena_alloc(arena, digits.len + 2);
	if (text == NULL)
		return false;
	text[0] = '0';
	text[1] = 'x';
	for (size_t i = 0; i < digits.len; i++)
		text[i + 2] = (char)slice_lower((unsigned char)digits.ptr[i]);
	*value = (struct slice){ text, digits.len + 2 };
	return true;
}

/* The host's key: lower case, no trailing dots. */
static bool
host(struct wevent *event, struct arena *arena)
{
	struct slice name = slice_trim(event->f[F_Computer]);
	bool plain = true;
	char *text;

	while (name.len > 0 && name.ptr[name.len - 1] == '.')
		name.len--;
	event->host = SLICE_NONE;
	if (name.len == 0)
		return true;
	for (size_t i = 0; i < name.len; i++)
		plain &= !(name.ptr[i] >= 'A' && name.ptr[i] <= 'Z');
	if (plain) {
		event->host = name;
		return true;
	}
	text = arena_alloc(arena, name.len);
	if (text == NULL)
		return false;
	for (size_t i = 0; i < name.len; i++)
		text[i] = (char)slice_lower((unsigned char)name.ptr[i]);
	event->host = (struct slice){ text, name.len };
	return true;
}

#define SYSMON SLICE("Microsoft-Windows-Sysmon")
#define SYSMON_CHANNEL SLICE("Microsoft-Windows-Sysmon/Operational")

bool
canon_is_sysmon(const struct wevent *event)
{
	return slice_equal_nocase(event->f[F_Provider_Name], SYSMON) ||
	       slice_equal_nocase(event->f[F_Channel], SYSMON_CHANNEL);
}

/* The channel is the log that Windows files the event in; providers that have just one log are
 * sometimes all that is forwarded. */
static void
channel(struct wevent *event)
{
	if (event->f[F_Channel].ptr != NULL)
		return;
	if (slice_equal_nocase(event->f[F_Provider_Name], SYSMON))
		event->f[F_Channel] = SYSMON_CHANNEL;
	else if (slice_equal_nocase(event->f[F_Provider_Name], SLICE("Linux-Sysmon")))
		event->f[F_Channel] = SLICE("Linux-Sysmon/Operational");
}

bool
canon_finish(struct wevent *event, struct arena *arena)
{
	struct slice *f = event->f;

	channel(event);
	return guid(&f[F_ProcessGuid], arena) && guid(&f[F_ParentProcessGuid], arena) &&
	       guid(&f[F_LogonGuid], arena) && logon_id(&f[F_LogonId], arena) && host(event, arena);
}

bool
canon_is_security(const struct wevent *event)
{
	if (event->event_id != 4688 && event->event_id != 4656 && event->event_id != 4663 &&
		event->event_id != 4657)
		return false;
	if (event->f[F_Channel].ptr != NULL)
		return slice_equal_nocase(event->f[F_Channel], SLICE("Security"));
	/* Without either, the ids speak for themselves: a record that was cut early has no channel
	 * yet, but a ProcessId. */
	return event->f[F_Provider_Name].ptr == NULL ||
	       slice_equal_nocase(
		       event->f[F_Provider_Name], SLICE("Microsoft-Windows-Security-Auditing"));
}

/* Security writes process ids in hexadecimal, Sysmon in decimal. */
static bool
process_id(struct slice *field, struct slice value, struct arena *arena)
{
	uint64_t n;

	*field = value;
	if (!slice_prefix_nocase(value, SLICE("0x")) ||
		slice_number_any(value, UINT32_MAX, &n) != 0)
		return true;
	*field = arena_printf(arena, "%u", (unsigned int)n);
	return field->ptr != NULL;
}

static bool
user(struct wevent *event, struct slice domain, struct slice name, struct arena *arena)
{
	struct slice *field = &event->f[F_User];

	*field = name;
	/* Behind the cut of a partial record may have stood the domain. */
	if (domain.ptr == NULL && event->partial)
		*field = SLICE_NONE;
	if (domain.ptr == NULL || name.ptr == NULL)
		return true;
	*field = canon_concat((const struct slice[]){ domain, SLICE("\\"), name }, 3, arena);
	return field->ptr != NULL;
}

static bool
subject(struct wevent *event, const struct slice data[D_MAX], struct arena *arena)
{
	event->f[F_LogonId] = data[D_SubjectLogonId];
	return user(event, data[D_SubjectDomainName], data[D_SubjectUserName], arena);
}

static bool
is_zero(struct slice hex)
{
	uint64_t n;

	return slice_number_any(hex, UINT64_MAX, &n) == 0 && n == 0;
}

/* The label of a process (MS-DTYP 2.4.2.4, S-1-16-N) by Sysmon's words; another label stays what it
 * is. */
static struct slice
integrity(struct slice label)
{
	static const struct {
		struct slice sid, name;
	} levels[] = {
		{ { "S-1-16-4096", 11 }, { "Low", 3 } },
		{ { "S-1-16-8192", 11 }, { "Medium", 6 } },
		{ { "S-1-16-8448", 11 }, { "Medium+", 7 } },
		{ { "S-1-16-12288", 12 }, { "High", 4 } },
		{ { "S-1-16-16384", 12 }, { "System", 6 } },
	};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (slice_equal_nocase(label, levels[i].sid))
			return levels[i].name;
	}
	return label;
}

/* 4688: the new process is NewProcess*, and ProcessId is its creator. */
static bool
process_created(struct wevent *event, const struct slice data[D_MAX], struct arena *arena)
{
	struct slice *f = event->f;

	if (data[D_NewProcessName].ptr != NULL)
		f[F_Image] = data[D_NewProcessName];
	if (data[D_ParentProcessName].ptr != NULL)
		f[F_ParentImage] = data[D_ParentProcessName];
	if (data[D_MandatoryLabel].ptr != NULL)
		f[F_IntegrityLevel] = integrity(data[D_MandatoryLabel]);
	if (!process_id(&f[F_ProcessId], data[D_NewProcessId], arena) ||
		!process_id(&f[F_ParentProcessId], data[D_ProcessId], arena))
		return false;
	/* The target is filled when the process runs as somebody else than its creator. */
	if (event->partial && data[D_TargetUserName].ptr == NULL)
		return true;
	if (data[D_TargetUserName].ptr == NULL || is_zero(data[D_TargetLogonId]))
		return subject(event, data, arena);
	f[F_LogonId] = data[D_TargetLogonId];
	return user(event, data[D_TargetDomainName], data[D_TargetUserName], arena);
}

static size_t
find_nocase(struct slice s, struct slice needle)
{
	for (size_t i = 0; i + needle.len <= s.len; i++) {
		if (slice_prefix_nocase(slice_sub(s, i, s.len), needle))
			return i;
	}
	return s.len;
}

/* The object manager's name of a key as Sysmon writes it:
 * \REGISTRY\MACHINE\SYSTEM\ControlSet001\Services is HKLM\SYSTEM\CurrentControlSet\Services. */
static bool
registry_key(struct slice *key, struct arena *arena)
{
	static const struct {
		struct slice from, to;
	} roots[] = {
		{ { "\\REGISTRY\\MACHINE\\", 18 }, { "HKLM\\", 5 } },
		{ { "\\REGISTRY\\USER\\", 15 }, { "HKU\\", 4 } },
	};
	struct slice set = SLICE("\\ControlSet00"), rest = *key, root = { "", 0 };
	size_t at;

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		if (slice_prefix_nocase(*key, roots[i].from)) {
			root = roots[i].to;
			rest = slice_sub(*key, roots[i].from.len, key->len);
		}
	}
	at = find_nocase(rest, set);
	if (at < rest.len && at + set.len < rest.len && rest.ptr[at + set.len] >= '1' &&
		rest.ptr[at + set.len] <= '9' &&
		(at + set.len + 1 == rest.len || rest.ptr[at + set.len + 1] == '\\'))
		*key = canon_concat((const struct slice[]){ root, slice_sub(rest, 0, at),
					    SLICE("\\CurrentControlSet"),
					    slice_sub(rest, at + set.len + 1, rest.len) },
			4, arena);
	else if (root.len > 0)
		*key = canon_concat((const struct slice[]){ root, rest }, 2, arena);
	return key->ptr != NULL;
}

/* 4656 and 4663: a file's name or a key's. */
static bool
object_accessed(struct wevent *event, const struct slice data[D_MAX], struct arena *arena)
{
	struct slice *f = event->f;

	if (data[D_ObjectName].ptr == NULL)
		return true;
	if (slice_equal_nocase(data[D_ObjectType], SLICE("File"))) {
		f[F_TargetFilename] = data[D_ObjectName];
	} else if (slice_equal_nocase(data[D_ObjectType], SLICE("Key"))) {
		f[F_TargetObject] = data[D_ObjectName];
		return registry_key(&f[F_TargetObject], arena);
	}
	return true;
}

/* 4657: a value of a key. */
static bool
value_modified(struct wevent *event, const struct slice data[D_MAX], struct arena *arena)
{
	struct slice *f = event->f;

	f[F_Details] = data[D_NewValue];
	/* The name behind the cut of a partial record is not known, and a key's name is not the
	 * value's. */
	if (data[D_ObjectName].ptr == NULL ||
		(event->partial && data[D_ObjectValueName].ptr == NULL))
		return true;
	f[F_TargetObject] = data[D_ObjectName];
	if (!registry_key(&f[F_TargetObject], arena))
		return false;
	if (data[D_ObjectValueName].ptr != NULL)
		f[F_TargetObject] = canon_concat((const struct slice[]){ f[F_TargetObject],
							 SLICE("\\"), data[D_ObjectValueName] },
			3, arena);
	return f[F_TargetObject].ptr != NULL;
}

bool
canon_security(struct wevent *event, const struct slice data[D_MAX], struct arena *arena)
{
	if (event->event_id == 4688)
		return process_created(event, data, arena);
	if (data[D_ProcessName].ptr != NULL)
		event->f[F_Image] = data[D_ProcessName];
	if (!process_id(&event->f[F_ProcessId], data[D_ProcessId], arena) ||
		!subject(event, data, arena))
		return false;
	if (event->event_id == 4657)
		return value_modified(event, data, arena);
	return object_accessed(event, data, arena);
}
