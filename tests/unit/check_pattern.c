/* Patterns: Sigma's escapes, globs, and that a scan hits what the globs match, against an
 * unreadable page. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/pattern.h"
#include "tests/unit/guard.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* Tokens as text: wildcards as they are, plain wildcards and backslashes in brackets. */
static const struct {
	const char *name;
	struct slice text;
	const char *tokens;
} parse_rows[] = {
	{ "plain", SLICE_INIT("cmd.exe"), "cmd.exe" },
	{ "wildcards", SLICE_INIT("*a?"), "*a?" },
	{ "many in a row are one", SLICE_INIT("a***b"), "a*b" },
	{ "escaped wildcards", SLICE_INIT("a\\*b\\?"), "a[*]b[?]" },
	{ "a lone backslash is itself", SLICE_INIT("C:\\Windows\\cmd.exe"),
		"C:[\\]Windows[\\]cmd.exe" },
	{ "two are one", SLICE_INIT("a\\\\b"), "a[\\]b" },
	{ "two before a wildcard", SLICE_INIT("a\\\\*"), "a[\\]*" },
	{ "three before a wildcard", SLICE_INIT("a\\\\\\*"), "a[\\][*]" },
	{ "three are two", SLICE_INIT("a\\\\\\b"), "a[\\][\\]b" },
	{ "four are two", SLICE_INIT("a\\\\\\\\b"), "a[\\][\\]b" },
	{ "one at the end", SLICE_INIT("\\inetpub\\"), "[\\]inetpub[\\]" },
	{ "two at the end", SLICE_INIT("a\\\\"), "a[\\]" },
	{ "a NUL is a byte, not an escape", SLICE_INIT("\\\0"), "[\\]\x01" },
	{ "nothing", SLICE_INIT(""), "" },
};

START_TEST(reads_escapes)
{
	struct slice text = guard_copy(parse_rows[_i].text);
	uint16_t tokens[64];
	uint32_t count = glob_parse(text, tokens);
	char shown[256] = "";

	ck_assert_uint_le(count, text.len);
	for (uint32_t i = 0; i < count; i++) {
		const char *form =
			tokens[i] < TOKEN_ONE && strchr("*?\\", tokens[i]) != NULL && tokens[i] != 0
				? "["
				: "";
		char byte[2] = { (char)tokens[i], '\0' };

		if (tokens[i] >= TOKEN_ONE)
			byte[0] = tokens[i] == TOKEN_ONE ? '?' : '*';
		else if (tokens[i] == 0)
			byte[0] = '\x01';
		strcat(shown, form);
		strcat(shown, byte);
		strcat(shown, form[0] == '[' ? "]" : "");
	}
	ck_assert_msg(
		strcmp(shown, parse_rows[_i].tokens) == 0, "%s: %s", parse_rows[_i].name, shown);
	guard_free(text);
}
END_TEST

static const struct {
	struct slice pattern;
	struct slice text;
	bool want;
} glob_rows[] = {
	{ SLICE_INIT("abc"), SLICE_INIT("ABC"), true },
	{ SLICE_INIT("abc"), SLICE_INIT("abcd"), false },
	{ SLICE_INIT("abc"), SLICE_INIT("xabc"), false },
	{ SLICE_INIT(""), SLICE_INIT(""), true },
	{ SLICE_INIT(""), SLICE_INIT("a"), false },
	{ SLICE_INIT("*"), SLICE_INIT(""), true },
	{ SLICE_INIT("*"), SLICE_INIT("anything\n"), true },
	{ SLICE_INIT("?"), SLICE_INIT(""), false },
	{ SLICE_INIT("?"), SLICE_INIT("\xf0\x9f\x98\x80"), true },
	{ SLICE_INIT("??"), SLICE_INIT("\xc3\xa4"), false },
	{ SLICE_INIT("*b"), SLICE_INIT("aab"), true },
	{ SLICE_INIT("*b"), SLICE_INIT("aba"), false },
	{ SLICE_INIT("a*"), SLICE_INIT("abc"), true },
	{ SLICE_INIT("a*"), SLICE_INIT("ba"), false },
	{ SLICE_INIT("*b*"), SLICE_INIT("abc"), true },
	{ SLICE_INIT("*b*"), SLICE_INIT("ac"), false },
	{ SLICE_INIT("*\\tomcat*.exe"), SLICE_INIT("C:\\Tomcat9\\bin\\helper.exe"), true },
	{ SLICE_INIT("*\\tomcat*.exe"), SLICE_INIT("C:\\tomcat9\\x.exe.bak"), false },
	{ SLICE_INIT("*.exe"), SLICE_INIT("a.exe\n"), false },
	{ SLICE_INIT("a?c*e?"), SLICE_INIT("abcxxexef"), true },
	{ SLICE_INIT("*a*b*c*"), SLICE_INIT("cbabcab"), true },
	{ SLICE_INIT("a\0b*"), SLICE_INIT("A\0Bc"), true },
	{ SLICE_INIT("a\0b"), SLICE_INIT("a\0c"), false },
	{ SLICE_INIT("\xc3\xa4*"), SLICE_INIT("\xc3\xa4x"), true },
	{ SLICE_INIT("\xc3\xa4"), SLICE_INIT("\xc3\x84"), false },
};

