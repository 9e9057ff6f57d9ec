/* Framing of streams (RFC 6587), files and datagrams (RFC 5426).
 *
 * A stream is cut in two steps: header() decides from at most twelve bytes whether a count stands
 * at the front, and asks for more bytes exactly when they would change the answer; then either the
 * counted octets are waited for or the line's trailer is looked for.  `scanned` remembers how far
 * that search has come, so that feeding byte by byte is linear.  It is an offset, not a pointer:
 * the caller may move its buffer between calls.
 *
 * A file is read without a state.  A value that begins with '{' or '[' may span lines; its end is
 * found by counting brackets outside strings, no more than FILE_DEPTH_MAX deep, and given up where
 * it cannot be JSON: a bracket that closes the wrong kind, a line feed inside a string, or a line
 * that begins with '{', '[' or '<' and is not indented more than the value's own first line, since
 * that is the next record behind one that was cut.  Then the first line alone is the message.  Two
 * failed searches can overlap only where one value is nested in the other, so a byte is looked at
 * FILE_DEPTH_MAX times at most, whatever the file holds.
 *
 * Nothing here looks into a message or joins lines of a stream: continuation lines are messages of
 * their own. */

#include <assert.h>
#include <string.h>

#include "parsers/frame.h"

#define COUNT_DIGITS 7
#define FILE_DEPTH_MAX 256
#define SEARCH_STEP ((size_t)4096)

#define BOM "\xef\xbb\xbf"

enum header { HEADER_LINE, HEADER_COUNT, HEADER_MORE };

void
frame_init(struct frame *frame, size_t limit)
{
	*frame = (struct frame){ .limit = limit };
}

static bool
is_trailer(char byte)
{
	return byte == '\n' || byte == '\r' || byte == '\0';
}

/* The offset of the first LF or NUL in in[from, to), or `to`.  In steps, because a stream of many
 * short messages that end in NUL would else be searched to its end for a LF by each of them. */
static size_t
find_trailer(struct slice in, size_t from, size_t to)
{
	while (from < to) {
		size_t step = to - from < SEARCH_STEP ? to - from : SEARCH_STEP;
		const char *lf = memchr(in.ptr + from, '\n', step);
		size_t line = lf == NULL ? step : (size_t)(lf - (in.ptr + from));
		const char *nul = memchr(in.ptr + from, '\0', line);

		if (nul != NULL)
			return (size_t)(nul - in.ptr);
		if (lf != NULL)
			return (size_t)(lf - in.ptr);
		from += step;
	}
	return to;
}

