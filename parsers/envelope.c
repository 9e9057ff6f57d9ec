/* Syslog headers: RFC 5424, RFC 3164 as devices and relays really write it, or none.
 *
 * One pass from the front; each step takes what it knows and leaves the rest, so a header that
 * breaks off or is no header at all costs nothing but its own fields.  What must never happen is
 * that a JSON body is taken for header: a token that begins like JSON, or that holds a quote or a
 * brace, ends the header where it begins.
 *
 * Structured data are only delimited here.  rsyslog's #ooo escapes and the word "BOM" that some
 * senders write before a body are the payload parser's. */

#include <string.h>

#include "parsers/envelope.h"
#include "parsers/stamp.h"

#define BOM "\xef\xbb\xbf"
#define COOKIE "@cee:"

#define PRI_MAX 191
#define SEQUENCE_DIGITS 10
#define TAG_MAX 128 /* RFC 3164 says 32; NXLog writes provider names */
#define PARAM_AHEAD                                                                               \
	64 /* bytes that are looked at behind a quote for the next parameter's name; RFC 5424 has \
	      32 at most */

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static bool
is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static struct slice
from(struct slice s, size_t at)
{
	return slice_sub(s, at, s.len);
}

static struct slice
skip_blanks(struct slice s)
{
	size_t at = 0;

	while (at < s.len && is_blank(s.ptr[at]))
		at++;
	return from(s, at);
}

/* Without blanks and byte order marks at the front, in any order and number (timescale/rsigma issue
 * 187). */
static struct slice
skip_marks(struct slice s)
{
	for (;;) {
		s = skip_blanks(s);
		if (!slice_prefix(s, SLICE(BOM)))
			return s;
		s = from(s, 3);
	}
}

/* "{" and a quote, or "[" and "{": a {GUID} and a [::1] are words of a header. */
static bool
begins_json(struct slice s)
{
	size_t inner = 1;

	/* No further than it must: this is asked of many places in one message. */
	while (inner < s.len && memchr(" \t\r\n", s.ptr[inner], 4) != NULL)
		inner++;
	if (inner >= s.len)
		return false;
	if (s.ptr[0] == '{')
		return s.ptr[inner] == '"' || s.ptr[inner] == '}';
	return s.ptr[0] == '[' && s.ptr[inner] == '{';
}

static bool
begins_body(struct slice s)
{
	return s.len == 0 || begins_json(s) || slice_prefix(s, SLICE(COOKIE)) ||
	       slice_prefix(s, SLICE(BOM));
}

/* The next word of the header, up to a blank.  Absent, and nothing taken, when the body begins here
 * or the word holds a quote or a brace that is not a {GUID}'s. */
static struct slice
take_word(struct slice *rest)
{
	struct slice word;
	size_t len = 0;

	if (begins_body(*rest))
		return SLICE_NONE;
	while (len < rest->len && !is_blank(rest->ptr[len])) {
		char byte = rest->ptr[len];

		if (byte == '"' || byte == '\n' || (byte == '{' && len > 0))
			return SLICE_NONE;
		len++;
	}
	word = slice_sub(*rest, 0, len);
	if (word.len == 0 || (word.ptr[0] == '{' && word.ptr[word.len - 1] != '}'))
		return SLICE_NONE;
	*rest = from(*rest, len);
	return word;
}

/* "-" is RFC 5424's word for nothing. */
static struct slice
or_none(struct slice word)
{
	return slice_equal(word, SLICE("-")) ? SLICE_NONE : word;
}

/* "<" 1 to 3 digits ">", leading zeros or not. */
static int
take_pri(struct slice *rest)
{
	size_t end = slice_find_byte(slice_sub(*rest, 0, 5), '>');
	uint64_t pri;

	if (rest->len == 0 || rest->ptr[0] != '<' || end >= 5 || end == rest->len)
		return -1;
	if (slice_number(slice_sub(*rest, 1, end), PRI_MAX, &pri) != 0)
		return -1;
	*rest = from(*rest, end + 1);
	return (int)pri;
}

/* Does what stands behind a quote show that the quote ends a value: the next parameter, or the
 * element's end?  Paths that were not escaped hold quotes and backslashes which mean nothing. */
static bool
quote_ends(struct slice behind)
{
	size_t at = 0;

	behind = slice_sub(behind, 0, PARAM_AHEAD);
	while (at < behind.len && behind.ptr[at] == ' ')
		at++;
	if (at == behind.len)
		return false;
	if (behind.ptr[at] == ']') {
		at++;
		return at == behind.len || behind.ptr[at] == ' ' || behind.ptr[at] == '[';
	}
	if (at == 0)
		return false;
	for (size_t name = at; at < behind.len; at++) {
		char byte = behind.ptr[at];

		if (byte == '=')
			return at > name && at + 1 < behind.len && behind.ptr[at + 1] == '"';
		if (byte == ' ' || byte == ']' || byte == '"')
			return false;
	}
	return false;
}

