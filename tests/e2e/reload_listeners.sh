#!/bin/bash
# A reload that changes inputs: clients that wait to be accepted are heard before their listener goes, and what the kernel does not let
# change is refused with the reason, while everything goes on.
. "$(dirname "$0")/lib.sh"
need jq socat
to_file
start
kill -STOP "$daemon"
for n in $(seq 100); do
	good "$n" | socat -u - "TCP:127.0.0.1:$(port tcp)"
done
sed -i '/type: tcp, listen/d' "$dir/t1505d.yml"
reload
kill -CONT "$daemon"
until_true "$patience" logged 'tcp: closed, it is configured no more'
alerts 100
stop

port=$(free_port tcp)
to_file
sed -i "s/.*type: tcp, listen.*/  - { type: tcp, listen: \"0.0.0.0:$port\", name: four }\n  - { type: tcp, listen: \"[::]:$port\", name: six }/" "$dir/t1505d.yml"
start
sed -i '/name: four/d' "$dir/t1505d.yml"
reload
until_true "$patience" status_is .counters.reload_failures 1
logged 'is open for IPv6 alone; .* restart' || fail "the log does not say why"
good 101 | socat -u - "TCP4:127.0.0.1:$port" || fail "IPv4 is refused"
alerts 101
stop
start
reload_without_change() { reload; until_true "$patience" status_is .counters.reloads 1; }
reload_without_change
good 102 | socat -u - "TCP4:127.0.0.1:$port" || fail "IPv4 is refused after a restart"
alerts 102
stop
