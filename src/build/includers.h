/* SPDX-License-Identifier: GPL-2.0 */
/* Who includes a file of the source, told by the texts alone: whoever could, and some who do not. */
#ifndef KMEND_BUILD_INCLUDERS_H
#define KMEND_BUILD_INCLUDERS_H

#include "build/names.h"
#include "build/tree.h"

#include <stdbool.h>

struct includers {
	struct names files;	/* what is included: those asked for, and what includes one of these */
	size_t followed;	/* of how many of them it is known who includes them */
	struct names sources;	/* the .c and .S files among those who include them */
};

/*
 * Follows the files that were added to @in->files to whoever includes them, directly
 * or through others.  It ends early once there are more than @max sources, then with
 * @in->sources.count > @max.
 */
struct error *includers_find(const struct tree *tree, struct includers *in, size_t max) __must_use;

/* Whether one of the files is a header that the compiler is told to include, always. */
bool includers_are_all(const struct includers *in);

void includers_fini(struct includers *in);

#endif
