/* The configuration: one table of settings, and a reader that lays YAML texts over its defaults.
 *
 * A text is walked as a map; each key is looked up in the table by its path ("limits.message",
 * "inputs[].listen"), and its value is read by the functions of its kind.  So a new setting is one
 * row here, one member in conf.h and one paragraph in t1505d.yml(5). All texts stay open until the
 * end, so that checks between settings can name a place too.
 *
 * conf_parse() is arithmetic on texts; conf_load() reads the files for it.  Names of hosts are not
 * resolved here, and whether a directory exists is found out by whoever uses it. */

#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "daemon/conf_value.h"
#include "daemon/rules.h"
#include "detect/spelling.h"

#define SHOWN_MAX 80 /* bytes of a value in a fault */
#define PATH_TEXT_MAX 128
#define UNIX_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

/* ---- the table ---- */

#define CONF(member) offsetof(struct conf, member)
#define INPUT(member) offsetof(struct conf_input, member)
#define OUTPUT(member) offsetof(struct conf_output, member)

static const char *const input_types[] = { "tcp", "udp", NULL };
static const char *const output_types[] = { "tcp", "udp", "unix", "unixgram", "stdout", "file",
	NULL };
static const char *const formats[] = { "json", NULL };
static const char *const envelopes[] = { "none", "rfc5424", NULL };
static const char *const framings[] = { "lf", "octet-counted", NULL };
static const char *const alert_modes[] = { "per_event", "per_rule", NULL };

static const struct setting settings[] = {
	{ "inputs", SETTING_INPUTS, 0, .max = CONF_INPUTS_MAX },
	{ "inputs[].type", SETTING_WORD, INPUT(type), .words = input_types },
	{ "inputs[].listen", SETTING_LISTEN, .place = 0 },
	{ "inputs[].name", SETTING_NAME, INPUT(name), .max = CONF_NAME_MAX },
	{ "inputs[].receive_buffer", SETTING_BYTES, INPUT(receive_buffer), .preset = "8MiB",
		.min = 4 * KIB, .max = GIB },

	{ "rules.paths", SETTING_PATHS, .place = 0 },
	{ "rules.cache", SETTING_PATH, CONF(cache.path), .preset = LOCALSTATEDIR "/cache/t1505d",
		.off = true },
	{ "rules.filters", SETTING_FILTERS, .place = 0 },
	{ "rules.attack", SETTING_PATH, .place = CONF(attack.path) },

	{ "outputs", SETTING_OUTPUTS, 0, .max = CONF_OUTPUTS_MAX },
	{ "outputs[].name", SETTING_NAME, OUTPUT(name), .max = CONF_NAME_MAX },
	{ "outputs[].type", SETTING_WORD, OUTPUT(type), .words = output_types },
	{ "outputs[].to", SETTING_DESTINATION, OUTPUT(to), .max = PATH_MAX - 1 },
	{ "outputs[].format", SETTING_FORMAT, 0, .words = formats },
	{ "outputs[].envelope", SETTING_WORD, OUTPUT(envelope), .preset = "none",
		.words = envelopes },
	{ "outputs[].framing", SETTING_WORD, OUTPUT(framing), .preset = "lf", .words = framings },

	{ "alerts", SETTING_WORD, CONF(alert_mode), .preset = "per_event", .words = alert_modes },
	{ "alert.raw", SETTING_SWITCH, CONF(alert_raw), .preset = "true" },
	{ "alert.raw_max", SETTING_BYTES, CONF(alert_raw_max), .preset = "64KiB", .min = KIB,
		.max = 16 * MIB },

	{ "hosts.max", SETTING_COUNT, CONF(hosts_max), .preset = "100000", .min = 256,
		.max = 10000000, .restart = true },
	{ "hosts.alias", SETTING_ALIASES, .place = 0 },
	{ "enrich.hosts", SETTING_PATH, .place = CONF(enrich_hosts.path) },

	/* A count of RFC 6587 has seven digits: 9,999,999 bytes; lines may be longer. */
	{ "limits.message", SETTING_BYTES, CONF(message_max), .preset = "1MiB", .min = KIB,
		.max = 16 * MIB },
	{ "limits.connections", SETTING_COUNT, CONF(connections_max), .preset = "20000", .min = 1,
		.max = 1000000 },
	{ "limits.connections_per_address", SETTING_COUNT, CONF(connections_per_address),
		.preset = "0", .min = 0, .max = 1000000 },
	{ "limits.idle", SETTING_SECONDS, CONF(idle_seconds), .preset = "off", .min = 1,
		.max = 30 * DAY, .off = true },
	/* TCP_KEEPIDLE takes at most 32767 seconds. */
	{ "limits.keepalive", SETTING_SECONDS, CONF(keepalive_seconds), .preset = "60s", .min = 1,
		.max = 9 * HOUR, .off = true },
	{ "limits.json_depth", SETTING_COUNT, CONF(json_depth), .preset = "256", .min = 8,
		.max = 1024 },
	{ "limits.json_keys", SETTING_COUNT, CONF(json_keys), .preset = "4096", .min = 64,
		.max = 1000000 },
	{ "limits.correlations", SETTING_BYTES, CONF(correlations_max), .preset = "64MiB",
		.min = MIB, .max = 64 * GIB },
	{ "limits.memory", SETTING_BYTES, CONF(memory_max), .preset = "512MiB", .min = MIB,
		.max = 1024 * GIB },

	{ "dead_letters.file", SETTING_PATH, CONF(dead_letter_file), .off = true, .restart = true },
	{ "dead_letters.max_size", SETTING_BYTES, CONF(dead_letter_max), .preset = "256MiB",
		.min = MIB, .max = 1024 * GIB, .restart = true },
	{ "journal.max_size", SETTING_BYTES, CONF(journal_max), .preset = "16MiB", .min = MIB,
		.max = 64 * GIB, .restart = true },
	{ "state.directory", SETTING_PATH, CONF(state_directory),
		.preset = LOCALSTATEDIR "/lib/t1505d", .restart = true },
	{ "control.socket", SETTING_PATH, CONF(control_socket),
		.preset = RUNSTATEDIR "/t1505d/control", .max = UNIX_PATH_MAX, .restart = true },
	{ "stats.interval", SETTING_SECONDS, CONF(stats_seconds), .preset = "10m", .min = 1,
		.max = DAY, .off = true, .restart = true },
	{ "metrics", SETTING_ADDRESS, CONF(metrics), .off = true, .restart = true },
	{ "workers", SETTING_COUNT, CONF(workers), .preset = "0", .min = 0, .max = 256,
		.restart = true },
	{ "stop.timeout", SETTING_SECONDS, CONF(stop_seconds), .preset = "10s", .min = 1,
		.max = HOUR },
	{ "user", SETTING_NAME, CONF(user), .preset = "t1505d", .max = 32, .off = true,
		.restart = true },
};
#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

