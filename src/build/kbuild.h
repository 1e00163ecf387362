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
};

/*
 * Whether @object ("kernel/fork.o") is part of the kernel or of one of its
 * modules: its folder's makefile lists it, and those above list the folder.
 */
struct error *kbuild_builds(struct kbuild *k, const char *object, bool *builds) __must_use;

void kbuild_fini(struct kbuild *k);

#endif
