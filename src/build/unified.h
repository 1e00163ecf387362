/* SPDX-License-Identifier: GPL-2.0 */
/* Unified diffs as they come in mails, and as diff(1) and git make them. */
#ifndef KMEND_BUILD_UNIFIED_H
#define KMEND_BUILD_UNIFIED_H

#include <stdbool.h>

/*
 * @text without all that is around its unified diffs: what a mail says, and what it
 * quotes, which patch(1) would take for a part of them where it is indented alike.
 * What git says of a file (its mode, a rename, a binary change) stays.  A hunk has so
 * many lines as it says.  The caller's to free.  *@other_form: there is a diff of another
 * form, too, which is not in it.
 */
char *unified_only(const char *text, bool *other_form);

/* The line behind @line, or, where a hunk begins with it, behind the hunk; the end of the text behind the last one. */
const char *unified_next(const char *line);

#endif