/* Does the body begin behind a quote that is the structured data's last?  An escaped value has no
 * bare quote in it, so this is never inside one. */
static bool
body_follows(struct slice behind)
{
	return slice_prefix(behind, SLICE("] ")) && begins_json(skip_marks(from(behind, 2)));
}

/* Is the quote at s[at] the first of a JSON object?  Then the structured data broke off before. */
static bool
opens_body(struct slice s, size_t at)
{
	while (at > 0 && is_blank(s.ptr[at - 1]))
		at--;
	return at > 0 && s.ptr[at - 1] == '{';
}

/* The offset behind the value whose opening quote is before s[at], or 0.  With `escapes` a \" is
 * not the end, as the standard has it, unless JSON follows; without, it is when quote_ends() says
 * so: C:\Temp\" was meant as a path. */
static size_t
value_end(struct slice s, size_t at, bool escapes)
{
	while (at < s.len) {
		char byte = s.ptr[at++];

		if (byte == '"' && quote_ends(from(s, at)))
			return at;
		if (byte == '"' && opens_body(s, at - 1))
			return 0;
		if (byte != '\\' || at == s.len)
			continue;
		if (s.ptr[at] == '\\' || s.ptr[at] == ']')
			at++;
		else if (s.ptr[at] == '"' && escapes && !body_follows(from(s, at + 1)))
			at++;
	}
	return 0;
}

/* The offset behind the SD-ELEMENT at s[at], which is a '[', or 0. */
static size_t
element_end(struct slice s, size_t at, bool escapes)
{
	for (at++; at < s.len; at++) {
		if (s.ptr[at] == ']')
			return at + 1;
		if (s.ptr[at] == '"') {
			if (s.ptr[at - 1] != '=') /* not ours: JSON, perhaps */
				return 0;
			at = value_end(s, at + 1, escapes);
			if (at == 0)
				return 0;
			at--;
		}
	}
	return 0;
}

/* The length of the structured data at the front, or 0: elements without a gap, then a blank or the
 * end. */
static size_t
data_length(struct slice s, bool escapes)
{
	size_t at = 0;

	while (at < s.len && s.ptr[at] == '[') {
		at = element_end(s, at, escapes);
		if (at == 0)
			return 0;
	}
	return at == s.len || s.ptr[at] == ' ' ? at : 0;
}

static void
take_structured_data(struct slice *rest, struct slice *data)
{
	size_t length;

	if (slice_equal(*rest, SLICE("-")) || slice_prefix(*rest, SLICE("- "))) {
		*rest = from(*rest, 1);
		return;
	}
	if (begins_body(*rest) || rest->ptr[0] != '[')
		return;
	length = data_length(*rest, true);
	if (length == 0)
		length = data_length(*rest, false);
	if (length == 0)
		return;
	*data = slice_sub(*rest, 0, length);
	*rest = from(*rest, length);
}

/* Behind the PRI: "1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID SD".  False, and nothing taken, when
 * it does not begin so. */
static bool
take_rfc5424(struct slice *rest, struct envelope *envelope)
{
	struct slice *const fields[] = {
		&envelope->hostname,
		&envelope->app_name,
		&envelope->procid,
		&envelope->msgid,
	};
	struct slice s, word;
	bool zoned;

	if (!slice_prefix(*rest, SLICE("1 ")))
		return false;
	s = from(*rest, 2);
	word = take_word(&s);
	/* A time that cannot be read is still a time when it begins like one; "<14>1 message sent"
	 * has none. */
	if (stamp_parse(word, &envelope->time, &zoned) != 0 && !slice_equal(word, SLICE("-")) &&
		!(word.len >= 10 && is_digit(word.ptr[0]) && word.ptr[4] == '-'))
		return false;
	envelope->kind = ENVELOPE_RFC5424;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		s = skip_blanks(s);
		*fields[i] = or_none(take_word(&s));
	}
	s = skip_blanks(s);
	take_structured_data(&s, &envelope->structured_data);
	*rest = s;
	return true;
}

/* "123: ", a counter that some devices put before the time. */
static void
take_sequence(struct slice *rest)
{
	size_t at = 0;

	while (at < rest->len && at < SEQUENCE_DIGITS && is_digit(rest->ptr[at]))
		at++;
	if (at > 0 && slice_prefix(from(*rest, at), SLICE(": ")))
		*rest = skip_blanks(from(*rest, at + 1));
}

