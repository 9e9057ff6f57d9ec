/* The strings of all rules -> one Hyperscan database a field, and the scan that sets a bit for
 * each pattern that matches.
 *
 * A pattern is a glob.  What is looked for is a literal without case: the whole of it, or the
 * longest run between its wildcards; with a dash of windash in it, one literal for each dash. Where
 * a literal ends tells an exact value, a beginning and an end from a hit in the middle: the
 * callback compares two offsets.  Only a glob with wildcards inside is then matched once more: once
 * an event, when a rule asks. Patterns that share a literal share it in the database.
 *
 * A glob with letters of a case is looked for in any, and then matched once more as well.
 *
 * Regular expressions have a database of their own for each field, since Hyperscan compiles them
 * otherwise than literals.  Those that it refuses are matched by PCRE2, and only when a rule asks.
 *
 * Hits are a set of bits and a list of the same, so that forgetting them costs as much as there
 * are.
 *
 * A value that is of one byte, or of wildcards only, has no literal; it is matched when a rule
 * asks. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/hyperscan.h"
#include "detect/memo.h"
#include "detect/pattern.h"

#define NONE UINT32_MAX
#define DASHES 5 /* that windash means */

/* Where a literal must stand in the value for its pattern to match. */
enum anchor {
	ANCHOR_EXACT,
	ANCHOR_START,
	ANCHOR_END,
	ANCHOR_ANYWHERE,
	ANCHOR_GLOB, /* anywhere, and then the glob is matched */
	ANCHOR_NONE  /* it has no literal: the glob is matched when somebody asks */
};

struct pattern {
	struct glob glob;       /* of one that is no regular expression */
	const char *expression; /* else this, with its flags */
	unsigned int flags;
	struct regex *regex; /* PCRE2's, when the scan does not look for it */
	enum wevent_field field;
	enum anchor anchor;
	uint32_t next_hash; /* in the table of patterns */
};

struct literal {
	char *bytes; /* in lower case */
	uint32_t len;
	uint32_t first; /* link */
};

/* A pattern that a literal is of; one with a dash has several literals. */
struct link {
	uint32_t pattern;
	uint32_t next; /* of the same literal */
};

struct database {
	hs_database_t *hs;        /* NULL: no literals */
	struct literal *literals; /* by Hyperscan's id */
	uint32_t count;
	struct link *links;
	hs_database_t *regexes; /* NULL: none */
	uint32_t *expressions;  /* by Hyperscan's id: the pattern */
};

struct pattern_set {
	struct pattern *patterns;
	uint32_t count, size;
	uint32_t *scans; /* pattern -> scan that finds it, or NONE */
	uint32_t *table; /* hash of a glob and its field -> first pattern */
	uint32_t table_size;
	struct database *fields;
	uint32_t field_count; /* the highest that has a pattern, and 1 */
	hs_scratch_t *prototype;
	bool compiled;
	bool any_regex; /* of PCRE2's */
};

struct pattern_scratch {
	const struct pattern_set *set;
	struct regex_scratch *regex; /* NULL: none is needed */
	bool limited;
	hs_scratch_t *hs;
	uint64_t *bits;
	uint64_t *open;    /* of the hits those whose glob has not been matched yet */
	uint64_t *scanned; /* scans, as bits */
	struct memo *memo;
	uint32_t *hits;
	uint32_t hit_count;
	char *copy; /* of the text that is scanned */
	size_t copy_size;
};

static enum anchor
anchor_of(struct glob glob)
{
	struct glob_run run = glob_run(glob);
	bool before = run.start == 1 && glob.tokens[0] == TOKEN_MANY;
	bool after =
		run.start + run.len + 1 == glob.count && glob.tokens[glob.count - 1] == TOKEN_MANY;

	if (run.len == 0)
		return ANCHOR_NONE;
	if (glob.cased)
		return ANCHOR_GLOB;
	if (run.len == glob.count)
		return ANCHOR_EXACT;
	if (run.len + 2 == glob.count && before && after)
		return ANCHOR_ANYWHERE;
	if (run.len + 1 == glob.count && before)
		return ANCHOR_END;
	if (run.len + 1 == glob.count && after)
		return ANCHOR_START;
	return ANCHOR_GLOB;
}

static uint16_t
fold(uint16_t token)
{
	return token < TOKEN_ONE ? slice_lower((unsigned char)token) : token;
}

