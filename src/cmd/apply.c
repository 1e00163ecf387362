// SPDX-License-Identifier: GPL-2.0
#include "cmd/apply.h"
#include "cmd/cmd.h"
#include "cmd/killed.h"
#include "cmd/prove.h"
#include "cmd/record.h"
#include "host/host.h"
#include "host/probation.h"
#include "host/seen.h"
#include "host/store.h"
#include "util/log.h"
#include "util/memory.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* One pack on its way. */
struct applying {
	struct proof proof;
	bool reused;		/* its modules stayed loaded after an undo */
	size_t loaded;		/* of its modules, by this command */
	bool recorded;
	uint64_t pause_ns;
};

struct apply {
	const struct apply_options *opts;
	struct applying *updates;
	struct live *live;
	struct bound engine;	/* where none was loaded */
	bool engine_loaded;	/* by this command */
	double proof_ms;
};

static struct error *parse_options(int argc, char **argv, struct apply_options *o)
{
	static const struct option options[] = { { "allow-unsigned", no_argument, NULL, 'u' },
						 { "dry-run", no_argument, NULL, 'n' },
						 { "timeout", required_argument, NULL, 't' },
						 { "until-reboot", no_argument, NULL, 'r' },
						 CMD_COMMON_OPTIONS };
	bool allow_unsigned = false;
	int c;

	o->timeout = APPLY_TIMEOUT;
	while ((c = getopt_long(argc, argv, CMD_COMMON_SHORT, options, NULL)) != -1) {
		if (c == 'u')
			allow_unsigned = true;
		else if (c == 'n')
			o->dry_run = true;
		else if (c == 'r')
			o->until_reboot = true;
		else if (c == 't')
			TRY(cmd_parse_timeout(optarg, &o->timeout));
		else
			TRY(cmd_common_option(c, argv));
	}
	if (optind == argc)
		return usage_error("apply takes the packs to apply");
	o->packs = argv + optind;
	o->count = argc - optind;
	o->allow_unsigned = xcalloc(o->count, sizeof(*o->allow_unsigned));
	memset(o->allow_unsigned, allow_unsigned, o->count);
	return NULL;
}

static struct error *open_packs(struct apply *a)
{
	size_t i, k;

	for (i = 0; i < a->opts->count; i++) {
		struct proof *p = &a->updates[i].proof;

		TRY(proof_open(a->opts->packs[i], a->opts->allow_unsigned[i], NULL, p));
		for (k = 0; k < i; k++)
			if (!strcmp(a->updates[k].proof.pack->manifest->id, p->pack->manifest->id))
				return usage_error("%s and %s are the same update", a->opts->packs[k],
						   a->opts->packs[i]);
		if (p->trust.state != TRUST_SIGNED)
			log_info("warning: %s is not signed by a trusted key", a->opts->packs[i]);
	}
	return NULL;
}

/* Whether update @id, or one that is made on top of it and loaded, was to stay loaded after an undo. */
static bool has_to_stay(const struct applying *u, const struct host_updates *list, const char *id)
{
	bool stays = u->proof.pack->manifest->stays_loaded;
	size_t i;

	for (i = 0; i < list->count; i++)
		stays |= host_record_is_onto(list->updates[i].id, id);
	return stays;
}

/*
 * Modules of an update that is not applied: what a killed apply left behind is
 * removed; what an undo left loaded on purpose, because addresses of its code
 * may live on, is used again.
 */
static struct error *meet_rest(const struct apply *a, struct applying *u, const struct host_updates *list,
			       const struct host_update *rest)
{
	size_t i;

	u->reused = rest->pause_ns && has_to_stay(u, list, rest->id);
	if (u->reused)
		return NULL;
	for (i = 0; !a->opts->dry_run && i < rest->module_count; i++)
		TRY(host_unload_module(rest->modules[i]));
	return a->opts->dry_run ? NULL : host_late_forget(rest->id);
}

/* What is loaded of these updates from before. */
static struct error *check_installed(struct apply *a)
{
	struct host_updates list;
	struct error *err = NULL;
	size_t i;

	TRY(host_updates_read(&list));
	for (i = 0; i < a->opts->count && !err; i++) {
		const char *id = a->updates[i].proof.pack->manifest->id;
		const struct host_update *u = host_updates_get(&list, id);

		if (!u)
			continue;
		if (u->applied)
			err = refuse("ALREADY-APPLIED", "%s: is applied already", id);
		else
			err = meet_rest(a, &a->updates[i], &list, u);
	}
	host_updates_free(&list);
	return err;
}

