#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Updates that say what shall happen to data.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh
sys=/proc/sys/fs
control=/proc/sys/kernel/print-fatal-signals

# Undoes update $1, which stays loaded, and removes it and the engine.
undo_and_remove()
{
	works "undo" "*$1: undone, *; still loaded" kmend undo "$1"
	stays "$1"
	rmmod kmend
}

modprobe dummy
text_save vmlinux
text_save dummy

# ---- a changed default ----

default=$(id_of default)
echo 524288 >$sys/pipe-max-size
works "inspect" "*overwrites pipe_max_size (fs/pipe.o)*" kmend inspect default.kmend
works "apply" "$default: applied *" apply default.kmend
expect "the default is the new one" 2097152 "$(cat $sys/pipe-max-size)"
works "undo" "$default: undone, *" kmend undo "$default"
expect "what was there is there again" 524288 "$(cat $sys/pipe-max-size)"
text_same "a changed default" vmlinux
clean "a changed default"

# ---- read-only data ----

overwrite=$(id_of overwrite)
state()
{
	sed -n 's/^State:[^A-Z]*//p' /proc/1/status
}
expect "before" "S (sleeping)" "$(state)"
works "apply to a read-only table" "$overwrite: applied *" apply overwrite.kmend
expect "the running table is the new one" "S (asleep)" "$(state)"
works "undo" "*$overwrite: undone, *; still loaded" kmend undo "$overwrite"
expect "after" "S (sleeping)" "$(state)"
works "apply again" "$overwrite: applied *" apply overwrite.kmend
expect "the new one again" "S (asleep)" "$(state)"
undo_and_remove "$overwrite"
expect "after" "S (sleeping)" "$(state)"
text_same "a read-only table" vmlinux
clean "a read-only table"

# ---- a table with one more entry ----

table=$(id_of table)
expect "before" no "$([ -e $sys/pipe-default-size ] || echo no)"
works "apply" "$table: applied *" apply table.kmend
expect "the entry is there" 65536 "$(cat $sys/pipe-default-size)"
works "undo" "*$table: undone, *; still loaded" kmend undo "$table"
expect "the entry is gone" no "$([ -e $sys/pipe-default-size ] || echo no)"
works "apply again" "$table: applied *" apply table.kmend
expect "the entry is there again" 65536 "$(cat $sys/pipe-default-size)"
undo_and_remove "$table"
expect "the entry is gone" no "$([ -e $sys/pipe-default-size ] || echo no)"
text_same "a table with one more entry" vmlinux
clean "a table with one more entry"

# ---- a struct that needs a field ----

field=$(id_of field)
mkfifo /tmp/old /tmp/new
exec 3<>/tmp/old
# How often the pipe $1 can be opened
opens()
{
	# shellcheck disable=SC2016 # for the other shell
	sh -c 'for fd in 4 5 6 7 8 9; do eval "exec $fd<>$1" || exit; echo $fd; done' sh "$1" 2>/tmp/err | grep -c .
}
expect "before" 6 "$(opens /tmp/new)"
works "apply" "$field: applied *" apply field.kmend
expect "a pipe can be opened four times" 4 "$(opens /tmp/new)"
expect "and the next time it fails" "*oo many open files*" "$(cat /tmp/err)"
expect "again after it was closed" 4 "$(opens /tmp/new)"
expect "one that is older than the update has its field from now on" 4 "$(opens /tmp/old)"
expect "and keeps it as long as it lives" 0 "$(opens /tmp/old)"
works "undo" "$field: undone, *" kmend undo "$field"
expect "after" 6 "$(opens /tmp/old)"
clean "a struct that needs a field"
works "apply again" "$field: applied *" apply field.kmend
expect "nothing is left of the fields before" 4 "$(opens /tmp/old)"
exec 3>&-
exec 3<>/tmp/old
expect "nor of a pipe that was freed" 3 "$(opens /tmp/old)"
works "undo" "$field: undone, *" kmend undo "$field"
exec 3>&-
text_same "a struct that needs a field" vmlinux
clean "a struct that needs a field"

# ---- fields that outlive their update ----

shadow=$(id_of shadow)
reads()
{
	sed -n 's/^read \([0-9]*\) .*/\1/p' /proc/uptime
}
works "apply another update" "$default: applied *" apply default.kmend
works "apply" "$shadow: applied *" apply shadow.kmend
expect "a field that was made in atomic context" "101 102" "$(reads) $(reads)"
works "undo" "$shadow: undone, *" kmend undo "$shadow"
expect "its module is gone" "" "$(lsmod | grep "kmend_$shadow")"
works "apply again" "$shadow: applied *" apply shadow.kmend
expect "the engine has kept the field" "103 104" "$(reads) $(reads)"
works "undo of both" "*undone*" kmend undo --all
clean "fields that outlive their update"
works "apply after the engine was unloaded" "$shadow: applied *" apply shadow.kmend
expect "the field is a new one" 101 "$(reads)"
works "undo" "$shadow: undone, *" kmend undo "$shadow"
text_same "fields that outlive their update" vmlinux
clean "fields that outlive their update"

