// SPDX-License-Identifier: GPL-2.0
/*
 * Reading a manifest that may come from an enemy.  Its size bounds every
 * count.  Each function names what it complains of; its caller puts before it
 * where that is.
 */
#include "pack/manifest.h"
#include "util/memory.h"
#include "util/sha256.h"
#include "util/string.h"

#include "kmend/engine.h"

#include <jansson.h>
#include <string.h>

#define CODE "PACK-INVALID"

#define WORD_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

/* Names seen: a JSON object, for its hash table. */
static bool add_once(json_t *set, const char *name)
{
	return !json_object_get(set, name) && !json_object_set_new(set, name, json_true());
}

static bool contains(json_t *set, const char *name)
{
	return json_object_get(set, name);
}

static struct error *get(const json_t *obj, const char *key, json_type type, const char *wanted,
			 json_t **value)
{
	*value = json_object_get(obj, key);
	if (!*value)
		return refuse(CODE, "%s is missing", key);
	if (json_typeof(*value) != type)
		return refuse(CODE, "%s is not %s", key, wanted);
	return NULL;
}

static struct error *get_array(const json_t *obj, const char *key, json_t **array)
{
	return get(obj, key, JSON_ARRAY, "an array", array);
}

/* The text is the caller's to free. */
static struct error *get_text(const json_t *obj, const char *key, char **out)
{
	json_t *value;

	TRY(get(obj, key, JSON_STRING, "a string", &value));
	if (!string_is_plain(json_string_value(value)))
		return refuse(CODE, "%s has control characters", key);
	*out = xstrdup(json_string_value(value));
	return NULL;
}

static struct error *get_name(const json_t *obj, const char *key, char **out)
{
	TRY(get_text(obj, key, out));
	return **out ? NULL : refuse(CODE, "%s is empty", key);
}

static struct error *get_path(const json_t *obj, const char *key, char **out)
{
	TRY(get_text(obj, key, out));
	if (path_is_contained(*out))
		return NULL;
	_cleanup_free_ char *shown = string_escape(*out);
	return refuse(CODE, "%s \"%s\" is not a plain relative path", key, shown);
}

/* The name of a kernel module, as far as that is needed to use it in paths. */
static struct error *get_module_name(const json_t *obj, const char *key, char **out)
{
	size_t len;

	TRY(get_text(obj, key, out));
	len = strlen(*out);
	if (len && len < KMEND_NAME_LEN && strspn(*out, WORD_CHARS) == len)
		return NULL;
	_cleanup_free_ char *shown = string_escape(*out);
	return refuse(CODE, "%s \"%s\" is not a module's name", key, shown);
}

static struct error *check_keys(const json_t *obj, const char *const *known)
{
	const char *key;
	json_t *value;

	if (!json_is_object(obj))
		return refuse(CODE, "it is not an object");
	/* The cast is for json_object_foreach(), which changes nothing. */
	json_object_foreach((json_t *)obj, key, value)
	{
		const char *const *k = known;

		while (*k && strcmp(*k, key))
			k++;
		if (!*k) {
			_cleanup_free_ char *shown = string_escape(key);

			return refuse(CODE, "\"%s\" is not known", shown);
		}
	}
	return NULL;
}

#define KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct error *read_strings(const json_t *obj, const char *key, char ***out, size_t *count)
{
	json_t *array, *value;
	size_t i;

	TRY(get_array(obj, key, &array));
	*out = xcalloc(json_array_size(array), sizeof(**out));
	json_array_foreach(array, i, value)
	{
		const char *s = json_string_value(value);

		if (!s || !*s || !string_is_plain(s))
			return refuse(CODE, "%s[%zu] is not a line of text", key, i);
		(*out)[i] = xstrdup(s);
		*count = i + 1;
	}
	return NULL;
}

/* "CVE-", four digits of the year, "-", four digits or more. */
static bool is_cve(const char *s)
{
	size_t year, number;

	if (strncmp(s, "CVE-", 4))
		return false;
	year = strspn(s + 4, "0123456789");
	if (year != 4 || s[8] != '-')
		return false;
	number = strspn(s + 9, "0123456789");
	return number >= 4 && number <= 19 && !s[9 + number];
}

