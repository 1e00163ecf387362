// SPDX-License-Identifier: GPL-2.0
#include "cmd/apply.h"
#include "cmd/cmd.h"
#include "cmd/killed.h"
#include "cmd/record.h"
#include "host/host.h"
#include "host/json.h"
#include "host/probation.h"
#include "host/store.h"
#include "util/log.h"
#include "util/memory.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/*
 * Longer than by hand: nobody is there to try again, and where many programs
 * start on few CPUs, threads that were preempted take their time.
 */
#define BOOT_TIMEOUT 60 /* seconds */

/* After so many seconds nobody blames a crash on the update any more. */
#define PROBATION_SECONDS 300

struct boot_options {
	bool settle;
	unsigned int after;	/* seconds */
};

static struct error *parse(int argc, char **argv, struct boot_options *o)
{
	static const struct option options[] = { { "settle", no_argument, NULL, 's' },
						 { "after", required_argument, NULL, 'a' },
						 CMD_COMMON_OPTIONS };
	int c;

	opterr = 0;
	o->after = PROBATION_SECONDS;
	while ((c = getopt_long(argc, argv, CMD_COMMON_SHORT, options, NULL)) != -1) {
		if (c == 's')
			o->settle = true;
		else if (c == 'a')
			TRY(cmd_parse_seconds("--after", optarg, &o->after));
		else
			TRY(cmd_common_option(c, argv));
	}
	if (optind < argc)
		return usage_error("boot takes no argument: %s", argv[optind]);
	return NULL;
}

/* What the boot before this one left on probation did not come to its end in peace. */
static struct error *set_aside(json_t *list)
{
	_cleanup_(probation_free) struct probation p = { 0 };
	size_t i;

	TRY(probation_read(&p));
	if (!p.count || p.this_boot)
		return NULL;
	TRY(store_set_aside((const char *const *)p.ids, p.count));
	TRY(probation_end());
	for (i = 0; i < p.count; i++) {
		record_set_aside(p.ids[i]);
		json_array_append_new(list, json_string(p.ids[i]));
		if (!cmd_json)
			printf("%s: set aside: the machine went down soon after it was applied\n", p.ids[i]);
	}
	return NULL;
}

/* ---- applying ---- */

struct boot {
	struct store store;
	struct host_updates loaded;
	/* Of each in the store: what is to be applied yet, and why it was not. */
	bool *wanted;
	struct error **errors;
	json_t *applied;
	json_t *refused;
};

static void note_applied(struct boot *b, const char *id)
{
	json_array_append_new(b->applied, json_string(id));
	if (!cmd_json)
		printf("%s: applied\n", id);
}

/* Why it was not applied, for status; another kernel's is no failure. */
static void note_refusal(struct boot *b, const char *id, const struct error *err)
{
	error_free(host_refusal_write(id, err));
	json_array_append_new(b->refused, json_pack("{s:s,s:s?,s:o}", "id", id, "code", err->code,
						    "message", json_text(err->message)));
	if (!cmd_json)
		printf("%s: not applied [%s]: %s\n", id, err->code ? err->code : "system", err->message);
	if (!error_is(err, "KERNEL-OTHER") && cmd_exit_status < (int)err->kind)
		cmd_exit_status = err->kind;
}

/* Applies what is wanted of those from @from to @to in one stop.  Return: whether something was. */
static bool apply_some(struct boot *b, size_t from, size_t to)
{
	struct apply_options opts = { .at_boot = true, .timeout = BOOT_TIMEOUT };
	_cleanup_free_ bool *allow_unsigned = xcalloc(to - from, sizeof(*allow_unsigned));
	_cleanup_free_ char **packs = xcalloc(to - from, sizeof(*packs));
	struct error *err;
	bool done;
	size_t i;

	opts.packs = packs;
	opts.allow_unsigned = allow_unsigned;
	for (i = from; i < to; i++) {
		if (!b->wanted[i])
			continue;
		allow_unsigned[opts.count] = b->store.updates[i].allow_unsigned;
		packs[opts.count++] = b->store.updates[i].path;
	}
	if (!opts.count)
		return false;
	err = apply_packs(&opts);
	done = !err;
	for (i = from; i < to; i++) {
		if (!b->wanted[i])
			continue;
		error_free(b->errors[i]);
		b->errors[i] = err ? error_copy(err) : NULL;
		b->wanted[i] = !done;
		if (done)
			note_applied(b, b->store.updates[i].id);
	}
	error_free(err);
	return done;
}

/* The end of those that one stop applied before. */
static size_t end_of_group(const struct store *store, size_t from)
{
	size_t to;

	for (to = from + 1; to < store->count; to++)
		if (store->updates[to].order != store->updates[from].order)
			break;
	return to;
}

/*
 * In one stop again what one stop applied, in the order in which that was; but an
 * update that was applied once more came later then than what stands on it.
 */
