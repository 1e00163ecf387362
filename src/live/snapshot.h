/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A snapshot: what the proof needs of a running kernel, in a folder that
 * live_open_at() takes in place of /proc.
 *
 *	sys/kernel/osrelease, sys/kernel/version	as in /proc
 *	kallsyms.zst, modules.zst	as in /proc, sorted by address, compressed with zstd
 *	memory		SNAPSHOT_MAGIC, the size in bytes of a compressed table, the table, and the
 *			compressed pieces of memory, without gaps.  The table is a struct
 *			snapshot_table, the segments in the order of their addresses, and the
 *			compressed size of each piece.  A segment is cut into pieces at the multiples of
 *			MEMORY_PIECE_SIZE.
 *
 * Every compressed frame has its checksum.  Numbers are little-endian.
 */
#ifndef KMEND_LIVE_SNAPSHOT_H
#define KMEND_LIVE_SNAPSHOT_H

#include "live/live.h"

#define SNAPSHOT_MAGIC "KMENDMM1"
#define SNAPSHOT_MAGIC_SIZE 8
#define SNAPSHOT_TABLE_MAX (64u << 20)	/* bytes of the table, not compressed */

struct snapshot_table {
	uint32_t segment_count;
	uint32_t piece_count;
};

struct snapshot_segment {
	uint64_t addr;
	uint64_t size;		/* bytes, not 0 */
};

/* A range of memory that goes into a snapshot. */
struct range {
	uint64_t addr;
	uint64_t end;		/* behind the last byte */
};

struct ranges {
	struct range *list;
	size_t count, capacity;
};

/*
 * Text and read-only data of the kernel and of its modules, and the few words
 * that tell what the kernel wrote into its text.  @modules: "/sys/module".
 * *@out, sorted and without overlaps, is to be given to ranges_fini()
 * whatever is returned.  Errors: system errors.
 */
struct error *ranges_find(struct live *live, const char *modules, struct ranges *out) __must_use;
void ranges_fini(struct ranges *r);

/*
 * Writes a snapshot of @live to the new folder @folder, mode 0700, its files
 * 0600: written beside it under another name, then renamed.
 * Errors: the refusal SNAPSHOT-EXISTS where something is at @folder; system errors.
 */
struct error *snapshot_write(struct live *live, const char *modules, const char *folder) __must_use;

/* Compresses @size bytes into one frame with a checksum; *@out is the caller's to free. */
struct error *frame_pack(const void *data, size_t size, void **out, size_t *out_size) __must_use;

/*
 * Decompresses the frame @data into a new buffer with a NUL behind it, at most
 * @max bytes.  Errors: system errors, which do not name the file.
 */
struct error *frame_unpack(const void *data, size_t size, size_t max, void **out, size_t *out_size)
	__must_use;

#endif
