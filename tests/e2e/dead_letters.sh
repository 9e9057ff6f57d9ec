#!/bin/bash
# What cannot be used is counted under a reason and kept, as text or as base64, and the connection goes on; the file stays within its bound.
. "$(dirname "$0")/lib.sh"
need jq
to_file "dead_letters: { file: \"$dir/dead.ndjson\", max_size: 1MiB }
limits: { message: 4KiB }"
start
{
	echo 'no record at all'
	printf '<14>1 2026-03-01T10:00:00Z WEB01 x - - - {"winlog": nonsense}\n'
	printf '\xff\xfe binary\n'
	printf '5000 <14>'
	head -c 4996 /dev/zero | tr '\0' a
	head -c 6000 /dev/zero | tr '\0' b
	echo
	good
	echo
} | tcp
alerts 1
until_true "$patience" has_lines 5 "$dir/dead.ndjson"
want "dead letters" 5 "$(lines "$dir/dead.ndjson")"
want "reasons are named" 5 "$(jq -r 'select(.reason | length > 3) | .reason' "$dir/dead.ndjson" | wc -l)"
want "the text" "no record at all" "$(jq -r .text "$dir/dead.ndjson" | head -1)"
want "the bytes" "$(printf '\xff\xfe binary' | base64)" "$(jq -r '.base64 // empty' "$dir/dead.ndjson")"
want "peers" 5 "$(jq -r .peer "$dir/dead.ndjson" | grep -c '^127.0.0.1:')"
want "refused" 5 "$(status '[.inputs[].refused] | add')"
until_true "$patience" status_is '.counters.dead_letters' 5
yes "$(head -c 1000 /dev/zero | tr '\0' c)" | head -n 4000 | tcp
until_true "$patience" has_messages 4001
until_true "$patience" test -s "$dir/dead.ndjson.1"
good 2 | tcp
alerts 2
stop
size=$(cat "$dir"/dead.ndjson* | wc -c)
[ "$size" -le $((1024 * 1024)) ] || fail "$size bytes of dead letters, 1 MiB allowed"
jq -e .reason "$dir/dead.ndjson.1" >/dev/null || fail "the old file has a line that is no JSON"
