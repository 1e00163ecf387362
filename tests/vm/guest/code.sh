#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Code that sleeps, and code that holds tracepoints, messages printed once and debug messages, and more of that kind.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh
tracing=/sys/kernel/tracing
# How often the kernel said it
said_times()
{
	dmesg | grep -c "$1"
}

# Waits until the thread $1 sleeps in the opening of a pipe.
wait_for_sleep()
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		grep -q fifo_open "/proc/$1/stack" && return
		sleep 1
	done
	expect "thread $1 sleeps" "*fifo_open*" "$(cat "/proc/$1/stack")"
}

text_save vmlinux
mkfifo /tmp/pipe

refused "a function that begins with a jump label" JUMP-BLOCKED "*housekeeping_test_cpu*" apply rewritten.kmend
clean "a function that begins with a jump label"
text_same "a function that begins with a jump label" vmlinux

# ---- threads that sleep in what is replaced ----

fifo=$(id_of fifo)
cat /tmp/pipe >/tmp/got &
reader=$!
wait_for_sleep $reader
refused "apply with a thread inside the old code" BLOCKED "*$reader*cat*fifo_open*" apply --timeout 0 fifo.kmend
clean "blocked"
text_same "blocked" vmlinux
expect "the thread goes on as before" 0 "$(said_times 'replaced: a pipe')"
echo one >/tmp/pipe
wait $reader
expect "the thread got its data" one "$(cat /tmp/got)"
works "apply without it" "$fifo: applied *" apply fifo.kmend
before=$(said_times 'replaced: a pipe')
cat /tmp/pipe >/tmp/got &
reader=$!
wait_for_sleep $reader
expect "the new code runs" $((before + 1)) "$(said_times 'replaced: a pipe')"
refused "undo with a thread inside the new code" BLOCKED "*$reader*cat*fifo_open*" kmend undo --timeout 0 "$fifo"
run kmend status -v
expect "status after it: status" 0 "$status"
expect "status names the thread" "*in the way: thread $reader (cat): *fifo_open*" "$said"
kmend undo --timeout 20 "$fifo" >/tmp/undo 2>&1 &
undo=$!
sleep 2
echo two >/tmp/pipe
wait $undo
expect "undo waits for the thread" 0 $?
expect "what it says" "*$fifo: undone, *" "$(cat /tmp/undo)"
wait $reader
expect "the thread got its data" two "$(cat /tmp/got)"
text_same "undo" vmlinux

# ---- a tracepoint, which holds a static key and a static call ----

loop ./calls itimer 100
itimer=$(id_of itimer)
expect "before" "done" "$(./calls itimer 4242)"
works "apply" "$itimer: applied *" apply itimer.kmend
expect "the new code runs" "Numerical result out of range" "$(./calls itimer 4242)"
expect "and does the rest" "done" "$(./calls itimer 77)"
echo 1 >$tracing/events/timer/itimer_state/enable
./calls itimer 77 >/dev/null
expect "a tracepoint enabled later is hit" "*it_value=77.*" "$(grep it_value=77 $tracing/trace | head -n 1)"
echo 0 >$tracing/events/timer/itimer_state/enable
echo >$tracing/trace
./calls itimer 88 >/dev/null
expect "and one disabled again is not" "" "$(grep it_value=88 $tracing/trace)"
echo 1 >$tracing/events/timer/itimer_state/enable
works "undo while it is enabled" "$itimer: undone, *" kmend undo "$itimer"
./calls itimer 99 >/dev/null
expect "the old code hits it" "*it_value=99.*" "$(grep it_value=99 $tracing/trace | head -n 1)"
works "apply while it is enabled" "$itimer: applied *" apply itimer.kmend
./calls itimer 66 >/dev/null
expect "the new code hits it" "*it_value=66.*" "$(grep it_value=66 $tracing/trace | head -n 1)"
works "undo" "$itimer: undone, *" kmend undo "$itimer"
echo 0 >$tracing/events/timer/itimer_state/enable
expect "the old code runs" "done" "$(./calls itimer 4242)"
loop_end
text_same "a tracepoint" vmlinux

# ---- a message printed once ----

once=$(id_of once)
./calls capget 1 >/dev/null
expect "the old code says it once" 1 "$(said_times 'uses 32-bit capabilities')"
works "apply" "$once: applied *" apply once.kmend
./calls capget 1 >/dev/null
./calls capget 1 >/dev/null
expect "the new code knows that it was said" 1 "$(said_times 'uses 32-bit capabilities')"
expect "and says its own once" 1 "$(said_times 'replaced: the version is asked for')"
works "undo" "*$once: undone, *" kmend undo "$once"
./calls capget 1 >/dev/null
expect "so does the old code" 1 "$(said_times 'uses 32-bit capabilities')"
text_same "once" vmlinux
clean "once"

# ---- debug messages ----

