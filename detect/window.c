/* A window is a row of entries in the order of their times, an entry a matched event: who matched,
 * when, what value.  An event in its order goes to the end and is judged with what is within one
 * time span before it; a late one is put where it belongs and judged with all spans that it is in.
 *
 * Entries older than two time spans and the lateness are forgotten: the latest that still finds its
 * place needs what was a time span before it.  What bounds the others follows from what is asked:
 * - Sums, and counts that wait: neighbours become one entry with the sum of both, those that are
 *   nearest to each other first.
 * - Values: an entry between two of the same value within one time span says nothing that these do
 *   not, and is left out.
 * - Temporal: each reference has its share of the entries, so that a flood of one cannot push out
 *   the others; beyond it the entry goes whose neighbours of the same reference are nearest to each
 *   other, and is missing only when they are not within one time span.
 * - Everything else: the oldest are forgotten, or, while a window waits, no more are taken; an
 *   answer that would need what is missing is not given.
 *
 * What is left out still counts as an event of the entry before it. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/window.h"

/* Entries; of the at most twice 301 s that they cover with the shortest time span, none is then as
 * long as that. */
#define SUMS_MAX 2048
#define TEMPORAL_MAX 512 /* entries of all references together, but for those that are needed */
#define NO_TIME INT64_MIN

struct entry {
	int64_t time, end;      /* of its first event and of its last */
	int64_t previous, next; /* times of the entries with the same value, of a value_count */
	struct correlation_value value;
	uint32_t reference;
	uint32_t count;                 /* of events */
	bool lowered;                   /* filters have lowered all of them */
	unsigned char id[CORRELATE_ID]; /* of the last */
};

struct window {
	struct entry *entries; /* by time */
	uint32_t count, size;
	int64_t deadline;   /* receive time */
	int64_t newest;     /* time of an event */
	int64_t closed;     /* the end of the last span that was closed */
	int64_t missing[2]; /* between these times some events are missing */
	int64_t spoken;     /* up to this time events that have spoken may be forgotten */
	struct known_events known;
	struct kept_events kept; /* of a correlation that waits */
};

_Static_assert(sizeof(struct entry) <= 88, "as WINDOW_SIZE_MAX has it");
_Static_assert(TEMPORAL_MAX / CORRELATE_REFERENCES_MAX > 2, "a share has a first, a last and more");

static void
init(struct window *window)
{
	*window = (struct window){ .deadline = NO_TIME,
		.newest = NO_TIME,
		.closed = NO_TIME,
		.missing = { INT64_MAX, NO_TIME },
		.spoken = NO_TIME };
	known_init(&window->known);
}

struct window *
window_new(void)
{
	struct window *window = malloc(sizeof(*window));

	if (window != NULL)
		init(window);
	return window;
}

static void
forget_entries(struct window *window)
{
	free(window->entries);
	window->entries = NULL;
	window->count = window->size = 0;
}

void
window_clear(struct window *window)
{
	forget_entries(window);
	known_done(&window->known);
	kept_done(&window->kept);
	init(window);
}

void
window_free(struct window *window)
{
	if (window == NULL)
		return;
	window_clear(window);
	free(window);
}

size_t
window_size(const struct window *window)
{
	return sizeof(*window) + window->size * sizeof(*window->entries) +
	       known_size(&window->known) + kept_size(&window->kept);
}

int64_t
window_deadline(const struct window *window)
{
	return window->deadline;
}

bool
window_event(const struct window *window, struct wevent *event)
{
	return kept_find(&window->kept, window->closed, event);
}

/* ---- entries ---- */

static void
forget(struct window *window, uint32_t from, uint32_t count)
{
	memmove(window->entries + from, window->entries + from + count,
		(window->count - from - count) * sizeof(*window->entries));
	window->count -= count;
}

/* How late a match may be beyond the time span: later where references wait themselves. */
static int64_t
lateness(const struct correlation *correlation)
{
	return CORRELATE_LATENESS + correlation->delay;
}

/* Does an event of this time come too late? */
static bool
is_late(const struct window *window, const struct correlation *correlation, int64_t time)
{
	return time <= window->closed ||
	       (window->newest != NO_TIME &&
		       time < window->newest - correlation->timespan - lateness(correlation));
}

