/* SPDX-License-Identifier: GPL-2.0 */
/* Compiling single objects of the kernel, before and after the patch. */
#ifndef KMEND_BUILD_COMPILE_H
#define KMEND_BUILD_COMPILE_H

#include "build/names.h"
#include "build/patch.h"
#include "build/tree.h"
#include "build/values.h"
#include "object/object.h"

/* One source file that the patches touch. */
struct compiled {
	char *source;		/* "kernel/fork.c" */
	char *name;		/* "kernel/fork.o" */
	bool reached_only;	/* not named by the patches: it may include a file that is */
	bool built;		/* whether the configuration compiles it at all (and it includes such a file) */
	char *target;		/* "vmlinux", or the module's name as in /proc/modules */
	struct object *pre;	/* of nothing where the patch adds the file */
	struct object *post;	/* NULL where the patch deletes it */
	void *pre_image;	/* the pre object's file, for the pack */
	size_t pre_size;
	char *pre_debug;	/* paths of the objects with their debug information */
	char *post_debug;
};

struct compilation {
	struct compiled *objects;
	size_t count;
	struct names touched;	/* struct reach */
	struct changed_values numbers;	/* macros of the patched files with another number */
};

struct compile_options {
	int jobs;
	/*
	 * Look at so many source files that the patches may not reach, too, or, with
	 * REACH_ALL, at all; only what is equal before it is compiled is passed over.
	 */
	size_t others;
};

/*
 * Compiles what @p touches, once without and once with the patches.  Every
 * function and variable gets a section of its own.  The tree is left
 * unpatched.
 * Errors: refusals COMPILE-FAILED with the compiler's words, PATCH-REJECTED,
 * HEADER-WIDE, BUILD-CHANGED, NOTHING-COMPILED, OUTSIDE-KERNEL, FILE-ADDED.
 */
struct error *compile_patches(const struct tree *tree, const struct patches *p,
			      const struct compile_options *options, struct compilation *c) __must_use;

/* The first half of it: without the patches alone, for those that want no more. */
struct error *compile_unpatched(const struct tree *tree, const struct patches *p,
				const struct compile_options *options, struct compilation *c) __must_use;

void compilation_fini(struct compilation *c);

#endif