/* FNV-1a: the keys are the operator's own rules. */
static uint32_t
hash(enum wevent_field field, struct glob glob)
{
	uint32_t h = 2166136261U ^ (uint32_t)field ^ (uint32_t)glob.cased << 16;

	for (uint32_t i = 0; i < glob.count; i++)
		h = (h ^ fold(glob.tokens[i])) * 16777619U;
	return h;
}

static bool
same(const struct pattern *pattern, enum wevent_field field, struct glob glob)
{
	if (pattern->field != field || pattern->glob.count != glob.count ||
		pattern->glob.cased != glob.cased)
		return false;
	for (uint32_t i = 0; i < glob.count; i++) {
		uint16_t a = pattern->glob.tokens[i], b = glob.tokens[i];

		if (glob.cased ? a != b : fold(a) != fold(b))
			return false;
	}
	return true;
}

/* Room for one more pattern, and a table that is at most half full. */
static int
grow(struct pattern_set *set)
{
	uint32_t size = set->size == 0 ? 64 : set->size * 2;
	struct pattern *patterns;
	uint32_t *table;

	if (set->count < set->size)
		return 0;
	if (size > NONE / 4)
		return -ENOMEM;
	patterns = realloc(set->patterns, size * sizeof(*patterns));
	if (patterns == NULL)
		return -ENOMEM;
	set->patterns = patterns;
	table = malloc((size_t)size * 2 * sizeof(*table));
	if (table == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < size * 2; i++)
		table[i] = NONE;
	free(set->table);
	set->table = table;
	set->table_size = size * 2;
	set->size = size;
	for (uint32_t i = 0; i < set->count; i++) {
		uint32_t *slot =
			&table[hash(patterns[i].field, patterns[i].glob) & (set->table_size - 1)];

		if (patterns[i].expression != NULL)
			continue;
		patterns[i].next_hash = *slot;
		*slot = i;
	}
	return 0;
}

struct pattern_set *
pattern_set_new(void)
{
	return calloc(1, sizeof(struct pattern_set));
}

void
pattern_set_free(struct pattern_set *set)
{
	if (set == NULL)
		return;
	for (uint32_t field = 0; field < set->field_count; field++) {
		struct database *database = &set->fields[field];

		(void)hs_free_database(database->hs); /* NULL is fine; it cannot fail */
		(void)hs_free_database(database->regexes);
		for (uint32_t i = 0; i < database->count; i++)
			free(database->literals[i].bytes);
		free(database->literals);
		free(database->expressions);
		free(database->links);
	}
	(void)hs_free_scratch(set->prototype); /* in use by nobody: workers have clones */
	for (uint32_t i = 0; i < set->count; i++)
		regex_free(set->patterns[i].regex);
	free(set->fields);
	free(set->scans);
	free(set->patterns);
	free(set->table);
	free(set);
}

int
pattern_add(struct pattern_set *set, enum wevent_field field, struct glob glob, uint32_t *id)
{
	uint32_t *slot;
	int error = grow(set);

	assert(!set->compiled && glob.count <= GLOB_TOKENS_MAX);
	if (error != 0)
		return error;
	slot = &set->table[hash(field, glob) & (set->table_size - 1)];
	for (uint32_t i = *slot; i != NONE; i = set->patterns[i].next_hash) {
		if (same(&set->patterns[i], field, glob)) {
			*id = i;
			return 0;
		}
	}
	set->patterns[set->count] = (struct pattern){
		.glob = glob,
		.field = field,
		.anchor = anchor_of(glob),
		.next_hash = *slot,
	};
	*slot = set->count;
	*id = set->count++;
	return 0;
}

int
pattern_add_regex(struct pattern_set *set, enum wevent_field field, struct slice expression,
	unsigned int flags, uint32_t *id)
{
	int error = grow(set);

	assert(!set->compiled && expression.ptr[expression.len] == '\0');
	if (error != 0)
		return error;
	for (uint32_t i = 0; i < set->count; i++) {
		const struct pattern *pattern = &set->patterns[i];

		if (pattern->expression != NULL && pattern->field == field &&
			pattern->flags == flags &&
			slice_equal(slice_of(pattern->expression), expression)) {
			*id = i;
			return 0;
		}
	}
	set->patterns[set->count] = (struct pattern){
		.expression = expression.ptr,
		.anchor = ANCHOR_ANYWHERE,
		.flags = flags,
		.field = field,
		.next_hash = NONE,
	};
	*id = set->count++;
	return 0;
}

