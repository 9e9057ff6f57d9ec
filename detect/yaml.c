/* YAML 1.2 text -> libfyaml documents, and the list of faults that everything which reads YAML
 * reports into.
 *
 * libfyaml 0.7.12 loops on some invalid UTF-8, compares keys and looks up anchors in quadratic
 * time, and expands aliases without a bound.  So the text is looked over first, duplicate keys are
 * searched here by sorting, and each document is walked with its aliases followed, under limits,
 * before libfyaml expands them.  It bounds nesting to 64 by itself.
 *
 * Not accepted: tags, merge keys, directives, and keys that are no text.  Neither rules nor
 * settings need them, and each would be a second way to write the same thing. */

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/yaml.h"
#include "parsers/utf8.h"

#define DEPTH_MAX 64     /* libfyaml's own; here it also bounds what aliases nest */
#define ANCHORS_MAX 1000 /* libfyaml searches a list of them for each anchor and alias */
#define FAULT_TEXT_MAX 1024

struct yaml {
	char *file;
	struct slice text; /* without a byte order mark */
	struct fy_diag *diag;
	struct fy_parser *parser;
	struct fy_document **documents;
	size_t count;
};

/* One open collection of the walk. */
struct frame {
	struct fy_node *node;
	void *iterator;
	struct fy_node *value; /* of the pair whose key was visited last */
	bool copied; /* reached through an alias: its faults were reported where it stands */
};

struct walk {
	const struct yaml *yaml;
	struct faults *faults;
	struct frame frames[DEPTH_MAX];
	size_t depth;
	size_t nodes;
	bool aliases;
	bool stop;
	bool failed;
};

/* Lists without a field for their capacity grow to the next power of two. */
static bool
full(size_t count)
{
	return (count & (count - 1)) == 0;
}

void
faults_add(struct faults *faults, const char *file, int line, int column, bool warning,
	const char *format, ...)
{
	char text[FAULT_TEXT_MAX];
	struct fault *list = faults->list;
	struct fault fault = { .line = line, .column = column, .warning = warning };
	va_list arguments;

	if (!warning)
		faults->errors++;
	va_start(arguments, format);
	if (vsnprintf(text, sizeof(text), format, arguments) < 0)
		text[0] = '\0';
	va_end(arguments);
	/* A rule's own text is quoted in it: it must not move the cursor of the terminal that shows
	 * it. */
	for (char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	fault.file = strdup(file);
	fault.text = strdup(text);
	if (full(faults->count)) {
		list = realloc(list, (faults->count == 0 ? 1 : faults->count * 2) * sizeof(*list));
		if (list != NULL)
			faults->list = list;
	}
	if (list == NULL || fault.file == NULL || fault.text == NULL) {
		free(fault.file);
		free(fault.text);
		return;
	}
	list[faults->count++] = fault;
}

void
faults_done(struct faults *faults)
{
	for (size_t i = 0; i < faults->count; i++) {
		free(faults->list[i].file);
		free(faults->list[i].text);
	}
	free(faults->list);
	*faults = (struct faults){ 0 };
}

const char *
fault_place(const struct fault *fault, char *text, size_t size)
{
	if (fault->line > 0)
		(void)snprintf(text, size, "%s:%d:%d", fault->file, fault->line, fault->column);
	else
		(void)snprintf(text, size, "%s", fault->file);
	return text;
}

/* The place of a byte, for the few faults that are found before there are nodes. */
static void
place(struct slice text, size_t at, int *line, int *column)
{
	size_t start = 0;

	*line = 1;
	for (size_t i = 0; i < at && i < text.len; i++) {
		if (text.ptr[i] == '\n') {
			++*line;
			start = i + 1;
		}
	}
	*column = (int)(at - start) + 1;
}

static void
fault_at(const struct yaml *yaml, size_t at, struct faults *faults, const char *what)
{
	int line, column;

	place(yaml->text, at, &line, &column);
	faults_add(faults, yaml->file, line, column, false, "%s", what);
}

/* The first byte that may not stand in a text file; text.len when there is none. */
static size_t
control(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
			return i;
	}
	return text.len;
}

static bool
line_start(struct slice text, size_t at)
{
	return at == 0 || text.ptr[at - 1] == '\n' || text.ptr[at - 1] == '\r';
}

