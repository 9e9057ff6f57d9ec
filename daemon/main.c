/* t1505d SUBCOMMAND: which one, and the exit code of it (sysexits.h). */

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/cmd.h"
#include "daemon/conf.h"
#include "daemon/hash.h"
#include "daemon/run.h"

static const char run_help[] = "usage: t1505d run [-c FILE] [--port-file FILE]\n"
			       "Run the collector in the foreground.\n"
			       "  -c, --config FILE     the configuration [" CONF_FILE "]\n"
			       "      --port-file FILE  write the type and address of each "
			       "listener there once all are bound\n"
			       "  -h, --help            this text\n"
			       "SIGHUP reads configuration and rules again, SIGTERM stops.\n";

static int
run(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		{ "port-file", required_argument, NULL, 'p' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 } };
	const char *file = CONF_FILE, *port_file = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			file = optarg;
			break;
		case 'p':
			port_file = optarg;
			break;
		case 'h':
			return cmd_help(run_help);
		default:
			return cmd_usage(run_help);
		}
	}
	if (optind < argc)
		return cmd_usage(run_help);
	return run_daemon(file, port_file);
}

static int
version(int argc, char **argv)
{
	static const char help[] = "usage: t1505d version\nPrint the version.\n";

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return cmd_help(help);
	if (argc > 1)
		return cmd_usage(help);
	return cmd_help("t1505d " PACKAGE_VERSION "\n");
}

static int help(int argc, char **argv);

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "run", run, "run the collector in the foreground" },
	{ "check", cmd_check, "look for faults in the configuration and the rules" },
	{ "replay", cmd_replay, "run recorded events through the rules" },
	{ "rules", cmd_rules, "list, test and explain rules" },
	{ "status", cmd_status, "show the counters of a running collector" },
	{ "version", version, "print the version" },
	{ "help", help, "show this text" },
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void
overview(FILE *to)
{
	fputs("usage: t1505d COMMAND [OPTION]...\n"
	      "Detects web shells and other abuse of server software (ATT&CK T1505) in forwarded\n"
	      "Windows events.\n\n",
		to);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-9s%s\n", commands[i].name, commands[i].summary);
	fputs("\nt1505d COMMAND --help shows the options.  Manual pages: t1505d(8), "
	      "t1505d.yml(5).\n",
		to);
}

static int
help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	overview(stdout);
	return cmd_help("");
}

int
main(int argc, char **argv)
{
	char name[32];

	if (argc < 2) {
		overview(stderr);
		return EX_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(argc, argv);
	if (strcmp(argv[1], "--version") == 0)
		return version(1, argv);
	hash_init();
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		/* getopt_long() begins its complaints with this. */
		(void)snprintf(name, sizeof(name), "t1505d %s", commands[i].name);
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "t1505d: no command '%s'\n", argv[1]);
	overview(stderr);
	return EX_USAGE;
}
