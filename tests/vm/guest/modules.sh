#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Updates to a module, to two files, to both, and several at once.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh
# Bytes that the module counts for each packet. One read tells both sums: others send packets meanwhile.
packet_size()
{
	{
		grep dummy0: /proc/net/dev
		ping -c 1 -W 1 -I dummy0 192.0.2.9 >/dev/null 2>&1
		sleep 1
		grep dummy0: /proc/net/dev
	} | sed 's/.*://' |
		awk '{ bytes = $9 - bytes; packets = $10 - packets } END { if (packets) printf "%d\n", bytes / packets + 0.5 }'
}

text_save vmlinux
module=$(id_of module)
modprobe dummy
ip link set dummy0 up
ip address add 192.0.2.1/24 dev dummy0
arp -s 192.0.2.9 02:00:00:00:00:09
text_save dummy
loop ping -c 100 -A -q -I dummy0 192.0.2.9
loop cat /proc/uptime /proc/loadavg /proc/cmdline
expect "the module counts bytes" "[1-9][0-9]*" "$(packet_size)"

works "apply to a module" "$module: applied *" apply module.kmend
expect "the module counts packets" 1 "$(packet_size)"
works "undo" "$module: undone, *" kmend undo "$module"
expect "the module counts bytes again" "[1-9][0-9]*" "$(packet_size)"
text_same "undo in a module" dummy
clean "undo in a module"

two=$(id_of two-files)
expect "before" "[0-9]*.*" "$(cat /proc/uptime)"
works "apply to two files" "$two: applied *" apply two-files.kmend
kmend status --json >/tmp/json
show two-files /tmp/json
expect "the first file" "replaced [0-9].*" "$(cat /proc/loadavg)"
first=$(cut -d' ' -f2 /proc/uptime)
second=$(cut -d' ' -f2 /proc/uptime)
expect "the second file, with its counter from 100 on: $first, $second" yes \
	"$([ "$first" -gt 100 ] && [ "$second" -gt "$first" ] && echo yes)"
works "undo in two files" "*$two: undone, *; still loaded" kmend undo "$two"
expect "the first file as it was" "[0-9]*.*" "$(cat /proc/loadavg)"
expect "the second file as it was" "[0-9]*.*" "$(cat /proc/uptime)"
text_same "undo in two files" vmlinux
works "apply what stayed loaded" "$two: applied *" apply two-files.kmend
expect "its counter goes on from $second" yes "$([ "$(cut -d' ' -f2 /proc/uptime)" -gt "$second" ] && echo yes)"
works "undo" "*$two: undone, *" kmend undo "$two"
stays "$two"
rmmod kmend
clean "undo in two files"

both=$(id_of both)
works "apply three patches in one update, to the kernel and to a module" "$both: applied *" apply both.kmend
expect "the kernel, changed by two patches" "replaced *twice" "$(cat /proc/cmdline)"
expect "the module" 1 "$(packet_size)"
refused "another update of the same function" FUNCTION-REPLACED "*cmdline_proc_show*" apply builtin.kmend
works "undo in both" "$both: undone, *" kmend undo "$both"
expect "the kernel as it was" "[!r]*" "$(cat /proc/cmdline)"
expect "the module as it was" "[1-9][0-9]*" "$(packet_size)"

export=$(id_of new-export)
works "apply a new function of the kernel that a module calls" "$export: applied *" apply new-export.kmend
expect "the module calls it" 7 "$(packet_size)"
works "undo" "$export: undone, *" kmend undo "$export"
expect "the module as it was" "[1-9][0-9]*" "$(packet_size)"
expect "both of its modules are gone" "" "$(lsmod | grep "kmend_$export")"

# ---- two modules of which one uses what the other owns ----

