/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Types that a patch gives another layout.  Objects that live were made with
 * the old one, and code that is not replaced goes on using it, so new code that
 * takes them for the new one would read and write the wrong bytes.
 */
#ifndef KMEND_DIFF_LAYOUT_H
#define KMEND_DIFF_LAYOUT_H

#include "util/error.h"

#include <stddef.h>

/*
 * Compares all named structures, unions and enumerations of two objects with
 * debug information, @pre and @post, both paths.  Types that only one of them
 * has do not matter: nothing lives that is one.
 * @accepted: names of types that the author takes responsibility for.
 * Errors: refusal LAYOUT-CHANGED that names the type and the first member that
 * differs; system errors.
 */
struct error *layout_compare(const char *pre, const char *post, const char *object,
			     char *const *accepted, size_t accepted_count) __must_use;

#endif