/* Is nothing that may still come in one time span with this? */
static bool
is_over(const struct window *window, const struct correlation *correlation, int64_t time)
{
	return time <= window->closed || is_late(window, correlation, time + correlation->timespan);
}

static uint32_t
count_old(const struct window *window, const struct correlation *correlation)
{
	uint32_t n = 0;

	while (n < window->count && is_over(window, correlation, window->entries[n].end))
		n++;
	return n;
}

/* They go, but not when they are few. */
static void
trim(struct window *window, const struct correlation *correlation)
{
	uint32_t n = count_old(window, correlation);

	if (n > window->count / 8)
		forget(window, 0, n);
}

/* The events of an entry count as those of the one before it, where the value is a number in its
 * sum; one that was not lowered must be seen from either side. */
static void
leave_out(struct window *window, uint32_t before, uint32_t at, uint32_t behind)
{
	struct entry *entries = window->entries;

	entries[before].count += entries[at].count;
	entries[before].value.number += entries[at].value.number;
	entries[before].lowered = entries[before].lowered && entries[at].lowered;
	entries[behind].lowered = entries[behind].lowered && entries[at].lowered;
	forget(window, at, 1);
}

/* The two neighbours that are nearest to each other become one. */
static void
join_nearest(struct window *window)
{
	struct entry *entries = window->entries;
	int64_t nearest = INT64_MAX;
	uint32_t at = 0;

	for (uint32_t i = 0; i + 1 < window->count; i++) {
		int64_t extent = entries[i + 1].end - entries[i].time;

		if (extent >= nearest)
			continue;
		nearest = extent;
		at = i;
	}
	if (entries[at + 1].end > entries[at].end)
		entries[at].end = entries[at + 1].end;
	memcpy(entries[at].id, entries[at + 1].id, CORRELATE_ID);
	leave_out(window, at, at + 1, at);
}

/* Are counts and sums all that is asked of the entries, each of which may then stand for many? */
static bool
adds_up(const struct correlation *correlation)
{
	return correlation->type == CORRELATION_VALUE_SUM ||
	       correlation->type == CORRELATION_VALUE_AVG ||
	       (correlation->type == CORRELATION_EVENT_COUNT && correlation_waits(correlation));
}

/* An event of this time is missing.  Those that were missing before matter as long as their time is
 * not over. */
static void
note_missing(struct window *window, const struct correlation *correlation, int64_t time)
{
	if (is_over(window, correlation, window->missing[1]) || time < window->missing[0])
		window->missing[0] = time;
	if (time > window->missing[1])
		window->missing[1] = time;
}

/* May an event between these times be missing? */
static bool
is_missing(const struct window *window, int64_t from, int64_t to)
{
	return window->missing[0] <= to && window->missing[1] >= from;
}

/* Room for one more entry, of this time.  false: there is none in a window that waits. */
static bool
make_room(struct window *window, const struct correlation *correlation, int64_t time)
{
	uint32_t most = adds_up(correlation) ? SUMS_MAX : CORRELATE_ENTRIES_MAX;

	if (window->count == most && !correlation_waits(correlation))
		forget(window, 0, count_old(window, correlation));
	if (window->count < most)
		return true;
	if (adds_up(correlation)) {
		join_nearest(window);
	} else if (correlation_waits(correlation)) {
		note_missing(window, correlation, time);
		return false;
	} else {
		note_missing(window, correlation, window->entries[0].time);
		note_missing(window, correlation, window->entries[most / 8 - 1].time);
		forget(window, 0, most / 8);
	}
	return true;
}

static bool
grow(struct window *window)
{
	uint32_t size = window->size == 0 ? 4 : window->size * 2;
	struct entry *entries;

	if (window->count < window->size)
		return true;
	if (size > CORRELATE_ENTRIES_MAX)
		size = CORRELATE_ENTRIES_MAX;
	entries = realloc(window->entries, size * sizeof(*entries));
	if (entries == NULL)
		return false;
	window->entries = entries;
	window->size = size;
	return true;
}

/* Put the entry where it belongs; its place to *at.  At one time the references are in their order,
 * whichever came first.  false for no memory. */
static bool
insert(struct window *window, const struct entry *entry, uint32_t *at)
{
	struct entry *entries;
	uint32_t i = window->count;

	if (!grow(window))
		return false;
	entries = window->entries;
	while (i > 0 && (entries[i - 1].time > entry->time ||
				(entries[i - 1].time == entry->time &&
					entries[i - 1].reference > entry->reference)))
		i--;
	memmove(entries + i + 1, entries + i, (window->count - i) * sizeof(*entry));
	entries[i] = *entry;
	window->count++;
	*at = i;
	return true;
}

