#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

/* The control socket (UNIX stream, 0660): a request is one line ("status", "status json"), the
 * answer is text to the end of the connection. Bounded: CONTROL_CLIENTS_MAX at once,
 * CONTROL_SECONDS each. */

#define CONTROL_CLIENTS_MAX 16
#define CONTROL_SECONDS 10
#define CONTROL_REQUEST_MAX 256
#define CONTROL_ANSWER_MAX (64 * 1024 * 1024) /* that control_ask() takes */

struct event_base;
struct control;

/* `answer` returns malloc'd text for a request line, or NULL when there is no such request (the
 * client is told so).  A socket file that no daemon listens on is replaced; any other file is an
 * error.  `group` may be NULL; one that does not exist is logged and no more. The program ignores
 * SIGPIPE.  NULL after logging. */
struct control *control_new(struct event_base *, const char *path, const char *group,
	char *(*answer)(void *, const char *request), void *);
void control_free(struct control *); /* removes the socket, when it is still ours */

/* The client's side: connect, ask, give the whole answer, which is the caller's to free, as text.
 * 0 or -errno: -ETIMEDOUT after CONTROL_SECONDS, -EFBIG over CONTROL_ANSWER_MAX, what connect(2)
 * says when there is no daemon. */
int control_ask(const char *path, const char *request, char **answer);

#endif
