// SPDX-License-Identifier: GPL-2.0
/*
 * kmend late load|unload MODULE: what the engine asks for when a module that an
 * applied update changes loads or unloads (engine/late.c).  The kernel waits
 * meanwhile, so no lock is taken that an apply may hold for long: what is not
 * awaited any more the engine does not take.
 */
#include "cmd/cmd.h"
#include "cmd/prove.h"
#include "cmd/record.h"
#include "host/host.h"
#include "host/store.h"
#include "util/file.h"
#include "util/log.h"
#include "util/memory.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Nobody reads what this program prints; the kernel's log is where a module's loading is looked for. */
static void tell(const struct host_update *u, const char *module, const struct error *err)
{
	_cleanup_close_ int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	_cleanup_free_ char *line = NULL;

	line = err->code ? xasprintf("<4>kmend: %s: %s: [%s] %s", u->id, module, err->code, err->message) :
			   xasprintf("<4>kmend: %s: %s: %s", u->id, module, err->message);
	if (fd >= 0 && write(fd, line, strlen(line)) < 0)
		log_info("%s", line);
}

/* The pack must be the one that was applied: its manifest tells all its bytes, and so does the record. */
static struct error *open_kept(const char *id, struct proof *p)
{
	_cleanup_free_ char *path = store_find(id);
	_cleanup_free_ void *applied = NULL;
	size_t size;

	if (!path)
		return system_error(0, "the pack of %s is not kept any more", id);
	TRY(pack_open(path, &p->pack));
	TRY(host_record_manifest(id, &applied, &size));
	if (size != p->pack->manifest_size || memcmp(applied, p->pack->manifest_json, size))
		return refuse("PACK-INVALID", "%s is not the pack that was applied", path);
	return pack_understand(p->pack, path);
}

static bool has_module(const struct host_update *u, const char *module)
{
	size_t i;

	for (i = 0; i < u->module_count && strcmp(u->modules[i], module); i++)
		;
	return i < u->module_count;
}

static struct error *load_proved(const struct host_update *u, const char *module, struct proof *p,
				 struct live *live)
{
	const struct proof_target *t;

	TRY(proof_target(p, live, module, &t));
	/* What an earlier unloading of the target left. */
	if (has_module(u, t->target->module))
		TRY(host_unload_module(t->target->module));
	return host_late_load(u->id, t->module.image, t->module.size, t->target->module);
}

static struct error *load(const struct host_update *u, const char *module)
{
	struct proof p = { 0 };
	struct live *live = NULL;
	struct error *err;

	err = open_kept(u->id, &p);
	/* Anew for each: an update may stand on another one that was just switched in. */
	if (!err)
		err = live_open(&live);
	if (!err)
		err = load_proved(u, module, &p, live);
	proof_fini(&p);
	live_close(live);
	return err;
}

static bool awaits(const struct host_update *u, const char *module)
{
	size_t i;

	for (i = 0; i < u->late_count; i++)
		if (u->applied && !u->late[i].in && !strcmp(u->late[i].module, module))
			return true;
	return false;
}

/* In whatever order they stand on each other: again as long as one more can be switched in. */
static void load_all(const struct host_updates *list, const char *module)
{
	_cleanup_free_ struct error **errors = xcalloc(list->count, sizeof(*errors));
	_cleanup_free_ bool *done = xcalloc(list->count, sizeof(*done));
	bool progress = true;
	size_t i;

	while (progress) {
		progress = false;
		for (i = 0; i < list->count; i++) {
			const struct host_update *u = &list->updates[i];

			if (done[i] || !awaits(u, module))
				continue;
			error_free(errors[i]);
			errors[i] = load(u, module);
			done[i] = !errors[i];
			progress |= done[i] && list->count > 1;
		}
	}
	for (i = 0; i < list->count; i++) {
		if (errors[i])
			tell(&list->updates[i], module, errors[i]);
		if (errors[i] || done[i])
			record_late(list->updates[i].id, module, errors[i]);
		if (awaits(&list->updates[i], module))
			error_free(host_late_note(list->updates[i].id, module, errors[i]));
		error_free(errors[i]);
	}
}

static struct error *unload(const struct host_update *u, const char *module)
{
	struct host_record record;
	struct error *err;
	size_t i;

	err = host_record_read(u->id, &record);
	for (i = 0; !err && record.manifest && i < record.manifest->target_count; i++) {
		const struct manifest_target *t = &record.manifest->targets[i];

		if (!strcmp(t->name, module) && has_module(u, t->module))
			err = host_unload_module(t->module);
	}
	host_record_free(&record);
	return err;
}

/* First those that were made on top of it.  Those that are not applied, too: the kernel touches the module for them, too. */
static void unload_top_down(const struct host_updates *list, size_t at, const char *module, bool *done)
{
	const struct host_update *u = &list->updates[at];
	struct error *err;
	size_t i;

	done[at] = true;
	for (i = 0; i < list->count; i++)
		if (!done[i] && host_record_is_onto(list->updates[i].id, u->id))
			unload_top_down(list, i, module, done);
	err = !u->applied || awaits(u, module) ? unload(u, module) : NULL;
	if (err)
		tell(u, module, err);
	error_free(err);
}

static void unload_all(const struct host_updates *list, const char *module)
{
	_cleanup_free_ bool *done = xcalloc(list->count, sizeof(*done));
	size_t i;

	for (i = 0; i < list->count; i++)
		if (!done[i])
			unload_top_down(list, i, module, done);
}

struct error *cmd_late(int argc, char **argv)
{
	struct host_updates list;
	struct error *err;

	if (argc != 3 || (strcmp(argv[1], "load") && strcmp(argv[1], "unload")))
		return usage_error("late is for the engine: load MODULE or unload MODULE");
	TRY(host_require_root("load modules"));
	err = host_updates_read(&list);
	if (!err)
		(*argv[1] == 'l' ? load_all : unload_all)(&list, argv[2]);
	host_updates_free(&list);
	/* Whatever came of it: who waits looks at what is switched in. */
	if (err)
		error_free(host_late_done(argv[2]));
	return err ?: host_late_done(argv[2]);
}
