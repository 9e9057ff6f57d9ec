/* The table of t1505d replay, and what others are made of.  Rows are kept until the end, since the
 * newest comes first and the widest cell sets the width of its column; on a narrow terminal what
 * was done has a line of its own.  A character counts as one column wide. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/table.h"
#include "parsers/stamp.h"

#define CELL_COLUMNS_MAX 40 /* of a type or a name */
#define NAME_COLUMNS_MIN 12 /* on a narrow terminal */
#define DEED_COLUMNS_MIN 40 /* with less room it has a line of its own */
#define DEED_INDENT "    "
#define CELL_BYTES_MAX 4096

enum {
	COLUMN_TIME,
	COLUMN_SEVERITY,
	COLUMN_TYPE,
	COLUMN_HOST,
	COLUMN_USER,
	COLUMN_DEED,
	COLUMN_MAX
};

struct row {
	int64_t time;
	size_t order; /* of coming */
	const struct rule *rule;
	char *host, *user, *deed; /* printable; one allocation, which begins at host */
};

struct table {
	struct row *rows;
	size_t count, room;
	uint64_t left_out;
};

/* How it is laid out. */
struct look {
	size_t columns; /* of the terminal */
	size_t widths[COLUMN_MAX];
	bool two_lines;
	bool colour;
};

struct table *
table_new(void)
{
	return calloc(1, sizeof(struct table));
}

void
table_free(struct table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < table->count; i++)
		free(table->rows[i].host);
	free(table->rows);
	free(table);
}

uint64_t
table_left_out(const struct table *table)
{
	return table->left_out;
}

/* "Critical WebShell_ChildProcess on web01: w3 started cmd as user" without what has columns of its
 * own. */
static struct slice
deed_of(const struct alert *alert, struct slice user)
{
	struct slice text = alert->message, as = SLICE(" as ");
	size_t at = slice_find(text, SLICE(": "));
	size_t end;

	if (at < text.len)
		text = slice_sub(text, at + 2, text.len);
	end = text.len < user.len + as.len ? 0 : text.len - user.len - as.len;
	if (user.len > 0 && end > 0 && slice_equal(slice_sub(text, end, end + as.len), as) &&
		slice_equal(slice_sub(text, end + as.len, text.len), user))
		text = slice_sub(text, 0, end);
	return text;
}

static bool
row_fill(struct row *row, struct slice host, struct slice user, struct slice deed)
{
	char cells[3][CELL_BYTES_MAX];
	size_t lengths[3];
	const struct slice values[3] = { host, user, deed };

	for (size_t i = 0; i < 3; i++)
		lengths[i] = strlen(log_escape(values[i], cells[i], sizeof(cells[i]))) + 1;
	row->host = malloc(lengths[0] + lengths[1] + lengths[2]);
	if (row->host == NULL)
		return false;
	row->user = row->host + lengths[0];
	row->deed = row->user + lengths[1];
	memcpy(row->host, cells[0], lengths[0]);
	memcpy(row->user, cells[1], lengths[1]);
	memcpy(row->deed, cells[2], lengths[2]);
	return true;
}

void
table_add(struct table *table, const struct alert *alert, struct slice user)
{
	struct row row = { .time = alert->time, .order = table->count, .rule = alert->rule };
	struct row *rows = table->rows;

	if (table->count == TABLE_ROWS_MAX) {
		table->left_out++;
		return;
	}
	if (table->count == table->room) {
		size_t room = table->room == 0 ? 64 : table->room * 2;

		rows = realloc(rows, room * sizeof(*rows));
		if (rows != NULL) {
			table->rows = rows;
			table->room = room;
		}
	}
	if (rows == NULL || !row_fill(&row, alert->host, user, deed_of(alert, user))) {
		table->left_out++;
		return;
	}
	rows[table->count++] = row;
}

/* Newest first; of one time, in the order of coming. */
static int
compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	if (a->time != b->time)
		return a->time > b->time ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

/* The bytes of text that fill at most `columns`, a character being one wide; the number of columns
 * in *used. */
static size_t
fit(const char *text, size_t columns, size_t *used)
{
	size_t i = 0;

	for (*used = 0; text[i] != '\0'; ++*used) {
		if (*used == columns)
			return i;
		for (i++; ((unsigned char)text[i] & 0xc0) == 0x80; i++)
			continue;
	}
	return i;
}

size_t
table_width(const char *text, size_t max)
{
	size_t used;

	(void)fit(text, max, &used);
	return used;
}

