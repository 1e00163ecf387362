#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Updates on updates, in the kernel and in a module.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh
# The packets and the bytes that the module counted, read at once
sent()
{
	sed -n 's/^ *dummy0: *//p' /proc/net/dev | tr -s ' ' | cut -d' ' -f9,10
}

# Bytes that the module counts for each packet
packet_size()
{
	before=$(sent)
	ping -c 1 -W 1 -I dummy0 192.0.2.9 >/dev/null 2>&1
	after=$(sent)
	packets=$((${after#* } - ${before#* }))
	[ $packets -gt 0 ] && echo $(((${after% *} - ${before% *} + packets / 2) / packets))
}

start_dummy()
{
	modprobe dummy
	ip link set dummy0 up
	ip address add 192.0.2.1/24 dev dummy0
	arp -s 192.0.2.9 02:00:00:00:00:09
}

# How often /proc/cmdline says that it was shown
shown()
{
	cut -d' ' -f2 /proc/cmdline
}

first=$(id_of first) second=$(id_of second) third=$(id_of third) user=$(id_of user)
start_dummy
text_save vmlinux
for name in second user third; do
	refused "$name alone" ORDER "* was made on top of update $first, which is not applied: *" apply $name.kmend
	refused "verify of $name alone" ORDER "* was made on top of update $first, *" \
		kmend verify --allow-unsigned $name.kmend
done
refused "both in one command" ORDER "$second was made on top of update $first: *" apply first.kmend second.kmend
clean "refusals"

loop cat /proc/cmdline
loop ping -c 100 -A -q -I dummy0 192.0.2.9
works "apply of the first" "$first: applied *" apply first.kmend
expect "the first runs" "first [1-9]* [!s]*" "$(cat /proc/cmdline)"
expect "and in the module" 1 "$(packet_size)"
refused "one that is on top of nothing" FUNCTION-REPLACED "cmdline_proc_show is replaced already, by kmend_$first*" \
	apply builtin.kmend
refused "the third without the second" ORDER "$third was made on top of update $second, *" apply third.kmend
works "verify of the second" "fs/proc/cmdline.o in vmlinux: * 0 differ, 0 ambiguous
drivers/net/dummy.o in dummy: * 0 differ, 0 ambiguous
$second: proved against the running kernel in * ms" kmend verify --allow-unsigned second.kmend
works "snapshot with the first" "with-first: *" kmend snapshot -q with-first
works "apply of the second" "$second: applied *" apply second.kmend
expect "the second runs" "first [1-9]* second *" "$(cat /proc/cmdline)"
expect "and in the module" 2 "$(packet_size)"
before=$(shown)
expect "the counter goes on" yes "$([ "$(shown)" -gt "$before" ] && echo yes)"
expect "what the first said once is not said again" 1 "$(dmesg | grep -c 'first: cmdline_proc_show')"
works "verify with the snapshot" "*$second: proved against the snapshot with-first in * ms" \
	kmend verify --allow-unsigned --snapshot with-first second.kmend
refused "verify with the snapshot of what is not in it" ORDER "$third was made on top of update $second, *" \
	kmend verify --allow-unsigned --snapshot with-first third.kmend
works "apply of one that uses what the first brought" "$user: applied *" apply user.kmend
expect "it calls it" "*shows [1-9]*" "$(tail -n 1 /proc/version)"
works "apply of the third" "$third: applied *" apply third.kmend
before=$(shown)
expect "what the first brought is replaced" yes "$([ "$(shown)" -ge $((before + 100)) ] && echo yes)"
run kmend status -v
expect "status: status" 0 "$status"
expect "status tells what they are on top of" "*on top of $first*" "$said"
kmend status --json >/tmp/json
show onto /tmp/json
refused "undo of the first" ORDER "update * was made on top of update $first, *" kmend undo "$first"
refused "undo of the second" ORDER "update $third was made on top of update $second, *" kmend undo "$second"
echo 0 >"/sys/kernel/kmend/updates/$second/enabled" 2>/dev/null
expect "undo of the first without the program" "*is-stacked*" \
	"$(echo 0 >"/sys/kernel/kmend/updates/$first/enabled" 2>/dev/null; cat "/sys/kernel/kmend/updates/$first/blockers")"
echo 1 >"/sys/kernel/kmend/updates/$second/enabled" 2>/dev/null
works "undo of the third" "$third: undone, *" kmend undo "$third"
works "undo of the user" "$user: undone, *" kmend undo "$user"

# ---- the module goes, and comes back ----

loop_end
ip link del dummy0
works "the module goes" "" rmmod dummy
start_dummy
expect "the second is in when it is back" 2 "$(packet_size)"
run kmend status
expect "status with the module back: status" 0 "$status"

# ---- as if at boot: both are installed, and none is applied ----

disable "$second"
disable "$first"
expect "none runs" "[!f]*" "$(cat /proc/cmdline)"
works "boot applies them in their order" "$first: applied
$second: applied" kmend boot -q
expect "the second runs" "first [1-9]* second *" "$(cat /proc/cmdline)"
expect "and in the module" 2 "$(packet_size)"

# The first one, applied once more, comes after the second on the list.
as_at_boot()
{
	for id in "$second" "$first"; do
		[ "$(cat "/sys/kernel/kmend/updates/$id/state" 2>/dev/null)" != applied ] || disable "$id"
		echo "forget $id" >/sys/kernel/kmend/late
	done
	for module in $(lsmod | sed -n 's/^\(kmend_[^ ]*\) .*/\1/p'); do
		rmmod "$module" || expect "$module can be unloaded" yes no
	done
	rmmod kmend
	rm -rf /run/kmend
}
as_at_boot
works "apply of the first alone" "$first: applied *" apply first.kmend
expect "the order on the list" "$second $first" "$(kmend status | sed -n 's/^\([0-9a-f]\{16\}\)  .*/\1/p' | tr '\n' ' ' | sed 's/ $//')"
as_at_boot
kmend boot --settle --after 0
works "boot tries again what stands on a later one" "$first: applied
$second: applied" kmend boot -q
expect "the second runs" "first [1-9]* second *" "$(cat /proc/cmdline)"

# A crash soon after that boot: the next one does without them, the one after that as well.
as_at_boot
boot_id=/proc/sys/kernel/random/boot_id
echo another-boot >/tmp/boot-id
mount --bind /tmp/boot-id $boot_id
works "what a boot applied, and then crashed, is set aside" "$first: set aside: the machine went down *
$second: set aside: the machine went down *" kmend boot -q
echo the-next-boot >/tmp/boot-id
works "and not tried again" "" kmend boot -q
expect "none runs" "[!f]*" "$(cat /proc/cmdline)"
expect "status tells" 2 "$(kmend status | grep -c "^[0-9a-f]\{16\}  set-aside ")"
umount $boot_id
works "apply of the first by hand" "$first: applied *" apply first.kmend
works "apply of the second by hand" "$second: applied *" apply second.kmend

works "undo of the second" "$second: undone, *" kmend undo "$second"
expect "the first runs" "first [1-9]* [!s]*" "$(cat /proc/cmdline)"
expect "and in the module" 1 "$(packet_size)"
works "apply of the second again" "$second: applied *" apply second.kmend
works "apply of the user again" "$user: applied *" apply user.kmend
works "undo of all in one command, the lowest first" "$first: undone, *us
$user: undone, *us
$second: undone, *us*" kmend undo "$first" "$user" "$second"
expect "the kernel as it was" "[!f]*" "$(cat /proc/cmdline)"
text_same "undo" vmlinux
clean "undo"

# ---- what stays loaded holds what it stands on ----

keeper=$(id_of keeper)
works "apply of the first once more" "$first: applied *" apply first.kmend
works "apply of one whose function somebody may keep" "$keeper: applied *" apply keeper.kmend
expect "it runs" "keeps [0-9]*" "$(tail -n 1 /proc/version)"
works "undo of both in one command" "*$first: undone, *still loaded
$keeper: undone, *still loaded*" kmend undo "$first" "$keeper"
expect "both stay loaded" 2 "$(kmend status | grep -c "^[0-9a-f]\{16\}  loaded ")"
works "apply of the first that is loaded" "*$first: applied *" apply first.kmend
works "apply of the other that is loaded" "*$keeper: applied *" apply keeper.kmend
works "undo of both again" "*$first: undone, *still loaded*" kmend undo --all
as_at_boot
text_same "undo of what stays loaded" vmlinux
finish
