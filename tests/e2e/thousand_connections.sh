#!/bin/bash
# A thousand agents at once: every connection is open before the first byte is sent, 5,000 events come in small pieces, and each alerts
# once.
. "$(dirname "$0")/lib.sh"
need jq
to_file "alert: { raw: false }"
start
goods 5000 >"$dir/events"
send -c 1000 -s 97 127.0.0.1 "$(port tcp)" "$dir/events" >"$dir/send.out" || fail "send"
alerts 5000
want "record ids" 5000 "$(alert .EventRecordID | sort -nu | wc -l)"
want "connections" 1000 "$(status '[.inputs[].connections] | add')"
want "refused" 0 "$(status '[.inputs[].refused] | add')"
stop
