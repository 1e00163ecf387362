// SPDX-License-Identifier: GPL-2.0
#include "cmd/status.h"
#include "host/private.h"
#include "host/seen.h"
#include "live/live.h"
#include "pack/pack.h"
#include "util/memory.h"

#include <string.h>
#include <time.h>

const char *const status_names[STATUS_STATES] = {
	[STATUS_APPLIED] = "applied",	[STATUS_LOADED] = "loaded",
	[STATUS_PENDING] = "pending",	[STATUS_REFUSED] = "refused",
	[STATUS_SET_ASIDE] = "set-aside", [STATUS_OTHER_KERNEL] = "other-kernel",
};

/* What the pack tells; that it cannot be read is a reason not to be applied. */
static void read_pack(struct status_update *u)
{
	struct pack *pack;
	struct error *err;

	err = pack_read(u->stored->path, &pack);
	if (err && u->message) {
		error_free(err);
		return;
	}
	if (err) {
		u->code = err->code ? xstrdup(err->code) : NULL;
		u->message = xstrdup(err->message);
		error_free(err);
		return;
	}
	u->manifest = take_ptr(pack->manifest);
	pack_free(pack);
}

static bool is_for(const struct manifest *m, const struct status *s)
{
	return !strcmp(m->release, s->release) && (!*m->version || !strcmp(m->version, s->version));
}

static enum status_state judge(const struct status_update *u, const struct status *s)
{
	if (u->loaded)
		return u->loaded->applied ? STATUS_APPLIED : STATUS_LOADED;
	if (u->stored->set_aside)
		return STATUS_SET_ASIDE;
	if (u->manifest && !is_for(u->manifest, s))
		return STATUS_OTHER_KERNEL;
	if (u->message && (!u->code || strcmp(u->code, "MODULE-MISSING")))
		return STATUS_REFUSED;
	return STATUS_PENDING;
}

static struct error *add(struct status *s, const char *id, const struct host_update *loaded,
			 const struct store_update *stored)
{
	struct status_update *u = &s->updates[s->count++];
	struct host_record record;
	size_t i;

	*u = (struct status_update){ .id = id, .loaded = loaded, .stored = stored };
	for (i = 0; i < s->probation.count; i++)
		u->on_probation |= !strcmp(s->probation.ids[i], id);
	TRY(seen_is_withdrawn(id, &u->withdrawn));
	if (loaded) {
		struct error *err = host_record_read(id, &record);

		u->manifest = take_ptr(record.manifest);
		u->signed_by = take_ptr(record.signed_by);
		u->recorded = u->manifest;
		if (err)
			return err;
	} else {
		TRY(host_refusal_read(id, &u->code, &u->message));
		read_pack(u);
	}
	u->state = judge(u, s);
	s->counts[u->state]++;
	return NULL;
}

static struct error *read_kernel(struct status *s)
{
	_cleanup_free_ char *proc = host_path("/proc");

	TRY(live_identity(proc, &s->release, &s->version));
	return host_boot_enabled(&s->boot_enabled);
}

struct error *status_read(struct status *s)
{
	size_t i;

	*s = (struct status){ 0 };
	TRY(read_kernel(s));
	s->engine_abi = host_engine_abi();
	TRY(host_updates_read(&s->loaded));
	TRY(store_read(&s->store));
	TRY(probation_read(&s->probation));
	s->updates = xcalloc(s->loaded.count + s->store.count, sizeof(*s->updates));
	for (i = 0; i < s->store.count; i++)
		TRY(add(s, s->store.updates[i].id, host_updates_get(&s->loaded, s->store.updates[i].id),
			&s->store.updates[i]));
	for (i = 0; i < s->loaded.count; i++)
		if (!store_get(&s->store, s->loaded.updates[i].id))
			TRY(add(s, s->loaded.updates[i].id, &s->loaded.updates[i], NULL));
	return NULL;
}

void status_free(struct status *s)
{
	size_t i;

	for (i = 0; i < s->count; i++) {
		manifest_free(s->updates[i].manifest);
		free(s->updates[i].signed_by);
		free(s->updates[i].code);
		free(s->updates[i].message);
	}
	free(s->updates);
	host_updates_free(&s->loaded);
	store_free(&s->store);
	probation_free(&s->probation);
	free(s->release);
	free(s->version);
	*s = (struct status){ 0 };
}

/* Whether a module runs, and not with its part of the update. */
static bool runs_unfixed(const struct host_update *u)
{
	size_t i;

	for (i = 0; i < u->late_count; i++)
		if (u->applied && u->late[i].loaded && !u->late[i].in)
			return true;
	return false;
}

int status_exit(const struct status *s)
{
	size_t installed = 0, i;

	/* What an undo, or a killed apply, left loaded is not installed; what is applied and not listed is in use. */
	for (i = 0; i < s->count; i++)
		installed += s->updates[i].stored || s->updates[i].state == STATUS_APPLIED;
	if (!installed)
		return STATUS_NONE_INSTALLED;
	for (i = 0; i < s->loaded.count; i++)
		if (runs_unfixed(&s->loaded.updates[i]))
			return STATUS_NOT_ALL_APPLIED;
	return s->counts[STATUS_APPLIED] == installed ? STATUS_ALL_APPLIED : STATUS_NOT_ALL_APPLIED;
}

char *status_level(const struct status *s)
{
	char *level = xstrdup(s->release), *longer;
	const char *separator = "+kmend.";
	size_t i;

	for (i = 0; i < s->count; i++) {
		if (s->updates[i].state != STATUS_APPLIED)
			continue;
		longer = xasprintf("%s%s%.8s", level, separator, s->updates[i].id);
		free(level);
		level = longer;
		separator = ".";
	}
	return level;
}

static void add_cve(const char *cve, const char ***cves, size_t *count)
{
	size_t i;

	for (i = 0; i < *count; i++)
		if (!strcmp((*cves)[i], cve))
			return;
	*cves = xreallocarray(*cves, *count + 1, sizeof(**cves));
	(*cves)[(*count)++] = cve;
}

void status_cves(const struct status *s, const char ***cves, size_t *count)
{
	size_t i, k;

	*cves = NULL;
	*count = 0;
	for (i = 0; i < s->count; i++) {
		const struct manifest *m = s->updates[i].manifest;

		for (k = 0; m && s->updates[i].state == STATUS_APPLIED && k < m->cve_count; k++)
			add_cve(m->cves[k], cves, count);
	}
}

uint64_t status_age(const struct status_update *u)
{
	time_t now = time(NULL);

	return u->stored && now > u->stored->since ? now - u->stored->since : 0;
}
