#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Are the kernels of another release of the distribution repaired, too, with that release's compiler? The tests of updates
# once more under the newest kernel of trixie.

# What others may read is not to be below this test's own folder.
outer=${TMPDIR:-/tmp}
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/../vm/lib.sh"
need qemu-system-x86_64 jq mmdebstrap bwrap
[ "$(id -u)" = 0 ] || skip "only root can make a toolchain"
kit=$("$top/tools/kernel" --suite trixie fetch latest) || exit
toolchain=$("$top/tools/kernel" toolchain trixie) || exit
KMEND_TEST_KERNEL=$(cat "$kit/release")
echo "kernel $KMEND_TEST_KERNEL"
refused "no toolchain" "COMPILER-M*" "*--toolchain*" \
	"$kmend" create -q --kernel "$kit" -o "$work/none.kmend" "$data/builtin.patch"
refused "a toolchain that is none" COMPILER-MISSING "*" \
	"$kmend" create -q --kernel "$kit" --toolchain "$work/tmp" -o "$work/none.kmend" "$data/builtin.patch"
export KMEND_TEST_KERNEL KMEND_TEST_TOOLCHAIN="$toolchain"
for name in update-builtin update-code update-modules; do
	echo "---- $name on $KMEND_TEST_KERNEL"
	TMPDIR=$outer "$top/tests/vm/$name.sh"
	expect "$name on $KMEND_TEST_KERNEL" 0 $?
done
finish
