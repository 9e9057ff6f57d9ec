/* Sigma documents (specification 2.1): what an alert says of a rule, the events that it is for, and
 * what it looks for.
 *
 * The specification's keys are in tables.  Keys of the author's own at the top level of a rule are
 * allowed by it and passed over, with a warning where one is a slip for another key; everything
 * else that is not known is refused with its place: a rule that is loaded means what it says.
 *
 * Fields that the canonical event does not have are kept from the record for the rules that name
 * them, under the very name. */

#include <errno.h>
#include <string.h>

#include "detect/lint.h"
#include "detect/selection.h"
#include "detect/sigma.h"
#include "detect/spelling.h"

struct document {
	struct sigma_reader *reader;
	struct sigma_rule *out;
	bool logsource;
	bool detection;
	bool generate;
};

static const char *const kind_names[] = {
	[SIGMA_RULE] = "rule", [SIGMA_FILTER] = "filter", [SIGMA_CORRELATION] = "correlation"
};

typedef void read_function(struct document *, struct fy_node *key, struct fy_node *value);

static void
read_title(struct document *document, struct fy_node *key, struct fy_node *value)
{
	reader_text(document->reader, key, value, &document->out->rule.title);
}

static void
read_name(struct document *document, struct fy_node *key, struct fy_node *value)
{
	reader_text(document->reader, key, value, &document->out->rule.name);
}

static void
read_description(struct document *document, struct fy_node *key, struct fy_node *value)
{
	reader_text(document->reader, key, value, &document->out->rule.description);
}

static void
read_detection_type(struct document *document, struct fy_node *key, struct fy_node *value)
{
	reader_text(document->reader, key, value, &document->out->rule.detection_type);
}

/* RFC 9562: 8-4-4-4-12 hexadecimal digits. */
static bool
is_uuid(struct slice text)
{
	if (text.len != 36)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = slice_lower((unsigned char)text.ptr[i]);

		if (i == 8 || i == 13 || i == 18 || i == 23
				? c != '-'
				: !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return true;
}

static void
read_id(struct document *document, struct fy_node *key, struct fy_node *value)
{
	reader_text(document->reader, key, value, &document->out->rule.id);
	yaml_place(
		document->reader->yaml, value, &document->out->id_line, &document->out->id_column);
	if (document->out->rule.id != NULL && !is_uuid(slice_trim(yaml_scalar(value))))
		yaml_fault(document->reader->yaml, value, document->reader->faults, true,
			"id is no UUID; make one with uuidgen");
}

static void
read_level(struct document *document, struct fy_node *key, struct fy_node *value)
{
	struct slice text = yaml_scalar(value);

	(void)key;
	for (int i = 0; i < SEVERITY_MAX; i++) {
		if (slice_equal_nocase(text, slice_of(severity_name((enum severity)i)))) {
			document->out->rule.severity = (enum severity)i;
			document->out->level = true;
			return;
		}
	}
	reader_refuse(document->reader, value,
		"unknown level '%.*s'; write informational, low, medium, high or critical",
		READER_SHOW(text));
}

static void
read_status(struct document *document, struct fy_node *key, struct fy_node *value)
{
	static const char *const known[] = { "stable", "test", "experimental", "deprecated" };
	struct slice text = yaml_scalar(value);

	(void)key;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (slice_equal_nocase(text, slice_of(known[i]))) {
			document->out->rule.status = known[i];
			return;
		}
	}
	if (slice_equal_nocase(text, SLICE("unsupported")))
		reader_refuse(document->reader, value,
			"status 'unsupported': its author says that it cannot be used; remove the "
			"rule");
	else
		yaml_fault(document->reader->yaml, value, document->reader->faults, true,
			"unknown status '%.*s'; write stable, test, experimental or deprecated",
			READER_SHOW(text));
}

static void
read_taxonomy(struct document *document, struct fy_node *key, struct fy_node *value)
{
	struct slice text = yaml_scalar(value);

	(void)key;
	if (!slice_equal(text, SLICE("sigma")))
		reader_refuse(document->reader, value,
			"taxonomy '%.*s' is not known; write the rule with Sigma's own field names",
			READER_SHOW(text));
}

