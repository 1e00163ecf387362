#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# An apply and an undo that are killed before each of their steps, and the power going there: nothing is half done.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh
good=$(id_of good)
state=/var/lib/kmend
boot_id=/proc/sys/kernel/random/boot_id
text_save vmlinux

# What is installed is on a disk whose content only a sync changes: nothing else writes to it.
echo 0 >/proc/sys/vm/dirty_writeback_centisecs
modprobe loop
cp disk /tmp/blank
mkdir -p $state
# use IMAGE: a disk with this content
use()
{
	cp "$1" /tmp/disk
	mount -t ext4 -o loop,commit=900 /tmp/disk $state || expect "a disk is there" yes no
}

# look: sets now to the state of the update, as status has it, and what runs
look()
{
	run kmend status
	expect "$1: status" "[012]" "$status"
	now=$(echo "$said" | sed -n "s/^$good  \([a-z-]*\) .*/\1/p"):$(runs_builtin)
}

# Where it is installed, so is its pack; and nothing lies beside.
whole()
{
	kept=$(ls -A $state/packs 2>/dev/null)
	case $now in
	:*) expect "$1: nothing is there" "" "$kept" ;;
	*)
		expect "$1: its pack is there" "$good.kmend" "$kept"
		expect "$1: it is the pack" "" "$(cmp good.kmend "$state/packs/$good.kmend" 2>&1)"
		;;
	esac
	expect "$1: nothing lies beside" "" "$(find $state -name '.kmend-*')"
}

# What was switched is installed by whatever comes next.
installed()
{
	expect "$at: it is installed" yes "$(listed && echo yes)"
}

listed()
{
	grep -qs "$good" $state/installed.json
}

undone()
{
	kmend undo -q --all >/dev/null 2>&1
	look "$1, undo"
	expect "$1, undo: it is wholly without" :no "$now"
	whole "$1, undo"
}

# What the disk in this file has, but for the names and times that differ each time.
content()
{
	mount -t ext4 -o loop "$1" /mnt && (cd /mnt && find . -type f -exec stat -c "%n %s" {} + | sed 's/kmend-[0-9a-f]*/rest/' | sort)
	umount /mnt
}

# The next boot after the power went and left this content of the disk.
next_boot()
{
	umount $state || expect "$1: the disk can be changed" yes no
	use "$2"
	rm -rf /run/kmend
	echo another-boot >/tmp/boot-id
	mount --bind /tmp/boot-id $boot_id
	# As on a machine without systemd: nothing around it tells anything.
	run env -i "$(command -v kmend)" boot
	expect "$1: boot" 0 "$status"
	look "$1"
	boots="${boots:-} $now"
	expect "$1: it is wholly with or without: $now" yes "$(case $now in :no | set-aside:no | applied:yes) echo yes ;; esac)"
	whole "$1"
	undone "$1"
	umount $boot_id
}

# each WHAT BEFORE COMMAND...: for each step of a command, with BEFORE run before it
each()
{
	command=$1 before=$2
	shift 2
	boots='' cuts=0 halves=0
	for n in $(seq 1 200); do
		use /tmp/blank
		rm -rf /run/kmend
		$before || expect "$command, $n: what comes before it" works fails
		sync
		cp /tmp/disk /tmp/cut
		./steps "$n" "cp /tmp/disk /tmp/cut" "$@" >/tmp/said 2>&1
		ended=$?
		[ $ended = 99 ] || break
		at="$command, killed before step $n"
		look "$at"
		expect "$at: it is wholly with or without: $now" yes \
			"$(case $now in :no | applied:yes | pending:no | loaded:no) echo yes ;; esac)"
		was=$now next=$((n % 3))
		# Undone, and not off the list: neither of these takes it for something to apply.
		if [ "$now" != applied:yes ] && listed; then
			halves=$((halves + 1)) next=$((halves % 2 * 2))
		fi
		case $next in
		0) works "$at: boot" "*" kmend boot ;;
		2) works "$at: the end of the probation" "" kmend boot --settle --after 0 ;;
		1)
			run kmend apply -q good.kmend
			expect "$at: apply: $said" yes "$(case $status$said in 0*": applied "* | 1*"[ALREADY-APPLIED]"*) echo yes ;; esac)"
			expect "$at: the new code runs" yes "$(runs_builtin)"
			;;
		esac
		[ "$was" != applied:yes ] || installed
		if [ "$command" = undo ] && [ "$was" != applied:yes ] && [ $next != 1 ]; then
			expect "$at: it is not installed any more" no "$(listed && echo yes || echo no)"
			expect "$at: the old code runs" no "$(runs_builtin)"
		fi
		undone "$at"
		clean "$at"
		# Many steps change nothing that is on the disk.
		content /tmp/cut >/tmp/content
		if ! cmp -s /tmp/content /tmp/last; then
			next_boot "$command, the power gone before step $n" /tmp/cut
			mv /tmp/content /tmp/last
			cuts=$((cuts + 1))
		fi
		umount $state
	done
	expect "$command: it ended well after $((n - 1)) steps: $(cat /tmp/said)" 0 "$ended"
	expect "$command: there were some" yes "$([ "$n" -gt 8 ] && [ $cuts -gt 1 ] && echo yes)"
	echo "$command: what $cuts boots after a cut came to:$boots"
	kmend undo -q --all >/dev/null 2>&1
	umount $state
}

# shellcheck disable=SC2317 # called by each
settled()
{
	kmend apply -q good.kmend >/dev/null && rm "$state/probation.json"
}

use /tmp/blank
kmend key trust maker.pub >/dev/null
umount $state
: >/tmp/last
each apply true kmend apply -q good.kmend
expect "some were without, some were set aside" yes "$(case $boots in *" :no"*" set-aside:no"*) echo yes ;; esac)"
: >/tmp/last
each undo settled kmend undo -q "$good"
expect "it was killed between the switch and the list: $halves times" yes "$([ $halves -gt 1 ] && echo yes)"
expect "some were with, some without" yes "$(case $boots in *" applied:yes"*" :no"*) echo yes ;; esac)"
text_same "killed at each step" vmlinux

# Whom the machine trusts is on the disk once it is said.
state=/etc/kmend
use /tmp/blank
on_disk()
{
	cp /tmp/disk /tmp/cut
	mount -t ext4 -o loop /tmp/cut /mnt
	ls /mnt/trusted
	umount /mnt
}
kmend key trust maker.pub >/dev/null
key=$(kmend key list | cut -d' ' -f1)
expect "the key is on the disk" "$key.pub" "$(on_disk)"
kmend key revoke "$key" >/dev/null
expect "the key is off the disk" "" "$(on_disk)"
umount $state
finish
