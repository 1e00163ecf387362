#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The engine's tests under the newest kernel on offer: newest.sh [SUITE]. The modules are those that engine.sh compiles in the
# suite's toolchain.

top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/vm/engine/host.sh
. "$top/tests/vm/engine/host.sh"
suite=${1:-sid}

"$top/tests/builds/engine.sh" "$suite" || exit
toolchain=$("$top/tools/kernel" toolchain "$suite")
kit=$("$top/tools/kernel" --suite "$suite" fetch latest)
release=$(cat "$kit/release")
if [ ! -d "$toolchain/usr/src/linux-headers-$release" ]; then
	echo "SKIP: the toolchain is older than kernel $release: remove $toolchain to have it made anew"
	exit 77
fi
built=$top/build/tests/engine/$release
rm -rf "$built"
mkdir -p "$built/modules"
cp "$toolchain"/tmp/kmend/engine/*.ko "$toolchain"/tmp/kmend/test/*.ko "$built/modules/"
build_programs
touch "$built/done"
failed=0
for test in switch refuse stacks sites; do
	KMEND_TEST_KERNEL=$release "$top/tests/vm/engine-$test.sh" || failed=1
done
exit $failed
