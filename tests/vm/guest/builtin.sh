#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The life of an update to a built-in file.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh
release=$(uname -r)
original=$(cat /proc/cmdline)

run kmend
expect "status before: status" 1 "$status"
expect "status before: what it says" "*no update is installed" "$said"
clean "before"

loop cat /proc/cmdline
loop cat /proc/cmdline /proc/version
text_save vmlinux

works "inspect" "update ????????????????
description: builtin*kernel: $release *signature: none
target vmlinux: module kmend_*
  replaces cmdline_proc_show (fs/proc/cmdline.o)*" kmend inspect builtin.kmend
id=$(kmend inspect builtin.kmend | sed -n 's/^update //p')
kmend inspect --json builtin.kmend >/tmp/json
show inspect /tmp/json
works "verify" "fs/proc/cmdline.o in vmlinux: * 0 differ, 0 ambiguous
$id: proved against the running kernel in * ms" kmend verify --allow-unsigned builtin.kmend
kmend verify --allow-unsigned --json builtin.kmend >/tmp/json
show verify /tmp/json
# In the first instruction behind the ftrace site, which may have an ENDBR before it; the kernel makes a jump of the
# breakpoint, if it can.
for at in 5 9; do
	echo "p:probe cmdline_proc_show+$at" >/sys/kernel/tracing/kprobe_events 2>/dev/null && break
done
echo 1 >/sys/kernel/tracing/events/kprobes/probe/enable
refused "verify with a kprobe" FUNCTION-PROBED "cmdline_proc_show has a *probe* at cmdline_proc_show+0x$at*" \
	kmend verify --allow-unsigned builtin.kmend
echo 0 >/sys/kernel/tracing/events/kprobes/probe/enable
echo >/sys/kernel/tracing/kprobe_events
echo 2 >/proc/sys/kernel/kptr_restrict
refused "verify with hidden addresses" KALLSYMS-HIDDEN "*kptr_restrict=1*" kmend verify --allow-unsigned builtin.kmend
echo 0 >/proc/sys/kernel/kptr_restrict
works "snapshot" "before: $release, *" kmend snapshot -q before
works "verify of a snapshot" "*$id: proved against the snapshot before in * ms" \
	kmend verify --allow-unsigned --snapshot before builtin.kmend
refused "snapshot to what is there" SNAPSHOT-EXISTS "before exists *" kmend snapshot -q before
works "dry run" "*$id: could be applied (builtin), proved in * ms" kmend apply --dry-run --allow-unsigned builtin.kmend
kmend apply -q --dry-run --allow-unsigned --json builtin.kmend >/tmp/json
show dry-run /tmp/json
clean "what only looks"
text_same "what only looks" vmlinux
expect "the old code runs" "$original" "$(cat /proc/cmdline)"

works "apply" "*warning: builtin.kmend is not signed by a trusted key*
$id: applied (builtin), proved in * ms, stood still for * us" kmend apply --allow-unsigned builtin.kmend
expect "the new code runs" "replaced $original" "$(cat /proc/cmdline)"
works "status" "kernel     $release, *
effective  $release+kmend.${id%????????}
updates    1 applied

ID * WHAT
$id  applied               1 * us *  unsigned          builtin" kmend status
works "status in detail" "*for kernel $release*cmdline_proc_show in vmlinux: 0x* -> 0x*module kmend_$id" kmend status -v
works "without a command" "*ID *$id *" kmend
kmend status --json >/tmp/json
show status /tmp/json
expect "two modules are loaded" 2 "$(lsmod | grep -c '^kmend')"
works "snapshot with the update applied" "after: $release, *" kmend snapshot -q after
refused "verify of what is replaced" FUNCTION-REPLACED "cmdline_proc_show is replaced already, by kmend_$id*" \
	kmend verify --allow-unsigned builtin.kmend
kmend verify --allow-unsigned --json builtin.kmend >/tmp/json
show verify-after /tmp/json
refused "apply again" ALREADY-APPLIED "$id: is applied already" apply builtin.kmend
refused "dry run of what is applied" ALREADY-APPLIED "$id: *" apply --dry-run builtin.kmend
expect "the new code runs" "replaced $original" "$(cat /proc/cmdline)"
run rmmod "kmend_$id"
expect "rmmod of an applied update" 1 "$status"
run rmmod kmend
expect "rmmod of the engine" 1 "$status"

echo cmdline_proc_show >/sys/kernel/tracing/set_ftrace_filter
echo function >/sys/kernel/tracing/current_tracer
expect "the new code runs under ftrace" "replaced $original" "$(cat /proc/cmdline)"
expect "ftrace sees it" "*cmdline_proc_show*" "$(grep -v '^#' /sys/kernel/tracing/trace | head -n 3)"
echo nop >/sys/kernel/tracing/current_tracer
echo >/sys/kernel/tracing/set_ftrace_filter

refused "undo of something else" NOT-INSTALLED "no update 0123zz0123 is installed" kmend undo 0123zz0123
works "undo by the start of the id" "*$id: undone, the machine stood still for * us" kmend undo "${id%????????}"
expect "the old code runs" "$original" "$(cat /proc/cmdline)"
text_same "undo" vmlinux
clean "undo"
refused "undo again" NOT-INSTALLED "no update $id is installed" kmend undo "$id"
works "undo of all where there is nothing" "no update is installed" kmend undo --all

run apply builtin.kmend
expect "apply once more" 0 "$status"
expect "the new code runs" "replaced $original" "$(cat /proc/cmdline)"
disable "$id"
run kmend status
expect "status of an update that is loaded alone" 2 "$status"
expect "what it says" "*$id  loaded *" "$said"
works "undo of what is installed and loaded alone" "*$id: was not applied; unloaded" kmend undo "$id"
clean "undo of what is loaded alone"
run apply builtin.kmend
expect "apply once more" 0 "$status"
disable "$id"
run apply builtin.kmend
expect "apply of what was loaded alone" 0 "$status"
expect "the new code runs" "replaced $original" "$(cat /proc/cmdline)"
works "undo of all" "$id: undone, *" kmend undo --all
run kmend status
expect "status at the end" 1 "$status"

n=0
while [ $n -lt 6 ] && apply builtin.kmend >/dev/null && kmend undo --all >/dev/null; do
	n=$((n + 1))
done
expect "again and again" 6 "$n"
loop_end
text_same "the end" vmlinux
finish
