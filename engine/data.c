// SPDX-License-Identifier: GPL-2.0
/* Objects whose content an update replaces (KMEND_OVERWRITE in kmend/hooks.h). */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "stop.h"

bool objects_are_valid(const struct kmend_update *given)
{
	const struct kmend_object *object = given->objects;
	u32 i;

	for (i = 0; i < given->object_count; i++, object++) {
		if (!object->addr || !object->name || !object->size ||
		    !within_module(object->content, given->owner) ||
		    !within_module(object->content + object->size - 1, given->owner))
			return false;
	}
	return true;
}

/* Does another update replace it, too?  Undone in another order, they would mix it up. */
static int check_unique(struct update *update, const struct kmend_object *object)
{
	const struct kmend_object *theirs;
	struct part *part;

	for_each_used_part(part) {
		if (part->update == update)
			continue;
		for_each_object(theirs, part) {
			if (object->addr >= theirs->addr + theirs->size ||
			    theirs->addr >= object->addr + object->size)
				continue;
			snprintf(update->in_the_way, sizeof(update->in_the_way),
				 "update %s %.128s overwrites-it\n", part->update->id,
				 (const char *)(unsigned long)object->name);
			return -EEXIST;
		}
	}
	return 0;
}

static int prepare(struct part *part)
{
	const struct kmend_object *object;
	int err;

	if (!part->given->object_count)
		return 0;
	part->saved = kcalloc(part->given->object_count, sizeof(*part->saved), GFP_KERNEL);
	if (!part->saved)
		return -ENOMEM;
	for_each_object(object, part) {
		void **saved = &part->saved[object - part->given->objects];

		err = check_unique(part->update, object);
		if (err)
			return err;
		*saved = kvmalloc(object->size, GFP_KERNEL);
		if (!*saved)
			return -ENOMEM;
	}
	return 0;
}

int objects_prepare(void)
{
	struct part *part;
	int err;

	for_each_part(part) {
		err = prepare(part);
		if (err)
			return err;
	}
	return 0;
}

void objects_forget(struct part *part)
{
	u32 i;

	for (i = 0; part->saved && i < part->given->object_count; i++)
		kvfree(part->saved[i]);
	kfree(part->saved);
	part->saved = NULL;
}

void objects_release(void)
{
	struct part *part;

	for_each_part(part)
		objects_forget(part);
}

static void replace(const struct kmend_object *object, const void *content)
{
	if (object->read_only)
		text_write(object->addr, content, object->size);
	else
		memcpy((void *)(unsigned long)object->addr, content, object->size);
}

void objects_switch(bool apply)
{
	const struct kmend_object *object;
	struct part *part;

	for_each_part(part) {
		for_each_object(object, part) {
			void *saved = part->saved[object - part->given->objects];

			if (apply) {
				memcpy(saved, (void *)(unsigned long)object->addr, object->size);
				replace(object, (void *)(unsigned long)object->content);
			} else {
				replace(object, saved);
			}
		}
	}
}
