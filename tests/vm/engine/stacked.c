// SPDX-License-Identifier: GPL-2.0
/* Replaces the function that cmdline brought. */
#define KMEND_UPDATE_ID "3333333333333333"
#define KMEND_TARGET "vmlinux"
#include "update.h"

static noinline int newer_cmdline_proc_show(struct seq_file *m, void *v)
{
	seq_puts(m, "replaced twice\n");
	return 0;
}

REPLACES(new_cmdline_proc_show, newer_cmdline_proc_show);
