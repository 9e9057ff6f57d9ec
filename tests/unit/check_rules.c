/* Rules from folders: which files are read and in which order, what is a fault, and the tables
 * beside them. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/rules.h"

static struct faults faults;
static char folder[64];

static const char *
path_of(const char *name)
{
	static char path[8][512];
	static unsigned turn;

	turn = (turn + 1) % 8;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static void
make_folder(void)
{
	strcpy(folder, "/tmp/check_rules.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void
remove_folder(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ck_assert_int_eq(system(command), 0);
	faults_done(&faults);
}

/* With the folders in between. */
static void
write_file(const char *name, const char *text)
{
	char path[512];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s", path_of(name));
	for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash != NULL;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

/* A rule whose id ends in the number. */
static void
write_rule(const char *name, unsigned number)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
		"title: rule %u\nid: 00000000-0000-4000-8000-%012u\nstatus: stable\nlevel: high\n"
		"logsource: { product: windows, service: sysmon }\n"
		"detection: { selection: { EventID: 1, Image|endswith: '\\%u.exe' }, condition: "
		"selection }\n",
		number, number, number);
	write_file(name, text);
}

/* Faults as "FILE:LINE:COLUMN: TEXT", paths below the folder, of the first that is an error, else
 * of the first. */
static const char *
first_fault(void)
{
	static char text[2048];
	const struct fault *fault = NULL;
	char place[32] = "";
	size_t below;

	for (size_t i = 0; i < faults.count && (fault == NULL || fault->warning); i++)
		fault = &faults.list[i];
	if (fault == NULL)
		return "-";
	below = strncmp(fault->file, folder, strlen(folder)) == 0 ? strlen(folder) : 0;
	if (fault->line > 0)
		(void)snprintf(place, sizeof(place), ":%d:%d", fault->line, fault->column);
	(void)snprintf(text, sizeof(text), "%s%s: %s", fault->file + below, place, fault->text);
	for (char *at = text; (at = strstr(at, folder)) != NULL;)
		memmove(at, at + strlen(folder), strlen(at + strlen(folder)) + 1);
	return text;
}

static struct rules *
load_with(const char *settings)
{
	char text[1024];
	struct conf_text one = { .file = path_of("t1505d.yml") };
	struct conf *conf;
	struct rules *rules;

	(void)snprintf(text, sizeof(text), "outputs: [ { type: stdout } ]\n%s", settings);
	one.text = slice_of(text);
	conf = conf_parse(&one, 1, &faults);
	ck_assert_msg(conf != NULL, "%s", first_fault());
	rules = rules_load(conf, &faults);
	conf_free(conf);
	return rules;
}

static struct rules *
load(void)
{
	return load_with("rules: { paths: [ rules ] }\n");
}

START_TEST(files_are_read_in_the_order_of_names)
{
	struct rules *rules;

	write_rule("rules/b.yml", 2);
	write_rule("rules/a/9.yaml", 1);
	write_rule("rules/core/z.YML", 3);
	write_file("rules/README", "no rule\n");
	write_file("rules/.hidden.yml", "no rule\n");
	write_file("rules/x.yml.orig", "no rule\n");
	write_file("attack.tsv", "T1505.003\tWeb Shell\tpersistence\n");
	rules = load();
	ck_assert_msg(rules != NULL, "%s", first_fault());
	ck_assert_uint_eq(faults.count, 0);
	ck_assert_uint_eq(ruleset_count(rules->set), 3);
	ck_assert_str_eq(ruleset_rule(rules->set, 0)->title, "rule 1");
	ck_assert_str_eq(ruleset_rule(rules->set, 1)->title, "rule 2");
	ck_assert_str_eq(ruleset_rule(rules->set, 2)->title, "rule 3");
	ck_assert_str_eq(ruleset_rule(rules->set, 1)->file, path_of("rules/b.yml"));
	ck_assert(!ruleset_rule(rules->set, 1)->core);
	ck_assert(ruleset_rule(rules->set, 2)->core);
	rules_unref(rules);
}
END_TEST

