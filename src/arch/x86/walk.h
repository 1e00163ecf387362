/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of the comparison: walk.c follows the code, forms.c knows what the kernel writes where. */
#ifndef KMEND_ARCH_X86_WALK_H
#define KMEND_ARCH_X86_WALK_H

#include "arch/walk.h"
#include "arch/x86/x86.h"

/* A branch inside the function, or another reference: where it goes in the object and in the running code. */
struct branch {
	uint64_t pre_target;
	uint64_t run_target;
	bool data;	/* what is there need not be an instruction */
};

/* The code that counts a call's depth, as the kernel keeps it; read when it is first needed. */
struct counting {
	uint8_t code[32];
	uint64_t addr;
	unsigned int size;	/* 0: this kernel has none */
	bool known;
};

struct walk {
	struct arch_walk *w;
	uint32_t *map;		/* by offset in the object: offset in the running code + 1 */
	struct branch *branches;
	size_t branch_count, branch_capacity;
	struct counting counting;
};

/* A place in the object's code and in the running code that should be the same. */
struct cursor {
	const struct atom *atom;	/* the function, or a piece of replacement code */
	uint64_t at;			/* offset in the atom */
	uint64_t run;			/* offset in the running function */
};

/* One instruction on each side. */
struct step {
	ZydisDecodedInstruction pre, run;
	const uint8_t *pre_bytes, *run_bytes;
	const struct reloc *relocs;	/* inside the instruction in the object */
	size_t reloc_count;
};

/* The outcome of trying a form: not such a place, equal (both sides stepped over it), or different. */
enum form { FORM_NONE, FORM_EQUAL, FORM_DIFFERENT };

/* Notes why the two differ; always false. */
bool walk_differs(struct walk *k, const struct cursor *c, const char *why);

/* @rel's target is at the address @target of the running code. */
bool walk_refer(struct walk *k, const struct reloc *rel, uint64_t target);

/* Where the code at @c goes on the running side, as an address. */
uint64_t walk_run_address(const struct walk *k, const struct cursor *c);

/*
 * The function that a call of the address @target of the running code is of:
 * what follows, where the kernel put code there that counts the call.
 */
uint64_t walk_called(struct walk *k, uint64_t target);

/* Compares [c->at, end) of the atom, whole instructions; filling instructions on both sides are passed over. */
bool walk_filled(struct walk *k, struct cursor *c, uint64_t end, uint64_t run_end);

/* One instruction that no table speaks of. */
bool walk_instruction(struct walk *k, struct cursor *c, uint64_t run_end);

/* The forms; each moves @c behind the place where it returns FORM_EQUAL. */
enum form form_alternative(struct walk *k, struct cursor *c);
enum form form_paravirt(struct walk *k, struct cursor *c);
enum form form_jump_label(struct walk *k, struct cursor *c);
enum form form_thunk(struct walk *k, struct cursor *c, const struct step *s);

/* Whether a lock prefix that the kernel takes away on one CPU stands at @at. */
bool has_lock_site(const struct walk *k, const struct cursor *c);

/*
 * Writes the values of variables to @bytes, the instruction of @size bytes at
 * @c, where the kernel does at boot; false where such a value cannot be read.
 */
bool write_constants(const struct walk *k, const struct cursor *c, uint8_t *bytes, unsigned int size);

/* The first entry of the table @name about the place @at in @atom, and how many there are for it. */
const struct table_entry *site_entries(const struct walk *k, const struct atom *atom, const char *name,
				       uint64_t at, size_t *count);

#endif
