/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The formats behind live.h, as functions over a buffer.  None trusts what it
 * reads; each returns a system error that names the line or field that is
 * wrong.
 */
#ifndef KMEND_LIVE_PARSE_H
#define KMEND_LIVE_PARSE_H

#include "live/live.h"

/* Symbols by address and by name. */
struct symbol_table {
	struct live_symbol *symbols;	/* sorted by address */
	uint32_t count;
	uint32_t *heads;		/* hash of a name: 1 + index of its first symbol, or 0 */
	uint32_t *next;			/* by symbol: 1 + index of the next with this hash, or 0; behind the heads */
	uint32_t hash_mask;
};

/*
 * Reads the text of /proc/kallsyms into *@table, to be given to
 * symbol_table_free() whatever is returned.  @text: @size bytes and a NUL
 * after them; it is cut into strings that the table points to.
 */
struct error *symbol_table_parse(char *text, size_t size, struct symbol_table *table) __must_use;
void symbol_table_free(struct symbol_table *table);

/* Whether every address is zero: what the kernel shows to those it trusts not. */
bool symbol_table_hidden(const struct symbol_table *table);

/* As live_find(), with the module NULL. */
const struct live_symbol *symbol_table_find(const struct symbol_table *table, const char *name,
					    const struct live_symbol *prev);

/*
 * Reads the text of /proc/modules, under the same conditions.  *@modules is to
 * be freed whatever is returned.
 */
struct error *modules_parse(char *text, size_t size, struct live_module **modules, size_t *count)
	__must_use;

/* A piece of memory that /proc/kcore offers (an ELF64 PT_LOAD segment). */
struct kcore_segment {
	uint64_t addr;
	uint64_t size;		/* bytes; addr + size does not overflow */
	uint64_t offset;	/* in the file; offset + size fits an off_t */
};

/* Bytes at the start of /proc/kcore that hold its headers, at most. */
#define KCORE_HEADERS_MAX (4u << 20)

/*
 * How many bytes of /proc/kcore the ELF header in its first @size bytes asks
 * for, to hold all headers: at most KCORE_HEADERS_MAX.
 */
struct error *kcore_headers_size(const void *data, size_t size, size_t *headers_size) __must_use;

/*
 * Reads the ELF header and the program headers from the first @size bytes of
 * /proc/kcore.  *@segments is to be freed whatever is returned; segments that
 * are empty or wrap around are left out.
 */
struct error *kcore_parse(const void *data, size_t size, struct kcore_segment **segments,
			  size_t *count) __must_use;

#endif
