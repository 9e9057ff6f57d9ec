/* Conditions: parsed by precedence into postfix, evaluated on a bounded stack.
 *
 * The grammar is Sigma's (specification 2.1, "Condition"): not binds tighter than and, and tighter
 * than or; words in any letter case; parentheses; `1 of` and `all of` with a pattern of names or
 * `them`.  Parsing is the shunting yard: two stacks of a fixed size instead of recursion.  A
 * selection is copied into the program wherever it is named.
 *
 * A program is evaluated twice when it is true.  The first walk leaves out each right operand that
 * cannot change anything any more.  The second takes all of them, and the matched pairs form a
 * stack beside that of the truth values: what an operator makes false takes its pairs away with it.
 * The same walk with sets instead of truth values finds what a condition cannot be true without.
 *
 * Not here: the aggregations behind a pipe that Sigma 2 has given up.  They are refused. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "detect/condition.h"

enum word {
	WORD_END,
	WORD_OPEN,
	WORD_CLOSE,
	WORD_AND,
	WORD_OR,
	WORD_NOT,
	WORD_ONE_OF,  /* 1 of NAME */
	WORD_ALL_OF,  /* all of NAME */
	WORD_SOME_OF, /* 3 of NAME */
	WORD_NAME,
	WORD_BAD
};

struct parser {
	struct slice rest;
	struct condition_selection *selections;
	size_t selection_count;
	struct arena *arena;
	struct condition_op *ops;
	uint32_t count, size;
	enum word waiting[CONDITION_STACK_MAX]; /* operators and open parentheses */
	uint32_t waiting_count;
	uint32_t depth; /* of the evaluation's stack, so far */
	uint32_t least; /* of the WORD_SOME_OF that was read last */
	char *error;
};

static int
refuse(struct parser *parser, const char *what, struct slice word, const char *cure)
{
	(void)snprintf(parser->error, CONDITION_ERROR_MAX, "condition: %s '%.*s'; %s", what,
		(int)(word.len < 60 ? word.len : 60), word.len == 0 ? "" : word.ptr, cure);
	return -EINVAL;
}

static int
emit(struct parser *parser, struct condition_op op)
{
	if (parser->count == CONDITION_OPS_MAX)
		return refuse(parser, "too long at", parser->rest, "split the rule");
	if (parser->count == parser->size) {
		uint32_t size = parser->size < 64 ? 64 : parser->size * 2;
		struct condition_op *ops = arena_grow(parser->arena, parser->ops,
			parser->size * sizeof(*ops), size * sizeof(*ops));

		if (ops == NULL)
			return -ENOMEM;
		parser->ops = ops;
		parser->size = size;
	}
	parser->ops[parser->count++] = op;
	return 0;
}

/* How deep a selection's own program goes is part of the bound. */
static int
emit_selection(struct parser *parser, struct condition_selection *selection)
{
	uint32_t depth = parser->depth;

	selection->used = true;
	for (uint32_t i = 0; i < selection->op_count; i++) {
		enum condition_opcode code = selection->ops[i].code;
		int result = emit(parser, selection->ops[i]);

		if (result != 0)
			return result;
		if (code == CONDITION_ITEM)
			depth++;
		else if (code != CONDITION_NOT)
			depth--; /* a selection has no CONDITION_SOME */
		if (depth > CONDITION_STACK_MAX)
			return refuse(
				parser, "nested too deep at", selection->name, "split the rule");
	}
	return 0;
}

/* A word is letters, digits and what names and their patterns are made of. */
static bool
is_word(char byte)
{
	unsigned char c = slice_lower((unsigned char)byte);

	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80 ||
	       (c != '\0' && strchr("_-.*", c) != NULL);
}

static struct slice
next_text(struct parser *parser)
{
	struct slice word;
	size_t n = 0;

	parser->rest = slice_trim(parser->rest);
	while (n < parser->rest.len && is_word(parser->rest.ptr[n]))
		n++;
	if (n == 0 && parser->rest.len > 0)
		n = 1; /* a parenthesis, or a byte that is refused */
	word = slice_sub(parser->rest, 0, n);
	parser->rest = slice_sub(parser->rest, n, parser->rest.len);
	return word;
}

static bool
is_number(struct slice word)
{
	uint64_t n;

	return slice_number(word, UINT64_MAX, &n) != -EINVAL;
}

/* "1 of NAME" and "all of NAME" are read as one word; a selection named "all" cannot be reached, as
 * everywhere. */
