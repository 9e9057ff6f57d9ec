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
say list --rules "$rules" --format table && grep -q '^T1505.003 .* persistence .*Web Shell$' "$dir/out" || fail "table: $(tail -3 "$dir/out")"
say list --rules "$rules" --navigator || fail "navigator"
want "layer" "enterprise-attack 4.5 4.9.0 T1505.001" "$(jq -r '"\(.domain) \(.versions.layer) \(.versions.navigator) \(.techniques[0].techniqueID)"' "$dir/out")"
want "a technique's titles" true "$(jq '[.techniques[] | (.comment | split("\n") | length) == .score] | all' "$dir/out")"

say test --rules "$rules" "$source_dir/tests/rules/mssql_child/" || fail "test"
want "one folder" "1 passed, 0 failed" "$(tail -1 "$dir/out")"
mkdir -p "$dir/tests/mssql_child" "$dir/tests/nobody"
cp "$source_dir"/tests/rules/mssql_child/*.ndjson "$dir/tests/mssql_child"
first=$(($(wc -l <"$dir/tests/mssql_child/alert.ndjson") + 1)) # of those that do not
cat "$dir/tests/mssql_child/quiet.ndjson" >>"$dir/tests/mssql_child/alert.ndjson"
say test --rules "$rules/extended/mssql_child.yml" "$dir/tests"
want "test of what fails" 1 $?
want "result" "0 passed, 2 failed" "$(tail -1 "$dir/out")"
grep -qE "alert.ndjson:$first: does not alert; t1505d rules explain mssql_child [^ ]*/alert.ndjson:$first says why" "$dir/out" || fail "$(cat "$dir/out")"
grep -q 'nobody: there is no rule nobody.yml' "$dir/out" || fail "$(cat "$dir/out")"
rm "$dir/tests/mssql_child/quiet.ndjson"
say test --rules "$rules" "$dir/tests/mssql_child"
want "test without events" 1 $?
grep -q 'quiet.ndjson: No such file or directory; write events that must not alert' "$dir/out" || fail "$(cat "$dir/out")"
: >"$dir/tests/mssql_child/quiet.ndjson"
say test --rules "$rules" "$dir/tests/mssql_child"
want "test of an empty file" 1 $?
grep -q 'quiet.ndjson: no event in it; write those that must not alert' "$dir/out" || fail "$(cat "$dir/out")"
mkdir "$dir/empty"
for folder in "$dir/empty" "$dir/nowhere"; do
	say test --rules "$rules" "$folder"
	want "test of $folder" "1 0 passed, 1 failed" "$? $(tail -1 "$dir/out")"
done

# Rules of one's own: with values for |expand, with a name that would speak to the terminal, and a correlation that waits for what
# does not come.
mine=$dir/mine
mkdir -p "$mine" "$dir/cases/"{expands,fewer}
echo "placeholders: { shells: ['*\cmd.exe'] }" >"$mine/placeholders.yml"
cat >"$mine/expands.yml" <<-'YAML'
	title: "a \e[31mred rule"
	id: 00000000-0000-4000-8000-000000000001
	name: expands
	level: high
	tags: [attack.t1505.003, attack.t1059.003]
	logsource: { product: windows, service: sysmon }
	detection:
	    shell: { Image|expand: '%shells%' }
	    words: [nowhere, 'w3wp.exe']
	    condition: shell and words
YAML
cat >"$mine/fewer.yml" <<-'YAML'
	title: fewer
	id: 00000000-0000-4000-8000-000000000002
	level: low
	correlation: { type: event_count, rules: [expands], group-by: [Computer], timespan: 1m, condition: { lt: 3 } }
	generate: true
