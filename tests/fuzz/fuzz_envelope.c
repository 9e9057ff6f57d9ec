/* Fuzz target of the syslog headers: every slice lies in the message, the payload at its end, the
 * numbers in their ranges; and a JSON body behind the bytes comes out whole when a blank is before
 * it. */

#include <stdlib.h>
#include <string.h>

#include "parsers/envelope.h"
#include "parsers/stamp.h"

#define FIRST_TIME INT64_C(-62135683200000000) /* a day before the year 1: zones */
#define LAST_TIME INT64_C(253402387200000000)  /* a day after the year 9999 */

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void
inside(struct slice s, struct slice message)
{
	if (s.ptr == NULL)
		return;
	REQUIRE(s.ptr >= message.ptr && s.ptr + s.len <= message.ptr + message.len);
}

static void
parse(struct slice message, int64_t now, struct envelope *e)
{
	envelope_parse(message, now, e);
	inside(e->hostname, message);
	inside(e->app_name, message);
	inside(e->procid, message);
	inside(e->msgid, message);
	inside(e->structured_data, message);
	inside(e->payload, message);
	REQUIRE(e->pri >= -1 && e->pri <= 191);
	REQUIRE(e->time == STAMP_NONE || (e->time >= FIRST_TIME && e->time <= LAST_TIME));
	REQUIRE(e->kind != ENVELOPE_NONE || (e->pri == -1 && e->time == STAMP_NONE));
	REQUIRE(e->kind != ENVELOPE_NONE || e->hostname.ptr == NULL);
	REQUIRE(e->kind == ENVELOPE_RFC5424 ||
		(e->msgid.ptr == NULL && e->structured_data.ptr == NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t nows[] = { INT64_C(1772359200000000), 0, INT64_MAX, INT64_MIN };
	static const char body[] = " {\"k\":1}";
	char *bytes = malloc(size + sizeof(body));
	struct slice message = { bytes, size };
	struct envelope e;

	REQUIRE(bytes != NULL);
	if (size > 0)
		memcpy(bytes, data, size);
	for (size_t i = 0; i < sizeof(nows) / sizeof(nows[0]); i++)
		parse(message, nows[i], &e);
	memcpy(bytes + size, body, sizeof(body) - 1);
	message.len = size + sizeof(body) - 1;
	parse(message, nows[0], &e);
	REQUIRE(e.payload.len >= sizeof(body) - 2);
	REQUIRE(memcmp(e.payload.ptr + e.payload.len - (sizeof(body) - 2), body + 1,
			sizeof(body) - 2) == 0);
	free(bytes);
	return 0;
}
