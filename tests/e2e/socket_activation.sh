#!/bin/bash
# systemd holds the port: the descriptor takes the place of the input of the same type and address, else of the input that
# FileDescriptorName names; one that fits neither ends the start with a word that says what to do.
. "$(dirname "$0")/lib.sh"
need jq socat systemd-socket-activate
activated() { # LISTEN-OPTIONS: systemd-socket-activate starts the daemon at the first connection
	rm -f "$dir/ports"
	# shellcheck disable=SC2086
	systemd-socket-activate $1 -E ASAN_OPTIONS -E TSAN_OPTIONS "$t1505d" run -c "$dir/t1505d.yml" --port-file "$dir/ports" 2>>"$dir/daemon.log" &
	daemon=$!
}
hear() { logged "Listening on .*$1"; }
one_input() { # TYPE ADDRESS NAME
	to_file
	sed -i "/type: udp, listen/d; s/{ type: tcp, listen.*/{ type: $1, listen: \"$2\", name: $3 }/" "$dir/t1505d.yml"
}

address=127.0.0.1:$(free_port tcp)
one_input tcp "$address" syslog
activated "-l $address"
until_true "$patience" hear "$address"
good | socat -u - "TCP:$address" || fail "connect"
alerts 1
want "port" "tcp $address" "$(cat "$dir/ports")"
reload
good | socat -u - "TCP:$address" || fail "connect after a reload"
alerts 2
stop

address=127.0.0.1:$(free_port udp)
one_input udp "$address" syslog
activated "-d -l $address"
until_true "$patience" hear "$address"
good | socat -u - "UDP-SENDTO:$address"
alerts 3
stop

address=127.0.0.1:$(free_port tcp)
one_input tcp "127.0.0.1:$(free_port tcp)" by-name
activated "-l $address --fdname=by-name"
until_true "$patience" hear "$address"
good | socat -u - "TCP:$address" || fail "connect"
alerts 4
want "port" "tcp $address" "$(cat "$dir/ports")"
stop

address=127.0.0.1:$(free_port tcp)
one_input tcp "127.0.0.1:$(free_port tcp)" syslog
activated "-l $address --fdname=stranger"
until_true "$patience" hear "$address"
socat -u /dev/null "TCP:$address"
wait "$daemon"
code=$?
daemon=
want "exit status" 78 $code
logged "$address" || fail "the log does not name the address"
logged "stranger" || fail "the log does not name the descriptor"

# Sockets of one .socket unit share a name: it is one input, and the second socket has none.
address=127.0.0.1:$(free_port tcp)
other=127.0.0.1:$(free_port tcp)
one_input tcp "$address" syslog
activated "-l $address -l $other --fdname=syslog:syslog"
until_true "$patience" hear "$other"
socat -u /dev/null "TCP:$other"
wait "$daemon"
code=$?
daemon=
want "exit status for a second socket" 78 $code
logged "$other, name \"syslog\"\) fits no input" || fail "the log does not name the second socket"

# Accept=yes passes a connection, which nobody can listen on.
address=127.0.0.1:$(free_port tcp)
one_input tcp "$address" syslog
activated "--accept -l $address"
until_true "$patience" hear "$address"
socat -u /dev/null "TCP:$address"
until_true "$patience" logged 'is a connection; set Accept=no'
