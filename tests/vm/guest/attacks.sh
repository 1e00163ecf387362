#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Packs, files, folders and surroundings that somebody else has in hand.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh
good=$(id_of good)
state=/var/lib/kmend run=/run/kmend
kept=$state/packs/$good.kmend
cp calls /tmp/
chmod 755 /tmp/calls
text_save vmlinux

nobody()
{
	/tmp/calls nobody "$@"
}

# failed WHAT SENTENCE COMMAND...: status 3, for a reason of the system
failed()
{
	what=$1 sentence=$2
	shift 2
	run "$@"
	expect "$what: status" 3 "$status"
	expect "$what: what it says" "*kmend: $sentence" "$said"
}

# That all that went before left nothing which hinders.
recovers()
{
	works "$1: apply" "*$good: applied *" kmend apply -q good.kmend
	expect "$1: the new code runs" "yes no" "$(runs_builtin) $(runs_version)"
	expect "$1: status" 0 "$(kmend status >/dev/null; echo $?)"
	works "$1: undo" "*" kmend undo -q --all
	clean "$1"
}

echo "-- signatures"
works "trust" "*" kmend key trust maker.pub
refused "a true signature of another pack's manifest" SIGNATURE-INVALID "*" kmend apply forged.kmend
refused "the same, unsigned ones allowed" SIGNATURE-INVALID "*" kmend apply --allow-unsigned forged.kmend
refused "the same, verify" SIGNATURE-INVALID "*" kmend verify forged.kmend
refused "by another key" SIGNATURE-UNKNOWN-KEY "*" kmend apply enemy.kmend
clean "signatures"

echo "-- where the proof runs"
works "the proof of verify runs in a sandbox" "*: proved against *self*" \
	./calls watch kmend verify good.kmend
works "the proof of apply runs in a sandbox, and apply does not" "*: applied *[!f]child" ./calls watch kmend apply -q good.kmend
works "undo" "*" kmend undo -q --all
works "inspect looks at a pack in one, and is in it itself" "*selfchild" ./calls watch kmend inspect good.kmend
clean "where the proof runs"

echo "-- refused, or failed, at the last moment"
works "apply" "*$good: applied *" kmend apply -q good.kmend
disable "$good"
cp $state/installed.json /tmp/list
tracing=/sys/kernel/tracing
mount -t tracefs none $tracing 2>/dev/null
# Of what is installed another pack, and a probe where the jump shall go: set when the engine is asked, after the proof.
at=$(grep " cmdline_proc_show$" /proc/kallsyms | cut -d' ' -f1)
cat >/tmp/probe <<END
for after in 5 9; do
	printf 'p:kmend_test 0x%x\n' \$((0x$at + after)) >$tracing/kprobe_events && break
done 2>/dev/null
echo 1 >$tracing/events/kprobes/kmend_test/enable
END
refused "a probe came between proof and switch" BLOCKED "*kprobe*" ./steps open /sys/kernel/kmend/switch "sh /tmp/probe" \
	kmend apply -q --allow-unsigned --timeout 0 bare.kmend
expect "the old code runs" no "$(runs_builtin)"
expect "what was kept is what is kept" "" "$(cmp good.kmend "$kept" 2>&1)"
expect "and the list is as it was" "" "$(cmp /tmp/list $state/installed.json 2>&1)"
echo 0 >$tracing/events/kprobes/kmend_test/enable
echo >$tracing/kprobe_events
works "undo" "*" kmend undo -q --all
clean "refused at the last moment"
# The engine did it, and it cannot be learned.
echo rubbish >/tmp/rubbish
failed "an outcome that cannot be read" "/sys/kernel/kmend/outcome is not *" ./steps open /sys/kernel/kmend/outcome \
	"sleep 1; mount --bind /tmp/rubbish /sys/kernel/kmend/outcome" kmend apply -q good.kmend
expect "the new code runs" yes "$(runs_builtin)"
expect "it is on probation" yes "$(grep -q "$good" $state/probation.json && echo yes)"
expect "its record is there" yes "$(grep -q "$good" "$run/$good/manifest.json" && echo yes)"
umount /sys/kernel/kmend/outcome
works "the end of the probation lists it" "" kmend boot --settle --after 0
works "status" "*$good  applied *" kmend status
expect "what is kept is what was applied" "" "$(cmp good.kmend "$kept" 2>&1)"
works "undo" "*" kmend undo -q --all
clean "failed at the last moment"

