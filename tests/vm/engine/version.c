// SPDX-License-Identifier: GPL-2.0
/* Replaces another function of the kernel. */
#define KMEND_UPDATE_ID "4444444444444444"
#define KMEND_TARGET "vmlinux"
#include "update.h"

static noinline int new_version_proc_show(struct seq_file *m, void *v)
{
	seq_puts(m, "another version\n");
	return 0;
}

REPLACES(version_proc_show, new_version_proc_show);
