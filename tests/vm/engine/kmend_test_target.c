// SPDX-License-Identifier: GPL-2.0
/*
 * A module to be patched.
 *
 *	/proc/kmend_nap		write milliseconds: sleeps as long in target_nap();
 *				read: what that returned last
 *	/proc/kmend_count	read: what target_count() returns now, and what it
 *				returned at each write of text since the last read
 */
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

int target_nap(unsigned int ms);
noinline int target_nap(unsigned int ms)
{
	msleep(ms);
	return 1;
}

int target_count(void);
noinline int target_count(void)
{
	barrier();
	return 1;
}

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

static int count_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%d:%.*s\n", target_count(), (int)seen_count, seen);
	seen_count = 0;
	return 0;
}

/* In the stop, on the CPU that writes, as an NMI could come there. */
static int before_write(struct kprobe *p, struct pt_regs *regs)
{
	if (seen_count < sizeof(seen))
		seen[seen_count++] = '0' + target_count();
	return 0;
}
NOKPROBE_SYMBOL(before_write);

static struct kprobe probe = {
	.symbol_name = "text_poke_kgdb",
	.pre_handler = before_write,
};

static int __init target_init(void)
{
	if (!proc_create("kmend_nap", 0600, NULL, &nap_ops) ||
	    !proc_create_single("kmend_count", 0400, NULL, count_show)) {
		remove_proc_entry("kmend_nap", NULL);
		return -ENOMEM;
	}
	return register_kprobe(&probe);
}

static void __exit target_exit(void)
{
	unregister_kprobe(&probe);
	remove_proc_entry("kmend_count", NULL);
	remove_proc_entry("kmend_nap", NULL);
}

module_init(target_init);
module_exit(target_exit);
MODULE_DESCRIPTION("kmend: a module for tests to patch");
MODULE_LICENSE("GPL");
