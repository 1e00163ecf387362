#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A create that is killed, at any moment, leaves no half pack; the next one makes the very pack that it would have made.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel
mkdir "$work/there"
update whole two-files
# The first one may have had more to do than those that follow.
start=$(date +%s%N)
update again two-files
took=$((($(date +%s%N) - start) / 1000000))

# ended_by SIGNAL PERCENT FILE: create of FILE, sent a signal after so much of its time; leaves its status in $status
ended_by()
{
	"$kmend" create -q --kernel "$kit" -o "$3" "$data/two-files.patch" >/dev/null 2>&1 &
	sleep "$(printf '%d.%03d' $((took * $2 / 100 / 1000)) $((took * $2 / 100 % 1000)))"
	kill -s "$1" $! 2>/dev/null
	wait $!
	status=$?
}

kills=0
for part in 5 20 40 60 80; do
	ended_by KILL $part "$work/there/two-files.kmend"
	[ $status != 137 ] || kills=$((kills + 1))
	if [ -e "$work/there/two-files.kmend" ]; then
		same "what was written until $part % of the time" "$work/whole.kmend" "$work/there/two-files.kmend"
	fi
	# Sometimes another patch comes next.
	if [ $part = 20 ] || [ $part = 60 ]; then
		update other version
	fi
	rm -f "$work/there/two-files.kmend"
done
expect "it was killed" "[3-5]" "$kills"
"$kmend" create -q --kernel "$kit" -o "$work/there/two-files.kmend" "$data/two-files.patch" >"$work/err" 2>&1 ||
	fail "create after all that: $(cat "$work/err")"
same "the pack after all that" "$work/whole.kmend" "$work/there/two-files.kmend"
left_nothing "create after all that"
expect "nothing else was written" two-files.kmend "$(ls -A "$work/there")"

# Asked to end, it leaves nothing at all.
ended_by INT 30 "$work/there/x.kmend"
left_nothing "SIGINT"
ended_by TERM 80 "$work/there/x.kmend"
left_nothing "SIGTERM"
rm -f "$work/there/x.kmend"
expect "nor a part of a pack" two-files.kmend "$(ls -A "$work/there")"

# make is killed, as where memory is short: that is an error, and not remembered.
mkdir "$work/bin"
cat >"$work/bin/make" <<-'END'
	#!/bin/sh
	case " $* " in *" fs/proc/version.o "*) kill -KILL $$ ;; esac
	exec /usr/bin/make "$@"
END
chmod +x "$work/bin/make"
rm -f "${KMEND_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kmend}"/trees/*/pre-*/fs/proc/version.o.target
run env PATH="$work/bin:$PATH" "$kmend" create -q --kernel "$kit" -o "$work/no.kmend" "$data/version.patch"
expect "make is killed" "1 *[[]COMPILE-FAILED]*was it killed*" "$status $said"
update after version
finish
