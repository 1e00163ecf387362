// SPDX-License-Identifier: GPL-2.0
#include "live/parse.h"
#include "util/memory.h"

#include <string.h>

/* Far more than any kernel has, and few enough for 32-bit indexes. */
#define SYMBOLS_MAX (1u << 26)

/* A hex digit's value plus one; 0 for any other byte. */
static const unsigned char hex_value[256] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static size_t count_lines(const char *text, size_t size)
{
	const char *end = text + size, *p = text;
	size_t lines = 0;

	while (p < end) {
		p = memchr(p, '\n', end - p);
		lines++;
		if (!p)
			break;
		p++;
	}
	return lines;
}

/* Reads up to 16 digits at @p; returns where they end, NULL where there are none or too many. */
static char *parse_addr(char *p, uint64_t *addr)
{
	char *start = p;
	uint64_t value = 0;
	int digit;

	while ((digit = hex_value[(unsigned char)*p])) {
		value = value << 4 | (digit - 1);
		p++;
	}
	*addr = value;
	return p > start && p - start <= 16 ? p : NULL;
}

/*
 * Reads "ADDRESS TYPE NAME" or "ADDRESS TYPE NAME\t[MODULE]" at @line, which
 * ends with a NUL.
 */
static bool parse_line(char *line, struct live_symbol *sym)
{
	char *p = parse_addr(line, &sym->addr), *end;

	if (!p || p[0] != ' ' || !p[1] || p[2] != ' ')
		return false;
	sym->type = p[1];
	sym->name = p + 3;
	sym->module = "";
	for (p = p + 3; *p && *p != '\t'; p++)
		;
	if (p == sym->name)
		return false;
	if (!*p)
		return true;
	*p = '\0';
	end = p + 1 + strlen(p + 1);
	if (p[1] != '[' || end - p < 4 || end[-1] != ']')
		return false;
	sym->module = p + 2;
	end[-1] = '\0';
	return true;
}

/*
 * What a module refers to is listed with it until its init is over, at the
 * addresses of what it is bound to (add_kallsyms() keeps all of its symbols).
 */
static bool is_reference(const struct live_symbol *sym)
{
	return sym->type == 'u' || sym->type == 'U';
}

static struct error *parse_lines(char *text, size_t size, struct symbol_table *table)
{
	char *line = text, *end = text + size, *newline;

	for (; line < end; line = newline + 1) {
		newline = memchr(line, '\n', end - line);
		if (!newline)
			newline = end;
		*newline = '\0';
		if (!parse_line(line, &table->symbols[table->count]))
			return system_error(0, "kallsyms: line %u is not a symbol",
					    table->count + 1);
		if (!is_reference(&table->symbols[table->count]))
			table->count++;
	}
	return NULL;
}

/* By address; the names lie in the text in the order of its lines, and break ties. */
static int compare_symbols(const void *a, const void *b)
{
	const struct live_symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

/*
 * The kernel lists vmlinux by address, then the modules in no order: sort
 * only what follows the part that is sorted, and merge.
 */
static void sort_by_address(struct symbol_table *table)
{
	struct live_symbol *syms = table->symbols, *tail;
	size_t sorted = 1, left, right, out = table->count;

	while (sorted < table->count && syms[sorted - 1].addr <= syms[sorted].addr)
		sorted++;
	if (sorted >= table->count)
		return;
	right = table->count - sorted;
	qsort(syms + sorted, right, sizeof(*syms), compare_symbols);
	tail = xmemdup(syms + sorted, right * sizeof(*syms));
	for (left = sorted; right;) {
		if (left && compare_symbols(&syms[left - 1], &tail[right - 1]) > 0)
			syms[--out] = syms[--left];
		else
			syms[--out] = tail[--right];
	}
	free(tail);
}

/* FNV-1a, 32 bits. */
static uint32_t hash_name(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash;
}

/* From the last to the first, so that each chain ascends. */
static void index_by_name(struct symbol_table *table)
{
	uint32_t heads = 1024, i, *head;

	while (heads < table->count)
		heads *= 2;
	table->hash_mask = heads - 1;
	table->heads = xmalloc_large((heads + table->count) * sizeof(*table->heads));
	memset(table->heads, 0, heads * sizeof(*table->heads));
	table->next = table->heads + heads;
	for (i = table->count; i > 0; i--) {
		head = &table->heads[hash_name(table->symbols[i - 1].name) & table->hash_mask];
		table->next[i - 1] = *head;
		*head = i;
	}
}

struct error *symbol_table_parse(char *text, size_t size, struct symbol_table *table)
{
	size_t lines = count_lines(text, size);

	*table = (struct symbol_table){ 0 };
	if (lines > SYMBOLS_MAX)
		return system_error(0, "kallsyms: more than %u symbols", SYMBOLS_MAX);
	if (memchr(text, '\0', size))
		return system_error(0, "kallsyms: not a text");
	table->symbols = xmalloc_large(lines * sizeof(*table->symbols));
	TRY(parse_lines(text, size, table));
	sort_by_address(table);
	index_by_name(table);
	return NULL;
}

void symbol_table_free(struct symbol_table *table)
{
	free(table->symbols);
	free(table->heads);
	*table = (struct symbol_table){ 0 };
}

bool symbol_table_hidden(const struct symbol_table *table)
{
	/* They are sorted: the last is the greatest. */
	return !table->count || !table->symbols[table->count - 1].addr;
}

const struct live_symbol *symbol_table_find(const struct symbol_table *table, const char *name,
					    const struct live_symbol *prev)
{
	uint32_t i = prev ? table->next[prev - table->symbols]
			  : table->heads[hash_name(name) & table->hash_mask];

	for (; i; i = table->next[i - 1])
		if (!strcmp(table->symbols[i - 1].name, name))
			return &table->symbols[i - 1];
	return NULL;
}
