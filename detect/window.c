/* A window is a row of entries in the order of their times, an entry a matched event: who matched,
 * when, what value.  An event in its order goes to the end and is judged with what is within one
 * time span before it; a late one is put where it belongs and judged with all spans that it is in.
 *
 * What bounds a window: entries older than a time span and the lateness are forgotten, and the
 * oldest beyond CORRELATE_ENTRIES_MAX.  Of temporal correlations only the first and the last of a
 * run of one reference are kept, and each reference has its share of the entries, so that a flood
 * of one cannot push out the others. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/window.h"

#define TEMPORAL_ENTRIES_MAX 256
#define NO_TIME INT64_MIN

struct entry {
	int64_t time;
	struct correlation_value value;
	uint32_t reference;
	unsigned char id[CORRELATE_ID];
};

struct window {
	struct entry *entries; /* by time */
	uint32_t count, size;
	int64_t deadline; /* receive time */
	/* The last event, of a correlation that waits: its canonical fields one behind the other.
	 */
	char *event;
	uint32_t lengths[F_MAX]; /* and 1; 0 is absent */
	int64_t event_time;
	int32_t event_id;
	enum layout layout;
	uint32_t host_length;
};

struct window *
window_new(void)
{
	struct window *window = calloc(1, sizeof(*window));

	if (window != NULL)
		window->deadline = NO_TIME;
	return window;
}

void
window_free(struct window *window)
{
	if (window == NULL)
		return;
	free(window->entries);
	free(window->event);
	free(window);
}

size_t
window_size(const struct window *window)
{
	return sizeof(*window) + window->size * sizeof(*window->entries) +
	       (window->event == NULL ? 0 : CORRELATE_EVENT_MAX);
}

int64_t
window_deadline(const struct window *window)
{
	return window->count == 0 ? NO_TIME : window->deadline;
}

void
window_clear(struct window *window)
{
	window->count = 0;
}

static void
forget(struct window *window, uint32_t from, uint32_t count)
{
	memmove(window->entries + from, window->entries + from + count,
		(window->count - from - count) * sizeof(*window->entries));
	window->count -= count;
}

/* What is too old to be in a time span with anything that may still come; not for a few only. */
static void
trim(struct window *window, const struct correlation *correlation)
{
	int64_t oldest = window->entries[window->count - 1].time - correlation->timespan -
			 CORRELATE_LATENESS;
	uint32_t n = 0;

	while (n < window->count && window->entries[n].time < oldest)
		n++;
	if (n > window->count / 8)
		forget(window, 0, n);
}

/* Keep the first and the last of a run, and each reference within its share. */
static void
thin_out(struct window *window, const struct correlation *correlation, uint32_t *at)
{
	uint32_t share = TEMPORAL_ENTRIES_MAX / correlation->reference_count, have = 0;
	uint32_t reference = window->entries[*at].reference, i = *at;
	const struct entry *entries = window->entries;

	if (i >= 2 && entries[i - 1].reference == reference &&
		entries[i - 2].reference == reference) {
		forget(window, i - 1, 1);
		--*at;
	}
	for (i = 0; i < window->count; i++)
		have += entries[i].reference == reference;
	for (i = 0; i < window->count && have > share; i++) {
		if (entries[i].reference != reference || i == *at)
			continue;
		forget(window, i, 1);
		*at -= i < *at;
		break;
	}
}

/* Put the entry where it belongs; its place to *at.  false for no memory. */
static bool
insert(struct window *window, const struct entry *entry, uint32_t *at)
{
	uint32_t i;

	if (window->count == CORRELATE_ENTRIES_MAX)
		forget(window, 0, CORRELATE_ENTRIES_MAX / 8);
	if (window->count == window->size) {
		uint32_t size = window->size == 0 ? 4 : window->size * 2;
		struct entry *entries = realloc(window->entries, size * sizeof(*entries));

		if (entries == NULL)
			return false;
		window->entries = entries;
		window->size = size;
	}
	i = window->count;
	while (i > 0 && window->entries[i - 1].time > entry->time)
		i--;
	memmove(window->entries + i + 1, window->entries + i, (window->count - i) * sizeof(*entry));
	window->entries[i] = *entry;
	window->count++;
	*at = i;
	return true;
}

/* The last event, for the alert of a window that waits. */
static bool
remember(struct window *window, const struct wevent *event)
{
	uint32_t n = 0;

	if (window->event == NULL)
		window->event = malloc(CORRELATE_EVENT_MAX);
	if (window->event == NULL)
		return false;
	for (unsigned int i = 0; i <= F_MAX; i++) {
		struct slice value = i < F_MAX ? event->f[i] : event->host;
		uint32_t length =
			(uint32_t)(value.len < CORRELATE_EVENT_MAX - n ? value.len
								       : CORRELATE_EVENT_MAX - n);

		if (length > 0)
			memcpy(window->event + n, value.ptr, length);
		if (i < F_MAX)
			window->lengths[i] = value.ptr == NULL ? 0 : length + 1;
		else
			window->host_length = length;
		n += length;
	}
	window->event_time = event->time;
	window->event_id = event->event_id;
	window->layout = event->layout;
	return true;
}

