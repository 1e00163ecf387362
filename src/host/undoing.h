/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Updates that an undo is about.  A file in /run/kmend names them from before
 * the switch until they are off the list of what is installed and on record.
 * Where it names one that is not applied any more, the undo was killed between
 * the two.  Nothing else tells that: an update that is listed and not applied is
 * what a boot finds, too.  So the file counts in the boot that it was written in.
 *
 * Changes are made under host_lock().
 */
#ifndef KMEND_HOST_UNDOING_H
#define KMEND_HOST_UNDOING_H

#include "util/error.h"

#include <stddef.h>

/*
 * Reads the ids, which the caller gives to names_free() whatever is returned.
 * Errors: system errors, also where the file is not as it is written.
 */
struct error *undoing_read(char ***ids, size_t *count) __must_use;

/* Adds the updates @ids; what a killed undo left stays. */
struct error *undoing_begin(const char *const *ids, size_t count) __must_use;

/* Takes the updates @ids out of it. */
struct error *undoing_end(const char *const *ids, size_t count) __must_use;

#endif
