/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The installed updates: a copy of each pack that was applied, and which of
 * them are applied again at the next boot, in which order.
 *
 *   /var/lib/kmend/packs/ID.kmend   the packs, and
 *   /var/lib/kmend/installed.json   the list of those that are installed
 *   /run/kmend/...                  the same for those of `apply --until-reboot`
 *
 * The list is replaced in one step (file_write()), and it alone tells what is
 * installed: a pack is there before it is listed, and as long as it is.  So at
 * any moment, also for a machine that loses its power, an update is wholly
 * installed or not at all.  A pack that is not listed is a leftover, or that of
 * an update which is being applied.  Changes are made under host_lock().
 */
#ifndef KMEND_HOST_STORE_H
#define KMEND_HOST_STORE_H

#include "kmend/engine.h"
#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_update {
	char id[KMEND_ID_LEN + 1];
	unsigned int order;	/* of application; the same for those that were switched in one stop */
	int64_t since;		/* when it was installed, seconds since 1970 */
	bool until_reboot;
	bool set_aside;		/* the machine crashed soon after it was applied: not applied at boot */
	bool allow_unsigned;	/* no key that was trusted had signed it when it was applied, with that option */
	char *path;		/* its pack; owned */
};

struct store {
	struct store_update *updates;	/* by order, no id twice */
	size_t count;
};

/*
 * Reads what is installed; nothing where no list is.  *@out is to be given to
 * store_free() whatever is returned.
 * Errors: system errors, also where a list is not as store.c writes it.
 */
struct error *store_read(struct store *out) __must_use;
void store_free(struct store *store);

/* The installed update @id, NULL where it is not installed. */
const struct store_update *store_get(const struct store *store, const char *id);

/*
 * The pack of update @id, also of one that is being applied and not listed
 * yet: its path, the caller's to free, or NULL.
 */
char *store_find(const char *id);

/* Keeps the pack of update @id, @size bytes of @data, without listing it. */
struct error *store_put(const char *id, const void *data, size_t size, bool until_reboot) __must_use;

/*
 * Installs the updates @ids, whose packs store_put() kept and which one stop of
 * the machine applied: all of them or, on errors, none.  @allow_unsigned tells
 * that of each, NULL: it is set for none.  Of what is known of them from before,
 * also in the other place, nothing is left.
 */
struct error *store_install(const char *const *ids, size_t count, bool until_reboot,
			    const bool *allow_unsigned) __must_use;

/*
 * Sets those of the updates @ids aside whose packs are kept over a reboot, also
 * those that are not listed: the machine crashed while they were applied.
 */
struct error *store_set_aside(const char *const *ids, size_t count) __must_use;

/* Drops the updates @ids, listed or not, and their packs; it is no error that one is not there. */
struct error *store_drop(const char *const *ids, size_t count) __must_use;

/* Removes packs that are not listed, but those of the updates @except, and what killed commands were writing. */
struct error *store_prune(const char *const *except, size_t count) __must_use;

#endif
