#!/bin/bash
# Inputs that have broken log collectors in the field, byte by byte as they were sent.  After each, a good event still alerts.
. "$(dirname "$0")/lib.sh"
need jq socat
to_file
start
total=0
expect() { # N more alerts, and the one of a good event after them on a connection of its own
	local n=$((total + $1 + 1))
	until_true "$patience" has_lines $((total + $1)) "$dir/alerts.ndjson"
	good | tcp
	alerts $n
	total=$n
	echo "  $2"
}
refused() { status "[.reasons[]?, .reasons? | objects | .\"$1\"? // empty] | add // 0"; }
header='<14>1 2026-03-01T10:00:00Z WEB01 nxlog - - - '

{ printf '2026-03-01,10:00:00,app started\n'; good; echo; } | tcp
expect 1 "a line that starts with a digit but is no count"

message="$header$(good)"
frame="${#message} $message"
{
	printf '%s' "${frame:0:1}"; sleep 0.05; printf '%s' "${frame:1:2}"; sleep 0.05
	printf '%s' "${frame:3:40}"; sleep 0.05; printf '%s' "${frame:43}$frame"
} | tcp
expect 2 "a count cut inside the count and inside the body"
printf '%s\n%s\n' "$message" "$message" >"$dir/two"
send -o -s 1 127.0.0.1 "$(port tcp)" "$dir/two" >/dev/null
expect 2 "the same byte by byte"

printf '<14>%s\0<14>%s\0' "$(good)" "$(good)" | tcp
expect 2 "NUL as the trailer"
{ printf '<14>'; good; printf '\0'; } | udp
expect 1 "a NUL behind a datagram"

bom='\xef\xbb\xbf'
{ printf "%s$bom" "$header"; good; printf '\n'; } | udp
{ printf "$bom"; good; printf '\n'; } | tcp
{ printf '%sBOM' "$header"; good; printf '\n'; } | udp
{ printf "$bom$bom"; good; printf '\n'; } | tcp
expect 4 "byte order marks: one, at the start, the word BOM, doubled"

for bytes in '\xe9' '\xff' '\xc0\xaf' '\xed\xa0\x80' '\xe4\xb8'; do
	good | LC_ALL=C sed "s/whoami/$bytes whoami/"
	echo
done | tcp
expect 5 "bytes that are no UTF-8"
iconv -f UTF-8 -t UTF-8 "$dir/alerts.ndjson" >/dev/null || fail "alerts that are no UTF-8"
want "repaired" 5 "$(status '[.inputs[].repaired] | add')"

{
	printf '%s' "$header"
	good | sed 's/"CommandLine":.*//'
	printf '"CommandLine":"powershell.exe -enc '
	head -c 9000 /dev/zero | tr '\0' A
} | head -c 8192 | udp
expect 0 "a record cut at 8192 octets has no ParentImage, and raises nothing"

for id in 1 '"1"' 1.0; do
	good | sed "s/\"event_id\":1,/\"event_id\":$id,/"
	echo
done | tcp
good | sed 's/"event_id":1,//; s/"winlog"/"event":{"code":"1"},"winlog"/' | tcp
expect 4 "event ids as number, string, float, and in event.code"
for id in '"1x"' true 1.5; do
	good | sed "s/\"event_id\":1,/\"event_id\":$id,/"
	echo
done | tcp
expect 0 "what is no event id"

quiet | tcp
{ good | sed 's/Sysmon\/Operational/Sysmon\/Other/'; } | tcp
{ good | sed 's/"channel":"[^"]*",//'; } | tcp
expect 0 "ordinary events, other channels, no channel"
{ good | sed 's/"channel":"[^"]*"/"provider_name":"Microsoft-Windows-Sysmon"/'; } | tcp
expect 1 "no channel, but the provider is Sysmon"

good | sed 's/whoami/who\\u0000ami/' | tcp
{ printf '['; good; printf ','; good; printf ']'; } | tcp
{ good; good; } | tcp
good | sed 's/"event_data":{/"x":'"$(printf '{"a":%.0s' $(seq 64))1$(printf '}%.0s' $(seq 64))"',"event_data":{/' | tcp
expect 6 "NUL in a string, an array, two objects in a row, 64 levels"
good | sed 's/"event_data":{/"event_data.Image":"C:\\\\x\\\\cmd.exe","event_data":{/; s/System32..cmd.exe/notepad.exe/' | tcp
expect 0 "a literal key with a dot is not the nested field"
want "still one process, no restart" 0 "$(kill -0 "$daemon"; echo $?)"
stop
