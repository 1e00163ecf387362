// SPDX-License-Identifier: GPL-2.0
/* Could a thread return into code that is to be replaced?  stop.h tells how that is found out. */
#include <linux/bsearch.h>
#include <linux/cpumask.h>
#include <linux/ftrace.h>
#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/sort.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/version.h>
#ifdef CONFIG_RETHOOK
#include <linux/rethook.h>
#endif
#include "move.h"
#include "stop.h"
#include "watch.h"

/* state has been __state since commit 2f064a59a11f, 5.14, which came with this macro. */
#ifndef task_is_running
#define task_is_running(task) (READ_ONCE((task)->state) == TASK_RUNNING)
#endif

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

/* In the stop all CPUs may have something to note. */
static DEFINE_RAW_SPINLOCK(note_lock);

void note_blocker(struct update *update, const struct task_struct *task, unsigned long addr,
		  const char *where)
{
	struct blocker *blocker;

	raw_spin_lock(&note_lock);
	if (update->blocker_count++ < MAX_BLOCKERS) {
		blocker = &update->blockers[update->blocker_count - 1];
		blocker->pid = task ? task->pid : 0;
		strscpy(blocker->comm, task ? task->comm : "-", sizeof(blocker->comm));
		blocker->addr = addr;
		blocker->where = where;
	}
	raw_spin_unlock(&note_lock);
}

/* How far into its function is @addr?  -1 where it is in none. */
static long function_offset(unsigned long addr)
{
	unsigned long size, offset;

	return kallsyms_lookup_size_offset(addr, &size, &offset) ? (long)offset : -1;
}

/*
 * The frames of a switch hold pointers to what it switches: to data of the update, and
 * to where its functions begin.  In the engine's own thread there are no others; where
 * modprobe switches a late module, those of system calls are on the same stack.
 */
static bool is_own_pointer(const struct stop *stop, const struct task_struct *task,
			   const struct text_range *range, unsigned long addr)
{
	return task == stop->caller &&
	       (range->is_data || ((task->flags & PF_KTHREAD) && !function_offset(addr)));
}

static const struct text_range *wanted(const struct stop *stop, const struct task_struct *task,
				       unsigned long addr)
{
	const struct text_range *range = find_range(stop, addr);

	return range && is_own_pointer(stop, task, range, addr) ? NULL : range;
}

