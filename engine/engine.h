/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the engine share.
 *
 * Not exported by the kernel, so the kmend program binds these undefined
 * symbols to their addresses in this boot before it loads the module.  Each is
 * the only one of its name in vmlinux; all but kprobe_mutex and
 * kretprobe_inst_table are global there:
 *
 *	__module_address		order.c
 *	__tracepoint_sched_switch	watch.c
 *	find_module			holds.c, modules.c
 *	ftrace_lock			probes.c, as are the next three
 *	ftrace_rec_iter_next
 *	ftrace_rec_iter_record
 *	ftrace_rec_iter_start
 *	get_kprobe			probes.c
 *	idle_task			stacks.c
 *	kallsyms_lookup_size_offset	stacks.c
 *	kprobe_mutex			probes.c
 *	kretprobe_inst_table		stacks.c; before 5.11
 *	put_task_stack			move.c, stacks.c; exported by some
 *	stack_trace_save_tsk_reliable	stacks.c
 *	stop_machine_cpuslocked		switch.c; stop_machine() takes the hotplug lock,
 *					which must be taken before text_mutex
 *	text_mutex			switch.c
 *	text_poke_kgdb			arch/x86/text.c
 *	wake_up_state			move.c
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <kmend/engine.h>

#define MAX_BLOCKERS 64		/* of one update; a file of sysfs is a page */

/* What keeps an update from being switched; pid is 0 where it is not a thread. */
struct blocker {
	pid_t pid;
	char comm[TASK_COMM_LEN];
	unsigned long addr;
	const char *where;
};

/* An update module: what the update does to one target. */
struct part {
	struct list_head list;		/* parts */
	struct update *update;
	const struct kmend_update *given;
	struct module *target;		/* NULL for vmlinux, and where it has gone */
	bool in;			/* switched in; it then holds its own module */
	bool chosen;			/* takes part in the switch under way */
	void *saved;			/* what its objects held before, one after another; while applied */
	bool begun;			/* its pre hooks were called in this try */
	bool orphan;			/* something that it stands on was unloaded: never to be switched in */
};

/*
 * An update: all modules that were registered with one id.
 *
 *	          apply
 *	        -------->
 *	loaded            applied
 *	        <--------
 *	          undo
 *
 * Its modules come and go while it is loaded.  While it is applied, so do those
 * of targets that it names as late (late.c): a part is in from its switch until
 * the undo, or until its target goes.  Other targets are held as long.
 */
struct update {
	struct kobject kobj;
	struct list_head list;		/* updates */
	char id[KMEND_ID_LEN + 1];
	bool applied;
	bool chosen;			/* takes part in the switch under way */
	u64 pause_ns;			/* of the last stop that switched it */
	char in_the_way[256];		/* after -EEXIST, -EXDEV, and where a hook refused */
	unsigned int blocker_count;	/* after -EBUSY and -ESTALE; may be more than there is room for */
	struct blocker blockers[MAX_BLOCKERS];
};

/*
 * registry_lock serializes the coming and going of update modules and their
 * folders in sysfs; switch_lock guards the lists, their members and their state.
 * Taken in this order; sysfs files take switch_lock only, because removing a
 * folder waits for those who are in its files.
 */
extern struct mutex registry_lock;
extern struct mutex switch_lock;
extern struct list_head updates;
extern struct list_head parts;		/* of all updates, those of one together */

#define for_each_update(u) list_for_each_entry(u, &updates, list)
#define for_each_chosen(u) for_each_update(u) if (!(u)->chosen) {} else
#define for_each_any_part(p) list_for_each_entry(p, &parts, list)
#define for_each_part(p) for_each_any_part(p) if (!(p)->chosen) {} else
#define for_each_used_part(p) for_each_any_part(p) if (!(p)->in && !(p)->chosen) {} else
#define for_each_function(f, p) \
	for (f = (p)->given->functions; \
	     f < (p)->given->functions + (p)->given->function_count; f++)

static inline const char *function_name(const struct kmend_function *f)
{
	return (const char *)(unsigned long)f->name;
}

static inline unsigned long jump_site(const struct kmend_function *f)
{
	return f->old_addr + f->jump_offset;
}

#define for_each_object(o, p) \
	for (o = (p)->given->objects; o < (p)->given->objects + (p)->given->object_count; o++)
#define for_each_hook(h, p) \
	for (h = (p)->given->hooks; h < (p)->given->hooks + (p)->given->hook_count; h++)

/*
 * registry.c: NULL where no update has this id, or @update no part for this target,
 * or, if @target is NULL, for any; under either lock.
 */
struct update *find_update(const char *id);
struct part *find_part(const struct update *update, const char *target);

