// SPDX-License-Identifier: GPL-2.0
#include "live/memory.h"
#include "live/snapshot.h"
#include "util/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <zstd.h>

/* Whether the kernel is locked down against reading its memory. */
static bool locked_down(void)
{
	_cleanup_close_ int fd = open("/sys/kernel/security/lockdown", O_RDONLY | O_CLOEXEC);
	char text[128];
	ssize_t size;

	if (fd < 0)
		return false;
	size = read(fd, text, sizeof(text) - 1);
	if (size < 0)
		return false;
	text[size] = '\0';
	return strstr(text, "[confidentiality]");
}

static struct error *open_error(const char *path, int errnum)
{
	if (errnum == ENOENT)
		return refuse("KCORE-MISSING",
			      "%s does not exist: the kernel was built without CONFIG_PROC_KCORE, "
			      "so the running code cannot be proved",
			      path);
	if (errnum == EPERM && locked_down())
		return refuse("KCORE-LOCKDOWN",
			      "the kernel is locked down (confidentiality), so its memory cannot "
			      "be read and proved; boot with lockdown=integrity or none");
	if (errnum == EPERM || errnum == EACCES)
		return refuse("NOT-ROOT",
			      "%s may not be read: run kmend as root, with CAP_SYS_RAWIO, and "
			      "without the kernel's lockdown in confidentiality mode",
			      path);
	return system_error(errnum, "cannot open %s", path);
}

/* Reads up to @len bytes; *@got is less only at the file's end. */
static struct error *read_at(int fd, void *buf, size_t len, uint64_t offset, size_t *got)
{
	ssize_t n;

	for (*got = 0; *got < len; *got += n) {
		n = pread(fd, (char *)buf + *got, len - *got, offset + *got);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return system_error(errno, "cannot read kernel memory");
		else if (!n)
			break;
	}
	return NULL;
}

static struct error *read_headers(struct memory *memory)
{
	_cleanup_free_ unsigned char *headers = xmalloc(KCORE_HEADERS_MAX);
	size_t size, got;

	TRY(read_at(memory->fd, headers, 64, 0, &got));
	TRY(kcore_headers_size(headers, got, &size));
	TRY(read_at(memory->fd, headers, size, 0, &got));
	return kcore_parse(headers, got, &memory->segments, &memory->segment_count);
}

struct error *memory_open(const char *path, struct memory *memory)
{
	*memory = (struct memory){ .fd = open(path, O_RDONLY | O_CLOEXEC) };
	if (memory->fd < 0)
		return open_error(path, errno);
	return read_headers(memory);
}

static struct error *invalid(const char *path, const char *what)
{
	return refuse("SNAPSHOT-INVALID", "%s: %s", path, what);
}

/* Takes the segments out of the table; *@pieces is how many pieces they are cut into. */
static bool take_segments(struct memory *memory, const uint8_t *from, size_t count, uint64_t *pieces)
{
	uint64_t last = 0, end;
	size_t i;

	memory->segments = xcalloc(count, sizeof(*memory->segments));
	for (i = 0, *pieces = 0; i < count; i++) {
		struct snapshot_segment s;

		memcpy(&s, from + i * sizeof(s), sizeof(s));
		if (!s.size || s.addr < last || __builtin_add_overflow(s.addr, s.size, &end))
			return false;
		memory->segments[memory->segment_count++] =
			(struct kcore_segment){ .addr = s.addr, .size = s.size, .offset = *pieces };
		*pieces += (end - 1) / MEMORY_PIECE_SIZE - s.addr / MEMORY_PIECE_SIZE + 1;
		last = end;
	}
	return true;
}

/* @table: @size bytes; the pieces start at the offset @start of the file. */
static bool take_table(struct memory *memory, const uint8_t *table, size_t size, uint64_t start)
{
	struct snapshot_table head;
	uint64_t pieces, left;
	uint32_t piece;
	size_t i;

	if (size < sizeof(head))
		return false;
	memcpy(&head, table, sizeof(head));
	left = size - sizeof(head);
	if (left != head.segment_count * (uint64_t)sizeof(struct snapshot_segment) +
		    head.piece_count * (uint64_t)sizeof(piece) ||
	    !take_segments(memory, table + sizeof(head), head.segment_count, &pieces) ||
	    pieces != head.piece_count)
		return false;
	memory->places = xcalloc(pieces + 1, sizeof(*memory->places));
	table += size - pieces * sizeof(piece);
	for (i = 0; i < pieces; i++) {
		memory->places[i] = start;
		memcpy(&piece, table + i * sizeof(piece), sizeof(piece));
		start += piece;
	}
	memory->places[pieces] = start;
	return true;
}

static struct error *read_table(struct memory *memory, const char *path)
{
	uint8_t head[SNAPSHOT_MAGIC_SIZE + sizeof(uint32_t)];
	_cleanup_free_ void *packed = NULL, *table = NULL;
	uint32_t packed_size;
	struct error *err;
	size_t got, size;

