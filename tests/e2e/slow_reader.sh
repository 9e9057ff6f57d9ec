#!/bin/bash
# A SIEM that has stopped reading: its alerts wait up to journal.max_size, then the oldest go and are counted; the input and the other
# output notice nothing.  When it reads again it gets what is left, and sent plus dropped is everything.
. "$(dirname "$0")/lib.sh"
need jq
sink -p "$dir/sink.port" -o "$dir/slow.ndjson" -w tcp 0
until_true "$patience" test -s "$dir/sink.port"
configure "{ name: slow, type: tcp, to: \"127.0.0.1:$(cat "$dir/sink.port")\" }
{ name: alerts, type: file, to: \"$dir/alerts.ndjson\" }" "journal: { max_size: 4MiB }"
start
padding=$(head -c 4000 /dev/zero | tr '\0' x)
goods 200 | sed "s/whoami/whoami $padding/" >"$dir/events"
dropped() { [ "$(status '.outputs[] | select(.name == "slow") | .dropped')" -gt 100 ]; }
n=0
until [ $n -ge 20000 ] || dropped; do
	send 127.0.0.1 "$(port tcp)" "$dir/events" >/dev/null || fail "send"
	n=$((n + 200))
	until_true "$patience" has_lines $n "$dir/alerts.ndjson"
done
dropped || fail "nothing was dropped after $n alerts"
want "lines of the other output" $n "$(lines "$dir/alerts.ndjson")"
want "dropped by the other output" 0 "$(status '.outputs[] | select(.name == "alerts") | .dropped')"
kill -USR1 "${pids[0]}"
nothing_waits() { [ "$(status '.outputs[] | select(.name == "slow") | .waiting')" = 0 ]; }
until_true "$patience" nothing_waits
want "sent and dropped" $n "$(status '.outputs[] | select(.name == "slow") | .sent + .dropped')"
until_true "$patience" has_lines "$(status '.outputs[] | select(.name == "slow") | .sent')" "$dir/slow.ndjson"
jq -e .id "$dir/slow.ndjson" >/dev/null || fail "a line that is no JSON"
logged 'slow' || fail "the log has no word of it"
stop
