#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# An update to a built-in file: what each command does, prints and exits with.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 jq
need_kernel
update builtin builtin
helper ktext
guest builtin.sh --cpus 2 --warn-is-crash
id=$(json inspect .manifest.id)
expect "inspect --json" "$(cat "$kit/release") false cmdline_proc_show" \
	"$(json inspect '[.manifest.release, .signed, .manifest.targets[].functions[].name]|join(" ")')"
expect "verify --json" "$id true proved" \
	"$(json verify '[.id, .proved, (.objects[].functions[]|select(.name=="cmdline_proc_show").state)]|join(" ")')"
expect "apply --dry-run --json" "$id false" "$(json dry-run '.updates[]|[.id, .applied]|join(" ")')"
expect "status --json" "2 $id applied cmdline_proc_show kmend_$id" \
	"$(json status '[.engine_abi, (.updates[]|.id, .state, .functions[].name, .modules[])]|join(" ")')"
finish
