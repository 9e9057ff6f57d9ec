/* Classic events: strings without names, which the provider's message file knows where to put.
 *
 * Windows PowerShell has "Name=value" lines in one of them, PowerShell's module log nearly the same
 * in ContextInfo; SQL Server's 15457 has an option, its former value and the new one.  Where a
 * record has only the rendered message, the same is found there, in English: what a translation
 * says is in Data and Message all the same.
 *
 * A field is filled once: a script can write lines that look like PowerShell's, but these stand
 * behind the true ones. */

#include "parsers/classic.h"
#include "parsers/canon.h"

#define STRINGS (D_param32 - D_param1 + 1)

bool
classic_is_needed(const struct wevent *event)
{
	if (event->more_count == 0 && event->event_id != 4104)
		return false;
	return !canon_is_sysmon(event) &&
	       !slice_equal_nocase(event->f[F_Channel], SLICE("Security"));
}

static void
fill(struct wevent *event, const struct wevent_names *names, struct slice name, struct slice value)
{
	struct slice *field = wevent_more(event, names, name);

	if (field != NULL && field->ptr == NULL && value.len > 0)
		*field = value;
}

/* The line at the front of *rest, which is cut off. */
static struct slice
next_line(struct slice *rest)
{
	size_t end = slice_find_byte(*rest, '\n');
	struct slice line = slice_sub(*rest, 0, end);

	*rest = slice_sub(*rest, end + 1, rest->len);
	return line;
}

/* Where the last line that begins with this text begins; s.len for nowhere. */
static size_t
last_line(struct slice s, struct slice text)
{
	size_t found = s.len;

	for (struct slice rest = s; rest.len > 0;) {
		struct slice line = next_line(&rest);

		if (slice_prefix(line, text))
			found = (size_t)(line.ptr - s.ptr);
	}
	return found;
}

/* All strings, a line each. */
static bool
join(const struct slice data[D_MAX], struct slice *text, struct arena *arena)
{
	struct slice parts[2 * STRINGS];
	size_t count = 0;

	for (size_t i = D_param1; i <= D_param32; i++) {
		if (data[i].ptr == NULL)
			continue;
		if (count > 0)
			parts[count++] = SLICE("\n");
		parts[count++] = data[i];
	}
	*text = count == 0 ? SLICE_NONE : parts[0];
	if (count > 1)
		*text = canon_concat(parts, count, arena);
	return count == 0 || text->ptr != NULL;
}

/* "Configuration option 'xp_cmdshell' changed from 0 to 1. Run the RECONFIGURE statement ..." */
static void
option_of_message(struct slice message, struct slice parts[3])
{
	static const struct slice before[] = { SLICE_INIT("Configuration option '"),
		SLICE_INIT("' changed from "), SLICE_INIT(" to "), SLICE_INIT(".") };
	struct slice found[3], rest = message;

	if (!slice_prefix(rest, before[0]))
		return;
	for (int i = 0; i < 3; i++) {
		size_t end;

		rest = slice_sub(rest, before[i].len, rest.len);
		end = slice_find(rest, before[i + 1]);
		if (end == rest.len)
			return;
		found[i] = slice_sub(rest, 0, end);
		rest = slice_sub(rest, end, rest.len);
	}
	for (int i = 0; i < 3; i++)
		parts[i] = found[i];
}

/* SQL Server: an option of sp_configure. */
static void
option_changed(struct wevent *event, const struct slice data[D_MAX], struct slice message,
	const struct wevent_names *names)
{
	struct slice parts[3] = { data[D_param1], data[D_param2], data[D_param3] };
	struct slice lines = data[D_Data];

	for (int i = 0; i < 3 && lines.len > 0; i++)
		parts[i] = next_line(&lines);
	if (parts[0].ptr == NULL && parts[1].ptr == NULL && parts[2].ptr == NULL)
		option_of_message(message, parts);
	fill(event, names, SLICE("ConfigurationOption"), parts[0]);
	fill(event, names, SLICE("OldValue"), parts[1]);
	fill(event, names, SLICE("NewValue"), parts[2]);
}

/* "Host Application" is HostApplication too. */
static bool
is_named(struct slice label, struct slice name)
{
	size_t at = 0;

	for (size_t i = 0; i < label.len; i++) {
		if (label.ptr[i] == ' ')
			continue;
		if (at == name.len || slice_lower((unsigned char)label.ptr[i]) !=
					      slice_lower((unsigned char)name.ptr[at]))
			return false;
		at++;
	}
	return at == name.len;
}

/* PowerShell's "Name=value" lines.  CommandLine is not among them: it is a field of processes, and
 * what PowerShell means by it has lines of its own. */