	TRY(read_at(memory->fd, head, sizeof(head), 0, &got));
	if (got < sizeof(head) || memcmp(head, SNAPSHOT_MAGIC, SNAPSHOT_MAGIC_SIZE))
		return invalid(path, "it is not the memory of a snapshot that this program can read");
	memcpy(&packed_size, head + SNAPSHOT_MAGIC_SIZE, sizeof(packed_size));
	if (packed_size > SNAPSHOT_TABLE_MAX)
		return invalid(path, "its table is too large");
	packed = xmalloc(packed_size);
	TRY(read_at(memory->fd, packed, packed_size, sizeof(head), &got));
	if (got < packed_size)
		return invalid(path, "it is cut short");
	err = frame_unpack(packed, packed_size, SNAPSHOT_TABLE_MAX, &table, &size);
	if (err) {
		struct error *refusal = invalid(path, err->message);

		error_free(err);
		return refusal;
	}
	if (!take_table(memory, table, size, sizeof(head) + packed_size))
		return invalid(path, "its table is damaged");
	return NULL;
}

struct error *memory_open_snapshot(const char *path, struct memory *memory)
{
	*memory = (struct memory){ .fd = open(path, O_RDONLY | O_CLOEXEC) };
	if (memory->fd < 0)
		return system_error(errno, "cannot open %s", path);
	return read_table(memory, path);
}

void memory_close(struct memory *memory)
{
	size_t i;

	cleanup_close(&memory->fd);
	memory->fd = -1;
	free(memory->segments);
	memory->segments = NULL;
	free(memory->places);
	memory->places = NULL;
	for (i = 0; i < MEMORY_PIECES; i++)
		free(memory->pieces[i].data);
	memset(memory->pieces, 0, sizeof(memory->pieces));
}

static const struct kcore_segment *find_segment(const struct memory *memory, uint64_t addr,
						size_t len)
{
	const struct kcore_segment *s;

	for (s = memory->segments; s < memory->segments + memory->segment_count; s++)
		if (addr >= s->addr && addr - s->addr < s->size &&
		    len <= s->size - (addr - s->addr))
			return s;
	return NULL;
}

/* Reads @len bytes of @segment at @addr; *@got is less only where kcore ends. */
static struct error *read_kcore(struct memory *memory, const struct kcore_segment *segment, uint64_t addr,
				void *buf, size_t len, size_t *got)
{
	return read_at(memory->fd, buf, len, segment->offset + (addr - segment->addr), got);
}

/* Reads the piece of a snapshot that starts at @addr and has @len bytes. */
static struct error *read_snapshot(struct memory *memory, const struct kcore_segment *segment, uint64_t addr,
				   void *buf, size_t len, size_t *got)
{
	uint64_t n = segment->offset + addr / MEMORY_PIECE_SIZE - segment->addr / MEMORY_PIECE_SIZE;
	uint64_t size = memory->places[n + 1] - memory->places[n];
	_cleanup_free_ void *packed = NULL;

	if (size > ZSTD_COMPRESSBOUND(MEMORY_PIECE_SIZE))
		return refuse("SNAPSHOT-INVALID", "the snapshot's memory at %#jx is damaged", (uintmax_t)addr);
	packed = xmalloc(size);
	TRY(read_at(memory->fd, packed, size, memory->places[n], got));
	if (*got < size || ZSTD_decompress(buf, len, packed, size) != len) {
		*got = 0;
		return refuse("SNAPSHOT-INVALID", "the snapshot's memory at %#jx is damaged", (uintmax_t)addr);
	}
	*got = len;
	return NULL;
}

/* Returns the piece that holds @addr, which is in @segment; reads it where it is not cached. */
static struct error *get_piece(struct memory *memory, const struct kcore_segment *segment,
			       uint64_t addr, const struct memory_piece **out)
{
	struct memory_piece *piece = &memory->pieces[addr / MEMORY_PIECE_SIZE % MEMORY_PIECES];
	uint64_t start = addr - addr % MEMORY_PIECE_SIZE, left;

	*out = piece;
	if (piece->size && addr >= piece->addr && addr - piece->addr < piece->size)
		return NULL;
	if (start < segment->addr)
		start = segment->addr;
	left = segment->size - (start - segment->addr);
	/* A piece ends at a multiple of its size, so that it has one place in the cache. */
	piece->size = MEMORY_PIECE_SIZE - start % MEMORY_PIECE_SIZE;
	if (piece->size > left)
		piece->size = left;
	piece->addr = start;
	if (!piece->data)
		piece->data = xmalloc(MEMORY_PIECE_SIZE);
	left = piece->size;
	piece->size = 0;
	TRY((memory->places ? read_snapshot : read_kcore)(memory, segment, start, piece->data, left,
							  &piece->size));
	if (piece->size <= addr - start) {
		piece->size = 0;
		return system_error(0, "kcore ends before address %#jx", (uintmax_t)addr);
	}
	return NULL;
}

struct error *memory_read(struct memory *memory, uint64_t addr, void *buf, size_t len)
{
	const struct kcore_segment *segment = find_segment(memory, addr, len);
	const struct memory_piece *piece;
	size_t n;

	if (!segment)
		return system_error(0, "%zu bytes at address %#jx are not in one segment of %s", len,
				    (uintmax_t)addr, memory->places ? "the snapshot" : "kcore");
	for (; len; len -= n, addr += n, buf = (char *)buf + n) {
		TRY(get_piece(memory, segment, addr, &piece));
		n = piece->size - (addr - piece->addr);
		if (n > len)
			n = len;
		memcpy(buf, piece->data + (addr - piece->addr), n);
	}
	return NULL;
}
