/* "Label: value" lines of Sysmon's rendered message.
 *
 * Labels are the names of the event data in the manifest's order.  A value goes on until the next
 * line (or, where a relay has made blanks of the line breaks, the next word) that is a label which
 * may still come; so a label that an attacker writes into a command line ends that value early, but
 * can't replace a field that came before, and structured data always come first.
 *
 * Not read: localised messages, and Security's, whose labels are not the names of their data. */

#include "parsers/text.h"
#include "parsers/canon.h"

#define END F_MAX

/* The ids' labels in order, up to END. */
static const uint8_t process_create[] = { F_RuleName, F_UtcTime, F_ProcessGuid, F_ProcessId,
	F_Image, F_FileVersion, F_Description, F_Product, F_Company, F_OriginalFileName,
	F_CommandLine, F_CurrentDirectory, F_User, F_LogonGuid, F_LogonId, F_TerminalSessionId,
	F_IntegrityLevel, F_Hashes, F_ParentProcessGuid, F_ParentProcessId, F_ParentImage,
	F_ParentCommandLine, F_ParentUser, END };
static const uint8_t file_create[] = { F_RuleName, F_UtcTime, F_ProcessGuid, F_ProcessId, F_Image,
	F_TargetFilename, F_CreationUtcTime, F_User, END };
static const uint8_t file_delete[] = { F_RuleName, F_UtcTime, F_ProcessGuid, F_ProcessId, F_User,
	F_Image, F_TargetFilename, F_Hashes, END };
static const uint8_t registry[] = { F_RuleName, F_EventType, F_UtcTime, F_ProcessGuid, F_ProcessId,
	F_Image, F_TargetObject, F_Details, F_User, END };
static const uint8_t process_end[] = { F_RuleName, F_UtcTime, F_ProcessGuid, F_ProcessId, F_Image,
	F_User, END };

static const struct kind {
	int32_t id;
	const uint8_t *labels;
	uint64_t always; /* fields that each such event of every schema has */
} kinds[] = {
#define BIT(name) (UINT64_C(1) << F_##name)
#define ALWAYS (BIT(UtcTime) | BIT(ProcessGuid) | BIT(ProcessId) | BIT(Image))
	{ 1, process_create,
		ALWAYS | BIT(CommandLine) | BIT(CurrentDirectory) | BIT(User) | BIT(LogonId) |
			BIT(IntegrityLevel) | BIT(Hashes) | BIT(ParentProcessId) |
			BIT(ParentImage) | BIT(ParentCommandLine) },
	{ 5, process_end, ALWAYS },
	{ 11, file_create, ALWAYS | BIT(TargetFilename) },
	{ 12, registry, ALWAYS | BIT(EventType) | BIT(TargetObject) },
	{ 13, registry, ALWAYS | BIT(EventType) | BIT(TargetObject) | BIT(Details) },
	{ 14, registry, ALWAYS | BIT(EventType) | BIT(TargetObject) },
	{ 23, file_delete, ALWAYS | BIT(TargetFilename) },
	{ 26, file_delete, ALWAYS | BIT(TargetFilename) },
	{ 27, file_delete, ALWAYS | BIT(TargetFilename) },
	{ 29, file_delete, ALWAYS | BIT(TargetFilename) },
#undef ALWAYS
#undef BIT
};

static const struct kind *
kind_of(const struct wevent *event)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].id == event->event_id)
			return canon_is_sysmon(event) ? &kinds[i] : NULL;
	}
	return NULL;
}

bool
text_is_needed(const struct wevent *event)
{
	const struct kind *kind = kind_of(event);
	uint64_t bits = kind == NULL ? 0 : kind->always;

	for (; bits != 0; bits &= bits - 1) {
		if (event->f[__builtin_ctzll(bits)].ptr == NULL)
			return true;
	}
	return false;
}

static bool
is_line_end(char byte)
{
	return byte == '\r' || byte == '\n';
}

