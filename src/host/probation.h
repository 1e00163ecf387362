/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Updates on probation: those that were applied a short time ago.  A file
 * names them, brought to the disk before the switch and removed when the
 * machine stayed up long enough afterwards, or was shut down.  Where the next
 * boot finds it, the machine crashed or lost its power: these updates are set
 * aside (store_set_aside()), so that they do it once only.
 *
 * Changes are made under host_lock().
 */
#ifndef KMEND_HOST_PROBATION_H
#define KMEND_HOST_PROBATION_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct probation {
	char **ids;
	size_t count;		/* 0: no update is on probation */
	bool this_boot;		/* the file was written since the machine booted */
	uint64_t seconds;	/* since then, where this_boot */
};

/*
 * Reads the file.  *@out is to be given to probation_free() whatever is
 * returned.  Errors: system errors, also where the file is not as it is written.
 */
struct error *probation_read(struct probation *out) __must_use;
void probation_free(struct probation *p);

/* Puts the updates @ids on probation, beside those that are since this boot. */
struct error *probation_begin(const char *const *ids, size_t count) __must_use;

/* Takes the updates @ids off it: they are not applied. */
struct error *probation_drop(const char *const *ids, size_t count) __must_use;

/* Ends it for all. */
struct error *probation_end(void) __must_use;

#endif
