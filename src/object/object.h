/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ELF relocatable objects as sections, symbols, relocations and atoms.
 *
 * An atom is what the stages after this one compare, match and extract: the
 * bytes of one function or one variable, or of a part of a section that no
 * sized symbol covers.  Every byte of an allocated section belongs to exactly
 * one atom, but for the padding between them.  Compilation with
 * -ffunction-sections and -fdata-sections gives most atoms a section of their
 * own; those that the source puts into a named section (.noinstr.text,
 * .data..percpu) share one, which makes no difference to users of atoms.
 */
#ifndef KMEND_OBJECT_OBJECT_H
#define KMEND_OBJECT_OBJECT_H

#include "util/error.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OBJECT_MAX_SIZE (256ul << 20)	/* bytes of an object file that is read */

struct atom;
struct section;

struct symbol {
	const char *name;	/* never NULL, "" for section symbols */
	struct section *section; /* where it is defined; NULL where undefined, absolute or common */
	uint16_t shndx;		/* as in the file: SHN_UNDEF, SHN_ABS, SHN_COMMON or ordinary */
	uint64_t value;		/* offset in the section */
	uint64_t size;		/* bytes */
	uint8_t type;		/* STT_* */
	uint8_t bind;		/* STB_* */
	uint8_t other;
	struct atom *atom;	/* the atom it points into, NULL if none */
	size_t index;		/* place in object.symbols and in the file's table */
};

struct reloc {
	uint64_t offset;	/* in its section */
	uint32_t type;		/* R_X86_64_* */
	struct symbol *symbol;
	int64_t addend;
	/*
	 * Where it points, the processor's view: the address that the
	 * instruction or the data really refers to.  @target is NULL where the
	 * symbol is not defined here; @delta then counts from the symbol.
	 */
	struct atom *target;
	int64_t delta;		/* bytes from the atom's start, or from the symbol */
	int64_t bias;		/* delta = symbol's place + addend + bias: distance to the instruction's end */
	bool branch;		/* the target of a call or jump, never an address that is kept */
	bool access;		/* what an instruction reads or writes, its address not kept either */
	bool stored;		/* its address is written to memory, not on the stack */
};

/*
 * The assembler resolves a call of a local function in the same section and
 * leaves no relocation.  Where it leaves an atom one is made up, so that atoms
 * can be moved apart; its field is zero as that of any other.
 */
struct section {
	const char *name;
	uint32_t type;		/* SHT_* */
	uint64_t flags;		/* SHF_* */
	uint64_t align;
	uint64_t entsize;
	uint64_t size;		/* bytes */
	uint8_t *data;		/* NULL where SHT_NOBITS or empty */
	void *own_data;		/* a copy of them, where relocations were made up */
	struct reloc *relocs;	/* sorted by offset */
	size_t reloc_count, reloc_capacity;
	struct symbol start;	/* the section's own symbol in relocations that are made up */
	struct atom **atoms;	/* sorted by start */
	size_t atom_count;
	size_t index;		/* place in object.sections and in the file */
};

struct atom {
	struct section *section;
	uint64_t start;		/* offset in the section */
	uint64_t end;		/* behind the last byte */
	struct symbol *symbol;	/* what to call it by; NULL for a nameless part */
	struct reloc *relocs;	/* those inside, within section->relocs */
	size_t reloc_count;
	size_t index;		/* place in object.atoms */

	/* The comparison's own (diff/diff.h). */
	struct atom *twin;	/* the same thing in the other object */
	unsigned int state;
	const struct atom *against;	/* what it is being compared with */
};

struct object {
	char *name;		/* as in messages, "kernel/fork.o" */
	struct section **sections;
	size_t section_count;
	struct symbol **symbols;
	size_t symbol_count;
	struct atom *atoms;
	size_t atom_count;
	void *image;		/* the file's bytes; names and data point into it */
	size_t image_size;
	void *elf;		/* the library's handle, which names and data belong to */
};

/*
 * Reads the object in @image (@size bytes, taken over: freed with the object,
 * also on failure).  The content is checked as if it came from an enemy.
 * @name: for messages, copied.
 * Errors: refusal OBJECT-INVALID that says what is wrong.
 */
struct error *object_parse(void *image, size_t size, const char *name, struct object **obj) __must_use;

/* The same from a file. */
struct error *object_open(const char *path, const char *name, struct object **obj) __must_use;

void object_free(struct object *obj);

/* The section of this name (the first), or NULL. */
struct section *object_section(const struct object *obj, const char *name);

/* A symbol by its name, defined or not, not a section symbol; or NULL. */
struct symbol *object_symbol(const struct object *obj, const char *name);

/* The atom of @sec that holds @offset; the end of the section belongs to its last atom. */
struct atom *section_atom(const struct section *sec, uint64_t offset);

/* The atom that ends where @a begins, in the same section, or NULL. */
struct atom *atom_before(const struct atom *a);

/*
 * Makes up a relocation at @offset of @sec, to the section's own start plus
 * @addend, for src/arch; the relocations are to be sorted afterwards.
 */
void section_add_reloc(struct section *sec, uint64_t offset, uint32_t type, int64_t addend);

static inline uint64_t atom_size(const struct atom *a)
{
	return a->end - a->start;
}

static inline const uint8_t *atom_data(const struct atom *a)
{
	return a->section->data ? a->section->data + a->start : NULL;
}

/* Its name for messages; the section's where it has none. */
const char *atom_name(const struct atom *a);

static inline bool section_is_text(const struct section *s)
{
	return (s->flags & (SHF_ALLOC | SHF_EXECINSTR)) == (SHF_ALLOC | SHF_EXECINSTR);
}

static inline bool section_is_strings(const struct section *s)
{
	return (s->flags & (SHF_MERGE | SHF_STRINGS)) == (SHF_MERGE | SHF_STRINGS);
}

/* A function: an atom of text that has a name. */
bool atom_is_function(const struct atom *a);

/* What the code of @from calls after its relocation @rel; NULL where it calls nothing by name. */
const char *atom_next_call(const struct atom *from, const struct reloc *rel);

/* The part of a function that the compiler put elsewhere, as it hardly ever runs. */
bool atom_is_cold_part(const struct atom *a);

static inline bool symbol_is_undefined(const struct symbol *s)
{
	return s->shndx == SHN_UNDEF;
}

#endif
