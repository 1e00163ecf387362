// SPDX-License-Identifier: GPL-2.0
/* Objects as an enemy may put them into a pack: the ELF layer, and the tables about code. */
#include "object/object.h"
#include "object/tables.h"
#include "util/memory.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What every user of an object relies on. */
static void check_atoms(const struct object *obj)
{
	size_t i, k;

	for (i = 0; i < obj->atom_count; i++) {
		const struct atom *a = &obj->atoms[i];

		if (a->start > a->end || a->end > a->section->size || a->index != i)
			abort();
		for (k = 0; k < a->reloc_count; k++)
			if (a->relocs[k].offset < a->start || a->relocs[k].offset >= a->end)
				abort();
		if (strlen(atom_name(a)) > obj->image_size)
			abort();
	}
}

static void check_tables(const struct object *obj)
{
	struct tables *t;
	struct error *err = tables_read(obj, &t);
	size_t i;

	if (err) {
		error_free(err);
		return;
	}
	for (i = 0; i < t->count; i++)
		if (t->entries[i].offset + t->entries[i].size > t->entries[i].section->size)
			abort();
	tables_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object *obj;
	struct error *err = object_parse(xmemdup(data, size), size, "fuzz.o", &obj);

	if (err) {
		error_free(err);
		return 0;
	}
	check_atoms(obj);
	check_tables(obj);
	object_free(obj);
	return 0;
}
