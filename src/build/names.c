// SPDX-License-Identifier: GPL-2.0
#include "build/names.h"

#include "build/chunks.h"
#include "util/memory.h"

#include <ctype.h>
#include <search.h>
#include <string.h>

/* A name as the tree keeps it: what it points to is not ended by a NUL while it is looked for. */
struct key {
	const char *s;
	size_t len;
};

static int key_order(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->s, y->s, x->len);
}

void names_fini(struct names *n)
{
	size_t i;

	tdestroy(n->tree, free);
	for (i = 0; i < n->count; i++)
		free(n->list[i]);
	free(n->list);
	*n = (struct names){ 0 };
}

bool names_has(const struct names *n, const char *name, size_t len)
{
	struct key key = { name, len };

	return tfind(&key, &n->tree, key_order) != NULL;
}

bool names_add(struct names *n, const char *name, size_t len)
{
	struct key *key;

	if (names_has(n, name, len))
		return false;
	array_grow(n->list, n->count, n->capacity);
	n->list[n->count] = xstrndup(name, len);
	key = xmalloc(sizeof(*key));
	*key = (struct key){ n->list[n->count++], len };
	if (!tsearch(key, &n->tree, key_order)) {
		fputs("kmend: out of memory\n", stderr);
		exit(3);
	}
	return true;
}

void defined_fini(struct defined *d)
{
	names_fini(&d->names);
	names_fini(&d->calls);
	names_fini(&d->values);
}

static void add_name(struct names *out, const struct token *t)
{
	if (t->kind == 'i' && !token_is_keyword(t))
		names_add(out, t->s, t->len);
}

/* What a directive defines; false where it is something else than a macro. */
static bool names_of_directive(const struct chunk *c, struct names *out)
{
	if (c->count < 3 || !(chunk_is(c, "define") || chunk_is(c, "undef")))
		return false;
	if (c->tokens[2].kind == 'i')
		names_add(out, c->tokens[2].s, c->tokens[2].len);
	return true;
}

/* Whether the directive makes a macro that is an expression, as a size: no statement, no text, no mere flag. */
static bool is_value(const struct chunk *c)
{
	size_t i, body = 3;

	if (!chunk_is(c, "define") || c->count < 5)
		return false;
	/* Its parameters begin where its name ends. */
	if (c->tokens[3].kind == '(' && c->tokens[3].s == c->tokens[2].s + c->tokens[2].len)
		body = chunk_skip_parens(c, 3);
	for (i = body; i < c->count; i++)
		if (strchr("{;", c->tokens[i].kind) || *c->tokens[i].s == '"')
			return false;
	return body + 1 < c->count;
}

static bool has_lower_case(const struct token *t)
{
	size_t i;

	for (i = 0; i < t->len; i++)
		if (islower((unsigned char)t->s[i]))
			return true;
	return false;
}

