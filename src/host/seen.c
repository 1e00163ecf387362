// SPDX-License-Identifier: GPL-2.0
#include "host/seen.h"
#include "host/json.h"
#include "host/private.h"
#include "util/file.h"
#include "util/memory.h"

#include <string.h>

#define SERIALS	  "/var/lib/kmend/serials.json"
#define WITHDRAWN "/var/lib/kmend/withdrawn.json"

/* An object; an empty one where there is no file.  *@json is the caller's. */
static struct error *read_object(const char *name, json_t **json)
{
	_cleanup_free_ char *path = host_path("%s", name);

	TRY(json_read(path, json));
	if (!*json)
		*json = json_object();
	if (json_is_object(*json))
		return NULL;
	json_decref(*json);
	*json = NULL;
	return json_unexpected(path);
}

static struct error *write_object(const char *name, const json_t *json)
{
	_cleanup_free_ char *path = host_path("%s", name), *text = json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS);
	_cleanup_free_ char *folder = xstrndup(path, strrchr(path, '/') - path);

	if (!text)
		return system_error(0, "cannot write %s", path);
	if (!file_exists(folder)) {
		TRY(make_dirs(folder));
		TRY(dir_sync_above(folder));
	}
	return file_write(path, text, strlen(text), 0644);
}

/* A channel is that of one key: who holds another key has no say in it. */
static char *entry(const char *key, const char *channel)
{
	return xasprintf("%s/%s", key ?: "none", channel);
}

static struct error *get_serial(const json_t *json, const char *name, uint64_t *serial)
{
	json_t *value = json_object_get(json, name);

	*serial = 0;
	if (!value)
		return NULL;
	if (!json_is_integer(value) || json_integer_value(value) < 1)
		return system_error(0, SERIALS " is not what this kmend expects");
	*serial = json_integer_value(value);
	return NULL;
}

struct error *seen_serial(const char *key, const char *channel, uint64_t *serial)
{
	_cleanup_free_ char *name = entry(key, channel);
	struct error *err;
	json_t *json;

	TRY(read_object(SERIALS, &json));
	err = get_serial(json, name, serial);
	json_decref(json);
	return err;
}

struct error *seen_note_serial(const char *key, const char *channel, uint64_t serial)
{
	_cleanup_free_ char *name = entry(key, channel);
	struct error *err;
	uint64_t before;
	json_t *json;

	TRY(read_object(SERIALS, &json));
	err = get_serial(json, name, &before);
	if (!err && serial > before) {
		json_object_set_new(json, name, json_integer(serial));
		err = write_object(SERIALS, json);
	}
	json_decref(json);
	return err;
}

struct error *seen_is_withdrawn(const char *id, bool *withdrawn)
{
	json_t *json;

	TRY(read_object(WITHDRAWN, &json));
	*withdrawn = json_object_get(json, id);
	json_decref(json);
	return NULL;
}

struct error *seen_withdraw(char *const *ids, size_t count, size_t *added)
{
	struct error *err = NULL;
	json_t *json;
	size_t i;

	*added = 0;
	TRY(read_object(WITHDRAWN, &json));
	for (i = 0; i < count; i++) {
		if (json_object_get(json, ids[i]))
			continue;
		json_object_set_new(json, ids[i], json_true());
		++*added;
	}
	if (*added)
		err = write_object(WITHDRAWN, json);
	json_decref(json);
	return err;
}
