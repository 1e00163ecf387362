#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Does the engine build without a warning for the oldest kernel that it is for and for the newest on offer? For each of the
# distribution's suites named (bullseye has 5.10, bookworm 6.1, trixie 6.12, and sid the newest), a folder with that suite's
# headers and compiler is made, once, and the engine and the tests' update modules are compiled in it.

set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
roots=${KMEND_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kmend}/roots
work=$(mktemp -d "${TMPDIR:-/tmp}/kmend-builds.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

skip()
{
	echo "SKIP: $*"
	exit 77
}

# From where this machine has its own packages.
mirror()
{
	codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	# shellcheck disable=SC2016 # these are for apt-get
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		sed -n "s/^$codename //p" | head -n 1
}

# A list of an unstable suite is valid for a week; a mirror that stands still is good enough to compile with.
make_root()
{
	[ ! -d "$roots/$1" ] || return 0
	mkdir -p "$roots"
	rm -rf "$roots/.$1.part"
	mmdebstrap --quiet --variant=essential --aptopt='Acquire::Check-Valid-Until "false"' \
		--include=linux-headers-cloud-amd64,make,libc6-dev "$1" "$roots/.$1.part" "$(mirror)" >"$work/log" 2>&1 &&
		mv -T "$roots/.$1.part" "$roots/$1"
}

# compile FOLDER SYMVERS: modpost's warnings tell of the symbols that bind resolves. objtool wants /proc.
compile()
{
	mkdir -p "$roots/$suite/proc"
	# shellcheck disable=SC2016 # it is for the other shell
	unshare -m sh -c 'mount -t proc proc "$1/proc" && exec chroot "$@"' sh "$roots/$suite" make -C "$headers" \
		M="/tmp/kmend/$1" KBUILD_MODPOST_WARN=1 KBUILD_EXTRA_SYMBOLS="$2" modules >"$work/log" 2>&1 || return 1
	! grep -i 'warning: ' "$work/log" | grep -vE 'modpost: (.* undefined!|suppressed )'
}

try()
{
	suite=$1
	make_root "$suite" || {
		tail -n 20 "$work/log"
		echo "FAILED: $suite: the folder to compile in cannot be made"
		return 1
	}
	headers=$(cd "$roots/$suite" && echo usr/src/linux-headers-*-cloud-amd64)
	rm -rf "$roots/$suite/tmp/kmend"
	mkdir "$roots/$suite/tmp/kmend"
	cp -r "$top/engine" "$top/include" "$roots/$suite/tmp/kmend/"
	cp -r "$top/tests/vm/engine" "$roots/$suite/tmp/kmend/test"
	headers=/$headers
	if compile engine '' && compile test /tmp/kmend/engine/Module.symvers; then
		echo "ok: $suite: ${headers#/usr/src/linux-headers-}, gcc $(sed -n 's/^CONFIG_GCC_VERSION=//p' \
			"$roots/$suite$headers/.config")"
	else
		cat "$work/log"
		echo "FAILED: $suite: ${headers#/usr/src/linux-headers-}"
		return 1
	fi
}

command -v mmdebstrap >/dev/null || skip "mmdebstrap is not installed"
[ "$(id -u)" = 0 ] || skip "only root can make the folders to compile in"
[ -n "$(mirror)" ] || skip "apt does not tell where packages come from"
[ $# -gt 0 ] || set -- bullseye bookworm trixie sid
for s; do
	try "$s" || failed=1
done
exit $failed
