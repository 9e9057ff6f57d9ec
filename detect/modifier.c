/* The table of Sigma's value modifiers (specification 2.1, appendix "Modifiers"), one function
 * each.
 *
 * A string modifier rewrites the tokens of each value: contains is a `*` at both ends and nothing
 * more, windash a token that stands for any dash, an encoding other bytes.  One value becomes
 * several patterns where it has several encodings.  re and the comparisons make something else of
 * the value than tokens, so each modifier says behind which others it can stand. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "detect/modifier.h"
#include "detect/spelling.h"

/* Places in the table, in its order; the bits of modifier_values.applied. */
enum {
	M_all,
	M_base64,
	M_base64offset,
	M_cased,
	M_cidr,
	M_contains,
	M_day,
	M_endswith,
	M_exists,
	M_expand,
	M_fieldref,
	M_gt,
	M_gte,
	M_hour,
	M_i,
	M_lt,
	M_lte,
	M_m,
	M_minute,
	M_month,
	M_neq,
	M_re,
	M_s,
	M_startswith,
	M_utf16,
	M_utf16be,
	M_utf16le,
	M_week,
	M_wide,
	M_windash,
	M_year,
	M_MAX
};

#define BIT(name) (1U << M_##name)
#define JOIN (BIT(all) | BIT(neq) | BIT(expand))
#define ANCHORS (BIT(contains) | BIT(startswith) | BIT(endswith))
#define UTF16 (BIT(utf16) | BIT(utf16be) | BIT(utf16le) | BIT(wide))
#define PARTS (BIT(minute) | BIT(hour) | BIT(day) | BIT(week) | BIT(month) | BIT(year))
#define ORDERS (BIT(lt) | BIT(lte) | BIT(gt) | BIT(gte))
#define FLAGS (BIT(i) | BIT(m) | BIT(s))

typedef int modifier_function(
	struct modifier_values *, unsigned int which, char error[MODIFIER_ERROR_MAX]);

static int
refuse(char error[MODIFIER_ERROR_MAX], const char *what)
{
	(void)snprintf(error, MODIFIER_ERROR_MAX, "%s", what);
	return -EINVAL;
}

static int
refuse_value(char error[MODIFIER_ERROR_MAX], struct slice value, const char *what)
{
	(void)snprintf(error, MODIFIER_ERROR_MAX, "'%.*s' %s",
		(int)(value.len < 60 ? value.len : 60), value.ptr, what);
	return -EINVAL;
}

/* ---- wildcards and dashes ---- */

/* A copy with a `*` at the ends that are asked for, where there is none yet. */
static int
widen(struct glob *glob, bool before, bool after, struct arena *arena)
{
	uint16_t *tokens = arena_alloc(arena, ((size_t)glob->count + 2) * sizeof(*tokens));
	uint32_t n = 0;

	if (tokens == NULL)
		return -ENOMEM;
	if (before && (glob->count == 0 || glob->tokens[0] != TOKEN_MANY))
		tokens[n++] = TOKEN_MANY;
	if (glob->count > 0)
		memcpy(tokens + n, glob->tokens, glob->count * sizeof(*tokens));
	n += glob->count;
	if (after && (n == 0 || tokens[n - 1] != TOKEN_MANY))
		tokens[n++] = TOKEN_MANY;
	glob->tokens = tokens;
	glob->count = n;
	return 0;
}

/* '' begins and ends every text, and is in it: from here on it is a value like another. */
static int
add_empty(struct modifier_values *values)
{
	struct condition_pattern *patterns = arena_grow(values->arena, values->patterns,
		values->count * sizeof(*patterns), (values->count + 1) * sizeof(*patterns));

	if (patterns == NULL)
		return -ENOMEM;
	patterns[values->count++] = (struct condition_pattern){ .value = values->value_count++ };
	values->patterns = patterns;
	values->size = values->count;
	values->absent = false;
	return 0;
}

