/* SPDX-License-Identifier: GPL-2.0 */
/* Macros that number things, and what a patch makes of the numbers. */
#ifndef KMEND_BUILD_VALUES_H
#define KMEND_BUILD_VALUES_H

#include <stdbool.h>
#include <stddef.h>

/* A macro for a number that the patch changes. All is owned by it. */
struct changed_value {
	char *name, *path;		/* path: of its file */
	char *before, *after;		/* as they are written, without blanks */
	bool renumbered;		/* another macro has, or had, its number, or it is another bit */
};

struct changed_values {
	struct changed_value *list;	/* starts as zeros */
	size_t count, capacity;
};

/*
 * Adds the macros with one number in the text @before of the file @path and another
 * one in @after.  Renumbered are those of which another one of the family, whose name
 * begins alike ("CF_"), has the number after the patch, or had it before: in what lives
 * the same bits then mean something else.  Of the two both must differ: that a limit
 * grows to a number which something else has is no renumbering.
 */
void values_compare(struct changed_values *values, const char *before, const char *after, const char *path);
void changed_values_fini(struct changed_values *values);

#endif
