// SPDX-License-Identifier: GPL-2.0
/*
 * Watches who runs, by the tracepoint sched_switch.
 *
 * __schedule() is the only way from one thread to another, and calls the
 * tracepoint with interrupts off before it leaves the old thread's stack
 * (kernel/sched/core.c).  In the stop every CPU has switched to its stopper.  So
 * a thread that is in no set then was not on a CPU since the sets were empty:
 * not a word of its stack, none of its registers and none of its lists of
 * return addresses can have changed.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/version.h>
#include <trace/events/sched.h>
#include "watch.h"

#define RAN_MIN 256u

struct ran_pair {
	struct ran sets[2];
	unsigned int used;		/* which of the two */
};

static DEFINE_PER_CPU(struct ran_pair, pairs);
static unsigned int ran_max;		/* of each set; its table has twice as many slots */

static void note_ran(struct ran *set, struct task_struct *task)
{
	u32 i = hash_ptr(task, ilog2(2 * ran_max));

	for (; set->slots[i]; i = (i + 1) & (2 * ran_max - 1)) {
		if (set->tasks[set->slots[i] - 1] == task)
			return;
	}
	if (set->count == ran_max) {
		set->full = true;
		return;
	}
	set->tasks[set->count++] = get_task_struct(task);
	set->slots[i] = set->count;
}

/* Its fourth argument came with commit fa2c3254d7cf, 5.18, and is the last since 9c2136be0878. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 18, 0)
static void on_switch(void *data, bool preempt, struct task_struct *prev, struct task_struct *next,
		      unsigned int prev_state)
#else
static void on_switch(void *data, bool preempt, struct task_struct *prev, struct task_struct *next)
#endif
{
	struct ran_pair *pair = this_cpu_ptr(&pairs);

	note_ran(&pair->sets[pair->used], prev);
}

static void empty(struct ran *set)
{
	while (set->count)
		put_task_struct(set->tasks[--set->count]);
	memset(set->slots, 0, 2 * ran_max * sizeof(*set->slots));
	set->full = false;
}

static void free_sets(void)
{
	struct ran *set;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		for (set = per_cpu(pairs, cpu).sets; set < per_cpu(pairs, cpu).sets + 2; set++) {
			if (set->slots)
				empty(set);
			kvfree(set->tasks);
			kvfree(set->slots);
			memset(set, 0, sizeof(*set));
		}
	}
}

static int allocate_sets(void)
{
	struct ran *set;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		for (set = per_cpu(pairs, cpu).sets; set < per_cpu(pairs, cpu).sets + 2; set++) {
			set->tasks = kvcalloc(ran_max, sizeof(*set->tasks), GFP_KERNEL);
			set->slots = kvcalloc(2 * ran_max, sizeof(*set->slots), GFP_KERNEL);
			if (set->tasks && set->slots)
				continue;
			kvfree(set->slots);
			set->slots = NULL;
			free_sets();
			return -ENOMEM;
		}
	}
	return 0;
}

unsigned int watch_count_threads(void)
{
	struct task_struct *process, *task;
	unsigned int count = 0;

	rcu_read_lock();
	for_each_process_thread(process, task)
		count++;
	rcu_read_unlock();
	return count;
}

int watch_begin(void)
{
	int err;

	/* A set that is too small costs time in the stop, nothing else. */
	ran_max = roundup_pow_of_two(max(RAN_MIN, 2 * watch_count_threads() / num_online_cpus()));
	err = allocate_sets();
	if (err)
		return err;
	err = register_trace_sched_switch(on_switch, NULL);
	if (err) {
		free_sets();
		return err;
	}
	/* Who is on its way through __schedule() has yet to hear of on_switch(). */
	synchronize_rcu();
	return 0;
}

void watch_end(void)
{
	unregister_trace_sched_switch(on_switch, NULL);
	tracepoint_synchronize_unregister();
	free_sets();
}

static void turn_pair(void *pair)
{
	((struct ran_pair *)pair)->used ^= 1;
}

static void turn_cpu(void *unused)
{
	turn_pair(this_cpu_ptr(&pairs));
}

void watch_turn(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		empty((struct ran *)watch_old(cpu));
	/*
	 * By an interrupt, which comes neither between the tracepoint and the
	 * new thread nor while a set is written to.
	 */
	cpus_read_lock();
	on_each_cpu(turn_cpu, NULL, true);
	for_each_possible_cpu(cpu) {
		if (!cpu_online(cpu))
			turn_pair(per_cpu_ptr(&pairs, cpu));
	}
	cpus_read_unlock();
}

const struct ran *watch_current(unsigned int cpu)
{
	const struct ran_pair *pair = per_cpu_ptr(&pairs, cpu);

	return &pair->sets[pair->used];
}

const struct ran *watch_old(unsigned int cpu)
{
	const struct ran_pair *pair = per_cpu_ptr(&pairs, cpu);

	return &pair->sets[!pair->used];
}

/* One at a time; it may go on after the wait for it was given up. */
static struct {
	struct rcu_head head;
	struct completion done;
	bool pending;
} grace;

static void grace_over(struct rcu_head *head)
{
	complete(&grace.done);
}

static bool wait_for_grace(unsigned long deadline)
{
	unsigned long now = jiffies, left = time_after(deadline, now) ? deadline - now : 0;

	if (!wait_for_completion_timeout(&grace.done, left))
		return false;
	grace.pending = false;
	return true;
}

bool watch_grace(unsigned long deadline)
{
	/* One that began earlier tells nothing of those preempted now. */
	if (grace.pending && !wait_for_grace(deadline))
		return false;
	init_completion(&grace.done);
	grace.pending = true;
	call_rcu_tasks(&grace.head, grace_over);
	return wait_for_grace(deadline);
}

void watch_exit(void)
{
	/* Even one that was not waited for comes back to grace_over(). */
	rcu_barrier_tasks();
}