static int
anchor(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	if ((values->applied & BIT(fieldref)) != 0 && which == M_contains)
		return refuse(
			error, "contains cannot be used with fieldref; use startswith or endswith");
	if (values->null)
		return refuse(error, "null has no text to look for; move it to an item of its own");
	if (values->absent && add_empty(values) != 0)
		return -ENOMEM;
	values->before = which != M_startswith;
	values->after = which != M_endswith;
	for (uint32_t i = 0; i < values->count; i++) {
		struct condition_pattern *pattern = &values->patterns[i];
		int result = 0;

		if (pattern->kind == CONDITION_COMPARISON) {
			pattern->compared.before = values->before;
			pattern->compared.after = values->after;
		} else {
			result =
				widen(&pattern->glob, values->before, values->after, values->arena);
		}
		if (result != 0)
			return result;
	}
	return 0;
}

/* The bytes of a dash at the front of the tokens that windash means: - / and U+2013 to U+2015. */
static uint32_t
dash(const uint16_t *tokens, uint32_t count)
{
	if (count > 0 && (tokens[0] == '-' || tokens[0] == '/'))
		return 1;
	return count > 2 && tokens[0] == 0xe2 && tokens[1] == 0x80 && tokens[2] >= 0x93 &&
			       tokens[2] <= 0x95
		       ? 3
		       : 0;
}

static bool
is_word(uint16_t token)
{
	unsigned char c = token < TOKEN_ONE ? slice_lower((unsigned char)token) : 0;

	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
}

/* A dash begins an option where a word follows it and none ends before it: "a -b", not "a-b". */
static int
windash(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	(void)which;
	(void)error;
	for (uint32_t i = 0; i < values->count; i++) {
		struct glob *glob = &values->patterns[i].glob;
		uint16_t *tokens = arena_alloc(values->arena, glob->count * sizeof(*tokens) + 1);
		uint32_t n = 0;

		if (tokens == NULL)
			return -ENOMEM;
		for (uint32_t at = 0; at < glob->count;) {
			uint32_t len = dash(glob->tokens + at, glob->count - at);
			bool option = len > 0 && at + len < glob->count &&
				      is_word(glob->tokens[at + len]) &&
				      (at == 0 || !is_word(glob->tokens[at - 1]));

			tokens[n++] = option ? TOKEN_DASH : glob->tokens[at];
			at += option ? len : 1;
		}
		glob->tokens = tokens;
		glob->count = n;
	}
	return 0;
}

static int
cased(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	(void)which;
	(void)error;
	values->cased = true;
	return 0;
}

/* ---- encodings ---- */

/* A value's bytes; absent for no memory, or with a wildcard in it and the error said. */
static int
plain_bytes(const struct condition_pattern *pattern, struct arena *arena, struct slice *bytes,
	char error[MODIFIER_ERROR_MAX])
{
	const struct glob *glob = &pattern->glob;
	char *copy = arena_alloc(arena, (size_t)glob->count + 1);

	if (copy == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < glob->count; i++) {
		if (glob->tokens[i] >= TOKEN_ONE)
			return refuse_value(error, pattern->text,
				"has a wildcard or a dash of windash in it, which has no encoding; "
				"put contains behind the encoding");
		copy[i] = (char)glob->tokens[i];
	}
	*bytes = (struct slice){ copy, glob->count };
	return 0;
}

/* Replace the pattern's tokens by these bytes.  An encoding is exact: its letters have a case. */
static int
use_bytes(struct condition_pattern *pattern, struct slice bytes, struct arena *arena,
	char error[MODIFIER_ERROR_MAX])
{
	uint16_t *tokens = arena_alloc(arena, bytes.len * sizeof(*tokens) + 1);

	if (tokens == NULL)
		return -ENOMEM;
	if (bytes.len > GLOB_TOKENS_MAX - 2)
		return refuse_value(error, pattern->text, "is too long when encoded; shorten it");
	for (size_t i = 0; i < bytes.len; i++)
		tokens[i] = (unsigned char)bytes.ptr[i];
	pattern->glob.tokens = tokens;
	pattern->glob.count = (uint32_t)bytes.len;
	return 0;
}

/* The code point at the front of valid UTF-8, and its bytes. */
static uint32_t
code_point(struct slice s, size_t *bytes)
{
	unsigned char first = (unsigned char)s.ptr[0];
	uint32_t code = first;

	*bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (*bytes > s.len) {
		*bytes = 1; /* an escape in the rule made something else of it */
		return code;
	}
	if (*bytes > 1)
		code &= 0xffU >> (*bytes + 1);
	for (size_t i = 1; i < *bytes; i++)
		code = code << 6 | ((unsigned char)s.ptr[i] & 0x3f);
	return code;
}

