/* What is remembered of one host: how often it was heard, with which events and alerts, and by
 * which way.
 *
 * Counters stop at their highest value instead of starting again.  Event ids and alert types are
 * counted apart on a first come, first served basis, and together when the places are taken: a host
 * that invents ids costs nothing but the detail of its own row. Nothing here expires or locks; that
 * is the table's work. */

#include <assert.h>
#include <string.h>
#include <xxhash.h>

#include "detect/host.h"

static_assert(sizeof(struct host) <= 1024, "the table of hosts is sized for 1 KiB a host");

static void
add_bounded(uint32_t *count, uint32_t more)
{
	*count = *count > UINT32_MAX - more ? UINT32_MAX : *count + more;
}

static void
count_event_id(struct host *host, int32_t id, uint32_t more)
{
	for (size_t i = 0; i < HOST_EVENT_IDS; i++) {
		if (host->event_ids[i].count == 0)
			host->event_ids[i].id = id;
		if (host->event_ids[i].id == id) {
			add_bounded(&host->event_ids[i].count, more);
			return;
		}
	}
	host->other_event_ids += more;
}

static void
count_alert_type(struct host *host, uint64_t type, uint32_t more)
{
	for (size_t i = 0; i < HOST_ALERT_TYPES; i++) {
		if (host->alert_types[i].count == 0)
			host->alert_types[i].type = type;
		if (host->alert_types[i].type == type) {
			add_bounded(&host->alert_types[i].count, more);
			return;
		}
	}
	host->other_alert_types += more;
}

static void
set_name(struct host *host, struct slice name)
{
	size_t length = name.len < HOST_NAME_MAX_BYTES ? name.len : HOST_NAME_MAX_BYTES;

	if (length > 0)
		memcpy(host->name, name.ptr, length);
	host->name_length = (unsigned char)length;
}

void
host_init(struct host *host, struct slice name, int64_t now)
{
	memset(host, 0, sizeof(*host));
	host->first_seen = now;
	host->last_seen = STAMP_NONE;
	host->last_event = STAMP_NONE;
	set_name(host, name);
}

static void
copy_state(const struct host *host, struct host_state *state)
{
	state->first_seen = host->first_seen;
	state->last_seen = host->last_seen;
	state->events = host->events;
	state->alerts = host->alerts;
	memcpy(state->address, host->address, sizeof(state->address));
	state->name_length = host->name_length;
	memcpy(state->name, host->name, host->name_length);
}

void
host_observe(struct host *host, const struct wevent *event, struct slice address, int64_t now,
	struct host_state *state)
{
	host->events++;
	count_event_id(host, event->event_id, 1);

	/* A sender's clock that is far ahead must not decide for good what counts as late. */
	if (event->time != STAMP_NONE && event->time > host->last_event &&
		event->time <= now + HOST_CLOCK_AHEAD_MAX)
		host->last_event = event->time;

	if (address.ptr != NULL) {
		size_t length = address.len < HOST_ADDRESS_MAX ? address.len : HOST_ADDRESS_MAX - 1;

		if (length > 0)
			memcpy(host->address, address.ptr, length);
		memset(host->address + length, 0, HOST_ADDRESS_MAX - length);
	}

	copy_state(host, state);
	/* Not the maximum: when this machine's clock was wrong and is set back, the next event puts
	 * it right. */
	host->last_seen = now;
}

size_t
host_decide(struct host *host, const struct wevent *event, const struct match **matches,
	size_t count, int64_t now)
{
	/* The door is in its final place; what a host remembers today decides against no match. */
	(void)event;
	(void)now;

	host->alerts += count;
	for (size_t i = 0; i < count; i++) {
		const char *type = matches[i]->rule->detection_type;

		count_alert_type(host, XXH3_64bits(type, strlen(type)), 1);
	}
	return count;
}

void
host_merge(struct host *into, const struct host *from)
{
	if (from->first_seen < into->first_seen)
		into->first_seen = from->first_seen;
	if (from->last_seen > into->last_seen)
		into->last_seen = from->last_seen;
	if (from->last_event > into->last_event)
		into->last_event = from->last_event;
	into->events += from->events;
	into->alerts += from->alerts;

	for (size_t i = 0; i < HOST_EVENT_IDS && from->event_ids[i].count > 0; i++)
		count_event_id(into, from->event_ids[i].id, from->event_ids[i].count);
	into->other_event_ids += from->other_event_ids;
	for (size_t i = 0; i < HOST_ALERT_TYPES && from->alert_types[i].count > 0; i++)
		count_alert_type(into, from->alert_types[i].type, from->alert_types[i].count);
	into->other_alert_types += from->other_alert_types;

	if (into->address[0] == '\0')
		memcpy(into->address, from->address, sizeof(into->address));
}

static size_t
without_dots(const char *name, size_t length)
{
	while (length > 0 && name[length - 1] == '.')
		length--;
	return length;
}

size_t
host_fold(struct slice computer, char name[HOST_NAME_MAX_BYTES])
{
	size_t length = without_dots(computer.ptr, computer.len);

	if (length > HOST_NAME_MAX_BYTES) {
		length = HOST_NAME_MAX_BYTES;
		/* Between characters of UTF-8, and once more without dots, so that a folded name
		 * folds to itself. */
		while (length > 0 && ((unsigned char)computer.ptr[length] & 0xc0) == 0x80)
			length--;
		length = without_dots(computer.ptr, length);
	}
	for (size_t i = 0; i < length; i++)
		name[i] = (char)slice_lower((unsigned char)computer.ptr[i]);
	return length;
}