echo "-- a pack in a folder of somebody else"
mkdir /tmp/theirs
cp good.kmend enemy.kmend /tmp/theirs
chown -R 65534:65534 /tmp/theirs
pack=/tmp/theirs/p.kmend
# After it was judged and before it is used: the kernel is read between the two.
for how in "cp -f /tmp/theirs/enemy.kmend $pack" ": >$pack" "rm $pack" "cp /tmp/theirs/enemy.kmend /tmp/theirs/q; mv /tmp/theirs/q $pack" \
	"ln -sf enemy.kmend $pack" "rm $pack; mkfifo $pack"; do
	cp good.kmend $pack
	works "after the judgement \"$how\"" "*$good: applied *" ./steps open /proc/kcore "$how" kmend apply -q $pack
	expect "what was judged runs" "yes no" "$(runs_builtin) $(runs_version)"
	expect "and it is what is kept" "" "$(cmp good.kmend "$kept" 2>&1)"
	works "undo" "*" kmend undo -q --all
	rm -rf $pack
done
# Without a break, at any time.
cat >/tmp/theirs/swap <<END
while :; do
	cp /tmp/theirs/good.kmend $pack; cat /tmp/theirs/enemy.kmend >$pack; cp /tmp/theirs/good.kmend $pack; : >$pack
	cp /tmp/theirs/enemy.kmend $pack.new; mv $pack.new $pack; rm $pack; ln -s good.kmend $pack; rm $pack
	cp /tmp/theirs/good.kmend $pack
done
END
/tmp/calls nobody sh /tmp/theirs/swap >/dev/null 2>&1 &
swapper=$!
for n in 1 2 3 4 5 6 7 8 9 10; do
	run kmend apply -q $pack
	case $status$said in
	0*) expect "swapped, $n: what was judged runs, and is kept" "yes no" \
		"$(runs_builtin) $(runs_version)$(cmp good.kmend "$kept" 2>&1)" ;;
	1*"[SIGNATURE-UNKNOWN-KEY]"* | 1*"[PACK-"* | 3*"cannot open"*) expect "swapped, $n: nothing runs" "no no" "$(runs_builtin) $(runs_version)" ;;
	*) expect "swapped, $n" "[013]" "$status: $said" ;;
	esac
	kmend undo -q --all >/dev/null 2>&1
done
kill $swapper
wait $swapper
sleep 1
rm -f $pack $pack.new
clean "swapped"
# What would have it wait for ever, with the lock in its hand.
nobody mkfifo $pack
refused "a pipe that nobody writes to" PACK-INVALID "*no plain file*" timeout 20 kmend apply $pack
refused "verify: a pipe" PACK-INVALID "*no plain file*" timeout 20 kmend verify $pack
refused "inspect: a pipe" PACK-INVALID "*no plain file*" timeout 20 kmend inspect $pack
refused "a list that is a pipe" LIST-INVALID "*no plain file*" timeout 20 kmend withdraw $pack
refused "a key that is a pipe" KEY-INVALID "*no plain file*" timeout 20 kmend key trust $pack
rm $pack
ln -s /dev/zero $pack
refused "a device without an end" PACK-INVALID "*no plain file*" timeout 20 kmend apply $pack
rm $pack
# Root's files are not shown to who makes root read them.
echo "root:secret-word" >/root/secret
chmod 600 /root/secret
ln -s /root/secret $pack
for what in "inspect" "apply" "withdraw" "key trust"; do
	# shellcheck disable=SC2086 # two words
	run kmend $what $pack
	expect "$what of a link to a secret: status" 1 "$status"
	expect "$what of a link to a secret tells nothing of it" "kmend: refused [[]*]: $pack*" "$(echo "$said" | grep -v secret-word)"
done
rm -r $pack
clean "a pack of somebody else"

