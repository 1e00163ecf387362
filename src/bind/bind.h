/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Giving a module this boot's addresses.  An undefined symbol becomes an
 * absolute one (SHN_ABS), whose value the module loader takes as it stands
 * (kernel/module/main.c, simplify_symbols()), so that the kernel needs no part
 * in it.  Exported symbols are left to the loader, which then also knows what
 * the module depends on.
 */
#ifndef KMEND_BIND_BIND_H
#define KMEND_BIND_BIND_H

#include "live/live.h"
#include "match/match.h"
#include "pack/manifest.h"

/* A module image that can be loaded. */
struct bound {
	void *image;
	size_t size;
};

/*
 * Binds an update module: its symbols and the tables that the engine reads
 * (kmend/engine.h).  @ko is copied.  @matches: one for each object of @mt, in
 * its order.
 * Errors: those of match_address(); JUMP-BLOCKED where a jump cannot be
 * written into a function; OBJECT-DIFFERS where a read-only object that shall
 * be overwritten is not the one that was compiled; MODULE-MISSING where the target is not loaded;
 * PACK-INVALID where the module does not fit the manifest.
 */
struct error *bind_update(const struct manifest_target *mt, const void *ko, size_t size,
			  struct match *const *matches, struct live *live, struct bound *out) __must_use;

/*
 * Binds what the engine needs of vmlinux and the kernel does not export.
 * Errors: refusal ENGINE-SYMBOL that names what this kernel does not have.
 */
struct error *bind_engine(const void *ko, size_t size, struct live *live, struct bound *out) __must_use;

void bound_fini(struct bound *b);

#endif