/* What is installed can be added to: found out later, the updates would be applied, and gone after a reboot. */
static struct error *check_store(void)
{
	_cleanup_(store_free) struct store store = { 0 };

	return store_read(&store);
}

/* The module that an update changes and that is neither loaded nor not, or NULL. */
static const char *in_transition(const struct apply *a)
{
	size_t i, k;

	for (i = 0; i < a->opts->count; i++) {
		const struct manifest *m = a->updates[i].proof.pack->manifest;

		for (k = 0; k < m->target_count; k++) {
			const struct live_module *module = live_module(a->live, m->targets[k].name);

			if (module && strcmp(module->state, "Live"))
				return module->name;
		}
	}
	return NULL;
}

/* The running kernel, without a module of concern being loaded or unloaded just now. */
static struct error *open_live(struct apply *a)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	double start = clock_milliseconds();
	const char *name;

	for (;;) {
		TRY(live_open(&a->live));
		name = in_transition(a);
		if (!name)
			return NULL;
		if (milliseconds_since(start) > a->opts->timeout * 1e3)
			return refuse("MODULE-MOVED", "the module %s is being loaded or unloaded; try again", name);
		live_close(a->live);
		a->live = NULL;
		nanosleep(&pause, NULL);
	}
}

/* Whether a module that an update changes is no longer what the proof began with. */
static bool has_moved(const struct apply *a)
{
	struct live *now = NULL;
	bool moved = false;
	size_t i, k;

	error_free(live_open(&now));
	for (i = 0; now && i < a->opts->count; i++) {
		const struct manifest *m = a->updates[i].proof.pack->manifest;

		for (k = 0; k < m->target_count; k++) {
			const struct live_module *x = live_module(a->live, m->targets[k].name);
			const struct live_module *y = live_module(now, m->targets[k].name);

			moved |= !x != !y || (x && (x->base != y->base || strcmp(y->state, "Live")));
		}
	}
	live_close(now);
	return moved;
}

static bool replaces(const struct manifest_target *t, const struct manifest_function *f)
{
	size_t i;

	for (i = 0; i < t->function_count; i++)
		if (t->functions[i].action == MANIFEST_REPLACE && f->action == MANIFEST_REPLACE &&
		    !strcmp(t->functions[i].name, f->name) && !strcmp(t->functions[i].object, f->object))
			return true;
	return false;
}

/* Of a module that is not loaded there is no code that could tell. */
static struct error *check_awaited(const struct manifest_target *t, const struct manifest *other)
{
	size_t i, k;

	for (i = 0; i < other->target_count; i++)
		for (k = 0; k < t->function_count && !strcmp(other->targets[i].name, t->name); k++)
			if (replaces(&other->targets[i], &t->functions[k]))
				return refuse("FUNCTION-REPLACED",
					      "update %s replaces %s, too, in the module %s, which is not loaded: load it first",
					      other->id, t->functions[k].name, t->name);
	return NULL;
}

static struct error *check_record(const struct proof *p, const char *id)
{
	struct host_record record;
	struct error *err;
	size_t i;

	/* What it was made on top of comes before it. */
	for (i = 0; i < p->pack->manifest->onto_count; i++)
		if (!strcmp(p->pack->manifest->onto[i], id))
			return NULL;
	err = host_record_read(id, &record);
	for (i = 0; !err && record.manifest && i < p->pack->manifest->target_count; i++)
		if (p->targets[i].absent)
			err = check_awaited(p->targets[i].target, record.manifest);
	host_record_free(&record);
	return err;
}

/* What is awaited must be able to come. */
static struct error *check_absent(const struct apply *a)
{
	struct host_updates list;
	struct error *err;
	size_t i, k, n;

	err = host_updates_read(&list);
	for (i = 0; i < a->opts->count && !err; i++) {
		const struct proof *p = &a->updates[i].proof;

		for (k = 0; k < list.count && !err; k++)
			if (list.updates[k].applied)
				err = check_record(p, list.updates[k].id);
		for (k = 0; k < i; k++)
			for (n = 0; n < p->pack->manifest->target_count && !err; n++)
				if (p->targets[n].absent)
					err = check_awaited(p->targets[n].target,
							    a->updates[k].proof.pack->manifest);
	}
	host_updates_free(&list);
	return err;
}

/* Those that it was made on top of are there; that they are not among those of this command is said. */
static struct error *check_onto(const struct apply *a)
{
	size_t i, k, n;