/* A time in any form; the bytes that it takes, or 0. */
static size_t
time_length(struct slice s, int64_t now, int64_t *time)
{
	size_t date, end;
	bool zoned;
	int used;

	used = stamp_parse_bsd(s, now, time);
	if (used > 0)
		return (size_t)used;
	if (s.len == 0 || !is_digit(s.ptr[0]))
		return 0;
	date = slice_find_byte(s, ' ');
	if (stamp_parse(slice_sub(s, 0, date), time, &zoned) == 0)
		return date;
	if (s.ptr[date - 1] == ':' && stamp_parse(slice_sub(s, 0, date - 1), time, &zoned) == 0)
		return date - 1; /* the colon that Cisco puts behind a time */
	if (date != 10)
		return 0;
	end = date + 1 + slice_find_byte(from(s, date + 1), ' ');
	return stamp_parse(slice_sub(s, 0, end), time, &zoned) == 0 ? end : 0;
}

/* Is s[at], behind a tag's colon, where text may begin?  Not so in "C:\" and "http://". */
static bool
ends_tag(struct slice s, size_t at)
{
	return at == s.len || is_blank(s.ptr[at]) || begins_body(from(s, at)) || s.ptr[at] == '<';
}

/* "TAG:" or "TAG[pid]:". */
static void
take_tag(struct slice *rest, struct envelope *envelope)
{
	struct slice s = slice_sub(*rest, 0, TAG_MAX);
	struct slice pid = SLICE_NONE;
	size_t at = 0, tag;

	while (at < s.len && !is_blank(s.ptr[at]) && memchr(":[{\"<\n", s.ptr[at], 6) == NULL)
		at++;
	tag = at;
	if (at < s.len && s.ptr[at] == '[') {
		size_t close = at + slice_find_byte(from(s, at), ']');

		pid = slice_sub(s, at + 1, close);
		if (slice_find_byte(pid, '"') < pid.len || slice_find_byte(pid, '{') < pid.len)
			return;
		at = close + 1;
	}
	if (tag == 0 || at >= s.len || s.ptr[at] != ':' || !ends_tag(*rest, at + 1))
		return;
	envelope->app_name = slice_sub(s, 0, tag);
	envelope->procid = pid.len > 0 ? pid : SLICE_NONE;
	*rest = from(*rest, at + 1);
}

/* "[PRI] [sequence] time host tag: text", of which anything may be missing.  `rest` is behind the
 * PRI. */
static void
take_rfc3164(struct slice *rest, int64_t now, struct envelope *envelope)
{
	struct slice s = skip_blanks(*rest), word, behind;
	size_t length;

	take_sequence(&s);
	/* Cisco marks the time of a clock that is not set by '*' and of one that is not in step by
	 * '.'. */
	if (s.len > 0 && (s.ptr[0] == '*' || s.ptr[0] == '.'))
		s = from(s, 1);
	length = time_length(s, now, &envelope->time);
	if (length == 0) {
		if (envelope->pri < 0)
			return;
		envelope->kind = ENVELOPE_RFC3164;
		*rest = skip_marks(*rest);
		if (!begins_body(*rest))
			take_tag(rest, envelope);
		return;
	}
	envelope->kind = ENVELOPE_RFC3164;
	s = from(s, length);
	if (slice_prefix(s, SLICE(":")))
		s = from(s, 1);
	s = skip_blanks(s);
	behind = s;
	word = take_word(&behind);
	if (word.len > 0 && word.ptr[word.len - 1] != ':') {
		envelope->hostname = or_none(word);
		s = skip_blanks(behind);
	}
	if (!begins_body(s))
		take_tag(&s, envelope);
	*rest = s;
}

void
envelope_parse(struct slice message, int64_t now, struct envelope *envelope)
{
	struct slice rest = skip_marks(message);

	*envelope = (struct envelope){ .kind = ENVELOPE_NONE, .pri = -1, .time = STAMP_NONE };
	if (!begins_json(rest)) {
		envelope->pri = take_pri(&rest);
		if (envelope->pri < 0 || !take_rfc5424(&rest, envelope))
			take_rfc3164(&rest, now, envelope);
	}
	rest = skip_marks(rest);
	if (slice_prefix(rest, SLICE(COOKIE))) {
		envelope->cee = true;
		rest = skip_marks(from(rest, sizeof(COOKIE) - 1));
	}
	/* A counted message may hold its line feed, and a relay's NUL. */
	while (rest.len > 0 && memchr(" \t\r\n", rest.ptr[rest.len - 1], 5) != NULL)
		rest.len--;
	envelope->payload = rest;
}
