// SPDX-License-Identifier: GPL-2.0
#include "build/preprocessed.h"

#include "build/chunks.h"
#include "build/names.h"
#include "util/memory.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

/* A word that both texts know by its number. */
struct word {
	const char *s;
	size_t len;
	bool affected;		/* stands for something that differs */
};

struct words {
	struct word *list;
	size_t count, capacity;
	uint32_t *slots;	/* a number and one, or 0 */
	size_t slot_count;	/* a power of two */
};

/* A chunk of a text. */
struct piece {
	uint64_t hash;		/* of its tokens */
	const char *start;
	size_t len;
	size_t first, count;	/* its words */
	bool emits;		/* makes code or data, or may */
	bool announces;		/* "struct s;", which says of no type what it is */
	bool affected;
};

struct text {
	struct piece *pieces;
	size_t count, capacity;
	uint32_t *words;
	size_t word_count, word_capacity;
};

static uint64_t hash_bytes(uint64_t hash, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)s[i]) * 0x100000001b3ull;
	return hash;
}

#define HASH_START 0xcbf29ce484222325ull

/* The slot of the word, empty where it is new. */
static uint32_t *find_slot(const struct words *w, const char *s, size_t len)
{
	size_t i = hash_bytes(HASH_START, s, len);

	for (;; i++) {
		uint32_t *slot = &w->slots[i & (w->slot_count - 1)];

		if (!*slot || (w->list[*slot - 1].len == len && !memcmp(w->list[*slot - 1].s, s, len)))
			return slot;
	}
}

static void grow_slots(struct words *w)
{
	size_t i;

	free(w->slots);
	w->slot_count = w->slot_count ? 2 * w->slot_count : 1 << 14;
	w->slots = xcalloc(w->slot_count, sizeof(*w->slots));
	for (i = 0; i < w->count; i++)
		*find_slot(w, w->list[i].s, w->list[i].len) = i + 1;
}

static uint32_t word_number(struct words *w, const char *s, size_t len)
{
	uint32_t *slot;

	if (2 * w->count >= w->slot_count)
		grow_slots(w);
	slot = find_slot(w, s, len);
	if (!*slot) {
		array_grow(w->list, w->count, w->capacity);
		w->list[w->count++] = (struct word){ .s = s, .len = len };
		*slot = w->count;
	}
	return *slot - 1;
}

/* Whether one of the first @count tokens is one of the words. */
static bool has(const struct chunk *c, size_t count, const char *a, const char *b)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (token_is(&c->tokens[i], a) || token_is(&c->tokens[i], b))
			return true;
	return false;
}

/* Attributes by which something is made that nothing mentions. */
static bool has_emitting_attribute(const struct chunk *c)
{
	static const char *const words[] = { "used", "alias", "ifunc", "constructor", "destructor", "weakref",
					     "symver" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		_cleanup_free_ char *reserved = xasprintf("__%s__", words[i]);

		if (has(c, c->count, words[i], reserved))
			return true;
	}
	return false;
}

