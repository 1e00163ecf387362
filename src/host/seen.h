/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the machine remembers of those who make updates, in /var/lib/kmend: the
 * greatest serial that was applied of each channel (serials.json), and the ids of
 * updates that were withdrawn (withdrawn.json).  Both only grow, so that nobody
 * can bring an old state back by sending old files.  Changes are made under
 * host_lock().
 */
#ifndef KMEND_HOST_SEEN_H
#define KMEND_HOST_SEEN_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * *@serial: the greatest one that was applied of @channel, signed by @key (its id;
 * NULL: by nobody who is trusted); 0 where there was none.
 */
struct error *seen_serial(const char *key, const char *channel, uint64_t *serial) __must_use;

/* Remembers it, where it is greater than what is remembered. */
struct error *seen_note_serial(const char *key, const char *channel, uint64_t serial) __must_use;

/* *@withdrawn: whether update @id was withdrawn. */
struct error *seen_is_withdrawn(const char *id, bool *withdrawn) __must_use;

/* Remembers that the updates @ids were withdrawn; *@added of them were not known to be. */
struct error *seen_withdraw(char *const *ids, size_t count, size_t *added) __must_use;

#endif
