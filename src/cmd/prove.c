// SPDX-License-Identifier: GPL-2.0
#include "cmd/prove.h"

#include "host/host.h"
#include "host/seen.h"
#include "host/store.h"
#include "util/memory.h"
#include "util/privilege.h"
#include "util/sandbox.h"

#include <inttypes.h>
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

const char *proof_signer(const struct proof *p)
{
	return p->trust.state == TRUST_SIGNED ? p->trust.key_id : NULL;
}

static struct error *check_serial(const char *path, const struct proof *p)
{
	_cleanup_(store_free) struct store store = { 0 };
	const struct manifest *m = p->pack->manifest;
	uint64_t seen;

	if (!m->channel || !*m->channel)
		return NULL;
	TRY(seen_serial(proof_signer(p), m->channel, &seen));
	if (m->serial >= seen)
		return NULL;
	TRY(store_read(&store));
	if (store_get(&store, m->id))
		return NULL;
	return refuse("SERIAL-OLD",
		      "%s is number %" PRIu64 " of the channel %s, of which number %" PRIu64 " was applied here", path,
		      m->serial, m->channel, seen);
}

struct error *proof_check_terms(const char *path, const struct proof *p, const char *kernel)
{
	const struct manifest *m = p->pack->manifest;
	bool withdrawn;

	if (manifest_is_expired(m, time(NULL)))
		return refuse("PACK-EXPIRED", "%s was to be applied until %s", path, m->expires);
	if (kernel)
		return NULL;
	TRY(seen_is_withdrawn(m->id, &withdrawn));
	if (withdrawn)
		return refuse("PACK-WITHDRAWN", "%s (%s) was withdrawn by its makers", path, m->id);
	return check_serial(path, p);
}

struct error *proof_open(const char *path, bool allow_unsigned, const char *kernel, struct proof *p)
{
	struct error *err;

	TRY(pack_open(path, &p->pack));
	privilege_lower();
	err = trust_check(p->pack, allow_unsigned, &p->trust);
	privilege_raise();
	if (err)
		return error_prefix(err, "%s", path);
	TRY(pack_understand(p->pack, path));
	TRY(check_kernel(path, p->pack->manifest, kernel));
	return proof_check_terms(path, p, kernel);
}

static struct error *match_target(struct proof *p, struct live *live, struct proof_target *t)
{
	const struct manifest_target *mt = t->target;
	size_t i;

	t->absent = strcmp(mt->name, "vmlinux") && !live_module(live, mt->name);
	if (t->absent)
		return NULL;
	t->matches = xcalloc(mt->object_count, sizeof(*t->matches));
	for (i = 0; i < mt->object_count; i++) {
		const struct pack_file *f = pack_find(p->pack, mt->objects[i].pre);
		struct object *pre;

		TRY(object_parse(xmemdup(f->data, f->size), f->size, mt->objects[i].name, &pre));
		TRY(match_object_onto(live, mt->name, pre, p->pack->manifest->onto, p->pack->manifest->onto_count,
				      &t->matches[i]));
	}
	return NULL;
}

static struct error *bind_target(struct proof *p, struct live *live, struct proof_target *t)
{
	const struct pack_file *ko = pack_find(p->pack, t->target->file);

	if (t->absent)
		return NULL;
	return bind_update(t->target, ko->data, ko->size, t->matches, live, &t->module);
}

static void new_targets(struct proof *p)
{
	const struct manifest *m = p->pack->manifest;
	size_t i;

	p->targets = xcalloc(m->target_count, sizeof(*p->targets));
	for (i = 0; i < m->target_count; i++)
		p->targets[i] = (struct proof_target){ .target = &m->targets[i], .absent = true };
}

struct error *proof_match(struct proof *p, struct live *live)
{
	size_t i;

	new_targets(p);
	for (i = 0; i < p->pack->manifest->target_count; i++)
		TRY(match_target(p, live, &p->targets[i]));
	return NULL;
}

struct error *proof_bind(struct proof *p, struct live *live)
{
	size_t i;

	for (i = 0; i < p->pack->manifest->target_count; i++)
		TRY(bind_target(p, live, &p->targets[i]));
	return NULL;
}

/* A snapshot tells which modules are loaded, not what they are for. */
static bool is_loaded(const struct live *live, const char *id)
{
	_cleanup_free_ char *name = xasprintf("%s_%s", HOST_ENGINE, id);
	const struct live_module *modules;
	size_t count, i;

	modules = live_modules(live, &count);
	for (i = 0; i < count; i++)
		if (!strncmp(modules[i].name, name, strlen(name)))
			return true;
	return false;
}

struct error *proof_require_onto(const struct proof *p, const struct live *live)
{
	const struct manifest *m = p->pack->manifest;
	struct host_updates list = { 0 };
	struct error *err = NULL;
	size_t i;

	if (m->onto_count && !live)
		err = host_updates_read(&list);
	for (i = 0; i < m->onto_count && !err; i++)
		if (live ? !is_loaded(live, m->onto[i]) : !host_updates_applied(&list, m->onto[i]))
			err = refuse("ORDER", "%s was made on top of update %s, which is not applied: apply that first",
				     m->id, m->onto[i]);
	host_updates_free(&list);
	return err;
}

static struct error *missing(const struct manifest_target *mt, const char *why)
{
	return refuse("MODULE-MISSING", "the module %s, which the update changes, is not loaded%s", mt->name,
		      why);
}

/* ---- in a process that can do nothing else ---- */

