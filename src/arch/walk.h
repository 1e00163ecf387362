/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Comparing running code with the object that it should have been made of,
 * instruction by instruction.
 */
#ifndef KMEND_ARCH_WALK_H
#define KMEND_ARCH_WALK_H

#include "object/object.h"
#include "object/tables.h"

/* What the comparison asks of its caller. */
struct arch_walk_ops {
	/*
	 * The running code refers to @addr where the object refers to the start of
	 * @rel's target (or symbol).  False where that cannot be.
	 */
	bool (*refer)(void *arg, const struct reloc *rel, uint64_t addr);

	/* Reads running memory; false where there is none. */
	bool (*read)(void *arg, uint64_t addr, void *buf, size_t size);

	/* The address of the symbol @name as this code sees it, 0 where it is not known. */
	uint64_t (*lookup)(void *arg, const char *name);

	/* The name of the function that starts at @addr and the module it is in ("" for vmlinux), or NULL. */
	const char *(*function_at)(void *arg, uint64_t addr, const char **module);

	/* How much was found out by refer() so far, and back to that: what was tried in between failed. */
	size_t (*mark)(void *arg);
	void (*rewind)(void *arg, size_t mark);
};

struct arch_walk {
	const struct tables *tables;	/* of the object */
	const struct atom *pre;		/* the function in the object */
	uint64_t addr;			/* where it runs */
	const uint8_t *text;		/* the bytes there */
	size_t size;			/* how many of them there are */
	size_t limit;			/* where the next function starts, from @addr */
	const struct arch_walk_ops *ops;
	void *arg;

	/* What was found, where the code is the same. */
	size_t run_size;		/* bytes of the running function */
	size_t jump_offset;		/* where a jump to other code can be written */
	const char *blocked;		/* why it cannot, or NULL */
	/*
	 * NULL where each instruction is where the object has it; else by offset in
	 * the object, and 0 where no instruction begins: 1 + the running offset.
	 */
	uint32_t *map;			/* the caller's to free */

	/* Where it is not. */
	uint64_t pre_offset;		/* the place in the function in the object */
	uint64_t run_offset;		/* the place in the running function */
	const char *why;		/* static storage */

	void *state;			/* of the comparison while it goes on */
};

/* Whether the running code is the function @w->pre, as this kernel can have rewritten it. */
bool arch_walk(struct arch_walk *w);

/*
 * While the comparison goes on: data refers to the running offset @run of the
 * function where the object's refers to @pre; that this is so is part of it.
 */
bool arch_walk_inside(struct arch_walk *w, uint64_t pre, uint64_t run);

/* Bytes at the end of @text that a jump needs at most behind the function's last instruction. */
#define ARCH_WALK_SLACK 64

#endif