static size_t
put_unit(char *to, uint32_t unit, bool big)
{
	to[big ? 0 : 1] = (char)(unit >> 8 & 0xff);
	to[big ? 1 : 0] = (char)(unit & 0xff);
	return 2;
}

static int
utf16(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	bool big = which == M_utf16be;

	for (uint32_t i = 0; i < values->count; i++) {
		struct condition_pattern *pattern = &values->patterns[i];
		struct slice bytes;
		size_t n = 0, used;
		char *out;
		int result = plain_bytes(pattern, values->arena, &bytes, error);

		if (result != 0)
			return result;
		out = arena_alloc(values->arena, 2 + bytes.len * 2);
		if (out == NULL)
			return -ENOMEM;
		if (which == M_utf16)
			n += put_unit(out, 0xfeff, false);
		for (; bytes.len > 0; bytes = slice_sub(bytes, used, bytes.len)) {
			uint32_t code = code_point(bytes, &used);

			if (code > 0xffff) {
				n += put_unit(out + n, 0xd800 + ((code - 0x10000) >> 10), big);
				code = 0xdc00 + ((code - 0x10000) & 0x3ff);
			}
			n += put_unit(out + n, code, big);
		}
		result = use_bytes(pattern, (struct slice){ out, n }, values->arena, error);
		if (result != 0)
			return result;
	}
	return 0;
}

/* RFC 4648, 4, behind `shift` bytes of something else: without the digits that depend on these or
 * on what follows, or with `whole` all of them and their padding. */
static struct slice
encode(struct slice bytes, size_t shift, bool whole, struct arena *arena)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const size_t skipped[] = { 0, 2, 3 };
	size_t total = shift + bytes.len, n = 0, end = total * 8 / 6;
	char *out = arena_alloc(arena, (total + 2) / 3 * 4 + 1);

	if (out == NULL)
		return SLICE_NONE;
	if (whole)
		end = (total * 8 + 5) / 6;
	for (size_t digit = skipped[shift]; digit < end; digit++) {
		unsigned int six = 0;

		for (size_t bit = digit * 6; bit < digit * 6 + 6; bit++) {
			size_t at = bit / 8;
			unsigned int byte = at < shift || at >= total
						    ? 0
						    : (unsigned char)bytes.ptr[at - shift];

			six = six << 1 | (byte >> (7 - bit % 8) & 1);
		}
		out[n++] = digits[six];
	}
	while (whole && n % 4 != 0)
		out[n++] = '=';
	return (struct slice){ out, n };
}

static int
base64(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	uint32_t shifts = which == M_base64offset ? 3 : 1;
	struct condition_pattern *out =
		arena_alloc(values->arena, (size_t)values->count * shifts * sizeof(*out) + 1);
	uint32_t n = 0;

	if (out == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < values->count; i++) {
		struct slice bytes, encoded;
		int result = plain_bytes(&values->patterns[i], values->arena, &bytes, error);

		for (uint32_t shift = 0; result == 0 && shift < shifts; shift++) {
			encoded = encode(bytes, shift, shifts == 1, values->arena);
			if (encoded.ptr == NULL)
				return -ENOMEM;
			if (encoded.len == 0)
				return refuse_value(error, values->patterns[i].text,
					"is too short to be known in every encoding; lengthen it");
			out[n] = values->patterns[i];
			result = use_bytes(&out[n++], encoded, values->arena, error);
		}
		if (result != 0)
			return result;
	}
	values->patterns = out;
	values->count = values->size = n;
	values->cased = true;
	return 0;
}

/* ---- regular expressions ---- */

static int
check_regexes(struct modifier_values *values, char error[MODIFIER_ERROR_MAX])
{
	for (uint32_t i = 0; i < values->count; i++) {
		struct slice text = values->patterns[i].text;
		int result;

		if (slice_find_byte(text, '\0') < text.len)
			return refuse_value(error, text, "has a NUL in it; write \\x00");
		result = regex_check(text, values->patterns[i].regex_flags, error);
		if (result != 0)
			return result;
	}
	return 0;
}

