// SPDX-License-Identifier: GPL-2.0
#include "cmd/onto.h"

#include "util/memory.h"

#include <stdlib.h>
#include <string.h>

/* The patch of this number (create.c, pack_patches()), or NULL. */
static const struct pack_file *numbered_patch(const struct pack *p, size_t number)
{
	_cleanup_free_ char *start = xasprintf("patch/%02zu-", number);
	size_t i;

	for (i = 0; i < p->file_count; i++)
		if (!strncmp(p->files[i].name, start, strlen(start)))
			return &p->files[i];
	return NULL;
}

static struct error *add_patches(const struct pack *p, struct patches **base)
{
	const struct pack_file *f;
	size_t n;

	for (n = 1; (f = numbered_patch(p, n)); n++) {
		_cleanup_free_ char *name = xasprintf("%s of update %s", f->name, p->manifest->id);

		TRY(patches_add(base, name, f->data, f->size));
	}
	return n > 1 ? NULL : refuse("PACK-INVALID", "%s holds no patch", p->manifest->id);
}

/* The packs before it must be those that it was made on top of. */
static struct error *check_order(const char *path, const struct manifest *m, const struct onto *onto)
{
	size_t i;

	for (i = 0; i < m->onto_count; i++)
		if (i >= onto->count || strcmp(m->onto[i], onto->ids[i]))
			return usage_error("%s was made on top of update %s: --onto that pack before it", path,
					   m->onto[i]);
	for (i = 0; i < onto->count; i++)
		if (!strcmp(onto->ids[i], m->id))
			return usage_error("--onto %s is there twice", path);
	return NULL;
}

static struct error *add_pack(const char *path, const struct pack *p, const char *release, struct onto *onto)
{
	const struct manifest *m = p->manifest;

	if (strcmp(m->release, release))
		return refuse("KERNEL-OTHER", "%s is for kernel %s, and the update is to be for %s", path, m->release,
			      release);
	TRY(check_order(path, m, onto));
	onto->ids = xreallocarray(onto->ids, onto->count + 1, sizeof(*onto->ids));
	onto->ids[onto->count++] = xstrdup(m->id);
	return add_patches(p, &onto->base);
}

struct error *onto_read(char *const *paths, size_t count, const char *release, struct onto *onto)
{
	struct error *err = NULL;
	size_t i;

	*onto = (struct onto){ 0 };
	for (i = 0; i < count && !err; i++) {
		struct pack *p;

		TRY(pack_read(paths[i], &p));
		err = add_pack(paths[i], p, release, onto);
		pack_free(p);
	}
	return err;
}

void onto_fini(struct onto *onto)
{
	size_t i;

	for (i = 0; i < onto->count; i++)
		free(onto->ids[i]);
	free(onto->ids);
	patches_free(onto->base);
	*onto = (struct onto){ 0 };
}
