/* The daemon as a whole: what is started after what, what a signal does, and the way back.
 *
 * Order of the start: configuration and rules (a fault ends it), ports (as root, where that is
 * needed), the user, then everything that makes files or threads, the workers, and at last the
 * listeners' first connection.  The stop goes the other way: no new connections, what was read is
 * finished, the outputs send what waits, and each part is freed after those that use it.
 *
 * A reload builds all that is new beside what runs and hands it over only when nothing is wrong
 * with it.  It happens on the main thread: connections wait in the backlog meanwhile, and the
 * workers go on. */

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/control.h"
#include "daemon/loader.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/output.h"
#include "daemon/privileges.h"
#include "daemon/report.h"
#include "daemon/run.h"
#include "daemon/web.h"
#include "daemon/worker.h"
#include "detect/filter.h"

#define STOP_GRACE_SECONDS 10 /* beyond stop.timeout, for what should take no time */
#define CONTROL_GROUP "t1505d"
#define STATUS_SECONDS 5
#define WARNINGS_LOGGED 10
#define STOP_GRACE_SECONDS 10 /* beyond stop.timeout, for what should take no time */
#define WORKERS_MAX 256
#define LINE_MAX_BYTES 512
#define DESCRIPTORS_OWN 64 /* listeners, outputs, files, event loops: what is no connection */

struct daemon {
	const char *conf_file;
	struct conf *conf;
	struct rules *rules;
	int64_t started, rules_loaded; /* wall clock, microseconds */
	char *rules_fault;             /* why the last reload was refused, or NULL */

	struct event_base *base;
	struct event stop_signals[2], reload_signal, status_timer, stats_timer, watchdog_timer;
	struct metrics_since status_since, stats_since;

	struct metrics *metrics;
	struct memory memory;
	struct loader *loader;
	struct listeners *listeners;
	struct hosts *hosts;
	struct windows *windows;
	struct journal *journal;
	struct outputs *outputs;
	struct dead_letters *dead_letters;
	struct worker **workers;
	size_t worker_count;
	struct control *control;
	struct web *web;
};

/* ---- faults ---- */

/* All errors; of the warnings, of which a collection of rules can have hundreds, the first few. */
static void
log_faults(const char *file, const struct faults *faults)
{
	size_t warnings = 0;

	for (size_t i = 0; i < faults->count; i++) {
		const struct fault *fault = &faults->list[i];
		char place[PATH_MAX];

		warnings += fault->warning;
		if (!fault->warning || warnings <= WARNINGS_LOGGED)
			(fault->warning ? log_warning : log_error)(
				"%s: %s", fault_place(fault, place, sizeof(place)), fault->text);
	}
	if (warnings > WARNINGS_LOGGED)
		log_warning("%zu more warnings; `t1505d check -c %s` shows them",
			warnings - WARNINGS_LOGGED, file);
}

/* The first error and how many more there are, for the status. */
static char *
summarise_faults(const struct faults *faults)
{
	char *text;

	for (size_t i = 0; i < faults->count; i++) {
		const struct fault *fault = &faults->list[i];
		char place[PATH_MAX], more[32] = "";

		if (fault->warning)
			continue;
		if (faults->errors > 1)
			(void)snprintf(more, sizeof(more), ", and %zu more", faults->errors - 1);
		if (asprintf(&text, "%s: %s%s", fault_place(fault, place, sizeof(place)),
			    fault->text, more) == -1)
			return NULL;
		return text;
	}
	return strdup("out of memory");
}

/* As many descriptors as the process may have; those that it needs itself are not for clients. */
static void
fit_descriptors(struct conf *conf)
{
	struct rlimit limit;
	uint64_t room;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	if (limit.rlim_cur < limit.rlim_max) {
		rlim_t was = limit.rlim_cur;

		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
			limit.rlim_cur = was;
	}
	room = limit.rlim_cur > 2 * DESCRIPTORS_OWN ? limit.rlim_cur - DESCRIPTORS_OWN
						    : limit.rlim_cur / 2;
	if (conf->connections_max <= room)
		return;
	log_warning("limits.connections is %" PRIu64 ", but with %" PRIu64
		    " descriptors there is room for %" PRIu64 "; raise LimitNOFILE (or ulimit -n)",
		conf->connections_max, (uint64_t)limit.rlim_cur, room);
	conf->connections_max = room;
}

