/* t1505d rules list, test and explain: for those who write rules.
 *
 * They write to stdout what was asked for, and to stderr what is wrong. */

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <yajl/yajl_gen.h>

#include "daemon/cmd.h"
#include "daemon/hosts.h"
#include "daemon/log.h"
#include "daemon/recording.h"
#include "daemon/rules.h"
#include "daemon/table.h"
#include "daemon/windows.h"
#include "detect/condition.h"
#include "detect/detect.h"
#include "detect/filter.h"

#define HOSTS_MAX 1024
#define WINDOWS_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define TICK_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define EXPECTED_BYTES_MAX ((size_t)64 * 1024) /* of an expected.tsv */
#define CELL_MAX 512                           /* bytes of a cell of the list */
#define SHOWN_MAX 4096                         /* bytes of a value on one line */

static const char rules_help[] =
	"usage: t1505d rules list [-c FILE] [--rules DIR]... [--format table|json] [--navigator]\n"
	"       t1505d rules test [-c FILE] [--rules DIR]... FOLDER...\n"
	"       t1505d rules explain [-c FILE] [--rules DIR]... RULE FILE[:N]\n"
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

struct options {
	const char *config;
	struct cmd_list paths;
	bool json, table, navigator;
};

/* EX_OK, or an exit code after saying why.  Warnings are for check to tell. */
static int
load(const struct options *options, struct cmd_loaded *loaded)
{
	struct faults faults = { 0 };
	int result = cmd_load(options->config, &options->paths, &faults, loaded);

	faults_done(&faults);
	return result;
}

/* ---- list ---- */

static void
json_text(yajl_gen gen, const char *key, const char *value)
{
	(void)yajl_gen_string(gen, (const unsigned char *)key, strlen(key));
	if (value == NULL)
		(void)yajl_gen_null(gen);
	else
		(void)yajl_gen_string(gen, (const unsigned char *)value, strlen(value));
}

static void
json_texts(yajl_gen gen, const char *key, const char *const *values)
{
	(void)yajl_gen_string(gen, (const unsigned char *)key, strlen(key));
	(void)yajl_gen_array_open(gen);
	for (size_t i = 0; values[i] != NULL; i++)
		(void)yajl_gen_string(gen, (const unsigned char *)values[i], strlen(values[i]));
	(void)yajl_gen_array_close(gen);
}

static void
json_flag(yajl_gen gen, const char *key, bool value)
{
	(void)yajl_gen_string(gen, (const unsigned char *)key, strlen(key));
	(void)yajl_gen_bool(gen, value);
}

/* What was generated, on a line of its own; the generator begins anew. */
static void
json_print(yajl_gen gen)
{
	const unsigned char *text;
	size_t length;

	(void)yajl_gen_get_buf(gen, &text, &length);
	(void)fwrite(text, 1, length, stdout); /* errors stay in the stream */
	(void)putchar('\n');
	yajl_gen_clear(gen);
	yajl_gen_reset(gen, NULL);
}

static void
list_json(yajl_gen gen, const struct rules *rules)
{
	for (size_t i = 0; i < ruleset_count(rules->set); i++) {
		const struct rule *rule = ruleset_rule(rules->set, i);

		(void)yajl_gen_map_open(gen);
		json_text(gen, "id", rule->id);
		json_text(gen, "title", rule->title);
		json_text(gen, "level", severity_name(rule->severity));
		json_text(gen, "status", rule->status);
		json_text(gen, "detection_type", rule->detection_type);
		json_texts(gen, "techniques", rule->techniques);
		json_texts(gen, "tags", rule->tags);
		json_text(gen, "file", rule->file);
		json_flag(gen, "core", rule->core);
		json_flag(gen, "correlation", ruleset_correlation(rules->set, rule) != NULL);
		json_flag(gen, "idle", ruleset_is_idle(rules->set, rule));
		json_flag(gen, "silent", rule->silent);
		(void)yajl_gen_map_close(gen);
		json_print(gen);
	}
}

/* A technique and how many rules have it. */
struct coverage {
	const char *id;
	size_t count;
};

static int
compare_coverage(const void *left, const void *right)
{
	const struct coverage *a = left, *b = right;

	return strcmp(a->id, b->id);
}

/* All techniques, each once; free() the list.  NULL for no memory. */
static struct coverage *
cover(const struct rules *rules, size_t *count)
{
	struct coverage *list;
	size_t n = 0;

	*count = 0;
	for (size_t i = 0; i < ruleset_count(rules->set); i++)
		for (size_t k = 0; ruleset_rule(rules->set, i)->techniques[k] != NULL; k++)
			n++;
	list = calloc(n + 1, sizeof(*list));
	if (list == NULL)
		return NULL;
	n = 0;
	for (size_t i = 0; i < ruleset_count(rules->set); i++)
		for (size_t k = 0; ruleset_rule(rules->set, i)->techniques[k] != NULL; k++)
			list[n++] =
				(struct coverage){ ruleset_rule(rules->set, i)->techniques[k], 1 };
	if (n > 0)
		qsort(list, n, sizeof(*list), compare_coverage);
	for (size_t i = 0; i < n; i++) {
		if (*count > 0 && strcmp(list[*count - 1].id, list[i].id) == 0)
			list[*count - 1].count++;
		else
			list[(*count)++] = list[i];
	}
	return list;
}

