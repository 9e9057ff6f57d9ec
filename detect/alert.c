/* An alert's stable ids and its JSON (RFC 8259): one object on one line, its keys in this order.
 *
 *   id event_id schema
 *   _time host User Image CommandLine ParentImage ParentCommandLine TargetFilename TargetObject
 *   Details DetectionType SeverityRating
 *                    the columns of the original search; null where the event has none
 *   EventCode EventRecordID
 *                    numbers; a record id over 2^53, or that is no number, is a string
 *   Channel Provider_Name
 *   rule             {id title level status tags[] falsepositives[]} of the rule that speaks;
 *                    status only where it has one
 *   techniques       [{id name tactics[]}]
 *   severity_number  1 informational, 2 low, 3 medium, 4 high, 5 critical
 *   message          a sentence for people, never more than one line
 *   matched          [{field value pattern}]; of keywords the field is "keywords", the value null
 *   collector        {name version input peer received layout}
 *   host_state       {first_seen last_seen events alerts address}
 *
 * And, only where they are known or true:
 *
 *   ProcessGuid ProcessId ParentProcessGuid ParentProcessId ParentUser OriginalFileName
 *   CurrentDirectory IntegrityLevel LogonId Hashes RuleName
 *   app_pool         the -ap argument of the server process
 *   fields           {name: value} of the rule's own list of fields
 *   rules            [{id title level DetectionType lowered}], the others that matched
 *   correlation      {type timespan group{} value count first last events[] lowered} of a
 *                    correlation: the group's values in lower case, the identities of the last
 *                    events
 *   lowered filtered {id title} of the filter but for which the level would be higher, or that took
 *                    the match away
 *   partial repaired true
 *   host_info        {the operator's columns}
 *   event_raw        the record; event_raw_cut is true when it was longer
 *
 * Times are RFC 3339 in UTC.  A column is whole, however long; what only illustrates (matched,
 * message, event_raw) is bounded and a cut is marked.  Every string is made valid UTF-8 before yajl
 * writes it. */

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "detect/alert.h"
#include "detect/filter.h"
#include "parsers/utf8.h"

#define MATCHED_VALUE_MAX 4096               /* bytes of a value or pattern under "matched" */
#define MESSAGE_MAX 3072                     /* bytes of "message": room for all of its parts */
#define MESSAGE_PART_MAX 400                 /* of one value in it */
#define JSON_INTEGER_MAX (UINT64_C(1) << 53) /* every reader holds it exactly (RFC 8259, 6) */
#define YAJL_ROOM 4096                       /* more than a generator and its first buffer take */

static const struct slice ELLIPSIS = { "\xe2\x80\xa6", 3 };

/* ---- ids ---- */

struct digest {
	EVP_MD_CTX *context;
	bool failed;
};

static void
digest_begin(struct digest *digest, const char *purpose)
{
	digest->context = EVP_MD_CTX_new();
	digest->failed = digest->context == NULL ||
			 EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1 ||
			 EVP_DigestUpdate(digest->context, purpose, strlen(purpose) + 1) != 1;
}

/* A part goes in behind its length, an absent one as a length that no part has: no two lists of
 * parts give the same bytes. */
static void
digest_part(struct digest *digest, struct slice part)
{
	uint64_t length = part.ptr == NULL ? UINT64_MAX : part.len;
	unsigned char prefix[8];

	for (size_t i = 0; i < sizeof(prefix); i++)
		prefix[i] = (unsigned char)(length >> (8 * i));
	if (digest->failed)
		return;
	digest->failed =
		EVP_DigestUpdate(digest->context, prefix, sizeof(prefix)) != 1 ||
		(part.len > 0 && EVP_DigestUpdate(digest->context, part.ptr, part.len) != 1);
}

static void
digest_number(struct digest *digest, int64_t number)
{
	char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)((uint64_t)number >> (8 * i));
	digest_part(digest, (struct slice){ bytes, sizeof(bytes) });
}

/* In lower case and without the bytes of `without`; longer than the buffer it goes in as it stands.
 */
static void
digest_folded(struct digest *digest, struct slice part, const char *without)
{
	char folded[HOST_NAME_MAX_BYTES];
	size_t length = 0;

	if (part.ptr == NULL || part.len > sizeof(folded)) {
		digest_part(digest, part);
		return;
	}
	for (size_t i = 0; i < part.len; i++)
		if (part.ptr[i] == '\0' || strchr(without, part.ptr[i]) == NULL)
			folded[length++] = (char)slice_lower((unsigned char)part.ptr[i]);
	digest_part(digest, (struct slice){ folded, length });
}

