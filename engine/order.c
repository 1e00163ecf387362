// SPDX-License-Identifier: GPL-2.0
/*
 * Which updates may stand next to which.
 *
 * A function has at most one jump.  An update may replace the code of another
 * one, or use what that one brought: that is then applied before it and undone
 * after it.
 */
#include <linux/kernel.h>
#include "engine.h"

static int refuse(struct update *update, const struct update *other, const char *what,
		  const char *why, int err)
{
	snprintf(update->in_the_way, sizeof(update->in_the_way), "update %s %s %s\n", other->id,
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

static bool overlap(const struct kmend_function *f, const struct kmend_function *g)
{
	return f->old_addr < g->old_addr + g->old_size && g->old_addr < f->old_addr + f->old_size;
}

/* Does another function that is or will be replaced share @f's code? */
static int check_unique(struct update *update, const struct kmend_function *f)
{
	const struct kmend_function *g;
	struct part *part;

	for_each_used_part(part) {
		for_each_function(g, part) {
			if (f != g && overlap(f, g))
				return refuse(update, part->update, function_name(f), "replaces-it",
					      -EEXIST);
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
	const struct kmend_function *f;
	struct part *below;
	const char *what;
	int err;

	for_each_function(f, part) {
		err = check_unique(part->update, f);
		if (err)
			return err;
	}
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