_Static_assert(REGEX_ERROR_MAX == MODIFIER_ERROR_MAX, "one buffer serves both");

static int
re(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	(void)which;
	for (uint32_t i = 0; i < values->count; i++)
		values->patterns[i].kind = CONDITION_REGEX;
	return check_regexes(values, error);
}

static int
re_flag(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	unsigned int flag = which == M_i   ? REGEX_CASELESS
			    : which == M_m ? REGEX_MULTILINE
					   : REGEX_DOTALL;

	for (uint32_t i = 0; i < values->count; i++)
		values->patterns[i].regex_flags |= flag;
	return check_regexes(values, error);
}

/* ---- comparisons ---- */

static int
order(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	enum compare_order wanted = which == M_lt    ? COMPARE_LT
				    : which == M_lte ? COMPARE_LTE
				    : which == M_gt  ? COMPARE_GT
						     : COMPARE_GTE;

	for (uint32_t i = 0; i < values->count; i++) {
		struct condition_pattern *pattern = &values->patterns[i];

		if (!compare_is_number(pattern->text))
			return refuse_value(error, pattern->text,
				"is no number; lt, lte, gt and gte compare numbers");
		if (pattern->kind != CONDITION_COMPARISON)
			pattern->compared = (struct comparison){ .kind = COMPARE_NUMBER,
				.number = pattern->text };
		pattern->kind = CONDITION_COMPARISON;
		pattern->compared.order = wanted;
	}
	return 0;
}

static int
part(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	static const struct {
		enum compare_part part;
		uint64_t least, most;
		const char *cure;
	} parts[M_MAX] = {
		[M_minute] = { COMPARE_MINUTE, 0, 59, "is no minute; write 0 to 59" },
		[M_hour] = { COMPARE_HOUR, 0, 23, "is no hour; write 0 to 23" },
		[M_day] = { COMPARE_DAY, 1, 31, "is no day of a month; write 1 to 31" },
		[M_week] = { COMPARE_WEEK, 1, 53, "is no week of ISO 8601; write 1 to 53" },
		[M_month] = { COMPARE_MONTH, 1, 12, "is no month; write 1 to 12" },
		[M_year] = { COMPARE_YEAR, 1, 9999, "is no year; write one as 2026" },
	};

	for (uint32_t i = 0; i < values->count; i++) {
		struct condition_pattern *pattern = &values->patterns[i];
		uint64_t n;

		if (slice_number(pattern->text, parts[which].most, &n) != 0 ||
			n < parts[which].least)
			return refuse_value(error, pattern->text, parts[which].cure);
		pattern->kind = CONDITION_COMPARISON;
		pattern->compared = (struct comparison){
			.kind = COMPARE_DATE, .part = parts[which].part, .number = pattern->text
		};
	}
	return 0;
}

static int
cidr(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	(void)which;
	for (uint32_t i = 0; i < values->count; i++) {
		struct condition_pattern *pattern = &values->patterns[i];

		if (compare_network(pattern->text, &pattern->compared) != 0)
			return refuse_value(error, pattern->text,
				"is no network; write 10.0.0.0/8 or fe80::/10");
		pattern->kind = CONDITION_COMPARISON;
	}
	return 0;
}

static int
fieldref(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	(void)which;
	if (values->before && values->after)
		return refuse(
			error, "contains cannot be used with fieldref; use startswith or endswith");
	for (uint32_t i = 0; i < values->count; i++) {
		struct condition_pattern *pattern = &values->patterns[i];
		enum wevent_field other;
		int result = values->field(values->context, pattern->text, &other);

		if (result == -EINVAL)
			return refuse_value(error, pattern->text, "is no name of a field");
		if (result != 0)
			return result;
		pattern->kind = CONDITION_COMPARISON;
		pattern->compared = (struct comparison){ .kind = COMPARE_FIELD,
			.other = other,
			.before = values->before,
			.after = values->after };
	}
	return 0;
}

