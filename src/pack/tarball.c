// SPDX-License-Identifier: GPL-2.0
/*
 * libarchive sees an uncompressed tar stream; the compression is done here, so
 * that its parameters, its limits and what follows the stream are ours.
 */
#include "pack/tarball.h"
#include "util/memory.h"
#include "util/string.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <zstd.h>

#define BLOCK		  512u /* of tar: a header's size, and what content is padded to */
#define END_SIZE	  (2 * BLOCK) /* the zeros that end an archive */
#define COMPRESSION_LEVEL 19
#define CHUNK_SIZE	  (128u << 10)

struct buffer {
	char *data;
	size_t size;
	size_t capacity;
};

static ssize_t collect(struct archive *a, void *context, const void *data, size_t size)
{
	struct buffer *b = context;

	if (b->capacity - b->size < size) {
		b->capacity = 2 * b->capacity + size;
		b->data = xreallocarray(b->data, b->capacity, 1);
	}
	memcpy(b->data + b->size, data, size);
	b->size += size;
	return size;
}

static struct error *write_file(struct archive *a, const struct pack_file *file)
{
	struct archive_entry *entry = archive_entry_new();
	struct error *err = NULL;

	archive_entry_set_pathname(entry, file->name);
	archive_entry_set_size(entry, file->size);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_set_mtime(entry, 0, 0);
	if (archive_write_header(a, entry))
		err = refuse("PACK-INVALID", "cannot store \"%s\": %s", file->name,
			     archive_error_string(a));
	else if (archive_write_data(a, file->data, file->size) != (la_ssize_t)file->size)
		err = system_error(0, "cannot store \"%s\": %s", file->name,
				   archive_error_string(a));
	archive_entry_free(entry);
	return err;
}

static struct error *write_files(struct archive *a, const struct pack_file *files, size_t count,
				 struct buffer *out)
{
	if (archive_write_set_format_ustar(a) || archive_write_set_bytes_in_last_block(a, 1) ||
	    archive_write_open(a, out, NULL, collect, NULL))
		return system_error(0, "cannot write the archive: %s", archive_error_string(a));
	for (size_t i = 0; i < count; i++)
		TRY(write_file(a, &files[i]));
	if (archive_write_close(a))
		return system_error(0, "cannot write the archive: %s", archive_error_string(a));
	return NULL;
}

static struct error *compress_buffer(const struct buffer *in, void **data, size_t *size)
{
	size_t bound = ZSTD_compressBound(in->size), written;
	ZSTD_CCtx *context = ZSTD_createCCtx();
	_cleanup_free_ void *out = xmalloc(bound);

	if (!context)
		return system_error(ENOMEM, "cannot compress the pack");
	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, COMPRESSION_LEVEL);
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	written = ZSTD_compress2(context, out, bound, in->data, in->size);
	ZSTD_freeCCtx(context);
	if (ZSTD_isError(written))
		return system_error(0, "cannot compress the pack: %s", ZSTD_getErrorName(written));
	*data = xmemdup(out, written);
	*size = written;
	return NULL;
}

struct error *tarball_write(const struct pack_file *files, size_t count, void **data, size_t *size)
{
	struct archive *a = archive_write_new();
	struct buffer tar = { 0 };
	struct error *err;

	err = write_files(a, files, count, &tar);
	if (!err)
		err = compress_buffer(&tar, data, size);
	archive_write_free(a);
	free(tar.data);
	return err;
}

struct tarball_reader {
	ZSTD_DCtx *zstd;
	ZSTD_inBuffer in;
	bool stream_ended;
	const char *stream_error; /* why the stream cannot be read on; NULL: it can */
	uint64_t produced; /* bytes of tar so far */
	uint64_t content_end; /* where the last byte that is not 0 ends */
	struct archive *archive;
	uint64_t member_end; /* where the current member ends, with its padding */
	char chunk[CHUNK_SIZE];
};

/* Decompresses into the chunk until it is full or the stream ends. */
static size_t fill_chunk(struct tarball_reader *r)
{
	ZSTD_outBuffer out = { r->chunk, sizeof(r->chunk), 0 };

	while (!r->stream_ended && !r->stream_error && out.pos < out.size) {
		size_t in_before = r->in.pos, out_before = out.pos;
		size_t left = ZSTD_decompressStream(r->zstd, &out, &r->in);

		if (ZSTD_isError(left))
			r->stream_error = ZSTD_getErrorName(left);
		else if (!left)
			r->stream_ended = true;
		else if (r->in.pos == in_before && out.pos == out_before)
			r->stream_error = "it is cut short";
	}
	if (r->stream_ended && r->in.pos != r->in.size)
		r->stream_error = "something follows its end";
	return out.pos;
}

