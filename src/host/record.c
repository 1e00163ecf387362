// SPDX-License-Identifier: GPL-2.0
/*
 * /run/kmend/ID/ holds signed-by (where signed) and manifest.json, which is
 * written last: where it is, the record is whole.
 */
#include "host/private.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/string.h"

#include <errno.h>
#include <string.h>

#define RECORDS "/run/kmend"

struct error *host_record_write(const char *id, const char *manifest_json, size_t manifest_size,
				const char *signed_by)
{
	_cleanup_free_ char *folder = host_path(RECORDS "/%s", id);
	_cleanup_free_ char *manifest = path_join(folder, "manifest.json");
	_cleanup_free_ char *signer = path_join(folder, "signed-by");

	TRY(remove_tree(folder));
	TRY(make_dirs(folder));
	if (signed_by)
		TRY(file_write(signer, signed_by, strlen(signed_by), 0644));
	return file_write(manifest, manifest_json, manifest_size, 0644);
}

struct error *host_record_manifest(const char *id, void **json, size_t *size)
{
	_cleanup_free_ char *path = host_path(RECORDS "/%s/manifest.json", id);

	TRY(file_read_own(path, HOST_TEXT_MAX, json, size));
	return *json ? NULL : system_error(ENOENT, "cannot open %s", path);
}

static struct error *read_manifest(const char *path, struct host_record *record)
{
	_cleanup_free_ void *json = NULL;
	size_t size;

	TRY(file_read_own(path, HOST_TEXT_MAX, &json, &size));
	return json ? error_prefix(manifest_from_json(json, size, &record->manifest), "%s", path) : NULL;
}

struct error *host_record_read(const char *id, struct host_record *record)
{
	_cleanup_free_ char *manifest = host_path(RECORDS "/%s/manifest.json", id);
	_cleanup_free_ char *signer = host_path(RECORDS "/%s/signed-by", id);
	struct error *err;
	void *text;
	size_t size;

	*record = (struct host_record){ 0 };
	err = read_manifest(manifest, record);
	if (err) {
		/* The record is the system's own: a bad one is no judgement of a pack. */
		err->kind = ERROR_SYSTEM;
		err->code = NULL;
		return err;
	}
	if (!record->manifest)
		return NULL;
	TRY(file_read_own(signer, HOST_TEXT_MAX, &text, &size));
	record->signed_by = text;
	if (text && !string_is_plain(text))
		return system_error(0, "%s: not a line of text", signer);
	return NULL;
}

void host_record_free(struct host_record *record)
{
	if (record->manifest)
		manifest_free(record->manifest);
	free(record->signed_by);
	*record = (struct host_record){ 0 };
}

bool host_record_is_onto(const char *id, const char *below)
{
	struct host_record record;
	bool found = false;
	size_t i;

	error_free(host_record_read(id, &record));
	for (i = 0; record.manifest && i < record.manifest->onto_count; i++)
		found |= !strcmp(record.manifest->onto[i], below);
	host_record_free(&record);
	return found;
}

struct error *host_record_remove(const char *id)
{
	_cleanup_free_ char *folder = host_path(RECORDS "/%s", id);

	return remove_tree(folder);
}

struct error *host_records_prune(void)
{
	_cleanup_free_ char *folder = host_path(RECORDS);
	struct host_updates installed;
	struct error *err;
	size_t count, i;
	char **names;

	if (!file_exists(folder))
		return NULL;
	/* Listed first: an update that is being applied is installed before it has a record. */
	TRY(dir_list(folder, &names, &count));
	err = host_updates_read(&installed);
	for (i = 0; i < count && !err; i++)
		if (manifest_is_id(names[i]) && !host_updates_get(&installed, names[i]))
			err = host_record_remove(names[i]);
	host_updates_free(&installed);
	names_free(names, count);
	return err;
}
