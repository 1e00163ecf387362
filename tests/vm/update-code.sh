#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Updates with a new file, to code that sleeps, and to code with a tracepoint, with messages printed once, with debug
# messages, and with values that the kernel wrote into it; and one to code that the kernel rewrites where the jump would be.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64
need_kernel
update fifo fifo
update itimer itimer
update once once
update debug debug
update paths paths
update new-file new-file
update rewritten rewritten
helper ktext
helper calls
guest code.sh --cpus 2 --warn-is-crash
finish
