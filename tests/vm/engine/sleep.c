// SPDX-License-Identifier: GPL-2.0
/* Replaces a function of the kernel in which threads sleep. */
#include <linux/jiffies.h>
#include <linux/sched.h>
#define KMEND_UPDATE_ID "cccccccccccccccc"
#define KMEND_TARGET "vmlinux"
#include "update.h"

static noinline void new_msleep(unsigned int ms)
{
	unsigned long left = msecs_to_jiffies(ms) + 1;

	while (left)
		left = schedule_timeout_uninterruptible(left);
}

REPLACES(msleep, new_msleep);