static enum word
next_quantified(struct parser *parser, struct slice first, struct slice *name)
{
	if (!slice_equal_nocase(next_text(parser), SLICE("of"))) {
		(void)refuse(parser, "'of' is missing after", first,
			"write '1 of NAME*' or 'all of NAME*'");
		return WORD_BAD;
	}
	*name = next_text(parser);
	if (name->len == 0 || !is_word(name->ptr[0])) {
		(void)refuse(parser, "a name is missing after", first,
			"write '1 of NAME*' or '1 of them'");
		return WORD_BAD;
	}
	if (slice_equal_nocase(first, SLICE("all")))
		return WORD_ALL_OF;
	return parser->least == 1 ? WORD_ONE_OF : WORD_SOME_OF;
}

static enum word
next_word(struct parser *parser, struct slice *name)
{
	static const struct {
		struct slice text;
		enum word word;
	} words[] = {
		{ SLICE_INIT("("), WORD_OPEN },
		{ SLICE_INIT(")"), WORD_CLOSE },
		{ SLICE_INIT("and"), WORD_AND },
		{ SLICE_INIT("or"), WORD_OR },
		{ SLICE_INIT("not"), WORD_NOT },
	};
	struct slice text = next_text(parser);

	*name = text;
	if (text.len == 0)
		return WORD_END;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (slice_equal_nocase(text, words[i].text))
			return words[i].word;
	}
	if (slice_equal_nocase(text, SLICE("all")))
		return next_quantified(parser, text, name);
	if (is_number(text)) {
		uint64_t least;

		if (slice_number(text, CONDITION_STACK_MAX, &least) != 0 || least == 0) {
			(void)refuse(parser, "a number from 1 to 64 is wanted, not", text,
				"write '1 of NAME*' or 'all of NAME*'");
			return WORD_BAD;
		}
		parser->least = (uint32_t)least;
		return next_quantified(parser, text, name);
	}
	if (slice_equal(text, SLICE("|"))) {
		(void)refuse(parser, "aggregation after", text,
			"write a correlation rule of type event_count or "
			"value_count instead");
		return WORD_BAD;
	}
	if (!is_word(text.ptr[0])) {
		(void)refuse(parser, "unexpected", text,
			"names, and, or, not, 1 of, all of and parentheses "
			"make a condition");
		return WORD_BAD;
	}
	return WORD_NAME;
}

/* `*` in the pattern takes any bytes.  Selections whose name starts with an underscore take no
 * part, unless the pattern asks for them. */
