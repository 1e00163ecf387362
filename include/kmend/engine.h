/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ABI between the engine (kmend.ko), update modules and the kmend program.
 *
 * An update is one or more update modules, one for each target ("vmlinux" or
 * the name of a kernel module), that share an id.  The program writes this
 * boot's addresses and the bytes that the proof saw into the module's image
 * before it loads it (src/bind); the module's init registers it with the
 * engine; the switch is a write to sysfs.
 *
 * In /sys/kernel/kmend are
 *
 *	abi			KMEND_ABI
 *	switch			write "apply MS ID [ID...]" or "undo MS ID [ID...]": switch all
 *				or none of these updates, in one stop, and try for MS
 *				milliseconds, once at least.  After some tries, threads that
 *				sleep in the code are moved out of it.  The write returns at
 *				once: who waits for the switch must not do so inside of code
 *				that it may replace, as that of write(2).  EINVAL: it makes no
 *				sense; EAGAIN: one is under way.
 *	outcome			of the last one that was written to switch, "running TRIES" or
 *				"ERRNO TRIES": 0, or a number from below, and how often it tried
 *	late			write "await ID MODULE", before ID is applied: this target may
 *				load, unload and load again while ID is applied, see below;
 *				"forget ID": none; "done MODULE": the answer of user space
 *				(EBUSY: it is applied; E2BIG: its names fill a page; ENOENT:
 *				nobody waits)
 *	updates/ID/late		lines "MODULE in|out": what ID awaits, and whether its part for it
 *				is switched in
 *	updates/ID/state	"loaded" or "applied"
 *	updates/ID/enabled	1 where applied; write 1 or 0 to apply or undo it with one try;
 *				the write returns when it is done, or with an errno from below;
 *				EAGAIN: a switch is under way
 *	updates/ID/functions	lines "name target old_addr new_addr"; the last one, where there
 *				are more than fit into the file, "N more"
 *	updates/ID/blockers	why the last try failed, empty where it did not:
 *				after EBUSY lines "tid comm function+offset where", where one of
 *				stack, function-graph and kretprobe (the place of a thread's
 *				return address); or "0 - function+offset kprobe": a probe in the
 *				way; or "0 - function+offset redirected": ftrace leads calls
 *				elsewhere, for a kernel live patch for instance; or
 *				"0 - 0x0 preempted": a thread that was preempted somewhere in the
 *				kernel did not run on in time; and as the last line, where there
 *				are more than fit into the file, "0 - N more";
 *				after ESTALE "0 - function+offset text";
 *				after EEXIST and EXDEV "update ID function why", of which
 *				function may be an object's name;
 *				after ECANCELED, or EBUSY, "hook ERRNO function kind": it refused
 *	updates/ID/pause_ns	how long the last stop took: on the CPU that led it, from when
 *				all CPUs were stopped until all jumps were written (or it was
 *				found that they cannot be) and every CPU had acknowledged it.
 *				The way of the CPUs into and out of the stop is not in it.  0
 *				where no try came as far as the stop.
 *
 * A switch that fails changes nothing:
 *	EALREADY	an update is so already
 *	EBUSY		a thread is in the code, or a probe: see blockers
 *	ECANCELED	a hook refused: see blockers
 *	EEXIST		a function or an object's content is already replaced by another
 *			update: see blockers
 *	EXDEV		an applied update replaces code of this one, or this one replaces
 *			code of an update that is not applied: see blockers
 *	ESTALE		the text at a jump is not what the proof saw, or, at undo, not the
 *			jump: see blockers
 *	ENODEV		a module is gone, or not where the proof saw it, or one that has no
 *			update module and is awaited has been loaded
 *	ENOENT		no such update
 *	EINVAL		no id, or one twice
 *	ENOMEM
 *
 * Modules that are late: when one loads that an applied update awaits, the engine
 * runs "HELPER late load MODULE" before anything of the module runs, and waits for
 * "done MODULE".  An update module for it that is loaded meanwhile is switched in by
 * its own init, which fails with an errno from above where it cannot be.  If one is
 * still out then, the module is not let in (ECANCELED).  When one goes that had a
 * part in, "HELPER late unload MODULE" is run, to unload the update module.
 * /sys/module/kmend/parameters has
 *	helper			the path of the kmend program
 *	late_seconds		how long is waited for the answer
 *	late_unfixed		Y: let modules in whose part is not
 *
 * The structures below are read and written by the program in the ELF image,
 * so every member has a fixed size and there is no implicit padding.
 */
#ifndef KMEND_ENGINE_H
#define KMEND_ENGINE_H

#ifdef __KERNEL__
#include <linux/types.h>
typedef u8 kmend_u8;
typedef u32 kmend_u32;
typedef u64 kmend_u64;
#else
#include <stdint.h>
typedef uint8_t kmend_u8;
typedef uint32_t kmend_u32;
typedef uint64_t kmend_u64;
#endif

#define KMEND_ABI 3		/* 3: modules that are late */

