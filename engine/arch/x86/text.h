/* SPDX-License-Identifier: GPL-2.0 */
/* All that the engine knows of x86. */
#ifndef TEXT_H
#define TEXT_H

#include <linux/sched.h>
#include <linux/types.h>
#include <asm/sync_core.h>
#include <kmend/engine.h>

struct pt_regs;
struct update;

/* Text that is to change from @before to @after. */
struct jump {
	struct update *update;
	const struct kmend_function *function;
	unsigned long site;		/* in it */
	unsigned long to;		/* where the jump leads, or led */
	u8 before[KMEND_JUMP_LEN];
	u8 after[KMEND_JUMP_LEN];
};

/* Can a jump at @site lead to @to? */
bool jump_reaches(unsigned long site, unsigned long to);

/* The bytes of a jump at @site to @to. */
void jump_encode(u8 bytes[KMEND_JUMP_LEN], unsigned long site, unsigned long to);

/*
 * The text of a jump changes in this many steps.  After each one every CPU must
 * have called serialize_cpu() outside of an NMI before the next one begins.
 */
#define JUMP_STEPS 3

/* Write step @step, from 0, of all jumps; all other CPUs wait with interrupts off. */
void jumps_write(const struct jump *jumps, unsigned int count, unsigned int step);

/*
 * Between jumps_guard() and jumps_unguard() whoever meets the intermediate text
 * goes where the jump leads.
 */
void jumps_guard(const struct jump *jumps, unsigned int count);
void jumps_unguard(void);

/* Write @size bytes of @from to memory that is write-protected; in the stop. */
void text_write(unsigned long to, const void *from, size_t size);

int text_init(void);
void text_exit(void);

static inline void serialize_cpu(void)
{
	sync_core();
}

/* Of a thread that does not run: everything from here on is its stack. */
static inline unsigned long saved_stack_pointer(const struct task_struct *task)
{
	return task->thread.sp;
}

/*
 * calls.c: is @task, with the registers @regs of its entry, in a system call
 * that begins again when it is interrupted, without its program noticing?
 */
bool call_restarts(struct task_struct *task, struct pt_regs *regs);

#endif
