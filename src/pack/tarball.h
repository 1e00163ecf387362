/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The archive of a pack: ustar (POSIX.1-1988) compressed with zstd, read as
 * hostile.
 */
#ifndef KMEND_PACK_TARBALL_H
#define KMEND_PACK_TARBALL_H

#include "pack/pack.h"

/*
 * Makes an archive of @files[0..@count - 1], in this order.  *@data,
 * compressed, is the caller's to free.
 * Errors: a refusal PACK-INVALID where ustar cannot hold a name.
 */
struct error *tarball_write(const struct pack_file *files, size_t count, void **data, size_t *size)
	__must_use;

/* An archive being read. */
struct tarball_reader;

/* Reads from @size bytes at @data, which must stay while the reader lives. */
struct error *tarball_open(const void *data, size_t size, struct tarball_reader **r) __must_use;
void tarball_close(struct tarball_reader *r);

/*
 * Moves to the next member: *@name, valid until the next call, and its *@size.
 * *@name is NULL at the end, after which nothing may follow.
 * Errors: refusals PACK-INVALID for anything but a plain file with the owner,
 * mode and time that kmend writes and a name that path_is_contained();
 * PACK-CORRUPT where the archive is cut short or damaged.
 */
struct error *tarball_next(struct tarball_reader *r, const char **name, size_t *size) __must_use;

/*
 * Takes the member's content, once: the *@size bytes that tarball_next() told,
 * which the caller has found acceptable, and a NUL.  The caller's to free.
 */
struct error *tarball_take(struct tarball_reader *r, size_t size, void **data) __must_use;

#endif