#define KMEND_ID_LEN 16		/* hex digits, without the final NUL */
#define KMEND_NAME_LEN 56	/* a module's name with its NUL (MODULE_NAME_LEN) */
#define KMEND_JUMP_LEN 5	/* jmp rel32 */
#define KMEND_SWITCH_MS_MAX 86400000u /* a day */

/*
 * One replaced function.  The array kmend_functions[] of an update module
 * holds kmend_function_count of them.
 */
struct kmend_function {
	kmend_u64 old_addr;	/* start of the running function; bound by a symbol */
	kmend_u64 new_addr;	/* start of the new code; relocated by the module loader */
	kmend_u64 name;		/* const char *, relocated by the module loader */
	kmend_u32 old_size;	/* bytes of the running function, written by the program */
	kmend_u32 new_size;	/* bytes of the new function, its cold part not counted */
	kmend_u32 jump_offset;	/* where the jump goes, from old_addr; written by the program */
	kmend_u8 expected[KMEND_JUMP_LEN]; /* bytes at old_addr + jump_offset that the proof saw */
	kmend_u8 reserved[7];
};

/*
 * A further range of running code that belongs to a replaced function (its
 * .cold part): no thread may be in it at the switch, nothing is written there.
 * The array kmend_ranges[] holds kmend_range_count of them.
 */
struct kmend_range {
	kmend_u64 addr;		/* bound by a symbol */
	kmend_u32 size;		/* written by the program */
	kmend_u32 reserved;
};

/*
 * An object whose content the update replaces, in memory that may be read-only.
 * The array kmend_objects[] holds kmend_object_count of them.
 */
struct kmend_object {
	kmend_u64 addr;		/* bound by a symbol */
	kmend_u64 content;	/* the new one, relocated by the module loader */
	kmend_u64 name;		/* const char *, likewise */
	kmend_u32 size;		/* bytes */
	kmend_u32 read_only;	/* 1 where it is write-protected, else 0 */
};

/* When a hook is called (kmend/hooks.h); the names there in lower case. */
enum kmend_hook_kind {
	KMEND_HOOK_PRE_APPLY,
	KMEND_HOOK_CHECK_APPLY,
	KMEND_HOOK_APPLY,
	KMEND_HOOK_POST_APPLY,
	KMEND_HOOK_FAIL_APPLY,
	KMEND_HOOK_PRE_REVERSE,
	KMEND_HOOK_CHECK_REVERSE,
	KMEND_HOOK_REVERSE,
	KMEND_HOOK_POST_REVERSE,
	KMEND_HOOK_FAIL_REVERSE,
	KMEND_HOOK_KINDS
};

#define KMEND_HOOK_NAMES                                                                           \
	"pre_apply", "check_apply", "apply", "post_apply", "fail_apply",                           \
	"pre_reverse", "check_reverse", "reverse", "post_reverse", "fail_reverse"

/*
 * A function to be called.  The array kmend_hooks[] holds kmend_hook_count of
 * them.
 */
struct kmend_hook {
	kmend_u64 function;	/* relocated by the module loader */
	kmend_u64 name;		/* const char *, likewise */
	kmend_u32 kind;		/* enum kmend_hook_kind */
	kmend_u32 reserved;
};

/* What the update changes, and where that was when it was proved. */
struct kmend_target {
	char name[KMEND_NAME_LEN];	/* "vmlinux" or a module's name as in /proc/modules */
	kmend_u64 base;		/* the module's text base as in /proc/modules; 0 for vmlinux */
};

/*
 * Where the addresses lie that the update's symbols were bound to, other than in
 * vmlinux: the pages, 0 after the last.  Written by the program into the section
 * .kmend.uses.  An update that uses what another update brought needs that one
 * applied.  Where that is unloaded before, this one cannot be applied any more
 * (ENODEV).
 */
#define KMEND_USES 256
#define KMEND_USES_PAGE 4096

#ifdef __KERNEL__
struct module;

struct kmend_update {
	const char *id;		/* KMEND_ID_LEN hex digits */
	struct module *owner;	/* the update module */
	const struct kmend_target *target;
	const struct kmend_function *functions;
	const struct kmend_range *ranges;
	const struct kmend_object *objects;
	const struct kmend_hook *hooks;
	const u64 *uses;	/* KMEND_USES of them */
	u32 function_count;
	u32 range_count;
	u32 object_count;
	u32 hook_count;
	void *engine;		/* the engine's own */
};

/**
 * kmend_register() - make an update known to the engine
 * @update: owned by the caller, must stay until kmend_unregister()
 *
 * Called from the update module's init, nothing is switched yet.
 * Return: 0; -EINVAL where a field makes no sense; -EEXIST where this id and
 * target are registered already; -EBUSY where the id is being switched, or is
 * applied and this target does not wait for it; -ENOMEM; where it waits, any errno
 * of a switch.
 */
int kmend_register(struct kmend_update *update);

/**
 * kmend_unregister() - forget an update
 * @update: one that kmend_register() took and that is not applied; the engine
 * holds a reference to the module of an applied one, so its exit cannot run.
 */
void kmend_unregister(struct kmend_update *update);
#endif

#endif
