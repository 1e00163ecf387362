// SPDX-License-Identifier: GPL-2.0
/*
 * Target modules that load after their update was applied, unload, and load
 * again.
 *
 * The notifier is called last of all: the kernel has done all that it does to
 * the module's text, and nothing of the module ran yet.  User space (`kmend late
 * load MODULE`) proves it, and loads the update module, which kmend_register()
 * switches at once: nobody can be in code that never ran.
 *
 * When a module goes, its exit is over, so nobody is in its code or in what
 * replaced it.  Its text vanishes with it and is not written to.  The notifier
 * has to get switch_lock first: whoever holds that finds the memory of every
 * module whose part is switched in.
 *
 * The kernel holds the rwsem of the notifiers meanwhile, which the loading of the
 * update module takes, too.  Should somebody want it for writing in between, that
 * waits until the deadline.
 */
#include <linux/completion.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/umh.h>
#include "engine.h"

static char helper[256];
module_param_string(helper, helper, sizeof(helper), 0600);
MODULE_PARM_DESC(helper, "the kmend program, to be asked when a module loads or unloads");

static unsigned int late_seconds = 20;
module_param(late_seconds, uint, 0600);
MODULE_PARM_DESC(late_seconds, "how long a module's loading may wait for its update");

static bool late_unfixed;
module_param(late_unfixed, bool, 0600);
MODULE_PARM_DESC(late_unfixed, "let modules load whose update cannot be switched in");

struct late_name {
	struct list_head list;
	const struct update *update;
	char name[];
};

/* Those of all updates, guarded by names_lock, which is the last to be taken. */
static LIST_HEAD(names);
static DEFINE_MUTEX(names_lock);

/* Who waits for user space; under switch_lock. */
struct late_wait {
	struct list_head list;
	const struct module *mod;
	bool loads;
	struct completion done;
};
static LIST_HEAD(waits);

bool late_has(const struct update *update, const char *name)
{
	struct late_name *late;
	bool found = false;

	mutex_lock(&names_lock);
	list_for_each_entry(late, &names, list)
		found |= (!update || late->update == update) && (!name || !strcmp(late->name, name));
	mutex_unlock(&names_lock);
	return found;
}

/* What late_emit() needs for @name. */
static size_t late_room(const char *name)
{
	return strlen(name) + strlen(" out\n");
}

/* All names of an update can be read in one page. */
static bool late_fits(const struct update *update, const char *name)
{
	size_t size = late_room(name);
	struct late_name *late;

	mutex_lock(&names_lock);
	list_for_each_entry(late, &names, list) {
		if (late->update == update)
			size += late_room(late->name);
	}
	mutex_unlock(&names_lock);
	return size < PAGE_SIZE;
}

int late_add(const struct update *update, const char *name)
{
	struct late_name *late;

	if (late_has(update, name))
		return 0;
	if (!late_fits(update, name))
		return -E2BIG;
	late = kzalloc(sizeof(*late) + strlen(name) + 1, GFP_KERNEL);
	if (!late)
		return -ENOMEM;
	late->update = update;
	strcpy(late->name, name);
	/* Without an update module nothing else would keep the engine. */
	__module_get(THIS_MODULE);
	mutex_lock(&names_lock);
	list_add_tail(&late->list, &names);
	mutex_unlock(&names_lock);
	return 0;
}

void late_forget(const struct update *update)
{
	struct late_name *late, *next;

	mutex_lock(&names_lock);
	list_for_each_entry_safe(late, next, &names, list) {
		if (late->update != update)
			continue;
		list_del(&late->list);
		kfree(late);
		module_put(THIS_MODULE);
	}
	mutex_unlock(&names_lock);
}

static bool is_in(const struct update *update, const char *name)
{
	const struct part *part = find_part(update, name);

	return part && part->in;
}

int late_emit(const struct update *update, char *buf)
{
	struct late_name *late;
	int len = 0;

	mutex_lock(&names_lock);
	list_for_each_entry(late, &names, list) {
		if (late->update == update)
			len += sysfs_emit_at(buf, len, "%s %s\n", late->name,
					     is_in(update, late->name) ? "in" : "out");
	}
	mutex_unlock(&names_lock);
	return len;
}

