#!/bin/bash
# Standard output is a terminal that nobody reads: it holds up neither the other outputs, nor a reload, nor a stop.
. "$(dirname "$0")/lib.sh"
need jq script
configure "{ name: alerts, type: file, to: \"$dir/alerts.ndjson\" }
{ name: stdout, type: stdout }" "stop: { timeout: 2s }"
# script(1) runs the daemon on a terminal of its own and is stopped, so that it reads no more of it.
start() {
	rm -f "$dir/ports"
	script -qec "exec $t1505d run -c '$dir/t1505d.yml' --port-file '$dir/ports' 2>>'$dir/daemon.log'" /dev/null >/dev/null </dev/null &
	pids+=($!)
	until_true $((patience * 3)) test -s "$dir/ports"
	daemon=$(pgrep -P "${pids[0]}")
	kill -STOP "${pids[0]}"
}
start
goods 600 >"$dir/events"
send 127.0.0.1 "$(port tcp)" "$dir/events" >/dev/null || fail "send"
alerts 600
reload
until_true "$patience" status_is .counters.reloads 1
began=$SECONDS
kill -TERM "$daemon"
gone() { ! kill -0 "$daemon" 2>/dev/null || grep -q '^State:.Z' "/proc/$daemon/status" 2>/dev/null; }
may_end=yes
until_true "$patience" gone
[ $((SECONDS - began)) -le 6 ] || fail "the stop took $((SECONDS - began)) s, stop.timeout is 2 s"
logged 'output stdout: stopped; [0-9]+ alerts were not sent' || fail "the log does not say what was left"
daemon=
kill -CONT "${pids[0]}"
