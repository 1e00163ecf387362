#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A full disk: where the pack goes, where temporary files go, where the cache is.

# What is mounted ends with this process, and nobody else sees it.
if [ "$(id -u)" = 0 ] && [ -z "${KMEND_TEST_MOUNTS:-}" ]; then
	# In a plain chroot the root is no mount point.
	unshare --mount true || { echo "SKIP: there can be no mounts of its own here"; exit 77; }
	exec env KMEND_TEST_MOUNTS=1 unshare --mount "$0"
fi

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip "only root can mount a small disk"
# shellcheck disable=SC2317 # called by the trap
clean_up()
{
	umount "$work/full" 2>/dev/null
	rm -rf "$work"
}
need_kernel
update first version
mkdir "$work/full"

# full SIZE: makes $work/full a disk of that size
full()
{
	umount "$work/full" 2>/dev/null
	mount -t tmpfs -o "size=$1,mode=700" tmpfs "$work/full" || skip "tmpfs cannot be mounted"
}

# shellcheck disable=SC2317 # called by system_failure
create()
{
	"$kmend" create -q --kernel "$kit" "$@" "$data/version.patch"
}

full 8k
system_failure "full disk for the pack" "*full/x.kmend*No space left on device*" create -o "$work/full/x.kmend"
expect "no part of a pack" "" "$(ls -A "$work/full")"
left_nothing "full disk for the pack"
full 8k
echo old >"$work/full/x.kmend"
system_failure "full disk for a pack that is there" "*No space left on device*" create -o "$work/full/x.kmend"
expect "it stays what it was" old "$(cat "$work/full/x.kmend")"
expect "and is alone" x.kmend "$(ls -A "$work/full")"

for size in 4k 64k 256k; do
	full $size
	TMPDIR=$work/full
	run create -o "$work/x.kmend"
	expect "full disk for temporary files ($size): status" "[13]" "$status"
	# Not every tool of the kernel's build tells why it could not write.
	case $said in
	*"not all data was written"*) ;;
	*) expect "full disk for temporary files ($size): what it says" "*No space left on device*" "$said" ;;
	esac
	left_nothing "full disk for temporary files ($size)"
	expect "no pack" "" "$(ls "$work/x.kmend" 2>/dev/null)"
done
TMPDIR=$work/tmp

full 40m
KMEND_CACHE=$work/full
export KMEND_CACHE
system_failure "full disk for the cache" "*No space left on device*" create -o "$work/x.kmend"
expect "no pack" "" "$(ls "$work/x.kmend" 2>/dev/null)"
left_nothing "full disk for the cache"
expect "nothing in the cache looks whole" "" "$(find "$work/full" -name ready)"
unset KMEND_CACHE

update again version
same "the pack after all that" "$work/first.kmend" "$work/again.kmend"
finish
