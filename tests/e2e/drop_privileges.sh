#!/bin/bash
# Started as root without systemd, it binds its ports as root and then becomes its user, who owns what it writes; a user that does not
# exist is an error with its cure.
. "$(dirname "$0")/lib.sh"
need jq
[ "$(id -u)" = 0 ] || skip "not root"
to_file
sed -i 's/^user:.*/user: nobody/' "$dir/t1505d.yml"
chown nobody "$dir" "$dir/state"
start env -u NOTIFY_SOCKET -u INVOCATION_ID
good | tcp
alerts 1
want "user" nobody "$(stat -c %U "/proc/$daemon")"
want "owner of the alerts" nobody "$(stat -c %U "$dir/alerts.ndjson")"
want "effective capabilities" 0000000000000000 "$(awk '/^CapEff/ { print $2 }' "/proc/$daemon/status")"
want "groups" "" "$(awk '/^Groups/ { $1 = ""; for (i = 2; i <= NF; i++) if ($i == 0) print "root" }' "/proc/$daemon/status")"
reload
good 2 | tcp
alerts 2
stop
sed -i 's/^user:.*/user: no-such-user/' "$dir/t1505d.yml"
timeout 20 env -u NOTIFY_SOCKET -u INVOCATION_ID "$t1505d" run -c "$dir/t1505d.yml" 2>"$dir/refused.err"
want "exit status" 78 $?
grep -q no-such-user "$dir/refused.err" || fail "the error does not name the user"