START_TEST(one_file_can_be_named)
{
	struct rules *rules;

	write_rule("rules/a.yml", 1);
	write_rule("rules/b.yml", 2);
	rules = load_with("rules: { paths: [ rules/b.yml ] }\n");
	ck_assert_ptr_nonnull(rules);
	ck_assert_uint_eq(ruleset_count(rules->set), 1);
	rules_unref(rules);
}
END_TEST

START_TEST(links_to_files_are_followed_and_to_folders_not)
{
	struct rules *rules;

	write_rule("elsewhere/a.yml", 1);
	write_rule("rules/b.yml", 2);
	ck_assert_int_eq(symlink(path_of("elsewhere/a.yml"), path_of("rules/link.yml")), 0);
	ck_assert_int_eq(symlink(folder, path_of("rules/up")), 0);
	rules = load();
	ck_assert_msg(rules != NULL, "%s", first_fault());
	ck_assert_uint_eq(ruleset_count(rules->set), 2);
	rules_unref(rules);
}
END_TEST

START_TEST(what_is_given_twice_is_read_once)
{
	struct rules *rules;

	write_rule("rules/a.yml", 1);
	write_file("attack.tsv", "");
	write_file("filters/f.yml",
		"title: f\nid: 00000000-0000-4000-8000-0000000000f1\n"
		"logsource: { product: windows }\n"
		"filter: { rules: any, s: { Image: 'xxx' }, condition: not s }\n");
	ck_assert_int_eq(symlink("a.yml", path_of("rules/b.yml")), 0);
	rules = load_with(
		"rules: { paths: [ rules/, rules/a.yml, rules ], filters: [ f.yml, f.yml ] }\n");
	ck_assert_msg(rules != NULL, "%s", first_fault());
	ck_assert_uint_eq(ruleset_count(rules->set), 1);
	ck_assert_uint_eq(ruleset_filter_count(rules->set), 1);
	ck_assert_uint_eq(faults.count, 4);
	ck_assert_str_eq(faults.list[0].file, path_of("rules/b.yml"));
	ck_assert_ptr_nonnull(strstr(faults.list[0].text, "/rules/a.yml, and read once"));
	ck_assert_str_eq(faults.list[1].file, path_of("rules/a.yml"));
	ck_assert_str_eq(faults.list[2].file, path_of("rules"));
	ck_assert_str_eq(faults.list[3].file, path_of("filters/f.yml"));
	rules_unref(rules);
}
END_TEST

static const struct {
	const char *name, *settings, *rule, *values;
} placeholder_rows[] = {
	{ "beside the rules", "rules: { paths: [ rules ] }\n", "rules/a.yml",
		"rules/placeholders.yml" },
	{ "in a file whose name comes later", "rules: { paths: [ rules ] }\n", "rules/a.yml",
		"rules/z.yml" },
	{ "in another directory", "rules: { paths: [ rules, values ] }\n", "rules/a.yml",
		"values/placeholders.yml" },
	{ "in a directory that comes before", "rules: { paths: [ values, rules ] }\n",
		"rules/a.yml", "values/own.yml" },
	{ "beside a single file", "rules: { paths: [ rules/a.yml ] }\n", "rules/a.yml",
		"rules/placeholders.yml" },
	{ "beside a single file and in its directory",
		"rules: { paths: [ rules/sub/a.yml, rules ] }\n", "rules/sub/a.yml",
		"rules/sub/placeholders.yml" },
};

START_TEST(placeholders_are_found)
{
	struct rules *rules;

	write_file("attack.tsv", "");
	write_file(placeholder_rows[_i].rule,
		"title: a\nid: 00000000-0000-4000-8000-000000000001\nlevel: high\n"
		"logsource: { service: sysmon }\n"
		"detection: { s: { Image|expand: '%names%' }, condition: s }\n");
	write_file(placeholder_rows[_i].values, "placeholders: { names: [ one, two ] }\n");
	rules = load_with(placeholder_rows[_i].settings);
	ck_assert_msg(rules != NULL, "%s: %s", placeholder_rows[_i].name, first_fault());
	ck_assert_uint_eq(ruleset_count(rules->set), 1);
	rules_unref(rules);
}
END_TEST