/* For libarchive: the next part of the tar stream. */
static ssize_t next_chunk(struct archive *a, void *context, const void **data)
{
	struct tarball_reader *r = context;
	size_t size = fill_chunk(r), used = size;

	if (r->stream_error) {
		archive_set_error(a, EIO, "%s", r->stream_error);
		return -1;
	}
	while (used && !r->chunk[used - 1])
		used--;
	if (used)
		r->content_end = r->produced + used;
	r->produced += size;
	*data = r->chunk;
	return size;
}

/* An error of libarchive's, or of the stream below it. */
static struct error *reader_error(struct tarball_reader *r)
{
	if (r->stream_error)
		return refuse("PACK-CORRUPT", "it cannot be decompressed: %s", r->stream_error);
	return refuse("PACK-INVALID", "its archive is damaged: %s",
		      archive_error_string(r->archive));
}

struct error *tarball_open(const void *data, size_t size, struct tarball_reader **out)
{
	static const unsigned char magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
	struct tarball_reader *r;
	struct error *err;

	/* A skippable frame before it would be a place for what nobody signed. */
	if (size < sizeof(magic) || memcmp(data, magic, sizeof(magic)))
		return refuse("PACK-INVALID", "it is not compressed with zstd");
	r = xcalloc(1, sizeof(*r));
	r->in = (ZSTD_inBuffer){ data, size, 0 };
	r->zstd = ZSTD_createDCtx();
	r->archive = archive_read_new();
	if (!r->zstd || !r->archive) {
		tarball_close(r);
		return system_error(ENOMEM, "cannot read the pack");
	}
	if (archive_read_support_format_tar(r->archive) ||
	    archive_read_open(r->archive, r, NULL, next_chunk, NULL)) {
		err = reader_error(r);
		tarball_close(r);
		return err;
	}
	*out = r;
	return NULL;
}

void tarball_close(struct tarball_reader *r)
{
	archive_read_free(r->archive);
	ZSTD_freeDCtx(r->zstd);
	free(r);
}

/* After libarchive saw the end: the stream must end there too. */
static struct error *check_end(struct tarball_reader *r)
{
	const void *data;

	while (!r->stream_ended && r->produced <= r->member_end + END_SIZE) {
		if (next_chunk(r->archive, r, &data) < 0)
			return reader_error(r);
	}
	if (r->content_end > r->member_end || r->produced != r->member_end + END_SIZE)
		return refuse("PACK-INVALID", "something follows its last member");
	return NULL;
}

/* Whether the entry's header says nothing but its name and size. */
static bool is_plain_file(struct tarball_reader *r, struct archive_entry *entry)
{
	const char *user = archive_entry_uname(entry), *group = archive_entry_gname(entry);

	/* Not pax and not GNU tar, whose headers can say much more. */
	return archive_format(r->archive) == ARCHIVE_FORMAT_TAR_USTAR &&
	       archive_entry_mode(entry) == (AE_IFREG | 0644) && !archive_entry_hardlink(entry) &&
	       !archive_entry_symlink(entry) && !archive_entry_uid(entry) &&
	       !archive_entry_gid(entry) && !archive_entry_mtime(entry) && (!user || !*user) &&
	       (!group || !*group);
}

static struct error *check_entry(struct tarball_reader *r, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);
	_cleanup_free_ char *shown = string_escape(name ? name : "");

	if (!name || !path_is_contained(name))
		return refuse("PACK-INVALID", "member name \"%s\" is not a plain relative path",
			      shown);
	if (!is_plain_file(r, entry))
		return refuse("PACK-INVALID", "member \"%s\" is not a plain file as kmend makes it",
			      shown);
	if ((uint64_t)archive_read_header_position(r->archive) != r->member_end)
		return refuse("PACK-INVALID", "something hides before member \"%s\"", shown);
	return NULL;
}

struct error *tarball_next(struct tarball_reader *r, const char **name, size_t *size)
{
	struct archive_entry *entry;
	int status = archive_read_next_header(r->archive, &entry);
	uint64_t content;

	*name = NULL;
	if (status == ARCHIVE_EOF)
		return check_end(r);
	if (status != ARCHIVE_OK)
		return reader_error(r);
	TRY(check_entry(r, entry));
	/* libarchive takes no size from a header that an int64_t does not hold. */
	content = archive_entry_size(entry);
	r->member_end += BLOCK + (content + BLOCK - 1) / BLOCK * BLOCK;
	*name = archive_entry_pathname(entry);
	*size = content;
	return NULL;
}

struct error *tarball_take(struct tarball_reader *r, size_t size, void **data)
{
	_cleanup_free_ char *content = xmalloc(size + 1);

	if (archive_read_data(r->archive, content, size) != (la_ssize_t)size)
		return reader_error(r);
	content[size] = '\0';
	*data = take_ptr(content);
	return NULL;
}
