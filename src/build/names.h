/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a C file defines, by the names that other code must use to get at it.
 *
 * A text is cut into chunks: a macro's definition, or what ends a declaration
 * at the outermost level.  Whoever is affected by a change of a chunk mentions
 * one of its names, or a name of another chunk that does.  (A name that is put
 * together with ## escapes this.)
 */
#ifndef KMEND_BUILD_NAMES_H
#define KMEND_BUILD_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* A set of names. */
struct names {
	char **list;		/* in the order in which they were added */
	size_t count, capacity;
	void *tree;		/* of tsearch(3) */
};

void names_fini(struct names *n);

/* Adds a copy of @name; false where it was there. */
bool names_add(struct names *n, const char *name, size_t len);

bool names_has(const struct names *n, const char *name, size_t len);

/* From line @first to line @last, counted from 1. */
struct line_range {
	unsigned long first, last;
};

/*
 * Adds to @out what the chunks of @text define that lie in one of @ranges.
 * Where a range touches a conditional or an #include, whose reach cannot be
 * told, *@whole is set.
 */
void names_of_ranges(const char *text, const struct line_range *ranges, size_t count,
		     struct names *out, bool *whole);

/* Adds to @out what the chunks of @text define that mention one of @used; returns whether any is new. */
bool names_of_users(const char *text, const struct names *used, struct names *out);

#endif
