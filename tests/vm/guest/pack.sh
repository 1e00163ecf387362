#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What is no pack, a pack for another kernel, unsigned, or in the hands of somebody else than root.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh
release=$(uname -r)
text_save vmlinux

# bad WHAT CODE SENTENCE FILE: each command that reads a pack refuses it
bad()
{
	refused "inspect: $1" "$2" "$3" kmend inspect "$4"
	refused "verify: $1" "$2" "$3" kmend verify --allow-unsigned "$4"
	refused "apply: $1" "$2" "$3" apply "$4"
}

size=$(wc -c <builtin.kmend)
: >/tmp/empty
bad "an empty file" "PACK-*" "/tmp/empty*" /tmp/empty
echo "This is a text." >/tmp/text
bad "a text" "PACK-*" "/tmp/text*" /tmp/text
bad "a program" "PACK-*" "/bin/busybox*" /bin/busybox
dd if=/dev/urandom of=/tmp/noise bs=1000 count=20 2>/dev/null
bad "noise" "PACK-*" "/tmp/noise*" /tmp/noise
tar -c -C / init >/tmp/other.tar
bad "an archive" "PACK-*" "/tmp/other.tar*" /tmp/other.tar
for part in 1 10 50 90 99; do
	head -c $((size * part / 100)) builtin.kmend >/tmp/part
	bad "$part % of a pack" "PACK-*" "/tmp/part*" /tmp/part
done
head -c $((size - 1)) builtin.kmend >/tmp/part
bad "all but a byte of a pack" "PACK-*" "/tmp/part*" /tmp/part
for at in 0 5 40 2000 $((size / 2)) $((size - 3)); do
	cp builtin.kmend /tmp/flipped
	byte=$(hexdump -s "$at" -n 1 -e '1/1 "%d"' builtin.kmend)
	# shellcheck disable=SC2059 # an escape is meant
	printf "\\$(printf %o $((byte ^ 16)))" | dd of=/tmp/flipped bs=1 seek="$at" conv=notrunc 2>/dev/null
	run apply /tmp/flipped
	expect "a pack with byte $at changed: status" 1 "$status"
	expect "a pack with byte $at changed: what it says" "*kmend: refused [[]PACK-*]: /tmp/flipped*" "$said"
done
for what in inspect verify apply; do
	run kmend $what /tmp/absent
	expect "$what: no such file: status" 3 "$status"
	expect "$what: no such file" "*/tmp/absent*No such file or directory*" "$said"
	run kmend $what
	expect "$what without a pack: status" 2 "$status"
done
run kmend apply --allow-unsigned /tmp
expect "a folder: status" "[13]" "$status"
expect "a folder: what it says" "*kmend: */tmp*" "$said"
clean "what is no pack"

refused "verify: another kernel" KERNEL-OTHER "other.kmend is for kernel 6.*, and $release is running" \
	kmend verify --allow-unsigned other.kmend
refused "apply: another kernel" KERNEL-OTHER "other.kmend is for kernel 6.*, and $release is running" apply other.kmend
refused "apply: two packs, one for another kernel" KERNEL-OTHER "*" apply builtin.kmend other.kmend
clean "another kernel"

# ---- signatures ----

refused "verify: unsigned" SIGNATURE-MISSING "builtin.kmend: it is not signed*" kmend verify builtin.kmend
refused "apply: unsigned" SIGNATURE-MISSING "builtin.kmend: it is not signed*" kmend apply builtin.kmend
refused "apply: signed by somebody" SIGNATURE-UNKNOWN-KEY "signed.kmend: it is signed by the key *not in *" kmend apply signed.kmend
clean "not trusted"
works "key trust" "Key * is trusted." kmend key trust key.pub
works "verify: signed" "*: proved against *" kmend verify signed.kmend
works "apply: signed" "*: applied *" kmend apply -q signed.kmend
expect "the new code runs" "replaced *" "$(cat /proc/cmdline)"
works "status tells who signed" "*$(kmend key list | cut -d' ' -f1)*" kmend status
works "undo" "*: undone, *" kmend undo --all

# ---- not root ----

cp calls /tmp/
chmod 755 /tmp/calls
nobody()
{
	/tmp/calls nobody "$@"
}
expect "there is another user" 65534 "$(nobody id -u)"
cp builtin.kmend /tmp/readable.kmend
cp key.pub /tmp/
chmod 644 /tmp/readable.kmend /tmp/key.pub
mkdir /tmp/own
chown 65534 /tmp/own
cd /tmp || exit
refused "apply: not root" NOT-ROOT "only root may apply updates*" nobody kmend apply --allow-unsigned /tmp/readable.kmend
refused "dry run: not root" NOT-ROOT "only root may*" nobody kmend apply --dry-run --allow-unsigned /tmp/readable.kmend
refused "undo: not root" NOT-ROOT "only root may undo updates*" nobody kmend undo --all
refused "verify: not root" NOT-ROOT "*" nobody kmend verify --allow-unsigned /tmp/readable.kmend
refused "boot: not root" NOT-ROOT "only root may apply updates*" nobody kmend boot
refused "the end of the probation: not root" NOT-ROOT "only root may apply updates*" nobody kmend boot --settle
refused "snapshot: not root" NOT-ROOT "*" nobody kmend snapshot /tmp/theirs
refused "late: not root" NOT-ROOT "only root may load modules*" nobody kmend late load loop
refused "withdraw: not root" NOT-ROOT "only root may withdraw updates*" nobody kmend withdraw /tmp/readable.kmend
refused "key trust: not root" NOT-ROOT "only root may change which keys are trusted*" nobody kmend key trust /tmp/key.pub
key_id=$(kmend key list | cut -d' ' -f1)
refused "key revoke: not root" NOT-ROOT "only root may change which keys are trusted*" nobody kmend key revoke "$key_id"
works "key list: not root" "$key_id *" nobody kmend key list
works "key trust in a folder of one's own" "Key $key_id is trusted." \
	nobody env KMEND_TRUSTED=/tmp/own/trusted kmend key trust /tmp/key.pub
works "key revoke in a folder of one's own" "Key $key_id is no longer trusted." \
	nobody env KMEND_TRUSTED=/tmp/own/trusted kmend key revoke "$key_id"
works "inspect: not root" "update *" nobody kmend inspect /tmp/readable.kmend
run nobody kmend status
expect "status: not root: status" 1 "$status"
expect "status: not root: what it says" "*no update is installed" "$said"
apply /tmp/readable.kmend >/dev/null
run nobody kmend status
expect "status of one update: not root: status" 0 "$status"
expect "status of one update: not root: what it says" "* applied *" "$said"
refused "undo: not root" NOT-ROOT "only root may undo updates*" nobody kmend undo --all
expect "the new code runs" "replaced *" "$(cat /proc/cmdline)"
works "undo" "*: undone, *" kmend undo --all
cd /root || exit

# ---- modules that may not be loaded ----

echo 1 >/proc/sys/kernel/modules_disabled
refused "apply: no modules" MODULES-DISABLED "*modules_disabled*" apply builtin.kmend
text_same "nothing was changed" vmlinux
finish
