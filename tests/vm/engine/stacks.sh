#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Threads that are in the code, and code that runs while it is written.

# shellcheck source=tests/vm/engine/guest.sh
. ./guest.sh
tracing=/sys/kernel/tracing

load_engine
insmod modules/kmend_test_target.ko
load nap target_nap
load count target_count

# asleep PID FUNCTION: waits till the thread sleeps in what the function calls
asleep()
{
	until [ "$(cut -d ' ' -f 3 /proc/"$1"/stat)" = D ] && grep -q " $2+" /proc/"$1"/stack; do
		kill -0 "$1" || return
		sleep 0.05
	done
}

# start_nap [MS]: starts a nap of 3 s; the pid of the shell that takes it is in /tmp/napper
start_nap()
{
	sh -c 'echo $$ >/tmp/napper; echo "$0" >/proc/kmend_nap' "${1:-3000}" &
	napper=$!
	asleep $napper nap_write
}

# check_blocked WHAT 1|0 FUNCTION WHERE
check_blocked()
{
	start_nap
	expect "$1: busy" EBUSY "$(turn $nap "$2")"
	expect "$1: the thread is named" "$(cat /tmp/napper) sh $3+0x* $4" \
		"$(cat $sys/updates/$nap/blockers)"
	wait $napper
	expect "$1: later" "done" "$(turn $nap "$2")"
	expect "$1: no blockers any more" "" "$(cat $sys/updates/$nap/blockers)"
}

check_blocked "apply, thread in the old code" 1 target_nap stack
check_blocked "undo, thread in the new code" 0 new_target_nap stack

# leave WANTED 1|0 WHAT ADDRESS OFFSET: apply or undo while a thread sleeps with that on its stack
leave()
{
	echo "4000 $4 $5 0" >/proc/kmend_left &
	left=$!
	asleep $left left_write
	expect "$3" "$1" "$(turn $nap "$2")"
	expect "the thread sleeps on" 0 "$(kill -0 $left; echo $?)"
	kill $left
	wait $left
}
leave "done" 1 "apply, an address that an earlier call left" "$(./bind -a target_nap)" 6
leave EBUSY 0 "undo, where a function begins" "$(./bind -a new_target_nap)" 0
leave EBUSY 0 "undo, in data" "$(cat /sys/module/nap/sections/.data)" 6
leave "done" 0 "undo, an address that an earlier call left" "$(./bind -a new_target_nap)" 6

# What a program has in its registers is none of the kernel's.
./bind -r target_nap 6 &
spinner=$!
sleep 1
ms=20000
expect "apply, an address in a program's registers" "done" "$(switch apply $nap)"
kill $spinner
wait $spinner
./bind -r new_target_nap 0 &
spinner=$!
sleep 1
expect "undo, where a function begins in a program's registers" "done" "$(switch undo $nap)"
ms=0
kill $spinner
wait $spinner

# More than a file has room for: there the rest is counted.
naps=
for _ in $(seq 70); do
	(echo 15000 >/proc/kmend_nap) &
	naps="$naps $!"
done
for _ in $(seq 30); do
	[ "$(cat /proc/[0-9]*/stack 2>/dev/null | grep -c ' nap_write+')" -lt 70 ] || break
	sleep 0.1
done
expect "many threads in the code" EBUSY "$(turn $nap 1)"
cat $sys/updates/$nap/blockers >/tmp/blockers
expect "at least 50 are named" yes "$([ "$(grep -c ' target_nap+.* stack' /tmp/blockers)" -ge 50 ] && echo yes)"
expect "none twice" "" "$(cut -d' ' -f1 /tmp/blockers | sort | uniq -d)"
expect "the others are counted" 70 "$(awk '$4 == "more" { n += $3 - 1 } END { print n + NR }' /tmp/blockers)"
# shellcheck disable=SC2086 # several
wait $naps
expect "later" "done" "$(turn $nap 1)"
expect "undo" "done" "$(turn $nap 0)"

start_nap
expect "of two, one is busy" EBUSY "$(switch apply $count $nap)"
expect "the other is not switched" loaded "$(state $count)"
expect "and has no blockers" "" "$(cat $sys/updates/$count/blockers)"
wait $napper

# With time, the engine waits for what cannot be moved.
start_nap
ms=60000
expect "apply, with time" "done" "$(switch apply $nap)"
expect "it tried several times" "yes" "$([ "$(cat /tmp/tries)" -gt 1 ] && echo yes)"
start_nap
expect "undo, with time" "done" "$(switch undo $nap)"
# While it waits, it holds nothing up.
./bind modules/version.ko /tmp/version.ko version_proc_show
# A kernel that looks for mistakes takes its time.
long=12000
[ ! -e /proc/lockdep_stats ] || long=40000
start_nap $long
(switch apply $nap >/tmp/said) &
waiter=$!
until grep -q 'running [1-9]' $sys/outcome || [ -s /tmp/said ]; do
	sleep 0.05
