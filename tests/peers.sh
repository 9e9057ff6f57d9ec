#!/bin/sh
# Other syslog daemons to test against: tests/peers.sh FOLDER unpacks rsyslog and syslog-ng below FOLDER.  Their packages are
# unpacked and not installed: they exclude each other, and would start daemons.  Their libraries are in packages.sh.
set -eu
mkdir -p "$1"
cd "$1"
for name in rsyslog syslog-ng-core; do
	[ -d $name ] && continue
	apt-get download -q $name >download.log 2>&1 || { apt-get update -q && apt-get download -q $name; } >download.log 2>&1 ||
		{ cat download.log >&2; exit 1; }
	rm -rf $name.new
	dpkg-deb -x ${name}_*.deb $name.new
	mv $name.new $name
	rm -f ${name}_*.deb
done
