/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of this stage share. */
#ifndef KMEND_BUILD_PRIVATE_H
#define KMEND_BUILD_PRIVATE_H

#include "build/compile.h"

#define CMD_MAX (16ul << 20)	/* bytes of a .cmd file */
#define SIFT_MAX 2500		/* more files are not looked at for one update */

/* "dir/.file.o.cmd", where kbuild keeps the command of dir/file.o, and what it includes. */
char *cmd_path(const struct tree *tree, const char *name);

/*
 * What is kept of @name, with the suffix: "KEY/pre-3/kernel/fork.o", or in a
 * folder that goes with the command where there is a base.
 */
char *cached_path(const struct tree *tree, const char *name, const char *suffix);

/* Creates the folder that @path is to be in. */
struct error *make_parent(const char *path) __must_use;

/*
 * The compiler's flags for objects of an update, beside the kernel's.  Function
 * and data sections make what is compared and extracted independent of what
 * stands around it.  The debug information, which the configuration or -g
 * gives, tells the layout of types (diff/layout.h).
 */
#define OBJECT_FLAGS "-g -ffunction-sections -fdata-sections"

/* Makes "dir/file.o" and the like anew, with the compiler's @flags beside the kernel's. */
struct error *make_goals(const struct tree *tree, char *const *names, size_t count, int jobs,
			 const char *flags, char **output) __must_use;

/* Takes those out of the list that are no part of this kernel, and remembers it. */
struct error *drop_unbuilt(const struct tree *tree, char **names, size_t *count) __must_use;

/* Whether the .cmd file at @path has a file that the patches touch among what was included. */
struct error *includes_patched(const struct patches *p, const char *path, bool *includes) __must_use;

/* What a source belongs to that is compiled with the kernel and is no part of its text; NULL for all others. */
const char *outside_place(const char *source);

void compiled_fini(struct compiled *o);

/*
 * Takes those objects out of @c that only may be reached, and that are not: no
 * part of this kernel, not including what changes, or not differing for it
 * (build/preprocessed.h; with others, only equal texts tell).
 * Errors: refusal HEADER-WIDE.
 */
struct error *sift_objects(const struct tree *tree, const struct patches *p,
			   const struct compile_options *options, struct compilation *c) __must_use;

#endif