/* Of a reference that has more than its share one entry goes, but neither its first nor its last,
 * nor the one at *at.  Between two within a time span nothing is missed: each span that it is in
 * has one of these. */
static void
keep_to_share(struct window *window, const struct correlation *correlation, uint32_t *at)
{
	const struct entry *entries = window->entries;
	uint32_t have = 0, before = 0, middle = 0, least[3] = { 0 };
	int64_t nearest = INT64_MAX;

	for (uint32_t i = 0; i < window->count; i++) {
		if (entries[i].reference != entries[*at].reference)
			continue;
		if (++have > 2 && middle != *at &&
			entries[i].time - entries[before].time < nearest) {
			nearest = entries[i].time - entries[before].time;
			least[0] = before;
			least[1] = middle;
			least[2] = i;
		}
		before = middle;
		middle = i;
	}
	if (have <= TEMPORAL_MAX / correlation->reference_count)
		return;
	if (nearest > correlation->timespan) {
		if (have <= CORRELATE_ENTRIES_MAX / correlation->reference_count)
			return;
		note_missing(window, correlation, entries[least[1]].time);
	}
	leave_out(window, least[0], least[1], least[2]);
	*at -= least[1] < *at;
}

/* ---- events that come again ---- */

/* What an event is counted by: two references count it twice. */
static uint64_t
identity(const struct window_match *match)
{
	uint64_t id;

	memcpy(&id, match->id, sizeof(id));
	return id * CORRELATE_REFERENCES_MAX + match->reference;
}

/* Can nobody tell whether an event of this time has been counted?  Where one that comes again
 * changes nothing that is asked, only what has spoken matters. */
static bool
is_forgotten(const struct window *window, const struct correlation *correlation, int64_t time)
{
	bool harmless = correlation_is_temporal(correlation->type) ||
			correlation->type == CORRELATION_VALUE_COUNT;

	return time <= (harmless ? window->spoken : window->known.forgotten);
}

/* An event takes part once.  WINDOW_QUIET: this one has not yet. */
static enum window_answer
remember(struct window *window, const struct correlation *correlation,
	const struct window_match *match)
{
	enum window_answer answer = WINDOW_QUIET;

	known_drop(&window->known, window->newest - correlation->timespan - lateness(correlation));
	if (known_has(&window->known, match->time, identity(match)))
		return WINDOW_KNOWN;
	if (is_forgotten(window, correlation, match->time))
		answer = WINDOW_FULL;
	else if (!known_add(&window->known, match->time, identity(match)))
		answer = WINDOW_NO_MEMORY;
	if (answer != WINDOW_QUIET)
		note_missing(window, correlation, match->time);
	return answer;
}

/* ---- values that are there already ---- */

#define NOWHERE UINT32_MAX

/* The entry of the same value nearest before `at`, or behind it. */
static uint32_t
find_before(const struct window *window, uint32_t at)
{
	for (uint32_t i = at; i-- > 0;)
		if (window->entries[i].value.hash == window->entries[at].value.hash)
			return i;
	return NOWHERE;
}

static uint32_t
find_behind(const struct window *window, uint32_t at)
{
	for (uint32_t i = at + 1; i < window->count; i++)
		if (window->entries[i].value.hash == window->entries[at].value.hash)
			return i;
	return NOWHERE;
}

/* Leave the entry out when those of its value before and behind it are within one time span. */
static bool
leave_out_between(struct window *window, const struct correlation *correlation, uint32_t middle)
{
	uint32_t before = find_before(window, middle), behind = find_behind(window, middle);
	struct entry *entries = window->entries;

	if (before == NOWHERE || behind == NOWHERE ||
		entries[behind].time - entries[before].time > correlation->timespan)
		return false;
	entries[before].next = entries[behind].time;
	entries[behind].previous = entries[before].time;
	leave_out(window, before, middle, behind);
	return true;
}

/* Link the new entry to those of the same value; what is between two of them goes, which may be the
 * new one itself: *at is NOWHERE then. */