_Static_assert(ALERT_ID_MAX == 2 * CORRELATE_ID + 1, "an identity is one, in bytes or in digits");

static void
write_hexadecimal(const unsigned char bytes[CORRELATE_ID], char id[ALERT_ID_MAX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < CORRELATE_ID; i++) {
		id[2 * i] = digits[bytes[i] >> 4];
		id[2 * i + 1] = digits[bytes[i] & 0xf];
	}
	id[ALERT_ID_MAX - 1] = '\0';
}

/* 0, or -ENOMEM with `id` untouched. */
static int
digest_end(struct digest *digest, char id[ALERT_ID_MAX])
{
	unsigned char hash[EVP_MAX_MD_SIZE];

	if (!digest->failed)
		digest->failed = EVP_DigestFinal_ex(digest->context, hash, NULL) != 1;
	EVP_MD_CTX_free(digest->context);
	if (digest->failed)
		return -ENOMEM;
	write_hexadecimal(hash, id);
	return 0;
}

int
alert_event_id(const struct wevent *event, char id[ALERT_ID_MAX])
{
	bool record = event->f[F_EventRecordID].ptr != NULL;
	char host[HOST_NAME_MAX_BYTES];
	struct digest digest;

	digest_begin(&digest, record ? "record" : "fields");
	digest_part(&digest, (struct slice){ host, host_fold(event->host, host) });
	digest_folded(&digest, event->f[F_Channel], "");
	digest_number(&digest, event->event_id);
	digest_number(&digest, event->time);
	digest_folded(&digest, event->f[F_ProcessGuid], "{}");
	if (record)
		digest_part(&digest, event->f[F_EventRecordID]);
	for (size_t i = 0; i < F_MAX && !record; i++) {
		/* By name, since numbers change when a field is added; the host stands above, and
		 * may have been renamed. */
		if (event->f[i].ptr == NULL || i == F_Computer || i == F_Channel)
			continue;
		digest_part(&digest, slice_of(wevent_field_name((enum wevent_field)i)));
		digest_part(&digest, event->f[i]);
	}
	return digest_end(&digest, id);
}

int
alert_id(const char event_id[ALERT_ID_MAX], const struct rule *rule, char id[ALERT_ID_MAX])
{
	struct digest digest;

	digest_begin(&digest, "alert");
	digest_part(&digest, slice_of(event_id));
	digest_part(&digest, slice_of(rule->id));
	/* Sigma lets a rule go without an id; its title then tells it from its like. */
	if (rule->id == NULL || rule->id[0] == '\0')
		digest_part(&digest, slice_of(rule->title));
	return digest_end(&digest, id);
}

/* ---- bounded, valid strings ---- */

/* At most `max` bytes of s as valid UTF-8, cut between characters.  Absent for no memory or when s
 * is. */
static struct slice
bounded(struct slice s, size_t max, struct arena *arena, bool *cut)
{
	/* Four bytes more keep the character at the border whole, so that the cut does not look
	 * like damage. */
	size_t look = max > SIZE_MAX - 4 ? max : max + 4;
	struct slice valid = utf8_repair(slice_sub(s, 0, look), arena);

	*cut = s.len > max || valid.len > max;
	if (valid.len > max) {
		valid.len = max;
		while (valid.len > 0 && ((unsigned char)valid.ptr[valid.len] & 0xc0) == 0x80)
			valid.len--;
	}
	return valid;
}

/* The same with an ellipsis where it was cut. */
static struct slice
shortened(struct slice s, size_t max, struct arena *arena)
{
	bool cut;
	struct slice shown = bounded(s, max, arena, &cut);
	char *bytes;

	if (shown.ptr == NULL || !cut)
		return shown;
	bytes = arena_alloc(arena, shown.len + ELLIPSIS.len);
	if (bytes == NULL)
		return SLICE_NONE;
	memcpy(bytes, shown.ptr, shown.len);
	memcpy(bytes + shown.len, ELLIPSIS.ptr, ELLIPSIS.len);
	return (struct slice){ bytes, shown.len + ELLIPSIS.len };
}

/* ---- the sentence ---- */

struct message {
	struct arena *arena;
	size_t length;
	char text[MESSAGE_MAX];
};

/* The length of a character that would break the line, move the cursor or turn the reading
 * direction; 0 for any other. C0, DEL and C1; U+2028 to U+202E; U+2066 to U+2069. */
static size_t
unprintable(struct slice s)
{
	const unsigned char *byte = (const unsigned char *)s.ptr;

	if (byte[0] < 0x20 || byte[0] == 0x7f)
		return 1;
	if (s.len >= 2 && byte[0] == 0xc2 && byte[1] < 0xa0)
		return 2;
	if (s.len < 3 || byte[0] != 0xe2)
		return 0;
	if (byte[1] == 0x80 && byte[2] >= 0xa8 && byte[2] <= 0xae)
		return 3;
	return byte[1] == 0x81 && byte[2] >= 0xa6 && byte[2] <= 0xa9 ? 3 : 0;
}

