// SPDX-License-Identifier: GPL-2.0
#include "cmd/cmd.h"
#include "host/host.h"
#include "util/log.h"
#include "util/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_TIMEOUT 10

/* What the command line asks for, and what becomes of it. */
struct undo {
	unsigned int timeout;		/* seconds */
	bool all;
	struct host_updates installed;	/* before */
	struct undone {
		const struct host_update *update;
		uint64_t pause_ns;
		bool unloaded;
	} *chosen;
	size_t count;
	struct host_switch_report report;
	bool engine_unloaded;
};

static void undo_free(struct undo *u)
{
	free(u->chosen);
	host_updates_free(&u->installed);
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

/* The one update whose id starts with @prefix. */
static struct error *find(const struct host_updates *installed, const char *prefix,
			  const struct host_update **found)
{
	size_t i;

	*found = NULL;
	for (i = 0; i < installed->count; i++) {
		if (!*prefix || strncmp(installed->updates[i].id, prefix, strlen(prefix)))
			continue;
		if (*found)
			return usage_error("%s is the start of several ids: %s, %s", prefix,
					   (*found)->id, installed->updates[i].id);
		*found = &installed->updates[i];
	}
	if (!*found)
		return refuse("NOT-INSTALLED", "no update %s is installed", prefix);
	return NULL;
}

static void choose(struct undo *u, const struct host_update *update)
{
	size_t i;

	for (i = 0; i < u->count; i++)
		if (u->chosen[i].update == update)
			return;
	u->chosen = xreallocarray(u->chosen, u->count + 1, sizeof(*u->chosen));
	u->chosen[u->count++] = (struct undone){ .update = update };
}

static struct error *choose_all(struct undo *u, char **prefixes, size_t count)
{
	const struct host_update *update;
	size_t i;

	for (i = 0; u->all && i < u->installed.count; i++)
		choose(u, &u->installed.updates[i]);
	for (i = 0; i < count; i++) {
		TRY(find(&u->installed, prefixes[i], &update));
		if (!update->applied)
			return refuse("NOT-APPLIED", "%s: is not applied", update->id);
		choose(u, update);
	}
	return NULL;
}

/* All of them in one stop of the machine; --all may meet some that are not applied. */
static struct error *switch_chosen(struct undo *u)
{
	_cleanup_free_ const char **ids = xcalloc(u->count, sizeof(*ids));
	size_t count = 0, i;

	for (i = 0; i < u->count; i++)
		if (u->chosen[i].update->applied)
			ids[count++] = u->chosen[i].update->id;
	return count ? host_switch(false, ids, count, u->timeout, &u->report) : NULL;
}

/* Says so where something that follows the undo fails: the undo is done, and stays. */
static bool went_well(struct error *err)
{
	if (err)
		log_info("kmend: %s", err->message);
	error_free(err);
	return !err;
}

/* The last pause of update @id, 0 where it is not known. */
static uint64_t pause_of(const struct host_updates *updates, const char *id)
{
	size_t i;

	for (i = 0; i < updates->count; i++)
		if (!strcmp(updates->updates[i].id, id))
			return updates->updates[i].pause_ns;
	return 0;
}

static void read_pauses(struct undo *u)
{
	struct host_updates now;
	size_t i;

	went_well(host_updates_read(&now));
	for (i = 0; i < u->count; i++)
		u->chosen[i].pause_ns = pause_of(&now, u->chosen[i].update->id);
	host_updates_free(&now);
}

/* Without a record it is not known whether addresses of the new code live on. */
static bool may_unload(const struct host_update *update)
{
	struct host_record record;
	bool may;

	may = went_well(host_record_read(update->id, &record)) && record.manifest &&
	      !record.manifest->stays_loaded;
	host_record_free(&record);
	return may;
}

static bool unload(const struct host_update *update)
{
	size_t i;

	if (!may_unload(update)) {
		log_info("%s: its modules stay loaded", update->id);
		return false;
	}
	for (i = 0; i < update->module_count; i++)
		if (!went_well(host_unload_module(update->modules[i])))
			return false;
	went_well(host_record_remove(update->id));
	return true;
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
		json_array_append_new(undone, json_pack("{s:s,s:b,s:I,s:b}", "id",
							u->chosen[i].update->id, "was_applied",
							u->chosen[i].update->applied, "pause_ns",
							(json_int_t)u->chosen[i].pause_ns,
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

		if (undone->update->applied)
			printf("%s: undone, the machine stood still for %" PRIu64 " us%s\n",
			       undone->update->id, (undone->pause_ns + 999) / 1000,
			       undone->unloaded ? "" : "; still loaded");
		else
			printf("%s: was not applied; %s\n", undone->update->id,
			       undone->unloaded ? "unloaded" : "still loaded");
	}
}

struct error *cmd_undo(int argc, char **argv)
{
	_cleanup_(undo_free) struct undo u = { .timeout = DEFAULT_TIMEOUT };
	_cleanup_close_ int lock = -1;
	size_t i;

	TRY(parse(argc, argv, &u));
	TRY(host_require_root("undo updates"));
	TRY(host_lock(&lock));
	TRY(host_updates_read(&u.installed));
	TRY(choose_all(&u, argv + optind, argc - optind));
	TRY(switch_chosen(&u));
	read_pauses(&u);
	for (i = 0; i < u.count; i++)
		u.chosen[i].unloaded = unload(u.chosen[i].update);
	went_well(host_records_prune());
	u.engine_unloaded = unload_engine();
	if (cmd_json)
		print_json(&u);
	else
		print_text(&u);
	return NULL;
}
