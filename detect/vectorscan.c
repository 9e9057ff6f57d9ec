/* A database is kept by the SHA-256 of the library's version, the processor, and all that it is
 * made of, so that what is taken from a cache is what would have been compiled. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "detect/vectorscan.h"

/* The key of a database begins with the library and the processor that it is for. */
static bool
key_begin(EVP_MD_CTX *digest, const char *kind)
{
	hs_platform_info_t platform;
	uint64_t about[3];

	if (digest == NULL || hs_populate_platform(&platform) != HS_SUCCESS)
		return false;
	about[0] = platform.tune;
	about[1] = platform.cpu_features;
	about[2] = VECTORSCAN_PADDING;
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
vectorscan_input_make(struct vectorscan_input *input, uint32_t max, bool literals)
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
vectorscan_input_done(struct vectorscan_input *input)
{
	free(input->texts);
	free(input->lens);
	free(input->flags);
	free(input->ids);
}

/* Ids are no part of the key: they are places in the list. */
static bool
input_key(const struct vectorscan_input *input, unsigned char key[PATTERN_KEY])
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

/* 0 or -ENOTSUP, with what Vectorscan says in *fault. */
static int
compile_input(
	const struct vectorscan_input *input, hs_database_t **database, hs_compile_error_t **fault)
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

int
vectorscan_make(const struct vectorscan_input *input, const struct pattern_cache *cache,
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
