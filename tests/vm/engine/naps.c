// SPDX-License-Identifier: GPL-2.0
/* Uses the function that nap brought to another target. */
#define KMEND_UPDATE_ID "dddddddddddddddd"
#define KMEND_TARGET "vmlinux"
#include "update.h"

extern int new_target_nap(unsigned int ms);

static noinline int new_uptime_proc_show(struct seq_file *m, void *v)
{
	seq_printf(m, "napped %d\n", new_target_nap(1));
	return 0;
}

REPLACES(uptime_proc_show, new_uptime_proc_show);
