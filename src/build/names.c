// SPDX-License-Identifier: GPL-2.0
#include "build/names.h"

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

/* Words that stand before a parenthesis, or alone, and name nothing. */
static bool is_noise(const char *s, size_t len)
{
	static const char *const words[] = {
		"static", "inline", "extern", "const", "volatile", "void", "char", "short", "int",
		"long", "unsigned", "signed", "bool", "struct", "union", "enum", "typedef", "return",
		"if", "else", "for", "while", "do", "switch", "case", "default", "break", "continue",
		"goto", "sizeof", "typeof", "__typeof__", "asm", "__asm__", "__volatile__",
		"__attribute__", "__printf", "__scanf", "__acquires", "__releases", "__must_hold",
		"__aligned", "__section", "__alias", "__malloc", "__alloc_size", "__cond_acquires",
		"__no_sanitize", "__nonnull", "_Static_assert", "static_assert", "__packed",
		"__always_inline", "noinline", "__init", "__exit", "__user", "__rcu", "__iomem",
		"__must_check", "__read_mostly", "__percpu", "__force", "__maybe_unused", "__cold",
		"__pure", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "size_t", "NULL",
		"true", "false", "TP_PROTO", "TP_ARGS", "TP_STRUCT__entry", "TP_fast_assign",
		"TP_printk", "__entry", "__field", "__array", "__string", "__get_str", "__be16",
		"__be32", "__be64", "__le16", "__le32", "__le64", "__u8", "__u16", "__u32", "__u64",
		"__s8", "__s16", "__s32", "__s64", "atomic_t", "refcount_t", "spinlock_t", "ssize_t",
		"loff_t", "gfp_t", "dma_addr_t", "phys_addr_t", "list_head", "device", "mutex",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i]) == len && !strncmp(words[i], s, len))
			return true;
	return false;
}

struct token {
	const char *s;
	size_t len;
	char kind;		/* 'i' identifier, '#' start of a directive, '0' other word, else itself */
	unsigned long line;
};

struct scanner {
	const char *p;
	unsigned long line;
	bool line_start;	/* only white space since the newline */
	bool in_directive;
};

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

/* One chunk, as its tokens. */
struct chunk {
	struct token *tokens;
	size_t count, capacity;
	bool directive;
	unsigned long first, last;	/* lines */
};

static void add_token(struct chunk *c, struct token t)
{
	array_grow(c->tokens, c->count, c->capacity);
	c->tokens[c->count++] = t;
}

static bool token_is(const struct token *t, const char *word)
{
	return t->len == strlen(word) && !strncmp(t->s, word, t->len);
}

/* "NAME(...)" with nothing behind it on the line, as in lists of LSM_HOOK() or EXPORT_SYMBOL(). */
static bool macro_ends(const struct scanner *s, const struct chunk *c)
{
	struct scanner ahead = *s;
	struct token t;

	if (c->count < 3 || c->tokens[0].kind != 'i' || c->tokens[1].kind != '(' ||
	    is_noise(c->tokens[0].s, c->tokens[0].len))
		return false;
	return !next_token(&ahead, &t) || (t.line > c->last && !strchr(";{=", t.kind));
}

