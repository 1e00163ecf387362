/* SPDX-License-Identifier: GPL-2.0 */
/* What patches do to makefiles. */
#ifndef KMEND_BUILD_MAKEFILE_H
#define KMEND_BUILD_MAKEFILE_H

#include "build/patch.h"

/*
 * Whether all that @p does to the makefile @path is to list objects whose
 * sources it adds ("obj-y += x.o", "foo-objs := a.o b.o \"); comments, and what is
 * listed under an option that this kernel does not have, count for nothing.
 */
bool makefile_only_lists_added(const struct tree *tree, const struct patches *p, const char *path);

#endif
