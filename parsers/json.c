/* yajl's events -> values at the nodes of the layouts' tree.
 *
 * While the reader stands where a layout wants something, each key is looked up in the tree; a
 * subtree that nobody wants is only counted through. Strings are slices of the text; those with
 * escapes, which yajl decodes into a buffer of its own, are copied behind one another into a pool.
 * yajl is told not to decode the strings that nobody wants: the rendered message is a third of an
 * event and its line breaks are all escapes.
 *
 * yajl 2.1 does not look whether its allocations succeed.  So what it can need at most is set aside
 * before: its buffers for one decoded string and for a token that the text's end cuts are each at
 * most twice the bytes that go through them, and its stack has a byte for each level. */

#include <assert.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "parsers/json.h"

#define ALIGNMENT 16

/* yajl's handle, lexer and two buffer heads are 400 bytes; its buffers begin with 2048 bytes each;
 * twice that, to be safe. */
#define YAJL_FIXED 9216

/* Each object or array on the way down that is wanted. */
struct level {
	uint16_t node; /* in an array: 0 when all that is wanted of it has been taken */
	bool array;
};

/* Memory that yajl takes from; nothing is given back before the next value. */
struct heap {
	char *base;
	size_t size, used;
	size_t stack; /* the first block that grows from nothing is yajl's stack: give it so much
			 that it never grows */
};

struct json {
	yajl_callbacks callbacks;
	struct heap heap;
	uint32_t depth_max, keys_max;
	char *pool; /* room for decoded strings, which are never longer than the text they were
		       decoded from */
	size_t pool_left;

	/* of the value that is being read */
	struct slice text;
	struct layout_record record;
	enum json_result refused; /* why a callback has stopped yajl */
	enum layout_node pending; /* where the next value goes, or NODE_NONE */
	uint32_t depth, keys, duplicates;
	uint32_t dead; /* levels below the last one that is wanted */
	uint32_t levels;
	bool done;
	struct level level[LAYOUT_DEPTH + 2]; /* the last value may be in an object of its own, as
						 "#text", and that in an array */
};

