#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What the engine refuses, and that it then changes nothing.

# shellcheck source=tests/vm/engine/guest.sh
. ./guest.sh

load_engine
load cmdline cmdline_proc_show
load same cmdline_proc_show
load stacked new_cmdline_proc_show
before=$(text cmdline_proc_show)
version_text=$(text version_proc_show)

# An update on top of another one
expect "what it stands on is not applied" EXDEV "$(turn $stacked 1)"
expect "and that is named" "update $cmdline new_cmdline_proc_show *" "$(cat $sys/updates/$stacked/blockers)"
expect "both in one stop" "done" "$(switch apply $stacked $cmdline)"
expect "the newest runs" "replaced twice" "$(cat /proc/cmdline)"
expect "the function has been replaced" EEXIST "$(turn $same 1)"
expect "and by whom is told" "update $cmdline cmdline_proc_show *" "$(cat $sys/updates/$same/blockers)"
expect "undo in the wrong order" EXDEV "$(turn $cmdline 0)"
expect "names the one on top" "update $stacked new_cmdline_proc_show *" "$(cat $sys/updates/$cmdline/blockers)"
expect "undo of the one on top" "done" "$(turn $stacked 0)"
expect "the first one runs" "replaced once" "$(cat /proc/cmdline)"
expect "undo" "done" "$(turn $cmdline 0)"
expect "blockers are gone" "" "$(cat $sys/updates/$cmdline/blockers)"
expect "both in one stop" "done" "$(switch apply $cmdline $stacked)"
expect "undo of both in one stop" "done" "$(switch undo $cmdline $stacked)"
expect "two that replace the same" EEXIST "$(switch apply $cmdline $same)"
expect "the text is what it was" "$before" "$(text cmdline_proc_show)"

# An update that calls what another one brought
load -u user new_cmdline_proc_show uptime_proc_show
expect "what it uses is not applied" EXDEV "$(turn $user 1)"
expect "and that is named" "update $cmdline * is-stacked" "$(cat $sys/updates/$user/blockers)"
expect "both in one stop" "done" "$(switch apply $user $cmdline)"
expect "it calls the other one's code" "replaced once" "$(cat /proc/uptime)"
expect "undo of what is used" EXDEV "$(turn $cmdline 0)"
expect "names who uses it" "update $user * is-stacked" "$(cat $sys/updates/$cmdline/blockers)"
expect "undo of the user" "done" "$(turn $user 0)"
expect "undo of what was used" "done" "$(turn $cmdline 0)"
expect "unload" "done" "$(unload user)"

# Text that is not what was proved
load -w wrong version_proc_show
expect "other text" ESTALE "$(turn $wrong 1)"
expect "the place is named" "0 - version_proc_show+0x* text" "$(cat $sys/updates/$wrong/blockers)"
expect "stays loaded" loaded "$(state $wrong)"
expect "together with a good one" ESTALE "$(switch apply $cmdline $wrong)"
expect "neither is switched" "loaded loaded" "$(state $cmdline) $(state $wrong)"
expect "its text is untouched" "$before" "$(text cmdline_proc_show)"
expect "the other's, too" "$version_text" "$(text version_proc_show)"
expect "unload" "done" "$(unload wrong)"
expect "no room for the jump" "*nvalid *" "$(load -s wrong version_proc_show)"
expect "is not loaded" "" "$(grep '^wrong' /proc/modules)"

