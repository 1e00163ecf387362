// SPDX-License-Identifier: GPL-2.0
#include "pack/manifest.h"
#include "util/memory.h"
#include "util/sha256.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

static void free_strings(char **strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(strings[i]);
	free(strings);
}

static void free_target(struct manifest_target *t)
{
	size_t i;

	for (i = 0; i < t->object_count; i++) {
		free(t->objects[i].name);
		free(t->objects[i].pre);
	}
	for (i = 0; i < t->function_count; i++) {
		free(t->functions[i].name);
		free(t->functions[i].object);
	}
	for (i = 0; i < t->symbol_count; i++) {
		free(t->symbols[i].symbol);
		free(t->symbols[i].name);
		free(t->symbols[i].object);
	}
	for (i = 0; i < t->hook_count; i++) {
		free(t->hooks[i].kind);
		free(t->hooks[i].name);
		free(t->hooks[i].object);
	}
	for (i = 0; i < t->declaration_count; i++) {
		free(t->declarations[i].kind);
		free(t->declarations[i].name);
		free(t->declarations[i].object);
	}
	free(t->hooks);
	free(t->declarations);
	free(t->objects);
	free(t->functions);
	free(t->symbols);
	free(t->name);
	free(t->module);
	free(t->file);
}

void manifest_free(struct manifest *m)
{
	size_t i;

	if (!m)
		return;
	for (i = 0; i < m->target_count; i++)
		free_target(&m->targets[i]);
	for (i = 0; i < m->member_count; i++)
		free(m->members[i].name);
	free_strings(m->cves, m->cve_count);
	free_strings(m->notes, m->note_count);
	free_strings(m->onto, m->onto_count);
	free(m->targets);
	free(m->members);
	free(m->description);
	free(m->release);
	free(m->version);
	free(m->channel);
	free(m);
}

/* A field that the caller left NULL is empty.  NULL where @s is not UTF-8. */
static json_t *text(const char *s)
{
	return json_string(s ? s : "");
}

/* @array with @value, both given away; NULL where one of them is NULL. */
static json_t *append(json_t *array, json_t *value)
{
	if (!json_array_append_new(array, value))
		return array;
	json_decref(array);
	return NULL;
}

static json_t *strings_to_json(char *const *strings, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		array = append(array, text(strings[i]));
	return array;
}

static json_t *objects_to_json(const struct manifest_target *t)
{
	json_t *array = json_array();

	for (size_t i = 0; i < t->object_count; i++) {
		const struct manifest_object *o = &t->objects[i];

		array = append(array,
			       json_pack("{s:o, s:o}", "name", text(o->name), "pre", text(o->pre)));
	}
	return array;
}

static json_t *functions_to_json(const struct manifest_target *t)
{
	json_t *array = json_array();

	for (size_t i = 0; i < t->function_count; i++) {
		const struct manifest_function *f = &t->functions[i];
		const char *action = f->action == MANIFEST_ADD ? "add" : "replace";

		array = append(array, json_pack("{s:o, s:o, s:o}", "action", text(action), "name",
						text(f->name), "object", text(f->object)));
	}
	return array;
}

static json_t *saying_to_json(const char *kind, const char *name, const char *object)
{
	return json_pack("{s:o, s:o, s:o}", "kind", text(kind), "name", text(name), "object", text(object));
}

static json_t *hooks_to_json(const struct manifest_target *t)
{
	json_t *array = json_array();

	for (size_t i = 0; i < t->hook_count; i++)
		array = append(array, saying_to_json(t->hooks[i].kind, t->hooks[i].name,
						     t->hooks[i].object));
	return array;
}

static json_t *declarations_to_json(const struct manifest_target *t)
{
	json_t *array = json_array();

	for (size_t i = 0; i < t->declaration_count; i++)
		array = append(array, saying_to_json(t->declarations[i].kind, t->declarations[i].name,
						     t->declarations[i].object));
	return array;
}

