#ifndef DAEMON_RULES_CMD_H
#define DAEMON_RULES_CMD_H

/* t1505d rules: what its subcommands share.  They write to stdout what was asked for, and to stderr
 * what is wrong, and return the exit code. */

#include "daemon/cmd.h"
#include "daemon/rules.h"

struct rules_options {
	bool json, table, navigator;
};

/* `words` are the arguments behind the options, NULL-terminated, as many as the subcommand takes.
 */
int rules_list(const struct cmd_loaded *, const struct rules_options *, char **words);
int rules_test(const struct cmd_loaded *, const struct rules_options *, char **words);
int rules_explain(const struct cmd_loaded *, const struct rules_options *, char **words);

/* A rule by its id, its name, its title, or its file's name without .yml: the file's only one, or
 * its last when that is a correlation, since what stands before it are its parts.  NULL: there is
 * none. *several: there are more of the file's name, none of which is meant more than another. */
const struct rule *rules_find(const struct rules *, const char *name, bool *several);

/* The name of a rule's file without its directories and its suffix. */
struct slice rules_base_name(const char *file);

#endif
