// SPDX-License-Identifier: GPL-2.0
#include "build/tool.h"

#include "util/file.h"
#include "util/memory.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Arguments, each of them allocated. */
struct arguments {
	char **list;
	size_t count, capacity;
};

static void add(struct arguments *a, const char *s)
{
	array_grow(a->list, a->count, a->capacity);
	a->list[a->count++] = s ? xstrdup(s) : NULL;
}

/* The folders in / that a toolchain brings (hier(7)). */
static bool is_of_toolchain(const char *name)
{
	return !strcmp(name, "bin") || !strcmp(name, "sbin") || !strcmp(name, "usr") || !strcmp(name, "etc") ||
	       !strncmp(name, "lib", 3);
}

static bool is_of_kernel(const char *name)
{
	return !strcmp(name, "dev") || !strcmp(name, "proc") || !strcmp(name, "sys");
}

/* Shows what @root has under @name in the same place, a link as a link. */
static void show(struct arguments *a, const char *how, const char *root, const char *name)
{
	_cleanup_free_ char *from = path_join(root, name), *to = path_join("/", name);
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (lstat(from, &st))
		return;
	n = S_ISLNK(st.st_mode) ? readlink(from, target, sizeof(target) - 1) : -1;
	if (n < 0 && !S_ISDIR(st.st_mode))
		return;
	add(a, n < 0 ? how : "--symlink");
	if (n >= 0)
		target[n] = '\0';
	add(a, n < 0 ? from : target);
	add(a, to);
}

static struct error *show_all(struct arguments *a, const char *root, bool toolchain)
{
	char **names;
	size_t count, i;

	TRY(dir_list(root, &names, &count));
	for (i = 0; i < count; i++)
		if (is_of_toolchain(names[i]) == toolchain && !is_of_kernel(names[i]))
			show(a, toolchain ? "--ro-bind" : "--bind", root, names[i]);
	names_free(names, count);
	return NULL;
}

/* The command line that runs @options's in the toolchain. */
static struct error *enter(const struct kit *kit, const struct process_options *options, struct arguments *a)
{
	static const char *const first[] = { "bwrap", "--die-with-parent", "--dev-bind", "/dev", "/dev",
					     "--ro-bind", "/proc", "/proc" };
	const char *const *p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(first); i++)
		add(a, first[i]);
	TRY(show_all(a, kit->toolchain, true));
	TRY(show_all(a, "/", false));
	if (options->dir) {
		add(a, "--chdir");
		add(a, options->dir);
	}
	add(a, "--");
	for (p = options->argv; *p; p++)
		add(a, *p);
	add(a, NULL);
	return NULL;
}

struct error *tool_run(const struct kit *kit, const struct process_options *options, int *status,
		       char **output)
{
	struct process_options within = *options;
	struct arguments a = { 0 };
	struct error *err;
	size_t i;

	if (!kit->toolchain)
		return process_run(options, status, output, NULL);
	err = enter(kit, options, &a);
	if (!err) {
		within.argv = (const char *const *)a.list;
		err = process_run(&within, status, output, NULL);
	}
	for (i = 0; i < a.count; i++)
		free(a.list[i]);
	free(a.list);
	return err;
}
