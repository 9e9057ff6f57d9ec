#!/bin/sh
# Each filter of etc/filters has a folder here, tests/filters/NAME, with events whose alerts it takes away or lowers
# (filtered.ndjson) and events whose alerts stay (alert.ndjson).  A filter without them is refused.  The rules are all of etc/rules.
# $builddir is where ./t1505d was built.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
t1505d=${builddir:-.}/t1505d
command -v jq >/dev/null || { echo "left out: no jq"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
fail() {
	echo "FAILED $1"
	failed=1
}
# The record ids of alerts: those that are as they were, and those that it took away or lowered, themselves or as all of a correlation.
ids() {
	jq -r 'select(.lowered == null and .correlation.lowered != true) | .EventRecordID' | sort -u | tr '\n' ' '
}
touched() {
	jq -r 'select(.lowered != null or .filtered != null) | .EventRecordID' | sort -u | tr '\n' ' '
}
replay() {
	"$t1505d" replay -c "$work/conf.yml" --format json "$@" 2>/dev/null
}
for filter in "$top"/etc/filters/*.yml; do
	name=$(basename "$filter" .yml)
	folder=$top/tests/filters/$name
	if ! [ -s "$folder/filtered.ndjson" ] || ! [ -s "$folder/alert.ndjson" ]; then
		fail "$name: no events that it filters, or none that stay, in $folder"
		continue
	fi
	printf 'rules: { paths: [ "%s/etc/rules" ], filters: [ %s.yml ] }\nenrich: { hosts: "%s" }\n' \
		"$top" "$name" "$top/tests/filters/hosts.csv" >"$work/conf.yml"
	all=$(jq -r .winlog.record_id "$folder/filtered.ndjson" | sort -u | tr '\n' ' ')
	got=$({ replay "$folder/filtered.ndjson"; replay --filtered "$folder/filtered.ndjson"; } | touched)
	[ "$got" = "$all" ] || fail "$name: filtered $got, not $all"
	got=$(replay "$folder/filtered.ndjson" | ids)
	[ -z "$got" ] || fail "$name: left alerts of $got"
	all=$(jq -r .winlog.record_id "$folder/alert.ndjson" | sort -u | tr '\n' ' ')
	got=$(replay "$folder/alert.ndjson" | ids)
	[ "$got" = "$all" ] || fail "$name: alerts of $got, not of $all"
	echo "$name: $(wc -l <"$folder/filtered.ndjson") filtered, $(wc -l <"$folder/alert.ndjson") stay"
done
exit $failed
