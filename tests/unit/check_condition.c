/* Conditions: what they mean for each combination of true and false selections, what is refused,
 * and what a rule waits for. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/condition.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define NAMES 4

/* Four selections of one item each; item i is true when pattern i hits. */
static const char *const names[NAMES] = { "sel_a", "sel_b", "filter", "_hidden" };

struct bench {
	struct arena *arena;
	struct pattern_set *set;
	struct pattern_scratch *scratch;
	struct condition_op ops[NAMES];
	struct condition_selection selections[NAMES];
	struct condition_item items[NAMES];
	struct condition_pattern patterns[NAMES];
	uint16_t tokens[NAMES][2];
	struct condition condition;
	char error[CONDITION_ERROR_MAX];
};

static void
bench_open(struct bench *bench)
{
	char error[PATTERN_ERROR_MAX];

	*bench = (struct bench){ .arena = arena_new(16 * 1024 * 1024), .set = pattern_set_new() };
	for (uint32_t i = 0; i < NAMES; i++) {
		bench->tokens[i][0] = (uint16_t)('a' + i);
		bench->tokens[i][1] = 'x';
		bench->patterns[i] = (struct condition_pattern){ .text = slice_of(names[i]),
			.glob = { bench->tokens[i], 2, false } };
		ck_assert_int_eq(pattern_add(bench->set, F_Image, bench->patterns[i].glob,
					 &bench->patterns[i].id),
			0);
		bench->items[i] = (struct condition_item){
			.field = F_Image, .first = i, .count = 1, .value_count = 1
		};
		bench->ops[i] = (struct condition_op){ .code = CONDITION_ITEM, .item = i };
		bench->selections[i] = (struct condition_selection){ slice_of(names[i]),
			&bench->ops[i], 1, false };
	}
	ck_assert_int_eq(pattern_compile(bench->set, NULL, error), 0);
	bench->scratch = pattern_scratch_new(bench->set);
	bench->condition = (struct condition){
		.items = bench->items,
		.item_count = NAMES,
		.patterns = bench->patterns,
		.pattern_count = NAMES,
	};
}

static int
bench_compile(struct bench *bench, struct slice text)
{
	return condition_compile(text, bench->selections, NAMES, bench->arena,
		&bench->condition.ops, &bench->condition.op_count, bench->error);
}

static bool
bench_eval(struct bench *bench, unsigned int truth, struct match *match)
{
	struct wevent event;

	wevent_clear(&event);
	pattern_reset(bench->scratch);
	for (uint32_t i = 0; i < NAMES; i++) {
		if ((truth >> i & 1) != 0)
			pattern_set_hit(bench->scratch, bench->patterns[i].id);
	}
	return condition_eval(&bench->condition, bench->scratch, &event, match);
}

static void
bench_close(struct bench *bench)
{
	pattern_scratch_free(bench->scratch);
	pattern_set_free(bench->set);
	arena_free(bench->arena);
}

/* The condition and the same in C, for A = sel_a, B = sel_b, F = filter, H = _hidden. */
#define MEANING(name, expression)                        \
	static bool name(bool A, bool B, bool F, bool H) \
	{                                                \
		(void)A, (void)B, (void)F, (void)H;      \
		return (expression);                     \
	}
MEANING(only_a, A)
MEANING(a_and_not_f, A && !F)
MEANING(and_binds, A || (B && F))
MEANING(and_binds_left, (A && B) || F)
MEANING(not_binds, !A && B)
MEANING(parentheses, (A || B) && F)
MEANING(both, A &&B)
MEANING(either, A || B)
MEANING(three_of_them, A &&B &&F)
MEANING(any_of_them, A || B || F)
MEANING(not_one_of, A && !(A || B))
MEANING(hidden, H)
MEANING(not_not, A)
MEANING(mixed, (A || !(B && F)) && (H || !A))
MEANING(all_not, !(A && B) || F)
MEANING(two_of_three, A + B + F >= 2)
MEANING(not_two_of_three, !(A + B + F >= 2) && H)

