// SPDX-License-Identifier: GPL-2.0
/* Replaces the function that the target calls while text is written. */
#define KMEND_UPDATE_ID "6666666666666666"
#define KMEND_TARGET "kmend_test_target"
#include "update.h"

static noinline int new_target_count(void)
{
	barrier();
	return 2;
}

REPLACES(target_count, new_target_count);
