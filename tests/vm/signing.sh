#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Kernels that take only signed modules: the machine's key signs, and what the owner has to do is told.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 openssl
need_kernel
helper ktext
update builtin builtin
openssl req -new -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=a machine/" -outform DER -keyout "$work/mok.key" \
	-out "$work/mok.pub" 2>"$work/err" || fail "no key: $(cat "$work/err")"

# try WORDS CODE
try()
{
	echo "-- $1"
	"$top/tools/vm" run --kernel "$(cat "$kit/release")" --append "$1" --warn-is-crash --file "$work/builtin.kmend" \
		--file "$work/ktext" --file "$work/mok.key" --file "$work/mok.pub" --file "$top/tests/vm/guest/common.sh" \
		"$top/tests/vm/guest/signing.sh" "$2" || fail "$1: status $?"
}

try module.sig_enforce=1 MODULE-SIGNATURE
try lockdown=integrity MODULES-LOCKDOWN
finish
