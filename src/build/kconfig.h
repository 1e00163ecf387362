/* SPDX-License-Identifier: GPL-2.0 */
/* What patches do to the files that describe the configuration. */
#ifndef KMEND_BUILD_KCONFIG_H
#define KMEND_BUILD_KCONFIG_H

#include <stdbool.h>

/* Whether the two texts differ in nothing but help texts, comments and blank lines, which configure nothing. */
bool kconfig_same(const char *before, const char *after);

#endif
