#!/bin/bash
# Every type of output at once, each as bare JSON or in a message of RFC 5424, and IPv6 on the way in: all receivers get the same alerts.
. "$(dirname "$0")/lib.sh"
need jq socat
receiver() { # NAME SOCAT-ADDRESS: what it hears goes to $dir/NAME
	background socat -b 65536 -u "$2" "OPEN:$dir/$1,creat,append" 2>/dev/null
}
tcp_port=$(free_port tcp)
udp_port=$(free_port udp)
receiver tcp "TCP-LISTEN:$tcp_port,bind=127.0.0.1"
receiver udp "UDP-RECV:$udp_port,bind=127.0.0.1"
receiver unix "UNIX-LISTEN:$dir/unix.socket"
receiver unixgram "UNIX-RECV:$dir/unixgram.socket"
until_true "$patience" test -S "$dir/unixgram.socket"
configure "{ name: tcp, type: tcp, to: \"localhost:$tcp_port\", envelope: rfc5424 }
{ name: udp, type: udp, to: \"127.0.0.1:$udp_port\", envelope: rfc5424 }
{ name: unix, type: unix, to: \"$dir/unix.socket\", envelope: rfc5424, framing: octet-counted }
{ name: unixgram, type: unixgram, to: \"$dir/unixgram.socket\" }
{ name: stdout, type: stdout }
{ name: alerts, type: file, to: \"$dir/alerts.ndjson\" }" "alerts: per_rule"
sed -i 's/127\.0\.0\.1:0/[::1]:0/' "$dir/t1505d.yml"
start >"$dir/stdout"
attacks >"$dir/events"
socat -u "OPEN:$dir/events" "TCP6:[::1]:$(port tcp)"
head -n 1 "$dir/events" | socat -u - "UDP6-SENDTO:[::1]:$(port udp)"
count=$("$t1505d" replay --rules "$source_dir/etc/rules/core" "$dir/events" 2>/dev/null | wc -l)
[ "$count" -ge 11 ] || fail "replay has $count alerts"
first=$(head -n 1 "$dir/events" | "$t1505d" replay --rules "$source_dir/etc/rules/core" - 2>/dev/null | wc -l)
count=$((count + first))
alerts $count
want "peers" "[::1]" "$(alert .collector.peer | sed "s/:[0-9]*$//" | sort -u)"
until_true "$patience" has_lines $count "$dir/stdout"
cmp "$dir/alerts.ndjson" "$dir/stdout" || fail "stdout has other alerts than the file"
sent() { [ "$(status '[.outputs[].sent] | unique | join(" ")')" = "$count" ]; }
until_true "$patience" sent

ids() { jq -r .id "$@" | sort; }
header='^<[0-9]{1,3}>1 [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z [^ ]+ t1505d - alert (-|\[.*\]) '
bodies() { sed -E "s/$header//"; }
want_ids() { want "alerts of $1" "$(ids "$dir/alerts.ndjson")" "$(ids)"; }
has_ids() { [ "$(grep -aoc '"schema"' "$dir/$1")" -ge "$2" ]; }
until_true "$patience" has_lines $count "$dir/tcp"
bodies <"$dir/tcp" | want_ids tcp
[ "$(grep -cE "$header" "$dir/tcp")" = $count ] || fail "headers: $(cut -c1-120 "$dir/tcp")"
split() { # octet-counted messages, a line each
	local rest count
	rest=$(cat "$1")
	while [ -n "$rest" ]; do
		count=${rest%% *}
		rest=${rest#* }
		printf '%s\n' "${rest:0:count}"
		rest=${rest:count}
	done
}
LC_ALL=C
split "$dir/unix" | bodies | want_ids unix
# Datagrams have no LF between them: each begins with its header, or with its brace.
sed -E 's/(.)(<[0-9]{1,3}>1 [0-9]{4}-)/\1\n\2/g' "$dir/udp" | bodies | want_ids udp
jq -c . "$dir/unixgram" | want_ids unixgram
stop

# Nobody escapes a datagram's bound by padding: the alert comes in its short form.
udp_port=$(free_port udp)
receiver padded "UDP-RECV:$udp_port,bind=127.0.0.1"
configure "{ name: udp, type: udp, to: \"127.0.0.1:$udp_port\" }"
start
good | sed "s/whoami/whoami \& rem $(head -c 32000 /dev/zero | tr '\0' '\\' | sed 's/../&&/g')/" | tcp
until_true "$patience" test -s "$dir/padded"
want "the short form" "true WebShell_ChildProcess" "$(jq -r '[.cut, .DetectionType] | join(" ")' "$dir/padded")"
stop

# A receiver that is not there holds a stop back no longer than stop.timeout.
configure "{ name: gone, type: tcp, to: \"127.0.0.1:$tcp_port\" }
{ name: alerts, type: file, to: \"$dir/later.ndjson\" }" "stop: { timeout: 2s }"
start
good | tcp
alerts 1 "$dir/later.ndjson"
began=$SECONDS
kill -TERM "$daemon"
kill -HUP "$daemon" # means nothing any more
stop HUP
[ $((SECONDS - began)) -le 6 ] || fail "the stop took $((SECONDS - began)) s, stop.timeout is 2 s"
logged 'gone.* 1 ' || fail "the log does not say what was lost"
