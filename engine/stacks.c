// SPDX-License-Identifier: GPL-2.0
/*
 * Could a thread return into code that is to be replaced?
 *
 * No CPU runs anything but its stopper thread, so every other thread was
 * switched away from and its stack lies still, with the registers of what it
 * was interrupted in, if it was: interrupts begin on the thread's stack, and a
 * CPU that is inside of one does not come to the stop.  Every aligned word of
 * it that could be an address in the code counts.  That takes more for an
 * address than an unwinder would, and never misses one, whatever the compiler
 * and the CPU's exception frames look like.
 *
 * Tracers put return addresses elsewhere and leave their own on the stack: the
 * function graph tracer in a shadow stack, kretprobes in a list of each thread.
 * A trampoline that calls the function (fexit, ftrace) leaves an address in the
 * function on the stack as any call does.
 *
 * Not seen: a thread that was preempted in the copy that an optimized kprobe
 * made of some instructions, and one that has left the task list in exit_notify()
 * and is preempted in one of the last functions it calls.
 */
#include <linux/bsearch.h>
#include <linux/cpumask.h>
#include <linux/ftrace.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/sort.h>
#include <linux/string.h>
#ifdef CONFIG_RETHOOK
#include <linux/rethook.h>
#endif
#include "stop.h"

static int compare_starts(const void *a, const void *b)
{
	const struct text_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

unsigned int sort_ranges(struct text_range *ranges, unsigned int count)
{
	unsigned int i, last = 0;

	if (!count)
		return 0;
	sort(ranges, count, sizeof(*ranges), compare_starts, NULL);
	for (i = 1; i < count; i++) {
		if (ranges[i].start < ranges[last].end)
			ranges[last].end = max(ranges[last].end, ranges[i].end);
		else
			ranges[++last] = ranges[i];
	}
	return last + 1;
}

static int compare_address(const void *key, const void *element)
{
	unsigned long addr = *(const unsigned long *)key;
	const struct text_range *range = element;

	return addr < range->start ? -1 : addr >= range->end;
}

static const struct text_range *find_range(const struct stop *stop, unsigned long addr)
{
	/* Most words of a stack are none of the kernel's text. */
	if (addr < stop->ranges[0].start || addr >= stop->ranges[stop->range_count - 1].end)
		return NULL;
	return bsearch(&addr, stop->ranges, stop->range_count, sizeof(*stop->ranges),
		       compare_address);
}

void note_blocker(struct update *update, const struct task_struct *task, unsigned long addr,
		  const char *where)
{
	struct blocker *blocker;

	if (update->blocker_count == MAX_BLOCKERS)
		return;
	blocker = &update->blockers[update->blocker_count++];
	blocker->pid = task ? task->pid : 0;
	strscpy(blocker->comm, task ? task->comm : "-", sizeof(blocker->comm));
	blocker->addr = addr;
	blocker->where = where;
}

static bool is_blocker(const struct stop *stop, const struct task_struct *task,
		       unsigned long addr, const char *where)
{
	const struct text_range *range = find_range(stop, addr);

	/* The engine's own frames hold pointers to the update that it switches. */
	if (!range || (range->is_data && task == stop->caller))
		return false;
	note_blocker(range->update, task, addr, where);
	return true;
}

static bool blocked_by_words(const struct stop *stop, const struct task_struct *task,
			     const unsigned long *words, const unsigned long *end,
			     const char *where)
{
	for (; words < end; words++) {
		if (is_blocker(stop, task, READ_ONCE_NOCHECK(*words), where))
			return true;
	}
	return false;
}

/*
 * The stoppers do run.  The worker is scanned from where it is; the others from
 * where they last slept, below which they have come just as the worker has.
 */
static bool blocked_by_stack(const struct stop *stop, struct task_struct *task)
{
	unsigned long sp, top, base = (unsigned long)task_stack_page(task);

	if (!base)
		return false;		/* dead, its stack is gone */
	top = base + THREAD_SIZE;
	if (task == current)
		sp = (unsigned long)__builtin_frame_address(0);
	else
		sp = saved_stack_pointer(task);
	if (sp < base || sp > top)
		sp = base;
	return blocked_by_words(stop, task, PTR_ALIGN((unsigned long *)sp, sizeof(long)),
				(unsigned long *)top, "stack");
}

static bool blocked_by_graph(const struct stop *stop, const struct task_struct *task)
{
#ifdef CONFIG_FUNCTION_GRAPH_TRACER
	const unsigned long *words = (const unsigned long *)task->ret_stack;
	long count = task->curr_ret_stack;

	/* An index of the last structure, or, if they are words, how many there are. */
	if (sizeof(*task->ret_stack) != sizeof(*words))
		count = (count + 1) * (long)(sizeof(*task->ret_stack) / sizeof(*words));
	return words && count > 0 &&
	       blocked_by_words(stop, task, words, words + count, "function-graph");
#else
	return false;
#endif
}

static bool blocked_by_kretprobe(const struct stop *stop, const struct task_struct *task)
{
#ifdef CONFIG_RETHOOK
	struct rethook_node *node;

	llist_for_each_entry(node, task->rethooks.first, llist) {
		if (is_blocker(stop, task, node->ret_addr, "kretprobe"))
			return true;
	}
#endif
#if defined(CONFIG_KRETPROBES) && !defined(CONFIG_KRETPROBE_ON_RETHOOK)
	struct kretprobe_instance *instance;

	llist_for_each_entry(instance, task->kretprobe_instances.first, llist) {
		if (is_blocker(stop, task, (unsigned long)instance->ret_addr, "kretprobe"))
			return true;
	}
#endif
	return false;
}

static bool is_blocked_by(const struct stop *stop, struct task_struct *task)
{
	return blocked_by_stack(stop, task) || blocked_by_graph(stop, task) ||
	       blocked_by_kretprobe(stop, task);
}

int check_stacks(const struct stop *stop)
{
	struct task_struct *process, *task;
	bool blocked = false;
	unsigned int cpu;

	if (!stop->range_count)
		return 0;
	/*
	 * The list changes with interrupts off under tasklist_lock, or in a
	 * state that RCU readers may see: no CPU stopped in the middle of it.
	 */
	for_each_process_thread(process, task)
		blocked |= is_blocked_by(stop, task);
	/* Not in that list; CPUs that were never online have none. */
	for_each_possible_cpu(cpu) {
		task = idle_task(cpu);
		if (task)
			blocked |= is_blocked_by(stop, task);
	}
	return blocked ? -EBUSY : 0;
}
