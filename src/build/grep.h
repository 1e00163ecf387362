/* SPDX-License-Identifier: GPL-2.0 */
/* Looking for words in the whole source. */
#ifndef KMEND_BUILD_GREP_H
#define KMEND_BUILD_GREP_H

#include "build/names.h"
#include "build/tree.h"

/*
 * Adds the paths of the kernel's own files that hold one of @patterns, fixed strings
 * on lines of their own, with grep's @options, NULL-terminated: headers, and .c and .S files.
 */
struct error *grep_source(const struct tree *tree, const char *const *options, const char *patterns,
			  struct names *headers, struct names *sources) __must_use;

#endif
