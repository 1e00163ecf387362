// SPDX-License-Identifier: GPL-2.0
/* Objects whose content an update replaces (KMEND_OVERWRITE in kmend/hooks.h). */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/version.h>
#include "stop.h"

/* Before 5.13 the kernel cannot write to its own constants, for which it has large pages (vmalloc_to_page()). */
static bool can_write(const struct kmend_object *object)
{
	return LINUX_VERSION_CODE >= KERNEL_VERSION(5, 13, 0) || !object->read_only || object->addr >= MODULES_VADDR;
}

bool objects_are_valid(const struct kmend_update *given)
{
	const struct kmend_object *object = given->objects;
	u32 i;

	for (i = 0; i < given->object_count; i++, object++) {
		if (!object->addr || !object->name || !object->size || !can_write(object) ||
		    !within_module(object->content, given->owner) ||
		    !within_module(object->content + object->size - 1, given->owner))
			return false;
	}
	return true;
}

int objects_prepare(void)
{
	const struct kmend_object *object;
	struct part *part;
	size_t size;

	for_each_part(part) {
		size = 0;
		for_each_object(object, part)
			size += object->size;
		part->saved = size ? kvmalloc(size, GFP_KERNEL) : NULL;
		if (size && !part->saved)
			return -ENOMEM;
	}
	return 0;
}

void objects_forget(struct part *part)
{
	kvfree(part->saved);
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
	void *saved;

	for_each_part(part) {
		saved = part->saved;
		for_each_object(object, part) {
			if (apply) {
				memcpy(saved, (void *)(unsigned long)object->addr, object->size);
				replace(object, (void *)(unsigned long)object->content);
			} else {
				replace(object, saved);
			}
			saved += object->size;
		}
	}
}
