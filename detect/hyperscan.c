/* A database is kept by the SHA-256 of the library's version, the processor, and all that it is
 * made of, so that what is taken from a cache is what would have been compiled. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "detect/hyperscan.h"

#define LOOPS_MAX 100     /* in an expression: with more a compilation takes seconds */
#define FEW_CHARACTERS 32 /* that cost nothing */

/* The key of a database begins with the library and the processor that it is for. */
static bool
key_begin(EVP_MD_CTX *digest, const char *kind)
{
	hs_platform_info_t platform;
	uint64_t about[2];

	if (digest == NULL || hs_populate_platform(&platform) != HS_SUCCESS)
		return false;
	about[0] = platform.tune;
	about[1] = platform.cpu_features;
	return EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
	       EVP_DigestUpdate(digest, hs_version(), strlen(hs_version()) + 1) == 1 &&
	       EVP_DigestUpdate(digest, about, sizeof(about)) == 1 &&
	       EVP_DigestUpdate(digest, kind, strlen(kind) + 1) == 1;
}

/* One literal or expression, behind its length and its flags. */
static bool
key_add(EVP_MD_CTX *digest, const char *bytes, size_t len, unsigned int flags)
{
	uint64_t about[2] = { len, flags };

	return EVP_DigestUpdate(digest, about, sizeof(about)) == 1 &&
	       EVP_DigestUpdate(digest, bytes, len) == 1;
}

/* What the cache has for the key; NULL when that is nothing, or no database of this library. */
static hs_database_t *
take_cached(const struct pattern_cache *cache, const unsigned char key[PATTERN_KEY])
{
	struct slice kept = cache->get(cache->context, key);
	hs_database_t *database = NULL;

	if (kept.ptr == NULL ||
		hs_deserialize_database(kept.ptr, kept.len, &database) != HS_SUCCESS)
		return NULL;
	return database;
}

static void
put_cached(const struct pattern_cache *cache, const unsigned char key[PATTERN_KEY],
	const hs_database_t *database)
{
	char *bytes = NULL;
	size_t len;

	/* Without memory it is compiled again the next time. */
	if (hs_serialize_database(database, &bytes, &len) != HS_SUCCESS)
		return;
	cache->put(cache->context, key, (struct slice){ bytes, len });
	free(bytes);
}

bool
hyperscan_input_make(struct hyperscan_input *input, uint32_t max, bool literals)
{
	input->texts = calloc((size_t)max + 1, sizeof(*input->texts));
	input->lens = literals ? calloc((size_t)max + 1, sizeof(*input->lens)) : NULL;
	input->flags = calloc((size_t)max + 1, sizeof(*input->flags));
	input->ids = calloc((size_t)max + 1, sizeof(*input->ids));
	input->count = 0;
	return input->texts != NULL && input->flags != NULL && input->ids != NULL &&
	       (!literals || input->lens != NULL);
}

void
hyperscan_input_done(struct hyperscan_input *input)
{
	free(input->texts);
	free(input->lens);
	free(input->flags);
	free(input->ids);
}

/* Ids are no part of the key: they are places in the list. */
static bool
input_key(const struct hyperscan_input *input, unsigned char key[PATTERN_KEY])
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	bool good = key_begin(digest, input->lens != NULL ? "literals" : "expressions");

	for (uint32_t i = 0; i < input->count && good; i++)
		good = key_add(digest, input->texts[i],
			input->lens != NULL ? input->lens[i] : strlen(input->texts[i]),
			input->flags[i]);
	good = good && EVP_DigestFinal_ex(digest, key, NULL) == 1;
	EVP_MD_CTX_free(digest);
	return good;
}

/* 0 or -ENOTSUP, with what Hyperscan says in *fault. */
static int
compile_input(
	const struct hyperscan_input *input, hs_database_t **database, hs_compile_error_t **fault)
{
	hs_error_t error;

	if (input->lens != NULL)
		error = hs_compile_lit_multi(input->texts, input->flags, input->ids, input->lens,
			input->count, HS_MODE_BLOCK, NULL, database, fault);
	else
		error = hs_compile_multi(input->texts, input->flags, input->ids, input->count,
			HS_MODE_BLOCK, NULL, database, fault);
	return error == HS_SUCCESS ? 0 : -ENOTSUP;
}

static int
note_match(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags,
	void *found)
{
	(void)id;
	(void)from;
	(void)to;
	(void)flags;
	*(bool *)found = true;
	return 0;
}

