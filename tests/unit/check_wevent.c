/* The names of fields, layouts and reasons. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parsers/reason.h"
#include "parsers/wevent.h"

START_TEST(finds_each_field_by_its_name)
{
	for (int i = 0; i < F_MAX; i++) {
		const char *name = wevent_field_name((enum wevent_field)i);

		ck_assert_int_eq(wevent_field_find(slice_of(name)), i);
	}
}
END_TEST

START_TEST(finds_fields_in_any_letter_case)
{
	ck_assert_int_eq(wevent_field_find(SLICE("parentimage")), F_ParentImage);
	ck_assert_int_eq(wevent_field_find(SLICE("eventcode")), F_EventID);
	ck_assert_int_eq(wevent_field_find(SLICE("EventCode")), F_EventID);
	ck_assert_int_eq(wevent_field_find(SLICE("host")), F_Computer);
	ck_assert_int_eq(wevent_field_find(SLICE("Imag")), F_MAX);
	ck_assert_int_eq(wevent_field_find(SLICE("Image ")), F_MAX);
	ck_assert_int_eq(wevent_field_find(SLICE("")), F_MAX);
	ck_assert_int_eq(wevent_field_find(SLICE_NONE), F_MAX);
}
END_TEST

START_TEST(clears_an_event)
{
	struct wevent event;

	memset(&event, 0xa5, sizeof(event));
	wevent_clear(&event);
	for (int i = 0; i < F_MAX; i++)
		ck_assert_ptr_null(event.f[i].ptr);
	ck_assert_ptr_null(event.host.ptr);
	ck_assert_ptr_null(event.raw.ptr);
	ck_assert(event.time == STAMP_NONE);
	ck_assert_int_eq(event.event_id, -1);
	ck_assert(!event.partial && !event.repaired);
	ck_assert_uint_eq(event.duplicate_keys, 0);
}
END_TEST

START_TEST(names_every_layout)
{
	for (int i = 0; i < LAYOUT_MAX; i++)
		ck_assert_ptr_nonnull(layout_name((enum layout)i));
	ck_assert_str_eq(layout_name(LAYOUT_EVTX_DUMP), "evtx_dump");
}
END_TEST

START_TEST(names_every_reason_once)
{
	for (int i = 0; i < REASON_MAX; i++) {
		ck_assert_ptr_nonnull(reason_text((enum reason)i));
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(reason_name((enum reason)i), reason_name((enum reason)k));
	}
	ck_assert_str_eq(reason_name(REASON_JSON_SYNTAX), "json_syntax");
}
END_TEST

START_TEST(names_are_found_as_they_are_written)
{
	enum { COUNT = 500 };
	char texts[COUNT][16];
	struct slice list[COUNT];
	struct wevent_names *names;

	for (int i = 0; i < COUNT; i++) {
		int len = snprintf(texts[i], sizeof(texts[i]), "Field%dName", i);

		list[i] = (struct slice){ texts[i], (size_t)len };
	}
	names = wevent_names_new(list, COUNT);
	ck_assert_ptr_nonnull(names);
	ck_assert_uint_eq(wevent_names_count(names), COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		ck_assert_uint_eq(wevent_names_find(names, list[i]), i);
	ck_assert_uint_eq(wevent_names_find(names, SLICE("field1Name")), UINT32_MAX);
	ck_assert_uint_eq(wevent_names_find(names, SLICE("Field500Name")), UINT32_MAX);
	ck_assert_uint_eq(wevent_names_find(names, SLICE("")), UINT32_MAX);
	ck_assert_uint_eq(wevent_names_find(names, SLICE_NONE), UINT32_MAX);
	ck_assert_uint_eq(wevent_names_find(NULL, list[0]), UINT32_MAX);
	ck_assert_uint_eq(wevent_names_count(NULL), 0);
	wevent_names_free(names);
}
END_TEST

static Suite *
wevent_suite(void)
{
	Suite *suite = suite_create("wevent");
	TCase *tcase = tcase_create("wevent");

	tcase_add_test(tcase, finds_each_field_by_its_name);
	tcase_add_test(tcase, names_are_found_as_they_are_written);
	tcase_add_test(tcase, finds_fields_in_any_letter_case);
	tcase_add_test(tcase, clears_an_event);
	tcase_add_test(tcase, names_every_layout);
	tcase_add_test(tcase, names_every_reason_once);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(wevent_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
