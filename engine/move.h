/* SPDX-License-Identifier: GPL-2.0 */
/* Threads that sleep in code which is to be replaced are moved out of it. */
#ifndef MOVE_H
#define MOVE_H

#include <linux/sched.h>

/* Does @task sleep where it can be moved from without its program noticing? */
bool can_move(struct task_struct *task);

/*
 * Wake @task, which can be moved; one of a user program is led to the edge of
 * user mode, where it waits until move_end(), a second at most; its system call
 * then begins again.  May be called again for the same thread.
 */
void move_thread(struct task_struct *task);

/* Give those who were woken the time to leave, for some milliseconds. */
void move_wait(void);

/* Between these two, threads that were moved wait. */
void move_begin(void);
void move_end(void);

/* Before the engine is unloaded: nobody is in its code any more. */
void move_exit(void);

#endif