static const struct {
	const char *text;
	bool (*meaning)(bool, bool, bool, bool);
} meaning_rows[] = {
	{ "sel_a", only_a },
	{ "  sel_a\n", only_a },
	{ "((sel_a))", only_a },
	{ "sel_a and not filter", a_and_not_f },
	{ "sel_a AND NOT filter", a_and_not_f },
	{ "sel_a And(Not(filter))", a_and_not_f },
	{ "sel_a or sel_b and filter", and_binds },
	{ "sel_a and sel_b OR filter", and_binds_left },
	{ "not sel_a and sel_b", not_binds },
	{ "(sel_a or sel_b) and filter", parentheses },
	{ "all of sel_*", both },
	{ "ALL OF sel*", both },
	{ "1 of sel_*", either },
	{ "1 of s*_*", either },
	{ "all of them", three_of_them },
	{ "1 of them", any_of_them },
	{ "1 Of Them", any_of_them },
	{ "1 of *", any_of_them },
	{ "sel_a and not 1 of sel_*", not_one_of },
	{ "_hidden", hidden },
	{ "1 of _*", hidden },
	{ "all of sel_a", only_a },
	{ "not not sel_a", not_not },
	{ "(sel_a or not (sel_b and filter)) and (_hidden or not sel_a)", mixed },
	{ "not all of sel_* or filter", all_not },
	{ "2 of them", two_of_three },
	{ "3 of them", three_of_them },
	{ "2 Of sel_*", both },
	{ "_hidden and not 2 of them", not_two_of_three },
};

START_TEST(means_what_it_says)
{
	struct bench bench;

	bench_open(&bench);
	ck_assert_msg(
		bench_compile(&bench, slice_of(meaning_rows[_i].text)) == 0, "%s", bench.error);
	for (unsigned int truth = 0; truth < 1U << NAMES; truth++) {
		bool want = meaning_rows[_i].meaning(truth & 1, truth & 2, truth & 4, truth & 8);
		struct match match;

		ck_assert_msg(bench_eval(&bench, truth, &match) == want, "%s: %x",
			meaning_rows[_i].text, truth);
		ck_assert(want || match.matched_count == 0);
	}
	bench_close(&bench);
}
END_TEST

static const struct {
	const char *text;
	const char *say;
} refusal_rows[] = {
	{ "", "missing at the end" },
	{ "nobody", "no selection 'nobody'" },
	{ "SEL_A", "no selection 'SEL_A'" },
	{ "sel_a and", "missing at the end" },
	{ "and sel_a", "missing before 'and'" },
	{ "sel_a sel_b", "'and' or 'or' is missing before 'sel_b'" },
	{ "sel_a not sel_b", "missing before 'not'" },
	{ "(sel_a", "not closed" },
	{ "sel_a)", "nothing is open" },
	{ "()", "missing before ')'" },
	{ "1 of x*", "no selection is named like 'x*'" },
	{ "1 of _x*", "no selection is named like '_x*'" },
	{ "all of sel_?", "no selection is named like 'sel_'" },
	{ "1 of", "a name is missing" },
	{ "1 of (sel_a)", "a name is missing" },
	{ "1 sel_a", "'of' is missing" },
	{ "all sel_*", "'of' is missing" },
	{ "3 of sel_*", "fewer selections than that named like 'sel_*'" },
	{ "0 of sel_*", "a number from 1 to 64" },
	{ "2 sel_*", "'of' is missing" },
	{ "99999999999999999999 of them", "a number from 1 to 64" },
	{ "sel_a | count() by User > 5", "aggregation" },
	{ "sel_a & sel_b", "unexpected '&'" },
	{ "sel_a \xff", "missing before" },
	{ "near sel_a", "no selection 'near'" },
};

START_TEST(refuses_and_says_why)
{
	struct bench bench;

	bench_open(&bench);
	ck_assert_int_eq(bench_compile(&bench, slice_of(refusal_rows[_i].text)), -EINVAL);
	ck_assert_msg(strstr(bench.error, refusal_rows[_i].say) != NULL, "'%s': %s",
		refusal_rows[_i].text, bench.error);
	ck_assert_ptr_null(bench.condition.ops);
	bench_close(&bench);
}
END_TEST

