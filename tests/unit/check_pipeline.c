/* Messages in, alerts in the journal; what cannot be used is counted under its reason and kept. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/pipeline.h"

#define NOW INT64_C(1772359200000000) /* 2026-03-01T10:00:00Z */
#define CHANNEL "\"channel\":\"Microsoft-Windows-Sysmon/Operational\""
#define DATA                                                                                  \
	"\"event_data\":{\"Image\":\"C:\\\\Windows\\\\System32\\\\cmd.exe\",\"CommandLine\":" \
	"\"cmd.exe /c whoami\","                                                              \
	"\"ParentImage\":\"C:\\\\Windows\\\\System32\\\\inetsrv\\\\w3wp.exe\"}"
#define GOOD "{\"winlog\":{" CHANNEL ",\"computer_name\":\"WEB01\",\"event_id\":1," DATA "}}"
#define HOSTLESS "{\"winlog\":{" CHANNEL ",\"event_id\":1," DATA "}}"
#define QUIET \
	"{\"winlog\":{" CHANNEL ",\"computer_name\":\"WEB01\",\"event_id\":5,\"event_data\":{}}}"
#define CUT                     \
	"{\"winlog\":{" CHANNEL \
	",\"computer_name\":\"WEB01\",\"event_id\":1,\"event_data\":{\"Image\":\"C:\\\\Win"

static const struct pipeline_limits limits = { 1 << 20, { 64, 256, NULL } };

struct bench {
	struct conf *conf;
	struct rules *rules;
	struct pipeline_parts parts;
	struct pipeline *pipeline;
	struct origin origin;
	char directory[64];
	char dead[128];
};

static struct rules *
load_rules(struct conf **conf)
{
	static const char text[] = "rules: { paths: [ \"" TEST_DATA "/../../etc/rules\" ] }\n";
	struct conf_text from = { "check.yml", SLICE(text) };
	struct faults faults = { 0 };
	struct rules *rules;

	*conf = conf_parse(&from, 1, &faults);
	ck_assert_ptr_nonnull(*conf);
	rules = rules_load(*conf, &faults);
	ck_assert_ptr_nonnull(rules);
	faults_done(&faults);
	return rules;
}