/* ---- the reader ---- */

struct alias {
	struct conf_alias names;
	size_t order;
	const struct yaml *yaml;
	struct fy_node *node;
};

struct reader {
	struct conf *conf;
	struct faults *faults;
	const char *file; /* of the text that is being read; NULL for presets */
	const struct yaml *yaml;
	char shown[PATH_TEXT_MAX *
		   2]; /* the path of the value that is being read: "inputs[1].listen" */
	size_t shown_length;
	bool unread; /* a text is no YAML: what it would have set is not known */
	struct {
		const struct yaml *yaml;
		struct fy_node *node;
	} places[SETTING_COUNT]; /* where a setting was given last */
	struct alias *aliases;
	size_t alias_count;
	size_t alias_room;
};

static void
fault(struct reader *reader, struct fy_node *node, const char *what)
{
	yaml_fault(reader->yaml, node, reader->faults, false, "%s: %s", reader->shown, what);
}

static void
no_memory(struct reader *reader)
{
	faults_add(reader->faults, reader->file == NULL ? "configuration" : reader->file, 0, 0,
		false, "out of memory");
}

static const struct setting *
find_setting(const char *path)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (strcmp(settings[i].path, path) == 0)
			return &settings[i];
	}
	return NULL;
}

static bool
given(const struct reader *reader, const char *path)
{
	return reader->places[find_setting(path) - settings].node != NULL;
}

/* A fault of a setting after the texts were read: at its last place, else of the first file as a
 * whole. */
static void
fault_setting(struct reader *reader, const char *path, bool warning, const char *what)
{
	size_t i = (size_t)(find_setting(path) - settings);

	if (reader->places[i].node != NULL)
		yaml_fault(reader->places[i].yaml, reader->places[i].node, reader->faults, warning,
			"%s: %s", path, what);
	else
		faults_add(reader->faults, reader->file == NULL ? "configuration" : reader->file, 0,
			0, warning, "%s: %s", path, what);
}

/* ---- walking a text ---- */

/* The text of one value; false after a fault. */
static bool
read_text(struct reader *reader, struct fy_node *node, struct slice *text)
{
	*text = yaml_scalar(node);
	if (text->ptr == NULL && node != NULL) {
		fault(reader, node, "one value is wanted here, not a list or a map");
		return false;
	}
	if (yaml_plain(node) && (text->len == 0 || slice_equal(*text, SLICE("null")) ||
					slice_equal(*text, SLICE("~")))) {
		fault(reader, node, "no value; give one or remove the key");
		return false;
	}
	for (size_t i = 0; i < text->len; i++) {
		if ((unsigned char)text->ptr[i] < 0x20 || text->ptr[i] == 0x7f) {
			fault(reader, node, "holds a control character; remove it");
			return false;
		}
	}
	return true;
}

static void
read_scalar(
	struct reader *reader, const struct setting *setting, struct fy_node *node, char *target)
{
	char expected[256];
	struct slice text;
	int result;

	if (!read_text(reader, node, &text))
		return;
	result = conf_value_parse(reader->file, setting, text, target + setting->place);
	if (result == -ENOMEM) {
		no_memory(reader);
	} else if (result < 0) {
		conf_value_expect(setting, expected, sizeof(expected));
		yaml_fault(reader->yaml, node, reader->faults, false, "%s: %.*s%s is not %s",
			reader->shown, (int)(text.len < SHOWN_MAX ? text.len : SHOWN_MAX),
			text.len == 0 ? "" : text.ptr, text.len == 0 ? "an empty text" : "",
			expected);
	}
}

/* "Nothing" where a list or a map may stand: the key of a section whose lines are all comments. */
static bool
is_nothing(struct fy_node *node)
{
	struct slice text = yaml_scalar(node);

	return node == NULL || (text.ptr != NULL && yaml_plain(node) &&
				       (text.len == 0 || slice_equal(text, SLICE("null")) ||
					       slice_equal(text, SLICE("~"))));
}

