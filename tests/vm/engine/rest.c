// SPDX-License-Identifier: GPL-2.0
/* Replaces a function in which a thread of the kernel's sleeps. */
#include <linux/sched.h>
#define KMEND_UPDATE_ID "bbbbbbbbbbbbbbbb"
#define KMEND_TARGET "kmend_test_target"
#include "update.h"

static noinline void new_target_rest(void)
{
	schedule_timeout_interruptible(61 * HZ);
	barrier();
}

REPLACES(target_rest, new_target_rest);
