// SPDX-License-Identifier: GPL-2.0
#include "cmd/status.h"
#include "cmd/cmd.h"
#include "util/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct status_options {
	bool details;
	bool motd;
	const char *metrics;	/* the file */
};

/* Appends "@separator@more" to *@text; no separator at its start. */
static void append(char **text, const char *separator, const char *more)
{
	char *longer = xasprintf("%s%s%s", *text, **text ? separator : "", more);

	free(*text);
	*text = longer;
}

/* What the update repairs: its CVEs, then its description; the caller's to free. */
static char *summary(const struct manifest *m)
{
	char *text = xstrdup("");
	size_t i;

	for (i = 0; m && i < m->cve_count; i++)
		append(&text, " ", m->cves[i]);
	if (m)
		append(&text, " ", m->description);
	return text;
}

static char *cve_list(const struct status *s)
{
	_cleanup_free_ const char **cves = NULL;
	char *text = xstrdup("");
	size_t count, i;

	status_cves(s, &cves, &count);
	for (i = 0; i < count; i++)
		append(&text, ", ", cves[i]);
	return text;
}

/* "2 applied, 1 set-aside" */
static char *count_list(const struct status *s)
{
	char *text = xstrdup("");
	size_t i;

	for (i = 0; i < STATUS_STATES; i++) {
		_cleanup_free_ char *one = xasprintf("%zu %s", s->counts[i], status_names[i]);

		if (s->counts[i])
			append(&text, ", ", one);
	}
	return text;
}

/* Where nothing is recorded, nothing is known of a signature. */
static const char *signer(const struct status_update *u)
{
	if (!u->recorded)
		return "-";
	return u->signed_by ? u->signed_by : "unsigned";
}

static char *age(const struct status_update *u)
{
	uint64_t s = status_age(u);

	if (!u->stored)
		return xstrdup("-");
	if (s < 120)
		return xasprintf("%" PRIu64 " s", s);
	if (s < 120 * 60)
		return xasprintf("%" PRIu64 " min", s / 60);
	if (s < 48 * 3600)
		return xasprintf("%" PRIu64 " h", s / 3600);
	return xasprintf("%" PRIu64 " d", s / 86400);
}

static size_t count_replaced(const struct manifest *m)
{
	size_t count = 0, i, k;

	for (i = 0; i < m->target_count; i++)
		for (k = 0; k < m->targets[i].function_count; k++)
			count += m->targets[i].functions[k].action == MANIFEST_REPLACE;
	return count;
}

static void print_row(const struct status_update *u)
{
	_cleanup_free_ char *what = summary(u->manifest), *old = age(u);
	char pause[32] = "-", functions[32] = "-";

	if (u->loaded && u->loaded->pause_ns)
		snprintf(pause, sizeof(pause), "%" PRIu64 " us", (u->loaded->pause_ns + 999) / 1000);
	if (u->loaded && !u->loaded->details_hidden)
		snprintf(functions, sizeof(functions), "%zu", u->loaded->function_count + u->loaded->more_functions);
	else if (u->manifest)
		snprintf(functions, sizeof(functions), "%zu", count_replaced(u->manifest));
	printf("%-16s  %-12s  %9s  %9s  %7s  %-16s  %s\n", u->id, status_names[u->state], functions, pause,
	       old, signer(u), what);
}

/* What a person should know of an update that is not simply applied. */
static void print_remark(const struct status_update *u, const struct status *s)
{
	switch (u->state) {
	case STATUS_APPLIED:
		if (!u->stored || u->stored->until_reboot)
			printf("    until the next boot only\n");
		return;
	case STATUS_LOADED:
		return;
	case STATUS_SET_ASIDE:
		printf("    the machine went down soon after it was applied: apply it again, or undo it\n");
		return;
	case STATUS_OTHER_KERNEL:
		printf("    for kernel %s: undo it when that will not run any more\n", u->manifest->release);
		return;
	default:
		break;
	}
	if (u->message)
		printf("    not applied at boot%s%s%s: %s\n", u->code ? " [" : "", u->code ? u->code : "",
		       u->code ? "]" : "", u->message);
	else if (!s->boot_enabled)
		printf("    not applied: kmend.enable=0 is on the kernel's command line\n");
	else
		printf("    not applied since the boot: `kmend boot` does that\n");
}

static void print_blocker(const struct host_blocker *b)
{
	if (b->tid == HOST_HOOK)
		printf("    in the way: its function %s (%s): %s\n", b->function, b->why, b->name);
	else if (b->tid == HOST_OTHER_UPDATE)
		printf("    in the way: update %s: %s, %s\n", b->name, b->function, b->why);
	else if (b->tid == HOST_MORE)
		printf("    in the way: %s more\n", b->function);
	else
		printf("    in the way: thread %ld (%s): %s, %s\n", b->tid, b->name, b->function,
		       b->why);
}

