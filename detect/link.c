/* Names become places in the set.  A rule is named by its id, in any letter case, or by its name.
 */

#include <errno.h>
#include <string.h>

#include "detect/link.h"
#include "detect/lint.h"
#include "detect/window.h"

#define CORRELATE_CHAIN_MAX 8
#define CORRELATE_SPANS_MAX 300 /* time spans that may be open at once in what keeps of each */

/* Is it called by this id, in any letter case, or this name? */
static bool
is_called(const struct sigma_rule *rule, const char *reference)
{
	return slice_equal_nocase(slice_of(rule->rule.id), slice_of(reference)) ||
	       (rule->rule.name != NULL && strcmp(rule->rule.name, reference) == 0);
}

static bool
is_refused(const struct refusals *refusals, const char *reference)
{
	for (uint32_t i = 0; i < refusals->count; i++) {
		const struct refused *one = &refusals->list[i];

		if ((one->id != NULL &&
			    slice_equal_nocase(slice_of(one->id), slice_of(reference))) ||
			(one->name != NULL && strcmp(one->name, reference) == 0))
			return true;
	}
	return false;
}

/* The first rule from `i` on that the reference means; set->count: there is none. */
static uint32_t
find_reference(const struct ruleset *set, const char *reference, uint32_t i)
{
	while (i < set->count && !is_called(&set->rules[i], reference))
		i++;
	return i;
}

/* Does the filter speak of the rule? */
static bool
filter_names(const struct filter *filter, const struct sigma_rule *rule)
{
	bool named = filter->rules == NULL;

	for (uint32_t i = 0; !named && filter->rules[i] != NULL; i++)
		named = is_called(rule, filter->rules[i]);
	return named;
}

/* Is there an event that is the filter's and the rule's? */
static bool
have_one_event(const struct filter *filter, const struct sigma_rule *rule)
{
	for (uint32_t i = 0; i < filter->route_count; i++)
		for (uint32_t k = 0; k < rule->route_count; k++) {
			struct route a = filter->routes[i], b = rule->routes[k];

			if (slice_equal_nocase(slice_of(a.channel), slice_of(b.channel)) &&
				(a.event_id == b.event_id || a.event_id == -1 || b.event_id == -1))
				return true;
		}
	return filter->routes == NULL;
}

/* Warn of a filter that touches no event of a rule that it names.  A filter of several rules may
 * have a selection for each, with fields that the others lack. */
static void
check_events(const struct filter *filter, const struct sigma_rule *rule, struct faults *faults)
{
	const struct condition *condition = &filter->condition;

	if (!have_one_event(filter, rule))
		faults_add(faults, filter->file, filter->line, filter->column, true,
			"the filter's logsource has no event of rule '%s'; correct or remove it",
			rule->rule.title);
	for (uint32_t i = 0; i < condition->item_count && filter->rules[1] == NULL; i++) {
		const struct condition_item *item = &condition->items[i];

		if (!item->keywords && !lint_has_field(rule->category, item->name))
			faults_add(faults, filter->file, filter->line, filter->column, true,
				"events of category %.*s, as of rule '%s', have no field '%s'; "
				"correct it",
				READER_SHOW(rule->category), rule->rule.title, item->name);
	}
}

/* Warn of a reference that does not do what its author expects. */
static void
check_reference(const struct ruleset *set, const struct refusals *refusals,
	const struct filter *filter, const char *reference, struct faults *faults)
{
	uint32_t first = find_reference(set, reference, 0);
	uint32_t second = first < set->count ? find_reference(set, reference, first + 1) : first;

	if (is_refused(refusals, reference))
		return;
	if (first == set->count)
		faults_add(faults, filter->file, filter->line, filter->column, true,
			"the filter names a rule that is not loaded: %s; correct it or remove it",
			reference);
	else if (second < set->count)
		faults_add(faults, filter->file, filter->line, filter->column, true,
			"the filter is for two rules that are called '%s' (%s:%d, %s:%d); name "
			"them by their ids",
			reference, set->rules[first].rule.file, set->rules[first].line,
			set->rules[second].rule.file, set->rules[second].line);
	else if (set->rules[first].kind == SIGMA_CORRELATION)
		faults_add(faults, filter->file, filter->line, filter->column, true,
			"'%s' is a correlation, whose alerts no filter takes away; name the rules "
			"that it counts",
			reference);
	else
		check_events(filter, &set->rules[first], faults);
}

/* Put the filter on the lists of its rules, which have room for all filters. */
static void
link_filter(struct ruleset *set, const struct refusals *refusals, const struct filter *filter,
	struct faults *faults)
{
	for (uint32_t i = 0; i < set->count; i++) {
		struct plan *plan = &set->plans[i];

		if (!filter_names(filter, &set->rules[i]))
			continue;
		plan->filters[plan->filter_count++] = filter->index;
		plan->text = plan->text || condition_has_keywords(&filter->condition);
	}
	for (uint32_t i = 0; filter->rules != NULL && filter->rules[i] != NULL; i++)
		check_reference(set, refusals, filter, filter->rules[i], faults);
}