/* Is the word found wherever it stands in a text, and at the end of texts of every length? */
static bool
finds(const hs_database_t *database, hs_scratch_t *scratch, const char *word)
{
	enum { LEN = 200 }; /* three of the widest vectors, and a rest */
	size_t len = strlen(word);
	char text[LEN + HYPERSCAN_BEHIND] = "";

	for (size_t at = 0; at + len <= LEN; at++) {
		bool inside = false, last = false;

		memset(text, 'z', LEN);
		memcpy(text + at, word, len);
		if (hs_scan(database, text, LEN, 0, scratch, note_match, &inside) != HS_SUCCESS ||
			hs_scan(database, text, (unsigned int)(at + len), 0, scratch, note_match,
				&last) != HS_SUCCESS ||
			!inside || !last)
			return false;
	}
	return true;
}

static bool
answers(const struct hyperscan_input *input, const char *word)
{
	hs_compile_error_t *fault = NULL;
	hs_database_t *database = NULL;
	hs_scratch_t *scratch = NULL;
	bool good = compile_input(input, &database, &fault) == 0 &&
		    hs_alloc_scratch(database, &scratch) == HS_SUCCESS &&
		    finds(database, scratch, word);

	(void)hs_free_scratch(scratch); /* NULL is fine for all three, and they cannot fail */
	(void)hs_free_database(database);
	(void)hs_free_compile_error(fault);
	return good;
}

/* What Vectorscan 5.4.9 overlooks on x86: of two strings one near the end, and an expression that
 * begins on one byte. */
const char *
hyperscan_fault(void)
{
	const char *strings[] = { "ab", "bcd" }, *expressions[] = { "%.*%", "q+" };
	size_t lens[] = { 2, 3 };
	unsigned int flags[] = { HS_FLAG_SINGLEMATCH, HS_FLAG_SINGLEMATCH }, ids[] = { 0, 1 };
	struct hyperscan_input pair = { strings, lens, flags, ids, 2 };
	struct hyperscan_input first = { expressions, NULL, flags, ids, 1 };
	struct hyperscan_input second = { expressions + 1, NULL, flags, ids, 1 };

	if (hs_valid_platform() != HS_SUCCESS)
		return "this processor lacks the instructions that Hyperscan needs (SSSE3)";
	if (!answers(&pair, "ab") || !answers(&pair, "bcd") || !answers(&first, "%a%") ||
		!answers(&second, "q"))
		return "the libhs of this machine overlooks matches (Vectorscan 5.4.9 does), so "
		       "that rules would be blind; install Hyperscan (Debian: libhyperscan5)";
	return NULL;
}

/* The number at *at, which goes behind it; 0: there is none. */
static uint64_t
read_number(const char **at)
{
	uint64_t number = 0;

	for (; **at >= '0' && **at <= '9' && number <= HYPERSCAN_ROOM; ++*at)
		number = number * 10 + (uint64_t)(**at - '0');
	return number;
}

/* The most of a counted repeat, behind its brace; 0: it is none, or of nothing. */
static uint64_t
repeats_at_most(const char *at)
{
	uint64_t least = read_number(&at), most = 0;

	if (*at == ',') {
		at++;
		most = read_number(&at);
	}
	return most > least ? most : least;
}

/* About how many characters are in the counted repeats of an expression when they are written out,
 * from above: what one repeats after a parenthesis may be all that stands before. */
static uint64_t
written_out(const char *expression)
{
	uint64_t characters = 0;

	for (const char *at = expression; *at != '\0' && characters <= HYPERSCAN_ROOM; at++) {
		uint64_t most = *at == '{' ? repeats_at_most(at + 1) : 0;

		if (most > 1 && at > expression && at[-1] == ')')
			characters = (characters + (uint64_t)(at - expression)) * most;
		else
			characters += most;
	}
	return characters;
}

static size_t
count_loops(const char *expression)
{
	size_t loops = 0;

	for (; *expression != '\0'; expression++)
		loops += *expression == '*' || *expression == '+';
	return loops;
}

bool
hyperscan_takes(const char *expression, unsigned int flags, uint64_t *room)
{
	hs_compile_error_t *fault = NULL;
	hs_expr_info_t *info = NULL;
	uint64_t characters = written_out(expression);
	bool taken = count_loops(expression) <= LOOPS_MAX && characters <= *room &&
		     hs_expression_info(expression, flags, &info, &fault) == HS_SUCCESS;

	free(info);
	(void)hs_free_compile_error(fault); /* NULL is fine; it cannot fail */
	if (taken && characters > FEW_CHARACTERS)
		*room -= characters;
	return taken;
}

int
hyperscan_make(const struct hyperscan_input *input, const struct pattern_cache *cache,
	hs_database_t **database, hs_compile_error_t **fault)
{
	unsigned char key[PATTERN_KEY];
	bool keyed = cache != NULL && input_key(input, key);
	int result;

	*database = keyed ? take_cached(cache, key) : NULL;
	if (*database != NULL)
		return 0;
	result = compile_input(input, database, fault);
	if (result == 0 && keyed)
		put_cached(cache, key, *database);
	return result;
}
