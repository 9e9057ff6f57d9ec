#!/bin/bash
# SIGTERM while the bytes of 5,000 events are still in the kernel's buffers: what was sent is read, judged and written before the end.  Then
# once more in the middle of a stream: each alert is whole, and there are as many as messages were counted.
. "$(dirname "$0")/lib.sh"
need jq
to_file "alert: { raw: false }"
start
goods 5000 >"$dir/events"
send -c 4 127.0.0.1 "$(port tcp)" "$dir/events" >"$dir/send.out" &
sender=$!
until_true "$patience" test -s "$dir/send.out"
stop
wait $sender
alerts 5000
want "record ids" 5000 "$(alert .EventRecordID | sort -nu | wc -l)"

rm "$dir/alerts.ndjson"
start
send -c 4 -n 40 127.0.0.1 "$(port tcp)" "$dir/events" >"$dir/send.out" 2>&1 &
sender=$!
until_true "$patience" has_lines 1000 "$dir/alerts.ndjson"
stop
wait $sender # ends with a reset or a broken pipe
jq -e .id "$dir/alerts.ndjson" >/dev/null || fail "a line that is no JSON"
