// SPDX-License-Identifier: GPL-2.0
/* The update. */
#include "body.h"
#define KMEND_UPDATE_ID COST_UPDATE_ID
#define KMEND_TARGET "cost_target"
#include "update.h"

int new_cost_function(int x);
noinline int new_cost_function(int x) COST_BODY(x)

REPLACES(cost_function, new_cost_function);
