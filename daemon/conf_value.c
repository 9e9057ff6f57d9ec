/* Kinds of values: each is parsed from text and says what it would have liked.
 *
 * It knows nothing of YAML, of files and of how settings hang together: that is conf.c's. */

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf_value.h"

char *
conf_value_copy(struct slice text)
{
	char *copy = malloc(text.len + 1);

	if (copy == NULL)
		return NULL;
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return copy;
}

/* `copy` belongs to *place afterwards.  0 or -ENOMEM. */
int
conf_value_take(char **place, char *copy)
{
	if (copy == NULL)
		return -ENOMEM;
	free(*place);
	*place = copy;
	return 0;
}

/* A relative path begins at the directory of the file that names it. */
char *
conf_value_path(const char *file, struct slice path)
{
	const char *slash = file == NULL ? NULL : strrchr(file, '/');
	char *text = NULL;

	if (slash == NULL || (path.len > 0 && path.ptr[0] == '/'))
		return conf_value_copy(path);
	if (asprintf(&text, "%.*s/%.*s", (int)(slash - file), file, (int)path.len, path.ptr) == -1)
		return NULL;
	return text;
}

struct unit {
	const char *name;
	uint64_t factor;
};
static const struct unit byte_units[] = { { "GiB", GIB }, { "MiB", MIB }, { "KiB", KIB }, { "", 1 },
	{ NULL, 0 } };
static const struct unit second_units[] = { { "d", DAY }, { "h", HOUR }, { "m", MINUTE },
	{ "s", 1 }, { NULL, 0 } };
static const struct unit plain_units[] = { { "", 1 }, { NULL, 0 } };

static int
parse_units(const struct setting *setting, const struct unit *unit, struct slice text, void *place)
{
	uint64_t n;

	for (; unit->name != NULL; unit++) {
		size_t length = strlen(unit->name);
		struct slice digits = slice_sub(text, 0, text.len < length ? 0 : text.len - length);

		if (text.len < length ||
			!slice_equal(slice_sub(text, digits.len, text.len), slice_of(unit->name)))
			continue;
		if (slice_number(slice_trim(digits), setting->max / unit->factor, &n) < 0 ||
			n * unit->factor < setting->min)
			return -EINVAL;
		n *= unit->factor;
		memcpy(place, &n, sizeof(n));
		return 0;
	}
	return -EINVAL;
}

static int
parse_bytes(const char *file, const struct setting *setting, struct slice text, void *place)
{
	(void)file;
	return parse_units(setting, byte_units, text, place);
}

static int
parse_count(const char *file, const struct setting *setting, struct slice text, void *place)
{
	(void)file;
	return parse_units(setting, plain_units, text, place);
}

static int
parse_seconds(const char *file, const struct setting *setting, struct slice text, void *place)
{
	(void)file;
	return parse_units(setting, second_units, text, place);
}

/* With the largest unit that leaves nothing over. */
static void
expect_units(const struct setting *setting, const struct unit *units, const char *what,
	const char *examples, char *text, size_t size)
{
	const struct unit *low = units, *high = units;

	while (setting->min % low->factor != 0 || setting->min < low->factor) {
		if (low[1].name == NULL)
			break;
		low++;
	}
	while (setting->max % high->factor != 0)
		high++;
	(void)snprintf(text, size, "a %s from %ju%s to %ju%s%s%s", what,
		(uintmax_t)(setting->min / low->factor), low->name,
		(uintmax_t)(setting->max / high->factor), high->name,
		setting->off ? ", or off" : "", examples);
}

static void
expect_bytes(const struct setting *setting, char *text, size_t size)
{
	expect_units(
		setting, byte_units, "size", " (bytes, or with KiB, MiB or GiB: 8MiB)", text, size);
}

static void
expect_count(const struct setting *setting, char *text, size_t size)
{
	expect_units(setting, plain_units, "number", "", text, size);
}

static void
expect_seconds(const struct setting *setting, char *text, size_t size)
{
	expect_units(setting, second_units, "time", " (with s, m, h or d: 10m)", text, size);
}

