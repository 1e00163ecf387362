// SPDX-License-Identifier: GPL-2.0
/* Is bound with wrong bytes or a wrong size, and so must be refused. */
#define KMEND_UPDATE_ID "7777777777777777"
#define KMEND_TARGET "vmlinux"
#include "update.h"

static noinline int wrong_version_proc_show(struct seq_file *m, void *v)
{
	seq_puts(m, "never seen\n");
	return 0;
}

REPLACES(version_proc_show, wrong_version_proc_show);
