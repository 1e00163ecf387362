// SPDX-License-Identifier: GPL-2.0
#include "host/private.h"
#include "util/file.h"
#include "util/memory.h"

#include <stdlib.h>
#include <string.h>

#define LIVEPATCH "/sys/kernel/livepatch"

/* What cannot be listed has nothing in it; attributes are files.  Return: whether it could not. */
static bool dir_list_or_none(const char *path, char ***names, size_t *count)
{
	struct error *err = dir_list(path, names, count);

	error_free(err);
	return err;
}

static bool parse_number(const char *s, long *number)
{
	char *end;

	*number = strtol(s, &end, 10);
	return !*end && end != s && *number >= 0;
}

/*
 * "TID NAME FUNCTION WHY", "update ID FUNCTION WHY", "hook ERRNO FUNCTION
 * KIND" or "0 - COUNT more": the engine keeps the words apart.
 */
static bool parse_blocker(char *line, struct host_blocker *b)
{
	char *save = NULL, *who, *name, *function, *why;
	long errnum = 0;

	who = strtok_r(line, " ", &save);
	name = strtok_r(NULL, " ", &save);
	function = strtok_r(NULL, " ", &save);
	why = strtok_r(NULL, " ", &save);
	if (!why)
		return false;
	if (!strcmp(who, "update"))
		b->tid = HOST_OTHER_UPDATE;
	else if (!strcmp(who, "hook") && parse_number(name, &errnum))
		b->tid = HOST_HOOK;
	else if (!strcmp(why, "more"))
		b->tid = HOST_MORE;
	else if (!parse_number(who, &b->tid))
		return false;
	b->name = xstrdup(b->tid == HOST_HOOK ? strerror(errnum) : name);
	b->function = xstrdup(function);
	b->why = xstrdup(why);
	return true;
}

struct error *host_blockers_read(const char *id, struct host_blocker **blockers, size_t *count)
{
	_cleanup_free_ char *path = host_path(SYSFS "/updates/%s/blockers", id);
	_cleanup_free_ void *text = NULL;
	char *line, *save = NULL;
	size_t size;

	TRY(file_read(path, HOST_TEXT_MAX, &text, &size));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		*blockers = xreallocarray(*blockers, *count + 1, sizeof(**blockers));
		if (!parse_blocker(line, &(*blockers)[*count]))
			return system_error(0, "%s is not what this kmend expects", path);
		(*count)++;
	}
	return NULL;
}

/* Does /sys/kernel/livepatch/@patch/OBJECT/FUNCTION,N say so (Documentation/ABI/testing/sysfs-kernel-livepatch)? */
static bool patches(const char *patch, const char *function, size_t len)
{
	_cleanup_free_ char *folder = host_path(LIVEPATCH "/%s", patch);
	size_t object_count = 0, count, i, k;
	char **objects, **names;
	bool found = false;

	if (dir_list_or_none(folder, &objects, &object_count))
		return false;
	for (i = 0; i < object_count; i++) {
		_cleanup_free_ char *object = path_join(folder, objects[i]);

		if (dir_list_or_none(object, &names, &count))
			continue;
		for (k = 0; k < count; k++)
			found |= !strncmp(names[k], function, len) && names[k][len] == ',';
		names_free(names, count);
	}
	names_free(objects, object_count);
	return found;
}

char *host_live_patch_of(const char *function)
{
	_cleanup_free_ char *folder = host_path(LIVEPATCH);
	char **names, *patch = NULL;
	size_t count, i;

	if (dir_list_or_none(folder, &names, &count))
		return NULL;
	for (i = 0; i < count && !patch; i++)
		if (patches(names[i], function, strcspn(function, "+")))
			patch = xstrdup(names[i]);
	names_free(names, count);
	return patch;
}

void host_blockers_free(struct host_blocker *blockers, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		free(blockers[i].name);
		free(blockers[i].function);
		free(blockers[i].why);
	}
	free(blockers);
}