/* ---- list: the table ---- */

enum {
	COLUMN_LEVEL,
	COLUMN_STATUS,
	COLUMN_KIND,
	COLUMN_TECHNIQUES,
	COLUMN_TITLE,
	COLUMN_DETECTION,
	COLUMN_FILE,
	COLUMN_ID,
	COLUMN_MAX
};

static const struct {
	const char *head;
	size_t max; /* columns */
} list_columns[COLUMN_MAX] = {
	[COLUMN_LEVEL] = { "LEVEL", 13 },
	[COLUMN_STATUS] = { "STATUS", 12 },
	[COLUMN_KIND] = { "KIND", 19 },
	[COLUMN_TECHNIQUES] = { "TECHNIQUES", 20 },
	[COLUMN_TITLE] = { "TITLE", 80 },
	[COLUMN_DETECTION] = { "DETECTION", 40 },
	[COLUMN_FILE] = { "FILE", 120 },
	[COLUMN_ID] = { "ID", 80 },
};

/* Texts, joined, as far as they fit. */
static struct slice
join_texts(const char *const *texts, const char *comma, char *joined, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; texts[i] != NULL && length < size; i++) {
		int n = snprintf(
			joined + length, size - length, "%s%s", i == 0 ? "" : comma, texts[i]);

		length += n < 0 ? 0 : (size_t)n;
	}
	return (struct slice){ joined, length < size ? length : size - 1 };
}

/* What an author or the operator wrote is made printable. */
static void
list_cells(const struct rules *rules, const struct rule *rule, char cells[COLUMN_MAX][CELL_MAX])
{
	bool correlation = ruleset_correlation(rules->set, rule) != NULL;
	bool idle = ruleset_is_idle(rules->set, rule);
	char techniques[CELL_MAX] = "", kind[CELL_MAX];
	struct slice texts[COLUMN_MAX] = {
		[COLUMN_LEVEL] = slice_of(severity_name(rule->severity)),
		[COLUMN_STATUS] = slice_of(rule->status == NULL ? "" : rule->status),
		[COLUMN_TECHNIQUES] =
			join_texts(rule->techniques, ",", techniques, sizeof(techniques)),
		[COLUMN_TITLE] = slice_of(rule->title),
		[COLUMN_DETECTION] = slice_of(rule->detection_type),
		[COLUMN_FILE] = slice_of(rule->file),
		[COLUMN_ID] = slice_of(rule->id),
	};

	(void)snprintf(kind, sizeof(kind), "%s%s%s", correlation ? "correlation" : "rule",
		rule->silent ? ",silent" : "", idle ? ",idle" : "");
	texts[COLUMN_KIND] = slice_of(kind);
	for (size_t i = 0; i < COLUMN_MAX; i++)
		(void)log_escape(texts[i], cells[i], CELL_MAX);
}

static void
list_row(char cells[COLUMN_MAX][CELL_MAX], const size_t widths[COLUMN_MAX])
{
	size_t left = table_columns();

	for (size_t i = 0; i < COLUMN_MAX; i++)
		table_cell(cells[i], widths[i], i == COLUMN_MAX - 1, &left);
	(void)putchar('\n');
}

static void
list_coverage(const struct rules *rules, const struct coverage *coverage, size_t techniques)
{
	static const char *const none[] = { NULL };

	printf("\n%-10s %5s  %-20s  %s\n", "TECHNIQUE", "RULES", "TACTICS", "NAME");
	for (size_t i = 0; i < techniques; i++) {
		const struct technique *technique = attack_find(rules->attack, coverage[i].id);
		char joined[CELL_MAX] = "", tactics[CELL_MAX], name[CELL_MAX];

		(void)log_escape(join_texts(technique == NULL ? none : technique->tactics, ", ",
					 joined, sizeof(joined)),
			tactics, sizeof(tactics));
		(void)log_escape(technique == NULL ? SLICE_NONE : slice_of(technique->name), name,
			sizeof(name));
		printf("%-10s %5zu  %-20s  %s\n", coverage[i].id, coverage[i].count, tactics, name);
	}
}

static void
list_table(const struct rules *rules, const struct coverage *coverage, size_t techniques)
{
	char cells[COLUMN_MAX][CELL_MAX];
	size_t widths[COLUMN_MAX];

	for (size_t k = 0; k < COLUMN_MAX; k++)
		widths[k] = strlen(list_columns[k].head);
	for (size_t i = 0; i < ruleset_count(rules->set); i++) {
		list_cells(rules, ruleset_rule(rules->set, i), cells);
		for (size_t k = 0; k < COLUMN_MAX; k++) {
			size_t width = table_width(cells[k], list_columns[k].max);

			widths[k] = width > widths[k] ? width : widths[k];
		}
	}
	for (size_t k = 0; k < COLUMN_MAX; k++)
		(void)snprintf(cells[k], CELL_MAX, "%s", list_columns[k].head);
	list_row(cells, widths);
	for (size_t i = 0; i < ruleset_count(rules->set); i++) {
		list_cells(rules, ruleset_rule(rules->set, i), cells);
		list_row(cells, widths);
	}
	list_coverage(rules, coverage, techniques);
	printf("\n%zu rules, %zu filters, %zu techniques\n", ruleset_count(rules->set),
		ruleset_filter_count(rules->set), techniques);
}