/* Both, or neither: nothing is taken over from a configuration whose rules are wrong. */
static void
load(const char *file, struct loaded *loaded)
{
	loaded->conf = conf_load(file, &loaded->faults);
	if (loaded->conf != NULL)
		loaded->rules = rules_load(loaded->conf, &loaded->faults);
	log_faults(file, &loaded->faults);
	if (loaded->rules != NULL) {
		fit_descriptors(loaded->conf);
		return;
	}
	conf_free(loaded->conf);
	loaded->conf = NULL;
	loaded->error = -EINVAL;
}

/* ---- reports ---- */

/* `names` has room for CONF_INPUTS_MAX; view->outputs is the caller's to free. */
static void
look(struct daemon *daemon, const char **names, struct metrics_view *view)
{
	*view = (struct metrics_view){
		.now = clock_now(),
		.started = daemon->started,
		.workers = daemon->worker_count,
		.input_names = names,
		.input_count = listeners_names(daemon->listeners, names, CONF_INPUTS_MAX),
		.hosts = hosts_count(daemon->hosts),
		.windows = windows_count(daemon->windows),
		.memory_used = atomic_load_explicit(&daemon->memory.used, memory_order_relaxed),
		.memory_max = atomic_load_explicit(&daemon->memory.max, memory_order_relaxed),
		.journal_used = journal_bytes(daemon->journal),
		.journal_max = daemon->conf->journal_max,
		.rules_loaded = daemon->rules_loaded,
		.rules_fault = daemon->rules_fault,
	};
	for (size_t i = 0; i < daemon->worker_count; i++)
		view->connections += worker_connections(daemon->workers[i]);
	ruleset_figures(daemon->rules->set, &view->rules, &view->patterns, &view->databases);
	view->outputs = outputs_view(daemon->outputs, &view->output_count);
}

static char *
render(struct daemon *daemon, char *as(struct metrics *, const struct metrics_view *))
{
	const char *names[CONF_INPUTS_MAX];
	struct metrics_view view;
	char *text;

	/* These tables count for themselves. */
	metrics_count(daemon->metrics, DAEMON_hosts_evicted,
		hosts_evicted(daemon->hosts) -
			metrics_total(daemon->metrics, DAEMON_hosts_evicted));
	metrics_count(daemon->metrics, DAEMON_windows_evicted,
		windows_evicted(daemon->windows) -
			metrics_total(daemon->metrics, DAEMON_windows_evicted));
	look(daemon, names, &view);
	text = as(daemon->metrics, &view);
	free(view.outputs);
	return text;
}

static char *
answer_cb(void *argument, const char *request)
{
	if (strcmp(request, "status") == 0)
		return render(argument, report_text);
	if (strcmp(request, "status json") == 0)
		return render(argument, report_json);
	return NULL;
}

static char *
prometheus_cb(void *argument)
{
	return render(argument, report_prometheus);
}

static void
line(struct daemon *daemon, struct metrics_since *since, char text[LINE_MAX_BYTES])
{
	const char *names[CONF_INPUTS_MAX];
	struct metrics_view view;

	look(daemon, names, &view);
	metrics_line(daemon->metrics, &view, since, text, LINE_MAX_BYTES);
	free(view.outputs);
}

static void
status_cb(evutil_socket_t fd, short what, void *argument)
{
	struct daemon *daemon = argument;
	char text[LINE_MAX_BYTES];

	(void)fd;
	(void)what;
	metrics_sample(daemon->metrics, clock_now());
	line(daemon, &daemon->status_since, text);
	notify_status(text);
}

static void
stats_cb(evutil_socket_t fd, short what, void *argument)
{
	struct daemon *daemon = argument;
	char text[LINE_MAX_BYTES];

	(void)fd;
	(void)what;
	line(daemon, &daemon->stats_since, text);
	log_info("in the last %" PRIu64 " s: %s", daemon->conf->stats_seconds, text);
}

