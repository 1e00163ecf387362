// SPDX-License-Identifier: GPL-2.0
/* Functions of an update that are called when it is switched (kmend/hooks.h). */
#include <linux/kernel.h>
#include <linux/string.h>
#include "stop.h"

#define KIND(kind, apply) ((apply) ? KMEND_HOOK_##kind##APPLY : KMEND_HOOK_##kind##REVERSE)

static const char *const kind_names[] = { KMEND_HOOK_NAMES };

static bool is_pre(u32 kind)
{
	return kind == KMEND_HOOK_PRE_APPLY || kind == KMEND_HOOK_PRE_REVERSE;
}

static bool is_check(u32 kind)
{
	return kind == KMEND_HOOK_CHECK_APPLY || kind == KMEND_HOOK_CHECK_REVERSE;
}

bool hooks_are_valid(const struct kmend_update *given)
{
	const struct kmend_hook *hook = given->hooks;
	u32 i;

	for (i = 0; i < given->hook_count; i++, hook++) {
		if (hook->kind >= KMEND_HOOK_KINDS || !hook->name ||
		    !within_module(hook->function, given->owner))
			return false;
	}
	return true;
}

/* Of a check hook -EBUSY says "not now". */
static int refuse(struct update *update, const struct kmend_hook *hook, int err)
{
	if (err > 0 || err < -MAX_ERRNO)
		err = -EINVAL;
	snprintf(update->in_the_way, sizeof(update->in_the_way), "hook %d %.128s %s\n", -err,
		 (const char *)(unsigned long)hook->name, kind_names[hook->kind]);
	return is_check(hook->kind) && err == -EBUSY ? -EBUSY : -ECANCELED;
}

static int call(const struct part *part, u32 kind)
{
	const struct kmend_hook *hook;
	int err;

	for_each_hook(hook, part) {
		if (hook->kind != kind)
			continue;
		if (!is_pre(kind) && !is_check(kind)) {
			((void (*)(void))(unsigned long)hook->function)();
			continue;
		}
		err = ((int (*)(void))(unsigned long)hook->function)();
		if (err)
			return refuse(part->update, hook, err);
	}
	return 0;
}

/*
 * Calls the hooks of @kind until one fails, in the parts whose pre hooks were begun, as
 * they were loaded or the other way round.
 */
static int call_all(u32 kind, bool forward)
{
	struct list_head *at = &parts;
	int err = 0;

	while (!err && (at = forward ? at->next : at->prev) != &parts) {
		struct part *part = list_entry(at, struct part, list);

		part->begun |= is_pre(kind) && part->chosen;
		if (part->begun)
			err = call(part, kind);
	}
	return err;
}

int hooks_pre(bool apply)
{
	struct part *part;
	int err;

	for_each_any_part(part)
		part->begun = false;
	err = call_all(KIND(PRE_, apply), apply);
	wipe_stack();
	return err;
}

int hooks_check(bool apply)
{
	return call_all(KIND(CHECK_, apply), apply);
}

void before_jumps(bool apply)
{
	if (apply)
		objects_switch(apply);
	else
		call_all(KMEND_HOOK_REVERSE, apply);
}

void after_jumps(bool apply)
{
	if (apply)
		call_all(KMEND_HOOK_APPLY, apply);
	else
		objects_switch(apply);
}

void hooks_done(bool apply, bool happened)
{
	if (happened)
		call_all(KIND(POST_, apply), apply);
	else	/* taken back in the order opposite to that of hooks_pre() */
		call_all(KIND(FAIL_, apply), !apply);
}