void
table_cell(const char *text, size_t width, bool last, size_t *left)
{
	size_t columns = width < *left ? width : *left, used, bytes;

	bytes = fit(text, columns, &used);
	if (text[bytes] != '\0' && columns > 0) {
		bytes = fit(text, columns - 1, &used);
		printf("%.*s\xe2\x80\xa6", (int)bytes, text);
		used++;
	} else {
		printf("%.*s", (int)bytes, text);
	}
	*left -= used;
	if (last)
		return;
	for (width += 2; width > used && *left > 0; used++, --*left)
		putchar(' ');
}

static void
row_cells(const struct row *row, char time[STAMP_TEXT_MAX], const char *cells[COLUMN_MAX])
{
	size_t length = stamp_format(row->time, time);

	/* Whole seconds, with a blank in the place of the T. */
	for (size_t i = 0; i < length; i++) {
		if (time[i] == 'T')
			time[i] = ' ';
		if (time[i] == '.' || time[i] == 'Z')
			time[i] = '\0';
	}
	cells[COLUMN_TIME] = time;
	cells[COLUMN_SEVERITY] = severity_name(row->rule->severity);
	cells[COLUMN_TYPE] = row->rule->detection_type;
	cells[COLUMN_HOST] = row->host;
	cells[COLUMN_USER] = row->user;
	cells[COLUMN_DEED] = row->deed;
}

static void
print_row(const struct look *look, const char *const cells[COLUMN_MAX], const char *colour)
{
	size_t left = look->columns, count = look->two_lines ? COLUMN_DEED : COLUMN_MAX;

	for (size_t i = 0; i < count; i++) {
		if (i == COLUMN_SEVERITY)
			fputs(colour, stdout);
		table_cell(cells[i], look->widths[i], i == count - 1, &left);
		if (i == COLUMN_SEVERITY && colour[0] != '\0')
			fputs("\033[0m", stdout);
	}
	putchar('\n');
	if (!look->two_lines)
		return;
	left = look->columns > sizeof(DEED_INDENT) ? look->columns - sizeof(DEED_INDENT) + 1 : 1;
	fputs(DEED_INDENT, stdout);
	table_cell(cells[COLUMN_DEED], look->widths[COLUMN_DEED], true, &left);
	putchar('\n');
}

size_t
table_columns(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
		size.ws_col > 0)
		return size.ws_col;
	return SIZE_MAX;
}

/* https://no-color.org: set and not empty. */
static bool
colours_wanted(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0');
}

/* As wide as what stands in the columns, but names narrower where the terminal is. */
static void
lay_out(struct look *look, const struct table *table, const char *const head[COLUMN_MAX])
{
	size_t taken = 0, name = look->columns / 7;

	name = name < NAME_COLUMNS_MIN ? NAME_COLUMNS_MIN : name;
	name = name > CELL_COLUMNS_MAX ? CELL_COLUMNS_MAX : name;
	for (size_t i = 0; i < COLUMN_MAX; i++)
		look->widths[i] = strlen(head[i]);
	for (size_t row = 0; row < table->count; row++) {
		const char *cells[COLUMN_MAX];
		char time[STAMP_TEXT_MAX];

		row_cells(&table->rows[row], time, cells);
		for (size_t i = 0; i < COLUMN_DEED; i++) {
			size_t width =
				table_width(cells[i], i < COLUMN_HOST ? CELL_COLUMNS_MAX : name);

			look->widths[i] = width > look->widths[i] ? width : look->widths[i];
		}
	}
	for (size_t i = 0; i < COLUMN_DEED; i++)
		taken += look->widths[i] + 2;
	look->widths[COLUMN_DEED] = CELL_BYTES_MAX;
	look->two_lines = look->columns < taken + DEED_COLUMNS_MIN;
}

void
table_print(struct table *table)
{
	static const char *const head[COLUMN_MAX] = { "TIME (UTC)", "SEVERITY", "DETECTION", "HOST",
		"USER", "WHAT" };
	static const char *const colours[SEVERITY_MAX] = {
		[SEVERITY_INFORMATIONAL] = "\033[2m",
		[SEVERITY_LOW] = "\033[36m",
		[SEVERITY_MEDIUM] = "\033[33m",
		[SEVERITY_HIGH] = "\033[31m",
		[SEVERITY_CRITICAL] = "\033[1;31m",
	};
	struct look look = { .columns = table_columns(), .colour = colours_wanted() };

	if (table->count == 0)
		return;
	qsort(table->rows, table->count, sizeof(*table->rows), compare_rows);
	lay_out(&look, table, head);
	print_row(&look, head, "");
	for (size_t row = 0; row < table->count; row++) {
		const char *cells[COLUMN_MAX];
		char time[STAMP_TEXT_MAX];

		row_cells(&table->rows[row], time, cells);
		print_row(
			&look, cells, look.colour ? colours[table->rows[row].rule->severity] : "");
	}
}
