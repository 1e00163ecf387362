// SPDX-License-Identifier: GPL-2.0
#include "build/kconfig.h"

#include "util/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t indent_of(const char *line)
{
	size_t column = 0;

	for (; *line == ' ' || *line == '\t'; line++)
		column = *line == '\t' ? (column | 7) + 1 : column + 1;
	return column;
}

static bool is_help(const char *word, size_t len)
{
	while (len && strchr(" \t", word[len - 1]))
		len--;
	return len == 4 && !strncmp(word, "help", 4);
}

/* Writes what configures to @out; false where a help text is not indented, which scripts/kconfig reads its own way. */
static bool write_lines(const char *text, FILE *out)
{
	bool in_help = false;
	size_t indent = 0, len;

	for (; *text; text += len + (text[len] == '\n')) {
		const char *word = text + strspn(text, " \t");

		len = strcspn(text, "\n");
		if (word >= text + len)
			continue;
		/* The first line of a help text tells where it ends: at one that is less indented, or not at all. */
		if (in_help && !indent && !indent_of(text))
			return false;
		if (in_help && !indent)
			indent = indent_of(text);
		if (in_help && indent_of(text) >= indent)
			continue;
		in_help = is_help(word, text + len - word);
		indent = 0;
		if (!in_help && *word != '#')
			fprintf(out, "%.*s\n", (int)len, text);
	}
	return true;
}

static char *what_configures(const char *text)
{
	char *lines = NULL;
	size_t size;
	FILE *f = open_memstream(&lines, &size);
	bool plain = f && write_lines(text, f);

	if (f && fclose(f))
		plain = false;
	if (!plain) {
		free(lines);
		return NULL;
	}
	return lines;
}

bool kconfig_same(const char *before, const char *after)
{
	_cleanup_free_ char *a = what_configures(before), *b = what_configures(after);

	return a && b && !strcmp(a, b);
}