static void
link_value(struct window *window, const struct correlation *correlation, uint32_t *at)
{
	uint32_t before = find_before(window, *at), behind = find_behind(window, *at);
	struct entry *entries = window->entries;

	if (before != NOWHERE) {
		entries[*at].previous = entries[before].time;
		entries[before].next = entries[*at].time;
	}
	if (behind != NOWHERE) {
		entries[*at].next = entries[behind].time;
		entries[behind].previous = entries[*at].time;
	}
	if (before != NOWHERE && behind != NOWHERE && leave_out_between(window, correlation, *at)) {
		*at = NOWHERE;
		return;
	}
	if (behind != NOWHERE)
		(void)leave_out_between(window, correlation, behind);
	if (before != NOWHERE && leave_out_between(window, correlation, before))
		--*at;
}

/* ---- what has come together ---- */

/* The identities of the last of entries [from, to); of a temporal correlation so many of each
 * reference that a flood of one does not hide the others. */
static void
name_related(const struct window *window, const struct correlation *correlation, uint32_t from,
	uint32_t to, struct correlation_result *result)
{
	uint32_t taken[CORRELATE_REFERENCES_MAX] = { 0 }, most = CORRELATE_RELATED_MAX, n = 0;

	if (correlation_is_temporal(correlation->type))
		most = CORRELATE_RELATED_MAX / correlation->reference_count;
	for (uint32_t i = to; i-- > from && n < CORRELATE_RELATED_MAX;) {
		const struct entry *entry = &window->entries[i];

		if (taken[entry->reference] > 0 && taken[entry->reference] >= most)
			continue;
		taken[entry->reference]++;
		n++;
		memcpy(result->related[CORRELATE_RELATED_MAX - n], entry->id, CORRELATE_ID);
	}
	memmove(result->related, result->related + CORRELATE_RELATED_MAX - n, n * CORRELATE_ID);
	result->related_count = n;
}

/* Entries [from, to) are it. */
static void
report(const struct window *window, const struct correlation *correlation, uint32_t from,
	uint32_t to, double value, struct correlation_result *result)
{
	result->value = value;
	result->first = window->entries[from].time;
	result->last = result->first;
	result->count = 0;
	result->lowered = true;
	for (uint32_t i = from; i < to; i++) {
		if (window->entries[i].end > result->last)
			result->last = window->entries[i].end;
		result->count += window->entries[i].count;
		result->lowered = result->lowered && window->entries[i].lowered;
	}
	name_related(window, correlation, from, to, result);
}

/* The end of the time span that begins with entry `from`. */
static uint32_t
span_end(const struct window *window, const struct correlation *correlation, uint32_t from)
{
	int64_t last = window->entries[from].time + correlation->timespan;
	uint32_t to = from + 1;

	while (to < window->count && window->entries[to].end <= last)
		to++;
	return to;
}

/* The first entry that is within a time span before entry `at`. */
static uint32_t
span_start(const struct window *window, const struct correlation *correlation, uint32_t at)
{
	int64_t first = window->entries[at].end - correlation->timespan;
	uint32_t from = at;

	while (from > 0 && window->entries[from - 1].time >= first)
		from--;
	return from;
}

/* So many entries within a time span, with the one at `at` among them? */
static bool
enough_entries(const struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	uint32_t n = correlation_wanted(correlation), from = at + 1 > n ? at + 1 - n : 0;

	for (; from <= at && from + n <= window->count; from++) {
		if (window->entries[from + n - 1].time - window->entries[from].time >
			correlation->timespan)
			continue;
		report(window, correlation, from, from + n, n, result);
		return true;
	}
	return false;
}

/* How many references are among the entries. */
static uint32_t
count_references(const struct window *window, uint32_t from, uint32_t to)
{
	uint64_t seen = 0;

	for (uint32_t i = from; i < to; i++)
		seen |= UINT64_C(1) << window->entries[i].reference;
	return (uint32_t)__builtin_popcountll(seen);
}

_Static_assert(CORRELATE_REFERENCES_MAX <= 64, "references are bits");

/* A chain of references in their order, within a time span. */
struct chain {
	uint32_t length;
	int64_t start;
	uint32_t last; /* its last entry */
};

/* The longest one among the entries: start[r][n] is the last time at which a chain of n + 1 that
 * ends with r can begin. */
