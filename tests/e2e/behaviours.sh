#!/bin/bash
# What the collector is for: the five behaviours of an attacker who abuses a server's own components, with the rules as they are
# installed, from Sysmon's events and from Windows' own logs where these can show them.  Each is seen under its technique, and a web
# shell that is dropped and used is one story.
. "$(dirname "$0")/lib.sh"
need jq
to_file
sed -i "s|rules: { paths: .* }|rules: { paths: [ \"$source_dir/etc/rules\" ] }|" "$dir/t1505d.yml"
start
total=0
# FILE EVENTS TECHNIQUES: the events come in, the alerts have these techniques and no others, and each event has one.
shows() {
	sed "s/srv01/$1/" "$data/behaviours/$1.ndjson" | tcp
	total=$((total + $2))
	until_true "$patience" has_messages "$total"
	until_true "$patience" shown "$1" "$2"
	want "$1" "$3" "$(alert "select(.host | startswith(\"$1\")) | .techniques[].id" | sort -u | tr '\n' ' ')"
}
shown() { [ "$(alert "select(.host | startswith(\"$1\")) | .event_id" 2>/dev/null | sort -u | wc -l)" -ge "$2" ]; }
shows 1-web-shell.sysmon 2 "T1505.003 "
shows 1-web-shell.security 2 "T1505.003 "
shows 2-sql-server.sysmon 2 "T1505.001 "
shows 2-sql-server.security 2 "T1505.001 "
shows 3-iis-module.sysmon 3 "T1505.004 "
shows 3-iis-module.security 2 "T1505.004 "
shows 4-linux.sysmon 3 "T1505.003 "
shows 5-transport-agent.sysmon 2 "T1505.002 "
shows 5-transport-agent.security 3 "T1505.002 "
want "stories" "1-web-shell.security.corp.example 1-web-shell.sysmon.corp.example 4-linux.sysmon.corp.example " \
	"$(alert 'select([.DetectionType, .rules[]?.DetectionType] | index("WebShell_DroppedAndUsed")) | .host' | sort -u | tr '\n' ' ')"
stop
