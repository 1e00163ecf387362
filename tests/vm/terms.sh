#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a pack's makers say of its use: until when, in what order, and that they take it back.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 jq
need_kernel
helper ktext
"$kmend" key generate --no-password "$work/maker" >"$work/err" 2>&1 || fail "no key: $(cat "$work/err")"
create_options="--key $work/maker --expires 2020-01-31"
update expired builtin
create_options="--key $work/maker --channel fixes --serial 7"
update seventh builtin
create_options="--key $work/maker --channel fixes --serial 6"
update sixth module
id=$("$kmend" inspect --json "$work/seventh.kmend" | jq -r .manifest.id)
run "$kmend" withdraw --key "$work/maker" -o "$work/list" "$id"
expect "a list is made: $said" 0 "$status"
guest terms.sh --timeout 600 --warn-is-crash --file "$work/maker.pub" --file "$work/list" --file "$work/list.minisig"
expect "status --json tells of what was withdrawn" "[[]\"$id\",true]" "$(json status '.updates[]|[.id,.withdrawn]')"
finish
