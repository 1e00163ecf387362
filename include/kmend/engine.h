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

#define KMEND_ABI 2

#define KMEND_ID_LEN 16		/* hex digits, without the final NUL */
#define KMEND_NAME_LEN 56	/* a module's name with its NUL (MODULE_NAME_LEN) */
#define KMEND_JUMP_LEN 5	/* jmp rel32 */

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
 * target are registered already; -EBUSY where the id is being switched or is
 * applied; -ENOMEM.
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