/* Lengthen the path that faults show; what it returns is given to shown_cut() afterwards. */
static size_t __attribute__((format(printf, 2, 3)))
shown_add(struct reader *reader, const char *format, ...)
{
	size_t before = reader->shown_length, room = sizeof(reader->shown) - before;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(reader->shown + before, room, format, arguments);
	va_end(arguments);
	if (n > 0)
		reader->shown_length += (size_t)n < room ? (size_t)n : room - 1;
	return before;
}

static void
shown_cut(struct reader *reader, size_t length)
{
	reader->shown_length = length;
	reader->shown[length] = '\0';
}

/* The key's part of a table path below the section: "type" of "inputs[].type"; absent for other
 * sections. */
static struct slice
key_of(const struct setting *setting, const char *section)
{
	struct slice path = slice_of(setting->path);
	size_t end = strlen(section);

	if (!slice_prefix(path, slice_of(section)))
		return SLICE_NONE;
	path = slice_sub(path, end, path.len);
	for (end = 0; end < path.len && path.ptr[end] != '.' && path.ptr[end] != '['; end++)
		continue;
	return slice_sub(path, 0, end);
}

/* A path as the manual has it, in place of a map in a map. */
static bool
is_path(struct slice key)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (slice_equal(slice_of(settings[i].path), key))
			return slice_find_byte(key, '.') < key.len;
	return false;
}

/* What the writer may have meant: a path, a word that is spelt alike, the same word elsewhere, else
 * all that there is. */
static void
suggest(const char *section, struct slice key, char *text, size_t size)
{
	size_t best = (key.len + 2) / 3 + 1, length = 0;
	struct slice last = SLICE_NONE;

	text[0] = '\0';
	if (section[0] == '\0' && is_path(key)) {
		size_t dot = slice_find_byte(key, '.');

		(void)snprintf(text, size, "write %.*s: { %.*s: ... }", (int)dot, key.ptr,
			(int)(key.len - dot - 1), key.ptr + dot + 1);
		return;
	}
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		struct slice known = key_of(&settings[i], section);

		if (known.len > 0 && spelling_distance(key, known) < best) {
			best = spelling_distance(key, known);
			(void)snprintf(text, size, "did you mean %.*s?", (int)known.len, known.ptr);
		}
	}
	for (size_t i = 0; i < SETTING_COUNT && text[0] == '\0'; i++) {
		struct slice path = slice_of(settings[i].path);
		size_t at = path.len < key.len ? 0 : path.len - key.len;

		if (at > 0 && path.ptr[at - 1] == '.' &&
			slice_equal(slice_sub(path, at, path.len), key))
			(void)snprintf(text, size, "did you mean %s?", settings[i].path);
	}
	for (size_t i = 0; i < SETTING_COUNT && (text[0] == '\0' || length > 0); i++) {
		struct slice known = key_of(&settings[i], section);

		if (known.len == 0 || slice_equal(known, last))
			continue;
		last = known;
		length += (size_t)snprintf(text + length, size - length, "%s%.*s",
			length == 0 ? "known here: " : ", ", (int)known.len, known.ptr);
		if (length >= size)
			return;
	}
}

/* Does any setting stand below this path? */
static bool
is_section(const char *path)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (slice_prefix(slice_of(settings[i].path), slice_of(path)))
			return true;
	}
	return false;
}

static void read_setting(struct reader *, const struct setting *, struct fy_node *, char *target);

/* The keys of one section: settings, or further sections.  Goes as deep as the table does. */
static void
read_section(struct reader *reader, struct fy_node *node, const char *section, char *target)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	if (is_nothing(node))
		return;
	if (!fy_node_is_mapping(node)) {
		fault(reader, node, "settings are wanted here (key: value)");
		return;
	}
	while ((pair = fy_node_mapping_iterate(node, &iterator)) != NULL) {
		struct slice key = yaml_scalar(fy_node_pair_key(pair));
		struct fy_node *value = fy_node_pair_value(pair);
		int shown = (int)(key.len < SHOWN_MAX ? key.len : SHOWN_MAX);
		const struct setting *setting = NULL;
		char path[PATH_TEXT_MAX] = "", cure[512];
		size_t before;

		if (key.len < PATH_TEXT_MAX / 2 && slice_find_byte(key, '.') == key.len) {
			(void)snprintf(
				path, sizeof(path), "%s%.*s", section, (int)key.len, key.ptr);
			setting = find_setting(path);
			if (setting == NULL)
				(void)snprintf(path, sizeof(path), "%s%.*s.", section, (int)key.len,
					key.ptr);
		}
		before = shown_add(
			reader, "%s%.*s", reader->shown_length == 0 ? "" : ".", shown, key.ptr);
		if (setting != NULL) {
			size_t i = (size_t)(setting - settings);

			reader->places[i].yaml = reader->yaml;
			reader->places[i].node = value != NULL ? value : fy_node_pair_key(pair);
			read_setting(reader, setting, value, target);
		} else if (path[0] != '\0' && is_section(path)) {
			read_section(reader, value, path, target);
		} else {
			suggest(section, key, cure, sizeof(cure));
			yaml_fault(reader->yaml, fy_node_pair_key(pair), reader->faults, false,
				"%s: unknown key; %s", reader->shown, cure);
		}
		shown_cut(reader, before);
	}
}