static struct error *read_cves(const json_t *obj, struct manifest *m)
{
	TRY(read_strings(obj, "cves", &m->cves, &m->cve_count));
	for (size_t i = 0; i < m->cve_count; i++) {
		if (!is_cve(m->cves[i]))
			return refuse(CODE, "cves[%zu] is not a CVE's number", i);
	}
	return NULL;
}

bool manifest_is_id(const char *s)
{
	return strlen(s) == KMEND_ID_LEN && strspn(s, "0123456789abcdef") == KMEND_ID_LEN;
}

static struct error *read_onto(const json_t *obj, struct manifest *m)
{
	json_t *seen = json_object();
	struct error *err;
	size_t i;

	add_once(seen, m->id);
	err = read_strings(obj, "onto", &m->onto, &m->onto_count);
	for (i = 0; i < m->onto_count && !err; i++) {
		if (!manifest_is_id(m->onto[i]))
			err = refuse(CODE, "onto[%zu] is not an update's id", i);
		else if (!add_once(seen, m->onto[i]))
			err = refuse(CODE, "onto[%zu] is there twice, or the update itself", i);
	}
	json_decref(seen);
	return err;
}

static struct error *read_id(const json_t *obj, struct manifest *m)
{
	_cleanup_free_ char *id = NULL;

	TRY(get_text(obj, "id", &id));
	if (!manifest_is_id(id))
		return refuse(CODE, "id is not of %d lower-case hex digits", KMEND_ID_LEN);
	memcpy(m->id, id, sizeof(m->id));
	return NULL;
}

static struct error *read_kernel(const json_t *obj, struct manifest *m)
{
	TRY(get_name(obj, "release", &m->release));
	/* It becomes a part of paths such as /lib/modules/RELEASE. */
	if (strchr(m->release, '/') || m->release[0] == '.' || !path_is_contained(m->release))
		return refuse(CODE, "release is not that of a kernel");
	return get_text(obj, "version", &m->version);
}

bool manifest_is_channel(const char *s)
{
	size_t len = strlen(s);

	return len && len < KMEND_NAME_LEN && strspn(s, WORD_CHARS) == len;
}

/* For how long it is good, and what it comes after; all of it may be missing. */
static struct error *read_terms(const json_t *obj, struct manifest *m)
{
	_cleanup_free_ char *expires = NULL;
	json_t *serial;

	if (json_object_get(obj, "expires")) {
		TRY(get_text(obj, "expires", &expires));
		if (!manifest_is_date(expires))
			return refuse(CODE, "expires is not a date");
		memcpy(m->expires, expires, sizeof(m->expires));
	}
	if (!json_object_get(obj, "channel"))
		return json_object_get(obj, "serial") ? refuse(CODE, "serial is there without a channel") : NULL;
	TRY(get_text(obj, "channel", &m->channel));
	if (!manifest_is_channel(m->channel))
		return refuse(CODE, "channel is not a channel's name");
	TRY(get(obj, "serial", JSON_INTEGER, "an integer", &serial));
	if (json_integer_value(serial) < 1)
		return refuse(CODE, "serial is out of range");
	m->serial = json_integer_value(serial);
	return NULL;
}

static struct error *read_member(const json_t *obj, struct manifest_member *member)
{
	_cleanup_free_ char *hex = NULL;
	json_t *size;

	TRY(check_keys(obj, KEYS("name", "sha256", "size")));
	TRY(get_path(obj, "name", &member->name));
	TRY(get_text(obj, "sha256", &hex));
	/* Lower case alone, so that one content has one manifest. */
	if (strspn(hex, "0123456789abcdef") != 2 * SHA256_SIZE ||
	    !hex_decode(hex, member->sha256, SHA256_SIZE))
		return refuse(CODE, "sha256 is not of %d lower-case hex digits", 2 * SHA256_SIZE);
	TRY(get(obj, "size", JSON_INTEGER, "an integer", &size));
	if (json_integer_value(size) < 0 || (uint64_t)json_integer_value(size) > PACK_MAX_SIZE)
		return refuse(CODE, "size is out of range");
	member->size = json_integer_value(size);
	return NULL;
}

