/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Applying patches to a prepared tree, and taking them out again.
 *
 * Before anything is changed, every file that the patches name is copied to
 * the tree's undo folder; patch_restore() puts them back, also after a crash.
 */
#ifndef KMEND_BUILD_PATCH_H
#define KMEND_BUILD_PATCH_H

#include "build/tree.h"

/* What a file is to an update, by its name. */
enum patched_kind {
	PATCHED_SOURCE,		/* .c or .S: compiled into an object */
	PATCHED_HEADER,
	PATCHED_BUILD,		/* Makefile, Kbuild, Kconfig, linker script, what kmend does not compile */
	PATCHED_NOTHING,	/* documentation, tests, tools, other architectures: not part of the kernel */
};

struct patched_file {
	char *path;		/* in the source, "kernel/fork.c" */
	enum patched_kind kind;
};

struct patches {
	char **paths;		/* the patch files, in the order given */
	void **texts;		/* what is in them */
	char **diffs;		/* the diffs alone (build/unified.h) */
	size_t *sizes;
	size_t count;
	struct patched_file *files;	/* what they touch, sorted, each once */
	size_t file_count;
};

/*
 * Reads the patch files and finds what they touch.
 * Errors: refusals PATCH-INVALID where a file is no unified diff or names a
 * path that leaves the source.
 */
struct error *patches_read(char *const *paths, size_t count, struct patches **p) __must_use;
void patches_free(struct patches *p);

/*
 * Adds a patch of @size bytes, copied, called @name in messages, to *@p, which is
 * made where it is NULL.  Errors: as above.
 */
struct error *patches_add(struct patches **p, const char *name, const void *text, size_t size) __must_use;

/*
 * Makes @base, which must stay, a part of what is before any patch: it is applied
 * now, patch_apply() applies it first, and patch_restore() leaves it in.  NULL
 * takes it out again.
 * Errors: refusal PATCH-REJECTED.
 */
struct error *patch_set_base(struct tree *tree, const struct patches *base) __must_use;

/*
 * Applies them to the tree, exactly (offsets are allowed, fuzz is not), and
 * gives the code behind each change its old line numbers (build/lines.h).
 * Errors: refusal PATCH-REJECTED with what patch(1) says; the tree is then as
 * it was.
 */
struct error *patch_apply(const struct tree *tree, const struct patches *p) __must_use;

/* Applies them to the files in the folder @dir, and does nothing else. */
struct error *patch_apply_in(const char *dir, const struct patches *p) __must_use;

/*
 * Copies the files that @p names from the tree to the folder @dir, with the base
 * applied, and with no #line directives.
 */
struct error *patch_copy_plain(const struct tree *tree, const struct patches *p, const char *dir) __must_use;

/* Puts everything back that patch_apply() changed, but the base; nothing to do is no error. */
struct error *patch_restore(const struct tree *tree) __must_use;

#endif