	for (i = 0; i < a->opts->count; i++) {
		const struct manifest *m = a->updates[i].proof.pack->manifest;

		for (k = 0; k < m->onto_count; k++)
			for (n = 0; n < a->opts->count; n++)
				if (!strcmp(m->onto[k], a->updates[n].proof.pack->manifest->id))
					return refuse("ORDER",
						      "%s was made on top of update %s: what runs then cannot be proved yet; apply one after the other",
						      m->id, m->onto[k]);
		TRY(proof_require_onto(&a->updates[i].proof, NULL));
	}
	return NULL;
}

/* The engine of the first pack, unless one is there. */
static const struct pack_file *needed_engine(const struct apply *a)
{
	return host_engine_abi() ? NULL : pack_find(a->updates[0].proof.pack, "engine/kmend.ko");
}

static struct error *prove(struct apply *a)
{
	_cleanup_free_ struct proof **proofs = xcalloc(a->opts->count, sizeof(*proofs));
	double start = clock_milliseconds();
	struct error *err;
	size_t i;

	log_progress("proving");
	TRY(open_live(a));
	for (i = 0; i < a->opts->count; i++)
		proofs[i] = &a->updates[i].proof;
	err = proof_run(proofs, a->opts->count, a->live, needed_engine(a), &a->engine);
	if (err && has_moved(a)) {
		error_free(err);
		return refuse("MODULE-MOVED",
			      "a module that the update changes was loaded or unloaded during the proof; try again");
	}
	if (err)
		return err;
	a->proof_ms = milliseconds_since(start);
	return check_absent(a);
}

static struct error *load_engine(struct apply *a)
{
	if (host_engine_abi())
		return NULL;
	if (!a->engine.image)
		return refuse("PACK-INVALID", "%s holds no engine", a->opts->packs[0]);
	TRY(host_load_module(a->engine.image, a->engine.size, HOST_ENGINE));
	a->engine_loaded = true;
	if (host_engine_abi() != KMEND_ABI)
		return refuse("ENGINE-ABI", "the engine of %s is not of this program's ABI",
			      a->opts->packs[0]);
	return NULL;
}

static struct error *load_update(struct applying *u)
{
	size_t i;

	for (i = 0; i < u->proof.pack->manifest->target_count; i++) {
		const struct proof_target *t = &u->proof.targets[i];

		if (!t->absent)
			TRY(host_load_module(t->module.image, t->module.size, t->target->module));
		u->loaded++;
	}
	u->recorded = true;
	return NULL;
}

/* One that stayed loaded may be signed otherwise now. */
static struct error *write_record(const struct applying *u)
{
	const struct pack *pack = u->proof.pack;

	return host_record_write(pack->manifest->id, pack->manifest_json, pack->manifest_size, proof_signer(&u->proof));
}

/* All modules that it changes: those that are there may go, and come back. */
static struct error *await_modules(const struct applying *u)
{
	const struct manifest *m = u->proof.pack->manifest;
	size_t i;

	for (i = 0; i < m->target_count; i++)
		if (strcmp(m->targets[i].name, "vmlinux"))
			TRY(host_late_await(m->id, m->targets[i].name));
	return NULL;
}

/* Of one that stayed loaded, what was made for a module that is gone is of no use any more. */
static struct error *drop_absent(const struct applying *u)
{
	struct host_updates list;
	const struct host_update *loaded;
	struct error *err;
	size_t i, k;

	err = host_updates_read(&list);
	loaded = err ? NULL : host_updates_get(&list, u->proof.pack->manifest->id);
	for (i = 0; loaded && i < u->proof.pack->manifest->target_count && !err; i++)
		for (k = 0; u->proof.targets[i].absent && k < loaded->module_count && !err; k++)
			if (!strcmp(loaded->modules[k], u->proof.targets[i].target->module))
				err = host_unload_module(loaded->modules[k]);
	host_updates_free(&list);
	return err;
}

static struct error *load_updates(struct apply *a)
{
	size_t i;

	TRY(host_late_begin());
	for (i = 0; i < a->opts->count; i++) {
		struct applying *u = &a->updates[i];

		TRY(u->reused ? drop_absent(u) : load_update(u));
		TRY(write_record(u));
		TRY(await_modules(u));
	}
	return NULL;
}

/* The ids of the updates, an array that is the caller's to free. */
static const char **update_ids(const struct apply *a)
{
	const char **ids = xcalloc(a->opts->count, sizeof(*ids));
	size_t i;

	for (i = 0; i < a->opts->count; i++)
		ids[i] = a->updates[i].proof.pack->manifest->id;
	return ids;
}