static struct error *check_member(const struct manifest_member *member, json_t *names,
				  uint64_t *total)
{
	if (!strcmp(member->name, "manifest.json") ||
	    !strcmp(member->name, "manifest.json.minisig"))
		return refuse(CODE, "\"%s\" lists the manifest itself", member->name);
	if (!add_once(names, member->name))
		return refuse(CODE, "\"%s\" is there twice", member->name);
	/* Each size is bounded, so the sum cannot wrap. */
	*total += member->size;
	if (*total > PACK_MAX_SIZE)
		return refuse(CODE, "more than %llu bytes in all", PACK_MAX_SIZE);
	return NULL;
}

static struct error *read_members(const json_t *obj, struct manifest *m, json_t *names)
{
	json_t *array, *value;
	uint64_t total = 0;
	size_t i;

	TRY(get_array(obj, "members", &array));
	if (json_array_size(array) > PACK_MAX_MEMBERS)
		return refuse(CODE, "more than %d members", PACK_MAX_MEMBERS);
	m->members = xcalloc(json_array_size(array), sizeof(*m->members));
	json_array_foreach(array, i, value)
	{
		struct manifest_member *member = &m->members[i];

		m->member_count = i + 1;
		TRY(error_prefix(read_member(value, member), "members[%zu]", i));
		TRY(error_prefix(check_member(member, names, &total), "members[%zu]", i));
	}
	return NULL;
}

static struct error *read_object(const json_t *obj, struct manifest_object *o)
{
	TRY(check_keys(obj, KEYS("name", "pre")));
	TRY(get_path(obj, "name", &o->name));
	return get_path(obj, "pre", &o->pre);
}

static struct error *read_objects(const json_t *obj, struct manifest_target *t)
{
	json_t *array, *value;
	size_t i;

	TRY(get_array(obj, "objects", &array));
	t->objects = xcalloc(json_array_size(array), sizeof(*t->objects));
	json_array_foreach(array, i, value)
	{
		t->object_count = i + 1;
		TRY(error_prefix(read_object(value, &t->objects[i]), "objects[%zu]", i));
	}
	return NULL;
}

static struct error *read_function(const json_t *obj, struct manifest_function *f)
{
	_cleanup_free_ char *action = NULL;

	TRY(check_keys(obj, KEYS("name", "object", "action")));
	TRY(get_name(obj, "name", &f->name));
	TRY(get_path(obj, "object", &f->object));
	TRY(get_text(obj, "action", &action));
	if (!strcmp(action, "replace"))
		f->action = MANIFEST_REPLACE;
	else if (!strcmp(action, "add"))
		f->action = MANIFEST_ADD;
	else
		return refuse(CODE, "action is neither \"replace\" nor \"add\"");
	return NULL;
}

static struct error *read_functions(const json_t *obj, struct manifest_target *t)
{
	json_t *array, *value;
	size_t i;

	TRY(get_array(obj, "functions", &array));
	t->functions = xcalloc(json_array_size(array), sizeof(*t->functions));
	json_array_foreach(array, i, value)
	{
		t->function_count = i + 1;
		TRY(error_prefix(read_function(value, &t->functions[i]), "functions[%zu]", i));
	}
	return NULL;
}

static const char *const hook_kinds[] = { KMEND_HOOK_NAMES, NULL };
static const char *const declaration_kinds[] = { "overwrite", "keep", "layout", NULL };

/* A hook or a declaration. */
static struct error *read_saying(const json_t *obj, const char *const *kinds, char **kind, char **name,
				 char **object)
{
	TRY(check_keys(obj, KEYS("kind", "name", "object")));
	TRY(get_text(obj, "kind", kind));
	while (*kinds && strcmp(*kinds, *kind))
		kinds++;
	if (!*kinds)
		return refuse(CODE, "kind is not one of those that there are");
	TRY(get_name(obj, "name", name));
	return get_path(obj, "object", object);
}