/* What does not fit whole is left out: never half a character. */
static void
say(struct message *message, const char *words)
{
	size_t length = strlen(words);

	if (length > MESSAGE_MAX - message->length)
		return;
	memcpy(message->text + message->length, words, length);
	message->length += length;
}

/* Without memory the value is left out of the sentence; the columns have it. */
static void
say_value(struct message *message, struct slice value)
{
	struct slice left = shortened(value, MESSAGE_PART_MAX, message->arena);

	if (left.len > MESSAGE_MAX - message->length)
		return;
	while (left.len > 0) {
		size_t skip = unprintable(left);

		message->text[message->length++] = skip > 0 ? '?' : left.ptr[0];
		left = slice_sub(left, skip > 0 ? skip : 1, left.len);
	}
}

/* The file's name in a path of Windows or Unix. */
static struct slice
base_name(struct slice path)
{
	size_t from = path.len;

	while (from > 0 && path.ptr[from - 1] != '\\' && path.ptr[from - 1] != '/')
		from--;
	return from < path.len ? slice_sub(path, from, path.len) : path;
}

static bool
contains_nocase(struct slice s, struct slice part)
{
	for (size_t i = 0; i + part.len <= s.len; i++)
		if (slice_equal_nocase(slice_sub(s, i, i + part.len), part))
			return true;
	return false;
}

/* The command line, with the program in front where it does not name it ("-c id", or another name
 * than the file's). */
static void
say_command(struct message *message, const struct wevent *event)
{
	struct slice line = slice_sub(event->f[F_CommandLine], 0, MESSAGE_PART_MAX);
	struct slice name = base_name(event->f[F_Image]);
	struct slice stem =
		slice_suffix_nocase(name, SLICE(".exe")) ? slice_sub(name, 0, name.len - 4) : name;

	if (line.len == 0 || !contains_nocase(line, stem))
		say_value(message, name);
	if (line.len > 0 && !contains_nocase(line, stem))
		say(message, ": ");
	say_value(message, line.len > 0 ? event->f[F_CommandLine] : SLICE(""));
}

/* What Sysmon's events with a TargetFilename did to it. */
static const char *
file_verb(int32_t event_id)
{
	static const struct {
		int32_t event_id;
		const char *verb;
	} verbs[] = {
		{ 2, " changed the creation time of " },
		{ 11, " wrote " },
		{ 15, " wrote the stream " },
		{ 23, " deleted " },
		{ 26, " deleted " },
		{ 27, " was kept from writing " },
		{ 28, " was kept from shredding " },
		{ 29, " wrote " },
	};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (verbs[i].event_id == event_id)
			return verbs[i].verb;
	return " touched ";
}

/* Which kind of event it is shows in the fields that it has, whatever the channel. */
static void
say_deed(struct message *message, const struct wevent *event)
{
	struct slice actor = base_name(event->f[F_Image]);

	if (event->f[F_TargetObject].ptr != NULL) {
		say_value(message, actor.ptr != NULL ? actor : SLICE("a process"));
		say(message, event->f[F_Details].ptr != NULL ? " set " : " changed ");
		say_value(message, event->f[F_TargetObject]);
		if (event->f[F_Details].ptr != NULL) {
			say(message, " to ");
			say_value(message, event->f[F_Details]);
		}
	} else if (event->f[F_TargetFilename].ptr != NULL) {
		say_value(message, actor.ptr != NULL ? actor : SLICE("a process"));
		say(message, file_verb(event->event_id));
		say_value(message, event->f[F_TargetFilename]);
	} else if (event->f[F_ParentImage].ptr != NULL) {
		say_value(message, base_name(event->f[F_ParentImage]));
		say(message, " started ");
		say_command(message, event);
	} else if (event->f[F_CommandLine].ptr != NULL || event->f[F_Image].ptr != NULL) {
		say_command(message, event);
	} else {
		say(message, "event ");
		say_value(message, event->f[F_EventID]);
		say(message, " of ");
		say_value(message, event->f[F_Channel].ptr != NULL ? event->f[F_Channel]
								   : event->f[F_Provider_Name]);
	}
	if (event->f[F_User].ptr != NULL) {
		say(message, " as ");
		say_value(message, event->f[F_User]);
	}
}