static void apply_groups(struct boot *b)
{
	bool progress = true;
	size_t from, to;

	while (progress) {
		progress = false;
		for (from = 0; from < b->store.count; from = to) {
			to = end_of_group(&b->store, from);
			if (!b->errors[from] || error_is(b->errors[from], "ORDER"))
				progress |= apply_some(b, from, to);
		}
	}
}

/* One that is bad, or came to be withdrawn, does not keep others from being applied that one stop applied with it. */
static void apply_rest(struct boot *b)
{
	size_t from, to, i;

	for (from = 0; from < b->store.count; from = to) {
		to = end_of_group(&b->store, from);
		for (i = from; i < to && to - from > 1; i++)
			apply_some(b, i, i + 1);
	}
}

static struct error *apply_all(struct boot *b)
{
	size_t i;

	TRY(store_read(&b->store));
	TRY(host_updates_read(&b->loaded));
	b->wanted = xcalloc(b->store.count, sizeof(*b->wanted));
	b->errors = xcalloc(b->store.count, sizeof(*b->errors));
	for (i = 0; i < b->store.count; i++) {
		const struct store_update *u = &b->store.updates[i];

		b->wanted[i] = !u->until_reboot && !u->set_aside && !host_updates_applied(&b->loaded, u->id);
	}
	apply_groups(b);
	apply_rest(b);
	for (i = 0; i < b->store.count; i++) {
		if (b->errors[i])
			note_refusal(b, b->store.updates[i].id, b->errors[i]);
		error_free(b->errors[i]);
	}
	return NULL;
}

/* *@off: why nothing is to be applied, or NULL. */
static struct error *begin_boot(json_t *aside, const char **off)
{
	bool enabled;

	/* What went down with that one is judged in the next boot, which has all of its memory for it. */
	*off = "this kernel saves the memory of one that crashed";
	if (host_saves_crash())
		return NULL;
	TRY(set_aside(aside));
	TRY(killed_finish());
	TRY(host_boot_enabled(&enabled));
	*off = enabled ? NULL : "kmend.enable=0 is on the kernel's command line";
	return NULL;
}

static struct error *boot(void)
{
	struct boot b = { .applied = json_array(), .refused = json_array() };
	json_t *aside = json_array();
	struct error *err;
	const char *off;

	err = begin_boot(aside, &off);
	if (!err && !off)
		err = apply_all(&b);
	if (!err && off && !cmd_json)
		printf("nothing is applied: %s\n", off);
	if (cmd_json && !err)
		cmd_print_json(json_pack("{s:b,s:O,s:O,s:O}", "enabled", !off, "set_aside", aside,
					 "applied", b.applied, "refused", b.refused));
	json_decref(aside);
	json_decref(b.applied);
	json_decref(b.refused);
	free(b.wanted);
	free(b.errors);
	store_free(&b.store);
	host_updates_free(&b.loaded);
	return err;
}

/* ---- the end of the probation ---- */

/* Ends the probation where it has lasted for @after seconds; else *@left is what remains, 0: nothing does. */
static struct error *settle_step(unsigned int after, bool now, uint64_t *left)
{
	_cleanup_(probation_free) struct probation p = { 0 };
	_cleanup_close_ int lock = -1;
	struct error *err, *end;
	json_t *aside;

	*left = 0;
	TRY(host_lock(&lock));
	TRY(probation_read(&p));
	if (p.count && !p.this_boot) {
		/* Nobody ran `kmend boot`. */
		aside = json_array();
		err = set_aside(aside);
		json_decref(aside);
		return err;
	}
	if (!p.count || now || p.seconds >= after) {
		err = killed_finish();
		end = probation_end();
		if (err)
			error_free(end);
		return err ?: end;
	}
	*left = after - p.seconds;
	return NULL;
}

/*
 * A signal to end comes when the machine is shut down in peace.  From here on
 * it is taken only where nothing is half done.
 */
static struct error *settle(unsigned int after)
{
	uint64_t left;
	sigset_t end;
	int sig;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL);
	for (;;) {
		struct timespec wait = { 0 };

		TRY(settle_step(after, false, &left));
		if (!left)
			return NULL;
		wait.tv_sec = left;
		sig = sigtimedwait(&end, NULL, &wait);
		if (sig > 0)
			return settle_step(after, true, &left);
		if (errno != EAGAIN && errno != EINTR)
			return system_error(errno, "cannot wait");
	}
}

struct error *cmd_boot(int argc, char **argv)
{
	_cleanup_close_ int lock = -1;
	struct boot_options opts = { 0 };

	TRY(parse(argc, argv, &opts));
	TRY(host_require_root("apply updates"));
	if (opts.settle)
		return host_saves_crash() ? NULL : settle(opts.after);
	TRY(host_lock(&lock));
	return boot();
}
