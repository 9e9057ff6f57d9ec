/* Any bytes as a rule file: faults have a place and a text, and what builds matches events without
 * harm, twice the same. */

#include <assert.h>
#include <stdlib.h>

#include "detect/ruleset_builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 loses 512 bytes when it reads four doubled quotes in a row in a quoted text. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libfyaml.so";
}

static void
check_faults(const struct faults *faults)
{
	size_t errors = 0;

	for (size_t i = 0; i < faults->count; i++) {
		const struct fault *fault = &faults->list[i];

		assert(fault->file != NULL && fault->text != NULL && fault->text[0] != '\0');
		assert(fault->line >= 0 && fault->column >= 0);
		assert(fault->line == 0 || fault->column > 0);
		errors += !fault->warning;
	}
	assert(errors == faults->errors);
}

/* Events that the core rules match, that they nearly match, and that have hardly a field. */
static void
make_event(unsigned int kind, struct wevent *event)
{
	wevent_clear(event);
	event->event_id = kind % 3 == 0 ? 1 : 11;
	event->f[F_EventID] = kind % 3 == 0 ? SLICE("1") : SLICE("11");
	event->f[F_Channel] =
		kind < 6 ? SLICE("Microsoft-Windows-Sysmon/Operational") : SLICE("Security");
	if (kind % 3 == 2)
		return;
	event->f[F_Image] = SLICE("C:\\Windows\\System32\\cmd.exe");
	event->f[F_ParentImage] = SLICE("C:\\tomcat\\bin\\tomcat9.exe");
	event->f[F_CommandLine] =
		SLICE("cmd.exe /c \"whoami\" \xc3\xa4\xe2\x82\xac\x00 aaaaaaaaaaaaaaaa");
	event->f[F_UtcTime] = SLICE("2026-03-01 10:00:00.123");
	event->f[F_ProcessId] = SLICE("4242");
	event->f[F_Details] = SLICE("192.0.2.1");
	event->f[F_TargetFilename] = SLICE("C:\\inetpub\\wwwroot\\a.aspx");
	event->f[F_User] = kind < 3 ? SLICE("") : SLICE_NONE;
}

static void
match_events(const struct ruleset *set)
{
	struct ruleset_scratch *scratch = ruleset_scratch_new(set);

	assert(scratch != NULL);
	for (unsigned int kind = 0; kind < 9; kind++) {
		const struct match *matches;
		struct wevent event;
		size_t count;

		make_event(kind, &event);
		count = ruleset_match(set, scratch, &event, &matches);
		assert(count <= ruleset_count(set));
		for (size_t i = 0; i < count; i++) {
			assert(matches[i].matched_count <= MATCHED_MAX);
			assert(i == 0 || matches[i - 1].rule->index < matches[i].rule->index);
			for (uint32_t k = 0; k < matches[i].matched_count; k++)
				assert(wevent_value(&event, matches[i].matched[k].field).ptr !=
					NULL);
		}
		assert(ruleset_match(set, scratch, &event, &matches) == count);
	}
	ruleset_scratch_free(scratch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct ruleset_builder *builder = ruleset_builder_new();
	struct faults faults = { 0 };
	struct ruleset *set;

	assert(builder != NULL);
	ruleset_builder_add(
		builder, "core/fuzz.yml", (struct slice){ (const char *)bytes, len }, &faults);
	set = ruleset_build(builder, NULL, &faults);
	assert(set != NULL || faults.errors > 0);
	check_faults(&faults);
	if (set != NULL)
		match_events(set);
	ruleset_unref(set);
	ruleset_builder_free(builder);
	faults_done(&faults);
	return 0;
}
