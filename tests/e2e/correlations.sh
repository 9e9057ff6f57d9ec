#!/bin/bash
# A detection engineer counts: ten whoami of one host within five minutes are one alert, and the rule that is counted is silent.  The
# events come over several connections at once, some twice, and the rules are reloaded in between: the counts are exact all the
# same.  A window that waits for its end speaks when time has passed, and a replay of the same events says the same.
. "$(dirname "$0")/lib.sh"
need jq
mkdir "$dir/rules"
cat >"$dir/rules/counted.yml" <<'Y'
title: whoami
id: 00000000-0000-4000-8000-0000000000a1
name: whoami
level: low
logsource: { product: windows, category: process_creation }
detection: { s: { Image|endswith: '\whoami.exe' }, condition: s }
---
title: Burst
id: 00000000-0000-4000-8000-0000000000a2
level: high
correlation: { type: event_count, rules: [ whoami ], group-by: [ Computer ], timespan: 5m, condition: { gte: 10 } }
Y
to_file
sed -i "s|rules: { paths: .* }|rules: { paths: [ \"$dir/rules\" ] }|" "$dir/t1505d.yml"
start
for i in $(seq 0 99); do # ten hosts, ten events each
	jq -cn --arg host "h$((i % 10))" --argjson id "$i" '{"@timestamp": "2026-03-01T10:00:00Z", winlog: {channel: "Microsoft-Windows-Sysmon/Operational",
		provider_name: "Microsoft-Windows-Sysmon", computer_name: $host, event_id: 1, record_id: $id, event_data: {
		UtcTime: "2026-03-01 10:00:\($id / 10 | floor | tostring | if length < 2 then "0" + . else . end).000", Image: "C:\\Windows\\System32\\whoami.exe"}}}'
done >"$dir/events.ndjson"
split -n l/4 "$dir/events.ndjson" "$dir/part."
for part in "$dir"/part.a[a-b]; do tcp <"$part" & done
wait $(jobs -p | tail -2)
until_true "$patience" has_messages 50
tcp <"$dir/part.aa" # a sender that repeats itself
until_true "$patience" status_is .counters.correlation_known "$(lines "$dir/part.aa")"
reload
until_true "$patience" status_is .counters.reloads 1
for part in "$dir"/part.a[c-d]; do tcp <"$part" & done
wait $(jobs -p | tail -2)
alerts 10
want "one for each host" 10 "$(alert 'select(.DetectionType == "Burst" and .correlation.count == 10) | .correlation.group.Computer' | sort -u | wc -l)"
want "the silent rule" 0 "$(alert 'select(.DetectionType == "whoami") | .id' | wc -l)"
tcp <"$dir/events.ndjson" # all of them are known, alert or not
until_true "$patience" status_is .counters.correlation_known $((100 + $(lines "$dir/part.aa")))
want "one for each host still" 10 "$(alert 'select(.DetectionType == "Burst") | .id' | wc -l)"
want "windows that remember" 10 "$(status .windows)"
want "by a replay" 10 "$("$t1505d" replay --rules "$dir/rules" "$dir/events.ndjson" 2>/dev/null | jq -c 'select(.correlation.count == 10)' | wc -l)"
stop

sysmon() { # HOST RECORD TIME COMMANDLINE
	jq -cn --arg host "$1" --argjson id "$2" --arg time "$3" --arg command "$4" '{"@timestamp": $time, winlog: {
		channel: "Microsoft-Windows-Sysmon/Operational", provider_name: "Microsoft-Windows-Sysmon", computer_name: $host, event_id: 1,
		record_id: $id, event_data: {Image: "C:\\Windows\\System32\\whoami.exe", CommandLine: $command}}}'
}
replayed() { "$t1505d" replay --rules "$dir/rules" "$@" 2>"$dir/totals" | jq -c 'select(.DetectionType == "Burst")' | wc -l; }

# One clock that is a year ahead closes no window of another host; a recording that goes on after days is of two times.
for i in $(seq 10 19); do
	sysmon srv "$i" "2026-03-01T10:00:$i.000Z" whoami
	[ "$i" = 15 ] && sysmon wrong 1 "2027-03-01T10:00:00.000Z" whoami
done >"$dir/ahead.ndjson"
want "with a clock that is ahead" 1 "$(replayed "$dir/ahead.ndjson")"
sed 's/2026-03-01/2026-04-01/; s/"record_id":/&1/' "$dir/ahead.ndjson" >"$dir/month.ndjson"
want "a month later" 2 "$(replayed "$dir/ahead.ndjson" "$dir/month.ndjson")"

# Windows that have no room are told of.
jq -cn 'range(4000) as $i | {"@timestamp": "2026-03-01T10:00:00Z", winlog: {channel: "Microsoft-Windows-Sysmon/Operational",
	provider_name: "Microsoft-Windows-Sysmon", computer_name: "h\($i)", event_id: 1, record_id: $i, event_data: {
	UtcTime: "2026-03-01 10:00:00.000", Image: "C:\\Windows\\System32\\whoami.exe"}}}' >"$dir/hosts.ndjson"
want "with much room" 0 "$(replayed "$dir/hosts.ndjson" >/dev/null; grep -c 'were forgotten' "$dir/totals")"
echo "limits: { correlations: 1MiB }" >"$dir/small.yml"
want "with little room" 1 "$(replayed -c "$dir/small.yml" "$dir/hosts.ndjson" >/dev/null; grep -c 'windows of correlations were forgotten' "$dir/totals")"
