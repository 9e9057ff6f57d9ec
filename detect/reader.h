#ifndef DETECT_READER_H
#define DETECT_READER_H

/* What the readers of all Sigma documents share: where faults go, where memory comes from, and the
 * fields that are known. */

#include "detect/yaml.h"
#include "detect/zone.h"
#include "parsers/wevent.h"

/* The fields that rules name and the canonical event does not have, each once; field F_MAX + n is
 * the n-th.  The one without a name is all that the record says.  Zero-initialise;
 * sigma_fields_done() frees it. */
struct sigma_fields {
	struct slice *names;
	uint32_t count, size;
};
void sigma_fields_done(struct sigma_fields *);

struct placeholders;

/* Of one document. */
struct sigma_reader {
	const struct yaml *yaml;
	struct arena *arena; /* of all that is read */
	struct faults *faults;
	struct sigma_fields *fields;
	const struct placeholders *placeholders;
	zone_find *find_zone; /* NULL: none is known by a name */
	bool failed;          /* the document has an error */
	bool no_memory;
};

#define READER_COLUMN_PREFIX \
	"host_info." /* of fields that are the operator's, in any letter case */

#define READER_SHOW_MAX 80 /* bytes of a word quoted in a fault */
/* For "%.*s". */
#define READER_SHOW(s) \
	(int)((s).len < READER_SHOW_MAX ? (s).len : READER_SHOW_MAX), ((s).len == 0 ? "" : (s).ptr)

/* An error at the node. */
void reader_refuse(struct sigma_reader *, struct fy_node *, const char *, ...)
	__attribute__((format(printf, 3, 4)));
void reader_no_memory(struct sigma_reader *);

/* Room for one more element at the end of an array in the arena; NULL for no memory. */
void *reader_grow(
	struct sigma_reader *, void *array, uint32_t count, uint32_t *size, size_t element);

/* A copy with a NUL behind it; NULL for no memory. */
const char *reader_copy(struct sigma_reader *, struct slice);

/* NULL is neither. */
bool reader_is_map(struct fy_node *);
bool reader_is_list(struct fy_node *);

/* The value of a map's key; NULL when there is none, or no map. */
struct fy_node *reader_value(struct fy_node *map, struct slice key);

/* A text for people, as a C string; with a fault *to is untouched. */
void reader_text(
	struct sigma_reader *, struct fy_node *key, struct fy_node *value, const char **to);

/* A list of such texts, or a single one, NULL-terminated. */
void reader_texts(
	struct sigma_reader *, struct fy_node *key, struct fy_node *value, const char *const **to);

/* true or false. */
void reader_flag(struct sigma_reader *, struct fy_node *key, struct fy_node *value, bool *to);

/* The field of a name, which may be new: 0, -ENOMEM, or -EINVAL for none.  The first argument is a
 * struct sigma_reader. */
int reader_find_field(void *, struct slice name, enum wevent_field *);

/* The field of all that an event's record says, which keywords look at. */
int reader_text_field(struct sigma_reader *, enum wevent_field *);

/* The same for a node's name: with a fault and false when it is none. */
bool reader_field(struct sigma_reader *, struct fy_node *, struct slice name, enum wevent_field *);

#endif
