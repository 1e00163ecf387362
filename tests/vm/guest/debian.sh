#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The life of installed updates on a Debian with systemd: each argument names what is done in one boot.

# shellcheck source=tests/vm/guest/common.sh
. ./common.sh
builtin=$(cat builtin.id) version=$(cat version.id)
packs=/var/lib/kmend/packs

# state ID: as status tells it
state()
{
	kmend status | sed -n "s/^$1  \([a-z-]*\) .*/\1/p"
}

# journal FIELD=VALUE...: one JSON value a line, of this boot
journal()
{
	journalctl --sync
	journalctl -b -o json SYSLOG_IDENTIFIER=kmend "$@"
}

property()
{
	systemctl show -p "$2" --value "$1"
}

prom=/var/lib/prometheus/node-exporter/kmend.prom

# Every line is one of Prometheus's text format, and each metric has its type before it.
metrics()
{
	expect "$1: each line is of the format" "" "$(grep -vE '^(# HELP kmend_[a-z_]+ .+|# TYPE kmend_[a-z_]+ gauge|kmend_[a-z_]+([{][a-z]+="[^"]*"(,[a-z]+="[^"]*")*[}])? [0-9]+([.][0-9]+)?)$' $prom 2>&1)"
	expect "$1: each metric has a type" "" "$(awk '$2 == "TYPE" { type[$3] = 1 } !/^#/ { sub(/[{ ].*/, ""); if (!type[$0]) print }' $prom)"
	expect "$1: the status" "kmend_status 0" "$(grep ^kmend_status $prom)"
	expect "$1: the applied ones" 'kmend_updates{state="applied"} 2' "$(grep '"applied"} ' $prom)"
}

# No update is half installed, and nothing of a file that was being written is left.
whole()
{
	run kmend status
	expect "$1: status" "[012]" "$status"
	for id in $(kmend status | sed -n 's/^\([0-9a-f]\{16\}\)  .*/\1/p'); do
		expect "$1: the pack of $id is there" "update $id*" "$(kmend inspect "$packs/$id.kmend" 2>&1)"
	done
	expect "$1: no rest of a file" "" "$(find /var/lib/kmend -name ".kmend-*")"
}

crash()
{
	sync
	echo "the machine crashes now, as it shall"
	[ "$failed" = 0 ] || exit "$failed"
	echo c >/proc/sysrq-trigger
}

# The power goes after $1 ms of a command: nothing that is not on the disk gets there.
power_cut()
{
	after=$1
	shift
	[ "$failed" = 0 ] || exit "$failed"
	echo "the power goes now, as it shall"
	"$@" >/dev/null 2>&1 &
	sleep "$(printf '%d.%03d' $((after / 1000)) $((after % 1000)))"
	echo b >/proc/sysrq-trigger
}

step_install()
{
	works "dpkg -i" "*" dpkg -i ./kmend.deb
	works "the program runs" "kmend *" kmend version
	expect "a man page for each command" "" "$(for c in create inspect verify snapshot apply boot undo status key; do
		[ -e "/usr/share/man/man8/kmend-$c.8.gz" ] || echo "$c"; done)"
	expect "the units are enabled" "enabled enabled" "$(systemctl is-enabled kmend.service kmend-settle.path | tr '\n' ' ' | sed 's/ $//')"
	for unit in kmend kmend-settle kmend-metrics; do
		run systemd-analyze security --offline=true --threshold=30 "/lib/systemd/system/$unit.service"
		expect "the exposure of $unit.service is at most 3.0: $(echo "$said" | tail -n 1)" 0 "$status"
	done
	run kmend status
	expect "nothing is installed" 1 "$status"
	for target in rescue multi-user; do
		expect "a probation is watched wherever updates are applied: $target" "kmend-settle.path kmend.service" \
			"$(systemctl list-dependencies --plain $target.target | grep -o 'kmend[a-z.-]*' | sort | xargs)"
	done

	refused "an update by an unknown key" SIGNATURE-UNKNOWN-KEY "*" kmend apply builtin.kmend
	works "trust" "*is trusted*" kmend key trust key.pub
	works "apply" "*$builtin: applied *" kmend apply --allow-unsigned builtin.kmend
	works "apply without a signature" "*$version: applied *" kmend apply --allow-unsigned version.kmend
	expect "the option stays for what needed it, for who signed the other may be revoked" 1 \
		"$(grep -o '"allow_unsigned": *true' /var/lib/kmend/installed.json | wc -l)"
	refused "apply again" ALREADY-APPLIED "*" kmend apply builtin.kmend
	refused "undo of what is not" NOT-INSTALLED "*" kmend undo feedfeed
	works "status, which tells that one is not signed" "*updates    2 applied*$version  applied *unsigned*" kmend status
	works "motd" "kernel updates: 2 applied" kmend status --motd

	entry=$(journal KMEND_ACTION=apply KMEND_RESULT=done KMEND_UPDATE="$builtin")
	for field in '"KMEND_UID":"0"' "\"KMEND_KEY\":\"$(kmend key list | cut -d' ' -f1)\"" '"KMEND_FUNCTION":"cmdline_proc_show"' \
		'"PRIORITY":"5"' '"_COMM":"kmend"' "\"KMEND_RELEASE\":\"$(uname -r)\"" '"KMEND_PACK":"builtin.kmend"' \
		'"KMEND_PAUSE_NS":"[0-9]*"'; do
		expect "the journal tells of the apply: $field" yes "$(echo "$entry" | grep -q "$field" && echo yes || echo "$entry")"
	done
	dpkg -e kmend.deb control
	works "an upgrade to a version with this engine" "" sh control/preinst upgrade 0.1 0.2
	sed -i 's/^abi=.*/abi=99/' control/preinst
	run sh control/preinst upgrade 0.1 0.2
	expect "an upgrade to a version with another engine: status" 1 "$status"
	expect "an upgrade to a version with another engine" "*kmend undo --all*" "$said"
	expect "the journal tells who signed nothing" "*\"KMEND_KEY\":\"none\"*" "$(journal KMEND_RESULT=done KMEND_UPDATE="$version")"
	for code in SIGNATURE-UNKNOWN-KEY ALREADY-APPLIED NOT-INSTALLED; do
		expect "the journal tells of the refusal $code" "*\"KMEND_RESULT\":\"refused\"*" "$(journal "KMEND_CODE=$code")"
	done

	mkdir -p /var/lib/prometheus/node-exporter
	works "the metrics' service" "" systemctl start kmend-metrics.service
	metrics "the metrics"
	rm $prom
	expect "the metrics are for those who want them" disabled "$(systemctl is-enabled kmend-metrics.timer)"
	# As it were five minutes later.
	mkdir -p /run/systemd/system/kmend-metrics.timer.d
	printf '[Timer]\nOnActiveSec=1s\nAccuracySec=1ms\n' >/run/systemd/system/kmend-metrics.timer.d/soon.conf
	systemctl daemon-reload
	systemctl enable --now kmend-metrics.timer 2>/dev/null
	expect "the metrics' timer" "enabled active" "$(systemctl is-enabled kmend-metrics.timer) $(systemctl is-active kmend-metrics.timer)"
	for _ in $(seq 60); do
		[ ! -e $prom ] || break
		sleep 1
	done
	metrics "the timer's metrics"
	expect "they are on probation" "[{]*$builtin*" "$(tr -d '\n' </var/lib/kmend/probation.json)"
	expect "which is watched" active "$(systemctl is-active kmend-settle.service)"
}