echo "-- what others may do"
umask 0
works "apply, with umask 0" "*$good: applied *" kmend apply -q good.kmend
works "revoke, with umask 0" "*" kmend key revoke "$(kmend key list | cut -d' ' -f1)"
rm -r /etc/kmend
works "trust, with umask 0" "*" kmend key trust maker.pub
umask 022
expect "nothing can be written by others" "" "$(find /etc/kmend $state /run/kmend* ! -type l -perm /022)"
for file in $state/installed.json "$kept" $run/$good/manifest.json /run/kmend.lock /etc/kmend/trusted/*.pub \
	$(find /sys/kernel/kmend -type f -perm /222); do
	expect "another user does not write $file" "*ermission denied*" "$(nobody sh -c "echo x >>$file" 2>&1)"
	expect "nor replaces it" "*ermi[ts]*" "$(nobody rm -f "$file" 2>&1; nobody mv "$file" "$file.old" 2>&1)"
	expect "and it is there" yes "$([ -e "$file" ] && echo yes)"
done
expect "nor takes the lock" "*ermission denied*" "$(nobody sh -c "exec 9</run/kmend.lock" 2>&1)"
works "undo" "*" kmend undo -q --all

echo "-- what others could have written"
works "apply" "*$good: applied *" kmend apply -q good.kmend
kmend withdraw list >/dev/null
# theirs PATH COMMAND...: after it, PATH is nothing to rely on
theirs()
{
	path=$1
	shift
	cp -a $state /tmp/state
	cp -a $run /tmp/run
	"$@" || expect "$*" works "fails"
	failed "$*: status" "$path *others*" timeout 20 kmend status
	case $path in
	*/withdrawn.json) ;;
	*) failed "$*: boot" "$path *others*" timeout 20 kmend boot ;;
	esac
	failed "$*: apply" "*$path *others*" timeout 20 kmend apply -q --allow-unsigned unsigned.kmend
	expect "$*: nothing of the enemy's runs" no "$(runs_version)"
	rm -rf $state $run
	cp -a /tmp/state $state
	cp -a /tmp/run $run
	rm -rf /tmp/state /tmp/run
}
for file in $state/installed.json $state/withdrawn.json $state/probation.json; do
	theirs "$file" chown 65534 "$file"
	theirs "$file" chmod 666 "$file"
	theirs "$file" chmod 664 "$file"
done
# shellcheck disable=SC2317 # called by theirs
chgrp_and_chmod()
{
	chgrp 65534 "$2" && chmod "$1" "$2"
}
theirs $state chown 65534 $state
theirs $state chmod 777 $state
theirs $state chmod 1777 $state
theirs $state chgrp_and_chmod 775 $state
theirs $state/packs chown 65534 $state/packs
theirs $state/packs chmod 777 $state/packs
theirs "$kept" chmod 666 "$kept"
theirs "$kept" chown 65534 "$kept"
works "all as it was: status" "*$good  applied*" kmend status
works "all as it was: undo" "*" kmend undo -q --all
clean "what others could have written"