static bool
name_matches(struct slice pattern, struct slice name)
{
	size_t p = 0, n = 0, star = SIZE_MAX, resume = 0;

	if (name.len > 0 && name.ptr[0] == '_' && pattern.ptr[0] != '_')
		return false;
	if (slice_equal_nocase(pattern, SLICE("them")))
		return true;
	while (n < name.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			resume = n;
		} else if (p < pattern.len && pattern.ptr[p] == name.ptr[n]) {
			p++;
			n++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			n = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

/* `some`: how many selections stand on the stack, to be counted. */
static int
finish_some(struct parser *parser, uint32_t some, struct slice name)
{
	if (some < parser->least)
		return refuse(parser, "there are fewer selections than that named like", name,
			"correct the number or the pattern");
	return emit(parser, (struct condition_op){
				    .code = CONDITION_SOME, .least = parser->least, .of = some });
}

static int
operand(struct parser *parser, enum word word, struct slice name)
{
	struct condition_op join = { .code = word == WORD_ALL_OF ? CONDITION_AND : CONDITION_OR };
	uint32_t some = 0;
	bool any = false;

	for (size_t i = 0; i < parser->selection_count; i++) {
		struct condition_selection *selection = &parser->selections[i];
		int result;

		if (word == WORD_NAME ? !slice_equal(name, selection->name)
				      : !name_matches(name, selection->name))
			continue;
		if (word == WORD_SOME_OF) {
			parser->depth += some;
			result = emit_selection(parser, selection);
			parser->depth -= some++;
		} else {
			parser->depth += any;
			result = emit_selection(parser, selection);
			parser->depth -= any;
			if (result == 0 && any)
				result = emit(parser, join);
		}
		if (result != 0)
			return result;
		any = true;
	}
	if (!any && word == WORD_NAME)
		return refuse(parser, "there is no selection", name,
			"correct the name or add the selection");
	if (!any)
		return refuse(parser, "no selection is named like", name,
			"correct the pattern or add one");
	parser->depth++;
	return word == WORD_SOME_OF ? finish_some(parser, some, name) : 0;
}

/* Write out the operators that bind at least as tight as `word`, to the innermost parenthesis. */
static int
settle(struct parser *parser, enum word word)
{
	static const struct {
		enum condition_opcode code;
		int tightness;
	} operators[] = {
		[WORD_OPEN] = { CONDITION_ITEM, 0 },
		[WORD_CLOSE] = { CONDITION_ITEM, 1 },
		[WORD_OR] = { CONDITION_OR, 2 },
		[WORD_AND] = { CONDITION_AND, 3 },
		[WORD_NOT] = { CONDITION_NOT, 4 },
		[WORD_END] = { CONDITION_ITEM, 1 },
	};

	while (parser->waiting_count > 0) {
		enum word top = parser->waiting[parser->waiting_count - 1];
		int result;

		if (top == WORD_OPEN || operators[top].tightness < operators[word].tightness)
			break;
		result = emit(parser, (struct condition_op){ .code = operators[top].code });
		if (result != 0)
			return result;
		parser->waiting_count--;
		parser->depth -= top != WORD_NOT;
	}
	return 0;
}

static int
push(struct parser *parser, enum word word)
{
	if (parser->waiting_count == CONDITION_STACK_MAX)
		return refuse(parser, "nested too deep at", parser->rest, "split the rule");
	parser->waiting[parser->waiting_count++] = word;
	return 0;
}

/* One word where a value may begin. */
static int
before_value(struct parser *parser, enum word word, struct slice name, bool *value)
{
	switch (word) {
	case WORD_NAME:
	case WORD_ONE_OF:
	case WORD_ALL_OF:
	case WORD_SOME_OF:
		*value = true;
		return operand(parser, word, name);
	case WORD_OPEN:
	case WORD_NOT:
		return push(parser, word);
	case WORD_BAD:
		return -EINVAL;
	case WORD_END:
		return refuse(parser, "a selection is missing at the end", name, "name one");
	default:
		return refuse(parser, "a selection is missing before", name, "name one");
	}
}

/* One word behind a value. */
static int
after_value(struct parser *parser, enum word word, struct slice name, bool *value)
{
	int result;

	if (word == WORD_BAD)
		return -EINVAL;
	if (word != WORD_AND && word != WORD_OR && word != WORD_CLOSE && word != WORD_END)
		return refuse(parser, "'and' or 'or' is missing before", name, "add it");
	result = settle(parser, word);
	if (result != 0)
		return result;
	if (word == WORD_AND || word == WORD_OR) {
		*value = false;
		return push(parser, word);
	}
	if (word == WORD_CLOSE) {
		if (parser->waiting_count == 0)
			return refuse(parser, "nothing is open for", name, "remove it");
		parser->waiting_count--;
	} else if (parser->waiting_count > 0) {
		return refuse(parser, "a parenthesis is not closed", name, "add ')'");
	}
	return 0;
}

/* Tell the first item of each right operand how far its operator is.  A selection with a fault of
 * its own has left no operations, and then nobody evaluates the program. */
static void
place_skips(struct condition_op *ops, uint32_t count)
{
	uint32_t starts[CONDITION_STACK_MAX + 1], n = 0;

	for (uint32_t i = 0; i < count; i++) {
		switch (ops[i].code) {
		case CONDITION_ITEM:
			starts[n++] = i;
			break;
		case CONDITION_AND:
		case CONDITION_OR:
			if (n < 2)
				return;
			n--;
			ops[starts[n]].skip = i - starts[n];
			break;
		case CONDITION_NOT:
			break;
		case CONDITION_SOME:
			if (n < ops[i].of)
				return;
			n -= ops[i].of - 1;
			break;
		}
	}
}

int
condition_compile(struct slice text, struct condition_selection *selections, size_t count,
	struct arena *arena, struct condition_op **ops, uint32_t *op_count,
	char error[CONDITION_ERROR_MAX])
{
	struct parser parser = {
		.rest = text,
		.selections = selections,
		.selection_count = count,
		.arena = arena,
		.ops = *ops,
		.count = *op_count,
		.size = *op_count,
		.depth = *op_count > 0,
		.error = error,
	};
	bool value = false;
	enum word word;
	int result;

	do {
		struct slice name;

		word = next_word(&parser, &name);
		if (value)
			result = after_value(&parser, word, name, &value);
		else
			result = before_value(&parser, word, name, &value);
		if (result != 0)
			return result;
	} while (word != WORD_END);
	if (*op_count > 0) {
		result = emit(&parser, (struct condition_op){ .code = CONDITION_OR });
		if (result != 0)
			return result;
	}
	place_skips(parser.ops, parser.count);
	*ops = parser.ops;
	*op_count = parser.count;
	return 0;
}

static void
show(struct match *match, const struct condition_item *item, struct slice text)
{
	if (match->matched_count == MATCHED_MAX)
		return;
	match->matched[match->matched_count].field = item->field;
	match->matched[match->matched_count].keyword = item->keywords;
	match->matched[match->matched_count].name = item->name;
	match->matched[match->matched_count].pattern = text;
	match->matched_count++;
}

static bool
pattern_holds(const struct condition_pattern *pattern, enum wevent_field field,
	struct pattern_scratch *scratch, const struct wevent *event)
{
	if (pattern->kind == CONDITION_COMPARISON)
		return compare_holds(&pattern->compared, event, field);
	return pattern_matches(scratch, pattern->id, wevent_value(event, field));
}

/* Without `match` only the truth is asked for. */
static bool
eval_item(const struct condition *condition, const struct condition_item *item,
	struct pattern_scratch *scratch, const struct wevent *event, struct match *match)
{
	/* An item may ask for absence alone, and a rule may have no pattern at all. */
	const struct condition_pattern *patterns =
		item->count > 0 ? condition->patterns + item->first : NULL;
	uint32_t before = match == NULL ? 0 : match->matched_count, values = 0, last = UINT32_MAX;
	bool holds;

	for (uint32_t i = 0; i < item->count; i++) {
		if (patterns[i].value == last ||
			!pattern_holds(&patterns[i], item->field, scratch, event))
			continue;
		last = patterns[i].value;
		values++;
		if (match == NULL && !item->all)
			break;
		/* What was asked to be absent has nothing to show. */
		if (match == NULL)
			continue;
		if (patterns[i].kind != CONDITION_COMPARISON ||
			wevent_value(event, item->field).ptr != NULL)
			show(match, item, patterns[i].text);
	}
	holds = item->all
			? values == item->value_count
			: values > 0 || (item->absent && wevent_value(event, item->field).len == 0);
	if (match != NULL && (!holds || item->negated))
		match->matched_count = before;
	return holds != item->negated;
}

/* Are at least so many true? */
static bool
eval_some(const bool *truth, const struct condition_op *op)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < op->of; i++)
		n += truth[i];
	return n >= op->least;
}

