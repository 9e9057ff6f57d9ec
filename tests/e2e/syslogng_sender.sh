#!/bin/bash
# syslog-ng as the relay: network() is the BSD form with line feeds, syslog() is RFC 5424 with octet counts, and both by UDP.
. "$(dirname "$0")/lib.sh"
need jq
need_peers
to_file
start
{ attacks; cat "$data/ordinary.ndjson"; } >"$dir/in.ndjson"
cat >"$dir/syslog-ng.conf" <<SYSLOGNG
@version: 3.38
options { log-msg-size(65536); stats-freq(0); use-dns(no); dns-cache(no); };
source agents { file("$dir/in.ndjson" flags(no-parse) follow-freq(0.1) read-old-records(yes) host-override("relay.corp.example")); };
destination bsd { network("127.0.0.1" port($(port tcp)) transport("tcp")); };
destination ietf { syslog("127.0.0.1" port($(port tcp)) transport("tcp") persist-name("ietf")); };
destination bsd_udp { network("127.0.0.1" port($(port udp)) transport("udp")); };
destination ietf_udp { syslog("127.0.0.1" port($(port udp)) transport("udp") persist-name("ietf_udp")); };
log { source(agents); destination(bsd); destination(ietf); destination(bsd_udp); destination(ietf_udp); };
SYSLOGNG
syslog_ng "$dir/syslog-ng.conf"
until_true "$patience" has_messages $((63 * 4))
alerts 44
want "refused" 0 "$(status '[.inputs[].refused] | add')"
want "alerts that name the relay" 0 "$(alert .host | grep -c relay)"
want "each event's alert four times" "4" "$(alert .id | sort | uniq -c | awk '{ print $1 }' | sort -u)"
stop
end kill
