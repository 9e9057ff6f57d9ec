/* The table of hosts: names that are one host, the bound, and many threads at once. */

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/hosts.h"

#define BIG 100000
#define STEPS_MAX 6
#define THREADS 4
#define TURNS 20000

/* One event of a host, and the name under which it is known then. */
static void
see(struct hosts *hosts, const char *name, const char *known)
{
	struct host *host = hosts_borrow(hosts, slice_of(name), 1);

	ck_assert_ptr_nonnull(host);
	host->events++;
	ck_assert_msg(slice_equal((struct slice){ host->name, host->name_length }, slice_of(known)),
		"'%s' is known as '%.*s', not as '%s'", name, host->name_length, host->name, known);
	hosts_give_back(hosts, host);
}

static uint64_t
events_of(struct hosts *hosts, const char *name)
{
	struct host *host = hosts_borrow(hosts, slice_of(name), 1);
	uint64_t events = host->events;

	hosts_give_back(hosts, host);
	return events;
}

/* A row: names in the order in which they come, each with the name that it then has. */
static const struct {
	const char *what;
	const char *steps[STEPS_MAX][2];
	size_t hosts; /* that are in the table afterwards */
} name_rows[] = {
	{ "a name is itself", { { "web01", "web01" }, { "web01", "web01" } }, 1 },
	{ "a short name joins the one FQDN",
		{ { "web01.corp.example", "web01.corp.example" },
			{ "web01", "web01.corp.example" } },
		1 },
	{ "a short name that came first joins as well",
		{ { "web01", "web01" }, { "web01.corp.example", "web01.corp.example" },
			{ "web01", "web01.corp.example" } },
		1 },
	{ "a short name never joins one of two",
		{ { "web01.a.example", "web01.a.example" },
			{ "web01.b.example", "web01.b.example" }, { "web01", "web01" } },
		3 },
	{ "a second FQDN ends the join",
		{ { "web01.a.example", "web01.a.example" }, { "web01", "web01.a.example" },
			{ "web01.b.example", "web01.b.example" }, { "web01", "web01" } },
		3 },
	{ "another first label is another host",
		{ { "web01.corp.example", "web01.corp.example" }, { "web0", "web0" },
			{ "web011", "web011" } },
		3 },
	{ "an address has no first label",
		{ { "10.0.0.1", "10.0.0.1" }, { "10", "10" },
			{ "fe80::1.2.3.4", "fe80::1.2.3.4" } },
		3 },
};

START_TEST(knows_a_host_by_its_names)
{
	struct hosts *hosts = hosts_new(BIG);

	for (size_t i = 0; i < STEPS_MAX && name_rows[_i].steps[i][0] != NULL; i++)
		see(hosts, name_rows[_i].steps[i][0], name_rows[_i].steps[i][1]);
	ck_assert_msg(hosts_count(hosts) == name_rows[_i].hosts, "%s: %zu hosts",
		name_rows[_i].what, hosts_count(hosts));
	hosts_free(hosts);
}
END_TEST

START_TEST(a_join_keeps_what_was_counted_under_the_short_name)
{
	struct hosts *hosts = hosts_new(BIG);

	for (int i = 0; i < 5; i++)
		see(hosts, "web01", "web01");
	see(hosts, "web01.corp.example", "web01.corp.example");
	ck_assert_uint_eq(events_of(hosts, "web01"), 6);
	hosts_free(hosts);
}
END_TEST

START_TEST(an_alias_comes_before_a_join)
{
	char from[] = "web01", to[] = "front.corp.example";
	struct conf_alias alias = { from, to };
	struct hosts *hosts = hosts_new(BIG);

	see(hosts, "web01.corp.example", "web01.corp.example");
	ck_assert_int_eq(hosts_aliases(hosts, &alias, 1), 0);
	see(hosts, "web01", "front.corp.example");
	see(hosts, "web01.corp.example", "web01.corp.example");
	ck_assert_int_eq(hosts_aliases(hosts, NULL, 0), 0);
	see(hosts, "web01", "web01.corp.example");
	hosts_free(hosts);
}
END_TEST

START_TEST(the_least_recently_seen_goes_at_the_bound)
{
	struct hosts *hosts = hosts_new(3);

	see(hosts, "a", "a");
	see(hosts, "b", "b");
	see(hosts, "c", "c");
	see(hosts, "a", "a");
	see(hosts, "d", "d"); /* b goes */
	ck_assert_uint_eq(hosts_count(hosts), 3);
	ck_assert_uint_eq(hosts_evicted(hosts), 1);
	ck_assert_uint_eq(events_of(hosts, "a"), 2);
	ck_assert_uint_eq(events_of(hosts, "c"), 1);
	ck_assert_uint_eq(events_of(hosts, "b"), 0); /* a new one, and d goes */
	ck_assert_uint_eq(hosts_evicted(hosts), 2);
	hosts_free(hosts);
}
END_TEST

START_TEST(a_million_invented_names_stay_within_the_bound)
{
	struct hosts *hosts = hosts_new(256);
	char name[64];

	for (int i = 0; i < 100000; i++) {
		(void)snprintf(name, sizeof(name), "host%d.invented.example", i);
		see(hosts, name, name);
	}
	ck_assert_uint_le(hosts_count(hosts), 256 + 4); /* an empty stripe may add one */
	ck_assert_uint_eq(hosts_count(hosts) + hosts_evicted(hosts), 100000);
	hosts_free(hosts);
}
END_TEST

static void *
hammer(void *argument)
{
	struct hosts *hosts = argument;
	char name[64];

	for (int i = 0; i < TURNS; i++) {
		struct host *host;

		(void)snprintf(
			name, sizeof(name), "web%d%s", i % 100, i % 3 == 0 ? "" : ".corp.example");
		host = hosts_borrow(hosts, slice_of(name), i);
		ck_assert_ptr_nonnull(host);
		host->events++;
		hosts_give_back(hosts, host);
	}
	return NULL;
}

START_TEST(threads_lose_no_event)
{
	struct hosts *hosts = hosts_new(BIG);
	pthread_t threads[THREADS];
	uint64_t events = 0;
	char name[64];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, hosts), 0);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "web%d.corp.example", i);
		events += events_of(hosts, name);
	}
	ck_assert_uint_eq(hosts_count(hosts), 100);
	ck_assert_uint_eq(events, (uint64_t)THREADS * TURNS);
	hosts_free(hosts);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("hosts");
	TCase *tcase = tcase_create("hosts");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(
		tcase, knows_a_host_by_its_names, 0, sizeof(name_rows) / sizeof(name_rows[0]));
	tcase_add_test(tcase, a_join_keeps_what_was_counted_under_the_short_name);
	tcase_add_test(tcase, an_alias_comes_before_a_join);
	tcase_add_test(tcase, the_least_recently_seen_goes_at_the_bound);
	tcase_add_test(tcase, a_million_invented_names_stay_within_the_bound);
	tcase_add_test(tcase, threads_lose_no_event);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
