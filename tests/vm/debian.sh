#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A Debian with systemd, from the installation of the package to its removal: what is applied is applied again before the
# network, what crashed is set aside, a power cut leaves nothing half done.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 mmdebstrap dpkg-buildpackage dh scdoc jq zstd
need_kernel
# The folder for temporary files is this test's own.
root=$(TMPDIR=/tmp "$top/tools/debian-root" 2>"$work/err") || skip "no Debian: $(tail -n 1 "$work/err")"
cp --sparse=always "$root" "$work/root"

# The package, if something is newer than it.
deb=$(find "$top/build/deb" -name 'kmend_*.deb' 2>/dev/null | head -n 1)
(cd "$top" && [ -n "$deb" ] && [ -z "$(find src engine include systemd man completion debian docs examples Makefile README.md \
	-newer "$deb" | head -n 1)" ]) || make -s -C "$top" deb >"$work/out" 2>&1 || {
	cat "$work/out"
	echo "FAILED: make deb"
	exit 1
}
cp "$top"/build/deb/kmend_*_amd64.deb "$work/kmend.deb"
if command -v lintian >/dev/null; then
	run env TMPDIR="$work" lintian --fail-on error "$work/kmend.deb"
	expect "lintian: status" 0 "$status"
	[ "$status" = 0 ] || echo "$said"
fi

"$kmend" key generate --no-password "$work/key" >"$work/out" || fail "no key"
"$kmend" create -q --kernel "$kit" --key "$work/key" -o "$work/builtin.kmend" "$data/builtin.patch" || exit 1
update version version
for name in builtin version; do
	"$kmend" inspect "$work/$name.kmend" | sed -n 's/^update //p' >"$work/$name.id"
done

# The same update, for another kernel: as if it had been applied under that.
mkdir "$work/other"
zstd -dcq "$work/version.kmend" | tar -C "$work/other" -xf -
jq -c '.release = "6.1.0-1-other" | .version = ""' "$work/other/manifest.json" >"$work/manifest"
mv "$work/manifest" "$work/other/manifest.json"
(cd "$work/other" && {
	echo manifest.json
	find . -type f ! -name manifest.json | sed 's|^\./||' | LC_ALL=C sort
} | tar --format=ustar -b 1 --owner=0 --group=0 --numeric-owner --mode=0644 --mtime=@0 -T - -cf -) |
	zstd -q -19 -o "$work/other.kmend"
expect "the pack for another kernel is one" "*kernel: 6.1.0-1-other*" "$("$kmend" inspect "$work/other.kmend" 2>&1)"

# boot WANTED-STATUS APPEND STEP [ARG]: 125 is a crash, or an end without a word
boot()
{
	wanted=$1 append=$2
	shift 2
	echo "-- $*"
	"$top/tools/vm" run --kernel "$(cat "$kit/release")" --root "$work/root" --cpus 1 --timeout 600 --append "$append" \
		--file "$top/tests/vm/guest/common.sh" --file "$work/kmend.deb" --file "$work/key.pub" --file "$work/builtin.kmend" \
		--file "$work/version.kmend" --file "$work/other.kmend" --file "$work/builtin.id" --file "$work/version.id" \
		"$top/tests/vm/guest/debian.sh" "$@" >"$work/output" 2>"$work/err"
	ended=$?
	cat "$work/output"
	expect "$1: how it ended" "$wanted" "$ended"
	[ "$ended" = "$wanted" ] || cat "$work/err"
	! grep -q ^FAILED "$work/output" || failed=1
	[ $failed = 0 ] || finish
}

boot 0 "" install
boot 125 "" rebooted
boot 125 "" crashed
boot 125 "" crashed-at-boot 700
boot 0 kmend.enable=0 turned-off
boot 0 "" other-kernel
finish
