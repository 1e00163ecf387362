/* SPDX-License-Identifier: GPL-2.0 */
/* Module.symvers: what the kernel and its modules export (Documentation/kbuild/modules.rst). */
#ifndef KMEND_BUILD_SYMVERS_H
#define KMEND_BUILD_SYMVERS_H

#include "util/error.h"

#include <stdbool.h>

struct symvers;

/* Reads @path. Errors: refusal KIT-INCOMPLETE where it lists nothing. */
struct error *symvers_open(const char *path, struct symvers **out) __must_use;
void symvers_free(struct symvers *s);

/* Whether any module may use @name: exported, and in no namespace. */
bool symvers_has(const struct symvers *s, const char *name);

#endif
