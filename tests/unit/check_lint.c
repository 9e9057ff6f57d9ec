/* What `check` finds odd about a rule. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/ruleset_builder.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *name, *logsource, *detection;
	const char *want; /* part of the warning, or NULL for none */
	int line, column; /* 0: those of the rule */
} rows[] = {
	{ "nothing odd", "category: process_creation", "  s: {Image: xxx}\n  condition: s\n", NULL,
		0, 0 },
	{ "a field of another category", "category: process_creation",
		"  s: {Image: xxx, TargetFilename: yyy}\n  condition: s\n",
		"events of category process_creation have no field 'TargetFilename'; correct one",
		6, 19 },
	{ "a slip in a field of a category", "category: process_creation",
		"  s: {ComandLine: xxx}\n  condition: s\n",
		"events of category process_creation have no field 'ComandLine'; did you mean "
		"CommandLine?",
		6, 7 },
	{ "a slip in a field of a service", "service: security",
		"  s: [{EventID: 1, ImgePath: xxx}]\n  condition: s\n",
		"no event has a field 'ImgePath'; did you mean ImagePath?", 6, 20 },
	{ "a field in letters that no record has", "service: sysmon",
		"  s: {imageloaded: xxx}\n  condition: s\n", "did you mean ImageLoaded?", 6, 7 },
	{ "the same of a category", "category: image_load",
		"  s: {imageloaded|endswith: xxx}\n  condition: s\n", "did you mean ImageLoaded?",
		6, 7 },
	{ "a field of a service that is not listed", "service: security",
		"  s: {EventID: 1, ImportantPart: xxx}\n  condition: s\n", NULL, 0, 0 },
	{ "a slip in a field that is referred to", "service: sysmon",
		"  s: {Image: xxx, ParentImage|fieldref: Imagee}\n  condition: s\n",
		"no event has a field 'Imagee'; did you mean Image?", 6, 41 },
	{ "a field that is referred to, which the category does not have",
		"category: process_creation",
		"  s: {Image: xxx, ParentImage|fieldref: Nope}\n  condition: s\n",
		"have no field 'Nope'", 6, 41 },
	{ "a slip in a field to show", "service: sysmon",
		"  s: {Image: xxx}\n  condition: s\nfields: [Image, Hashess]\n",
		"no event has a field 'Hashess'; did you mean Hashes?", 8, 17 },
	{ "a slip in a rule that is idle", "service: nothing",
		"  s: {ComandLine: xxx}\n  condition: s\n", "the rule is idle", 4, 13 },
	{ "a slip in a category", "category: process_creatoin",
		"  s: {Image: xxx}\n  condition: s\n",
		"the rule is idle; did you mean process_creation?", 4, 13 },
	{ "a slip in a service", "service: powershel", "  s: {Data: xxx}\n  condition: s\n",
		"did you mean powershell?", 4, 13 },
	{ "a service that does not serve the category, without a slip",
		"category: process_creation, service: system",
		"  s: {Image: xxx}\n  condition: s\n", "the rule is idle", 4, 13 },
	{ "a field in other letters", "category: process_creation",
		"  s: {IMAGE: xxx}\n  condition: s\n", NULL, 0, 0 },
	{ "fields that all events have", "category: dns_query",
		"  s: {Computer: x, EventID: 22, host_info.role: y, QueryName: zzz}\n"
		"  condition: s\n",
		NULL, 0, 0 },
	{ "keywords have no field", "category: dns_query", "  s: [aa, bb]\n  condition: s\n", NULL,
		0, 0 },
	{ "a category that is not listed", "category: wmi_event",
		"  s: {Operation: Created}\n  condition: s\n", NULL, 0, 0 },
	{ "a contradiction", "service: sysmon", "  s: {Image: xxx}\n  condition: s and not s\n",
		"contradicts itself", 0, 0 },
	{ "a contradiction of several", "service: sysmon",
		"  s: {Image: xxx, User: yyy}\n  t: {Image: zzz}\n  condition: s and t and not (s "
		"or "
		"t)\n",
		"contradicts itself", 0, 0 },
	{ "no contradiction", "service: sysmon",
		"  s: {Image: xxx, User: yyy}\n  t: {Image: zzz}\n  condition: s and not (s and "
		"t)\n",
		NULL, 0, 0 },
	{ "an id that the category does not have", "category: process_creation",
		"  s: {Image: xxx, EventID: 11}\n  condition: s\n", "no event of its logsource", 0,
		0 },
	{ "an id that is no number", "service: security",
		"  s: {Image: xxx, EventID: [4688, 468x]}\n  condition: s\n",
		"no event has the EventID '468x'; write a number", 6, 35 },
	{ "ids with wildcards", "service: security",
		"  s: {Image: xxx, EventID: ['46*', '10?', null]}\n  condition: s\n", NULL, 0, 0 },
	{ "an id that it has", "category: process_creation",
		"  s: {Image: xxx, EventID: 4688}\n  condition: s\n", NULL, 0, 0 },
	{ "nothing to wait for", "service: sysmon", "  s: {Image: xxx}\n  condition: not s\n",
		"evaluated for each event", 0, 0 },
	{ "nothing but wildcards", "service: sysmon", "  s: {Image: '*'}\n  condition: s\n",
		"evaluated for each event", 0, 0 },
	{ "an expression that the scan finds", "service: sysmon",
		"  s: {Image|re: 'x$'}\n  condition: s\n", NULL, 0, 0 },
	{ "an expression that no scan finds", "service: sysmon",
		"  s: {Image|re: '(x)\\1'}\n  condition: s\n", "evaluated for each event", 0, 0 },
};