/* The length of "Label:" at the front of `rest` when it is this field's, with the blank behind it;
 * else 0. */
static size_t
label_length(struct slice rest, enum wevent_field field)
{
	struct slice name = slice_of(wevent_field_name(field));

	if (!slice_prefix(rest, name) || rest.len == name.len || rest.ptr[name.len] != ':')
		return 0;
	if (rest.len == name.len + 1 || is_line_end(rest.ptr[name.len + 1]))
		return name.len + 1;
	return rest.ptr[name.len + 1] == ' ' ? name.len + 2 : 0;
}

/* A value without the line end that belongs to the message. */
static struct slice
without_line_end(struct slice value)
{
	if (value.len > 0 && value.ptr[value.len - 1] == '\r')
		value.len--;
	return value;
}

/* Cut the message at the labels. */
static void
cut(struct slice message, const uint8_t *labels, struct slice fields[F_MAX])
{
	char separator = slice_find_byte(message, '\n') < message.len ? '\n' : ' ';
	enum wevent_field open = END; /* whose value is being read */
	size_t value = 0, next = 0;

	if (message.len > 0 && message.ptr[message.len - 1] == '\n')
		message.len--;
	for (size_t at = 0; at < message.len && labels[next] != END;) {
		struct slice rest = slice_sub(message, at, message.len);
		size_t len = 0, i = next;

		while (labels[i] != END && len == 0)
			len = label_length(rest, (enum wevent_field)labels[i++]);
		if (len > 0) {
			if (open != END)
				fields[open] = without_line_end(slice_sub(message, value, at - 1));
			open = (enum wevent_field)labels[i - 1];
			next = i;
			/* The separator that ends an empty value begins the next label. */
			value = at + len;
			at = value - (message.ptr[value - 1] == separator ? 1 : 0);
		}
		rest = slice_sub(message, at, message.len);
		at += slice_find_byte(rest, separator) + 1;
	}
	if (open != END)
		fields[open] = without_line_end(slice_sub(message, value, message.len));
}

/* "%22" stands where the manifest knows an insert that the event does not have. */
static bool
is_placeholder(struct slice s)
{
	if (s.len < 2 || s.ptr[0] != '%')
		return false;
	for (size_t i = 1; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	}
	return true;
}

/* With a manifest of another version each value stands under its neighbour's label: these tell. */
static bool
is_shifted(const struct slice fields[F_MAX])
{
	uint64_t n;

	if (fields[F_User].ptr != NULL && canon_is_guid(fields[F_User]))
		return true;
	if (fields[F_Hashes].ptr != NULL &&
		slice_find_byte(fields[F_Hashes], '=') == fields[F_Hashes].len)
		return true;
	if (fields[F_ProcessGuid].ptr != NULL && !canon_is_guid(fields[F_ProcessGuid]))
		return true;
	return fields[F_ProcessId].ptr != NULL &&
	       slice_number(fields[F_ProcessId], UINT32_MAX, &n) != 0;
}

void
text_fill(struct slice message, struct wevent *event)
{
	const struct kind *kind = kind_of(event);
	struct slice fields[F_MAX] = { { NULL, 0 } };

	if (kind == NULL || message.len > TEXT_MAX)
		return;
	cut(message, kind->labels, fields);
	for (unsigned int i = 0; i < F_MAX; i++) {
		struct slice *value = &fields[i];

		*value = canon_present(*value);
		if (is_placeholder(*value))
			*value = SLICE_NONE;
	}
	/* The formatter prints 0 for what it did not find, and no process of Windows' own has this
	 * id. */
	if (slice_equal(fields[F_ProcessId], SLICE("0")))
		fields[F_ProcessId] = SLICE_NONE;
	if (is_shifted(fields))
		return;
	for (unsigned int i = 0; i < F_MAX; i++) {
		if (event->f[i].ptr == NULL)
			event->f[i] = fields[i];
	}
}
