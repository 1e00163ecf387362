// SPDX-License-Identifier: GPL-2.0
/*
 * Packs as an enemy may send them.  Most inputs would fail at the checksums of
 * zstd, so an input is tried in three ways: as a pack, as the archive of one,
 * and as the manifest of one.
 */
#include "pack/minisign.h"
#include "pack/pack.h"
#include "util/memory.h"

#include <string.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_pack(const void *data, size_t size)
{
	struct minisign_signature signature;
	struct pack *p;
	struct error *err = pack_parse(data, size, "fuzz", &p);

	if (err) {
		error_free(err);
		return;
	}
	if (p->signature && !minisign_signature_parse(p->signature, &signature))
		signature.trusted_comment[0] = '\0';
	pack_free(p);
}

static void try_archive(const void *data, size_t size)
{
	size_t bound = ZSTD_compressBound(size);
	_cleanup_free_ void *packed = xmalloc(bound);

	try_pack(packed, ZSTD_compress(packed, bound, data, size, 1));
}

/* What was accepted is written, and read again, as the same. */
static void try_manifest(const void *data, size_t size)
{
	_cleanup_free_ char *first = NULL, *second = NULL;
	struct manifest *m, *again;
	size_t first_size, second_size;
	struct error *err = manifest_from_json(data, size, &m);

	if (err) {
		error_free(err);
		return;
	}
	if (manifest_to_json(m, &first, &first_size) ||
	    manifest_from_json(first, first_size, &again) ||
	    manifest_to_json(again, &second, &second_size) || strcmp(first, second))
		abort();
	manifest_free(m);
	manifest_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_pack(data, size);
	try_archive(data, size);
	try_manifest(data, size);
	return 0;
}
