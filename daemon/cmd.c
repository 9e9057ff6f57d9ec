/* check and status, and what the subcommands share, the loading of rules among it.  They write to
 * stdout what was asked for, and to stderr what is wrong. */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/cmd.h"
#include "daemon/control.h"
#include "daemon/rules.h"

int
cmd_finish(int result)
{
	int error = fflush(stdout) == EOF ? errno : ferror(stdout) ? EIO : 0;

	if (error == 0)
		return result;
	fprintf(stderr, "t1505d: the standard output cannot be written: %s\n", strerror(error));
	return EX_IOERR;
}

int
cmd_help(const char *text)
{
	(void)fputs(text, stdout); /* cmd_finish() sees whether it could */
	return cmd_finish(EX_OK);
}

int
cmd_usage(const char *text)
{
	fprintf(stderr, "%.*s (see --help)\n", (int)strcspn(text, "\n"), text);
	return EX_USAGE;
}

bool
cmd_list_add(struct cmd_list *list, char *text)
{
	char **grown = realloc(list->list, (list->count + 1) * sizeof(*grown));

	if (grown == NULL) {
		fputs("t1505d: out of memory\n", stderr);
		return false;
	}
	grown[list->count++] = text;
	list->list = grown;
	return true;
}

/* ---- faults ---- */

static int
compare_fault(const void *left, const void *right)
{
	const struct fault *a = *(const struct fault *const *)left;
	const struct fault *b = *(const struct fault *const *)right;
	int order = strcmp(a->file, b->file);

	if (order != 0)
		return order;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return a < b ? -1 : a > b; /* places in one array: as they were found */
}

static void
print_fault(const struct fault *fault)
{
	char place[PATH_MAX];

	fprintf(stderr, "%s: %s: %s\n", fault_place(fault, place, sizeof(place)),
		fault->warning ? "warning" : "error", fault->text);
}

void
cmd_print_faults(const struct faults *faults, size_t warnings_max)
{
	const struct fault **order = calloc(faults->count + 1, sizeof(*order));
	size_t warnings = 0;

	for (size_t i = 0; i < faults->count && order != NULL; i++)
		order[i] = &faults->list[i];
	if (order != NULL)
		qsort(order, faults->count, sizeof(*order), compare_fault);
	for (size_t i = 0; i < faults->count; i++) {
		const struct fault *fault = order == NULL ? &faults->list[i] : order[i];

		warnings += fault->warning;
		if (!fault->warning || warnings <= warnings_max)
			print_fault(fault);
	}
	if (warnings > warnings_max)
		fprintf(stderr, "%zu more warnings; t1505d check shows them\n",
			warnings - warnings_max);
	free(order);
}

/* ---- rules ---- */

/* 0 or -ENOMEM. */
static int
use_paths(struct conf *conf, const struct cmd_list *paths)
{
	free(conf->cache.path);
	conf->cache.path = NULL;
	return paths->count == 0 ? 0 : conf_use_rule_paths(conf, paths->list, paths->count);
}

int
cmd_load(const char *config, const struct cmd_list *paths, struct faults *faults,
	struct cmd_loaded *loaded)
{
	struct conf *conf =
		config == NULL ? conf_parse(NULL, 0, faults) : conf_load(config, faults);
	struct rules *rules = NULL;
	int result = conf == NULL && faults->errors > 0 ? EX_CONFIG : EX_OSERR;

	if (conf == NULL)
		goto fail;
	if ((config == NULL || paths->count > 0) && use_paths(conf, paths) < 0)
		goto fail;
	rules = rules_load(conf, faults);
	result = EX_DATAERR;
	if (rules == NULL)
		goto fail;
	*loaded = (struct cmd_loaded){ conf, rules };
	return EX_OK;
fail:
	cmd_print_faults(faults, CMD_WARNINGS_MAX);
	if (result == EX_OSERR)
		fputs("t1505d: out of memory\n", stderr);
	conf_free(conf);
	return result;
}

void
cmd_loaded_done(struct cmd_loaded *loaded)
{
	rules_unref(loaded->rules);
	conf_free(loaded->conf);
}

struct payload_limits
cmd_limits(const struct conf *conf, const struct rules *rules)
{
	return (struct payload_limits){ .json_depth = (uint32_t)conf->json_depth,
		.json_keys = (uint32_t)conf->json_keys,
		.names = ruleset_names(rules->set) };
}

/* ---- check ---- */

static const char check_help[] =
	"usage: t1505d check [-c FILE] [--rules DIR]...\n"
	"Read a configuration and its rules, and print every fault with its place and its cure.\n"
	"  -c, --config FILE  the configuration [" CONF_FILE "]\n"
	"      --rules DIR    look at these rules in place of the configured ones; without -c no\n"
	"                     configuration is read\n"
	"  -h, --help         this text\n"
	"Exit status: 0 when there is no error, 1 when there is.\n";

/* "2 inputs, " */
static void
print_count(size_t count, const char *what)
{
	printf("%zu %s%s, ", count, what, count == 1 ? "" : "s");
}

