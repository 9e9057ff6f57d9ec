/* t1505d rules explain: why a rule matches an event, or does not. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/log.h"
#include "daemon/recording.h"
#include "daemon/rules_cmd.h"
#include "detect/condition.h"
#include "detect/filter.h"

#define SHOWN_MAX 4096 /* bytes of a value on one line */

enum outcome { OUTCOME_NONE, OUTCOME_EXPLAINED, OUTCOME_REFUSED, OUTCOME_NO_MEMORY };

struct explanation {
	const struct rules *rules;
	const struct rule *rule;
	uint64_t wanted, event; /* numbers of events, from 1 */
	enum outcome outcome;   /* of the one that is wanted */
	enum reason why;        /* it was refused */
	bool matches;
};

static void
print_text(struct slice text)
{
	char shown[SHOWN_MAX];

	fputs(log_escape(text, shown, sizeof(shown)), stdout);
}

static void
line_cb(void *context, enum explain_kind kind, struct slice text, struct slice value, bool holds)
{
	static const char *const heads[] = {
		[EXPLAIN_SELECTION] = "selection ",
		[EXPLAIN_ITEM] = "    ",
		[EXPLAIN_KEYWORDS] = "    ",
		[EXPLAIN_PATTERN] = "        ",
		[EXPLAIN_CONDITION] = "condition: ",
	};

	(void)context;
	printf("%s %s", holds ? "+" : "-", heads[kind]);
	print_text(text);
	if (kind == EXPLAIN_ITEM && value.ptr != NULL) {
		fputs("   the event has: ", stdout);
		print_text(value);
	}
	if (kind == EXPLAIN_ITEM && value.ptr == NULL)
		fputs("   the event has none", stdout);
	(void)putchar('\n');
}

static void
print_filter(const struct filter *filter, const char *effect)
{
	fputs("The filter '", stdout);
	print_text(slice_of(filter->title));
	fputs("' (", stdout);
	print_text(slice_of(filter->file));
	printf(") %s.\n", effect);
}

/* What becomes of a match. */
static void
print_fate(const struct explanation *explanation, struct ruleset_scratch *scratch,
	const struct wevent *event)
{
	const struct match *matches, *filtered;
	size_t count = ruleset_match(explanation->rules->set, scratch, event, &matches);
	size_t taken = ruleset_filtered(scratch, &filtered);

	for (size_t i = 0; i < count; i++)
		if (matches[i].rule == explanation->rule && matches[i].filter != NULL)
			print_filter(matches[i].filter, "lowers its severity");
	for (size_t i = 0; i < taken; i++)
		if (filtered[i].rule == explanation->rule)
			print_filter(filtered[i].filter, "takes the alert away");
	if (explanation->rule->silent)
		puts("It makes no alert of its own: a correlation speaks for it.");
}

static void
print_head(const struct explanation *explanation, const struct wevent *event)
{
	fputs("rule ", stdout);
	print_text(slice_of(explanation->rule->title));
	fputs(" (", stdout);
	print_text(slice_of(explanation->rule->file));
	fputs(")\nevent ", stdout);
	print_text(event->f[F_EventID]);
	fputs(" of ", stdout);
	print_text(event->f[F_Channel]);
	fputs(" on ", stdout);
	print_text(event->host);
	(void)putchar('\n');
}

static bool
explain_event_cb(void *context, struct wevent *event, int64_t time, struct arena *arena)
{
	struct explanation *explanation = context;
	const struct rules *rules = explanation->rules;
	const struct explain_sink sink = { NULL, line_cb };
	struct ruleset_scratch *scratch;
	bool routed;

	(void)time;
	if (++explanation->event != explanation->wanted)
		return true;
	event->f[F_Computer] = event->host;
	scratch = ruleset_scratch_new(rules->set);
	explanation->outcome = OUTCOME_NO_MEMORY;
	if (scratch == NULL || ruleset_complete_all(rules->set, rules->enrich, event, arena) < 0)
		goto done;
	explanation->outcome = OUTCOME_EXPLAINED;
	print_head(explanation, event);
	explanation->matches =
		ruleset_explain(rules->set, scratch, explanation->rule, event, &sink, &routed);
	printf("%s logsource: %s\n%s\n", routed ? "+" : "-",
		routed ? "it has such events" : "it has no such events",
		explanation->matches ? "The rule matches." : "The rule does not match.");
	if (explanation->matches)
		print_fate(explanation, scratch, event);
done:
	ruleset_scratch_free(scratch);
	return false;
}

/* It counts as an event, as it does in a test. */
static void
explain_refused_cb(void *context, enum reason why)
{
	struct explanation *explanation = context;

	if (++explanation->event != explanation->wanted)
		return;
	explanation->outcome = OUTCOME_REFUSED;
	explanation->why = why;
}

/* "FILE" or "FILE:N": N, with the file's name cut out of the word.  A file may have a colon. */
static uint64_t
take_number(char *word)
{
	char *colon = strrchr(word, ':');
	uint64_t n;

	if (colon == NULL || access(word, F_OK) == 0 ||
		slice_number(slice_of(colon + 1), INT64_MAX, &n) != 0 || n == 0)
		return 1;
	*colon = '\0';
	return n;
}

static int
explain_file(struct explanation *explanation, const struct conf *conf, char *file)
{
	const struct recording_reader reader = { explanation, explain_event_cb, explain_refused_cb,
		NULL };
	int error;

	explanation->wanted = take_number(file);
	error = recording_read(file, cmd_limits(conf, explanation->rules), &reader);
	if (error != 0) {
		fprintf(stderr, "t1505d rules: %s: %s\n", file, strerror(-error));
		return EX_NOINPUT;
	}
	switch (explanation->outcome) {
	case OUTCOME_NONE:
		fprintf(stderr, "t1505d rules: %s: it has no event %ju, but %ju\n", file,
			(uintmax_t)explanation->wanted, (uintmax_t)explanation->event);
		return EX_DATAERR;
	case OUTCOME_REFUSED:
		fprintf(stderr, "t1505d rules: %s:%ju: %s\n", file, (uintmax_t)explanation->wanted,
			reason_text(explanation->why));
		return EX_DATAERR;
	case OUTCOME_NO_MEMORY:
		fputs("t1505d rules: out of memory\n", stderr);
		return EX_OSERR;
	case OUTCOME_EXPLAINED:
		break;
	}
	return cmd_finish(explanation->matches ? EX_OK : EXIT_FAILURE);
}

int
rules_explain(const struct cmd_loaded *loaded, const struct rules_options *options, char **words)
{
	struct explanation explanation = { .rules = loaded->rules };
	bool several;

	(void)options;
	explanation.rule = rules_find(loaded->rules, words[0], &several);
	if (several) {
		fprintf(stderr,
			"t1505d rules: %s has several rules; give the id or the title of one, see "
			"t1505d rules list\n",
			words[0]);
		return EX_USAGE;
	}
	if (explanation.rule == NULL) {
		fprintf(stderr,
			"t1505d rules: there is no rule '%s'; give its id, its name, its title or "
			"its "
			"file's name, see t1505d rules list\n",
			words[0]);
		return EX_USAGE;
	}
	if (ruleset_correlation(loaded->rules->set, explanation.rule) != NULL) {
		fprintf(stderr,
			"t1505d rules: '%s' is a correlation, which no single event explains; "
			"explain the rules that it names\n",
			words[0]);
		return EX_USAGE;
	}
	return explain_file(&explanation, loaded->conf, words[1]);
}
