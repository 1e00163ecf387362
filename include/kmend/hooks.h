/* SPDX-License-Identifier: GPL-2.0 */
/*
 * With these a patch says what shall happen to data when the update made of it
 * is applied and undone.  For the source of the patch itself:
 *
 *	#include <kmend/hooks.h>
 *
 * `kmend create` offers the header to patches that mention it.  A source that
 * is compiled into a kernel as well keeps it between
 *
 *	#if __has_include(<kmend/hooks.h>)
 *	#endif
 *
 * All that the macros make are sections .kmend.*, which kmend reads and does
 * not load; no other code or data changes.
 */
#ifndef KMEND_HOOKS_H
#define KMEND_HOOKS_H

#include <linux/compiler.h>

/*
 * Hooks: functions without an argument that the patch adds, of any name.  They
 * are called once for each try to apply the update, or to undo it:
 *
 *	           when				may sleep  may fail
 *	pre_*	   before the stop		yes	   yes
 *	check_*	   in the stop, when no thread	no	   yes
 *		   is in the way, before
 *		   anything is written
 *	apply,	   in the stop, with the new	no	   no
 *	reverse	   code and data in place
 *	post_*	   after the stop		yes	   no
 *	fail_*	   in place of post_*, where	yes	   no
 *		   it did not come to pass
 *
 * One that may fail returns 0 or a negative errno, all others nothing.  The
 * first failure ends the try: no later hook but those for the failure is
 * called, and the kernel stays as it was.  -EBUSY of a check hook says "not
 * now": the program tries again until its deadline, as it does where a thread
 * is in the way.  Any other failure is the refusal HOOK-REFUSED.
 *
 * fail_* is called in each target (vmlinux or a module) whose pre hooks were
 * begun, also where it was one of them that failed: it takes back what is there
 * to be taken back.  A thread in the way is a failure, too, after which the
 * program tries again: pre_* and fail_* can be called many times in turn.
 *
 * In the stop all CPUs are here with interrupts off, so a hook may use what
 * needs no other CPU: no sleeping, no waiting, nothing that sends interrupts
 * (static keys, vfree(), synchronize_rcu()).  Spin locks are free; a mutex may
 * be held by a thread that was stopped.
 *
 * Targets are called in the order of the pack (vmlinux first), updates that
 * switch together in the order in which they were loaded; at undo, and after a
 * failure of apply, the other way round.  Each kind is called in all of them before the
 * next kind begins.  Hooks of one kind in one target are called in no particular order:
 * where it matters, write one of them.
 */
#define KMEND_PRE_APPLY(fn) KMEND_INT_HOOK(pre_apply, fn)
#define KMEND_CHECK_APPLY(fn) KMEND_INT_HOOK(check_apply, fn)
#define KMEND_APPLY(fn) KMEND_VOID_HOOK(apply, fn)
#define KMEND_POST_APPLY(fn) KMEND_VOID_HOOK(post_apply, fn)
#define KMEND_FAIL_APPLY(fn) KMEND_VOID_HOOK(fail_apply, fn)

#define KMEND_PRE_REVERSE(fn) KMEND_INT_HOOK(pre_reverse, fn)
#define KMEND_CHECK_REVERSE(fn) KMEND_INT_HOOK(check_reverse, fn)
#define KMEND_REVERSE(fn) KMEND_VOID_HOOK(reverse, fn)
#define KMEND_POST_REVERSE(fn) KMEND_VOID_HOOK(post_reverse, fn)
#define KMEND_FAIL_REVERSE(fn) KMEND_VOID_HOOK(fail_reverse, fn)

/*
 * Declarations about what was there before, in the file that defines it (in the
 * function, for its static variables).
 *
 * KMEND_OVERWRITE(object): the running content of this variable is overwritten
 * with its new initial value, in the stop; undo writes back what was there.
 * Its size must stay.  Read-only objects are overwritten where they are, too.
 *
 * KMEND_KEEP(object): the new initial value is for later boots only, the
 * running content stays.
 *
 * KMEND_LAYOUT(type): the patch copes with objects of this type ("struct
 * sock") that live and have the old layout, and with old code that goes on using it.
 */
#define KMEND_OVERWRITE(object) KMEND_DECLARE_OBJECT(overwrite, object)
#define KMEND_KEEP(object) KMEND_DECLARE_OBJECT(keep, object)
#define KMEND_LAYOUT(type) KMEND_DECLARE(layout, type, __UNIQUE_ID(kmend_layout))

/* ---- how it is done ---- */

/* The compiler complains where @fn is of another type. */
#define KMEND_INT_HOOK(kind, fn)                                                                   \
	static int (*const kmend_##kind##_##fn)(void) __used __section(".kmend.hooks." #kind) = fn
#define KMEND_VOID_HOOK(kind, fn)                                                                  \
	static void (*const kmend_##kind##_##fn)(void) __used __section(".kmend.hooks." #kind) = fn

/* A name, not an address: one more address taken could change the code that uses the object. */
#define KMEND_DECLARE(kind, what, id)                                                              \
	static const char id[sizeof(#what) + 0 * sizeof(what)] __used __aligned(1)             \
		__section(".kmend." #kind) = #what
#define KMEND_DECLARE_OBJECT(kind, object) KMEND_DECLARE(kind, object, kmend_##kind##_##object)

#endif