bool
window_event(const struct window *window, struct wevent *event)
{
	const char *at = window->event;

	if (at == NULL)
		return false;
	wevent_clear(event);
	for (unsigned int i = 0; i < F_MAX; i++) {
		if (window->lengths[i] == 0)
			continue;
		event->f[i] = (struct slice){ at, window->lengths[i] - 1 };
		at += window->lengths[i] - 1;
	}
	event->host = (struct slice){ at, window->host_length };
	event->time = window->event_time;
	event->event_id = window->event_id;
	event->layout = window->layout;
	return true;
}

/* ---- what has come together ---- */

/* Entries [from, to) are it. */
static void
report(const struct window *window, uint32_t from, uint32_t to, double value,
	struct correlation_result *result)
{
	uint32_t n = to - from < CORRELATE_RELATED_MAX ? to - from : CORRELATE_RELATED_MAX;

	result->value = value;
	result->first = window->entries[from].time;
	result->last = window->entries[to - 1].time;
	result->count = to - from;
	result->related_count = n;
	for (uint32_t i = 0; i < n; i++)
		memcpy(result->related[i], window->entries[to - n + i].id, CORRELATE_ID);
}

/* The end of the time span that begins with entry `from`. */
static uint32_t
span_end(const struct window *window, const struct correlation *correlation, uint32_t from)
{
	int64_t last = window->entries[from].time + correlation->timespan;
	uint32_t to = from;

	while (to < window->count && window->entries[to].time <= last)
		to++;
	return to;
}