/* The glob of a pattern, its tokens in `tokens`. */
static struct glob
make_glob(struct slice pattern, uint16_t *tokens)
{
	return (struct glob){ tokens, glob_parse(pattern, tokens), false };
}

/* All that a set knows of the field. */
static void
scan_field(const struct pattern_set *set, struct pattern_scratch *scratch, enum wevent_field field,
	struct slice value)
{
	for (uint32_t i = 0; i < pattern_scans(set); i++)
		if (pattern_scan_field(i) == field)
			pattern_scan(scratch, i, value);
}

/* One pattern in a set of its own, scanned over one value. */
static bool
scan_one(struct glob glob, struct slice text)
{
	struct pattern_set *set = pattern_set_new();
	struct pattern_scratch *scratch;
	char error[PATTERN_ERROR_MAX];
	uint32_t id;
	bool hit;

	ck_assert_int_eq(pattern_add(set, F_Image, glob, &id), 0);
	ck_assert_int_eq(pattern_compile(set, NULL, error), 0);
	scratch = pattern_scratch_new(set);
	ck_assert_ptr_nonnull(scratch);
	scan_field(set, scratch, F_Image, text);
	hit = pattern_matches(scratch, id, text);
	pattern_scratch_free(scratch);
	pattern_set_free(set);
	return hit;
}

START_TEST(globs_match)
{
	uint16_t tokens[64];
	struct glob glob = make_glob(glob_rows[_i].pattern, tokens);
	struct slice text = guard_copy(glob_rows[_i].text);

	ck_assert(glob_matches(glob, text) == glob_rows[_i].want);
	ck_assert(scan_one(glob, text) == glob_rows[_i].want);
	guard_free(text);
}
END_TEST

/* The definition of a glob, as plain as it can be said. */
static bool
plain_match(const uint16_t *tokens, uint32_t count, const char *text, size_t len)
{
	if (count == 0)
		return len == 0;
	if (tokens[0] == TOKEN_MANY)
		return plain_match(tokens + 1, count - 1, text, len) ||
		       (len > 0 && plain_match(tokens, count, text + 1, len - 1));
	if (len == 0 || (tokens[0] != TOKEN_ONE && slice_lower((unsigned char)text[0]) !=
							   slice_lower((unsigned char)tokens[0])))
		return false;
	return plain_match(tokens + 1, count - 1, text + 1, len - 1);
}

/* A small generator of our own, so that each run sees the same. */
static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525U + 1013904223U;
	return *state >> 16;
}

static size_t
random_text(uint32_t *state, const char *letters, char *text, size_t max)
{
	size_t len = next_random(state) % (max + 1), count = strlen(letters);

	for (size_t i = 0; i < len; i++)
		text[i] = letters[next_random(state) % count];
	return len;
}