static void
watchdog_cb(evutil_socket_t fd, short what, void *argument)
{
	struct daemon *daemon = argument;

	(void)fd;
	(void)what;
	/* A worker that hangs is worth a restart: its connections would be silent for ever. */
	if (metrics_progressed(daemon->metrics))
		notify_watchdog();
	else
		log_warning("a worker makes no progress; systemd is not told that all is well");
}

/* What is in force now: for the log, and each filter for the figures. */
static void
announce_rules(const struct daemon *daemon)
{
	const struct ruleset *set = daemon->rules->set;
	size_t rules, patterns, databases;

	ruleset_figures(set, &rules, &patterns, &databases);
	log_notice("%zu rules with %zu patterns in %zu databases and %zu filters are in force",
		rules, patterns, databases, ruleset_filter_count(set));
	for (size_t i = 0; i < ruleset_filter_count(set); i++)
		metrics_filter(daemon->metrics, ruleset_filter(set, i)->id,
			ruleset_filter(set, i)->title, 0);
}

/* ---- reload ---- */

static struct worker_settings
worker_settings(const struct conf *conf)
{
	return (struct worker_settings){
		.idle_seconds = (unsigned)conf->idle_seconds,
		.limits = {
			.message_max = conf->message_max,
			.payload = { .json_depth = (uint32_t)conf->json_depth,
				.json_keys = (uint32_t)conf->json_keys },
		},
	};
}

static void
refuse_reload(struct daemon *daemon, char *why)
{
	metrics_count(daemon->metrics, DAEMON_reload_failures, 1);
	free(daemon->rules_fault);
	daemon->rules_fault = why;
	log_error("the reload is refused; the running configuration stays in force");
}

/* What can still fail comes first; listeners_use() and outputs_use() leave everything as it was
 * when they do. */
static int
hand_over(struct daemon *daemon, struct conf *conf, struct rules *rules)
{
	struct worker_settings settings = worker_settings(conf);
	int error = listeners_use(daemon->listeners, conf);

	if (error < 0)
		return error;
	error = outputs_use(daemon->outputs, conf);
	if (error == 0)
		error = hosts_aliases(daemon->hosts, conf->aliases, conf->alias_count);
	if (error < 0) {
		/* Back to the inputs that are known to have worked. */
		if (listeners_use(daemon->listeners, daemon->conf) < 0 ||
			outputs_use(daemon->outputs, daemon->conf) < 0)
			log_error("some inputs or outputs of the old configuration are lost; "
				  "restart");
		return error;
	}
	atomic_store_explicit(&daemon->memory.max, conf->memory_max, memory_order_relaxed);
	windows_limit(daemon->windows, conf->correlations_max);
	for (size_t i = 0; i < daemon->worker_count; i++)
		if (worker_use(daemon->workers[i], rules, &settings) < 0)
			log_error("out of memory: worker %zu goes on with the old rules", i);
	return 0;
}

/* What the loader has read takes over, or does not. */
static void
take_over(struct daemon *daemon, struct loaded *loaded)
{
	struct conf *conf = loaded->conf;
	struct rules *rules = loaded->rules;
	char restart[LINE_MAX_BYTES], *why;
	int error;

	if (loaded->error < 0) {
		refuse_reload(daemon, summarise_faults(&loaded->faults));
		return;
	}
	conf_restart_needed(daemon->conf, conf, restart, sizeof(restart));
	if (conf->alert_raw && daemon->conf->journal_max / 8 < conf->alert_raw_max) {
		log_error("alert.raw_max is too large for the journal that runs; restart to raise "
			  "journal.max_size as well");
		refuse_reload(daemon, strdup("alert.raw_max is too large for journal.max_size, "
					     "which takes a restart"));
		rules_unref(rules);
		conf_free(conf);
		return;
	}
	error = hand_over(daemon, conf, rules);
	if (error < 0) {
		if (asprintf(&why, "inputs or outputs: %s", strerror(-error)) == -1)
			why = NULL;
		refuse_reload(daemon, why);
		rules_unref(rules);
		conf_free(conf);
		return;
	}
	conf_keep_restart(conf, daemon->conf);
	if (restart[0] != '\0')
		log_warning("changed, but only a restart makes it so: %s", restart);
	rules_unref(daemon->rules);
	conf_free(daemon->conf);
	free(daemon->rules_fault);
	daemon->rules = rules;
	daemon->conf = conf;
	daemon->rules_fault = NULL;
	daemon->rules_loaded = clock_now();
	metrics_count(daemon->metrics, DAEMON_reloads, 1);
	announce_rules(daemon);
}