static struct chain
longest_chain(const struct window *window, const struct correlation *correlation, uint32_t from,
	uint32_t to)
{
	int64_t start[CORRELATE_REFERENCES_MAX][CORRELATE_REFERENCES_MAX];
	struct chain best = { 0, NO_TIME, from };

	for (uint32_t r = 0; r < correlation->reference_count; r++)
		for (uint32_t n = 0; n < correlation->reference_count; n++)
			start[r][n] = NO_TIME;
	for (uint32_t i = from; i < to; i++) {
		uint32_t r = window->entries[i].reference;
		int64_t time = window->entries[i].time;

		start[r][0] = time;
		for (uint32_t n = 1; n <= r; n++)
			for (uint32_t before = n - 1; before < r; before++)
				if (start[before][n - 1] > start[r][n])
					start[r][n] = start[before][n - 1];
		for (uint32_t n = best.length; n <= r; n++)
			if (start[r][n] != NO_TIME && time - start[r][n] <= correlation->timespan)
				best = (struct chain){ n + 1, start[r][n], i };
	}
	return best;
}

/* Whatever its length, a chain takes all that is wanted: nothing that waits comes here. */
static bool
enough_in_order(const struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	uint32_t from = span_start(window, correlation, at), to = span_end(window, correlation, at);
	struct chain chain = longest_chain(window, correlation, from, to);

	if (chain.length < correlation_wanted(correlation))
		return false;
	while (window->entries[from].time < chain.start)
		from++;
	report(window, correlation, from, chain.last + 1, chain.length, result);
	return true;
}

static bool
enough_references(const struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	uint32_t from = span_start(window, correlation, at), to, n;

	for (; from <= at; from++) {
		to = span_end(window, correlation, from);
		n = count_references(window, from, to);
		if (n >= correlation_wanted(correlation)) {
			report(window, correlation, from, to, n, result);
			return true;
		}
		/* In its order an event is the last of all spans, and the first of them has the
		 * most. */
		if (to == window->count)
			return false;
	}
	return false;
}

/* So many values within a time span, with the one at `at` among them?  The span moves on entry by
 * entry: a value comes into it with the first entry of it and leaves it with the last. */
static bool
enough_values(const struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	const struct entry *entries = window->entries;
	uint32_t from = span_start(window, correlation, at), to = from, n = 0;

	for (; from <= at; from++) {
		int64_t last = entries[from].time + correlation->timespan;

		for (; to < window->count && entries[to].time <= last; to++)
			n += entries[to].previous < entries[from].time;
		if (n >= correlation_wanted(correlation)) {
			report(window, correlation, from, to, n, result);
			return true;
		}
		if (to == window->count)
			return false;
		n -= entries[from].next > last;
	}
	return false;
}

static double
sum_up(const struct window *window, uint32_t from, uint32_t to)
{
	double sum = 0;

	for (uint32_t i = from; i < to; i++)
		sum += window->entries[i].value.number;
	return sum;
}

/* Numbers may be negative, so all entries around `at` that are within a time span are summed up,
 * from each end backwards, and of those with one end the longest row speaks.  In its order an event
 * is the only end. */
static bool
enough_sum(const struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	const struct entry *entries = window->entries;
	int64_t last = entries[at].time + correlation->timespan;

	for (uint32_t to = at; to < window->count && entries[to].time <= last; to++) {
		int64_t end = NO_TIME;
		uint32_t best = NOWHERE;
		double sum = 0, most = 0;

		for (uint32_t i = to + 1; i-- > 0;) {
			if (entries[i].end > end)
				end = entries[i].end;
			if (end - entries[i].time > correlation->timespan)
				break;
			sum += entries[i].value.number;
			if (i > at || !correlation_holds(correlation, sum))
				continue;
			best = i;
			most = sum;
		}
		if (best != NOWHERE) {
			report(window, correlation, best, to + 1, most, result);
			return true;
		}
	}
	return false;
}

/* The share, in percent, that the value at `at` has of those within a time span before it. */
static bool
right_share(const struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	uint32_t from = span_start(window, correlation, at), same = 0;
	double share;

	for (uint32_t i = from; i <= at; i++)
		same += window->entries[i].value.hash == window->entries[at].value.hash;
	share = 100.0 * same / (at + 1 - from);
	if (!correlation_holds(correlation, share))
		return false;
	report(window, correlation, at, at + 1, share, result);
	return true;
}

