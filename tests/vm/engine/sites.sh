#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Others who change the same functions: kprobes, optimized ones, BPF programs, and kernel live patches.

# shellcheck source=tests/vm/engine/guest.sh
. ./guest.sh
tracing=/sys/kernel/tracing
mount -t debugfs none /sys/kernel/debug 2>/dev/null

load_engine
load cmdline cmdline_proc_show
load version version_proc_show
original=$(cat /proc/version)

# ---- an optimized probe behind the jump: threads run the copies of instructions that it made ----

# probe OFFSET: fails where no instruction begins
probe()
{
	echo "p:kmend_test cmdline_proc_show+$1" >$tracing/kprobe_events 2>/dev/null
}

# Leaves one that was optimized, if there can be.
probe_optimized()
{
	for offset in $(seq 10 60); do
		probe "$offset" || continue
		echo 1 >$tracing/events/kprobes/kmend_test/enable
		sleep 2
		! grep -q 'cmdline_proc_show.*OPTIMIZED' /sys/kernel/debug/kprobes/list || return 0
		echo 0 >$tracing/events/kprobes/kmend_test/enable
		echo >$tracing/kprobe_events
	done
	return 1
}

if probe_optimized; then
	expect "apply with an optimized probe in the old code" EBUSY "$(turn $cmdline 1)"
	expect "names the probe" "0 - cmdline_proc_show+0x* kprobe" "$(cat $sys/updates/$cmdline/blockers)"
	echo 0 >$tracing/events/kprobes/kmend_test/enable
	echo >$tracing/kprobe_events
	expect "apply without it" "done" "$(turn $cmdline 1)"
	expect "undo" "done" "$(turn $cmdline 0)"
else
	expect "a probe was optimized" "yes" "no"
fi

# ---- a BPF program at its beginning or at its end, which calls the function from a place of its own ----

# attach fentry|fexit FUNCTION
attach()
{
	mkfifo /tmp/ask /tmp/answer
	./fexit "$1" "$2" </tmp/ask >/tmp/answer &
	exec 7>/tmp/ask 8</tmp/answer
	read -r said <&8
	expect "$1: attached" ready "$said"
}

detach()
{
	exec 7>&- 8<&-
	wait
	rm /tmp/ask /tmp/answer
}

# check_bpf fentry|fexit
check_bpf()
{
	attach "$1" cmdline_proc_show
	cat /proc/cmdline >/dev/null
	expect "$1: apply" "done" "$(turn $cmdline 1)"
	expect "$1: the new code runs" "replaced once" "$(cat /proc/cmdline)"
	expect "$1: undo" "done" "$(turn $cmdline 0)"
	cat /proc/cmdline >/dev/null
	echo >&7
	read -r said <&8
	expect "$1: it ran with the old code and with the new" 3 "$said"
	detach
}

# check_asleep 1|0 FUNCTION: with a thread that such a place called and that sleeps in the function
check_asleep()
{
	sh -c 'echo $$ >/tmp/sleeper; echo 3000 >/proc/kmend_nap' &
	sleeper=$!
	until grep -q " $2+" /proc/$sleeper/stack; do
		kill -0 $sleeper || break
		sleep 0.05
	done
	expect "fexit, thread in $2: busy" EBUSY "$(turn $sleep "$1")"
	expect "fexit, thread in $2: it is named" "*$(cat /tmp/sleeper) sh $2+0x* stack*" \
		"$(cat $sys/updates/$sleep/blockers)"
	wait $sleeper
	expect "fexit, thread in $2: it slept through it" 1 "$(cat /proc/kmend_nap)"
	# Others may be in msleep() for a moment.
	ms=20000
	expect "fexit, thread in $2: later" "done" "$(switch "$([ "$1" = 1 ] && echo apply || echo undo)" $sleep)"
	ms=0
}

if [ -e /sys/kernel/btf/vmlinux ]; then
	echo 1 >/proc/sys/kernel/bpf_stats_enabled
	check_bpf fentry
	check_bpf fexit
	insmod modules/kmend_test_target.ko
	load sleep msleep
	attach fexit msleep
	check_asleep 1 msleep
	check_asleep 0 new_msleep
	detach
	expect "unload" "done" "$(unload sleep)"
	expect "unload" "done" "$(unload kmend_test_target)"
	echo 0 >/proc/sys/kernel/bpf_stats_enabled
fi

# ---- a kernel live patch of the function ----

live_patch()
{
	insmod modules/livepatched.ko
	wait_for_transition
}

live_unpatch()
{
	echo 0 >/sys/kernel/livepatch/livepatched/enabled
	wait_for_transition
	rmmod livepatched
}

wait_for_transition()
{
	n=0
	while [ $n -lt 100 ] && grep -qs 1 /sys/kernel/livepatch/livepatched/transition; do
		n=$((n + 1))
		sleep 0.1
	done
}

if [ -e modules/livepatched.ko ]; then
	live_patch
	expect "the live patch's code runs" "a live patch's version" "$(cat /proc/version)"
	expect "apply below a live patch" EBUSY "$(turn $version 1)"
	expect "names the place" "0 - version_proc_show+0x* redirected" "$(cat $sys/updates/$version/blockers)"
	expect "together with another" EBUSY "$(switch apply $cmdline $version)"
	expect "which is not switched" loaded "$(state $cmdline)"
	live_unpatch
	expect "the live patch is gone" "$original" "$(cat /proc/version)"
	expect "apply" "done" "$(turn $version 1)"
	expect "the new code runs" "another version" "$(cat /proc/version)"
	live_patch
	expect "a live patch that comes later wins" "a live patch's version" "$(cat /proc/version)"
	expect "undo below it" "done" "$(turn $version 0)"
	expect "apply below it" EBUSY "$(turn $version 1)"
	live_unpatch
	expect "the old code runs" "$original" "$(cat /proc/version)"
	expect "apply" "done" "$(turn $version 1)"
	live_patch
	live_unpatch
	expect "a live patch came and went: the new code runs" "another version" "$(cat /proc/version)"
	expect "undo" "done" "$(turn $version 0)"
fi

expect "unload" "done" "$(unload cmdline)"
expect "unload" "done" "$(unload version)"
finish
