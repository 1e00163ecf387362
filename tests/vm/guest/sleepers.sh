#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Threads that sleep in what is replaced are moved out of it, and their programs do not notice.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh

id=$(id_of sleepers)
text_save vmlinux
mkfifo in out
./sleepers <in >out &
exec 8>in 9<out
read -r said <&9
expect "threads sleep in the code" ready "$said"

works "apply" "$id: applied *" apply sleepers.kmend
sleep 1
works "undo" "$id: undone, *" kmend undo --all
sleep 1
works "apply again" "$id: applied *" apply sleepers.kmend

echo go >&8
expect "no call was interrupted" "read 1 recv 1 poll 1 select 1 epoll 1 futex 0 signal 1 nap 0" "$(cat <&9 | xargs)"
exec 8>&- 9<&-
for name in pipe_read hrtimer_nanosleep do_sys_poll futex_wait do_epoll_wait vfs_write kernfs_fop_write_iter; do
	expect "the new $name runs" "*replaced: $name" "$(dmesg | grep -m1 "replaced: $name\$")"
done

# One that nobody can move: the write has begun, and may not begin again. It is named, whoever else could be.
naps=
for _ in $(seq 40); do
	sleep 1000 &
	naps="$naps $!"
done
mkfifo full
sh -c 'exec 3<>full; dd if=/dev/zero bs=1M count=1 >&3 2>/dev/null' &
stuck=$!
sleep 1
refused "undo" BLOCKED "*thread * (dd): vfs_write+0x*" kmend undo --timeout 2 --all
expect "the update stays applied" "*$id  applied *" "$(kmend status)"
# shellcheck disable=SC2086 # several
kill $stuck $naps
dd if=full of=/dev/null bs=1M count=1 2>/dev/null &
sleep 1
kill %% 2>/dev/null
works "undo" "$id: undone, *" kmend undo --all
# Nor the thread that a CPU runs when it has no other.
refused "apply to the idle loop" BLOCKED "*thread 0 (swapper/[01]): do_idle+0x*" apply --timeout 2 idle.kmend
text_same "at the end" vmlinux
finish
