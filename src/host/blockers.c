// SPDX-License-Identifier: GPL-2.0
#include "host/private.h"
#include "util/file.h"
#include "util/memory.h"

#include <stdlib.h>
#include <string.h>

static bool parse_number(const char *s, long *number)
{
	char *end;

	*number = strtol(s, &end, 10);
	return !*end && end != s && *number >= 0;
}

/*
 * "TID NAME FUNCTION WHY", "update ID FUNCTION WHY" or "hook ERRNO FUNCTION
 * KIND": the engine keeps the words apart.
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
