// SPDX-License-Identifier: GPL-2.0
/*
 * What makes an update module of changed code: it is built once for each target
 * and linked with the object that holds the code and the tables below.
 *
 * From the command line: KMEND_UPDATE_ID and KMEND_TARGET, both C strings.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <kmend/engine.h>

extern const struct kmend_function kmend_functions[];
extern const u32 kmend_function_count;
extern const struct kmend_range kmend_ranges[];
extern const u32 kmend_range_count;
extern const struct kmend_object kmend_objects[];
extern const u32 kmend_object_count;
extern const struct kmend_hook kmend_hooks[];
extern const u32 kmend_hook_count;

/* The program writes the base in before it loads the module. */
extern const struct kmend_target kmend_target;
const struct kmend_target kmend_target __section(".kmend.target") = {
	.name = KMEND_TARGET,
};

extern const u64 kmend_uses[KMEND_USES];
const u64 kmend_uses[KMEND_USES] __section(".kmend.uses") = { 0 };

static struct kmend_update update = {
	.id = KMEND_UPDATE_ID,
	.owner = THIS_MODULE,
	.target = &kmend_target,
	.functions = kmend_functions,
	.ranges = kmend_ranges,
	.uses = kmend_uses,
	.objects = kmend_objects,
	.hooks = kmend_hooks,
};

static int __init update_init(void)
{
	update.function_count = kmend_function_count;
	update.range_count = kmend_range_count;
	update.object_count = kmend_object_count;
	update.hook_count = kmend_hook_count;
	return kmend_register(&update);
}

static void __exit update_exit(void)
{
	kmend_unregister(&update);
}

module_init(update_init);
module_exit(update_exit);
MODULE_DESCRIPTION("kmend update " KMEND_UPDATE_ID " of " KMEND_TARGET);
MODULE_LICENSE("GPL");
