// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a snapshot.  Most inputs would fail at the checksums of zstd, so
 * an input is tried as the file, as a compressed frame, and as the table of a
 * file whose pieces follow it.
 */
#include "live/memory.h"
#include "live/snapshot.h"
#include "util/memory.h"

#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_ends(struct memory *memory)
{
	uint8_t buf[16];
	size_t i;

	for (i = 0; i < memory->segment_count && i < 64; i++) {
		const struct kcore_segment *s = &memory->segments[i];

		error_free(memory_read(memory, s->addr, buf, 1));
		error_free(memory_read(memory, s->addr + s->size - 1, buf, 1));
		error_free(memory_read(memory, s->addr + s->size - 1, buf, sizeof(buf)));
		error_free(memory_read(memory, s->addr + s->size / 2, buf, sizeof(buf)));
	}
}

static void try_file(const void *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("memory", MFD_CLOEXEC);
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);
	struct memory memory;
	struct error *err;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	err = memory_open_snapshot(path, &memory);
	if (!err)
		read_ends(&memory);
	error_free(err);
	memory_close(&memory);
}

/* The first byte tells how much of the rest, in 256ths, is the table. */
static void try_table(const uint8_t *data, size_t size)
{
	size_t table = (size - 1) * data[0] / 256, packed_size, at = SNAPSHOT_MAGIC_SIZE;
	_cleanup_free_ void *packed = NULL;
	_cleanup_free_ uint8_t *file = NULL;
	uint32_t stored;

	if (frame_pack(data + 1, table, &packed, &packed_size))
		abort();
	stored = packed_size;
	file = xmalloc(at + sizeof(stored) + packed_size + size);
	memcpy(file, SNAPSHOT_MAGIC, at);
	memcpy(file + at, &stored, sizeof(stored));
	at += sizeof(stored);
	memcpy(file + at, packed, packed_size);
	at += packed_size;
	memcpy(file + at, data + 1 + table, size - 1 - table);
	try_file(file, at + size - 1 - table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ void *unpacked = NULL;
	size_t unpacked_size;

	if (!size)
		return 0;
	try_file(data, size);
	error_free(frame_unpack(data, size, 1 << 20, &unpacked, &unpacked_size));
	try_table(data, size);
	return 0;
}
