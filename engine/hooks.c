// SPDX-License-Identifier: GPL-2.0
/* Functions of an update that are called when it is switched (kmend/hooks.h). */
#include <linux/kernel.h>
#include <linux/string.h>
#include "stop.h"

static const char *const kind_names[] = { KMEND_HOOK_NAMES };

/* @kind is one of apply; those of reverse stand in the same order. */
static enum kmend_hook_kind kind_of(enum kmend_hook_kind kind, bool apply)
{
	return apply ? kind : kind + KMEND_HOOK_PRE_REVERSE;
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

static int refuse(struct update *update, const struct kmend_hook *hook, int err, bool may_wait)
{
	if (err > 0 || err < -MAX_ERRNO)
		err = -EINVAL;
	snprintf(update->in_the_way, sizeof(update->in_the_way), "hook %d %.128s %s\n", -err,
		 (const char *)(unsigned long)hook->name, kind_names[hook->kind]);
	return may_wait && err == -EBUSY ? -EBUSY : -ECANCELED;
}

/* Calls the hooks of @kind until one fails. @may_wait: -EBUSY says "not now". */
static int call_checked(struct update *update, const struct part *part, enum kmend_hook_kind kind,
			bool may_wait)
{
	const struct kmend_hook *hook;
	int err;

	for_each_hook(hook, part) {
		if (hook->kind != kind)
			continue;
		err = ((int (*)(void))(unsigned long)hook->function)();
		if (err)
			return refuse(update, hook, err, may_wait);
	}
	return 0;
}

static void call(const struct part *part, enum kmend_hook_kind kind)
{
	const struct kmend_hook *hook;

	for_each_hook(hook, part) {
		if (hook->kind == kind)
			((void (*)(void))(unsigned long)hook->function)();
	}
}

/*
 * The part after @part, of the chosen updates and their parts as they were
 * loaded, or the other way round.  It begins and ends with NULL.
 */
static struct part *next_part(struct update **update, struct part *part, bool forward)
{
	struct list_head *to;

	if (part) {
		to = forward ? part->list.next : part->list.prev;
		if (to != &(*update)->parts)
			return list_entry(to, struct part, list);
	}
	to = part ? &(*update)->list : &updates;
	for (;;) {
		to = forward ? to->next : to->prev;
		if (to == &updates)
			return NULL;
		*update = list_entry(to, struct update, list);
		if ((*update)->chosen && !list_empty(&(*update)->parts))
			break;
	}
	to = forward ? (*update)->parts.next : (*update)->parts.prev;
	return list_entry(to, struct part, list);
}

/*
 * What hooks leave of their addresses below this frame would look like return
 * addresses in frames of the wait for the stop that do not write all their words.
 */
static noinline void wipe_stack(void)
{
	u8 words[1536];

	memzero_explicit(words, sizeof(words));
}

int hooks_pre(bool apply)
{
	struct update *update = NULL;
	struct part *part = NULL;
	int err = 0;

	while (!err && (part = next_part(&update, part, apply))) {
		part->begun = true;
		err = call_checked(update, part, kind_of(KMEND_HOOK_PRE_APPLY, apply), false);
	}
	wipe_stack();
	return err;
}

int hooks_check(bool apply)
{
	struct update *update = NULL;
	struct part *part = NULL;
	int err = 0;

	while (!err && (part = next_part(&update, part, apply)))
		err = call_checked(update, part, kind_of(KMEND_HOOK_CHECK_APPLY, apply), true);
	return err;
}

void hooks_switch(bool apply)
{
	struct update *update = NULL;
	struct part *part = NULL;

	while ((part = next_part(&update, part, apply)))
		call(part, kind_of(KMEND_HOOK_APPLY, apply));
}

void hooks_done(bool apply, bool happened)
{
	enum kmend_hook_kind kind = happened ? KMEND_HOOK_POST_APPLY : KMEND_HOOK_FAIL_APPLY;
	struct update *update = NULL;
	struct part *part = NULL;

	/* What failed is taken back in the order opposite to that of hooks_pre(). */
	while ((part = next_part(&update, part, apply == happened))) {
		if (part->begun)
			call(part, kind_of(kind, apply));
		part->begun = false;
	}
}
