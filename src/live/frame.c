// SPDX-License-Identifier: GPL-2.0
#include "live/snapshot.h"

#include "util/memory.h"

#include <zstd.h>

#define COMPRESSION_LEVEL 6

struct error *frame_pack(const void *data, size_t size, void **out, size_t *out_size)
{
	size_t bound = ZSTD_compressBound(size), written;
	ZSTD_CCtx *context = ZSTD_createCCtx();
	_cleanup_free_ void *packed = xmalloc(bound);

	if (!context)
		return system_error(0, "zstd cannot be started");
	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, COMPRESSION_LEVEL);
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	written = ZSTD_compress2(context, packed, bound, data, size);
	ZSTD_freeCCtx(context);
	if (ZSTD_isError(written))
		return system_error(0, "zstd: %s", ZSTD_getErrorName(written));
	*out = take_ptr(packed);
	*out_size = written;
	return NULL;
}

struct error *frame_unpack(const void *data, size_t size, size_t max, void **out, size_t *out_size)
{
	unsigned long long content = ZSTD_getFrameContentSize(data, size);
	_cleanup_free_ char *unpacked = NULL;
	size_t got;

	if (content == ZSTD_CONTENTSIZE_ERROR || content == ZSTD_CONTENTSIZE_UNKNOWN)
		return system_error(0, "it is not compressed as a snapshot is");
	if (content > max)
		return system_error(0, "it holds %llu bytes, and at most %zu are expected", content, max);
	unpacked = xmalloc_large(content + 1);
	got = ZSTD_decompress(unpacked, content, data, size);
	if (ZSTD_isError(got))
		return system_error(0, "it is damaged (%s)", ZSTD_getErrorName(got));
	if (got != content)
		return system_error(0, "it is cut short");
	unpacked[content] = '\0';
	*out = take_ptr(unpacked);
	*out_size = content;
	return NULL;
}