/* attack.t1505.003 -> T1505.003; NULL when it is another tag. */
static const char *
technique(struct document *document, struct slice tag)
{
	struct slice id = slice_sub(tag, 7, tag.len);
	char *copy;

	if (!slice_prefix_nocase(tag, SLICE("attack.t")) || (id.len != 5 && id.len != 9))
		return NULL;
	for (size_t i = 1; i < id.len; i++) {
		if (i == 5 ? id.ptr[i] != '.' : id.ptr[i] < '0' || id.ptr[i] > '9')
			return NULL;
	}
	copy = arena_alloc(document->reader->arena, id.len + 1);
	if (copy == NULL) {
		reader_no_memory(document->reader);
		return NULL;
	}
	memcpy(copy, id.ptr, id.len);
	copy[0] = 'T';
	copy[id.len] = '\0';
	return copy;
}

/* Does it begin like a technique? */
static bool
is_like_technique(struct slice tag)
{
	return slice_prefix_nocase(tag, SLICE("attack.t")) && tag.len > 8 && tag.ptr[8] >= '0' &&
	       tag.ptr[8] <= '9';
}

static void
read_tags(struct document *document, struct fy_node *key, struct fy_node *value)
{
	struct rule *rule = &document->out->rule;
	struct sigma_reader *reader = document->reader;
	const char **techniques;
	struct fy_node *node;
	void *iterator = NULL;
	size_t n = 0;

	if (!reader_is_list(value)) {
		reader_refuse(reader, value == NULL ? key : value,
			"'tags' must be a list; write '- attack.t1505.003'");
		return;
	}
	reader_texts(reader, key, value, &rule->tags);
	techniques = arena_alloc(reader->arena,
		((size_t)fy_node_sequence_item_count(value) + 1) * sizeof(*techniques));
	if (techniques == NULL) {
		reader_no_memory(reader);
		return;
	}
	while ((node = fy_node_sequence_iterate(value, &iterator)) != NULL) {
		struct slice tag = slice_trim(yaml_scalar(node));

		techniques[n] = technique(document, tag);
		if (techniques[n] == NULL && is_like_technique(tag))
			yaml_fault(reader->yaml, node, reader->faults, true,
				"'%.*s' is no technique; write it as attack.t1505 or "
				"attack.t1505.003",
				READER_SHOW(tag));
		n += techniques[n] != NULL;
	}
	techniques[n] = NULL;
	rule->techniques = techniques;
}

static void
read_falsepositives(struct document *document, struct fy_node *key, struct fy_node *value)
{
	reader_texts(document->reader, key, value, &document->out->rule.falsepositives);
}

