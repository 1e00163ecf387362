/* SPDX-License-Identifier: GPL-2.0 */
/* Strings, those that come from outside above all. */
#ifndef KMEND_UTIL_STRING_H
#define KMEND_UTIL_STRING_H

#include <stdbool.h>

/*
 * Whether @s can go to a terminal as it is: valid UTF-8 without control
 * characters (C0 but the tab, DEL, C1) and without those that change the
 * direction of writing, so one line that shows what it says.
 */
bool string_is_plain(const char *s);

/*
 * Whether @s is a relative path that stays where it is put: printable ASCII,
 * no empty, "." or ".." parts, at most 255 bytes (what ustar can hold).
 */
bool path_is_contained(const char *s);

/*
 * @s in a form for messages: each byte that is not printable ASCII becomes
 * \xNN, what is longer than 100 bytes is cut.  The caller's to free.
 */
char *string_escape(const char *s);

bool starts_with(const char *s, const char *start);
bool ends_with(const char *s, const char *end);

#endif
