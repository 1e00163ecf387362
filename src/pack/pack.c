// SPDX-License-Identifier: GPL-2.0
#include "pack/pack.h"
#include "pack/minisign.h"
#include "pack/tarball.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/privilege.h"
#include "util/sha256.h"
#include "util/string.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#define MANIFEST_NAME  "manifest.json"
#define SIGNATURE_NAME "manifest.json.minisig"

/* What compression can add to the largest pack, and its headers, generously. */
#define PACK_MAX_FILE (PACK_MAX_SIZE + (64ull << 20))

struct pack *pack_new(void)
{
	struct pack *p = xcalloc(1, sizeof(*p));

	p->manifest = xcalloc(1, sizeof(*p->manifest));
	return p;
}

void pack_free(struct pack *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->file_count; i++) {
		free(p->files[i].name);
		free(p->files[i].data);
	}
	free(p->files);
	free(p->archive);
	free(p->manifest_json);
	free(p->signature);
	manifest_free(p->manifest);
	free(p);
}

/* The place of the first file whose name is not before @name. */
static size_t find_place(const struct pack *p, const char *name)
{
	size_t low = 0, high = p->file_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(p->files[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* @data becomes the pack's. */
static void insert(struct pack *p, const char *name, void *data, size_t size)
{
	size_t at = find_place(p, name);

	p->files = xreallocarray(p->files, p->file_count + 1, sizeof(*p->files));
	memmove(&p->files[at + 1], &p->files[at], (p->file_count - at) * sizeof(*p->files));
	p->files[at] = (struct pack_file){ xstrdup(name), data, size };
	p->file_count++;
}

void pack_add(struct pack *p, const char *name, const void *data, size_t size)
{
	insert(p, name, xmemdup(data, size), size);
}

const struct pack_file *pack_find(const struct pack *p, const char *name)
{
	size_t at = find_place(p, name);

	if (at == p->file_count || strcmp(p->files[at].name, name))
		return NULL;
	return &p->files[at];
}

static void list_members(struct pack *p)
{
	struct manifest *m = p->manifest;
	size_t i;

	for (i = 0; i < m->member_count; i++)
		free(m->members[i].name);
	m->members = xreallocarray(m->members, p->file_count, sizeof(*m->members));
	m->member_count = p->file_count;
	for (i = 0; i < p->file_count; i++) {
		m->members[i].name = xstrdup(p->files[i].name);
		m->members[i].size = p->files[i].size;
		sha256(p->files[i].data, p->files[i].size, m->members[i].sha256);
	}
}

/* The trusted comment has no time in it, so that a signed pack is reproducible too. */
static struct error *sign(struct pack *p, const char *key)
{
	_cleanup_free_ char *comment = xasprintf("kmend %s", p->manifest->id);
	struct minisign_secret secret;

	TRY(minisign_secret_read(key, &secret));
	p->signature = minisign_sign(&secret, p->manifest_json, p->manifest_size, comment);
	sodium_memzero(&secret, sizeof(secret));
	return NULL;
}

static struct error *make_archive(const struct pack *p, void **data, size_t *size)
{
	_cleanup_free_ struct pack_file *all = xcalloc(p->file_count + 2, sizeof(*all));
	size_t count = 0;

	all[count++] =
		(struct pack_file){ (char *)MANIFEST_NAME, p->manifest_json, p->manifest_size };
	if (p->signature)
		all[count++] = (struct pack_file){ (char *)SIGNATURE_NAME, p->signature,
						   strlen(p->signature) };
	for (size_t i = 0; i < p->file_count; i++)
		all[count++] = p->files[i];
	return tarball_write(all, count, data, size);
}

struct error *pack_write(struct pack *p, const char *path, const char *key)
{
	_cleanup_free_ void *data = NULL;
	struct pack *again;
	size_t size;

	list_members(p);
	free(take_ptr(p->manifest_json));
	free(take_ptr(p->signature));
	TRY(manifest_to_json(p->manifest, &p->manifest_json, &p->manifest_size));
	if (key)
		TRY(sign(p, key));
	TRY(make_archive(p, &data, &size));
	TRY(pack_parse(data, size, path, &again));
	pack_free(again);
	return file_write(path, data, size, 0644);
}

static const struct manifest_member *find_member(const struct manifest *m, const char *name)
{
	for (size_t i = 0; i < m->member_count; i++) {
		if (!strcmp(m->members[i].name, name))
			return &m->members[i];
	}
	return NULL;
}

/* The first member.  Its content is not believed before its signature is judged. */
static struct error *read_manifest(struct pack *p, struct tarball_reader *r)
{
	const char *name;
	size_t size;

	TRY(tarball_next(r, &name, &size));
	if (!name || strcmp(name, MANIFEST_NAME))
		return refuse("PACK-INVALID", "its first member is not " MANIFEST_NAME);
	if (size > MANIFEST_MAX_SIZE)
		return refuse("PACK-INVALID", MANIFEST_NAME " has more than %u bytes",
			      MANIFEST_MAX_SIZE);
	TRY(tarball_take(r, size, (void **)&p->manifest_json));
	p->manifest_size = size;
	return manifest_from_json(p->manifest_json, size, &p->manifest);
}

static struct error *read_signature(struct pack *p, struct tarball_reader *r, size_t size)
{
	if (size > MINISIGN_TEXT_MAX)
		return refuse("PACK-INVALID", SIGNATURE_NAME " has more than %d bytes",
			      MINISIGN_TEXT_MAX);
	TRY(tarball_take(r, size, (void **)&p->signature));
	if (strlen(p->signature) != size)
		return refuse("PACK-INVALID", SIGNATURE_NAME " is not a text");
	return NULL;
}

static struct error *read_member(struct pack *p, struct tarball_reader *r, const char *name,
				 size_t size)
{
	const struct manifest_member *member = find_member(p->manifest, name);
	_cleanup_free_ void *data = NULL;
	uint8_t digest[SHA256_SIZE];

	if (!member)
		return refuse("PACK-INVALID", "member \"%s\" is not in the manifest", name);
	/* Sorted, and so nothing twice. */
	if (p->file_count && strcmp(p->files[p->file_count - 1].name, name) >= 0)
		return refuse("PACK-INVALID", "member \"%s\" is not at its place", name);
	if (size != member->size)
		return refuse("PACK-CORRUPT",
			      "member \"%s\" has %zu bytes, %ju according to the manifest", name,
			      size, (uintmax_t)member->size);
	TRY(tarball_take(r, size, &data));
	sha256(data, size, digest);
	if (memcmp(digest, member->sha256, sizeof(digest)))
		return refuse("PACK-CORRUPT", "member \"%s\" does not have the manifest's SHA-256",
			      name);
	insert(p, name, take_ptr(data), size);
	return NULL;
}

static struct error *check_complete(const struct pack *p)
{
	for (size_t i = 0; i < p->manifest->member_count; i++) {
		const char *name = p->manifest->members[i].name;

		if (!pack_find(p, name))
			return refuse("PACK-INVALID", "member \"%s\" is missing", name);
	}
	return NULL;
}

static struct error *read_archive(struct pack *p, struct tarball_reader *r)
{
	const char *name;
	size_t size;

	TRY(read_manifest(p, r));
	TRY(tarball_next(r, &name, &size));
	if (name && !strcmp(name, SIGNATURE_NAME)) {
		TRY(read_signature(p, r, size));
		TRY(tarball_next(r, &name, &size));
	}
	while (name) {
		TRY(read_member(p, r, name, size));
		TRY(tarball_next(r, &name, &size));
	}
	return check_complete(p);
}

struct error *pack_parse(const void *data, size_t size, const char *name, struct pack **out)
{
	struct tarball_reader *r;
	struct pack *p;
	struct error *err;

	TRY(error_prefix(tarball_open(data, size, &r), "%s", name));
	p = xcalloc(1, sizeof(*p));
	err = error_prefix(read_archive(p, r), "%s", name);
	tarball_close(r);
	if (err) {
		pack_free(p);
		return err;
	}
	*out = p;
	return NULL;
}

struct error *pack_read(const char *path, struct pack **p)
{
	_cleanup_free_ void *data = NULL;
	struct error *err;
	size_t size;

	TRY(file_read_plain(path, "PACK-INVALID", PACK_MAX_FILE, &data, &size));
	privilege_lower();
	err = pack_parse(data, size, path, p);
	privilege_raise();
	if (err)
		return err;
	(*p)->archive = take_ptr(data);
	(*p)->archive_size = size;
	return NULL;
}
