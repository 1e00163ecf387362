#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Kernels that take only signed modules: the machine's key signs, and what the owner has to do is told.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 openssl
need_kernel
helper ktext
update builtin builtin

# new_key NAME: a machine's key and its certificate
new_key()
{
	openssl req -new -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1/" -outform DER -keyout "$work/$1.key" \
		-out "$work/$1.crt" 2>"$work/err" || fail "no key: $(cat "$work/err")"
}

# try CODE OPTION...: options of tools/vm
try()
{
	code=$1
	shift
	echo "-- $*"
	"$top/tools/vm" run --kernel "$(cat "$kit/release")" --warn-is-crash --file "$work/builtin.kmend" \
		--file "$work/ktext" --file "$work/mok.key" --file "$work/mok.crt" --file "$top/tests/vm/guest/common.sh" \
		"$@" "$top/tests/vm/guest/signing.sh" "$code" || fail "$*: status $?"
}

new_key mok
new_key enrolled
try MODULE-SIGNATURE --append module.sig_enforce=1
try MODULES-LOCKDOWN --append lockdown=integrity

"$top/tools/vm" run --kernel "$(cat "$kit/release")" --uefi "$work/variables" --file "$work/enrolled.crt" \
	"$top/tests/vm/guest/enroll.sh" || fail "the key cannot be enrolled: status $?"
try MODULE-SIGNATURE --uefi "$work/variables" --file "$work/enrolled.key" --file "$work/enrolled.crt"
finish
