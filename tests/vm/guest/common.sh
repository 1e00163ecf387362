# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# What the guest scripts share.

failed=0
# shellcheck disable=SC2034 # for those who read this

# expect WHAT WANTED GOT: WANTED is a pattern
expect()
{
	# shellcheck disable=SC2254 # a pattern is meant
	case $3 in
	$2) echo "ok: $1" ;;
	*)
		echo "FAILED: $1: wanted '$2', got '$3'"
		failed=1
		;;
	esac
}

# run COMMAND...: sets status and said, all that it printed but that it waits: how long it has to is the machine's affair
run()
{
	said=$("$@" 2>&1 </dev/null)
	status=$?
	said=$(printf '%s\n' "$said" | grep -vx "waiting until no thread is in the functions")
}

# works WHAT SENTENCE COMMAND...: status 0, and a pattern that what it prints must match
works()
{
	what=$1 sentence=$2
	shift 2
	run "$@"
	expect "$what: status" 0 "$status"
	expect "$what: what it says" "$sentence" "$said"
}

# refused WHAT CODE SENTENCE COMMAND...
refused()
{
	what=$1 code=$2 sentence=$3
	shift 3
	run "$@"
	expect "$what: status" 1 "$status"
	expect "$what: what it says" "*kmend: refused [[]$code]: $sentence" "$said"
}

# Whether the code of tests/data/builtin.patch, or version.patch, runs
runs_builtin()
{
	grep -q "^replaced " /proc/cmdline && echo yes || echo no
}
runs_version()
{
	grep -q replaced /proc/version && echo yes || echo no
}

# The program as one that trusts nobody's signature uses it
apply()
{
	kmend apply -q --allow-unsigned "$@"
}

# Nothing of kmend is in the kernel or on the disk.
clean()
{
	expect "$1: no module is left" "" "$(lsmod | grep kmend)"
	expect "$1: nothing is left in sysfs" "" "$(ls /sys/kernel/kmend 2>/dev/null)"
	expect "$1: no record is left" "" "$(find /run/kmend -type f 2>/dev/null)"
	expect "$1: no temporary file is left" "" "$(find /tmp -name "*kmend-*")"
}

# stays ID: an update with data of its own, whose address somebody may have kept, stays loaded after its undo.
stays()
{
	run kmend status
	expect "status of an update that stays loaded" 1 "$status"
	expect "what it says" "*$1  loaded *" "$said"
	expect "it can be unloaded by hand" "" "$(rmmod "kmend_$1" 2>&1)"
	rm -r "/run/kmend/$1"
}

# Uses what is patched without a break, until `loop_end`.
loop()
{
	while :; do
		"$@" >/dev/null 2>&1
	done &
	loops="${loops:-} $!"
}

loop_end()
{
	# shellcheck disable=SC2086 # several
	kill $loops
	# shellcheck disable=SC2086 # several
	wait $loops 2>/dev/null
	loops=
}

# disable ID: undone by the engine alone, which tries once each time: a thread may be in the code.
disable()
{
	until echo 0 >"/sys/kernel/kmend/updates/$1/enabled"; do
		sleep 0.1
	done 2>/dev/null
}

# id_of NAME: the id of NAME.kmend
id_of()
{
	kmend inspect "$1.kmend" | sed -n 's/^update //p'
}

# Shows a file to the host.
show()
{
	echo "BEGIN $1"
	cat "$2"
	echo "END"
}

# text_save TARGET: keeps the text of vmlinux or of a module
text_save()
{
	expect "the text of $1 can be read" "" "$(./ktext save "$1" "/tmp/text.$1" 2>&1)"
}

# text_same WHAT TARGET: it is, byte for byte, what it was
text_same()
{
	./ktext save "$2" "/tmp/now.$2"
	expect "$1: the text of $2 is what it was" "" "$(./ktext differ "/tmp/text.$2" "/tmp/now.$2" 2>&1)"
	rm "/tmp/now.$2"
}

finish()
{
	clean "at the end"
	exit $failed
}
