// SPDX-License-Identifier: GPL-2.0
/* Modules that load after their update was applied. Notes: /run/kmend/ID/late-MODULE, a sentence. */
#include "host/private.h"
#include "util/file.h"
#include "util/memory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LATE SYSFS "/late"
#define HELPER "/sys/module/kmend/parameters/helper"

/* The engine keeps so many bytes of it (engine/late.c). */
#define HELPER_MAX 255

static struct error *write_engine(const char *file, const char *text)
{
	_cleanup_free_ char *path = host_path("%s", file);
	int errnum = host_write_switch(path, text);

	return errnum ? system_error(errnum, "cannot write \"%s\" to %s", text, path) : NULL;
}

struct error *host_late_begin(void)
{
	static const char gone[] = " (deleted)";
	char program[HELPER_MAX + 1];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program));

	if (len < 0 || (size_t)len == sizeof(program))
		return system_error(len < 0 ? errno : ENAMETOOLONG, "the path of this program cannot be told");
	program[len] = '\0';
	/* Where another version was installed meanwhile, that is the one to run. */
	if ((size_t)len > strlen(gone) && !strcmp(program + len - strlen(gone), gone))
		program[len - strlen(gone)] = '\0';
	return write_engine(HELPER, program);
}

struct error *host_late_await(const char *id, const char *module)
{
	_cleanup_free_ char *command = xasprintf("await %s %s", id, module), *path = host_path(LATE);
	int errnum = host_write_switch(path, command);

	if (errnum == E2BIG)
		return refuse("TOO-MANY", "update %s changes too many modules: the engine keeps their names in one page", id);
	return errnum ? system_error(errnum, "cannot write \"%s\" to %s", command, path) : NULL;
}

struct error *host_late_forget(const char *id)
{
	_cleanup_free_ char *command = xasprintf("forget %s", id), *path = host_path(LATE);

	/* Without an engine there is nothing to forget. */
	return file_exists(path) ? write_engine(LATE, command) : NULL;
}

struct error *host_late_done(const char *module)
{
	_cleanup_free_ char *command = xasprintf("done %s", module);

	return write_engine(LATE, command);
}

static bool is_switch_error(int errnum)
{
	return errnum == EBUSY || errnum == ESTALE || errnum == ENODEV || errnum == EEXIST ||
	       errnum == ECANCELED || errnum == EXDEV;
}

struct error *host_late_load(const char *id, const void *image, size_t size, const char *name)
{
	int errnum;

	TRY(host_insert_module(image, size, &errnum));
	if (is_switch_error(errnum))
		return host_late_error(id, errnum);
	return errnum ? host_module_error(name, errnum) : NULL;
}

static char *note_path(const char *id, const char *module)
{
	return host_path("/run/kmend/%s/late-%s", id, module);
}

struct error *host_late_note(const char *id, const char *module, const struct error *why)
{
	_cleanup_free_ char *path = note_path(id, module), *text = NULL;

	if (!why)
		return remove_tree(path);
	text = xasprintf("%s%s%s%s", why->code ? "[" : "", why->code ?: "", why->code ? "] " : "",
			 why->message);
	return file_write(path, text, strlen(text), 0644);
}

struct error *host_late_read_note(const char *id, const char *module, char **why)
{
	_cleanup_free_ char *path = note_path(id, module);
	void *text;
	size_t size;

	*why = NULL;
	if (!file_exists(path))
		return NULL;
	TRY(file_read(path, HOST_TEXT_MAX, &text, &size));
	*why = text;
	return NULL;
}