static int
parse_switch(const char *file, const struct setting *setting, struct slice text, void *place)
{
	bool yes = slice_equal(text, SLICE("true"));

	(void)file;
	(void)setting;
	if (!yes && !slice_equal(text, SLICE("false")))
		return -EINVAL;
	memcpy(place, &yes, sizeof(yes));
	return 0;
}

static void
expect_switch(const struct setting *setting, char *text, size_t size)
{
	(void)setting;
	(void)snprintf(text, size, "true or false");
}

static int
find_word(const struct setting *setting, struct slice text)
{
	for (int i = 0; setting->words[i] != NULL; i++) {
		if (slice_equal(text, slice_of(setting->words[i])))
			return i;
	}
	return -EINVAL;
}

_Static_assert(sizeof(enum input_type) == sizeof(int) && sizeof(enum output_type) == sizeof(int) &&
		       sizeof(enum output_envelope) == sizeof(int) &&
		       sizeof(enum output_framing) == sizeof(int) &&
		       sizeof(enum alert_mode) == sizeof(int),
	"a word is stored as the int that its enum is");

static int
parse_word(const char *file, const struct setting *setting, struct slice text, void *place)
{
	int word = find_word(setting, text);

	(void)file;
	if (word < 0)
		return word;
	memcpy(place, &word, sizeof(word));
	return 0;
}

/* There is one format: it is checked, and there is nothing to store. */
static int
parse_format(const char *file, const struct setting *setting, struct slice text, void *place)
{
	(void)file;
	(void)place;
	return find_word(setting, text) < 0 ? -EINVAL : 0;
}

static void
expect_word(const struct setting *setting, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; setting->words[i] != NULL; i++) {
		const char *before = i == 0 ? "" : setting->words[i + 1] == NULL ? " or " : ", ";
		int n = snprintf(text + length, size - length, "%s%s", before, setting->words[i]);

		if (n < 0 || (size_t)n >= size - length)
			return;
		length += (size_t)n;
	}
}

static int
parse_name(const char *file, const struct setting *setting, struct slice text, void *place)
{
	(void)file;
	if (text.len == 0 || text.len > setting->max)
		return -EINVAL;
	return conf_value_take(place, conf_value_copy(text));
}

static void
expect_name(const struct setting *setting, char *text, size_t size)
{
	(void)snprintf(text, size, "a name of 1 to %ju bytes%s", (uintmax_t)setting->max,
		setting->off ? ", or off" : "");
}

static size_t
path_max(const struct setting *setting)
{
	return setting->max == 0 ? PATH_MAX - 1 : (size_t)setting->max;
}

static int
parse_path(const char *file, const struct setting *setting, struct slice text, void *place)
{
	char *path;

	if (text.len == 0 || text.len > path_max(setting))
		return -EINVAL;
	path = conf_value_path(file, text);
	if (path != NULL && strlen(path) > path_max(setting)) {
		free(path);
		return -EINVAL;
	}
	return conf_value_take(place, path);
}

static void
expect_path(const struct setting *setting, char *text, size_t size)
{
	(void)snprintf(text, size, "a path of 1 to %zu bytes%s", path_max(setting),
		setting->off ? ", or off" : "");
}

/* What `to` means depends on the type, which may come after it. */
static int
parse_destination(const char *file, const struct setting *setting, struct slice text, void *place)
{
	(void)file;
	if (text.len == 0 || text.len > setting->max)
		return -EINVAL;
	return conf_value_take(place, conf_value_copy(text));
}

static void
expect_destination(const struct setting *setting, char *text, size_t size)
{
	(void)setting;
	(void)snprintf(text, size, "host:port or a path");
}

/* "host:port" or "[IPv6]:port"; a name with a colon is no name. */
bool
conf_value_split(struct slice text, struct slice *host, struct slice *port)
{
	size_t at;

	if (text.len > 0 && text.ptr[0] == '[') {
		at = slice_find_byte(text, ']');
		*host = slice_sub(text, 1, at);
		if (at + 1 >= text.len || text.ptr[at + 1] != ':')
			return false;
		*port = slice_sub(text, at + 2, text.len);
		return host->len > 0;
	}
	at = slice_find_byte(text, ':');
	*host = slice_sub(text, 0, at);
	*port = slice_sub(text, at + 1, text.len);
	return at < text.len && host->len > 0;
}

