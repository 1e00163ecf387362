// SPDX-License-Identifier: GPL-2.0
/* Replaces a function of the kernel. */
#define KMEND_UPDATE_ID "1111111111111111"
#define KMEND_TARGET "vmlinux"
#include "update.h"

int new_cmdline_proc_show(struct seq_file *m, void *v);
noinline int new_cmdline_proc_show(struct seq_file *m, void *v)
{
	seq_puts(m, "replaced once\n");
	return 0;
}

REPLACES(cmdline_proc_show, new_cmdline_proc_show);