enum wevent_field
pattern_field(const struct pattern_set *set, uint32_t id)
{
	return set->patterns[id].field;
}

uint32_t
pattern_scan_of(const struct pattern_set *set, uint32_t id)
{
	const struct pattern *pattern = &set->patterns[id];

	return pattern_scan_of_strings(pattern->field) + (pattern->expression != NULL);
}

uint32_t
pattern_scan_of_strings(enum wevent_field field)
{
	return (uint32_t)field * 2;
}

uint32_t
pattern_scans(const struct pattern_set *set)
{
	return set->field_count * 2;
}

enum wevent_field
pattern_scan_field(uint32_t scan)
{
	return (enum wevent_field)(scan / 2);
}

bool
pattern_is_scanned(const struct pattern_set *set, uint32_t id)
{
	return set->patterns[id].regex == NULL && set->patterns[id].anchor != ANCHOR_NONE;
}

/* A pattern with its literal, while they are sorted. */
struct entry {
	struct literal literal;
	uint32_t pattern;
};

static int
entry_compare(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	uint32_t len = a->literal.len < b->literal.len ? a->literal.len : b->literal.len;
	int order = memcmp(a->literal.bytes, b->literal.bytes, len);

	if (order != 0)
		return order;
	if (a->literal.len != b->literal.len)
		return a->literal.len < b->literal.len ? -1 : 1;
	return a->pattern < b->pattern ? -1 : 1;
}

/* The bytes of a dash of windash; absent behind the last. */
static struct slice
dash_bytes(uint32_t n)
{
	static const struct slice dashes[DASHES] = { SLICE_INIT("-"), SLICE_INIT("/"),
		SLICE_INIT("\xe2\x80\x93"), SLICE_INIT("\xe2\x80\x94"),
		SLICE_INIT("\xe2\x80\x95") };

	return n < DASHES ? dashes[n] : SLICE_NONE;
}

/* The literal of a pattern's run with this dash. */
static int
entry_make(const struct pattern_set *set, uint32_t pattern, struct glob_run run,
	struct slice dash_is, struct entry *entry)
{
	const uint16_t *tokens = set->patterns[pattern].glob.tokens + run.start;
	char *bytes = malloc(run.len + dash_is.len);
	uint32_t n = 0;

	if (bytes == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < run.len; i++) {
		if (tokens[i] != TOKEN_DASH) {
			bytes[n++] = (char)fold(tokens[i]);
			continue;
		}
		memcpy(bytes + n, dash_is.ptr, dash_is.len);
		n += (uint32_t)dash_is.len;
	}
	*entry = (struct entry){ { bytes, n, NONE }, pattern };
	return 0;
}

/* All literals of a pattern, behind `n` entries; the new count to *n. */
static int
entries_add(const struct pattern_set *set, uint32_t pattern, struct entry *entries, uint32_t *n)
{
	struct glob glob = set->patterns[pattern].glob;
	struct glob_run run = glob_run(glob);
	bool dashed = false;

	for (uint32_t i = run.start; i < run.start + run.len; i++)
		dashed = dashed || glob.tokens[i] == TOKEN_DASH;
	for (uint32_t i = 0; i < (dashed ? DASHES : 1); i++) {
		int result = entry_make(
			set, pattern, run, dashed ? dash_bytes(i) : SLICE(""), &entries[*n]);

		if (result != 0)
			return result;
		++*n;
	}
	return 0;
}

/* Sorted entries -> literals, each once, with the chain of its patterns. */
static void
merge(struct database *database, struct entry *entries, uint32_t count)
{
	qsort(entries, count, sizeof(*entries), entry_compare);
	for (uint32_t i = 0; i < count; i++) {
		struct literal *last =
			database->count == 0 ? NULL : &database->literals[database->count - 1];
		struct literal *literal = &entries[i].literal;

		if (last != NULL && last->len == literal->len &&
			memcmp(last->bytes, literal->bytes, last->len) == 0) {
			free(literal->bytes);
		} else {
			last = &database->literals[database->count++];
			*last = *literal;
		}
		database->links[i] = (struct link){ entries[i].pattern, last->first };
		last->first = i;
	}
}

/* ---- compilation ---- */

