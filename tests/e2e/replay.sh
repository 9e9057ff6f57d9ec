#!/bin/bash
# A detection engineer replays recorded events: lines, pretty-printed documents in a row, syslog lines, standard input; the same alerts
# each time, in the order of the events.  And the 42 cases of the original search give the right answer in four layouts.
. "$(dirname "$0")/lib.sh"
need jq
rules=$source_dir/etc/rules/core
replay() { "$t1505d" replay --rules "$rules" --format json "$@" 2>"$dir/replay.err"; }
attacks >"$dir/in.ndjson"
replay "$dir/in.ndjson" >"$dir/alerts.ndjson" || fail "replay: $?"
want "alerts" 11 "$(lines "$dir/alerts.ndjson")"
ids=$(alert .id)
want "in the order of the events" "$(jq -r '.winlog.record_id // .RecordNumber' "$dir/in.ndjson" | grep -Fx "$(alert .EventRecordID)")" "$(alert .EventRecordID)"
grep -qw 11 "$dir/replay.err" || fail "no totals on standard error"

jq . "$dir/in.ndjson" >"$dir/pretty.json"
want "pretty-printed" "$ids" "$(replay "$dir/pretty.json" | jq -r .id)"
jq -c . "$dir/in.ndjson" | tr -d '\n' >"$dir/row.json"
want "in a row" "$ids" "$(replay "$dir/row.json" | jq -r .id)"
sed 's/^/<14>1 2026-03-14T06:41:00Z relay winlogbeat - - - /' "$dir/in.ndjson" >"$dir/in.log"
want "syslog lines" "$ids" "$(replay "$dir/in.log" | jq -r .id)"
want "standard input" "$ids" "$(replay - <"$dir/in.ndjson" | jq -r .id)"
want "several files" "$ids" "$(replay "$data/attacks/iis_module.ndjson" "$data/attacks/script_drop.ndjson" "$data/attacks/webshell.ndjson" | jq -r .id)"
want "ordinary events" "" "$(replay "$data/ordinary.ndjson")"

"$t1505d" replay --rules "$rules" --format table "$dir/in.ndjson" >"$dir/table" 2>/dev/null || fail "table"
[ "$(grep -cE 'WebShell_ChildProcess|SuspiciousWebFile_Written|IIS_Module_Registered' "$dir/table")" = 11 ] || fail "the table has not 11 rows"
! grep -q $'\033' "$dir/table" || fail "colours in a file"

"$t1505d" replay --rules "$rules" "$dir/no-such-file" 2>"$dir/none.err"
want "a file that is not there" 66 $?
"$t1505d" replay 2>/dev/null
want "no file" 64 $?

for layout in winlogbeat8 winlogbeat6 nxlog rfc5424; do
	replay "$data/parity/$layout.ndjson" >"$dir/parity.ndjson" || fail "parity $layout"
	jq -rn --slurpfile expect "$data/parity/expect.ndjson" --slurpfile alerts "$dir/parity.ndjson" '
		($alerts | group_by(.EventRecordID) | map({ key: (.[0].EventRecordID | tostring), value: map([.DetectionType, .SeverityRating]) }) | from_entries) as $got |
		$expect[] | ($got[.id | tostring] // []) as $is | (if .DetectionType then [[.DetectionType, .SeverityRating]] else [] end) as $should |
		select(($is | unique) != $should) | "case \(.id): \($is) instead of \($should)"' >"$dir/wrong" || fail "jq"
	[ ! -s "$dir/wrong" ] || fail "$layout: $(cat "$dir/wrong")"
	[ "$(lines "$data/parity/$layout.ndjson")" -ge 42 ] || fail "$layout: fewer than 42 cases"
done
want "cases" 42 "$(lines "$data/parity/expect.ndjson")"

# Any field of a record's event data serves a rule that names it, also behind a reload that brings the first such rule.
cat >"$dir/own.yml" <<'YAML'
title: Own
id: 6e0a3f0e-0000-4000-8000-000000000001
level: high
logsource: { product: windows, category: image_load }
detection:
  selection: { ImageLoaded|endswith: '\evil.dll', Signed: false }
  condition: selection
YAML
load='{"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","computer_name":"WEB01","event_id":7,"event_data":{"Image":"C:\\w.exe","ImageLoaded":"C:\\evil.dll","Signed":"false"}}}'
want "fields of a rule" '[["ImageLoaded","C:\\evil.dll"],["Signed","false"]]' "$(echo "$load" | "$t1505d" replay --rules "$dir/own.yml" - 2>/dev/null |
	jq -c '[.matched[] | [.field, .value]]')"
rm -f "$dir/alerts.ndjson" # of the replays
to_file
start
echo "$load" | tcp
until_true "$patience" has_messages 1
sed -i "s,rules: { paths: \[,& \"$dir/own.yml\"\, ," "$dir/t1505d.yml"
reload
until_true "$patience" status_is .counters.reloads 1
echo "$load" | tcp
alerts 1
stop
