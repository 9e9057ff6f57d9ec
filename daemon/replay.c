/* t1505d replay: recorded events through the same parts as in the daemon, without its sockets,
 * journal and outputs.
 *
 * Time is the events' own: an event is received at its time, so that what a host is remembered by
 * does not depend on when the replay runs; windows close as time goes on.  Every match is shown,
 * one alert a rule. Alerts come out as they are found (json), or are kept to the end and sorted
 * (table).  One thread.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/cmd.h"
#include "daemon/hosts.h"
#include "daemon/recording.h"
#include "daemon/rules.h"
#include "daemon/table.h"
#include "daemon/windows.h"
#include "detect/detect.h"
#include "detect/filter.h"

#define PROGRESS_MILLISECONDS 100
#define DAY (INT64_C(86400) * 1000000)
#define AHEAD_RECORDS 16 /* in a row, that move time by more than a day */
#define TICK_BYTES_MAX                                                            \
	((size_t)64 * 1024 * 1024) /* for alerts of windows that close at the end \
				    */

enum format { FORMAT_AUTO, FORMAT_JSON, FORMAT_TABLE };

struct replay {
	struct rules *rules;
	struct alert_settings settings;
	struct hosts *hosts;
	struct windows *windows;
	struct detect *detect;
	struct arena *arena;
	struct payload_limits limits;
	struct table *table; /* NULL for json */

	const char *file;           /* that is being read */
	const struct wevent *event; /* that is being looked at */

	int64_t now;         /* STAMP_NONE before the first record */
	unsigned int ahead;  /* so many records in a row are more than a day ahead of it, */
	int64_t ahead_first; /* none of them before this */

	bool filtered; /* what filters took away or lowered is shown, and nothing else */
	uint64_t messages, records, alerts, filtered_alerts;
	uint64_t reasons[REASON_MAX];
	uint64_t *by_rule, *by_filter;
	uint64_t passed_over[WINDOW_NO_MEMORY]; /* by correlations */
	struct detect_sink sink;

	bool progress;
	uint64_t total;             /* bytes; 0 when it is not known */
	uint64_t done, done_before; /* of the file that is read, and of those before it */
	int64_t progress_next;      /* milliseconds */
};

/* ---- progress ---- */

static void
progress_show(struct replay *replay, uint64_t done)
{
	char bar[41];
	double share;

	if (!replay->progress || clock_monotonic() < replay->progress_next)
		return;
	replay->progress_next = clock_monotonic() + PROGRESS_MILLISECONDS;
	if (replay->total == 0) {
		fprintf(stderr, "\r%ju messages, %ju alerts ", (uintmax_t)replay->messages,
			(uintmax_t)replay->alerts);
		return;
	}
	share = (double)done / (double)replay->total;
	share = share > 1 ? 1 : share; /* a file that grew */
	memset(bar, ' ', sizeof(bar) - 1);
	memset(bar, '=', (size_t)(share * (double)(sizeof(bar) - 1)));
	bar[sizeof(bar) - 1] = '\0';
	fprintf(stderr, "\r[%s] %3.0f %%  %ju messages, %ju alerts ", bar, 100 * share,
		(uintmax_t)replay->messages, (uintmax_t)replay->alerts);
}

static void
progress_clear(const struct replay *replay)
{
	if (replay->progress)
		fputs("\r\033[K", stderr);
}

/* ---- alerts ---- */

static void
alert_cb(void *context, const struct alert *alert)
{
	struct replay *replay = context;

	if (alert->filtered) {
		replay->filtered_alerts++;
	} else {
		replay->alerts++;
		replay->by_rule[alert->rule->index]++;
	}
	if (replay->filtered ? !alert->filtered && !alert->lowered : alert->filtered)
		return;
	if (replay->table != NULL) {
		table_add(replay->table, alert,
			replay->event == NULL ? SLICE_NONE : replay->event->f[F_User]);
		return;
	}
	/* Errors stay in the stream and are looked at at the end. */
	(void)fwrite(alert->json.ptr, 1, alert->json.len, stdout);
	(void)putchar('\n');
}

