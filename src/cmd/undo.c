// SPDX-License-Identifier: GPL-2.0
#include "cmd/apply.h"
#include "cmd/cmd.h"
#include "cmd/killed.h"
#include "cmd/record.h"
#include "host/host.h"
#include "host/store.h"
#include "host/undoing.h"
#include "util/log.h"
#include "util/memory.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_TIMEOUT 10

/* What the command line asks for, and what becomes of it. */
struct undo {
	unsigned int timeout;		/* seconds */
	bool all;
	struct host_updates loaded;	/* before */
	struct store store;		/* before */
	struct undone {
		const char *id;
		const struct host_update *update;	/* NULL where it is installed and not loaded */
		struct host_record record;		/* before */
		uint64_t pause_ns;
		bool tried;				/* to be unloaded */
		bool unloaded;
	} *chosen;
	size_t count;
	bool begun;			/* they are named as what is undone */
	struct host_switch_report report;
	bool engine_unloaded;
};

static void undo_free(struct undo *u)
{
	size_t i;

	for (i = 0; i < u->count; i++)
		host_record_free(&u->chosen[i].record);
	free(u->chosen);
	host_updates_free(&u->loaded);
	store_free(&u->store);
}

static struct error *parse(int argc, char **argv, struct undo *u)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "timeout", required_argument, NULL, 't' },
		CMD_COMMON_OPTIONS
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, CMD_COMMON_SHORT, options, NULL)) != -1) {
		if (c == 'a')
			u->all = true;
		else if (c == 't')
			TRY(cmd_parse_timeout(optarg, &u->timeout));
		else
			TRY(cmd_common_option(c, argv));
	}
	if (u->all && optind < argc)
		return usage_error("undo takes either --all or ids");
	if (!u->all && optind == argc)
		return usage_error("undo needs an id, or --all");
	return NULL;
}

/* @id stays where it is: in what was read before. */
static void choose(struct undo *u, const char *id)
{
	size_t i;

	for (i = 0; i < u->count; i++)
		if (!strcmp(u->chosen[i].id, id))
			return;
	u->chosen = xreallocarray(u->chosen, u->count + 1, sizeof(*u->chosen));
	u->chosen[u->count++] = (struct undone){ .id = id, .update = host_updates_get(&u->loaded, id) };
}

/* Another id that starts with @prefix than the one found before is an error. */
static struct error *look_at(const char *id, const char *prefix, const char **found)
{
	if (!*prefix || strncmp(id, prefix, strlen(prefix)) || (*found && !strcmp(*found, id)))
		return NULL;
	if (*found)
		return usage_error("%s is the start of several ids: %s, %s", prefix, *found, id);
	*found = id;
	return NULL;
}

/* The one update, loaded or installed, whose id starts with @prefix. */
static struct error *find(const struct undo *u, const char *prefix, const char **found)
{
	size_t i;

	*found = NULL;
	for (i = 0; i < u->loaded.count; i++)
		TRY(look_at(u->loaded.updates[i].id, prefix, found));
	for (i = 0; i < u->store.count; i++)
		TRY(look_at(u->store.updates[i].id, prefix, found));
	if (!*found)
		return refuse("NOT-INSTALLED", "no update %s is installed", prefix);
	return NULL;
}

static struct error *choose_all(struct undo *u, char **prefixes, size_t count)
{
	const char *id;
	size_t i;

	for (i = 0; u->all && i < u->loaded.count; i++)
		choose(u, u->loaded.updates[i].id);
	for (i = 0; u->all && i < u->store.count; i++)
		choose(u, u->store.updates[i].id);
	for (i = 0; i < count; i++) {
		const struct host_update *update;

		TRY(find(u, prefixes[i], &id));
		update = host_updates_get(&u->loaded, id);
		if (update && !update->applied && !store_get(&u->store, id))
			return refuse("NOT-APPLIED", "%s: is not applied", id);
		choose(u, id);
	}
	return NULL;
}

static bool is_chosen(const struct undo *u, const char *id)
{
	size_t i;

	for (i = 0; i < u->count; i++)
		if (!strcmp(u->chosen[i].id, id))
			return true;
	return false;
}

/*
 * What stays must not have been made on top of what is undone.  The engine looks
 * at what is in the kernel; this update may await a module.
 */
static struct error *check_above(const struct undo *u, const struct host_update *stays)
{
	size_t i;

	for (i = 0; i < u->count; i++)
		if (host_record_is_onto(stays->id, u->chosen[i].id))
			return refuse("ORDER",
				      "update %s was made on top of update %s, and is applied: undo that first, or both together",
				      stays->id, u->chosen[i].id);
	return NULL;
}

