#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Updates with a new file, to code that sleeps, and to code with a tracepoint, with messages printed once, with debug
# messages, and with values that the kernel wrote into it; to faults, warnings, variables of each CPU, static keys, assembly,
# and what ftrace does not know; and one to code that the kernel rewrites where the jump would be.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64
need_kernel
update fifo fifo
update itimer itimer
update once once
update debug debug
update paths paths
# Later kernels have memmove among what is not instrumented (ENTRY-CHANGED).
case $(cat "$kit/release") in
6.1.*) update tables tables memmove ;;
*) update tables tables ;;
esac
update new-file new-file
update rewritten rewritten
helper ktext
helper calls
guest code.sh --cpus 2 --warn-is-crash

# The warning stands two lines behind this one of its function.
built=$(grep -lF "\"$(cat "$kit/release")\"" \
	"${KMEND_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kmend}"/trees/*/build/include/generated/utsrelease.h | head -n 1)
line=$(awk '/^SYSCALL_DEFINE5\(waitid,/ { here = 1 } here && /int signo = 0;/ { print NR; exit }' \
	"${built%/build/*}/source/kernel/exit.c")
expect "the place that the warning told" "kernel/exit.c:$((line + 2))" "$(sed -n 's/^warned at //p' "$work/output")"
finish