static void
filtered_cb(void *context, const struct filter *filter)
{
	struct replay *replay = context;

	replay->by_filter[filter->index]++;
}

static void
passed_over_cb(void *context, const struct rule *correlation, enum window_answer answer)
{
	struct replay *replay = context;

	(void)correlation;
	replay->passed_over[answer]++;
}

static void
limited_cb(void *context)
{
	struct replay *replay = context;

	replay->reasons[REASON_REGEX_LIMIT]++;
}

/* ---- events ---- */

static void
tick(struct replay *replay, int64_t now, struct arena *arena)
{
	if (detect_tick(replay->detect, now, arena, &replay->sink) < 0)
		replay->reasons[REASON_NO_MEMORY]++;
}

/* Time is that of the last record.  One of a clock that is wrong would close the windows of all
 * others: it takes several to move time by more than a day, to the earliest of them. */
static void
pass_time(struct replay *replay, int64_t time, struct arena *arena)
{
	if (replay->now != STAMP_NONE && time > replay->now + DAY) {
		if (replay->ahead == 0 || time < replay->ahead_first)
			replay->ahead_first = time;
		if (++replay->ahead < AHEAD_RECORDS)
			return;
		time = replay->ahead_first;
	}
	replay->ahead = 0;
	replay->now = time;
	tick(replay, time, arena);
}

static bool
event_cb(void *context, struct wevent *event, int64_t time, struct arena *arena)
{
	struct replay *replay = context;
	struct alert_source source = { .input = slice_of(replay->file), .received = time };

	replay->records++;
	if (event->partial)
		replay->reasons[REASON_JSON_TRUNCATED]++;
	pass_time(replay, time, arena);
	replay->event = event;
	if (detect_event(replay->detect, event, &source, arena, &replay->sink) < 0)
		replay->reasons[REASON_NO_MEMORY]++;
	replay->event = NULL;
	return true;
}

static void
refused_cb(void *context, enum reason why)
{
	struct replay *replay = context;

	replay->reasons[why]++;
}

static void
progress_cb(void *context, uint64_t done)
{
	struct replay *replay = context;

	replay->messages++;
	if (replay->messages % 64 == 0)
		progress_show(replay, replay->done_before + done);
	replay->done = done;
}

static int
replay_file(struct replay *replay, const char *file)
{
	const struct recording_reader reader = { replay, event_cb, refused_cb, progress_cb };
	int error;

	replay->file = strcmp(file, "-") == 0 ? "stdin" : file;
	error = recording_read(file, replay->limits, &reader);
	replay->done_before += replay->done;
	replay->done = 0;
	if (error == 0)
		return EX_OK;
	progress_clear(replay);
	fprintf(stderr, "t1505d replay: %s: %s%s\n", replay->file, strerror(-error),
		error == -EFBIG ? ": more than 1 GiB from a pipe; give it as a file" : "");
	return EX_NOINPUT;
}

/* ---- totals ---- */

/* Several rules may share a detection type: they are one line. */
static void
print_types(const struct replay *replay)
{
	size_t count = ruleset_count(replay->rules->set);

	for (size_t i = 0; i < count; i++) {
		const char *type = ruleset_rule(replay->rules->set, i)->detection_type;
		uint64_t sum = replay->by_rule[i];

		if (sum == 0)
			continue;
		for (size_t j = i + 1; j < count; j++) {
			if (replay->by_rule[j] == 0 ||
				strcmp(ruleset_rule(replay->rules->set, j)->detection_type, type) !=
					0)
				continue;
			sum += replay->by_rule[j];
			replay->by_rule[j] = 0;
		}
		fprintf(stderr, "  alerts   %-32s %10ju\n", type, (uintmax_t)sum);
	}
}

