/* Everything that a reload replaces at once: rules, the ATT&CK table, the operator's host columns,
 * the alert settings.
 *
 * Folders are read in the order of names' bytes, so that the same files give the same set on any
 * machine.  Hidden files, links to directories and other suffixes are passed over.  Whatever is
 * wrong is a fault; with one error nothing of it is used. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/cache.h"
#include "daemon/rules.h"
#include "detect/ruleset_builder.h"

#define FOLDER_DEPTH_MAX 8
#define FILES_MAX RULES_MAX
#define ATTACK_TEXT_MAX (4 * 1024 * 1024)
#define BESIDE_MAX (2 * PATH_MAX)
#define PLACEHOLDERS_NAME "placeholders.yml"
#define NAME_MAX_BYTES 256

/* A walk through the folders of rules.paths. */
struct walk {
	struct ruleset_builder *builder;
	struct faults *faults;
	size_t files;
};

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

static void
read_rule_file(struct walk *walk, const char *path)
{
	size_t length;
	char *bytes;
	int error;

	if (++walk->files > FILES_MAX) {
		if (walk->files == FILES_MAX + 1)
			faults_add(walk->faults, path, 0, 0, false,
				"more than %d files of rules; join some", FILES_MAX);
		return;
	}
	error = rules_read_file(path, YAML_TEXT_MAX, &bytes, &length);
	if (error < 0) {
		faults_add(walk->faults, path, 0, 0, false, "cannot be read: %s; %s",
			strerror(-error),
			error == -EFBIG ? "split it" : "remove it or make it readable");
		return;
	}
	ruleset_builder_add(walk->builder, path, (struct slice){ bytes, length }, walk->faults);
	free(bytes);
}

static int
visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool
is_yaml(const char *name)
{
	struct slice s = slice_of(name);

	return slice_suffix_nocase(s, SLICE(".yml")) || slice_suffix_nocase(s, SLICE(".yaml"));
}

/* Calls itself at most FOLDER_DEPTH_MAX deep. */
static void
read_folder(struct walk *walk, const char *folder, unsigned depth)
{
	struct dirent **entries;
	struct stat st;
	int count;

	if (depth == FOLDER_DEPTH_MAX) {
		faults_add(walk->faults, folder, 0, 0, false,
			"nested deeper than %d directories; move it up", FOLDER_DEPTH_MAX);
		return;
	}
	count = scandir(folder, &entries, visible, by_name);
	if (count == -1) {
		faults_add(walk->faults, folder, 0, 0, false,
			"cannot be read: %s; make it readable", strerror(errno));
		return;
	}
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];
		int n = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		bool done = depth == 0 && strcmp(entries[i]->d_name, PLACEHOLDERS_NAME) == 0;

		free(entries[i]);
		if (done)
			continue;
		if (n < 0 || (size_t)n >= sizeof(path))
			faults_add(walk->faults, folder, 0, 0, false,
				"holds a path that is too long; shorten it");
		else if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			read_folder(walk, path, depth + 1);
		else if (is_yaml(path) && (stat(path, &st) == -1 || S_ISREG(st.st_mode)))
			read_rule_file(walk, path);
	}
	free(entries);
}

/* The values for |expand, before the rules that name them. */
static void
read_placeholders(struct walk *walk, const char *path)
{
	char file[PATH_MAX];
	int n = snprintf(file, sizeof(file), "%s/" PLACEHOLDERS_NAME, path);
	struct stat st;

	if (n > 0 && (size_t)n < sizeof(file) && stat(file, &st) == 0)
		read_rule_file(walk, file);
}

static void
read_path(struct walk *walk, const char *path)
{
	char folder[PATH_MAX];
	size_t before = walk->files, length = strlen(path);
	struct stat st;

	/* So that faults do not say "rules//file.yml". */
	while (length > 1 && path[length - 1] == '/')
		length--;
	if (length >= sizeof(folder) || stat(path, &st) == -1) {
		faults_add(walk->faults, path, 0, 0, false,
			"cannot be read: %s; name the directory of the rules in rules.paths or "
			"--rules",
			length >= sizeof(folder) ? strerror(ENAMETOOLONG) : strerror(errno));
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		read_rule_file(walk, path);
		return;
	}
	memcpy(folder, path, length);
	folder[length] = '\0';
	read_folder(walk, folder, 0);
	if (walk->files == before)
		faults_add(walk->faults, folder, 0, 0, false,
			"no rule in it (*.yml, *.yaml); install the rules or name another "
			"directory");
}

