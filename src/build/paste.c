// SPDX-License-Identifier: GPL-2.0
#include "build/paste.h"

#include "build/chunks.h"
#include "util/memory.h"

#include <ctype.h>
#include <string.h>

/* Letters and digits of its own with which a macro tells what it makes. */
#define TELLING 3

/* Arguments that are tried in each place of what a call defines, and such places. */
#define ARGUMENTS_MAX 8
#define PLACES_MAX 3

/* One "a ## b ## c" in a macro's body: NULL stands for a parameter. */
struct paste {
	size_t macro;
	char **parts;
	size_t count;
	bool telling;
	bool matched;		/* can make a name that was asked for */
};

struct macro {
	char *name;
	char *source;		/* where only one file can use it */
	struct names words;	/* of its body */
	char *wraps;		/* what its body calls where it does nothing else */
};

/* That @word stands in the body of a macro; that the macro @word makes what a paste does. */
struct link {
	char *word;
	size_t index;
};

struct links {
	struct link *list;
	size_t count, capacity;
	bool sorted;
};

struct pastes {
	struct links calls, makers;
	struct macro *macros;
	size_t macro_count, macro_capacity;
	struct paste *pastes;
	size_t count, capacity;
};

struct pastes *pastes_new(void)
{
	return xcalloc(1, sizeof(struct pastes));
}

void pastes_free(struct pastes *p)
{
	size_t i, k;

	if (!p)
		return;
	for (i = 0; i < p->count; i++) {
		for (k = 0; k < p->pastes[i].count; k++)
			free(p->pastes[i].parts[k]);
		free(p->pastes[i].parts);
	}
	for (i = 0; i < p->macro_count; i++) {
		free(p->macros[i].name);
		free(p->macros[i].source);
		free(p->macros[i].wraps);
		names_fini(&p->macros[i].words);
	}
	for (i = 0; i < p->makers.count; i++)
		free(p->makers.list[i].word);
	free(p->calls.list);
	free(p->makers.list);
	free(p->pastes);
	free(p->macros);
	free(p);
}

static void add_link(struct links *l, char *word, size_t index)
{
	array_grow(l->list, l->count, l->capacity);
	l->list[l->count++] = (struct link){ word, index };
	l->sorted = false;
}

static int link_order(const void *a, const void *b)
{
	return strcmp(((const struct link *)a)->word, ((const struct link *)b)->word);
}

