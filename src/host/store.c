// SPDX-License-Identifier: GPL-2.0
#include "host/store.h"
#include "host/json.h"
#include "host/private.h"
#include "util/file.h"
#include "util/memory.h"

#include <string.h>
#include <time.h>

#define LIST_FORMAT 1
#define SUFFIX	    ".kmend"

/* Where lists and packs are; the index is struct store_update's until_reboot. */
static const char *const places[] = { "/var/lib/kmend", "/run/kmend" };

static char *list_path(bool until_reboot)
{
	return host_path("%s/installed.json", places[until_reboot]);
}

static char *pack_path(const char *id, bool until_reboot)
{
	return host_path("%s/packs/%s" SUFFIX, places[until_reboot], id);
}

/* ---- the lists ---- */

static struct error *read_entry(json_t *json, const char *path, struct store_update *u)
{
	int set_aside, allow_unsigned;
	json_int_t order, since;
	const char *id;

	if (json_unpack(json, "{s:s,s:I,s:I,s:b,s:b}", "id", &id, "order", &order, "since", &since,
			"set_aside", &set_aside, "allow_unsigned", &allow_unsigned) ||
	    !manifest_is_id(id) || order < 0 || order >= UINT32_MAX)
		return json_unexpected(path);
	memcpy(u->id, id, sizeof(u->id));
	u->order = order;
	u->since = since;
	u->set_aside = set_aside;
	u->allow_unsigned = allow_unsigned;
	return NULL;
}

static struct error *read_entries(json_t *json, const char *path, bool until_reboot, struct store *out)
{
	json_t *array, *entry;
	size_t i;
	int format;

	if (json_unpack(json, "{s:i,s:o}", "format", &format, "updates", &array) ||
	    format != LIST_FORMAT || !json_is_array(array))
		return json_unexpected(path);
	out->updates = xreallocarray(out->updates, out->count + json_array_size(array) + 1,
				     sizeof(*out->updates));
	json_array_foreach(array, i, entry) {
		struct store_update *u = &out->updates[out->count];

		*u = (struct store_update){ .until_reboot = until_reboot };
		TRY(read_entry(entry, path, u));
		/* Where both lists have it, a command was killed on its way from one to the other. */
		if (store_get(out, u->id))
			continue;
		u->path = pack_path(u->id, until_reboot);
		out->count++;
		TRY(file_check_own(u->path));
	}
	return NULL;
}

static struct error *read_list(bool until_reboot, struct store *out)
{
	_cleanup_free_ char *path = list_path(until_reboot);
	struct error *err;
	json_t *json;

	TRY(json_read(path, &json));
	if (!json)
		return NULL;
	err = read_entries(json, path, until_reboot, out);
	json_decref(json);
	return err;
}

/* Those of one order stay as they are listed: qsort() alone would not keep that. */
static int by_order(const void *a, const void *b)
{
	const struct store_update *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return strcmp(x->id, y->id);
}

struct error *store_read(struct store *out)
{
	*out = (struct store){ 0 };
	TRY(read_list(true, out));
	TRY(read_list(false, out));
	if (out->count)
		qsort(out->updates, out->count, sizeof(*out->updates), by_order);
	return NULL;
}

void store_free(struct store *store)
{
	size_t i;

	for (i = 0; i < store->count; i++)
		free(store->updates[i].path);
	free(store->updates);
	*store = (struct store){ 0 };
}

const struct store_update *store_get(const struct store *store, const char *id)
{
	size_t i;

	for (i = 0; i < store->count; i++)
		if (!strcmp(store->updates[i].id, id))
			return &store->updates[i];
	return NULL;
}

static struct error *make_place(bool until_reboot)
{
	_cleanup_free_ char *place = host_path("%s", places[until_reboot]);
	_cleanup_free_ char *packs = path_join(place, "packs");

	if (file_exists(packs))
		return NULL;
	TRY(make_dirs(packs));
	return dir_sync_above(packs);
}

/* Writes the list of one place: those of @store that are there.  An empty list is no file. */
static struct error *write_list(const struct store *store, bool until_reboot)
{
	_cleanup_free_ char *path = list_path(until_reboot), *text = NULL;
	json_t *array = json_array(), *json;
	bool empty;
	size_t i;

	for (i = 0; i < store->count; i++) {
		const struct store_update *u = &store->updates[i];

		if (u->until_reboot == until_reboot)
			json_array_append_new(array, json_pack("{s:s,s:I,s:I,s:b,s:b}", "id", u->id,
							       "order", (json_int_t)u->order, "since",
							       (json_int_t)u->since, "set_aside",
							       u->set_aside, "allow_unsigned",
							       u->allow_unsigned));
	}
	json = json_pack("{s:i,s:o}", "format", LIST_FORMAT, "updates", array);
	empty = !json_array_size(array);
	text = json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS);
	json_decref(json);
	if (!text)
		return system_error(0, "cannot write %s", path);
	TRY(make_place(until_reboot));
	if (empty) {
		TRY(remove_tree(path));
		return dir_sync_above(path);
	}
	return file_write(path, text, strlen(text), 0644);
}

static void remove_at(struct store *store, size_t at)
{
	free(store->updates[at].path);
	store->count--;
	memmove(&store->updates[at], &store->updates[at + 1],
		(store->count - at) * sizeof(*store->updates));
}

/* Reads one list, and takes the updates @ids out of it; *@found where there was one. */
static struct error *read_without(bool until_reboot, const char *const *ids, size_t count,
				  struct store *store, bool *found)
{
	size_t i;