/* Find the rule of the i-th reference, which none before it may mean.  false: there is a fault. */
static bool
resolve(const struct ruleset *set, const struct refusals *refusals, const struct sigma_rule *rule,
	uint32_t i, struct faults *faults)
{
	const struct correlation *correlation = &rule->correlation;
	struct correlation_reference *references = correlation->references;
	const char *name = references[i].name;
	uint32_t found = find_reference(set, name, 0), other, before = 0;

	if (is_refused(refusals, name))
		return false;
	if (found == set->count) {
		faults_add(faults, rule->rule.file, correlation->line, correlation->column, false,
			"there is no rule with the id or name '%s'; load it or correct the name",
			name);
		return false;
	}
	other = find_reference(set, name, found + 1);
	if (other < set->count) {
		faults_add(faults, rule->rule.file, correlation->line, correlation->column, false,
			"two rules are called '%s' (%s:%d, %s:%d); name the one that is meant by "
			"its id",
			name, set->rules[found].rule.file, set->rules[found].line,
			set->rules[other].rule.file, set->rules[other].line);
		return false;
	}
	while (before < i && references[before].rule != found)
		before++;
	references[i].rule = found;
	if (before < i)
		faults_add(faults, rule->rule.file, correlation->line, correlation->column, false,
			"'%s' and '%s' are one rule; remove one of them", references[before].name,
			name);
	return before == i;
}

/* Put the correlation on the lists of its rules.  0, -ENOMEM, or -EINVAL for rules that are not
 * there, or there twice. */
static int
link_correlation(
	struct ruleset *set, const struct refusals *refusals, uint32_t index, struct faults *faults)
{
	const struct sigma_rule *rule = &set->rules[index];
	int result = 0;

	for (uint32_t i = 0; i < rule->correlation.reference_count; i++)
		rule->correlation.references[i].rule = UINT32_MAX;
	for (uint32_t i = 0; i < rule->correlation.reference_count; i++) {
		struct correlation_link *links;
		struct plan *plan;

		if (!resolve(set, refusals, rule, i, faults)) {
			result = -EINVAL;
			continue;
		}
		plan = &set->plans[rule->correlation.references[i].rule];
		links = arena_grow(set->arena, plan->links, plan->link_count * sizeof(*links),
			(plan->link_count + 1) * sizeof(*links));
		if (links == NULL)
			return -ENOMEM;
		links[plan->link_count++] = (struct correlation_link){ index, i };
		plan->links = links;
	}
	return result;
}

/* How long after its events a rule speaks. */
static int64_t
delay_of(const struct sigma_rule *rule)
{
	const struct correlation *correlation = &rule->correlation;

	if (rule->kind != SIGMA_CORRELATION)
		return 0;
	if (!correlation_waits(correlation))
		return correlation->delay;
	return correlation->delay + correlation->timespan + CORRELATE_LATENESS;
}

/* A correlation has the highest level of its rules where it has none of its own, and waits for the
 * slowest of them; `above` so many others count it, one on the other.  false: the chain has no end,
 * or is too long. */
static bool
settle(struct ruleset *set, uint32_t index, uint32_t above)
{
	struct sigma_rule *rule = &set->rules[index];
	struct plan *plan = &set->plans[index];
	uint32_t longest = 0;

	if (rule->kind != SIGMA_CORRELATION)
		return true;
	if (above + (plan->chain == 0 ? 1 : plan->chain) > CORRELATE_CHAIN_MAX)
		return false;
	if (plan->chain > 0)
		return true;
	for (uint32_t i = 0; i < rule->correlation.reference_count; i++) {
		uint32_t other = rule->correlation.references[i].rule;

		if (!settle(set, other, above + 1))
			return false;
		if (set->plans[other].chain > longest)
			longest = set->plans[other].chain;
		if (delay_of(&set->rules[other]) > rule->correlation.delay)
			rule->correlation.delay = delay_of(&set->rules[other]);
		if (!rule->level && set->rules[other].rule.severity > rule->rule.severity)
			rule->rule.severity = set->rules[other].rule.severity;
	}
	plan->chain = longest + 1;
	return true;
}

/* What waits, or adds up, keeps something of each time span that may still be open.  false: it
 * would be too much. */
static bool
check_delay(const struct sigma_rule *rule, const struct sigma_rule *rules, struct faults *faults)
{
	const struct correlation *correlation = &rule->correlation;
	uint32_t i = 0;

	if (correlation->delay == 0 ||
		correlation->delay + CORRELATE_LATENESS <=
			correlation->timespan * CORRELATE_SPANS_MAX ||
		!(correlation_waits(correlation) || correlation->type == CORRELATION_VALUE_SUM))
		return true;
	while (delay_of(&rules[correlation->references[i].rule]) < correlation->delay)
		i++;
	faults_add(faults, rule->rule.file, correlation->line, correlation->column, false,
		"'%s' speaks up to %jd s after its events, too late for a timespan that is not a "
		"%dth of that; write a longer one here, or a shorter one there",
		correlation->references[i].name, (intmax_t)(correlation->delay / 1000000),
		CORRELATE_SPANS_MAX);
	return false;
}

