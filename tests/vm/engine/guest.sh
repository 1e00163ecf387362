# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# What the guest scripts share.

sys=/sys/kernel/kmend
failed=0

# shellcheck disable=SC2034 # the scripts that read this use them
{
cmdline=1111111111111111
same=2222222222222222
stacked=3333333333333333
version=4444444444444444
nap=5555555555555555
count=6666666666666666
wrong=7777777777777777
user=8888888888888888
visit=9999999999999999
spin=aaaaaaaaaaaaaaaa
rest=bbbbbbbbbbbbbbbb
sleep=cccccccccccccccc
naps=dddddddddddddddd
borrow=eeeeeeeeeeeeeeee
many=ffffffffffffffff
}

# expect WHAT WANTED GOT: WANTED is a pattern
expect()
{
	# shellcheck disable=SC2254 # a pattern is meant
	case $3 in
	$2) echo "ok: $1" ;;
	*)
		echo "FAILED: $1: wanted '$2', got '$3'"
		grep -s . $sys/updates/*/blockers
		failed=1
		;;
	esac
}

# turn ID 1|0: prints "done" or the name of the errno, as does switch apply|undo ID..., with $ms to try in
turn()
{
	./bind -t $sys/updates/"$1"/enabled "$2"
}

ms=0
switch()
{
	verb=$1
	shift
	said=$(./bind -t $sys/switch "$verb $ms $*")
	[ "$said" = "done" ] || {
		echo "$said"
		return
	}
	while read -r outcome tries <$sys/outcome && [ "$outcome" = running ]; do
		sleep 0.05
	done
	echo "$tries" >/tmp/tries
	./bind -e "$outcome"
}

state()
{
	cat $sys/updates/"$1"/state
}

# load [-FLAW] MODULE SYMBOL...
load()
{
	flaw=
	case $1 in
	-*)
		flaw=$1
		shift
		;;
	esac
	module=$1
	shift
	# shellcheck disable=SC2086 # none or one flaw
	./bind $flaw "modules/$module.ko" "/tmp/$module.ko" "$@" && insmod "/tmp/$module.ko" 2>&1
}

# unload MODULE: prints what the system says of it
unload()
{
	if said=$(rmmod "$1" 2>&1); then
		echo "done"
	else
		echo "${said##*: }"
	fi
}

text()
{
	./bind -p "$1"
}

load_engine()
{
	load kmend
	expect "the engine tells its ABI" 3 "$(cat $sys/abi)"
}

# Where the kernel looks for memory that nobody has a pointer to: twice, as what was freed meanwhile looks lost, too.
no_leaks()
{
	leaks=/sys/kernel/debug/kmemleak
	[ -e $leaks ] || return 0
	for _ in 1 2; do
		sleep 6
		echo scan >$leaks
	done
	expect "no memory is lost" "" "$(cat $leaks)"
}

# Lockdep looks no further once it has reported something, or run out of memory.
lockdep_lives()
{
	locks=/proc/lockdep_stats
	[ ! -e $locks ] || expect "lockdep looked till the end" "*1" "$(grep debug_locks $locks)"
}

finish()
{
	expect "nothing is left loaded" "" "$(ls $sys/updates)"
	expect "the engine goes" "done" "$(unload kmend)"
	expect "and its folder too" "" "$(ls $sys 2>/dev/null)"
	no_leaks
	lockdep_lives
	exit $failed
}
