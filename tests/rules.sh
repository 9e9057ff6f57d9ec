#!/bin/sh
# Each rule of etc/rules has a folder here, tests/rules/NAME, with events of which each must alert (alert.ndjson) and events that must not
# (quiet.ndjson).  A rule without them is refused.  A rule is held against them alone, so that one more rule changes nobody's events; a
# correlation with all rules, and alerts once for all of its events.  $builddir is where ./t1505d was built.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
t1505d=${builddir:-.}/t1505d
command -v jq >/dev/null || { echo "left out: no jq"; exit 77; }
failed=0
fail() {
	echo "FAILED $1"
	failed=1
}
ids() {
	jq -r .EventRecordID | sort | tr '\n' ' '
}
for rule in $(find "$top/etc/rules/core" "$top/etc/rules/extended" -name '*.yml' | sort); do
	name=$(basename "$rule" .yml)
	folder=$top/tests/rules/$name
	if ! [ -s "$folder/alert.ndjson" ] || ! [ -s "$folder/quiet.ndjson" ]; then
		fail "$name: no events that must alert, or none that must not, in $folder"
		continue
	fi
	want=$(jq -r .winlog.record_id "$folder/alert.ndjson" | sort | tr '\n' ' ')
	got=$("$t1505d" replay --format json --rules "$rule" "$folder/alert.ndjson" 2>/dev/null | ids)
	[ "$got" = "$want" ] || fail "$name: alerts of $got, not of $want"
	got=$("$t1505d" replay --format json --rules "$rule" "$folder/quiet.ndjson" 2>/dev/null | ids)
	[ -z "$got" ] || fail "$name: alerts of $got, which must be quiet"
	echo "$name: $(wc -l <"$folder/alert.ndjson") alert, $(wc -l <"$folder/quiet.ndjson") do not"
done
# Correlations, with all rules: one alert at least, and none.
for rule in "$top"/etc/rules/correlation/*.yml; do
	name=$(basename "$rule" .yml)
	folder=$top/tests/rules/$name
	id=$(grep '^id: ' "$rule" | tail -1 | cut -d ' ' -f 2)
	counts() {
		"$t1505d" replay --format json --rules "$top/etc/rules" "$folder/$1" 2>/dev/null | jq -r "select(.rule.id == \"$id\") | .id" | wc -l
	}
	[ "$(counts alert.ndjson)" = 1 ] || fail "$name: $(counts alert.ndjson) alerts, not one"
	[ "$(counts quiet.ndjson)" = 0 ] || fail "$name: $(counts quiet.ndjson) alerts for events that must be quiet"
	echo "$name: alerts once, and not"
done
exit $failed
