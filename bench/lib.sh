# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# What the benchmarks share. The program that reads this has set `root` to the project's folder.

KMEND_CACHE=${KMEND_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kmend}
# shellcheck disable=SC2154 # see above
kmend=$root/build/kmend

say()
{
	echo "$(basename "$0"): $*" >&2
}

die()
{
	say "$*"
	exit 2
}

seconds()
{
	date +%s.%N
}

# The seconds since $1, with two decimals.
elapsed()
{
	echo "$1 $(seconds)" | awk '{ printf "%.2f\n", $2 - $1 }'
}

# The median of the numbers on standard input.
median()
{
	sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

need_kmend()
{
	[ -x "$kmend" ] || die "there is no $kmend: run make first"
}

describe_machine()
{
	echo "machine: $(nproc) x $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)," \
		"$(awk '/^MemTotal/ { printf "%d MiB", $2 / 1024 }' /proc/meminfo)"
	echo "versions: $("$kmend" --version), $(gcc -dumpfullversion) (gcc)," \
		"$(qemu-system-x86_64 --version | sed -n '1s/.*version \([^ ]*\).*/QEMU \1/p'), host $(uname -r)"
}
