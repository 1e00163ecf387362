// SPDX-License-Identifier: GPL-2.0
#include "build/chunks.h"

#include "util/memory.h"

#include <ctype.h>
#include <string.h>

bool token_is(const struct token *t, const char *word)
{
	return t->len == strlen(word) && !strncmp(t->s, word, t->len);
}

static bool is_in(const struct token *t, const char *const *words, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (token_is(t, words[i]))
			return true;
	return false;
}

bool token_is_keyword(const struct token *t)
{
	static const char *const words[] = {
		"static", "inline", "extern", "const", "volatile", "void", "char", "short", "int",
		"long", "unsigned", "signed", "struct", "union", "enum", "typedef", "return",
		"if", "else", "for", "while", "do", "switch", "case", "default", "break", "continue",
		"goto", "sizeof", "typeof", "__typeof__", "asm", "__asm__", "__volatile__",
		"__attribute__", "__printf", "__scanf", "__acquires", "__releases", "__must_hold",
		"__aligned", "__section", "__alias", "__malloc", "__alloc_size", "__cond_acquires",
		"__no_sanitize", "__nonnull", "_Static_assert", "static_assert", "__packed",
		"__always_inline", "noinline", "__init", "__exit", "__user", "__rcu", "__iomem",
		"__must_check", "__read_mostly", "__percpu", "__force", "__maybe_unused", "__cold",
		"__pure",
	};

	return is_in(t, words, ARRAY_SIZE(words));
}

bool token_is_common(const struct token *t)
{
	static const char *const words[] = {
		"bool", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "size_t", "NULL",
		"true", "false", "TP_PROTO", "TP_ARGS", "TP_STRUCT__entry", "TP_fast_assign",
		"TP_printk", "__entry", "__field", "__array", "__string", "__get_str", "__be16",
		"__be32", "__be64", "__le16", "__le32", "__le64", "__u8", "__u16", "__u32", "__u64",
		"__s8", "__s16", "__s32", "__s64", "atomic_t", "refcount_t", "spinlock_t", "ssize_t",
		"loff_t", "gfp_t", "dma_addr_t", "phys_addr_t", "list_head", "device", "mutex",
	};

	return token_is_keyword(t) || is_in(t, words, ARRAY_SIZE(words));
}