/* Is the operand that begins with this item left out, given the value of the left one? */
static bool
is_settled(const struct condition_op *op, bool left)
{
	return op->skip > 0 && left == (op[op->skip].code == CONDITION_OR);
}

/* One program of the condition's items.  Without `match` operands that can change nothing are left
 * out. */
static bool
run(const struct condition *condition, const struct condition_op *ops, uint32_t op_count,
	struct pattern_scratch *scratch, const struct wevent *event, struct match *match)
{
	bool truth[CONDITION_STACK_MAX + 1];
	uint32_t pairs[CONDITION_STACK_MAX + 1]; /* matched_count before this value was there */
	struct match ignored;
	uint32_t n = 0;
	bool all = match != NULL;

	match = all ? match : &ignored;
	match->matched_count = 0;
	for (uint32_t i = 0; i < op_count; i++) {
		const struct condition_op *op = &ops[i];

		switch (op->code) {
		case CONDITION_ITEM:
			if (!all && n > 0 && is_settled(op, truth[n - 1])) {
				i += op->skip;
				continue;
			}
			pairs[n] = match->matched_count;
			truth[n++] = eval_item(condition, &condition->items[op->item], scratch,
				event, all ? match : NULL);
			break;
		case CONDITION_AND:
			n--;
			truth[n - 1] = truth[n - 1] && truth[n];
			break;
		case CONDITION_OR:
			n--;
			truth[n - 1] = truth[n - 1] || truth[n];
			break;
		case CONDITION_NOT:
			truth[n - 1] = !truth[n - 1];
			match->matched_count = pairs[n - 1];
			break;
		case CONDITION_SOME:
			n -= op->of - 1;
			truth[n - 1] = eval_some(&truth[n - 1], op);
			break;
		}
		if (!truth[n - 1])
			match->matched_count = pairs[n - 1];
	}
	assert(n == 1);
	return truth[0];
}

bool
condition_eval(const struct condition *condition, struct pattern_scratch *scratch,
	const struct wevent *event, struct match *match)
{
	match->matched_count = 0;
	if (!run(condition, condition->ops, condition->op_count, scratch, event, NULL))
		return false;
	return run(condition, condition->ops, condition->op_count, scratch, event, match);
}