/* Is the '?' an explicit key's?  libfyaml 0.7.12 writes through a wild pointer when it gives up on
 * one with a tab behind it. */
static bool
explicit_key(struct slice text, size_t at)
{
	if (at + 1 < text.len && strchr(" \t\r\n", text.ptr[at + 1]) == NULL)
		return false;
	while (at > 0 && strchr(" \t-", text.ptr[at - 1]) != NULL)
		at--;
	return line_start(text, at);
}

/* Where the first explicit key, the first '%' at the start of a line, or the '&' that is one anchor
 * too many, stands.  What looks like an anchor inside a quoted value is counted too: a thousand of
 * them are far from any real file. */
static size_t
indicator(struct slice text, const char **what)
{
	size_t anchors = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '?' && explicit_key(text, i)) {
			*what = "an explicit key ('? KEY'): write it as 'KEY: VALUE'";
			return i;
		}
		if (text.ptr[i] == '%' && line_start(text, i)) {
			*what = "a line starts with '%': directives are not accepted; quote the "
				"value or "
				"remove the line";
			return i;
		}
		if (text.ptr[i] != '&' ||
			(i > 0 && strchr(" \t\r\n[{,:-?&", text.ptr[i - 1]) == NULL))
			continue;
		if (++anchors > ANCHORS_MAX) {
			*what = "more than 1000 anchors; write the values out";
			return i;
		}
	}
	return text.len;
}

static bool
guard(const struct yaml *yaml, struct faults *faults)
{
	const char *what = NULL;
	size_t at;

	if (yaml->text.len > YAML_TEXT_MAX) {
		faults_add(faults, yaml->file, 0, 0, false, "%zu bytes, limit %d; split the file",
			yaml->text.len, YAML_TEXT_MAX);
		return false;
	}
	at = utf8_valid(yaml->text);
	if (at < yaml->text.len) {
		fault_at(yaml, at, faults, "not valid UTF-8; save the file as UTF-8");
		return false;
	}
	at = control(yaml->text);
	if (at < yaml->text.len) {
		fault_at(yaml, at, faults,
			"control character; write it as an escape in double quotes");
		return false;
	}
	at = indicator(yaml->text, &what);
	if (at < yaml->text.len) {
		fault_at(yaml, at, faults, what);
		return false;
	}
	return true;
}

static const struct fy_mark *
scalar_mark(struct fy_node *node)
{
	struct fy_token *token = node == NULL ? NULL : fy_node_get_scalar_token(node);

	return token == NULL ? NULL : fy_token_start_mark(token);
}

/* Collections have no token of their own: the first scalar in them marks them. */
static const struct fy_mark *
first_mark(struct fy_node *node)
{
	for (int depth = 0; node != NULL && depth <= DEPTH_MAX; depth++) {
		void *iterator = NULL;

		if (fy_node_is_sequence(node)) {
			node = fy_node_sequence_iterate(node, &iterator);
		} else if (fy_node_is_mapping(node)) {
			struct fy_node_pair *pair = fy_node_mapping_iterate(node, &iterator);

			node = pair == NULL ? NULL : fy_node_pair_key(pair);
		} else {
			return scalar_mark(node);
		}
	}
	return NULL;
}

/* An empty node has no place; the key before it has, or else what it is in. */
static const struct fy_mark *
node_mark(struct fy_node *node)
{
	const struct fy_mark *mark = first_mark(node);

	for (int depth = 0; mark == NULL && node != NULL && depth <= DEPTH_MAX; depth++) {
		struct fy_node *parent = fy_node_get_parent(node);
		struct fy_node_pair *pair;
		void *iterator = NULL;

		if (parent != NULL && fy_node_is_mapping(parent)) {
			while ((pair = fy_node_mapping_iterate(parent, &iterator)) != NULL) {
				if (fy_node_pair_value(pair) == node)
					mark = scalar_mark(fy_node_pair_key(pair));
			}
		}
		node = parent;
		if (mark == NULL)
			mark = first_mark(node);
	}
	return mark;
}

