/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The text of a C file, cut into chunks: a preprocessor directive, a definition
 * or declaration at the outermost level, an assembler macro.
 */
#ifndef KMEND_BUILD_CHUNKS_H
#define KMEND_BUILD_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>

struct token {
	const char *s;		/* in the text, not ended by a NUL */
	size_t len;
	char kind;		/* 'i' identifier, '#' start of a directive, '0' other word, else itself */
	unsigned long line;
};

/* Starts as { .p = text, .line = 1, .line_start = true }. */
struct scanner {
	const char *p;
	unsigned long line;
	bool line_start;	/* only white space since the newline */
	bool in_directive;
};

/* Starts as zeros; chunk_fini() frees it. */
struct chunk {
	struct token *tokens;
	size_t count, capacity;
	struct token *conditions;	/* the identifiers of #if and #ifdef inside of a declaration */
	size_t condition_count, condition_capacity;
	bool directive;			/* its last token is '\n' */
	unsigned long first, last;	/* lines */
};

/* Reads the next chunk into @c; false at the end of the text. */
bool chunk_next(struct scanner *s, struct chunk *c);
void chunk_fini(struct chunk *c);

bool token_is(const struct token *t, const char *word);

/* Words of the language, and attributes: what no declaration declares. */
bool token_is_keyword(const struct token *t);

/* These, and the names of types and the like that are arguments of many macros. */
bool token_is_common(const struct token *t);

/* Whether the chunk is the directive @word. */
bool chunk_is(const struct chunk *c, const char *word);

/* Whether @t is struct, union or enum. */
bool token_is_tag(const struct token *t);

/* The index behind the parenthesis that the token @i opens. */
size_t chunk_skip_parens(const struct chunk *c, size_t i);

/*
 * The index behind the attributes at @i, by a macro or not: all that begin with
 * an underscore, as __read_mostly, __attribute__((...)), ____cacheline_aligned.
 */
size_t chunk_skip_attributes(const struct chunk *c, size_t i);

/* The struct, union or enum whose body the brace at @brace opens; NULL where it opens something else. */
const struct token *chunk_type_of_brace(const struct chunk *c, size_t brace);

#endif
