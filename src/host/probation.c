// SPDX-License-Identifier: GPL-2.0
#include "host/probation.h"
#include "host/json.h"
#include "host/private.h"
#include "util/file.h"
#include "util/memory.h"

#include <string.h>
#include <time.h>

#define PROBATION "/var/lib/kmend/probation.json"

/* Suspended or not: a machine that sleeps does not crash. */
static uint64_t seconds_since_boot(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

static struct error *parse(json_t *json, const char *path, struct probation *out)
{
	_cleanup_free_ char *this_boot = NULL;
	json_int_t since;
	const char *boot;
	json_t *ids;

	if (json_unpack(json, "{s:s,s:I,s:o}", "boot", &boot, "since", &since, "updates", &ids) ||
	    !json_is_array(ids))
		return json_unexpected(path);
	TRY(host_boot_id(&this_boot));
	out->this_boot = !strcmp(boot, this_boot);
	out->seconds = out->this_boot && since >= 0 && (uint64_t)since < seconds_since_boot() ?
			       seconds_since_boot() - since : 0;
	return json_read_ids(ids, path, &out->ids, &out->count);
}

struct error *probation_read(struct probation *out)
{
	_cleanup_free_ char *path = host_path(PROBATION);
	struct error *err;
	json_t *json;

	*out = (struct probation){ 0 };
	TRY(json_read(path, &json));
	if (!json)
		return NULL;
	err = parse(json, path, out);
	json_decref(json);
	return err;
}

void probation_free(struct probation *p)
{
	names_free(p->ids, p->count);
	*p = (struct probation){ 0 };
}

static struct error *write_file(const struct probation *p, uint64_t since)
{
	_cleanup_free_ char *path = host_path(PROBATION), *folder = NULL, *boot = NULL, *text = NULL;
	json_t *ids = json_array(), *json;
	size_t i;

	for (i = 0; i < p->count; i++)
		json_array_append_new(ids, json_string(p->ids[i]));
	json = json_pack("{s:I,s:o}", "since", (json_int_t)since, "updates", ids);
	TRY(host_boot_id(&boot));
	json_object_set_new(json, "boot", json_string(boot));
	text = json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS);
	json_decref(json);
	if (!text)
		return system_error(0, "cannot write %s", path);
	folder = xstrndup(path, strrchr(path, '/') - path);
	if (!file_exists(folder)) {
		TRY(make_dirs(folder));
		TRY(dir_sync_above(folder));
	}
	return file_write(path, text, strlen(text), 0644);
}

static bool is_on(const struct probation *p, const char *id)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (!strcmp(p->ids[i], id))
			return true;
	return false;
}

struct error *probation_begin(const char *const *ids, size_t count)
{
	_cleanup_(probation_free) struct probation p = { 0 };
	size_t i;

	TRY(probation_read(&p));
	if (!p.this_boot)
		probation_free(&p);
	p.ids = xreallocarray(p.ids, p.count + count, sizeof(*p.ids));
	for (i = 0; i < count; i++)
		if (!is_on(&p, ids[i]))
			p.ids[p.count++] = xstrdup(ids[i]);
	return write_file(&p, seconds_since_boot());
}

struct error *probation_drop(const char *const *ids, size_t count)
{
	_cleanup_(probation_free) struct probation p = { 0 };
	size_t before, i, k;

	TRY(probation_read(&p));
	before = p.count;
	for (i = 0; i < count; i++) {
		for (k = p.count; k--;) {
			if (strcmp(p.ids[k], ids[i]))
				continue;
			free(p.ids[k]);
			p.ids[k] = p.ids[--p.count];
		}
	}
	if (p.count == before || !p.this_boot)
		return NULL;
	return p.count ? write_file(&p, seconds_since_boot() - p.seconds) : probation_end();
}

struct error *probation_end(void)
{
	_cleanup_free_ char *path = host_path(PROBATION);

	if (!file_exists(path))
		return NULL;
	TRY(remove_tree(path));
	return dir_sync_above(path);
}