bool late_absent(const struct update *update)
{
	struct late_name *late;
	bool absent = true;

	mutex_lock(&names_lock);
	list_for_each_entry(late, &names, list) {
		if (late->update == update && !find_part(update, late->name))
			absent &= !module_runs(late->name);
	}
	mutex_unlock(&names_lock);
	return absent;
}

bool late_waits(const struct update *update, const char *name)
{
	struct late_wait *wait;

	list_for_each_entry(wait, &waits, list) {
		if (wait->loads && !strcmp(wait->mod->name, name))
			return late_has(update, name) && !is_in(update, name);
	}
	return false;
}

bool late_is_waiting(const struct module *mod)
{
	struct late_wait *wait;
	bool found = false;

	list_for_each_entry(wait, &waits, list)
		found |= wait->loads && wait->mod == mod;
	return found;
}

/* Does an update that is applied lack its part for @mod? */
static bool is_unfixed(const struct module *mod)
{
	struct update *update;
	bool found = false;

	mutex_lock(&switch_lock);
	for_each_update(update)
		found |= update->applied && late_has(update, mod->name) && !is_in(update, mod->name);
	mutex_unlock(&switch_lock);
	return found;
}

static void ask_user_space(const struct module *mod, bool loads)
{
	char *argv[] = { helper, "late", loads ? "load" : "unload", (char *)mod->name, NULL };
	char *envp[] = { "HOME=/", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	struct late_wait wait = { .mod = mod, .loads = loads };
	long left = late_seconds * HZ;
	int err;

	init_completion(&wait.done);
	mutex_lock(&switch_lock);
	list_add(&wait.list, &waits);
	mutex_unlock(&switch_lock);
	err = call_usermodehelper(helper, argv, envp, UMH_WAIT_EXEC);
	if (err)
		pr_warn("kmend: %s cannot be run (%d)\n", helper, err);
	else if (loads)
		left = wait_for_completion_killable_timeout(&wait.done, left);
	/* Who unloads a module cannot have what is made for it stay behind. */
	else
		left = wait_for_completion_timeout(&wait.done, left);
	if (!err && left <= 0)
		pr_warn("kmend: no answer for module %s\n", mod->name);
	mutex_lock(&switch_lock);
	list_del(&wait.list);
	mutex_unlock(&switch_lock);
}

int late_answer(const char *name)
{
	struct late_wait *wait;
	int err = -ENOENT;

	mutex_lock(&switch_lock);
	holds_forget_failed();
	list_for_each_entry(wait, &waits, list) {
		if (strcmp(wait->mod->name, name))
			continue;
		complete(&wait->done);
		err = 0;
	}
	mutex_unlock(&switch_lock);
	return err;
}

static void on_going(const struct module *mod)
{
	if (!forget_target(mod))
		return;
	ask_user_space(mod, false);
	holds_settle(mod, late_seconds);
	holds_leave(mod);
	holds_settle(mod, late_seconds);
}

static int on_coming(const struct module *mod)
{
	if (!is_unfixed(mod))
		return 0;
	ask_user_space(mod, true);
	/* From here on nothing arrives for it any more, see late_is_waiting(). */
	if (!holds_settle(mod, late_seconds) && holds_in_flight(mod)) {
		pr_warn("kmend: module %s: its update neither loads nor fails\n", mod->name);
		return 0;
	}
	if (!is_unfixed(mod))
		return 0;
	pr_warn("kmend: module %s %s: its update could not be switched in\n", mod->name,
		late_unfixed ? "loads unfixed" : "is not let in");
	if (late_unfixed)
		return 0;
	/* Other updates may be in; we are not called for what we refuse ourselves. */
	on_going(mod);
	return -ECANCELED;
}

static int on_module(struct notifier_block *nb, unsigned long state, void *data)
{
	const struct module *mod = data;

	if (state == MODULE_STATE_COMING && late_has(NULL, mod->name))
		return notifier_from_errno(on_coming(mod));
	if (state == MODULE_STATE_GOING) {
		hold_release(mod);
		on_going(mod);
	}
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = {
	.notifier_call = on_module,
	.priority = INT_MIN,
};

int late_init(void)
{
	return register_module_notifier(&module_notifier);
}

void late_exit(void)
{
	unregister_module_notifier(&module_notifier);
}
