/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prepared trees: a copy of the source, configured and prepared once for each
 * (source, configuration, compiler, toolchain), under cache_dir()/trees.  The user's own
 * tree is never written to.
 *
 *   trees/KEY/source	the copy
 *   trees/KEY/build	kbuild's O=
 *   trees/KEY/pre-N	compiled pre objects, each with the name of its target, what it
 *			includes, and once more with its debug information
 *   trees/KEY/undo	what a patch is about to change, as it was; see patch.h
 *   trees/KEY/config	what scripts/kconfig makes of patched files; see kconfig.h
 *   trees/KEY/ready	written last: without it the tree is made anew
 *   trees/KEY/prepared	while what "make prepare" makes is that of the unpatched source
 *   trees/KEY.lock	held while a tree is open
 */
#ifndef KMEND_BUILD_TREE_H
#define KMEND_BUILD_TREE_H

#include "build/kit.h"

#include <stddef.h>

#define SOURCE_MAX (64ul << 20)	/* bytes of a source file */

struct patches;

struct tree {
	const struct kit *kit;
	char *path;
	char *source;
	char *build;
	char *kept;		/* where pre objects are kept */
	const struct patches *base;	/* patches that are part of what is before, or NULL; see tree_use_base() */
	int lock;
};

/*
 * Opens the tree for @kit, making it where it is missing, and keeps others
 * out until tree_close().  What a killed create left in it is put right.
 * Errors: refusals CONFIG-CHANGED where the configuration cannot be kept as it
 * is (a tool is missing), PREPARE-FAILED with the end of make's output; system
 * errors.
 */
struct error *tree_open(const struct kit *kit, struct tree **tree) __must_use;
void tree_close(struct tree *tree);

/*
 * Makes the patches @base, which must stay, a part of what is before other
 * patches, until the tree is closed.  What is compiled is then not kept for later.
 * Errors: refusal PATCH-REJECTED.
 */
struct error *tree_use_base(struct tree *tree, const struct patches *base) __must_use;

/*
 * Says that files change which "make prepare" looks at: tree_make() then leaves
 * nothing out, and the tree is prepared once more when it is opened again.
 */
struct error *tree_unprepare(const struct tree *tree) __must_use;

/*
 * Runs make in the tree's build folder, without what the tree's preparation did
 * already.  @goals: NULL-terminated.  @flags: KCFLAGS.  *@output is what it
 * printed, the caller's to free.
 */
struct error *tree_make(const struct tree *tree, const char *const *goals, const char *flags, int jobs,
			int *status, char **output) __must_use;

/* The environment of every make that kmend runs: nothing of the user's, no time, no name. */
extern const char *const build_environment[];

#endif