/* Whether a type may end with the token, so that a name follows. */
static bool ends_type(const struct token *t)
{
	static const char *const types[] = { "void", "char", "short", "int", "long", "unsigned", "signed" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (token_is(t, types[i]))
			return true;
	return strchr("*,}", t->kind) || (t->kind == 'i' && !token_is_keyword(t));
}

/* Whether the identifier at @i, outside of braces and parentheses, is what a declaration declares. */
static bool is_declared(const struct chunk *c, size_t i)
{
	size_t behind = chunk_skip_attributes(c, i + 1);
	char kind = behind < c->count ? c->tokens[behind].kind : ';';

	if (i + 1 < c->count && strchr("(=[;,{", c->tokens[i + 1].kind))
		return true;
	if (behind == i + 1 || !i)
		return false;
	if (token_is_tag(&c->tokens[i - 1]))
		return kind == '{';
	/* "int x __read_mostly;", and not "static be16 __f(int);" */
	return ends_type(&c->tokens[i - 1]) && strchr("=[;,", kind);
}

/* "(*name" and "(name)(": a pointer to a function, a function's type. */
static bool is_declared_in_parens(const struct chunk *c, size_t i)
{
	size_t star = i;

	if (i + 2 < c->count && c->tokens[i - 1].kind == '(' && c->tokens[i + 1].kind == ')')
		return c->tokens[i + 2].kind == '(';
	while (star && (c->tokens[star - 1].kind == 'i' || c->tokens[star - 1].kind == '*'))
		star--;
	return star < i && star && c->tokens[star].kind == '*' && c->tokens[star - 1].kind == '(';
}

static bool is_macro_call(const struct chunk *c)
{
	return c->count > 1 && c->tokens[0].kind == 'i' && c->tokens[1].kind == '(' &&
	       !token_is_common(&c->tokens[0]);
}

/*
 * "PAGEFLAG(Locked, locked, 1 + 2)" as "PAGEFLAG Locked locked -": what it
 * defines is the macro's.
 */
static void add_call(const struct chunk *c, struct names *out)
{
	_cleanup_free_ char *call = xstrndup(c->tokens[0].s, c->tokens[0].len);
	size_t i, end = chunk_skip_parens(c, 1), first = 2;
	int parens = 1;

	for (i = 2; i < end; i++) {
		const struct token *t = &c->tokens[i], *word = &c->tokens[first];
		bool is_word = i == first + 1 && (isalnum((unsigned char)*word->s) || *word->s == '_');
		char *longer;

		parens += t->kind == '(' ? 1 : t->kind == ')' ? -1 : 0;
		if (parens && (parens > 1 || t->kind != ','))
			continue;
		longer = xasprintf("%s %.*s", call, is_word ? (int)word->len : 1, is_word ? word->s : "-");
		free(call);
		call = longer;
		first = i + 1;
	}
	names_add(out, call, strlen(call));
}

/* Whether the brace at @i is that of an enumeration. */
static bool opens_enum(const struct chunk *c, size_t i)
{
	return c->tokens[i].kind == '{' && chunk_type_of_brace(c, i) &&
	       token_is(chunk_type_of_brace(c, i), "enum");
}

static bool is_argument(const struct chunk *c, size_t i)
{
	return strchr("(,", c->tokens[i - 1].kind) && strchr(",)", c->tokens[i + 1].kind) &&
	       has_lower_case(&c->tokens[i]) && !token_is_common(&c->tokens[i]);
}

static void names_of_declaration(const struct chunk *c, struct defined *out)
{
	int depth = 0, parens = 0, enum_depth = 0;
	bool macro = is_macro_call(c);
	size_t i;

	if (macro)
		add_call(c, &out->calls);
	for (i = 0; i + 1 < c->count; i++) {
		const struct token *t = &c->tokens[i], *next = t + 1;
		bool outside;

		depth += t->kind == '{' ? 1 : t->kind == '}' ? -1 : 0;
		parens += t->kind == '(' ? 1 : t->kind == ')' ? -1 : 0;
		if (opens_enum(c, i))
			enum_depth = depth;
		if (depth < enum_depth)
			enum_depth = 0;
		if (t->kind != 'i' || (macro && !i))
			continue;
		outside = !depth && !parens && is_declared(c, i);
		if (outside || (!depth && parens == 1 && !macro && is_declared_in_parens(c, i)) ||
		    (enum_depth && depth == enum_depth && strchr("{,", t[-1].kind) && strchr(",=}", next->kind)) ||
		    (i && token_is_tag(t - 1) && next->kind == '{') ||
		    (macro && parens == 1 && !depth && is_argument(c, i)))
			add_name(&out->names, t);
	}
}

void names_of_chunk(const struct chunk *c, struct defined *out)
{
	if (c->directive)
		names_of_directive(c, &out->names);
	else if (c->count > 2 && c->tokens[0].kind == '.' && token_is(&c->tokens[1], "macro"))
		add_name(&out->names, &c->tokens[2]);
	else
		names_of_declaration(c, out);
}

static bool overlaps(const struct chunk *c, const struct line_range *ranges, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (c->first <= ranges[i].last && ranges[i].first <= c->last)
			return true;
	return false;
}

static bool begins_group(const struct chunk *c)
{
	return chunk_is(c, "if") || chunk_is(c, "ifdef") || chunk_is(c, "ifndef");
}

static bool divides_group(const struct chunk *c)
{
	return chunk_is(c, "elif") || chunk_is(c, "else");
}

/* Where in the #if groups a text is. */
struct groups {
	unsigned int depth;
	unsigned int affected;	/* the depth of the outermost whose condition is, from here on; or 0 */
};

/* @affects: whether the directive is one that counts. */
static void follow_groups(struct groups *g, const struct chunk *c, bool affects)
{
	bool begins = begins_group(c);

	g->depth += begins;
	if ((begins || divides_group(c)) && !g->affected && affects)
		g->affected = g->depth;
	if (!chunk_is(c, "endif"))
		return;
	if (g->affected == g->depth)
		g->affected = 0;
	if (g->depth)
		g->depth--;
}

/* An #if group that is open. */
struct group {
	unsigned long first;
	bool changed;
};

/*
 * Adds to @ranges the #if groups that have a directive in one of them: what is
 * in such a group is there under another condition than before.  Of what got
 * into a group or out of it that is so on one of the two sides.
 */
static void add_groups(const char *text, struct line_range **ranges, size_t *count)
{
	struct scanner s = { .p = text, .line = 1, .line_start = true };
	size_t depth = 0, room = 0, capacity = *count, own = *count;
	struct group *open = NULL;
	struct chunk c = { 0 };

	while (chunk_next(&s, &c)) {
		bool ends = chunk_is(&c, "endif");

		if (begins_group(&c)) {
			array_grow(open, depth, room);
			open[depth++] = (struct group){ c.first, false };
		} else if (!depth || !(ends || divides_group(&c))) {
			continue;
		}
		open[depth - 1].changed |= overlaps(&c, *ranges, own);
		if (ends && open[--depth].changed) {
			array_grow(*ranges, *count, capacity);
			(*ranges)[(*count)++] = (struct line_range){ open[depth].first, c.last };
		}
	}
	chunk_fini(&c);
	free(open);
}

void names_of_ranges(const char *text, const struct line_range *ranges, size_t count,
		     struct defined *out, bool *whole, bool *includes)
{
	struct scanner s = { .p = text, .line = 1, .line_start = true };
	struct line_range *all = xmemdup(ranges, count * sizeof(*ranges));
	struct chunk c = { 0 };

	add_groups(text, &all, &count);
	while (chunk_next(&s, &c)) {
		if (!overlaps(&c, all, count) || begins_group(&c) || divides_group(&c) || chunk_is(&c, "endif"))
			continue;
		if (chunk_is(&c, "include"))
			*includes = true;
		else if (!c.directive)
			names_of_chunk(&c, out);
		else if (!names_of_directive(&c, &out->names))
			*whole = true;
		else if (is_value(&c))
			add_name(&out->values, &c.tokens[2]);
	}
	chunk_fini(&c);
	free(all);
}

static bool has_any(const struct token *tokens, size_t count, const struct names *used)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (tokens[i].kind == 'i' && names_has(used, tokens[i].s, tokens[i].len))
			return true;
	return false;
}

