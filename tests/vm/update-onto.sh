#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Updates on updates: of the same functions, of what an earlier one brought, and using it.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 jq
need_kernel
update first onto-first
update builtin builtin
first=$work/first.kmend
create_options="--onto $first"
update second onto-second
update user onto-user
update keeper onto-keeper
create_options="--onto $first --onto $work/second.kmend"
update third onto-third
create_options=
run "$kmend" create -q --kernel "$kit" --onto "$work/second.kmend" -o "$work/x.kmend" "$data/onto-third.patch"
expect "create on top of one that is on top of another: status" 2 "$status"
expect "what it says" "*second.kmend was made on top of update *: --onto that pack before it*" "$said"
refused "a patch on top of nothing" PATCH-REJECTED "*" \
	"$kmend" create -q --kernel "$kit" -o "$work/x.kmend" "$data/onto-second.patch"
expect "inspect tells what it is on top of" "$("$kmend" inspect --json "$first" | jq -r .manifest.id)" \
	"$("$kmend" inspect --json "$work/second.kmend" | jq -r '.manifest.onto|join(" ")')"
expect "what was before is replaced alone" "count_shows" \
	"$("$kmend" inspect --json "$work/third.kmend" | jq -r '[.manifest.targets[].functions[].name]|join(" ")')"
helper ktext
guest onto.sh --cpus 2 --warn-is-crash
expect "status --json" 3 "$(json onto '[.updates[]|select(.onto|length>0)]|length')"
finish
