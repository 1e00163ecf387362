// SPDX-License-Identifier: GPL-2.0
#include "host/undoing.h"
#include "host/json.h"
#include "host/private.h"
#include "util/file.h"
#include "util/memory.h"

#include <string.h>

#define FOLDER	"/run/kmend"
#define UNDOING FOLDER "/undoing.json"

static struct error *parse(json_t *json, const char *path, char ***ids, size_t *count)
{
	_cleanup_free_ char *this_boot = NULL;
	const char *boot;
	json_t *array;

	if (json_unpack(json, "{s:s,s:o}", "boot", &boot, "updates", &array) || !json_is_array(array))
		return json_unexpected(path);
	TRY(host_boot_id(&this_boot));
	return strcmp(boot, this_boot) ? NULL : json_read_ids(array, path, ids, count);
}

struct error *undoing_read(char ***ids, size_t *count)
{
	_cleanup_free_ char *path = host_path(UNDOING);
	struct error *err;
	json_t *json;

	*ids = NULL;
	*count = 0;
	TRY(json_read(path, &json));
	if (!json)
		return NULL;
	err = parse(json, path, ids, count);
	json_decref(json);
	return err;
}

/* Those of @before that are not among @ids; an array that is the caller's. */
static json_t *others(char *const *before, size_t before_count, const char *const *ids, size_t count)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < before_count; i++)
		if (!id_is_among(before[i], ids, count))
			json_array_append_new(array, json_string(before[i]));
	return array;
}

/* Takes @array. */
static struct error *write_file(json_t *array)
{
	_cleanup_free_ char *path = host_path(UNDOING), *folder = host_path(FOLDER), *boot = NULL, *text = NULL;
	json_t *json = json_pack("{s:o}", "updates", array);
	bool empty = !json_array_size(array);
	struct error *err;

	err = host_boot_id(&boot);
	if (!err) {
		json_object_set_new(json, "boot", json_string(boot));
		text = json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS);
	}
	json_decref(json);
	TRY(err);
	if (empty)
		return remove_tree(path);
	if (!text)
		return system_error(0, "cannot write %s", path);
	TRY(make_dirs(folder));
	return file_write(path, text, strlen(text), 0644);
}

struct error *undoing_begin(const char *const *ids, size_t count)
{
	char **before = NULL;
	size_t before_count = 0, i;
	struct error *err;
	json_t *array;

	err = undoing_read(&before, &before_count);
	if (!err) {
		array = others(before, before_count, ids, count);
		for (i = 0; i < count; i++)
			json_array_append_new(array, json_string(ids[i]));
		err = write_file(array);
	}
	names_free(before, before_count);
	return err;
}

struct error *undoing_end(const char *const *ids, size_t count)
{
	char **before = NULL;
	size_t before_count = 0;
	struct error *err;

	err = undoing_read(&before, &before_count);
	if (!err && before_count)
		err = write_file(others(before, before_count, ids, count));
	names_free(before, before_count);
	return err;
}
