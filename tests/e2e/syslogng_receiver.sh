#!/bin/bash
# The SIEM's forwarder is a syslog-ng: RFC 5424 with octet counts over TCP, with line feeds over TCP, and by a UNIX datagram and a UNIX
# stream socket.
. "$(dirname "$0")/lib.sh"
need jq
need_peers
counted=$(free_port tcp)
lf=$(free_port tcp)
cat >"$dir/syslog-ng.conf" <<SYSLOGNG
@version: 3.38
options { log-msg-size(262144); stats-freq(0); use-dns(no); dns-cache(no); keep-hostname(yes); };
source counted { syslog(ip("127.0.0.1") port($counted) transport("tcp")); };
source lf { network(ip("127.0.0.1") port($lf) transport("tcp") flags(syslog-protocol)); };
source local { unix-stream("$dir/stream" flags(syslog-protocol)); unix-dgram("$dir/dgram" flags(syslog-protocol)); };
destination counted { file("$dir/counted.json" template("\$MSG\n")); };
destination lf { file("$dir/lf.json" template("\$MSG\n")); };
destination local { file("$dir/local.json" template("\$MSG\n")); };
destination head { file("$dir/head" template("\$FACILITY \$LEVEL \$PROGRAM \$MSGID\n")); };
log { source(counted); destination(counted); destination(head); };
log { source(lf); destination(lf); };
log { source(local); destination(local); };
SYSLOGNG
syslog_ng "$dir/syslog-ng.conf"
until_true "$patience" test -S "$dir/dgram"
configure "{ name: counted, type: tcp, to: \"127.0.0.1:$counted\", envelope: rfc5424, framing: octet-counted }
{ name: lf, type: tcp, to: \"127.0.0.1:$lf\", envelope: rfc5424, framing: lf }
{ name: stream, type: unix, to: \"$dir/stream\", envelope: rfc5424, framing: lf }
{ name: dgram, type: unixgram, to: \"$dir/dgram\", envelope: rfc5424 }
{ name: alerts, type: file, to: \"$dir/alerts.ndjson\" }"
start
attacks | tcp
alerts 11
alerts 11 "$dir/counted.json"
alerts 11 "$dir/lf.json"
alerts 22 "$dir/local.json"
for file in counted lf; do
	want "ids in $file" "$(alert .id | sort)" "$(jq -r .id "$dir/$file.json" | sort)"
done
want "ids in local" "$(alert .id | sort)" "$(jq -r .id "$dir/local.json" | sort | uniq -d)"
want "programs" "t1505d alert" "$(awk '{ print $3, $4 }' "$dir/head" | sort -u)"
want "levels" "crit err" "$(awk '{ print $2 }' "$dir/head" | sort -u | paste -sd' ')"
stop
end kill
