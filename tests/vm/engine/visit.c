// SPDX-License-Identifier: GPL-2.0
/* Replaces the function that interrupts and NMIs call. */
#define KMEND_UPDATE_ID "9999999999999999"
#define KMEND_TARGET "kmend_test_target"
#include "update.h"

static noinline int new_target_visit(void)
{
	barrier();
	return 2;
}

REPLACES(target_visit, new_target_visit);