YAML
{ good 1; echo; good 2; echo; } | tee "$dir/cases/expands/alert.ndjson" >"$dir/cases/fewer/alert.ndjson"
quiet 3 >"$dir/cases/expands/quiet.ndjson"
{ good 1; echo; good 2; echo; good 3; echo; } >"$dir/cases/fewer/quiet.ndjson"
printf 'EventRecordID\tDetectionType\tSeverityRating\r\n1\texpands\tHigh\r\n2\texpands\tHigh\r\n' >"$dir/cases/expands/expected.tsv"
say test --rules "$mine" "$dir/cases" || fail "test of one's own: $(cat "$dir/out" "$dir/err")"
want "one's own" "ok expands: 2 alert, 1 do not" "$(head -1 "$dir/out")"
want "what waits" "ok fewer: 1 alert, 3 do not" "$(sed -n 2p "$dir/out")"
(cd "$dir/cases/expands" && say test --rules "$mine" .) || fail "test of the folder at hand: $(cat "$dir/out")"
printf '1\texpands\tHigh\n2\texpands\tLow\n' >"$dir/cases/expands/expected.tsv"
say test --rules "$mine" "$dir/cases/expands"
want "another severity" 1 $?
grep -q '/alert.ndjson:2: alerts, which expected.tsv does not have; t1505d rules explain expands' "$dir/out" || fail "$(cat "$dir/out")"
grep -q '/expected.tsv:2: there is no such alert$' "$dir/out" || fail "$(cat "$dir/out")"
rm "$dir/cases/expands/expected.tsv"
# What cannot be read is an event to both.
{ good 1; echo; echo '{ "broken'; quiet 3; echo; } >"$dir/cases/expands/alert.ndjson"
say test --rules "$mine" "$dir/cases/expands"
want "an event that cannot be read" 1 $?
grep -q '/alert.ndjson:2: .*; correct the event$' "$dir/out" || fail "$(cat "$dir/out")"
grep -q '/alert.ndjson:3: does not alert' "$dir/out" || fail "$(cat "$dir/out")"
say explain --rules "$mine" expands "$dir/cases/expands/alert.ndjson:2"
want "explain of an event that cannot be read" "65 1" "$? $(wc -l <"$dir/err")"
say explain --rules "$mine" expands "$dir/cases/expands/alert.ndjson:3"
want "explain of the third" 1 $?
rm -r "$dir/cases/fewer"
say test --rules "$mine" "$dir/cases"
want "test without a folder" 1 $?
grep -q "fewer.yml: no events test it; make the folder $dir/cases/fewer with" "$dir/out" || fail "$(cat "$dir/out")"
say list --rules "$mine" --format table
grep -q 'a \\x1b\[31mred rule' "$dir/out" || fail "$(cat "$dir/out")"
! grep -q "$(printf '\033')" "$dir/out" || fail "the list speaks to the terminal"
grep -q ' T1505.003,T1059.003 ' "$dir/out" || fail "$(cat "$dir/out")"

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
say explain --rules "$rules" mssql_child "$dir/nowhere"
want "a file that is not there" 66 $?
cp "$events/alert.ndjson" "$dir/at:2"
say explain --rules "$rules" mssql_child "$dir/at:2" || fail "a file with a colon: $(cat "$dir/err")"
good | "$t1505d" rules explain --rules "$mine" expands - >"$dir/out" || fail "the standard input: $(cat "$dir/out")"
grep -q '^rule a \\x1b\[31mred rule ' "$dir/out" || fail "$(cat "$dir/out")"
grep -q '^+     keywords$' "$dir/out" || fail "$(cat "$dir/out")"

say explain --rules "$rules" recon_below_web_server "$events/alert.ndjson"
want "a correlation" 64 $?
cat >"$mine/filter.yml" <<-'YAML'
	title: of the web servers
	id: 00000000-0000-4000-8000-0000000000f1
	filter: { rules: [expands], s: { Computer|startswith: web }, condition: not s }
YAML
good | "$t1505d" rules explain --rules "$mine" expands - >"$dir/out" || fail "explain of what is filtered"
want "a filter" "The filter 'of the web servers' ($mine/filter.yml) takes the alert away." "$(tail -1 "$dir/out")"
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

# Of several rules in a file none is meant more than another.
{ cat "$rules/extended/mssql_child.yml" && echo --- && sed 's/^id: .*/id: 00000000-0000-4000-8000-00000000000a/; s/^title: .*/title: second/' "$rules/extended/mssql_child.yml"; } >"$dir/mssql_child.yml"
say explain --rules "$dir/mssql_child.yml" mssql_child "$events/alert.ndjson"
want "explain of two rules" 64 $?
grep -q 'mssql_child has several rules; give the id or the title of one' "$dir/err" || fail "$(cat "$dir/err")"
say explain --rules "$dir/mssql_child.yml" second "$events/alert.ndjson" || fail "explain of the second"
say test --rules "$dir/mssql_child.yml" "$events"
want "test of two rules" "1 0 passed, 1 failed" "$? $(tail -1 "$dir/out")"
grep -q 'mssql_child.yml has several rules, and a folder tests one; give each a file$' "$dir/out" || fail "$(cat "$dir/out")"
say explain mssql_child
want "usage of explain" "usage: t1505d rules explain [-c FILE] [--rules DIR]... RULE FILE[:N] (see --help)" "$(cat "$dir/err")"

# A disk that is full is told, whatever was asked for.
for words in version help "check --rules $rules" "rules list --rules $rules" "rules test --rules $rules $source_dir/tests/rules/mssql_child" \
	"rules explain --rules $rules mssql_child $events/alert.ndjson" "replay --rules $rules $events/alert.ndjson"; do
	# shellcheck disable=SC2086
	"$t1505d" $words >/dev/full 2>"$dir/err"
	want "$words on a full disk" 74 $?
	grep -q 'the standard output cannot be written: No space left on device$' "$dir/err" || fail "$words says: $(cat "$dir/err")"
done
