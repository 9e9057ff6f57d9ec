/* The operator's columns for a host, from RFC 4180 CSV.
 *
 * Fields are separated by commas; a field in quotes may hold commas, line breaks and doubled
 * quotes; lines end in LF or CRLF; a byte order mark and blank lines are skipped.  Values are kept
 * as they stand, blanks and all; names of columns and hosts are trimmed.  Other separators are not
 * guessed. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(row) ((row)->lost = true)
#include <uthash.h>

#include "detect/enrich.h"
#include "detect/host.h"
#include "parsers/utf8.h"

struct row {
	UT_hash_handle hh;
	bool lost; /* no memory to enter it into the table */
	int line;
	const char *values[]; /* as many as the table has columns */
};

struct enrich {
	size_t count; /* of columns, without the host's */
	size_t host_column;
	const char *columns[ENRICH_COLUMNS_MAX];
	struct row *rows; /* by folded name */
	char *strings;    /* every decoded field, each with a NUL */
};

/* Where the reader stands.  A decoded field with its NUL takes no more room than its text with the
 * comma or line end, so `out` never outruns `strings`. */
struct reader {
	struct slice text;
	size_t at;
	int line;
	int record_line; /* in which the present record begins; 0 before the first */
	char *out;
	const char *wrong; /* with it, or NULL */
};

static bool
line_ends(const struct reader *reader)
{
	struct slice left = slice_sub(reader->text, reader->at, reader->text.len);

	return left.len == 0 || left.ptr[0] == '\n' || slice_prefix(left, SLICE("\r\n")) ||
	       (left.len == 1 && left.ptr[0] == '\r');
}

/* One field with quotes around it; `at` is behind the opening one. */
static void
read_quoted(struct reader *reader)
{
	struct slice text = reader->text;

	for (;;) {
		if (reader->at == text.len) {
			reader->wrong = "a quoted field of this line does not end; double a quote "
					"inside quotes";
			return;
		}

		char byte = text.ptr[reader->at++];

		if (byte == '"') {
			if (reader->at == text.len || text.ptr[reader->at] != '"')
				break;
			reader->at++;
		}
		reader->line += byte == '\n';
		*reader->out++ = byte;
	}
	if (!line_ends(reader) && text.ptr[reader->at] != ',')
		reader->wrong = "text after a closing quote; double a quote inside quotes";
}

static void
read_plain(struct reader *reader)
{
	for (; !line_ends(reader) && reader->text.ptr[reader->at] != ','; reader->at++) {
		if (reader->text.ptr[reader->at] == '"')
			reader->wrong = "a quote inside a field; put the field in quotes and "
					"double the quote";
		*reader->out++ = reader->text.ptr[reader->at];
	}
}

/* Read a field, and the comma or the line's end behind it.  true when another field of the record
 * follows. */
static bool
read_field(struct reader *reader, struct slice *field)
{
	struct slice text = reader->text;
	bool more = false;

	field->ptr = reader->out;
	if (reader->at < text.len && text.ptr[reader->at] == '"') {
		reader->at++;
		read_quoted(reader);
	} else {
		read_plain(reader);
	}
	if (reader->wrong != NULL)
		return false;
	field->len = (size_t)(reader->out - field->ptr);
	*reader->out++ = '\0';

	if (!line_ends(reader)) {
		reader->at++;
		more = true;
	} else if (reader->at < text.len) {
		reader->at += slice_find_byte(slice_sub(text, reader->at, text.len), '\n') + 1;
		reader->at = reader->at < text.len ? reader->at : text.len;
		reader->line++;
	}
	return more;
}

/* The next record's fields, at most ENRICH_COLUMNS_MAX.  false at the end.  A record that is wrong
 * is skipped to the end of the line in which it begins, so that a forgotten quote costs one line
 * and not the file. */