/* Many patterns in one set, many texts: what hits is what the plain definition says. */
START_TEST(scans_agree_with_the_definition)
{
	enum { PATTERNS = 120, TEXTS = 400, LEN = 9 };
	static uint16_t tokens[PATTERNS][LEN];
	struct glob globs[PATTERNS];
	uint32_t ids[PATTERNS], state = 1 + (uint32_t)_i;
	struct pattern_set *set = pattern_set_new();
	struct pattern_scratch *scratch;
	char text[LEN * 2], error[PATTERN_ERROR_MAX];

	for (int i = 0; i < PATTERNS; i++) {
		size_t len = random_text(&state, "aAb**?\\", text, LEN);

		globs[i] = make_glob((struct slice){ text, len }, tokens[i]);
		ck_assert_int_eq(pattern_add(set, F_CommandLine, globs[i], &ids[i]), 0);
	}
	ck_assert_int_eq(pattern_compile(set, NULL, error), 0);
	scratch = pattern_scratch_new(set);
	for (int t = 0; t < TEXTS; t++) {
		size_t len = random_text(&state, "aB\\*", text, sizeof(text)), hits, want = 0;

		pattern_reset(scratch);
		scan_field(set, scratch, F_CommandLine, (struct slice){ text, len });
		for (int i = 0; i < PATTERNS; i++) {
			bool match = plain_match(globs[i].tokens, globs[i].count, text, len);

			ck_assert(pattern_matches(scratch, ids[i], (struct slice){ text, len }) ==
				  match);
			ck_assert(glob_matches(globs[i], (struct slice){ text, len }) == match);
		}
		(void)pattern_hits(scratch, &hits);
		for (uint32_t id = 0; id < pattern_count(set); id++)
			want += pattern_is_scanned(set, id) &&
				pattern_matches(scratch, id, (struct slice){ text, len });
		ck_assert_uint_ge(hits, want);
	}
	pattern_scratch_free(scratch);
	pattern_set_free(set);
}
END_TEST

/* A word in texts of every length up to some vectors of a scanner's, at their end and before it, as
 * a string and as an expression. */
static const struct {
	const char *word, *glob, *expression;
} offset_rows[] = {
	{ ".vbs", "*.vbs*", "\\.(vbs|wsh)" },
	{ "\\", "*\\\\*", "\\\\" },
	{ ";", "*;*", ";" },
	{ "qq", "*qq*", "q+" },
	{ "%q%", "*%?%*", "%.*%" },
	{ "^q^", "*^q^*", "\\^.*\\^" },
	{ "&", "*&*", "&&?" },
	{ "foo(", "*foo(*", "foo[\\(\\[]" },
	{ "q", "*q*", "[^z]" },
	{ "abcd", "*ab*cd*", "(?i)AB.*cd" },
};

START_TEST(nothing_is_overlooked_at_any_offset)
{
	enum { LEN = 300 };
	const char *word = offset_rows[_i].word, *expression = offset_rows[_i].expression;
	size_t word_len = strlen(word);
	struct pattern_set *set = pattern_set_new();
	struct pattern_scratch *scratch;
	uint16_t tokens[2][8];
	char text[LEN], at_end[32], error[PATTERN_ERROR_MAX];
	uint32_t string, other, regex, last;

	(void)snprintf(at_end, sizeof(at_end), "(?:%s)$", expression);
	ck_assert_int_eq(pattern_add(set, F_Image,
				 make_glob(slice_of(offset_rows[_i].glob), tokens[0]), &string),
		0);
	ck_assert_int_eq(
		pattern_add(set, F_Image, make_glob(SLICE("*.wsf"), tokens[1]), &other), 0);
	ck_assert_int_eq(pattern_add_regex(set, F_Image, slice_of(expression), 0, &regex), 0);
	ck_assert_int_eq(pattern_add_regex(set, F_User, slice_of(at_end), 0, &last), 0);
	ck_assert_int_eq(pattern_compile(set, NULL, error), 0);
	ck_assert(pattern_is_scanned(set, regex) && pattern_is_scanned(set, last));
	scratch = pattern_scratch_new(set);
	for (size_t at = 0; at + word_len <= LEN; at++) {
		for (size_t len = at + word_len; len <= LEN; len = len < LEN ? LEN : LEN + 1) {
			struct slice value;

			memset(text, 'z', LEN);
			memcpy(text + at, word, word_len);
			value = guard_copy((struct slice){ text, len });
			pattern_reset(scratch);
			scan_field(set, scratch, F_Image, value);
			ck_assert_msg(
				pattern_matches(scratch, string, value), "at %zu of %zu", at, len);
			ck_assert_msg(
				pattern_matches(scratch, regex, value), "at %zu of %zu", at, len);
			ck_assert(!pattern_matches(scratch, other, value));
			ck_assert_msg(
				pattern_matches(scratch, last, value) == (len == at + word_len),
				"at %zu of %zu", at, len);
			guard_free(value);
		}
	}
	pattern_scratch_free(scratch);
	pattern_set_free(set);
}
END_TEST

