#!/bin/bash
# The SIEM is an rsyslog: it must understand our RFC 5424 envelope with octet counts, with line feeds, and by UDP, take the severity from
# it, and find the alert's JSON whole behind it.
. "$(dirname "$0")/lib.sh"
need jq
need_peers
udp=$(free_port udp)
cat >"$dir/rsyslog.conf" <<RSYSLOG
global(maxMessageSize="256k" workDirectory="$dir")
module(load="imtcp")
module(load="imudp")
template(name="json" type="string" string="%msg%\n")
template(name="head" type="string" string="%syslogfacility-text% %syslogseverity-text% %app-name% %msgid%\n")
input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="$dir/rsyslog.port" ruleset="tcp")
input(type="imudp" address="127.0.0.1" port="$udp" ruleset="udp")
ruleset(name="tcp") {
	action(type="omfile" file="$dir/tcp.json" template="json")
	action(type="omfile" file="$dir/tcp.head" template="head")
}
ruleset(name="udp") { action(type="omfile" file="$dir/udp.json" template="json") }
RSYSLOG
rsyslog "$dir/rsyslog.conf"
until_true "$patience" test -s "$dir/rsyslog.port"
tcp=$(cat "$dir/rsyslog.port")
configure "{ name: counted, type: tcp, to: \"127.0.0.1:$tcp\", envelope: rfc5424, framing: octet-counted }
{ name: lf, type: tcp, to: \"127.0.0.1:$tcp\", envelope: rfc5424, framing: lf }
{ name: datagrams, type: udp, to: \"127.0.0.1:$udp\", envelope: rfc5424 }
{ name: alerts, type: file, to: \"$dir/alerts.ndjson\" }"
start
attacks | tcp
alerts 11
alerts 22 "$dir/tcp.json"
alerts 11 "$dir/udp.json"
want "ids by TCP" "$(alert .id | sort)" "$(jq -r .id "$dir/tcp.json" | sort | uniq -d)"
want "ids by UDP" "$(alert .id | sort)" "$(jq -r .id "$dir/udp.json" | sort)"
want "headers" "audit crit t1505d alert
audit err t1505d alert" "$(sed 's/^logaudit/audit/' "$dir/tcp.head" | sort -u)"
stop
end kill
