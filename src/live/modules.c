// SPDX-License-Identifier: GPL-2.0
#include "live/parse.h"
#include "util/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Reads a number that fills all of @s; false where it does not or does not fit. */
static bool parse_number(const char *s, int base, uint64_t *value)
{
	char *end;

	if (!s || !strchr("0123456789", *s))
		return false;
	errno = 0;
	*value = strtoull(s, &end, base);
	return !errno && end > s && !*end;
}

/*
 * "NAME SIZE REFCOUNT USERS STATE 0xBASE [(TAINTS)]"; REFCOUNT may be "-", and is
 * "-1" for a module that is being unloaded (kernel/module/main.c, module_refcount()).
 */
static bool parse_module(char *line, struct live_module *module)
{
	char *save = NULL, *size, *refcount, *users, *base;
	uint64_t refs;

	module->name = strtok_r(line, " ", &save);
	size = strtok_r(NULL, " ", &save);
	refcount = strtok_r(NULL, " ", &save);
	users = strtok_r(NULL, " ", &save);
	module->state = strtok_r(NULL, " ", &save);
	base = strtok_r(NULL, " ", &save);
	if (!base || !users || strncmp(base, "0x", 2))
		return false;
	if (!parse_number(size, 10, &module->size) || !parse_number(base, 16, &module->base))
		return false;
	module->refcount = -1;
	if (!strcmp(refcount, "-") || !strcmp(refcount, "-1"))
		return true;
	if (!parse_number(refcount, 10, &refs) || refs > INT32_MAX)
		return false;
	module->refcount = refs;
	return true;
}

struct error *modules_parse(char *text, size_t size, struct live_module **modules, size_t *count)
{
	char *line = text, *end = text + size, *newline;
	size_t capacity = 0;

	*modules = NULL;
	*count = 0;
	if (memchr(text, '\0', size))
		return system_error(0, "modules: not a text");
	for (; line < end; line = newline + 1) {
		newline = memchr(line, '\n', end - line);
		if (!newline)
			newline = end;
		*newline = '\0';
		array_grow(*modules, *count, capacity);
		if (!parse_module(line, &(*modules)[*count]))
			return system_error(0, "modules: line %zu is not a module", *count + 1);
		(*count)++;
	}
	return NULL;
}