START_TEST(depth_and_length_are_bounded)
{
	enum { OPEN = 100000 };
	struct bench bench;
	char *text = malloc(OPEN);

	ck_assert_ptr_nonnull(text);
	bench_open(&bench);
	memset(text, '(', OPEN);
	ck_assert_int_eq(bench_compile(&bench, (struct slice){ text, OPEN }), -EINVAL);
	ck_assert_ptr_nonnull(strstr(bench.error, "too deep"));
	for (int i = 0; i + 4 <= OPEN; i += 4)
		memcpy(text + i, "not ", 4);
	ck_assert_int_eq(bench_compile(&bench, (struct slice){ text, OPEN }), -EINVAL);
	for (int i = 0; i + 10 <= OPEN; i += 10)
		memcpy(text + i, "sel_a and ", 10);
	ck_assert_int_eq(bench_compile(&bench, (struct slice){ text, OPEN - 5 }), 0);
	for (int i = 0; i + 10 <= OPEN; i += 10)
		memcpy(text + i, "sel_a or( ", 10);
	ck_assert_int_eq(bench_compile(&bench, (struct slice){ text, OPEN }), -EINVAL);
	free(text);
	bench_close(&bench);
}
END_TEST

/* Each selection 16 times over, in the deepest nesting that is accepted: the stack's bound holds
 * when it is evaluated. */
START_TEST(the_deepest_condition_is_evaluated)
{
	struct bench bench;
	struct match match;
	char text[4096] = "";
	int depth = 0, result;

	bench_open(&bench);
	do {
		bench.condition.ops = NULL;
		bench.condition.op_count = 0;
		strcat(text, "filter or (");
		depth++;
		result = bench_compile(&bench, slice_of(text));
	} while (strstr(bench.error, "too deep") == NULL && depth < 200);
	ck_assert_int_eq(result, -EINVAL);
	ck_assert_int_gt(depth, 20);
	text[(size_t)(depth - 1) * 11] = '\0';
	strcat(text, "sel_a");
	for (int i = 1; i < depth; i++)
		strcat(text, ")");
	ck_assert_msg(bench_compile(&bench, slice_of(text)) == 0, "%s", bench.error);
	ck_assert(bench_eval(&bench, 1, &match));
	ck_assert(bench_eval(&bench, 4, &match));
	ck_assert(!bench_eval(&bench, 10, &match));
	bench_close(&bench);
}
END_TEST

START_TEST(a_list_of_conditions_is_joined_by_or)
{
	struct bench bench;
	struct match match;

	bench_open(&bench);
	ck_assert_int_eq(bench_compile(&bench, SLICE("sel_a and filter")), 0);
	ck_assert_int_eq(bench_compile(&bench, SLICE("sel_b")), 0);
	ck_assert_int_eq(bench_compile(&bench, SLICE("sel_b and")), -EINVAL);
	ck_assert(bench_eval(&bench, 5, &match));
	ck_assert(bench_eval(&bench, 2, &match));
	ck_assert(!bench_eval(&bench, 1, &match));
	bench_close(&bench);
}
END_TEST

/* Which selections' patterns a match shows, as bits. */
static const struct {
	const char *text;
	unsigned int truth;
	unsigned int shown;
} shown_rows[] = {
	{ "sel_a and sel_b", 3, 3 },
	{ "sel_a or sel_b", 2, 2 },
	{ "sel_a or sel_b", 3, 3 },
	{ "sel_a and not filter", 1, 1 },
	{ "(sel_a and sel_b) or filter", 5, 4 },
	{ "filter or (sel_a and sel_b)", 5, 4 },
	{ "not filter", 0, 0 },
	{ "not (sel_a and sel_b) and filter", 5, 4 },
	{ "1 of them", 6, 6 },
};

START_TEST(shows_what_made_it_true)
{
	struct bench bench;
	struct match match;
	unsigned int shown = 0;

	bench_open(&bench);
	ck_assert_int_eq(bench_compile(&bench, slice_of(shown_rows[_i].text)), 0);
	ck_assert(bench_eval(&bench, shown_rows[_i].truth, &match));
	for (uint32_t i = 0; i < match.matched_count; i++) {
		ck_assert_int_eq(match.matched[i].field, F_Image);
		for (uint32_t k = 0; k < NAMES; k++)
			shown |= (unsigned int)slice_equal(
					 match.matched[i].pattern, slice_of(names[k]))
				 << k;
	}
	ck_assert_uint_eq(shown, shown_rows[_i].shown);
	bench_close(&bench);
}
END_TEST