/* Few patterns and long texts, where a scanner has its special cases. */
START_TEST(small_sets_agree_with_the_definition)
{
	enum { PATTERNS = 6, TEXTS = 200, LEN = 12, TEXT = 300 };
	static uint16_t tokens[PATTERNS][LEN];
	struct glob globs[PATTERNS];
	uint32_t ids[PATTERNS], state = 77 + (uint32_t)_i, count = 1 + (uint32_t)_i % PATTERNS;
	struct pattern_set *set = pattern_set_new();
	struct pattern_scratch *scratch;
	char part[PATTERNS][LEN], text[TEXT], error[PATTERN_ERROR_MAX];
	size_t lens[PATTERNS];

	for (uint32_t i = 0; i < count; i++) {
		char value[LEN + 2] = "*";

		do
			lens[i] = random_text(&state, ".vbswhdl-", part[i], LEN - 4);
		while (lens[i] < 2);
		memcpy(value + 1, part[i], lens[i]);
		value[lens[i] + 1] = '*';
		globs[i] = make_glob(
			(struct slice){ value, lens[i] + 1 + next_random(&state) % 2 }, tokens[i]);
		ck_assert_int_eq(pattern_add(set, F_CommandLine, globs[i], &ids[i]), 0);
	}
	ck_assert_int_eq(pattern_compile(set, NULL, error), 0);
	scratch = pattern_scratch_new(set);
	for (int t = 0; t < TEXTS; t++) {
		size_t len = random_text(&state, "aaaaaaaavbsw.", text, TEXT);
		uint32_t which = next_random(&state) % count;

		if (len >= lens[which])
			memcpy(text + (t % 2 == 0 ? len - lens[which]
						  : next_random(&state) % (len - lens[which] + 1)),
				part[which], lens[which]);
		pattern_reset(scratch);
		scan_field(set, scratch, F_CommandLine, (struct slice){ text, len });
		for (uint32_t i = 0; i < count; i++)
			ck_assert_msg(
				pattern_matches(scratch, ids[i], (struct slice){ text, len }) ==
					plain_match(globs[i].tokens, globs[i].count, text, len),
				"'%.*s' in '%.*s'", (int)lens[i], part[i], (int)len, text);
	}
	pattern_scratch_free(scratch);
	pattern_set_free(set);
}
END_TEST

/* Values that come again, in two fields, more of them than are remembered: patterns that are found
 * by where they stand, by their glob, by an expression, or not by a scan. */
START_TEST(what_was_found_before_is_found_again)
{
	static const struct slice forms[] = { SLICE_INIT("ab"), SLICE_INIT("*ab*"),
		SLICE_INIT("ba*"), SLICE_INIT("*bb"), SLICE_INIT("*ab*aa*"), SLICE_INIT("b?ba*"),
		SLICE_INIT("*a") };
	enum { FORMS = sizeof(forms) / sizeof(forms[0]), TEXTS = 20000, LEN = 13 };
	static uint16_t tokens[FORMS][16];
	static const enum wevent_field fields[] = { F_Image, F_User };
	struct glob globs[FORMS];
	uint32_t ids[2][FORMS], regexes[2], state = 5;
	struct pattern_set *set = pattern_set_new();
	struct pattern_scratch *scratch;
	char error[PATTERN_ERROR_MAX], text[LEN + 2];

	for (int f = 0; f < 2; f++) {
		for (int i = 0; i < FORMS; i++) {
			globs[i] = make_glob(forms[i], tokens[i]);
			ck_assert_int_eq(pattern_add(set, fields[f], globs[i], &ids[f][i]), 0);
		}
		ck_assert_int_eq(
			pattern_add_regex(set, fields[f], SLICE("ba+b"), 0, &regexes[f]), 0);
	}
	ck_assert_int_eq(pattern_compile(set, NULL, error), 0);
	scratch = pattern_scratch_new(set);
	for (int t = 0; t < TEXTS; t++) {
		struct slice value = { text, random_text(&state, "ab", text, LEN) };
		uint32_t f = next_random(&state) % 2;
		bool expression = false;

		text[value.len] = '\0';
		for (const char *at = text; (at = strstr(at, "ba")) != NULL && !expression; at++)
			expression = at[1 + strspn(at + 1, "a")] == 'b';
		pattern_reset(scratch);
		for (uint32_t i = 0; i < FORMS; i++)
			ck_assert_msg(pattern_matches(scratch, ids[f][i], value) ==
					      glob_matches(globs[i], value),
				"'%s' in '%s'", forms[i].ptr, text);
		ck_assert_msg(
			pattern_matches(scratch, regexes[f], value) == expression, "in '%s'", text);
	}
	pattern_scratch_free(scratch);
	pattern_set_free(set);
}
END_TEST

