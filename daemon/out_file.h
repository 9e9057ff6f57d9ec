#ifndef DAEMON_OUT_FILE_H
#define DAEMON_OUT_FILE_H

/* Alerts into a file (created 0640, appended to, reopened by a reload) and onto standard output. */

#include "daemon/output.h"

extern const struct output_methods out_file_methods;
extern const struct output_methods out_stdout_methods;

#endif
