#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/vm/engine/host.sh
. "$top/tests/vm/engine/host.sh"
gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -O1 -static -o "$work/fail" "$top/tests/torture/fail.c"
echo "${TORTURE_FAULTS:-all}" >"$work/faults"
run_guest ../../torture/faults.guest --file "$work/faults" --file "$work/fail"
