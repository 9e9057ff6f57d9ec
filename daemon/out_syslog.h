#ifndef DAEMON_OUT_SYSLOG_H
#define DAEMON_OUT_SYSLOG_H

/* Alerts over sockets: TCP and UDP to a name or an address, UNIX streams and datagrams. */

#include "daemon/output.h"

extern const struct output_methods out_syslog_stream_methods;
extern const struct output_methods out_syslog_datagram_methods;

#endif
