#!/bin/bash
# Each limit in turn: who is over it is closed, counted and named in the log; all others go on, and so does the daemon when the limit is left.
. "$(dirname "$0")/lib.sh"
need jq socat
to_file "limits: { connections: 3, message: 1MiB, memory: 2MiB }
dead_letters: { file: \"$dir/dead.ndjson\" }"
start
open=()
hold() { # [FILE]: a connection that sends this, and then stays open
	mkfifo "$dir/hold.$((${#open[@]} + 1))"
	{ cat "${1:-/dev/null}"; cat "$dir/hold.$((${#open[@]} + 1))"; } | socat -u - "TCP:127.0.0.1:$(port tcp)" 2>/dev/null &
	pids+=($!)
	exec {fd}>"$dir/hold.$((${#open[@]} + 1))"
	open+=("$fd")
}
release() { # all of them: the end of what they send
	for fd in "${open[@]}"; do
		exec {fd}>&-
	done
	open=()
	rm -f "$dir"/hold.*
	until_true "$patience" status_is .connections 0
}
refused() { status .counters.connections_refused; }
refuses() { [ "$(refused)" -ge "$1" ]; }
setting() { # what follows "limits:"
	sed -i "s/^limits:.*/limits: { $1, message: 1MiB, memory: 2MiB }/" "$dir/t1505d.yml"
	reload
	until_true "$patience" status_is .counters.reloads "$2"
}

hold; hold; hold
until_true "$patience" status_is .connections 3
good 1 | tcp 2>/dev/null
until_true "$patience" refuses 1
want "alerts of a refused connection" 0 "$(lines "$dir/alerts.ndjson")"
logged '127\.0\.0\.1:[0-9]+: 3 connections \(limits\.connections\) are open' || fail "the log does not say which limit"
release
good 2 | tcp
alerts 1
echo "  connections"

setting 'connections_per_address: 1' 1
hold
until_true "$patience" status_is .connections 1
before=$(refused)
good 3 | tcp 2>/dev/null
until_true "$patience" refuses $((before + 1))
good 4 | socat -u - "TCP:127.0.0.1:$(port tcp),bind=127.0.0.2"
alerts 2
release
good 5 | tcp
alerts 3
echo "  connections of one address"

setting 'idle: 1s' 2
good 6 >"$dir/unfinished"
hold "$dir/unfinished"
alerts 4 # the line had no end: it is used when the connection is closed
until_true "$patience" status_is .counters.idle_closed 1
logged 'limits\.idle' || fail "the log does not say that a connection was idle"
release
echo "  idle"

setting 'idle: off' 3
{ printf '<14>'; head -c 900000 /dev/zero | tr '\0' x; } >"$dir/unfinished"
hold "$dir/unfinished"; hold "$dir/unfinished"; hold "$dir/unfinished"
shed() { [ "$(status .reasons.shed)" -ge 1 ]; }
until_true $((patience * 2)) shed
good 7 | tcp
alerts 5
kept() { [ "$(jq -r .reason "$dir/dead.ndjson" 2>/dev/null | grep -c shed)" -ge 1 ]; }
until_true "$patience" kept
release
until_true "$patience" status_is .memory.used 0
good 8 | tcp
alerts 6
echo "  memory"

# While the daemon stands still the kernel's buffer of a UDP socket runs over.  Linux tells the next datagram that it lets in.
sed -i 's/type: udp,/type: udp, receive_buffer: 4KiB,/; s/name: udp/name: narrow/' "$dir/t1505d.yml"
stop
start
kill -STOP "$daemon"
for n in $(seq 100); do
	printf '%s' "$(good "$n")" >"/dev/udp/127.0.0.1/$(port udp)"
done
kill -CONT "$daemon"
datagrams() { status '.inputs[] | select(.name == "narrow") | .datagrams + .kernel_drops'; }
one_more() { good 101 >"/dev/udp/127.0.0.1/$(port udp)"; [ "$(datagrams)" -ge 101 ]; }
until_true "$patience" one_more
[ "$(status '.inputs[] | select(.name == "narrow") | .kernel_drops')" -gt 0 ] || fail "the kernel dropped nothing"
echo "  a full receive buffer"
stop
