/* t1505d rules: for those who write rules. */

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/rules_cmd.h"

#define LIST_USAGE \
	"t1505d rules list [-c FILE] [--rules DIR]... [--format table|json] [--navigator]\n"
#define TEST_USAGE "t1505d rules test [-c FILE] [--rules DIR]... FOLDER...\n"
#define EXPLAIN_USAGE "t1505d rules explain [-c FILE] [--rules DIR]... RULE FILE[:N]\n"

static const char rules_help[] =
	"usage: " LIST_USAGE "       " TEST_USAGE "       " EXPLAIN_USAGE
	"Show what is loaded; run the events in rules' folders; say why a rule matches an event.\n"
	"  -c, --config FILE        take rules, filters and host columns of this configuration\n"
	"      --rules DIR          rules to use [" SYSCONFDIR "/t1505d/rules]\n"
	"      --format table|json  a table, or one JSON object a rule [table on a terminal, else "
	"json]\n"
	"      --navigator          a layer for MITRE's ATT&CK Navigator\n"
	"  -h, --help               this text\n"
	"FOLDER is a rule's, named like its file: each event of its alert.ndjson must alert, none "
	"of\n"
	"its quiet.ndjson, and the alerts must be those of its expected.tsv if there is one; or it "
	"is a\n"
	"directory in which each rule has a folder.  RULE is an id, a title, or a file's name "
	"without\n"
	".yml.  N is the number of the event in the file, from 1; the file - is the standard "
	"input.\n"
	"Exit status: 0; test: 1 for a failure; explain: 1 when the rule does not match; 64 for a\n"
	"wrong option or rule, 65 for faulty rules or no such event, 66 for a file that cannot be "
	"read,\n"
	"78 for a faulty configuration.\n";

static const struct {
	const char *name;
	int (*run)(const struct cmd_loaded *, const struct rules_options *, char **words);
	int least, most; /* words that it takes */
	const char *usage;
} subcommands[] = { { "list", rules_list, 0, 0, "usage: " LIST_USAGE },
	{ "test", rules_test, 1, INT_MAX, "usage: " TEST_USAGE },
	{ "explain", rules_explain, 2, 2, "usage: " EXPLAIN_USAGE } };
#define SUBCOMMAND_COUNT (sizeof(subcommands) / sizeof(subcommands[0]))

struct slice
rules_base_name(const char *file)
{
	const char *slash = strrchr(file, '/');
	struct slice name = slice_of(slash == NULL ? file : slash + 1);

	if (slice_suffix_nocase(name, SLICE(".yml")))
		name.len -= 4;
	else if (slice_suffix_nocase(name, SLICE(".yaml")))
		name.len -= 5;
	return name;
}

const struct rule *
rules_find(const struct rules *rules, const char *name, bool *several)
{
	const struct rule *found = NULL;
	bool one_file = true;
	size_t count = 0;

	*several = false;
	for (size_t i = 0; i < ruleset_count(rules->set); i++) {
		const struct rule *rule = ruleset_rule(rules->set, i);

		if (strcmp(rule->title, name) == 0 ||
			(rule->name != NULL && strcmp(rule->name, name) == 0) ||
			slice_equal_nocase(slice_of(rule->id), slice_of(name)))
			return rule;
		if (!slice_equal(rules_base_name(rule->file), slice_of(name)))
			continue;
		one_file = one_file && (found == NULL || strcmp(found->file, rule->file) == 0);
		found = rule;
		count++;
	}
	*several = count > 1 && (!one_file || ruleset_correlation(rules->set, found) == NULL);
	return found;
}

/* One option of the subcommands' own.  false: it is wrong. */
static bool
take_option(struct rules_options *options, int option, const char *argument)
{
	switch (option) {
	case 'f':
		options->json = strcmp(argument, "json") == 0;
		options->table = strcmp(argument, "table") == 0;
		return options->json || options->table;
	case 'n':
		options->navigator = true;
		return true;
	default:
		return false;
	}
}

/* Load, and run the subcommand that words[0] names.  Warnings are for check to tell. */
static int
run(const char *config, const struct cmd_list *paths, const struct rules_options *options,
	char **words, int count)
{
	struct faults faults = { 0 };
	struct cmd_loaded loaded;
	size_t i = 0;
	int result;

	while (count > 0 && i < SUBCOMMAND_COUNT && strcmp(subcommands[i].name, words[0]) != 0)
		i++;
	if (count == 0 || i == SUBCOMMAND_COUNT)
		return cmd_usage("usage: t1505d rules list|test|explain [OPTION]...");
	if (count - 1 < subcommands[i].least || count - 1 > subcommands[i].most)
		return cmd_usage(subcommands[i].usage);
	result = cmd_load(config, paths, &faults, &loaded);
	faults_done(&faults);
	if (result != EX_OK)
		return result;
	result = subcommands[i].run(&loaded, options, words + 1);
	cmd_loaded_done(&loaded);
	return result;
}

int
cmd_rules(int argc, char **argv)
{
	static const struct option words[] = { { "config", required_argument, NULL, 'c' },
		{ "rules", required_argument, NULL, 'r' },
		{ "format", required_argument, NULL, 'f' }, { "navigator", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	struct rules_options options = { 0 };
	struct cmd_list paths = { 0 };
	const char *config = NULL;
	bool good = true, help = false;
	int option, result;

	while (good && !help && (option = getopt_long(argc, argv, "c:h", words, NULL)) != -1) {
		if (option == 'h')
			help = true;
		else if (option == 'c')
			config = optarg;
		else if (option == 'r')
			good = cmd_list_add(&paths, optarg);
		else
			good = take_option(&options, option, optarg);
	}
	if (help)
		result = cmd_help(rules_help);
	else if (!good)
		result = cmd_usage("usage: t1505d rules list|test|explain [OPTION]...");
	else
		result = run(config, &paths, &options, argv + optind, argc - optind);
	free(paths.list);
	return result;
}
