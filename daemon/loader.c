/* One thread at a time, which says by an eventfd(2) that it is done. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/loader.h"

struct loader {
	void (*load)(const char *file, struct loaded *);
	void (*done)(void *context, struct loaded *);
	void *context;
	struct event *event;
	int fd;
	const char *file;
	pthread_t thread;
	bool running;
	bool again;
	struct loaded loaded; /* the thread's until it is joined */
};

static void *
loader_main(void *argument)
{
	struct loader *loader = argument;

	loader->load(loader->file, &loader->loaded);
	(void)eventfd_write(loader->fd, 1); /* the counter is 0, so it cannot fail */
	return NULL;
}

/* Signals are the main thread's. */
static int
start_thread(struct loader *loader)
{
	sigset_t all, before;
	int error;

	loader->loaded = (struct loaded){ 0 };
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&loader->thread, NULL, loader_main, loader);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	loader->running = error == 0;
	return -error;
}

static void
done_cb(evutil_socket_t fd, short what, void *argument)
{
	struct loader *loader = argument;
	eventfd_t count;

	(void)what;
	(void)eventfd_read(fd, &count);
	(void)pthread_join(loader->thread, NULL);
	loader->running = false;
	loader->done(loader->context, &loader->loaded);
	faults_done(&loader->loaded.faults);
	loader->loaded = (struct loaded){ 0 };
	if (!loader->again)
		return;
	loader->again = false;
	loader->loaded.error = start_thread(loader);
	if (loader->loaded.error < 0)
		loader->done(loader->context, &loader->loaded);
}

struct loader *
loader_new(struct event_base *base, void (*load)(const char *file, struct loaded *),
	void (*done)(void *context, struct loaded *), void *context)
{
	struct loader *loader = calloc(1, sizeof(*loader));

	if (loader == NULL)
		return NULL;
	loader->load = load;
	loader->done = done;
	loader->context = context;
	loader->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loader->fd != -1)
		loader->event = event_new(base, loader->fd, EV_READ | EV_PERSIST, done_cb, loader);
	if (loader->event == NULL || event_add(loader->event, NULL) == -1) {
		loader_free(loader);
		return NULL;
	}
	return loader;
}

int
loader_start(struct loader *loader, const char *file)
{
	loader->file = file;
	if (loader->running) {
		loader->again = true;
		return 0;
	}
	return start_thread(loader);
}

void
loader_free(struct loader *loader)
{
	if (loader == NULL)
		return;
	if (loader->running)
		(void)pthread_join(loader->thread, NULL);
	rules_unref(loader->loaded.rules);
	conf_free(loader->loaded.conf);
	faults_done(&loader->loaded.faults);
	if (loader->event != NULL)
		event_free(loader->event);
	if (loader->fd != -1)
		(void)close(loader->fd);
	free(loader);
}
