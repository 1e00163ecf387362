/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stop, and the look at all stacks before it and in it.  What happens in it
 * neither allocates nor sleeps.
 *
 * How stacks.c finds out whether a thread could return into code that is to be
 * replaced.
 *
 * A thread that no CPU runs was switched away from and its stack lies still,
 * with the registers of what it was interrupted in, if it was: interrupts begin
 * on the thread's stack, and no CPU switches threads while it is inside of one.
 * Every aligned word of it that could be an address in the code counts.  That
 * takes more for an address than an unwinder would, and never misses one,
 * whatever the compiler and the CPU's exception frames look like.  Where words
 * are found that can only be return addresses, the kernel's unwinder is asked as
 * well: if it is sure of the whole stack, and they are none, they were left there.
 *
 * Tracers put return addresses elsewhere and leave their own on the stack: the
 * function graph tracer in a shadow stack, kretprobes in a list of each thread.
 * A trampoline that calls the function (fexit, ftrace) leaves an address in the
 * function on the stack as any call does.
 *
 * All threads are looked at before the stop, which they do not notice.  In the
 * stop, those are looked at again that ran since (watch.c), those that could not
 * be judged before, and the ones that are in no list: the stoppers, which run
 * now, and the idle tasks, which run unseen on CPUs that are offline.
 *
 * A thread that is created meanwhile either ran, or has but its first frame,
 * which enters functions at their start.
 *
 * A dying thread leaves the list in exit_notify() and calls a few functions
 * more.  Was it preempted there before the watch began, watch_grace() waits for
 * it; later, the watch saw it.  So it does with a thread that was preempted in
 * the copy of some instructions that an optimized kprobe made and that is gone
 * since (probes.c refuses those that are not).  Not seen, where watch_grace() does
 * not wait for sleepers: one that sleeps there all the while, to tell the process
 * connector of its end, or to take its folder out of /proc (release_task()).
 */
#ifndef STOP_H
#define STOP_H

#include <linux/atomic.h>
#include "engine.h"
#include "text.h"

/* Addresses that no thread may hold. */
struct text_range {
	unsigned long start, end;
	bool is_data;			/* the thread that switches may */
	struct update *update;		/* who wants it */
};

struct stop {
	struct jump *jumps;
	unsigned int jump_count;
	struct text_range *ranges;	/* sorted, without overlap */
	unsigned int range_count;
	const struct task_struct *caller; /* waits for the stop */
	bool apply;
	bool move;			/* those who sleep in the ranges */

	struct task_struct **unsure;	/* threads to look at in the stop, with references */
	unsigned int unsure_count, unsure_max;
	bool noting;			/* blockers in their updates */
	bool plain;			/* see ladder.c */
	bool all;			/* look at all threads in the stop */
	unsigned int shares;		/* CPUs that look at threads */

	atomic_t arrived;		/* CPUs that are stopped */
	unsigned int step;		/* last written by the worker */
	atomic_t acks;			/* CPUs that have seen it */
	atomic_t blocked;		/* CPUs that found a thread in the way */
	int err;
	u64 pause_ns;
};

/* What the worker tells the others to do; the steps between are those of text.h. */
enum { STEP_CHECK = 1, STEP_WRITTEN, STEP_END = STEP_WRITTEN + JUMP_STEPS };

/*
 * modules.c: write the pieces of memory of @mod to @ranges, which has room for
 * MODULE_PIECES.  Return: how many there are.
 */
#ifdef for_each_mod_mem_type
#define MODULE_PIECES MOD_MEM_NUM_TYPES
#else
#define MODULE_PIECES 2
#endif
unsigned int module_memory(const struct module *mod, struct text_range *ranges);

/* stop.c: run by stop_machine() on every CPU, @data is a struct stop. */
int stop_cpu(void *data);

/*
 * stacks.c: note what is in the way of @update; @task is NULL where it is no
 * thread.
 */
void note_blocker(struct update *update, const struct task_struct *task, unsigned long addr,
		  const char *where);

/*
 * probes.c: no probe comes or goes between lock and unlock, and nobody else
 * redirects functions.  The check notes those in the way, at apply or at undo.
 * Return: 0; -EBUSY where there are some.
 */
void probes_lock(void);
void probes_unlock(void);
int check_probes(const struct stop *stop, bool apply);

/*
 * hooks.c: the check hooks; -ECANCELED where one refuses, -EBUSY where it says
 * "not now".  What else is done in the stop stands around the jumps: objects
 * change before the new code can run, apply and reverse hooks see both.
 */
int hooks_check(bool apply);
void before_jumps(bool apply);
void after_jumps(bool apply);

/* data.c: give all objects their new content, or the saved one. */
void objects_switch(bool apply);

/*
 * stacks.c: sort @ranges and join those that overlap.  Return: how many are left.
 */
unsigned int sort_ranges(struct text_range *ranges, unsigned int count);

/*
 * stacks.c: before the stop, under a watch: look for return addresses into the
 * ranges in all threads that do not run, and fill in stop->unsure, which has
 * room for stop->unsure_max, and stop->all.  Each thread found is noted in the
 * update that wants the range, and moved if stop->move says so and all that were
 * found can be.
 * Return: 0; -EBUSY where there are some, and a stop is of no use.
 */
int check_sleeping(struct stop *stop);
void forget_unsure(struct stop *stop);

/*
 * stacks.c: hooks, and the looks at stacks and probes, leave addresses in the
 * ranges on this thread's own stack, below what is in use.  Frames of the wait for
 * the stop do not write all their words, and would take them over: wipe them.
 */
void wipe_stack(void);

/*
 * stacks.c, in the stop: must all threads be looked at?  Look at share @share,
 * from 0, of those who must be, and note them; of the stopper that calls it, at
 * its stack above @frame: below are the engine's own frames, in which addresses
 * that it looked for in earlier stops may lie about.
 * Return: whether one was found.
 */
bool needs_all(const struct stop *stop);
bool check_share(const struct stop *stop, unsigned int share, unsigned long frame);

#endif
