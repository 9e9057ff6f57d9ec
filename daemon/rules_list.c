/* t1505d rules list: a table, JSON, or a layer for ATT&CK Navigator. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include <yajl/yajl_gen.h>

#include "daemon/log.h"
#include "daemon/rules_cmd.h"
#include "daemon/table.h"
#include "detect/filter.h"

#define CELL_MAX 512 /* bytes of a cell of the list */

static void
json_text(yajl_gen gen, const char *key, const char *value)
{
	(void)yajl_gen_string(gen, (const unsigned char *)key, strlen(key));
	if (value == NULL)
		(void)yajl_gen_null(gen);
	else
		(void)yajl_gen_string(gen, (const unsigned char *)value, strlen(value));
}

static void
json_texts(yajl_gen gen, const char *key, const char *const *values)
{
	(void)yajl_gen_string(gen, (const unsigned char *)key, strlen(key));
	(void)yajl_gen_array_open(gen);
	for (size_t i = 0; values[i] != NULL; i++)
		(void)yajl_gen_string(gen, (const unsigned char *)values[i], strlen(values[i]));
	(void)yajl_gen_array_close(gen);
}

static void
json_flag(yajl_gen gen, const char *key, bool value)
{
	(void)yajl_gen_string(gen, (const unsigned char *)key, strlen(key));
	(void)yajl_gen_bool(gen, value);
}

/* What was generated, on a line of its own; the generator begins anew. */
static void
json_print(yajl_gen gen)
{
	const unsigned char *text;
	size_t length;

	(void)yajl_gen_get_buf(gen, &text, &length);
	(void)fwrite(text, 1, length, stdout); /* errors stay in the stream */
	(void)putchar('\n');
	yajl_gen_clear(gen);
	yajl_gen_reset(gen, NULL);
}

static void
list_json(yajl_gen gen, const struct rules *rules)
{
	for (size_t i = 0; i < ruleset_count(rules->set); i++) {
		const struct rule *rule = ruleset_rule(rules->set, i);

		(void)yajl_gen_map_open(gen);
		json_text(gen, "id", rule->id);
		json_text(gen, "title", rule->title);
		json_text(gen, "level", severity_name(rule->severity));
		json_text(gen, "status", rule->status);
		json_text(gen, "detection_type", rule->detection_type);
		json_texts(gen, "techniques", rule->techniques);
		json_texts(gen, "tags", rule->tags);
		json_text(gen, "file", rule->file);
		json_flag(gen, "core", rule->core);
		json_flag(gen, "correlation", ruleset_correlation(rules->set, rule) != NULL);
		json_flag(gen, "idle", ruleset_is_idle(rules->set, rule));
		json_flag(gen, "silent", rule->silent);
		(void)yajl_gen_map_close(gen);
		json_print(gen);
	}
}

/* A technique and how many rules have it. */
struct coverage {
	const char *id;
	size_t count;
};

static int
compare_coverage(const void *left, const void *right)
{
	const struct coverage *a = left, *b = right;

	return strcmp(a->id, b->id);
}

/* All techniques, each once; free() the list.  NULL for no memory. */
static struct coverage *
cover(const struct rules *rules, size_t *count)
{
	struct coverage *list;
	size_t n = 0;

	*count = 0;
	for (size_t i = 0; i < ruleset_count(rules->set); i++)
		for (size_t k = 0; ruleset_rule(rules->set, i)->techniques[k] != NULL; k++)
			n++;
	list = calloc(n + 1, sizeof(*list));
	if (list == NULL)
		return NULL;
	n = 0;
	for (size_t i = 0; i < ruleset_count(rules->set); i++)
		for (size_t k = 0; ruleset_rule(rules->set, i)->techniques[k] != NULL; k++)
			list[n++] =
				(struct coverage){ ruleset_rule(rules->set, i)->techniques[k], 1 };
	if (n > 0)
		qsort(list, n, sizeof(*list), compare_coverage);
	for (size_t i = 0; i < n; i++) {
		if (*count > 0 && strcmp(list[*count - 1].id, list[i].id) == 0)
			list[*count - 1].count++;
		else
			list[(*count)++] = list[i];
	}
	return list;
}

/* ---- list: the table ---- */

enum {
	COLUMN_LEVEL,
	COLUMN_STATUS,
	COLUMN_KIND,
	COLUMN_TECHNIQUES,
	COLUMN_TITLE,
	COLUMN_DETECTION,
	COLUMN_FILE,
	COLUMN_ID,
	COLUMN_MAX
};

