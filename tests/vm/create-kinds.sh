#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Updates of files that kbuild treats in a way of its own: an object of another folder, assembly, a header.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel

update kvm kvm
expect "an object that another folder lists" "*replaces kvm_vcpu_wake_up (virt/kvm/kvm_main.o, kvm)*" "$(cat "$work/out")"
update memmove memmove
expect "assembly" "replaces __memmove (arch/x86/lib/memmove_64.o, vmlinux)*" "$(cat "$work/out")"

# What the search for the users of a header finds, and the same with more of the kernel looked at.
update header header
expect "a header" "*replaces sk_stream_alloc_skb *(net/ipv4/tcp.o, vmlinux)*" "$(cat "$work/out")"
"$kmend" create -q --kernel "$kit" --all-objects=40 -o "$work/all.kmend" "$data/header.patch" >"$work/out" 2>&1 ||
	fail "create --all-objects: $(cat "$work/out")"
same "the update with others looked at" "$work/header.kmend" "$work/all.kmend"
run "$kmend" create --all-objects=x "$data/header.patch"
expect "a wrong number: status" 2 "$status"
finish
