/* Logsources: which events a product, a category and a service mean. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/logsource.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SYSMON "Microsoft-Windows-Sysmon/Operational"

static const struct {
	const char *product, *category, *service;
	const char *routes; /* "channel:id", -1 for all of it */
} rows[] = {
	{ "windows", NULL, "sysmon", SYSMON ":-1" },
	{ NULL, NULL, "security", "Security:-1" },
	{ "Windows", NULL, "SECURITY", "Security:-1" },
	{ "linux", NULL, "sysmon", "Linux-Sysmon/Operational:-1" },
	{ NULL, NULL, "sysmon", "Linux-Sysmon/Operational:-1 " SYSMON ":-1" },
	{ "windows", "process_creation", NULL, SYSMON ":1 Security:4688" },
	{ "linux", "process_creation", NULL, "Linux-Sysmon/Operational:1" },
	{ NULL, "process_creation", NULL, "Linux-Sysmon/Operational:1 " SYSMON ":1 Security:4688" },
	{ "windows", "process_creation", "security", "Security:4688" },
	{ "windows", "process_creation", "sysmon", SYSMON ":1" },
	{ "windows", "registry_event", NULL,
		SYSMON ":12 " SYSMON ":13 " SYSMON ":14 Security:4657" },
	{ "windows", "ps_script", NULL,
		"Microsoft-Windows-PowerShell/Operational:4104 PowerShellCore/Operational:4104" },
	{ "windows", "process_creation", "system", "" },
	{ "windows", "webserver", NULL, "" },
	{ "macos", "process_creation", NULL, "" },
	{ "aws", NULL, "cloudtrail", "" },
	{ NULL, NULL, NULL, "" },
};

START_TEST(means_these_events)
{
	struct route routes[LOGSOURCE_ROUTES_MAX];
	uint32_t count = logsource_routes(slice_of(rows[_i].product), slice_of(rows[_i].category),
		slice_of(rows[_i].service), routes);
	char text[1024] = "";

	for (uint32_t i = 0; i < count; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s:%d",
			i == 0 ? "" : " ", routes[i].channel, routes[i].event_id);
	ck_assert_str_eq(text, rows[_i].routes);
}
END_TEST

START_TEST(a_product_alone_is_all_of_its_channels)
{
	struct route routes[LOGSOURCE_ROUTES_MAX];
	uint32_t count = logsource_routes(SLICE("windows"), SLICE_NONE, SLICE_NONE, routes);

	ck_assert_uint_gt(count, 20);
	ck_assert_uint_le(count, LOGSOURCE_ROUTES_MAX);
	for (uint32_t i = 0; i < count; i++)
		ck_assert_int_eq(routes[i].event_id, -1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("logsource");
	TCase *tcase = tcase_create("logsource");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, means_these_events, 0, ROWS(rows));
	tcase_add_test(tcase, a_product_alone_is_all_of_its_channels);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
