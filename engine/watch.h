/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which threads ran?  While the watch is on, every thread that a CPU switches
 * away from is noted, with a reference, in a set of that CPU.
 */
#ifndef WATCH_H
#define WATCH_H

#include <linux/sched.h>
#include <linux/types.h>

/* The threads that one CPU ran, each once. */
struct ran {
	struct task_struct **tasks;
	unsigned int count;
	bool full;			/* some are missing */
	u32 *slots;			/* hash table of indexes into tasks, from 1 */
};

/*
 * Turn the watch on and off.  From the return of watch_begin() on no thread
 * runs unseen: every later switch from one to another is noted, and those that
 * had begun before are completed.  Both sleep for some milliseconds.
 * Return: 0; -ENOMEM.
 */
int watch_begin(void);
void watch_end(void);

/* How many threads there are. */
unsigned int watch_count_threads(void);

/*
 * Begin with empty sets on all CPUs.  When it returns, the threads that ran
 * before are in the old ones, see watch_old(), and who runs from then on, or
 * ran all the while, gets into the new ones when it is switched away from.
 */
void watch_turn(void);

/* The sets of @cpu: the one in use, and what watch_turn() put aside. */
const struct ran *watch_current(unsigned int cpu);
const struct ran *watch_old(unsigned int cpu);

/*
 * Wait until every thread that is preempted now has run on, or reached user
 * mode; at most until @deadline, in jiffies.  Return: true where they have.
 */
bool watch_grace(unsigned long deadline);

/* Before the engine is unloaded. */
void watch_exit(void);

#endif