/* The first entry that is within a time span before entry `at`. */
static uint32_t
span_start(const struct window *window, const struct correlation *correlation, uint32_t at)
{
	int64_t first = window->entries[at].time - correlation->timespan;
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
		report(window, from, from + n, n, result);
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

/* The longest chain of references in their order among the entries: start[r][n] is the last time at
 * which a chain of n + 1 that ends with r can begin. */
static uint32_t
longest_chain(const struct window *window, uint32_t from, uint32_t to, int64_t timespan,
	uint32_t references)
{
	int64_t start[CORRELATE_REFERENCES_MAX][CORRELATE_REFERENCES_MAX];
	uint32_t best = 0;

	for (uint32_t r = 0; r < references; r++)
		for (uint32_t n = 0; n < references; n++)
			start[r][n] = NO_TIME;
	for (uint32_t i = from; i < to; i++) {
		uint32_t r = window->entries[i].reference;
		int64_t time = window->entries[i].time;

		start[r][0] = time;
		for (uint32_t n = 1; n <= r; n++)
			for (uint32_t before = n - 1; before < r; before++)
				if (start[before][n - 1] > start[r][n])
					start[r][n] = start[before][n - 1];
		for (uint32_t n = best; n <= r; n++)
			if (start[r][n] != NO_TIME && time - start[r][n] <= timespan)
				best = n + 1;
	}
	return best;
}

static bool
enough_references(const struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	uint32_t from = span_start(window, correlation, at), to, n;

	for (; from <= at; from++) {
		to = span_end(window, correlation, from);
		n = correlation->type == CORRELATION_TEMPORAL
			    ? count_references(window, from, to)
			    : longest_chain(window, from, to, correlation->timespan,
				      correlation->reference_count);
		if (n >= correlation_wanted(correlation) && correlation_holds(correlation, n)) {
			report(window, from, to, n, result);
			return true;
		}
		/* In its order an event is the last of all spans, and the first of them has the
		 * most. */
		if (to == window->count)
			return false;
	}
	return false;
}

static bool
enough_sum(const struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	for (uint32_t from = span_start(window, correlation, at); from <= at; from++) {
		uint32_t to = span_end(window, correlation, from);
		double sum = 0;

		for (uint32_t i = from; i < to; i++)
			sum += window->entries[i].value.number;
		if (correlation_holds(correlation, sum)) {
			report(window, from, to, sum, result);
			return true;
		}
		if (to == window->count)
			return false;
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
	report(window, at, at + 1, share, result);
	return true;
}

/* Of a value that was there already only the last time counts: the entry of it that is not `at`. */
static void
drop_double(struct window *window, uint32_t *at)
{
	for (uint32_t i = 0; i < window->count; i++) {
		if (i == *at || window->entries[i].value.hash != window->entries[*at].value.hash)
			continue;
		if (i < *at) {
			forget(window, i, 1);
			--*at;
		} else {
			forget(window, *at, 1);
			*at = i - 1;
		}
		return;
	}
}

static bool
speaks(struct window *window, const struct correlation *correlation, uint32_t at,
	struct correlation_result *result)
{
	switch (correlation->type) {
	case CORRELATION_VALUE_COUNT:
	case CORRELATION_EVENT_COUNT:
		return enough_entries(window, correlation, at, result);
	case CORRELATION_TEMPORAL:
	case CORRELATION_TEMPORAL_ORDERED:
		return enough_references(window, correlation, at, result);
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

static int
compare_hashes(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* How many different ones.  false for no memory. */
static bool
count_values(const struct window *window, uint32_t to, double *value)
{
	uint64_t *hashes = malloc(to * sizeof(*hashes));

	if (hashes == NULL)
		return false;
	for (uint32_t i = 0; i < to; i++)
		hashes[i] = window->entries[i].value.hash;
	qsort(hashes, to, sizeof(*hashes), compare_hashes);
	for (uint32_t i = 0; i < to; i++)
		*value += i == 0 || hashes[i] != hashes[i - 1];
	free(hashes);
	return true;
}

/* The value of the first `to` entries.  false for no memory. */
static bool
evaluate(const struct window *window, const struct correlation *correlation, uint32_t to,
	double *value)
{
	*value = 0;
	switch (correlation->type) {
	case CORRELATION_EVENT_COUNT:
		*value = to;
		break;
	case CORRELATION_VALUE_COUNT:
		return count_values(window, to, value);
	case CORRELATION_TEMPORAL:
		*value = count_references(window, 0, to);
		break;
	case CORRELATION_TEMPORAL_ORDERED:
		*value = longest_chain(
			window, 0, to, correlation->timespan, correlation->reference_count);
		break;
	case CORRELATION_VALUE_SUM:
	case CORRELATION_VALUE_AVG:
		for (uint32_t i = 0; i < to; i++)
			*value += window->entries[i].value.number;
		*value /= correlation->type == CORRELATION_VALUE_AVG ? to : 1;
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

enum window_answer
window_close(struct window *window, const struct correlation *correlation,
	struct correlation_result *result)
{
	enum window_answer answer = WINDOW_QUIET;
	int64_t first;
	uint32_t to;
	double value;

	if (window->count == 0)
		return WINDOW_QUIET;
	to = span_end(window, correlation, 0);
	if (!evaluate(window, correlation, to, &value))
		return WINDOW_NO_MEMORY;
	if (correlation_holds(correlation, value)) {
		report(window, 0, to, value, result);
		answer = WINDOW_SPEAKS;
	}
	first = window->entries[0].time;
	forget(window, 0, to);
	if (window->count > 0)
		window->deadline += window->entries[0].time - first;
	return answer;
}

/* An event for a window that waits; what came before may be complete with it. */
static enum window_answer
wait_for_close(struct window *window, const struct correlation *correlation,
	const struct entry *entry, const struct wevent *event, int64_t now,
	struct correlation_result *result)
{
	enum window_answer answer = WINDOW_QUIET;
	uint32_t at;

	if (window->count > 0 &&
		entry->time > window->entries[0].time + correlation->timespan + CORRELATE_LATENESS)
		answer = window_close(window, correlation, result);
	if (answer == WINDOW_NO_MEMORY)
		return answer;
	if (window->count == 0)
		window->deadline = now + correlation->timespan + CORRELATE_LATENESS;
	if (!insert(window, entry, &at) || !remember(window, event))
		return WINDOW_NO_MEMORY;
	if (correlation_is_temporal(correlation->type))
		thin_out(window, correlation, &at);
	return answer;
}

enum window_answer
window_add(struct window *window, const struct correlation *correlation, uint32_t reference,
	const struct wevent *event, const unsigned char id[CORRELATE_ID], int64_t time, int64_t now,
	struct correlation_result *result)
{
	struct entry entry = { .time = time, .reference = reference };
	uint32_t at;

	memcpy(entry.id, id, CORRELATE_ID);
	if (!correlation_value(correlation, reference, event, &entry.value))
		return WINDOW_NO_VALUE;
	if (window->count > 0 && time < window->entries[window->count - 1].time -
						 correlation->timespan - CORRELATE_LATENESS)
		return WINDOW_LATE;
	if (correlation_waits(correlation))
		return wait_for_close(window, correlation, &entry, event, now, result);
	if (!insert(window, &entry, &at))
		return WINDOW_NO_MEMORY;
	window->deadline = now + correlation->timespan + CORRELATE_LATENESS;
	if (correlation_is_temporal(correlation->type))
		thin_out(window, correlation, &at);
	if (correlation->type == CORRELATION_VALUE_COUNT)
		drop_double(window, &at);
	if (speaks(window, correlation, at, result)) {
		if (!correlation_is_share(correlation))
			window->count = 0;
		return WINDOW_SPEAKS;
	}
	trim(window, correlation);
	return WINDOW_QUIET;
}
