# Sourced by quickstart and runtests (POSIX sh): which Debian packages are needed, and installing those that are missing.

packages_build="gcc make autoconf automake pkg-config libc6-dev
	libevent-dev libyajl-dev libfyaml-dev libhyperscan-dev libpcre2-dev libssl-dev libsystemd-dev libxxhash-dev uthash-dev libglib2.0-dev tzdata"
packages_show="bsdutils jq"
packages_test="check clang clang-format libclang-rt-14-dev valgrind mandoc xz-utils systemd binutils
	socat curl procps util-linux openssl libestr0 libfastjson4 liblognorm5 libivykis0 libjson-c5 libnet1 libpcre3 libwrap0
	libglib2.0-0 libuuid1 libcap2 libssl3"

# packages_install NAME ...: install what is missing, as root or with sudo; nothing else is touched.
packages_install() {
	missing=
	for package; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	# Vectorscan has the same file names as Hyperscan and must go; what needs that library finds Hyperscan then.
	for package in libvectorscan-dev libvectorscan5; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || continue
		missing="$missing $package-"
	done
	sudo=
	if [ "$(id -u)" != 0 ]; then
		sudo="sudo DEBIAN_FRONTEND=noninteractive"
		command -v sudo >/dev/null || {
			echo "missing packages, and no sudo to install them; as root: apt-get install$missing" >&2
			return 1
		}
	fi
	echo "installing:$missing"
	# The lists may be absent or too old for what the mirror has now: update only then.
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -q -y --no-install-recommends $missing >/dev/null 2>&1 ||
		{ $sudo apt-get update -q >/dev/null &&
			DEBIAN_FRONTEND=noninteractive $sudo apt-get install -q -y --no-install-recommends $missing >/dev/null; }
}
