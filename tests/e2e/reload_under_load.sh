#!/bin/bash
# SIGHUP twenty times while 20,000 events come in on four connections; every other time the rules have a fault, and the old ones must
# stay.  Each event alerts exactly once.
. "$(dirname "$0")/lib.sh"
need jq
to_file "alert: { raw: false }
journal: { max_size: 64MiB }"
mkdir "$dir/rules"
cp "$source_dir"/etc/rules/core/*.yml "$source_dir/etc/attack.tsv" "$dir/rules/"
sed -i "s,^rules:.*,rules: { paths: [ \"$dir/rules\" ] }," "$dir/t1505d.yml"
start
goods 20000 >"$dir/events"
background send -c 4 -s 1400 127.0.0.1 "$(port tcp)" "$dir/events" >"$dir/send.out"
reloads() { status '.counters | .reloads + .reload_failures'; }
reloaded() { [ "$(reloads)" -ge "$1" ]; }
for i in $(seq 20); do
	if [ $((i % 2)) = 1 ]; then
		echo 'title: [' >"$dir/rules/broken.yml"
	else
		rm "$dir/rules/broken.yml"
	fi
	reload
	until_true "$patience" reloaded "$i"
done
end || fail "send"
alerts 20000
want "record ids" 20000 "$(alert .EventRecordID | sort -nu | wc -l)"
logged 'broken.yml:[0-9]+' || fail "the fault has no place in the log"
stop
alerts 20000
