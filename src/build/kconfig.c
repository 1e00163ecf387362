// SPDX-License-Identifier: GPL-2.0
#include "build/kconfig.h"

#include "util/file.h"
#include "util/memory.h"
#include "util/string.h"

#include <string.h>

bool kconfig_is(const char *path)
{
	return starts_with(file_name(path), "Kconfig");
}

static bool is_tool_version(const char *line)
{
	return starts_with(line, "CONFIG_RUSTC_") || starts_with(line, "CONFIG_BINDGEN_");
}

const char *kconfig_set_only_in(const char *a, const char *b)
{
	_cleanup_free_ char *padded = xasprintf("\n%s\n", b);
	size_t len;

	for (; *a; a += len + (a[len] == '\n')) {
		_cleanup_free_ char *line = NULL;

		len = strcspn(a, "\n");
		line = xasprintf("\n%.*s\n", (int)len, a);
		if (starts_with(a, "CONFIG_") && !strstr(padded, line) && !is_tool_version(a))
			return a;
	}
	return NULL;
}

struct error *kconfig_check(const struct tree *tree, const char *dir, const char *paths)
{
	/* scripts/kconfig looks for a file in the folder that it runs in, kbuild's O=, before it looks in the source. */
	struct tree patched = { .kit = tree->kit, .path = (char *)dir, .source = tree->source, .build = (char *)dir };
	_cleanup_free_ char *from = path_join(tree->build, ".config"), *to = path_join(dir, ".config");
	_cleanup_free_ void *before = NULL, *after = NULL;
	const char *goals[] = { "-s", "olddefconfig", NULL };
	_cleanup_free_ char *output = NULL;
	const char *option;
	size_t size;
	int status;

	TRY(file_read(from, CONFIG_MAX, &before, &size));
	TRY(file_write(to, before, size, 0644));
	TRY(tree_make(&patched, goals, "", 2, &status, &output));
	/* "fs/Kconfig:9: syntax error" */
	if (status && strstr(output, "Kconfig"))
		return refuse("BUILD-CHANGED", "the patch changes %s, and scripts/kconfig cannot read it: %.*s", paths,
			      (int)strcspn(output, "\n"), output);
	if (status)
		return system_error(0, "make olddefconfig failed: %s", output);
	TRY(file_read(to, CONFIG_MAX, &after, &size));
	option = kconfig_set_only_in(after, before);
	if (option)
		return refuse("BUILD-CHANGED",
			      "the patch changes %s, with which %.*s is set: a running kernel cannot be rebuilt", paths,
			      (int)strcspn(option, "\n"), option);
	option = kconfig_set_only_in(before, after);
	if (option)
		return refuse("BUILD-CHANGED",
			      "the patch changes %s, with which %.*s is not set any more: a running kernel cannot be rebuilt", paths,
			      (int)strcspn(option, "\n"), option);
	return NULL;
}
