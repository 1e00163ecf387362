#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Patches and machines from which create must not make an update, and what it says.

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
need_kernel
release=$(cat "$kit/release")
out=$work/out.kmend

# create PATCH [OPTION...]
# shellcheck disable=SC2317 # called by others
create()
{
	patch=$1
	shift
	"$kmend" create -q --kernel "$kit" -o "$out" "$@" "$patch"
}

# The prepared tree is as it was: whatever was refused, the next update is byte for byte the first.
update first builtin

# ---- patches ----

sed 's/saved_command_line/another_line/' "$data/builtin.patch" >"$work/not-applying.patch"
refused "a patch that does not apply" PATCH-REJECTED "*not-applying.patch does not apply to this source:*1 hunk FAILED*" \
	create "$work/not-applying.patch"
cat "$data/version.patch" "$work/not-applying.patch" >"$work/half.patch"
refused "a patch that applies in part" PATCH-REJECTED "*half.patch does not apply *" create "$work/half.patch"
refused "a patch that is applied twice" PATCH-REJECTED "*version.patch does not apply *" \
	create "$data/version.patch" "$data/version.patch"
refused "a document" NOTHING-COMPILED "the patch touches no source code *" create "$data/document.patch"
refused "a file that is not built" NOTHING-COMPILED "*configuration compiles: fs/minix/dir.c*" create "$data/not-built.patch"
refused "a header of files that are not built" NOTHING-COMPILED \
	"the patch touches no code that this kernel's configuration compiles" create "$data/header-not-built.patch"
refused "a patch that does not compile" COMPILE-FAILED \
	"fs/proc/cmdline.c does not compile with the patch:*error:*no_such_variable*undeclared*" create "$data/bad-compile.patch"
refused "code of the vDSO" OUTSIDE-KERNEL "arch/x86/entry/vdso/vclock_gettime.c is part of the vDSO*" create "$data/vdso.patch"
refused "code that starts processors" OUTSIDE-KERNEL "arch/x86/realmode/rm/wakemain.c is part of the code that *" \
	create "$data/realmode.patch"
refused "code of the vDSO, by a header" NOTHING-COMPILED "*" create "$data/vdso-header.patch"
run "$kmend" create --kernel "$kit" -o "$work/vdso.kmend" "$data/vdso-header.patch" "$data/builtin.patch"
expect "the same, with other code: status" 0 "$status"
expect "the same, with other code: what it says" "*note: *vdso/* stays as it is: it is part of the vDSO*" "$said"
rm -f "$work/vdso.kmend"
sed 's/^+proc-y\t+= extra.o/+obj-m\t+= extra.o/' "$data/new-file.patch" >"$work/module.patch"
refused "a module that is new" FILE-ADDED "*fs/proc/extra.c, which becomes a module of its own, extra" create "$work/module.patch"
sed 's/^+proc-y\t+= extra.o/+ccflags-y += -O1/' "$data/new-file.patch" >"$work/flags.patch"
refused "other flags" BUILD-CHANGED "the patch changes fs/proc/Makefile, *" create "$work/flags.patch"
run "$kmend" create -q --kernel "$kit" -o "$work/same.kmend" "$data/not-configured.patch" "$data/builtin.patch"
expect "Kconfig that gives the same configuration, an option that is not set, and Rust: $said" 0 "$status"
rm -f "$work/same.kmend"
sed 's/select CRYPTO/select CRC4/' "$data/not-configured.patch" >"$work/select.patch"
# What the environment says of it does not count.
export KCONFIG_CONFIG=/dev/null
refused "an option that comes" BUILD-CHANGED "the patch changes fs/proc/Kconfig, with which CONFIG_CRC4=y is set: *" \
	create "$work/select.patch" "$data/builtin.patch"
sed 's/select CRYPTO/depends on PROC_EXTRA/' "$data/not-configured.patch" >"$work/depends.patch"
refused "an option that goes" BUILD-CHANGED "*with which CONFIG_* is not set any more*" create "$work/depends.patch" "$data/builtin.patch"
sed 's/select CRYPTO/no such word/' "$data/not-configured.patch" >"$work/word.patch"
refused "what scripts/kconfig does not know" BUILD-CHANGED "*scripts/kconfig cannot read it: fs/proc/Kconfig:*" \
	create "$work/word.patch" "$data/builtin.patch"
refused "lines that move" NOTHING-CHANGED "the patch changes no running code: with it and without it, the compiler makes the same" create "$data/lines.patch"
refused "code that ran at boot" NOTHING-CHANGED "*proc_cmdline_init*has no effect now*" create "$data/init.patch"
refused "code that ran at boot, with code that may rely on it" INIT-CHANGED "*proc_cmdline_init*cmdline_proc_show*" \
	create "$data/init.patch" "$data/builtin.patch"
refused "boot code of a new file, with code that needs it" INIT-CHANGED "*extra_init*comes too late*cmdline_proc_show*" \
	create "$data/new-file-init.patch"
