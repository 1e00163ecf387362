#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# An update to code that programs sleep in, and to the code through which the switch is asked for.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64
need_kernel
update sleepers sleepers
update idle idle
helper ktext
helper sleepers
guest sleepers.sh --cpus 2 --warn-is-crash
finish
