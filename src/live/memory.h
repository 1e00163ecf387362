/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel memory, read from /proc/kcore or a snapshot (live/snapshot.h) through a cache. */
#ifndef KMEND_LIVE_MEMORY_H
#define KMEND_LIVE_MEMORY_H

#include "live/parse.h"

#define MEMORY_PIECE_SIZE 65536u
#define MEMORY_PIECES	  64u

/* What the cache holds of one aligned stretch of MEMORY_PIECE_SIZE bytes. */
struct memory_piece {
	uint64_t addr;		/* of data[0] */
	size_t size;		/* bytes in data; 0 when the piece is empty */
	unsigned char *data;	/* MEMORY_PIECE_SIZE bytes, or NULL */
};

struct memory {
	int fd;			/* of kcore, or of a snapshot's memory; -1 when closed */
	struct kcore_segment *segments;
	size_t segment_count;
	uint64_t *places;	/* a snapshot's: where each compressed piece starts, and the last one ends */
	struct memory_piece pieces[MEMORY_PIECES];	/* by address, modulo their number */
};

/*
 * Opens @path.  *@memory is to be given to memory_close() whatever is
 * returned.  Errors: as live_open() says of kcore.
 */
struct error *memory_open(const char *path, struct memory *memory) __must_use;

/*
 * The same for the memory of a snapshot.  A segment's offset is the number of
 * its first piece.  Errors: the refusal SNAPSHOT-INVALID; system errors.
 */
struct error *memory_open_snapshot(const char *path, struct memory *memory) __must_use;
void memory_close(struct memory *memory);

/* As live_read(). */
struct error *memory_read(struct memory *memory, uint64_t addr, void *buf, size_t len) __must_use;

#endif
