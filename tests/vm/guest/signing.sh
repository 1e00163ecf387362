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
cp mok.key mok.pub /var/lib/dkms/
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
finish