/* What is not in use: always told, as what was repaired is not repaired there. */
static void print_late(const struct host_update *u)
{
	size_t i;

	for (i = 0; i < u->late_count && u->applied; i++) {
		const struct host_late *late = &u->late[i];
		_cleanup_free_ char *why = NULL;

		error_free(host_late_read_note(u->id, late->module, &why));
		if (!late->in)
			printf("    %s %s\n", late->module,
			       late->loaded ? "runs without the update" :
					      "is not loaded: it is switched when it loads, before it starts");
		if (!late->in && why)
			printf("    %s could not be switched when it was loaded: %s\n", late->module, why);
	}
}

static void print_details(const struct status_update *u)
{
	size_t i;

	if (u->manifest)
		printf("    for kernel %s\n", u->manifest->release);
	for (i = 0; u->manifest && i < u->manifest->onto_count; i++)
		printf("    on top of %s\n", u->manifest->onto[i]);
	if (u->on_probation)
		printf("    on probation: it is set aside if the machine goes down now\n");
	for (i = 0; u->loaded && i < u->loaded->function_count; i++)
		printf("    %s in %s: 0x%" PRIx64 " -> 0x%" PRIx64 "\n", u->loaded->functions[i].name,
		       u->loaded->functions[i].target, u->loaded->functions[i].old_addr,
		       u->loaded->functions[i].new_addr);
	if (u->loaded && u->loaded->more_functions)
		printf("    and %zu functions more\n", u->loaded->more_functions);
	for (i = 0; u->loaded && i < u->loaded->module_count; i++)
		printf("    module %s\n", u->loaded->modules[i]);
	for (i = 0; u->loaded && i < u->loaded->blocker_count; i++)
		print_blocker(&u->loaded->blockers[i]);
}

static void print_text(const struct status *s, bool details)
{
	_cleanup_free_ char *level = status_level(s), *cves = cve_list(s), *counts = count_list(s);
	size_t i;

	printf("kernel     %s, %s\n", s->release, s->version);
	printf("effective  %s%s%s\n", level, *cves ? ", repaired: " : "", cves);
	printf("updates    %s\n", s->count ? counts : "no update is installed");
	if (!s->boot_enabled)
		printf("boot       kmend.enable=0 is on the kernel's command line\n");
	if (!s->count)
		return;
	printf("\n%-16s  %-12s  %9s  %9s  %7s  %-16s  %s\n", "ID", "STATE", "FUNCTIONS", "PAUSE", "AGE",
	       "SIGNED BY", "WHAT");
	for (i = 0; i < s->count; i++) {
		print_row(&s->updates[i]);
		print_remark(&s->updates[i], s);
		if (s->updates[i].withdrawn)
			printf("    withdrawn by its makers: undo it\n");
		if (s->updates[i].loaded)
			print_late(s->updates[i].loaded);
		if (details)
			print_details(&s->updates[i]);
	}
}

/* One line for those who log in, and none where nothing is installed. */
static void print_motd(const struct status *s)
{
	_cleanup_free_ char *cves = cve_list(s), *counts = count_list(s);
	bool withdrawn = false;
	size_t i;

	for (i = 0; i < s->count; i++)
		withdrawn |= s->updates[i].withdrawn;
	if (s->count)
		printf("kernel updates: %s%s%s%s%s\n", counts, *cves ? " (" : "", cves, *cves ? ")" : "",
		       withdrawn ? "; some were withdrawn, see kmend status" : "");
}

static struct error *parse(int argc, char **argv, struct status_options *o)
{
	static const struct option options[] = { { "motd", no_argument, NULL, 'm' },
						 { "prometheus", required_argument, NULL, 'p' },
						 CMD_COMMON_OPTIONS };
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, CMD_COMMON_SHORT, options, NULL)) != -1) {
		o->details |= c == 'v';
		if (c == 'm')
			o->motd = true;
		else if (c == 'p')
			o->metrics = optarg;
		else
			TRY(cmd_common_option(c, argv));
	}
	if (optind < argc)
		return usage_error("status takes no argument: %s", argv[optind]);
	if (o->motd + (o->metrics != NULL) + cmd_json > 1)
		return usage_error("status takes one of --json, --motd and --prometheus");
	return NULL;
}

/* That nothing can be told is told to those who read the metrics as well. */
static struct error *cannot_tell(const struct status_options *o, struct error *err)
{
	if (err && o->metrics)
		error_free(status_write_metrics(NULL, o->metrics));
	return err;
}

struct error *cmd_status(int argc, char **argv)
{
	_cleanup_(status_free) struct status s = { 0 };
	struct status_options opts = { 0 };

	TRY(parse(argc, argv, &opts));
	TRY(cannot_tell(&opts, status_read(&s)));
	if (opts.metrics)
		TRY(status_write_metrics(&s, opts.metrics));
	else if (cmd_json)
		status_print_json(&s);
	else if (opts.motd)
		print_motd(&s);
	else
		print_text(&s, opts.details);
	cmd_exit_status = status_exit(&s);
	return NULL;
}