/* ---- list: the layer ---- */

static void
json_number(yajl_gen gen, const char *key, size_t value)
{
	(void)yajl_gen_string(gen, (const unsigned char *)key, strlen(key));
	(void)yajl_gen_integer(gen, (long long)value);
}

/* The titles of the rules that have the technique, a line each.  false: no memory. */
static bool
json_titles(yajl_gen gen, const struct rules *rules, const char *id)
{
	char *text = NULL;
	size_t length, n = 0;
	FILE *stream = open_memstream(&text, &length);
	bool good = stream != NULL;

	for (size_t i = 0; good && i < ruleset_count(rules->set); i++) {
		const struct rule *rule = ruleset_rule(rules->set, i);

		for (size_t k = 0; rule->techniques[k] != NULL; k++)
			if (strcmp(rule->techniques[k], id) == 0)
				fprintf(stream, "%s%s", n++ == 0 ? "" : "\n", rule->title);
	}
	if (stream != NULL)
		good = fclose(stream) == 0; /* which writes what is left */
	if (good)
		json_text(gen, "comment", text);
	free(text);
	return good;
}

/* Layer format 4.5, which a Navigator reads from 4.9.0 on: a technique's score is how many rules
 * have it.  Without a version of ATT&CK the Navigator takes its own: the table of techniques does
 * not say which it is.  false: no memory. */
static bool
list_navigator(
	yajl_gen gen, const struct rules *rules, const struct coverage *coverage, size_t techniques)
{
	size_t most = 1;
	bool good = true;

	(void)yajl_gen_map_open(gen);
	json_text(gen, "name", "t1505d");
	(void)yajl_gen_string(gen, (const unsigned char *)"versions", 8);
	(void)yajl_gen_map_open(gen);
	json_text(gen, "navigator", "4.9.0");
	json_text(gen, "layer", "4.5");
	(void)yajl_gen_map_close(gen);
	json_text(gen, "domain", "enterprise-attack");
	json_text(gen, "description", "Rules that are loaded, by technique");
	(void)yajl_gen_string(gen, (const unsigned char *)"techniques", 10);
	(void)yajl_gen_array_open(gen);
	for (size_t i = 0; i < techniques && good; i++) {
		(void)yajl_gen_map_open(gen);
		json_text(gen, "techniqueID", coverage[i].id);
		json_number(gen, "score", coverage[i].count);
		good = json_titles(gen, rules, coverage[i].id);
		json_flag(gen, "enabled", true);
		(void)yajl_gen_map_close(gen);
		most = coverage[i].count > most ? coverage[i].count : most;
	}
	(void)yajl_gen_array_close(gen);
	(void)yajl_gen_string(gen, (const unsigned char *)"gradient", 8);
	(void)yajl_gen_map_open(gen);
	json_texts(gen, "colors", (const char *const[]){ "#ffe766", "#8ec843", NULL });
	json_number(gen, "minValue", 0);
	json_number(gen, "maxValue", most);
	(void)yajl_gen_map_close(gen);
	(void)yajl_gen_map_close(gen);
	if (good)
		json_print(gen);
	return good;
}

static int
list(const struct options *options, char **words, int count)
{
	struct cmd_loaded loaded;
	struct coverage *coverage = NULL;
	yajl_gen gen = NULL;
	size_t techniques = 0;
	bool good = true;
	int result;

	(void)words;
	if (count > 0)
		return cmd_usage(rules_help);
	result = load(options, &loaded);
	if (result != EX_OK)
		return result;
	result = EX_OSERR;
	coverage = cover(loaded.rules, &techniques);
	gen = yajl_gen_alloc(NULL);
	if (coverage == NULL || gen == NULL)
		goto done;
	if (options->navigator)
		good = list_navigator(gen, loaded.rules, coverage, techniques);
	else if (options->json || (!options->table && !isatty(STDOUT_FILENO)))
		list_json(gen, loaded.rules);
	else
		list_table(loaded.rules, coverage, techniques);
	if (good)
		result = fflush(stdout) == EOF || ferror(stdout) ? EX_IOERR : EX_OK;
done:
	if (result == EX_OSERR)
		fputs("t1505d rules: out of memory\n", stderr);
	if (gen != NULL)
		yajl_gen_free(gen);
	free(coverage);
	cmd_loaded_done(&loaded);
	return result;
}

/* ---- names ---- */

/* The file's name without its directories and its suffix. */
static struct slice
base_name(const char *file)
{
	const char *slash = strrchr(file, '/');
	struct slice name = slice_of(slash == NULL ? file : slash + 1);

	if (slice_suffix_nocase(name, SLICE(".yml")))
		name.len -= 4;
	else if (slice_suffix_nocase(name, SLICE(".yaml")))
		name.len -= 5;
	return name;
}