done
expect "while it waits, that can be seen" "running [1-9]*" "$(cat $sys/outcome)"
expect "and the state" loaded "$(state $nap)"
expect "nothing else is switched" EAGAIN "$(turn $count 1)"
insmod /tmp/version.ko
expect "other updates come and go" "done" "$(unload version)"
expect "meanwhile it waited" "running [1-9]*" "$(cat $sys/outcome)"
wait $waiter
expect "apply, after all that" "done" "$(cat /tmp/said)"
expect "undo" "done" "$(turn $nap 0)"
wait $napper
start_nap
ms=300
expect "apply, with too little" EBUSY "$(switch apply $nap)"
expect "the thread is named" "$(cat /tmp/napper) sh target_nap+0x* stack" "$(cat $sys/updates/$nap/blockers)"
expect "nothing changed" loaded "$(state $nap)"
wait $napper
ms=0

# The return address is not on the stack
echo 'r:kmend_test msleep' >$tracing/kprobe_events
echo 1 >$tracing/events/kprobes/kmend_test/enable
check_blocked "apply, kretprobe" 1 target_nap kretprobe
check_blocked "undo, kretprobe" 0 new_target_nap kretprobe
echo 0 >$tracing/events/kprobes/kmend_test/enable
# Who is in such a function and runs, with addresses on its stack that an earlier call left
echo 'r:kmend_test target_spin' >$tracing/kprobe_events
echo 1 >$tracing/events/kprobes/kmend_test/enable
echo "4000 $(./bind -a target_nap) 6 1" >/proc/kmend_left &
left=$!
sleep 0.5
ms=20000
expect "apply, kretprobe of one that runs" "done" "$(switch apply $nap)"
wait $left
expect "undo" "done" "$(switch undo $nap)"
ms=0
echo 0 >$tracing/events/kprobes/kmend_test/enable
echo >$tracing/kprobe_events

# Threads that were preempted in the code
load spin target_spin
mount -t debugfs none /sys/kernel/debug 2>/dev/null
preempt=/sys/kernel/debug/sched/preempt
before=$(sed -n 's/.*(\(.*\)).*/\1/p' $preempt)
echo full >$preempt
ms=20000
expect "apply" "done" "$(switch apply $spin)"
ms=0
echo "300000 0 0 1" >/proc/kmend_left &
left=$!
sleep 0.5
seen=no
# Where it was seen outside, it may be in the old code when that shall be replaced once more.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
	ms=20000
	[ "$(state $spin)" = applied ] || expect "apply, once more" "done" "$(switch apply $spin)"
	ms=0
	said="$(switch undo $spin) $(cat $sys/updates/$spin/blockers)"
	case $said in
	EBUSY*new_target_spin+0x*)
		seen=yes
		break
		;;
	esac
done
expect "undo, thread preempted in the new code: it is seen: $said" yes $seen
kill $left
wait $left
ms=20000
[ "$(state $spin)" = loaded ] || expect "undo, when it is out" "done" "$(switch undo $spin)"
echo "$before" >$preempt

# A thread of the kernel's is woken out of it.
load rest target_rest
expect "apply, a thread of the kernel's sleeps in it" "done" "$(switch apply $rest)"
expect "undo, it sleeps in the new code" "done" "$(switch undo $rest)"
ms=0

echo msleep >$tracing/set_ftrace_filter
echo function_graph >$tracing/current_tracer
check_blocked "apply, function graph" 1 target_nap function-graph
check_blocked "undo, function graph" 0 new_target_nap function-graph
echo nop >$tracing/current_tracer
echo >$tracing/set_ftrace_filter

# Three writes a switch; from the first on whoever runs it gets the new code, until all is undone.
cat /proc/kmend_count >/dev/null
expect "apply" "done" "$(turn $count 1)"
expect "run while written" "2:122" "$(cat /proc/kmend_count)"
expect "undo" "done" "$(turn $count 0)"
expect "run while undone" "1:222" "$(cat /proc/kmend_count)"

# Interrupts, and NMIs while it is written: with the breakpoint in place they run the new code.
load visit target_visit
cat /proc/kmend_visits >/dev/null
expect "apply" "done" "$(turn $visit 1)"
expect "interrupts after it, NMIs in it" "interrupts 0 [1-9]* NMIs * [1-9]*" "$(cat /proc/kmend_visits)"
expect "undo" "done" "$(turn $visit 0)"
expect "interrupts after the undo, NMIs in it" "interrupts [1-9]* 0 NMIs * [1-9]*" "$(cat /proc/kmend_visits)"

# Interrupts at any time, and threads that begin and end
while [ ! -e /tmp/stop ]; do
	cat /proc/kmend_visits
done >/dev/null &
while [ ! -e /tmp/stop ]; do
	/bin/true
done &
n=0
ms=20000
while [ $n -lt 10 ]; do
	[ "$(switch apply $visit)" = "done" ] || break
	[ "$(switch undo $visit)" = "done" ] || break
	n=$((n + 1))
done
ms=0
expect "again and again" 10 $n
touch /tmp/stop
wait

for module in rest spin visit nap count kmend_test_target; do
	expect "unload $module" "done" "$(unload $module)"
done
finish