static json_t *symbols_to_json(const struct manifest_target *t)
{
	json_t *array = json_array();

	for (size_t i = 0; i < t->symbol_count; i++) {
		const struct manifest_symbol *s = &t->symbols[i];

		array = append(array, json_pack("{s:o, s:o, s:o}", "name", text(s->name), "object",
						text(s->object), "symbol", text(s->symbol)));
	}
	return array;
}

static json_t *targets_to_json(const struct manifest *m)
{
	json_t *array = json_array();

	for (size_t i = 0; i < m->target_count; i++) {
		const struct manifest_target *t = &m->targets[i];
		json_t *target = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "declarations",
					   declarations_to_json(t), "file", text(t->file), "functions",
					   functions_to_json(t), "hooks", hooks_to_json(t), "module",
					   text(t->module), "name", text(t->name), "objects",
					   objects_to_json(t), "symbols", symbols_to_json(t));

		array = append(array, target);
	}
	return array;
}

static json_t *members_to_json(const struct manifest *m)
{
	json_t *array = json_array();

	for (size_t i = 0; i < m->member_count; i++) {
		const struct manifest_member *member = &m->members[i];
		char hex[SHA256_HEX_SIZE];

		hex_encode(member->sha256, SHA256_SIZE, hex);
		array = append(array,
			       json_pack("{s:o, s:o, s:I}", "name", text(member->name), "sha256",
					 text(hex), "size", (json_int_t)member->size));
	}
	return array;
}

/* Where they are not said the fields are not there, so that a pack without them is what it always was. */
static void add_terms(const struct manifest *m, json_t *root)
{
	if (*m->expires)
		json_object_set_new(root, "expires", text(m->expires));
	if (!m->channel || !*m->channel)
		return;
	json_object_set_new(root, "channel", text(m->channel));
	json_object_set_new(root, "serial", json_integer(m->serial));
}

bool manifest_is_date(const char *s)
{
	struct tm tm = { 0 }, same;
	const char *end = strptime(s, "%Y-%m-%d", &tm);
	time_t t = timegm(&tm);
	char text[64];

	if (!end || *end || !gmtime_r(&t, &same))
		return false;
	/* The 31st of a month that has 30 days becomes the 1st of the next one. */
	strftime(text, sizeof(text), "%Y-%m-%d", &same);
	return !strcmp(text, s) && strlen(s) == MANIFEST_DATE_SIZE - 1;
}

bool manifest_is_expired(const struct manifest *m, int64_t now)
{
	time_t t = now;
	struct tm tm;
	char today[64];

	if (!*m->expires)
		return false;
	return !gmtime_r(&t, &tm) || !strftime(today, sizeof(today), "%Y-%m-%d", &tm) ||
	       strcmp(today, m->expires) > 0;
}

/* jansson's JSON_SORT_KEYS sorts by bytes, so nothing here depends on the order. */
struct error *manifest_to_json(const struct manifest *m, char **json, size_t *size)
{
	_cleanup_free_ char *dump = NULL;
	json_t *root = json_pack(
		"{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "format", MANIFEST_FORMAT,
		"id", text(m->id), "description", text(m->description), "cves",
		strings_to_json(m->cves, m->cve_count), "release", text(m->release), "version",
		text(m->version), "notes", strings_to_json(m->notes, m->note_count), "onto",
		strings_to_json(m->onto, m->onto_count), "stays_loaded", m->stays_loaded, "targets", targets_to_json(m), "members", members_to_json(m));

	if (!root)
		return refuse("PACK-INVALID", "the manifest has text that is not UTF-8");
	add_terms(m, root);
	dump = json_dumps(root, JSON_SORT_KEYS | JSON_INDENT(2));
	json_decref(root);
	if (!dump)
		return system_error(ENOMEM, "cannot write the manifest");
	*json = xasprintf("%s\n", dump);
	*size = strlen(*json);
	return NULL;
}