/* "12 events, the last: " */
static void
say_correlation(struct message *message, const struct correlated *correlated)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%u event%s, the last: ", correlated->result.count,
		correlated->result.count == 1 ? "" : "s");
	say(message, text);
}

static struct slice
compose(struct message *message, const struct wevent *event, const struct match *match,
	enum severity severity, struct arena *arena)
{
	message->arena = arena;
	message->length = 0;
	say(message, severity_name(severity));
	say(message, " ");
	say_value(message, slice_of(match->rule->detection_type));
	say(message, " on ");
	say_value(message, event->host);
	say(message, ": ");
	if (match->correlated != NULL)
		say_correlation(message, match->correlated);
	say_deed(message, event);
	return (struct slice){ message->text, message->length };
}

/* ---- application pool ---- */

/* One word of a Windows command line; its quotes are taken off.  false at the end. */
static bool
next_word(struct slice *line, struct slice *word)
{
	size_t end;

	while (line->len > 0 && (line->ptr[0] == ' ' || line->ptr[0] == '\t'))
		*line = slice_sub(*line, 1, line->len);
	if (line->len == 0)
		return false;
	if (line->ptr[0] == '"') {
		*line = slice_sub(*line, 1, line->len);
		end = slice_find_byte(*line, '"');
		*word = slice_sub(*line, 0, end);
		*line = slice_sub(*line, end + 1, line->len);
		return true;
	}
	end = 0;
	while (end < line->len && line->ptr[end] != ' ' && line->ptr[end] != '\t')
		end++;
	*word = slice_sub(*line, 0, end);
	*line = slice_sub(*line, end, line->len);
	return true;
}

/* The value of -ap on the server process's command line.  Where the event tells of a started
 * process, the server is its parent, and the new process's own words are not asked: they may be an
 * attacker's. */
static struct slice
app_pool(const struct wevent *event)
{
	bool started = event->f[F_ParentImage].ptr != NULL ||
		       event->f[F_ParentCommandLine].ptr != NULL ||
		       event->f[F_ParentProcessId].ptr != NULL;
	struct slice line = event->f[started ? F_ParentCommandLine : F_CommandLine];
	struct slice word;

	while (next_word(&line, &word))
		if (slice_equal(word, SLICE("-ap")))
			return next_word(&line, &word) && word.len > 0 ? word : SLICE_NONE;
	return SLICE_NONE;
}

/* ---- JSON ---- */

struct writer {
	yajl_gen gen;
	struct arena *arena;
	char *bytes;
	size_t length;
	size_t room;
	size_t value_max; /* longer values are cut */
	bool failed;      /* no memory; what is written is not used */
};

