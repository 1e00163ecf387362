/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the configuration compiles.  kbuild makes any single object that it is
 * asked for, so its makefiles are asked which ones it would make by itself.
 */
#ifndef KMEND_BUILD_KBUILD_H
#define KMEND_BUILD_KBUILD_H

#include "build/tree.h"

#include <stdbool.h>

struct kbuild_folder;

/* The lists of the folders that were asked about; starts as zeros. */
struct kbuild {
	const struct tree *tree;
	struct kbuild_folder *folders;
	size_t count;
	char *foreign;	/* makefiles that may list objects of other folders, one a line; or NULL */
};

/*
 * *@goal is what kbuild calls @object ("kernel/fork.o"), where it is part of the
 * kernel or of one of its modules, else NULL; the caller's to free.  It is part
 * where its folder's makefile lists it, and those above list the folder.  Some
 * have another name than their own: arch/x86/kvm/../../../virt/kvm/kvm_main.o.
 */
struct error *kbuild_goal(struct kbuild *k, const char *object, char **goal) __must_use;

/* Whether the folder of @object, or one above it, makes the module @name (as in /proc/modules). */
struct error *kbuild_has_module(struct kbuild *k, const char *object, const char *name, bool *has) __must_use;

/*
 * The names of the modules that @object is a part of, joined with a colon, as the makefiles list them; NULL where
 * none does.  *@names is the caller's to free.
 */
struct error *kbuild_modules(struct kbuild *k, const char *object, char **names) __must_use;

void kbuild_fini(struct kbuild *k);

#endif
