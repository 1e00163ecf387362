/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hand-made update module: one function, one file.  KMEND_UPDATE_ID and
 * KMEND_TARGET are defined before this is included; bind fills in the rest.
 */
#include <linux/seq_file.h>
#include "update.c"

#define REPLACES(old, new) REPLACES_OFTEN(1, old, new)
#define REPLACES_OFTEN(count, old, new) \
	extern const char old[]; \
	const struct kmend_function kmend_functions[] __section(".kmend.functions") = { [0 ... count - 1] = { \
		.old_addr = (u64)old, \
		.new_addr = (u64)new, \
		.name = (u64)#old, \
		.new_size = 1, \
	} }; \
	const u32 kmend_function_count = count; \
	const struct kmend_range kmend_ranges[1] __section(".kmend.ranges"); \
	const u32 kmend_range_count; \
	const struct kmend_object kmend_objects[1]; \
	const u32 kmend_object_count; \
	const struct kmend_hook kmend_hooks[1]; \
	const u32 kmend_hook_count