static int
compile_literals(
	struct database *database, const struct pattern_cache *cache, char error[PATTERN_ERROR_MAX])
{
	hs_compile_error_t *fault = NULL;
	struct hyperscan_input input;
	int result = -ENOMEM;

	if (hyperscan_input_make(&input, database->count, true)) {
		for (uint32_t i = 0; i < database->count; i++) {
			input.texts[i] = database->literals[i].bytes;
			input.lens[i] = database->literals[i].len;
			input.flags[i] = HS_FLAG_CASELESS;
			input.ids[i] = i;
		}
		input.count = database->count;
		result = hyperscan_make(&input, cache, &database->hs, &fault);
	}
	if (fault != NULL)
		(void)snprintf(error, PATTERN_ERROR_MAX, "Hyperscan: %s", fault->message);
	(void)hs_free_compile_error(fault); /* NULL is fine */
	hyperscan_input_done(&input);
	return result;
}

/* PCRE2 takes over what Hyperscan does not compile. */
static int
use_regex(struct pattern_set *set, struct pattern *pattern)
{
	pattern->regex = regex_new(slice_of(pattern->expression), pattern->flags);
	set->any_regex = true;
	return pattern->regex == NULL ? -ENOMEM : 0;
}

static unsigned int
hyperscan_flags(const struct pattern *pattern)
{
	unsigned int flags = HS_FLAG_UTF8 | HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY;

	flags |= (pattern->flags & REGEX_CASELESS) != 0 ? HS_FLAG_CASELESS : 0;
	flags |= (pattern->flags & REGEX_MULTILINE) != 0 ? HS_FLAG_MULTILINE : 0;
	flags |= (pattern->flags & REGEX_DOTALL) != 0 ? HS_FLAG_DOTALL : 0;
	return flags;
}

/* The expressions of a field that are not PCRE2's.  Their ids are places in the list of the
 * database's expressions, since numbers of patterns change with every rule. */
static void
list_regexes(const struct pattern_set *set, enum wevent_field field, struct hyperscan_input *input,
	uint32_t *patterns)
{
	input->count = 0;
	for (uint32_t i = 0; i < set->count; i++) {
		const struct pattern *pattern = &set->patterns[i];
		uint32_t n = input->count;

		if (pattern->field != field || pattern->expression == NULL ||
			pattern->regex != NULL)
			continue;
		input->texts[n] = pattern->expression;
		input->flags[n] = hyperscan_flags(pattern);
		input->ids[n] = n;
		patterns[n] = i;
		input->count++;
	}
}

/* What turns out to be too large for Hyperscan goes to PCRE2, one after the other, until it takes
 * the rest. */
static int
compile_list(struct pattern_set *set, enum wevent_field field, const struct pattern_cache *cache,
	struct hyperscan_input *input, char error[PATTERN_ERROR_MAX])
{
	struct database *database = &set->fields[field];
	hs_compile_error_t *fault = NULL;
	int result = 0;

	for (;;) {
		int refused;

		list_regexes(set, field, input, database->expressions);
		if (input->count == 0 ||
			hyperscan_make(input, cache, &database->regexes, &fault) == 0)
			return 0;
		refused = fault->expression;
		if (refused < 0) {
			(void)snprintf(error, PATTERN_ERROR_MAX, "Hyperscan: %s", fault->message);
			result = -ENOTSUP;
		} else {
			result = use_regex(set, &set->patterns[database->expressions[refused]]);
		}
		(void)hs_free_compile_error(fault); /* it cannot fail */
		fault = NULL;
		if (result != 0)
			return result;
	}
}

/* One database of the field's expressions. */
static int
compile_regexes(struct pattern_set *set, enum wevent_field field, const struct pattern_cache *cache,
	char error[PATTERN_ERROR_MAX])
{
	struct hyperscan_input input;
	uint64_t room = HYPERSCAN_ROOM;
	uint32_t count = 0;
	int result = 0;

	for (uint32_t i = 0; i < set->count && result == 0; i++) {
		struct pattern *pattern = &set->patterns[i];

		if (pattern->field != field || pattern->expression == NULL)
			continue;
		count++;
		if (!hyperscan_takes(pattern->expression, hyperscan_flags(pattern), &room))
			result = use_regex(set, pattern);
	}
	if (result != 0 || count == 0)
		return result;
	set->fields[field].expressions = calloc(count, sizeof(uint32_t));
	result = -ENOMEM;
	if (hyperscan_input_make(&input, count, false) && set->fields[field].expressions != NULL)
		result = compile_list(set, field, cache, &input, error);
	hyperscan_input_done(&input);
	return result;
}

