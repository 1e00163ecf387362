#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# An update made of other source than the running kernel.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh
text_save vmlinux
differs="version_proc_show *fs/proc/version.o: at version_proc_show+0x*compiled *running *"
refused "verify: other source" FUNCTION-DIFFERS "$differs" kmend verify --allow-unsigned source.kmend
expect "which bytes" "*version_proc_show differs at +0x*" "$said"
refused "apply: other source" FUNCTION-DIFFERS "$differs" apply source.kmend
refused "dry run: other source" FUNCTION-DIFFERS "$differs" apply --dry-run source.kmend
refused "two packs, one of other source" FUNCTION-DIFFERS "$differs" apply builtin.kmend source.kmend
expect "the other is not applied" "[!r]*" "$(cat /proc/cmdline)"
kmend verify --allow-unsigned --json source.kmend >/tmp/json
expect "verify --json: other source: status" 1 $?
show differs /tmp/json
text_same "other source" vmlinux
finish
