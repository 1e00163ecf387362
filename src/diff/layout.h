/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Types that a patch gives another layout.  Objects that live were made with
 * the old one, and code that is not replaced goes on using it, so new code that
 * takes them for the new one would read and write the wrong bytes.
 */
#ifndef KMEND_DIFF_LAYOUT_H
#define KMEND_DIFF_LAYOUT_H

#include "diff/diff.h"

#include <stddef.h>

/*
 * Compares all named structures, unions and enumerations of the two objects of
 * @c, and how the functions are called that they export.  @pre and @post: paths
 * of the objects with debug information.  Types that only one of them has do
 * not matter: nothing lives that is one.
 * @accepted: names of types and functions that the author takes responsibility
 * for.
 * Errors: refusals LAYOUT-CHANGED and EXPORT-CHANGED that name the type or
 * function and the first member or parameter that differs; system errors.
 */
struct error *layout_compare(const struct change *c, const char *pre, const char *post,
			     char *const *accepted, size_t accepted_count) __must_use;

#endif