static struct error *read_hooks(const json_t *obj, struct manifest_target *t)
{
	json_t *array, *value;
	size_t i;

	TRY(get_array(obj, "hooks", &array));
	t->hooks = xcalloc(json_array_size(array), sizeof(*t->hooks));
	json_array_foreach(array, i, value)
	{
		struct manifest_hook *h = &t->hooks[i];

		t->hook_count = i + 1;
		TRY(error_prefix(read_saying(value, hook_kinds, &h->kind, &h->name, &h->object),
				 "hooks[%zu]", i));
	}
	return NULL;
}

static struct error *read_declarations(const json_t *obj, struct manifest_target *t)
{
	json_t *array, *value;
	size_t i;

	TRY(get_array(obj, "declarations", &array));
	t->declarations = xcalloc(json_array_size(array), sizeof(*t->declarations));
	json_array_foreach(array, i, value)
	{
		struct manifest_declaration *d = &t->declarations[i];

		t->declaration_count = i + 1;
		TRY(error_prefix(read_saying(value, declaration_kinds, &d->kind, &d->name, &d->object),
				 "declarations[%zu]", i));
	}
	return NULL;
}

static struct error *read_symbol(const json_t *obj, struct manifest_symbol *s)
{
	TRY(check_keys(obj, KEYS("symbol", "name", "object")));
	TRY(get_name(obj, "symbol", &s->symbol));
	TRY(get_name(obj, "name", &s->name));
	return get_path(obj, "object", &s->object);
}

static struct error *read_symbols(const json_t *obj, struct manifest_target *t)
{
	json_t *array, *value;
	size_t i;

	TRY(get_array(obj, "symbols", &array));
	t->symbols = xcalloc(json_array_size(array), sizeof(*t->symbols));
	json_array_foreach(array, i, value)
	{
		t->symbol_count = i + 1;
		TRY(error_prefix(read_symbol(value, &t->symbols[i]), "symbols[%zu]", i));
	}
	return NULL;
}

static struct error *read_target(const json_t *obj, struct manifest_target *t)
{
	TRY(check_keys(obj, KEYS("name", "module", "file", "objects", "functions", "hooks", "declarations",
				 "symbols")));
	TRY(get_module_name(obj, "name", &t->name));
	TRY(get_module_name(obj, "module", &t->module));
	TRY(get_path(obj, "file", &t->file));
	TRY(read_objects(obj, t));
	TRY(read_functions(obj, t));
	TRY(read_hooks(obj, t));
	TRY(read_declarations(obj, t));
	return read_symbols(obj, t);
}

static struct error *read_targets(const json_t *obj, struct manifest *m)
{
	json_t *array, *value;
	size_t i;

	TRY(get_array(obj, "targets", &array));
	m->targets = xcalloc(json_array_size(array), sizeof(*m->targets));
	json_array_foreach(array, i, value)
	{
		m->target_count = i + 1;
		TRY(error_prefix(read_target(value, &m->targets[i]), "targets[%zu]", i));
	}
	return NULL;
}

/* Everything that a target names must be there.  @objects: those of all targets. */
static struct error *check_references(const struct manifest_target *t, json_t *members,
				      json_t *objects)
{
	size_t i;

	if (!contains(members, t->file))
		return refuse(CODE, "file \"%s\" is not a member", t->file);
	for (i = 0; i < t->object_count; i++) {
		if (!contains(members, t->objects[i].pre))
			return refuse(CODE, "pre \"%s\" is not a member", t->objects[i].pre);
	}
	for (i = 0; i < t->function_count; i++) {
		/* New code may come in a new object, of which there is no "pre". */
		if (t->functions[i].action == MANIFEST_REPLACE &&
		    !contains(objects, t->functions[i].object))
			return refuse(CODE, "functions[%zu]: object \"%s\" is not listed", i,
				      t->functions[i].object);
	}
	for (i = 0; i < t->hook_count; i++) {
		if (!contains(objects, t->hooks[i].object))
			return refuse(CODE, "hooks[%zu]: object \"%s\" is not listed", i, t->hooks[i].object);
	}
	for (i = 0; i < t->declaration_count; i++) {
		if (!contains(objects, t->declarations[i].object))
			return refuse(CODE, "declarations[%zu]: object \"%s\" is not listed", i,
				      t->declarations[i].object);
	}
	for (i = 0; i < t->symbol_count; i++) {
		if (!contains(objects, t->symbols[i].object))
			return refuse(CODE, "symbols[%zu]: object \"%s\" is not listed", i,
				      t->symbols[i].object);
	}
	return NULL;
}

