// SPDX-License-Identifier: GPL-2.0
/* kmend status for programs: JSON, and Prometheus's text format. */
#include "cmd/cmd.h"
#include "cmd/status.h"
#include "util/file.h"
#include "util/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- JSON ---- */

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
	if (b->tid == HOST_MORE)
		return json_pack("{s:I}", "more", (json_int_t)strtoll(b->function, NULL, 10));
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

static json_t *strings_json(const char *const *strings, size_t count)
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

static void add_loaded(json_t *json, const struct host_update *u)
{
	json_object_set_new(json, "pause_ns", json_integer(u->pause_ns));
	json_object_set_new(json, "functions", u->details_hidden ? json_null() : functions_json(u));
	json_object_set_new(json, "more_functions", json_integer((json_int_t)u->more_functions));
	json_object_set_new(json, "blockers", u->details_hidden ? json_null() : blockers_json(u));
	json_object_set_new(json, "modules", strings_json((const char *const *)u->modules, u->module_count));
	json_object_set_new(json, "late", late_json(u));
}

static void add_manifest(json_t *json, const struct status_update *u)
{
	const struct manifest *m = u->manifest;

	json_object_set_new(json, "description", json_string(m->description));
	json_object_set_new(json, "cves", strings_json((const char *const *)m->cves, m->cve_count));
	json_object_set_new(json, "release", json_string(m->release));
	json_object_set_new(json, "onto", strings_json((const char *const *)m->onto, m->onto_count));
	json_object_set_new(json, "stays_loaded", json_boolean(m->stays_loaded));
	if (u->recorded)
		json_object_set_new(json, "signed_by", u->signed_by ? json_string(u->signed_by) : json_null());
}

static void add_stored(json_t *json, const struct status_update *u)
{
	struct tm tm;
	time_t since = u->stored->since;
	char text[32] = "";

	if (gmtime_r(&since, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_object_set_new(json, "installed_at", json_string(text));
	json_object_set_new(json, "age_s", json_integer(status_age(u)));
	json_object_set_new(json, "until_reboot", json_boolean(u->stored->until_reboot));
	json_object_set_new(json, "allow_unsigned", json_boolean(u->stored->allow_unsigned));
}

static json_t *update_json(const struct status_update *u)
{
	json_t *json = json_pack("{s:s,s:s,s:b,s:b,s:b}", "id", u->id, "state", status_names[u->state],
				 "installed", u->stored != NULL, "on_probation", u->on_probation, "withdrawn",
				 u->withdrawn);

	if (u->loaded)
		add_loaded(json, u->loaded);
	if (u->manifest)
		add_manifest(json, u);
	if (u->stored)
		add_stored(json, u);
	if (u->message)
		json_object_set_new(json, "refused", json_pack("{s:s?,s:s}", "code", u->code, "message",
							       u->message));
	return json;
}

void status_print_json(const struct status *s)
{
	_cleanup_free_ char *level = status_level(s);
	_cleanup_free_ const char **cves = NULL;
	json_t *updates = json_array();
	size_t count, i;

	status_cves(s, &cves, &count);
	for (i = 0; i < s->count; i++)
		json_array_append_new(updates, update_json(&s->updates[i]));
	cmd_print_json(json_pack("{s:i,s:{s:s,s:s},s:{s:s,s:o},s:b,s:o,s:o}", "format", 1, "kernel",
				 "release", s->release, "version", s->version, "effective", "level",
				 level, "cves", strings_json(cves, count), "boot_enabled",
				 s->boot_enabled, "engine_abi",
				 s->engine_abi ? json_integer(s->engine_abi) : json_null(),
				 "updates", updates));
}

/* ---- Prometheus ---- */

/* A label's value, in which backslash, quote and newline are escaped. */
static void print_label(FILE *f, const char *name, const char *value)
{
	fprintf(f, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			fputc('\\', f);
		if (*value == '\n')
			fputs("\\n", f);
		else
			fputc(*value, f);
	}
	fputc('"', f);
}

static void print_head(FILE *f, const char *name, const char *help)
{
	fprintf(f, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void print_update(FILE *f, const struct status_update *u)
{
	fputs("kmend_update_info{", f);
	print_label(f, "id", u->id);
	fputc(',', f);
	print_label(f, "state", status_names[u->state]);
	fputc(',', f);
	print_label(f, "release", u->manifest ? u->manifest->release : "");
	fputs("} 1\n", f);
}

static void print_cve(FILE *f, const struct status_update *u, const char *cve)
{
	fputs("kmend_update_cve{", f);
	print_label(f, "id", u->id);
	fputc(',', f);
	print_label(f, "cve", cve);
	fprintf(f, "} %d\n", u->state == STATUS_APPLIED);
}

static void print_kernel(FILE *f, const struct status *s)
{
	_cleanup_free_ char *level = status_level(s);

	print_head(f, "kmend_kernel_info", "The kernel that runs, and its effective level.");
	fputs("kmend_kernel_info{", f);
	print_label(f, "release", s->release);
	fputc(',', f);
	print_label(f, "version", s->version);
	fputc(',', f);
	print_label(f, "level", level);
	fputs("} 1\n", f);
}

static void print_updates(FILE *f, const struct status *s)
{
	size_t i, k;

	print_head(f, "kmend_updates", "Updates by state.");
	for (i = 0; i < STATUS_STATES; i++)
		fprintf(f, "kmend_updates{state=\"%s\"} %zu\n", status_names[i], s->counts[i]);
	print_head(f, "kmend_update_info", "An update.");
	for (i = 0; i < s->count; i++)
		print_update(f, &s->updates[i]);
	print_head(f, "kmend_update_cve", "What an update repairs: 1 where it is applied.");
	for (i = 0; i < s->count; i++)
		for (k = 0; s->updates[i].manifest && k < s->updates[i].manifest->cve_count; k++)
			print_cve(f, &s->updates[i], s->updates[i].manifest->cves[k]);
	print_head(f, "kmend_update_withdrawn", "1 where its makers withdrew it, so that it is to be undone.");
	for (i = 0; i < s->count; i++)
		fprintf(f, "kmend_update_withdrawn{id=\"%s\"} %d\n", s->updates[i].id,
			s->updates[i].withdrawn);
	print_head(f, "kmend_update_pause_seconds", "How long the last switch stopped the machine.");
	for (i = 0; i < s->count; i++)
		if (s->updates[i].loaded)
			fprintf(f, "kmend_update_pause_seconds{id=\"%s\"} %.9f\n", s->updates[i].id,
				s->updates[i].loaded->pause_ns / 1e9);
	print_head(f, "kmend_update_installed_timestamp_seconds", "When an update was installed.");
	for (i = 0; i < s->count; i++)
		if (s->updates[i].stored)
			fprintf(f, "kmend_update_installed_timestamp_seconds{id=\"%s\"} %" PRId64 "\n",
				s->updates[i].id, s->updates[i].stored->since);
}

struct error *status_write_metrics(const struct status *s, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	bool bad;

	if (!f)
		return system_error(0, "no memory for the metrics");
	print_head(f, "kmend_status", "The exit status of kmend status.");
	fprintf(f, "kmend_status %d\n", s ? status_exit(s) : (int)ERROR_SYSTEM);
	if (s) {
		print_kernel(f, s);
		print_updates(f, s);
	}
	bad = ferror(f);
	if (fclose(f) || bad)
		return system_error(0, "no memory for the metrics");
	return file_write(path, text, size, 0644);
}