/* They are kept from the record for the alert, as those are that the rule compares. */
static void
read_fields(struct document *document, struct fy_node *key, struct fy_node *value)
{
	struct rule *rule = &document->out->rule;
	enum wevent_field *fields;
	size_t count = 0;

	reader_texts(document->reader, key, value, &rule->field_names);
	while (rule->field_names != NULL && rule->field_names[count] != NULL)
		count++;
	fields = arena_alloc(document->reader->arena, count * sizeof(*fields) + 1);
	if (fields == NULL) {
		reader_no_memory(document->reader);
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (!reader_field(
			    document->reader, value, slice_of(rule->field_names[i]), &fields[i]))
			return;
	rule->fields = fields;
}

/* The routes, in the arena. */
static void
keep_routes(struct document *document, const struct route *routes, uint32_t count)
{
	struct route *copy = arena_alloc(document->reader->arena, count * sizeof(*copy) + 1);

	if (copy == NULL) {
		reader_no_memory(document->reader);
		return;
	}
	memcpy(copy, routes, count * sizeof(*copy));
	document->out->routes = copy;
	document->out->route_count = count;
}

static void
warn_idle(struct document *document, struct fy_node *node, const char *meant)
{
	yaml_fault(document->reader->yaml, node, document->reader->faults, true,
		"no event that the collector takes is of this logsource: the %s is idle%s%s%s",
		kind_names[document->out->kind], meant == NULL ? "" : "; did you mean ",
		meant == NULL ? "" : meant, meant == NULL ? "" : "?");
}

static void
read_logsource(struct document *document, struct fy_node *key, struct fy_node *value)
{
	struct slice product = SLICE_NONE, category = SLICE_NONE, service = SLICE_NONE;
	const struct {
		struct slice name;
		struct slice *to; /* NULL: for people */
	} words[] = { { SLICE("product"), &product }, { SLICE("category"), &category },
		{ SLICE("service"), &service }, { SLICE("definition"), NULL } };
	struct route routes[LOGSOURCE_ROUTES_MAX];
	uint32_t count;
	struct fy_node_pair *pair;
	void *iterator = NULL;
	bool unknown = false;

	document->logsource = true;
	if (!reader_is_map(value)) {
		reader_refuse(document->reader, value == NULL ? key : value,
			"'logsource' must be a map; write 'service: sysmon' in it");
		return;
	}
	while ((pair = fy_node_mapping_iterate(value, &iterator)) != NULL) {
		struct slice name = yaml_scalar(fy_node_pair_key(pair));
		size_t i = 0;

		while (i < sizeof(words) / sizeof(words[0]) && !slice_equal(name, words[i].name))
			i++;
		unknown = unknown || i == sizeof(words) / sizeof(words[0]);
		if (i == sizeof(words) / sizeof(words[0]))
			reader_refuse(document->reader, fy_node_pair_key(pair),
				"logsource '%.*s' is not known; write product, category or service",
				READER_SHOW(name));
		else if (words[i].to != NULL)
			*words[i].to = slice_trim(yaml_scalar(fy_node_pair_value(pair)));
	}
	if (product.len + category.len + service.len == 0) {
		if (!unknown)
			reader_refuse(document->reader, value,
				"the logsource names no product, category or service; write one");
		return;
	}
	count = logsource_routes(product, category, service, routes);
	keep_routes(document, routes, count);
	document->out->category = arena_copy(document->reader->arena, category);
	if (category.len > 0 && document->out->category.ptr == NULL)
		reader_no_memory(document->reader);
	if (count == 0)
		warn_idle(document, value, logsource_meant(product, category, service));
}

static void
read_detection(struct document *document, struct fy_node *key, struct fy_node *value)
{
	static const char *const others[] = { "timeframe", NULL };
	struct fy_node_pair *pair;
	void *iterator = NULL;

	while (reader_is_map(value) && (pair = fy_node_mapping_iterate(value, &iterator)) != NULL)
		if (slice_equal(yaml_scalar(fy_node_pair_key(pair)), SLICE("timeframe")))
			reader_refuse(document->reader, fy_node_pair_key(pair),
				"'timeframe' belongs to aggregations, which Sigma 2 has given up; "
				"remove it");
	selection_read(document->reader, key, value, others, &document->out->condition);
}

static void
read_filter(struct document *document, struct fy_node *key, struct fy_node *value)
{
	filter_read(document->reader, key, value, &document->out->filter);
}

static void
read_correlation(struct document *document, struct fy_node *key, struct fy_node *value)
{
	correlation_read(document->reader, key, value, &document->out->correlation);
}

/* The schema has it beside the correlation, some tools in it. */
static void
read_generate(struct document *document, struct fy_node *key, struct fy_node *value)
{
	reader_flag(document->reader, key, value, &document->generate);
}

static void
read_action(struct document *document, struct fy_node *key, struct fy_node *value)
{
	if (document->out->kind == SIGMA_FILTER)
		filter_read_action(document->reader, key, value, &document->out->filter);
	else
		reader_refuse(document->reader, key,
			"rule collections ('action') are Sigma 1; write each rule out");
}

static void
read_schedule(struct document *document, struct fy_node *key, struct fy_node *value)
{
	filter_read_schedule(document->reader, key, value, &document->out->filter);
}

#define KIND(kind) (1U << SIGMA_##kind)
#define ALERTING (KIND(RULE) | KIND(CORRELATION))
#define ALL_KINDS (ALERTING | KIND(FILTER))

static const struct {
	const char *key;
	read_function *read; /* NULL: for people */
	unsigned int kinds;  /* of documents that have it */
} keys[] = {
	{ "action", read_action, ALL_KINDS },
	{ "author", NULL, ALL_KINDS },
	{ "correlation", read_correlation, KIND(CORRELATION) },
	{ "date", NULL, ALL_KINDS },
	{ "description", read_description, ALL_KINDS },
	{ "detection", read_detection, KIND(RULE) },
	{ "detection_type", read_detection_type, ALERTING },
	{ "falsepositives", read_falsepositives, ALERTING },
	{ "fields", read_fields, ALERTING },
	{ "filter", read_filter, KIND(FILTER) },
	{ "generate", read_generate, KIND(CORRELATION) },
	{ "id", read_id, ALL_KINDS },
	{ "level", read_level, ALERTING },
	{ "license", NULL, ALL_KINDS },
	{ "logsource", read_logsource, KIND(RULE) | KIND(FILTER) },
	{ "modified", NULL, ALL_KINDS },
	{ "name", read_name, ALL_KINDS },
	{ "references", NULL, ALL_KINDS },
	{ "related", NULL, ALL_KINDS },
	{ "schedule", read_schedule, KIND(FILTER) },
	{ "scope", NULL, ALL_KINDS },
	{ "status", read_status, ALL_KINDS },
	{ "tags", read_tags, ALERTING },
	{ "taxonomy", read_taxonomy, ALL_KINDS },
	{ "title", read_title, ALL_KINDS },
};
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

/* The keys that say what a document is. */
static const struct {
	const char *key;
	enum sigma_kind kind;
} kinds[] = {
	{ "correlation", SIGMA_CORRELATION },
	{ "detection", SIGMA_RULE },
	{ "filter", SIGMA_FILTER },
};

/* What the document is: a rule, when nothing else is said.  false: nothing that could be read. */
static bool
find_kind(struct document *document, struct fy_node *root)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;
	const char *before = NULL;

	if (!reader_is_map(root)) {
		reader_refuse(
			document->reader, root, "a rule is a map; write 'title: ...' and so on");
		return false;
	}
	while ((pair = fy_node_mapping_iterate(root, &iterator)) != NULL) {
		struct fy_node *key = fy_node_pair_key(pair);

		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			if (!slice_equal(yaml_scalar(key), slice_of(kinds[i].key)) ||
				before == kinds[i].key)
				continue;
			if (before != NULL) {
				reader_refuse(document->reader, key,
					"a document has '%s' or '%s', not both; put '---' between "
					"two documents",
					before, kinds[i].key);
				return false;
			}
			before = kinds[i].key;
			document->out->kind = kinds[i].kind;
		}
	}
	return true;
}