/* sysfs.c */
int sysfs_init(void);
void sysfs_exit(void);
int sysfs_add_update(struct update *update);

/*
 * registry.c: the modules that @id will switch when they load: one more; none
 * any more, @name is NULL.  Return: 0; -EBUSY where it is applied; -EINVAL; -ENOMEM.
 */
int name_late(const char *id, const char *name);

/*
 * modules.c: take hold of the modules of every chosen part; their targets must be
 * loading if @late, else loaded.  Where one is gone or on its way, the return is
 * -ENODEV and nothing is held.
 */
int hold_modules(bool late);
void drop_modules(void);

/* Of one that is in and whose target goes. */
void drop_part(struct part *part);

/* Must the target of @part, which is in, not go? */
bool must_stay(const struct part *part);

/* Is it loading or loaded? */
bool module_runs(const char *name);

/* Where its text begins. */
u64 module_text(const struct module *mod);

/*
 * holds.c: @part begins, and under switch_lock ends, to be that of its module.
 * Return: 0; -ENODEV where its target is not held.
 */
int hold_register(struct part *part);
void hold_unregister(const struct part *part);

/* Module @owner has gone: an update module lets go of its target. */
void hold_release(const struct module *owner);

/* What failed to load is no more; under switch_lock. */
void holds_forget_failed(void);

/*
 * Hold the targets, of all update modules, that must not go, and only these;
 * under switch_lock.  Return: 0; -ENODEV where one is going.
 */
int pin_targets(void);

/* @target goes.  Return: whether there are update modules for it. */
bool forget_target(const struct module *target);

/* Is an update module for @target loading or unloading? */
bool holds_in_flight(const struct module *target);

/*
 * Wait until no update module for @target is loading or unloading.
 * Return: whether that was within @seconds.
 */
bool holds_settle(const struct module *target, unsigned int seconds);

/* What is loaded for @target, which is about to be gone, could not be unloaded safely ever after: it stays. */
void holds_leave(const struct module *target);

int holds_init(void);
void holds_exit(void);

/* order.c: does @part replace, or use, something that @below brought, and what? */
bool stands_on(const struct part *part, const struct part *below, const char **what);

/* order.c: is there a module wherever @part was bound to one? */
bool finds_all(const struct part *part);

/*
 * order.c: may the chosen updates be applied or undone next to those that are
 * applied?  Return: 0; -EEXIST, -EXDEV, and the update then tells what is in
 * the way.
 */
int check_order(bool apply);

/* One try to switch. */
struct attempt {
	bool apply;			/* or undo */
	const struct part *late;	/* this one alone, of an update that is applied */
	bool move;			/* those who sleep in the code */
	bool plain;			/* see ladder.c */
	bool after_grace;		/* see watch_grace() */
	unsigned long grace_deadline;	/* in jiffies */
};

/*
 * hooks.c: call the chosen updates' hooks (kmend/hooks.h).  hooks_pre() returns
 * 0, or -ECANCELED where one refused, which the update then tells; either way
 * hooks_done() is to follow, with what came of it.
 */
bool hooks_are_valid(const struct kmend_update *given);
int hooks_pre(bool apply);
void hooks_done(bool apply, bool happened);

/*
 * data.c: memory for what objects_switch() saves.  Return: 0; -ENOMEM.
 */
bool objects_are_valid(const struct kmend_update *given);
int objects_prepare(void);
void objects_release(void);
void objects_forget(struct part *part);

/*
 * late.c: the names of modules that an update awaits; under switch_lock.
 * late_has() takes NULL for any update or name, late_absent() looks whether those that no
 * part was registered for are not loaded, late_waits() whether one is loading and
 * waits for @update.  late_is_waiting() tells of one that is loading whether it
 * waits for any; under switch_lock.
 */
int late_add(const struct update *update, const char *name);
void late_forget(const struct update *update);
bool late_has(const struct update *update, const char *name);
bool late_absent(const struct update *update);
bool late_waits(const struct update *update, const char *name);
int late_emit(const struct update *update, char *buf);
int late_answer(const char *name);
bool late_is_waiting(const struct module *mod);
int late_init(void);
void late_exit(void);

/* shadow.c */
void shadow_exit(void);

/*
 * switch.c: apply or undo the chosen updates, all of them or none; under
 * switch_lock and, unless @attempt is plain, a watch.
 * Return: 0 or one of the errnos that sysfs.c lists.
 */
int switch_chosen(struct attempt *attempt);

/*
 * ladder.c: apply or undo the updates that @ids names, all of them or none; try
 * for @ms milliseconds, once at least, and tell in *@tries how often.
 * Return: 0 or one of the errnos that sysfs.c lists.
 */
int ladder(const char *ids, bool apply, unsigned int ms, unsigned int *tries);

#endif
