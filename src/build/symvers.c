// SPDX-License-Identifier: GPL-2.0
#include "build/symvers.h"

#include "util/file.h"
#include "util/memory.h"

#include <string.h>

#define SYMVERS_MAX (64ul << 20)

struct symvers {
	void *text;
	const char **names;	/* sorted; they point into the text */
	size_t count;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "0xCRC\tNAME\tMODULE\tEXPORT_SYMBOL[_GPL]\tNAMESPACE"; the last may be missing or empty. */
static const char *name_of(char *line)
{
	char *fields[5] = { NULL };
	size_t i;

	for (i = 0; i < 5 && line; i++)
		fields[i] = strsep(&line, "\t");
	return fields[3] && (!fields[4] || !*fields[4]) ? fields[1] : NULL;
}

struct error *symvers_open(const char *path, struct symvers **out)
{
	struct symvers *s = xcalloc(1, sizeof(*s));
	size_t size, capacity = 0;
	struct error *err;
	char *rest, *line;

	err = file_read(path, SYMVERS_MAX, &s->text, &size);
	if (err) {
		free(s);
		return err;
	}
	rest = s->text;
	while ((line = strsep(&rest, "\n"))) {
		const char *name = name_of(line);

		if (!name)
			continue;
		array_grow(s->names, s->count, capacity);
		s->names[s->count++] = name;
	}
	if (!s->count) {
		symvers_free(s);
		return refuse("KIT-INCOMPLETE", "%s lists no exported symbols", path);
	}
	qsort(s->names, s->count, sizeof(*s->names), by_text);
	*out = s;
	return NULL;
}

void symvers_free(struct symvers *s)
{
	if (!s)
		return;
	free(s->names);
	free(s->text);
	free(s);
}

bool symvers_has(const struct symvers *s, const char *name)
{
	return bsearch(&name, s->names, s->count, sizeof(*s->names), by_text) != NULL;
}
