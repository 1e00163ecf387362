// SPDX-License-Identifier: GPL-2.0
#include "cmd/prove.h"

#include "util/memory.h"

#include <string.h>
#include <time.h>

double clock_milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

double milliseconds_since(double start)
{
	return clock_milliseconds() - start;
}

static struct error *check_kernel(const char *path, const struct manifest *m, const char *kernel)
{
	_cleanup_free_ char *release = NULL, *version = NULL;
	_cleanup_free_ char *where = kernel ? xasprintf("in the snapshot %s", kernel) : xstrdup("running");

	TRY(live_identity(kernel ? kernel : "/proc", &release, &version));
	if (strcmp(m->release, release))
		return refuse("KERNEL-OTHER", "%s is for kernel %s, and %s is %s", path, m->release, release,
			      where);
	if (*m->version && strcmp(m->version, version))
		return refuse("KERNEL-OTHER", "%s is for the build \"%s\" of kernel %s, and \"%s\" is %s",
			      path, m->version, m->release, version, where);
	return NULL;
}

struct error *proof_open(const char *path, bool allow_unsigned, const char *kernel, struct proof *p)
{
	TRY(pack_read(path, &p->pack));
	TRY(trust_check(p->pack, allow_unsigned, &p->trust));
	return check_kernel(path, p->pack->manifest, kernel);
}

static struct error *match_target(struct proof *p, struct live *live, struct proof_target *t)
{
	const struct manifest_target *mt = t->target;
	size_t i;

	if (strcmp(mt->name, "vmlinux") && !live_module(live, mt->name))
		return refuse("MODULE-MISSING", "the module %s, which the update changes, is not loaded",
			      mt->name);
	t->matches = xcalloc(mt->object_count, sizeof(*t->matches));
	for (i = 0; i < mt->object_count; i++) {
		const struct pack_file *f = pack_find(p->pack, mt->objects[i].pre);
		struct object *pre;

		TRY(object_parse(xmemdup(f->data, f->size), f->size, mt->objects[i].name, &pre));
		TRY(match_object(live, mt->name, pre, &t->matches[i]));
	}
	return NULL;
}

struct error *proof_match(struct proof *p, struct live *live)
{
	const struct manifest *m = p->pack->manifest;
	size_t i;

	p->targets = xcalloc(m->target_count, sizeof(*p->targets));
	for (i = 0; i < m->target_count; i++) {
		p->targets[i].target = &m->targets[i];
		TRY(match_target(p, live, &p->targets[i]));
	}
	return NULL;
}

struct error *proof_bind(struct proof *p, struct live *live)
{
	size_t i;

	for (i = 0; i < p->pack->manifest->target_count; i++) {
		struct proof_target *t = &p->targets[i];
		const struct pack_file *ko = pack_find(p->pack, t->target->file);

		TRY(bind_update(t->target, ko->data, ko->size, t->matches, live, &t->module));
	}
	return NULL;
}

void proof_fini(struct proof *p)
{
	size_t i, k;

	for (i = 0; p->targets && i < p->pack->manifest->target_count; i++) {
		struct proof_target *t = &p->targets[i];

		for (k = 0; t->matches && k < t->target->object_count; k++)
			match_free(t->matches[k]);
		free(t->matches);
		bound_fini(&t->module);
	}
	free(p->targets);
	trust_result_fini(&p->trust);
	pack_free(p->pack);
	*p = (struct proof){ 0 };
}