/* What correlations did not count, could not say or forgot. */
static void
print_passed_over(const struct replay *replay)
{
	static const char *const texts[WINDOW_NO_MEMORY] = {
		[WINDOW_LATE] = "came too late for a correlation",
		[WINDOW_NO_VALUE] = "had no value that a correlation counts",
		[WINDOW_KNOWN] = "were of events that a correlation had counted already",
		[WINDOW_FULL] = "or answers were too much for a window of a correlation"
	};

	for (size_t i = 0; i < WINDOW_NO_MEMORY; i++)
		if (replay->passed_over[i] > 0)
			fprintf(stderr, "%ju matches %s\n", (uintmax_t)replay->passed_over[i],
				texts[i]);
	if (windows_evicted(replay->windows) > 0)
		fprintf(stderr,
			"%ju windows of correlations were forgotten at limits.correlations; raise "
			"it\n",
			(uintmax_t)windows_evicted(replay->windows));
}

static void
print_totals(const struct replay *replay)
{
	uint64_t refused = 0;

	for (size_t i = 0; i < REASON_MAX; i++)
		refused += replay->reasons[i];
	fprintf(stderr, "%ju messages, %ju records, %ju alerts, %ju refused or damaged\n",
		(uintmax_t)replay->messages, (uintmax_t)replay->records, (uintmax_t)replay->alerts,
		(uintmax_t)refused);
	print_types(replay);
	for (size_t i = 0; i < ruleset_filter_count(replay->rules->set); i++)
		if (replay->by_filter[i] > 0)
			fprintf(stderr, "  filtered %-32s %10ju\n",
				ruleset_filter(replay->rules->set, i)->title,
				(uintmax_t)replay->by_filter[i]);
	for (size_t i = 0; i < REASON_MAX; i++) {
		if (replay->reasons[i] > 0)
			fprintf(stderr, "  refused  %-32s %10ju  %s\n", reason_name((enum reason)i),
				(uintmax_t)replay->reasons[i], reason_text((enum reason)i));
	}
	print_passed_over(replay);
	if (replay->table != NULL && table_left_out(replay->table) > 0)
		fprintf(stderr, "%ju alerts had no room in the table\n",
			(uintmax_t)table_left_out(replay->table));
}

/* ---- the command ---- */

static const char replay_help[] =
	"usage: t1505d replay [-c FILE] [--rules DIR]... [--format json|table] [--filtered] "
	"FILE...\n"
	"Run recorded events through the rules and show every match.\n"
	"  -c, --config FILE          take rules, filters and host columns of this configuration\n"
	"      --rules DIR            rules to use [" SYSCONFDIR "/t1505d/rules]\n"
	"      --format json|table    one JSON object a line, in the order of the events, or a "
	"table\n"
	"                             with the newest first [table on a terminal, else json]\n"
	"      --filtered             show the alerts that filters took away or lowered, and no "
	"others\n"
	"  -h, --help                 this text\n"
	"FILE holds JSON lines, JSON documents in a row, or syslog lines; - is the standard "
	"input.\n"
	"Totals go to stderr.  Exit status: 0, 65 for faulty rules, 66 for a file that cannot be "
	"read.\n";

struct options {
	const char *config; /* NULL: none */
	struct cmd_list paths;
	enum format format;
	bool filtered;
};

static void
replay_done(struct replay *replay)
{
	table_free(replay->table);
	free(replay->by_rule);
	free(replay->by_filter);
	detect_free(replay->detect);
	hosts_free(replay->hosts);
	windows_free(replay->windows);
	arena_free(replay->arena);
	rules_unref(replay->rules);
}

