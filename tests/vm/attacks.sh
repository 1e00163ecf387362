#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Who makes packs that are not theirs, swaps files, owns folders, sets up surroundings; and an end at each step.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
need qemu-system-x86_64 zstd mke2fs
need_kernel
helper ktext
helper calls
helper steps
for key in maker enemy; do
	"$kmend" key generate --no-password "$work/$key" >"$work/out" 2>&1 || fail "no key: $(cat "$work/out")"
done
create_options="--key $work/maker --channel fixes --serial 7"
update good builtin
create_options="--key $work/enemy"
update enemy version
create_options=
update unsigned version
run "$kmend" withdraw --key "$work/maker" -o "$work/list" 0123456789abcdef
expect "a list is made: $said" 0 "$status"

# signature_at PACK: the block of its tar in which the signature is
signature_at()
{
	zstd -dqc "$1" | tar -tv | awk 'NR == 1 { print 2 + int(($3 + 511) / 512) }'
}

# The enemy's pack with the maker's signature, which is of the same length.
zstd -dqc "$work/good.kmend" >"$work/good.tar"
zstd -dqc "$work/enemy.kmend" >"$work/forged.tar"
dd if="$work/good.tar" of="$work/forged.tar" bs=512 count=1 skip="$(signature_at "$work/good.kmend")" \
	seek="$(signature_at "$work/enemy.kmend")" conv=notrunc 2>"$work/err" || fail "$(cat "$work/err")"
zstd -qc "$work/forged.tar" >"$work/forged.kmend"
run "$kmend" inspect "$work/forged.kmend"
expect "but for who signed it, it is a pack" 0 "$status"
# The maker's pack without its signature, which is a block after one with its name.
at=$(signature_at "$work/good.kmend")
{
	head -c $(((at - 1) * 512)) "$work/good.tar"
	tail -c +$(((at + 1) * 512 + 1)) "$work/good.tar"
} | zstd -qc >"$work/bare.kmend"
expect "without its signature it is the same update" "$("$kmend" inspect "$work/good.kmend" | head -n 1)" \
	"$("$kmend" inspect "$work/bare.kmend" | head -n 1)"

guest attacks.sh --timeout 900 --warn-is-crash --file "$work/steps" --file "$work/maker.pub" --file "$work/enemy.pub" \
	--file "$work/list" --file "$work/list.minisig"
mke2fs -q -t ext4 -b 1024 "$work/disk" 6M || fail "no disk"
guest steps.sh --timeout 1200 --warn-is-crash --file "$work/steps" --file "$work/maker.pub" --file "$work/disk"
finish