/* The index of the first link of @word, or of where it would be. */
static size_t first_link(struct links *l, const char *word)
{
	size_t low = 0, high = l->count;

	if (!l->sorted)
		qsort(l->list, l->count, sizeof(*l->list), link_order);
	l->sorted = true;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(l->list[middle].word, word) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_link(const struct links *l, size_t i, const char *word)
{
	return i < l->count && !strcmp(l->list[i].word, word);
}

static bool is_paste(const struct chunk *c, size_t i)
{
	return i + 1 < c->count && c->tokens[i].kind == '0' && token_is(&c->tokens[i], "#") &&
	       token_is(&c->tokens[i + 1], "#") && c->tokens[i + 1].s == c->tokens[i].s + 1;
}

static bool is_word(const struct token *t)
{
	return t->kind == 'i' || (t->kind == '0' && isalnum((unsigned char)*t->s));
}

static void add_paste(struct pastes *p, const struct chunk *c, size_t first, size_t last,
		      const struct names *parameters)
{
	struct paste paste = { .macro = p->macro_count - 1 };
	size_t own = 0, i, k;

	for (i = first; i <= last; i += 3) {
		const struct token *t = &c->tokens[i];
		bool parameter = names_has(parameters, t->s, t->len) || token_is(t, "__VA_ARGS__");

		for (k = 0; k < t->len && !parameter; k++)
			own += isalnum((unsigned char)t->s[k]) != 0;
		paste.parts = xreallocarray(paste.parts, paste.count + 1, sizeof(*paste.parts));
		paste.parts[paste.count++] = parameter ? NULL : xstrndup(t->s, t->len);
	}
	paste.telling = own >= TELLING;
	array_grow(p->pastes, p->count, p->capacity);
	p->pastes[p->count++] = paste;
}

/* "#define PASTE(a, b) PASTE_2(a, b)". */
static char *wrapped(const struct macro *m, const struct names *parameters)
{
	const char *only = NULL;
	size_t i;

	for (i = 0; i < m->words.count; i++) {
		const char *word = m->words.list[i];

		if (names_has(parameters, word, strlen(word)) || !strcmp(word, "__VA_ARGS__"))
			continue;
		if (only)
			return NULL;
		only = word;
	}
	return only ? xstrdup(only) : NULL;
}

static void read_body(struct pastes *p, const struct chunk *c, size_t from, const struct names *parameters)
{
	struct macro *m = &p->macros[p->macro_count - 1];
	size_t i, last;

	for (i = from; i < c->count; i++)
		if (c->tokens[i].kind == 'i')
			names_add(&m->words, c->tokens[i].s, c->tokens[i].len);
	for (i = 0; i < m->words.count; i++)
		add_link(&p->calls, m->words.list[i], m - p->macros);
	m->wraps = wrapped(m, parameters);
	for (i = from; i < c->count; i = last + 1) {
		last = i;
		while (is_word(&c->tokens[last]) && is_paste(c, last + 1) && last + 3 < c->count &&
		       is_word(&c->tokens[last + 3]))
			last += 3;
		if (last > i)
			add_paste(p, c, i, last, parameters);
	}
}

void pastes_read(struct pastes *p, const char *text, const char *source)
{
	struct scanner s = { .p = text, .line = 1, .line_start = true };
	struct chunk c = { 0 };

	while (chunk_next(&s, &c)) {
		struct names parameters = { 0 };
		const struct token *t = c.tokens;
		size_t i;

		if (!chunk_is(&c, "define") || c.count < 5 || t[3].kind != '(' || t[3].s != t[2].s + t[2].len)
			continue;
		for (i = 4; i < c.count && t[i].kind != ')'; i++)
			if (t[i].kind == 'i')
				names_add(&parameters, t[i].s, t[i].len);
		array_grow(p->macros, p->macro_count, p->macro_capacity);
		p->macros[p->macro_count++] = (struct macro){ .name = xstrndup(t[2].s, t[2].len),
							      .source = source ? xstrdup(source) : NULL };
		read_body(p, &c, i, &parameters);
		names_fini(&parameters);
	}
	chunk_fini(&c);
}

/* Whether @parts can make @name, whatever the parameters stand for. */
static bool can_make(char *const *parts, size_t count, const char *name)
{
	const char *end = name + strlen(name);
	size_t parameters = 0, i, len;

	/* What is fixed at the end comes first: of the rest, the first fit is as good as any. */
	if (parts[count - 1]) {
		len = strlen(parts[--count]);
		if ((size_t)(end - name) < len || memcmp(end - len, parts[count], len))
			return false;
		end -= len;
	}
	for (i = 0; i < count; i++) {
		const char *at = name + parameters;

		if (!parts[i]) {
			parameters++;
			continue;
		}
		len = strlen(parts[i]);
		if (at > end || (size_t)(end - at) < len)
			return false;
		if (!parameters && memcmp(at, parts[i], len))
			return false;
		at = parameters ? memmem(at, end - at, parts[i], len) : at;
		if (!at)
			return false;
		name = at + len;
		parameters = 0;
	}
	return parameters ? (size_t)(end - name) >= parameters : name == end;
}

/* Whether @parts can make @name where the parameters stand for words of @words. */
static bool makes(char *const *parts, size_t count, const char *name, const struct names *words)
{
	size_t len;

	if (!count)
		return !*name;
	if (parts[0]) {
		len = strlen(parts[0]);
		return !strncmp(name, parts[0], len) && makes(parts + 1, count - 1, name + len, words);
	}
	for (len = 1; len <= strlen(name); len++)
		if (names_has(words, name, len) && makes(parts + 1, count - 1, name + len, words))
			return true;
	return false;
}

/* Adds @macro and those that call it, or, where it tells too little, that do nothing else. */
static void add_callers(struct pastes *p, const char *macro, bool telling, struct names *out)
{
	size_t i, k;

	names_add(out, macro, strlen(macro));
	for (k = out->count - 1; k < out->count; k++) {
		const char *word = out->list[k];

		for (i = first_link(&p->calls, word); is_link(&p->calls, i, word); i++) {
			const struct macro *m = &p->macros[p->calls.list[i].index];

			if (telling || (m->wraps && !strcmp(m->wraps, word)))
				names_add(out, m->name, strlen(m->name));
		}
	}
}

void pastes_of_name(struct pastes *p, const char *name, struct names *callers)
{
	size_t i, k;

	for (i = 0; i < p->count; i++) {
		struct paste *paste = &p->pastes[i];
		struct names all = { 0 };

		if (paste->matched || !can_make(paste->parts, paste->count, name))
			continue;
		paste->matched = true;
		add_callers(p, p->macros[paste->macro].name, paste->telling, &all);
		for (k = 0; k < all.count; k++) {
			names_add(callers, all.list[k], strlen(all.list[k]));
			add_link(&p->makers, all.list[k], i);
			all.list[k] = NULL;
		}
		names_fini(&all);
	}
}

/* Whether a file, or a part of it, with these words makes one of the names. */
static bool words_make(struct pastes *p, const char *path, const struct names *names, const struct names *words)
{
	size_t i, k, w;

	for (w = 0; w < words->count; w++) {
		const char *word = words->list[w];

		for (i = first_link(&p->makers, word); is_link(&p->makers, i, word); i++) {
			const struct paste *paste = &p->pastes[p->makers.list[i].index];
			const char *source = p->macros[paste->macro].source;

			for (k = 0; (!source || !strcmp(source, path)) && k < names->count; k++)
				if (can_make(paste->parts, paste->count, names->list[k]) &&
				    makes(paste->parts, paste->count, names->list[k], words))
					return true;
		}
	}
	return false;
}

static void add_words(const struct chunk *c, struct names *out)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (is_word(&c->tokens[i]))
			names_add(out, c->tokens[i].s, c->tokens[i].len);
}

