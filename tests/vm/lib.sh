# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# Read by the tests next to it that make updates and use them: what they share. A test ends with `finish`.

set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
data=$top/tests/data
kmend=$top/build/kmend
failed=0
work=$(mktemp -d "${TMPDIR:-/tmp}/kmend-test.XXXXXX") || exit 1
# Where kmend makes its folders, so that what it leaves can be seen.
TMPDIR=$work/tmp
export TMPDIR
mkdir "$TMPDIR"

# shellcheck disable=SC2317 # called by the trap, and may be replaced
clean_up()
{
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail()
{
	echo "FAILED: $*"
	failed=1
}

skip()
{
	echo "SKIP: $*"
	exit 77
}

finish()
{
	exit $failed
}

need()
{
	for program; do
		PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

# need_kernel: sets kit to the folder of the latest kernel's kit, or of that of $KMEND_TEST_KERNEL, whose updates are built
# in $KMEND_TEST_TOOLCHAIN
need_kernel()
{
	[ -x "$kmend" ] || make -s -C "$top" build/kmend >/dev/null || exit 1
	kit=$("$top/tools/kernel" fetch "${KMEND_TEST_KERNEL:-latest}" 2>"$work/err") || skip "no kernel: $(cat "$work/err")"
	need gcc make patch
	if [ -n "${KMEND_TEST_TOOLCHAIN:-}" ]; then
		need bwrap
	else
		need "$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\) .*/\1/p' "$kit/config")"
	fi
}

# expect WHAT WANTED GOT: WANTED is a pattern
expect()
{
	# shellcheck disable=SC2254 # a pattern is meant
	case $3 in
	$2) echo "ok: $1" ;;
	*) fail "$1: wanted '$2', got '$3'" ;;
	esac
}

# same WHAT FILE FILE
same()
{
	if cmp "$2" "$3"; then
		echo "ok: $1"
	else
		fail "$1: the files differ"
	fi
}

# run COMMAND...: sets status and said, all that it printed
run()
{
	said=$("$@" 2>&1 </dev/null)
	status=$?
}

# update NAME PATCH...: makes $work/NAME.kmend of patches of tests/data, with $create_options
update()
{
	name=$1
	shift
	for p; do
		shift
		set -- "$@" "$data/$p.patch"
	done
	# shellcheck disable=SC2086 # several
	"$kmend" create -q --kernel "$kit" ${KMEND_TEST_TOOLCHAIN:+--toolchain "$KMEND_TEST_TOOLCHAIN"} \
		${create_options:-} -o "$work/$name.kmend" "$@" >"$work/out" 2>&1 || {
		cat "$work/out"
		echo "FAILED: $name.kmend cannot be made"
		exit 1
	}
	left_nothing "create of $name"
}

left_nothing()
{
	expect "$1 left nothing behind" "" "$(ls -A "$TMPDIR")"
}

# refused WHAT CODE SENTENCE COMMAND...: status 1, the code, and a pattern that what it says must match; nothing left
refused()
{
	what=$1 code=$2 sentence=$3
	shift 3
	run "$@"
	expect "$what: status" 1 "$status"
	expect "$what: what it says" "*kmend: refused [[]$code]: $sentence" "$said"
	left_nothing "$what"
}

# system_failure WHAT SENTENCE COMMAND...: likewise with status 3
system_failure()
{
	what=$1 sentence=$2
	shift 2
	run "$@"
	expect "$what: status" 3 "$status"
	expect "$what: what it says" "*kmend: $sentence" "$said"
}

# helper NAME: a static program of tests/vm/guest/NAME.c, into $work/NAME
helper()
{
	gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -O1 -static -o "$work/$1" "$top/tests/vm/guest/$1.c" || exit 1
}

# guest SCRIPT [VM-OPTION...]: with guest/common.sh; the packs and helpers in $work go with it
guest()
{
	script=$1
	shift
	for f in "$work"/*.kmend "$work"/ktext "$work"/calls "$work"/sleepers "$work"/kvm; do
		[ ! -e "$f" ] || set -- "$@" --file "$f"
	done
	"$top/tools/vm" run --kernel "$(cat "$kit/release")" "$@" --file "$top/tests/vm/guest/common.sh" \
		"$top/tests/vm/guest/$script" >"$work/output" || fail "$script ended with status $?"
	sed '/^BEGIN /,/^END/d' "$work/output"
}

# json NAME: what the guest showed by `show NAME`, checked to be JSON, and its value of a jq expression
json()
{
	sed -n "/^BEGIN $1\$/,/^END/{/^BEGIN/d;/^END/d;p}" "$work/output" | jq -cr "$2" 2>&1
}
