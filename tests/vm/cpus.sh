#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What the kernel makes of its own code on one model of CPU or another: other alternatives, no lock prefixes, page tables
# of five levels, calls whose depth is counted. In each guest the same updates are proved, applied and undone.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64

# machine WHAT CHECK [VM-OPTION...]: CHECK is the function in guest/cpus.sh that tells whether it is what it is to be
machine()
{
	echo "---- $(cat "$kit/release"): $1"
	check=$2
	shift 2
	"$top/tools/vm" run --kernel "$(cat "$kit/release")" --warn-is-crash "$@" --file "$work/update.kmend" \
		--file "$work/ktext" --file "$work/calls" --file "$top/tests/vm/guest/common.sh" \
		"$top/tests/vm/guest/cpus.sh" "$check" || fail "cpus.sh ended with status $?"
}

helper ktext
helper calls
need_kernel
update update builtin paths
machine "one old CPU" old --cpu Westmere --cpus 1
machine "five levels of page tables" five_levels --cpu max,la57=on
release=$("$top/tools/kernel" list 2>"$work/err" | sed -n 's/^\(6\.12\.[^ ]*-cloud-amd64\) .*/\1/p' | head -n 1)
if [ -z "$release" ]; then
	[ $failed = 0 ] || finish
	skip "no kernel 6.12 is on offer: $(cat "$work/err")"
fi
# Calls are counted since 6.2, on CPUs of Intel's that need it.
KMEND_TEST_KERNEL=$release
need_kernel
update update builtin paths
machine "counted calls" counted --cpu Skylake-Server --append "spectre_v2=retpoline retbleed=stuff"
finish
