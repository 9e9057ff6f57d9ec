/* From root to a user of its own.
 *
 * The directories are made here because only root may make them below /var and /run.  One that
 * exists is left as it is: its owner was somebody's decision. */

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/privileges.h"

#define STATE_MODE 0750
#define RUN_MODE 0755 /* clients of the control socket must come through */

static int
make_directory(const char *path, mode_t mode, const struct passwd *owner)
{
	int error;

	if (mkdir(path, mode) == 0) {
		if (owner == NULL || chown(path, owner->pw_uid, owner->pw_gid) == 0)
			return 0;
	} else if (errno == EEXIST) {
		return 0;
	}
	error = errno;
	log_error("cannot make the directory %s: %s; make it, or name another in the configuration",
		path, strerror(error));
	return -error;
}

static int
make_directories(const struct conf *conf, const struct passwd *owner)
{
	char path[PATH_MAX];
	int error = make_directory(conf->state_directory, STATE_MODE, owner);

	if (error < 0)
		return error;
	(void)snprintf(path, sizeof(path), "%s",
		conf->control_socket); /* fits: a socket's path is short */
	return make_directory(dirname(path), RUN_MODE, owner);
}

static int
become(const struct passwd *user)
{
	if (initgroups(user->pw_name, user->pw_gid) == -1 || setgid(user->pw_gid) == -1 ||
		setuid(user->pw_uid) == -1)
		return -errno;
	/* A process that could come back would not have dropped anything. */
	return setuid(0) == 0 ? -EPERM : 0;
}

int
privileges_drop(const struct conf *conf)
{
	struct passwd *user = NULL;
	int error;

	if (geteuid() != 0 || conf->user == NULL)
		return make_directories(conf, NULL);
	user = getpwnam(conf->user);
	if (user == NULL) {
		log_error("there is no user '%s' to become; create it (useradd --system "
			  "--no-create-home "
			  "%s), or set `user: NAME`, or `user: off` to stay root",
			conf->user, conf->user);
		return -ENOENT;
	}
	error = make_directories(conf, user);
	if (error == 0 && user->pw_uid != 0) {
		error = become(user);
		if (error < 0)
			log_error("cannot become the user '%s': %s", conf->user, strerror(-error));
	}
	return error;
}
