#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# An apply, or an undo, that is killed half way; and two applies at a time.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64
need_kernel
update builtin builtin
helper ktext
guest crash.sh --warn-is-crash
finish