/* Values that the table gives before any text is read. */
static void
preset(struct reader *reader, const char *section, char *target)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *setting = &settings[i];
		struct slice path = slice_of(setting->path);
		bool item = slice_find_byte(path, '[') < path.len;

		if (setting->preset == NULL || item != (section[0] != '\0') ||
			!slice_prefix(path, slice_of(section)))
			continue;
		if (conf_value_parse(reader->file, setting, slice_of(setting->preset),
			    target + setting->place) < 0)
			no_memory(reader);
	}
}

/* Before the next item of a list is read, none of its keys is given. */
static void
begin_item(struct reader *reader, const char *section, char *item)
{
	const char *file = reader->file;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (slice_prefix(slice_of(settings[i].path), slice_of(section)))
			reader->places[i].node = NULL;
	}
	preset(reader, section, item);
	reader->file = file;
}

static int
line_of(struct fy_node *map)
{
	void *iterator = NULL;
	struct fy_node_pair *pair = fy_node_mapping_iterate(map, &iterator);
	struct fy_token *token =
		pair == NULL ? NULL : fy_node_get_scalar_token(fy_node_pair_key(pair));
	const struct fy_mark *mark = token == NULL ? NULL : fy_token_start_mark(token);

	return mark == NULL ? 0 : mark->line + 1;
}

/* ---- inputs ---- */

static void
input_done(struct conf_input *input)
{
	free(input->name);
	free(input->listen);
	free(input->file);
}

static uint16_t
input_port(const struct conf_input *input)
{
	const struct sockaddr_in6 *v6 = (const void *)&input->address;
	const struct sockaddr_in *v4 = (const void *)&input->address;

	return input->address.ss_family == AF_INET6 ? v6->sin6_port : v4->sin_port;
}

/* Two inputs that would want the same socket, or be one in the figures. */
static void
check_input(struct reader *reader, struct fy_node *node, const struct conf_input *input)
{
	const struct conf *conf = reader->conf;
	char what[512];

	for (size_t i = 0; i < conf->input_count; i++) {
		const struct conf_input *other = &conf->inputs[i];
		bool same = other->type == input->type && input_port(input) != 0 &&
			    other->address_length == input->address_length &&
			    memcmp(&other->address, &input->address, sizeof(input->address)) == 0;

		if (!same && strcmp(other->name, input->name) != 0)
			continue;
		(void)snprintf(what, sizeof(what), "%s of %s:%d again; %s",
			same ? "type and address" : "name", other->file, other->line,
			same ? "remove one of them" : "give it another name");
		fault(reader, node, what);
		return;
	}
}

static bool
finish_input(struct reader *reader, struct fy_node *node, struct conf_input *input, size_t errors)
{
	if (!given(reader, "inputs[].type"))
		fault(reader, node, "type is missing (tcp or udp)");
	if (!given(reader, "inputs[].listen"))
		fault(reader, node, "listen is missing (\"[::]:514\")");
	if (reader->faults->errors > errors)
		return false;
	if (input->type != INPUT_UDP && given(reader, "inputs[].receive_buffer"))
		fault(reader,
			reader->places[find_setting("inputs[].receive_buffer") - settings].node,
			"receive_buffer is for udp; remove it");
	if (input->name == NULL &&
		asprintf(&input->name, "%s %s", input_types[input->type], input->listen) == -1)
		input->name = NULL;
	input->file = strdup(reader->file);
	input->line = line_of(node);
	if (input->name == NULL || input->file == NULL)
		no_memory(reader);
	else
		check_input(reader, node, input);
	return reader->faults->errors == errors;
}

static void
read_input(struct reader *reader, struct fy_node *node)
{
	struct conf *conf = reader->conf;
	struct conf_input input = { 0 }, *inputs;
	size_t errors = reader->faults->errors;

	begin_item(reader, "inputs[].", (char *)&input);
	read_section(reader, node, "inputs[].", (char *)&input);
	if (!fy_node_is_mapping(node) || !finish_input(reader, node, &input, errors))
		goto fail;
	inputs = realloc(conf->inputs, (conf->input_count + 1) * sizeof(*inputs));
	if (inputs == NULL) {
		no_memory(reader);
		goto fail;
	}
	inputs[conf->input_count++] = input;
	conf->inputs = inputs;
	return;
fail:
	input_done(&input);
}

/* ---- outputs ---- */

static void
output_done(struct conf_output *output)
{
	free(output->name);
	free(output->to);
	free(output->host);
	free(output->port);
	free(output->file);
}

/* Cut `to` into host and port.  Whether the name exists is seen when it is connected to. */
static void
finish_remote(struct reader *reader, struct fy_node *node, struct conf_output *output)
{
	struct in6_addr ignored;
	struct slice host, port;
	uint64_t number;

	if (!conf_value_split(slice_of(output->to), &host, &port) ||
		slice_find_byte(host, ' ') < host.len || slice_number(port, 65535, &number) < 0 ||
		number == 0) {
		fault(reader, node,
			"to is a host and a port from 1 to 65535 (\"siem.example:6514\", "
			"\"192.0.2.1:514\", \"[2001:db8::1]:514\")");
		return;
	}
	output->host = conf_value_copy(host);
	output->port = conf_value_copy(port);
	if (output->host == NULL || output->port == NULL)
		no_memory(reader);
	else if (output->to[0] == '[' && inet_pton(AF_INET6, output->host, &ignored) != 1)
		fault(reader, node, "to: what stands in brackets is no IPv6 address");
}

