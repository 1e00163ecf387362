// SPDX-License-Identifier: GPL-2.0
/*
 * A module to be patched.
 *
 *	/proc/kmend_nap		write milliseconds: sleeps as long in target_nap();
 *				read: what that returned last
 *	/proc/kmend_left	write milliseconds, an address, an offset, and whether to
 *				spin in target_spin() again and again: sleeps as long,
 *				with their sum on its stack as an earlier call leaves it
 *	/proc/kmend_count	read: what target_count() returns now, and what it
 *				returned at each write of text since the last read
 *
 * A thread of the kernel's is in target_rest() most of the time.
 */
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <asm/apic.h>
#include <asm/nmi.h>

/* Of noipa functions the compiler does not tell their callers what they return. */
int target_nap(unsigned int ms);
__attribute__((noipa)) int target_nap(unsigned int ms)
{
	msleep(ms);
	return 1;
}

void target_spin(void);
__attribute__((noipa)) void target_spin(void)
{
	mdelay(20);
}

void target_rest(void);
__attribute__((noipa)) void target_rest(void)
{
	schedule_timeout_interruptible(60 * HZ);
	barrier();
}

static int rest(void *unused)
{
	while (!kthread_should_stop()) {
		target_rest();
		msleep(200);
	}
	return 0;
}

static struct task_struct *rests;

int target_count(void);
__attribute__((noipa)) int target_count(void)
{
	barrier();
	return 1;
}
EXPORT_SYMBOL_GPL(target_count);

static int last_nap;
static char seen[64];
static unsigned int seen_count;

static int nap_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%d\n", last_nap);
	return 0;
}

static int nap_open(struct inode *inode, struct file *file)
{
	return single_open(file, nap_show, NULL);
}

static ssize_t nap_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	unsigned int ms;
	int err = kstrtouint_from_user(buf, count, 10, &ms);

	if (err)
		return err;
	last_nap = target_nap(ms);
	return count;
}

static const struct proc_ops nap_ops = {
	.proc_open = nap_open,
	.proc_read = seq_read,
	.proc_write = nap_write,
	.proc_release = single_release,
};

static ssize_t left_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	unsigned long left[4], addr, end;
	unsigned int ms, offset, spin, i;
	char said[64] = "";

	if (count >= sizeof(said) || copy_from_user(said, buf, count))
		return -EFAULT;
	if (sscanf(said, "%u %lx %u %u", &ms, &addr, &offset, &spin) != 4)
		return -EINVAL;
	/* Here lies nothing else. */
	WRITE_ONCE(addr, addr + offset);
	for (i = 0; i < ARRAY_SIZE(left); i++)
		WRITE_ONCE(left[i], addr);
	end = jiffies + msecs_to_jiffies(ms);
	while (spin && time_before(jiffies, end) && !signal_pending(current)) {
		target_spin();
		msleep(1);
	}
	if (!spin)
		msleep(ms);
	return count;
}

static const struct proc_ops left_ops = {
	.proc_write = left_write,
};

static int count_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%d:%.*s\n", target_count(), (int)seen_count, seen);
	seen_count = 0;
	return 0;
}

int target_visit(void);
__attribute__((noipa)) int target_visit(void)
{
	barrier();
	return 1;
}

static atomic_t by_interrupt[3], by_nmi[3], nmis_sent;

static int on_nmi(unsigned int type, struct pt_regs *regs)
{
	if (atomic_dec_if_positive(&nmis_sent) < 0)
		return NMI_DONE;
	atomic_inc(&by_nmi[target_visit()]);
	return NMI_HANDLED;
}
NOKPROBE_SYMBOL(on_nmi);

/* By hand, as what the kernel has for it changes its name and its way. */
static void send_nmis(void)
{
	unsigned int command = APIC_DEST_ALLBUT | APIC_DM_NMI;

	atomic_add(num_online_cpus() - 1, &nmis_sent);
	if (x2apic_enabled())
		wrmsr(APIC_BASE_MSR + (APIC_ICR >> 4), command, 0);
	else
		native_apic_mem_write(APIC_ICR, command);
}

static void on_interrupt(void *unused)
{
	atomic_inc(&by_interrupt[target_visit()]);
}

static int visits_show(struct seq_file *m, void *v)
{
	unsigned int i;

	for (i = 0; i < 100; i++)
		on_each_cpu(on_interrupt, NULL, true);
	seq_printf(m, "interrupts %d %d", atomic_xchg(&by_interrupt[1], 0),
		   atomic_xchg(&by_interrupt[2], 0));
	seq_printf(m, " NMIs %d %d\n", atomic_xchg(&by_nmi[1], 0), atomic_xchg(&by_nmi[2], 0));
	return 0;
}

/* In the stop, on the CPU that writes, as an NMI could come there. */
static int before_write(struct kprobe *p, struct pt_regs *regs)
{
	send_nmis();
	if (seen_count < sizeof(seen))
		seen[seen_count++] = '0' + target_count();
	return 0;
}
NOKPROBE_SYMBOL(before_write);

static struct kprobe probe = {
	.symbol_name = "text_poke_kgdb",
	.pre_handler = before_write,
};

static void remove_files(void)
{
	/* Unlike remove_proc_entry(), this does not mind what is not there. */
	remove_proc_subtree("kmend_visits", NULL);
	remove_proc_subtree("kmend_count", NULL);
	remove_proc_subtree("kmend_left", NULL);
	remove_proc_subtree("kmend_nap", NULL);
}

static int __init target_init(void)
{
	int err = register_nmi_handler(NMI_LOCAL, on_nmi, 0, "kmend_test");

	if (err)
		return err;
	err = register_kprobe(&probe);
	if (err)
		goto unregister_nmi;
	if (proc_create("kmend_nap", 0600, NULL, &nap_ops) &&
	    proc_create("kmend_left", 0200, NULL, &left_ops) &&
	    proc_create_single("kmend_count", 0400, NULL, count_show) &&
	    proc_create_single("kmend_visits", 0400, NULL, visits_show)) {
		rests = kthread_run(rest, NULL, "kmend_rest");
		if (!IS_ERR(rests))
			return 0;
	}
	remove_files();
	err = -ENOMEM;
	unregister_kprobe(&probe);
unregister_nmi:
	unregister_nmi_handler(NMI_LOCAL, "kmend_test");
	return err;
}

static void __exit target_exit(void)
{
	kthread_stop(rests);
	remove_files();
	unregister_kprobe(&probe);
	unregister_nmi_handler(NMI_LOCAL, "kmend_test");
}

module_init(target_init);
module_exit(target_exit);
MODULE_DESCRIPTION("kmend: a module for tests to patch");
MODULE_LICENSE("GPL");