START_TEST(missing_folder_is_an_error)
{
	ck_assert_ptr_null(load());
	ck_assert_str_eq(first_fault(),
		"/t1505d.yml:2:19: rules.paths: /rules: cannot be read: No such file or directory; "
		"name the directory of the rules");
}
END_TEST

START_TEST(folder_without_a_rule_is_an_error)
{
	write_file("rules/README", "no rule\n");
	ck_assert_ptr_null(load());
	ck_assert_str_eq(first_fault(),
		"/t1505d.yml:2:19: rules.paths: /rules: no rule in it (*.yml, *.yaml); install the "
		"rules or name another directory");
}
END_TEST

/* Other rules are tried with the filters that are in force. */
START_TEST(filters_stand_beside_the_configured_rules)
{
	char *paths[1];
	struct conf_text one = { path_of("t1505d.yml"),
		SLICE("outputs: [ { type: stdout } ]\n"
		      "rules: { paths: [ etc/rules ], filters: [ f.yml ] }\n") };
	struct conf *conf = conf_parse(&one, 1, &faults);
	struct rules *rules;

	write_rule("etc/rules/a.yml", 1);
	write_file("etc/filters/f.yml",
		"title: f\nid: 00000000-0000-4000-8000-0000000000f1\n"
		"filter: { rules: any, s: { Image: 'xxx' }, condition: not s }\n");
	write_rule("elsewhere/rules/b.yml", 2);
	ck_assert_msg(conf != NULL, "%s", first_fault());
	paths[0] = (char *)(uintptr_t)path_of("elsewhere/rules");
	ck_assert_int_eq(conf_use_rule_paths(conf, paths, 1), 0);
	rules = rules_load(conf, &faults);
	ck_assert_msg(rules != NULL, "%s", first_fault());
	ck_assert_uint_eq(ruleset_filter_count(rules->set), 1);
	ck_assert_str_eq(ruleset_rule(rules->set, 0)->title, "rule 2");
	rules_unref(rules);
	conf_free(conf);
}
END_TEST

START_TEST(a_cache_that_cannot_be_kept_is_told)
{
	struct rules *rules;

	write_rule("rules/a.yml", 1);
	write_file("attack.tsv", "");
	rules = load_with("rules: { paths: [ rules ], cache: none }\n");
	ck_assert_msg(rules != NULL, "%s", first_fault());
	ck_assert_uint_eq(faults.count, 1);
	ck_assert(faults.list[0].warning);
	ck_assert_str_eq(first_fault(),
		"/t1505d.yml:2:35: rules.cache: /none: compiled rules cannot "
		"be kept: No such file or directory; make the directory, or write off");
	rules_unref(rules);
	(void)mkdir(path_of("none"), 0700);
	faults_done(&faults);
	rules = load_with("rules: { paths: [ rules ], cache: none }\n");
	ck_assert_uint_eq(faults.count, 0);
	rules_unref(rules);
}
END_TEST

START_TEST(missing_filter_is_an_error)
{
	write_rule("rules/a.yml", 1);
	ck_assert_ptr_null(load_with("rules: { paths: [ rules ], filters: [ none.yml ] }\n"));
	ck_assert_str_eq(first_fault(),
		"/t1505d.yml:2:39: rules.filters: none.yml: there is no filter of this name beside "
		"the rules, nor " PKGDATADIR "/filters/none.yml; correct the name");
	faults_done(&faults);
	ck_assert_ptr_null(load_with("rules: { paths: [ rules ], filters: [ ./none.yml ] }\n"));
	ck_assert_str_eq(first_fault(),
		"/t1505d.yml:2:39: rules.filters: /./none.yml: cannot be read: No such file or "
		"directory; correct the path");
}
END_TEST

START_TEST(dangling_link_is_an_error)
{
	write_rule("rules/a.yml", 1);
	ck_assert_int_eq(symlink("nowhere", path_of("rules/b.yml")), 0);
	ck_assert_ptr_null(load());
	ck_assert_str_eq(first_fault(), "/rules/b.yml: cannot be read: No such file or directory; "
					"remove it or make it readable");
}
END_TEST