/* An expression of random parts; it may be none. */
static void
random_expression(uint32_t *state, char *text, size_t size)
{
	static const char *const parts[] = { "a", "b", ";", "%", "\\\\", "\\^", "q", ".", "ab",
		"[ab]", "[^a]", "[;%]", "\\s", "\\w", "[^\\\\]", "$", "^", "\\b", "\\z", "(", ")",
		"|", "?", "+", "*", "{2,5}", "{3}", ".*", "(?:", "[(\\[]", "(?=a)", "\n" };
	size_t count = 1 + next_random(state) % 7, len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count && len + 8 < size; i++)
		len += (size_t)snprintf(
			text + len, size - len, "%s", parts[next_random(state) % ROWS(parts)]);
}

/* Whoever of the two matches an expression, PCRE2 is right. */
static void
compare_with_pcre2(uint32_t *state, uint32_t count, struct regex_scratch *judge)
{
	enum { EXPRESSIONS = 8, TEXTS = 40, TEXT = 300 };
	static char expressions[EXPRESSIONS][64];
	struct regex *regexes[EXPRESSIONS];
	uint32_t ids[EXPRESSIONS];
	struct pattern_set *set = pattern_set_new();
	struct pattern_scratch *scratch;
	char text[TEXT], error[REGEX_ERROR_MAX];
	bool limited = false;

	for (uint32_t i = 0; i < count; i++) {
		unsigned int flags = next_random(state) % 8;

		do
			random_expression(state, expressions[i], sizeof(expressions[i]));
		while (regex_check(slice_of(expressions[i]), flags, error) != 0);
		regexes[i] = regex_new(slice_of(expressions[i]), flags);
		ck_assert_int_eq(pattern_add_regex(set, F_CommandLine, slice_of(expressions[i]),
					 flags, &ids[i]),
			0);
	}
	ck_assert_int_eq(pattern_compile(set, NULL, error), 0);
	scratch = pattern_scratch_new(set);
	for (int t = 0; t < TEXTS; t++) {
		const char *letters =
			t % 2 == 0 ? "aaaaaaaaaaaaaaaB;%\\" : "zzzzzzzzzzzzzab;%\\^q(\n ";
		struct slice value = { text, random_text(state, letters, text, TEXT) };

		pattern_reset(scratch);
		for (uint32_t i = 0; i < count; i++)
			ck_assert_msg(pattern_matches(scratch, ids[i], value) ==
					      regex_matches(regexes[i], judge, value, &limited),
				"/%s/ in '%.*s'", expressions[i], (int)value.len, text);
	}
	for (uint32_t i = 0; i < count; i++)
		regex_free(regexes[i]);
	ck_assert(!limited);
	pattern_scratch_free(scratch);
	pattern_set_free(set);
}

START_TEST(expressions_agree_with_pcre2)
{
	struct regex_scratch *judge = regex_scratch_new();
	uint32_t state = 4711 + (uint32_t)_i;

	for (uint32_t i = 0; i < 40; i++)
		compare_with_pcre2(&state, 1 + i % 8, judge);
	regex_scratch_free(judge);
}
END_TEST

/* Hyperscan compiles some repeats for many seconds: those are PCRE2's. */
START_TEST(large_repeats_do_not_delay_a_load)
{
	static const struct {
		const char *expression;
		bool scanned;
	} rows[] = {
		{ "a.{1,256}b", true },
		{ "(?:[a-f0-9]{2}-){5}[a-f0-9]{2}", true },
		{ "a.{1,3000}b", false },
		{ "a.{3000,}b", false },
		{ "(a|bc){3000}", false },
		{ "((a|.b){40}c){40}", false },
		{ "(a)\\1", false },
		{ "a(?=b)", false },
	};
	struct pattern_set *set = pattern_set_new();
	char error[PATTERN_ERROR_MAX];
	uint32_t ids[ROWS(rows)];

	for (int i = 0; i < ROWS(rows); i++)
		ck_assert_int_eq(pattern_add_regex(set, F_CommandLine, slice_of(rows[i].expression),
					 0, &ids[i]),
			0);
	ck_assert_int_eq(pattern_compile(set, NULL, error), 0);
	for (int i = 0; i < ROWS(rows); i++)
		ck_assert_msg(pattern_is_scanned(set, ids[i]) == rows[i].scanned, "%s",
			rows[i].expression);
	pattern_set_free(set);
}
END_TEST