/* A key that is in no row.  A filter that drops what it should lower, or always instead of at
 * night, loses alerts: it has no keys of its author's own. */
static void
unknown_key(struct document *document, struct fy_node *key)
{
	struct sigma_reader *reader = document->reader;
	struct slice name = yaml_scalar(key);
	bool filter = document->out->kind == SIGMA_FILTER;
	size_t i = 0;

	while (i < KEY_COUNT && !spelling_is_near(name, slice_of(keys[i].key)))
		i++;
	if (filter && i == KEY_COUNT)
		reader_refuse(
			reader, key, "a filter has no key '%.*s'; remove it", READER_SHOW(name));
	else if (filter)
		reader_refuse(reader, key, "a filter has no key '%.*s'; did you mean %s?",
			READER_SHOW(name), keys[i].key);
	else if (i < KEY_COUNT)
		yaml_fault(reader->yaml, key, reader->faults, true,
			"'%.*s' is a key that says nothing; did you mean %s?", READER_SHOW(name),
			keys[i].key);
}

static void
read_key(struct document *document, struct fy_node *key, struct fy_node *value)
{
	struct slice name = yaml_scalar(key);
	size_t i = 0;

	while (i < KEY_COUNT && !slice_equal(name, slice_of(keys[i].key)))
		i++;
	if (i == KEY_COUNT)
		unknown_key(document, key);
	else if ((keys[i].kinds & 1U << document->out->kind) == 0)
		yaml_fault(document->reader->yaml, key, document->reader->faults, true,
			"'%s' says nothing in a %s; remove it", keys[i].key,
			kind_names[document->out->kind]);
	else if (keys[i].read != NULL)
		keys[i].read(document, key, value);
	document->detection =
		document->detection || (i < KEY_COUNT && keys[i].read == read_detection);
}

static void
read_keys(struct document *document, struct fy_node *root)
{
	struct fy_node_pair *pair;
	void *iterator = NULL;

	while ((pair = fy_node_mapping_iterate(root, &iterator)) != NULL)
		read_key(document, fy_node_pair_key(pair), fy_node_pair_value(pair));
}