START_TEST(one_bad_rule_spoils_the_set)
{
	write_rule("rules/a.yml", 1);
	write_file("rules/b.yml", "title: [\n");
	ck_assert_ptr_null(load());
	ck_assert_int_eq(strncmp(first_fault(), "/rules/b.yml:", 13), 0);
}
END_TEST

START_TEST(folders_too_deep_are_an_error)
{
	struct rules *rules;

	write_rule("rules/1/2/3/4/5/6/7/a.yml", 1);
	rules = load();
	ck_assert_msg(rules != NULL, "%s", first_fault());
	rules_unref(rules);
	write_rule("rules/1/2/3/4/5/6/7/8/a.yml", 2);
	ck_assert_ptr_null(load());
	ck_assert_str_eq(first_fault(),
		"/rules/1/2/3/4/5/6/7/8: nested deeper than 8 directories; move it up");
}
END_TEST

START_TEST(attack_table_is_beside_the_rules_or_one_higher)
{
	struct rules *rules;

	write_rule("etc/rules/core/a.yml", 1);
	write_file("etc/attack.tsv", "T1505.003\tWeb Shell\tpersistence\n");
	rules = load_with("rules: { paths: [ etc/rules ] }\n");
	ck_assert_ptr_nonnull(rules);
	ck_assert_str_eq(attack_find(rules->attack, "T1505.003")->name, "Web Shell");
	ck_assert_ptr_eq(rules->alert.attack, rules->attack);
	rules_unref(rules);

	rules = load_with("rules: { paths: [ etc/rules/core/ ] }\n");
	ck_assert_ptr_nonnull(rules);
	ck_assert_ptr_nonnull(attack_find(rules->attack, "T1505.003"));
	rules_unref(rules);
}
END_TEST

START_TEST(attack_table_of_the_configuration_comes_first)
{
	struct rules *rules;

	write_rule("rules/a.yml", 1);
	write_file("attack.tsv", "T1505.003\tWeb Shell\tpersistence\n");
	write_file("own.tsv", "T1505.003\tOwn\tpersistence\n");
	rules = load_with("rules: { paths: [ rules ], attack: own.tsv }\n");
	ck_assert_ptr_nonnull(rules);
	ck_assert_str_eq(attack_find(rules->attack, "T1505.003")->name, "Own");
	rules_unref(rules);

	ck_assert_ptr_null(load_with("rules: { paths: [ rules ], attack: none.tsv }\n"));
	ck_assert_str_eq(first_fault(), "/t1505d.yml:2:36: rules.attack: /none.tsv: cannot be "
					"read: No such file or directory; correct the path");
}
END_TEST

START_TEST(bad_line_of_the_attack_table_is_an_error)
{
	write_rule("rules/a.yml", 1);
	write_file("attack.tsv", "T1505\n");
	ck_assert_ptr_null(load());
	ck_assert_int_eq(strncmp(first_fault(), "/attack.tsv:1", 13), 0);
}
END_TEST

START_TEST(columns_of_hosts_are_loaded)
{
	struct enrich_row row;
	struct rules *rules;

	write_rule("rules/a.yml", 1);
	write_file("attack.tsv", "");
	write_file("hosts.csv", "host,role\nweb01,iis\n");
	rules = load_with("rules: { paths: [ rules ] }\nenrich: { hosts: hosts.csv }\n");
	ck_assert_msg(rules != NULL, "%s", first_fault());
	ck_assert(enrich_find(rules->alert.enrich, SLICE("web01"), &row));
	ck_assert_str_eq(row.values[0], "iis");
	rules_unref(rules);

	ck_assert_ptr_null(load_with("rules: { paths: [ rules ] }\nenrich: { hosts: none.csv }\n"));
	ck_assert_str_eq(first_fault(), "/t1505d.yml:3:18: enrich.hosts: /none.csv: cannot be "
					"read: No such file or directory; correct the path");
}
END_TEST

