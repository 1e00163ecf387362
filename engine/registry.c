// SPDX-License-Identifier: GPL-2.0
/* The updates that are loaded, and the modules that they consist of. */
#include <linux/ctype.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "engine.h"
#include "text.h"

DEFINE_MUTEX(registry_lock);
DEFINE_MUTEX(switch_lock);
LIST_HEAD(updates);
LIST_HEAD(parts);

static bool id_is_valid(const char *id)
{
	unsigned int i;

	for (i = 0; i < KMEND_ID_LEN; i++) {
		if (!isxdigit(id[i]))
			return false;
	}
	return !id[i];
}

static bool function_is_valid(const struct kmend_function *f, const struct module *owner)
{
	return f->name && f->old_addr && f->new_size &&
	       (u64)f->jump_offset + KMEND_JUMP_LEN <= f->old_size &&
	       within_module(f->new_addr, owner) &&
	       within_module(f->new_addr + f->new_size - 1, owner) &&
	       jump_reaches(jump_site(f), f->new_addr);
}

static bool part_is_valid(const struct kmend_update *given)
{
	u32 i;

	if (!given->owner || !given->id || !id_is_valid(given->id) || !given->target)
		return false;
	if (!given->target->name[0] ||
	    strnlen(given->target->name, KMEND_NAME_LEN) == KMEND_NAME_LEN)
		return false;
	for (i = 0; i < given->function_count; i++) {
		if (!function_is_valid(&given->functions[i], given->owner))
			return false;
	}
	for (i = 0; i < given->range_count; i++) {
		if (!given->ranges[i].addr || !given->ranges[i].size)
			return false;
	}
	return objects_are_valid(given) && hooks_are_valid(given);
}

struct update *find_update(const char *id)
{
	struct update *update;

	for_each_update(update) {
		if (!strcmp(update->id, id))
			return update;
	}
	return NULL;
}

struct part *find_part(const struct update *update, const char *target)
{
	struct part *part;

	for_each_any_part(part) {
		if (part->update == update &&
		    (!target || !strcmp(part->given->target->name, target)))
			return part;
	}
	return NULL;
}

static struct update *create_update(const char *id)
{
	struct update *update = kzalloc(sizeof(*update), GFP_KERNEL);
	int err;

	if (!update)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&update->list);
	strscpy(update->id, id, sizeof(update->id));
	err = sysfs_add_update(update);
	if (err) {
		kobject_put(&update->kobj);
		return ERR_PTR(err);
	}
	mutex_lock(&switch_lock);
	list_add_tail(&update->list, &updates);
	mutex_unlock(&switch_lock);
	return update;
}

static void remove_update(struct update *update)
{
	mutex_lock(&switch_lock);
	list_del_init(&update->list);
	mutex_unlock(&switch_lock);
	kobject_del(&update->kobj);
	kobject_put(&update->kobj);
}

/* Others may have been bound to what it brought: of what comes to lie there nothing is known. */
static void remove_part(struct part *part)
{
	struct part *above;
	const char *what;

	list_del(&part->list);
	for_each_any_part(above)
		above->orphan |= stands_on(above, part, &what);
}

/* Of an update that is applied, to a module that waits for it. */
static int switch_late(struct part *part)
{
	struct attempt attempt = { .apply = true, .late = part, .plain = true };
	int err;

	part->update->chosen = true;
	err = switch_chosen(&attempt);
	part->update->chosen = false;
	if (err)
		remove_part(part);
	return err;
}

/* Behind the last one of its update. */
static void insert_part(struct part *part)
{
	struct list_head *last = parts.prev;
	struct part *other;

	for_each_any_part(other) {
		if (other->update == part->update)
			last = &other->list;
	}
	list_add(&part->list, last);
}

static int add_part(struct part *part)
{
	struct update *update = part->update;
	const char *target = part->given->target->name;
	int err = 0;

	mutex_lock(&switch_lock);
	if (find_part(update, target))
		err = -EEXIST;
	/* What is made for a module that waits is of no use where the update was undone meanwhile. */
	else if (update->applied ? !late_waits(update, target) :
		 part->target && part->target->state == MODULE_STATE_COMING)
		err = -EBUSY;
	else if (!finds_all(part))
		err = -ENODEV;
	else
		insert_part(part);
	if (!err && update->applied)
		err = switch_late(part);
	mutex_unlock(&switch_lock);
	return err;
}

/* One that has neither a module nor the name of one is gone. */
static void remove_empty(struct update *update)
{
	if (!find_part(update, NULL) && !late_has(update, NULL))
		remove_update(update);
}

static int register_part(struct part *part)
{
	struct update *update = find_update(part->given->id);
	int err;

	if (!update)
		update = create_update(part->given->id);
	if (IS_ERR(update))
		return PTR_ERR(update);
	part->update = update;
	err = add_part(part);
	remove_empty(update);
	return err;
}

static int change_names(struct update *update, const char *name)
{
	int err = -EBUSY;

	mutex_lock(&switch_lock);
	if (!update->applied) {
		err = 0;
		if (name)
			err = late_add(update, name);
		else
			late_forget(update);
		holds_forget_failed();
	}
	mutex_unlock(&switch_lock);
	return err;
}

int name_late(const char *id, const char *name)
{
	struct update *update;
	int err;

	if (!id_is_valid(id))
		return -EINVAL;
	mutex_lock(&registry_lock);
	update = find_update(id);
	if (!update)
		update = create_update(id);
	err = PTR_ERR_OR_ZERO(update);
	if (!err) {
		err = change_names(update, name);
		remove_empty(update);
	}
	mutex_unlock(&registry_lock);
	return err;
}

static void forget_part(struct part *part)
{
	mutex_lock(&switch_lock);
	hold_unregister(part);
	mutex_unlock(&switch_lock);
	kfree(part);
}

int kmend_register(struct kmend_update *given)
{
	struct part *part;
	int err;

	if (!part_is_valid(given))
		return -EINVAL;
	part = kzalloc(sizeof(*part), GFP_KERNEL);
	if (!part)
		return -ENOMEM;
	part->given = given;
	given->engine = part;

	mutex_lock(&registry_lock);
	err = hold_register(part) ?: register_part(part);
	if (err)
		forget_part(part);
	mutex_unlock(&registry_lock);
	return err;
}
EXPORT_SYMBOL_GPL(kmend_register);

void kmend_unregister(struct kmend_update *given)
{
	struct part *part = given->engine;

	mutex_lock(&registry_lock);
	mutex_lock(&switch_lock);
	remove_part(part);
	mutex_unlock(&switch_lock);
	remove_empty(part->update);
	forget_part(part);
	mutex_unlock(&registry_lock);

	/* The new code may have queued RCU callbacks that are part of it. */
	rcu_barrier();
}
EXPORT_SYMBOL_GPL(kmend_unregister);
