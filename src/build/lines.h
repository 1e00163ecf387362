/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeping line numbers.  __LINE__ is compiled into WARN(), might_sleep() and
 * others, so a patch that adds a line would change every function behind it.
 * #line directives give the code that a patch did not touch its old numbers.
 */
#ifndef KMEND_BUILD_LINES_H
#define KMEND_BUILD_LINES_H

#include <stddef.h>

/* From line @line on (counted from 1) of a file, lines have the number @number. */
struct line_number {
	unsigned long line;
	unsigned long number;
};

/*
 * Returns @text (@size bytes of C) with a #line directive for each of @marks,
 * which are sorted by line.  A directive goes to the first place from its line
 * on where one may stand: not inside a comment, a string, parentheses or a
 * continued line.  It is repeated behind #else, #elif and #endif, as the place
 * may be in code that is not compiled.  The result is NUL-terminated and the caller's to free;
 * *@out_size counts its bytes.
 */
char *lines_insert(const char *text, size_t size, const struct line_number *marks, size_t count,
		   size_t *out_size);

/*
 * Reads the "@@ -a,b +c,d @@" lines of a unified diff without context
 * (diff -U0) as the marks that give each line behind a hunk its old number.
 * *@marks is the caller's to free.
 */
size_t lines_from_diff(const char *diff, struct line_number **marks);

#endif