static void *
arena_malloc_cb(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

/* The generator writes through print_cb and never grows a buffer of its own. */
static void *
arena_realloc_cb(void *arena, void *ptr, size_t size)
{
	(void)arena;
	(void)ptr;
	(void)size;
	assert(false);
	return NULL;
}

static void
arena_free_cb(void *arena, void *ptr)
{
	(void)arena;
	(void)ptr;
}

static void
print_cb(void *context, const char *bytes, size_t length)
{
	struct writer *writer = context;

	if (writer->failed)
		return;
	if (length > writer->room - writer->length) {
		size_t room = 2 * (writer->length + length);
		char *grown = arena_grow(writer->arena, writer->bytes, writer->room, room);

		if (grown == NULL) {
			writer->failed = true;
			return;
		}
		writer->bytes = grown;
		writer->room = room;
	}
	memcpy(writer->bytes + writer->length, bytes, length);
	writer->length += length;
}

/* `expected` bytes are made room for at once.  0 or -ENOMEM. */
static int
writer_open(struct writer *writer, struct arena *arena, size_t expected)
{
	const yajl_alloc_funcs functions = {
		.malloc = arena_malloc_cb,
		.realloc = arena_realloc_cb,
		.free = arena_free_cb,
		.ctx = arena,
	};
	struct arena_mark mark = arena_mark(arena);

	*writer = (struct writer){ .arena = arena, .room = expected, .value_max = SIZE_MAX };
	/* yajl 2.1 writes to its first buffer without a look at whether it got one: make sure
	 * beforehand that it does. */
	if (arena_alloc(arena, YAJL_ROOM) == NULL)
		return -ENOMEM;
	arena_rewind(arena, mark);
	writer->gen = yajl_gen_alloc(&functions);
	if (writer->gen == NULL)
		return -ENOMEM;
	(void)yajl_gen_config(writer->gen, yajl_gen_print_callback, print_cb, writer);
	writer->bytes = arena_alloc(arena, expected);
	return writer->bytes == NULL ? -ENOMEM : 0;
}

/* The generator's answers are about the order of our own calls, which the tests hold; only memory
 * can fail. */
static void
put_text(struct writer *writer, struct slice value, size_t max)
{
	struct slice valid = shortened(value, max, writer->arena);

	if (valid.ptr == NULL) {
		writer->failed = true;
		valid = SLICE("");
	}
	(void)yajl_gen_string(writer->gen, (const unsigned char *)valid.ptr, valid.len);
}

static void
put(struct writer *writer, struct slice value)
{
	if (value.ptr == NULL)
		(void)yajl_gen_null(writer->gen);
	else
		put_text(writer, value, writer->value_max);
}

static void
put_key(struct writer *writer, const char *key)
{
	put_text(writer, slice_of(key), SIZE_MAX);
}

static void
put_pair(struct writer *writer, const char *key, struct slice value)
{
	put_key(writer, key);
	put(writer, value);
}

static void
put_count(struct writer *writer, const char *key, uint64_t count)
{
	put_key(writer, key);
	(void)yajl_gen_integer(writer->gen, count > INT64_MAX ? INT64_MAX : (long long)count);
}

static void
put_time(struct writer *writer, const char *key, int64_t time)
{
	char text[STAMP_TEXT_MAX];
	struct slice value = SLICE_NONE;

	if (time != STAMP_NONE)
		value = (struct slice){ text, stamp_format(time, text) };
	put_pair(writer, key, value);
}

/* A decimal number as a number, anything else as it stands. */
static void
put_number(struct writer *writer, const char *key, struct slice value)
{
	uint64_t number;

	if (slice_number(value, JSON_INTEGER_MAX, &number) == 0)
		put_count(writer, key, number);
	else
		put_pair(writer, key, value);
}

static void
put_true(struct writer *writer, const char *key)
{
	put_key(writer, key);
	(void)yajl_gen_bool(writer->gen, 1);
}

static void
put_shortened(struct writer *writer, const char *key, struct slice value, size_t max)
{
	struct slice shown = shortened(value, max, writer->arena);

	writer->failed |= shown.ptr == NULL && value.ptr != NULL;
	put_pair(writer, key, shown);
}

static void
put_columns(struct writer *writer, const struct wevent *event, const struct alert *alert)
{
	static const enum wevent_field columns[] = { F_User, F_Image, F_CommandLine, F_ParentImage,
		F_ParentCommandLine, F_TargetFilename, F_TargetObject, F_Details };

	put_pair(writer, "id", slice_of(alert->id));
	put_pair(writer, "event_id", slice_of(alert->event_id));
	put_pair(writer, "schema", SLICE(ALERT_SCHEMA));
	put_time(writer, "_time", alert->time);
	put_pair(writer, "host", alert->host);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		put_pair(writer, wevent_field_name(columns[i]), event->f[columns[i]]);
	put_pair(writer, "DetectionType", slice_of(alert->rule->detection_type));
	put_pair(writer, "SeverityRating", slice_of(severity_name(alert->severity)));

	if (event->event_id >= 0)
		put_count(writer, "EventCode", (uint64_t)event->event_id);
	else
		put_pair(writer, "EventCode", SLICE_NONE);
	put_number(writer, "EventRecordID", event->f[F_EventRecordID]);
	put_pair(writer, "Channel", event->f[F_Channel]);
	put_pair(writer, "Provider_Name", event->f[F_Provider_Name]);
}

/* "id", "title", "level" (Sigma's word, in lower case) of a map that is open. */
static void
put_rule(struct writer *writer, const struct rule *rule)
{
	const char *name = severity_name(rule->severity);
	char level[16];
	size_t length = 0;

	for (; name[length] != '\0' && length < sizeof(level); length++)
		level[length] = (char)slice_lower((unsigned char)name[length]);
	put_pair(writer, "id", slice_of(rule->id));
	put_pair(writer, "title", slice_of(rule->title));
	put_pair(writer, "level", (struct slice){ level, length });
}

static void
put_texts(struct writer *writer, const char *key, const char *const *texts)
{
	put_key(writer, key);
	(void)yajl_gen_array_open(writer->gen);
	for (size_t i = 0; texts[i] != NULL; i++)
		put(writer, slice_of(texts[i]));
	(void)yajl_gen_array_close(writer->gen);
}

/* The rule that speaks, whole. */
static void
put_speaker(struct writer *writer, const struct rule *rule)
{
	put_key(writer, "rule");
	(void)yajl_gen_map_open(writer->gen);
	put_rule(writer, rule);
	if (rule->status != NULL)
		put_pair(writer, "status", slice_of(rule->status));
	put_texts(writer, "tags", rule->tags);
	put_texts(writer, "falsepositives", rule->falsepositives);
	(void)yajl_gen_map_close(writer->gen);
}

/* What the rule's author wants an analyst to see. */
static void
put_fields(struct writer *writer, const struct wevent *event, const struct rule *rule)
{
	if (rule->field_names[0] == NULL)
		return;
	put_key(writer, "fields");
	(void)yajl_gen_map_open(writer->gen);
	for (size_t i = 0; rule->field_names[i] != NULL; i++)
		put_pair(writer, rule->field_names[i], wevent_value(event, rule->fields[i]));
	(void)yajl_gen_map_close(writer->gen);
}

static void
put_techniques(struct writer *writer, const struct rule *rule, const struct attack *attack)
{
	static const char *const none[] = { NULL };

	put_key(writer, "techniques");
	(void)yajl_gen_array_open(writer->gen);
	for (size_t i = 0; rule->techniques[i] != NULL; i++) {
		const struct technique *technique = attack_find(attack, rule->techniques[i]);
		const char *const *tactics = technique == NULL ? none : technique->tactics;

		(void)yajl_gen_map_open(writer->gen);
		put_pair(writer, "id", slice_of(rule->techniques[i]));
		put_pair(writer, "name", slice_of(technique == NULL ? NULL : technique->name));
		put_key(writer, "tactics");
		(void)yajl_gen_array_open(writer->gen);
		for (size_t j = 0; tactics[j] != NULL; j++)
			put(writer, slice_of(tactics[j]));
		(void)yajl_gen_array_close(writer->gen);
		(void)yajl_gen_map_close(writer->gen);
	}
	(void)yajl_gen_array_close(writer->gen);
}

static void
put_matched(struct writer *writer, const struct wevent *event, const struct match *match)
{
	put_key(writer, "matched");
	(void)yajl_gen_array_open(writer->gen);
	for (size_t i = 0; i < match->matched_count; i++) {
		struct slice value = match->matched[i].keyword
					     ? SLICE_NONE
					     : wevent_value(event, match->matched[i].field);

		(void)yajl_gen_map_open(writer->gen);
		put_pair(writer, "field", slice_of(match->matched[i].name));
		put_shortened(writer, "value", value, MATCHED_VALUE_MAX);
		put_shortened(writer, "pattern", match->matched[i].pattern, MATCHED_VALUE_MAX);
		(void)yajl_gen_map_close(writer->gen);
	}
	(void)yajl_gen_array_close(writer->gen);
}

static void
put_collector(struct writer *writer, const struct alert_settings *settings,
	const struct alert_source *source, const struct wevent *event)
{
	put_key(writer, "collector");
	(void)yajl_gen_map_open(writer->gen);
	put_pair(writer, "name", slice_of(settings->collector));
	put_pair(writer, "version", slice_of(settings->version));
	put_pair(writer, "input", source->input);
	put_pair(writer, "peer", source->peer);
	put_time(writer, "received", source->received);
	put_pair(writer, "layout", slice_of(layout_name(event->layout)));
	(void)yajl_gen_map_close(writer->gen);
}

static void
put_host_state(struct writer *writer, const struct host_state *state)
{
	struct slice address = { state->address, strnlen(state->address, HOST_ADDRESS_MAX) };

	put_key(writer, "host_state");
	(void)yajl_gen_map_open(writer->gen);
	put_time(writer, "first_seen", state->first_seen);
	put_time(writer, "last_seen", state->last_seen);
	put_count(writer, "events", state->events);
	put_count(writer, "alerts", state->alerts);
	put_pair(writer, "address", address.len > 0 ? address : SLICE_NONE);
	(void)yajl_gen_map_close(writer->gen);
}

static void
put_known_fields(struct writer *writer, const struct wevent *event)
{
	static const struct {
		enum wevent_field field;
		bool number;
	} known[] = {
		{ F_ProcessGuid, false },
		{ F_ProcessId, true },
		{ F_ParentProcessGuid, false },
		{ F_ParentProcessId, true },
		{ F_ParentUser, false },
		{ F_OriginalFileName, false },
		{ F_CurrentDirectory, false },
		{ F_IntegrityLevel, false },
		/* "0x3e7" on Windows, decimal elsewhere: always a string, so that a SIEM sees one
		   type. */
		{ F_LogonId, false },
		{ F_Hashes, false },
		{ F_RuleName, false },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct slice value = event->f[known[i].field];
		const char *name = wevent_field_name(known[i].field);

		if (value.ptr == NULL)
			continue;
		if (known[i].number)
			put_number(writer, name, value);
		else
			put_pair(writer, name, value);
	}
}

/* What a filter did to a match. */
static void
put_filter(struct writer *writer, const struct match *match, bool filtered)
{
	if (match->filter == NULL)
		return;
	put_key(writer, filtered ? "filtered" : "lowered");
	(void)yajl_gen_map_open(writer->gen);
	put_pair(writer, "id", slice_of(match->filter->id));
	put_pair(writer, "title", slice_of(match->filter->title));
	(void)yajl_gen_map_close(writer->gen);
}

static void
put_other_rules(struct writer *writer, const struct match *const *matches, size_t count)
{
	if (count < 2)
		return;
	put_key(writer, "rules");
	(void)yajl_gen_array_open(writer->gen);
	for (size_t i = 1; i < count; i++) {
		(void)yajl_gen_map_open(writer->gen);
		put_rule(writer, matches[i]->rule);
		put_pair(writer, "DetectionType", slice_of(matches[i]->rule->detection_type));
		put_filter(writer, matches[i], false);
		(void)yajl_gen_map_close(writer->gen);
	}
	(void)yajl_gen_array_close(writer->gen);
}

static void
put_real(struct writer *writer, const char *key, double value)
{
	put_key(writer, key);
	if (value > -1e15 && value < 1e15 && !(value < floor(value)) && !(value > floor(value)))
		(void)yajl_gen_integer(writer->gen, (long long)value);
	else
		(void)yajl_gen_double(writer->gen, value);
}

static void
put_correlation(struct writer *writer, const struct correlated *correlated)
{
	const struct correlation *correlation;
	const struct correlation_result *result;

	if (correlated == NULL)
		return;
	correlation = correlated->correlation;
	result = &correlated->result;
	put_key(writer, "correlation");
	(void)yajl_gen_map_open(writer->gen);
	put_pair(writer, "type", slice_of(correlation_type_name(correlation->type)));
	put_count(writer, "timespan", (uint64_t)correlation->timespan / 1000000);
	put_key(writer, "group");
	(void)yajl_gen_map_open(writer->gen);
	for (uint32_t i = 0; i < correlation->group_count; i++)
		put_pair(
			writer, correlation->group_names[i], correlation_group(correlated->key, i));
	(void)yajl_gen_map_close(writer->gen);
	put_real(writer, "value", result->value);
	put_count(writer, "count", result->count);
	put_time(writer, "first", result->first);
	put_time(writer, "last", result->last);
	put_key(writer, "events");
	(void)yajl_gen_array_open(writer->gen);
	for (uint32_t i = 0; i < result->related_count; i++) {
		char id[ALERT_ID_MAX];

		write_hexadecimal(result->related[i], id);
		put(writer, slice_of(id));
	}
	(void)yajl_gen_array_close(writer->gen);
	if (result->lowered)
		put_true(writer, "lowered");
	(void)yajl_gen_map_close(writer->gen);
}

static void
put_host_info(struct writer *writer, const struct enrich *enrich, struct slice host)
{
	struct enrich_row row;

	if (enrich == NULL || !enrich_find(enrich, host, &row))
		return;
	put_key(writer, "host_info");
	(void)yajl_gen_map_open(writer->gen);
	for (size_t i = 0; i < row.count; i++)
		put_pair(writer, row.columns[i], slice_of(row.values[i]));
	(void)yajl_gen_map_close(writer->gen);
}

static void
put_raw(struct writer *writer, const struct alert_settings *settings, struct slice raw)
{
	struct slice shown;
	bool cut;

	if (!settings->raw || raw.ptr == NULL)
		return;
	shown = bounded(raw, settings->raw_max, writer->arena, &cut);
	writer->failed |= shown.ptr == NULL;
	put_pair(writer, "event_raw", shown);
	if (cut)
		put_true(writer, "event_raw_cut");
}

/* A guess at the JSON's length that spares most alerts a second buffer. */
static size_t
expected_length(const struct alert_settings *settings, const struct wevent *event)
{
	size_t length = 4096;

	if (settings->raw)
		length += event->raw.len < settings->raw_max ? event->raw.len : settings->raw_max;
	for (size_t i = 0; i < F_MAX; i++)
		length += event->f[i].len;
	return length + length / 4;
}

/* All that an alert is made of. */
struct parts {
	const struct alert_settings *settings;
	const struct alert_source *source;
	const struct wevent *event;
	const struct host_state *state;
	const struct match *const *matches;
	size_t count;
	const struct match *touched; /* whose filter the alert tells of, or NULL */
};

/* `cut`: the short form. */
static void
put_alert(struct writer *writer, const struct parts *parts, const struct alert *alert, bool cut)
{
	const struct wevent *event = parts->event;

	(void)yajl_gen_map_open(writer->gen);
	put_columns(writer, event, alert);
	put_speaker(writer, alert->rule);
	put_techniques(writer, alert->rule, parts->settings->attack);
	put_count(writer, "severity_number", (uint64_t)alert->severity + 1);
	put_pair(writer, "message", alert->message);
	put_matched(writer, event, parts->matches[0]);
	put_collector(writer, parts->settings, parts->source, event);
	put_host_state(writer, parts->state);

	put_known_fields(writer, event);
	if (app_pool(event).ptr != NULL)
		put_pair(writer, "app_pool", app_pool(event));
	put_fields(writer, event, alert->rule);
	put_other_rules(writer, parts->matches, parts->count);
	put_correlation(writer, parts->matches[0]->correlated);
	if (parts->touched != NULL)
		put_filter(writer, parts->touched, alert->filtered);
	if (event->partial)
		put_true(writer, "partial");
	if (event->repaired)
		put_true(writer, "repaired");
	if (cut)
		put_true(writer, "cut");
	put_host_info(writer, parts->settings->enrich, event->host);
	if (!cut)
		put_raw(writer, parts->settings, event->raw);
	(void)yajl_gen_map_close(writer->gen);
}

/* The JSON, with its values cut to `value_max` bytes, or whole for SIZE_MAX.  0 or -ENOMEM. */
static int
write_alert(const struct parts *parts, const struct alert *alert, size_t value_max,
	struct arena *arena, struct slice *json)
{
	bool cut = value_max != SIZE_MAX;
	size_t expected = cut ? ALERT_DATAGRAM_MAX : expected_length(parts->settings, parts->event);
	struct writer writer;

	if (writer_open(&writer, arena, expected) < 0)
		return -ENOMEM;
	writer.value_max = value_max;
	put_alert(&writer, parts, alert, cut);
	yajl_gen_free(writer.gen);
	if (writer.failed)
		return -ENOMEM;
	*json = (struct slice){ writer.bytes, writer.length };
	return 0;
}

/* As much of it as fits.  The last limit leaves ids and times whole. */
static int
write_short(const struct parts *parts, const struct alert *alert, struct arena *arena,
	struct slice *json)
{
	static const size_t limits[] = { 2048, 512, 64 };
	struct slice text = SLICE_NONE;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (write_alert(parts, alert, limits[i], arena, &text) < 0)
			return -ENOMEM;
		if (text.len <= ALERT_DATAGRAM_MAX)
			break;
	}
	*json = text;
	return 0;
}

