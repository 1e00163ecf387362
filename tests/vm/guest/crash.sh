#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# An apply and an undo that are killed at some moment, and what comes after them.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh

# Sets now, in milliseconds. A process that tells it would take longer than what is measured.
look_at_clock()
{
	read -r now _ </proc/uptime
	cents=${now#*.}
	now=$((${now%.*} * 1000 + ${cents#0} * 10))
}

# kill_after MS COMMAND...: sets ended to its status
kill_after()
{
	after=$1
	shift
	"$@" >/dev/null 2>&1 &
	pid=$!
	usleep $((after * 1000))
	kill -9 $pid 2>/dev/null
	wait $pid
	ended=$?
}

text_save vmlinux
loop cat /proc/cmdline
apply builtin.kmend >/dev/null
kmend undo -q --all >/dev/null
# The shortest times count: what is killed after a part of them has not ended.
took=60000 took_undo=60000
for _ in 1 2 3 4; do
	look_at_clock
	start=$now
	apply builtin.kmend >/dev/null
	look_at_clock
	[ $((now - start)) -gt $took ] || took=$((now - start))
	look_at_clock
	start=$now
	kmend undo -q --all >/dev/null
	look_at_clock
	[ $((now - start)) -gt $took_undo ] || took_undo=$((now - start))
done
echo "apply takes $took ms, undo $took_undo ms"
clean "without any kill"

kills=0
for part in 5 15 30 50 70 80 90 100; do
	kill_after $((took * part / 100)) kmend apply -q --allow-unsigned builtin.kmend
	[ "$ended" != 137 ] || kills=$((kills + 1))
	run apply builtin.kmend
	case $status$said in
	0*": applied "*) what="applies" ;;
	1*ALREADY-APPLIED*) what="had been applied" ;;
	*) what="fails: status $status, $said" ;;
	esac
	expect "killed after $part % of an apply, the next one $what" "replaced *" "$(cat /proc/cmdline)"
	expect "killed after $part % of an apply: status" 0 "$(kmend status >/dev/null; echo $?)"
	works "killed after $part % of an apply: undo" "*: undone, *" kmend undo --all
	expect "killed after $part % of an apply: the old code" "[!r]*" "$(cat /proc/cmdline)"
	expect "killed after $part % of an apply: nothing is left" "" "$(lsmod | grep kmend; ls /run/kmend 2>/dev/null)"
done
expect "it was killed often enough: $kills times" yes "$([ $kills -ge 3 ] && echo yes)"
text_same "apply, killed" vmlinux

for part in 20 60 90; do
	apply builtin.kmend >/dev/null
	kill_after $((took_undo * part / 100)) kmend undo -q --all
	run kmend undo --all
	expect "killed after $part % of an undo: the next one" 0 "$status"
	expect "killed after $part % of an undo: the old code" "[!r]*" "$(cat /proc/cmdline)"
	expect "killed after $part % of an undo: nothing is left" "" "$(lsmod | grep kmend; ls /run/kmend 2>/dev/null)"
done
text_same "undo, killed" vmlinux

# Two at a time
apply builtin.kmend >/tmp/one 2>&1 &
one=$!
apply builtin.kmend >/tmp/two 2>&1
two=$?
wait $one
expect "of two applies at a time, one works: $(cat /tmp/one /tmp/two)" "[01][01]" $?$two
expect "the other is told so" yes "$(grep -q 'ALREADY-APPLIED' /tmp/one /tmp/two && echo yes)"
expect "and one works" yes "$(grep -q ': applied ' /tmp/one /tmp/two && echo yes)"
expect "the new code runs" "replaced *" "$(cat /proc/cmdline)"
works "undo" "*: undone, *" kmend undo --all
loop_end
text_same "two applies" vmlinux
finish