/* The last rule of a file speaks for it: what stands before it are its parts. */
static const struct rule *
find_rule(const struct rules *rules, const char *name)
{
	const struct rule *found = NULL;

	for (size_t i = 0; i < ruleset_count(rules->set); i++) {
		const struct rule *rule = ruleset_rule(rules->set, i);

		if (strcmp(rule->title, name) == 0 ||
			slice_equal_nocase(slice_of(rule->id), slice_of(name)))
			return rule;
		if (slice_equal(base_name(rule->file), slice_of(name)))
			found = rule;
	}
	return found;
}

/* "FOLDER/NAME".  false: too long. */
static bool
join(char path[PATH_MAX], const char *folder, const char *name)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", folder, name);

	return n > 0 && n < PATH_MAX;
}

/* ---- test: the alerts that are expected ---- */

struct expected_line {
	struct slice id, type, severity;
	size_t number; /* of the line */
	bool found;
};

struct expected {
	char *bytes;
	struct expected_line *lines;
	size_t count;
};

/* The text before the tab or the end of the line, which goes to *rest. */
static struct slice
take_cell(struct slice *rest)
{
	size_t tab = slice_find_byte(*rest, '\t');
	struct slice cell = slice_trim(slice_sub(*rest, 0, tab));

	*rest = tab < rest->len ? slice_sub(*rest, tab + 1, rest->len) : SLICE_NONE;
	return cell;
}

/* Blank lines, comments and the head are none. */
static void
expected_add(struct expected *expected, struct slice line, size_t number)
{
	struct expected_line *to = &expected->lines[expected->count];

	if (slice_trim(line).len == 0 || line.ptr[0] == '#')
		return;
	to->id = take_cell(&line);
	to->type = take_cell(&line);
	to->severity = take_cell(&line);
	to->number = number;
	to->found = false;
	if (!slice_equal(to->id, SLICE("EventRecordID")))
		expected->count++;
}

/* A folder without the file expects nothing in particular: `lines` is NULL then.  0 or -errno. */
static int
expected_read(struct expected *expected, const char *file)
{
	size_t length, lines = 1, number = 0;
	int error = rules_read_file(file, EXPECTED_BYTES_MAX, &expected->bytes, &length);
	struct slice rest;

	if (error < 0)
		return error == -ENOENT ? 0 : error;
	rest = (struct slice){ expected->bytes, length };
	for (size_t i = 0; i < length; i++)
		lines += rest.ptr[i] == '\n';
	expected->lines = calloc(lines, sizeof(*expected->lines));
	if (expected->lines == NULL)
		return -ENOMEM;
	while (rest.len > 0) {
		size_t end = slice_find_byte(rest, '\n');

		expected_add(expected, slice_sub(rest, 0, end), ++number);
		rest = slice_sub(rest, end < rest.len ? end + 1 : end, rest.len);
	}
	return 0;
}

static void
expected_done(struct expected *expected)
{
	free(expected->lines);
	free(expected->bytes);
}

/* Each line is one alert. */
static bool
expected_take(struct expected *expected, const struct expected_line *alert)
{
	for (size_t i = 0; i < expected->count; i++) {
		struct expected_line *line = &expected->lines[i];

		if (!line->found && slice_equal(line->id, alert->id) &&
			slice_equal(line->type, alert->type) &&
			slice_equal(line->severity, alert->severity)) {
			line->found = true;
			return true;
		}
	}
	return false;
}

/* ---- test: one folder ---- */

/* A run over all folders. */
struct session {
	struct cmd_loaded loaded;
	bool *tested;       /* rule by rule */
	const char *parent; /* a directory of folders, in which each rule has one; or NULL */
	size_t passed, failed;
};

/* One rule and the events of its folder.  A rule is asked whether it matches, silent or not; a
 * correlation must speak. */
struct trial {
	const struct rules *rules;
	const struct rule *rule;
	struct ruleset_scratch *scratch;
	const char *folder, *name; /* the folder's, which is also the rule's */
	struct expected expected;
	struct payload_limits limits;
	struct hosts *hosts;
	struct windows *windows;
	struct arena *arena; /* for alerts of windows that close at the end */
	struct detect *detect;
	struct alert_settings settings;
	struct detect_sink sink;
	const char *file;
	const struct wevent *event; /* at hand; NULL when a window closes */
	bool correlation;           /* not each event must alert, but one at least */
	bool quiet;                 /* none must */
	size_t events, alerts, wrong;
};

static void
wrong(struct trial *trial, const char *what)
{
	trial->wrong++;
	printf("%s:%zu: %s", trial->file, trial->events, what);
	if (!trial->correlation)
		printf("; t1505d rules explain %s %s:%zu says why", trial->name, trial->file,
			trial->events);
	(void)putchar('\n');
}

