#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A kernel that takes only signed modules: `signing.sh CODE`, the code with which kmend tells that it knows no such key.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh
untrusted=$1
text_save vmlinux
works "verify" "*: proved against *" kmend verify --allow-unsigned builtin.kmend

# Without securityfs lockdown shows when the first module is refused.
refused "apply: no key" MODULE-SIGNATURE "*no key to sign with*mokutil --import /etc/kmend/module.crt*" apply builtin.kmend
clean "no key"
mount -t securityfs securityfs /sys/kernel/security
refused "dry run: no key" MODULE-SIGNATURE "*no key to sign with*" apply --dry-run builtin.kmend

mkdir -p /var/lib/dkms
cp mok.key /var/lib/dkms/
cp mok.crt /var/lib/dkms/mok.pub
chmod 666 /var/lib/dkms/mok.key
refused "apply: a key that everybody can write" KEY-INVALID "/var/lib/dkms/mok.key *" apply builtin.kmend
chmod 600 /var/lib/dkms/mok.key
works "dry run: a key" "*: could be applied *" apply --dry-run builtin.kmend
dmesg -c >/tmp/log
refused "apply: a key that the kernel does not know" "$untrusted" "*mokutil --import /var/lib/dkms/mok.pub*Enroll MOK*" \
	apply builtin.kmend
# The kernel looks for the key after it read the signature and found that it is one of this module: a wrong one it would
# refuse without a word about keys.
dmesg >/tmp/log
if [ "$untrusted" = MODULE-SIGNATURE ]; then
	expect "the kernel could read the signature" "*Loading of module with unavailable key is rejected*" "$(cat /tmp/log)"
	expect "it saw no unsigned module" "" "$(grep "unsigned module" /tmp/log)"
fi
text_same "nothing was changed" vmlinux

# With Secure Boot, which locks the kernel down by itself, its owner can have another key enrolled.
if [ -e enrolled.key ]; then
	expect "the kernel is locked down" "*[[]integrity]*" "$(cat /sys/kernel/security/lockdown)"
	mkdir -p /etc/kmend
	cp enrolled.key /etc/kmend/module.key
	cp enrolled.crt /etc/kmend/module.crt
	chmod 600 /etc/kmend/module.key
	works "apply: a key that is enrolled" "*: applied *" apply builtin.kmend
	expect "the new code runs" yes "$(runs_builtin)"
	expect "no module taints the kernel for its signature" 0 $(($(cat /proc/sys/kernel/tainted) & 8192))
	works "undo" "*: undone, *" kmend undo --all
	expect "the old code runs" no "$(runs_builtin)"
	text_same "at the end" vmlinux
fi
finish
