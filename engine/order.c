// SPDX-License-Identifier: GPL-2.0
/*
 * Which updates may stand next to which.
 *
 * A function has at most one jump, an object one new content.  An update may
 * replace the code of another one, or use what that one brought: that is then
 * applied before it and undone after it.
 */
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include "engine.h"

static int refuse(struct update *update, const struct update *other, const char *what,
		  const char *why, int err)
{
	snprintf(update->in_the_way, sizeof(update->in_the_way), "update %s %.128s %s\n", other->id,
		 what, why);
	return err;
}

static bool uses(const struct part *part, const struct module *mod)
{
	const u64 *page = part->given->uses;

	for (; page < part->given->uses + KMEND_USES && *page; page++) {
		if (within_module(*page, mod))
			return true;
	}
	return false;
}

bool finds_all(const struct part *part)
{
	const u64 *page = part->given->uses;
	const struct module *mod;
	bool found = true;

	/* __module_address() wants RCU-sched. */
	rcu_read_lock_sched();
	for (; found && page < part->given->uses + KMEND_USES && *page; page++) {
		mod = __module_address(*page);
		/* Its own came to lie where something was. */
		found = mod && mod != part->given->owner;
	}
	rcu_read_unlock_sched();
	return found;
}

static bool overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a < b + b_size && b < a + a_size;
}

/*
 * Does another function that is or will be replaced share code with one of @part, or
 * an object of another update bytes?  Undone in another order, they would mix it up.
 */
static int check_unique(const struct part *part)
{
	const struct kmend_function *f, *g;
	const struct kmend_object *o, *p;
	struct part *other;

	for_each_used_part(other) {
		for_each_function(f, part) {
			for_each_function(g, other) {
				if (f != g && overlap(f->old_addr, f->old_size, g->old_addr, g->old_size))
					return refuse(part->update, other->update, function_name(f),
						      "replaces-it", -EEXIST);
			}
		}
		for_each_object(o, part) {
			for_each_object(p, other) {
				if (other->update != part->update &&
				    overlap(o->addr, o->size, p->addr, p->size))
					return refuse(part->update, other->update,
						      (const char *)(unsigned long)o->name,
						      "overwrites-it", -EEXIST);
			}
		}
	}
	return 0;
}

bool stands_on(const struct part *part, const struct part *below, const char **what)
{
	const struct module *mod = below->given->owner;
	const struct kmend_function *f;

	*what = below->given->target->name;
	if (part != below && uses(part, mod))
		return true;
	for_each_function(f, part) {
		*what = function_name(f);
		if (within_module(f->old_addr, mod))
			return true;
	}
	return false;
}

/* What @part stands on must be applied, and so stay. */
static int check_apply(const struct part *part)
{
	struct part *below;
	const char *what;
	int err = check_unique(part);

	if (err)
		return err;
	for_each_any_part(below) {
		if (!below->in && !below->chosen && stands_on(part, below, &what))
			return refuse(part->update, below->update, what, "is-stacked", -EXDEV);
	}
	return 0;
}

/* Does an update that stays applied stand on @below? */
static int check_undo(const struct part *below)
{
	struct part *above;
	const char *what;

	for_each_used_part(above) {
		if (!above->chosen && stands_on(above, below, &what))
			return refuse(below->update, above->update, what, "is-stacked", -EXDEV);
	}
	return 0;
}

int check_order(bool apply)
{
	struct part *part;
	int err;

	for_each_part(part) {
		err = apply ? check_apply(part) : check_undo(part);
		if (err)
			return err;
	}
	return 0;
}
