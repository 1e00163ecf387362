// SPDX-License-Identifier: GPL-2.0
#include "live/memory.h"
#include "util/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

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
			return system_error(errno, "cannot read kernel memory from kcore");
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

void memory_close(struct memory *memory)
{
	size_t i;

	cleanup_close(&memory->fd);
	memory->fd = -1;
	free(memory->segments);
	memory->segments = NULL;
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
	TRY(read_at(memory->fd, piece->data, left, segment->offset + (start - segment->addr),
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
		return system_error(0, "%zu bytes at address %#jx are not in one segment of kcore",
				    len, (uintmax_t)addr);
	for (; len; len -= n, addr += n, buf = (char *)buf + n) {
		TRY(get_piece(memory, segment, addr, &piece));
		n = piece->size - (addr - piece->addr);
		if (n > len)
			n = len;
		memcpy(buf, piece->data + (addr - piece->addr), n);
	}
	return NULL;
}
