#!/bin/bash
# An operator reloads a large set of rules: while it compiles, connections are accepted, events are detected on with the old set and the
# status is answered.  A second SIGHUP meanwhile is one more reload, and a SIGTERM during one ends the daemon.
. "$(dirname "$0")/lib.sh"
need jq
mkdir "$dir/rules"
cp "$source_dir"/etc/rules/core/*.yml "$source_dir/etc/attack.tsv" "$dir/rules/"
to_file
sed -i "s|rules: { paths: .* }|rules: { paths: [ \"$dir/rules\" ] }|" "$dir/t1505d.yml"
start
for i in $(seq 1 400); do # rules of many strings
	printf 'title: r%d\nid: 00000000-0000-4000-8000-%012d\nlevel: low\nlogsource: { product: windows, service: sysmon }\ndetection:\n  s:\n    CommandLine|contains:\n' "$i" "$i"
	for k in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do printf '      - "string %d of %d and %d"\n' "$((i * k * 7919 % 100003))" "$k" "$i"; done
	printf '  condition: s\n---\n'
done >"$dir/rules/many.yml"
reload
accepted=0
for i in $(seq 1 200); do
	status_is .counters.reloads 1 && break
	good "$i" | tcp
	accepted=$i
done
until_true "$patience" status_is .counters.reloads 1
want "rules" 404 "$(status .ruleset.rules)"
[ "$accepted" -ge 1 ] || fail "nothing was accepted while the rules were compiled"
alerts "$accepted"
reload
reload
reload
reloaded() { [ "$(status .counters.reloads)" -ge "$1" ]; }
until_true "$patience" reloaded 2
reload
stop
