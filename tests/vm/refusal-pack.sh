#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Packs that verify and apply must refuse, and what they say.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 jq zstd
need_kernel
helper ktext
helper calls
update builtin builtin
"$kmend" key generate --no-password "$work/key" >"$work/out" 2>&1 || fail "key generate: $(cat "$work/out")"
"$kmend" create -q --kernel "$kit" --key "$work/key" -o "$work/signed.kmend" "$data/builtin.patch" >"$work/out" 2>&1 ||
	fail "create --key: $(cat "$work/out")"

# For another kernel: all as it is, but for a digit of the release.
zstd -dqc "$work/builtin.kmend" | LC_ALL=C sed '0,/"release": *"/s/\("release": *"[0-9]*\.[0-9]*\.\)[0-9]/\19/' |
	zstd -qc >"$work/other.kmend"
expect "a pack for another kernel can be made" "?*9*" "$("$kmend" inspect --json "$work/other.kmend" |
	jq -r 'select(.manifest.release != "'"$(cat "$kit/release")"'").manifest.release')"

guest pack.sh --file "$work/key.pub" --warn-is-crash
guest lockdown.sh --append lockdown=confidentiality
finish
