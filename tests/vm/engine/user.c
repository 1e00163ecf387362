// SPDX-License-Identifier: GPL-2.0
/* Uses the function that cmdline brought. */
#define KMEND_UPDATE_ID "8888888888888888"
#define KMEND_TARGET "vmlinux"
#include "update.h"

extern int new_cmdline_proc_show(struct seq_file *m, void *v);

static noinline int new_uptime_proc_show(struct seq_file *m, void *v)
{
	return new_cmdline_proc_show(m, v);
}

REPLACES(uptime_proc_show, new_uptime_proc_show);