/* One field: the literals of its patterns into the database. */
static int
compile_field(struct pattern_set *set, enum wevent_field field, const struct pattern_cache *cache,
	char error[PATTERN_ERROR_MAX])
{
	struct database *database = &set->fields[field];
	struct entry *entries = NULL;
	uint32_t n = 0, total = 0;
	int result = -ENOMEM;

	for (uint32_t i = 0; i < set->count; i++)
		total += set->patterns[i].field == field && set->patterns[i].expression == NULL;
	if (total == 0)
		return 0;
	entries = calloc((size_t)total * DASHES, sizeof(*entries));
	database->literals = calloc((size_t)total * DASHES, sizeof(*database->literals));
	database->links = calloc((size_t)total * DASHES, sizeof(*database->links));
	if (entries == NULL || database->literals == NULL || database->links == NULL)
		goto fail;
	for (uint32_t i = 0; i < set->count; i++) {
		const struct pattern *pattern = &set->patterns[i];

		if (pattern->field == field && pattern->expression == NULL &&
			pattern->anchor != ANCHOR_NONE && entries_add(set, i, entries, &n) != 0)
			goto fail;
	}
	merge(database, entries, n);
	free(entries);
	return database->count == 0 ? 0 : compile_literals(database, cache, error);
fail:
	while (n > 0)
		free(entries[--n].literal.bytes);
	free(entries);
	return result;
}

int
pattern_compile(
	struct pattern_set *set, const struct pattern_cache *cache, char error[PATTERN_ERROR_MAX])
{
	const char *fault = hyperscan_fault();

	(void)snprintf(error, PATTERN_ERROR_MAX, "%s", fault != NULL ? fault : "out of memory");
	if (fault != NULL)
		return -ENOTSUP;
	for (uint32_t i = 0; i < set->count; i++)
		if (set->patterns[i].field >= set->field_count)
			set->field_count = (uint32_t)set->patterns[i].field + 1;
	set->fields = calloc((size_t)set->field_count + 1, sizeof(*set->fields));
	if (set->fields == NULL)
		return -ENOMEM;
	for (uint32_t field = 0; field < set->field_count; field++) {
		struct database *database = &set->fields[field];
		int result = compile_field(set, (enum wevent_field)field, cache, error);

		if (result == 0)
			result = compile_regexes(set, (enum wevent_field)field, cache, error);
		if (result != 0)
			return result;
		if (database->hs != NULL &&
			hs_alloc_scratch(database->hs, &set->prototype) != HS_SUCCESS)
			return -ENOMEM;
		if (database->regexes != NULL &&
			hs_alloc_scratch(database->regexes, &set->prototype) != HS_SUCCESS)
			return -ENOMEM;
	}
	set->scans = malloc(((size_t)set->count + 1) * sizeof(*set->scans));
	if (set->scans == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->count; i++)
		set->scans[i] = pattern_is_scanned(set, i) ? pattern_scan_of(set, i) : NONE;
	set->compiled = true;
	return 0;
}

size_t
pattern_count(const struct pattern_set *set)
{
	return set->count;
}

size_t
pattern_databases(const struct pattern_set *set)
{
	size_t n = 0;

	for (uint32_t field = 0; field < set->field_count; field++)
		n += (set->fields[field].hs != NULL ? 1U : 0U) +
		     (set->fields[field].regexes != NULL ? 1U : 0U);
	return n;
}

struct pattern_scratch *
pattern_scratch_new(const struct pattern_set *set)
{
	struct pattern_scratch *scratch = calloc(1, sizeof(*scratch));

	if (scratch == NULL)
		return NULL;
	scratch->set = set;
	scratch->bits = calloc((size_t)set->count / 64 + 1, sizeof(*scratch->bits));
	scratch->open = calloc((size_t)set->count / 64 + 1, sizeof(*scratch->open));
	scratch->hits = calloc((size_t)set->count + 1, sizeof(*scratch->hits));
	scratch->scanned = calloc(pattern_scans(set) / 64 + 1, sizeof(*scratch->scanned));
	scratch->memo = memo_new();
	if (scratch->bits == NULL || scratch->open == NULL || scratch->hits == NULL ||
		scratch->scanned == NULL || scratch->memo == NULL)
		goto fail;
	if (set->prototype != NULL && hs_clone_scratch(set->prototype, &scratch->hs) != HS_SUCCESS)
		goto fail;
	if (set->any_regex && (scratch->regex = regex_scratch_new()) == NULL)
		goto fail;
	return scratch;
fail:
	pattern_scratch_free(scratch);
	return NULL;
}

