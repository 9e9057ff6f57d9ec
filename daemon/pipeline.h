#ifndef DAEMON_PIPELINE_H
#define DAEMON_PIPELINE_H

/* One message through envelope, payload, detection and into the journal; the same for the daemon
 * and its tests.  Belongs to one thread. */

#include "daemon/dead_letter.h"
#include "daemon/hosts.h"
#include "daemon/journal.h"
#include "daemon/metrics.h"
#include "daemon/rules.h"
#include "daemon/windows.h"
#include "detect/detect.h"
#include "parsers/payload.h"

/* What a message may take while it is worked on: so many times limits.message, and the parsers' and
 * the alerts' fixed part. */
#define PIPELINE_MEMORY_FACTOR 16
#define PIPELINE_MEMORY_FIXED (1024 * 1024)

struct pipeline;

/* Where a message came from; the strings outlive the call. */
struct origin {
	unsigned input; /* index into worker_metrics.inputs */
	const char *input_name;
	const char *peer;    /* "192.0.2.3:514" */
	const char *address; /* "192.0.2.3" */
	struct peer_metrics *peer_metrics;
};

struct pipeline_parts { /* borrowed */
	struct hosts *hosts;
	struct windows *windows;
	struct journal *journal;
	struct dead_letters *dead_letters;
	struct metrics *metrics;
	struct worker_metrics *worker_metrics;
};

struct pipeline_limits {
	size_t message_max;
	struct payload_limits payload;
};

/* NULL for no memory. pipeline_use() comes before the first message. */
struct pipeline *pipeline_new(const struct pipeline_parts *);
void pipeline_free(struct pipeline *);

/* Take over to these rules (a reference is taken) and limits. 0 or -ENOMEM, the old ones then stay.
 */
int pipeline_use(struct pipeline *, struct rules *, const struct pipeline_limits *);

/* One message, received at `now`.  What cannot be used is counted and kept as a dead letter.  The
 * peer's messages and bytes are counted by the caller, once a batch. */
void pipeline_message(struct pipeline *, struct slice message, const struct origin *, int64_t now);

/* A message that framing refused. */
void pipeline_refused(
	struct pipeline *, enum reason, struct slice head, const struct origin *, int64_t now);

/* Time passes: windows of correlations close, and may make alerts. */
void pipeline_tick(struct pipeline *, int64_t now);

#endif
