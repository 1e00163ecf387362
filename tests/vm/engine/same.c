// SPDX-License-Identifier: GPL-2.0
/* Replaces the same function as cmdline does. */
#define KMEND_UPDATE_ID "2222222222222222"
#define KMEND_TARGET "vmlinux"
#include "update.h"

static noinline int same_cmdline_proc_show(struct seq_file *m, void *v)
{
	seq_puts(m, "replaced by another\n");
	return 0;
}

REPLACES(cmdline_proc_show, same_cmdline_proc_show);