void
yaml_place(const struct yaml *yaml, struct fy_node *node, int *line, int *column)
{
	const struct fy_mark *mark = node_mark(node);
	size_t at, start;

	*line = 1;
	*column = 1;
	if (mark == NULL || mark->input_pos > yaml->text.len)
		return;
	at = mark->input_pos;
	/* The mark of a quoted text is behind its quote. */
	if (at > 0 && (yaml->text.ptr[at - 1] == '\'' || yaml->text.ptr[at - 1] == '"'))
		at--;
	start = at;
	while (!line_start(yaml->text, start))
		start--;
	*line = mark->line + 1;
	*column = (int)(at - start) + 1;
}

void
yaml_fault(const struct yaml *yaml, struct fy_node *node, struct faults *faults, bool warning,
	const char *format, ...)
{
	char text[FAULT_TEXT_MAX];
	va_list arguments;
	int line, column;

	va_start(arguments, format);
	if (vsnprintf(text, sizeof(text), format, arguments) < 0)
		text[0] = '\0';
	va_end(arguments);
	yaml_place(yaml, node, &line, &column);
	faults_add(faults, yaml->file, line, column, warning, "%s", text);
}

struct slice
yaml_scalar(struct fy_node *node)
{
	const char *text;
	size_t len = 0;

	if (node == NULL || !fy_node_is_scalar(node) || fy_node_is_alias(node))
		return SLICE_NONE;
	text = fy_node_get_scalar(node, &len);
	return (struct slice){ text == NULL ? "" : text, text == NULL ? 0 : len };
}

bool
yaml_plain(struct fy_node *node)
{
	return node == NULL || (fy_node_is_scalar(node) && fy_node_get_style(node) == FYNS_PLAIN);
}

/* A key and where it stands, for the search of duplicates. */
struct key {
	struct slice text;
	struct fy_node *node;
	size_t order;
};

