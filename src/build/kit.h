/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel kit: all that create must know of one kernel (docs/architecture.md). */
#ifndef KMEND_BUILD_KIT_H
#define KMEND_BUILD_KIT_H

#include "util/error.h"

#include <stdbool.h>

#define CONFIG_MAX (4ul << 20)	/* bytes of a kernel's .config */

/* Where the parts are; every NULL is looked up. */
struct kit_options {
	const char *kernel;	/* a kit's folder, or the release of one under cache_dir()/kernels */
	const char *source;	/* a folder or a tarball */
	const char *config;
	const char *headers;
	const char *toolchain;	/* a root folder; NULL: the machine's own compiler and tools */
};

struct kit {
	char *release;		/* uname -r */
	char *version;		/* uname -v, "" where nothing tells */
	char *config;		/* path */
	char *source;		/* path of a folder or a tarball */
	char *headers;		/* path of a folder to build modules against */
	bool source_is_tarball;
	char *toolchain;	/* path of a root folder that the build runs in, or NULL; see build/tool.h */
	char *compiler;		/* as the config names it, "gcc-12" */
	char *compiler_text;	/* the first line of its --version, CONFIG_CC_VERSION_TEXT */
};

/*
 * Finds the kit: a folder made by tools/kernel, or what the distribution
 * installed for the running kernel.
 * Errors: refusal KIT-INCOMPLETE that names what is missing and the package
 * that holds it; COMPILER-MISSING, COMPILER-MISMATCH.
 */
struct error *kit_open(const struct kit_options *options, struct kit **kit) __must_use;
void kit_free(struct kit *kit);

#endif
