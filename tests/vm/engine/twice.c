// SPDX-License-Identifier: GPL-2.0
/* Has both the id and the target of cmdline, which only one may have. */
#define KMEND_UPDATE_ID "1111111111111111"
#define KMEND_TARGET "vmlinux"
#include "update.h"

static noinline int new_uptime_proc_show(struct seq_file *m, void *v)
{
	return 0;
}

REPLACES(uptime_proc_show, new_uptime_proc_show);