static int
exists(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	struct condition_pattern *pattern = values->patterns;

	(void)which;
	if (values->count != 1 || (!slice_equal_nocase(pattern->text, SLICE("true")) &&
					  !slice_equal_nocase(pattern->text, SLICE("false"))))
		return refuse(error, "modifier 'exists' takes true or false");
	pattern->kind = CONDITION_COMPARISON;
	pattern->compared = (struct comparison){ .kind = COMPARE_EXISTS,
		.exists = slice_equal_nocase(pattern->text, SLICE("true")) };
	return 0;
}

/* ---- how values are joined ---- */

static int
all(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	(void)which;
	if (values->value_count < 2)
		return refuse(error, "modifier 'all' needs more than one value; remove it");
	values->all = true;
	return 0;
}

static int
neq(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	(void)which;
	(void)error;
	values->negated = true;
	return 0;
}

/* ---- placeholders ---- */

/* What stands in place of a placeholder, or the value's own rest. */
static int
append(struct condition_pattern *pattern, struct slice text, struct arena *arena,
	char error[MODIFIER_ERROR_MAX])
{
	size_t count = pattern->glob.count + text.len, len = pattern->text.len + text.len;
	uint16_t *tokens = arena_alloc(arena, count * sizeof(*tokens) + 1);
	char *copy = arena_alloc(arena, len + 1);

	if (tokens == NULL || copy == NULL)
		return -ENOMEM;
	if (len > GLOB_TOKENS_MAX - 2)
		return refuse_value(error, pattern->text, "is too long when expanded; shorten it");
	if (pattern->glob.count > 0)
		memcpy(tokens, pattern->glob.tokens, pattern->glob.count * sizeof(*tokens));
	pattern->glob.count += glob_parse(text, tokens + pattern->glob.count);
	pattern->glob.tokens = tokens;
	if (pattern->text.len > 0)
		memcpy(copy, pattern->text.ptr, pattern->text.len);
	memcpy(copy + pattern->text.len, text.ptr, text.len);
	copy[len] = '\0';
	pattern->text = (struct slice){ copy, len };
	return 0;
}

/* Patterns that are on their way from their text with placeholders to their texts without. */
struct expansion {
	struct modifier_values *values;
	struct condition_pattern *list;
	uint32_t count, size;
};

static int
expansion_add(struct expansion *expansion, struct condition_pattern pattern,
	char error[MODIFIER_ERROR_MAX])
{
	uint32_t size = expansion->size == 0 ? 16 : expansion->size * 2;
	struct condition_pattern *list = expansion->list;

	if (expansion->count == MODIFIER_EXPANDED_MAX)
		return refuse(error, "the placeholders make too many values; split the rule");
	if (expansion->count == expansion->size) {
		list = arena_grow(expansion->values->arena, list, expansion->size * sizeof(*list),
			size * sizeof(*list));
		if (list == NULL)
			return -ENOMEM;
		expansion->list = list;
		expansion->size = size;
	}
	list[expansion->count++] = pattern;
	return 0;
}

/* Put the text behind each of the patterns from `first` on. */
static int
append_all(struct expansion *expansion, uint32_t first, struct slice text,
	char error[MODIFIER_ERROR_MAX])
{
	int result = 0;

	for (uint32_t i = first; i < expansion->count && result == 0 && text.len > 0; i++)
		result = append(&expansion->list[i], text, expansion->values->arena, error);
	return result;
}

/* Each of the patterns from `first` on becomes one for each value.  A list without values is a
 * fault that has been told where the list is. */
static int
multiply(struct expansion *expansion, uint32_t first, const struct placeholder *placeholder,
	char error[MODIFIER_ERROR_MAX])
{
	uint32_t end = expansion->count;

	for (uint32_t k = 1; k < placeholder->count; k++) {
		for (uint32_t i = first; i < end; i++) {
			struct condition_pattern pattern = expansion->list[i];
			int result = append(
				&pattern, placeholder->values[k], expansion->values->arena, error);

			if (result == 0)
				result = expansion_add(expansion, pattern, error);
			if (result != 0)
				return result;
		}
	}
	for (uint32_t i = first; i < end && placeholder->count > 0; i++) {
		int result = append(&expansion->list[i], placeholder->values[0],
			expansion->values->arena, error);

		if (result != 0)
			return result;
	}
	return 0;
}