START_TEST(alert_settings_are_taken_over)
{
	struct rules *rules;

	write_rule("rules/a.yml", 1);
	rules = load_with("rules: { paths: [ rules ] }\nalerts: per_rule\n"
			  "alert: { raw: false, raw_max: 2KiB }\n");
	ck_assert_ptr_nonnull(rules);
	ck_assert_int_eq(rules->alert.mode, ALERT_PER_RULE);
	ck_assert(!rules->alert.raw);
	ck_assert_uint_eq(rules->alert.raw_max, 2048);
	ck_assert_ptr_null(rules->alert.enrich);
	ck_assert_str_eq(rules->alert.version, PACKAGE_VERSION);
	ck_assert_uint_gt(strlen(rules->alert.collector), 0);
	ck_assert_ptr_eq(rules_ref(rules), rules);
	rules_unref(rules);
	rules_unref(rules);
}
END_TEST

START_TEST(shipped_rules_are_good)
{
	char *const paths[] = { (char[]){ TEST_DATA "/../../etc/rules" } };
	struct conf *conf = conf_parse(NULL, 0, &faults);
	struct rules *rules;

	ck_assert_int_eq(conf_use_rule_paths(conf, paths, 1), 0);
	rules = rules_load(conf, &faults);
	ck_assert_msg(rules != NULL, "%s", first_fault());
	ck_assert_uint_eq(faults.count, 0);
	ck_assert_uint_ge(ruleset_count(rules->set), 4);
	for (size_t i = 0; i < ruleset_count(rules->set); i++) {
		const char *const *technique = ruleset_rule(rules->set, i)->techniques;

		for (; *technique != NULL; technique++)
			ck_assert_msg(
				attack_find(rules->attack, *technique) != NULL, "%s", *technique);
	}
	rules_unref(rules);
	conf_free(conf);
}
END_TEST

START_TEST(file_is_read_whole_or_not_at_all)
{
	size_t length = 7;
	char *bytes = NULL;

	write_file("a", "0123456789");
	ck_assert_int_eq(rules_read_file(path_of("a"), 10, &bytes, &length), 0);
	ck_assert_uint_eq(length, 10);
	ck_assert_int_eq(memcmp(bytes, "0123456789", 10), 0);
	free(bytes);
	bytes = NULL;
	length = 7;
	ck_assert_int_eq(rules_read_file(path_of("a"), 9, &bytes, &length), -EFBIG);
	ck_assert_int_eq(rules_read_file(folder, 9, &bytes, &length), -EISDIR);
	ck_assert_int_eq(rules_read_file(path_of("b"), 9, &bytes, &length), -ENOENT);
	ck_assert_ptr_null(bytes);
	ck_assert_uint_eq(length, 7);
	write_file("empty", "");
	ck_assert_int_eq(rules_read_file(path_of("empty"), 9, &bytes, &length), 0);
	ck_assert_uint_eq(length, 0);
	free(bytes);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rules");
	TCase *t = tcase_create("rules");

	tcase_add_checked_fixture(t, make_folder, remove_folder);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, files_are_read_in_the_order_of_names);
	tcase_add_test(t, one_file_can_be_named);
	tcase_add_test(t, links_to_files_are_followed_and_to_folders_not);
	tcase_add_test(t, what_is_given_twice_is_read_once);
	tcase_add_loop_test(t, placeholders_are_found, 0,
		(int)(sizeof(placeholder_rows) / sizeof(placeholder_rows[0])));
	tcase_add_test(t, missing_folder_is_an_error);
	tcase_add_test(t, folder_without_a_rule_is_an_error);
	tcase_add_test(t, missing_filter_is_an_error);
	tcase_add_test(t, a_cache_that_cannot_be_kept_is_told);
	tcase_add_test(t, filters_stand_beside_the_configured_rules);
	tcase_add_test(t, dangling_link_is_an_error);
	tcase_add_test(t, one_bad_rule_spoils_the_set);
	tcase_add_test(t, folders_too_deep_are_an_error);
	tcase_add_test(t, attack_table_is_beside_the_rules_or_one_higher);
	tcase_add_test(t, attack_table_of_the_configuration_comes_first);
	tcase_add_test(t, bad_line_of_the_attack_table_is_an_error);
	tcase_add_test(t, columns_of_hosts_are_loaded);
	tcase_add_test(t, alert_settings_are_taken_over);
	tcase_add_test(t, shipped_rules_are_good);
	tcase_add_test(t, file_is_read_whole_or_not_at_all);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
