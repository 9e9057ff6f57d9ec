#!/bin/bash
# Few descriptors and many clients.  What the daemon needs itself is not for clients: they are closed at a lower limit, and status and
# reload work.  Where descriptors run out all the same it says so once, does not spin, keeps the clients that it has, and takes new ones
# again when the others have gone.
. "$(dirname "$0")/lib.sh"
need jq prlimit
to_file
crowd() {
	clients=()
	for _ in $(seq 150); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$(port tcp)" || fail "connect"
		clients+=("$fd")
	done
}
leave() {
	for fd in "${clients[@]}"; do
		exec {fd}>&-
	done
}
start prlimit --nofile=150:150
logged 'with 150 descriptors there is room for' || fail "the log does not say that there are few descriptors"
crowd
refuses() { [ "$(status .counters.connections_refused)" -ge 1 ]; }
until_true "$patience" refuses
reload
until_true "$patience" status_is .counters.reloads 1
leave
stop

start
prlimit --pid "$daemon" --nofile=$(($(find "/proc/$daemon/fd" -mindepth 1 | wc -l) + 20)):1024
crowd
until_true "$patience" logged 'cannot accept a connection: Too many open files'
ticks() { awk '{ print $14 + $15 }' "/proc/$daemon/stat"; }
before=$(ticks)
never 2 false
[ $(($(ticks) - before)) -lt $(($(getconf CLK_TCK) / 2)) ] || fail "spins: $(($(ticks) - before)) ticks in two seconds"
good 1 >&"${clients[0]}"
echo >&"${clients[0]}"
alerts 1
leave
again() { good 2 | tcp 2>/dev/null; has_lines 2 "$dir/alerts.ndjson"; }
until_true "$patience" again
[ "$(status '.counters.accept_errors')" -ge 1 ] || fail "not counted"
[ "$(grep -c 'cannot accept a connection' "$dir/daemon.log")" -le 5 ] || fail "the log was flooded"
stop
