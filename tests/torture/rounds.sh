#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/vm/engine/host.sh
. "$top/tests/vm/engine/host.sh"
gcc -std=gnu11 -D_GNU_SOURCE -O1 -static -o "$work/threads" "$top/bench/threads.c" -lpthread
echo "${TORTURE_ROUNDS:-1000}" >"$work/rounds"
run_guest ../../torture/rounds.guest --memory 2048 --file "$work/rounds" --file "$work/threads"
