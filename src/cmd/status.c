// SPDX-License-Identifier: GPL-2.0
#include "cmd/cmd.h"
#include "host/host.h"
#include "util/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The exit statuses of `kmend status`; it cannot tell: ERROR_SYSTEM. */
enum {
	STATUS_ALL_APPLIED = 0,
	STATUS_NONE_INSTALLED = 1,
	STATUS_NOT_ALL_APPLIED = 2,
};

/* The installed updates and, by the same index, their records. */
struct model {
	unsigned int engine_abi;
	struct host_updates installed;
	struct host_record *records;
	size_t record_count;
};

static struct error *model_read(struct model *m)
{
	size_t i;

	m->engine_abi = host_engine_abi();
	TRY(host_updates_read(&m->installed));
	m->records = xcalloc(m->installed.count, sizeof(*m->records));
	for (i = 0; i < m->installed.count; i++) {
		m->record_count++;
		TRY(host_record_read(m->installed.updates[i].id, &m->records[i]));
	}
	return NULL;
}

static void model_free(struct model *m)
{
	size_t i;

	for (i = 0; i < m->record_count; i++)
		host_record_free(&m->records[i]);
	free(m->records);
	host_updates_free(&m->installed);
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

static int exit_status(const struct model *m)
{
	size_t i;

	if (!m->installed.count)
		return STATUS_NONE_INSTALLED;
	for (i = 0; i < m->installed.count; i++)
		if (!m->installed.updates[i].applied || runs_unfixed(&m->installed.updates[i]))
			return STATUS_NOT_ALL_APPLIED;
	return STATUS_ALL_APPLIED;
}

static json_t *functions_json(const struct host_update *u)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < u->function_count; i++) {
		const struct host_function *f = &u->functions[i];
		char old[24], new[24];

		/* As text: JSON's numbers lose the low bits of an address. */
		snprintf(old, sizeof(old), "0x%016" PRIx64, f->old_addr);
		snprintf(new, sizeof(new), "0x%016" PRIx64, f->new_addr);
		json_array_append_new(array,
				      json_pack("{s:s,s:s,s:s,s:s}", "name", f->name, "target",
						f->target, "old", old, "new", new));
	}
	return array;
}

static json_t *blocker_json(const struct host_blocker *b)
{
	if (b->tid == HOST_HOOK)
		return json_pack("{s:s,s:s,s:s}", "hook", b->function, "kind", b->why, "error", b->name);
	if (b->tid == HOST_OTHER_UPDATE)
		return json_pack("{s:s,s:s,s:s}", "update", b->name, "function", b->function, "why",
				 b->why);
	return json_pack("{s:I,s:s,s:s,s:s}", "thread", (json_int_t)b->tid, "name", b->name,
			 "function", b->function, "why", b->why);
}

static json_t *blockers_json(const struct host_update *u)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < u->blocker_count; i++)
		json_array_append_new(array, blocker_json(&u->blockers[i]));
	return array;
}

static json_t *strings_json(char *const *strings, size_t count)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(array, json_string(strings[i]));
	return array;
}

static const char *late_state(const struct host_late *late)
{
	if (late->in)
		return "switched";
	return late->loaded ? "unfixed" : "awaited";
}

static json_t *late_json(const struct host_update *u)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < u->late_count; i++) {
		_cleanup_free_ char *why = NULL;

		error_free(host_late_read_note(u->id, u->late[i].module, &why));
		json_array_append_new(array, json_pack("{s:s,s:s,s:s?}", "module", u->late[i].module,
						       "state", late_state(&u->late[i]), "refused", why));
	}
	return array;
}

static json_t *update_json(const struct host_update *u, const struct host_record *record)
{
	const struct manifest *m = record->manifest;
	json_t *json;

	json = json_pack("{s:s,s:s,s:I,s:o,s:o,s:o,s:o}", "id", u->id, "state",
			 u->applied ? "applied" : "loaded", "pause_ns", (json_int_t)u->pause_ns,
			 "functions", u->details_hidden ? json_null() : functions_json(u),
			 "blockers", u->details_hidden ? json_null() : blockers_json(u), "modules",
			 strings_json(u->modules, u->module_count), "late", late_json(u));
	if (!m)
		return json;
	json_object_set_new(json, "description", json_string(m->description));
	json_object_set_new(json, "cves", strings_json(m->cves, m->cve_count));
	json_object_set_new(json, "release", json_string(m->release));
	json_object_set_new(json, "stays_loaded", json_boolean(m->stays_loaded));
	json_object_set_new(json, "signed_by",
			    record->signed_by ? json_string(record->signed_by) : json_null());
	return json;
}

