#!/bin/bash
# An operator asks how it goes: t1505d status for people, --json for scripts, /metrics for Prometheus, and all three say the same.
. "$(dirname "$0")/lib.sh"
need jq curl
to_file "metrics: \"127.0.0.1:0\""
start
{ attacks; cat "$data/ordinary.ndjson"; echo nonsense; } | tcp
alerts 11
until_true "$patience" has_messages 64
status . >"$dir/status.json"
want "events" 63 "$(status '[.inputs[].events] | add')"
want "alerts" 11 "$(status '[.inputs[].alerts] | add')"
want "refused" 1 "$(status '[.inputs[].refused] | add')"
"$t1505d" status --socket "$dir/control" >"$dir/status" || fail "status"
for word in events rules tcp alerts; do
	grep -qi "$word" "$dir/status" || fail "t1505d status has no word '$word'"
done
"$t1505d" status -c "$dir/t1505d.yml" >/dev/null || fail "status -c"
curl -sf "http://127.0.0.1:$(port metrics)/metrics" >"$dir/metrics" || fail "curl"
grep -qE '^t1505d_input_events_total\{input="tcp"\} 63$' "$dir/metrics" || fail "metrics: $(grep input_events "$dir/metrics")"
grep -qE '^# TYPE t1505d_input_events_total counter$' "$dir/metrics" || fail "metrics have no types"
! grep -vE '^(# (HELP|TYPE) [a-z0-9_]+ .+|[a-z0-9_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+)$' "$dir/metrics" || fail "metrics: a line that Prometheus refuses"
for metric in $(sed -n 's/^# TYPE \(t1505d_[a-z0-9_]*\) .*/\1/p' "$dir/metrics"); do
	grep -qw "$metric" "$source_dir/daemon/t1505d.8" || fail "the manual does not have $metric"
done
want "other pages" 404 "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$(port metrics)/")"
want "mode of the control socket" 660 "$(stat -c %a "$dir/control")"
stop
"$t1505d" status --socket "$dir/control" 2>"$dir/gone"
want "status without a daemon" 69 $?
[ -s "$dir/gone" ] || fail "status without a daemon says nothing"
