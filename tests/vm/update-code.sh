#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Updates to code that sleeps, and to code with a tracepoint, with messages printed once, with debug messages, with
# values that the kernel wrote into it, and with a file of its own.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64
need_kernel
update fifo fifo
update itimer itimer
update once once
update debug debug
update new-file new-file
update paths paths
helper ktext
helper calls
guest code.sh --cpus 2 --warn-is-crash
finish