# After a clean reboot.
step_rebooted()
{
	expect "applied again" "yes yes" "$(runs_builtin) $(runs_version)"
	works "status" "*updates    2 applied*" kmend status
	expect "the service" "active success" "$(property kmend.service ActiveState) $(property kmend.service Result)"
	done_at=$(property kmend.service ExecMainExitTimestampMonotonic)
	net_at=$(property systemd-networkd.service ExecMainStartTimestampMonotonic)
	expect "before the network: $done_at, $net_at" yes "$([ "$done_at" -gt 0 ] && [ "$net_at" -gt "$done_at" ] && echo yes)"
	first=$(journal KMEND_ACTION=boot KMEND_RESULT=done | sed -n '1s/.*"KMEND_UPDATE":"\([0-9a-f]*\)".*/\1/p')
	expect "in the order of application" "$builtin" "$first"
	whole "after a reboot"
	expect "the metrics' timer after a reboot" "enabled active" \
		"$(systemctl is-enabled kmend-metrics.timer) $(systemctl is-active kmend-metrics.timer)"

	works "until reboot" "*" kmend undo "$version"
	expect "the journal tells of the undo" "*\"KMEND_RESULT\":\"done\"*" "$(journal KMEND_ACTION=undo KMEND_UPDATE="$version" KMEND_UID=0)"
	# It goes away when the proof has begun; what is written next comes with signals blocked.
	expect "a reader that goes away" "*proving*" "$(kmend apply --allow-unsigned --until-reboot version.kmend 2>&1 | head -n 2)"
	expect "it is applied, which the journal tells" "yes *\"KMEND_UPDATE\":\"$version\"*" \
		"$(runs_version) $(journal KMEND_ACTION=apply KMEND_RESULT=done)"
	expect "it is not kept" "" "$(find $packs -name "$version*")"
	works "status of what is not kept" "*until the next boot only*" kmend status
	works "undo of it" "*" kmend undo "$version"
	# Ends the probation of what was applied at boot, as five minutes would.
	systemctl stop kmend-settle.service
	expect "the probation has ended" "" "$(find /var/lib/kmend -name probation.json)"
	works "apply, and crash" "*" kmend apply --allow-unsigned version.kmend
	crash
}

