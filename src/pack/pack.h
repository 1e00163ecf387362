/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The .kmend file: a tar archive compressed with zstd.
 *
 * Members, in this order: manifest.json, manifest.json.minisig (where signed),
 * then those that the manifest lists, sorted by name.  The manifest carries
 * the SHA-256 and size of every other member, so its signature covers every
 * byte.  Two packs made from the same contents are identical: owner 0, mode
 * 0644, time 0, one thread of compression at a fixed level (with the same
 * libzstd: another release may compress otherwise).
 */
#ifndef KMEND_PACK_PACK_H
#define KMEND_PACK_PACK_H

#include "pack/manifest.h"

struct pack_file {
	char *name;
	void *data;		/* owned */
	size_t size;		/* bytes */
};

struct pack {
	struct manifest *manifest;	/* owned */
	char *manifest_json;		/* as read: what the signature covers; owned */
	size_t manifest_size;
	char *signature;		/* the .minisig text; NULL where unsigned; owned */
	struct pack_file *files;	/* sorted by name */
	size_t file_count;
	void *archive;		/* the file as pack_read() read it; NULL otherwise; owned */
	size_t archive_size;
};

/* An empty pack with an empty manifest; the caller fills in manifest's fields. */
struct pack *pack_new(void);
void pack_free(struct pack *p);

/* Adds a file, whose name and data are copied, at its place in the order. */
void pack_add(struct pack *p, const char *name, const void *data, size_t size);

/* Finds a file by its name, or NULL. */
const struct pack_file *pack_find(const struct pack *p, const char *name);

/*
 * Writes @p to @path: fills in the manifest's list of members, signs it with
 * the minisign secret key in the file @key (NULL: unsigned; its passphrase is
 * asked for on the terminal), writes beside @path and renames.  What is
 * written is first read as pack_read() does, so a pack that would be refused
 * is refused here, with the same error.
 */
struct error *pack_write(struct pack *p, const char *path, const char *key) __must_use;

/*
 * Reads the pack at @path as hostile: sizes and counts are bounded, member
 * names checked, every member's size and SHA-256 compared with the manifest,
 * nothing missing, nothing more, nothing twice.  The file is read once, so
 * what was checked is what is used.  Does not judge the signature.
 * Errors: refusals that name the file and what is wrong with it, and system
 * errors where it cannot be read.  PACK-INVALID: not a pack, or not made as a
 * pack is made; PACK-CORRUPT: cut short, or not the bytes that its checksums
 * tell; PACK-FORMAT: made for another version of kmend.
 */
struct error *pack_read(const char *path, struct pack **p) __must_use;

/*
 * pack_read() in two steps, for a judgement of the signature between them: the first
 * has a sandbox (util/sandbox.h) look at what came from who knows where, and takes from there
 * bytes, which the second understands.  p->manifest is NULL until then.  @p stays the caller's.
 */
struct error *pack_open(const char *path, struct pack **p) __must_use;
struct error *pack_understand(struct pack *p, const char *path) __must_use;

/* The same from memory, for fuzzing: @name stands for the path in messages. */
struct error *pack_parse(const void *data, size_t size, const char *name, struct pack **p) __must_use;

#endif
