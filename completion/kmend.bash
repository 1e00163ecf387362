# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Completion of kmend for bash.

_kmend_ids()
{
	kmend status 2>/dev/null | sed -n 's/^\([0-9a-f]\{16\}\) .*/\1/p'
}

# What the command $1 takes: its options, then what follows @: packs, patches, ids, keys, folders.
_kmend_takes()
{
	case $1 in
	create) echo "--json --kernel --source --config --headers --toolchain -j --key -o --expires --channel --serial --accept --onto --all-objects @patches" ;;
	inspect) echo "--json @packs" ;;
	verify) echo "--snapshot --allow-unsigned --json @packs" ;;
	snapshot) echo "--json @folders" ;;
	apply) echo "--dry-run --until-reboot --timeout --allow-unsigned --json @packs" ;;
	boot) echo "--settle --after --json" ;;
	undo) echo "--all --timeout --json @ids" ;;
	status) echo "--json --motd --prometheus" ;;
	withdraw) echo "--key -o --json @files" ;;
	key) echo "generate trust list revoke --no-password --json @files" ;;
	help) echo "$commands" ;;
	esac
}

_kmend()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local commands="create inspect verify snapshot apply boot undo status key withdraw version help"
	local takes words

	if [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$cur")
		return
	fi
	case $prev in
	--key | --config | --prometheus | --onto | -o)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--kernel | --source | --headers | --toolchain | --snapshot)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--accept)
		mapfile -t COMPREPLY < <(compgen -W "data: layout: init:" -- "$cur")
		return
		;;
	--timeout | --after | --expires | --channel | --serial | -j) return ;;
	esac
	takes=$(_kmend_takes "${COMP_WORDS[1]}")
	words=${takes%@*}
	case $takes in
	*@ids) words="$words $(_kmend_ids)" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words --quiet --verbose --help" -- "$cur")
	case $takes in
	*@packs) mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -X '!*.kmend' -- "$cur"; compgen -d -- "$cur") ;;
	*@patches | *@files) mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$cur") ;;
	*@folders) mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- "$cur") ;;
	esac
}

complete -o filenames -F _kmend kmend
