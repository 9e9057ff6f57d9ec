#ifndef DAEMON_CONF_VALUE_H
#define DAEMON_CONF_VALUE_H

/* One setting's value: text -> its place in struct conf.  conf.c has the table of settings. */

#include "daemon/conf.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define MINUTE UINT64_C(60)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

enum setting_kind {
	SETTING_BYTES,
	SETTING_COUNT,
	SETTING_SECONDS,
	SETTING_SWITCH,
	SETTING_WORD,
	SETTING_FORMAT,
	SETTING_NAME,
	SETTING_PATH,
	SETTING_LISTEN,
	SETTING_ADDRESS,
	SETTING_DESTINATION,
	SETTING_SCALARS, /* what stands before is one value, what comes after is not */
	SETTING_INPUTS,
	SETTING_OUTPUTS,
	SETTING_FILTERS,
	SETTING_PATHS,
	SETTING_ALIASES
};

struct setting {
	const char *path;
	enum setting_kind kind;
	size_t place;       /* in struct conf, or in the item of a list */
	const char *preset; /* NULL: no value, or one that is worked out at the end */
	uint64_t min, max;
	const char *const *words; /* of an enum, in its order */
	bool off;                 /* "off" is a value: 0 or NULL */
	bool restart;             /* a reload does not change it */
};

/* Parse `text` into *place; "off" clears it where that is a value.  `file` is where relative paths
 * begin.  0, -ENOMEM, or -EINVAL: the text is not what conf_value_expect() then names ("a size from
 * 1KiB to 16MiB"). */
int conf_value_parse(const char *file, const struct setting *, struct slice text, void *place);
void conf_value_expect(const struct setting *, char *text, size_t size);

/* The bytes that are stored; 0: a pointer to text. */
size_t conf_value_size(const struct setting *);

/* A C string of its own; NULL for no memory.  And one that belongs to *place afterwards: 0, or
 * -ENOMEM for NULL. */
char *conf_value_copy(struct slice);
int conf_value_take(char **place, char *copy);

/* A relative path begins at the directory of `file`; NULL for no memory. */
char *conf_value_path(const char *file, struct slice path);

/* "host:port" or "[IPv6]:port"; false for anything else. */
bool conf_value_split(struct slice text, struct slice *host, struct slice *port);

#endif
