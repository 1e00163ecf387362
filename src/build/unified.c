// SPDX-License-Identifier: GPL-2.0
#include "build/unified.h"

#include "util/memory.h"
#include "util/string.h"

#include <stdio.h>
#include <string.h>

/* The lines that git writes between "diff --git" and the names of the files. */
static bool is_of_git(const char *line)
{
	static const char *const starts[] = { "diff --git ", "index ", "old mode ", "new mode ", "new file mode ",
					      "deleted file mode ", "similarity index ", "dissimilarity index ",
					      "rename ", "copy ", "GIT binary patch", "Binary files " };
	size_t i;

	for (i = 0; i < sizeof(starts) / sizeof(*starts); i++)
		if (starts_with(line, starts[i]))
			return true;
	return false;
}

static const char *next_line(const char *line)
{
	const char *eol = strchr(line, '\n');

	return eol ? eol + 1 : line + strlen(line);
}

/* "@@ -START[,LINES] +START[,LINES] @@" */
static bool read_hunk(const char *line, unsigned long *old, unsigned long *new)
{
	unsigned long start;

	*old = *new = 1;
	return (sscanf(line, "@@ -%lu,%lu +%lu,%lu @@", &start, old, &start, new) == 4) ||
	       (*old = 1, sscanf(line, "@@ -%lu +%lu,%lu @@", &start, &start, new) == 3) ||
	       (*new = 1, sscanf(line, "@@ -%lu,%lu +%lu @@", &start, old, &start) == 3) ||
	       (*old = 1, sscanf(line, "@@ -%lu +%lu @@", &start, &start) == 2);
}

/* The end of the hunk that begins with @line; where it breaks off, patch(1) says so. */
static const char *end_of_hunk(const char *line, unsigned long old, unsigned long new)
{
	for (line = next_line(line); *line && (old || new); line = next_line(line)) {
		bool both = *line == ' ' || *line == '\n' || *line == '\r' || *line == '\t';

		if (!both && !strchr("+-\\", *line))
			return line;
		old -= old && (both || *line == '-');
		new -= new && (both || *line == '+');
	}
	return *line == '\\' ? next_line(line) : line;
}

const char *unified_next(const char *line)
{
	unsigned long old, new;

	return starts_with(line, "@@ -") && read_hunk(line, &old, &new) ? end_of_hunk(line, old, new) : next_line(line);
}

/* Of a context diff, or what git shows of merges. */
static bool is_of_other_form(const char *line)
{
	return starts_with(line, "***************\n") || starts_with(line, "diff --cc ") ||
	       starts_with(line, "diff --combined ") || starts_with(line, "@@@ -");
}

char *unified_only(const char *text, bool *other_form)
{
	bool in_git = false, in_file = false;
	char *only = xmalloc(strlen(text) + 1), *to = only;
	const char *line, *next;

	*other_form = false;
	for (line = text; *line; line = next) {
		next = next_line(line);
		*other_form |= is_of_other_form(line);
		if (starts_with(line, "diff --git ")) {
			in_git = true;
			in_file = false;
		} else if (starts_with(line, "--- ") && starts_with(next, "+++ ")) {
			next = next_line(next);
			in_git = false;
			in_file = true;
		} else if (in_file && starts_with(line, "@@ -")) {
			next = unified_next(line);
		} else if (!in_git || !is_of_git(line)) {
			in_git = false;
			continue;
		}
		memcpy(to, line, next - line);
		to += next - line;
	}
	*to = '\0';
	return only;
}