static bool
speaks(const struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	switch (correlation->type) {
	case CORRELATION_EVENT_COUNT:
		return enough_entries(window, correlation, at, result);
	case CORRELATION_VALUE_COUNT:
		return enough_values(window, correlation, at, result);
	case CORRELATION_TEMPORAL:
		return enough_references(window, correlation, at, result);
	case CORRELATION_TEMPORAL_ORDERED:
		return enough_in_order(window, correlation, at, result);
	case CORRELATION_VALUE_SUM:
		return enough_sum(window, correlation, at, result);
	default:
		return right_share(window, correlation, at, result);
	}
}

/* ---- windows that wait ---- */

static int
compare_numbers(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The nearest rank (the median of an even count is the mean of both in the middle). */
static bool
rank(const struct window *window, uint32_t to, double percentile, bool median, double *value)
{
	double *numbers = malloc(to * sizeof(*numbers));
	uint32_t n;

	if (numbers == NULL)
		return false;
	for (uint32_t i = 0; i < to; i++)
		numbers[i] = window->entries[i].value.number;
	qsort(numbers, to, sizeof(*numbers), compare_numbers);
	n = (uint32_t)ceil(percentile / 100 * to);
	n = n == 0 ? 0 : n - 1;
	*value = median && to % 2 == 0 ? (numbers[to / 2 - 1] + numbers[to / 2]) / 2 : numbers[n];
	free(numbers);
	return true;
}

/* How many events the first `to` entries are. */
static uint32_t
count_events(const struct window *window, uint32_t to)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < to; i++)
		n += window->entries[i].count;
	return n;
}

/* How many different values they have. */
static uint32_t
count_values(const struct window *window, uint32_t to)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < to; i++)
		n += window->entries[i].previous < window->entries[0].time;
	return n;
}

/* The value of the first `to` entries.  false for no memory. */
static bool
evaluate(const struct window *window, const struct correlation *correlation, uint32_t to,
	double *value)
{
	*value = 0;
	switch (correlation->type) {
	case CORRELATION_EVENT_COUNT:
		*value = count_events(window, to);
		break;
	case CORRELATION_VALUE_COUNT:
		*value = count_values(window, to);
		break;
	case CORRELATION_TEMPORAL:
		*value = count_references(window, 0, to);
		break;
	case CORRELATION_TEMPORAL_ORDERED:
		*value = longest_chain(window, correlation, 0, to).length;
		break;
	case CORRELATION_VALUE_SUM:
	case CORRELATION_VALUE_AVG:
		*value = sum_up(window, 0, to);
		if (correlation->type == CORRELATION_VALUE_AVG)
			*value /= count_events(window, to);
		break;
	case CORRELATION_VALUE_PERCENTILE:
		return rank(window, to, correlation->percentile, false, value);
	case CORRELATION_VALUE_MEDIAN:
		return rank(window, to, 50, true, value);
	case CORRELATION_TYPE_MAX:
		break;
	}
	return true;
}

/* With the end of its last span alone: all that was known is not after that. */
static void
wait_empty(struct window *window, const struct correlation *correlation, int64_t now)
{
	int64_t wait = correlation->timespan + lateness(correlation);

	forget_entries(window);
	known_done(&window->known);
	known_init(&window->known);
	window->deadline = now < INT64_MAX - wait ? now + wait : INT64_MAX;
}

enum window_answer
window_close(struct window *window, const struct correlation *correlation, int64_t now,
	struct correlation_result *result)
{
	enum window_answer answer = WINDOW_QUIET;
	int64_t first;
	uint32_t to;
	double value;

	if (window->count == 0) {
		window_clear(window);
		return WINDOW_QUIET;
	}
	first = window->entries[0].time;
	to = span_end(window, correlation, 0);
	kept_forget(&window->kept, first); /* those of spans that are over */
	if (is_missing(window, window->closed + 1, first + correlation->timespan)) {
		answer = WINDOW_FULL;
	} else if (!evaluate(window, correlation, to, &value)) {
		return WINDOW_NO_MEMORY;
	} else if (correlation_holds(correlation, value)) {
		report(window, correlation, 0, to, value, result);
		answer = WINDOW_SPEAKS;
	}
	window->closed = first + correlation->timespan;
	forget(window, 0, to);
	if (window->count > 0)
		window->deadline += window->entries[0].time - first;
	else
		wait_empty(window, correlation, now);
	return answer;
}