static struct error *check_order(const struct undo *u)
{
	size_t i;

	for (i = 0; i < u->loaded.count; i++)
		if (u->loaded.updates[i].applied && !is_chosen(u, u->loaded.updates[i].id))
			TRY(check_above(u, &u->loaded.updates[i]));
	return NULL;
}

static bool was_applied(const struct undone *undone)
{
	return undone->update && undone->update->applied;
}

/*
 * All of them in one stop of the machine; some may not be applied.  Killed from
 * here on, it is for what comes next to see that they are undone.
 */
static struct error *switch_chosen(struct undo *u)
{
	_cleanup_free_ const char **ids = xcalloc(u->count, sizeof(*ids));
	size_t count = 0, i;

	for (i = 0; i < u->count; i++)
		if (was_applied(&u->chosen[i]))
			ids[count++] = u->chosen[i].id;
	if (!count)
		return NULL;
	TRY(undoing_begin(ids, count));
	u->begun = true;
	return host_switch(false, ids, count, u->timeout, &u->report);
}

/* Says so where something that follows the undo fails: the undo is done, and stays. */
static bool went_well(struct error *err)
{
	if (err)
		log_info("kmend: %s", err->message);
	error_free(err);
	return !err;
}

static const char **chosen_ids(const struct undo *u)
{
	const char **ids = xcalloc(u->count, sizeof(*ids));
	size_t i;

	for (i = 0; i < u->count; i++)
		ids[i] = u->chosen[i].id;
	return ids;
}

/* The last pause of update @id, 0 where it is not known. */
static uint64_t pause_of(const struct host_updates *updates, const char *id)
{
	const struct host_update *u = host_updates_get(updates, id);

	return u ? u->pause_ns : 0;
}

static void read_pauses(struct undo *u)
{
	struct host_updates now;
	size_t i;

	went_well(host_updates_read(&now));
	for (i = 0; i < u->count; i++)
		u->chosen[i].pause_ns = pause_of(&now, u->chosen[i].id);
	host_updates_free(&now);
}

/*
 * Without a record it is not known whether addresses of the new code live on,
 * but where it never was switched in: an apply was killed, there are none.
 */
static bool may_unload(const struct undone *undone)
{
	if (!undone->record.manifest)
		return !undone->update->applied && !undone->update->pause_ns;
	return !undone->record.manifest->stays_loaded;
}

/* Those that are there now: one may have come with its target before the switch. */
static bool unload_modules(const char *id)
{
	struct host_updates now;
	bool done;
	size_t i, k;

	done = went_well(host_updates_read(&now));
	for (i = 0; i < now.count; i++)
		for (k = 0; done && !strcmp(now.updates[i].id, id) && k < now.updates[i].module_count; k++)
			done = went_well(host_unload_module(now.updates[i].modules[k]));
	host_updates_free(&now);
	return done;
}

static bool unload(const struct undone *undone, bool may)
{
	const char *id = undone->id;
	bool unloaded;

	if (!may) {
		log_info("%s: its modules stay loaded", id);
		went_well(host_late_forget(id));
		return false;
	}
	unloaded = unload_modules(id);
	went_well(host_late_forget(id));
	if (unloaded)
		went_well(host_record_remove(id));
	return unloaded;
}

/* First those that were made on top of it, and use what it brought: where one stays, it does. */
static void unload_top_down(struct undo *u, struct undone *undone)
{
	bool may = undone->update && may_unload(undone);
	size_t i;

	undone->tried = true;
	/* What stayed loaded after an earlier undo uses it yet. */
	for (i = 0; i < u->loaded.count && may; i++)
		may = is_chosen(u, u->loaded.updates[i].id) ||
		      !host_record_is_onto(u->loaded.updates[i].id, undone->id);
	for (i = 0; i < u->count; i++) {
		struct undone *above = &u->chosen[i];

		if (above == undone || !host_record_is_onto(above->id, undone->id))
			continue;
		if (!above->tried)
			unload_top_down(u, above);
		may &= above->unloaded || !above->update;
	}
	undone->unloaded = undone->update && unload(undone, may);
}

/* The engine goes when no update needs it. */
static bool unload_engine(void)
{
	struct host_updates left;
	bool none;

	none = went_well(host_updates_read(&left)) && !left.count;
	host_updates_free(&left);
	return none && host_engine_abi() && went_well(host_unload_module(HOST_ENGINE));
}

