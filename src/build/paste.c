// SPDX-License-Identifier: GPL-2.0
#include "build/paste.h"

#include "build/chunks.h"
#include "util/memory.h"
#include "util/string.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* Letters and digits of its own with which a macro tells what it makes. */
#define TELLING 3

/* Arguments of a call, and places in what it makes for which it is not known which one stands there. */
#define ARGUMENTS_MAX 8
#define PLACES_MAX 3

/* One "a ## b ## c" in a macro's body: NULL stands for a parameter, see there which. */
struct paste {
	size_t macro;
	char **parts;
	size_t *parameters;	/* ARGUMENTS_MAX: any */
	size_t count;
	bool telling;
	bool matched;		/* can make a name that was asked for */
};

/* What stands for a parameter: a word, the parameter of the macro around it, or something else. */
struct argument {
	char *word;
	size_t parameter;	/* ARGUMENTS_MAX: none */
};

/* Something that a macro's body may call. */
struct call {
	struct argument name, arguments[ARGUMENTS_MAX];
};

struct macro {
	char *name;
	char *source;		/* where only one file can use it */
	struct names words;	/* of its body */
	char *wraps;		/* what its body calls where it does nothing else */
	struct call *calls;
	size_t call_count, call_capacity;
	size_t first_paste, paste_count;
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
	struct links calls, makers, definitions;
	struct macro *macros;
	size_t macro_count, macro_capacity;
	struct paste *pastes;
	size_t count, capacity;
};

struct pastes *pastes_new(void)
{
	return xcalloc(1, sizeof(struct pastes));
}

static void calls_fini(struct macro *m)
{
	size_t i, k;

	for (i = 0; i < m->call_count; i++) {
		free(m->calls[i].name.word);
		for (k = 0; k < ARGUMENTS_MAX; k++)
			free(m->calls[i].arguments[k].word);
	}
	free(m->calls);
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
		free(p->pastes[i].parameters);
	}
	for (i = 0; i < p->macro_count; i++) {
		calls_fini(&p->macros[i]);
		free(p->macros[i].name);
		free(p->macros[i].source);
		free(p->macros[i].wraps);
		names_fini(&p->macros[i].words);
	}
	for (i = 0; i < p->makers.count; i++)
		free(p->makers.list[i].word);
	free(p->calls.list);
	free(p->definitions.list);
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

/* Of a macro: its parameters in their order; from @more on, any number of arguments can stand for one. */
struct parameters {
	struct names names;
	size_t more;
};

/* Which parameter the token is: its number, ARGUMENTS_MAX for one that is not told; false for none. */
static bool is_parameter(const struct parameters *p, const struct token *t, size_t *number)
{
	*number = ARGUMENTS_MAX;
	if (token_is(t, "__VA_ARGS__"))
		return true;
	if (!names_has(&p->names, t->s, t->len))
		return false;
	for (*number = 0; !token_is(t, p->names.list[*number]);)
		++*number;
	if (*number >= p->more || *number > ARGUMENTS_MAX)
		*number = ARGUMENTS_MAX;
	return true;
}

static void add_paste(struct pastes *p, const struct chunk *c, size_t first, size_t last,
		      const struct parameters *parameters)
{
	struct paste paste = { .macro = p->macro_count - 1 };
	size_t own = 0, number, i, k;

	for (i = first; i <= last; i += 3) {
		const struct token *t = &c->tokens[i];
		bool parameter = is_parameter(parameters, t, &number);

		for (k = 0; k < t->len && !parameter; k++)
			own += isalnum((unsigned char)t->s[k]) != 0;
		paste.parts = xreallocarray(paste.parts, paste.count + 1, sizeof(*paste.parts));
		paste.parameters = xreallocarray(paste.parameters, paste.count + 1, sizeof(*paste.parameters));
		paste.parameters[paste.count] = number;
		paste.parts[paste.count++] = parameter ? NULL : xstrndup(t->s, t->len);
	}
	paste.telling = own >= TELLING;
	p->macros[paste.macro].paste_count++;
	array_grow(p->pastes, p->count, p->capacity);
	p->pastes[p->count++] = paste;
}

/* "#define PASTE(a, b) PASTE_2(a, b)". */
static char *wrapped(const struct macro *m, const struct parameters *parameters)
{
	const char *only = NULL;
	size_t i;

	for (i = 0; i < m->words.count; i++) {
		const char *word = m->words.list[i];

		if (names_has(&parameters->names, word, strlen(word)) || !strcmp(word, "__VA_ARGS__"))
			continue;
		if (only)
			return NULL;
		only = word;
	}
	return only ? xstrdup(only) : NULL;
}

static struct argument read_argument(const struct token *t, const struct parameters *parameters)
{
	struct argument a = { .parameter = ARGUMENTS_MAX };

	if (!is_parameter(parameters, t, &a.parameter))
		a.word = xstrndup(t->s, t->len);
	return a;
}

/* The word at @i, and the arguments behind it, if there are any. */
static void add_inner_call(struct macro *m, const struct chunk *c, size_t i, const struct parameters *parameters)
{
	struct call call = { .name = read_argument(&c->tokens[i], parameters) };
	size_t first = i + 2, end = i + 1, number = 0, k;
	int parens = 1;

	for (k = 0; k < ARGUMENTS_MAX; k++)
		call.arguments[k].parameter = ARGUMENTS_MAX;
	if (i + 1 < c->count && c->tokens[i + 1].kind == '(')
		end = chunk_skip_parens(c, i + 1);
	for (k = first; k < end && number < ARGUMENTS_MAX; k++) {
		char kind = c->tokens[k].kind;

		parens += kind == '(' ? 1 : kind == ')' ? -1 : 0;
		if (parens && (parens > 1 || kind != ','))
			continue;
		if (k == first + 1 && is_word(&c->tokens[first]))
			call.arguments[number] = read_argument(&c->tokens[first], parameters);
		number++;
		first = k + 1;
	}
	array_grow(m->calls, m->call_count, m->call_capacity);
	m->calls[m->call_count++] = call;
}

