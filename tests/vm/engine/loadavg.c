// SPDX-License-Identifier: GPL-2.0
/* Has an id in common with nap, and another target. */
#define KMEND_UPDATE_ID "5555555555555555"
#define KMEND_TARGET "vmlinux"
#include "update.h"

static noinline int new_loadavg_proc_show(struct seq_file *m, void *v)
{
	seq_puts(m, "no load\n");
	return 0;
}

REPLACES(loadavg_proc_show, new_loadavg_proc_show);