# What the new code said since it was asked before
controllers()
{
	dmesg -c | sed -n 's/.*replaced: //p' | sort -u
}
kvm_tests()
{
	svm=$(id_of svm)
	events=/sys/kernel/tracing/events/kvm
	modprobe kvm-amd
	text_save kvm
	text_save kvm_amd
	expect "the old code" "returned 4294966296, r15 0" "$(./kvm 4242)"
	works "apply to two modules" "$svm: applied *" apply svm.kmend
	echo 60 >/sys/module/kmend/parameters/late_seconds
	dmesg -c >/dev/null
	expect "both, and assembly without instrumentation" "returned 77, r15 0x4242" "$(./kvm 4242 irqchip)"
	expect "a static key of the other module, off" "an interrupt controller" "$(controllers)"
	expect "both" "returned 77, r15 0x4242" "$(./kvm 4242)"
	expect "the static key, on" "no interrupt controller" "$(controllers)"
	echo 1 >$events/kvm_hypercall/enable
	echo 1 >$events/kvm_entry/enable
	./kvm 4242 >/dev/null
	expect "a tracepoint of the module" "*nr 0x1092 *" "$(grep kvm_hypercall: /sys/kernel/tracing/trace)"
	expect "a tracepoint of the other module" "*vcpu 0*" "$(grep -m 1 kvm_entry: /sys/kernel/tracing/trace)"
	echo 0 >$events/enable
	echo >/sys/kernel/tracing/trace
	./kvm 4242 >/dev/null
	expect "tracepoints that were disabled again" 0 "$(grep -c kvm_ /sys/kernel/tracing/trace)"
	works "undo in two modules" "$svm: undone, *" kmend undo "$svm"
	expect "the old code" "returned 4294966296, r15 0" "$(./kvm 4242)"
	text_same "undo in two modules" kvm
	text_same "undo in two modules" kvm_amd

	# Static calls of the one lead into the other, which is somewhere else then.
	works "apply to two modules" "$svm: applied *" apply svm.kmend
	echo 60 >/sys/module/kmend/parameters/late_seconds
	expect "rmmod of one of them" "" "$(rmmod kvm_amd 2>&1)"
	expect "modprobe of one of them" "" "$(modprobe kvm-amd 2>&1)"
	dmesg -c >/dev/null
	expect "the new code in both" "returned 77, r15 0x4242" "$(./kvm 4242)"
	expect "the static key" "no interrupt controller" "$(controllers)"
	works "undo in two modules" "$svm: undone, *" kmend undo "$svm"
	expect "the old code" "returned 4294966296, r15 0" "$(./kvm 4242)"
	text_same "undo in two modules" kvm
	clean "undo in two modules"
	expect "rmmod of both" "" "$(rmmod kvm_amd kvm 2>&1)"
}
if grep -qw svm /proc/cpuinfo; then
	kvm_tests
else
	echo "not tried: the modules of KVM, as this CPU has no SVM"
fi

version=$(id_of version)
works "apply three packs" "$version: applied *$module: applied *$two: applied *" \
	apply version.kmend module.kmend two-files.kmend
expect "in one stop of the machine" 1 "$(cat /sys/kernel/kmend/updates/*/pause_ns | sort -u | wc -l)"
expect "the first" "*replaced" "$(cat /proc/version)"
expect "the second" 1 "$(packet_size)"
expect "the third" "replaced *" "$(cat /proc/uptime)"
run kmend status
expect "status of three" 0 "$status"
expect "status has a line for each" 3 "$(echo "$said" | grep -c "^[0-9a-f]\{16\}  applied ")"
run kmend undo ""
expect "undo by nothing" 1 "$status"
works "undo of the second of three" "$module: undone, *" kmend undo "$module"
expect "the third" "replaced *" "$(cat /proc/uptime)"
run apply version.kmend builtin.kmend
expect "packs of which one is applied: status" 1 "$status"
expect "none of them is applied" "[!r]*" "$(cat /proc/cmdline)"
expect "two updates are left" 2 "$(kmend status | grep -c "^[0-9a-f]\{16\}  applied ")"
works "undo of the rest" "*: undone, *: undone, *" kmend undo --all
run apply version.kmend version.kmend
expect "a pack twice: status" 2 "$status"
expect "a pack twice: what it says" "*version.kmend and version.kmend are the same update*" "$said"
loop_end
stays "$two"
rmmod kmend
clean "after all"
text_same "after all" vmlinux
text_same "after all" dummy
works "rmmod of the module" "" rmmod dummy
finish
