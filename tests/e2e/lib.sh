# Sourced by each script here (bash).  A script tells its story in its first lines and its name is its case; it passes when it
# ends with 0, is left out with 77.  $builddir is where ./t1505d and tests/bench/{send,sink} were built; $T1505D_UNDER may hold
# a command to run the daemon under (valgrind).  Everything lies in $dir, which goes away when the script has passed.
#
# Nothing here sleeps for luck: `until_true SECONDS COMMAND` waits for a condition, `never SECONDS COMMAND` watches that it stays away.

set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
data=$source_dir/tests/data
builddir=$(cd "${builddir:-.}" && pwd)
t1505d=$builddir/t1505d
patience=${PATIENCE:-20} # seconds, for conditions that should come at once
case=$(basename "$0" .sh)
dir=$(mktemp -d "${TMPDIR:-/tmp}/t1505d-$case.XXXXXX")
chmod 755 "$dir"
pids=()    # what this script started and nobody has waited for
daemon=    # the process id of t1505d

at_exit() {
	local code=$?
	for pid in "${pids[@]:-}" $daemon; do
		[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	done
	if [ $code = 0 ] || [ $code = 77 ]; then
		rm -rf "$dir"
	else
		for log in "$dir"/*.log "$dir"/*.err; do
			[ -s "$log" ] && echo "== $log" && tail -n 40 "$log"
		done >&2
		echo "$case: kept $dir" >&2
	fi
}
trap at_exit EXIT
trap 'exit 130' INT TERM

fail() { echo "$case: $*" >&2; exit 1; }
skip() { echo "$case: left out: $*" >&2; exit 77; }
need() { for tool; do command -v "$tool" >/dev/null || skip "no $tool"; done; }
want() { # WHAT EXPECTED ACTUAL
	[ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}
until_true() {
	local end=$((SECONDS + $1)); shift
	until "$@"; do
		[ $SECONDS -lt $end ] || fail "did not come true: $*"
		[ -z "$daemon" ] || [ -n "${may_end:-}" ] || kill -0 "$daemon" 2>/dev/null || fail "t1505d has ended"
		sleep 0.05
	done
}
never() {
	local end=$((SECONDS + $1)); shift
	while [ $SECONDS -lt $end ]; do
		! "$@" || fail "came true: $*"
		sleep 0.05
	done
}

# configure OUTPUTS [MORE]: $dir/t1505d.yml with a TCP and a UDP input on free ports of the loopback and the core rules.
configure() {
	cat >"$dir/t1505d.yml" <<-YAML
		inputs:
		  - { type: tcp, listen: "127.0.0.1:0", name: tcp }
		  - { type: udp, listen: "127.0.0.1:0", name: udp }
		rules: { paths: [ "$source_dir/etc/rules/core" ] }
		outputs:
		$(printf '%s\n' "$1" | sed 's/^/  - /')
		state: { directory: "$dir/state" }
		control: { socket: "$dir/control" }
		user: off
		${2:-}
	YAML
	mkdir -p "$dir/state"
}
to_file() { configure "{ name: alerts, type: file, to: \"$dir/alerts.ndjson\" }" "${1:-}"; }

# start [COMMAND ...]: the daemon, in the background, until all its ports are open.
start() {
	rm -f "$dir/ports"
	# shellcheck disable=SC2086
	"$@" ${T1505D_UNDER:-} "$t1505d" run -c "$dir/t1505d.yml" --port-file "$dir/ports" 2>>"$dir/daemon.log" &
	daemon=$!
	until_true $((patience * 3)) test -s "$dir/ports"
}
port() { awk -v type="$1" '$1 == type { sub(/.*:/, "", $2); print $2; exit }' "$dir/ports"; }

# stop [SIGNAL]: and see that it ended well.
stop() {
	local code pid=$daemon
	kill -"${1:-TERM}" "$pid"
	wait "$pid"; code=$?
	daemon=
	want "exit status of t1505d" 0 $code
	! grep -qE 'Sanitizer|runtime error' "$dir/daemon.log" || fail "a sanitizer spoke"
}
reload() { kill -HUP "$daemon"; }
background() { # started by the script, ended with it
	"$@" &
	pids+=($!)
}
end() { # [kill]: wait for the last background process, which ends by itself, with its status, or is told to
	local pid=${pids[-1]}
	unset 'pids[-1]'
	if [ "${1:-}" = kill ]; then
		kill "$pid" 2>/dev/null
		wait "$pid" || true
	else
		wait "$pid"
	fi
}

sink() { background "$builddir/tests/bench/sink" "$@" >"$dir/sink.out"; }
send() { "$builddir/tests/bench/send" "$@"; }
tcp() { socat -u - "TCP:127.0.0.1:$(port tcp)"; }  # standard input on one connection
udp() { socat -b 65536 -u - "UDP-SENDTO:127.0.0.1:$(port udp)"; } # as one datagram

lines() { # of a file that may not be there yet
	if [ -f "$1" ]; then wc -l <"$1"; else echo 0; fi
}
has_lines() { [ "$(lines "$2")" -ge "$1" ]; }
alerts() { # N [FILE]: at least N have arrived, and then exactly N
	until_true "$patience" has_lines "$1" "${2:-$dir/alerts.ndjson}"
	want "alerts" "$1" "$(lines "${2:-$dir/alerts.ndjson}")"
}
alert() { jq -r "$1" "$dir/alerts.ndjson"; }
status() { "$t1505d" status --json --socket "$dir/control" | jq -r "$1"; }
status_is() { [ "$(status "$1")" = "$2" ]; }
logged() { grep -qE "$1" "$dir/daemon.log"; }
messages() { status '[.inputs[].messages] | add'; }
has_messages() { [ "$(messages)" -ge "$1" ]; }

# One event that must alert, and one that must not.
event() { # NUMBER IMAGE PARENT
	printf '{"@timestamp":"2026-03-01T10:00:00.000Z","winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","computer_name":"WEB01","event_id":1,"record_id":%s,"event_data":{"Image":"C:\\\\Windows\\\\%s","CommandLine":"%s /c whoami","ParentImage":"C:\\\\Windows\\\\%s"}}}' "$1" "$2" "${2##*\\}" "$3"
}
good() { event "${1:-1}" 'System32\\cmd.exe' 'System32\\inetsrv\\w3wp.exe'; }
quiet() { event "${1:-1}" 'notepad.exe' 'explorer.exe'; }
goods() { # N: as many lines, each with a record id of its own
	EVENT=$(good @) awk -v n="$1" 'BEGIN { split(ENVIRON["EVENT"], part, "@"); at = part[1] "@" part[2]; for (i = 1; i <= n; i++) print at i part[3] }'
}
attacks() { cat "$data"/attacks/*.ndjson; } # 12 events, of which 11 alert

# Other daemons, unpacked by peers.sh and in the foreground.
peers=${PEERS:-$builddir/peers}
need_peers() { "$source_dir/tests/peers.sh" "$peers" || skip "no rsyslog and syslog-ng to be had"; }
rsyslog() { # CONFIGURATION
	background "$peers/rsyslog/usr/sbin/rsyslogd" -n -f "$1" -i "$dir/rsyslog.pid" -M "$(echo "$peers"/rsyslog/usr/lib/*/rsyslog)" >"$dir/rsyslog.log" 2>&1
}
syslog_ng() { # CONFIGURATION
	local lib=$peers/syslog-ng-core/usr/lib/syslog-ng
	background env LD_LIBRARY_PATH="$lib" "$peers/syslog-ng-core/usr/sbin/syslog-ng" -F --no-caps -f "$1" --module-path "$(echo "$lib"/3.*)" \
		-R "$dir/syslog-ng.persist" -p "$dir/syslog-ng.pid" -c "$dir/syslog-ng.ctl" >"$dir/syslog-ng.log" 2>&1
}
free_port() { # tcp|udp: one that was free just now, for programs that cannot be asked which they took
	rm -f "$dir/free"
	"$builddir/tests/bench/sink" -p "$dir/free" -i 0.01 "$1" 0 >/dev/null
	cat "$dir/free"
}
