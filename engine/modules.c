// SPDX-License-Identifier: GPL-2.0
/* The modules that a switch relies on. */
#include <linux/rcupdate.h>
#include <linux/string.h>
#include "stop.h"

/*
 * struct module told of its memory in core_layout until commit ac3b43283923
 * ("module: replace module_layout with module_memory", 6.4), which came with
 * this macro and made it an array.
 */
#ifdef for_each_mod_mem_type
u64 module_text(const struct module *mod)
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
u64 module_text(const struct module *mod)
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

bool module_runs(const char *name)
{
	const struct module *mod;
	bool runs;

	rcu_read_lock_sched();
	mod = find_module(name);
	runs = mod && mod->state != MODULE_STATE_GOING;
	rcu_read_unlock_sched();
	return runs;
}

/* One that loads or unloads still changes its own text; one that loads late waits for us. */
static bool is_ready(const struct module *mod, bool late)
{
	return mod->state == (late ? MODULE_STATE_COMING : MODULE_STATE_LIVE);
}

/* In the init of an update module that is late, it is not live either. */
static int hold_part(struct part *part, bool late)
{
	struct module *owner = part->given->owner;

	if (part->orphan ||
	    (strcmp(part->given->target->name, "vmlinux") && !(part->target && is_ready(part->target, late))))
		return -ENODEV;
	if (!try_module_get(owner))
		return -ENODEV;
	part->in = is_ready(owner, late);
	if (!part->in)
		module_put(owner);
	return part->in ? 0 : -ENODEV;
}

static int hold_parts(bool late)
{
	struct update *update;
	struct part *part;
	int err;

	for_each_chosen(update) {
		if (!late && !late_absent(update))
			return -ENODEV;
	}
	for_each_part(part) {
		err = hold_part(part, late);
		if (err)
			return err;
	}
	return pin_targets();
}

int hold_modules(bool late)
{
	int err = hold_parts(late);

	if (err)
		drop_modules();
	return err;
}

static void let_go(struct part *part)
{
	if (part->in)
		module_put(part->given->owner);
	part->in = false;
}

void drop_part(struct part *part)
{
	pr_info("kmend: %s: module %s is gone\n", part->update->id, part->given->target->name);
	objects_forget(part);
	let_go(part);
}

void drop_modules(void)
{
	struct part *part;

	for_each_part(part) {
		let_go(part);
		part->chosen = false;
	}
	pin_targets();
}

static bool is_stood_on(const struct part *below)
{
	struct part *part;
	const char *what;

	for_each_used_part(part) {
		if (part->target != below->target && stands_on(part, below, &what))
			return true;
	}
	return false;
}

/*
 * One that may not come back; where a hook may have done what nobody would take
 * back; or where code outside of it uses what the update brought, for which the
 * loader holds the update's module, beside the reference of the part itself.
 */
bool must_stay(const struct part *part)
{
	return !late_has(part->update, part->given->target->name) || part->given->hook_count ||
	       is_stood_on(part) ||
	       (is_ready(part->given->owner, false) && module_refcount(part->given->owner) > 1);
}
