#!/bin/bash
# rsyslog relays what its agents wrote: once with LF framing, once octet-counted, once by UDP, in its own RFC 5424 template, and once in
# the old BSD form.  The relay's name in the header must never become the host of an alert.
. "$(dirname "$0")/lib.sh"
need jq
need_peers
to_file
start
{ attacks; cat "$data/ordinary.ndjson"; } >"$dir/in.ndjson"
cat >"$dir/rsyslog.conf" <<RSYSLOG
global(maxMessageSize="64k" workDirectory="$dir" localHostname="relay.corp.example")
module(load="imfile" mode="polling" pollingInterval="1")
input(type="imfile" file="$dir/in.ndjson" tag="agents" ruleset="out")
ruleset(name="out") {
	action(type="omfwd" target="127.0.0.1" port="$(port tcp)" protocol="tcp" TCP_Framing="traditional" template="RSYSLOG_SyslogProtocol23Format")
	action(type="omfwd" target="127.0.0.1" port="$(port tcp)" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format")
	action(type="omfwd" target="127.0.0.1" port="$(port udp)" protocol="udp" template="RSYSLOG_SyslogProtocol23Format")
	action(type="omfwd" target="127.0.0.1" port="$(port tcp)" protocol="tcp" template="RSYSLOG_TraditionalForwardFormat")
}
RSYSLOG
rsyslog "$dir/rsyslog.conf"
until_true "$patience" has_messages $((63 * 4))
alerts 44
want "refused" 0 "$(status '[.inputs[].refused] | add')"
want "alerts that name the relay" 0 "$(alert .host | grep -c relay)"
want "each event's alert four times" "4" "$(alert .id | sort | uniq -c | awk '{ print $1 }' | sort -u)"
stop
end kill
