// SPDX-License-Identifier: GPL-2.0
/* The fields that updates have added to objects (kmend/shadow.h). */
#include <linux/export.h>
#include <linux/hashtable.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <kmend/shadow.h>
#include "engine.h"

struct shadow {
	struct hlist_node node;
	struct rcu_head rcu;
	const void *obj;
	unsigned long id;
	u8 field[] __aligned(ARCH_KMALLOC_MINALIGN);
};

/* By object; the lock guards changes, RCU those who look. */
static DEFINE_HASHTABLE(shadows, 12);
static DEFINE_RAW_SPINLOCK(shadows_lock);

static struct shadow *find(const void *obj, unsigned long id)
{
	struct shadow *shadow;

	hash_for_each_possible_rcu(shadows, shadow, node, (unsigned long)obj,
				   lockdep_is_held(&shadows_lock)) {
		if (shadow->obj == obj && shadow->id == id)
			return shadow;
	}
	return NULL;
}

static struct shadow *find_any(unsigned long id)
{
	struct shadow *shadow;
	unsigned int bucket;

	hash_for_each(shadows, bucket, shadow, node) {
		if (shadow->id == id)
			return shadow;
	}
	return NULL;
}

void *kmend_shadow_get(const void *obj, unsigned long id)
{
	struct shadow *shadow;

	rcu_read_lock();
	shadow = find(obj, id);
	rcu_read_unlock();
	return shadow ? shadow->field : NULL;
}
EXPORT_SYMBOL_GPL(kmend_shadow_get);

void *kmend_shadow_new(size_t size, gfp_t gfp)
{
	struct shadow *shadow;
	size_t whole;

	if (check_add_overflow(sizeof(*shadow), size, &whole))
		return NULL;
	shadow = kzalloc(whole, gfp);
	return shadow ? shadow->field : NULL;
}
EXPORT_SYMBOL_GPL(kmend_shadow_new);

void *kmend_shadow_attach(const void *obj, unsigned long id, void *field)
{
	struct shadow *shadow = container_of(field, struct shadow, field), *other;
	unsigned long flags;

	shadow->obj = obj;
	shadow->id = id;
	raw_spin_lock_irqsave(&shadows_lock, flags);
	other = find(obj, id);
	if (!other)
		hash_add_rcu(shadows, &shadow->node, (unsigned long)obj);
	raw_spin_unlock_irqrestore(&shadows_lock, flags);
	if (!other)
		return field;
	kfree(shadow);
	return other->field;
}
EXPORT_SYMBOL_GPL(kmend_shadow_attach);

void *kmend_shadow_detach(const void *obj, unsigned long id)
{
	struct shadow *shadow;
	unsigned long flags;

	raw_spin_lock_irqsave(&shadows_lock, flags);
	shadow = obj ? find(obj, id) : find_any(id);
	if (shadow)
		hash_del_rcu(&shadow->node);
	raw_spin_unlock_irqrestore(&shadows_lock, flags);
	return shadow ? shadow->field : NULL;
}
EXPORT_SYMBOL_GPL(kmend_shadow_detach);

void kmend_shadow_release(void *field)
{
	struct shadow *shadow = container_of(field, struct shadow, field);

	if (field)
		kfree_rcu(shadow, rcu);
}
EXPORT_SYMBOL_GPL(kmend_shadow_release);

/* No update is loaded any more, so nobody looks. */
void shadow_exit(void)
{
	struct hlist_node *next;
	struct shadow *shadow;
	unsigned int bucket;

	hash_for_each_safe(shadows, bucket, next, shadow, node) {
		hash_del(&shadow->node);
		kfree(shadow);
	}
}