static struct error *switch_updates(const struct apply *a)
{
	_cleanup_free_ const char **ids = update_ids(a);
	struct host_switch_report report;

	log_progress("switching");
	return host_switch(true, ids, a->opts->count, a->opts->timeout, &report);
}

/*
 * The bytes that were judged and proved, whatever has become of the file.  What is
 * kept of an update that is installed, with other signatures maybe, stays until
 * these are applied.
 */
static struct error *keep_packs(const struct apply *a, bool applied)
{
	_cleanup_(store_free) struct store store = { 0 };
	size_t i;

	if (a->opts->at_boot)
		return NULL;
	TRY(store_read(&store));
	for (i = 0; i < a->opts->count; i++) {
		const struct pack *pack = a->updates[i].proof.pack;
		const struct store_update *kept = store_get(&store, pack->manifest->id);

		if (applied != (kept && kept->until_reboot == a->opts->until_reboot))
			continue;
		TRY(store_put(pack->manifest->id, pack->archive, pack->archive_size,
			      a->opts->until_reboot));
	}
	return NULL;
}

/* From here on older ones of their channels are refused. */
static struct error *note_serials(const struct apply *a)
{
	size_t i;

	for (i = 0; i < a->opts->count; i++) {
		const struct proof *p = &a->updates[i].proof;
		const struct manifest *m = p->pack->manifest;

		if (m->channel && *m->channel)
			TRY(error_prefix(seen_note_serial(proof_signer(p), m->channel, m->serial),
					 "the updates are applied, but not installed"));
	}
	return NULL;
}

static struct error *make_installed(const struct apply *a)
{
	_cleanup_free_ bool *unsigned_ones = xcalloc(a->opts->count, sizeof(*unsigned_ones));
	_cleanup_free_ const char **ids = update_ids(a);
	size_t i;

	for (i = 0; i < a->opts->count; i++) {
		unsigned_ones[i] = a->updates[i].proof.trust.state != TRUST_SIGNED;
		error_free(host_refusal_remove(ids[i]));
	}
	TRY(note_serials(a));
	if (a->opts->at_boot)
		return NULL;
	return error_prefix(keep_packs(a, true) ?: store_install(ids, a->opts->count, a->opts->until_reboot,
								 unsigned_ones),
			    "the updates are applied, but not installed, and gone after a reboot");
}

/* Should the machine crash from here on, the next boot does without what is kept. */
static struct error *begin_probation(const struct apply *a)
{
	_cleanup_free_ const char **ids = update_ids(a);

	return (a->opts->until_reboot ? probation_drop : probation_begin)(ids, a->opts->count);
}

static void unload(struct applying *u)
{
	while (u->loaded--)
		if (!u->proof.targets[u->loaded].absent)
			error_free(host_unload_module(u->proof.targets[u->loaded].target->module));
	u->loaded = 0;
	error_free(host_late_forget(u->proof.pack->manifest->id));
}

/*
 * Takes back what was loaded, so that a refusal changes nothing.  Where the
 * system failed, the engine may still be at work: what tells of an update that is
 * loaded yet stays.
 */
static void unload_all(struct apply *a, const struct error *why)
{
	struct host_updates left = { 0 };
	size_t i;

	for (i = a->opts->count; i--;)
		unload(&a->updates[i]);
	if (why->kind != ERROR_REFUSED)
		error_free(host_updates_read(&left));
	for (i = 0; i < a->opts->count; i++) {
		const char *id = a->updates[i].proof.pack->manifest->id;

		if (host_updates_get(&left, id))
			continue;
		if (a->updates[i].recorded)
			error_free(host_record_remove(id));
		if (!a->opts->until_reboot)
			error_free(probation_drop(&id, 1));
	}
	host_updates_free(&left);
	if (a->engine_loaded)
		error_free(host_unload_module(HOST_ENGINE));
	if (!a->opts->at_boot)
		error_free(killed_finish());
}

static void read_pauses(struct apply *a)
{
	struct host_updates list;
	size_t i;

	error_free(host_updates_read(&list));
	for (i = 0; i < a->opts->count; i++) {
		const struct host_update *u =
			host_updates_get(&list, a->updates[i].proof.pack->manifest->id);

		a->updates[i].pause_ns = u ? u->pause_ns : 0;
	}
	host_updates_free(&list);
}

/*
 * From the first module on until it is told and on record, a signal must not end
 * the program half way; the switch is bounded by the timeout.
 */
