// SPDX-License-Identifier: GPL-2.0
#include "host/private.h"
#include "util/file.h"
#include "util/memory.h"

#include <string.h>
#include <sys/stat.h>

static const char *root = "";

void host_set_root(const char *new_root)
{
	root = new_root;
}

bool host_has_root(void)
{
	return *root;
}

char *host_path(const char *fmt, ...)
{
	_cleanup_free_ char *path = NULL;
	va_list args;

	va_start(args, fmt);
	path = xvasprintf(fmt, args);
	va_end(args);
	return xasprintf("%s%s", root, path);
}

struct error *host_require_root(const char *what)
{
	/* Below another root there is nothing to protect. */
	if (!*root && geteuid())
		return refuse("NOT-ROOT", "only root may %s", what);
	return NULL;
}

struct error *host_boot_id(char **id)
{
	_cleanup_free_ char *path = host_path("/proc/sys/kernel/random/boot_id");
	void *text;
	size_t size;

	TRY(file_read(path, 4096, &text, &size));
	*id = text;
	(*id)[strcspn(*id, "\n")] = '\0';
	return NULL;
}

struct error *host_boot_enabled(bool *enabled)
{
	_cleanup_free_ char *path = host_path("/proc/cmdline");
	_cleanup_free_ void *text = NULL;
	char *word, *save = NULL;
	size_t size;

	TRY(file_read(path, HOST_TEXT_MAX, &text, &size));
	*enabled = true;
	for (word = strtok_r(text, " \n", &save); word; word = strtok_r(NULL, " \n", &save))
		if (!strcmp(word, "kmend.enable=0"))
			*enabled = false;
	return NULL;
}

bool host_saves_crash(void)
{
	_cleanup_free_ char *path = host_path("/proc/vmcore");

	return file_exists(path);
}

struct error *host_lock(int *fd)
{
	_cleanup_free_ char *folder = host_path("/run");
	_cleanup_free_ char *path = path_join(folder, "kmend.lock");

	TRY(make_dirs(folder));
	return file_lock(path, fd);
}