/* Each for itself is soon compiled, and all of them take a minute. */
START_TEST(many_repeats_do_not_delay_a_load)
{
	enum { EXPRESSIONS = 60 };
	static char expressions[EXPRESSIONS][64];
	struct pattern_set *set = pattern_set_new();
	char error[PATTERN_ERROR_MAX];
	uint32_t ids[EXPRESSIONS], scanned = 0;

	for (int i = 0; i < EXPRESSIONS; i++) {
		(void)snprintf(
			expressions[i], sizeof(expressions[i]), "cmd.{0,100}/c.{0,100}w%d", i);
		ck_assert_int_eq(
			pattern_add_regex(set, F_CommandLine, slice_of(expressions[i]), 0, &ids[i]),
			0);
	}
	ck_assert_int_eq(pattern_compile(set, NULL, error), 0);
	for (int i = 0; i < EXPRESSIONS; i++)
		scanned += pattern_is_scanned(set, ids[i]);
	ck_assert_uint_eq(scanned, 5);
	pattern_set_free(set);
}
END_TEST

/* Where a text ends is known to an expression. */
START_TEST(nothing_is_found_behind_a_text)
{
	static const struct {
		const char *expression;
		struct slice text;
		bool want;
	} rows[] = {
		{ "cmd.", SLICE_INIT("cmd"), false },
		{ "cmd.", SLICE_INIT("cmdx"), true },
		{ "cmd[^x]", SLICE_INIT("a cmd"), false },
		{ "cmd\\x00", SLICE_INIT("cmd"), false },
		{ "cmd\\b", SLICE_INIT("cmd"), true },
		{ "cmd\\B", SLICE_INIT("cmd"), false },
		{ "cmd$", SLICE_INIT("a cmd"), true },
		{ "cmd$", SLICE_INIT("cmd a"), false },
		{ "^$", SLICE_INIT(""), true },
		{ "^a*\\z", SLICE_INIT("aaa"), true },
		{ "a*", SLICE_INIT(""), true },
		{ ".", SLICE_INIT(""), false },
	};
	struct pattern_set *set = pattern_set_new();
	struct pattern_scratch *scratch;
	char error[PATTERN_ERROR_MAX];
	uint16_t tokens[8];
	uint32_t ids[ROWS(rows)], utf16;

	for (int i = 0; i < ROWS(rows); i++)
		ck_assert_int_eq(pattern_add_regex(set, F_CommandLine, slice_of(rows[i].expression),
					 0, &ids[i]),
			0);
	ck_assert_int_eq(pattern_add(set, F_CommandLine,
				 make_glob((struct slice){ "*d\0", 3 }, tokens), &utf16),
		0);
	ck_assert_int_eq(pattern_compile(set, NULL, error), 0);
	scratch = pattern_scratch_new(set);
	for (int i = 0; i < ROWS(rows); i++) {
		pattern_reset(scratch);
		scan_field(set, scratch, F_CommandLine, rows[i].text);
		ck_assert_msg(pattern_matches(scratch, ids[i], rows[i].text) == rows[i].want, "%s",
			rows[i].expression);
		ck_assert(!pattern_matches(scratch, utf16, rows[i].text));
	}
	pattern_scratch_free(scratch);
	pattern_set_free(set);
}
END_TEST

START_TEST(the_same_pattern_is_kept_once)
{
	static const struct slice texts[] = { SLICE_INIT("*\\cmd.exe"), SLICE_INIT("*\\CMD.EXE"),
		SLICE_INIT("**\\cmd.exe"), SLICE_INIT("*\\\\cmd.exe") };
	struct pattern_set *set = pattern_set_new();
	uint16_t tokens[ROWS(texts)][16];
	char error[PATTERN_ERROR_MAX];
	uint32_t first, id;

	ck_assert_int_eq(pattern_add(set, F_Image, make_glob(texts[0], tokens[0]), &first), 0);
	for (int i = 1; i < ROWS(texts); i++) {
		ck_assert_int_eq(pattern_add(set, F_Image, make_glob(texts[i], tokens[i]), &id), 0);
		ck_assert_uint_eq(id, first);
	}
	ck_assert_int_eq(pattern_add(set, F_ParentImage, make_glob(texts[0], tokens[0]), &id), 0);
	ck_assert_uint_ne(id, first);
	ck_assert_int_eq(pattern_compile(set, NULL, error), 0);
	ck_assert_uint_eq(pattern_count(set), 2);
	ck_assert_uint_eq(pattern_databases(set), 2);
	pattern_set_free(set);
}
END_TEST

