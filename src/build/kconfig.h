/* SPDX-License-Identifier: GPL-2.0 */
/* What patches do to the kernel's configuration. */
#ifndef KMEND_BUILD_KCONFIG_H
#define KMEND_BUILD_KCONFIG_H

#include "build/tree.h"

#include <stdbool.h>

/* Whether scripts/kconfig reads this file: "net/Kconfig", "Kconfig.debug". */
bool kconfig_is(const char *path);

/*
 * Asks scripts/kconfig what it makes of the kernel's configuration with the Kconfig
 * files in @dir, which stand there under the paths that they have in the source, in
 * place of the source's.  @dir is written to, and programs in it are run.
 * Errors: refusal BUILD-CHANGED where an option is set to another value, no longer
 * or newly, or where scripts/kconfig complains of the files, which @paths names.
 */
struct error *kconfig_check(const struct tree *tree, const char *dir, const char *paths) __must_use;

/*
 * The first line of the .config @a that sets an option as no line of @b does, up to
 * its end of line; NULL where there is none.  The versions of tools that make no C code
 * (Rust's) do not count: what they decide shows in other options.
 */
const char *kconfig_set_only_in(const char *a, const char *b);

#endif
