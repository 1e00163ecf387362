/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which source files a change of a header can reach, without having built the
 * kernel: all that include it, where these are few, or where it stands outside of
 * the include folders or includes something else than before; else those that mention
 * what it defines differently, or what other headers define with it.
 * Whether they are compiled, and really include the header, is found out by
 * the preprocessor.
 */
#ifndef KMEND_BUILD_REACH_H
#define KMEND_BUILD_REACH_H

#include "build/names.h"
#include "build/patch.h"
#include "build/values.h"

#include <stdint.h>

struct reach {
	char **sources;		/* .c and .S files beside those that the patches name, sorted */
	size_t count;
	struct names touched;	/* what the patches change in source files, or by the value of a macro */
	struct changed_values numbers;	/* macros of the patched files with another number */
};

#define REACH_ALL SIZE_MAX

/*
 * Tries the patches on copies of the files, so that those that do not apply
 * are refused at once, and follows what the headers among them reach.  @others
 * more source files count as reached, always the same ones of those that were
 * not found, or with REACH_ALL all there are.
 * Errors: refusals PATCH-REJECTED, HEADER-WIDE; system errors.
 */
struct error *reach_find(const struct tree *tree, const struct patches *p, size_t others,
			 struct reach *r) __must_use;
void reach_fini(struct reach *r);

#endif
