// SPDX-License-Identifier: GPL-2.0
#include "host/private.h"
#include "util/file.h"
#include "util/memory.h"

#include <stdlib.h>
#include <string.h>

/* "TID NAME FUNCTION WHY", or "update ID FUNCTION WHY": the engine keeps the words apart. */
static bool parse_blocker(char *line, struct host_blocker *b)
{
	char *save = NULL, *who, *name, *function, *why, *end;

	who = strtok_r(line, " ", &save);
	name = strtok_r(NULL, " ", &save);
	function = strtok_r(NULL, " ", &save);
	why = strtok_r(NULL, " ", &save);
	if (!why)
		return false;
	b->tid = -1;
	if (strcmp(who, "update")) {
		b->tid = strtol(who, &end, 10);
		if (*end || end == who || b->tid < 0)
			return false;
	}
	b->name = xstrdup(name);
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