static void
print_summary(const char *name, const struct conf *conf, const struct rules *rules,
	bool rules_alone, const struct faults *faults)
{
	size_t warnings = faults->count > faults->errors ? faults->count - faults->errors : 0;
	size_t count = rules == NULL ? 0 : ruleset_count(rules->set);
	size_t filters = rules == NULL ? 0 : ruleset_filter_count(rules->set);

	printf("%s: ", name);
	if (faults->errors == 0 && !rules_alone) {
		print_count(conf->input_count, "input");
		print_count(conf->output_count, "output");
	}
	if (faults->errors == 0 && filters > 0)
		print_count(filters, "filter");
	if (faults->errors == 0)
		printf("%zu rule%s: good", count, count == 1 ? "" : "s");
	else
		printf("%zu error%s", faults->errors, faults->errors == 1 ? "" : "s");
	if (warnings > 0)
		printf(", %zu warning%s", warnings, warnings == 1 ? "" : "s");
	putchar('\n');
}

/* `file` NULL: rules alone. */
static int
check(const char *file, const struct cmd_list *paths)
{
	struct faults faults = { 0 };
	struct rules *rules = NULL;
	struct conf *conf =
		file == NULL ? conf_parse(NULL, 0, &faults) : conf_examine(file, &faults);
	int result = EX_OSERR;

	/* To replay events or to try rules it need not collect. */
	if (conf != NULL && file != NULL && conf->input_count == 0 && faults.errors == 0)
		faults_add(&faults, file, 0, 0, true,
			"inputs: none; nothing is collected; add one: - { type: tcp, listen: "
			"\"[::]:514\" }");
	if (conf == NULL && paths->count > 0)
		conf = conf_parse(NULL, 0, &faults); /* the rules are looked at all the same */
	if (conf != NULL && paths->count > 0 && use_paths(conf, paths) < 0) {
		fputs("t1505d: out of memory\n", stderr);
		goto done;
	}
	if (conf != NULL && conf->rule_path_count > 0)
		rules = rules_load(conf, &faults);
	cmd_print_faults(&faults, SIZE_MAX);
	print_summary(file == NULL ? paths->list[0] : file, conf, rules, file == NULL, &faults);
	result = cmd_finish(faults.errors > 0 ? EXIT_FAILURE : EX_OK);
done:
	rules_unref(rules);
	conf_free(conf);
	faults_done(&faults);
	return result;
}

int
cmd_check(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		{ "rules", required_argument, NULL, 'r' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 } };
	struct cmd_list paths = { 0 };
	const char *file = NULL;
	int option, result;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (option == 'c') {
			file = optarg;
		} else if (option == 'r') {
			if (!cmd_list_add(&paths, optarg))
				return EX_OSERR;
		} else {
			free(paths.list);
			return option == 'h' ? cmd_help(check_help) : cmd_usage(check_help);
		}
	}
	if (optind < argc) {
		free(paths.list);
		return cmd_usage(check_help);
	}
	result = check(file == NULL && paths.count == 0 ? CONF_FILE : file, &paths);
	free(paths.list);
	return result;
}

/* ---- status ---- */

static const char status_help[] =
	"usage: t1505d status [--json] [-c FILE | --socket PATH]\n"
	"Show the counters of a running collector.\n"
	"      --json         as one JSON object\n"
	"      --socket PATH  the control socket of the collector\n"
	"  -c, --config FILE  take the socket's path from this configuration [" CONF_FILE "]\n"
	"  -h, --help         this text\n"
	"Exit status: 0, or 69 when no collector answers.\n";

/* The collector that runs may have been started before its file was broken: without -c a fault only
 * means the default socket. */
static int
ask_for_socket(const char *file, char **socket)
{
	struct faults faults = { 0 };
	struct conf *conf = conf_load(file == NULL ? CONF_FILE : file, &faults);
	int result = EX_OK;

	if (conf == NULL && file != NULL) {
		cmd_print_faults(&faults, CMD_WARNINGS_MAX);
		result = EX_CONFIG;
	} else {
		*socket =
			strdup(conf == NULL ? RUNSTATEDIR "/t1505d/control" : conf->control_socket);
		result = *socket == NULL ? EX_OSERR : EX_OK;
	}
	conf_free(conf);
	faults_done(&faults);
	return result;
}

static int
print_status(const char *socket, bool json)
{
	char *answer = NULL;
	int error = control_ask(socket, json ? "status json" : "status", &answer), result;

	if (error < 0) {
		fprintf(stderr, "t1505d status: %s: %s%s\n", socket, strerror(-error),
			error == -ENOENT || error == -ECONNREFUSED ? "; is the collector running?"
			: error == -EACCES ? "; be a member of the group t1505d"
					   : "");
		return EX_UNAVAILABLE;
	}
	result = cmd_help(answer);
	free(answer);
	return result;
}

int
cmd_status(int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' },
		{ "socket", required_argument, NULL, 's' },
		{ "config", required_argument, NULL, 'c' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 } };
	const char *file = NULL;
	char *socket = NULL, *configured = NULL;
	bool json = false;
	int option, result;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 's':
			socket = optarg;
			break;
		case 'c':
			file = optarg;
			break;
		case 'h':
			return cmd_help(status_help);
		default:
			return cmd_usage(status_help);
		}
	}
	if (optind < argc || (file != NULL && socket != NULL))
		return cmd_usage(status_help);
	if (socket == NULL) {
		result = ask_for_socket(file, &configured);
		if (result != EX_OK)
			return result;
	}
	result = print_status(socket == NULL ? configured : socket, json);
	free(configured);
	return result;
}