static void
count_alert(struct trial *trial, struct slice id, enum severity severity)
{
	const struct expected_line line = { .id = id,
		.type = slice_of(trial->rule->detection_type),
		.severity = slice_of(severity_name(severity)) };

	trial->alerts++;
	if (trial->expected.lines != NULL && !trial->quiet &&
		!expected_take(&trial->expected, &line))
		wrong(trial, "alerts, which expected.tsv does not have");
}

static void
alert_cb(void *context, const struct alert *alert)
{
	struct trial *trial = context;

	if (strcmp(alert->rule->id, trial->rule->id) == 0)
		count_alert(trial,
			trial->event == NULL ? SLICE("-") : trial->event->f[F_EventRecordID],
			alert->severity);
}

static void
filtered_cb(void *context, const struct filter *filter)
{
	(void)context;
	(void)filter;
}

static void
passed_over_cb(void *context, enum window_answer answer)
{
	(void)context;
	(void)answer;
}

/* Is the rule among those that match?  0 or -ENOMEM. */
static int
match(struct trial *trial, struct wevent *event, struct arena *arena)
{
	const struct match *matches;
	size_t count;

	event->f[F_Computer] = event->host;
	if (ruleset_complete(
		    trial->rules->set, trial->scratch, trial->rules->enrich, event, arena) < 0)
		return -ENOMEM;
	count = ruleset_match(trial->rules->set, trial->scratch, event, &matches);
	for (size_t i = 0; i < count; i++)
		if (matches[i].rule == trial->rule)
			count_alert(trial, event->f[F_EventRecordID], matches[i].severity);
	return 0;
}

/* What all rules make of it.  0 or -ENOMEM. */
static int
correlate(struct trial *trial, struct wevent *event, int64_t time, struct arena *arena)
{
	const struct alert_source source = { .input = slice_of(trial->file), .received = time };
	int ticked = detect_tick(trial->detect, time, arena, &trial->sink), result;

	trial->event = event;
	result = detect_event(trial->detect, event, &source, arena, &trial->sink);
	trial->event = NULL;
	return ticked < 0 || result < 0 ? -ENOMEM : 0;
}

static bool
trial_event_cb(void *context, struct wevent *event, int64_t time, struct arena *arena)
{
	struct trial *trial = context;
	size_t before = trial->alerts;
	int error;

	trial->events++;
	error = trial->correlation ? correlate(trial, event, time, arena)
				   : match(trial, event, arena);
	if (error < 0)
		wrong(trial, "takes more memory than there is");
	else if (!trial->quiet && !trial->correlation && trial->alerts == before)
		wrong(trial, "does not alert");
	else if (trial->quiet && trial->alerts > before)
		wrong(trial, "alerts");
	return true;
}

static void
trial_refused_cb(void *context, enum reason why)
{
	struct trial *trial = context;

	trial->events++;
	trial->wrong++;
	printf("%s:%zu: %s; correct the event\n", trial->file, trial->events, reason_text(why));
}

static void
progress_cb(void *context, uint64_t done)
{
	(void)context;
	(void)done;
}

static void
trial_end(struct trial *trial)
{
	ruleset_scratch_free(trial->scratch);
	detect_free(trial->detect);
	hosts_free(trial->hosts);
	windows_free(trial->windows);
	arena_free(trial->arena);
}

/* A memory of its own for each file.  0 or -ENOMEM. */
static int
trial_begin(struct trial *trial)
{
	trial->events = trial->alerts = 0;
	trial->sink = (struct detect_sink){ trial, alert_cb, filtered_cb, passed_over_cb };
	trial->settings = trial->rules->alert;
	trial->settings.mode = ALERT_PER_RULE;
	trial->detect = NULL;
	trial->scratch = ruleset_scratch_new(trial->rules->set);
	trial->hosts = hosts_new(HOSTS_MAX);
	trial->windows = windows_new(WINDOWS_BYTES_MAX);
	trial->arena = arena_new(TICK_BYTES_MAX);
	if (trial->hosts != NULL && trial->windows != NULL && trial->arena != NULL)
		trial->detect = detect_new(
			(struct detect_hosts){ trial->hosts, hosts_borrow, hosts_give_back },
			windows_of(trial->windows));
	if (trial->scratch == NULL || trial->detect == NULL ||
		detect_use(trial->detect, trial->rules->set, &trial->settings) < 0)
		return -ENOMEM;
	return 0;
}

/* Nothing comes any more: all windows close. */
static void
close_windows(struct trial *trial)
{
	size_t before = trial->alerts;

	if (detect_tick(trial->detect, INT64_MAX, trial->arena, &trial->sink) < 0)
		wrong(trial, "takes more memory than there is");
	else if (trial->quiet && trial->alerts > before)
		wrong(trial, "alerts when no more events come");
}