static void
loaded_cb(void *argument, struct loaded *loaded)
{
	take_over(argument, loaded);
	notify_ready();
}

static void
reload_cb(evutil_socket_t fd, short what, void *argument)
{
	struct daemon *daemon = argument;
	int error;

	(void)fd;
	(void)what;
	notify_reloading();
	error = loader_start(daemon->loader, daemon->conf_file);
	if (error == 0)
		return;
	log_error("reload: %s", strerror(-error));
	refuse_reload(daemon, strdup("no thread for it"));
	notify_ready();
}

static void
stop_cb(evutil_socket_t fd, short what, void *argument)
{
	struct daemon *daemon = argument;

	(void)what;
	log_notice("stopping (%s); once more ends it at once", strsignal((int)fd));
	(void)event_base_loopbreak(daemon->base); /* fails only without a base */
}

/* ---- start ---- */

/* A descriptor that is opened later must not become standard output by chance. */
static void
fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
}

static size_t
count_workers(const struct conf *conf)
{
	cpu_set_t cpus;
	int count;

	if (conf->workers > 0)
		return conf->workers;
	count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
	return count > WORKERS_MAX ? WORKERS_MAX : (size_t)count;
}

static int
add_timer(struct daemon *daemon, struct event *timer, event_callback_fn callback,
	uint64_t microseconds)
{
	struct timeval interval = { (time_t)(microseconds / 1000000),
		(suseconds_t)(microseconds % 1000000) };

	return event_assign(timer, daemon->base, -1, EV_PERSIST, callback, daemon) == -1 ||
			       event_add(timer, &interval) == -1
		       ? -ENOMEM
		       : 0;
}

static int
add_signal(struct daemon *daemon, struct event *event, int number, event_callback_fn callback)
{
	return event_assign(event, daemon->base, number, EV_SIGNAL | EV_PERSIST, callback,
		       daemon) == -1 ||
			       event_add(event, NULL) == -1
		       ? -ENOMEM
		       : 0;
}

static int
add_events(struct daemon *daemon)
{
	uint64_t watchdog = notify_watchdog_interval();

	if (add_signal(daemon, &daemon->stop_signals[0], SIGTERM, stop_cb) < 0 ||
		add_signal(daemon, &daemon->stop_signals[1], SIGINT, stop_cb) < 0 ||
		add_signal(daemon, &daemon->reload_signal, SIGHUP, reload_cb) < 0 ||
		add_timer(daemon, &daemon->status_timer, status_cb,
			STATUS_SECONDS * UINT64_C(1000000)) < 0)
		return -ENOMEM;
	if (daemon->conf->stats_seconds > 0 &&
		add_timer(daemon, &daemon->stats_timer, stats_cb,
			daemon->conf->stats_seconds * UINT64_C(1000000)) < 0)
		return -ENOMEM;
	if (watchdog > 0 && add_timer(daemon, &daemon->watchdog_timer, watchdog_cb, watchdog) < 0)
		return -ENOMEM;
	return 0;
}

/* All that detection writes to or asks. */
static int
make_stores(struct daemon *daemon)
{
	const struct conf *conf = daemon->conf;

	atomic_init(&daemon->memory.max, conf->memory_max);
	daemon->hosts = hosts_new(conf->hosts_max);
	daemon->windows = windows_new(conf->correlations_max);
	daemon->journal = journal_new(conf->journal_max);
	daemon->dead_letters =
		dead_letters_new(conf->dead_letter_file, conf->dead_letter_max, daemon->metrics);
	daemon->outputs =
		daemon->journal == NULL ? NULL : outputs_new(daemon->journal, daemon->metrics);
	if (daemon->hosts == NULL || daemon->windows == NULL || daemon->dead_letters == NULL ||
		daemon->outputs == NULL ||
		hosts_aliases(daemon->hosts, conf->aliases, conf->alias_count) < 0 ||
		outputs_use(daemon->outputs, conf) < 0)
		return -ENOMEM;
	return 0;
}