static const struct {
	const char *head;
	size_t max; /* columns */
} list_columns[COLUMN_MAX] = {
	[COLUMN_LEVEL] = { "LEVEL", 13 },
	[COLUMN_STATUS] = { "STATUS", 12 },
	[COLUMN_KIND] = { "KIND", 19 },
	[COLUMN_TECHNIQUES] = { "TECHNIQUES", 20 },
	[COLUMN_TITLE] = { "TITLE", 80 },
	[COLUMN_DETECTION] = { "DETECTION", 40 },
	[COLUMN_FILE] = { "FILE", 120 },
	[COLUMN_ID] = { "ID", 80 },
};

/* Texts, joined, as far as they fit. */
static struct slice
join_texts(const char *const *texts, const char *comma, char *joined, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; texts[i] != NULL && length < size; i++) {
		int n = snprintf(
			joined + length, size - length, "%s%s", i == 0 ? "" : comma, texts[i]);

		length += n < 0 ? 0 : (size_t)n;
	}
	return (struct slice){ joined, length < size ? length : size - 1 };
}

/* What an author or the operator wrote is made printable. */
static void
list_cells(const struct rules *rules, const struct rule *rule, char cells[COLUMN_MAX][CELL_MAX])
{
	bool correlation = ruleset_correlation(rules->set, rule) != NULL;
	bool idle = ruleset_is_idle(rules->set, rule);
	char techniques[CELL_MAX] = "", kind[CELL_MAX];
	struct slice texts[COLUMN_MAX] = {
		[COLUMN_LEVEL] = slice_of(severity_name(rule->severity)),
		[COLUMN_STATUS] = slice_of(rule->status == NULL ? "" : rule->status),
		[COLUMN_TECHNIQUES] =
			join_texts(rule->techniques, ",", techniques, sizeof(techniques)),
		[COLUMN_TITLE] = slice_of(rule->title),
		[COLUMN_DETECTION] = slice_of(rule->detection_type),
		[COLUMN_FILE] = slice_of(rule->file),
		[COLUMN_ID] = slice_of(rule->id),
	};

	(void)snprintf(kind, sizeof(kind), "%s%s%s", correlation ? "correlation" : "rule",
		rule->silent ? ",silent" : "", idle ? ",idle" : "");
	texts[COLUMN_KIND] = slice_of(kind);
	for (size_t i = 0; i < COLUMN_MAX; i++)
		(void)log_escape(texts[i], cells[i], CELL_MAX);
}

static void
list_row(char cells[COLUMN_MAX][CELL_MAX], const size_t widths[COLUMN_MAX])
{
	size_t left = table_columns();

	for (size_t i = 0; i < COLUMN_MAX; i++)
		table_cell(cells[i], widths[i], i == COLUMN_MAX - 1, &left);
	(void)putchar('\n');
}

static void
list_coverage(const struct rules *rules, const struct coverage *coverage, size_t techniques)
{
	static const char *const none[] = { NULL };

	printf("\n%-10s %5s  %-20s  %s\n", "TECHNIQUE", "RULES", "TACTICS", "NAME");
	for (size_t i = 0; i < techniques; i++) {
		const struct technique *technique = attack_find(rules->attack, coverage[i].id);
		char joined[CELL_MAX] = "", tactics[CELL_MAX], name[CELL_MAX];

		(void)log_escape(join_texts(technique == NULL ? none : technique->tactics, ", ",
					 joined, sizeof(joined)),
			tactics, sizeof(tactics));
		(void)log_escape(technique == NULL ? SLICE_NONE : slice_of(technique->name), name,
			sizeof(name));
		printf("%-10s %5zu  %-20s  %s\n", coverage[i].id, coverage[i].count, tactics, name);
	}
}

static void
list_table(const struct rules *rules, const struct coverage *coverage, size_t techniques)
{
	char cells[COLUMN_MAX][CELL_MAX];
	size_t widths[COLUMN_MAX];

	for (size_t k = 0; k < COLUMN_MAX; k++)
		widths[k] = strlen(list_columns[k].head);
	for (size_t i = 0; i < ruleset_count(rules->set); i++) {
		list_cells(rules, ruleset_rule(rules->set, i), cells);
		for (size_t k = 0; k < COLUMN_MAX; k++) {
			size_t width = table_width(cells[k], list_columns[k].max);

			widths[k] = width > widths[k] ? width : widths[k];
		}
	}
	for (size_t k = 0; k < COLUMN_MAX; k++)
		(void)snprintf(cells[k], CELL_MAX, "%s", list_columns[k].head);
	list_row(cells, widths);
	for (size_t i = 0; i < ruleset_count(rules->set); i++) {
		list_cells(rules, ruleset_rule(rules->set, i), cells);
		list_row(cells, widths);
	}
	list_coverage(rules, coverage, techniques);
	printf("\n%zu rules, %zu filters, %zu techniques\n", ruleset_count(rules->set),
		ruleset_filter_count(rules->set), techniques);
}