static bool is_blocker(const struct stop *stop, const struct task_struct *task,
		       unsigned long addr, const char *where)
{
	const struct text_range *range = wanted(stop, task, addr);

	if (range && stop->noting)
		note_blocker(range->update, task, addr, where);
	return range;
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

#ifdef CONFIG_RETHOOK
#define first_instance(task) ((task)->rethooks.first)
#define for_each_instance(node, task) llist_for_each_entry(node, first_instance(task), llist)
typedef struct rethook_node kret_instance;
#elif defined(CONFIG_KRETPROBES) && LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
#define first_instance(task) ((task)->kretprobe_instances.first)
#define for_each_instance(node, task) llist_for_each_entry(node, first_instance(task), llist)
typedef struct kretprobe_instance kret_instance;
#elif defined(CONFIG_KRETPROBES)
/* A hash table of all tasks until commit d741bf41d7c7, 5.11. */
extern struct hlist_head kretprobe_inst_table[];
#define first_instance(task) (kretprobe_inst_table[hash_ptr((void *)(task), 6)].first)
#define for_each_instance(node, of) \
	hlist_for_each_entry(node, &kretprobe_inst_table[hash_ptr((void *)(of), 6)], hlist) \
		if (node->task != (of)) {} else
typedef struct kretprobe_instance kret_instance;
#else
#define first_instance(task) NULL
#define for_each_instance(node, task) while (0)
typedef struct { unsigned long ret_addr; } kret_instance;
#endif

/*
 * Can @addr, which is in the ranges, be nothing but a return address?  At undo an
 * address of data, or of a function's first byte, may be one that somebody keeps.
 */
static bool only_returns(const struct stop *stop, const struct text_range *range,
			 unsigned long addr)
{
	return stop->apply || (!range->is_data && function_offset(addr) > 0);
}

/*
 * Is @task asleep?  Nobody begins to wake it while the caller holds its lock; one
 * whose waking had begun may run, which the watch tells.  Of one that was preempted,
 * in the stop, the unwinder of some kernels sees less than there is: before 6.4 a
 * stack ends where a thunk for indirect branches, or the return to a tracer, is
 * (UNWIND_HINT_EMPTY).  Through kretprobes it goes by their list, and some kernels
 * warn of one that is not asleep.
 */
static bool can_unwind(struct task_struct *task)
{
	return !first_instance(task) && !task->on_rq && !task->on_cpu;
}

/*
 * A word that looks like a return address may have been left by an earlier call,
 * for as long as the call lasts in whose frames it lies: the kernel begins each
 * system call somewhere else on the stack (randomize_kstack_offset).  The unwinder
 * that live patching relies on tells them apart, or that it cannot.
 * Return: whether no return address of @task is in the ranges, for sure.
 */
static bool unwinds_outside(const struct stop *stop, struct task_struct *task)
{
	unsigned long addrs[64], flags;
	int i, count = -EAGAIN;

	if (!IS_ENABLED(CONFIG_HAVE_RELIABLE_STACKTRACE) || task == current || is_idle_task(task))
		return false;
	raw_spin_lock_irqsave(&task->pi_lock, flags);
	if (can_unwind(task))
		count = stack_trace_save_tsk_reliable(task, addrs, ARRAY_SIZE(addrs));
	raw_spin_unlock_irqrestore(&task->pi_lock, flags);
	for (i = 0; i < count; i++) {
		if (find_range(stop, addrs[i]))
			return false;
	}
	return count >= 0;
}

/* Above the kernel's frames lie a program's own registers: any words that it likes, of which none is ours. */
static unsigned long frames_end(const struct task_struct *task, unsigned long base)
{
	if ((task->flags & PF_KTHREAD) || is_idle_task(task))
		return base + THREAD_SIZE;
	return (unsigned long)task_pt_regs(task);
}

/* Of an idle task whose CPU is offline it is not known how deep it is. */
static unsigned long stack_pointer(struct task_struct *task)
{
	if (is_idle_task(task) && !cpu_online(task_cpu(task)))
		return 0;
	return saved_stack_pointer(task);
}

static bool blocked_by_stack(const struct stop *stop, struct task_struct *task, unsigned long sp)
{
	unsigned long base = (unsigned long)task_stack_page(task);
	const unsigned long *words, *end, *first = NULL;
	const struct text_range *range;
	unsigned long addr;

	if (!base)
		return false;		/* dead, its stack is gone */
	if (sp < base || sp > base + THREAD_SIZE)
		sp = base;
	end = (unsigned long *)frames_end(task, base);
	for (words = PTR_ALIGN((unsigned long *)sp, sizeof(long)); words < end; words++) {
		addr = READ_ONCE_NOCHECK(*words);
		range = wanted(stop, task, addr);
		if (range && !only_returns(stop, range, addr))
			return is_blocker(stop, task, addr, "stack");
		if (range && !first)
			first = words;
	}
	return first && !unwinds_outside(stop, task) &&
	       blocked_by_words(stop, task, first, end, "stack");
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
	kret_instance *instance;

	for_each_instance(instance, task) {
		if (is_blocker(stop, task, (unsigned long)instance->ret_addr, "kretprobe"))
			return true;
	}
	return false;
}

static bool is_blocked_by(const struct stop *stop, struct task_struct *task)
{
	return blocked_by_stack(stop, task, stack_pointer(task)) || blocked_by_graph(stop, task) ||
	       blocked_by_kretprobe(stop, task);
}

/* With redzones of KASAN around the array, some of it would stay. */
noinline __no_sanitize_address void wipe_stack(void)
{
	u8 below[1536];

	memzero_explicit(below, sizeof(below));
}

/* ---- before the stop ---- */

enum finding { CLEAR, BLOCKED, UNSURE };

/* Look at the stack of a thread that may begin to run at any time. */
static enum finding judge(const struct stop *stop, struct task_struct *task)
{
	bool blocked;

	if (task->on_cpu || !try_get_task_stack(task))
		return CLEAR;		/* the watch will see it; or it is dead */
	blocked = blocked_by_stack(stop, task, stack_pointer(task)) || blocked_by_graph(stop, task);
	put_task_stack(task);
	if (blocked && !task_is_running(task))
		return BLOCKED;
	/* The list of kretprobes is not to be walked while it may change. */
	return blocked || first_instance(task) ? UNSURE : CLEAR;
}

static void keep(struct stop *stop, struct task_struct *task)
{
	if (stop->unsure_count < stop->unsure_max)
		stop->unsure[stop->unsure_count++] = get_task_struct(task);
	else
		stop->all = true;
}

void forget_unsure(struct stop *stop)
{
	while (stop->unsure_count)
		put_task_struct(stop->unsure[--stop->unsure_count]);
}

/* A reference to every thread; those that do not fit are seen in the stop. */
static void list_threads(struct stop *stop)
{
	struct task_struct *process, *task;

	rcu_read_lock();
	for_each_process_thread(process, task)
		keep(stop, task);
	rcu_read_unlock();
}

/* Of those listed, leave the ones whose stack is not clear. */
static void sift(struct stop *stop)
{
	unsigned int i, count = stop->unsure_count;

	stop->unsure_count = 0;
	for (i = 0; i < count; i++) {
		struct task_struct *task = stop->unsure[i];

		if (judge(stop, task) != CLEAR)
			stop->unsure[stop->unsure_count++] = task;
		else
			put_task_struct(task);
		cond_resched();
	}
}

/* Add those that ran while all were looked at. */
static void add_old_sets(struct stop *stop)
{
	const struct ran *set;
	unsigned int cpu, i;

	for_each_possible_cpu(cpu) {
		set = watch_old(cpu);
		stop->all |= set->full;
		for (i = 0; i < set->count; i++) {
			if (judge(stop, set->tasks[i]) != CLEAR)
				keep(stop, set->tasks[i]);
			cond_resched();
		}
	}
}

/* One that was woken meanwhile can be asked again. */
static bool stays(struct task_struct *task)
{
	return !can_move(task) && !task_is_running(task);
}

/*
 * Whoever sleeps in the code would be found in the stop as well; it is not worth
 * one.  Who is about to run may have left until then.  There is room for some
 * only: those who stay are noted before those who can be moved.
 */
static int note_sleepers(struct stop *stop, bool *movable)
{
	unsigned int i, moves;
	int err = 0;

	*movable = true;
	stop->noting = true;
	for (moves = 0; moves < 2; moves++) {
		for (i = 0; i < stop->unsure_count; i++) {
			if (stays(stop->unsure[i]) == moves || judge(stop, stop->unsure[i]) != BLOCKED)
				continue;
			*movable &= moves;
			err = -EBUSY;
		}
	}
	return err;
}

static void move_sleepers(struct stop *stop)
{
	unsigned int i;

	stop->noting = false;
	for (i = 0; i < stop->unsure_count; i++) {
		if (judge(stop, stop->unsure[i]) == BLOCKED && can_move(stop->unsure[i]))
			move_thread(stop->unsure[i]);
	}
}

static void forget_blockers(void)
{
	struct update *update;

	for_each_chosen(update)
		update->blocker_count = 0;
}

/* One that is not online does not tell whom it runs: its stopper, until it parks, and idle. */
static struct cpumask online_before;

int check_sleeping(struct stop *stop)
{
	bool movable;
	int err;

	cpumask_copy(&online_before, cpu_online_mask);
	watch_turn();
	list_threads(stop);
	sift(stop);
	watch_turn();
	sift(stop);
	add_old_sets(stop);
	err = note_sleepers(stop, &movable);
	/* One who stays makes it useless to move the others. */
	if (err && stop->move && movable)
		move_sleepers(stop);
	if (!err)
		forget_blockers();
	return err;
}

/* ---- in the stop ---- */

/* Who runs is a stopper, which looks at its own stack. */
static bool is_blocked_unless_running(const struct stop *stop, struct task_struct *task)
{
	return !task->on_cpu && is_blocked_by(stop, task);
}

static bool check_listed(const struct stop *stop, unsigned int share)
{
	struct task_struct *process, *task;
	bool blocked = false;
	unsigned int i = 0;

	/*
	 * The list changes with interrupts off under tasklist_lock, or in a
	 * state that RCU readers may see: no CPU stopped in the middle of it.
	 */
	for_each_process_thread(process, task) {
		if (i++ % stop->shares == share)
			blocked |= is_blocked_unless_running(stop, task);
	}
	return blocked;
}

static bool check_tasks(const struct stop *stop, unsigned int share,
			struct task_struct *const *tasks, unsigned int count)
{
	bool blocked = false;
	unsigned int i;

	for (i = share; i < count; i += stop->shares)
		blocked |= is_blocked_unless_running(stop, tasks[i]);
	return blocked;
}

bool check_share(const struct stop *stop, unsigned int share, unsigned long frame)
{
	bool blocked = blocked_by_stack(stop, current, frame) || blocked_by_graph(stop, current) ||
		       blocked_by_kretprobe(stop, current);
	const struct ran *set;
	unsigned int cpu;

	if (share >= stop->shares)
		return blocked;
	if (stop->all)
		blocked |= check_listed(stop, share);
	blocked |= check_tasks(stop, share, stop->unsure, stop->unsure_count);
	for_each_possible_cpu(cpu) {
		set = watch_current(cpu);
		blocked |= check_tasks(stop, share, set->tasks, set->count);
		/* CPUs that were never online have none. */
		if (cpu % stop->shares == share && idle_task(cpu))
			blocked |= is_blocked_by(stop, idle_task(cpu));
	}
	return blocked;
}

bool needs_all(const struct stop *stop)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		if (watch_current(cpu)->full)
			return true;
	}
	return stop->all || !cpumask_equal(&online_before, cpu_online_mask);
}