static void print_json(const struct undo *u)
{
	json_t *undone = json_array();
	size_t i;

	for (i = 0; i < u->count; i++)
		json_array_append_new(undone, json_pack("{s:s,s:b,s:b,s:I,s:b}", "id", u->chosen[i].id,
							"was_applied", was_applied(&u->chosen[i]),
							"was_installed",
							store_get(&u->store, u->chosen[i].id) != NULL,
							"pause_ns", (json_int_t)u->chosen[i].pause_ns,
							"unloaded", u->chosen[i].unloaded));
	cmd_print_json(json_pack("{s:o,s:I,s:b}", "undone", undone, "attempts",
				 (json_int_t)u->report.attempts, "engine_unloaded",
				 u->engine_unloaded));
}

static void print_text(const struct undo *u)
{
	size_t i;

	if (!u->count)
		printf("no update is installed\n");
	for (i = 0; i < u->count; i++) {
		const struct undone *undone = &u->chosen[i];

		if (was_applied(undone))
			printf("%s: undone, the machine stood still for %" PRIu64 " us%s\n", undone->id,
			       (undone->pause_ns + 999) / 1000, undone->unloaded ? "" : "; still loaded");
		else if (undone->update)
			printf("%s: was not applied; %s\n", undone->id,
			       undone->unloaded ? "unloaded" : "still loaded");
		else
			printf("%s: was not applied; not installed any more\n", undone->id);
	}
}

static struct error *undo(struct undo *u, char **ids, size_t count)
{
	size_t i;

	TRY(host_check_engine());
	TRY(host_updates_read(&u->loaded));
	/* Once they are undone, nothing tells of them any more. */
	went_well(applied_note_serials(&u->loaded));
	TRY(store_read(&u->store));
	TRY(choose_all(u, ids, count));
	for (i = 0; i < u->count; i++)
		went_well(host_record_read(u->chosen[i].id, &u->chosen[i].record));
	TRY(check_order(u));
	return switch_chosen(u);
}

/* What was asked for by name goes on record as it was written where it is no update. */
static void record(const struct undo *u, char **asked, size_t count, const struct error *err)
{
	size_t i;

	for (i = 0; i < u->count; i++)
		record_undo(u->chosen[i].id, &u->chosen[i].record, u->chosen[i].pause_ns, err);
	for (i = 0; err && !u->count && i < count; i++)
		record_undo(asked[i], NULL, 0, err);
	if (err && !u->count && !count)
		record_undo(NULL, NULL, 0, err);
}

/* The switch is done; what follows is told even where a part of it fails, and so is that it failed. */
static struct error *clean_up(struct undo *u, char **asked, size_t count)
{
	_cleanup_free_ const char **ids = chosen_ids(u);
	struct error *err;
	size_t i;

	read_pauses(u);
	err = error_prefix(undone_drop(ids, u->count), "it is undone, but may be applied again after a reboot");
	for (i = 0; i < u->count; i++)
		if (!u->chosen[i].tried)
			unload_top_down(u, &u->chosen[i]);
	record(u, asked, count, NULL);
	/* Else what comes next tries it again. */
	if (!err && went_well(undoing_end(ids, u->count)))
		went_well(killed_finish());
	went_well(host_records_prune());
	u->engine_unloaded = unload_engine();
	return err;
}

/* A signal must not end the program half way; the switch is bounded by the timeout.  *@done: it came to be. */
static struct error *undo_and_record(struct undo *u, char **asked, size_t count, bool *done)
{
	sigset_t all, before;
	struct error *err;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	err = undo(u, asked, count);
	*done = !err;
	if (err) {
		record(u, asked, count, err);
		/* Where the system failed, the engine may still be at work. */
		if (u->begun && err->kind == ERROR_REFUSED)
			went_well(killed_finish());
	} else {
		err = clean_up(u, asked, count);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err;
}

struct error *cmd_undo(int argc, char **argv)
{
	_cleanup_(undo_free) struct undo u = { .timeout = DEFAULT_TIMEOUT };
	_cleanup_close_ int lock = -1;
	struct error *err;
	bool done = false;

	TRY(parse(argc, argv, &u));
	err = host_require_root("undo updates");
	if (!err)
		err = host_lock(&lock);
	if (err) {
		record(&u, argv + optind, argc - optind, err);
		return err;
	}
	err = undo_and_record(&u, argv + optind, argc - optind, &done);
	if (!done)
		return err;
	if (cmd_json)
		print_json(&u);
	else
		print_text(&u);
	return err;
}