bool
alert_is_lowered(const struct match *match)
{
	return (match->filter != NULL && match->filter->lower) ||
	       (match->correlated != NULL && match->correlated->result.lowered);
}

/* The match for which filters have given the alert this level and no higher one; NULL: they have
 * not. */
static const struct match *
find_lowered(const struct match *const *matches, size_t count, enum severity severity)
{
	for (size_t i = 0; i < count; i++)
		if (alert_is_lowered(matches[i]) && (matches[i]->rule->severity > severity ||
							    severity == SEVERITY_INFORMATIONAL))
			return matches[i];
	return NULL;
}

int
alert_build(const struct alert_settings *settings, const struct alert_source *source,
	const struct wevent *event, const char event_id[ALERT_ID_MAX],
	const struct host_state *state, const struct match *const *matches, size_t count,
	struct arena *arena, struct alert *result)
{
	const struct rule *rule = matches[0]->rule;
	struct parts parts = { settings, source, event, state, matches, count, matches[0] };
	struct alert alert = { .rule = rule,
		.filtered = matches[0]->filter != NULL && !matches[0]->filter->lower,
		.severity = matches[0]->severity,
		.host = event->host };
	struct message message;

	for (size_t i = 1; i < count; i++)
		if (matches[i]->severity > alert.severity)
			alert.severity = matches[i]->severity;
	if (!alert.filtered)
		parts.touched = find_lowered(matches, count, alert.severity);
	alert.lowered = !alert.filtered && parts.touched != NULL;
	alert.time = event->time != STAMP_NONE ? event->time : source->received;
	memcpy(alert.event_id, event_id, ALERT_ID_MAX);
	if (alert_id(event_id, rule, alert.id) < 0)
		return -ENOMEM;
	alert.message =
		arena_copy(arena, compose(&message, event, matches[0], alert.severity, arena));
	if (alert.message.ptr == NULL ||
		write_alert(&parts, &alert, SIZE_MAX, arena, &alert.json) < 0)
		return -ENOMEM;
	if (alert.json.len > ALERT_DATAGRAM_MAX &&
		write_short(&parts, &alert, arena, &alert.short_json) < 0)
		return -ENOMEM;
	*result = alert;
	return 0;
}