static void print_json(const struct model *m)
{
	json_t *updates = json_array();
	size_t i;

	for (i = 0; i < m->installed.count; i++)
		json_array_append_new(updates,
				      update_json(&m->installed.updates[i], &m->records[i]));
	cmd_print_json(json_pack("{s:o,s:o}", "engine_abi",
				 m->engine_abi ? json_integer(m->engine_abi) : json_null(),
				 "updates", updates));
}

/* What the update repairs: its CVEs, then its description; the caller's to free. */
static char *summary(const struct manifest *m)
{
	char *text = xstrdup(""), *longer;
	size_t i;

	for (i = 0; m && i <= m->cve_count; i++) {
		longer = xasprintf("%s%s%s", text, *text ? " " : "",
				   i < m->cve_count ? m->cves[i] : m->description);
		free(text);
		text = longer;
	}
	return text;
}

/* Where nothing is recorded, nothing is known of a signature. */
static const char *signer(const struct host_record *record)
{
	if (!record->manifest)
		return "-";
	return record->signed_by ? record->signed_by : "unsigned";
}

static void print_row(const struct host_update *u, const struct host_record *record)
{
	_cleanup_free_ char *what = summary(record->manifest);
	char pause[32] = "-", functions[32] = "-";

	if (u->pause_ns)
		snprintf(pause, sizeof(pause), "%" PRIu64 " us", (u->pause_ns + 999) / 1000);
	if (!u->details_hidden)
		snprintf(functions, sizeof(functions), "%zu", u->function_count);
	printf("%-16s  %-7s  %9s  %9s  %-16s  %s\n", u->id, u->applied ? "applied" : "loaded",
	       functions, pause, signer(record), what);
}

static void print_blocker(const struct host_blocker *b)
{
	if (b->tid == HOST_HOOK)
		printf("    in the way: its function %s (%s): %s\n", b->function, b->why, b->name);
	else if (b->tid == HOST_OTHER_UPDATE)
		printf("    in the way: update %s: %s, %s\n", b->name, b->function, b->why);
	else
		printf("    in the way: thread %ld (%s): %s, %s\n", b->tid, b->name, b->function,
		       b->why);
}

static void print_details(const struct host_update *u, const struct host_record *record)
{
	size_t i;

	if (record->manifest)
		printf("    for kernel %s\n", record->manifest->release);
	for (i = 0; i < u->function_count; i++)
		printf("    %s in %s: 0x%" PRIx64 " -> 0x%" PRIx64 "\n", u->functions[i].name,
		       u->functions[i].target, u->functions[i].old_addr, u->functions[i].new_addr);
	for (i = 0; i < u->module_count; i++)
		printf("    module %s\n", u->modules[i]);
	for (i = 0; i < u->blocker_count; i++)
		print_blocker(&u->blockers[i]);
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

static void print_text(const struct model *m, bool details)
{
	size_t i;

	if (!m->installed.count) {
		printf("no update is installed\n");
		return;
	}
	printf("%-16s  %-7s  %9s  %9s  %-16s  %s\n", "ID", "STATE", "FUNCTIONS", "PAUSE",
	       "SIGNED BY", "WHAT");
	for (i = 0; i < m->installed.count; i++) {
		print_row(&m->installed.updates[i], &m->records[i]);
		print_late(&m->installed.updates[i]);
		if (details)
			print_details(&m->installed.updates[i], &m->records[i]);
	}
}

struct error *cmd_status(int argc, char **argv)
{
	static const struct option options[] = { CMD_COMMON_OPTIONS };
	_cleanup_(model_free) struct model m = { 0 };
	bool details = false;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, CMD_COMMON_SHORT, options, NULL)) != -1) {
		details |= c == 'v';
		TRY(cmd_common_option(c, argv));
	}
	if (optind < argc)
		return usage_error("status takes no argument: %s", argv[optind]);
	TRY(model_read(&m));
	if (cmd_json)
		print_json(&m);
	else
		print_text(&m, details);
	cmd_exit_status = exit_status(&m);
	return NULL;
}
