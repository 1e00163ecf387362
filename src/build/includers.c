// SPDX-License-Identifier: GPL-2.0
#include "build/includers.h"

#include "build/grep.h"
#include "util/file.h"
#include "util/memory.h"

#include <stdio.h>
#include <string.h>

/* "asm/x.h" for include/asm-generic/x.h, by a generated header. */
static bool is_wrapped(const char *name, size_t len, const char *path)
{
	const char *generic = strstr(path, "/asm-generic/");

	return generic && len > 4 && !strncmp(name, "asm/", 4) &&
	       strlen(generic + 13) == len - 4 && !strncmp(generic + 13, name + 4, len - 4);
}

/* Whether what @file includes as "@name" is a header in its own folder, or as far from it as the name says; *@same: @path. */
static bool is_beside(const char *source, const char *file, const char *name, size_t len, const char *path, bool *same)
{
	_cleanup_free_ char *beside = xasprintf("%.*s%.*s", (int)(file_name(file) - file), file, (int)len, name);
	_cleanup_free_ char *normal = path_normal(beside), *full = path_join(source, normal);

	*same = !strcmp(normal, path);
	return file_exists(full);
}

/*
 * Whether the include of @name in @file, a file of the folder @source, can mean the
 * header @path: its own folder comes first, then what -I names, which is anywhere.
 */
static bool can_mean(const char *source, const char *file, const char *name, size_t len, const char *path)
{
	bool same;

	if (name[-1] == '"' && is_beside(source, file, name, len, path, &same))
		return same;
	while (len > 3 && !strncmp(name, "../", 3)) {
		name += 3;
		len -= 3;
	}
	if (is_wrapped(name, len, path))
		return true;
	return path_has_tail(path, name, len);
}

/* Whether the text has a string or "<...>" that can mean the file: an #include, or what a macro gives to one. */
static bool text_includes(const char *source, const char *text, const char *file, const char *path)
{
	const char *name = file_name(path), *p = text;
	size_t len = strlen(name);

	for (; (p = strstr(p, name)); p += len) {
		const char *start = p;

		if (p[len] != '"' && p[len] != '>')
			continue;
		while (start > text && !strchr("\"< \t\n", start[-1]))
			start--;
		if (start > text && strchr("\"<", start[-1]) && can_mean(source, file, start, p + len - start, path))
			return true;
	}
	return false;
}

/* Adds to @kept the files of @found that include one of @headers. */
static struct error *keep_includers(const struct tree *tree, const struct names *headers, const struct names *found,
				    struct names *kept)
{
	size_t i, k;

	for (i = 0; i < found->count; i++) {
		const char *file = found->list[i];
		_cleanup_free_ char *path = path_join(tree->source, file);
		_cleanup_free_ void *text = NULL;
		size_t size;

		if (names_has(kept, file, strlen(file)))
			continue;
		TRY(file_read(path, SOURCE_MAX, &text, &size));
		for (k = 0; k < headers->count; k++) {
			if (!text_includes(tree->source, text, file, headers->list[k]))
				continue;
			names_add(kept, file, strlen(file));
			break;
		}
	}
	return NULL;
}

static struct error *grep_includers(const struct tree *tree, struct includers *in, const char *patterns)
{
	static const char *const plain[] = { NULL };
	struct names headers = { 0 }, sources = { 0 };
	struct error *err;

	err = grep_source(tree, plain, patterns, &headers, &sources);
	if (!err)
		err = keep_includers(tree, &in->files, &sources, &in->sources);
	/* A source file may be included as well. */
	if (!err)
		err = keep_includers(tree, &in->files, &sources, &in->files);
	if (!err)
		err = keep_includers(tree, &in->files, &headers, &in->files);
	names_fini(&sources);
	names_fini(&headers);
	return err;
}

struct error *includers_find(const struct tree *tree, struct includers *in, size_t max)
{
	while (in->followed < in->files.count && in->sources.count <= max) {
		_cleanup_free_ char *patterns = NULL;
		size_t size;
		FILE *f = open_memstream(&patterns, &size);

		if (!f)
			return system_error(0, "out of memory");
		for (; in->followed < in->files.count; in->followed++) {
			const char *name = file_name(in->files.list[in->followed]);

			fprintf(f, "\"%s\"\n/%s\"\n/%s>\n<%s>\n", name, name, name, name);
		}
		if (fclose(f))
			return system_error(0, "out of memory");
		TRY(grep_includers(tree, in, patterns));
	}
	return NULL;
}

/* The headers that the compiler is told to include (scripts/Makefile.lib, linux-include). */
static bool is_in_everything(const char *path)
{
	return !strcmp(path, "include/linux/kconfig.h") || !strcmp(path, "include/linux/compiler-version.h") ||
	       !strcmp(path, "include/linux/compiler_types.h");
}

bool includers_are_all(const struct includers *in)
{
	size_t i;

	for (i = 0; i < in->files.count; i++)
		if (is_in_everything(in->files.list[i]))
			return true;
	return false;
}

void includers_fini(struct includers *in)
{
	names_fini(&in->files);
	names_fini(&in->sources);
	*in = (struct includers){ 0 };
}
