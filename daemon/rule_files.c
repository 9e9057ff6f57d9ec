/* Folders are read in the order of names' bytes, so that the same files give the same set on any
 * machine.  Hidden files, links to directories and other suffixes are passed over. */

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Out of memory, an element is not added, and its hh.tbl is NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "daemon/rule_files.h"
#include "daemon/rules.h"

#define FOLDER_DEPTH_MAX 8
#define FILES_MAX RULES_MAX
#define FAULT_MAX 512
#define PLACEHOLDERS_NAME "placeholders.yml"

/* A walk through the folders of rules.paths. */
struct walk {
	struct ruleset_builder *builder;
	struct faults *faults;
	struct visit *visits;
	size_t files;
	size_t again; /* files and folders that were read before */
};

/* A file or a folder that was read, whatever its name. */
struct visit_key {
	dev_t device;
	ino_t inode;
};
struct visit {
	UT_hash_handle hh;
	struct visit_key key;
	char path[];
};

/* The visit of this file or folder, or NULL. */
static const struct visit *
find_visit(const struct walk *walk, const struct stat *st)
{
	struct visit_key key = { st->st_dev, st->st_ino };
	struct visit *found;

	HASH_FIND(hh, walk->visits, &key, sizeof(key), found);
	return found;
}

/* Note a visit.  false: it was here before, which is said, or there is no memory. */
static bool
visit(struct walk *walk, const char *path, const struct stat *st)
{
	const struct visit *before = find_visit(walk, st);
	struct visit *one;

	if (before != NULL) {
		walk->again++;
		faults_add(walk->faults, path, 0, 0, true,
			"given twice, before as %s, and read once; name it once", before->path);
		return false;
	}
	one = calloc(1, sizeof(*one) + strlen(path) + 1);
	if (one != NULL) {
		one->key = (struct visit_key){ st->st_dev, st->st_ino };
		strcpy(one->path, path);
		HASH_ADD(hh, walk->visits, key, sizeof(one->key), one);
		if (one->hh.tbl != NULL)
			return true;
	}
	free(one);
	faults_add(walk->faults, path, 0, 0, false, "out of memory");
	return false;
}

static void
visits_free(struct visit *visits)
{
	struct visit *one, *next;

	HASH_ITER (hh, visits, one, next) {
		HASH_DEL(visits, one);
		free(one);
	}
}

void
rule_files_fault(struct faults *faults, const struct conf_path *path, const char *setting,
	const char *format, ...)
{
	char text[FAULT_MAX];
	va_list arguments;

	va_start(arguments, format);
	if (vsnprintf(text, sizeof(text), format, arguments) < 0)
		text[0] = '\0';
	va_end(arguments);
	if (path->file == NULL)
		faults_add(faults, path->path, 0, 0, false, "%s", text);
	else
		faults_add(faults, path->file, path->line, path->column, false, "%s: %s: %s",
			setting, path->path, text);
}

static void
read_rule_file(struct walk *walk, const char *path)
{
	struct stat st;
	size_t length;
	char *bytes;
	int error;

	if (stat(path, &st) == 0 && !visit(walk, path, &st))
		return;
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
	if (stat(folder, &st) == 0 && !visit(walk, folder, &st))
		return;
	count = scandir(folder, &entries, visible, by_name);
	if (count == -1) {
		faults_add(walk->faults, folder, 0, 0, false,
			"cannot be read: %s; make it readable", strerror(errno));
		return;
	}
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];
		int n = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);

		free(entries[i]);
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

/* Of rules.paths. */
static void
read_path(struct walk *walk, const struct conf_path *origin)
{
	const char *path = origin->path;
	char folder[PATH_MAX];
	size_t before = walk->files + walk->again, length = strlen(path);
	struct stat st;

	/* So that faults do not say "rules//file.yml". */
	while (length > 1 && path[length - 1] == '/')
		length--;
	if (length >= sizeof(folder) || stat(path, &st) == -1) {
		rule_files_fault(walk->faults, origin, "rules.paths",
			"cannot be read: %s; name the directory of the rules",
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
	if (walk->files + walk->again == before)
		rule_files_fault(walk->faults, origin, "rules.paths",
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

bool
rule_files_beside(const char *rules, const char *name, char file[RULE_FILES_BESIDE_MAX])
{
	char folder[PATH_MAX];
	bool up = rules != NULL && realpath(rules, folder) != NULL;

	for (int i = 0; up && i < 2; i++) {
		up = to_parent(folder);
		(void)snprintf(file, RULE_FILES_BESIDE_MAX, "%s/%s",
			strcmp(folder, "/") == 0 ? "" : folder, name);
		if (up && access(file, R_OK) == 0)
			return true;
	}
	(void)snprintf(file, RULE_FILES_BESIDE_MAX, "%s/%s", PKGDATADIR, name);
	return access(file, R_OK) == 0;
}

/* Of rules.filters: a path, or the name of one of the filters beside the rules. */
static void
read_filter(struct walk *walk, const struct conf *conf, const struct conf_path *origin)
{
	char found[RULE_FILES_BESIDE_MAX], inside[PATH_MAX];
	struct stat st;

	if (strchr(origin->path, '/') == NULL) {
		(void)snprintf(inside, sizeof(inside), "filters/%s", origin->path);
		if (rule_files_beside(conf->filters_beside, inside, found))
			read_rule_file(walk, found);
		else
			rule_files_fault(walk->faults, origin, "rules.filters",
				"there is no filter of this name beside the rules, nor %s; correct "
				"the name",
				found);
	} else if (stat(origin->path, &st) == -1) {
		rule_files_fault(walk->faults, origin, "rules.filters",
			"cannot be read: %s; correct the path", strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		read_folder(walk, origin->path, 0);
	} else {
		read_rule_file(walk, origin->path);
	}
}

/* The values for |expand that stand beside a single file of rules, unless they were read with a
 * folder. */
static void
read_placeholders(struct walk *walk, const char *path)
{
	int folder = (int)(strrchr(path, '/') == NULL ? 0 : strrchr(path, '/') + 1 - path);
	char file[PATH_MAX];
	int n = snprintf(file, sizeof(file), "%.*s" PLACEHOLDERS_NAME, folder, path);
	struct stat st;

	if (stat(path, &st) == -1 || S_ISDIR(st.st_mode))
		return;
	if (n > 0 && (size_t)n < sizeof(file) && stat(file, &st) == 0 &&
		find_visit(walk, &st) == NULL)
		read_rule_file(walk, file);
}

void
rule_files_read(const struct conf *conf, struct ruleset_builder *builder, struct faults *faults)
{
	struct walk walk = { .builder = builder, .faults = faults };

	for (size_t i = 0; i < conf->rule_path_count; i++)
		read_path(&walk, &conf->rule_paths[i]);
	for (size_t i = 0; i < conf->rule_path_count; i++)
		read_placeholders(&walk, conf->rule_paths[i].path);
	for (size_t i = 0; i < conf->filter_count; i++)
		read_filter(&walk, conf, &conf->filters[i]);
	visits_free(walk.visits);
}