/* ---- list: the layer ---- */

static void
json_number(yajl_gen gen, const char *key, size_t value)
{
	(void)yajl_gen_string(gen, (const unsigned char *)key, strlen(key));
	(void)yajl_gen_integer(gen, (long long)value);
}

/* The titles of the rules that have the technique, a line each.  false: no memory. */
static bool
json_titles(yajl_gen gen, const struct rules *rules, const char *id)
{
	char *text = NULL;
	size_t length, n = 0;
	FILE *stream = open_memstream(&text, &length);
	bool good = stream != NULL;

	for (size_t i = 0; good && i < ruleset_count(rules->set); i++) {
		const struct rule *rule = ruleset_rule(rules->set, i);

		for (size_t k = 0; rule->techniques[k] != NULL; k++)
			if (strcmp(rule->techniques[k], id) == 0)
				fprintf(stream, "%s%s", n++ == 0 ? "" : "\n", rule->title);
	}
	if (stream != NULL)
		good = fclose(stream) == 0; /* which writes what is left */
	if (good)
		json_text(gen, "comment", text);
	free(text);
	return good;
}

/* Layer format 4.5, which a Navigator reads from 4.9.0 on: a technique's score is how many rules
 * have it.  Without a version of ATT&CK the Navigator takes its own: the table of techniques does
 * not say which it is.  false: no memory. */
static bool
list_navigator(
	yajl_gen gen, const struct rules *rules, const struct coverage *coverage, size_t techniques)
{
	size_t most = 1;
	bool good = true;

	(void)yajl_gen_map_open(gen);
	json_text(gen, "name", "t1505d");
	(void)yajl_gen_string(gen, (const unsigned char *)"versions", 8);
	(void)yajl_gen_map_open(gen);
	json_text(gen, "navigator", "4.9.0");
	json_text(gen, "layer", "4.5");
	(void)yajl_gen_map_close(gen);
	json_text(gen, "domain", "enterprise-attack");
	json_text(gen, "description", "Rules that are loaded, by technique");
	(void)yajl_gen_string(gen, (const unsigned char *)"techniques", 10);
	(void)yajl_gen_array_open(gen);
	for (size_t i = 0; i < techniques && good; i++) {
		(void)yajl_gen_map_open(gen);
		json_text(gen, "techniqueID", coverage[i].id);
		json_number(gen, "score", coverage[i].count);
		good = json_titles(gen, rules, coverage[i].id);
		json_flag(gen, "enabled", true);
		(void)yajl_gen_map_close(gen);
		most = coverage[i].count > most ? coverage[i].count : most;
	}
	(void)yajl_gen_array_close(gen);
	(void)yajl_gen_string(gen, (const unsigned char *)"gradient", 8);
	(void)yajl_gen_map_open(gen);
	json_texts(gen, "colors", (const char *const[]){ "#ffe766", "#8ec843", NULL });
	json_number(gen, "minValue", 0);
	json_number(gen, "maxValue", most);
	(void)yajl_gen_map_close(gen);
	(void)yajl_gen_map_close(gen);
	if (good)
		json_print(gen);
	return good;
}

int
rules_list(const struct cmd_loaded *loaded, const struct rules_options *options, char **words)
{
	struct coverage *coverage = NULL;
	yajl_gen gen = NULL;
	size_t techniques = 0;
	bool good = true;
	int result = EX_OSERR;

	(void)words;
	coverage = cover(loaded->rules, &techniques);
	gen = yajl_gen_alloc(NULL);
	if (coverage == NULL || gen == NULL)
		goto done;
	if (options->navigator)
		good = list_navigator(gen, loaded->rules, coverage, techniques);
	else if (options->json || (!options->table && !isatty(STDOUT_FILENO)))
		list_json(gen, loaded->rules);
	else
		list_table(loaded->rules, coverage, techniques);
	if (good)
		result = cmd_finish(EX_OK);
done:
	if (result == EX_OSERR)
		fputs("t1505d rules: out of memory\n", stderr);
	if (gen != NULL)
		yajl_gen_free(gen);
	free(coverage);
	return result;
}
