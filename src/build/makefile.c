// SPDX-License-Identifier: GPL-2.0
#include "build/makefile.h"

#include "build/names.h"
#include "util/file.h"
#include "util/memory.h"

#include <string.h>

/* "foo-y", "foo-objs", "obj-$(CONFIG_FOO)". */
static bool is_list_name(const char *s, size_t len)
{
	const char *dash = memchr(s, '$', len);

	if (dash)
		return dash > s && dash[-1] == '-' && !strncmp(dash, "$(CONFIG_", 9) && s[len - 1] == ')';
	return (len > 2 && (!strncmp(s + len - 2, "-y", 2) || !strncmp(s + len - 2, "-m", 2))) ||
	       (len > 5 && !strncmp(s + len - 5, "-objs", 5));
}

/* Whether "obj-$(CONFIG_FOO)" and the like is a variable that nobody reads, as this kernel does not have FOO. */
static bool is_off(const struct tree *tree, const char *s, size_t len)
{
	const char *dollar = memchr(s, '$', len);
	_cleanup_free_ char *name = NULL, *file = NULL;
	size_t n;

	if (!dollar || !is_list_name(s, len))
		return false;
	n = strspn(dollar + 9, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	if (!n || dollar + 9 + n + 1 != s + len)
		return false;
	/* kbuild makes a file for each option that is set. */
	name = xasprintf("include/config/%.*s", (int)n, dollar + 9);
	file = path_join(tree->build, name);
	return !file_exists(file);
}

/* Adds the objects that a line lists; false where it is something else than such a list. */
static bool read_list(const struct tree *tree, const char *line, size_t size, struct names *objects)
{
	_cleanup_free_ char *text = xstrndup(line, size);
	char *list = strchr(text, '='), *word, *save = NULL;

	/* A comment, unless the line before goes on in it; what that says is no list either. */
	if (text[strspn(text, " \t")] == '#' && text[size - 1] != '\\')
		return true;
	if (list) {
		size_t len = strcspn(text, " \t:+=");

		if (is_off(tree, text, len) && text[size - 1] != '\\')
			return true;
		if (!is_list_name(text, len) || strspn(text + len, " \t:+") != (size_t)(list - text) - len)
			return false;
	}
	for (word = strtok_r(list ? list + 1 : text, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		size_t len = strlen(word);

		if (*word == '#')
			return true;
		if (!strcmp(word, "\\"))
			continue;
		if (len < 3 || strcmp(word + len - 2, ".o"))
			return false;
		names_add(objects, word, len);
	}
	return true;
}

/* The lines of @text that stand for the file @path, from behind its "+++" on; NULL where there are none. */
static const char *find_file(const char *text, const char *path)
{
	_cleanup_free_ char *name = xasprintf("/%s", path);
	const char *p = text;

	while ((p = strstr(p, "\n+++ "))) {
		size_t len = strcspn(p + 5, "\t\r\n");
		const char *slash = memchr(p + 5, '/', len);

		p += 5;
		if (slash && strlen(name) == len - (slash - p) && !strncmp(slash, name, strlen(name)))
			return p + len;
	}
	return NULL;
}

static bool read_changes(const struct tree *tree, const char *text, const char *path, struct names *before,
			 struct names *after)
{
	const char *line = find_file(text, path);

	while (line && (line = strchr(line, '\n'))) {
		size_t len = strcspn(++line, "\r\n");

		/* The next file. */
		if (!strncmp(line, "--- ", 4) || !strncmp(line, "diff ", 5))
			return read_changes(tree, line - 1, path, before, after);
		if (*line == '-' && !read_list(tree, line + 1, len - 1, before))
			return false;
		if (*line == '+' && !read_list(tree, line + 1, len - 1, after))
			return false;
	}
	return true;
}

/* Whether the patches add the source of an object that the makefile lists. */
static bool adds_source(const struct tree *tree, const struct patches *p, const char *makefile, const char *object)
{
	const char *slash = strrchr(makefile, '/');
	_cleanup_free_ char *source = xasprintf("%.*s%.*s", slash ? (int)(slash + 1 - makefile) : 0, makefile,
						(int)strlen(object) - 1, object);
	size_t i, len = strlen(source);

	for (i = 0; i < p->file_count; i++) {
		_cleanup_free_ char *path = path_join(tree->source, p->files[i].path);

		if (p->files[i].kind == PATCHED_SOURCE && !strncmp(p->files[i].path, source, len) &&
		    strlen(p->files[i].path) == len + 1 && !file_exists(path))
			return true;
	}
	return false;
}

bool makefile_only_lists_added(const struct tree *tree, const struct patches *p, const char *path)
{
	struct names before = { 0 }, after = { 0 };
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	bool lists = !strcmp(name, "Makefile") || !strcmp(name, "Kbuild");
	size_t i;

	for (i = 0; i < p->count && lists; i++)
		lists = read_changes(tree, p->diffs[i], path, &before, &after);
	for (i = 0; i < before.count && lists; i++)
		lists = names_has(&after, before.list[i], strlen(before.list[i]));
	for (i = 0; i < after.count && lists; i++)
		lists = names_has(&before, after.list[i], strlen(after.list[i])) ||
			adds_source(tree, p, path, after.list[i]);
	names_fini(&before);
	names_fini(&after);
	return lists;
}
