#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# An update to a built-in file: what each command does, prints and exits with.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 jq
need_kernel
update builtin builtin
# The code that compares with the release's name must have that of the kernel.
expect "the source is compiled under the kernel's name" "*\"$(cat "$kit/release")\"*" "$(cat \
	"${KMEND_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kmend}"/trees/*/build/include/generated/utsrelease.h)"
helper ktext
guest builtin.sh --cpus 2 --warn-is-crash --get "before:$work/before" --get "after:$work/after"
id=$(json inspect .manifest.id)
expect "inspect --json" "$(cat "$kit/release") false cmdline_proc_show" \
	"$(json inspect '[.manifest.release, .signed, .manifest.targets[].functions[].name]|join(" ")')"
expect "verify --json" "$id true proved" \
	"$(json verify '[.id, .proved, (.objects[].functions[]|select(.name=="cmdline_proc_show").state)]|join(" ")')"
expect "verify --json: what it counts" "0 0 0 true" \
	"$(json verify '.objects[0]|[.count.absent, .count.differs, .count.ambiguous, .count.proved == (.functions|length)]|join(" ")')"
expect "verify --json of what is replaced" "FUNCTION-REPLACED differs [59]" \
	"$(json verify-after '[.refused.code, (.objects[].functions[]|select(.state=="differs")|.state, .running_offset)]|join(" ")')"
expect "apply --dry-run --json" "$id false" "$(json dry-run '.updates[]|[.id, .applied]|join(" ")')"
expect "status --json" "3 $id applied cmdline_proc_show kmend_$id" \
	"$(json status '[.engine_abi, (.updates[]|.id, .state, .functions[].name, .modules[])]|join(" ")')"

# What was proved there is proved here, to the same addresses, by anybody who may read the snapshot.
for when in before after; do
	[ $when = before ] && there=verify || there=verify-after
	json "$there" 'del(.milliseconds)' >"$work/there.json"
	"$kmend" verify --allow-unsigned --json --snapshot "$work/$when" "$work/builtin.kmend" >"$work/out" 2>&1
	expect "verify of the snapshot taken $when: status" "$([ $when = before ] && echo 0 || echo 1)" $?
	jq -cr 'del(.milliseconds)' "$work/out" >"$work/here.json"
	same "verify of the snapshot taken $when" "$work/there.json" "$work/here.json"
done
chmod -R a+rX "$work" && run setpriv --reuid 65534 --clear-groups \
	"$kmend" verify --allow-unsigned --snapshot "$work/before" "$work/builtin.kmend"
expect "verify of a snapshot without root" 0 "$status"
# Which part the proof reads first is the kernel's affair.
head -c 4000000 /dev/zero | dd of="$work/after/memory" bs=100 seek=1 conv=notrunc 2>"$work/err"
refused "a damaged snapshot" SNAPSHOT-INVALID "*after/memory: *" \
	"$kmend" verify --allow-unsigned --snapshot "$work/after" "$work/builtin.kmend"
echo 6.1.0-other >"$work/before/sys/kernel/osrelease"
refused "a snapshot of another kernel" KERNEL-OTHER "* is for kernel $(cat "$kit/release"), and 6.1.0-other is in the snapshot *" \
	"$kmend" verify --allow-unsigned --snapshot "$work/before" "$work/builtin.kmend"
finish
