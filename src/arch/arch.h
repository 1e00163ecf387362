/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the stages ask of an architecture.  One folder beside this file
 * implements it for each.
 */
#ifndef KMEND_ARCH_ARCH_H
#define KMEND_ARCH_ARCH_H

#include "object/object.h"

/* Bytes that a relocation of this type writes; 0 for one that is not known. */
unsigned int arch_reloc_size(uint32_t type);

/* The type of a relocation that writes a 64-bit address. */
uint32_t arch_reloc_address(void);

/*
 * The address that the linked @field, which is at @field_addr, refers to: that
 * of @rel's target (or symbol) plus its delta.
 */
uint64_t arch_reloc_target(const struct reloc *rel, const uint8_t *field, uint64_t field_addr);

/*
 * Whether a call or jump at @text, five bytes that run at @addr, goes to where
 * the kernel may have made thunks for indirect branches, and where.
 */
bool arch_thunk_target(const uint8_t *text, uint64_t addr, uint64_t *target);

/* Whether the @size bytes at the start of a page are those of one with such thunks. */
bool arch_is_thunk_page(const uint8_t *page, size_t size);

/*
 * Whether code begins with a jump to other code, behind nothing but what marks
 * the start of a function and its ftrace site, and where it goes.  @text: the
 * ARCH_ENTRY_SIZE bytes that run at @addr.
 */
#define ARCH_ENTRY_SIZE 16
bool arch_entry_jump(const uint8_t *text, uint64_t addr, uint64_t *target);

/* Whether @size bytes of text are nothing but the filling between functions. */
bool arch_is_padding(const uint8_t *text, size_t size);

/* Whether a relocation of this type reaches all that a module refers to. */
bool arch_reloc_is_far(uint32_t type);

/*
 * Whether objtool did its work on the module @ko: it gives up with a warning
 * where it does not understand something, and the kernel would then run returns
 * that it was to rewrite.
 */
bool arch_module_is_complete(const struct object *ko);

/*
 * Makes up relocations (section_add_reloc()) for the instructions of @sec, a
 * text section, that refer to another atom of it without one.
 */
void arch_find_branches(struct section *sec);

/*
 * Sets the bias of every relocation of @sec, a text section, and whether it is
 * a branch: a value relative to the program counter counts from the end of its
 * instruction.
 */
struct error *arch_reloc_biases(struct object *obj, struct section *sec);

/*
 * The tables that the kernel keeps about code, one entry for each place.  The
 * first relocation of an entry points to the place: the atom there owns it.
 */
enum arch_table_kind {
	ARCH_TABLE_PLAIN,	/* kept with the code that owns the entry */
	ARCH_TABLE_ALTERNATIVE,	/* its second relocation is a piece of replacement code */
	ARCH_TABLE_DERIVED,	/* kept, made by objtool or the assembler from the code: not compared */
	ARCH_TABLE_UNWIND,	/* as derived; entry i belongs to entry i of the section @with */
	ARCH_TABLE_CONSTANT,	/* places that the value of a variable is written to at boot, see arch_constant() */
};

struct arch_table {
	const char *section;		/* ARCH_TABLE_CONSTANT: how its name begins, the variable's name follows */
	enum arch_table_kind kind;
	unsigned int relocs;	/* in each entry; gives the entries' size, which differs by kernel */
	const char *with;
};

extern const struct arch_table arch_tables[];
extern const size_t arch_table_count;

/*
 * The bytes that the kernel writes at boot to the places in a table of kind
 * ARCH_TABLE_CONSTANT: so many as @size of the start of its variable.
 */
const char *arch_constant(const struct arch_table *table, const struct section *sec, unsigned int *size);

/* The length in bytes of the replacement code of an alternative's entry of @size bytes; -1: unknown format. */
int arch_alternative_length(const uint8_t *entry, size_t size);

/* The length of the code that it replaces; -1: unknown format. */
int arch_alternative_original(const uint8_t *entry, size_t size);

#endif
