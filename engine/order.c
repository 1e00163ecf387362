// SPDX-License-Identifier: GPL-2.0
/*
 * Which updates may stand next to which.
 *
 * A function has at most one jump.  An update may replace the code of another
 * one: that is then applied before it and undone after it.
 */
#include <linux/kernel.h>
#include "engine.h"

static int refuse(struct update *update, const struct update *other,
		  const struct kmend_function *f, int err)
{
	snprintf(update->in_the_way, sizeof(update->in_the_way), "update %s %s %s\n", other->id,
		 function_name(f), err == -EEXIST ? "replaces-it" : "is-stacked");
	return err;
}

static bool overlap(const struct kmend_function *f, const struct kmend_function *g)
{
	return f->old_addr < g->old_addr + g->old_size && g->old_addr < f->old_addr + f->old_size;
}

/* Does another function that is or will be replaced share @f's code? */
static int check_unique(struct update *update, const struct kmend_function *f)
{
	const struct kmend_function *g;
	struct update *other;
	struct part *part;

	for_each_update(other) {
		if (!other->applied && !other->chosen)
			continue;
		for_each_part(part, other) {
			for_each_function(g, part) {
				if (f != g && overlap(f, g))
					return refuse(update, other, f, -EEXIST);
			}
		}
	}
	return 0;
}

/* Where @f is code of an update, that one must be applied, and so stay. */
static int check_below(struct update *update, const struct kmend_function *f)
{
	struct update *other;
	struct part *part;

	for_each_update(other) {
		for_each_part(part, other) {
			if (within_module(f->old_addr, part->given->owner) && !other->applied &&
			    !other->chosen)
				return refuse(update, other, f, -EXDEV);
		}
	}
	return 0;
}

static int check_apply(struct update *update, const struct part *part)
{
	const struct kmend_function *f;
	int err;

	for_each_function(f, part) {
		err = check_unique(update, f) ?: check_below(update, f);
		if (err)
			return err;
	}
	return 0;
}

/* Does an update that stays applied replace code of this one? */
static int check_undo(struct update *update, const struct part *part)
{
	const struct kmend_function *g;
	struct update *other;
	struct part *above;

	for_each_update(other) {
		if (!other->applied || other->chosen)
			continue;
		for_each_part(above, other) {
			for_each_function(g, above) {
				if (within_module(g->old_addr, part->given->owner))
					return refuse(update, other, g, -EXDEV);
			}
		}
	}
	return 0;
}

int check_order(bool apply)
{
	struct update *update;
	struct part *part;
	int err;

	for_each_chosen(update) {
		for_each_part(part, update) {
			err = apply ? check_apply(update, part) : check_undo(update, part);
			if (err)
				return err;
		}
	}
	return 0;
}