/* Returns how many alerts there were. */
static size_t
trial_file(struct trial *trial, const char *name, bool quiet)
{
	const struct recording_reader reader = { trial, trial_event_cb, trial_refused_cb,
		progress_cb };
	const char *not = quiet ? " not" : "";
	char file[PATH_MAX];
	int error = -ENAMETOOLONG;

	if (join(file, trial->folder, name)) {
		trial->file = file;
		trial->quiet = quiet;
		error = trial_begin(trial);
		if (error == 0)
			error = recording_read(file, trial->limits, &reader);
		if (error == 0)
			close_windows(trial);
		trial_end(trial);
	}
	if (error != 0)
		printf("%s/%s: %s; write events that must%s alert into it\n", trial->folder, name,
			strerror(-error), not );
	else if (trial->events == 0)
		printf("%s: no event in it; write those that must%s alert\n", file, not );
	trial->wrong += error != 0 || trial->events == 0;
	return trial->alerts;
}

/* The rule's folder, with what it expects. */
static void
trial_run(struct trial *trial)
{
	size_t alerts, quiet;
	char file[PATH_MAX];
	int error = join(file, trial->folder, "expected.tsv")
			    ? expected_read(&trial->expected, file)
			    : -ENAMETOOLONG;

	if (error < 0) {
		printf("%s/expected.tsv: cannot be read: %s\n", trial->folder, strerror(-error));
		trial->wrong++;
	}
	alerts = trial_file(trial, "alert.ndjson", false);
	if (trial->correlation && alerts == 0) {
		printf("%s/alert.ndjson: %zu events and no alert\n", trial->folder, trial->events);
		trial->wrong++;
	}
	(void)trial_file(trial, "quiet.ndjson", true);
	quiet = trial->events;
	for (size_t i = 0; i < trial->expected.count; i++) {
		if (trial->expected.lines[i].found)
			continue;
		printf("%s:%zu: there is no such alert\n", file, trial->expected.lines[i].number);
		trial->wrong++;
	}
	if (trial->wrong == 0)
		printf("ok %s: %zu alert, %zu do not\n", trial->name, alerts, quiet);
	expected_done(&trial->expected);
}

/* true: all is as it must be. */
static bool
test_rule(struct session *session, const struct rule *rule, const char *folder, const char *name)
{
	struct trial trial = { .rule = rule,
		.folder = folder,
		.name = name,
		.rules = session->loaded.rules,
		.limits = cmd_limits(session->loaded.conf, session->loaded.rules),
		.correlation = ruleset_correlation(session->loaded.rules->set, rule) != NULL };

	trial_run(&trial);
	return trial.wrong == 0;
}

/* ---- test: folders ---- */

/* All rules of a file are tested by its last. */
static void
mark_tested(struct session *session, const struct rule *rule)
{
	for (size_t i = 0; i < ruleset_count(session->loaded.rules->set); i++)
		if (strcmp(ruleset_rule(session->loaded.rules->set, i)->file, rule->file) == 0)
			session->tested[i] = true;
}

/* The last part of the path; of one that ends in a dot, of where it leads to. */
static const char *
folder_name(const char *folder, char path[PATH_MAX])
{
	size_t length = strlen(folder);
	const char *name;

	while (length > 1 && folder[length - 1] == '/')
		length--;
	if (length >= PATH_MAX || folder[length - 1] == '.') {
		if (realpath(folder, path) == NULL)
			return folder;
	} else {
		memcpy(path, folder, length);
		path[length] = '\0';
	}
	name = strrchr(path, '/');
	return name == NULL ? path : name + 1;
}

static void
test_folder(struct session *session, const char *folder)
{
	char path[PATH_MAX];
	const char *name = folder_name(folder, path);
	const struct rule *rule = find_rule(session->loaded.rules, name);

	if (rule == NULL)
		printf("%s: there is no rule %s.yml; load it with --rules or rename the folder\n",
			folder, name);
	else
		mark_tested(session, rule);
	if (rule != NULL && test_rule(session, rule, folder, name))
		session->passed++;
	else
		session->failed++;
}

static int
visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool
has_file(const char *folder, const char *name)
{
	char file[PATH_MAX];

	return join(file, folder, name) && access(file, F_OK) == 0;
}

