#!/bin/bash
# An operator tries the collector with logger(1), the client that every Linux has: RFC 5424 over TCP with octet counts, over TCP with
# line feeds, RFC 3164 over TCP, and one datagram an event.  The same 12 events each time: 11 alerts each time, with the right columns.
. "$(dirname "$0")/lib.sh"
need logger jq
to_file
start
attacks >"$dir/attacks"
to="--server 127.0.0.1 --size 65000 --file $dir/attacks"
n=0
for how in "--tcp --octet-count --rfc5424 --port $(port tcp)" "--tcp --rfc5424 --port $(port tcp)" \
	"--tcp --rfc3164 --port $(port tcp)" "--udp --rfc5424 --port $(port udp)"; do
	# shellcheck disable=SC2086
	logger $to $how || fail "logger $how"
	n=$((n + 1))
	until_true "$patience" has_messages $((12 * n))
	alerts $((11 * n))
done
want "messages" 48 "$(messages)"
want "refused" 0 "$(status '[.inputs[].refused] | add')"
want "by detection" "IIS_Module_Registered 8
SuspiciousWebFile_Written 12
WebShell_ChildProcess 24" "$(alert .DetectionType | sort | uniq -c | awk '{ print $2, $1 }')"
want "distinct ids" 11 "$(alert .id | sort -u | wc -l)"
want "a host" web01.corp.example "$(alert 'select(.CommandLine == "\"cmd.exe\" /c whoami /all") | .host' | sort -u)"
stop
alerts 44
