/* A configuration of one or two texts: the second, behind a line "#--", is a drop-in.  Whatever it
 * says, there is a configuration or an error, and every number of a configuration is in its range.
 */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 loses memory when it reads four doubled quotes in a row in a quoted text. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libfyaml.so";
}

static void
touch(const char *text)
{
	assert(text == NULL || strlen(text) < 1024 * 1024);
}

static void
check_items(const struct conf *conf)
{
	assert(conf->input_count <= CONF_INPUTS_MAX && conf->output_count <= CONF_OUTPUTS_MAX);
	for (size_t i = 0; i < conf->input_count; i++) {
		const struct conf_input *input = &conf->inputs[i];

		assert(input->name != NULL && input->listen != NULL && input->address_length > 0);
		assert(input->type <= INPUT_UDP && input->line > 0);
		touch(input->name);
	}
	for (size_t i = 0; i < conf->output_count; i++) {
		const struct conf_output *output = &conf->outputs[i];

		assert(output->name != NULL && output->type <= OUTPUT_FILE && output->line > 0);
		assert((output->to == NULL) == (output->type == OUTPUT_STDOUT));
		if (output->type == OUTPUT_TCP || output->type == OUTPUT_UDP)
			assert(output->host != NULL && output->port != NULL);
		touch(output->to);
	}
	for (size_t i = 0; i < conf->alias_count; i++) {
		assert(conf->aliases[i].from[0] != '\0' && conf->aliases[i].to[0] != '\0');
		assert(i == 0 || strcmp(conf->aliases[i - 1].from, conf->aliases[i].from) < 0);
	}
}

static void
check_values(const struct conf *conf)
{
	assert(conf->rule_path_count > 0);
	assert(conf->message_max >= 1024 && conf->message_max <= 16 * 1024 * 1024);
	assert(conf->memory_max / 2 >= conf->message_max);
	assert(conf->connections_max > 0 && conf->hosts_max > 0 && conf->workers <= 256);
	assert(conf->json_depth > 0 && conf->json_keys > 0 && conf->stop_seconds > 0);
	assert(conf->alert_mode <= ALERT_PER_RULE);
	assert(conf->state_directory != NULL && conf->control_socket != NULL);
	touch(conf->user);
	touch(conf->metrics);
	touch(conf->dead_letter_file);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct slice all = { (const char *)bytes, size };
	size_t at = slice_find(all, SLICE("\n#--\n"));
	const struct conf_text texts[] = {
		{ "/etc/t1505d/t1505d.yml", slice_sub(all, 0, at) },
		{ "/etc/t1505d/t1505d.d/a.yml", slice_sub(all, at + 5, size) },
	};
	struct faults faults = { 0 };
	char text[64];
	struct conf *defaults = conf_parse(NULL, 0, &faults);
	struct conf *conf = conf_parse(texts, at < size ? 2 : 1, &faults);

	assert((conf == NULL) == (faults.errors > 0));
	for (size_t i = 0; i < faults.count; i++)
		assert(faults.list[i].line >= 0 && faults.list[i].text[0] != '\0');
	if (conf != NULL) {
		check_items(conf);
		check_values(conf);
		conf_restart_needed(defaults, conf, text, sizeof(text));
		touch(text);
	}
	conf_free(conf);
	conf_free(defaults);
	faults_done(&faults);
	return 0;
}