START_TEST(says_what_is_odd)
{
	struct ruleset_builder *builder = ruleset_builder_new();
	struct faults faults = { 0 };
	struct ruleset *set;
	char text[1024];

	(void)snprintf(text, sizeof(text),
		"title: t\nid: 00000000-0000-4000-8000-000000000001\nlevel: low\n"
		"logsource: {product: windows, %s}\ndetection:\n%s",
		rows[_i].logsource, rows[_i].detection);
	ruleset_builder_add(builder, "f.yml", slice_of(text), &faults);
	set = ruleset_build(builder, NULL, &faults);
	ck_assert_msg(set != NULL, "%s", rows[_i].name);
	if (rows[_i].want == NULL) {
		ck_assert_msg(faults.count == 0, "%s: %s", rows[_i].name,
			faults.count > 0 ? faults.list[0].text : "");
	} else {
		ck_assert_msg(faults.count >= 1 && faults.list[0].warning, "%s", rows[_i].name);
		ck_assert_msg(strstr(faults.list[0].text, rows[_i].want) != NULL, "%s: %s",
			rows[_i].name, faults.list[0].text);
		ck_assert_msg(strstr(rows[_i].want, "did you") != NULL ||
				      strstr(faults.list[0].text, "did you") == NULL,
			"%s: %s", rows[_i].name, faults.list[0].text);
		ck_assert_msg(faults.count == 1, "%s: %s", rows[_i].name,
			faults.list[faults.count - 1].text);
		ck_assert_msg(faults.list[0].line == (rows[_i].line == 0 ? 1 : rows[_i].line) &&
				      faults.list[0].column ==
					      (rows[_i].column == 0 ? 1 : rows[_i].column),
			"%s: %d:%d", rows[_i].name, faults.list[0].line, faults.list[0].column);
	}
	ruleset_unref(set);
	ruleset_builder_free(builder);
	faults_done(&faults);
}
END_TEST

START_TEST(fields_are_told_beside_errors)
{
	static const char text[] = "title: t\nid: 00000000-0000-4000-8000-000000000001\n"
				   "logsource: {product: windows, category: process_creation}\n"
				   "detection:\n  s: {Imgae|nearby: x}\n  condition: s\n";
	struct ruleset_builder *builder = ruleset_builder_new();
	struct faults faults = { 0 };
	bool told = false;

	ruleset_builder_add(builder, "f.yml", SLICE(text), &faults);
	ruleset_unref(ruleset_build(builder, NULL, &faults));
	ck_assert_uint_gt(faults.errors, 0);
	for (size_t i = 0; i < faults.count; i++)
		told = told || strstr(faults.list[i].text, "did you mean Image?") != NULL;
	ck_assert(told);
	ruleset_builder_free(builder);
	faults_done(&faults);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lint");
	TCase *tcase = tcase_create("lint");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, fields_are_told_beside_errors);
	tcase_add_loop_test(tcase, says_what_is_odd, 0, ROWS(rows));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