void
pattern_scratch_free(struct pattern_scratch *scratch)
{
	if (scratch == NULL)
		return;
	(void)hs_free_scratch(scratch->hs); /* NULL is fine; it is not in use */
	regex_scratch_free(scratch->regex);
	free(scratch->bits);
	free(scratch->open);
	free(scratch->hits);
	free(scratch->scanned);
	memo_free(scratch->memo);
	free(scratch->copy);
	free(scratch);
}

void
pattern_reset(struct pattern_scratch *scratch)
{
	for (uint32_t i = 0; i < scratch->hit_count; i++) {
		scratch->bits[scratch->hits[i] / 64] = 0;
		scratch->open[scratch->hits[i] / 64] = 0;
	}
	scratch->hit_count = 0;
	scratch->limited = false;
	memset(scratch->scanned, 0,
		(pattern_scans(scratch->set) / 64 + 1) * sizeof(*scratch->scanned));
}

static bool
is_hit(const struct pattern_scratch *scratch, uint32_t id)
{
	return (scratch->bits[id / 64] >> (id % 64) & 1) != 0;
}

void
pattern_set_hit(struct pattern_scratch *scratch, uint32_t id)
{
	if (is_hit(scratch, id))
		return;
	scratch->bits[id / 64] |= UINT64_C(1) << (id % 64);
	scratch->hits[scratch->hit_count++] = id;
}

const uint32_t *
pattern_hits(const struct pattern_scratch *scratch, size_t *count)
{
	*count = scratch->hit_count;
	return scratch->hits;
}

bool
pattern_limited(const struct pattern_scratch *scratch)
{
	return scratch->limited;
}

struct scan {
	const struct pattern_set *set;
	const struct database *database;
	struct pattern_scratch *scratch;
	size_t len;
};

static void
set_candidate(struct pattern_scratch *scratch, uint32_t id)
{
	if (is_hit(scratch, id))
		return;
	scratch->open[id / 64] |= UINT64_C(1) << (id % 64);
	pattern_set_hit(scratch, id);
}

/* A literal ends at `to`.  For a glob this is only a candidate; it is matched when somebody asks.
 */
static int
found(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags,
	void *argument)
{
	const struct scan *scan = argument;
	const struct literal *literal = &scan->database->literals[id];

	(void)from; /* 0: the start of a match is not asked for */
	(void)flags;
	for (uint32_t link = literal->first; link != NONE;
		link = scan->database->links[link].next) {
		uint32_t i = scan->database->links[link].pattern;
		enum anchor anchor = scan->set->patterns[i].anchor;
		bool at_start = to == literal->len, at_end = to == scan->len;

		if ((anchor == ANCHOR_EXACT && at_start && at_end) ||
			(anchor == ANCHOR_START && at_start) || (anchor == ANCHOR_END && at_end) ||
			anchor == ANCHOR_ANYWHERE)
			pattern_set_hit(scan->scratch, i);
		else if (anchor == ANCHOR_GLOB)
			set_candidate(scan->scratch, i);
	}
	return 0;
}

/* An expression matches. */
static int
regex_found(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags,
	void *argument)
{
	const struct scan *scan = argument;

	(void)from;
	(void)to;
	(void)flags;
	pattern_set_hit(scan->scratch, scan->database->expressions[id]);
	return 0;
}

/* The text with bytes behind it that may be read.  Without memory for that it is scanned where it
 * stands. */
static const char *
copy(struct pattern_scratch *scratch, struct slice value)
{
	size_t size = value.len + HYPERSCAN_BEHIND;

	if (size > scratch->copy_size) {
		char *room = realloc(scratch->copy, 2 * size);

		if (room == NULL)
			return value.ptr;
		scratch->copy = room;
		scratch->copy_size = 2 * size;
	}
	if (value.len > 0)
		memcpy(scratch->copy, value.ptr, value.len);
	memset(scratch->copy + value.len, 0, HYPERSCAN_BEHIND);
	return scratch->copy;
}