/* Words that a parenthesis follows and that are no function's name. */
static bool is_operator(const struct token *t)
{
	static const char *const words[] = { "__attribute__", "__attribute", "typeof", "__typeof__", "__typeof",
					     "asm", "__asm__", "__asm", "_Alignas", "int", "char", "long", "short",
					     "void", "unsigned", "signed", "_Bool", "__auto_type" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (token_is(t, words[i]))
			return true;
	return false;
}

/* Whether the declaration, which ends in a semicolon, is one of a function: "int f(int);". */
static bool is_prototype(const struct chunk *c)
{
	int depth = 0, parens = 0;
	size_t i;

	for (i = 0; i + 1 < c->count; i++) {
		const struct token *t = &c->tokens[i], *next = t + 1;

		depth += strchr("{[", t->kind) ? 1 : strchr("}]", t->kind) ? -1 : 0;
		parens += t->kind == '(' ? 1 : t->kind == ')' ? -1 : 0;
		if (depth || parens)
			continue;
		if (t->kind == ',')
			return false;
		if (t->kind == 'i' && next->kind == '(' && !is_operator(t) && i + 2 < c->count)
			return c->tokens[i + 2].kind != '*' && c->tokens[i + 2].kind != '(';
	}
	return false;
}

/* "struct s { ... };", where attributes may stand, but nothing is declared. */
static bool is_only_type(const struct chunk *c)
{
	int parens = 0, depth = 0;
	bool braces = false;
	size_t i;

	if (!token_is(&c->tokens[0], "struct") && !token_is(&c->tokens[0], "union") &&
	    !token_is(&c->tokens[0], "enum"))
		return false;
	for (i = 1; i < c->count; i++) {
		const struct token *t = &c->tokens[i];

		parens += t->kind == '(' ? 1 : t->kind == ')' ? -1 : 0;
		depth += t->kind == '{' ? 1 : t->kind == '}' ? -1 : 0;
		braces |= t->kind == '}' && !depth;
		if (braces && !parens && !strchr("});", t->kind) && !token_is(t, "__attribute__"))
			return false;
	}
	/* "struct s;" */
	return braces || c->count <= 3;
}

/* "= value" outside of braces and parentheses. */
static bool has_value(const struct chunk *c)
{
	int nesting = 0;
	size_t i;

	for (i = 0; i < c->count; i++) {
		nesting += strchr("({", c->tokens[i].kind) ? 1 : strchr(")}", c->tokens[i].kind) ? -1 : 0;
		if (!nesting && c->tokens[i].kind == '=')
			return true;
	}
	return false;
}

/* "static inline int f(void) {": not by what stands in the body, as "asm inline". */
static bool is_inline(const struct chunk *c)
{
	size_t head = 0;

	while (head < c->count && c->tokens[head].kind != '{')
		head++;
	return has(c, head, "static", "extern") &&
	       (has(c, head, "inline", "__inline__") || has(c, head, "__inline", "__inline"));
}

/* Whether code or data may come from the chunk, also where nothing mentions it. */
static bool emits(const struct chunk *c)
{
	const struct token *first = &c->tokens[0], *last = &c->tokens[c->count - 1];

	if (c->directive || has_emitting_attribute(c))
		return true;
	if (last->kind == '}')
		return !is_inline(c);
	if (last->kind != ';')
		return true;
	if (token_is(first, "typedef") || token_is(first, "_Static_assert") || c->count == 1)
		return false;
	if (has_value(c))
		return true;
	return !is_only_type(c) && !is_prototype(c) && !token_is(first, "extern");
}

static void add_word(struct text *t, struct words *words, const struct token *token)
{
	array_grow(t->words, t->word_count, t->word_capacity);
	t->words[t->word_count++] = word_number(words, token->s, token->len);
}

static uint64_t hash_token(uint64_t hash, const struct token *t)
{
	return hash_bytes(hash_bytes(hash, t->s, t->len), "\n", 1);
}

static void add_piece(struct text *t, struct words *words, const struct chunk *c)
{
	const struct token *last = &c->tokens[c->count - 1];
	struct piece piece = { .hash = HASH_START, .start = c->tokens[0].s, .first = t->word_count };
	size_t i;

	for (i = 0; i < c->count; i++) {
		piece.hash = hash_token(piece.hash, &c->tokens[i]);
		if (c->tokens[i].kind == 'i')
			add_word(t, words, &c->tokens[i]);
	}
	/* Of #pragma inside of a declaration. */
	for (i = 0; i < c->condition_count; i++) {
		piece.hash = hash_token(piece.hash, &c->conditions[i]);
		add_word(t, words, &c->conditions[i]);
	}
	piece.len = last->s + last->len - piece.start;
	piece.count = t->word_count - piece.first;
	piece.emits = emits(c);
	piece.announces = c->count == 3 && (token_is(&c->tokens[0], "struct") || token_is(&c->tokens[0], "union")) &&
			  c->tokens[1].kind == 'i' && c->tokens[2].kind == ';';
	array_grow(t->pieces, t->count, t->capacity);
	t->pieces[t->count++] = piece;
}

/* "# 1 "file"". */
static bool is_line_marker(const struct chunk *c)
{
	return c->directive && (c->count < 3 || isdigit((unsigned char)*c->tokens[1].s) ||
				token_is(&c->tokens[1], "line"));
}

static void read_text(struct text *t, struct words *words, const char *s)
{
	struct scanner scanner = { .p = s, .line = 1, .line_start = true };
	struct chunk c = { 0 };

	while (chunk_next(&scanner, &c))
		if (!is_line_marker(&c))
			add_piece(t, words, &c);
	chunk_fini(&c);
}

static int hash_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Marks the pieces of @t of which @other has no equal, and those that need none. */
static void mark_changed(struct text *t, const struct text *other)
{
	_cleanup_free_ uint64_t *hashes = xcalloc(other->count + 1, sizeof(*hashes));
	size_t i;

	for (i = 0; i < other->count; i++)
		hashes[i] = other->pieces[i].hash;
	qsort(hashes, other->count, sizeof(*hashes), hash_order);
	for (i = 0; i < t->count; i++)
		t->pieces[i].affected = t->pieces[i].announces ||
					!bsearch(&t->pieces[i].hash, hashes, other->count, sizeof(*hashes),
						 hash_order);
}

/* Whether the pieces that are not marked are the same in the same order. */
static bool rest_is_equal(const struct text *a, const struct text *b)
{
	size_t i = 0, k = 0;

	for (;;) {
		while (i < a->count && a->pieces[i].affected)
			i++;
		while (k < b->count && b->pieces[k].affected)
			k++;
		if (i == a->count || k == b->count)
			return i == a->count && k == b->count;
		if (a->pieces[i++].hash != b->pieces[k++].hash)
			return false;
	}
}

/* Marks the words that @piece declares; false where it declares something that cannot be told. */
static bool affect(struct words *words, const struct piece *piece)
{
	static const struct line_range all = { 1, ULONG_MAX };
	_cleanup_free_ char *text = xstrndup(piece->start, piece->len);
	struct defined d = { 0 };
	bool whole = false, includes = false, known;
	size_t i;

	names_of_ranges(text, &all, 1, &d, &whole, &includes);
	for (i = 0; i < d.names.count; i++) {
		uint32_t slot = *find_slot(words, d.names.list[i], strlen(d.names.list[i]));

		if (slot)
			words->list[slot - 1].affected = true;
	}
	known = !whole && !includes && !d.calls.count;
	defined_fini(&d);
	return known;
}

static bool is_affected(const struct text *t, const struct piece *piece, const struct words *words)
{
	size_t i;

	for (i = piece->first; i < piece->first + piece->count; i++)
		if (words->list[t->words[i]].affected)
			return true;
	return false;
}

/* Marks what mentions a marked word; true where that makes code, else *@more tells whether any was new. */
static bool spread(struct text *t, struct words *words, bool *more)
{
	size_t i;

	for (i = 0; i < t->count; i++) {
		struct piece *piece = &t->pieces[i];

		if (piece->affected || !is_affected(t, piece, words))
			continue;
		piece->affected = true;
		*more = true;
		if (piece->emits || !affect(words, piece))
			return true;
	}
	return false;
}

static bool changes_matter(struct text *a, struct text *b, struct words *words)
{
	struct text *texts[] = { a, b };
	bool more = true;
	size_t i, k;

	for (k = 0; k < 2; k++)
		for (i = 0; i < texts[k]->count; i++)
			if (texts[k]->pieces[i].affected && !texts[k]->pieces[i].announces &&
			    (texts[k]->pieces[i].emits || !affect(words, &texts[k]->pieces[i])))
				return true;
	while (more) {
		more = false;
		if (spread(a, words, &more) || spread(b, words, &more))
			return true;
	}
	return false;
}

static void text_fini(struct text *t)
{
	free(t->pieces);
	free(t->words);
}

static bool compare(const char *pre, const char *post, bool equality)
{
	struct text a = { 0 }, b = { 0 };
	struct words words = { 0 };
	bool differ;

	grow_slots(&words);
	read_text(&a, &words, pre);
	read_text(&b, &words, post);
	if (!equality) {
		mark_changed(&a, &b);
		mark_changed(&b, &a);
	}
	differ = !rest_is_equal(&a, &b) || changes_matter(&a, &b, &words);
	text_fini(&a);
	text_fini(&b);
	free(words.list);
	free(words.slots);
	return differ;
}

bool preprocessed_equal(const char *pre, const char *post)
{
	return !compare(pre, post, true);
}

bool preprocessed_may_differ(const char *pre, const char *post)
{
	return compare(pre, post, false);
}
