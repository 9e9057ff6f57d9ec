#!/bin/bash
# An operator's slips, in the configuration, a drop-in and a rule: t1505d check names every one of them in a single run, with its place
# and the cure, and a daemon with
# the same files does not start.
. "$(dirname "$0")/lib.sh"
mkdir "$dir/site.d" "$dir/rules"
cat >"$dir/site.yml" <<-'YAML'
	inputs:
	  - { type: tcp, listen: "[::]:70000" }
	  - { type: pigeon, listen: "127.0.0.1:514" }
	outputs:
	  - { type: tcp, to: "siem.example" }
	  - { type: udp, to: "127.0.0.1:1", framing: octet-counted }
	limits: { message: 12parsecs, conections: 5 }
	rules: { paths: [ rules, nowhere ] }
	limits: { idle: 0s }
YAML
printf 'alerts: sometimes\n' >"$dir/site.d/10.yml"
cat >"$dir/rules/own.yml" <<-'YAML'
	title: Own
	id: 6e0a3f0e-0000-4000-8000-000000000001
	logsource: { product: windows, service: sysmon }
	detection:
	  selection:
	    Image|nearby: '\cmd.exe'
	  condition: selection and other
	level: loud
YAML
cat >"$dir/expected" <<-'TEXT'
	rules/own.yml:6:5: error: unknown modifier 'nearby'; the manual lists those of Sigma
	rules/own.yml:7:14: error: condition: there is no selection 'other'; correct the name or add the selection
	rules/own.yml:8:8: error: unknown level 'loud'; write informational, low, medium, high or critical
	site.d/10.yml:1:9: error: alerts: sometimes is not per_event or per_rule
	site.yml:2:26: error: inputs[0].listen: [::]:70000 is not an IPv4 or [IPv6] address and a port from 0 to 65535 ("127.0.0.1:9150", "[::]:514")
	site.yml:3:13: error: inputs[1].type: pigeon is not tcp or udp
	site.yml:5:7: error: outputs[0]: to is a host and a port from 1 to 65535 ("siem.example:6514", "192.0.2.1:514", "[2001:db8::1]:514")
	site.yml:6:7: error: outputs[1]: octet-counted framing is for tcp and unix; remove it
	site.yml:7:20: error: limits.message: 12parsecs is not a size from 1KiB to 16MiB (bytes, or with KiB, MiB or GiB: 8MiB)
	site.yml:7:31: error: limits.conections: unknown key; did you mean connections?
	site.yml:8:26: error: rules.paths: nowhere: cannot be read: No such file or directory; name the directory of the rules
	site.yml:9:1: error: duplicate key 'limits'; remove one of them
	site.yml:9:17: error: limits.idle: 0s is not a time from 1s to 30d, or off (with s, m, h or d: 10m)
TEXT
cd "$dir" || exit 1
"$t1505d" check -c site.yml >"$dir/out" 2>"$dir/said"
want "exit status of check" 1 $?
want "the summary" "site.yml: 13 errors" "$(cat "$dir/out")"
diff "$dir/expected" "$dir/said" >&2 || fail "other errors than expected"
"$t1505d" run -c site.yml 2>"$dir/run.err"
want "exit status of run" 78 $?
grep '^site' "$dir/expected" | grep -v ' rules.paths: ' | while read -r line; do
	grep -qF "${line/ error:/}" "$dir/run.err" || fail "run does not say: $line"
done || exit 1
grep -q 't1505d check -c site.yml' "$dir/run.err" || fail "run does not say how to see all of them"

# What is good is said to be good, and where warnings are, it still is.
printf 'inputs: [ { type: tcp, listen: "127.0.0.1:0" } ]\nrules: { paths: [ "%s" ] }\n' "$source_dir/etc/rules/core" >good.yml
"$t1505d" check -c good.yml >"$dir/out" 2>"$dir/said"
want "exit status for warnings" 0 $?
grep -q '4 rules: good, 1 warning' "$dir/out" || fail "summary: $(cat "$dir/out")"
printf 'outputs: [ { type: stdout } ]\nrules: { paths: [ "%s" ] }\n' "$source_dir/etc/rules" >idle.yml
"$t1505d" check -c idle.yml >"$dir/out" 2>"$dir/said"
want "exit status without inputs" 0 $?
want "without inputs" 'idle.yml: warning: inputs: none; nothing is collected; add one: - { type: tcp, listen: "[::]:514" }' "$(cat "$dir/said")"
"$t1505d" check -c nothing.yml 2>"$dir/said"
want "exit status without a file" 1 $?
want "lines about a file that is not there" 1 "$(wc -l <"$dir/said")"