/* ---- adding ---- */

/* Put the entry among the others, within their bounds; its place to *at, or NOWHERE when it says
 * nothing new.  WINDOW_FULL: there is no room for it. */
static enum window_answer
place(struct window *window, const struct correlation *correlation, const struct entry *entry,
	uint32_t *at)
{
	*at = NOWHERE;
	if (!make_room(window, correlation, entry->time))
		return WINDOW_FULL;
	if (!insert(window, entry, at)) {
		note_missing(window, correlation, entry->time);
		return WINDOW_NO_MEMORY;
	}
	if (correlation_is_temporal(correlation->type))
		keep_to_share(window, correlation, at);
	if (correlation->type == CORRELATION_VALUE_COUNT)
		link_value(window, correlation, at);
	return WINDOW_QUIET;
}

/* An event for a window that waits; what came before may be complete with it, and is told whatever
 * becomes of the event: where that has no room it is missing, which its own span will say. */
static enum window_answer
wait_for_close(struct window *window, const struct correlation *correlation,
	const struct window_match *match, const struct entry *entry,
	struct correlation_result *result)
{
	enum window_answer answer = WINDOW_QUIET, placed;
	uint32_t at;

	if (known_has(&window->known, match->time, identity(match)))
		return WINDOW_KNOWN;
	/* Before the event is remembered: a window that is empty then forgets what it knew. */
	if (window->count > 0 && entry->time > window->entries[0].time + correlation->timespan +
						       lateness(correlation))
		answer = window_close(window, correlation, match->received, result);
	if (answer == WINDOW_NO_MEMORY) {
		note_missing(window, correlation, entry->time);
		return answer;
	}
	placed = remember(window, correlation, match);
	if (placed != WINDOW_QUIET)
		return answer == WINDOW_QUIET ? placed : answer;
	if (window->count == 0)
		window->deadline = match->received + correlation->timespan + lateness(correlation);
	placed = place(window, correlation, entry, &at);
	if (at != NOWHERE &&
		!kept_add(&window->kept, match->event, entry->time, correlation->timespan))
		placed = WINDOW_NO_MEMORY;
	return answer == WINDOW_QUIET ? placed : answer;
}

/* Would an event that is missing make it speak wrongly?  A sum may have negative numbers. */
static bool
needs_all(const struct correlation *correlation)
{
	return correlation_is_share(correlation) || correlation->type == CORRELATION_VALUE_SUM;
}

/* An event that may complete what is there, but is not known to where others are missing. */
static enum window_answer
judge(struct window *window, const struct correlation *correlation,
	const struct window_match *match, const struct entry *entry,
	struct correlation_result *result)
{
	enum window_answer answer = remember(window, correlation, match);
	bool missing;
	uint32_t at;

	if (answer != WINDOW_QUIET)
		return answer;
	if (place(window, correlation, entry, &at) == WINDOW_NO_MEMORY)
		return WINDOW_NO_MEMORY;
	window->deadline = match->received + 2 * correlation->timespan + lateness(correlation);
	missing = is_missing(
		window, entry->time - correlation->timespan, entry->time + correlation->timespan);
	if (missing && needs_all(correlation))
		return WINDOW_FULL;
	if (at != NOWHERE && speaks(window, correlation, at, result)) {
		if (!correlation_is_share(correlation)) {
			forget_entries(window);
			window->spoken = window->known.forgotten;
		}
		return WINDOW_SPEAKS;
	}
	trim(window, correlation);
	return missing ? WINDOW_FULL : WINDOW_QUIET;
}

enum window_answer
window_add(struct window *window, const struct correlation *correlation,
	const struct window_match *match, struct correlation_result *result)
{
	struct entry entry = { .time = match->time,
		.end = match->time,
		.previous = NO_TIME,
		.next = INT64_MAX,
		.reference = match->reference,
		.count = 1,
		.lowered = match->lowered };

	memcpy(entry.id, match->id, CORRELATE_ID);
	if (!correlation_value(correlation, match->reference, match->event, &entry.value))
		return WINDOW_NO_VALUE;
	if (is_late(window, correlation, match->time))
		return WINDOW_LATE;
	if (match->time > window->newest)
		window->newest = match->time;
	return correlation_waits(correlation)
		       ? wait_for_close(window, correlation, match, &entry, result)
		       : judge(window, correlation, match, &entry, result);
}
