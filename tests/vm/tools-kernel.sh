#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tools/kernel: what it refuses, that an interrupted fetch leaves no kit, and that a kit works wherever it lies.

set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP
export KMEND_CACHE="$dir/cache"
kernels=$KMEND_CACHE/kernels
failed=0

kernel()
{
	"$root/tools/kernel" "$@"
}

fail()
{
	echo "FAIL: $*"
	failed=1
}

skip()
{
	echo "SKIP: $*"
	exit 77
}

# Starts a fetch and waits until it has begun to download; sets fetch to its process.
start_fetch()
{
	# What a killed one started may go on writing to its own.
	rm -f "$dir/log"
	"$root/tools/kernel" fetch latest >"$dir/log" 2>&1 &
	fetch=$!
	while kill -0 $fetch 2>/dev/null && [ -z "$(find "$kernels" -name '*.deb' 2>/dev/null)" ]; do
		sleep 0.1
	done
	[ -n "$(find "$kernels" -name '*.deb')" ] || fail "the fetch did not begin: $(cat "$dir/log")"
}

write_module()
{
	mkdir "$1"
	echo 'obj-m := hello.o' >"$1/Makefile"
	cat >"$1/hello.c" <<-END
	#include <linux/module.h>
	static int __init hello_init(void)
	{
		pr_info("hello\n");
		return 0;
	}
	module_init(hello_init);
	MODULE_LICENSE("GPL");
	END
}

builds_module()
{
	rm -rf "$dir/hello"
	write_module "$dir/hello"
	make -s -C "$1/headers" M="$dir/hello" modules >"$dir/log" 2>&1 || cat "$dir/log"
	grep -qaF "vermagic=$(cat "$1/release") " "$dir/hello/hello.ko" ||
		fail "a module built with $1 is not for its kernel"
}

kernel >/dev/null 2>&1
[ $? = 2 ] || fail "no command is not a usage error"
kernel fetch ../etc >/dev/null 2>&1
[ $? = 1 ] || fail "a release with a slash is not refused"
message=$(kernel path 0.0.0-none 2>&1)
[ $? = 1 ] || fail "path does not fail for a kit that is not there"
case $message in
*"kernel fetch 0.0.0-none"*) ;;
*) fail "path gives no hint: $message" ;;
esac

[ -n "$(kernel list 2>/dev/null)" ] || skip "apt offers no kernel with image, headers and source"
kernel fetch 0.0.0-none >/dev/null 2>&1
[ $? = 1 ] || fail "fetching a kernel that is not on offer does not fail"

start_fetch
kill -KILL $fetch
wait $fetch 2>/dev/null
! kernel path latest >/dev/null 2>&1 || fail "a killed fetch left a kit"

# The second of these waits until what the killed one started has ended, and the third for the second.
start_fetch
kernel fetch latest >"$dir/third" 2>/dev/null &
third=$!
wait $fetch || fail "the fetch after a killed one fails: $(cat "$dir/log")"
wait $third || fail "a fetch beside another one fails"
kit=$(kernel path latest) || fail "path does not find what was fetched"
[ "$(tail -n 1 "$dir/log")" = "$kit" ] || fail "fetch does not print the kit's folder"
[ "$(cat "$dir/third")" = "$kit" ] || fail "the waiting fetch does not print the kit's folder"
[ -z "$(find "$kernels" -maxdepth 1 -name '*.part')" ] || fail "a temporary folder is left"
kernel list | grep -q "^$(basename "$kit") .* fetched\$" || fail "list does not mark what was fetched"

for f in release version config vmlinuz source.tar.xz modules/modules.dep; do
	[ -s "$kit/$f" ] || fail "the kit lacks $f"
done
[ "$(cat "$kit/release")" = "$(basename "$kit")" ] || fail "release is not the kernel's"
grep -q '^#1 SMP .*Debian' "$kit/version" || fail "version is not what uname -v tells: $(cat "$kit/version")"
xz -t "$kit/source.tar.xz" || fail "the source is not whole"
builds_module "$kit"
mv "$kit" "$dir/moved"
builds_module "$dir/moved"
# A link out of the kit would break with the machine that made it.
find "$dir/moved" -lname '/*' | grep . && fail "the kit holds absolute links"
find "$dir/moved" -xtype l | grep . && fail "the kit holds broken links"

start_fetch
kill -TERM $fetch
wait $fetch 2>/dev/null
[ -z "$(find "$kernels" -mindepth 1 -maxdepth 1 ! -name '*.lock')" ] || fail "a stopped fetch leaves something"

[ $failed = 1 ] || echo "PASS"
exit $failed
