#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Does the engine build without a warning for the oldest kernel that it is for and for the newest on offer? For each of the
# distribution's suites named (bullseye has 5.10, bookworm 6.1, trixie 6.12, and sid the newest), the engine and the tests'
# update modules are compiled in that suite's toolchain, against the headers there.

set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/kmend-builds.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

skip()
{
	echo "SKIP: $*"
	exit 77
}

# compile FOLDER SYMVERS: modpost's warnings tell of the symbols that bind resolves. objtool wants /proc.
compile()
{
	mkdir -p "$root/proc"
	# shellcheck disable=SC2016 # it is for the other shell
	unshare -m sh -c 'mount -t proc proc "$1/proc" && exec chroot "$@"' sh "$root" make -C "$headers" \
		M="/tmp/kmend/$1" KBUILD_MODPOST_WARN=1 KBUILD_EXTRA_SYMBOLS="$2" modules >"$work/log" 2>&1 || return 1
	! grep -i 'warning: ' "$work/log" | grep -vE 'modpost: (.* undefined!|suppressed )'
}

try()
{
	suite=$1
	root=$("$top/tools/kernel" toolchain "$suite") || {
		echo "FAILED: $suite: there is no toolchain to compile in"
		return 1
	}
	headers=$(cd "$root" && echo usr/src/linux-headers-*-cloud-amd64)
	rm -rf "$root/tmp/kmend"
	mkdir "$root/tmp/kmend"
	cp -r "$top/engine" "$top/include" "$root/tmp/kmend/"
	cp -r "$top/tests/vm/engine" "$root/tmp/kmend/test"
	headers=/$headers
	if compile engine '' && compile test /tmp/kmend/engine/Module.symvers; then
		echo "ok: $suite: ${headers#/usr/src/linux-headers-}, gcc $(sed -n 's/^CONFIG_GCC_VERSION=//p' \
			"$root$headers/.config")"
	else
		cat "$work/log"
		echo "FAILED: $suite: ${headers#/usr/src/linux-headers-}"
		return 1
	fi
}

command -v mmdebstrap >/dev/null || skip "mmdebstrap is not installed"
[ "$(id -u)" = 0 ] || skip "only root can make the folders to compile in"
[ $# -gt 0 ] || set -- bullseye bookworm trixie sid
for s; do
	try "$s" || failed=1
done
exit $failed