static struct error *install(struct apply *a)
{
	struct error *err;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	err = keep_packs(a, false);
	if (!err)
		err = begin_probation(a);
	if (!err)
		err = load_engine(a);
	if (!err)
		err = load_updates(a);
	if (!err)
		err = switch_updates(a);
	if (err) {
		unload_all(a, err);
	} else {
		read_pauses(a);
		err = make_installed(a);
	}
	return err;
}

static json_t *awaited_json(const struct proof *p)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < p->pack->manifest->target_count; i++)
		if (p->targets[i].absent)
			json_array_append_new(list, json_string(p->targets[i].target->name));
	return list;
}

static void print_awaited(const struct proof *p)
{
	size_t i;

	for (i = 0; i < p->pack->manifest->target_count; i++)
		if (p->targets[i].absent)
			printf("    %s is not loaded: it is switched when it loads, before it starts\n",
			       p->targets[i].target->name);
}

static void print_result(const struct apply *a)
{
	const char *done = a->opts->dry_run ? "could be applied" : "applied";
	json_t *list = json_array();
	size_t i;

	log_progress_end();
	for (i = 0; i < a->opts->count; i++) {
		const struct manifest *m = a->updates[i].proof.pack->manifest;
		uint64_t pause = a->updates[i].pause_ns;

		json_array_append_new(list, json_pack("{s:s,s:b,s:f,s:I,s:o}", "id", m->id, "applied",
						      !a->opts->dry_run, "proof_ms", a->proof_ms,
						      "pause_ns", (json_int_t)pause, "awaits",
						      awaited_json(&a->updates[i].proof)));
		if (cmd_json)
			continue;
		if (a->opts->dry_run)
			printf("%s: %s (%s), proved in %.0f ms\n", m->id, done, m->description, a->proof_ms);
		else
			printf("%s: %s (%s), proved in %.0f ms, stood still for %.0f us\n", m->id, done,
			       m->description, a->proof_ms, pause / 1e3);
		print_awaited(&a->updates[i].proof);
	}
	if (cmd_json)
		cmd_print_json(json_pack("{s:O}", "updates", list));
	json_decref(list);
}

static struct error *apply(struct apply *a)
{
	TRY(host_check_engine());
	TRY(check_store());
	/* First: it may tell of a serial that makes these packs too old. */
	if (!a->opts->at_boot && !a->opts->dry_run)
		TRY(killed_finish());
	TRY(open_packs(a));
	TRY(check_installed(a));
	TRY(check_onto(a));
	TRY(prove(a));
	/* Not before: a kernel that shows no memory is no better for a key. */
	TRY(host_check_signing());
	return a->opts->dry_run ? NULL : install(a);
}

struct error *apply_packs(const struct apply_options *opts)
{
	struct apply a = { .opts = opts };
	struct error *err;
	sigset_t before;
	size_t i;

	a.updates = xcalloc(opts->count, sizeof(*a.updates));
	sigprocmask(SIG_BLOCK, NULL, &before);
	err = apply(&a);
	/* Before it is printed: nobody may read that. */
	for (i = 0; i < opts->count && !opts->dry_run; i++)
		record_apply(opts->at_boot ? "boot" : "apply", opts->packs[i], &a.updates[i].proof,
			     a.updates[i].pause_ns, err);
	if (!err && !opts->at_boot)
		print_result(&a);
	fflush(stdout);	/* main() looks for its errors */
	sigprocmask(SIG_SETMASK, &before, NULL);
	for (i = 0; i < opts->count; i++)
		proof_fini(&a.updates[i].proof);
	bound_fini(&a.engine);
	free(a.updates);
	live_close(a.live);
	return err;
}

/* One that could not even begin. */
static struct error *lock_for_apply(const struct apply_options *opts, int *lock)
{
	const struct proof nothing = { 0 };
	struct error *err;
	size_t i;

	err = host_require_root("apply updates");
	if (!err)
		err = host_lock(lock);
	for (i = 0; err && !opts->dry_run && i < opts->count; i++)
		record_apply("apply", opts->packs[i], &nothing, 0, err);
	return err;
}

struct error *cmd_apply(int argc, char **argv)
{
	struct apply_options opts = { 0 };
	_cleanup_close_ int lock = -1;
	struct error *err;

	err = parse_options(argc, argv, &opts);
	if (!err)
		err = lock_for_apply(&opts, &lock);
	if (!err)
		err = apply_packs(&opts);
	free(opts.allow_unsigned);
	return err;
}