/* A rule's folder, or a directory of such. */
static void
test_path(struct session *session, const char *path)
{
	struct dirent **entries;
	char folder[PATH_MAX];
	size_t folders = 0;
	int count;

	if (has_file(path, "alert.ndjson") || has_file(path, "quiet.ndjson")) {
		test_folder(session, path);
		return;
	}
	count = scandir(path, &entries, visible, alphasort);
	for (int i = 0; i < count; i++) {
		struct stat st;

		if (join(folder, path, entries[i]->d_name) && stat(folder, &st) == 0 &&
			S_ISDIR(st.st_mode)) {
			test_folder(session, folder);
			folders++;
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	if (folders > 0) {
		session->parent = path;
		return;
	}
	printf("%s: %s; name a rule's folder or a directory of such\n", path,
		count == -1 ? strerror(errno) : "no rule's folder in it");
	session->failed++;
}

/* Where all rules have their folders, one that has none is not looked after. */
static void
refuse_untested(struct session *session)
{
	const struct ruleset *set = session->loaded.rules->set;

	for (size_t i = 0; session->parent != NULL && i < ruleset_count(set); i++) {
		const struct rule *rule = ruleset_rule(set, i);
		struct slice name = base_name(rule->file);

		if (session->tested[i] ||
			(i + 1 < ruleset_count(set) &&
				strcmp(ruleset_rule(set, i + 1)->file, rule->file) == 0))
			continue;
		printf("%s: no events test it; make the folder %s/%.*s with alert.ndjson and "
		       "quiet.ndjson\n",
			rule->file, session->parent, (int)name.len, name.ptr);
		session->failed++;
	}
}

static int
test(const struct options *options, char **words, int count)
{
	struct session session = { 0 };
	int result;

	if (count == 0)
		return cmd_usage(rules_help);
	result = load(options, &session.loaded);
	if (result != EX_OK)
		return result;
	session.tested =
		calloc(ruleset_count(session.loaded.rules->set) + 1, sizeof(*session.tested));
	if (session.tested == NULL) {
		fputs("t1505d rules: out of memory\n", stderr);
		result = EX_OSERR;
		goto done;
	}
	for (int i = 0; i < count; i++)
		test_path(&session, words[i]);
	refuse_untested(&session);
	printf("%zu passed, %zu failed\n", session.passed, session.failed);
	result = session.failed > 0 ? EXIT_FAILURE : EX_OK;
	if (fflush(stdout) == EOF || ferror(stdout))
		result = EX_IOERR;
done:
	free(session.tested);
	cmd_loaded_done(&session.loaded);
	return result;
}

/* ---- explain ---- */

enum outcome { OUTCOME_NONE, OUTCOME_EXPLAINED, OUTCOME_REFUSED, OUTCOME_NO_MEMORY };

struct explanation {
	const struct rules *rules;
	const struct rule *rule;
	uint64_t wanted, event; /* numbers of events, from 1 */
	enum outcome outcome;   /* of the one that is wanted */
	enum reason why;        /* it was refused */
	bool matches;
};

static void
print_text(struct slice text)
{
	char shown[SHOWN_MAX];

	fputs(log_escape(text, shown, sizeof(shown)), stdout);
}

static void
line_cb(void *context, enum explain_kind kind, struct slice text, struct slice value, bool holds)
{
	static const char *const heads[] = {
		[EXPLAIN_SELECTION] = "selection ",
		[EXPLAIN_ITEM] = "    ",
		[EXPLAIN_KEYWORDS] = "    ",
		[EXPLAIN_PATTERN] = "        ",
		[EXPLAIN_CONDITION] = "condition: ",
	};

	(void)context;
	printf("%s %s", holds ? "+" : "-", heads[kind]);
	print_text(text);
	if (kind == EXPLAIN_ITEM && value.ptr != NULL) {
		fputs("   the event has: ", stdout);
		print_text(value);
	}
	if (kind == EXPLAIN_ITEM && value.ptr == NULL)
		fputs("   the event has none", stdout);
	(void)putchar('\n');
}

static void
print_filter(const struct filter *filter, const char *effect)
{
	fputs("The filter '", stdout);
	print_text(slice_of(filter->title));
	fputs("' (", stdout);
	print_text(slice_of(filter->file));
	printf(") %s.\n", effect);
}

/* What becomes of a match. */
static void
print_fate(const struct explanation *explanation, struct ruleset_scratch *scratch,
	const struct wevent *event)
{
	const struct match *matches, *filtered;
	size_t count = ruleset_match(explanation->rules->set, scratch, event, &matches);
	size_t taken = ruleset_filtered(scratch, &filtered);

	for (size_t i = 0; i < count; i++)
		if (matches[i].rule == explanation->rule && matches[i].filter != NULL)
			print_filter(matches[i].filter, "lowers its severity");
	for (size_t i = 0; i < taken; i++)
		if (filtered[i].rule == explanation->rule)
			print_filter(filtered[i].filter, "takes the alert away");
	if (explanation->rule->silent)
		puts("It makes no alert of its own: a correlation speaks for it.");
}

static void
print_head(const struct explanation *explanation, const struct wevent *event)
{
	fputs("rule ", stdout);
	print_text(slice_of(explanation->rule->title));
	fputs(" (", stdout);
	print_text(slice_of(explanation->rule->file));
	fputs(")\nevent ", stdout);
	print_text(event->f[F_EventID]);
	fputs(" of ", stdout);
	print_text(event->f[F_Channel]);
	fputs(" on ", stdout);
	print_text(event->host);
	(void)putchar('\n');
}

static bool
explain_event_cb(void *context, struct wevent *event, int64_t time, struct arena *arena)
{
	struct explanation *explanation = context;
	const struct rules *rules = explanation->rules;
	const struct explain_sink sink = { NULL, line_cb };
	struct ruleset_scratch *scratch;
	bool routed;

	(void)time;
	if (++explanation->event != explanation->wanted)
		return true;
	event->f[F_Computer] = event->host;
	scratch = ruleset_scratch_new(rules->set);
	explanation->outcome = OUTCOME_NO_MEMORY;
	if (scratch == NULL || ruleset_complete_all(rules->set, rules->enrich, event, arena) < 0)
		goto done;
	explanation->outcome = OUTCOME_EXPLAINED;
	print_head(explanation, event);
	explanation->matches =
		ruleset_explain(rules->set, scratch, explanation->rule, event, &sink, &routed);
	printf("%s logsource: %s\n%s\n", routed ? "+" : "-",
		routed ? "it has such events" : "it has no such events",
		explanation->matches ? "The rule matches." : "The rule does not match.");
	if (explanation->matches)
		print_fate(explanation, scratch, event);
done:
	ruleset_scratch_free(scratch);
	return false;
}

/* It counts as an event, as it does in a test. */
static void
explain_refused_cb(void *context, enum reason why)
{
	struct explanation *explanation = context;

	if (++explanation->event != explanation->wanted)
		return;
	explanation->outcome = OUTCOME_REFUSED;
	explanation->why = why;
}

/* "FILE" or "FILE:N": N, with the file's name cut out of the word.  A file may have a colon. */
static uint64_t
take_number(char *word)
{
	char *colon = strrchr(word, ':');
	uint64_t n;

	if (colon == NULL || access(word, F_OK) == 0 ||
		slice_number(slice_of(colon + 1), INT64_MAX, &n) != 0 || n == 0)
		return 1;
	*colon = '\0';
	return n;
}

static int
explain_file(struct explanation *explanation, const struct conf *conf, char *file)
{
	const struct recording_reader reader = { explanation, explain_event_cb, explain_refused_cb,
		progress_cb };
	int error;

	explanation->wanted = take_number(file);
	error = recording_read(file, cmd_limits(conf, explanation->rules), &reader);
	if (error != 0) {
		fprintf(stderr, "t1505d rules: %s: %s\n", file, strerror(-error));
		return EX_NOINPUT;
	}
	switch (explanation->outcome) {
	case OUTCOME_NONE:
		fprintf(stderr, "t1505d rules: %s: it has no event %ju, but %ju\n", file,
			(uintmax_t)explanation->wanted, (uintmax_t)explanation->event);
		return EX_DATAERR;
	case OUTCOME_REFUSED:
		fprintf(stderr, "t1505d rules: %s:%ju: %s\n", file, (uintmax_t)explanation->wanted,
			reason_text(explanation->why));
		return EX_DATAERR;
	case OUTCOME_NO_MEMORY:
		fputs("t1505d rules: out of memory\n", stderr);
		return EX_OSERR;
	case OUTCOME_EXPLAINED:
		break;
	}
	if (fflush(stdout) == EOF || ferror(stdout))
		return EX_IOERR;
	return explanation->matches ? EX_OK : EXIT_FAILURE;
}

static int
explain(const struct options *options, char **words, int count)
{
	struct explanation explanation = { 0 };
	struct cmd_loaded loaded;
	int result;

	if (count != 2)
		return cmd_usage(rules_help);
	result = load(options, &loaded);
	if (result != EX_OK)
		return result;
	result = EX_USAGE;
	explanation.rules = loaded.rules;
	explanation.rule = find_rule(loaded.rules, words[0]);
	if (explanation.rule == NULL)
		fprintf(stderr,
			"t1505d rules: there is no rule '%s'; give its id, its title or its file's "
			"name, see t1505d rules list\n",
			words[0]);
	else if (ruleset_correlation(loaded.rules->set, explanation.rule) != NULL)
		fprintf(stderr,
			"t1505d rules: '%s' is a correlation, which no single event explains; "
			"explain the rules that it names\n",
			words[0]);
	else
		result = explain_file(&explanation, loaded.conf, words[1]);
	cmd_loaded_done(&loaded);
	return result;
}

/* ---- the command ---- */

static const struct {
	const char *name;
	int (*run)(const struct options *, char **words, int count);
} subcommands[] = { { "list", list }, { "test", test }, { "explain", explain } };

/* One option.  false: it is wrong. */
static bool
take_option(struct options *options, int option, char *argument)
{
	switch (option) {
	case 'c':
		options->config = argument;
		return true;
	case 'r':
		return cmd_list_add(&options->paths, argument);
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

int
cmd_rules(int argc, char **argv)
{
	static const struct option words[] = { { "config", required_argument, NULL, 'c' },
		{ "rules", required_argument, NULL, 'r' },
		{ "format", required_argument, NULL, 'f' }, { "navigator", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	struct options options = { 0 };
	int option, result = EX_USAGE;
	bool good = true;
	size_t i = 0;

	while (good && (option = getopt_long(argc, argv, "c:h", words, NULL)) != -1) {
		if (option == 'h') {
			result = cmd_help(rules_help);
			goto done;
		}
		good = take_option(&options, option, optarg);
	}
	while (good && optind < argc && i < sizeof(subcommands) / sizeof(subcommands[0]) &&
		strcmp(subcommands[i].name, argv[optind]) != 0)
		i++;
	if (!good || optind == argc || i == sizeof(subcommands) / sizeof(subcommands[0]))
		result = cmd_usage(rules_help);
	else
		result = subcommands[i].run(&options, argv + optind + 1, argc - optind - 1);
done:
	free(options.paths.list);
	return result;
}