/* Cut the last part off; false when there is none. */
static bool
to_parent(char *path)
{
	char *slash;
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL || path[1] == '\0')
		return false;
	slash[slash == path ? 1 : 0] = '\0';
	return true;
}

/* attack.tsv and filters/ stand beside the rules in a source tree and in an installed one; below
 * PKGDATADIR for rules of one's own. */
static bool
find_beside(const struct conf *conf, const char *name, char file[BESIDE_MAX])
{
	char folder[PATH_MAX];
	bool up = conf->rule_path_count > 0 && realpath(conf->rule_paths[0], folder) != NULL;

	for (int i = 0; up && i < 2; i++) {
		up = to_parent(folder);
		(void)snprintf(
			file, BESIDE_MAX, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name);
		if (up && access(file, R_OK) == 0)
			return true;
	}
	(void)snprintf(file, BESIDE_MAX, "%s/%s", PKGDATADIR, name);
	return access(file, R_OK) == 0;
}

/* A path, or the name of one of the filters beside the rules. */
static void
read_filter(struct walk *walk, const struct conf *conf, const char *name)
{
	char found[BESIDE_MAX], inside[PATH_MAX];

	if (strchr(name, '/') != NULL) {
		read_path(walk, name);
		return;
	}
	(void)snprintf(inside, sizeof(inside), "filters/%s", name);
	if (find_beside(conf, inside, found))
		read_rule_file(walk, found);
	else
		faults_add(walk->faults, found, 0, 0, false,
			"there is no filter %s here nor beside the rules; correct rules.filters",
			name);
}

static struct ruleset *
load_set(const struct conf *conf, struct faults *faults)
{
	struct walk walk = { .builder = ruleset_builder_new(), .faults = faults };
	struct ruleset *set = NULL;
	size_t errors = faults->errors;
	bool damaged;
	struct cache *cache;
	struct pattern_cache patterns;

	if (walk.builder == NULL) {
		faults_add(faults, "rules", 0, 0, false, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < conf->rule_path_count; i++)
		read_placeholders(&walk, conf->rule_paths[i]);
	for (size_t i = 0; i < conf->rule_path_count; i++)
		read_path(&walk, conf->rule_paths[i]);
	for (size_t i = 0; i < conf->filter_count; i++)
		read_filter(&walk, conf, conf->filters[i]);
	/* Built with errors too, since building finds further ones; such a set is thrown away. */
	cache = cache_open(conf->cache_directory, &damaged);
	if (damaged)
		faults_add(faults, conf->cache_directory, 0, 0, true,
			"the cache of compiled rules is damaged or of another version; it is made "
			"anew");
	patterns = cache_patterns(cache);
	set = ruleset_build(walk.builder, cache == NULL ? NULL : &patterns, faults);
	ruleset_builder_free(walk.builder);
	/* Without a cache everything is slower and nothing is wrong. */
	(void)cache_close(cache);
	if (set == NULL && faults->errors == errors)
		faults_add(faults, "rules", 0, 0, false, "out of memory");
	return set;
}

static void
load_attack(const struct conf *conf, struct rules *rules, struct faults *faults)
{
	char found[BESIDE_MAX];
	const char *file = conf->attack_file;
	size_t length, errors = faults->errors;
	char *bytes;
	int error;

	if (file == NULL && !find_beside(conf, "attack.tsv", found)) {
		/* Rules that cannot be read are enough to say. */
		if (errors == 0)
			faults_add(faults, found, 0, 0, true,
				"no table of ATT&CK techniques here nor beside the rules; alerts "
				"have their "
				"ids alone; set rules.attack");
		return;
	}
	file = file == NULL ? found : file;
	error = rules_read_file(file, ATTACK_TEXT_MAX, &bytes, &length);
	if (error < 0) {
		faults_add(faults, file, 0, 0, false, "cannot be read: %s; correct rules.attack",
			strerror(-error));
		return;
	}
	rules->attack = attack_parse(file, (struct slice){ bytes, length }, faults);
	free(bytes);
	if (rules->attack == NULL && faults->errors == errors)
		faults_add(faults, file, 0, 0, false, "out of memory");
}

static void
load_enrich(const struct conf *conf, struct rules *rules, struct faults *faults)
{
	const char *file = conf->enrich_hosts_file;
	size_t length, errors = faults->errors;
	char *bytes;
	int error;

	if (file == NULL)
		return;
	error = rules_read_file(file, ENRICH_TEXT_MAX, &bytes, &length);
	if (error < 0) {
		faults_add(faults, file, 0, 0, false, "cannot be read: %s; correct enrich.hosts",
			strerror(-error));
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