/* What no document of its kind can do without. */
static void
check_keys(struct document *document, struct fy_node *root)
{
	bool rule = document->out->kind == SIGMA_RULE;

	if (rule && !document->logsource)
		reader_refuse(document->reader, root,
			"the rule has no logsource; write 'logsource:' with 'category: "
			"process_creation' or 'service: sysmon' in it");
	if (rule && !document->detection)
		reader_refuse(document->reader, root,
			"the rule has no detection; write selections and a condition");
	if (document->out->rule.title == NULL && !document->reader->failed)
		reader_refuse(document->reader, root, "the %s has no title; write 'title: ...'",
			kind_names[document->out->kind]);
}

/* Below a directory named core. */
static bool
is_core(struct slice file)
{
	struct slice rest = file;

	while (rest.len > 0) {
		size_t slash = slice_find_byte(rest, '/');

		if (slash == rest.len)
			return false;
		if (slice_equal(slice_sub(rest, 0, slash), SLICE("core")))
			return true;
		rest = slice_sub(rest, slash + 1, rest.len);
	}
	return false;
}

/* What the document leaves out and alerts need. */
static void
complete(struct document *document, struct fy_node *root)
{
	static const char *const none[] = { NULL };
	struct rule *rule = &document->out->rule;

	if (rule->id == NULL) {
		rule->id = rule->title;
		yaml_fault(document->reader->yaml, root, document->reader->faults, true,
			"there is no id, the title is taken; make one with uuidgen");
	}
	if (!document->out->level && document->out->kind == SIGMA_RULE) {
		rule->severity = SEVERITY_MEDIUM;
		yaml_fault(document->reader->yaml, root, document->reader->faults, true,
			"the rule has no level, medium is taken; write one");
	}
	if (rule->detection_type == NULL)
		rule->detection_type = rule->name != NULL ? rule->name : rule->title;
	if (rule->tags == NULL)
		rule->tags = rule->techniques = none;
	if (rule->falsepositives == NULL)
		rule->falsepositives = none;
	if (rule->field_names == NULL)
		rule->field_names = none;
}

/* Its fields, whatever else is wrong; an idle rule has been told to be. */
static void
look_at_fields(struct document *document, struct fy_node *root)
{
	if (!document->logsource || document->out->route_count > 0)
		lint_fields(document->reader, document->out->category, root);
}

static void
look_at_condition(struct document *document, struct fy_node *root)
{
	bool filter = document->out->kind == SIGMA_FILTER;

	if (!lint_can_be_true(
		    filter ? &document->out->filter.condition : &document->out->condition))
		yaml_fault(document->reader->yaml, root, document->reader->faults, true,
			"the %s: its condition contradicts itself",
			filter ? "filter takes everything away" : "rule can never match");
}

/* What a filter has that its document has. */
static void
complete_filter(struct sigma_rule *document)
{
	struct filter *filter = &document->filter;

	filter->id = document->rule.id;
	filter->title = document->rule.title;
	filter->file = document->rule.file;
	filter->id_line = document->id_line;
	filter->id_column = document->id_column;
	filter->routes = document->routes;
	filter->route_count = document->route_count;
}

int
sigma_parse(
	struct sigma_reader *reader, const char *file, struct fy_node *root, struct sigma_rule *out)
{
	struct sigma_rule rule = { .rule = { .file = file, .core = is_core(slice_of(file)) } };
	struct document document = { .reader = reader, .out = &rule };

	reader->failed = false;
	reader->no_memory = false;
	yaml_place(reader->yaml, root, &rule.line, &rule.column);
	rule.id_line = rule.line;
	rule.id_column = rule.column;
	if (find_kind(&document, root)) {
		read_keys(&document, root);
		check_keys(&document, root);
		look_at_fields(&document, root);
	}
	if (!reader->failed)
		complete(&document, root);
	if (!reader->failed)
		look_at_condition(&document, root);
	if (rule.kind == SIGMA_FILTER)
		complete_filter(&rule);
	rule.correlation.generate = rule.correlation.generate || document.generate;
	*out = rule;
	if (reader->no_memory)
		return -ENOMEM;
	return reader->failed ? -EINVAL : 0;
}
