#!/bin/bash
# The daemon may open 64 descriptors and 150 clients come: it says so once, does not spin, keeps those it has, and takes new ones again
# when the others have gone.
. "$(dirname "$0")/lib.sh"
need jq prlimit
to_file
start prlimit --nofile=64:64
clients=()
for _ in $(seq 150); do
	exec {fd}<>"/dev/tcp/127.0.0.1/$(port tcp)" || fail "connect"
	clients+=("$fd")
done
until_true "$patience" logged 'descriptor|Too many open files|accept'
ticks() { awk '{ print $14 + $15 }' "/proc/$daemon/stat"; }
before=$(ticks)
never 2 false
[ $(($(ticks) - before)) -lt $(($(getconf CLK_TCK) / 2)) ] || fail "spins: $(($(ticks) - before)) ticks in two seconds"
good 1 >&"${clients[0]}"
echo >&"${clients[0]}"
alerts 1
for fd in "${clients[@]}"; do
	exec {fd}>&-
done
again() { good 2 | tcp 2>/dev/null; has_lines 2 "$dir/alerts.ndjson"; }
until_true "$patience" again
[ "$(status '.counters.accept_errors')" -ge 1 ] || fail "not counted"
[ "$(grep -cE 'descriptor|Too many open files' "$dir/daemon.log")" -le 5 ] || fail "the log was flooded"
stop
