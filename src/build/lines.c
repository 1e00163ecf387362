// SPDX-License-Identifier: GPL-2.0
#include "build/lines.h"

#include "util/memory.h"

#include <stdbool.h>
#include <string.h>

/* What a lexer must know at the start of a line to tell whether a directive may stand there. */
struct lexer {
	bool comment;		/* inside a comment of several lines */
	bool continued;		/* the line before ended in a backslash */
	bool directive;		/* inside a preprocessor directive */
	unsigned int parens;	/* open parentheses */
};

static const char *skip_quoted(const char *p, const char *end)
{
	char quote = *p++;

	while (p < end && *p != quote) {
		if (*p == '\\' && p + 1 < end)
			p++;
		p++;
	}
	return p < end ? p + 1 : end;
}

/* #else, #elif or #endif: a directive before it may stand in code that is not compiled. */
static bool ends_condition(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || *p++ != '#')
		return false;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return end - p >= 4 && (!strncmp(p, "else", 4) || !strncmp(p, "elif", 4) ||
				!strncmp(p, "endi", 4));
}

/* Follows one line, [p, end) without its newline. */
static void lex_line(struct lexer *l, const char *p, const char *end)
{
	const char *first = p;
	bool continued = end > p && end[-1] == '\\';

	while (first < end && (*first == ' ' || *first == '\t'))
		first++;
	if (!l->comment && !l->continued)
		l->directive = first < end && *first == '#';
	/* A brace in the first column closes a function, whatever #ifdef did to the parentheses. */
	if (!l->comment && p < end && *p == '}')
		l->parens = 0;
	while (p < end) {
		if (l->comment) {
			if (end - p >= 2 && p[0] == '*' && p[1] == '/') {
				l->comment = false;
				p++;
			}
			p++;
		} else if (end - p >= 2 && p[0] == '/' && p[1] == '*') {
			l->comment = true;
			p += 2;
		} else if (end - p >= 2 && p[0] == '/' && p[1] == '/') {
			break;
		} else if ((*p == '"' || *p == '\'') && !l->directive) {
			p = skip_quoted(p, end);
		} else {
			if (*p == '(' && !l->directive)
				l->parens++;
			else if (*p == ')' && l->parens && !l->directive)
				l->parens--;
			p++;
		}
	}
	l->continued = continued;
}

char *lines_insert(const char *text, size_t size, const struct line_number *marks, size_t count,
		   size_t *out_size)
{
	struct lexer lexer = { 0 };
	const char *p = text, *end = text + size;
	unsigned long line = 1;
	const struct line_number *last = NULL;
	bool again = false;
	size_t next = 0;
	char *out = NULL;
	FILE *f = open_memstream(&out, out_size);

	while (p < end) {
		const char *eol = memchr(p, '\n', end - p);
		const char *stop = eol ? eol : end;

		bool waits = next < count && marks[next].line <= line;

		if ((waits || again) && !lexer.comment && !lexer.continued && !lexer.parens) {
			/* Of several that wait for a place the last one counts. */
			for (; next < count && marks[next].line <= line; next++)
				last = &marks[next];
			fprintf(f, "#line %lu\n", last->number + (line - last->line));
			again = false;
		}
		if (last && !lexer.comment && !lexer.continued && ends_condition(p, stop))
			again = true;
		fwrite(p, 1, stop - p + (eol ? 1 : 0), f);
		lex_line(&lexer, p, stop);
		p = eol ? eol + 1 : end;
		line++;
	}
	if (fclose(f)) {
		fputs("kmend: out of memory\n", stderr);
		exit(3);
	}
	return out;
}

static unsigned long read_count(char **p)
{
	return **p == ',' ? strtoul(*p + 1, p, 10) : 1;
}

size_t lines_from_diff(const char *diff, struct line_number **marks)
{
	size_t count = 0, capacity = 0;
	const char *p = diff;

	*marks = NULL;
	for (; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		unsigned long old_line, old_count, new_line, new_count;
		char *at;

		if (strncmp(p, "@@ -", 4))
			continue;
		old_line = strtoul(p + 4, &at, 10);
		old_count = read_count(&at);
		if (strncmp(at, " +", 2))
			continue;
		new_line = strtoul(at + 2, &at, 10);
		new_count = read_count(&at);
		if (old_count == new_count)
			continue;
		/* An empty side names the line before it. */
		array_grow(*marks, count, capacity);
		(*marks)[count].number = old_count ? old_line + old_count : old_line + 1;
		(*marks)[count].line = new_count ? new_line + new_count : new_line + 1;
		count++;
	}
	return count;
}