/* Without the CR of a CRLF. */
static struct slice
without_cr(struct slice line)
{
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* What stands at in[from]?  For a count: its value, and in *body the offset of the first counted
 * byte. */
static enum header
header(struct slice in, size_t from, bool counted, size_t *count, size_t *body)
{
	size_t i = from, n = 0, rest;

	while (i < in.len && in.ptr[i] >= '0' && in.ptr[i] <= '9') {
		if (i - from == COUNT_DIGITS || in.ptr[from] == '0')
			return HEADER_LINE;
		n = n * 10 + (size_t)(in.ptr[i] - '0');
		i++;
	}
	if (i == in.len)
		return HEADER_MORE;
	if (i == from || in.ptr[i] != ' ')
		return HEADER_LINE;
	*count = n;
	*body = ++i;
	if (counted)
		return HEADER_COUNT;
	/* A line of text may begin with a number and a blank; what follows tells.  See
	 * vectordotdev/vector issue 3279. */
	rest = in.len - i;
	if (rest == 0)
		return HEADER_MORE;
	if (in.ptr[i] == '<' || in.ptr[i] == '{' || in.ptr[i] == '[')
		return HEADER_COUNT;
	if (memcmp(in.ptr + i, BOM, rest < 3 ? rest : 3) != 0)
		return HEADER_LINE;
	return rest < 3 ? HEADER_MORE : HEADER_COUNT;
}

/* The rest of a refused message. */
static enum frame_result
skip(struct frame *frame, struct slice in, size_t *used)
{
	size_t at;

	if (frame->skip > 0) {
		*used = frame->skip < in.len ? (size_t)frame->skip : in.len;
		frame->skip -= *used;
		return FRAME_SKIP;
	}
	at = find_trailer(in, 0, in.len);
	frame->skip_line = at == in.len;
	*used = frame->skip_line ? at : at + 1;
	return FRAME_SKIP;
}

static enum frame_result
next_counted(struct frame *frame, struct slice in, size_t count, size_t body, struct slice *msg,
	size_t *used, enum reason *why)
{
	bool over = count > frame->limit;
	size_t want = over && count > FRAME_HEAD_MAX ? FRAME_HEAD_MAX : count;

	if (in.len - body < want)
		return FRAME_MORE;
	frame->counted = true;
	*msg = slice_sub(in, body, body + want);
	*used = body + want;
	if (!over)
		return FRAME_OK;
	frame->skip = count - want;
	*why = REASON_OVERSIZE_COUNTED;
	return FRAME_BAD;
}

static enum frame_result
next_line(struct frame *frame, struct slice in, size_t start, struct slice *msg, size_t *used,
	enum reason *why)
{
	size_t room = in.len - start;
	/* The longest line, its CR and its LF; behind them the answer is known. */
	size_t window = room > frame->limit && room - frame->limit > 2 ? frame->limit + 2 : room;
	size_t from = frame->scanned > start ? frame->scanned : start;
	size_t at = find_trailer(in, from, start + window);
	struct slice line = without_cr(slice_sub(in, start, at));

	if (line.len > frame->limit) {
		*msg = slice_sub(
			line, 0, frame->limit < FRAME_HEAD_MAX ? frame->limit : FRAME_HEAD_MAX);
		*used = at;
		*why = REASON_OVERSIZE_LINE;
		frame->scanned = 0;
		frame->skip_line = true;
		return FRAME_BAD;
	}
	if (at == in.len) {
		frame->scanned = at;
		return FRAME_MORE;
	}
	frame->scanned = 0;
	*used = at + 1;
	if (line.len == 0)
		return FRAME_SKIP;
	*msg = line;
	return FRAME_OK;
}

enum frame_result
frame_next(struct frame *frame, struct slice in, struct slice *msg, size_t *used, enum reason *why)
{
	size_t start, count, body, empty = 0;

	if (in.len == 0)
		return FRAME_MORE;
	if (frame->skip > 0 || frame->skip_line)
		return skip(frame, in, used);
	/* Empty lines, and the line feed that many senders add to a counted message. */
	while (empty < in.len && is_trailer(in.ptr[empty]))
		empty++;
	if (empty > 0) {
		*used = empty;
		return FRAME_SKIP;
	}
	start = in.ptr[0] == ' ' ? 1 : 0;
	if (frame->scanned > 0)
		return next_line(frame, in, start, msg, used, why);
	switch (header(in, start, frame->counted, &count, &body)) {
	case HEADER_MORE:
		return FRAME_MORE;
	case HEADER_COUNT:
		return next_counted(frame, in, count, body, msg, used, why);
	case HEADER_LINE:
		break;
	}
	return next_line(frame, in, start, msg, used, why);
}

enum frame_result
frame_finish(struct frame *frame, struct slice in, struct slice *msg, enum reason *why)
{
	size_t start, count, body;
	enum header what = HEADER_LINE;
	struct slice line;

	if (in.len == 0 || frame->skip > 0 || frame->skip_line)
		return FRAME_SKIP;
	start = in.ptr[0] == ' ' ? 1 : 0;
	if (frame->scanned == 0)
		what = header(in, start, frame->counted, &count, &body);
	if (what == HEADER_COUNT) {
		*msg = slice_sub(in, body, body + FRAME_HEAD_MAX);
		*why = REASON_INCOMPLETE;
		return FRAME_BAD;
	}
	line = without_cr(slice_sub(in, start, in.len));
	if (line.len == 0)
		return FRAME_SKIP;
	*msg = line;
	/* On a connection of counted messages the beginning of a count is no line. */
	if (what == HEADER_MORE && frame->counted) {
		*why = REASON_INCOMPLETE;
		return FRAME_BAD;
	}
	return FRAME_OK;
}

static bool
is_indent(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* The offset of the first byte from `at` that is no blank, in the same line unless `lines`. */
static size_t
skip_blanks(struct slice in, size_t at, bool lines)
{
	while (at < in.len && (is_indent(in.ptr[at]) || (lines && is_trailer(in.ptr[at]))))
		at++;
	return at;
}

/* The opening brackets that have not been closed, as bits: 1 for '['. */
struct brackets {
	uint64_t square[FILE_DEPTH_MAX / 64];
	size_t depth;
};

static bool
bracket_open(struct brackets *open, bool square)
{
	uint64_t bit = UINT64_C(1) << open->depth % 64;

	if (open->depth == FILE_DEPTH_MAX)
		return false;
	if (square)
		open->square[open->depth / 64] |= bit;
	else
		open->square[open->depth / 64] &= ~bit;
	open->depth++;
	return true;
}

static bool
bracket_close(struct brackets *open, bool square)
{
	assert(open->depth > 0);
	open->depth--;
	return ((open->square[open->depth / 64] >> open->depth % 64 & 1) != 0) == square;
}

/* The offset behind the string that opens before in[at], or 0: a JSON string has no line feeds. */
static size_t
string_end(struct slice in, size_t at)
{
	static const bool special[256] = {
		['"'] = true, ['\n'] = true, ['\0'] = true, ['\\'] = true
	};

	for (;;) {
		while (at < in.len && !special[(unsigned char)in.ptr[at]])
			at++;
		if (at == in.len)
			return 0;
		if (in.ptr[at] == '"')
			return at + 1;
		if (in.ptr[at] != '\\')
			return 0;
		at += at + 1 < in.len && in.ptr[at + 1] != '\n' ? 2 : 1;
	}
}

/* Does the line that begins at in[at] look like the next record, seen from a value whose first line
 * has `indent` blanks? */
static bool
begins_record(struct slice in, size_t at, size_t indent)
{
	size_t first = skip_blanks(in, at, false);

	if (first == in.len || first - at > indent)
		return false;
	return in.ptr[first] == '{' || in.ptr[first] == '[' || in.ptr[first] == '<';
}

/* The offset behind the JSON value that begins at in[0], or 0 when there is none. */
static size_t
value_end(struct slice in, size_t indent)
{
	struct brackets open = { { 0 }, 0 };
	size_t i = 0;

	while (i < in.len) {
		char byte = in.ptr[i++];

		switch (byte) {
		case '"':
			i = string_end(in, i);
			if (i == 0)
				return 0;
			break;
		case '{':
		case '[':
			if (!bracket_open(&open, byte == '['))
				return 0;
			break;
		case '}':
		case ']':
			if (!bracket_close(&open, byte == ']'))
				return 0;
			if (open.depth == 0)
				return i;
			break;
		case '\n':
			if (begins_record(in, i, indent))
				return 0;
			break;
		case '\0':
			return 0;
		default:
			break;
		}
	}
	return 0;
}

/* Does in[at] open an object, or an array of objects?  "[INFO] text" and "{ text" are lines. */
static bool
opens_value(struct slice in, size_t at)
{
	size_t inner = skip_blanks(in, at + 1, true);

	if (inner >= in.len)
		return false;
	if (in.ptr[at] == '{')
		return in.ptr[inner] == '"' || in.ptr[inner] == '}';
	return in.ptr[at] == '[' && in.ptr[inner] == '{';
}

/* May a message end at in[at], behind a value: at the line's end, or before another value or what
 * joins values? */
static bool
ends_message(struct slice in, size_t at)
{
	at = skip_blanks(in, at, false);
	if (at < in.len && in.ptr[at] == ',')
		at = skip_blanks(in, at + 1, false);
	if (at == in.len)
		return true;
	return is_trailer(in.ptr[at]) || in.ptr[at] == '{' || in.ptr[at] == '[' ||
	       in.ptr[at] == ']';
}

/* The length of what separates messages at in[at]: a line's end, a byte order mark, a comma, and
 * the closing bracket of an array whose elements were taken one by one. */
static size_t
separator(struct slice in, size_t at)
{
	if (at == in.len)
		return 0;
	if (is_trailer(in.ptr[at]) || in.ptr[at] == ',')
		return 1;
	if (in.ptr[at] == ']' && ends_message(in, at + 1))
		return 1;
	return slice_prefix(slice_sub(in, at, in.len), SLICE(BOM)) ? 3 : 0;
}

/* The offset of the first message.  *indent is the number of blanks before it in its line. */
static size_t
file_gap(struct slice in, size_t *indent)
{
	size_t at = 0, length;

	do {
		size_t line = at;

		at = skip_blanks(in, line, false);
		*indent = at - line;
		length = separator(in, at);
		at += length;
	} while (length > 0);
	return at;
}

/* The line that ends behind in[from], as a message. */
static enum frame_result
file_line(struct slice in, size_t from, size_t limit, struct slice *msg, size_t *used,
	enum reason *why)
{
	size_t end = find_trailer(in, from, in.len);
	struct slice line = without_cr(slice_sub(in, 0, end));

	*used = end == in.len ? end : end + 1;
	if (line.len > limit) {
		*msg = slice_sub(line, 0, limit < FRAME_HEAD_MAX ? limit : FRAME_HEAD_MAX);
		*why = REASON_OVERSIZE_LINE;
		return FRAME_BAD;
	}
	*msg = line;
	return FRAME_OK;
}

enum frame_result
frame_file_next(struct slice in, size_t limit, struct slice *msg, size_t *used, enum reason *why)
{
	size_t indent, end = 0, start, length;
	enum frame_result result;
	struct slice rest;

	if (in.len == 0)
		return FRAME_MORE;
	start = file_gap(in, &indent);
	rest = slice_sub(in, start, in.len);
	if (rest.len == 0) {
		*used = start;
		return FRAME_SKIP;
	}
	if (opens_value(rest, 0)) {
		end = value_end(slice_sub(rest, 0, limit), indent);
		if (end > 0 && ends_message(rest, end)) {
			*msg = slice_sub(rest, 0, end);
			*used = start + end;
			return FRAME_OK;
		}
		/* An array that is too long, or written without indentation: its elements are the
		 * messages. */
		if (end == 0 && rest.ptr[0] == '[') {
			*used = start + 1;
			return FRAME_SKIP;
		}
	}
	/* Behind a value there may be text: it stays with the value, for the payload's parser to
	 * judge. */
	result = file_line(rest, end, limit, msg, &length, why);
	*used = start + length;
	return result;
}

struct slice
frame_datagram(struct slice datagram)
{
	while (datagram.len > 0 && is_trailer(datagram.ptr[datagram.len - 1]))
		datagram.len--;
	return datagram;
}