static void
run(const hs_database_t *database, match_event_handler callback, struct scan *scan,
	struct slice value)
{
	/* It fails only for our own mistakes: another platform's database, a scratch in use. */
	hs_error_t error = hs_scan(database, copy(scan->scratch, value), (unsigned int)value.len, 0,
		scan->scratch->hs, callback, scan);

	assert(error == HS_SUCCESS);
	(void)error;
}

/* Has it been done?  It counts as done from now on. */
static bool
is_done(struct pattern_scratch *scratch, uint32_t scan)
{
	uint64_t bit = UINT64_C(1) << (scan % 64);
	bool done = (scratch->scanned[scan / 64] & bit) != 0;

	scratch->scanned[scan / 64] |= bit;
	return done;
}

void
pattern_skip(struct pattern_scratch *scratch, enum wevent_field field)
{
	uint32_t first = pattern_scan_of_strings(field);

	for (uint32_t scan = first; scan < first + 2 && scan < pattern_scans(scratch->set); scan++)
		(void)is_done(scratch, scan);
}

/* Hits as a scan of the same value found them before. */
static void
recall(struct pattern_scratch *scratch, const uint32_t *found, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if ((found[i] & MEMO_CANDIDATE) != 0)
			set_candidate(scratch, found[i] & ~MEMO_CANDIDATE);
		else
			pattern_set_hit(scratch, found[i]);
	}
}

/* Hits from the `from`th on are those of the scan, whose patterns no other scan finds. */
static void
remember(struct pattern_scratch *scratch, uint32_t from)
{
	uint32_t count = scratch->hit_count - from;
	uint32_t *found = memo_put(scratch->memo, count);

	for (uint32_t i = 0; found != NULL && i < count; i++) {
		uint32_t id = scratch->hits[from + i];

		found[i] = id;
		if ((scratch->open[id / 64] >> (id % 64) & 1) != 0)
			found[i] |= MEMO_CANDIDATE;
	}
}

void
pattern_scan(struct pattern_scratch *scratch, uint32_t number, struct slice value)
{
	const struct database *database = &scratch->set->fields[pattern_scan_field(number)];
	struct scan scan = { scratch->set, database, scratch, value.len };
	bool regexes = number != pattern_scan_of_strings(pattern_scan_field(number));
	const hs_database_t *hs = regexes ? database->regexes : database->hs;
	uint32_t from = scratch->hit_count, count;
	const uint32_t *found_before;

	assert(number < pattern_scans(scratch->set) && value.len <= UINT32_MAX);
	if (is_done(scratch, number) || hs == NULL || value.ptr == NULL)
		return;
	if (!regexes && value.len == 0)
		return; /* a string of no bytes is none that is scanned for */
	found_before = memo_find(scratch->memo, number, value, &count);
	if (found_before != NULL) {
		recall(scratch, found_before, count);
		return;
	}
	run(hs, regexes ? regex_found : found, &scan, value);
	remember(scratch, from);
}

/* What no scan finds. */
static bool
matches_alone(struct pattern_scratch *scratch, uint32_t id, struct slice value)
{
	const struct pattern *pattern = &scratch->set->patterns[id];

	if (is_hit(scratch, id))
		return true;
	if (value.ptr == NULL)
		return false;
	return pattern->regex != NULL
		       ? regex_matches(pattern->regex, scratch->regex, value, &scratch->limited)
		       : glob_matches(pattern->glob, value);
}

bool
pattern_matches(struct pattern_scratch *scratch, uint32_t id, struct slice value)
{
	uint32_t scan = scratch->set->scans[id];
	uint64_t bit = UINT64_C(1) << (id % 64);

	if (scan == NONE)
		return matches_alone(scratch, id, value);
	if ((scratch->scanned[scan / 64] >> (scan % 64) & 1) == 0)
		pattern_scan(scratch, scan, value);
	if (!is_hit(scratch, id))
		return false;
	if ((scratch->open[id / 64] & bit) != 0) {
		scratch->open[id / 64] &= ~bit;
		if (!glob_matches(scratch->set->patterns[id].glob, value))
			scratch->bits[id / 64] &= ~bit;
	}
	return is_hit(scratch, id);
}
