/* t1505d rules test: the events in rules' folders must alert, or not, as their files say. */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "daemon/hosts.h"
#include "daemon/recording.h"
#include "daemon/rules_cmd.h"
#include "daemon/windows.h"
#include "detect/detect.h"

#define HOSTS_MAX 1024
#define WINDOWS_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define TICK_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define EXPECTED_BYTES_MAX ((size_t)64 * 1024) /* of an expected.tsv */

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
	const struct rules *rules;
	const struct conf *conf;
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
passed_over_cb(void *context, const struct rule *correlation, enum window_answer answer)
{
	(void)context;
	(void)correlation;
	(void)answer;
}

static void
limited_cb(void *context)
{
	wrong(context, "takes an expression to its limit of work");
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
	trial->sink =
		(struct detect_sink){ trial, alert_cb, filtered_cb, passed_over_cb, limited_cb };
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
	const struct recording_reader reader = { trial, trial_event_cb, trial_refused_cb, NULL };
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
		.rules = session->rules,
		.limits = cmd_limits(session->conf, session->rules),
		.correlation = ruleset_correlation(session->rules->set, rule) != NULL };

	trial_run(&trial);
	return trial.wrong == 0;
}

/* ---- test: folders ---- */

/* The rules of a file are tested together. */
static void
mark_tested(struct session *session, const struct rule *rule)
{
	for (size_t i = 0; i < ruleset_count(session->rules->set); i++)
		if (strcmp(ruleset_rule(session->rules->set, i)->file, rule->file) == 0)
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
	bool several;
	const struct rule *rule = rules_find(session->rules, name, &several);

	if (rule == NULL)
		printf("%s: there is no rule %s.yml; load it with --rules or rename the folder\n",
			folder, name);
	else
		mark_tested(session, rule);
	if (several)
		printf("%s: %s.yml has several rules, and a folder tests one; give each a file\n",
			folder, name);
	if (rule != NULL && !several && test_rule(session, rule, folder, name))
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
	const struct ruleset *set = session->rules->set;

	for (size_t i = 0; session->parent != NULL && i < ruleset_count(set); i++) {
		const struct rule *rule = ruleset_rule(set, i);
		struct slice name = rules_base_name(rule->file);

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

int
rules_test(const struct cmd_loaded *loaded, const struct rules_options *options, char **words)
{
	struct session session = { .rules = loaded->rules, .conf = loaded->conf };

	(void)options;
	session.tested = calloc(ruleset_count(loaded->rules->set) + 1, sizeof(*session.tested));
	if (session.tested == NULL) {
		fputs("t1505d rules: out of memory\n", stderr);
		return EX_OSERR;
	}
	for (; *words != NULL; words++)
		test_path(&session, *words);
	refuse_untested(&session);
	printf("%zu passed, %zu failed\n", session.passed, session.failed);
	free(session.tested);
	return cmd_finish(session.failed > 0 ? EXIT_FAILURE : EX_OK);
}
