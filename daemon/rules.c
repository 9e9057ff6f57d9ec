/* Everything that a reload replaces at once: rules, the ATT&CK table, the operator's host columns,
 * the alert settings.  Whatever is wrong is a fault; with one error nothing of it is used. */

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/cache.h"
#include "daemon/rule_files.h"
#include "daemon/rules.h"
#include "daemon/zones.h"

#define ATTACK_TEXT_MAX (4 * 1024 * 1024)
#define NAME_MAX_BYTES 256

int
rules_read_fd(int fd, size_t max, char **bytes, size_t *length)
{
	size_t have = 0, room = 4096;
	char *text = NULL;
	struct stat st;
	int error;

	if (fstat(fd, &st) == -1)
		return -errno;
	/* The size is a hint: the file may grow while it is read, and for a pipe it is 0. */
	if (st.st_size > 0 && (uintmax_t)st.st_size < max)
		room = (size_t)st.st_size + 1;
	for (;;) {
		char *grown = realloc(text, room);
		ssize_t n;

		error = -ENOMEM;
		if (grown == NULL)
			goto fail;
		text = grown;
		n = read(fd, text + have, room - have);
		if (n == -1 && errno == EINTR)
			continue;
		error = -errno;
		if (n == -1)
			goto fail;
		if (n == 0)
			break;
		have += (size_t)n;
		error = -EFBIG;
		if (have > max)
			goto fail;
		if (have == room)
			room *= 2;
	}
	*bytes = text;
	*length = have;
	return 0;
fail:
	free(text);
	return error;
}

int
rules_read_file(const char *path, size_t max, char **bytes, size_t *length)
{
	int error, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd == -1)
		return -errno;
	/* A FIFO would hold a reload up until somebody writes. */
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		(void)close(fd); /* not read from */
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENOTSUP;
	}
	error = rules_read_fd(fd, max, bytes, length);
	(void)close(fd); /* only read from */
	return error;
}

static struct ruleset *
load_set(const struct conf *conf, struct faults *faults)
{
	struct ruleset_builder *builder = ruleset_builder_new();
	struct ruleset *set = NULL;
	size_t errors = faults->errors;
	bool damaged;
	int error;
	struct cache *cache;
	struct pattern_cache patterns;

	if (builder == NULL) {
		faults_add(faults, "rules", 0, 0, false, "out of memory");
		return NULL;
	}
	ruleset_builder_zones(builder, zones_find);
	rule_files_read(conf, builder, faults);
	/* Built with errors too, since building finds further ones; such a set is thrown away. */
	cache = cache_open(conf->cache.path, &damaged);
	if (damaged)
		faults_add(faults, conf->cache.path, 0, 0, true,
			"the cache of compiled rules is damaged or of another version; it is made "
			"anew");
	patterns = cache_patterns(cache);
	set = ruleset_build(builder, cache == NULL ? NULL : &patterns, faults);
	ruleset_builder_free(builder);
	/* Without a cache everything is slower and nothing is wrong; whoever asked for it is told.
	 */
	error = cache_close(cache);
	if (error < 0 && conf->cache.file != NULL)
		faults_add(faults, conf->cache.file, conf->cache.line, conf->cache.column, true,
			"rules.cache: %s: compiled rules cannot be kept: %s; make the directory, "
			"or write off",
			conf->cache.path, strerror(-error));
	if (set == NULL && faults->errors == errors)
		faults_add(faults, "rules", 0, 0, false, "out of memory");
	return set;
}

static void
load_attack(const struct conf *conf, struct rules *rules, struct faults *faults)
{
	const char *beside = conf->rule_path_count == 0 ? NULL : conf->rule_paths[0].path;
	char found[RULE_FILES_BESIDE_MAX];
	struct conf_path file = conf->attack;
	size_t length, errors = faults->errors;
	char *bytes;
	int error;

	if (file.path == NULL && !rule_files_beside(beside, "attack.tsv", found)) {
		/* Rules that cannot be read are enough to say. */
		if (errors == 0)
			faults_add(faults, found, 0, 0, true,
				"no table of ATT&CK techniques here nor beside the rules; alerts "
				"have their "
				"ids alone; set rules.attack");
		return;
	}
	if (file.path == NULL)
		file.path = found;
	error = rules_read_file(file.path, ATTACK_TEXT_MAX, &bytes, &length);
	if (error < 0) {
		rule_files_fault(faults, &file, "rules.attack",
			"cannot be read: %s; correct the path", strerror(-error));
		return;
	}
	rules->attack = attack_parse(file.path, (struct slice){ bytes, length }, faults);
	free(bytes);
	if (rules->attack == NULL && faults->errors == errors)
		faults_add(faults, file.path, 0, 0, false, "out of memory");
}

static void
load_enrich(const struct conf *conf, struct rules *rules, struct faults *faults)
{
	const char *file = conf->enrich_hosts.path;
	size_t length, errors = faults->errors;
	char *bytes;
	int error;

	if (file == NULL)
		return;
	error = rules_read_file(file, ENRICH_TEXT_MAX, &bytes, &length);
	if (error < 0) {
		rule_files_fault(faults, &conf->enrich_hosts, "enrich.hosts",
			"cannot be read: %s; correct the path", strerror(-error));
		return;
	}
	rules->enrich = enrich_parse(file, (struct slice){ bytes, length }, faults);
	free(bytes);
	if (rules->enrich == NULL && faults->errors == errors)
		faults_add(faults, file, 0, 0, false, "out of memory");
}

/* The name under which alerts say they were made. */
static char *
own_name(void)
{
	char name[NAME_MAX_BYTES];

	if (gethostname(name, sizeof(name)) == -1)
		return strdup("localhost");
	name[sizeof(name) - 1] = '\0';
	return strdup(name);
}

struct rules *
rules_load(const struct conf *conf, struct faults *faults)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	size_t errors = faults->errors;

	if (rules == NULL) {
		faults_add(faults, "rules", 0, 0, false, "out of memory");
		return NULL;
	}
	atomic_init(&rules->references, 1);
	rules->set = load_set(conf, faults);
	load_attack(conf, rules, faults);
	load_enrich(conf, rules, faults);
	if (rules->set != NULL)
		ruleset_check_columns(rules->set, rules->enrich, faults);
	if (rules->set != NULL && rules->attack != NULL)
		ruleset_check_tags(rules->set, rules->attack, faults);
	rules->collector = own_name();
	if (rules->collector == NULL)
		faults_add(faults, "rules", 0, 0, false, "out of memory");
	if (rules->set == NULL || faults->errors > errors) {
		rules_unref(rules);
		return NULL;
	}
	rules->alert = (struct alert_settings){
		.mode = conf->alert_mode,
		.raw = conf->alert_raw,
		.raw_max = conf->alert_raw_max,
		.attack = rules->attack,
		.enrich = rules->enrich,
		.collector = rules->collector,
		.version = PACKAGE_VERSION,
	};
	return rules;
}

struct rules *
rules_ref(struct rules *rules)
{
	/* Relaxed: whoever has a reference to give has seen the whole of it. */
	atomic_fetch_add_explicit(&rules->references, 1, memory_order_relaxed);
	return rules;
}

void
rules_unref(struct rules *rules)
{
	if (rules == NULL)
		return;
	/* Release: our last reads happen before the free(); acquire: the one who frees sees
	 * everybody's. */
	if (atomic_fetch_sub_explicit(&rules->references, 1, memory_order_acq_rel) != 1)
		return;
	if (rules->set != NULL)
		ruleset_unref(rules->set);
	attack_free(rules->attack);
	enrich_free(rules->enrich);
	free(rules->collector);
	free(rules);
}
