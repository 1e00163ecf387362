// SPDX-License-Identifier: GPL-2.0
/* Lists more functions than fit into a file of sysfs; only to be loaded. */
#define KMEND_UPDATE_ID "ffffffffffffffff"
#define KMEND_TARGET "vmlinux"
#include "update.h"

static noinline int new_uptime_proc_show(struct seq_file *m, void *v)
{
	return 0;
}

REPLACES_OFTEN(200, uptime_proc_show, new_uptime_proc_show);