static void
finish_path(struct reader *reader, struct fy_node *node, struct conf_output *output)
{
	char *path = conf_value_path(reader->file, slice_of(output->to));

	if (conf_value_take(&output->to, path) < 0)
		no_memory(reader);
	else if (output->type != OUTPUT_FILE && strlen(output->to) > UNIX_PATH_MAX)
		fault(reader, node,
			"to: the path of a socket has at most 107 bytes; use a shorter one");
	else if (strlen(output->to) > PATH_MAX - 1)
		fault(reader, node, "to: the path is too long; use a shorter one");
}

/* What only some types have. */
static void
finish_type(struct reader *reader, struct fy_node *node, struct conf_output *output)
{
	bool stream = output->type == OUTPUT_TCP || output->type == OUTPUT_UNIX;
	bool remote = output->type == OUTPUT_TCP || output->type == OUTPUT_UDP;

	if (!stream && given(reader, "outputs[].framing") &&
		output->framing == OUTPUT_OCTET_COUNTED)
		fault(reader, node, "octet-counted framing is for tcp and unix; remove it");
	if (output->type == OUTPUT_STDOUT && output->to != NULL)
		fault(reader, node, "stdout goes nowhere else; remove to");
	else if (output->type != OUTPUT_STDOUT && output->to == NULL)
		fault(reader, node,
			remote ? "to is missing (\"siem.example:6514\")"
			       : "to is missing (a path)");
	else if (remote)
		finish_remote(reader, node, output);
	else if (output->to != NULL)
		finish_path(reader, node, output);
}

static bool
finish_output(
	struct reader *reader, struct fy_node *node, struct conf_output *output, size_t errors)
{
	const struct conf *conf = reader->conf;
	char what[512];

	if (!given(reader, "outputs[].type"))
		fault(reader, node, "type is missing (tcp, udp, unix, unixgram, stdout or file)");
	if (reader->faults->errors > errors)
		return false;
	finish_type(reader, node, output);
	if (reader->faults->errors > errors)
		return false;
	if (output->name == NULL &&
		asprintf(&output->name, "%s%s%s", output_types[output->type],
			output->to == NULL ? "" : " ", output->to == NULL ? "" : output->to) == -1)
		output->name = NULL;
	output->file = strdup(reader->file);
	output->line = line_of(node);
	if (output->name == NULL || output->file == NULL) {
		no_memory(reader);
		return false;
	}
	for (size_t i = 0; i < conf->output_count; i++) {
		if (strcmp(conf->outputs[i].name, output->name) != 0)
			continue;
		(void)snprintf(what, sizeof(what), "name of %s:%d again; give it another name",
			conf->outputs[i].file, conf->outputs[i].line);
		fault(reader, node, what);
		return false;
	}
	return true;
}

static void
read_output(struct reader *reader, struct fy_node *node)
{
	struct conf *conf = reader->conf;
	struct conf_output output = { 0 }, *outputs;
	size_t errors = reader->faults->errors;

	begin_item(reader, "outputs[].", (char *)&output);
	read_section(reader, node, "outputs[].", (char *)&output);
	if (!fy_node_is_mapping(node) || !finish_output(reader, node, &output, errors))
		goto fail;
	outputs = realloc(conf->outputs, (conf->output_count + 1) * sizeof(*outputs));
	if (outputs == NULL) {
		no_memory(reader);
		goto fail;
	}
	outputs[conf->output_count++] = output;
	conf->outputs = outputs;
	return;
fail:
	output_done(&output);
}

/* ---- lists and maps ---- */

static void
path_done(struct conf_path *path)
{
	free(path->path);
	free(path->file);
}

static void
paths_free(struct conf_path *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		path_done(&list[i]);
	free(list);
}

/* Append a path; a name without a slash stays one when it may. */
static void
read_one_path(struct reader *reader, struct fy_node *node, bool name, struct conf_path **list,
	size_t *count)
{
	struct conf_path *paths, path = { .file = strdup(reader->file) };
	struct slice text;

	if (!read_text(reader, node, &text))
		goto fail;
	if (text.len == 0 || text.len >= PATH_MAX) {
		fault(reader, node, "a path of 1 to 4095 bytes is wanted here");
		goto fail;
	}
	yaml_place(reader->yaml, node, &path.line, &path.column);
	path.path = name && slice_find_byte(text, '/') == text.len
			    ? conf_value_copy(text)
			    : conf_value_path(reader->file, text);
	paths = realloc(*list, (*count + 1) * sizeof(*paths));
	if (paths != NULL)
		*list = paths;
	if (paths == NULL || path.path == NULL || path.file == NULL) {
		no_memory(reader);
		goto fail;
	}
	paths[(*count)++] = path;
	return;
fail:
	path_done(&path);
}

static void
read_path(struct reader *reader, struct fy_node *node)
{
	read_one_path(
		reader, node, false, &reader->conf->rule_paths, &reader->conf->rule_path_count);
}

static void
read_filter(struct reader *reader, struct fy_node *node)
{
	read_one_path(reader, node, true, &reader->conf->filters, &reader->conf->filter_count);
}

