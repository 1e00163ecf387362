// SPDX-License-Identifier: GPL-2.0
/* Replaces a function of the kernel, and calls what a module exports. */
#define KMEND_UPDATE_ID "eeeeeeeeeeeeeeee"
#define KMEND_TARGET "vmlinux"
#include "update.h"

extern int target_count(void);

static noinline int new_uptime_proc_show(struct seq_file *m, void *v)
{
	seq_printf(m, "counted %d\n", target_count());
	return 0;
}

REPLACES(uptime_proc_show, new_uptime_proc_show);
