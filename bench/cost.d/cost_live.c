// SPDX-License-Identifier: GPL-2.0
/* The kernel live patch. */
#include <linux/livepatch.h>
#include <linux/module.h>
#include "body.h"

int live_cost_function(int x);
noinline int live_cost_function(int x) COST_BODY(x)

static struct klp_func functions[] = {
	{ .old_name = "cost_function", .new_func = live_cost_function }, { }
};

static struct klp_object objects[] = { { .name = "cost_target", .funcs = functions }, { } };

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init cost_live_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit cost_live_exit(void)
{
}

module_init(cost_live_init);
module_exit(cost_live_exit);
MODULE_DESCRIPTION("kmend: a kernel live patch to compare with");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