static bool mentions(const struct chunk *c, const struct names *used)
{
	return has_any(c->tokens, c->count, used) || has_any(c->conditions, c->condition_count, used);
}

bool names_of_users(const char *text, const struct names *used, struct defined *out)
{
	struct scanner s = { .p = text, .line = 1, .line_start = true };
	size_t before = out->names.count + out->calls.count;
	struct groups groups = { 0 };
	struct chunk c = { 0 };

	while (chunk_next(&s, &c)) {
		follow_groups(&groups, &c, mentions(&c, used));
		if (groups.affected || mentions(&c, used))
			names_of_chunk(&c, out);
	}
	chunk_fini(&c);
	return out->names.count + out->calls.count > before;
}

static bool is_inline(const struct chunk *c)
{
	size_t i;

	for (i = 0; i < c->count && c->tokens[i].kind != '{'; i++)
		if (token_is(&c->tokens[i], "inline") || token_is(&c->tokens[i], "__always_inline"))
			return true;
	return false;
}

bool names_follow(const char *text, struct defined *used)
{
	struct scanner s = { .p = text, .line = 1, .line_start = true };
	size_t before = used->names.count;
	struct chunk c = { 0 };

	while (chunk_next(&s, &c))
		if ((c.directive || is_inline(&c)) && mentions(&c, &used->names))
			names_of_chunk(&c, used);
	chunk_fini(&c);
	return used->names.count > before;
}
