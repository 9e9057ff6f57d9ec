#ifndef PARSERS_REASON_H
#define PARSERS_REASON_H

/* Why a message was refused or damaged: one enum, one name, one counter each. */

/* clang-format off */
#define REASONS(X) \
	X(OVERSIZE_COUNTED, "oversize_counted", "octet-counted message over limits.message") \
	X(OVERSIZE_LINE, "oversize_line", "line over limits.message") \
	X(OVERSIZE_DATAGRAM, "oversize_datagram", "datagram cut by the receive buffer") \
	X(INCOMPLETE, "incomplete", "connection ended inside a counted message") \
	X(SHED, "shed", "incomplete message given up at limits.memory") \
	X(EMPTY, "empty", "no message text after the syslog header") \
	X(NO_RECORD, "no_record", "text without a JSON record") \
	X(JSON_SYNTAX, "json_syntax", "not valid JSON") \
	X(JSON_TRUNCATED, "json_truncated", "JSON record cut by the sender") \
	X(JSON_DEPTH, "json_depth", "JSON nested deeper than limits.json_depth") \
	X(JSON_KEYS, "json_keys", "more JSON keys than limits.json_keys") \
	X(JSON_SCALAR, "json_scalar", "a JSON value that is no object") \
	X(UNKNOWN_LAYOUT, "unknown_layout", "JSON object of no known layout") \
	X(NO_EVENT_ID, "no_event_id", "record without a usable event id") \
	X(NO_HOST, "no_host", "record without a Computer") \
	X(REGEX_LIMIT, "regex_limit", "a regular expression reached its limit of work") \
	X(NO_MEMORY, "no_memory", "out of memory for this message")

enum reason {
#define X(id, name, text) REASON_##id,
	REASONS(X)
#undef X
	REASON_MAX
};
/* clang-format on */

/* The reason's name in metrics and dead letters ("json_syntax"), and a sentence for people. */
const char *reason_name(enum reason);
const char *reason_text(enum reason);

#endif