static void
set_up(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	(void)snprintf(bench->directory, sizeof(bench->directory), "/tmp/t1505d-check.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(bench->directory));
	(void)snprintf(bench->dead, sizeof(bench->dead), "%s/dead", bench->directory);
	bench->rules = load_rules(&bench->conf);
	bench->parts.metrics = metrics_new(1);
	bench->parts.worker_metrics = metrics_worker(bench->parts.metrics, 0);
	bench->parts.hosts = hosts_new(1000);
	bench->parts.windows = windows_new(1 << 24);
	bench->parts.journal = journal_new(1 << 24);
	bench->parts.dead_letters = dead_letters_new(bench->dead, 1 << 20, bench->parts.metrics);
	bench->pipeline = pipeline_new(&bench->parts);
	ck_assert_int_eq(pipeline_use(bench->pipeline, bench->rules, &limits), 0);
	bench->origin = (struct origin){
		.input_name = "tcp",
		.peer = "192.0.2.3:1024",
		.address = "192.0.2.3",
		.peer_metrics = metrics_peer(bench->parts.metrics, "192.0.2.3"),
	};
}

static void
tear_down(struct bench *bench)
{
	pipeline_free(bench->pipeline);
	dead_letters_free(bench->parts.dead_letters);
	windows_free(bench->parts.windows);
	journal_free(bench->parts.journal);
	hosts_free(bench->parts.hosts);
	metrics_free(bench->parts.metrics);
	rules_unref(bench->rules);
	conf_free(bench->conf);
	(void)unlink(bench->dead);
	(void)rmdir(bench->directory);
}

static const struct {
	const char *what;
	struct slice message;
	unsigned events, alerts;
	int reason; /* -1: none */
} rows[] = {
	{ "a record that alerts", SLICE_INIT(GOOD), 1, 1, -1 },
	{ "a record that does not", SLICE_INIT(QUIET), 1, 0, -1 },
	{ "a record behind a syslog header",
		SLICE_INIT("<14>1 2026-03-01T10:00:00Z relay x - - - " GOOD), 1, 1, -1 },
	{ "three records in a row", SLICE_INIT(GOOD QUIET GOOD), 3, 2, -1 },
	{ "an array of records", SLICE_INIT("[" GOOD "," QUIET "]"), 2, 1, -1 },
	{ "the header's host when the record has none",
		SLICE_INIT("<14>1 2026-03-01T10:00:00Z web07 x - - - " HOSTLESS), 1, 1, -1 },
	{ "no host at all", SLICE_INIT(HOSTLESS), 0, 0, REASON_NO_HOST },
	{ "text", SLICE_INIT("hello"), 0, 0, REASON_NO_RECORD },
	{ "a header alone", SLICE_INIT("<14>1 2026-03-01T10:00:00Z relay x - - -"), 0, 0,
		REASON_EMPTY },
	{ "no JSON", SLICE_INIT("{\"winlog\": nonsense}"), 0, 0, REASON_JSON_SYNTAX },
	{ "a good record before a bad one", SLICE_INIT(GOOD "{\"winlog\": nonsense}"), 1, 1,
		REASON_JSON_SYNTAX },
	{ "an object of no known layout", SLICE_INIT("{\"a\":1}"), 0, 0, REASON_UNKNOWN_LAYOUT },
	{ "a record without an id",
		SLICE_INIT("{\"winlog\":{" CHANNEL ",\"computer_name\":\"WEB01\"," DATA "}}"), 0, 0,
		REASON_NO_EVENT_ID },
	{ "a record that its sender cut", SLICE_INIT(CUT), 1, 0, REASON_JSON_TRUNCATED },
};

START_TEST(a_message_becomes_alerts_or_is_counted)
{
	struct input_metrics *input;
	struct bench bench;
	struct stat status = { 0 };
	uint64_t refused = rows[_i].reason >= 0 ? 1 : 0;

	set_up(&bench);
	input = &bench.parts.worker_metrics->inputs[0];
	pipeline_message(bench.pipeline, rows[_i].message, &bench.origin, NOW);
	ck_assert_msg(input->events == rows[_i].events, "%s: %lu events", rows[_i].what,
		(unsigned long)input->events);
	ck_assert_msg(journal_last(bench.parts.journal) == rows[_i].alerts, "%s: %lu alerts",
		rows[_i].what, (unsigned long)journal_last(bench.parts.journal));
	ck_assert_uint_eq(input->messages, 1);
	ck_assert_uint_eq(input->alerts, rows[_i].alerts);
	ck_assert_uint_eq(input->refused, refused);
	for (int reason = 0; reason < REASON_MAX; reason++)
		ck_assert_msg(bench.parts.worker_metrics->reasons[reason] ==
				      (reason == rows[_i].reason ? 1 : 0),
			"%s: reason %s", rows[_i].what, reason_name((enum reason)reason));
	dead_letters_free(bench.parts.dead_letters);
	bench.parts.dead_letters = NULL;
	ck_assert_uint_eq(metrics_total(bench.parts.metrics, DAEMON_dead_letters), refused);
	(void)stat(bench.dead, &status);
	ck_assert_int_eq(status.st_size > (off_t)(refused * rows[_i].message.len), refused != 0);
	tear_down(&bench);
}
END_TEST

START_TEST(a_refused_frame_is_counted_and_kept)
{
	struct bench bench;

	set_up(&bench);
	pipeline_refused(bench.pipeline, REASON_OVERSIZE_LINE, SLICE("aaaa"), &bench.origin, NOW);
	ck_assert_uint_eq(bench.parts.worker_metrics->reasons[REASON_OVERSIZE_LINE], 1);
	ck_assert_uint_eq(bench.parts.worker_metrics->inputs[0].refused, 1);
	dead_letters_free(bench.parts.dead_letters);
	bench.parts.dead_letters = NULL;
	ck_assert_uint_eq(metrics_total(bench.parts.metrics, DAEMON_dead_letters), 1);
	tear_down(&bench);
}
END_TEST

START_TEST(new_rules_are_taken_between_messages)
{
	struct bench bench;
	struct conf *conf;
	struct rules *rules;

	set_up(&bench);
	pipeline_message(bench.pipeline, SLICE(GOOD), &bench.origin, NOW);
	rules = load_rules(&conf);
	ck_assert_int_eq(pipeline_use(bench.pipeline, rules, &limits), 0);
	rules_unref(rules);
	conf_free(conf);
	pipeline_message(bench.pipeline, SLICE(GOOD), &bench.origin, NOW);
	ck_assert_uint_eq(journal_last(bench.parts.journal), 2);
	tear_down(&bench);
}
END_TEST

START_TEST(an_alert_names_the_peer_and_the_known_host)
{
	struct journal_entry *entry;
	struct bench bench;
	uint64_t skipped;
	char json[8192];

	set_up(&bench);
	pipeline_message(bench.pipeline, SLICE(GOOD), &bench.origin, NOW);
	entry = journal_next(bench.parts.journal, 0, &skipped);
	ck_assert_ptr_nonnull(entry);
	ck_assert_uint_lt(entry->length, sizeof(json));
	memcpy(json, entry->json, entry->length);
	json[entry->length] = '\0';
	ck_assert_ptr_nonnull(strstr(json, "\"host\":\"web01\""));
	ck_assert_ptr_nonnull(strstr(json, "\"peer\":\"192.0.2.3:1024\""));
	ck_assert_ptr_nonnull(strstr(json, "\"address\":\"192.0.2.3\""));
	ck_assert_ptr_nonnull(strstr(json, "\"DetectionType\":\"WebShell_ChildProcess\""));
	ck_assert_int_eq(entry->severity, SEVERITY_CRITICAL);
	journal_release(bench.parts.journal, entry);
	tear_down(&bench);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pipeline");
	TCase *tcase = tcase_create("pipeline");
	SRunner *runner = srunner_create(suite);
	int failed;

	log_open(LOG_LEVEL_ERROR);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(
		tcase, a_message_becomes_alerts_or_is_counted, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tcase, a_refused_frame_is_counted_and_kept);
	tcase_add_test(tcase, new_rules_are_taken_between_messages);
	tcase_add_test(tcase, an_alert_names_the_peer_and_the_known_host);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