/* What the events call a field that a correlation has under this name; NULL: not known, of an alias
 * for one that only rules name. */
static const char *
name_of(const struct ruleset *set, enum wevent_field field, const char *written)
{
	if (field < F_MAX)
		return wevent_field_name(field);
	return wevent_names_find(set->names, slice_of(written)) == field - F_MAX ? written : NULL;
}

/* Warn of the first of these fields of a reference that no event of its rule's category has. */
static void
warn_of_foreign(const struct ruleset *set, const struct sigma_rule *correlation,
	const struct sigma_rule *rule, const enum wevent_field *fields, const char *const *names,
	struct faults *faults)
{
	for (uint32_t i = 0; names != NULL && names[i] != NULL; i++) {
		const char *name = name_of(set, fields[i], names[i]);

		if (name == NULL || lint_has_field(rule->category, name))
			continue;
		faults_add(faults, correlation->rule.file, correlation->correlation.line,
			correlation->correlation.column, true,
			"events of category %.*s have no field '%s', so those of rule '%s' take no "
			"part; correct one of them",
			READER_SHOW(rule->category), name, rule->rule.title);
		return;
	}
}

/* The same of all references that are rules. */
static void
warn_of_references(const struct ruleset *set, const struct sigma_rule *rule, struct faults *faults)
{
	const struct correlation *correlation = &rule->correlation;

	for (uint32_t i = 0; i < correlation->reference_count; i++) {
		const struct correlation_reference *reference = &correlation->references[i];
		const struct sigma_rule *other = &set->rules[reference->rule];

		if (other->kind != SIGMA_RULE)
			continue;
		warn_of_foreign(
			set, rule, other, reference->group, correlation->group_names, faults);
		warn_of_foreign(
			set, rule, other, reference->fields, correlation->field_names, faults);
	}
}

/* Rules that only correlations speak for.  Those of the core always speak. */
static void
silence(struct ruleset *set, uint32_t index, struct faults *faults)
{
	struct sigma_rule *rule = &set->rules[index];
	const struct plan *plan = &set->plans[index];

	for (uint32_t i = 0; i < plan->link_count; i++)
		if (set->rules[plan->links[i].rule].correlation.generate)
			return;
	if (plan->link_count == 0 || rule->rule.core)
		return;
	rule->rule.silent = true;
	if (rule->kind == SIGMA_CORRELATION && !rule->level)
		return; /* a link of a chain, made for that */
	faults_add(faults, rule->rule.file, rule->line, rule->column, true,
		"the %s makes no alerts of its own, since correlation '%s' (%s) counts it; write "
		"'generate: true' there to have both",
		rule->kind == SIGMA_CORRELATION ? "correlation" : "rule",
		set->rules[plan->links[0].rule].rule.title,
		set->rules[plan->links[0].rule].rule.file);
}

int
link_correlations(struct ruleset *set, const struct refusals *refusals, struct faults *faults)
{
	int result = 0;

	for (uint32_t i = 0; i < set->count; i++) {
		int one = 0;

		if (set->rules[i].kind == SIGMA_CORRELATION) {
			set->correlates = true;
			one = link_correlation(set, refusals, i, faults);
		}
		if (one == -ENOMEM)
			return one;
		result = result == 0 ? one : result;
	}
	if (result != 0)
		return result;
	for (uint32_t i = 0; i < set->count; i++) {
		if (settle(set, i, 0))
			continue;
		faults_add(faults, set->rules[i].rule.file, set->rules[i].correlation.line,
			set->rules[i].correlation.column, false,
			"a chain of more than %d correlations, or one that leads back to itself; "
			"shorten it",
			CORRELATE_CHAIN_MAX);
		result = -EINVAL;
	}
	if (result != 0)
		return result;
	for (uint32_t i = 0; i < set->count; i++)
		if (set->rules[i].kind == SIGMA_CORRELATION &&
			!check_delay(&set->rules[i], set->rules, faults))
			result = -EINVAL;
	for (uint32_t i = 0; i < set->count && result == 0; i++) {
		warn_of_references(set, &set->rules[i], faults);
		silence(set, i, faults);
	}
	return result;
}

int
link_filters(struct ruleset *set, const struct refusals *refusals, struct faults *faults)
{
	size_t room = set->filter_count * sizeof(uint32_t) + 1;

	for (uint32_t i = 0; i < set->count && set->filter_count > 0; i++) {
		set->plans[i].filters = arena_alloc(set->arena, room);
		if (set->plans[i].filters == NULL)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < set->filter_count; i++)
		link_filter(set, refusals, &set->filters[i], faults);
	return 0;
}
