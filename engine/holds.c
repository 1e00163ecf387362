// SPDX-License-Identifier: GPL-2.0
/*
 * Modules that update modules are made for stay as long as those could touch
 * them.
 *
 * An update module is bound to addresses in its target, and the kernel knows of
 * no dependence between the two.  Already before its init, and again when it
 * goes, the kernel writes to the static keys and static calls in the target that
 * it uses (kernel/jump_label.c, kernel/static_call_inline.c).  So the target is
 * held from before it does until after.  Only while the update is switched in
 * there may the target go (late.c has the update module unloaded first).
 *
 * No reference keeps one that is loading itself from failing: late.c waits until
 * what arrived for it is in, or gone.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "engine.h"

/* Of update modules that are loading, loaded or unloading, those whose target is a module; under switch_lock. */
struct hold {
	struct list_head list;
	struct module *owner;
	struct module *target;		/* NULL when it has gone without its owner */
	struct part *part;		/* from its init to its exit */
	bool pinned;			/* has a reference to the target */
	bool going;			/* the target */
	bool failed;			/* the owner's loading: it is no more */
};
static LIST_HEAD(holds);

static struct hold *find_hold(const struct module *owner)
{
	struct hold *hold;

	list_for_each_entry(hold, &holds, list) {
		if (hold->owner == owner)
			return hold;
	}
	return NULL;
}

/* What an update module is made for: update.c has it under this name.  NULL: it is none, or for vmlinux. */
static const struct kmend_target *given_target(const struct module *mod)
{
	const struct mod_kallsyms *names = rcu_dereference_raw(mod->kallsyms);
	const struct kmend_target *target;
	unsigned int i;

	for (i = 0; i < names->num_symtab; i++) {
		const Elf_Sym *symbol = &names->symtab[i];

		if (symbol->st_shndx == SHN_UNDEF || strcmp(names->strtab + symbol->st_name, "kmend_target"))
			continue;
		target = (const void *)symbol->st_value;
		return within_module(symbol->st_value, mod) && strcmp(target->name, "vmlinux") ? target : NULL;
	}
	return NULL;
}

/* One that loads or unloads still changes its own text; one that loads late waits for us. */
static bool can_hold(const struct module *mod)
{
	return mod->state == MODULE_STATE_LIVE || late_is_waiting(mod);
}

/* With a reference to it. */
static struct module *get_target(const struct kmend_target *given)
{
	struct module *mod;

	/* find_module() wants RCU-sched. */
	rcu_read_lock_sched();
	mod = find_module(given->name);
	if (mod && (!can_hold(mod) || module_text(mod) != given->base || !try_module_get(mod)))
		mod = NULL;
	rcu_read_unlock_sched();
	return mod;
}

static void drop_hold(struct hold *hold)
{
	if (hold->pinned)
		module_put(hold->target);
	list_del(&hold->list);
	kfree(hold);
}

static int add_hold(struct module *owner, const struct kmend_target *given)
{
	struct hold *hold = kzalloc(sizeof(*hold), GFP_KERNEL);

	if (!hold)
		return -ENOMEM;
	hold->owner = owner;
	hold->target = get_target(given);
	if (!hold->target) {
		pr_warn("kmend: %s: module %s is not where it was proved\n", owner->name, given->name);
		kfree(hold);
		return -ENODEV;
	}
	hold->pinned = true;
	list_add(&hold->list, &holds);
	return 0;
}

void holds_forget_failed(void)
{
	struct hold *hold, *next;

	list_for_each_entry_safe(hold, next, &holds, list) {
		if (hold->failed)
			drop_hold(hold);
	}
}

/*
 * Called first of all.  Where another refuses, it is told that the module goes
 * before those who have used its target meanwhile, so the hold stays until
 * user space takes the update back.
 */