static const struct {
	void (*read)(struct reader *, struct fy_node *);
	const char *what;
} lists[] = {
	[SETTING_INPUTS] = { read_input,
		"a list is wanted here: - { type: tcp, listen: \"[::]:514\" }" },
	[SETTING_OUTPUTS] = { read_output,
		"a list is wanted here: - { type: tcp, to: \"siem.example:6514\" }" },
	[SETTING_FILTERS] = { read_filter,
		"a list of filters is wanted here: [ deployment_window.yml ]" },
	[SETTING_PATHS] = { read_path, "a list of paths is wanted here: [ /etc/t1505d/rules ]" },
};

static void
read_list(struct reader *reader, const struct setting *setting, struct fy_node *node)
{
	struct fy_node *item;
	void *iterator = NULL;
	size_t count = 0;

	if (is_nothing(node))
		return;
	if (!fy_node_is_sequence(node)) {
		fault(reader, node, lists[setting->kind].what);
		return;
	}
	while ((item = fy_node_sequence_iterate(node, &iterator)) != NULL) {
		size_t before = shown_add(reader, "[%zu]", count++);
		const struct conf *conf = reader->conf;
		size_t have = setting->kind == SETTING_INPUTS    ? conf->input_count
			      : setting->kind == SETTING_OUTPUTS ? conf->output_count
								 : 0;

		if (setting->max > 0 && have >= setting->max) {
			fault(reader, item, "more than 64 of them; remove some");
			return;
		}
		if (is_nothing(item))
			fault(reader, item, "nothing stands here; fill it in or remove it");
		else
			lists[setting->kind].read(reader, item);
		shown_cut(reader, before);
	}
}

static char *
fold_host(struct slice text)
{
	char name[HOST_NAME_MAX_BYTES];
	size_t length = host_fold(text, name);

	return conf_value_copy((struct slice){ name, length });
}

static void
read_alias(struct reader *reader, struct fy_node *key, struct fy_node *value)
{
	struct alias *list, alias = { .yaml = reader->yaml, .node = key };
	struct slice to;

	if (!read_text(reader, value, &to))
		return;
	if (reader->alias_count == reader->alias_room) {
		size_t room = reader->alias_room == 0 ? 16 : reader->alias_room * 2;

		list = realloc(reader->aliases, room * sizeof(*list));
		if (list == NULL) {
			no_memory(reader);
			return;
		}
		reader->aliases = list;
		reader->alias_room = room;
	}
	alias.order = reader->alias_count;
	alias.names.from = fold_host(yaml_scalar(key));
	alias.names.to = fold_host(to);
	if (alias.names.from == NULL || alias.names.to == NULL)
		no_memory(reader);
	else if (alias.names.from[0] == '\0' || alias.names.to[0] == '\0')
		fault(reader, key, "a host's name is wanted on both sides");
	reader->aliases[reader->alias_count++] = alias;
}

static void
read_aliases(struct reader *reader, struct fy_node *node)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	if (is_nothing(node))
		return;
	if (!fy_node_is_mapping(node)) {
		fault(reader, node, "a map is wanted here: { web01: web01.corp.example }");
		return;
	}
	while ((pair = fy_node_mapping_iterate(node, &iterator)) != NULL) {
		struct slice key = yaml_scalar(fy_node_pair_key(pair));
		size_t before = shown_add(
			reader, ".%.*s", (int)(key.len < SHOWN_MAX ? key.len : SHOWN_MAX), key.ptr);

		read_alias(reader, fy_node_pair_key(pair), fy_node_pair_value(pair));
		shown_cut(reader, before);
	}
}

static void
read_setting(
	struct reader *reader, const struct setting *setting, struct fy_node *node, char *target)
{
	if (setting->kind < SETTING_SCALARS)
		read_scalar(reader, setting, node, target);
	else if (setting->kind == SETTING_ALIASES)
		read_aliases(reader, node);
	else
		read_list(reader, setting, node);
}

/* ---- the end: what depends on more than one setting ---- */

static int
compare_alias(const void *left, const void *right)
{
	const struct alias *a = left, *b = right;
	int order = strcmp(a->names.from, b->names.from);

	return order != 0 ? order : a->order < b->order ? -1 : a->order > b->order;
}

/* Of several for one name the last counts, as with any value; in one file that is a slip of the
 * pen. */
static void
finish_aliases(struct reader *reader)
{
	struct conf *conf = reader->conf;
	struct alias *list = reader->aliases;

	if (reader->alias_count == 0)
		return;
	qsort(list, reader->alias_count, sizeof(*list), compare_alias);
	conf->aliases = calloc(reader->alias_count, sizeof(*conf->aliases));
	if (conf->aliases == NULL) {
		no_memory(reader);
		return;
	}
	for (size_t i = 0; i < reader->alias_count; i++) {
		bool again = i + 1 < reader->alias_count &&
			     strcmp(list[i].names.from, list[i + 1].names.from) == 0;

		if (again && list[i].yaml == list[i + 1].yaml)
			yaml_fault(list[i + 1].yaml, list[i + 1].node, reader->faults, false,
				"hosts.alias.%s: stands twice, in different letter case; remove "
				"one",
				list[i].names.from);
		if (again)
			continue;
		conf->aliases[conf->alias_count++] = list[i].names;
		list[i].names = (struct conf_alias){ 0 };
	}
}

/* Where a path was given that is no list's. */
static void
place_path(struct reader *reader, const char *setting, struct conf_path *path)
{
	size_t i = (size_t)(find_setting(setting) - settings);

	if (path->path == NULL || reader->places[i].node == NULL)
		return;
	path->file = strdup(yaml_file(reader->places[i].yaml));
	if (path->file == NULL)
		no_memory(reader);
	yaml_place(reader->places[i].yaml, reader->places[i].node, &path->line, &path->column);
}

