/* One walk over the text: a string is copied without its escapes, and taken back when a colon says
 * that it was a key.  Everything between strings is copied up to the next blank or bracket. */

#include <string.h>

#include "parsers/values.h"

/* Four hexadecimal digits; UINT32_MAX when they are none. */
static uint32_t
code_unit(struct slice s)
{
	uint32_t unit = 0;

	if (s.len < 4)
		return UINT32_MAX;
	for (size_t i = 0; i < 4; i++) {
		unsigned char c = slice_lower((unsigned char)s.ptr[i]);

		if (c >= '0' && c <= '9')
			unit = unit << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			unit = unit << 4 | (uint32_t)(c - 'a' + 10);
		else
			return UINT32_MAX;
	}
	return unit;
}

/* RFC 3629.  `to` has room for as many bytes as the escape had. */
static size_t
put_utf8(char *to, uint32_t code)
{
	if (code < 0x80) {
		to[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		to[0] = (char)(0xc0 | code >> 6);
		to[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		to[0] = (char)(0xe0 | code >> 12);
		to[1] = (char)(0x80 | (code >> 6 & 0x3f));
		to[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | code >> 18);
	to[1] = (char)(0x80 | (code >> 12 & 0x3f));
	to[2] = (char)(0x80 | (code >> 6 & 0x3f));
	to[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* What follows "\u": its character to `to`, how many bytes it took to *used. */
static size_t
unescape_unicode(struct slice s, char *to, size_t *used)
{
	uint32_t unit = code_unit(s), low;

	*used = 0;
	if (unit == UINT32_MAX)
		return 0;
	*used = 4;
	if (unit < 0xd800 || unit > 0xdfff)
		return put_utf8(to, unit);
	low = s.len >= 10 && s.ptr[4] == '\\' && s.ptr[5] == 'u' ? code_unit(slice_sub(s, 6, s.len))
								 : UINT32_MAX;
	if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return put_utf8(to, 0xfffd); /* half of a pair */
	*used = 10;
	return put_utf8(to, 0x10000 + ((unit - 0xd800) << 10 | (low - 0xdc00)));
}

/* One escape from behind its backslash on: what it means to `to`, its bytes to *used. */
static size_t
unescape_one(struct slice s, char *to, size_t *used)
{
	static const char escapes[] = "bfnrt", meant[] = "\b\f\n\r\t";
	const char *escape;
	size_t digits, n;

	if (s.ptr[0] == 'u') {
		n = unescape_unicode(slice_sub(s, 1, s.len), to, &digits);
		*used = 1 + digits;
		return n;
	}
	escape = s.ptr[0] == '\0' ? NULL : strchr(escapes, s.ptr[0]);
	to[0] = escape == NULL ? s.ptr[0] : meant[escape - escapes];
	*used = 1;
	return 1;
}

/* A string from behind its quote on: its text to `to`, its bytes with the closing quote to *used.
 * Returns the text's length. */
static size_t
unescape(struct slice s, char *to, size_t *used)
{
	size_t n = 0, at = 0;

	while (at < s.len && s.ptr[at] != '"') {
		size_t from = at, used_here;

		while (at < s.len && s.ptr[at] != '"' && s.ptr[at] != '\\')
			at++;
		memcpy(to + n, s.ptr + from, at - from);
		n += at - from;
		if (at == s.len || s.ptr[at] == '"')
			break;
		at++;
		if (at == s.len) {
			to[n++] = '\\';
			break;
		}
		n += unescape_one(slice_sub(s, at, s.len), to + n, &used_here);
		at += used_here;
	}
	*used = at < s.len ? at + 1 : at;
	return n;
}

/* Does a colon come next? */
static bool
is_key(struct slice rest)
{
	size_t at = 0;

	while (at < rest.len &&
		(rest.ptr[at] == ' ' || (rest.ptr[at] >= '\t' && rest.ptr[at] <= '\r')))
		at++;
	return at < rest.len && rest.ptr[at] == ':';
}

/* Blanks, and what JSON has between values. */
static bool
is_between(char byte)
{
	switch (byte) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
	case ',':
	case ':':
	case '[':
	case ']':
	case '{':
	case '}':
		return true;
	default:
		return false;
	}
}

struct slice
values_text(struct slice json, struct arena *arena)
{
	char *text = arena_alloc(arena, json.len + 1);
	size_t n = 0, at = 0;

	if (text == NULL)
		return SLICE_NONE;
	while (at < json.len) {
		char c = json.ptr[at++];
		size_t used, len;

		if (c == '"') {
			len = unescape(slice_sub(json, at, json.len), text + n, &used);
			at += used;
			if (is_key(slice_sub(json, at, json.len)))
				continue;
			n += len;
			text[n++] = '\n';
		} else if (!is_between(c)) {
			text[n++] = c;
		} else if (n > 0 && text[n - 1] != '\n') {
			text[n++] = '\n';
		}
	}
	if (n > 0 && text[n - 1] == '\n')
		n--;
	return (struct slice){ text, n };
}
