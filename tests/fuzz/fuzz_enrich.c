/* Any bytes as the operator's CSV: refused with a fault, or a table whose strings can be read to
 * their ends. */

#include <stdlib.h>
#include <string.h>

#include "detect/enrich.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool condition)
{
	if (!condition)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct faults faults = { 0 };
	struct enrich *enrich = enrich_parse("f", text, &faults);
	struct enrich_row row;

	must(enrich != NULL || faults.errors == 1);
	for (size_t i = 0; i < faults.count; i++)
		must(faults.list[i].line >= 0);
	/* Every short piece of the text as a host. */
	for (size_t i = 0; enrich != NULL && i < size && i < 512; i++) {
		for (size_t length = 0; length < 8 && i + length <= size; length++) {
			if (!enrich_find(enrich, slice_sub(text, i, i + length), &row))
				continue;
			must(row.count > 0 && row.count < ENRICH_COLUMNS_MAX);
			for (size_t j = 0; j < row.count; j++)
				must(strlen(row.columns[j]) > 0 && strlen(row.values[j]) <= size);
		}
	}
	enrich_free(enrich);
	faults_done(&faults);
	return 0;
}
