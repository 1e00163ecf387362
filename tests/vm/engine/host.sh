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

# Sets built to a folder with all of it for a kernel; the other engine-*.sh take what one has built.
build_all()
{
	kit=$("$top/tools/kernel" fetch "$1")
	built=$top/build/tests/engine/$(cat "$kit/release")
	mkdir -p "$(dirname "$built")"
	exec 9>"$built.lock"
	flock 9
	if [ ! -e "$built/done" ] ||
		[ -n "$(find "$top/engine" "$top/include" "$top/tests/vm/engine" "$kit/version" -newer "$built/done")" ]; then
		build_anew
	fi
	exec 9>&-
}

build_programs()
{
	gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -O1 -static -I"$top/include" \
		-o "$built/bind" "$top/tests/vm/engine/bind.c" -lelf -lz
	gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -O1 -static -o "$built/fexit" "$top/tests/vm/engine/fexit.c"
}

build_anew()
{
	rm -rf "$built"
	mkdir -p "$built/modules"
	cp -r "$top/engine" "$top/include" "$built/"
	cp -r "$top/tests/vm/engine" "$built/test"
	build_modules "$built/engine" ''
	build_modules "$built/test" "$built/engine/Module.symvers"
	cp "$built"/engine/*.ko "$built"/test/*.ko "$built/modules/"
	build_programs
	touch "$built/done"
}

kernels()
{
	if [ -n "${KMEND_TEST_KERNEL:-}" ]; then
		echo "$KMEND_TEST_KERNEL"
		return
	fi
	echo latest
	for kit in "${KMEND_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kmend}"/kernels/6.12.*; do
		[ -e "$kit/config" ] || continue
		# Kernels of another release of the distribution have another compiler.
		compiler=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\) .*/\1/p' "$kit/config")
		! command -v "$compiler" >/dev/null || cat "$kit/release"
	done | sort -V | tail -n 1
}

# run_guest SCRIPT [VM-OPTION...]
run_guest()
{
	script=$1
	shift
	for kernel in $(kernels); do
		echo "$script: kernel $kernel"
		build_all "$kernel"
		"$top/tools/vm" run --kernel "$kernel" --timeout "${VM_SECONDS:-700}" --warn-is-crash "$@" --file "$built/modules" \
			--file "$built/bind" --file "$built/fexit" --file "$top/tests/vm/engine/guest.sh" \
			"$top/tests/vm/engine/$script"
	done
}
