/* MITRE ATT&CK's table of techniques.  A copy of the text is cut into strings in place; the
 * techniques are kept sorted by their id and found by halving.  It knows no relation between a
 * technique and its sub-techniques: each has its own line. */

#include <stdlib.h>
#include <string.h>

#include "detect/attack.h"
#include "detect/spelling.h"
#include "parsers/utf8.h"

struct attack {
	struct technique *list;
	size_t count;
	const char **tactics; /* of all techniques in a row, each group NULL-terminated */
	size_t tactics_used;
	const char **names; /* of tactics, each once */
	size_t name_count;
	char *text;
};

static struct slice
next_part(struct slice *rest, char separator)
{
	size_t at = slice_find_byte(*rest, separator);
	struct slice part = slice_sub(*rest, 0, at);

	*rest = at < rest->len ? slice_sub(*rest, at + 1, rest->len) : SLICE_NONE;
	return part;
}

static size_t
count_byte(struct slice text, char byte)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += text.ptr[i] == byte;
	return count;
}

static bool
all_digits(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	return s.len > 0;
}

/* T1505 or T1505.003 */
static bool
is_id(struct slice s)
{
	if (s.len != 5 && s.len != 9)
		return false;
	if (s.ptr[0] != 'T' || !all_digits(slice_sub(s, 1, 5)))
		return false;
	return s.len == 5 || (s.ptr[5] == '.' && all_digits(slice_sub(s, 6, 9)));
}

/* ATT&CK's short name of a tactic: "defense-evasion". */
static bool
is_tactic(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((s.ptr[i] < 'a' || s.ptr[i] > 'z') && s.ptr[i] != '-')
			return false;
	return s.len > 0;
}

/* The part as a string: what stands behind it in the copy is a separator or the copy's own end. */
static const char *
terminate(const struct attack *attack, struct slice part)
{
	char *string = attack->text + (part.ptr - attack->text);

	string[part.len] = '\0';
	return string;
}

/* The tactic's name, which is kept once. */
static const char *
keep_name(struct attack *attack, struct slice tactic)
{
	for (size_t i = 0; i < attack->name_count; i++)
		if (slice_equal(tactic, slice_of(attack->names[i])))
			return attack->names[i];
	attack->names[attack->name_count] = terminate(attack, tactic);
	return attack->names[attack->name_count++];
}

/* NULL, or what is wrong with the line. */
static const char *
add_line(struct attack *attack, struct slice line)
{
	struct slice id = next_part(&line, '\t');
	struct slice name = next_part(&line, '\t');
	struct slice tactics = line;
	struct technique *technique = &attack->list[attack->count];
	size_t used = attack->tactics_used;

	if (!is_id(id))
		return "a line begins with an id such as T1505.003 and a tab";
	if (name.len == 0 || tactics.ptr == NULL)
		return "expected id, tab, name, tab, tactics";
	while (tactics.ptr != NULL) {
		struct slice tactic = next_part(&tactics, ',');

		if (!is_tactic(tactic))
			return "tactics are ATT&CK's short names (defense-evasion), separated by "
			       "commas";
		attack->tactics[used++] = keep_name(attack, tactic);
	}
	attack->tactics[used++] = NULL;
	technique->id = terminate(attack, id);
	technique->name = terminate(attack, name);
	technique->tactics = attack->tactics + attack->tactics_used;
	attack->tactics_used = used;
	attack->count++;
	return NULL;
}

static void
parse_lines(struct attack *attack, struct slice text, const char *file, struct faults *faults)
{
	for (int line_number = 1; text.ptr != NULL; line_number++) {
		struct slice line = slice_trim(next_part(&text, '\n'));
		const char *wrong;

		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (utf8_valid(line) < line.len || slice_find_byte(line, '\0') < line.len)
			wrong = "not UTF-8 text; save the file as UTF-8";
		else
			wrong = add_line(attack, line);
		if (wrong != NULL)
			faults_add(faults, file, line_number, 1, false, "%s", wrong);
	}
}

static int
compare(const void *a, const void *b)
{
	const struct technique *left = a;
	const struct technique *right = b;

	return strcmp(left->id, right->id);
}

static void
drop_repeats(struct attack *attack, const char *file, struct faults *faults)
{
	size_t kept = 0;

	for (size_t i = 0; i < attack->count; i++) {
		if (kept > 0 && compare(&attack->list[kept - 1], &attack->list[i]) == 0)
			faults_add(faults, file, 0, 0, false,
				"%s stands on more than one line; keep one", attack->list[i].id);
		else
			attack->list[kept++] = attack->list[i];
	}
	attack->count = kept;
}

struct attack *
attack_parse(const char *file, struct slice text, struct faults *faults)
{
	struct attack *attack = calloc(1, sizeof(*attack));
	size_t lines = count_byte(text, '\n') + 1;
	size_t commas = count_byte(text, ',');

	if (attack == NULL)
		return NULL;
	attack->list = calloc(lines, sizeof(*attack->list));
	/* A line's tactics are one more than its commas, and a NULL. */
	attack->tactics = calloc(commas + 2 * lines, sizeof(*attack->tactics));
	attack->names = calloc(commas + lines, sizeof(*attack->names));
	attack->text = malloc(text.len + 1);
	if (attack->list == NULL || attack->tactics == NULL || attack->names == NULL ||
		attack->text == NULL) {
		attack_free(attack);
		return NULL;
	}
	if (text.len > 0)
		memcpy(attack->text, text.ptr, text.len);
	attack->text[text.len] = '\0';

	parse_lines(attack, (struct slice){ attack->text, text.len }, file, faults);
	qsort(attack->list, attack->count, sizeof(*attack->list), compare);
	drop_repeats(attack, file, faults);
	return attack;
}

void
attack_free(struct attack *attack)
{
	if (attack == NULL)
		return;
	free(attack->list);
	free(attack->tactics);
	free(attack->names);
	free(attack->text);
	free(attack);
}

const struct technique *
attack_find(const struct attack *attack, const char *id)
{
	struct technique key = { .id = id };

	if (attack == NULL)
		return NULL;
	return bsearch(&key, attack->list, attack->count, sizeof(*attack->list), compare);
}

const char *
attack_tactic_meant(const struct attack *attack, struct slice word)
{
	const char *meant = NULL;

	for (size_t i = 0; i < attack->name_count; i++) {
		struct slice name = slice_of(attack->names[i]);

		if (slice_equal(word, name))
			return NULL;
		if (meant == NULL && spelling_is_near(word, name))
			meant = attack->names[i];
	}
	return meant;
}
