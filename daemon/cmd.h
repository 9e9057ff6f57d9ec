#ifndef DAEMON_CMD_H
#define DAEMON_CMD_H

/* The subcommands besides run.  Each takes its own argv, argv[0] being its name, and returns the
 * exit code (sysexits.h; check: 1 for a fault). */

#include <stdbool.h>

#include "parsers/payload.h"

int cmd_check(int argc, char **argv);
int cmd_replay(int argc, char **argv); /* replay.c */
int cmd_rules(int argc, char **argv);  /* rules_cmd.c */
int cmd_status(int argc, char **argv);

/* The exit code, after all output: EX_IOERR, with a word why, when stdout could not be written. */
int cmd_finish(int result);

/* Print a help text to stdout; cmd_finish(EX_OK).  After a wrong option: its first line, the usage,
 * to stderr; EX_USAGE. */
int cmd_help(const char *text);
int cmd_usage(const char *text);

/* Print faults sorted by file, line and column to stderr: "FILE:LINE:COLUMN: error: TEXT"; of the
 * warnings, of which a collection of rules can have hundreds, the first `warnings_max` and the
 * number of the others. */
#define CMD_WARNINGS_MAX 10
struct faults;
void cmd_print_faults(const struct faults *, size_t warnings_max);

/* The arguments of an option that may come several times; free() the list. */
struct cmd_list {
	char **list;
	size_t count;
};
bool cmd_list_add(struct cmd_list *, char *);

/* What replay and rules work with: a configuration, NULL for none but the defaults, and its rules,
 * or those of `paths` when there are any.  The cache of compiled rules is the collector's: rules
 * that are not those of its configuration stay out of it.
 * EX_OK, or an exit code after saying why, nothing being loaded then. */
struct conf;
struct rules;
struct cmd_loaded {
	struct conf *conf;
	struct rules *rules;
};
int cmd_load(
	const char *config, const struct cmd_list *paths, struct faults *, struct cmd_loaded *);
void cmd_loaded_done(struct cmd_loaded *);

/* The limits of a record for these rules. */
struct payload_limits cmd_limits(const struct conf *, const struct rules *);

#endif
