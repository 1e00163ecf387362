#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Updates of files that kbuild treats in a way of its own: an object of another folder, assembly, a header, what headers
# are made of.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need jq zstd
need_kernel

update kvm kvm
expect "an object that another folder lists" "*replaces kvm_vcpu_wake_up (virt/kvm/kvm_main.o, kvm)*" "$(cat "$work/out")"
update memmove memmove
expect "assembly" "replaces __memmove (arch/x86/lib/memmove_64.o, vmlinux)*" "$(cat "$work/out")"

# Not the static of that name in the other file.
update outer outer
zstd -dcq "$work/outer.kmend" | tar -xOf - manifest.json >"$work/json"
expect "a function of a file that does not change" '[[]"net/netlabel/netlabel_kapi.o"]' \
	"$(jq -c '[.targets[].symbols[] | select(.symbol == "calipso_sock_getattr").object]' "$work/json")"

# What the search for the users of a header finds, and the same with more of the kernel looked at.
update header header
expect "a header" "*replaces * (net/ipv4/tcp.o, vmlinux)*" "$(cat "$work/out")"
"$kmend" create -q --kernel "$kit" --all-objects=40 -o "$work/all.kmend" "$data/header.patch" >"$work/out" 2>&1 ||
	fail "create --all-objects: $(cat "$work/out")"
same "the update with others looked at" "$work/header.kmend" "$work/all.kmend"
# What is prepared once for all updates follows the patch, and goes back with it.
made_with_patch()
{
	grep -ls TASK_kmend_test "${KMEND_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kmend}"/trees/*/build/include/generated/asm-offsets.h |
		wc -l
}
update offsets offsets builtin
expect "a header that is made of a patched file" 1 "$(made_with_patch)"
update again memmove
expect "the same, with the next update" 0 "$(made_with_patch)"
same "an update after that" "$work/memmove.kmend" "$work/again.kmend"
run "$kmend" create --all-objects=x "$data/header.patch"
expect "a wrong number: status" 2 "$status"
finish