# The module that is patched
users()
{
	sed -n 's/^kmend_test_target [0-9]* \([0-9]*\) .*/\1/p' /proc/modules
}
insmod modules/kmend_test_target.ko
expect "another base" "*No such device" "$(load -b nap target_nap)"
expect "is not loaded" "" "$(grep '^nap' /proc/modules)"
expect "nobody holds the target" 0 "$(users)"
load nap target_nap
expect "the target stays while an update for it is loaded" "*temporarily unavailable" "$(unload kmend_test_target)"
expect "apply" "done" "$(turn $nap 1)"
expect "no further module of an applied update" "*busy" "$(load loadavg loadavg_proc_show)"
expect "undo" "done" "$(turn $nap 0)"
load loadavg loadavg_proc_show
expect "two targets of one update are two functions" 2 "$(wc -l <$sys/updates/$nap/functions)"
expect "apply" "done" "$(turn $nap 1)"
echo 1 >/proc/kmend_nap
expect "the module's function is replaced" 2 "$(cat /proc/kmend_nap)"
expect "the kernel's, too" "no load" "$(cat /proc/loadavg)"
expect "the target stays while it is patched" "*temporarily unavailable" "$(unload kmend_test_target)"
expect "undo" "done" "$(turn $nap 0)"
echo 1 >/proc/kmend_nap
expect "the old function is back" 1 "$(cat /proc/kmend_nap)"
expect "the kernel's, too" "[0-9]*" "$(cut -d' ' -f1 /proc/loadavg)"
expect "unload" "done" "$(unload nap)"
expect "the target may go" "done" "$(unload kmend_test_target)"
expect "without its target" "*No such device" "$(insmod /tmp/nap.ko 2>&1)"

# A module whose code an update of something else calls
insmod modules/kmend_test_target.ko
load borrow uptime_proc_show
expect "apply what calls a module" "done" "$(turn $borrow 1)"
expect "it calls it" "counted 1" "$(cat /proc/uptime)"
expect "the module stays" "*temporarily unavailable" "$(unload kmend_test_target)"
expect "undo" "done" "$(turn $borrow 0)"
expect "unload" "done" "$(unload borrow)"
expect "the module may go" "done" "$(unload kmend_test_target)"

# One that may go and come, until an update of something else uses what was brought to it
unload loadavg >/dev/null
insmod modules/kmend_test_target.ko
./bind -t $sys/late "await $nap kmend_test_target" >/dev/null
load nap target_nap
expect "apply to a module that may go" "done" "$(turn $nap 1)"
expect "nobody holds it" 0 "$(users)"
load -u naps new_target_nap uptime_proc_show
expect "apply what uses the new code" "done" "$(turn $naps 1)"
expect "it calls it" "napped 2" "$(cat /proc/uptime)"
expect "the module is held" 1 "$(users)"
expect "it stays" "*temporarily unavailable" "$(unload kmend_test_target)"
expect "undo of what is used" EXDEV "$(turn $nap 0)"
expect "undo of what uses it" "done" "$(turn $naps 0)"
expect "nobody holds it" 0 "$(users)"
expect "undo" "done" "$(turn $nap 0)"
./bind -t $sys/late "forget $nap" >/dev/null
expect "an update for it is loaded yet" 1 "$(users)"
expect "unload" "done" "$(unload nap)"
expect "what was bound to it is not applied any more" ENODEV "$(turn $naps 1)"
load nap target_nap
expect "not where it is back, either" ENODEV "$(switch apply $nap $naps)"
expect "unload" "done" "$(unload naps)"
expect "unload" "done" "$(unload nap)"
expect "what it brought is gone" "*No such device" "$(insmod /tmp/naps.ko 2>&1)"
expect "the module may go" "done" "$(unload kmend_test_target)"

# More than fits into a page
load many uptime_proc_show
functions=$sys/updates/$many/functions
expect "whole lines" "" "$(grep -vE '^uptime_proc_show vmlinux 0x[0-9a-f]{16} 0x[0-9a-f]{16}$|^[0-9]+ more$' $functions)"
expect "the others are counted" 200 "$(awk '$2 == "more" { n += $1 - 1 } END { print n + NR }' $functions)"
expect "unload" "done" "$(unload many)"
n=0
while said=$(./bind -t $sys/late "await $many a_name_that_is_as_long_as_those_of_modules_may_be_$n") && [ "$said" = "done" ]; do
	n=$((n + 1))
done
expect "names that fill a page" E2BIG "$said"
expect "all can be read" "$n $n" "$(grep -c ' out$' $sys/updates/$many/late) $(wc -l <$sys/updates/$many/late)"
expect "forget" "done" "$(./bind -t $sys/late "forget $many")"

for module in cmdline same stacked; do
	expect "unload $module" "done" "$(unload $module)"
done
finish