static int
make_workers(struct daemon *daemon)
{
	struct worker_settings settings = worker_settings(daemon->conf);

	daemon->workers = calloc(daemon->worker_count, sizeof(struct worker *));
	if (daemon->workers == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < daemon->worker_count; i++) {
		struct pipeline_parts parts = {
			.hosts = daemon->hosts,
			.windows = daemon->windows,
			.journal = daemon->journal,
			.dead_letters = daemon->dead_letters,
			.metrics = daemon->metrics,
			.worker_metrics = metrics_worker(daemon->metrics, (unsigned)i),
		};

		daemon->workers[i] =
			worker_new((unsigned)i, &parts, &daemon->memory, &settings, daemon->rules);
		if (daemon->workers[i] == NULL)
			return -ENOMEM;
	}
	for (size_t i = 0; i < daemon->worker_count; i++)
		if (worker_start(daemon->workers[i]) < 0)
			return -ENOMEM;
	return 0;
}

static int
make_reports(struct daemon *daemon)
{
	const struct conf *conf = daemon->conf;

	daemon->control =
		control_new(daemon->base, conf->control_socket, CONTROL_GROUP, answer_cb, daemon);
	if (daemon->control == NULL)
		return -EIO;
	if (conf->metrics == NULL)
		return 0;
	daemon->web = web_new(daemon->base, conf->metrics, prometheus_cb, daemon);
	return daemon->web == NULL ? -EIO : 0;
}

/* Written beside and renamed, so that whoever waits for the file finds all of it. */
static int
write_port_file(struct daemon *daemon, const char *path)
{
	char beside[PATH_MAX];
	FILE *file;
	bool good;

	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	file = fopen(beside, "we");
	if (file == NULL)
		return -errno;
	listeners_print_ports(daemon->listeners, file);
	if (daemon->web != NULL)
		(void)fprintf(file, "metrics %.*s:%d\n",
			(int)(strrchr(daemon->conf->metrics, ':') - daemon->conf->metrics),
			daemon->conf->metrics, web_port(daemon->web));
	good = ferror(file) == 0;
	if (fclose(file) == EOF || !good)
		return -EIO;
	return rename(beside, path) == -1 ? -errno : 0;
}

/* The parts in their order.  The exit code. */
static int
start(struct daemon *daemon, const char *port_file)
{
	struct loaded loaded = { 0 };
	int error;

	load(daemon->conf_file, &loaded);
	daemon->conf = loaded.conf;
	daemon->rules = loaded.rules;
	faults_done(&loaded.faults);
	if (loaded.error < 0) {
		log_error("%s: not started; `t1505d check -c %s` shows all faults",
			daemon->conf_file, daemon->conf_file);
		return EX_CONFIG;
	}
	daemon->started = daemon->rules_loaded = clock_now();
	daemon->worker_count = count_workers(daemon->conf);
	daemon->base = event_base_new();
	daemon->metrics = metrics_new((unsigned)daemon->worker_count);
	if (daemon->base == NULL || daemon->metrics == NULL)
		return EX_OSERR;
	error = listeners_new(
		daemon->base, daemon->worker_count, daemon->metrics, &daemon->listeners);
	if (error < 0)
		return error == -EINVAL ? EX_CONFIG : EX_OSERR;
	if (listeners_use(daemon->listeners, daemon->conf) < 0 || privileges_drop(daemon->conf) < 0)
		return EX_CONFIG;
	daemon->loader = loader_new(daemon->base, load, loaded_cb, daemon);
	if (daemon->loader == NULL || make_stores(daemon) < 0 || make_workers(daemon) < 0 ||
		add_events(daemon) < 0) {
		log_error("not started: out of memory, threads or descriptors");
		return EX_OSERR;
	}
	if (make_reports(daemon) < 0)
		return EX_CONFIG;
	if (listeners_start(daemon->listeners, daemon->workers) < 0)
		return EX_OSERR;
	error = port_file == NULL ? 0 : write_port_file(daemon, port_file);
	if (error < 0) {
		log_error("%s: %s", port_file, strerror(-error));
		return EX_CANTCREAT;
	}
	announce_rules(daemon);
	log_notice("t1505d %s is ready, with %zu workers", PACKAGE_VERSION, daemon->worker_count);
	return EX_OK;
}

