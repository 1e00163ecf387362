#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# cpus.sh CHECK: an update's life on one model of CPU, which CHECK knows.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh

# No SMAP, no ERMS, and what is for several CPUs is taken out of the code.
old()
{
	expect "an old model" "*Westmere*" "$(grep '^model name' /proc/cpuinfo)"
	expect "without what newer ones have" "" "$(grep -owE 'smap|erms|avx' /proc/cpuinfo)"
	# Such a CPU has no random numbers: once there are some, the kernel switches a key.
	head -c 1 /dev/random >/tmp/random
	text_save vmlinux
	# In place of LOCK, in front of CMPXCHG.
	expect "its code is that for one CPU" "[1-9]*" "$(LC_ALL=C grep -ac "$(printf '\076\017\261')" /tmp/text.vmlinux)"
}

# The kernel's addresses begin where those of four levels cannot.
five_levels()
{
	echo 1 >/proc/sys/kernel/kptr_restrict
	expect "the kernel uses five levels" "*la57*" "$(grep -m1 '^flags' /proc/cpuinfo)"
	expect "its addresses are of five levels" "0xff[0-9a-e]*" "$(head -n 1 /proc/vmallocinfo)"
	text_save vmlinux
}

counted()
{
	expect "calls are counted" "Mitigation: Stuffing" "$(cat /sys/devices/system/cpu/vulnerabilities/retbleed)"
	# Once a module is loaded that calls a function, the code that counts its calls stays in front of it.
	works "apply for the first time" "*: applied *" apply update.kmend
	works "undo for the first time" "*: undone, *" kmend undo --all
	text_save vmlinux
}

case $1 in
old) old ;;
five_levels) five_levels ;;
counted) counted ;;
*) exit 1 ;;
esac
original=$(cat /proc/cmdline)
works "verify" "fs/dcache.o in vmlinux: * 0 differ, 0 ambiguous
fs/proc/cmdline.o in vmlinux: * 0 differ, 0 ambiguous
lib/strncpy_from_user.o in vmlinux: * 0 differ, 0 ambiguous
*: proved against the running kernel in * ms" kmend verify --allow-unsigned update.kmend
works "apply" "*: applied *" apply update.kmend
expect "the new code runs" "replaced $original" "$(cat /proc/cmdline)"
expect "and what every path runs through" "Invalid cross-device link" "$(./calls open 0xabcd)"
works "undo" "*: undone, *" kmend undo --all
expect "the old code runs" "$original" "$(cat /proc/cmdline)"
expect "and what every path runs through" "done" "$(./calls open 0xabcd)"
text_same "undo" vmlinux
finish
