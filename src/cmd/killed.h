/* SPDX-License-Identifier: GPL-2.0 */
/* What an apply or undo that was killed left. */
#ifndef KMEND_CMD_KILLED_H
#define KMEND_CMD_KILLED_H

#include "host/host.h"
#include "util/error.h"

#include <stddef.h>

/* Remembers the serials of those of @loaded that are applied (host/seen.h), which an apply that was killed may not have. */
struct error *applied_note_serials(const struct host_updates *loaded) __must_use;

/*
 * Installs what such an apply switched and did not come to list: on probation,
 * applied, its pack kept.  Takes off the list what an undo switched out and did
 * not come to drop: named by it (host/undoing.h), and not applied.  Removes
 * packs of what is neither loaded nor installed, and parts of files.  Under
 * host_lock().
 */
struct error *killed_finish(void) __must_use;

/*
 * Takes the updates @ids, which are undone, off the list, so that the next boot
 * does not apply them, and off the probation.  Under host_lock().
 */
struct error *undone_drop(const char *const *ids, size_t count) __must_use;

#endif