echo "-- keys that others could have written"
trusted=/etc/kmend/trusted
key=$(ls $trusted/*.pub)
# bad_keys COMMAND...: after it, no key is relied on
bad_keys()
{
	cp -a /etc/kmend /tmp/kmend-keys
	"$@" || expect "$*" works "fails"
	refused "$*" KEY-INVALID "*" timeout 20 kmend apply good.kmend
	rm -rf /etc/kmend
	mv /tmp/kmend-keys /etc/kmend
}
# shellcheck disable=SC2317 # called by bad_keys
link_to_theirs()
{
	cp enemy.pub /tmp/theirs && chown 65534 /tmp/theirs/enemy.pub && ln -s /tmp/theirs/enemy.pub "$trusted/enemy.pub"
}
bad_keys chown 65534 "$key"
bad_keys chmod 666 "$key"
bad_keys chgrp_and_chmod 664 "$key"
bad_keys chown 65534 $trusted
bad_keys chmod 1777 $trusted
bad_keys chgrp_and_chmod 775 $trusted
bad_keys chmod 777 /etc/kmend
bad_keys chown 65534 /etc/kmend
bad_keys link_to_theirs
bad_keys mkfifo $trusted/pipe.pub
bad_keys ln -s /dev/zero $trusted/zero.pub
recovers "bad keys"

echo "-- surroundings"
# A copy with more rights than its caller: what the caller says of keys does not count.
cp "$(command -v kmend)" /tmp/more
chmod 4755 /tmp/more
mkdir /tmp/theirs/trusted
cp enemy.pub /tmp/theirs/trusted
chown -R 65534 /tmp/theirs
refused "KMEND_TRUSTED of somebody else" SIGNATURE-UNKNOWN-KEY "*" nobody env KMEND_TRUSTED=/tmp/theirs/trusted \
	/tmp/more apply /tmp/theirs/enemy.kmend
refused "KMEND_TRUSTED, a folder of somebody else" KEY-INVALID "*" env KMEND_TRUSTED=/tmp/theirs/trusted \
	kmend apply enemy.kmend
rm /tmp/more
mkdir /tmp/theirs/bin
for program in sh modprobe insmod kmod depmod gcc openssl; do
	printf '#!/bin/sh\ntouch /tmp/theirs/ran\n' >/tmp/theirs/bin/$program
done
chmod 755 /tmp/theirs/bin/*
surrounded()
{
	works "$1: apply" "*$good: applied *" "$@" kmend apply -q good.kmend
	works "$1: status" "*" "$@" kmend status
	works "$1: undo" "*" "$@" kmend undo -q --all
	clean "$1"
}
surrounded env PATH=/tmp/theirs/bin:/usr/bin:/bin TMPDIR=/tmp/theirs HOME=/tmp/theirs XDG_CACHE_HOME=/tmp/theirs KMEND_CACHE=/tmp/theirs \
	LC_ALL=xx_XX.UTF-8 LANGUAGE=../../tmp/theirs TERM=xterm IFS=/ COLUMNS=-1 TZ=:/root/secret MALLOC_PERTURB_=7
expect "none of their programs ran" "" "$(ls /tmp/theirs/ran 2>/dev/null)"
surrounded env -i "PATH=$PATH"
surrounded env "TMPDIR=/nowhere" "TZ=$(head -c 5000 /dev/zero | tr '\0' x)"

# Without standard input, output and errors: the files that it opens must not be taken for them.
kmend apply good.kmend <&- >&- 2>&-
expect "all closed: apply" "0 yes" "$? $(runs_builtin)"
kmend apply good.kmend <&- >&- 2>&-
expect "all closed: apply again" "1 yes" "$? $(runs_builtin)"
expect "all closed: nothing was written to the lock" 0 "$(wc -c </run/kmend.lock)"
kmend undo -q --all <&- >&- 2>&-
expect "all closed: undo" "0 no" "$? $(runs_builtin)"
recovers "all closed"
kmend apply -q good.kmend 2>&1 | true
expect "nobody reads: apply" yes "$(runs_builtin)"
kmend undo -q --all 2>&1 | true
expect "nobody reads: undo" no "$(runs_builtin)"
clean "nobody reads"

# Little of everything. What comes of it is told, or the process dies; the next one puts things right.
for limit in "-f 0" "-n 3" "-n 4" "-n 5" "-v 20000" "-v 60000" "-s 64" "-t 0" "-p 1"; do
	# shellcheck disable=SC2086 # an option and its value
	run sh -c "ulimit $limit && exec kmend apply -q good.kmend"
	after="$(runs_builtin) $(kmend status >/dev/null 2>&1; echo $?)"
	expect "ulimit $limit: apply: status $status, wholly with or without" "$(case $after in "yes 0" | "yes 2" | "no 1" | "no 2") echo "$after" ;; esac)" "$after"
	kmend apply -q good.kmend >/dev/null 2>&1
	# shellcheck disable=SC2086 # an option and its value
	run sh -c "ulimit $limit && exec kmend undo -q --all"
	[ "$(runs_builtin)" = yes ] || expect "ulimit $limit: undo: status $status, status then" "[12]" "$(kmend status >/dev/null 2>&1; echo $?)"
	kmend undo -q --all >/dev/null 2>&1
	clean "ulimit $limit"
done
recovers "little of everything"
text_same "attacks" vmlinux
finish