# ---- a lock that must be initialised ----

lock=$(id_of lock)
loop cat /proc/loadavg
works "apply" "$lock: applied *" apply lock.kmend
expect "the new code runs" "read [0-9]* times [0-9]*.*" "$(cat /proc/loadavg)"
loop_end
works "undo" "*$lock: undone, *; still loaded" kmend undo "$lock"
expect "the old code runs" "[0-9]*.*" "$(cat /proc/loadavg)"
works "apply again" "$lock: applied *" apply lock.kmend
expect "it begins anew" "read 1 times *" "$(cat /proc/loadavg)"
undo_and_remove "$lock"
text_same "a lock" vmlinux
clean "a lock"

# ---- hooks ----

hooks=$(id_of hooks)
# What was called since the last time
called()
{
	dmesg -c | sed -n 's/.*hooks: //p' | tr '\n' ',' | tr -d ' '
}
called >/dev/null
both()
{
	echo "kernel:$1,module:$1,"
}
turned()
{
	echo "module:$1,kernel:$1,"
}

# fails WHAT NUMBER HOOK ERROR CALLED COMMAND...: the hook fails, and what was called until then
fails()
{
	what=$1 number=$2 hook=$3 error=$4 wanted=$5
	shift 5
	echo "$number" >$control
	refused "$what" HOOK-REFUSED "*$hook*: $error" "$@"
	expect "$what: what was called" "$wanted" "$(called)"
	echo 0 >$control
}

memory="Cannot allocate memory"
fails "pre_apply" 1 "kernel_pre_apply (pre_apply)" "$memory" "kernel:runningpre_apply,kernel:runningfail_apply," apply hooks.kmend
clean "pre_apply"
fails "pre_apply of the second target" 11 "module_pre_apply (pre_apply)" "$memory" \
	"$(both runningpre_apply)$(turned runningfail_apply)" apply hooks.kmend
fails "check_apply" 2 "kernel_check_apply (check_apply)" "$memory" \
	"$(both runningpre_apply)kernel:stoppedcheck_apply,$(turned runningfail_apply)" apply hooks.kmend
fails "check_apply of the second target" 12 "module_check_apply (check_apply)" "$memory" \
	"$(both runningpre_apply)$(both stoppedcheck_apply)$(turned runningfail_apply)" apply hooks.kmend
fails "with another update" 12 "module_check_apply (check_apply)" "$memory" \
	"$(both runningpre_apply)$(both stoppedcheck_apply)$(turned runningfail_apply)" apply default.kmend hooks.kmend
expect "neither is applied" 524288 "$(cat $sys/pipe-max-size)"
expect "the old code runs" "" "$(grep replaced /proc/version)"
text_same "hooks that fail" vmlinux
text_same "hooks that fail" dummy
clean "hooks that fail"

echo 102 >$control
refused "check_apply that says not now" BLOCKED "*something was in the way at each of * tries within 1 s*kernel_check_apply (check_apply): *busy" \
	apply --timeout 1 hooks.kmend
expect "it was tried more than once" "$(both runningpre_apply)kernel:stoppedcheck_apply,$(turned runningfail_apply)$(both runningpre_apply)*" "$(called)"
apply --timeout 60 hooks.kmend >/tmp/said 2>&1 &
sleep 2
echo 0 >$control
wait $!
expect "it is applied when there is nothing in the way" 0 $?
expect "the new code runs" replaced "$(grep replaced /proc/version)"
expect "what was called" "*$(both runningpre_apply)$(both stoppedcheck_apply)$(both stoppedapply)$(both runningpost_apply)" "$(called)"

fails "pre_reverse" 3 "kernel_pre_reverse (pre_reverse)" "$memory" \
	"$(turned runningpre_reverse)$(both runningfail_reverse)" kmend undo "$hooks"
fails "check_reverse" 14 "module_check_reverse (check_reverse)" "$memory" \
	"$(turned runningpre_reverse)module:stoppedcheck_reverse,$(both runningfail_reverse)" kmend undo "$hooks"
run kmend status -v
expect "status tells it" "*$hooks  applied *in the way: its function module_check_reverse (check_reverse): $memory*" "$said"
expect "the new code runs" replaced "$(grep replaced /proc/version)"
works "undo" "$hooks: undone, *" kmend undo "$hooks"
expect "what was called" "$(turned runningpre_reverse)$(turned stoppedcheck_reverse)$(turned stoppedreverse)$(turned runningpost_reverse)" "$(called)"
expect "the old code runs" "" "$(grep replaced /proc/version)"
text_same "hooks" vmlinux
text_same "hooks" dummy
finish
