/* A probe is the longest run of a keyword's bytes between its wildcards and whatever JSON may write
 * with a backslash: quotes, slashes, control characters. */

#include <errno.h>
#include <string.h>

#include "detect/probe.h"

#define PROBE_MIN 3 /* bytes; shorter ones are in every record */

static bool
is_plain(uint16_t token)
{
	return token >= 0x20 && token < 0x7f && strchr("\"\\/", token) == NULL;
}

/* A pattern that finds the tokens anywhere. */
static int
add(struct pattern_set *set, enum wevent_field field, const uint16_t *tokens, uint32_t count,
	struct arena *arena)
{
	uint16_t *copy = arena_alloc(arena, ((size_t)count + 2) * sizeof(*copy));
	struct glob glob = { .tokens = copy, .count = count + 2 };
	uint32_t id;

	if (copy == NULL)
		return -ENOMEM;
	copy[0] = copy[count + 1] = TOKEN_MANY;
	memcpy(copy + 1, tokens, count * sizeof(*copy));
	return pattern_add(set, field, glob, &id);
}

int
probe_add(
	struct pattern_set *set, enum wevent_field field, struct glob keyword, struct arena *arena)
{
	uint32_t start = 0, best = 0, len = 0;

	for (uint32_t i = 0; i < keyword.count; i++) {
		if (!is_plain(keyword.tokens[i])) {
			start = i + 1;
		} else if (i + 1 - start > len) {
			best = start;
			len = i + 1 - start;
		}
	}
	if (len < PROBE_MIN)
		return -ENOENT;
	return add(set, field, keyword.tokens + best, len, arena);
}

int
probe_add_numbers(struct pattern_set *set, enum wevent_field field, struct arena *arena)
{
	static const char tens[] = "234567"; /* all of ASCII but its control characters */

	for (size_t i = 0; tens[i] != '\0'; i++) {
		const uint16_t tokens[] = { '\\', 'u', '0', '0', (unsigned char)tens[i] };
		int result = add(set, field, tokens, sizeof(tokens) / sizeof(tokens[0]), arena);

		if (result != 0)
			return result;
	}
	return 0;
}
