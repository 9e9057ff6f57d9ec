#!/bin/sh
# Each rule of etc/rules has a folder here, tests/rules/NAME, with events of which each must alert (alert.ndjson) and events that must not
# (quiet.ndjson).  A rule without them is refused.  Only the rule's own matches count, so that one more rule changes nobody's events; a
# correlation alerts once at least.  $builddir is where ./t1505d was built.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
exec "${builddir:-.}/t1505d" rules test --rules "$top/etc/rules" "$top/tests/rules"
