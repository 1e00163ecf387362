#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a patch says shall happen to data: each example for authors, and each hook, with its failure.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 jq
need_kernel
case $(cat "$kit/release") in
6.1.*) ;;
*) skip "the examples are for Linux 6.1" ;;
esac
for example in default table field lock; do
	update "$example" "../../examples/authors/$example"
done
update hooks hooks
update overwrite overwrite
update shadow shadow
create="$kmend create -q --kernel $kit -o $work/none.kmend"
# shellcheck disable=SC2086 # several
{
	refused "a table that grows, which the kernel was given at boot" DATA-CHANGED \
		"*fs_pipe_sysctls*give the new one another name*" $create "$data/table.patch"
	refused "another value that stays" NOTHING-CHANGED "*" $create --accept data:pipe_max_size "$data/data.patch"
}
"$kmend" inspect --json "$work/hooks.kmend" >"$work/json"
expect "inspect --json tells the hooks" "20 kernel_pre_apply:pre_apply:fs/proc/version.o" "$(jq -r '
	[.manifest.targets[].hooks[]] | "\(length) \(map(select(.name == "kernel_pre_apply"))[0] | "\(.name):\(.kind):\(.object)")"
	' "$work/json")"
"$kmend" inspect --json "$work/default.kmend" >"$work/json"
expect "and the declarations" "overwrite:pipe_max_size:fs/pipe.o" \
	"$(jq -r '.manifest.targets[].declarations[] | "\(.kind):\(.name):\(.object)"' "$work/json")"
helper ktext
guest hooks.sh --cpus 2 --warn-is-crash
finish
