#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The tests of updates once more under Debian's newest backported kernel of the series 6.12, which differs from 6.1 in
# much that kmend knows about: prefixes of functions, sealed ENDBR, objtool run late, constants written at boot.

# What others may read is not to be below this test's own folder.
outer=${TMPDIR:-/tmp}
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 jq
release=$("$top/tools/kernel" list 2>"$work/err" | sed -n 's/^\(6\.12\.[^ ]*-cloud-amd64\) .*/\1/p' | head -n 1)
[ -n "$release" ] || skip "no kernel 6.12 is on offer: $(cat "$work/err")"
export KMEND_TEST_KERNEL="$release"
for name in update-builtin update-code update-modules; do
	echo "---- $name on $release"
	TMPDIR=$outer "$top/tests/vm/$name.sh"
	expect "$name on $release" 0 $?
done
finish
