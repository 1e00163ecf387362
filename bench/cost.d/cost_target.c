// SPDX-License-Identifier: GPL-2.0
/*
 * A function, and a count of the instructions that a call of it takes: the CPU
 * traps after each of them (X86_EFLAGS_TF).  /proc/kmend_cost: calls it once,
 * and tells the number of instructions from the function's first one to the one
 * that returns to the caller, and then each instruction's place.
 */
#include <linux/irqflags.h>
#include <linux/kdebug.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/ptrace.h>
#include <linux/seq_file.h>
#include <asm/processor-flags.h>
#include "body.h"

int cost_function(int x);
noinline int cost_function(int x) COST_BODY(x)

extern const char cost_returned[];

static DEFINE_MUTEX(lock);
static unsigned long places[4096];
static unsigned int count;
static bool counting;

static int on_debug(struct notifier_block *nb, unsigned long event, void *data)
{
	struct die_args *args = data;

	if (event != DIE_DEBUG || user_mode(args->regs) || !counting)
		return NOTIFY_DONE;
	/* The instruction that is about to be executed. */
	if (count < ARRAY_SIZE(places))
		places[count++] = args->regs->ip;
	return NOTIFY_STOP;
}
NOKPROBE_SYMBOL(on_debug);

static struct notifier_block notifier = { .notifier_call = on_debug, .priority = INT_MAX };

/* The call itself is not counted, nor what comes after the return. */
static noinline int stepped_call(int x)
{
	unsigned long flags;
	int result;

	local_irq_save(flags);
	count = 0;
	counting = true;
	asm volatile("pushfq\n\t"
		     "orq %[tf], (%%rsp)\n\t"
		     "popfq\n\t"
		     "call cost_function\n"
		     "cost_returned:\n\t"
		     "pushfq\n\t"
		     "andq %[no_tf], (%%rsp)\n\t"
		     "popfq"
		     : ASM_CALL_CONSTRAINT, "+D"(x), "=a"(result)
		     : [tf] "i"(X86_EFLAGS_TF), [no_tf] "i"(~X86_EFLAGS_TF)
		     : "memory", "cc", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11");
	counting = false;
	local_irq_restore(flags);
	return result;
}

static int cost_show(struct seq_file *m, void *v)
{
	unsigned int i, n;
	int result;

	mutex_lock(&lock);
	result = stepped_call(5);
	for (n = 0; n < count && places[n] != (unsigned long)cost_returned; n++)
		;
	if (n == count || result != 16)
		seq_printf(m, "failed: %u instructions, result %d\n", count, result);
	else
		seq_printf(m, "%u\n", n);
	for (i = 0; i < n; i++)
		seq_printf(m, "%pS\n", (void *)places[i]);
	mutex_unlock(&lock);
	return 0;
}

static int __init cost_init(void)
{
	int err = register_die_notifier(&notifier);

	if (err)
		return err;
	if (proc_create_single("kmend_cost", 0400, NULL, cost_show))
		return 0;
	unregister_die_notifier(&notifier);
	return -ENOMEM;
}

static void __exit cost_exit(void)
{
	remove_proc_entry("kmend_cost", NULL);
	unregister_die_notifier(&notifier);
}

module_init(cost_init);
module_exit(cost_exit);
MODULE_DESCRIPTION("kmend: counts the instructions of a call");
MODULE_LICENSE("GPL");