debug=$(id_of debug)
control=/sys/kernel/debug/dynamic_debug/control
uevent=/sys/devices/virtual/mem/null/uevent
site='func kobject_uevent_env'
echo add >$uevent
expect "off at first" 0 "$(said_times "'null' .*: kobject_uevent_env")"
echo "$site +p" >$control
echo add >$uevent
expect "the old code speaks" 1 "$(said_times "'null' .*: kobject_uevent_env")"
works "apply" "$debug: applied *" apply debug.kmend
dmesg -c >/dev/null
echo add >$uevent
expect "the new code runs" 1 "$(said_times 'replaced: an event')"
expect "what was on is on in the new code" 1 "$(said_times "'null' .*: kobject_uevent_env")"
echo "$site -p" >$control
dmesg -c >/dev/null
echo add >$uevent
expect "the new code runs" 1 "$(said_times 'replaced: an event')"
expect "off means off in the new code" 0 "$(said_times "'null' .*: kobject_uevent_env")"
works "undo" "*$debug: undone, *" kmend undo "$debug"
dmesg -c >/dev/null
echo add >$uevent
expect "the old code is off too" 0 "$(said_times "'null' .*: kobject_uevent_env")"
text_same "debug messages" vmlinux

# ---- values that the kernel wrote into its code ----

paths=$(id_of paths)
expect "the old code opens it" "done" "$(./calls open 0xabcd)"
loop ./calls open 0x1230
works "apply to what every path runs through" "$paths: applied *" apply paths.kmend
expect "the new code refuses it" "Invalid cross-device link" "$(./calls open 0xabcd)"
expect "and nothing else" "done" "$(./calls open 0xabce)"
expect "names are found by it" 1 "$(said_times 'replaced: a name is found')"
works "undo" "*$paths: undone, *" kmend undo "$paths"
expect "the old code opens it" "done" "$(./calls open 0xabcd)"
loop_end
text_same "paths" vmlinux

# ---- tables, and functions of many kinds ----

tables=$(id_of tables)
clock=$tracing/trace_clock
bars()
{
	cat /sys/bus/pci/devices/*/resource
}
modprobe msr
expect "the old code: a fault" "Bad address" "$(./calls fault 4244)"
expect "the old code: assembly" "edi 0 done" "$(./calls rdmsr 27)"
expect "the old code: a fault in assembly" "Input/output error" "$(./calls wrmsr 0x6e1)"
loop cat $clock
loop bars
loop ./calls rdmsr 27
works "apply" "$tables: applied *" apply tables.kmend
expect "a fault in the new code, where the old one expects it" "Bad address" "$(./calls fault 1)"
expect "and that is dealt with in a new way" "Invalid cross-device link" "$(./calls fault 4244)"
expect "a function without a site of ftrace" "* replaced" "$(cat $clock)"
expect "ftrace does not know it" 0 "$(grep -c '^tracing_clock_show' $tracing/available_filter_functions)"
expect "a __weak function" "*0x00004242*" "$(bars)"
expect "assembly" "edi 4242 done" "$(./calls rdmsr 27)"
expect "a fault in assembly" "Input/output error" "$(./calls wrmsr 0x6e1)"
# The static key lets the variable of each CPU count.
./calls waitid 4245 >/dev/null
expect "a new variable, as the patch sets it" "0 done" "$(./calls waitid 4243)"
./calls waitid 4241 >/dev/null
./calls waitid 4245 >/dev/null
expect "a new static key that was switched on" "3 done" "$(./calls waitid 4243)"
./calls waitid 4242 >/dev/null
./calls waitid 4245 >/dev/null
expect "and off again" "3 done" "$(./calls waitid 4243)"
expect "a new debug message is off" 0 "$(said_times 'replaced: thread 4245')"
expect "it is listed with its file" "kernel/exit.c:*" "$(grep replaced_wait $control)"
echo "func replaced_wait +p" >$control
./calls waitid 4245 >/dev/null
expect "and can be switched on" 1 "$(said_times 'replaced: thread 4245')"
# The console is to look healthy.
dmesg -c >/dev/null
dmesg -n 1
./calls waitid 4240 >/dev/null
./calls waitid 4240 >/dev/null
dmesg -n 5
expect "a warning is told once" 1 "$(said_times 'WARNING: ')"
expect "with its function and its module" "*_sys_waitid+0x*[[]kmend_$tables]*" "$(dmesg | grep 'WARNING: ')"
expect "and from where it was called" "* do_syscall_64+0x*" "$(dmesg | grep ' do_syscall_64' | grep -v '[?]')"
echo "warned at $(dmesg | sed -n 's/.*WARNING: .* at \([^ ]*\) .*/\1/p')"
works "undo" "*$tables: undone, *" kmend undo "$tables"
loop_end
expect "the old code: a fault" "Bad address" "$(./calls fault 4244)"
expect "the old code: assembly" "edi 0 done" "$(./calls rdmsr 27)"
expect "the old code: a function without a site of ftrace" "*[!d]" "$(cat $clock)"
expect "the old code: a __weak function" 0 "$(bars | grep -c 0x00004242)"
text_same "tables" vmlinux
stays "$tables"
rmmod kmend
clean "tables"

# ---- a function in a file that the patch adds ----

works "apply: a new file" "*: applied *" apply new-file.kmend
expect "its function runs" "extra *" "$(cat /proc/cmdline)"
works "undo: a new file" "*: undone, *" kmend undo --all
expect "its function does not run" "[!e]*" "$(cat /proc/cmdline)"

finish
