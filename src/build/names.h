/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a C file defines, by the names that other code must use to get at it.
 *
 * A text is cut into chunks (build/chunks.h).  Whoever is affected by a change
 * of a chunk mentions one of its names, or a name of another chunk that does.
 * (For names that are put together with ## see build/paste.h.)
 */
#ifndef KMEND_BUILD_NAMES_H
#define KMEND_BUILD_NAMES_H

#include "build/chunks.h"

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

/* What chunks define: starts as zeros. */
struct defined {
	struct names names;
	struct names calls;	/* of macros, which define what their bodies say: pastes_expand() */
	struct names values;	/* of the names, with names_of_ranges(): macros that are an expression */
};

void defined_fini(struct defined *d);

/* From line @first to line @last, counted from 1. */
struct line_range {
	unsigned long first, last;
};

/*
 * Adds to @out what the chunks of @text define that lie in one of @ranges, or in
 * an #if group with a directive in one.  Where another directive changes, whose
 * reach cannot be told, *@whole is set; *@includes is, where what the text
 * includes changes.
 */
void names_of_ranges(const char *text, const struct line_range *ranges, size_t count,
		     struct defined *out, bool *whole, bool *includes);

/*
 * Adds to @out what the chunks of @text define that mention one of @used, or
 * that are there only under a condition that does; returns whether any is new.
 */
bool names_of_users(const char *text, const struct names *used, struct defined *out);

/*
 * Adds to @used what the macros and inline functions of @text are called that
 * mention one of its names; returns whether any is new.
 */
bool names_follow(const char *text, struct defined *used);

/* Adds to @out what the chunk defines. */
void names_of_chunk(const struct chunk *c, struct defined *out);

#endif
