#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A kernel that shows its memory to nobody.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh
mount -t securityfs securityfs /sys/kernel/security
expect "the kernel is locked down" "*[[]confidentiality]*" "$(cat /sys/kernel/security/lockdown)"
refused "verify" KCORE-LOCKDOWN "*lockdown=integrity*" kmend verify --allow-unsigned builtin.kmend
refused "apply" KCORE-LOCKDOWN "*lockdown=integrity*" apply builtin.kmend
refused "snapshot" KCORE-LOCKDOWN "*lockdown=integrity*" kmend snapshot /tmp/snapshot
expect "nothing was made" "" "$(ls -d /tmp/snapshot* 2>/dev/null)"
finish
