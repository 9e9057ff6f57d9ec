#!/bin/bash
# Things start and stop in any order: the daemon before the SIEM, the SIEM gone before the daemon, SIGTERM right after the start, a second
# daemon on the same port, kill -9 and a start on what it left behind.
. "$(dirname "$0")/lib.sh"
need jq
sink_port=$(free_port tcp)
configure "{ name: siem, type: tcp, to: \"127.0.0.1:$sink_port\" }" "stop: { timeout: 2s }"
start
goods 10 | tcp
until_true "$patience" has_messages 10
sink -o "$dir/alerts.ndjson" tcp "$sink_port"
alerts 10
end kill
goods 20 | tcp
until_true "$patience" has_messages 30
begin=$SECONDS
stop
[ $((SECONDS - begin)) -le 10 ] || fail "the stop took $((SECONDS - begin)) s with a timeout of 2 s"
logged '20 alerts|not sent|were lost' || fail "the log does not say what was not sent"

for _ in 1 2 3; do
	start
	stop
done

to_file
start
first=$(port tcp)
cp "$dir/t1505d.yml" "$dir/second.yml"
sed -i "s/127.0.0.1:0\", name: tcp/127.0.0.1:$first\", name: tcp/; s,$dir/control,$dir/control2," "$dir/second.yml"
timeout 20 "$t1505d" run -c "$dir/second.yml" 2>"$dir/second.err"
code=$?
[ $code != 0 ] && [ $code != 124 ] || fail "a second daemon on the same port ended with $code"
grep -q "127.0.0.1:$first" "$dir/second.err" || fail "the second daemon does not name the address"
good | tcp
until_true "$patience" has_lines 11 "$dir/alerts.ndjson"

kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
daemon=
start
good | tcp
until_true "$patience" has_lines 12 "$dir/alerts.ndjson"
stop INT