	*store = (struct store){ 0 };
	*found = false;
	TRY(read_list(until_reboot, store));
	for (i = store->count; i--;) {
		if (!id_is_among(store->updates[i].id, ids, count))
			continue;
		remove_at(store, i);
		*found = true;
	}
	return NULL;
}

/* Off the list of one place first, then its pack. */
static struct error *drop_from(bool until_reboot, const char *const *ids, size_t count)
{
	_cleanup_(store_free) struct store store;
	bool found;
	size_t i;

	TRY(read_without(until_reboot, ids, count, &store, &found));
	if (found)
		TRY(write_list(&store, until_reboot));
	for (i = 0; i < count; i++) {
		_cleanup_free_ char *path = pack_path(ids[i], until_reboot);

		TRY(remove_tree(path));
	}
	return NULL;
}

/* ---- what others call ---- */

char *store_find(const char *id)
{
	_cleanup_free_ char *kept = pack_path(id, false), *passing = pack_path(id, true);

	if (file_exists(passing))
		return take_ptr(passing);
	return file_exists(kept) ? take_ptr(kept) : NULL;
}

struct error *store_put(const char *id, const void *data, size_t size, bool until_reboot)
{
	_cleanup_free_ char *path = pack_path(id, until_reboot);

	TRY(make_place(until_reboot));
	return file_write(path, data, size, 0644);
}

static struct error *next_order(unsigned int *order)
{
	_cleanup_(store_free) struct store all;

	TRY(store_read(&all));
	*order = all.count ? all.updates[all.count - 1].order + 1 : 1;
	return NULL;
}

struct error *store_install(const char *const *ids, size_t count, bool until_reboot, const bool *allow_unsigned)
{
	_cleanup_(store_free) struct store store = { 0 };
	unsigned int order = 0;
	bool found;
	size_t i;

	TRY(next_order(&order));
	TRY(read_without(until_reboot, ids, count, &store, &found));
	store.updates = xreallocarray(store.updates, store.count + count, sizeof(*store.updates));
	for (i = 0; i < count; i++) {
		struct store_update *u = &store.updates[store.count++];

		*u = (struct store_update){ .order = order,
					    .since = time(NULL),
					    .until_reboot = until_reboot,
					    .allow_unsigned = allow_unsigned && allow_unsigned[i] };
		memcpy(u->id, ids[i], sizeof(u->id));
	}
	TRY(write_list(&store, until_reboot));
	return drop_from(!until_reboot, ids, count);
}

struct error *store_set_aside(const char *const *ids, size_t count)
{
	_cleanup_(store_free) struct store store = { 0 };
	unsigned int order = 0;
	size_t i;

	TRY(next_order(&order));
	TRY(read_list(false, &store));
	store.updates = xreallocarray(store.updates, store.count + count + 1, sizeof(*store.updates));
	for (i = 0; i < store.count; i++)
		if (id_is_among(store.updates[i].id, ids, count))
			store.updates[i].set_aside = true;
	for (i = 0; i < count; i++) {
		_cleanup_free_ char *path = pack_path(ids[i], false);
		struct store_update *u = &store.updates[store.count];

		if (store_get(&store, ids[i]) || !file_exists(path))
			continue;
		*u = (struct store_update){ .order = order, .since = time(NULL), .set_aside = true };
		memcpy(u->id, ids[i], sizeof(u->id));
		u->path = take_ptr(path);
		store.count++;
	}
	return write_list(&store, false);
}

struct error *store_drop(const char *const *ids, size_t count)
{
	TRY(drop_from(false, ids, count));
	return drop_from(true, ids, count);
}

/* What file_write() was killed over. */
static struct error *remove_rests(const char *folder)
{
	struct error *err = NULL;
	size_t count, i;
	char **names;

	if (!file_exists(folder))
		return NULL;
	TRY(dir_list(folder, &names, &count));
	for (i = 0; i < count && !err; i++) {
		_cleanup_free_ char *path = path_join(folder, names[i]);

		if (!strncmp(names[i], FILE_BESIDE, strlen(FILE_BESIDE)))
			err = remove_tree(path);
	}
	names_free(names, count);
	return err;
}

static struct error *prune(bool until_reboot, const char *const *except, size_t count)
{
	_cleanup_free_ char *place = host_path("%s", places[until_reboot]);
	_cleanup_free_ char *folder = host_path("%s/packs", places[until_reboot]);
	_cleanup_(store_free) struct store store = { 0 };
	struct error *err = NULL;
	size_t name_count, i;
	char **names;

	TRY(remove_rests(place));
	if (!file_exists(folder))
		return NULL;
	TRY(read_list(until_reboot, &store));
	TRY(dir_list(folder, &names, &name_count));
	for (i = 0; i < name_count && !err; i++) {
		_cleanup_free_ char *path = path_join(folder, names[i]);
		_cleanup_free_ char *id = xstrndup(names[i], KMEND_ID_LEN);

		/* The rest of a file_write() has another name, and goes, too. */
		if (!strcmp(names[i] + strlen(id), SUFFIX) &&
		    (store_get(&store, id) || id_is_among(id, except, count)))
			continue;
		err = remove_tree(path);
	}
	names_free(names, name_count);
	return err;
}

struct error *store_prune(const char *const *except, size_t count)
{
	TRY(prune(false, except, count));
	return prune(true, except, count);
}
