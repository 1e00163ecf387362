// SPDX-License-Identifier: GPL-2.0
/* The engine: switches the running kernel between old and new code. */
#include "engine.h"
#include "move.h"
#include "text.h"
#include "watch.h"

static int __init engine_init(void)
{
	int err = text_init();

	if (err)
		return err;
	err = sysfs_init();
	if (err)
		goto text;
	err = holds_init();
	if (err)
		goto sysfs;
	err = late_init();
	if (err)
		goto holds;
	return 0;
holds:
	holds_exit();
sysfs:
	sysfs_exit();
text:
	text_exit();
	return err;
}

static void __exit engine_exit(void)
{
	late_exit();
	holds_exit();
	sysfs_exit();
	move_exit();
	watch_exit();
	text_exit();
	shadow_exit();
}

module_init(engine_init);
module_exit(engine_exit);
MODULE_DESCRIPTION("kmend: replaces functions of the running kernel");
MODULE_LICENSE("GPL");