static const char *skip_string(const char *p)
{
	char quote = *p++;

	while (*p && *p != quote && *p != '\n')
		p += *p == '\\' && p[1] ? 2 : 1;
	return *p == quote ? p + 1 : p;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The next token; the end of a directive is a token '\n'.  False at the end of the text. */
static bool next_token(struct scanner *s, struct token *t)
{
	for (;;) {
		const char *p = s->p;

		if (!*p)
			return false;
		if (*p == '\n') {
			s->line++;
			s->p++;
			s->line_start = true;
			if (s->in_directive) {
				s->in_directive = false;
				*t = (struct token){ p, 1, '\n', s->line - 1 };
				return true;
			}
		} else if (*p == '\\' && p[1] == '\n') {
			s->line++;
			s->p += 2;
		} else if (isspace((unsigned char)*p)) {
			s->p++;
		} else if (p[0] == '/' && p[1] == '*') {
			for (s->p += 2; *s->p && (s->p[0] != '*' || s->p[1] != '/'); s->p++)
				s->line += *s->p == '\n';
			s->p += *s->p ? 2 : 0;
		} else if (p[0] == '/' && p[1] == '/') {
			s->p += strcspn(s->p, "\n");
		} else {
			break;
		}
	}
	*t = (struct token){ s->p, 1, *s->p, s->line };
	if (*s->p == '#' && s->line_start) {
		s->in_directive = true;
	} else if (*s->p == '"' || *s->p == '\'') {
		t->kind = '0';
		t->len = skip_string(s->p) - s->p;
	} else if (is_word(*s->p)) {
		t->kind = isdigit((unsigned char)*s->p) ? '0' : 'i';
		for (t->len = 0; is_word(s->p[t->len]);)
			t->len++;
	} else if (*s->p == '#') {
		t->kind = '0';
	}
	s->p += t->len;
	s->line_start = false;
	return true;
}

static void add_token(struct chunk *c, struct token t)
{
	array_grow(c->tokens, c->count, c->capacity);
	c->tokens[c->count++] = t;
}

/* "NAME(...)" with nothing behind it on the line, as in lists of LSM_HOOK() or EXPORT_SYMBOL(). */
static bool macro_ends(const struct scanner *s, const struct chunk *c)
{
	struct scanner ahead = *s;
	struct token t;

	if (c->count < 3 || c->tokens[0].kind != 'i' || c->tokens[1].kind != '(' ||
	    token_is_common(&c->tokens[0]))
		return false;
	return !next_token(&ahead, &t) || (t.line > c->last && !strchr(";{=", t.kind));
}

bool token_is_tag(const struct token *t)
{
	return token_is(t, "struct") || token_is(t, "union") || token_is(t, "enum");
}

size_t chunk_skip_parens(const struct chunk *c, size_t i)
{
	int depth = 0;

	for (; i < c->count; i++) {
		depth += c->tokens[i].kind == '(' ? 1 : c->tokens[i].kind == ')' ? -1 : 0;
		if (!depth)
			return i + 1;
	}
	return i;
}

size_t chunk_skip_attributes(const struct chunk *c, size_t i)
{
	while (i < c->count && c->tokens[i].kind == 'i' && *c->tokens[i].s == '_') {
		i++;
		if (i < c->count && c->tokens[i].kind == '(')
			i = chunk_skip_parens(c, i);
	}
	return i;
}

const struct token *chunk_type_of_brace(const struct chunk *c, size_t brace)
{
	/* No declaration has more than this between the word and the brace. */
	size_t i = brace > 64 ? brace - 64 : 0, behind;

	for (; i < brace; i++) {
		if (!token_is_tag(&c->tokens[i]))
			continue;
		behind = chunk_skip_attributes(c, i + 1);
		if (behind < brace && c->tokens[behind].kind == 'i')
			behind = chunk_skip_attributes(c, behind + 1);
		if (behind == brace)
			return &c->tokens[i];
	}
	return NULL;
}

/* Keeps the names that a conditional inside of a declaration depends on; it is passed over otherwise. */
static void read_condition(struct scanner *s, struct chunk *c)
{
	struct token t;

	while (s->in_directive && next_token(s, &t)) {
		if (t.kind != 'i')
			continue;
		array_grow(c->conditions, c->condition_count, c->condition_capacity);
		c->conditions[c->condition_count++] = t;
	}
}

/* ".macro NAME" up to ".endm", in headers for assembly. */
static bool is_assembler_macro(const struct chunk *c)
{
	return c->count > 1 && c->tokens[0].kind == '.' && token_is(&c->tokens[1], "macro");
}

static bool assembler_macro_ends(const struct chunk *c)
{
	return c->tokens[c->count - 2].kind == '.' && token_is(&c->tokens[c->count - 1], "endm");
}

bool chunk_next(struct scanner *s, struct chunk *c)
{
	int depth = 0, parens = 0;
	bool call = false, assigned = false, type = false;
	const char *start = s->p;
	struct token t;

	c->count = c->condition_count = 0;
	c->directive = false;
	while (next_token(s, &t)) {
		if (t.kind == '#' && !c->count) {
			c->directive = true;
		} else if (s->in_directive && !c->directive && t.kind == '#') {
			read_condition(s, c);
			continue;
		}
		if (!c->count)
			c->first = t.line;
		c->last = t.line;
		add_token(c, t);
		if (c->directive) {
			if (t.kind == '\n')
				return true;
			continue;
		}
		if (is_assembler_macro(c)) {
			if (assembler_macro_ends(c))
				return true;
			continue;
		}
		/* A brace in the first column ends whatever #ifdef made of those before. */
		if (t.kind == '}' && s->p - 2 >= start && s->p[-2] == '\n') {
			depth = 1;
			parens = 0;
		}
		parens += t.kind == '(' ? 1 : t.kind == ')' ? -1 : 0;
		if (t.kind == ')' && !parens && !depth && macro_ends(s, c))
			return true;
		call |= t.kind == '(' && !depth;
		assigned |= t.kind == '=' && !depth && !parens;
		if (t.kind == '{' && !depth++)
			type = chunk_type_of_brace(c, c->count - 1) != NULL;
		if (t.kind == '}' && --depth <= 0 && call && !assigned && !type && parens <= 0)
			return true;
		if (t.kind == ';' && depth <= 0 && parens <= 0)
			return true;
	}
	return c->count > 0;
}

void chunk_fini(struct chunk *c)
{
	free(c->tokens);
	free(c->conditions);
	*c = (struct chunk){ 0 };
}

bool chunk_is(const struct chunk *c, const char *word)
{
	return c->directive && c->count > 1 && token_is(&c->tokens[1], word);
}