/* Reads up to the end of a directive, of a function's body, or to the semicolon of a declaration. */
static bool next_chunk(struct scanner *s, struct chunk *c)
{
	int depth = 0, parens = 0;
	bool call = false, assigned = false;
	struct token t;

	c->count = 0;
	c->directive = false;
	while (next_token(s, &t)) {
		if (t.kind == '#' && !c->count)
			c->directive = true;
		else if (s->in_directive && !c->directive && t.kind == '#') {
			/* A conditional inside a declaration: passed over. */
			while (s->in_directive && next_token(s, &t))
				;
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
		parens += t.kind == '(' ? 1 : t.kind == ')' ? -1 : 0;
		if (t.kind == ')' && !parens && !depth && macro_ends(s, c))
			return true;
		call |= t.kind == '(' && !depth;
		assigned |= t.kind == '=' && !depth && !parens;
		if (t.kind == '{')
			depth++;
		if (t.kind == '}' && --depth <= 0 && call && !assigned && parens <= 0)
			return true;
		if (t.kind == ';' && depth <= 0 && parens <= 0)
			return true;
	}
	return c->count > 0;
}

static void add_name(struct names *out, const struct token *t)
{
	if (t->kind == 'i' && !is_noise(t->s, t->len))
		names_add(out, t->s, t->len);
}

/* What a directive defines; false where it is something else than a macro. */
static bool names_of_directive(const struct chunk *c, struct names *out)
{
	if (c->count < 3 || !(token_is(&c->tokens[1], "define") || token_is(&c->tokens[1], "undef")))
		return false;
	add_name(out, &c->tokens[2]);
	return true;
}

static bool has_lower_case(const struct token *t)
{
	size_t i;

	for (i = 0; i < t->len; i++)
		if (islower((unsigned char)t->s[i]))
			return true;
	return false;
}

/*
 * What a macro makes of an argument that is one word is not known, but for
 * TRACE_EVENT(name), which makes trace_name() (include/linux/tracepoint.h).
 */
static void add_argument(struct names *out, const struct token *t)
{
	_cleanup_free_ char *trace = xasprintf("trace_%.*s", (int)t->len, t->s);

	add_name(out, t);
	if (!is_noise(t->s, t->len))
		names_add(out, trace, strlen(trace));
}

static void names_of_declaration(const struct chunk *c, struct names *out)
{
	bool macro = c->count > 1 && c->tokens[0].kind == 'i' && c->tokens[1].kind == '(' &&
		     !is_noise(c->tokens[0].s, c->tokens[0].len);
	int depth = 0, parens = 0;
	bool in_enum = false;
	size_t i;

	for (i = 0; i < c->count; i++) {
		const struct token *t = &c->tokens[i];
		const struct token *next = i + 1 < c->count ? t + 1 : NULL;

		if (t->kind == '{')
			depth++;
		else if (t->kind == '}')
			depth--;
		else if (t->kind == '(')
			parens++;
		else if (t->kind == ')')
			parens--;
		in_enum |= token_is(t, "enum") && !depth && !parens;
		if (t->kind != 'i' || !next || (macro && !i))
			continue;
		if (!depth && !parens && strchr("(=[;,{", next->kind))
			add_name(out, t);
		else if (in_enum && depth == 1 && !parens && strchr(",=}", next->kind))
			add_name(out, t);
		else if (macro && parens == 1 && !depth && strchr(",)", next->kind) &&
			 strchr("(,", t[-1].kind) && has_lower_case(t))
			add_argument(out, t);
	}
}

static void names_of_chunk(const struct chunk *c, struct names *out)
{
	if (c->directive)
		names_of_directive(c, out);
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

void names_of_ranges(const char *text, const struct line_range *ranges, size_t count,
		     struct names *out, bool *whole)
{
	struct scanner s = { .p = text, .line = 1, .line_start = true };
	struct chunk c = { 0 };

	while (next_chunk(&s, &c)) {
		if (!overlaps(&c, ranges, count))
			continue;
		if (c.directive) {
			if (!names_of_directive(&c, out))
				*whole = true;
		} else {
			names_of_declaration(&c, out);
		}
	}
	free(c.tokens);
}

static bool mentions(const struct chunk *c, const struct names *used)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (c->tokens[i].kind == 'i' && names_has(used, c->tokens[i].s, c->tokens[i].len))
			return true;
	return false;
}

bool names_of_users(const char *text, const struct names *used, struct names *out)
{
	struct scanner s = { .p = text, .line = 1, .line_start = true };
	struct chunk c = { 0 };
	size_t before = out->count;

	while (next_chunk(&s, &c))
		if (mentions(&c, used))
			names_of_chunk(&c, out);
	free(c.tokens);
	return out->count > before;
}