# After the crash: once without it, and it stays so until somebody says otherwise.
step_crashed()
{
	expect "what crashed is not applied, the other is" "yes no" "$(runs_builtin) $(runs_version)"
	expect "it is set aside" "set-aside applied" "$(state "$version") $(state "$builtin")"
	run kmend status
	expect "status" 2 "$status"
	expect "what status says" "*the machine went down soon after*" "$said"
	expect "the journal tells" "*\"KMEND_UPDATE\":\"$version\"*" "$(journal KMEND_ACTION=set-aside)"
	expect "what was applied at boot is on probation" "[{]*$builtin*" "$(tr -d '\n' </var/lib/kmend/probation.json)"
	crash
}

# After a crash soon after what was applied at boot.
step_crashed_at_boot()
{
	expect "nothing is applied" "no no" "$(runs_builtin) $(runs_version)"
	expect "both are set aside" "set-aside set-aside" "$(state "$version") $(state "$builtin")"
	expect "the journal tells of the one that is new" "*\"KMEND_UPDATE\":\"$builtin\"*" "$(journal KMEND_ACTION=set-aside)"
	works "applied again by hand" "*$version: applied*" kmend apply --allow-unsigned version.kmend
	expect "it is back" "applied yes" "$(state "$version") $(runs_version)"
	works "undo" "*" kmend undo "$builtin"
	systemctl stop kmend-settle.service
	power_cut "$1" kmend apply builtin.kmend
}

# After the power went while builtin was applied; with kmend.enable=0.
step_turned_off()
{
	whole "after a power cut"
	expect "nothing is applied" "no no" "$(runs_builtin) $(runs_version)"
	case $(state "$builtin") in
	"") echo "ok: it is wholly without" ;;
	set-aside | pending) echo "ok: it is wholly with" ;;
	*) expect "after a power cut" "one of these" "$(state "$builtin")" ;;
	esac
	expect "the other is pending" pending "$(state "$version")"
	run kmend status
	expect "status" 2 "$status"
	expect "what status says" "*kmend.enable=0*" "$said"
	expect "no module is loaded" "" "$(lsmod | grep kmend)"
	works "undo of what is not applied" "*not installed any more*" kmend undo --all
	works "apply is not turned off" "*" kmend apply --allow-unsigned version.kmend
	works "apply is not turned off" "*" kmend apply --allow-unsigned builtin.kmend
	# As after the next kernel was installed.
	cp other.kmend "$packs/$version.kmend"
}

# With an update for another kernel.
step_other_kernel()
{
	expect "the other kernel's is left alone" other-kernel "$(state "$version")"
	expect "its pack is there" "update $version*" "$(kmend inspect "$packs/$version.kmend")"
	expect "the others are applied" "applied yes" "$(state "$builtin") $(runs_builtin)"
	expect "that is no failure" success "$(property kmend.service Result)"
	expect "the journal tells" "*KERNEL-OTHER*" "$(journal KMEND_ACTION=boot KMEND_UPDATE="$version")"

	works "purge" "*" dpkg --purge kmend
	expect "the code is the old one" "no no" "$(runs_builtin) $(runs_version)"
	expect "no module is left" "" "$(lsmod | grep kmend)"
	expect "no file is left" "" "$(find / -xdev -name '*kmend*' ! -path '/var/log/*' ! -path '/var/lib/dpkg/*' \
		! -path '/run/vm/*')"
	expect "nothing in /run" "" "$(find /run -name '*kmend*' ! -path '/run/vm/*')"
	expect "dpkg knows nothing" "" "$(dpkg -l kmend 2>/dev/null | grep '^[^D|+]')"
}

case $1 in
install) step_install ;;
rebooted) step_rebooted ;;
crashed) step_crashed ;;
crashed-at-boot) step_crashed_at_boot "$2" ;;
turned-off) step_turned_off ;;
other-kernel) step_other_kernel ;;
esac
exit $failed