static struct error *check_unique(const struct manifest_target *t, json_t *names, json_t *modules,
				  json_t *all_objects)
{
	json_t *objects = json_object();
	struct error *err = NULL;

	if (!add_once(names, t->name))
		err = refuse(CODE, "name \"%s\" is there twice", t->name);
	else if (!add_once(modules, t->module))
		err = refuse(CODE, "module \"%s\" is there twice", t->module);
	for (size_t i = 0; !err && i < t->object_count; i++) {
		add_once(all_objects, t->objects[i].name);
		if (!add_once(objects, t->objects[i].name))
			err = refuse(CODE, "object \"%s\" is there twice", t->objects[i].name);
	}
	json_decref(objects);
	return err;
}

static struct error *check_targets(const struct manifest *m, json_t *members)
{
	json_t *names = json_object(), *modules = json_object(), *objects = json_object();
	struct error *err = NULL;
	size_t i;

	for (i = 0; !err && i < m->target_count; i++)
		err = error_prefix(check_unique(&m->targets[i], names, modules, objects),
				   "targets[%zu]", i);
	for (i = 0; !err && i < m->target_count; i++)
		err = error_prefix(check_references(&m->targets[i], members, objects),
				   "targets[%zu]", i);
	json_decref(names);
	json_decref(modules);
	json_decref(objects);
	return err;
}

static struct error *check_format(const json_t *root)
{
	json_t *format;

	if (!json_is_object(root))
		return refuse(CODE, "it is not an object");
	TRY(get(root, "format", JSON_INTEGER, "an integer", &format));
	if (json_integer_value(format) != MANIFEST_FORMAT)
		return refuse("PACK-FORMAT", "format %lld; this kmend reads format %d",
			      (long long)json_integer_value(format), MANIFEST_FORMAT);
	return NULL;
}

static struct error *read_root(const json_t *root, struct manifest *m, json_t *members)
{
	json_t *stays;

	/* First, since another format may have other fields. */
	TRY(check_format(root));
	TRY(check_keys(root, KEYS("format", "id", "description", "cves", "release", "version",
				  "notes", "onto", "stays_loaded", "targets", "members", "expires", "channel",
				  "serial")));
	TRY(read_id(root, m));
	TRY(get_text(root, "description", &m->description));
	TRY(read_cves(root, m));
	TRY(read_kernel(root, m));
	TRY(read_terms(root, m));
	TRY(read_strings(root, "notes", &m->notes, &m->note_count));
	TRY(read_onto(root, m));
	stays = json_object_get(root, "stays_loaded");
	if (!json_is_boolean(stays))
		return refuse(CODE, "stays_loaded is not true or false");
	m->stays_loaded = json_is_true(stays);
	TRY(read_members(root, m, members));
	TRY(read_targets(root, m));
	return check_targets(m, members);
}

struct error *manifest_from_json(const char *json, size_t size, struct manifest **out)
{
	struct manifest *m;
	struct error *err;
	json_t *root, *members;
	json_error_t where;

	if (size > MANIFEST_MAX_SIZE)
		return refuse(CODE, "manifest: more than %u bytes", MANIFEST_MAX_SIZE);
	root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &where);
	/* jansson's message quotes the input, which must not reach a terminal. */
	if (!root)
		return refuse(CODE, "manifest: not JSON in line %d, column %d", where.line,
			      where.column);
	m = xcalloc(1, sizeof(*m));
	members = json_object();
	err = error_prefix(read_root(root, m, members), "manifest");
	json_decref(members);
	json_decref(root);
	if (err) {
		manifest_free(m);
		return err;
	}
	*out = m;
	return NULL;
}
