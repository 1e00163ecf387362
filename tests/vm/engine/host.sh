# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# Read by the engine-*.sh next to this folder: builds the engine and its test modules for a kernel and runs a script
# of this folder under it; for the latest kernel, and for 6.12 where its kit is there, or for $KMEND_TEST_KERNEL.

set -eu

top=${top:-$(cd "$(dirname "$0")/../.." && pwd)}
work=$(mktemp -d "${TMPDIR:-/tmp}/kmend-engine.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Any warning of the compiler is a failure; modpost's tell of the symbols that bind resolves.
build_modules()
{
	if ! make -C "$kit/headers" M="$1" KBUILD_MODPOST_WARN=1 KBUILD_EXTRA_SYMBOLS="$2" modules >"$work/log" 2>&1 ||
		grep -i 'warning: ' "$work/log" | grep -qvE 'modpost: (.* undefined!|suppressed )'; then
		cat "$work/log" >&2
		return 1
	fi
}

build_all()
{
	kit=$("$top/tools/kernel" fetch "$1")
	rm -rf "$work/build"
	mkdir -p "$work/build/modules"
	cp -r "$top/engine" "$top/include" "$work/build/"
	cp -r "$top/tests/vm/engine" "$work/build/test"
	build_modules "$work/build/engine" ''
	build_modules "$work/build/test" "$work/build/engine/Module.symvers"
	cp "$work"/build/engine/*.ko "$work"/build/test/*.ko "$work/build/modules/"
	gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -O1 -static -I"$top/include" \
		-o "$work/build/bind" "$top/tests/vm/engine/bind.c" -lelf -lz
	gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -O1 -static -o "$work/build/fexit" "$top/tests/vm/engine/fexit.c"
}

kernels()
{
	if [ -n "${KMEND_TEST_KERNEL:-}" ]; then
		echo "$KMEND_TEST_KERNEL"
		return
	fi
	echo latest
	for kit in "${KMEND_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kmend}"/kernels/6.12.*; do
		[ ! -e "$kit/release" ] || cat "$kit/release"
	done
}

# run_guest SCRIPT [VM-OPTION...]
run_guest()
{
	script=$1
	shift
	for kernel in $(kernels); do
		echo "$script: kernel $kernel"
		build_all "$kernel"
		"$top/tools/vm" run --kernel "$kernel" --timeout "${VM_SECONDS:-300}" --warn-is-crash "$@" --file "$work/build/modules" \
			--file "$work/build/bind" --file "$work/build/fexit" --file "$top/tests/vm/engine/guest.sh" \
			"$top/tests/vm/engine/$script"
	done
}
