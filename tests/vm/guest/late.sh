#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Modules that load later; each init of dummy makes dummy0 by dummy_setup, which the update makes set the MTU 1234.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh
mtu()
{
	cat /sys/class/net/dummy0/mtu
}

# Guests without KVM can be slow.
patient()
{
	echo 120 >/sys/module/kmend/parameters/late_seconds
}

# updates: how many of the update's modules are loaded
parts()
{
	lsmod | grep -c "^kmend_$1"
}

late=$(id_of late)
module=$(id_of module)
two=$(id_of two)
text_save vmlinux
modprobe dummy
expect "before" 1500 "$(mtu)"
text_save dummy
rmmod dummy

works "apply with the module absent" "$late: applied *dummy is not loaded: it is switched when it loads*" apply late.kmend
patient
works "status" "*$late  applied *dummy is not loaded*" kmend status
kmend status --json >/tmp/json
show awaited /tmp/json
refused "verify" MODULE-MISSING "the module dummy, *" kmend verify --allow-unsigned late.kmend
run rmmod kmend
expect "rmmod of the engine" 1 "$status"
for i in 1 2 3 4 5 6 7 8 9 10; do
	expect "modprobe $i" "" "$(modprobe dummy 2>&1)"
	expect "its init ran new code" 1234 "$(mtu)"
	expect "the part is loaded" 1 "$(parts "$late")"
	[ $i != 5 ] || kmend status --json >/tmp/json
	expect "rmmod $i" "" "$(rmmod dummy 2>&1)"
	expect "the part is gone" 0 "$(parts "$late")"
done
show switched /tmp/json
works "undo while it is awaited" "$late: undone, *" kmend undo "$late"
clean "undo while it is awaited"
modprobe dummy
expect "the old code runs" 1500 "$(mtu)"

# It is there at apply, goes, and comes.
works "apply with the module there" "$late: applied *" apply late.kmend
patient
expect "rmmod of what an update changes" "" "$(rmmod dummy 2>&1)"
expect "the part is gone" 0 "$(parts "$late")"
modprobe dummy
expect "its init ran new code" 1234 "$(mtu)"
text_save dummy
works "another update of the same module" "$module: applied *" apply module.kmend
works "undo while it is loaded" "$late: undone, *" kmend undo "$late"
works "its text is what it was" "*$late: proved against the running kernel *" kmend verify --allow-unsigned late.kmend
works "status" "*$module *" kmend status
rmmod dummy
modprobe dummy
expect "the old code runs" 1500 "$(mtu)"
expect "the other update is in" 1 "$(parts "$module")"
works "undo" "$module: undone, *" kmend undo "$module"
text_save dummy
works "apply of two that share a module" "*applied *applied *" apply late.kmend module.kmend
patient
rmmod dummy
modprobe dummy
expect "the one" 1234 "$(mtu)"
expect "both are in" "1 1" "$(parts "$late") $(parts "$module")"
rmmod dummy
refused "an update of a function of a module that is not loaded, which is replaced" FUNCTION-REPLACED \
	"update * replaces *, too, *" apply same.kmend
works "undo after rmmod" "*undone, *undone, *" kmend undo --all
clean "undo after rmmod"

# A module that fails or is not what was compiled
works "apply" "$late: applied *" apply late.kmend
patient
run insmod other.ko
expect "a module that is not what was compiled: status" "[!0]*" "$status"
expect "it is not let in" "" "$(lsmod | grep '^dummy')"
expect "no part is left" 0 "$(parts "$late")"
expect "the log tells why" "*kmend: $late: dummy: [[]FUNCTION-DIFFERS] *" "$(dmesg | grep "kmend: $late: dummy")"
expect "and that" "*module dummy is not let in*" "$(dmesg | grep "is not let in")"
works "status tells why" "*dummy could not be switched when it was loaded: [[]FUNCTION-DIFFERS] *" kmend status
modprobe dummy
expect "the right one" 1234 "$(mtu)"
expect "status forgets" "" "$(kmend status | grep 'could not')"
rmmod dummy
expect "a module with wrong parameters" "*nvalid*" "$(modprobe dummy numdummies=x 2>&1; dmesg | tail -n 4)"
expect "no part is left" 0 "$(parts "$late")"

# Nobody answers.
echo /nowhere/kmend >/sys/module/kmend/parameters/helper
run modprobe dummy
expect "without the program: status" 1 "$status"
expect "it is not let in" "" "$(lsmod | grep '^dummy')"
printf '#!/bin/sh\nsleep 60\n' >/tmp/sleeper
chmod +x /tmp/sleeper
echo /tmp/sleeper >/sys/module/kmend/parameters/helper
echo 2 >/sys/module/kmend/parameters/late_seconds
run modprobe dummy
expect "after the deadline: status" 1 "$status"
echo Y >/sys/module/kmend/parameters/late_unfixed
expect "where unfixed modules are let in" "" "$(modprobe dummy 2>&1)"
expect "the old code runs" 1500 "$(mtu)"
run kmend status
expect "status: a module runs without the update" 2 "$status"
expect "and says so" "*dummy runs without the update*" "$said"
works "undo while it runs so" "$late: undone, *" kmend undo "$late"
rm /tmp/sleeper
rmmod dummy
clean "undo of an unfixed one"

# A race: apply and undo while the module comes and goes
loop sh -c 'modprobe dummy; rmmod dummy'
for i in 1 2 3 4 5 6; do
	run apply late.kmend
	case $status:$said in
	0:* | 1:*MODULE-MOVED*) expect "apply while it comes and goes" 1 1 ;;
	*) expect "apply while it comes and goes" "0 or MODULE-MOVED" "$status $said" ;;
	esac
	[ ! -d /sys/module/kmend ] || patient
	works "undo while it comes and goes" "*" kmend undo --all
done
loop_end
sleep 2
rmmod dummy 2>/dev/null
clean "after the race"

# The kernel and two modules, one of which calls what it exports itself
kmend apply -q --allow-unsigned --json two.kmend >/tmp/json
expect "apply with two modules absent" 0 $?
show two /tmp/json
patient
expect "the kernel's part is in" "replaced *" "$(cat /proc/cmdline)"
modprobe dummy
expect "one module" 1234 "$(mtu)"
expect "two parts" 2 "$(parts "$two")"
expect "the other one, which exports what it needs" "" "$(modprobe nf_nat 2>&1)"
expect "three parts" 3 "$(parts "$two")"
expect "the other one goes" "" "$(rmmod nf_nat 2>&1)"
expect "and comes" "" "$(modprobe nf_nat 2>&1)"
expect "three parts" 3 "$(parts "$two")"
works "undo" "$two: undone, *" kmend undo "$two"
text_same "undo of three parts" vmlinux
clean "undo of three parts"
rmmod dummy

# What the module's part needs is in the kernel's.
export=$(id_of new-export)
works "a module's part that calls a new function of the kernel" "$export: applied *" apply new-export.kmend
patient
modprobe dummy
expect "both parts" 2 "$(parts "$export")"
works "undo" "$export: undone, *" kmend undo "$export"
modprobe dummy
rmmod dummy
text_same "after all" vmlinux
finish
