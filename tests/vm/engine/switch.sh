#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Apply and undo of functions of the kernel.

# shellcheck source=tests/vm/engine/guest.sh
. ./guest.sh
tracing=/sys/kernel/tracing
original=$(cat /proc/cmdline)
before=$(text cmdline_proc_show)

load_engine
load cmdline cmdline_proc_show
load version version_proc_show
expect "loaded, not applied" loaded "$(state $cmdline)"
expect "functions are listed" "cmdline_proc_show vmlinux 0x* 0x*" "$(cat $sys/updates/$cmdline/functions)"
expect "loading changes no text" "$before" "$(text cmdline_proc_show)"
expect "the engine is in use" "*temporarily unavailable" "$(unload kmend)"

expect "apply" "done" "$(turn $cmdline 1)"
expect "state" applied "$(state $cmdline)"
expect "the new code runs" "replaced once" "$(cat /proc/cmdline)"
expect "there is a jump" "* e9 *" "$(text cmdline_proc_show)"
pause=$(cat $sys/updates/$cmdline/pause_ns)
echo "pause of the apply: $pause ns"
expect "the pause was measured" "[1-9]*" "$pause"
expect "apply again" EALREADY "$(turn $cmdline 1)"
expect "an applied update stays" "*temporarily unavailable" "$(unload cmdline)"

echo cmdline_proc_show >$tracing/set_ftrace_filter
echo function >$tracing/current_tracer
expect "the new code runs under ftrace" "replaced once" "$(cat /proc/cmdline)"
expect "ftrace sees the function" "*cmdline_proc_show*" "$(grep -v '^#' $tracing/trace)"
expect "undo under ftrace" "done" "$(turn $cmdline 0)"
expect "the old code runs" "$original" "$(cat /proc/cmdline)"
expect "apply under ftrace" "done" "$(turn $cmdline 1)"
expect "the new code runs again" "replaced once" "$(cat /proc/cmdline)"
echo nop >$tracing/current_tracer
echo >$tracing/set_ftrace_filter

expect "undo" "done" "$(turn $cmdline 0)"
echo "pause of the undo: $(cat $sys/updates/$cmdline/pause_ns) ns"
expect "the text is what it was" "$before" "$(text cmdline_proc_show)"
expect "the old code runs" "$original" "$(cat /proc/cmdline)"
expect "undo again" EALREADY "$(turn $cmdline 0)"

expect "two in one stop" "done" "$(switch apply $cmdline $version)"
expect "both were in the same stop" "$(cat $sys/updates/$cmdline/pause_ns)" \
	"$(cat $sys/updates/$version/pause_ns)"
expect "the first runs" "replaced once" "$(cat /proc/cmdline)"
expect "the second runs" "another version" "$(cat /proc/version)"
expect "undo of one of two" "done" "$(switch undo $version)"
expect "all or nothing" EALREADY "$(switch undo $cmdline $version)"
expect "so the other stays" applied "$(state $cmdline)"
expect "undo the other" "done" "$(switch undo $cmdline)"

expect "unknown id" ENOENT "$(switch apply $cmdline 0000000000000000)"
expect "an id twice" EINVAL "$(switch apply $cmdline $cmdline)"
expect "no id" EINVAL "$(switch apply)"
expect "neither apply nor undo" EINVAL "$(switch use $cmdline)"
expect "too much time" EINVAL "$(ms=86400001 && switch apply $cmdline)"
expect "no time" EINVAL "$(./bind -t $sys/switch "apply")"
expect "neither 0 nor 1" EINVAL "$(turn $cmdline x)"
expect "nothing came of it" loaded "$(state $cmdline)"
# Later kernels make EBUSY of a module's EEXIST.
said=$(load twice uptime_proc_show | sed 's/Device or resource busy$/File exists/')
expect "the same id and target twice" "*File exists" "$said"

# Probes where the jump is hold a copy of what is there, even when they are disabled.
expect "apply" "done" "$(turn $cmdline 1)"
site=$(text cmdline_proc_show | sed 's/e9 .*//' | wc -w)
blocker="0 - cmdline_proc_show+0x$site kprobe"
enabled=$tracing/events/kprobes/kmend_test/enable
echo "p:kmend_test cmdline_proc_show+$site" >$tracing/kprobe_events
echo 1 >$enabled
expect "undo with a probe of the jump" EBUSY "$(turn $cmdline 0)"
expect "names the probe" "$blocker" "$(cat $sys/updates/$cmdline/blockers)"
expect "the new code runs" "replaced once" "$(cat /proc/cmdline)"
echo 0 >$enabled
expect "undo with a disabled probe" EBUSY "$(turn $cmdline 0)"
echo >$tracing/kprobe_events
expect "undo without it" "done" "$(turn $cmdline 0)"
echo "p:kmend_test cmdline_proc_show+$site" >$tracing/kprobe_events
expect "apply with a disabled probe" EBUSY "$(turn $cmdline 1)"
echo 1 >$enabled
expect "apply with a probe" EBUSY "$(turn $cmdline 1)"
expect "names the probe" "$blocker" "$(cat $sys/updates/$cmdline/blockers)"
expect "the old code runs" "$original" "$(cat /proc/cmdline)"
echo 0 >$enabled
echo "p:kmend_test cmdline_proc_show" >$tracing/kprobe_events
echo 1 >$enabled
expect "apply with a probe of the start" "done" "$(turn $cmdline 1)"
expect "the new code runs" "replaced once" "$(cat /proc/cmdline)"
expect "the probe saw it" "*kmend_test*" "$(tail -n 1 $tracing/trace)"
expect "undo" "done" "$(turn $cmdline 0)"
echo 0 >$enabled
echo >$tracing/kprobe_events

# With a CPU that is off
online=/sys/devices/system/cpu/cpu1/online
echo 0 >$online
expect "apply" "done" "$(turn $cmdline 1)"
echo 1 >$online
expect "the CPU that comes runs the new code" "replaced once" "$(taskset 2 cat /proc/cmdline)"
expect "undo" "done" "$(turn $cmdline 0)"

n=0
while [ $n -lt 30 ]; do
	[ "$(switch apply $cmdline $version)" = "done" ] || break
	[ "$(switch undo $version $cmdline)" = "done" ] || break
	n=$((n + 1))
	cat $sys/updates/$cmdline/pause_ns >>/tmp/pauses
done
expect "again and again" 30 $n
echo "pauses in ns, shortest, median, longest: $(sort -n /tmp/pauses | sed -n '1p;15p;30p' | xargs)"
expect "the text is still what it was" "$before" "$(text cmdline_proc_show)"

expect "unload" "done" "$(unload cmdline)"
expect "unload" "done" "$(unload version)"
finish
