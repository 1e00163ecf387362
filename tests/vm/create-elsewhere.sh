#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The same pack comes out wherever it is made: other folders, cache, umask, time zone, language, number of jobs, a
# source folder in place of a tarball; a preparation that was killed does no harm. From other source comes a pack that
# the running kernel's code disproves.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 jq xz
need_kernel
helper ktext
# The second one uses a header of kmend.
update builtin builtin shadow

mkdir "$work/far away" "$work/far away/linux"
cd "$work/far away" || exit 1
tar -x -f "$kit/source.tar.xz" --strip-components=1 -C linux || exit 1
cp "$data/builtin.patch" "$data/shadow.patch" .
listing()
{
	find linux -printf '%p %y %m %s %T@\n' | sort | sha256sum
}
before=$(listing)

elsewhere()
{
	env KMEND_CACHE="$work/cache" HOME=/nowhere TZ=Pacific/Kiritimati LC_ALL=de_DE.UTF-8 LANGUAGE=de \
		SOURCE_DATE_EPOCH=1234567 KBUILD_BUILD_USER=somebody MAKEFLAGS=k CFLAGS=-O0 \
		"$kmend" create -q -j 3 --kernel "$kit" --source linux "$@"
}

umask 077
for seconds in 2 12; do
	timeout -s KILL $seconds env KMEND_CACHE="$work/cache" \
		"$kmend" create -q --kernel "$kit" --source linux -o killed.kmend builtin.patch shadow.patch >/dev/null 2>&1
done
elsewhere -o there.kmend builtin.patch shadow.patch || fail "create elsewhere ended with status $?"
same "the pack" "$work/builtin.kmend" there.kmend
umask 022
expect "the source is untouched" "$before" "$(listing)"
left_nothing "create elsewhere"

# As an earlier version of the kernel could have been
sed -i 's/^\tseq_printf(m, linux_proc_banner,/\tseq_puts(m, "earlier ");\n&/' linux/fs/proc/version.c
rm -rf "$work/cache/trees"
elsewhere -o "$work/source.kmend" "$data/version.patch" || fail "create of other source ended with status $?"
rm -rf "$work/cache"
cd "$top" || exit 1
guest source.sh --warn-is-crash
expect "verify --json: other source" "false FUNCTION-DIFFERS version_proc_show differs" \
	"$(json differs '[.proved, .refused.code, (.objects[].functions[]|select(.name=="version_proc_show")|.name, .state)]|join(" ")')"
finish