refused "a macro that both use" INIT-CHANGED "*fork_init*ran already*sysctl_max_threads*" create "$data/macro-init.patch"
run "$kmend" create -q --kernel "$kit" -o "$work/init.kmend" --accept init:proc_cmdline_init "$data/init.patch" \
	"$data/builtin.patch"
expect "the same, where its author knows that it does not: $said" 0 "$status"
rm -f "$work/init.kmend"
refused "code that set up the processors" INIT-CHANGED "*init_amd in *, which set up each CPU as it started: *" \
	create "$data/cpu-setup.patch"
refused "code that a breakpoint runs" ENTRY-CHANGED "*exc_overflow in arch/x86/kernel/traps.o (.noinstr.text)*" \
	create "$data/entry.patch"
refused "a function that tracers shall leave alone" CODE-BOUND "*cmdline_proc_show in fs/proc/cmdline.o*(notrace)*" \
	create "$data/notrace.patch"
refused "code that nothing refers to" SYMBOL-NAMELESS "*arch/x86/kernel/relocate_kernel_64.o (.text)*" create "$data/nameless.patch"
refused "a variable with another value" DATA-CHANGED "*pipe_max_size*fs/pipe.o*" create "$data/data.patch"
refused "an export that goes" NOTHING-CHANGED "*kobject_uevent_env*stays exported*" create "$data/export.patch"

: >"$work/empty.patch"
refused "an empty patch" PATCH-INVALID "*empty.patch is no unified diff*" create "$work/empty.patch"
refused "a program as patch" PATCH-INVALID "*is no text*" create /bin/true
sed 's|b/fs/proc/cmdline.c|b/../../outside.c|' "$data/builtin.patch" >"$work/outside.patch"
refused "a patch of something else" PATCH-INVALID "*outside.patch touches ../../outside.c, which is outside *" \
	create "$work/outside.patch"
head -n 6 "$data/builtin.patch" >"$work/cut.patch"
refused "a patch that was cut" "PATCH-*" "*cut.patch*" create "$work/cut.patch"
system_failure "no such patch" "*absent.patch*No such file or directory*" create "$work/absent.patch"
system_failure "a folder as patch" "*$work*" create "$work"
run "$kmend" create --kernel "$kit"
expect "no patch: status" 2 "$status"
expect "no patch: what it says" "kmend: create takes the patches *" "$said"

# ---- what is missing ----

refused "no such kit" KIT-INCOMPLETE "*/kernels/6.99.0-1 is no kernel kit*" \
	"$kmend" create --kernel 6.99.0-1 -o "$out" "$data/builtin.patch"
refused "no source" KIT-INCOMPLETE "the source of kernel $release is missing: /absent (package linux-source-6.*" \
	create "$data/builtin.patch" --source /absent
refused "no configuration" KIT-INCOMPLETE "the configuration of kernel $release is missing: /absent (package linux-image-$release*" \
	create "$data/builtin.patch" --config /absent
refused "no headers" KIT-INCOMPLETE "the headers of kernel $release are missing: /absent*(package linux-headers-$release*" \
	create "$data/builtin.patch" --headers /absent
mkdir "$work/bare"
echo "$release" >"$work/bare/release"
cp "$kit/config" "$work/bare/"
refused "a kit without source" KIT-INCOMPLETE "the source of kernel $release is missing (package linux-source-*" \
	"$kmend" create --kernel "$work/bare" -o "$out" "$data/builtin.patch"
sed 's/^CONFIG_CC_VERSION_TEXT="gcc/&-of-another-world/' "$kit/config" >"$work/config"
refused "no compiler" COMPILER-MISSING "*gcc-of-another-world-* is not installed (package *" \
	create "$data/builtin.patch" --config "$work/config"
sed 's/^\(CONFIG_CC_VERSION_TEXT=".*\) \(.*\)"$/\1 99.\2"/' "$kit/config" >"$work/config"
refused "another version of the compiler" COMPILER-MISMATCH "*this machine has *install that version of package gcc*" \
	create "$data/builtin.patch" --config "$work/config"
grep -v CONFIG_CC_VERSION_TEXT "$kit/config" >"$work/config"
refused "a configuration that is none" KIT-INCOMPLETE "*does not tell the kernel's compiler*" \
	create "$data/builtin.patch" --config "$work/config"
refused "a key that is none" "KEY-*" "*" create "$data/builtin.patch" --key "$data/builtin.patch"
system_failure "no such key" "*absent.key*" create "$data/builtin.patch" --key "$work/absent.key"

# ---- where nothing can be written ----

system_failure "no folder for the pack" "*absent/x.kmend*No such file*" create "$data/builtin.patch" -o "$work/absent/x.kmend"
system_failure "a folder as the pack" "*$work*" create "$data/builtin.patch" -o "$work"
TMPDIR=$work/absent
system_failure "no folder for temporary files" "*$work/absent*" create "$data/builtin.patch"
TMPDIR=$work/tmp

expect "no pack was written" "" "$(find "$work" -name '*.kmend*' ! -name first.kmend)"
update again builtin
same "an update after all that" "$work/first.kmend" "$work/again.kmend"
finish