static void read_body(struct pastes *p, const struct chunk *c, size_t from, const struct parameters *parameters)
{
	struct macro *m = &p->macros[p->macro_count - 1];
	size_t i, last;

	for (i = from; i < c->count; i++) {
		if (c->tokens[i].kind != 'i')
			continue;
		names_add(&m->words, c->tokens[i].s, c->tokens[i].len);
		add_inner_call(m, c, i, parameters);
	}
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
		struct parameters parameters = { .more = SIZE_MAX };
		const struct token *t = c.tokens;
		size_t i;

		if (!chunk_is(&c, "define") || c.count < 5 || t[3].kind != '(' || t[3].s != t[2].s + t[2].len)
			continue;
		for (i = 4; i < c.count && t[i].kind != ')'; i++)
			if (t[i].kind == 'i')
				names_add(&parameters.names, t[i].s, t[i].len);
			else if (t[i].kind == '.' && t[i - 1].kind == 'i')
				parameters.more = parameters.names.count - 1;
		array_grow(p->macros, p->macro_count, p->macro_capacity);
		p->macros[p->macro_count++] = (struct macro){ .name = xstrndup(t[2].s, t[2].len),
							      .source = source ? xstrdup(source) : NULL,
							      .first_paste = p->count };
		add_link(&p->definitions, p->macros[p->macro_count - 1].name, p->macro_count - 1);
		read_body(p, &c, i, &parameters);
		names_fini(&parameters.names);
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

/* A call that is followed: what stands for the parameters, NULL where that is not known. */
struct expansion {
	struct pastes *p;
	struct names any;	/* what can stand there: the arguments of the first call */
	struct names seen;
	struct names *out;
};

/* What IS_ENABLED() makes of an option (linux/kconfig.h): nothing but the configuration defines these. */
static bool is_configured(const char *name)
{
	return starts_with(name, "CONFIG_") || starts_with(name, "__ARG_PLACEHOLDER_");
}

/* Adds what the parts of @paste make; @made is what stands before the part @i. */
static void combine(struct expansion *e, const struct paste *paste, size_t i, const char *made,
		    const char *const *arguments)
{
	size_t parameter = paste->parameters[i], k;
	const char *part = paste->parts[i];

	if (!part && parameter < ARGUMENTS_MAX)
		part = arguments[parameter];
	for (k = 0; k < (part ? 1 : e->any.count); k++) {
		_cleanup_free_ char *longer = xasprintf("%s%s", made, part ? part : e->any.list[k]);

		if (i + 1 < paste->count)
			combine(e, paste, i + 1, longer, arguments);
		else if (!is_configured(longer))
			names_add(e->out, longer, strlen(longer));
	}
}

/* How many places there are for which it is not known what stands there. */
static size_t places(const struct paste *paste, const char *const *arguments)
{
	size_t i, count = 0;

	for (i = 0; i < paste->count; i++)
		count += !paste->parts[i] &&
			 (paste->parameters[i] == ARGUMENTS_MAX || !arguments[paste->parameters[i]]);
	return count;
}

static const char *resolve(const struct argument *a, const char *const *arguments)
{
	if (a->word)
		return a->word;
	return a->parameter < ARGUMENTS_MAX ? arguments[a->parameter] : NULL;
}

static bool is_new(struct expansion *e, const char *name, const char *const *arguments)
{
	_cleanup_free_ char *key = xstrdup(name);
	size_t i;

	for (i = 0; i < ARGUMENTS_MAX; i++) {
		char *longer = xasprintf("%s %s", key, arguments[i] ? arguments[i] : "-");

		free(key);
		key = longer;
	}
	return names_add(&e->seen, key, strlen(key));
}

/* Adds what the macros called @name make of the arguments, and those that they call. */
static void expand(struct expansion *e, const char *name, const char *const *arguments)
{
	struct pastes *p = e->p;
	size_t i, k, n;

	i = first_link(&p->definitions, name);
	if (!is_link(&p->definitions, i, name) || !is_new(e, name, arguments))
		return;
	for (; is_link(&p->definitions, i, name); i++) {
		const struct macro *m = &p->macros[p->definitions.list[i].index];

		if (m->source)
			continue;
		for (k = m->first_paste; k < m->first_paste + m->paste_count; k++)
			if (places(&p->pastes[k], arguments) <= PLACES_MAX)
				combine(e, &p->pastes[k], 0, "", arguments);
		for (k = 0; k < m->call_count; k++) {
			const char *inner[ARGUMENTS_MAX], *called = resolve(&m->calls[k].name, arguments);

			for (n = 0; n < ARGUMENTS_MAX; n++)
				inner[n] = resolve(&m->calls[k].arguments[n], arguments);
			if (called)
				expand(e, called, inner);
		}
	}
}

void pastes_expand(struct pastes *p, const char *call, struct names *out)
{
	_cleanup_free_ char *words = xstrdup(call);
	struct expansion e = { .p = p, .out = out };
	const char *arguments[ARGUMENTS_MAX] = { NULL };
	char *save = NULL, *name = strtok_r(words, " ", &save), *word;
	size_t count = 0;

	while ((word = strtok_r(NULL, " ", &save))) {
		if (strcmp(word, "-")) {
			names_add(&e.any, word, strlen(word));
			if (count < ARGUMENTS_MAX)
				arguments[count] = word;
		}
		count++;
	}
	expand(&e, name, arguments);
	names_fini(&e.any);
	names_fini(&e.seen);
}
