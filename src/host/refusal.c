// SPDX-License-Identifier: GPL-2.0
/* Why an installed update could not be applied at this boot: /run/kmend/refused/ID.json. */
#include "host/json.h"
#include "host/private.h"
#include "util/file.h"
#include "util/memory.h"

#include <string.h>

#define REFUSED "/run/kmend/refused"

struct error *host_refusal_write(const char *id, const struct error *why)
{
	_cleanup_free_ char *folder = host_path(REFUSED), *path = host_path(REFUSED "/%s.json", id);
	_cleanup_free_ char *text = NULL;
	json_t *json = json_object();

	json_object_set_new(json, "code", why->code ? json_string(why->code) : json_null());
	json_object_set_new(json, "message", json_text(why->message));
	text = json_dumps(json, JSON_SORT_KEYS);
	json_decref(json);
	if (!text)
		return system_error(0, "cannot write %s", path);
	TRY(make_dirs(folder));
	return file_write(path, text, strlen(text), 0644);
}

struct error *host_refusal_read(const char *id, char **code, char **message)
{
	_cleanup_free_ char *path = host_path(REFUSED "/%s.json", id);
	const char *c, *m;
	json_t *json;

	*code = *message = NULL;
	TRY(json_read(path, &json));
	if (!json)
		return NULL;
	c = json_string_value(json_object_get(json, "code"));
	m = json_string_value(json_object_get(json, "message"));
	*code = c ? xstrdup(c) : NULL;
	*message = m ? xstrdup(m) : NULL;
	json_decref(json);
	return m ? NULL : json_unexpected(path);
}

struct error *host_refusal_remove(const char *id)
{
	_cleanup_free_ char *path = host_path(REFUSED "/%s.json", id);

	return remove_tree(path);
}
