// SPDX-License-Identifier: GPL-2.0
/* Threads that sleep in the way are moved; move.h tells how. */
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/wait.h>
#include <asm/syscall.h>
#include "move.h"
#include "text.h"

#ifdef TIF_NOTIFY_SIGNAL
#define TIF_KICKED TIF_NOTIFY_SIGNAL
#else
#define TIF_KICKED TIF_SIGPENDING
#endif

/* state has been __state since commit 2f064a59a11f, 5.14. */
#ifdef task_is_running
#define thread_state(task) READ_ONCE((task)->__state)
#else
#define thread_state(task) READ_ONCE((task)->state)
#endif

/* They have a program's memory, and never go to user mode. */
#ifndef PF_IO_WORKER
#define PF_IO_WORKER 0
#endif
#ifndef PF_USER_WORKER
#define PF_USER_WORKER 0
#endif

static DECLARE_WAIT_QUEUE_HEAD(gate);		/* those who wait at the edge */
static DECLARE_WAIT_QUEUE_HEAD(arrivals);	/* who waits for them */
static atomic_t on_the_way = ATOMIC_INIT(0);
static bool gate_shut, any_moved;

static void restart_call(struct pt_regs *regs)
{
	if (call_restarts(current, regs) && syscall_get_error(current, regs) == -EINTR)
		syscall_set_return_value(current, regs, -ERESTARTNOHAND, 0);
}

static void on_edge(struct callback_head *work)
{
	kfree(work);
	if (atomic_dec_and_test(&on_the_way))
		wake_up(&arrivals);
	if (!(current->flags & PF_EXITING)) {
		wait_event_idle_timeout(gate, !READ_ONCE(gate_shut), HZ);
		restart_call(task_pt_regs(current));
	}
	/* move_exit() waits for those who are between here and the caller. */
	module_put(THIS_MODULE);
}

bool can_move(struct task_struct *task)
{
	bool restarts;

	if (!(thread_state(task) & TASK_INTERRUPTIBLE))
		return false;
	if (task->flags & PF_KTHREAD)
		return true;
	/* It may be dead by now. */
	if (task->flags & (PF_IO_WORKER | PF_USER_WORKER) || !try_get_task_stack(task))
		return false;
	restarts = call_restarts(task, task_pt_regs(task));
	put_task_stack(task);
	return restarts;
}

static void move_user(struct task_struct *task)
{
	struct callback_head *work;

	/* Already on its way, or it takes no notice. */
	if (test_tsk_thread_flag(task, TIF_KICKED))
		return;
	work = kmalloc(sizeof(*work), GFP_KERNEL);
	if (!work)
		return;
	/* It may have gone on meanwhile, to where it would notice. */
	if (!can_move(task)) {
		kfree(work);
		return;
	}
	init_task_work(work, on_edge);
	__module_get(THIS_MODULE);
	atomic_inc(&on_the_way);
	any_moved = true;
	if (task_work_add(task, work, TWA_SIGNAL)) {
		atomic_dec(&on_the_way);
		module_put(THIS_MODULE);
		kfree(work);
	}
}

void move_thread(struct task_struct *task)
{
	if (task->flags & PF_KTHREAD)
		wake_up_state(task, TASK_INTERRUPTIBLE);
	else
		move_user(task);
}

void move_wait(void)
{
	wait_event_idle_timeout(arrivals, !atomic_read(&on_the_way), msecs_to_jiffies(50));
}

void move_begin(void)
{
	WRITE_ONCE(gate_shut, true);
}

void move_end(void)
{
	WRITE_ONCE(gate_shut, false);
	wake_up_all(&gate);
}

void move_exit(void)
{
	if (any_moved)
		synchronize_rcu_tasks();
}
