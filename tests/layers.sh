#!/bin/sh
# The walls of the house: parsers/ and detect/ are arithmetic on buffers.  Fails when an archive of theirs wants a symbol of
# sockets, files, clocks, the environment, output, threads or libevent; when an include points against the arrow
# daemon -> detect -> parsers; and when C below the walls knows a product by name.
set -u
srcdir=${srcdir:-$(dirname "$0")/..}
builddir=${builddir:-.}
failed=0

fail() {
	printf '%s\n' "$1" "$2" "" >&2
	failed=1
}

forbidden='^(socket|bind|connect|listen|accept4?|send(to|msg|mmsg)?|recv(from|msg|mmsg)?|getaddrinfo|gethostname'
forbidden=$forbidden'|open(at|dir)?(64)?|fopen(64)?|read|write|readv|writev|pread(64)?|pwrite(64)?|stat(64)?|fstat(64)?|unlink|rename|mmap(64)?'
forbidden=$forbidden'|time|gettimeofday|clock_gettime|clock|localtime(_r)?|mktime|nanosleep|u?sleep'
forbidden=$forbidden'|getenv|secure_getenv|setenv|setlocale|system|popen|fork|exec.*|getpid|exit|_exit'
forbidden=$forbidden'|v?f?printf|puts|fputs|fputc|putchar|perror|fwrite|stdin|stdout|stderr|v?dprintf|v?syslog'
forbidden=$forbidden'|sscanf|__isoc99_sscanf|atoi|atol|atof|strtok'
forbidden=$forbidden'|pthread_.*|event_.*|evbuffer_.*|bufferevent_.*|ev(http|dns|util|thread)_.*|sd_.*)$'

for archive in libparsers.a libdetect.a; do
	symbols=$(nm -u --format=posix "$builddir/$archive" 2>/dev/null | awk '$2 == "U" { print $1 }' |
		sed 's,^__\(.*\)_chk$,\1,' | sort -u)
	[ -n "$symbols" ] || fail "$builddir/$archive:" "no symbols: is it built?"
	bad=$(printf '%s\n' "$symbols" | grep -E "$forbidden")
	[ -z "$bad" ] || fail "$archive wants what only daemon/ may have:" "$bad"
done

includes() {
	grep -nE "#include *[<\"]($1)" "$srcdir"/$2 2>/dev/null
}
bad=$(includes 'detect/|daemon/' 'parsers/*.[ch]')
[ -z "$bad" ] || fail "parsers/ includes what is above it:" "$bad"
bad=$(includes 'daemon/' 'detect/*.[ch]')
[ -z "$bad" ] || fail "detect/ includes what is above it:" "$bad"
bad=$(grep -nE '#include "parsers/' "$srcdir"/detect/*.[ch] | grep -vE 'parsers/(slice|arena|wevent|stamp|utf8|values)\.h')
[ -z "$bad" ] || fail "detect/ takes only slice, arena, wevent, stamp and utf8 from parsers/:" "$bad"
for folder in parsers detect; do
	bad=$(includes 'event2/|sys/socket|netinet/|pthread|time\.h|sys/time|fcntl|unistd|stdio_ext|systemd/' "$folder/*.[ch]")
	[ -z "$bad" ] || fail "$folder/ includes the outside world:" "$bad"
done

bad=$(grep -nwiE 'w3wp|w3svc|inetpub|wwwroot|inetstp|sqlservr|php-cgi' "$srcdir"/daemon/*.[ch] "$srcdir"/parsers/*.[ch] "$srcdir"/detect/*.[ch])
[ -z "$bad" ] || fail "product names belong into etc/rules/, not into C:" "$bad"

for c in "$srcdir"/daemon/*.c "$srcdir"/parsers/*.c "$srcdir"/detect/*.c; do
	case ${c##*/} in main.c) continue ;; esac
	# The subcommands: cmd.h and rules_cmd.h are theirs.
	[ -f "${c%.c}.h" ] || [ "${c##*/}" = replay.c ] || [ "${c#*/daemon/rules_}" != "$c" ] || fail "$c:" "has no header"
done
exit $failed
