// SPDX-License-Identifier: GPL-2.0
/* Hold on to the modules that a switch relies on. */
#include <linux/rcupdate.h>
#include <linux/string.h>
#include "stop.h"

/*
 * struct module told of its memory in core_layout until commit ac3b43283923
 * ("module: replace module_layout with module_memory", 6.4), which came with
 * this macro and made it an array.
 */
#ifdef for_each_mod_mem_type
static u64 text_base(const struct module *mod)
{
	return (u64)mod->mem[MOD_TEXT].base;
}

unsigned int module_memory(const struct module *mod, struct text_range *ranges)
{
	unsigned int count = 0;

	for_each_mod_mem_type(type) {
		if (!mod->mem[type].size)
			continue;
		ranges[count].start = (unsigned long)mod->mem[type].base;
		ranges[count].end = ranges[count].start + mod->mem[type].size;
		ranges[count++].is_data = !mod_mem_type_is_text(type);
	}
	return count;
}
#else
static u64 text_base(const struct module *mod)
{
	return (u64)mod->core_layout.base;
}

unsigned int module_memory(const struct module *mod, struct text_range *ranges)
{
	unsigned long base = (unsigned long)mod->core_layout.base;

	ranges[0].start = base;
	ranges[0].end = base + mod->core_layout.text_size;
	ranges[1].start = base + mod->core_layout.text_size;
	ranges[1].end = base + mod->core_layout.size;
	ranges[1].is_data = true;
	return 2;
}
#endif

/* Only a live module: one that loads or unloads still changes its own text. */
static bool hold_live(struct module *mod)
{
	if (!try_module_get(mod))
		return false;
	if (mod->state == MODULE_STATE_LIVE)
		return true;
	module_put(mod);
	return false;
}

static int hold_target(struct part *part)
{
	const struct kmend_target *target = part->given->target;
	struct module *mod;

	part->target = NULL;
	if (!strcmp(target->name, "vmlinux"))
		return 0;

	/* find_module() wants RCU-sched; the reference is taken before it ends. */
	rcu_read_lock_sched();
	mod = find_module(target->name);
	if (mod && !hold_live(mod))
		mod = NULL;
	rcu_read_unlock_sched();
	if (mod && text_base(mod) != target->base) {
		module_put(mod);
		mod = NULL;
	}
	if (!mod) {
		pr_warn("kmend: %s: module %s is not where it was proved\n", part->given->id,
			target->name);
		return -ENODEV;
	}
	part->target = mod;
	return 0;
}

static int hold_part(struct part *part)
{
	int err;

	if (!hold_live(part->given->owner))
		return -ENODEV;
	err = hold_target(part);
	if (err)
		module_put(part->given->owner);
	part->held = !err;
	return err;
}

int hold_modules(void)
{
	struct update *update;
	struct part *part;
	int err;

	for_each_chosen(update) {
		for_each_part(part, update) {
			err = hold_part(part);
			if (err) {
				drop_modules();
				return err;
			}
		}
	}
	return 0;
}

void drop_modules(void)
{
	struct update *update;
	struct part *part;

	for_each_chosen(update) {
		for_each_part(part, update) {
			if (!part->held)
				continue;
			module_put(part->target);
			module_put(part->given->owner);
			part->held = false;
		}
	}
}