static int
key_compare(const void *left, const void *right)
{
	const struct key *a = left, *b = right;
	size_t len = a->text.len < b->text.len ? a->text.len : b->text.len;
	int order = len == 0 ? 0 : memcmp(a->text.ptr, b->text.ptr, len);

	if (order != 0)
		return order;
	if (a->text.len != b->text.len)
		return a->text.len < b->text.len ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static bool
same_key(const struct key *a, const struct key *b)
{
	return slice_equal(a->text, b->text);
}

/* `name` is the word that is wrong, when there is one. */
static void
walk_fault(struct walk *walk, struct fy_node *node, bool copied, const char *what,
	struct slice name, const char *cure)
{
	walk->failed = true;
	if (copied)
		return;
	if (name.len == 0)
		yaml_fault(walk->yaml, node, walk->faults, false, "%s; %s", what, cure);
	else
		yaml_fault(walk->yaml, node, walk->faults, false, "%s '%.*s'; %s", what,
			(int)(name.len < 80 ? name.len : 80), name.ptr, cure);
}

/* Keys must be text, and each stands once. */
static void
check_keys(struct walk *walk, struct fy_node *mapping, bool copied)
{
	int count = fy_node_mapping_item_count(mapping);
	struct key *keys;
	struct fy_node_pair *pair;
	void *iterator = NULL;
	size_t n = 0;

	if (count <= 0)
		return;
	keys = calloc((size_t)count, sizeof(*keys));
	if (keys == NULL) {
		walk->stop = true;
		walk_fault(walk, mapping, false, "out of memory", SLICE_NONE, "split the file");
		return;
	}
	while (n < (size_t)count && (pair = fy_node_mapping_iterate(mapping, &iterator)) != NULL) {
		struct fy_node *node = fy_node_pair_key(pair);
		struct slice text = yaml_scalar(node);

		if (text.len == 0)
			walk_fault(walk, node == NULL ? mapping : node, copied,
				"a key that is no text", SLICE_NONE, "keys are words");
		else if (yaml_plain(node) && slice_equal(text, SLICE("<<")))
			walk_fault(walk, node, copied, "merge key", text, "repeat the keys");
		keys[n] = (struct key){ text, node, n };
		n++;
	}
	qsort(keys, n, sizeof(*keys), key_compare);
	for (size_t i = 1; i < n; i++) {
		/* No reason to keep silent about the rest of the text: the document stays. */
		if (keys[i].text.len > 0 && !copied && same_key(&keys[i - 1], &keys[i]))
			yaml_fault(walk->yaml, keys[i].node, walk->faults, false,
				"duplicate key '%.*s'; remove one of them",
				(int)(keys[i].text.len < 80 ? keys[i].text.len : 80),
				keys[i].text.ptr);
	}
	free(keys);
}

static void
walk_push(struct walk *walk, struct fy_node *node, bool copied)
{
	if (walk->depth == DEPTH_MAX) {
		walk->stop = true;
		walk_fault(walk, node, false, "nested deeper than 64", SLICE_NONE, "flatten it");
		return;
	}
	if (fy_node_is_mapping(node))
		check_keys(walk, node, copied);
	walk->frames[walk->depth++] = (struct frame){ .node = node, .copied = copied };
}

static void
walk_visit(struct walk *walk, struct fy_node *node, bool copied)
{
	struct slice text;

	if (++walk->nodes > YAML_NODES_MAX) {
		walk->stop = true;
		walk_fault(walk, node, false, "more than 100000 values after aliases are expanded",
			SLICE_NONE, "split the file");
		return;
	}
	if (node == NULL)
		return;
	if (fy_node_get_tag_token(node) != NULL)
		walk_fault(walk, node, copied, "tags (!...) are not accepted", SLICE_NONE,
			"remove it");
	if (fy_node_is_alias(node)) {
		struct fy_node *target = fy_node_resolve_alias(node);

		walk->aliases = true;
		if (target == NULL)
			walk_fault(walk, node, copied, "alias of an unknown anchor", SLICE_NONE,
				"write the value out");
		node = target;
		copied = true;
	}
	if (node == NULL)
		return;
	if (!fy_node_is_scalar(node)) {
		walk_push(walk, node, copied);
		return;
	}
	/* Double-quoted escapes can make what the text itself may not hold. */
	text = yaml_scalar(node);
	if (utf8_valid(text) != text.len)
		walk_fault(walk, node, copied, "an escape gives invalid UTF-8", SLICE_NONE,
			"remove it");
}

/* The next child of the innermost open collection; false when it has no more. */
static bool
walk_next(struct frame *frame, struct fy_node **child)
{
	struct fy_node_pair *pair;

	if (fy_node_is_sequence(frame->node)) {
		*child = fy_node_sequence_iterate(frame->node, &frame->iterator);
		return *child != NULL;
	}
	pair = fy_node_mapping_iterate(frame->node, &frame->iterator);
	*child = pair == NULL ? NULL : fy_node_pair_value(pair);
	return pair != NULL;
}

/* Check a document as it would be with its aliases expanded, then expand them. */
static bool
walk_document(struct yaml *yaml, struct fy_document *document, struct faults *faults)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	bool good = false;

	if (walk == NULL) {
		faults_add(faults, yaml->file, 0, 0, false, "out of memory");
		return false;
	}
	walk->yaml = yaml;
	walk->faults = faults;
	walk_visit(walk, fy_document_root(document), false);
	while (walk->depth > 0 && !walk->stop) {
		struct frame *frame = &walk->frames[walk->depth - 1];
		bool copied = frame->copied;
		struct fy_node *child;

		if (walk_next(frame, &child))
			walk_visit(walk, child, copied);
		else
			walk->depth--;
	}
	if (!walk->failed) {
		good = !walk->aliases || fy_document_resolve(document) == 0;
		if (!good)
			yaml_fault(yaml, fy_document_root(document), faults, false,
				"its aliases cannot be expanded; write the values out");
	}
	free(walk);
	return good;
}

/* What cures the two errors that every author makes once: a path of Windows in double quotes, and a
 * colon in a text without quotes. */
static const char *
cure(const char *message)
{
	if (strstr(message, "invalid escape") != NULL)
		return "; put the text in single quotes, in which a backslash is itself";
	if (strstr(message, "nested block mapping") != NULL)
		return "; put a text with a colon in single quotes";
	return "";
}

/* libfyaml tells of errors in its own words; each becomes a fault. */
static void
take_errors(struct yaml *yaml, struct faults *faults)
{
	struct fy_diag_error *error;
	void *iterator = NULL;
	size_t before = faults->errors;

	while ((error = fy_diag_errors_iterate(yaml->diag, &iterator)) != NULL) {
		const struct fy_mark *mark =
			error->fyt == NULL ? NULL : fy_token_start_mark(error->fyt);
		const char *message = error->msg == NULL ? "syntax error" : error->msg;
		int line = error->line, column = error->column;

		if (mark != NULL)
			place(yaml->text, mark->input_pos, &line, &column);
		faults_add(faults, yaml->file, line < 1 ? 1 : line, column < 1 ? 1 : column, false,
			"no valid YAML: %s%s", message, cure(message));
	}
	if (faults->errors == before)
		faults_add(faults, yaml->file, 0, 0, false, "no valid YAML, or out of memory");
}