static int on_arrival(struct notifier_block *nb, unsigned long state, void *data)
{
	struct module *owner = data;
	const struct kmend_target *given = state == MODULE_STATE_COMING ? given_target(owner) : NULL;
	struct hold *hold;
	int err = 0;

	if (!given && (state != MODULE_STATE_GOING || owner->state != MODULE_STATE_COMING))
		return NOTIFY_DONE;
	mutex_lock(&switch_lock);
	hold = find_hold(owner);
	if (hold && !given)
		hold->failed = true;
	/* The rest of one that was at this address. */
	if (hold && given)
		drop_hold(hold);
	if (given)
		err = add_hold(owner, given);
	mutex_unlock(&switch_lock);
	return notifier_from_errno(err);
}

void hold_release(const struct module *owner)
{
	struct hold *hold;

	/* One of @owner would be here since it arrived. */
	if (list_empty(&holds))
		return;
	mutex_lock(&switch_lock);
	hold = find_hold(owner);
	if (hold)
		drop_hold(hold);
	mutex_unlock(&switch_lock);
}

int hold_register(struct part *part)
{
	struct hold *hold;
	int err = 0;

	mutex_lock(&switch_lock);
	hold = find_hold(part->given->owner);
	if (hold) {
		hold->part = part;
		part->target = hold->going ? NULL : hold->target;
	} else if (strcmp(part->given->target->name, "vmlinux")) {
		err = -ENODEV;
	}
	mutex_unlock(&switch_lock);
	return err;
}

void hold_unregister(const struct part *part)
{
	struct hold *hold = find_hold(part->given->owner);

	if (hold)
		hold->part = NULL;
}

int pin_targets(void)
{
	struct hold *hold;
	int err = 0;

	list_for_each_entry(hold, &holds, list) {
		bool pin = hold->target && !hold->going &&
			   !(hold->part && hold->part->in && !must_stay(hold->part));

		if (pin && !hold->pinned && !try_module_get(hold->target)) {
			err = -ENODEV;
			continue;
		}
		if (!pin && hold->pinned)
			module_put(hold->target);
		hold->pinned = pin;
	}
	return err;
}

bool forget_target(const struct module *target)
{
	struct hold *hold;
	bool any = false;

	/* One for @target would be here since before that began to go. */
	if (list_empty(&holds))
		return false;
	mutex_lock(&switch_lock);
	list_for_each_entry(hold, &holds, list) {
		if (hold->target != target)
			continue;
		any = true;
		hold->going = true;
		if (!hold->part)
			continue;
		hold->part->target = NULL;
		if (hold->part->in)
			drop_part(hold->part);
	}
	if (any)
		pin_targets();
	mutex_unlock(&switch_lock);
	return any;
}

/* Those that failed may be on their way out for a moment yet. */
static bool is_in_flight(const struct module *target, bool with_failed)
{
	struct hold *hold;
	bool found = false;

	mutex_lock(&switch_lock);
	list_for_each_entry(hold, &holds, list) {
		if (hold->target == target)
			found |= hold->failed ? with_failed : hold->owner->state != MODULE_STATE_LIVE;
	}
	mutex_unlock(&switch_lock);
	return found;
}

bool holds_in_flight(const struct module *target)
{
	return is_in_flight(target, false);
}

bool holds_settle(const struct module *target, unsigned int seconds)
{
	unsigned long deadline = jiffies + seconds * HZ;

	while (is_in_flight(target, true)) {
		if (time_after(jiffies, deadline))
			return false;
		msleep(10);
	}
	return true;
}

void holds_leave(const struct module *target)
{
	struct hold *hold;

	mutex_lock(&switch_lock);
	list_for_each_entry(hold, &holds, list) {
		if (hold->target != target)
			continue;
		/* One that is on its way out now goes before @target does. */
		if (!hold->failed && !try_module_get(hold->owner))
			continue;
		if (!hold->failed)
			pr_warn("kmend: %s was not unloaded before %s, and stays\n", hold->owner->name,
				target->name);
		if (hold->part)
			hold->part->target = NULL;
		hold->target = NULL;
	}
	mutex_unlock(&switch_lock);
}

static struct notifier_block arrival_notifier = {
	.notifier_call = on_arrival,
	.priority = INT_MAX,
};

int holds_init(void)
{
	return register_module_notifier(&arrival_notifier);
}

void holds_exit(void)
{
	unregister_module_notifier(&arrival_notifier);
	holds_forget_failed();
}
