#!/bin/bash
# A detection engineer lists what is loaded, tests a rule with the events in its folder, and asks why a rule does not match an event.
. "$(dirname "$0")/lib.sh"
need jq
rules=$source_dir/etc/rules
say() { "$t1505d" rules "$@" >"$dir/out" 2>"$dir/err"; }
say list --rules "$rules" || fail "list"
want "rules" "$(find "$rules" -name '*.yml' -exec grep -h '^id: ' {} + | wc -l)" "$(wc -l <"$dir/out")"
want "core" 4 "$(jq -r 'select(.core) | .id' "$dir/out" | wc -l)"
want "idle" 0 "$(jq -r 'select(.idle) | .id' "$dir/out" | wc -l)"
want "silent" 3 "$(jq -r 'select(.silent and .correlation) | .id' "$dir/out" | wc -l)"
say list --rules "$rules" --format table && grep -q '^T1505.003 .*Web Shell$' "$dir/out" || fail "table: $(tail -3 "$dir/out")"
say list --rules "$rules" --navigator || fail "navigator"
want "layer" "enterprise-attack T1505.001" "$(jq -r '"\(.domain) \(.techniques[0].techniqueID)"' "$dir/out")"

say test --rules "$rules" "$source_dir/tests/rules/mssql_child/" || fail "test"
want "one folder" "1 passed, 0 failed" "$(tail -1 "$dir/out")"
mkdir -p "$dir/tests/mssql_child" "$dir/tests/nobody"
cp "$source_dir"/tests/rules/mssql_child/*.ndjson "$dir/tests/mssql_child"
cat "$dir/tests/mssql_child/quiet.ndjson" >>"$dir/tests/mssql_child/alert.ndjson"
say test --rules "$rules" "$dir/tests"
want "test of what fails" 1 $?
want "result" "0 passed, 2 failed" "$(tail -1 "$dir/out")"
grep -q "alert.ndjson: event 8 does not alert; t1505d rules explain 'SQL Server starts" "$dir/out" || fail "$(cat "$dir/out")"
grep -q 'nobody: there is no rule nobody.yml' "$dir/out" || fail "$(cat "$dir/out")"
rm "$dir/tests/mssql_child/quiet.ndjson"
say test --rules "$rules" "$dir/tests/mssql_child"
want "test without events" 1 $?
grep -q 'quiet.ndjson: No such file or directory; write events that must not alert' "$dir/out" || fail "$(cat "$dir/out")"

events=$source_dir/tests/rules/mssql_child
say explain --rules "$rules" mssql_child "$events/alert.ndjson:2" || fail "explain: $(cat "$dir/err")"
grep -q '^The rule matches.$' "$dir/out" || fail "$(cat "$dir/out")"
grep -q '^+ condition: server and' "$dir/out" || fail "$(cat "$dir/out")"
say explain --rules "$rules" "SQL Server starts an interpreter or recon tool" "$events/quiet.ndjson"
want "explain of what does not match" 1 $?
grep -q '^- selection child$' "$dir/out" || fail "$(cat "$dir/out")"
grep -q '^+ selection server$' "$dir/out" || fail "$(cat "$dir/out")"
head -1 "$events/alert.ndjson" | "$t1505d" rules explain --rules "$rules" MSSQL_CHILD - >/dev/null 2>"$dir/err"
want "a name in other letters" 64 $?
say explain --rules "$rules" mssql_child "$events/alert.ndjson:99"
want "an event that is not there" 65 $?
say explain --rules "$rules" recon_below_web_server "$events/alert.ndjson"
want "a correlation" 64 $?
# The cache of compiled rules is for those of the configuration.
printf 'rules: { paths: [ "%s" ], cache: "%s" }\n' "$rules/core" "$dir/cache" >"$dir/t1505d.yml"
mkdir "$dir/cache"
say list -c "$dir/t1505d.yml" || fail "list of a configuration: $(cat "$dir/err")"
want "rules of a configuration" 4 "$(wc -l <"$dir/out")"
before=$(cksum "$dir"/cache/*) || fail "no cache was kept"
say test -c "$dir/t1505d.yml" "$source_dir/tests/rules/iis_module_registered" || fail "test: $(cat "$dir/out")"
say list -c "$dir/t1505d.yml" --rules "$rules" || fail "list of other rules"
"$t1505d" check -c "$dir/t1505d.yml" --rules "$rules" >/dev/null 2>&1 || fail "check of other rules"
"$t1505d" replay -c "$dir/t1505d.yml" --rules "$rules" "$events/alert.ndjson" >/dev/null 2>&1 || fail "replay of other rules"
want "the cache" "$before" "$(cksum "$dir"/cache/*)"

echo 'rules: { path: x }' >"$dir/t1505d.yml"
say list -c "$dir/t1505d.yml"
want "a faulty configuration" 78 $?
say list --rules "$dir/nowhere"
want "faulty rules" 65 $?
for wrong in "" frob "list extra" "test" "explain mssql_child"; do
	# shellcheck disable=SC2086
	say $wrong
	want "usage of '$wrong'" 64 $?
done
