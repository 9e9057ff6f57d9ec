/* Any bytes as a correlation and the events of one window: the first says what is counted, then
 * four for each event.  What comes out is never more than went in, and in order, and no event is
 * counted twice. */

#include <stdlib.h>
#include <string.h>

#include "detect/window.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define START INT64_C(1773470415000000)
#define SECOND INT64_C(1000000)

static void
must(bool condition)
{
	if (!condition)
		abort();
}

static void
look(const struct window *window, const struct correlation *correlation,
	const struct correlation_result *result, size_t events)
{
	struct wevent event;

	must(result->count > 0 && result->count <= events);
	must(result->related_count > 0 && result->related_count <= result->count);
	must(result->first <= result->last);
	must(result->last - result->first <= correlation->timespan);
	if (correlation_waits(correlation))
		must(window_event(window, &event));
}

/* `what`: type, kind of bound, and its value. */
static void
make(unsigned char what, struct correlation_reference *references, struct correlation *correlation)
{
	static enum wevent_field fields[] = { F_User };

	for (int i = 0; i < 4; i++)
		references[i] = (struct correlation_reference){ .group = fields, .fields = fields };
	*correlation = (struct correlation){ .type = (enum correlation_type)(what % 8),
		.references = references,
		.reference_count = 4,
		.timespan = 60 * SECOND,
		.bounds = { { (enum correlation_order)(what / 8 % 6), 1 + what / 48 } },
		.bound_count = 1,
		.percentile = what / 48 % 2 == 0 ? -1 : 90 };
	if (correlation->type >= CORRELATION_VALUE_SUM ||
		correlation->type == CORRELATION_VALUE_COUNT)
		correlation->field_count = 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct correlation_reference references[4];
	struct correlation_result result;
	struct correlation correlation;
	struct window *window;
	size_t events = 0;
	int64_t time = START;

	if (size == 0)
		return 0;
	make(data[0], references, &correlation);
	window = window_new();
	must(window != NULL);
	for (size_t i = 1; i + 4 <= size; i += 4) {
		struct wevent event;
		struct window_match match = { .event = &event,
			.id = { data[i] },
			.reference = data[i + 2] % 4,
			.lowered = data[i + 2] >= 128,
			.received = START };
		enum window_answer answer;

		wevent_clear(&event);
		event.f[F_User] = (struct slice){ (const char *)&data[i + 3], 1 };
		time += ((int64_t)data[i + 1] - 100) * SECOND;
		match.time = time;
		events++;
		answer = window_add(window, &correlation, &match, &result);
		if (answer == WINDOW_SPEAKS)
			look(window, &correlation, &result, events);
		if (answer == WINDOW_SPEAKS || answer == WINDOW_QUIET)
			must(window_add(window, &correlation, &match, &result) == WINDOW_KNOWN);
		must(window_size(window) <= WINDOW_SIZE_MAX);
	}
	while (correlation_waits(&correlation) && window_deadline(window) != INT64_MIN)
		if (window_close(window, &correlation, START, &result) == WINDOW_SPEAKS)
			look(window, &correlation, &result, events);
	window_free(window);
	return 0;
}