/* A literal, since which interface a name means may change with its resolver. */
static bool
literal_address(struct slice text, struct sockaddr_storage *address, socklen_t *length)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	bool brackets = text.len > 0 && text.ptr[0] == '[';
	char literal[INET6_ADDRSTRLEN];
	struct slice host, port;
	uint64_t number;

	if (!conf_value_split(text, &host, &port) || slice_number(port, 65535, &number) < 0 ||
		host.len >= sizeof(literal) || slice_find_byte(host, '\0') < host.len)
		return false;
	memcpy(literal, host.ptr, host.len);
	literal[host.len] = '\0';
	memset(address, 0, sizeof(*address));
	if (!brackets && inet_pton(AF_INET, literal, &v4.sin_addr) == 1) {
		v4.sin_port = htons((uint16_t)number);
		memcpy(address, &v4, sizeof(v4));
		*length = sizeof(v4);
		return true;
	}
	if (brackets && inet_pton(AF_INET6, literal, &v6.sin6_addr) == 1) {
		v6.sin6_port = htons((uint16_t)number);
		memcpy(address, &v6, sizeof(v6));
		*length = sizeof(v6);
		return true;
	}
	return false;
}

static int
parse_listen(const char *file, const struct setting *setting, struct slice text, void *place)
{
	struct conf_input *input = place;

	(void)file;
	(void)setting;
	if (!literal_address(text, &input->address, &input->address_length))
		return -EINVAL;
	return conf_value_take(&input->listen, conf_value_copy(text));
}

static int
parse_address(const char *file, const struct setting *setting, struct slice text, void *place)
{
	struct sockaddr_storage address;
	socklen_t length;

	(void)file;
	(void)setting;
	if (!literal_address(text, &address, &length))
		return -EINVAL;
	return conf_value_take(place, conf_value_copy(text));
}

static void
expect_address(const struct setting *setting, char *text, size_t size)
{
	(void)snprintf(text, size,
		"an IPv4 or [IPv6] address and a port from 0 to 65535 (\"127.0.0.1:9150\", "
		"\"[::]:514\")%s",
		setting->off ? ", or off" : "");
}

static const struct {
	int (*parse)(const char *file, const struct setting *, struct slice, void *place);
	void (*expect)(const struct setting *, char *text, size_t size);
	size_t size; /* of what is stored; 0: a pointer to text */
} kinds[SETTING_SCALARS] = {
	[SETTING_BYTES] = { parse_bytes, expect_bytes, sizeof(uint64_t) },
	[SETTING_COUNT] = { parse_count, expect_count, sizeof(uint64_t) },
	[SETTING_SECONDS] = { parse_seconds, expect_seconds, sizeof(uint64_t) },
	[SETTING_SWITCH] = { parse_switch, expect_switch, sizeof(bool) },
	[SETTING_WORD] = { parse_word, expect_word, sizeof(int) },
	[SETTING_FORMAT] = { parse_format, expect_word, 0 },
	[SETTING_NAME] = { parse_name, expect_name, 0 },
	[SETTING_PATH] = { parse_path, expect_path, 0 },
	[SETTING_LISTEN] = { parse_listen, expect_address, 0 },
	[SETTING_ADDRESS] = { parse_address, expect_address, 0 },
	[SETTING_DESTINATION] = { parse_destination, expect_destination, 0 },
};

int
conf_value_parse(const char *file, const struct setting *setting, struct slice text, void *place)
{
	if (!setting->off || !slice_equal(text, SLICE("off")))
		return kinds[setting->kind].parse(file, setting, text, place);
	if (kinds[setting->kind].size == 0) {
		free(*(char **)place);
		*(char **)place = NULL;
	} else {
		memset(place, 0, kinds[setting->kind].size);
	}
	return 0;
}

void
conf_value_expect(const struct setting *setting, char *text, size_t size)
{
	kinds[setting->kind].expect(setting, text, size);
}

size_t
conf_value_size(const struct setting *setting)
{
	return kinds[setting->kind].size;
}
