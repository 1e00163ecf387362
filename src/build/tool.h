/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The programs that a kernel is built with: make, the compiler, binutils.  They
 * are this machine's, or those of the kit's toolchain: a root folder of another
 * distribution's release, which tools/kernel makes.  There the whole build runs,
 * as make, the kernel's own tools and the libraries of both must fit each other.
 */
#ifndef KMEND_BUILD_TOOL_H
#define KMEND_BUILD_TOOL_H

#include "build/kit.h"
#include "util/process.h"

/*
 * As process_run().  In a toolchain (by bubblewrap) the folders of programs,
 * libraries and their settings are the toolchain's and cannot be written to; all
 * other folders are this machine's, under the paths that they have here.
 */
struct error *tool_run(const struct kit *kit, const struct process_options *options, int *status,
		       char **output) __must_use;

#endif