/* ---- stop ---- */

static void
stop_workers(struct daemon *daemon, int64_t deadline)
{
	for (size_t i = 0; daemon->workers != NULL && i < daemon->worker_count; i++)
		if (daemon->workers[i] != NULL)
			worker_stop(daemon->workers[i], deadline);
	for (size_t i = 0; daemon->workers != NULL && i < daemon->worker_count; i++)
		if (daemon->workers[i] != NULL)
			worker_join(daemon->workers[i]);
}

/* Something hangs in the kernel, a write to a mount that has gone perhaps: nothing can be done
 * about it, and nothing more can be said. */
static void
give_up_cb(int number)
{
	(void)number;
	_exit(EX_SOFTWARE);
}

/* Finish what was read, send what was found.  Also for a start that failed half-way.  Half of the
 * time is for reading, the rest of it for sending. */
static void
stop(struct daemon *daemon)
{
	int64_t limit = daemon->conf == NULL ? 0 : (int64_t)daemon->conf->stop_seconds * 1000;
	int64_t now = clock_monotonic(), deadline = now + limit;

	(void)signal(SIGALRM, give_up_cb);
	(void)alarm((unsigned int)(limit / 1000) + STOP_GRACE_SECONDS);
	if (daemon->listeners != NULL)
		listeners_stop(daemon->listeners);
	stop_workers(daemon, now + limit / 2);
	if (daemon->outputs != NULL) {
		uint64_t unsent;

		now = clock_monotonic();
		unsent = outputs_stop(daemon->outputs, deadline > now ? deadline - now : 0);
		if (unsent > 0)
			log_error(
				"%" PRIu64 " alerts could not be sent within stop.timeout", unsent);
	}
}

static void
remove_events(struct daemon *daemon)
{
	struct event *events[] = { &daemon->stop_signals[0], &daemon->stop_signals[1],
		&daemon->reload_signal, &daemon->status_timer, &daemon->stats_timer,
		&daemon->watchdog_timer };

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (event_initialized(events[i]))
			(void)event_del(events[i]); /* fails for none that was set up */
}

static void
release(struct daemon *daemon)
{
	loader_free(daemon->loader);
	web_free(daemon->web);
	control_free(daemon->control);
	for (size_t i = 0; daemon->workers != NULL && i < daemon->worker_count; i++)
		worker_free(daemon->workers[i]);
	free(daemon->workers);
	listeners_free(daemon->listeners);
	outputs_free(daemon->outputs);
	dead_letters_free(daemon->dead_letters);
	journal_free(daemon->journal);
	hosts_free(daemon->hosts);
	windows_free(daemon->windows);
	metrics_free(daemon->metrics);
	if (daemon->base != NULL)
		event_base_free(daemon->base);
	rules_unref(daemon->rules);
	conf_free(daemon->conf);
	free(daemon->rules_fault);
	libevent_global_shutdown();
}

/* Whoever started this may have had signals blocked or ignored, and that is inherited. */
static void
reset_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none); /* both cannot fail with these arguments */
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_IGN); /* a peer that has gone is an error of write(2) */
	/* Before the start is done and while it stops there is nothing to reload. */
	(void)signal(SIGHUP, SIG_IGN);
}

int
run_daemon(const char *conf_file, const char *port_file)
{
	struct daemon daemon = { .conf_file = conf_file };
	int code;

	fill_standard_descriptors();
	reset_signals();
	log_open(LOG_LEVEL_INFO);
	code = start(&daemon, port_file);
	if (code == EX_OK) {
		notify_ready();
		if (event_base_dispatch(daemon.base) == -1) {
			log_error("the event loop has failed");
			code = EX_OSERR;
		}
	}
	notify_stopping();
	/* From here on a signal has its default action: it ends the process at once. */
	remove_events(&daemon);
	stop(&daemon);
	if (code == EX_OK)
		log_notice("stopped");
	release(&daemon);
	return code;
}