START_TEST(fields_and_events_do_not_mix)
{
	struct pattern_set *set = pattern_set_new();
	struct pattern_scratch *scratch;
	uint16_t tokens[2][8];
	char error[PATTERN_ERROR_MAX];
	uint32_t image, any;
	size_t count;

	ck_assert_int_eq(pattern_add(set, F_Image, make_glob(SLICE("*xx*"), tokens[0]), &image), 0);
	ck_assert_int_eq(pattern_add(set, F_User, make_glob(SLICE("*"), tokens[1]), &any), 0);
	ck_assert_int_eq(pattern_compile(set, NULL, error), 0);
	scratch = pattern_scratch_new(set);
	scan_field(set, scratch, F_ParentImage, SLICE("xx"));
	scan_field(set, scratch, F_Image, SLICE_NONE);
	scan_field(set, scratch, F_User, SLICE_NONE);
	(void)pattern_hits(scratch, &count);
	ck_assert_uint_eq(count, 0);
	pattern_reset(scratch);
	scan_field(set, scratch, F_Image, SLICE("axxxxb"));
	scan_field(set, scratch, F_User, SLICE(""));
	pattern_set_hit(scratch, any);
	(void)pattern_hits(scratch, &count);
	ck_assert_uint_eq(count, 2);
	pattern_reset(scratch);
	ck_assert(!pattern_matches(scratch, image, SLICE("yy")));
	ck_assert(!pattern_matches(scratch, any, SLICE_NONE));
	ck_assert(pattern_matches(scratch, any, SLICE("")));
	pattern_scratch_free(scratch);
	pattern_set_free(set);
}
END_TEST

/* A value that a glob nearly matches at each of its bytes must not take more than the product of
 * both lengths. */
START_TEST(hostile_values_end)
{
	enum { LEN = 1024 * 1024 };
	char *bytes = malloc(LEN);
	uint16_t tokens[64];

	ck_assert_ptr_nonnull(bytes);
	memset(bytes, 'a', LEN);
	ck_assert(!scan_one(
		make_glob(SLICE("*a*a*a*a*aaaaaaaa*b"), tokens), (struct slice){ bytes, LEN }));
	ck_assert(!scan_one(make_glob(SLICE("*a?a?a?a?b*"), tokens), (struct slice){ bytes, LEN }));
	ck_assert(scan_one(make_glob(SLICE("*a?a*a"), tokens), (struct slice){ bytes, LEN }));
	free(bytes);
}
END_TEST

static Suite *
pattern_suite(void)
{
	Suite *suite = suite_create("pattern");
	TCase *tcase = tcase_create("pattern");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, reads_escapes, 0, ROWS(parse_rows));
	tcase_add_loop_test(tcase, globs_match, 0, ROWS(glob_rows));
	tcase_add_loop_test(tcase, scans_agree_with_the_definition, 0, 20);
	tcase_add_loop_test(tcase, nothing_is_overlooked_at_any_offset, 0, ROWS(offset_rows));
	tcase_add_loop_test(tcase, small_sets_agree_with_the_definition, 0, 60);
	tcase_add_test(tcase, what_was_found_before_is_found_again);
	tcase_add_loop_test(tcase, expressions_agree_with_pcre2, 0, 8);
	tcase_add_test(tcase, large_repeats_do_not_delay_a_load);
	tcase_add_test(tcase, many_repeats_do_not_delay_a_load);
	tcase_add_test(tcase, nothing_is_found_behind_a_text);
	tcase_add_test(tcase, the_same_pattern_is_kept_once);
	tcase_add_test(tcase, fields_and_events_do_not_mix);
	tcase_add_test(tcase, hostile_values_end);
	suite_add_tcase(suite, tcase);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(pattern_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
