#!/bin/bash
# The SIEM dies and comes back, on TCP and on a UNIX socket: what was raised while it was away arrives afterwards, once and whole.
. "$(dirname "$0")/lib.sh"
need jq
state_of() { status ".outputs[] | select(.name == \"$1\") | .state"; }
state_is() { [ "$(state_of "$1")" = "$2" ]; }
state_is_not() { [ "$(state_of "$1")" != "$2" ]; }
sink -p "$dir/sink.port" -o "$dir/tcp.ndjson" -e 100 tcp 0
until_true "$patience" test -s "$dir/sink.port"
tcp_port=$(cat "$dir/sink.port")
sink -o "$dir/unix.ndjson" -e 100 unix "$dir/siem"
until_true "$patience" test -S "$dir/siem"
configure "{ name: siem, type: tcp, to: \"127.0.0.1:$tcp_port\" }
{ name: local, type: unix, to: \"$dir/siem\" }
{ name: alerts, type: file, to: \"$dir/alerts.ndjson\" }"
start
until_true "$patience" state_is siem connected
until_true "$patience" state_is local connected
goods 100 | tcp
alerts 100 "$dir/tcp.ndjson"
alerts 100 "$dir/unix.ndjson"
until_true "$patience" state_is_not siem connected
until_true "$patience" state_is_not local connected
goods 200 | tcp
alerts 300
sink -o "$dir/tcp.ndjson" tcp "$tcp_port"
sink -o "$dir/unix.ndjson" unix "$dir/siem"
alerts 300 "$dir/tcp.ndjson"
alerts 300 "$dir/unix.ndjson"
want "ids in order" "$(alert .id)" "$(jq -r .id "$dir/tcp.ndjson")"
want "ids in order" "$(alert .id)" "$(jq -r .id "$dir/unix.ndjson")"
[ "$(status '.outputs[] | select(.name == "siem") | .reconnects')" -ge 1 ] || fail "no reconnect was counted"
stop
