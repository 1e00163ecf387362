// SPDX-License-Identifier: GPL-2.0
/* Replaces a function of a module, which sleeps; has an id in common with loadavg. */
#include <linux/delay.h>
#define KMEND_UPDATE_ID "5555555555555555"
#define KMEND_TARGET "kmend_test_target"
#include "update.h"

static noinline int new_target_nap(unsigned int ms)
{
	msleep(ms);
	return 2;
}

REPLACES(target_nap, new_target_nap);
