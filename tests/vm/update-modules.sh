#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Updates to a module, to two files, to a module and the kernel, to two modules that use each other, and several in one
# apply.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 jq
need_kernel
update builtin builtin
update version version
update module module
update two-files two-files
update both builtin builtin-more module
update new-export new-export
update svm svm
helper ktext
helper kvm
guest modules.sh --cpus 2 --warn-is-crash
expect "status --json" "loadavg_proc_show uptime_proc_show" \
	"$(json two-files '[.updates[].functions[].name]|sort|join(" ")')"
finish