bool pastes_make(struct pastes *p, const char *path, const char *text, const struct names *names)
{
	struct scanner s = { .p = text, .line = 1, .line_start = true };
	struct names words = { 0 };
	struct chunk c = { 0 };
	bool makes;

	while (chunk_next(&s, &c))
		add_words(&c, &words);
	makes = words_make(p, path, names, &words);
	chunk_fini(&c);
	names_fini(&words);
	return makes;
}

void pastes_makers(struct pastes *p, const char *path, const char *text, const struct names *names,
		   struct defined *out)
{
	struct scanner s = { .p = text, .line = 1, .line_start = true };
	struct chunk c = { 0 };

	while (chunk_next(&s, &c)) {
		struct names words = { 0 };

		add_words(&c, &words);
		if (words_make(p, path, names, &words))
			names_of_chunk(&c, out);
		names_fini(&words);
	}
	chunk_fini(&c);
}

/* Adds what @parts make of the arguments in all combinations; @made is what stands before. */
static void combine(char *const *parts, size_t count, const char *made, const struct names *arguments,
		    struct names *out)
{
	size_t i, n = parts[0] ? 1 : arguments->count;

	for (i = 0; i < n; i++) {
		_cleanup_free_ char *longer = xasprintf("%s%s", made, parts[0] ? parts[0] : arguments->list[i]);

		if (count > 1)
			combine(parts + 1, count - 1, longer, arguments, out);
		else
			names_add(out, longer, strlen(longer));
	}
}

static size_t places(const struct paste *paste)
{
	size_t i, count = 0;

	for (i = 0; i < paste->count; i++)
		count += !paste->parts[i];
	return count;
}

/* Adds the macros that those in @called call. */
static void add_called(const struct pastes *p, struct names *called)
{
	size_t i, k, before;

	do {
		before = called->count;
		for (i = 0; i < p->macro_count; i++) {
			const struct macro *m = &p->macros[i];

			for (k = 0; names_has(called, m->name, strlen(m->name)) && k < m->words.count; k++)
				names_add(called, m->words.list[k], strlen(m->words.list[k]));
		}
	} while (called->count > before);
}

void pastes_expand(const struct pastes *p, const char *call, struct names *out)
{
	struct names called = { 0 }, arguments = { 0 };
	const char *word = call;
	size_t i, len = strcspn(call, " ");

	names_add(&called, call, len);
	for (word = call + len; *word && arguments.count < ARGUMENTS_MAX; word += len) {
		word++;
		len = strcspn(word, " ");
		names_add(&arguments, word, len);
	}
	add_called(p, &called);
	for (i = 0; i < p->count; i++) {
		const struct paste *paste = &p->pastes[i];
		const struct macro *m = &p->macros[paste->macro];

		if (!m->source && names_has(&called, m->name, strlen(m->name)) && places(paste) <= PLACES_MAX)
			combine(paste->parts, paste->count, "", &arguments, out);
	}
	names_fini(&called);
	names_fini(&arguments);
}
