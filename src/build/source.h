/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The project's own source that is compiled for each kernel: engine/ and
 * include/kmend/ as they were when the program was built (Makefile), as a tar
 * archive in the program.
 */
#ifndef KMEND_BUILD_SOURCE_H
#define KMEND_BUILD_SOURCE_H

#include "util/error.h"

extern const char source_tar[], source_tar_end[];

/* Unpacks it into the folder @dir. */
struct error *source_unpack(const char *dir) __must_use;

#endif