START_TEST(shows_no_more_than_the_limit)
{
	struct bench bench;
	struct match match;
	char text[512] = "sel_a";

	bench_open(&bench);
	for (int i = 0; i < MATCHED_MAX + 5; i++)
		strcat(text, " and sel_a");
	ck_assert_int_eq(bench_compile(&bench, slice_of(text)), 0);
	ck_assert(bench_eval(&bench, 1, &match));
	ck_assert_uint_eq(match.matched_count, MATCHED_MAX);
	bench_close(&bench);
}
END_TEST

/* The items to wait for, as bits, when item i costs costs[i]; it must hold that none of them true
 * means that the condition is false. */
static const struct {
	const char *text;
	uint32_t costs[NAMES];
	unsigned int want;
} required_rows[] = {
	{ "sel_a", { 1, 1, 1, 1 }, 1 },
	{ "sel_a", { 0, 1, 1, 1 }, 0 },
	{ "sel_a and sel_b", { 5, 1, 1, 1 }, 2 },
	{ "sel_a and sel_b", { 1, 5, 1, 1 }, 1 },
	{ "sel_a and sel_b", { 1, 1, 1, 1 }, 1 },
	{ "sel_a and sel_b", { 0, 9, 1, 1 }, 2 },
	{ "sel_a or sel_b", { 1, 1, 1, 1 }, 3 },
	{ "sel_a or sel_b", { 1, 0, 1, 1 }, 0 },
	{ "(sel_a or sel_b) and filter", { 1, 1, 3, 1 }, 3 },
	{ "(sel_a or sel_b) and filter", { 2, 2, 3, 1 }, 4 },
	{ "filter and (sel_a or sel_b)", { 1, 1, 3, 1 }, 3 },
	{ "filter and _hidden and (sel_a or sel_b)", { 1, 1, 3, 9 }, 3 },
	{ "not sel_a", { 1, 1, 1, 1 }, 0 },
	{ "not sel_a and sel_b", { 1, 9, 1, 1 }, 2 },
	{ "not (sel_a or sel_b) and filter", { 1, 1, 9, 1 }, 4 },
	{ "sel_a or not sel_b", { 1, 1, 1, 1 }, 0 },
	{ "1 of them", { 1, 1, 1, 1 }, 7 },
};

START_TEST(waits_for_the_cheapest_set)
{
	struct bench bench;
	struct match match;
	uint32_t required[64], count;
	unsigned int items = 0;

	bench_open(&bench);
	ck_assert_int_eq(bench_compile(&bench, slice_of(required_rows[_i].text)), 0);
	count = condition_required(&bench.condition, required_rows[_i].costs, required);
	for (uint32_t i = 0; i < count; i++)
		items |= 1U << required[i];
	ck_assert_uint_eq(items, required_rows[_i].want);
	for (unsigned int truth = 0; truth < 1U << NAMES && items != 0; truth++)
		ck_assert((truth & items) != 0 || !bench_eval(&bench, truth, &match));
	bench_close(&bench);
}
END_TEST

static Suite *
condition_suite(void)
{
	Suite *suite = suite_create("condition");
	TCase *tcase = tcase_create("condition");

	tcase_add_loop_test(tcase, means_what_it_says, 0, ROWS(meaning_rows));
	tcase_add_loop_test(tcase, refuses_and_says_why, 0, ROWS(refusal_rows));
	tcase_add_test(tcase, depth_and_length_are_bounded);
	tcase_add_test(tcase, the_deepest_condition_is_evaluated);
	tcase_add_test(tcase, a_list_of_conditions_is_joined_by_or);
	tcase_add_loop_test(tcase, shows_what_made_it_true, 0, ROWS(shown_rows));
	tcase_add_test(tcase, shows_no_more_than_the_limit);
	tcase_add_loop_test(tcase, waits_for_the_cheapest_set, 0, ROWS(required_rows));
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(condition_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
