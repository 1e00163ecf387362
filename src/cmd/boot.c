// SPDX-License-Identifier: GPL-2.0
#include "cmd/apply.h"
#include "cmd/cmd.h"
#include "cmd/killed.h"
#include "cmd/record.h"
#include "host/host.h"
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
	json_t *applied;
	json_t *refused;
};

static bool is_applied(const struct boot *b, const char *id)
{
	size_t i;

	for (i = 0; i < b->loaded.count; i++)
		if (!strcmp(b->loaded.updates[i].id, id))
			return b->loaded.updates[i].applied;
	return false;
}

/* Why it was not applied, for status; another kernel's is no failure. */
static void note_refusal(struct boot *b, const char *id, const struct error *err)
{
	error_free(host_refusal_write(id, err));
	json_array_append_new(b->refused, json_pack("{s:s,s:s?,s:s}", "id", id, "code", err->code,
						    "message", err->message));
	if (!cmd_json)
		printf("%s: not applied [%s]: %s\n", id, err->code ? err->code : "system", err->message);
	if (!error_is(err, "KERNEL-OTHER") && cmd_exit_status < (int)err->kind)
		cmd_exit_status = err->kind;
}

/* Those from @from to @to, that one stop applied before, in one stop again. */
static void apply_group(struct boot *b, size_t from, size_t to)
{
	struct apply_options opts = { .at_boot = true, .timeout = BOOT_TIMEOUT };
	_cleanup_free_ const struct store_update **chosen = xcalloc(to - from, sizeof(*chosen));
	struct error *err;
	size_t i;

	opts.packs = xcalloc(to - from, sizeof(*opts.packs));
	for (i = from; i < to; i++) {
		const struct store_update *u = &b->store.updates[i];

		if (u->until_reboot || u->set_aside || is_applied(b, u->id))
			continue;
		opts.allow_unsigned |= u->allow_unsigned;
		chosen[opts.count] = u;
		opts.packs[opts.count++] = u->path;
	}
	err = opts.count ? apply_packs(&opts) : NULL;
	for (i = 0; i < opts.count; i++) {
		if (err) {
			note_refusal(b, chosen[i]->id, err);
			continue;
		}
		json_array_append_new(b->applied, json_string(chosen[i]->id));
		if (!cmd_json)
			printf("%s: applied\n", chosen[i]->id);
	}
	error_free(err);
	free(opts.packs);
}

static struct error *apply_all(struct boot *b)
{
	size_t from, to;

	TRY(store_read(&b->store));
	TRY(host_updates_read(&b->loaded));
	for (from = 0; from < b->store.count; from = to) {
		for (to = from + 1; to < b->store.count; to++)
			if (b->store.updates[to].order != b->store.updates[from].order)
				break;
		apply_group(b, from, to);
	}
	return NULL;
}

static struct error *boot(void)
{
	struct boot b = { .applied = json_array(), .refused = json_array() };
	json_t *aside = json_array();
	bool enabled = true;
	struct error *err;

	err = set_aside(aside);
	if (!err)
		err = killed_finish();
	if (!err)
		err = host_boot_enabled(&enabled);
	if (!err && enabled)
		err = apply_all(&b);
	if (!enabled && !cmd_json)
		printf("nothing is applied: kmend.enable=0 is on the kernel's command line\n");
	if (cmd_json && !err)
		cmd_print_json(json_pack("{s:b,s:O,s:O,s:O}", "enabled", enabled, "set_aside", aside,
					 "applied", b.applied, "refused", b.refused));
	json_decref(aside);
	json_decref(b.applied);
	json_decref(b.refused);
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
	json_t *aside;
	struct error *err;

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
		TRY(killed_finish());
		return probation_end();
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
		return settle(opts.after);
	TRY(host_lock(&lock));
	return boot();
}