static void
finish(struct reader *reader, bool any_text)
{
	static char *const rules[] = { SYSCONFDIR "/t1505d/rules" };
	struct conf *conf = reader->conf;

	finish_aliases(reader);
	place_path(reader, "rules.cache", &conf->cache);
	place_path(reader, "rules.attack", &conf->attack);
	place_path(reader, "enrich.hosts", &conf->enrich_hosts);
	if (!given(reader, "rules.paths") && !reader->unread &&
		conf_use_rule_paths(conf, rules, 1) < 0)
		no_memory(reader);
	if (conf->rule_path_count > 0 &&
		conf_value_take(&conf->filters_beside, strdup(conf->rule_paths[0].path)) < 0)
		no_memory(reader);
	if (conf->rule_path_count == 0 && reader->faults->errors == 0)
		fault_setting(reader, "rules.paths", false,
			"names no path; name the directory of the rules");
	if (!given(reader, "dead_letters.file") && conf->state_directory != NULL &&
		asprintf(&conf->dead_letter_file, "%s/dead-letters.ndjson",
			conf->state_directory) == -1) {
		conf->dead_letter_file = NULL;
		no_memory(reader);
	}
	if (conf->memory_max / 2 < conf->message_max)
		fault_setting(reader, "limits.memory", false,
			"holds no two messages; it is at least twice limits.message");
	/* A record of quotes and backslashes takes twice its bytes in an alert, and some must be
	 * able to wait. */
	if (conf->alert_raw && conf->journal_max / 8 < conf->alert_raw_max)
		fault_setting(reader, "journal.max_size", false,
			"holds too few alerts; it is at least eight times alert.raw_max");
	if (any_text && conf->output_count == 0 && reader->faults->errors == 0)
		fault_setting(reader, "outputs", true,
			"none; alerts go nowhere; add one: - { type: tcp, to: "
			"\"siem.example:6514\" }");
}

static struct yaml *
read_yaml(struct reader *reader, const struct conf_text *text)
{
	struct yaml *yaml = yaml_parse(text->file, text->text, reader->faults);

	if (yaml == NULL) {
		reader->unread = true;
		return NULL;
	}
	reader->yaml = yaml;
	reader->file = text->file;
	shown_cut(reader, 0);
	if (yaml_count(yaml) > 1)
		yaml_fault(yaml, yaml_root(yaml, 1), reader->faults, false,
			"a second document begins (---); put all settings into one");
	else if (yaml_count(yaml) == 1 && !fy_node_is_mapping(yaml_root(yaml, 0)))
		yaml_fault(yaml, yaml_root(yaml, 0), reader->faults, false,
			"settings are wanted here (key: value)");
	else if (yaml_count(yaml) == 1)
		read_section(reader, yaml_root(yaml, 0), "", (char *)reader->conf);
	return yaml;
}

/* What can be had from the texts, faults or not; NULL for no memory. */
static struct conf *
parse_texts(const struct conf_text *texts, size_t count, struct faults *faults)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	struct conf *conf = calloc(1, sizeof(*conf));
	struct yaml **yamls = calloc(count + 1, sizeof(struct yaml *));

	if (reader == NULL || conf == NULL || yamls == NULL) {
		faults_add(faults, count == 0 ? "configuration" : texts[0].file, 0, 0, false,
			"out of memory");
		conf_free(conf);
		conf = NULL;
		goto done;
	}
	reader->conf = conf;
	reader->faults = faults;
	preset(reader, "", (char *)conf);
	for (size_t i = 0; i < count; i++)
		yamls[i] = read_yaml(reader, &texts[i]);
	reader->file = count == 0 ? NULL : texts[0].file;
	finish(reader, count > 0);
done:
	for (size_t i = 0; reader != NULL && i < reader->alias_count; i++) {
		free(reader->aliases[i].names.from);
		free(reader->aliases[i].names.to);
	}
	if (reader != NULL)
		free(reader->aliases);
	for (size_t i = 0; yamls != NULL && i < count; i++)
		yaml_free(yamls[i]);
	free(yamls);
	free(reader);
	return conf;
}

/* `conf` itself when no error has come since; else it is freed and NULL. */
static struct conf *
only_good(struct conf *conf, const struct faults *faults, size_t errors)
{
	if (faults->errors == errors)
		return conf;
	conf_free(conf);
	return NULL;
}

struct conf *
conf_parse(const struct conf_text *texts, size_t count, struct faults *faults)
{
	size_t errors = faults->errors;

	return only_good(parse_texts(texts, count, faults), faults, errors);
}

/* ---- files ---- */

/* The texts of FILE and its drop-ins, as they are read. */
struct texts {
	struct conf_text *list; /* file and text belong to it */
	size_t count;
};

static void
texts_done(struct texts *texts)
{
	for (size_t i = 0; i < texts->count; i++) {
		free((char *)(uintptr_t)texts->list[i].file);
		free((char *)(uintptr_t)texts->list[i].text.ptr);
	}
	free(texts->list);
}

