// SPDX-License-Identifier: GPL-2.0
/* The texts of kallsyms and modules, and the headers of kcore: the first byte tells which of them the rest is. */
#include "live/parse.h"
#include "util/memory.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_symbols(char *text, size_t size)
{
	struct symbol_table table;
	struct error *err = symbol_table_parse(text, size, &table);
	const struct live_symbol *s;
	uint32_t i;

	for (i = 0; !err && i < table.count; i++) {
		if (i && table.symbols[i - 1].addr > table.symbols[i].addr)
			abort();
		for (s = NULL; (s = symbol_table_find(&table, table.symbols[i].name, s));)
			if (s == &table.symbols[i])
				break;
		if (!s)
			abort();
	}
	error_free(err);
	symbol_table_free(&table);
}

static void try_modules(char *text, size_t size)
{
	struct live_module *modules;
	size_t count, i;
	struct error *err = modules_parse(text, size, &modules, &count);

	for (i = 0; !err && i < count; i++)
		if (!modules[i].name[0] || !modules[i].state[0] || modules[i].refcount < -1)
			abort();
	error_free(err);
	free(modules);
}

static void try_kcore(const void *data, size_t size)
{
	struct kcore_segment *segments;
	size_t count, i;
	struct error *err = kcore_parse(data, size, &segments, &count);

	for (i = 0; !err && i < count; i++)
		if (!segments[i].size || segments[i].addr + (segments[i].size - 1) < segments[i].addr)
			abort();
	error_free(err);
	free(segments);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = NULL;

	if (!size)
		return 0;
	text = xmalloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] % 3 == 0)
		try_symbols(text, size - 1);
	else if (data[0] % 3 == 1)
		try_modules(text, size - 1);
	else
		try_kcore(text, size - 1);
	return 0;
}