/* A module has some kB; this is what the kernel could not load either. */
#define MODULES_MAX (256u << 20)

struct proving {
	struct proof *const *proofs;
	size_t count;
	struct live *live;
	const struct pack_file *engine;	/* NULL: none is needed */
	size_t target;			/* of proof_target(): its index */
};

static void add_module(struct answer *out, const struct bound *b)
{
	answer_add(out, b->image, b->size);
}

static bool take_module(struct answer *a, struct bound *b)
{
	return answer_take(a, &b->image, &b->size);
}

static struct error *prove_all(void *arg, struct answer *out)
{
	const struct proving *w = arg;
	struct bound engine;
	size_t i, k;

	for (i = 0; i < w->count; i++) {
		struct proof *p = w->proofs[i];

		TRY(proof_match(p, w->live));
		TRY(proof_bind(p, w->live));
		for (k = 0; k < p->pack->manifest->target_count; k++) {
			answer_add_number(out, p->targets[k].absent);
			if (!p->targets[k].absent)
				add_module(out, &p->targets[k].module);
		}
	}
	for (i = 0; i < w->count; i++)
		TRY(proof_require_needed(w->proofs[i]));
	if (!w->engine)
		return NULL;
	TRY(bind_engine(w->engine->data, w->engine->size, w->live, &engine));
	add_module(out, &engine);
	return NULL;
}

static bool take_targets(struct answer *a, struct proof *p)
{
	uint64_t absent;
	size_t i;

	new_targets(p);
	for (i = 0; i < p->pack->manifest->target_count; i++) {
		struct proof_target *t = &p->targets[i];

		if (!answer_take_number(a, &absent) || (!absent && !take_module(a, &t->module)))
			return false;
		t->absent = absent;
	}
	return true;
}

static struct error *bad_answer(void)
{
	return system_error(0, "what came out of the sandbox is no proof");
}

struct error *proof_run(struct proof *const *proofs, size_t count, struct live *live, const struct pack_file *engine,
			struct bound *bound_engine)
{
	struct proving w = { .proofs = proofs, .count = count, .live = live, .engine = engine };
	_cleanup_(answer_fini) struct answer answer = { 0 };
	size_t i;

	TRY(sandbox_run(prove_all, &w, MODULES_MAX, &answer));
	for (i = 0; i < count; i++)
		if (!take_targets(&answer, proofs[i]))
			return bad_answer();
	if (engine && !take_module(&answer, bound_engine))
		return bad_answer();
	return NULL;
}

static struct error *prove_target(void *arg, struct answer *out)
{
	const struct proving *w = arg;
	struct proof *p = w->proofs[0];
	struct proof_target *t = &p->targets[w->target];

	TRY(match_target(p, w->live, t));
	if (t->absent)
		return missing(t->target, "");
	TRY(bind_target(p, w->live, t));
	add_module(out, &t->module);
	return NULL;
}

struct error *proof_target(struct proof *p, struct live *live, const char *target,
			   const struct proof_target **out)
{
	struct proving w = { .proofs = &p, .count = 1, .live = live };
	_cleanup_(answer_fini) struct answer answer = { 0 };
	const struct manifest *m = p->pack->manifest;
	struct proof_target *t;

	new_targets(p);
	while (w.target < m->target_count && strcmp(m->targets[w.target].name, target))
		w.target++;
	if (w.target == m->target_count)
		return refuse("PACK-INVALID", "%s does not change the module %s", m->id, target);
	t = &p->targets[w.target];
	TRY(sandbox_run(prove_target, &w, MODULES_MAX, &answer));
	if (!take_module(&answer, &t->module))
		return bad_answer();
	t->absent = false;
	*out = t;
	return NULL;
}

struct error *proof_require_loaded(const struct proof *p)
{
	size_t i;

	for (i = 0; i < p->pack->manifest->target_count; i++)
		if (p->targets[i].absent)
			return missing(p->targets[i].target, "");
	return NULL;
}

/* Whether the update module @ko names @module as one that it depends on (modpost's "depends="). */
static struct error *depends_on(const struct pack_file *ko, const char *module, bool *found)
{
	_cleanup_free_ char *names = NULL;
	const struct section *info;
	struct object *object;
	char *word, *save = NULL;
	size_t at, len;

	*found = false;
	TRY(object_parse(xmemdup(ko->data, ko->size), ko->size, ko->name, &object));
	info = object_section(object, ".modinfo");
	for (at = 0; info && info->data && at < info->size && !names; at += len + 1) {
		len = strnlen((const char *)info->data + at, info->size - at);
		if (len >= 8 && !strncmp((const char *)info->data + at, "depends=", 8))
			names = xstrndup((const char *)info->data + at + 8, len - 8);
	}
	for (word = names ? strtok_r(names, ",", &save) : NULL; word; word = strtok_r(NULL, ",", &save))
		*found |= !strcmp(word, module);
	object_free(object);
	return NULL;
}

struct error *proof_require_needed(const struct proof *p)
{
	const struct manifest *m = p->pack->manifest;
	size_t i, k;
	bool needs;

	for (i = 0; i < m->target_count; i++)
		for (k = 0; p->targets[i].absent && k < m->target_count; k++) {
			const struct pack_file *ko = pack_find(p->pack, m->targets[k].file);

			TRY(depends_on(ko, m->targets[i].module, &needs));
			if (needs)
				return missing(&m->targets[i],
					       ", and other parts of the update need what it brings there");
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
