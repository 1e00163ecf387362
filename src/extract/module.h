/* SPDX-License-Identifier: GPL-2.0 */
/* Building kernel modules: the engine, and the update modules of what was extracted. */
#ifndef KMEND_EXTRACT_MODULE_H
#define KMEND_EXTRACT_MODULE_H

#include "build/kit.h"

#include <stddef.h>

/* One update module to be built. */
struct module_source {
	const char *id;		/* the update's */
	const char *target;	/* "vmlinux" or a module's name */
	const char *name;	/* of the update module, "kmend_..." */
	const void *object;	/* what was extracted */
	size_t object_size;
	const char *const *exports;	/* symbols of it that other update modules use */
	size_t export_count;
	void *ko;		/* out: the module, owned by the caller */
	size_t ko_size;
};

/*
 * Builds the engine for @kit, or takes it from the cache.  *@ko is the
 * caller's to free; *@symvers, its Module.symvers, too.
 * Errors: refusal MODULE-FAILED with the end of make's output; system errors.
 */
struct error *engine_build(const struct kit *kit, void **ko, size_t *size, char **symvers) __must_use;

/* Builds the update modules against the kit's headers and the engine's @symvers. */
struct error *modules_build(const struct kit *kit, const char *symvers, struct module_source *sources,
			    size_t count) __must_use;

#endif