static bool
read_record(struct reader *reader, struct slice fields[ENRICH_COLUMNS_MAX], size_t *count)
{
	char *out = reader->out;
	size_t start;

	while (reader->at < reader->text.len && line_ends(reader))
		reader->line += reader->text.ptr[reader->at++] == '\n';
	if (reader->at == reader->text.len)
		return false;

	start = reader->at;
	reader->record_line = reader->line;
	reader->wrong = NULL;
	for (*count = 0; read_field(reader, &fields[*count]);) {
		if (++*count == ENRICH_COLUMNS_MAX) {
			reader->wrong = "more columns than a file may have (32)";
			break;
		}
	}
	++*count;

	if (reader->wrong != NULL) {
		reader->at =
			start +
			slice_find_byte(slice_sub(reader->text, start, reader->text.len), '\n');
		reader->line = reader->record_line;
		reader->out = out;
	}
	return true;
}

static size_t
find_host_column(const struct slice *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_equal_nocase(slice_trim(fields[i]), SLICE("host")))
			return i;
	return 0;
}

/* NULL, or what is wrong with the first line. */
static const char *
name_columns(struct enrich *enrich, const struct slice *fields, size_t count)
{
	enrich->host_column = find_host_column(fields, count);
	for (size_t i = 0; i < count; i++) {
		struct slice name = slice_trim(fields[i]);
		char *string = enrich->strings + (name.ptr - enrich->strings);

		if (i == enrich->host_column)
			continue;
		if (name.len == 0)
			return "a column has no name; the first line names them all";
		string[name.len] = '\0';
		for (size_t j = 0; j < enrich->count; j++)
			if (slice_equal_nocase(slice_of(enrich->columns[j]), name))
				return "two columns have the same name; rename one";
		enrich->columns[enrich->count++] = string;
	}
	if (enrich->count == 0)
		return "no column beside the host's; fields are separated by commas";
	return NULL;
}

static struct row *
find_row(const struct enrich *enrich, struct slice name)
{
	struct row *row;

	HASH_FIND(hh, enrich->rows, name.ptr, name.len, row);
	return row;
}

static struct row *
new_row(const struct enrich *enrich, const struct slice *fields, size_t count, int line)
{
	struct row *row = calloc(1, sizeof(*row) + enrich->count * sizeof(row->values[0]));

	if (row == NULL)
		return NULL;
	row->line = line;
	for (size_t i = 0, column = 0; i <= enrich->count; i++)
		if (i != enrich->host_column)
			row->values[column++] = i < count ? fields[i].ptr : "";
	return row;
}

/* 0 or -ENOMEM; a line that says nothing usable is a fault. */
static int
add_row(struct enrich *enrich, struct slice *fields, size_t count, const char *file, int line,
	struct faults *faults)
{
	char name[HOST_NAME_MAX_BYTES];
	size_t length = 0;
	struct row *row;

	if (count > enrich->count + 1) {
		faults_add(faults, file, line, 1, false,
			"more fields than the first line names; put a field with a comma in "
			"quotes");
		return 0;
	}
	if (enrich->host_column < count)
		length = host_fold(slice_trim(fields[enrich->host_column]), name);
	if (length == 0) {
		faults_add(faults, file, line, 1, false, "no host in this line; name it");
		return 0;
	}
	row = find_row(enrich, (struct slice){ name, length });
	if (row != NULL) {
		faults_add(faults, file, line, 1, true,
			"host %.*s stands in line %d already, which counts; remove one of the two",
			(int)length, name, row->line);
		return 0;
	}

	/* The folded name is no longer than the field that it came from: it takes that field's
	 * place. */
	char *key = enrich->strings + (fields[enrich->host_column].ptr - enrich->strings);

	memcpy(key, name, length);
	row = new_row(enrich, fields, count, line);
	if (row == NULL)
		return -ENOMEM;
	HASH_ADD_KEYPTR(hh, enrich->rows, key, length, row);
	if (row->lost) {
		free(row);
		return -ENOMEM;
	}
	return 0;
}

