// SPDX-License-Identifier: GPL-2.0
#include "object/tables.h"

#include "util/memory.h"

#include <string.h>

const struct arch_table *section_table(const struct section *sec)
{
	size_t i;

	for (i = 0; i < arch_table_count; i++) {
		const struct arch_table *t = &arch_tables[i];

		if (t->kind == ARCH_TABLE_CONSTANT ?
			    !strncmp(sec->name, t->section, strlen(t->section)) :
			    !strcmp(sec->name, t->section))
			return t;
	}
	return NULL;
}

bool section_is_table(const struct section *sec)
{
	size_t i;

	for (i = 0; i < arch_table_count; i++)
		if (arch_tables[i].with && !strcmp(sec->name, arch_tables[i].with))
			return true;
	return section_table(sec) != NULL;
}

static struct error *unknown(const struct object *obj, const struct section *sec)
{
	return refuse("TABLE-UNKNOWN", "%s: the entries of %s do not have a form that is known",
		      obj->name, sec->name);
}

static struct error *read_table(const struct object *obj, const struct section *sec,
				const struct arch_table *table, struct tables *t, size_t *capacity)
{
	size_t count = sec->reloc_count / table->relocs, i, k;
	uint64_t size;

	if (!sec->size)
		return NULL;
	if (!sec->data || !count || sec->reloc_count % table->relocs || sec->size % count)
		return unknown(obj, sec);
	size = sec->size / count;
	for (i = 0; i < count; i++) {
		const struct reloc *relocs = &sec->relocs[i * table->relocs];
		struct table_entry *e;

		for (k = 0; k < table->relocs; k++)
			if (relocs[k].offset / size != i ||
			    relocs[k].offset % size != sec->relocs[k].offset)
				return unknown(obj, sec);
		if (relocs[0].offset % size || !relocs[0].target)
			return unknown(obj, sec);
		if (table->kind == ARCH_TABLE_ALTERNATIVE &&
		    arch_alternative_length(sec->data + i * size, size) < 0)
			return unknown(obj, sec);
		array_grow(t->entries, t->count, *capacity);
		e = &t->entries[t->count++];
		*e = (struct table_entry){ table, sec, i * size, size, relocs, relocs[0].target };
	}
	return NULL;
}

static int entry_order(const void *a, const void *b)
{
	const struct table_entry *x = a, *y = b;

	if (x->owner->index != y->owner->index)
		return x->owner->index < y->owner->index ? -1 : 1;
	if (x->section->index != y->section->index)
		return x->section->index < y->section->index ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

struct error *tables_read(const struct object *obj, struct tables **out)
{
	struct tables *t = xcalloc(1, sizeof(*t));
	size_t i, capacity = 0;

	for (i = 0; i < obj->section_count; i++) {
		const struct arch_table *table = section_table(obj->sections[i]);
		struct error *err = table ? read_table(obj, obj->sections[i], table, t, &capacity) : NULL;

		if (err) {
			tables_free(t);
			return err;
		}
	}
	if (t->count)
		qsort(t->entries, t->count, sizeof(*t->entries), entry_order);
	*out = t;
	return NULL;
}

void tables_free(struct tables *t)
{
	if (!t)
		return;
	free(t->entries);
	free(t);
}

const struct table_entry *tables_of(const struct tables *t, const struct atom *owner, size_t *count)
{
	size_t lo = 0, hi = t->count, end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->entries[mid].owner->index < owner->index)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < t->count && t->entries[end].owner == owner;)
		end++;
	*count = end - lo;
	return *count ? &t->entries[lo] : NULL;
}
