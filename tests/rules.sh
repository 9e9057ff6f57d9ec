#!/bin/sh
# Each rule of etc/rules has a folder here, tests/rules/NAME, with events that must alert (alert.ndjson), events that must not
# (quiet.ndjson), and what the alerts are (expected.tsv: EventRecordID, DetectionType, SeverityRating).  A rule without them is refused.
# $builddir is where ./t1505d was built.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
t1505d=${builddir:-.}/t1505d
command -v jq >/dev/null || { echo "left out: no jq"; exit 77; }
failed=0
fail() {
	echo "FAILED $1"
	failed=1
}
replay() {
	"$t1505d" replay --format json --rules "$top/etc/rules" "$1" 2>/dev/null |
		jq -r '[.EventRecordID, .DetectionType, .SeverityRating] | @tsv'
}
for rule in $(find "$top/etc/rules" -name '*.yml' | sort); do
	name=$(basename "$rule" .yml)
	folder=$top/tests/rules/$name
	if ! [ -s "$folder/alert.ndjson" ] || ! [ -s "$folder/quiet.ndjson" ] || ! [ -s "$folder/expected.tsv" ]; then
		fail "$name: no events that must alert, or none that must not, in $folder"
		continue
	fi
	got=$(replay "$folder/alert.ndjson")
	[ "$got" = "$(cat "$folder/expected.tsv")" ] || fail "$name: other alerts than expected:
$got"
	got=$(replay "$folder/quiet.ndjson")
	[ -z "$got" ] || fail "$name: alerts for events that must be quiet:
$got"
	echo "$name: $(wc -l <"$folder/alert.ndjson") alert, $(wc -l <"$folder/quiet.ndjson") do not"
done
exit $failed