/* One value: the combinations of its placeholders' values. */
static int
expand_value(struct expansion *expansion, const struct condition_pattern *pattern,
	char error[MODIFIER_ERROR_MAX])
{
	struct condition_pattern empty = { .value = pattern->value };
	struct slice rest = pattern->text;
	uint32_t first = expansion->count;
	int result = expansion_add(expansion, empty, error);

	while (result == 0 && rest.len > 0) {
		size_t len = 0, at = placeholders_next(rest, &len);
		struct slice name = SLICE_NONE;
		const struct placeholder *found;

		if (len > 0)
			name = slice_sub(rest, at + 1, at + len - 1);
		result = append_all(expansion, first, slice_sub(rest, 0, at), error);
		rest = slice_sub(rest, at + len, rest.len);
		if (len == 0 || result != 0)
			continue;
		found = expansion->values->placeholder(expansion->values->context, name);
		if (found == NULL) {
			(void)snprintf(error, MODIFIER_ERROR_MAX,
				"placeholder %%%.*s%% has no values; write 'placeholders: { %.*s: "
				"[ ... ] }' into placeholders.yml beside the rules",
				(int)name.len, name.ptr, (int)name.len, name.ptr);
			return -EINVAL;
		}
		result = multiply(expansion, first, found, error);
	}
	return result;
}

/* The values as they were written, with their placeholders replaced; wildcards that were added
 * before are added again. */
static int
expand(struct modifier_values *values, unsigned int which, char error[MODIFIER_ERROR_MAX])
{
	struct expansion expansion = { .values = values };

	(void)which;
	for (uint32_t i = 0; i < values->count; i++) {
		int result = expand_value(&expansion, &values->patterns[i], error);

		if (result != 0)
			return result;
	}
	values->patterns = expansion.list;
	values->count = expansion.count;
	values->size = expansion.size;
	for (uint32_t i = 0; i < values->count; i++)
		if (widen(&values->patterns[i].glob, values->before, values->after,
			    values->arena) != 0)
			return -ENOMEM;
	return 0;
}

/* ---- the table ---- */

static const struct {
	struct slice name;
	modifier_function *apply;
	unsigned int behind; /* which others it may stand behind */
	unsigned int needs;  /* of which one must be there, or 0 */
	bool nulls;          /* null and '' may be among the values */
} modifiers[M_MAX] = {
	[M_all] = { SLICE_INIT("all"), all, ~(BIT(all) | BIT(exists)), 0, false },
	[M_base64] = { SLICE_INIT("base64"), base64, UTF16 | JOIN, 0, false },
	[M_base64offset] = { SLICE_INIT("base64offset"), base64, UTF16 | JOIN, 0, false },
	[M_cased] = { SLICE_INIT("cased"), cased,
		ANCHORS | UTF16 | JOIN | BIT(windash) | BIT(base64) | BIT(base64offset), 0, false },
	[M_cidr] = { SLICE_INIT("cidr"), cidr, JOIN, 0, false },
	[M_contains] = { SLICE_INIT("contains"), anchor,
		UTF16 | JOIN | BIT(windash) | BIT(base64) | BIT(base64offset) | BIT(cased) |
			BIT(fieldref),
		0, true },
	[M_day] = { SLICE_INIT("day"), part, JOIN, 0, false },
	[M_endswith] = { SLICE_INIT("endswith"), anchor,
		UTF16 | JOIN | BIT(windash) | BIT(base64) | BIT(base64offset) | BIT(cased) |
			BIT(fieldref),
		0, true },
	[M_exists] = { SLICE_INIT("exists"), exists, BIT(neq), 0, false },
	[M_expand] = { SLICE_INIT("expand"), expand, ANCHORS | JOIN | BIT(cased), 0, false },
	[M_fieldref] = { SLICE_INIT("fieldref"), fieldref, ANCHORS | JOIN, 0, false },
	[M_gt] = { SLICE_INIT("gt"), order, PARTS | JOIN, 0, false },
	[M_gte] = { SLICE_INIT("gte"), order, PARTS | JOIN, 0, false },
	[M_hour] = { SLICE_INIT("hour"), part, JOIN, 0, false },
	[M_i] = { SLICE_INIT("i"), re_flag, BIT(re) | FLAGS | JOIN, BIT(re), false },
	[M_lt] = { SLICE_INIT("lt"), order, PARTS | JOIN, 0, false },
	[M_lte] = { SLICE_INIT("lte"), order, PARTS | JOIN, 0, false },
	[M_m] = { SLICE_INIT("m"), re_flag, BIT(re) | FLAGS | JOIN, BIT(re), false },
	[M_minute] = { SLICE_INIT("minute"), part, JOIN, 0, false },
	[M_month] = { SLICE_INIT("month"), part, JOIN, 0, false },
	[M_neq] = { SLICE_INIT("neq"), neq, ~BIT(neq), 0, true },
	[M_re] = { SLICE_INIT("re"), re, JOIN, 0, false },
	[M_s] = { SLICE_INIT("s"), re_flag, BIT(re) | FLAGS | JOIN, BIT(re), false },
	[M_startswith] = { SLICE_INIT("startswith"), anchor,
		UTF16 | JOIN | BIT(windash) | BIT(base64) | BIT(base64offset) | BIT(cased) |
			BIT(fieldref),
		0, true },
	[M_utf16] = { SLICE_INIT("utf16"), utf16, JOIN, 0, false },
	[M_utf16be] = { SLICE_INIT("utf16be"), utf16, JOIN, 0, false },
	[M_utf16le] = { SLICE_INIT("utf16le"), utf16, JOIN, 0, false },
	[M_week] = { SLICE_INIT("week"), part, JOIN, 0, false },
	[M_wide] = { SLICE_INIT("wide"), utf16, JOIN, 0, false },
	[M_windash] = { SLICE_INIT("windash"), windash, ANCHORS | JOIN | BIT(cased), 0, false },
	[M_year] = { SLICE_INIT("year"), part, JOIN, 0, false },
};

