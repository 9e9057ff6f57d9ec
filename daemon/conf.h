#ifndef DAEMON_CONF_H
#define DAEMON_CONF_H

/* The configuration: YAML, one table of settings (conf.c) with key, type, range, default and
 * whether a reload may change it. FILE and then the drop-ins FILE without ".yml" plus ".d/" (*.yml,
 * by name): maps merge, lists append, scalars replace.  Unknown keys are errors.  Relative paths
 * are relative to the file that names them.  Immutable after conf_load(). */

#include <sys/socket.h>

#include "detect/alert.h"
#include "detect/yaml.h"

#define CONF_FILE SYSCONFDIR "/t1505d/t1505d.yml" /* without -c */
#define CONF_INPUTS_MAX 64
#define CONF_OUTPUTS_MAX 64
#define CONF_DROP_INS_MAX 256
#define CONF_NAME_MAX 100 /* bytes of an input's or output's name */

enum input_type { INPUT_TCP, INPUT_UDP };

struct conf_input {
	char *name; /* default: "tcp [::]:514" */
	enum input_type type;
	char *listen; /* as written */
	struct sockaddr_storage address;
	socklen_t address_length;
	uint64_t receive_buffer; /* SO_RCVBUF of udp, bytes */
	char *file;              /* where it stands, for messages */
	int line;
};

enum output_type {
	OUTPUT_TCP,
	OUTPUT_UDP,
	OUTPUT_UNIX,
	OUTPUT_UNIXGRAM,
	OUTPUT_STDOUT,
	OUTPUT_FILE
};
enum output_envelope { OUTPUT_BARE, OUTPUT_RFC5424 };
enum output_framing { OUTPUT_LF, OUTPUT_OCTET_COUNTED };

struct conf_output {
	char *name; /* default: "tcp siem.example:6514" */
	enum output_type type;
	char *to;   /* "host:port" (tcp, udp) or a path (unix, unixgram, file); NULL for stdout */
	char *host; /* of tcp and udp, without brackets */
	char *port;
	enum output_envelope envelope;
	enum output_framing framing;
	char *file;
	int line;
};

/* A path, and where it is written; file NULL: on the command line, or nowhere. */
struct conf_path {
	char *path;
	char *file;
	int line, column;
};

struct conf_alias {
	char *from; /* folded */
	char *to;
};

struct conf {
	struct conf_input *inputs;
	size_t input_count;
	struct conf_output *outputs;
	size_t output_count;
	struct conf_path *rule_paths; /* directories or files */
	size_t rule_path_count;
	char *filters_beside; /* the first of the configured paths, whatever took their place */
	struct conf_path *filters; /* or names of those beside the rules, which have no slash */
	size_t filter_count;
	struct conf_path cache;  /* the directory of compiled rules; NULL: off */
	struct conf_path attack; /* NULL: attack.tsv beside the rules, else the installed one */
	struct conf_path enrich_hosts; /* NULL: none */
	struct conf_alias *aliases;
	size_t alias_count;
	char *user;             /* taken on when started as root without systemd; NULL: stay */
	char *state_directory;  /* /var/lib/t1505d */
	char *control_socket;   /* /run/t1505d/control */
	char *metrics;          /* "127.0.0.1:9150" or NULL */
	char *dead_letter_file; /* default: state_directory/dead-letters.ndjson; NULL: off */

	uint64_t workers; /* 0: the processors this process may run on */
	uint64_t message_max;
	uint64_t connections_max;
	uint64_t connections_per_address; /* 0: unlimited */
	uint64_t idle_seconds;            /* 0: off */
	uint64_t keepalive_seconds;       /* 0: off */
	uint64_t json_depth;
	uint64_t json_keys;
	uint64_t memory_max; /* all input memory together, bytes */
	uint64_t hosts_max;
	uint64_t correlations_max; /* bytes of all windows together */
	uint64_t dead_letter_max;  /* bytes of the file and its predecessor together */
	uint64_t journal_max;      /* bytes of alerts that wait for outputs */
	uint64_t stop_seconds;     /* for the flush at SIGTERM */
	uint64_t stats_seconds;    /* 0: off */
	uint64_t alert_raw_max;
	bool alert_raw;
	enum alert_mode alert_mode;
};

/* All faults at once, each with file:line:column and the cure; NULL when there was an error.  No
 * inputs are no fault here: sockets may come from systemd. */
struct conf *conf_load(const char *file, struct faults *);
/* The same, but with errors too: what can be had is had, so that `check` can look at the rules as
 * well.  NULL when the file cannot be read. */
struct conf *conf_examine(const char *file, struct faults *);
void conf_free(struct conf *);

/* The same from texts in memory, which are laid over each other in their order; touches no disk.
 * Without texts: the defaults. */
struct conf_text {
	const char *file; /* its name in faults; relative paths begin at its directory */
	struct slice text;
};
struct conf *conf_parse(const struct conf_text *, size_t count, struct faults *);

/* Put these in the place of rules.paths, before anyone else sees the configuration.  0 or -ENOMEM
 * with nothing changed. */
int conf_use_rule_paths(struct conf *, char *const *paths, size_t count);

/* Settings that differ between the two and take a restart: a comma-separated list in text ("" for
 * none). */
void conf_restart_needed(
	const struct conf *running, const struct conf *next, char *text, size_t size);

/* Put the running values of those settings into `next`, for which `running` gets those of `next`:
 * to be called when `running` is about to be freed. */
void conf_keep_restart(struct conf *next, struct conf *running);

#endif