/* libfyaml prints what it does not collect. */
static void
discard(struct fy_diag *diag, void *user, const char *text, size_t len)
{
	(void)diag;
	(void)user;
	(void)text;
	(void)len;
}

static struct yaml *
yaml_new(const char *file, struct slice text)
{
	struct fy_diag_cfg diag = { .output_fn = discard, .level = FYET_ERROR };
	struct fy_parse_cfg parse = {
		.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE |
			 FYPCF_ALLOW_DUPLICATE_KEYS,
	};
	struct yaml *yaml = calloc(1, sizeof(*yaml));

	if (yaml == NULL)
		return NULL;
	if (slice_prefix(text, SLICE("\xef\xbb\xbf")))
		text = slice_sub(text, 3, text.len);
	yaml->text = text;
	yaml->file = strdup(file);
	diag.module_mask = ~0U;
	yaml->diag = fy_diag_create(&diag);
	if (yaml->file == NULL || yaml->diag == NULL)
		goto fail;
	fy_diag_set_collect_errors(yaml->diag, true);
	parse.diag = yaml->diag;
	yaml->parser = fy_parser_create(&parse);
	if (yaml->parser == NULL)
		goto fail;
	return yaml;
fail:
	yaml_free(yaml);
	return NULL;
}

/* Keep a document, or drop it when it is empty ("---" alone). */
static bool
keep(struct yaml *yaml, struct fy_document *document)
{
	struct fy_document **documents = yaml->documents;

	if (yaml_scalar(fy_document_root(document)).len == 0 &&
		(fy_document_root(document) == NULL ||
			fy_node_is_scalar(fy_document_root(document)))) {
		fy_parse_document_destroy(yaml->parser, document);
		return true;
	}
	if (full(yaml->count))
		documents = realloc(
			documents, (yaml->count == 0 ? 1 : yaml->count * 2) * sizeof(*documents));
	if (documents == NULL) {
		fy_parse_document_destroy(yaml->parser, document);
		return false;
	}
	yaml->documents = documents;
	documents[yaml->count++] = document;
	return true;
}

static bool
load(struct yaml *yaml, struct faults *faults)
{
	struct fy_document *document;
	bool good = true;

	if (yaml->text.len == 0)
		return true;
	if (fy_parser_set_string(yaml->parser, yaml->text.ptr, yaml->text.len) != 0) {
		take_errors(yaml, faults);
		return false;
	}
	while ((document = fy_parse_load_document(yaml->parser)) != NULL) {
		good = walk_document(yaml, document, faults) && good;
		if (!keep(yaml, document)) {
			faults_add(faults, yaml->file, 0, 0, false, "out of memory");
			return false;
		}
	}
	if (!fy_diag_got_error(yaml->diag))
		return good;
	take_errors(yaml, faults);
	return false;
}

struct yaml *
yaml_parse(const char *file, struct slice text, struct faults *faults)
{
	struct yaml *yaml = yaml_new(file, text);

	if (yaml == NULL) {
		faults_add(faults, file, 0, 0, false, "out of memory");
		return NULL;
	}
	if (!guard(yaml, faults) || !load(yaml, faults)) {
		yaml_free(yaml);
		return NULL;
	}
	return yaml;
}

void
yaml_free(struct yaml *yaml)
{
	if (yaml == NULL)
		return;
	for (size_t i = 0; i < yaml->count; i++)
		fy_parse_document_destroy(yaml->parser, yaml->documents[i]);
	free(yaml->documents);
	fy_parser_destroy(yaml->parser);
	fy_diag_destroy(yaml->diag);
	free(yaml->file);
	free(yaml);
}

const char *
yaml_file(const struct yaml *yaml)
{
	return yaml->file;
}

size_t
yaml_count(const struct yaml *yaml)
{
	return yaml->count;
}

struct fy_node *
yaml_root(const struct yaml *yaml, size_t index)
{
	assert(index < yaml->count);
	return fy_document_root(yaml->documents[index]);
}
