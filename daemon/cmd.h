#ifndef DAEMON_CMD_H
#define DAEMON_CMD_H

/* The subcommands besides run.  Each takes its own argv, argv[0] being its name, and returns the
 * exit code (sysexits.h; check: 1 for a fault). */

#include <stdbool.h>

int cmd_check(int argc, char **argv);
int cmd_replay(int argc, char **argv); /* replay.c */
int cmd_rules(int argc, char **argv);  /* rules_cmd.c */
int cmd_status(int argc, char **argv);

/* Print a help text to stdout: EX_OK, or EX_IOERR when it cannot be written.  After a wrong option:
 * its first line, the usage, to stderr; EX_USAGE. */
int cmd_help(const char *text);
int cmd_usage(const char *text);

/* Print faults sorted by file, line and column to stderr: "FILE:LINE:COLUMN: error: TEXT". */
struct faults;
void cmd_print_faults(const struct faults *);

/* The arguments of an option that may come several times; free() the list. */
struct cmd_list {
	char **list;
	size_t count;
};
bool cmd_list_add(struct cmd_list *, char *);

#endif
