/* SPDX-License-Identifier: GPL-2.0 */
/* What happens while the machine is stopped.  Nothing here allocates or sleeps. */
#ifndef STOP_H
#define STOP_H

#include <linux/atomic.h>
#include "engine.h"
#include "text.h"

/* Code that no thread may be in. */
struct text_range {
	unsigned long start, end;
	struct update *update;		/* who wants it */
};

struct stop {
	struct jump *jumps;
	unsigned int jump_count;
	struct text_range *ranges;	/* sorted, without overlap */
	unsigned int range_count;

	atomic_t arrived;		/* CPUs that are stopped */
	unsigned int step;		/* last written by the worker */
	atomic_t acks;			/* CPUs that have seen it */
	int err;
	unsigned long stale;		/* after -ESTALE, the place */
	u64 pause_ns;
};

#define STEP_END (JUMP_STEPS + 1)

/*
 * modules.c: write the pieces of memory of @mod to @ranges, which has room for
 * MODULE_PIECES.  Return: how many there are.
 */
#ifdef for_each_mod_mem_type
#define MODULE_PIECES MOD_MEM_NUM_TYPES
#else
#define MODULE_PIECES 1
#endif
unsigned int module_memory(const struct module *mod, struct text_range *ranges);

/* stop.c: run by stop_machine() on every CPU, @data is a struct stop. */
int stop_cpu(void *data);

/*
 * stacks.c: sort @ranges and join those that overlap.  Return: how many are left.
 */
unsigned int sort_ranges(struct text_range *ranges, unsigned int count);

/*
 * stacks.c: look for return addresses into the ranges, in all threads; each
 * thread found is noted in the update that wants the range.
 * Return: 0; -EBUSY where there are some.
 */
int check_stacks(const struct stop *stop);

#endif
