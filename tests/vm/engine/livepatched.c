// SPDX-License-Identifier: GPL-2.0
/* A kernel live patch, of a function that version replaces, too. */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static int live_version_proc_show(struct seq_file *m, void *v)
{
	seq_puts(m, "a live patch's version\n");
	return 0;
}

static struct klp_func functions[] = {
	{ .old_name = "version_proc_show", .new_func = live_version_proc_show },
	{ }
};

static struct klp_object objects[] = { { .funcs = functions }, { } };

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init livepatched_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit livepatched_exit(void)
{
}

module_init(livepatched_init);
module_exit(livepatched_exit);
MODULE_DESCRIPTION("kmend: a kernel live patch for tests");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