/* EX_OK, or an exit code after saying why. */
static int
replay_init(struct replay *replay, const struct options *options)
{
	enum format format = options->format;
	struct faults faults = { 0 };
	struct cmd_loaded loaded = { 0 };
	int result = cmd_load(options->config, &options->paths, &faults, &loaded);

	if (result != EX_OK)
		goto done;
	cmd_print_faults(&faults, CMD_WARNINGS_MAX); /* which all are warnings */
	replay->rules = rules_ref(loaded.rules);
	result = EX_OSERR;
	replay->sink =
		(struct detect_sink){ replay, alert_cb, filtered_cb, passed_over_cb, limited_cb };
	replay->settings = replay->rules->alert;
	replay->settings.mode = ALERT_PER_RULE;
	replay->settings.filtered = replay->filtered;
	replay->limits = cmd_limits(loaded.conf, loaded.rules);
	replay->by_rule = calloc(ruleset_count(replay->rules->set) + 1, sizeof(*replay->by_rule));
	replay->by_filter =
		calloc(ruleset_filter_count(replay->rules->set) + 1, sizeof(*replay->by_filter));
	replay->arena = arena_new(TICK_BYTES_MAX);
	replay->hosts = hosts_new(loaded.conf->hosts_max);
	replay->windows = windows_new(loaded.conf->correlations_max);
	if (format == FORMAT_TABLE)
		replay->table = table_new();
	if (replay->by_rule == NULL || replay->by_filter == NULL || replay->arena == NULL ||
		replay->hosts == NULL || replay->windows == NULL ||
		(format == FORMAT_TABLE && replay->table == NULL))
		goto no_memory;
	replay->detect =
		detect_new((struct detect_hosts){ replay->hosts, hosts_borrow, hosts_give_back },
			windows_of(replay->windows));
	if (replay->detect != NULL &&
		hosts_aliases(replay->hosts, loaded.conf->aliases, loaded.conf->alias_count) >= 0 &&
		detect_use(replay->detect, replay->rules->set, &replay->settings) == 0)
		result = EX_OK;
no_memory:
	if (result != EX_OK)
		fputs("t1505d replay: out of memory\n", stderr);
done:
	cmd_loaded_done(&loaded);
	faults_done(&faults);
	return result;
}

static int
replay_files(const struct options *options, char *const *files, size_t count)
{
	struct replay replay = { .filtered = options->filtered, .now = STAMP_NONE };
	int result = replay_init(&replay, options);

	if (result != EX_OK)
		goto done;
	/* Not between the alerts on one terminal. */
	replay.progress = isatty(STDERR_FILENO) && (replay.table != NULL || !isatty(STDOUT_FILENO));
	replay.total = recording_bytes(files, count);
	for (size_t i = 0; i < count; i++) {
		int one = replay_file(&replay, files[i]);

		result = result == EX_OK ? one : result;
	}
	tick(&replay, INT64_MAX, replay.arena); /* nothing comes any more: all windows close */
	progress_clear(&replay);
	if (replay.table != NULL)
		table_print(replay.table);
	result = cmd_finish(result);
	print_totals(&replay);
done:
	replay_done(&replay);
	return result;
}

static enum format
format_of(const char *word)
{
	if (strcmp(word, "json") == 0)
		return FORMAT_JSON;
	return strcmp(word, "table") == 0 ? FORMAT_TABLE : FORMAT_AUTO;
}

/* One option.  false: it is wrong. */
static bool
take_option(struct options *options, int option, char *argument)
{
	switch (option) {
	case 'c':
		options->config = argument;
		return true;
	case 'F':
		options->filtered = true;
		return true;
	case 'r':
		return cmd_list_add(&options->paths, argument);
	case 'f':
		options->format = format_of(argument);
		return options->format != FORMAT_AUTO;
	default:
		return false;
	}
}

int
cmd_replay(int argc, char **argv)
{
	static const struct option words[] = { { "config", required_argument, NULL, 'c' },
		{ "rules", required_argument, NULL, 'r' },
		{ "format", required_argument, NULL, 'f' }, { "filtered", no_argument, NULL, 'F' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	struct options options = { .format = FORMAT_AUTO };
	int option, result = EX_USAGE;
	bool good = true;

	while (good && (option = getopt_long(argc, argv, "c:h", words, NULL)) != -1) {
		if (option == 'h') {
			result = cmd_help(replay_help);
			goto done;
		}
		good = take_option(&options, option, optarg);
	}
	if (!good || optind == argc) {
		result = cmd_usage(replay_help);
		goto done;
	}
	if (options.format == FORMAT_AUTO)
		options.format = isatty(STDOUT_FILENO) ? FORMAT_TABLE : FORMAT_JSON;
	result = replay_files(&options, argv + optind, (size_t)(argc - optind));
done:
	free(options.paths.list);
	return result;
}
