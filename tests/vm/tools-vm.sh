#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tools/vm: what it puts into the guest, what it passes on, and what it makes of crashes, hangs and its own death.

set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP
# Where the tool makes its folders, so that what it leaves can be seen.
export TMPDIR="$dir/tmp"
mkdir "$TMPDIR"
failed=0

fail()
{
	echo "FAIL: $*"
	[ ! -s "$dir/err" ] || sed 's/^/  stderr: /' "$dir/err"
	failed=1
}

skip()
{
	echo "SKIP: $*"
	exit 77
}

# Runs standard input as a script; $1 the expected status, the rest goes to tools/vm. Leaves its output in $dir/out.
expect()
{
	expected=$1
	shift
	cat >"$dir/script"
	"$root/tools/vm" run "$@" "$dir/script" >"$dir/out" 2>"$dir/err"
	got=$?
	[ $got = "$expected" ] || fail "status $got instead of $expected of: $(cat "$dir/script")"
}

# All of the output, compared as a whole.
expect_output()
{
	printf '%s\n' "$@" | diff -u - "$dir/out" || fail "the output differs (see above)"
}

# The processes that run in the folders that the tool made.
guests()
{
	for cwd in /proc/[0-9]*/cwd; do
		case $(readlink "$cwd") in
		"$TMPDIR"/*) echo "$cwd" ;;
		esac
	done
}

for program in qemu-system-x86_64 busybox cpio mke2fs; do
	PATH=$PATH:/usr/sbin:/sbin command -v $program >/dev/null || skip "$program is not installed"
done
kit=$("$root/tools/kernel" fetch latest 2>"$dir/err") || skip "no kernel: $(cat "$dir/err")"

# What the script prints and its status; files and folders; the size of the guest.
mkdir "$dir/folder"
echo content >"$dir/folder/inside"
expect 7 --cpus 1 --memory 600 --append 'quiet mark=1' --file "$dir/folder" --file "$kit/release" <<'EOS'
echo out
echo err >&2
pwd
id -u
cat folder/inside release
uname -r
uname -v
nproc
grep -o ' mark=1$' /proc/cmdline
awk '/MemTotal/ { print ($2 > 400000 && $2 < 600 * 1024) }' /proc/meminfo
for d in /proc /sys /dev /sys/kernel/debug /sys/kernel/tracing /tmp /run; do
	grep -q " $d " /proc/mounts || echo "$d is not mounted"
done
ping -c 1 -W 5 127.0.0.1 >/dev/null || echo no loopback
modprobe dm_mod && grep -o '^dm_mod ' /proc/modules
exit 7
EOS
expect_output out err /root 0 content "$(cat "$kit/release")" "$(cat "$kit/release")" "$(cat "$kit/version")" \
	1 " mark=1" 1 "dm_mod "

# Arguments, and output that is neither short nor text.
# shellcheck disable=SC2016 # the argument is meant to hold a dollar sign
set -- "a b" "it's" '$x' '' '*'
cat >"$dir/args" <<'EOS'
#!/bin/sh
printf '<%s>' "$@" >text
head -c 300000 /dev/urandom >noise
cat text noise
md5sum <noise | tr -d ' \n-'
EOS
"$root/tools/vm" run "$dir/args" "$@" >"$dir/out" 2>"$dir/err" || fail "a script with arguments fails"
[ "$(head -c 20 "$dir/out")" = "<a b><it's><\$x><><*>" ] ||
	fail "the arguments are not what was given: $(head -c 20 "$dir/out" | tr -dc '[:print:]')"
[ "$(tail -c +21 "$dir/out" | head -c 300000 | md5sum | cut -c1-32)" = "$(tail -c 32 "$dir/out")" ] ||
	fail "binary output does not come out as it went in"

# Files and folders come out, whatever the script's status; what is not there is an error.
expect 5 --get made:"$dir/got/folder" --get noise:"$dir/got/noise" <<'EOS'
mkdir -p made/below
echo content >made/below/file
head -c 3000000 /dev/urandom >noise
md5sum <noise | cut -c1-32
exit 5
EOS
expect_output "$(md5sum <"$dir/got/noise" | cut -c1-32)"
[ "$(cat "$dir/got/folder/below/file")" = content ] || fail "a folder does not come out as it was"
expect 126 --get nothing:"$dir/got/nothing" <<'EOS'
exit 0
EOS
expect 126 --get nothing <<'EOS'
exit 0
EOS

# Programs bring their libraries along.
cp "$(command -v dpkg)" "$dir/program"
expect 0 --kmend "$dir/program" --file "$dir/program" <<'EOS'
./program --version | head -n 1 | cut -c1-6
kmend --version | head -n 1 | cut -c1-6
EOS
expect_output Debian Debian

# Two at once: both run, on other addresses (KASLR).
echo 'grep " _text$" /proc/kallsyms' >"$dir/kaslr"
"$root/tools/vm" run "$dir/kaslr" >"$dir/first" 2>&1 &
first=$!
"$root/tools/vm" run "$dir/kaslr" >"$dir/second" 2>&1 || fail "of two guests at once, one fails"
wait $first || fail "of two guests at once, one fails"
grep -q '^ffffffff' "$dir/first" || fail "no address of _text: $(cat "$dir/first")"
! cmp -s "$dir/first" "$dir/second" || fail "two boots have the kernel at the same address"

# Crashes, whatever the script says; user programs that crash are none.
expect 125 <<'EOS'
echo before
sleep 1
echo c >/proc/sysrq-trigger
EOS
expect_output before
grep -q 'sysrq triggered crash' "$dir/err" || fail "the console of a crash is not shown"
expect 125 <<'EOS'
echo "BUG: scheduling while atomic" >/dev/kmsg
exit 0
EOS
expect 125 <<'EOS'
reboot -f
EOS
expect 0 <<'EOS'
echo "WARNING: CPU: 0 PID: 1 at kernel/x.c:1" >/dev/kmsg
echo "traps: x[1] general protection fault ip:1 sp:2 error:0 in x[3]" >/dev/kmsg
echo "DEBUG: module verification failed: tainting kernel" >/dev/kmsg
EOS
expect 125 --warn-is-crash <<'EOS'
echo "WARNING: CPU: 0 PID: 1 at kernel/x.c:1" >/dev/kmsg
EOS

# Hangs.
expect 124 --timeout 20 <<'EOS'
echo before
sleep 1000
EOS
expect_output before

# What cannot be started is told from scripts that fail.
expect 126 --cpu nosuchmodel <<'EOS'
exit 0
EOS
expect 126 --file "$dir/nosuchfile" <<'EOS'
exit 0
EOS
expect 126 --nosuchoption x <<'EOS'
exit 0
EOS
expect 126 --kernel 0.0.0-none <<'EOS'
exit 0
EOS

# No guest outlives the tool, however it dies.
echo 'echo started; sleep 1000' >"$dir/sleeper"
for signal in TERM KILL; do
	rm -f "$dir/out"
	"$root/tools/vm" run "$dir/sleeper" >"$dir/out" 2>"$dir/err" &
	vm=$!
	while kill -0 $vm 2>/dev/null && [ ! -s "$dir/out" ]; do
		sleep 0.2
	done
	[ -s "$dir/out" ] || fail "the guest to be killed did not start"
	[ -n "$(guests)" ] || fail "QEMU is not found where it should run"
	kill -$signal $vm
	wait $vm 2>/dev/null
	sleep 1
	[ -z "$(guests)" ] || fail "QEMU outlives the tool after SIG$signal"
	[ $signal = KILL ] || [ -z "$(ls "$TMPDIR")" ] || fail "something is left in TMPDIR: $(ls "$TMPDIR")"
done

[ $failed = 1 ] || echo "PASS"
exit $failed