static bool
all_empty(const struct slice *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fields[i].len > 0)
			return false;
	return true;
}

/* 0; -EINVAL when the first line is no use (a fault says so) or -ENOMEM. */
static int
parse_records(struct enrich *enrich, struct slice text, const char *file, struct faults *faults)
{
	struct reader reader = { .text = text, .line = 1, .out = enrich->strings };
	struct slice fields[ENRICH_COLUMNS_MAX];
	size_t count;

	if (!read_record(&reader, fields, &count))
		reader.wrong = "the file is empty; its first line names the columns";
	else if (reader.wrong == NULL)
		reader.wrong = name_columns(enrich, fields, count);
	if (reader.wrong != NULL) {
		faults_add(faults, file, reader.record_line, 1, false, "%s", reader.wrong);
		return -EINVAL;
	}
	while (read_record(&reader, fields, &count)) {
		int line = reader.record_line;

		if (reader.wrong != NULL) {
			faults_add(faults, file, line, 1, false, "%s", reader.wrong);
			continue;
		}
		/* A spreadsheet writes its empty lines as commas. */
		if (all_empty(fields, count))
			continue;
		if (add_row(enrich, fields, count, file, line, faults) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int
line_at(struct slice text, size_t offset)
{
	int line = 1;

	for (size_t i = 0; i < offset; i++)
		line += text.ptr[i] == '\n';
	return line;
}

/* What is refused before anything else looks at the text. */
static bool
text_usable(struct slice text, const char *file, struct faults *faults)
{
	size_t valid = utf8_valid(text);
	size_t nul = slice_find_byte(text, '\0');

	if (text.len > ENRICH_TEXT_MAX)
		faults_add(faults, file, 0, 0, false, "more than %d bytes; split or shorten it",
			ENRICH_TEXT_MAX);
	else if (nul < text.len)
		faults_add(faults, file, line_at(text, nul), 1, false,
			"a NUL byte (is it UTF-16?); save the file as UTF-8");
	else if (valid < text.len)
		faults_add(faults, file, line_at(text, valid), 1, false,
			"not valid UTF-8; save the file as UTF-8");
	else
		return true;
	return false;
}

struct enrich *
enrich_parse(const char *file, struct slice text, struct faults *faults)
{
	struct enrich *enrich;

	if (!text_usable(text, file, faults))
		return NULL;
	if (slice_prefix(text, SLICE("\xef\xbb\xbf")))
		text = slice_sub(text, 3, text.len);
	enrich = calloc(1, sizeof(*enrich));
	if (enrich == NULL)
		return NULL;
	enrich->strings = malloc(text.len + 1);
	if (enrich->strings == NULL)
		goto fail;
	if (parse_records(enrich, text, file, faults) < 0)
		goto fail;
	return enrich;

fail:
	enrich_free(enrich);
	return NULL;
}

void
enrich_free(struct enrich *enrich)
{
	struct row *row, *next;

	if (enrich == NULL)
		return;
	HASH_ITER (hh, enrich->rows, row, next) {
		HASH_DEL(enrich->rows, row);
		free(row);
	}
	free(enrich->strings);
	free(enrich);
}

bool
enrich_has_column(const struct enrich *enrich, struct slice name)
{
	for (size_t i = 0; i < enrich->count; i++)
		if (slice_equal_nocase(slice_of(enrich->columns[i]), name))
			return true;
	return false;
}

bool
enrich_find(const struct enrich *enrich, struct slice host, struct enrich_row *found)
{
	size_t label = slice_find_byte(host, '.');
	struct row *row = find_row(enrich, host);

	if (row == NULL && label < host.len)
		row = find_row(enrich, slice_sub(host, 0, label));
	if (row == NULL)
		return false;
	found->count = enrich->count;
	found->columns = enrich->columns;
	found->values = row->values;
	return true;
}