/* Can the modifier stand where it does? */
static int
fits(unsigned int which, const struct modifier_values *values, char error[MODIFIER_ERROR_MAX])
{
	const char *name = modifiers[which].name.ptr;

	if ((values->applied & 1U << which) != 0) {
		(void)snprintf(
			error, MODIFIER_ERROR_MAX, "modifier '%s' stands twice; remove one", name);
		return -EINVAL;
	}
	if (modifiers[which].needs != 0 && (values->applied & modifiers[which].needs) == 0) {
		(void)snprintf(
			error, MODIFIER_ERROR_MAX, "modifier '%s' belongs behind 're'", name);
		return -EINVAL;
	}
	for (unsigned int other = 0; other < M_MAX; other++) {
		if ((values->applied & ~modifiers[which].behind & 1U << other) == 0)
			continue;
		(void)snprintf(error, MODIFIER_ERROR_MAX,
			"modifier '%s' cannot stand behind '%s'; remove one of them, or write the "
			"other first",
			name, modifiers[other].name.ptr);
		return -EINVAL;
	}
	if (values->absent && !modifiers[which].nulls) {
		(void)snprintf(error, MODIFIER_ERROR_MAX,
			"modifier '%s' needs a value; move null and '' to an item of their own",
			name);
		return -EINVAL;
	}
	return 0;
}

static void
tell_unknown(struct slice name, char error[MODIFIER_ERROR_MAX])
{
	int len = (int)(name.len < 60 ? name.len : 60);
	const char *text = name.len == 0 ? "" : name.ptr;

	for (unsigned int which = 0; which < M_MAX; which++) {
		if (!spelling_is_near(name, modifiers[which].name))
			continue;
		(void)snprintf(error, MODIFIER_ERROR_MAX,
			"unknown modifier '%.*s'; did you mean %s?", len, text,
			modifiers[which].name.ptr);
		return;
	}
	(void)snprintf(error, MODIFIER_ERROR_MAX,
		"unknown modifier '%.*s'; the manual lists those of Sigma", len, text);
}

int
modifier_apply(struct slice name, struct modifier_values *values, char error[MODIFIER_ERROR_MAX])
{
	for (unsigned int which = 0; which < M_MAX; which++) {
		int result;

		if (!slice_equal(name, modifiers[which].name))
			continue;
		result = fits(which, values, error);
		if (result == 0)
			result = modifiers[which].apply(values, which, error);
		values->applied |= 1U << which;
		return result;
	}
	tell_unknown(name, error);
	return -EINVAL;
}