/* Takes over `file`, which may be NULL for no memory. */
static void
add_text(struct texts *texts, char *file, const char *cure, struct faults *faults)
{
	struct conf_text *list;
	size_t length;
	char *bytes;
	int error;

	list = realloc(texts->list, (texts->count + 1) * sizeof(*list));
	if (list != NULL)
		texts->list = list;
	if (list == NULL || file == NULL) {
		faults_add(faults, file == NULL ? "configuration" : file, 0, 0, false,
			"out of memory");
		free(file);
		return;
	}
	error = rules_read_file(file, YAML_TEXT_MAX, &bytes, &length);
	if (error < 0) {
		faults_add(faults, file, 0, 0, false, "cannot be read: %s; %s", strerror(-error),
			error == -EFBIG ? "split it into drop-ins" : cure);
		free(file);
		return;
	}
	list[texts->count++] = (struct conf_text){ file, { bytes, length } };
}

static int
is_drop_in(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 4 &&
	       strcmp(entry->d_name + length - 4, ".yml") == 0;
}

/* In the order of bytes, whatever the locale says. */
static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
add_drop_ins(struct texts *texts, const char *file, struct faults *faults)
{
	size_t stem = strlen(file);
	struct dirent **entries;
	char *folder = NULL;
	int count;

	if (stem > 4 && strcmp(file + stem - 4, ".yml") == 0)
		stem -= 4;
	if (asprintf(&folder, "%.*s.d", (int)stem, file) == -1) {
		faults_add(faults, file, 0, 0, false, "out of memory");
		return;
	}
	count = scandir(folder, &entries, is_drop_in, by_name);
	if (count == -1) {
		if (errno != ENOENT)
			faults_add(faults, folder, 0, 0, false,
				"cannot be read: %s; it is the directory of drop-ins",
				strerror(errno));
		free(folder);
		return;
	}
	if (count > CONF_DROP_INS_MAX)
		faults_add(faults, folder, 0, 0, false, "%d files, limit %d; join some", count,
			CONF_DROP_INS_MAX);
	for (int i = 0; i < count; i++) {
		char *path = NULL;

		if (i < CONF_DROP_INS_MAX) {
			if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) == -1)
				path = NULL;
			add_text(texts, path, "remove it or make it readable", faults);
		}
		free(entries[i]);
	}
	free(entries);
	free(folder);
}

struct conf *
conf_examine(const char *file, struct faults *faults)
{
	struct texts texts = { 0 };
	struct conf *conf = NULL;

	add_text(&texts, strdup(file), "name the configuration with -c FILE", faults);
	if (texts.count > 0) {
		add_drop_ins(&texts, file, faults);
		conf = parse_texts(texts.list, texts.count, faults);
	}
	texts_done(&texts);
	return conf;
}

struct conf *
conf_load(const char *file, struct faults *faults)
{
	size_t errors = faults->errors;

	return only_good(conf_examine(file, faults), faults, errors);
}

int
conf_use_rule_paths(struct conf *conf, char *const *paths, size_t count)
{
	struct conf_path *list = calloc(count, sizeof(*list));

	if (list == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		list[i].path = strdup(paths[i]);
		if (list[i].path == NULL) {
			paths_free(list, i);
			return -ENOMEM;
		}
	}
	paths_free(conf->rule_paths, conf->rule_path_count);
	conf->rule_paths = list;
	conf->rule_path_count = count;
	return 0;
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	for (size_t i = 0; i < conf->input_count; i++)
		input_done(&conf->inputs[i]);
	for (size_t i = 0; i < conf->output_count; i++)
		output_done(&conf->outputs[i]);
	paths_free(conf->rule_paths, conf->rule_path_count);
	paths_free(conf->filters, conf->filter_count);
	free(conf->filters_beside);
	path_done(&conf->cache);
	path_done(&conf->attack);
	path_done(&conf->enrich_hosts);
	for (size_t i = 0; i < conf->alias_count; i++) {
		free(conf->aliases[i].from);
		free(conf->aliases[i].to);
	}
	free(conf->inputs);
	free(conf->outputs);
	free(conf->aliases);
	free(conf->user);
	free(conf->state_directory);
	free(conf->control_socket);
	free(conf->metrics);
	free(conf->dead_letter_file);
	free(conf);
}

static bool
same_value(const struct setting *setting, const struct conf *a, const struct conf *b)
{
	const char *left = (const char *)a + setting->place,
		   *right = (const char *)b + setting->place;
	const char *left_text, *right_text;

	if (conf_value_size(setting) > 0)
		return memcmp(left, right, conf_value_size(setting)) == 0;
	memcpy(&left_text, left, sizeof(left_text));
	memcpy(&right_text, right, sizeof(right_text));
	if (left_text == NULL || right_text == NULL)
		return left_text == right_text;
	return strcmp(left_text, right_text) == 0;
}

void
conf_keep_restart(struct conf *next, struct conf *running)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		char *a = (char *)next + settings[i].place,
		     *b = (char *)running + settings[i].place;
		char value[sizeof(uint64_t)];
		size_t size;

		if (!settings[i].restart)
			continue;
		size = conf_value_size(&settings[i]);
		size = size == 0 ? sizeof(char *) : size; /* a text */
		assert(size <= sizeof(value));
		memcpy(value, a, size);
		memcpy(a, b, size);
		memcpy(b, value, size);
	}
}

void
conf_restart_needed(const struct conf *running, const struct conf *next, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < SETTING_COUNT && length < size; i++) {
		if (!settings[i].restart || same_value(&settings[i], running, next))
			continue;
		length += (size_t)snprintf(text + length, size - length, "%s%s",
			length == 0 ? "" : ", ", settings[i].path);
	}
}
