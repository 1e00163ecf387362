/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names that macros put together with ##: neither who defines such a name nor
 * who uses it need mention it.
 *
 * What a macro can make is known from its body: "folio_test_##lname" makes what
 * begins with folio_test_.  It is believed to make a name where a file mentions
 * it, or a macro that calls it, and mentions the other parts of the name.  (What
 * escapes is a part that stands in a list in another file.)
 */
#ifndef KMEND_BUILD_PASTE_H
#define KMEND_BUILD_PASTE_H

#include "build/names.h"

struct pastes;

struct pastes *pastes_new(void);
void pastes_free(struct pastes *p);

/* Reads the function-like macros of @text; @source is its path where only that file can use them, or NULL. */
void pastes_read(struct pastes *p, const char *text, const char *source);

/* After the last text: adds to @callers the macros by which @name may be made, and those that call them. */
void pastes_of_name(struct pastes *p, const char *name, struct names *callers);

/*
 * Whether the source file @path makes one of @names, all of which were given to
 * pastes_of_name().
 */
bool pastes_make(struct pastes *p, const char *path, const char *text, const struct names *names);

/* Adds to @out what the chunks of a header define that make one of @names. */
void pastes_makers(struct pastes *p, const char *path, const char *text, const struct names *names,
		   struct defined *out);

/*
 * Adds to @out what the macro call @call can define ("PAGEFLAG Locked -":
 * macro, arguments, where "-" is one of more than a word).
 */
void pastes_expand(struct pastes *p, const char *call, struct names *out);

#endif
