#!/bin/bash
# An operator names a shipped filter in the configuration: the alerts that it is for are gone, all others stay, and the status, the
# metrics and a replay say what it took away.  A reload without it brings them back.
. "$(dirname "$0")/lib.sh"
need jq curl
filter=$source_dir/tests/filters/java_server_children
gone=$(wc -l <"$filter/filtered.ndjson") stay=$(wc -l <"$filter/alert.ndjson")
to_file "metrics: \"127.0.0.1:0\""
rules=$source_dir/etc/rules
sed -i "s|rules: .*|rules: { paths: [ \"$rules/core\", \"$rules/extended\" ], filters: [ java_server_children.yml ] }|" "$dir/t1505d.yml"
start
want "a filter that has done nothing" 0 "$(status '.filters[].filtered')"
cat "$filter/filtered.ndjson" "$filter/alert.ndjson" | tcp
until_true "$patience" has_messages $((gone + stay))
alerts "$stay"
want "alerts that stay" "$stay" "$(alert .id | wc -l)"
want "taken away, by the status" "$gone" "$(status '.filters[].filtered')"
"$t1505d" status --socket "$dir/control" | grep -q "^FILTER " || fail "t1505d status has no filters"
curl -sf "http://127.0.0.1:$(port metrics)/metrics" | grep -q '^t1505d_filtered_total{filter="[0-9a-f-]*",title="Children that Java servers start by themselves"} '"$gone"'$' ||
	fail "metrics have no filter"
"$t1505d" replay -c "$dir/t1505d.yml" --filtered "$filter/filtered.ndjson" >"$dir/filtered" 2>/dev/null || fail "replay"
want "taken away, by a replay" "$gone" "$(jq -r .filtered.id "$dir/filtered" | wc -l)"
sed 's/^action: .*//; s/^filter:/action: lower\nfilter:/' "$source_dir/etc/filters/java_server_children.yml" >"$dir/lower.yml"
"$t1505d" replay --rules "$source_dir/etc/rules" --rules "$dir/lower.yml" --filtered "$filter/filtered.ndjson" >"$dir/filtered" 2>/dev/null || fail "replay"
want "lowered, by a replay" "$gone" "$(jq -r 'select(.lowered).id' "$dir/filtered" | wc -l)"
want "and what they come together to" 1 "$(jq -r 'select(.correlation.lowered).id' "$dir/filtered" | wc -l)"
want "and nothing else" $((gone + 1)) "$(wc -l <"$dir/filtered")"
sed -i 's/, filters: .* ]/ /' "$dir/t1505d.yml"
reload
until_true "$patience" status_is .counters.reloads 1
tcp <"$filter/filtered.ndjson"
alerts $((gone + stay))
stop