static void
explain_item(const struct condition *condition, const struct condition_item *item,
	struct pattern_scratch *scratch, const struct wevent *event,
	const struct explain_sink *sink)
{
	struct slice value = item->keywords ? SLICE_NONE : wevent_value(event, item->field);
	uint32_t end = item->first + item->count, next;
	struct match ignored = { 0 };

	sink->line(sink->context, item->keywords ? EXPLAIN_KEYWORDS : EXPLAIN_ITEM,
		slice_of(item->keywords ? item->name : item->key), value,
		eval_item(condition, item, scratch, event, &ignored));
	for (uint32_t i = item->first; i < end; i = next) {
		const struct condition_pattern *pattern = &condition->patterns[i];
		bool holds = false;

		/* A placeholder's values are one of the item's, and several of the operator's. */
		for (next = i; next < end && condition->patterns[next].value == pattern->value &&
			       slice_equal(condition->patterns[next].text, pattern->text);
			next++)
			holds = holds || pattern_holds(&condition->patterns[next], item->field,
						 scratch, event);
		sink->line(sink->context, EXPLAIN_PATTERN, pattern->text, SLICE_NONE, holds);
	}
	if (item->absent)
		sink->line(
			sink->context, EXPLAIN_PATTERN, SLICE("null"), SLICE_NONE, value.len == 0);
}

bool
condition_explain(const struct condition *condition, struct pattern_scratch *scratch,
	const struct wevent *event, const struct explain_sink *sink)
{
	struct match match;
	uint32_t start = 0;

	for (uint32_t i = 0; i < condition->selection_count; i++) {
		const struct condition_selection *selection = &condition->selections[i];

		sink->line(sink->context, EXPLAIN_SELECTION, selection->name, SLICE_NONE,
			run(condition, selection->ops, selection->op_count, scratch, event,
				&match));
		for (uint32_t k = 0; k < selection->op_count; k++)
			if (selection->ops[k].code == CONDITION_ITEM)
				explain_item(condition, &condition->items[selection->ops[k].item],
					scratch, event, sink);
	}
	for (uint32_t i = 0; condition->texts[i] != NULL; i++) {
		uint32_t count = condition->ends[i] - start - (i > 0);

		sink->line(sink->context, EXPLAIN_CONDITION, slice_of(condition->texts[i]),
			SLICE_NONE,
			run(condition, condition->ops + start, count, scratch, event, &match));
		start = condition->ends[i];
	}
	return condition_eval(condition, scratch, event, &match);
}

/* A value's set: the last `count` of the items collected so far; cost 0: there is none. */
struct wait {
	uint32_t count;
	uint64_t cost;
};

/* Both must be true: waiting for one of them is enough. */
static struct wait
wait_either(struct wait left, struct wait right, uint32_t *items, uint32_t *total)
{
	bool keep_right = right.cost > 0 && (left.cost == 0 || right.cost < left.cost);

	if (keep_right)
		memmove(items + *total - right.count - left.count, items + *total - right.count,
			right.count * sizeof(*items));
	*total -= keep_right ? left.count : right.count;
	return keep_right ? right : left;
}

/* One of them must be true: both are to be waited for. */
static struct wait
wait_both(struct wait left, struct wait right, uint32_t *total)
{
	if (left.cost > 0 && right.cost > 0)
		return (struct wait){ left.count + right.count, left.cost + right.cost };
	*total -= left.count + right.count;
	return (struct wait){ 0 };
}

uint32_t
condition_required(const struct condition *condition, const uint32_t *cost, uint32_t *required)
{
	struct wait stack[CONDITION_STACK_MAX + 1];
	uint32_t n = 0, total = 0;

	for (uint32_t i = 0; i < condition->op_count; i++) {
		uint32_t item = condition->ops[i].item;

		switch (condition->ops[i].code) {
		case CONDITION_ITEM:
			stack[n] = (struct wait){ cost[item] > 0, cost[item] };
			if (cost[item] > 0)
				required[total++] = item;
			n++;
			break;
		case CONDITION_AND:
			n--;
			stack[n - 1] = wait_either(stack[n - 1], stack[n], required, &total);
			break;
		case CONDITION_OR:
			n--;
			stack[n - 1] = wait_both(stack[n - 1], stack[n], &total);
			break;
		case CONDITION_NOT:
			total -= stack[n - 1].count;
			stack[n - 1] = (struct wait){ 0 };
			break;
		case CONDITION_SOME:
			/* Whichever of them are true: one of all. */
			for (uint32_t k = condition->ops[i].of; k > 1; k--) {
				n--;
				stack[n - 1] = wait_both(stack[n - 1], stack[n], &total);
			}
			break;
		}
	}
	assert(n == 1);
	return total;
}

bool
condition_has_keywords(const struct condition *condition)
{
	for (uint32_t i = 0; i < condition->item_count; i++)
		if (condition->items[i].keywords)
			return true;
	return false;
}
