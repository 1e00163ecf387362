#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Modules that load after their update was applied, unload, and load again.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 jq nm objcopy objdump xz
need_kernel
update late late-dummy
update module module
update same late-dummy module
update two builtin late-dummy late-nat
update new-export new-export
helper ktext

# other.ko: dummy with another instruction in dummy_setup, which the proof must find
dummy=$(find "$kit/modules" -name 'dummy.ko*' | grep '/drivers/net/dummy[.]')
case $dummy in
*.xz) xz -dc "$dummy" >"$work/other.ko" ;;
*) cp "$dummy" "$work/other.ko" ;;
esac
# Its signature would tell, so it goes.
objcopy "$work/other.ko" || fail "other.ko cannot be made"
# A byte of the mask that clears IFF_MULTICAST, found by its instruction: and $0x...ef7f, or the like
text=$((0x$(objdump -h "$work/other.ko" | awk '$2 == ".text" { print $6 }')))
setup=$((0x$(nm "$work/other.ko" | awk '$3 == "dummy_setup" { print $1 }')))
size=$((0x$(nm -S "$work/other.ko" | awk '$4 == "dummy_setup" { print $2 }')))
at=$(objdump -d --start-address=$setup --stop-address=$((setup + size)) "$work/other.ko" |
	awk '/\tand / { sub(":", "", $1); print $1; exit }')
[ -n "$at" ] || fail "dummy_setup has no instruction to change"
# 0x25 is and $imm,%eax; in all forms the last byte of an instruction with an immediate is of that
next=$(objdump -d --start-address=$((0x$at)) --stop-address=$((setup + size)) "$work/other.ko" |
	awk '/^ *[0-9a-f]+:\t/ { sub(":", "", $1); if (n++) { print $1; exit } }')
printf '\125' | dd of="$work/other.ko" bs=1 seek=$((text + 0x$next - 1)) conv=notrunc 2>/dev/null

guest late.sh --cpus 2 --timeout 900 --warn-is-crash --file "$work/other.ko"
expect "status --json while a module is awaited" '[[]"dummy","awaited",null]' \
	"$(json awaited '.updates[].late[]|[.module,.state,.refused]')"
expect "status --json while it is switched" '[[]"dummy","switched",null]' \
	"$(json switched '.updates[].late[]|[.module,.state,.refused]')"
expect "apply --json" '[[]"dummy","nf_nat"]' "$(json two '.updates[].awaits|sort')"
finish
