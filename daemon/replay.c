/* t1505d replay: recorded events through the same parts as in the daemon, without its sockets,
 * journal and outputs.
 *
 * Time is the events' own: `now` is the time of the event at hand, so that what a host is
 * remembered by does not depend on when the replay runs.  Every match is shown, one alert a rule.
 * Alerts come out as they are found (json), or are kept to the end and sorted (table).  One thread;
 * a file is mapped, anything else is read to its end first. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/cmd.h"
#include "daemon/hosts.h"
#include "daemon/log.h"
#include "daemon/rules.h"
#include "daemon/table.h"
#include "daemon/windows.h"
#include "detect/detect.h"
#include "detect/filter.h"
#include "parsers/envelope.h"
#include "parsers/frame.h"
#include "parsers/payload.h"

#define MESSAGE_BYTES_MAX ((size_t)16 * 1024 * 1024) /* the most that limits.message can be */
#define ARENA_BYTES_MAX (16 * MESSAGE_BYTES_MAX)
#define PIPE_BYTES_MAX ((size_t)1024 * 1024 * 1024) /* of an input that cannot be mapped */
#define PROGRESS_MILLISECONDS 100
#define MICROSECONDS_IN_SECOND 1000000

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
	struct slice hostname;      /* of the message's syslog header, folded */
	int64_t now;

	bool filtered; /* what filters took away is shown, and nothing else */
	uint64_t messages, records, alerts, filtered_alerts;
	uint64_t reasons[REASON_MAX];
	uint64_t *by_rule, *by_filter;
	uint64_t passed_over[2]; /* by correlations: without a value; too late */
	struct detect_sink sink;

	bool progress;
	uint64_t total, done;  /* bytes; total is 0 when it is not known */
	int64_t progress_next; /* milliseconds */
};

/* ---- progress ---- */

static void
progress_show(struct replay *replay)
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
	share = (double)replay->done / (double)replay->total;
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
	if (alert->filtered != replay->filtered)
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
passed_over_cb(void *context, enum window_answer answer)
{
	struct replay *replay = context;

	replay->passed_over[answer == WINDOW_LATE]++;
}

/* ---- messages ---- */

static void
tick(struct replay *replay, int64_t now)
{
	if (detect_tick(replay->detect, now, replay->arena, &replay->sink) < 0)
		replay->reasons[REASON_NO_MEMORY]++;
}

static void
record(struct replay *replay, struct wevent *event, const struct envelope *envelope)
{
	struct alert_source source = { .input = slice_of(replay->file) };
	struct arena_mark mark = arena_mark(replay->arena);

	if (event->host.len == 0)
		event->host = replay->hostname;
	if (event->host.len == 0) {
		replay->reasons[REASON_NO_HOST]++;
		return;
	}
	replay->records++;
	if (event->partial)
		replay->reasons[REASON_JSON_TRUNCATED]++;
	if (event->time != STAMP_NONE || envelope->time != STAMP_NONE)
		replay->now = event->time != STAMP_NONE ? event->time : envelope->time;
	source.received = replay->now;
	tick(replay, replay->now);
	replay->event = event;
	if (detect_event(replay->detect, event, &source, replay->arena, &replay->sink) < 0)
		replay->reasons[REASON_NO_MEMORY]++;
	replay->event = NULL;
	arena_rewind(replay->arena, mark);
}

static void
message(struct replay *replay, struct slice bytes)
{
	char folded[HOST_NAME_MAX_BYTES];
	struct envelope envelope;
	enum payload_result result;
	struct payload payload;
	struct wevent event;
	enum reason why;

	envelope_parse(bytes, replay->now, &envelope);
	/* As in pipeline.c: the header's host is for records that name none. */
	replay->hostname = (struct slice){ folded, host_fold(envelope.hostname, folded) };
	if (slice_equal(envelope.hostname, SLICE("-")))
		replay->hostname = SLICE_NONE;
	payload_init(&payload, envelope.payload, replay->limits, replay->arena);
	while ((result = payload_next(&payload, &event, &why)) != PAYLOAD_END) {
		if (result == PAYLOAD_RECORD)
			record(replay, &event, &envelope);
		else
			replay->reasons[why]++;
	}
	arena_reset(replay->arena);
}

static void
replay_bytes(struct replay *replay, struct slice rest)
{
	enum frame_result result;
	struct slice bytes;
	enum reason why;
	size_t used;

	while ((result = frame_file_next(rest, MESSAGE_BYTES_MAX, &bytes, &used, &why)) !=
		FRAME_MORE) {
		rest = slice_sub(rest, used, rest.len);
		replay->done += used;
		if (result == FRAME_SKIP)
			continue;
		replay->messages++;
		if (result == FRAME_OK)
			message(replay, bytes);
		else
			replay->reasons[why]++;
		if (replay->messages % 64 == 0)
			progress_show(replay);
	}
}

/* ---- files ---- */

static bool
is_stdin(const char *file)
{
	return strcmp(file, "-") == 0;
}

