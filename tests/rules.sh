#!/bin/sh
# Each rule of etc/rules has a folder here, tests/rules/NAME, with events of which each must alert (alert.ndjson) and events that must not
# (quiet.ndjson).  A rule without them is refused.  Only the rule's own matches count, so that one more rule changes nobody's events; a
# correlation alerts once at least.  $builddir is where ./t1505d was built.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
failed=0
for rule in $(find "$top/etc/rules" -name '*.yml'); do
	name=$(basename "$rule" .yml)
	if ! [ -s "$top/tests/rules/$name/alert.ndjson" ] || ! [ -s "$top/tests/rules/$name/quiet.ndjson" ]; then
		echo "FAILED $name: no events that must alert, or none that must not, in $top/tests/rules/$name"
		failed=1
	fi
done
"${builddir:-.}/t1505d" rules test --rules "$top/etc/rules" "$top/tests/rules" || failed=1
exit $failed
