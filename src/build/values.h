/* SPDX-License-Identifier: GPL-2.0 */
/* Macros that number things, and what a patch makes of the numbers. */
#ifndef KMEND_BUILD_VALUES_H
#define KMEND_BUILD_VALUES_H

#include "build/names.h"

/*
 * Adds to @out the macros whose number another one has after the patch, or had
 * before it: in what lives the same bits then mean something else.  Only macros
 * of one family count, whose names begin alike ("CF_"), and of the two macros
 * both must differ between the texts @before and @after: that a limit grows to a
 * number which something else has is no renumbering.
 */
void values_renumbered(const char *before, const char *after, struct names *out);

/* Such macros of the files of a patch, each beside the path of its file; starts as zeros. */
struct renumbered {
	char **macros, **paths;
	size_t count, capacity, path_capacity;
};

void renumbered_add(struct renumbered *r, const char *before, const char *after, const char *path);
void renumbered_fini(struct renumbered *r);

#endif
