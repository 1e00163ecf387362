/* SPDX-License-Identifier: GPL-2.0 */
/* The updates that one is made on top of: create --onto PACK. */
#ifndef KMEND_CMD_ONTO_H
#define KMEND_CMD_ONTO_H

#include "build/patch.h"
#include "pack/pack.h"

struct onto {
	char **ids;		/* in the order of application; to be taken for a manifest */
	size_t count;
	struct patches *base;	/* all of their patches, NULL where there is none */
};

/*
 * Reads the packs @paths, of which each must be for the kernel @release and
 * made on top of those before it.  *@onto is to be given to onto_fini() whatever
 * is returned.
 * Errors: those of pack_read(); KERNEL-OTHER; usage errors where they are not in
 * their order, or one is missing.
 */
struct error *onto_read(char *const *paths, size_t count, const char *release, struct onto *onto) __must_use;
void onto_fini(struct onto *onto);

#endif
