// SPDX-License-Identifier: GPL-2.0
/* Replaces a function in which a thread can be preempted. */
#include <linux/delay.h>
#define KMEND_UPDATE_ID "aaaaaaaaaaaaaaaa"
#define KMEND_TARGET "kmend_test_target"
#include "update.h"

static noinline void new_target_spin(void)
{
	mdelay(20);
	barrier();
}

REPLACES(target_spin, new_target_spin);
