/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shadow fields: a field that a patch adds to a structure that lives, kept
 * beside it.  For the source of the patch itself, see kmend/hooks.h:
 *
 *	#include <kmend/shadow.h>
 *
 * A field is found by the object's address and a number that says which field
 * it is.  The engine keeps all of them, so an update that is applied on top of
 * another finds the fields of that one.  The author sees to it that
 *
 * - the patch frees the field where the object is freed, else the next object at the
 *   address has it;
 * - an object that is older than the update has none at first;
 * - after an undo nobody frees the fields of objects that are freed: free all of
 *   them in a post_reverse hook.  What is left is freed with the engine, which
 *   goes with the last update.
 */
#ifndef KMEND_SHADOW_H
#define KMEND_SHADOW_H

#include <linux/gfp.h>
#include <linux/types.h>

/*
 * The field @id of @obj, NULL where it has none.  For any context.  It stays as
 * long as nobody frees it: where another thread may, until the caller's RCU read
 * section ends.
 */
void *kmend_shadow_get(const void *obj, unsigned long id);

/* ---- what the functions below are made of ---- */

/* A field of no object yet, @size zeroed bytes; NULL where there is no memory. */
void *kmend_shadow_new(size_t size, gfp_t gfp);

/*
 * Makes @field, of kmend_shadow_new(), the field @id of @obj and returns it; or, where
 * @obj has one, releases @field and returns that one.  For any context but NMI.
 */
void *kmend_shadow_attach(const void *obj, unsigned long id, void *field);

/* Takes the field @id from @obj, or, where that is NULL, from any object; NULL: there is none. */
void *kmend_shadow_detach(const void *obj, unsigned long id);

/* Frees @field, which no object has, when all RCU readers have gone; NULL is allowed. */
void kmend_shadow_release(void *field);

/* ---- allocate and free ---- */

/*
 * The field @id of @obj, which is made where it has none: @size zeroed bytes,
 * as @gfp allows, given to @constructor (may be NULL) before others can find
 * it.  Where two make it at once one of them is dropped again, so the constructor
 * must not make it known.  NULL where there is no memory.
 *
 * Always inline, so that the constructor's address is not handed around, which would
 * keep the update's module loaded.
 */
static __always_inline void *kmend_shadow_get_or_alloc(const void *obj, unsigned long id,
						       size_t size, gfp_t gfp,
						       void (*constructor)(void *field))
{
	void *field = kmend_shadow_get(obj, id);

	if (field)
		return field;
	field = kmend_shadow_new(size, gfp);
	if (!field)
		return NULL;
	if (constructor)
		constructor(field);
	return kmend_shadow_attach(obj, id, field);
}

/* Frees the field @id of @obj, if it has one, that @destructor (may be NULL) was given before. */
static __always_inline void kmend_shadow_free(const void *obj, unsigned long id,
					      void (*destructor)(void *field))
{
	void *field = kmend_shadow_detach(obj, id);

	if (field && destructor)
		destructor(field);
	kmend_shadow_release(field);
}

/* Frees the fields @id of all objects. */
static __always_inline void kmend_shadow_free_all(unsigned long id, void (*destructor)(void *field))
{
	void *field;

	while ((field = kmend_shadow_detach(NULL, id))) {
		if (destructor)
			destructor(field);
		kmend_shadow_release(field);
	}
}

#endif
