/* SPDX-License-Identifier: GPL-2.0 */
/* The entries of the kernel's tables about code, by the atom they speak of. */
#ifndef KMEND_OBJECT_TABLES_H
#define KMEND_OBJECT_TABLES_H

#include "arch/arch.h"
#include "object/object.h"

struct table_entry {
	const struct arch_table *table;
	const struct section *section;
	uint64_t offset;		/* in the section */
	uint64_t size;			/* bytes */
	const struct reloc *relocs;	/* table->relocs of them */
	const struct atom *owner;	/* the atom that the first relocation points into */
};

struct tables {
	struct table_entry *entries;	/* sorted by owner, then as they stand in the object */
	size_t count;
};

/*
 * Cuts the tables of @obj into entries.
 * Errors: refusal TABLE-UNKNOWN where a table has not the form that this
 * program knows.
 */
struct error *tables_read(const struct object *obj, struct tables **out) __must_use;
void tables_free(struct tables *t);

/* The entries that @owner owns: the first, and how many; NULL where none. */
const struct table_entry *tables_of(const struct tables *t, const struct atom *owner, size_t *count);

/* Whether the section is one of the tables, or goes with one. */
bool section_is_table(const struct section *sec);

/* The table that the section is, or NULL. */
const struct arch_table *section_table(const struct section *sec);

#endif