/* Before each block stands its size. */
static void *
heap_alloc(void *context, size_t size)
{
	struct heap *heap = context;
	size_t need = ALIGNMENT + (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	char *block = heap->base + heap->used;

	assert(need > size && need <= heap->size - heap->used);
	heap->used += need;
	memcpy(block, &size, sizeof(size));
	return block + ALIGNMENT;
}

static void *
heap_realloc(void *context, void *old, size_t size)
{
	struct heap *heap = context;
	size_t old_size;
	char *copy;

	if (old == NULL)
		return heap_alloc(heap, size < heap->stack ? heap->stack : size);
	memcpy(&old_size, (char *)old - ALIGNMENT, sizeof(old_size));
	if (size <= old_size)
		return old;
	if ((char *)old + (old_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT ==
		heap->base + heap->used) {
		heap->used = (size_t)((char *)old - ALIGNMENT - heap->base);
		return heap_alloc(heap, size);
	}
	copy = heap_alloc(heap, size);
	memcpy(copy, old, old_size);
	return copy;
}

static void
heap_free(void *context, void *block)
{
	(void)context;
	(void)block;
}

static bool
seen(const struct json *json, enum layout_node node)
{
	return (json->record.seen[node / 64] >> (node % 64) & 1) != 0;
}

static void
set_seen(struct json *json, enum layout_node node)
{
	json->record.seen[node / 64] |= UINT64_C(1) << (node % 64);
}

static bool
in_array(const struct json *json)
{
	return json->levels > 0 && json->level[json->levels - 1].array;
}

/* A value for the pending node, in the place of whatever it and the nodes below it had. */
static void
store(struct json *json, struct slice value)
{
	enum layout_node node = json->pending;

	if (seen(json, node)) {
		/* An object takes the place of dotted keys, which then were not meant for it:
		 * nothing came twice. */
		if (json->record.value[node].ptr != layout_dotted)
			json->duplicates++;
		layout_forget(&json->record, node);
	}
	set_seen(json, node);
	json->record.value[node] = value;
}

/* A slice of the text, or a copy in the pool of what yajl has decoded. */
static struct slice
keep(struct json *json, struct slice value)
{
	struct slice copy = { json->pool, value.len };

	if (value.ptr == NULL ||
		(value.ptr >= json->text.ptr && value.ptr < json->text.ptr + json->text.len))
		return value;
	assert(value.len <= json->pool_left);
	if (value.len > 0)
		memcpy(json->pool, value.ptr, value.len);
	json->pool += value.len;
	json->pool_left -= value.len;
	return copy;
}

/* One more line of the pending list.  Nothing else of an array is kept, so its lines stand one
 * behind the other in the pool; the comma between them in the text has left room for the line
 * break. */
static void
append(struct json *json, struct slice line)
{
	struct slice *list = &json->record.value[json->pending];

	if (line.ptr == NULL)
		return;
	assert(line.len < json->pool_left);
	if (list->ptr == NULL) {
		list->ptr = json->pool;
	} else {
		*json->pool++ = '\n';
		json->pool_left--;
	}
	if (line.len > 0)
		memcpy(json->pool, line.ptr, line.len);
	json->pool += line.len;
	json->pool_left -= line.len;
	list->len = (size_t)(json->pool - list->ptr);
}

static int on_string(void *, const unsigned char *, size_t);

/* yajl reads its callbacks anew for each token and decodes no string that has none.  Were it
 * otherwise, on_string() would look at `pending` all the same. */
static void
listen(struct json *json)
{
	json->callbacks.yajl_string =
		json->dead == 0 && json->pending != NODE_NONE ? on_string : NULL;
}

static int
scalar(struct json *json, struct slice value)
{
	if (json->dead > 0 || json->pending == NODE_NONE)
		return 1;
	if (in_array(json) && layout_is_list(json->pending)) {
		append(json, value);
		return 1;
	}
	value = keep(json, value);
	if (in_array(json)) {
		json->record.value[json->pending] = value;
		json->level[json->levels - 1].node = NODE_NONE;
		json->pending = NODE_NONE;
		listen(json);
		return 1;
	}
	store(json, value);
	if (json->levels == 0)
		json->done = true;
	return 1;
}

static int
on_string(void *context, const unsigned char *ptr, size_t len)
{
	return scalar(context, (struct slice){ (const char *)ptr, len });
}

static int
on_number(void *context, const char *ptr, size_t len)
{
	return scalar(context, (struct slice){ ptr, len });
}

static int
on_boolean(void *context, int value)
{
	return scalar(context, value != 0 ? SLICE("true") : SLICE("false"));
}

static int
on_null(void *context)
{
	return scalar(context, SLICE_NONE);
}

/* Is the next value the text of a node that is an object without a place for others? */
static bool
is_text(const struct json *json)
{
	return json->levels > 0 && json->level[json->levels - 1].node == json->pending;
}

/* One level down.  `mark` is what the node gets as its value. */
static int
descend(struct json *json, bool array, struct slice mark)
{
	bool wanted = json->pending != NODE_NONE && !in_array(json);

	if (++json->depth > json->depth_max) {
		json->refused = JSON_DEPTH;
		return 0;
	}
	if (json->dead > 0) {
		json->dead++;
		return 1;
	}
	if (wanted)
		store(json, mark);
	/* What is below an array is an object without a name; a text is in one object only. */
	if (!wanted || (!array && is_text(json))) {
		json->dead = 1;
		listen(json);
		return 1;
	}
	assert(json->levels < sizeof(json->level) / sizeof(json->level[0]));
	json->level[json->levels++] = (struct level){ (uint16_t)json->pending, array };
	if (!array)
		json->pending = NODE_NONE;
	return 1;
}

static int
ascend(struct json *json)
{
	json->depth--;
	if (json->dead > 0)
		json->dead--;
	else
		json->levels--;
	if (json->dead > 0)
		return 1;
	json->pending =
		in_array(json) ? (enum layout_node)json->level[json->levels - 1].node : NODE_NONE;
	listen(json);
	if (json->levels == 0)
		json->done = true;
	return 1;
}

static int
on_start_map(void *context)
{
	return descend(context, false, (struct slice){ layout_object, 0 });
}

static int
on_start_array(void *context)
{
	return descend(context, true, SLICE_NONE);
}

static int
on_end(void *context)
{
	return ascend(context);
}

/* The node of the first name in a dotted key, which is cut off. */
static enum layout_node
first_name(const struct json *json, enum layout_node node, struct slice *key)
{
	size_t dot = slice_find_byte(*key, '.');

	node = layout_child(node, slice_sub(*key, 0, dot), json->record.names);
	*key = slice_sub(*key, dot + 1, key->len);
	return node;
}

/* "winlog.event_data.Image" at the root, where a sender has flattened the document.  It stands for
 * the nested key unless an object of its first name is there. */
static enum layout_node
dotted(struct json *json, struct slice key)
{
	struct slice rest = key;
	enum layout_node node = first_name(json, NODE_ROOT, &rest), end;

	if (seen(json, node) && json->record.value[node].ptr == layout_object)
		return NODE_NONE;
	while (node != NODE_NONE && rest.len > 0)
		node = first_name(json, node, &rest);
	if (node == NODE_NONE || key.ptr[key.len - 1] == '.')
		return NODE_NONE;
	end = node;
	for (node = first_name(json, NODE_ROOT, &key); node != end;
		node = first_name(json, node, &key)) {
		if (!seen(json, node)) {
			set_seen(json, node);
			json->record.value[node] = (struct slice){ layout_dotted, 0 };
		}
	}
	return end;
}

static int
on_key(void *context, const unsigned char *ptr, size_t len)
{
	struct json *json = context;
	struct slice key = { (const char *)ptr, len };

	if (++json->keys > json->keys_max) {
		json->refused = JSON_KEYS;
		return 0;
	}
	if (json->dead > 0)
		return 1;
	json->pending = layout_child(
		(enum layout_node)json->level[json->levels - 1].node, key, json->record.names);
	if (json->pending == NODE_NONE && json->levels == 1 && slice_find_byte(key, '.') < key.len)
		json->pending = dotted(json, key);
	/* The text takes the place of the object that it is in: nothing came twice. */
	if (json->pending != NODE_NONE && is_text(json) && seen(json, json->pending) &&
		json->record.value[json->pending].ptr == layout_object)
		layout_forget(&json->record, json->pending);
	listen(json);
	return 1;
}

struct json *
json_new(struct arena *arena, size_t size, uint32_t depth, uint32_t keys,
	const struct wevent_names *names)
{
	uint32_t nodes = layout_nodes(names);
	struct json *json;
	size_t stack = (size_t)depth + 256, heap;

	if (size > (SIZE_MAX - stack - YAJL_FIXED) / 4)
		return NULL;
	heap = 2 * size + stack + YAJL_FIXED;
	json = arena_alloc(arena, sizeof(*json));
	if (json == NULL)
		return NULL;
	json->callbacks = (yajl_callbacks){
		.yajl_null = on_null,
		.yajl_boolean = on_boolean,
		.yajl_number = on_number,
		.yajl_string = on_string,
		.yajl_start_map = on_start_map,
		.yajl_map_key = on_key,
		.yajl_end_map = on_end,
		.yajl_start_array = on_start_array,
		.yajl_end_array = on_end,
	};
	json->depth_max = depth;
	json->keys_max = keys;
	json->record = (struct layout_record){
		.seen = arena_alloc(arena, (nodes + 63) / 64 * sizeof(uint64_t)),
		.value = arena_alloc(arena, nodes * sizeof(struct slice)),
		.names = names,
		.node_count = nodes,
	};
	if (json->record.seen == NULL || json->record.value == NULL)
		return NULL;
	json->pool = arena_alloc(arena, size);
	json->pool_left = size;
	json->heap = (struct heap){ arena_alloc(arena, heap), heap, 0, stack };
	return json->pool == NULL || json->heap.base == NULL ? NULL : json;
}

static void
begin(struct json *json, struct slice text)
{
	json->heap.used = 0;
	json->text = text;
	memset(json->record.seen, 0, (json->record.node_count + 63) / 64 * sizeof(uint64_t));
	json->pending = NODE_ROOT;
	json->depth = json->keys = json->duplicates = 0;
	json->dead = json->levels = 0;
	json->done = false;
	listen(json);
}

/* A list that the text's end cuts is not complete. */
static void
forget_list(struct json *json)
{
	enum layout_node node;

	if (!in_array(json))
		return;
	node = (enum layout_node)json->level[json->levels - 1].node;
	if (layout_is_list(node))
		layout_forget(&json->record, node);
}

enum json_result
json_read(struct json *json, struct slice text, const struct layout_record **record,
	uint32_t *duplicate_keys, size_t *used)
{
	yajl_alloc_funcs functions = { heap_alloc, heap_realloc, heap_free, &json->heap };
	yajl_handle handle;
	yajl_status status;
	char *pool = json->pool;
	bool ended = false;

	begin(json, text);
	handle = yajl_alloc(&json->callbacks, &functions, json);
	(void)yajl_config(handle, yajl_dont_validate_strings, 1);
	(void)yajl_config(handle, yajl_allow_trailing_garbage, 1);
	status = yajl_parse(handle, (const unsigned char *)text.ptr, text.len);
	/* A number alone only ends with the text. */
	if (status == yajl_status_ok && !json->done && json->depth == 0) {
		status = yajl_complete_parse(handle);
		ended = true;
	}
	*record = &json->record;
	*duplicate_keys = json->duplicates;
	*used = text.len;
	/* The handle is not freed: all that it has is in the heap. */
	if (status != yajl_status_ok) {
		/* The text may be read once more, mended. */
		json->pool_left += (size_t)(json->pool - pool);
		json->pool = pool;
		return status == yajl_status_client_canceled ? json->refused : JSON_SYNTAX;
	}
	if (!json->done) {
		forget_list(json);
		return JSON_CUT;
	}
	if (!ended)
		*used = yajl_get_bytes_consumed(handle);
	if (!seen(json, NODE_ROOT) || json->record.value[NODE_ROOT].ptr != layout_object)
		return JSON_OTHER;
	return JSON_OBJECT;
}