static void
context(struct slice text, struct wevent *event, const struct wevent_names *names)
{
	static const struct slice known[] = { SLICE_INIT("HostApplication"), SLICE_INIT("HostName"),
		SLICE_INIT("HostVersion"), SLICE_INIT("HostId"), SLICE_INIT("EngineVersion"),
		SLICE_INIT("RunspaceId"), SLICE_INIT("PipelineId"), SLICE_INIT("CommandName"),
		SLICE_INIT("CommandType"), SLICE_INIT("CommandPath"), SLICE_INIT("ScriptName"),
		SLICE_INIT("ProviderName"), SLICE_INIT("NewProviderState"),
		SLICE_INIT("NewEngineState"), SLICE_INIT("PreviousEngineState"),
		SLICE_INIT("SequenceNumber"), SLICE_INIT("UserId") };

	while (text.len > 0) {
		struct slice line = slice_trim(next_line(&text));
		size_t end = slice_find_byte(line, '=');
		struct slice label = slice_trim(slice_sub(line, 0, end));

		for (size_t i = 0; end < line.len && i < sizeof(known) / sizeof(known[0]); i++) {
			if (is_named(label, known[i]))
				fill(event, names, known[i],
					slice_trim(slice_sub(line, end + 1, line.len)));
		}
	}
}

/* The module log's message: the payload, "Context:", the context, "User Data:". */
static void
module_log(struct wevent *event, struct slice info, struct slice message,
	const struct wevent_names *names)
{
	size_t at = last_line(message, SLICE("Context:"));
	struct slice behind = slice_sub(message, at, message.len);

	(void)next_line(&behind);
	behind = slice_sub(behind, 0, last_line(behind, SLICE("User Data:")));
	if (message.ptr != NULL) {
		fill(event, names, SLICE("Payload"), slice_trim(slice_sub(message, 0, at)));
		fill(event, names, SLICE("ContextInfo"), at < message.len ? behind : message);
	}
	context(info.ptr != NULL ? info : behind, event, names);
}

/* "Creating Scriptblock text (1 of 2):", the text, "ScriptBlock ID: ...", "Path: ..." */
static void
script_block(struct wevent *event, struct slice message, const struct wevent_names *names)
{
	struct slice rest = message, head = next_line(&rest), number;
	size_t end = last_line(rest, SLICE("ScriptBlock ID: "));
	struct slice text = slice_sub(rest, 0, end);

	if (event->f[F_ScriptBlockText].ptr != NULL || end == rest.len ||
		!slice_prefix(head, SLICE("Creating Scriptblock text (")))
		return;
	/* The line break before the label and the empty line are the message's own. */
	for (int i = 0; i < 2 && text.len > 0 && text.ptr[text.len - 1] == '\n'; i++) {
		text.len--;
		if (text.len > 0 && text.ptr[text.len - 1] == '\r')
			text.len--;
	}
	event->f[F_ScriptBlockText] = canon_present(text);
	number = slice_sub(head, SLICE("Creating Scriptblock text (").len, head.len);
	fill(event, names, SLICE("MessageNumber"),
		slice_sub(number, 0, slice_find_byte(number, ' ')));
	number = slice_sub(number, slice_find(number, SLICE(" of ")) + 4, number.len);
	fill(event, names, SLICE("MessageTotal"),
		slice_sub(number, 0, slice_find_byte(number, ')')));
	rest = slice_sub(rest, end, rest.len);
	head = next_line(&rest);
	fill(event, names, SLICE("ScriptBlockId"),
		slice_trim(slice_sub(head, SLICE("ScriptBlock ID: ").len, head.len)));
	head = next_line(&rest);
	if (slice_prefix(head, SLICE("Path:")))
		fill(event, names, SLICE("Path"), slice_trim(slice_sub(head, 5, head.len)));
}

static bool
is_powershell(struct slice channel)
{
	return slice_equal_nocase(channel, SLICE("Microsoft-Windows-PowerShell/Operational")) ||
	       slice_equal_nocase(channel, SLICE("PowerShellCore/Operational"));
}

bool
classic_map(struct wevent *event, const struct slice data[D_MAX], struct slice message,
	const struct wevent_names *names, struct arena *arena)
{
	struct slice channel = event->f[F_Channel], text = data[D_Data];

	/* Strings behind the cut would have gone before the message. */
	if (event->partial)
		message = SLICE_NONE;
	if (is_powershell(channel)) {
		if (event->event_id == 4103)
			module_log(event, data[D_ContextInfo], message, names);
		if (event->event_id == 4104)
			script_block(event, message, names);
		return true;
	}
	if (text.ptr == NULL && !event->partial && !join(data, &text, arena))
		return false;
	if (text.ptr == NULL)
		text = message;
	fill(event, names, SLICE("Data"), text);
	if (event->event_id == 15457 &&
		slice_prefix_nocase(event->f[F_Provider_Name], SLICE("MSSQL")))
		option_changed(event, data, message, names);
	if (slice_equal_nocase(channel, SLICE("Windows PowerShell")))
		context(text, event, names);
	return true;
}
