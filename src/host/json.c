// SPDX-License-Identifier: GPL-2.0
/* Reading what this program wrote for itself, and strings of any origin. */
#include "host/json.h"
#include "host/private.h"
#include "util/file.h"
#include "util/memory.h"

#include <string.h>

struct error *json_unexpected(const char *path)
{
	return system_error(0, "%s is not what this kmend expects", path);
}

struct error *json_read(const char *path, json_t **json)
{
	_cleanup_free_ void *text = NULL;
	size_t size;

	*json = NULL;
	TRY(file_read_own(path, HOST_TEXT_MAX, &text, &size));
	if (!text)
		return NULL;
	*json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	return *json ? NULL : json_unexpected(path);
}

struct error *json_read_ids(const json_t *array, const char *path, char ***ids, size_t *count)
{
	size_t i;

	*count = 0;
	*ids = xcalloc(json_array_size(array), sizeof(**ids));
	for (i = 0; i < json_array_size(array); i++) {
		const char *id = json_string_value(json_array_get(array, i));

		if (!id || !manifest_is_id(id))
			return json_unexpected(path);
		(*ids)[(*count)++] = xstrdup(id);
	}
	return NULL;
}

json_t *json_text(const char *s)
{
	_cleanup_free_ char *plain = xstrdup(s);
	char *c;

	for (c = plain; *c; c++)
		if (*c & 0x80)
			*c = '?';
	return json_string(s) ?: json_string(plain);
}

bool id_is_among(const char *id, const char *const *ids, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(ids[i], id))
			return true;
	return false;
}
