// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/kmend: how user space sees and switches updates.
 *
 *	abi			KMEND_ABI
 *	switch			write "apply ID [ID...]" or "undo ID [ID...]"
 *	updates/ID/state	"loaded" or "applied"
 *	updates/ID/enabled	1 where applied; write 1 or 0 to apply or undo it
 *	updates/ID/functions	lines "name target old_addr new_addr"
 *	updates/ID/blockers	why the last try failed, empty where it did not:
 *				after EBUSY lines "pid comm function+offset where", where
 *				one of stack, function-graph and kretprobe (the place of
 *				a thread's return address);
 *				or "0 - function+offset kprobe": a probe at the jump;
 *				after ESTALE "0 - function+offset text";
 *				after EEXIST and EXDEV "update ID function why", of which
 *				function may be an object's name;
 *				after ECANCELED, or EBUSY, "hook ERRNO function kind": it refused
 *	updates/ID/pause_ns	how long the last stop took: on the CPU that did the work,
 *				from when all CPUs were stopped until all jumps were
 *				written (or it was found that they cannot be) and every
 *				CPU had acknowledged it.  The way of the CPUs into and
 *				out of the stop is not in it.
 *
 * A write to switch or enabled returns when all is done, or, changing nothing,
 *	EALREADY	an update is so already
 *	EBUSY		a thread is in the code, or a kprobe: see blockers
 *	ECANCELED	a hook refused: see blockers
 *	EEXIST		a function or an object's content is already replaced by another
 *			update: see blockers
 *	EXDEV		an applied update replaces code of this one, or this one replaces
 *			code of an update that is not applied: see blockers
 *	ESTALE		the text at a jump is not what the proof saw, or, at undo, not the
 *			jump: see blockers
 *	ENODEV		a module is gone, or not where the proof saw it
 *	ENOENT		no such update
 *	EINVAL		input that makes no sense
 *	ENOMEM
 */
#include <linux/ctype.h>
#include <linux/kallsyms.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include "engine.h"
#include "text.h"

static struct kobject *root;
static struct kobject *folder;

static struct update *to_update(struct kobject *kobj)
{
	return container_of(kobj, struct update, kobj);
}

static ssize_t state_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_update(kobj)->applied ? "applied" : "loaded");
}

static ssize_t enabled_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", to_update(kobj)->applied);
}

static ssize_t enabled_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			     size_t count)
{
	struct update *update = to_update(kobj);
	bool apply;
	int err;

	if (kstrtobool(buf, &apply))
		return -EINVAL;
	mutex_lock(&switch_lock);
	if (list_empty(&update->list)) {
		err = -ENOENT;
	} else {
		update->chosen = true;
		err = switch_chosen(apply);
		update->chosen = false;
	}
	mutex_unlock(&switch_lock);
	return err ?: count;
}

static ssize_t pause_ns_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", to_update(kobj)->pause_ns);
}

static int emit_blocker(char *buf, int at, const struct blocker *blocker)
{
	char comm[TASK_COMM_LEN], place[KSYM_SYMBOL_LEN];
	unsigned int i;

	/* Any process can choose its name: keep the fields of a line apart. */
	strscpy(comm, blocker->comm, sizeof(comm));
	for (i = 0; comm[i]; i++) {
		if (!isgraph(comm[i]))
			comm[i] = '_';
	}
	snprintf(place, sizeof(place), "%pS", (void *)blocker->addr);
	place[strcspn(place, "/ ")] = '\0';
	return sysfs_emit_at(buf, at, "%d %s %s %s\n", blocker->pid, comm, place, blocker->where);
}

static ssize_t blockers_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct update *update = to_update(kobj);
	unsigned int i;
	int len;

	mutex_lock(&switch_lock);
	len = sysfs_emit(buf, "%s", update->in_the_way);
	for (i = 0; i < update->blocker_count; i++)
		len += emit_blocker(buf, len, &update->blockers[i]);
	mutex_unlock(&switch_lock);
	return len;
}

static ssize_t functions_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	const struct kmend_function *f;
	struct part *part;
	int len = 0;

	mutex_lock(&switch_lock);
	for_each_part(part, to_update(kobj)) {
		for_each_function(f, part)
			len += sysfs_emit_at(buf, len, "%s %s 0x%llx 0x%llx\n", function_name(f),
					     part->given->target->name, f->old_addr, f->new_addr);
	}
	mutex_unlock(&switch_lock);
	return len;
}

static struct kobj_attribute state_attr = __ATTR_RO(state);
static struct kobj_attribute enabled_attr = __ATTR_RW_MODE(enabled, 0600);
static struct kobj_attribute pause_ns_attr = __ATTR_RO(pause_ns);
static struct kobj_attribute blockers_attr = __ATTR_RO_MODE(blockers, 0400);
static struct kobj_attribute functions_attr = __ATTR_RO_MODE(functions, 0400);

static struct attribute *update_attrs[] = {
	&state_attr.attr, &enabled_attr.attr, &pause_ns_attr.attr,
	&blockers_attr.attr, &functions_attr.attr, NULL,
};
ATTRIBUTE_GROUPS(update);

static void release_update(struct kobject *kobj)
{
	kfree(to_update(kobj));
}

const struct kobj_type update_type = {
	.release = release_update,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = update_groups,
};

int sysfs_add_update(struct update *update)
{
	return kobject_init_and_add(&update->kobj, &update_type, folder, "%s", update->id);
}

static ssize_t abi_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", KMEND_ABI);
}

/* Each id once. */
static int choose(char *ids)
{
	struct update *update;
	bool any = false;
	char *id;

	while ((id = strsep(&ids, " \t\n"))) {
		if (!*id)
			continue;
		update = find_update(id);
		if (!update)
			return -ENOENT;
		if (update->chosen)
			return -EINVAL;
		update->chosen = true;
		any = true;
	}
	return any ? 0 : -EINVAL;
}

static int choose_and_switch(char *ids, bool apply)
{
	struct update *update;
	int err;

	mutex_lock(&switch_lock);
	err = choose(ids) ?: switch_chosen(apply);
	for_each_update(update)
		update->chosen = false;
	mutex_unlock(&switch_lock);
	return err;
}

static ssize_t switch_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			    size_t count)
{
	char *copy = kstrndup(buf, count, GFP_KERNEL), *ids = copy, *verb;
	int err = -EINVAL;

	if (!copy)
		return -ENOMEM;
	verb = strsep(&ids, " \t\n");
	if (!strcmp(verb, "apply"))
		err = choose_and_switch(ids, true);
	else if (!strcmp(verb, "undo"))
		err = choose_and_switch(ids, false);
	kfree(copy);
	return err ?: count;
}

static struct kobj_attribute abi_attr = __ATTR_RO(abi);
static struct kobj_attribute switch_attr = __ATTR(switch, 0200, NULL, switch_store);

static const struct attribute *root_attrs[] = { &abi_attr.attr, &switch_attr.attr, NULL };

int sysfs_init(void)
{
	root = kobject_create_and_add("kmend", kernel_kobj);
	if (!root)
		return -ENOMEM;
	folder = kobject_create_and_add("updates", root);
	if (folder && !sysfs_create_files(root, root_attrs))
		return 0;
	sysfs_exit();
	return -ENOMEM;
}

void sysfs_exit(void)
{
	kobject_put(folder);
	kobject_put(root);
}
