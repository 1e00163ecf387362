#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Packs that verify and apply must refuse, and what they say.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 jq
need_kernel
update builtin builtin
"$kmend" key generate --no-password "$work/key" >"$work/out" 2>&1 || fail "key generate: $(cat "$work/out")"
"$kmend" create -q --kernel "$kit" --key "$work/key" -o "$work/signed.kmend" "$data/builtin.patch" >"$work/out" 2>&1 ||
	fail "create --key: $(cat "$work/out")"

# Another kernel: a pack that says so; its kit differs in nothing but its name.
mkdir "$work/kit"
cp -rs "$kit/." "$work/kit/"
rm "$work/kit/release" "$work/kit/version"
echo 6.99.0-1-cloud-amd64 >"$work/kit/release"
echo "#1 SMP" >"$work/kit/version"
"$kmend" create -q --kernel "$work/kit" --source "$kit/source.tar.xz" --headers "$kit/headers" --config "$kit/config" \
	-o "$work/other.kmend" "$data/builtin.patch" >"$work/out" 2>&1 || fail "create for another kernel: $(cat "$work/out")"

# Other source: the function that the patch changes is not the one that runs.
"$kmend" create -q --kernel "$kit" -o "$work/source.kmend" "$data/version.patch" >"$work/out" 2>&1
finish
