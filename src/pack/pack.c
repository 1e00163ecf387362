// SPDX-License-Identifier: GPL-2.0
#include "pack/pack.h"
#include "pack/minisign.h"
#include "pack/tarball.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/privilege.h"
#include "util/sandbox.h"
#include "util/sha256.h"
#include "util/string.h"

#include <errno.h>
#include <jansson.h>
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

static struct error *check_member(const struct pack *p, const char *name, const void *data, size_t size)
{
	const struct manifest_member *member = find_member(p->manifest, name);
	uint8_t digest[SHA256_SIZE];

	if (!member)
		return refuse("PACK-INVALID", "member \"%s\" is not in the manifest", name);
	if (size != member->size)
		return refuse("PACK-CORRUPT",
			      "member \"%s\" has %zu bytes, %ju according to the manifest", name,
			      size, (uintmax_t)member->size);
	if (!data)
		return NULL;
	sha256(data, size, digest);
	if (memcmp(digest, member->sha256, sizeof(digest)))
		return refuse("PACK-CORRUPT", "member \"%s\" does not have the manifest's SHA-256",
			      name);
	return NULL;
}

static struct error *read_member(struct pack *p, struct tarball_reader *r, const char *name,
				 size_t size)
{
	_cleanup_free_ void *data = NULL;

	/* Sorted, and so nothing twice. */
	if (find_member(p->manifest, name) && p->file_count && strcmp(p->files[p->file_count - 1].name, name) >= 0)
		return refuse("PACK-INVALID", "member \"%s\" is not at its place", name);
	/* Its size first: it tells how much is taken. */
	TRY(check_member(p, name, NULL, size));
	TRY(tarball_take(r, size, &data));
	TRY(check_member(p, name, data, size));
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

/* ---- by way of a process that can do nothing else ---- */

struct reading {
	const char *path;
	const void *data;
	size_t size;
};

/* In the sandbox: what is not a pack is refused, what it holds goes back as it is. */
static struct error *unpack(void *arg, struct answer *out)
{
	const struct reading *r = arg;
	struct pack *p;
	size_t i;

	TRY(pack_parse(r->data, r->size, r->path, &p));
	answer_add(out, p->manifest_json, p->manifest_size);
	answer_add_number(out, p->signature != NULL);
	if (p->signature)
		answer_add(out, p->signature, strlen(p->signature));
	answer_add_number(out, p->file_count);
	for (i = 0; i < p->file_count; i++) {
		answer_add(out, p->files[i].name, strlen(p->files[i].name));
		answer_add(out, p->files[i].data, p->files[i].size);
	}
	return NULL;
}

/* Not parsed: bytes. */
static bool take_parts(struct answer *a, struct pack *p)
{
	uint64_t is_signed, count;

	if (!answer_take(a, (void **)&p->manifest_json, &p->manifest_size) || !answer_take_number(a, &is_signed) ||
	    (is_signed && !answer_take(a, (void **)&p->signature, NULL)) || !answer_take_number(a, &count))
		return false;
	for (; count; count--) {
		struct pack_file *f;

		p->files = xreallocarray(p->files, p->file_count + 1, sizeof(*p->files));
		f = &p->files[p->file_count];
		*f = (struct pack_file){ 0 };
		if (!answer_take(a, (void **)&f->name, NULL))
			return false;
		p->file_count++;
		if (!answer_take(a, &f->data, &f->size))
			return false;
	}
	return a->at == a->size;
}

struct error *pack_open(const char *path, struct pack **out)
{
	_cleanup_(answer_fini) struct answer answer = { 0 };
	struct reading r = { .path = path };
	_cleanup_free_ void *data = NULL;
	struct pack *p;

	TRY(file_read_plain(path, "PACK-INVALID", PACK_MAX_FILE, &data, &r.size));
	r.data = data;
	/* Where the child could not read it. */
	json_object_seed(0);
	TRY(sandbox_run(unpack, &r, PACK_MAX_FILE, &answer));
	p = xcalloc(1, sizeof(*p));
	if (!take_parts(&answer, p)) {
		pack_free(p);
		return system_error(0, "%s: what came out of the sandbox is no pack", path);
	}
	p->archive = take_ptr(data);
	p->archive_size = r.size;
	*out = p;
	return NULL;
}

/* That the files are those which the manifest tells, whoever has been in the sandbox. */
static struct error *check_files(const struct pack *p)
{
	size_t i;

	if (p->file_count != p->manifest->member_count)
		return refuse("PACK-CORRUPT", "it does not have the manifest's members");
	for (i = 0; i < p->file_count; i++) {
		const struct pack_file *f = &p->files[i];

		if (i && strcmp(p->files[i - 1].name, f->name) >= 0)
			return refuse("PACK-INVALID", "member \"%s\" is not at its place", f->name);
		TRY(check_member(p, f->name, f->data, f->size));
	}
	return NULL;
}

struct error *pack_understand(struct pack *p, const char *path)
{
	struct error *err;

	privilege_lower();
	err = manifest_from_json(p->manifest_json, p->manifest_size, &p->manifest);
	if (!err)
		err = check_files(p);
	privilege_raise();
	return error_prefix(err, "%s", path);
}

struct error *pack_read(const char *path, struct pack **out)
{
	struct error *err;
	struct pack *p;

	TRY(pack_open(path, &p));
	err = pack_understand(p, path);
	if (err)
		pack_free(p);
	else
		*out = p;
	return err;
}