/* 0, or -errno.  A regular file is mapped: it may be larger than memory. */
static int
replay_fd(struct replay *replay, int fd)
{
	struct stat st;
	size_t length;
	char *bytes;
	int error;

	if (fstat(fd, &st) == -1)
		return -errno;
	/* Until an event tells another time. */
	replay->now = (int64_t)st.st_mtim.tv_sec * MICROSECONDS_IN_SECOND;
	if (S_ISREG(st.st_mode) && st.st_size > 0 && lseek(fd, 0, SEEK_CUR) == 0) {
		length = (size_t)st.st_size;
		bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes == MAP_FAILED)
			return -errno;
		(void)madvise(bytes, length, MADV_SEQUENTIAL); /* a hint */
		replay_bytes(replay, (struct slice){ bytes, length });
		(void)munmap(bytes, length); /* what mmap() gave */
		return 0;
	}
	error = rules_read_fd(fd, PIPE_BYTES_MAX, &bytes, &length);
	if (error < 0)
		return error;
	replay_bytes(replay, (struct slice){ bytes, length });
	free(bytes);
	return 0;
}

static int
replay_file(struct replay *replay, const char *file)
{
	int error, fd = is_stdin(file) ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);

	replay->file = is_stdin(file) ? "stdin" : file;
	error = fd == -1 ? -errno : replay_fd(replay, fd);
	if (fd != -1 && fd != STDIN_FILENO)
		(void)close(fd); /* only read from */
	if (error == 0)
		return EX_OK;
	progress_clear(replay);
	fprintf(stderr, "t1505d replay: %s: %s%s\n", replay->file, strerror(-error),
		error == -EFBIG ? ": more than 1 GiB from a pipe; give it as a file" : "");
	return EX_NOINPUT;
}

/* How much there is to read; 0 when one of them does not say. */
static uint64_t
total_bytes(char *const *files, size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++) {
		struct stat st;
		int failed = is_stdin(files[i]) ? fstat(STDIN_FILENO, &st) : stat(files[i], &st);

		if (failed == -1)
			continue;
		if (!S_ISREG(st.st_mode))
			return 0;
		total += (uint64_t)st.st_size;
	}
	return total;
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
	if (replay->passed_over[0] > 0)
		fprintf(stderr, "%ju matches had no value that a correlation counts\n",
			(uintmax_t)replay->passed_over[0]);
	if (replay->passed_over[1] > 0)
		fprintf(stderr, "%ju matches came too late for a correlation\n",
			(uintmax_t)replay->passed_over[1]);
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
	"      --filtered             show the alerts that filters took away, and no others\n"
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
	const struct cmd_list *paths = &options->paths;
	enum format format = options->format;
	struct faults faults = { 0 };
	struct conf *conf = options->config == NULL ? conf_parse(NULL, 0, &faults)
						    : conf_load(options->config, &faults);
	int result = EX_OSERR;

	if (conf == NULL && faults.errors > 0) {
		cmd_print_faults(&faults);
		result = EX_CONFIG;
		goto done;
	}
	if (conf == NULL ||
		(paths->count > 0 && conf_use_rule_paths(conf, paths->list, paths->count) < 0))
		goto done;
	replay->rules = rules_load(conf, &faults);
	cmd_print_faults(&faults);
	result = EX_DATAERR;
	if (replay->rules == NULL)
		goto done;

	result = EX_OSERR;
	replay->sink = (struct detect_sink){ replay, alert_cb, filtered_cb, passed_over_cb };
	replay->settings = replay->rules->alert;
	replay->settings.mode = ALERT_PER_RULE;
	replay->settings.filtered = replay->filtered;
	replay->limits = (struct payload_limits){ .json_depth = (uint32_t)conf->json_depth,
		.json_keys = (uint32_t)conf->json_keys,
		.names = ruleset_names(replay->rules->set) };
	replay->by_rule = calloc(ruleset_count(replay->rules->set) + 1, sizeof(*replay->by_rule));
	replay->by_filter =
		calloc(ruleset_filter_count(replay->rules->set) + 1, sizeof(*replay->by_filter));
	replay->arena = arena_new(ARENA_BYTES_MAX);
	replay->hosts = hosts_new(conf->hosts_max);
	replay->windows = windows_new(conf->correlations_max);
	if (format == FORMAT_TABLE)
		replay->table = table_new();
	if (replay->by_rule == NULL || replay->by_filter == NULL || replay->arena == NULL ||
		replay->hosts == NULL || replay->windows == NULL ||
		(format == FORMAT_TABLE && replay->table == NULL))
		goto done;
	replay->detect =
		detect_new((struct detect_hosts){ replay->hosts, hosts_borrow, hosts_give_back },
			windows_of(replay->windows));
	if (replay->detect != NULL &&
		detect_use(replay->detect, replay->rules->set, &replay->settings) == 0)
		result = EX_OK;
done:
	if (result == EX_OSERR)
		fputs("t1505d replay: out of memory\n", stderr);
	conf_free(conf);
	faults_done(&faults);
	return result;
}

static int
replay_files(const struct options *options, char *const *files, size_t count)
{
	struct replay replay = { .filtered = options->filtered };
	int result = replay_init(&replay, options);

	if (result != EX_OK)
		goto done;
	/* Not between the alerts on one terminal. */
	replay.progress = isatty(STDERR_FILENO) && (replay.table != NULL || !isatty(STDOUT_FILENO));
	replay.total = total_bytes(files, count);
	for (size_t i = 0; i < count; i++) {
		int one = replay_file(&replay, files[i]);

		result = result == EX_OK ? one : result;
	}
	tick(&replay, INT64_MAX); /* nothing comes any more: all windows close */
	progress_clear(&replay);
	if (replay.table != NULL)
		table_print(replay.table);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		fprintf(stderr, "t1505d replay: stdout: %s\n", strerror(errno));
		result = EX_IOERR;
	}
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
