// SPDX-License-Identifier: GPL-2.0
#include "build/values.h"

#include "build/chunks.h"
#include "util/memory.h"

#include <stdlib.h>
#include <string.h>

/* A macro for a number: "CF_CLOSE", "4". */
struct value {
	char *name, *text;
};

struct values {
	struct value *list;
	size_t count, capacity;
};

static void values_fini(struct values *v)
{
	size_t i;

	for (i = 0; i < v->count; i++) {
		free(v->list[i].name);
		free(v->list[i].text);
	}
	free(v->list);
}

/* What numbers are written with: 4, 0x10, (1 << 4), BIT(4). */
static bool is_of_number(const struct token *t)
{
	return t->kind == '0' || strchr("()<", t->kind) || token_is(t, "BIT") || token_is(t, "BIT_ULL") ||
	       token_is(t, "_BITUL") || token_is(t, "UL") || token_is(t, "U");
}

/* The tokens from @i on as one text; NULL where they are no number. */
static char *number_of(const struct chunk *c, size_t i)
{
	_cleanup_free_ char *text = xstrdup("");
	bool digits = false;

	for (; i < c->count && c->tokens[i].kind != '\n'; i++) {
		const struct token *t = &c->tokens[i];
		char *longer;

		if (!is_of_number(t))
			return NULL;
		digits |= t->kind == '0';
		longer = xasprintf("%s%.*s", text, (int)t->len, t->s);
		free(text);
		text = longer;
	}
	return digits ? take_ptr(text) : NULL;
}

static void values_read(const char *text, struct values *v)
{
	struct scanner s = { .p = text, .line = 1, .line_start = true };
	struct chunk c = { 0 };

	while (chunk_next(&s, &c)) {
		const struct token *name = c.count > 3 ? &c.tokens[2] : NULL;
		_cleanup_free_ char *number = NULL;

		/* "#define NAME(" is no number. */
		if (!name || !chunk_is(&c, "define") || name->kind != 'i' || name->s[name->len] == '(')
			continue;
		number = number_of(&c, 3);
		if (!number)
			continue;
		array_grow(v->list, v->count, v->capacity);
		v->list[v->count++] = (struct value){ xstrndup(name->s, name->len), take_ptr(number) };
	}
	chunk_fini(&c);
}

/* The number of the macro @name; NULL where it has none, "" where it has several, under conditions. */
static const char *number_by_name(const struct values *v, const char *name)
{
	const char *found = NULL;
	size_t i;

	for (i = 0; i < v->count; i++)
		if (!strcmp(v->list[i].name, name))
			found = found && strcmp(found, v->list[i].text) ? "" : v->list[i].text;
	return found;
}

static bool same_family(const char *a, const char *b)
{
	size_t len = strcspn(a, "_");

	return len && a[len] && !strncmp(a, b, len + 1);
}

/* Whether another macro of the family of @name has @number here, and not (any more, or yet) on the other side. */
static bool has_other(const struct values *here, const struct values *there, const char *name, const char *number)
{
	size_t i;

	for (i = 0; i < here->count; i++) {
		const struct value *v = &here->list[i];
		const char *other;

		if (strcmp(v->text, number) || !strcmp(v->name, name) || !same_family(name, v->name))
			continue;
		other = number_by_name(there, v->name);
		if (!other || strcmp(other, number))
			return true;
	}
	return false;
}

/* The bit that "BIT(n)" or "(1<<n)" is, in whichever words; -1 for other numbers. */
static long bit_of(const char *text)
{
	static const char *const starts[] = { "BIT(", "BIT_ULL(", "_BITUL(", "1<<", "1U<<", "1UL<<", "1ULL<<",
					      "0x1<<", "UL(1)<<" };
	long bit;
	char *end;
	size_t i;

	text += strspn(text, "(");
	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		size_t len = strlen(starts[i]);

		if (strncmp(text, starts[i], len))
			continue;
		bit = strtol(text + len, &end, 0);
		return end != text + len && !end[strspn(end, ")")] ? bit : -1;
	}
	return -1;
}

static bool is_limit(const char *name)
{
	return strstr(name, "MAX") || strstr(name, "MIN") || strstr(name, "SIZE") || strstr(name, "LIMIT");
}

/* Whether @name is one of several flags of a word, and another bit now: what lives may hold the old one. */
static bool is_moved_flag(const struct values *pre, const struct values *post, const char *name)
{
	long old = bit_of(number_by_name(pre, name)), new = bit_of(number_by_name(post, name));
	size_t i;

	if (old < 0 || new < 0 || old == new || is_limit(name))
		return false;
	for (i = 0; i < post->count; i++)
		if (strcmp(post->list[i].name, name) && same_family(name, post->list[i].name) &&
		    bit_of(post->list[i].text) >= 0)
			return true;
	return false;
}

/* One that stands several times, with one number. */
static bool is_listed(const struct changed_values *values, size_t first, const char *name)
{
	for (; first < values->count; first++)
		if (!strcmp(values->list[first].name, name))
			return true;
	return false;
}

void values_compare(struct changed_values *values, const char *before, const char *after, const char *path)
{
	struct values pre = { 0 }, post = { 0 };
	size_t i, first = values->count;

	values_read(before, &pre);
	values_read(after, &post);
	for (i = 0; i < pre.count; i++) {
		const char *name = pre.list[i].name;
		const char *old = number_by_name(&pre, name), *new = number_by_name(&post, name);

		if (!new || !*old || !*new || !strcmp(old, new) || is_listed(values, first, name))
			continue;
		array_grow(values->list, values->count, values->capacity);
		values->list[values->count++] = (struct changed_value){
			.name = xstrdup(name), .path = xstrdup(path), .before = xstrdup(old), .after = xstrdup(new),
			.renumbered = has_other(&pre, &post, name, new) || has_other(&post, &pre, name, old) ||
				      is_moved_flag(&pre, &post, name),
		};
	}
	values_fini(&pre);
	values_fini(&post);
}

void changed_values_fini(struct changed_values *values)
{
	size_t i;

	for (i = 0; i < values->count; i++) {
		free(values->list[i].name);
		free(values->list[i].path);
		free(values->list[i].before);
		free(values->list[i].after);
	}
	free(values->list);
	*values = (struct changed_values){ 0 };
}
