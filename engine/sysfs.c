// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/kmend: how user space sees and switches updates.
 * include/kmend/engine.h tells what is in it.
 */
#include <linux/completion.h>
#include <linux/ctype.h>
#include <linux/kallsyms.h>
#include <linux/kthread.h>
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

/*
 * The engine's own thread does what is asked for: in frames of somebody else's
 * could be addresses that he must not hold.
 */
static struct kthread_worker *worker;

/* Who waits for what he asked for. */
struct waiter {
	struct completion done;
	int err;
};

/*
 * What is asked for, one at a time.  Nobody waits for what was written to
 * "switch", in code that it may replace, as that of write().
 */
static struct {
	struct kthread_work work;
	struct mutex lock;		/* of what follows */
	bool running;
	bool apply;
	unsigned int ms;
	char *ids;
	struct waiter *waiter;		/* or NULL */
	int err;			/* of the last one */
	unsigned int tries;		/* of this one; written without the lock */
} request = { .lock = __MUTEX_INITIALIZER(request.lock) };

static void do_request(struct kthread_work *work)
{
	int err = ladder(request.ids, request.apply, request.ms, &request.tries);

	mutex_lock(&request.lock);
	kfree(request.ids);
	request.err = -err;
	request.running = false;
	if (request.waiter) {
		request.waiter->err = err;
		complete(&request.waiter->done);
	}
	mutex_unlock(&request.lock);
}

static int queue_request(bool apply, unsigned int ms, const char *ids, struct waiter *waiter)
{
	int err = 0;

	mutex_lock(&request.lock);
	if (request.running) {
		err = -EAGAIN;
		goto out;
	}
	request.ids = kstrdup(ids, GFP_KERNEL);
	if (!request.ids) {
		err = -ENOMEM;
		goto out;
	}
	request.apply = apply;
	request.ms = ms;
	request.waiter = waiter;
	request.tries = 0;
	request.running = true;
	kthread_queue_work(worker, &request.work);
out:
	mutex_unlock(&request.lock);
	return err;
}

static ssize_t enabled_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			     size_t count)
{
	struct waiter waiter;
	bool apply;
	int err;

	if (kstrtobool(buf, &apply))
		return -EINVAL;
	init_completion(&waiter.done);
	err = queue_request(apply, 0, to_update(kobj)->id, &waiter);
	if (err)
		return err;
	wait_for_completion(&waiter.done);
	return waiter.err ?: count;
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
		if (!isascii(comm[i]) || !isgraph(comm[i]))
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
	/* A line is longer than its place by less than 50, and the last one is 22 at most. */
	for (i = 0; i < min_t(unsigned int, update->blocker_count, MAX_BLOCKERS) &&
		    len < PAGE_SIZE - KSYM_SYMBOL_LEN - 72; i++)
		len += emit_blocker(buf, len, &update->blockers[i]);
	if (i < update->blocker_count)
		len += sysfs_emit_at(buf, len, "0 - %u more\n", update->blocker_count - i);
	mutex_unlock(&switch_lock);
	return len;
}

static ssize_t functions_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	const struct kmend_function *f;
	unsigned int more = 0;
	struct part *part;
	int len = 0;

	mutex_lock(&switch_lock);
	for_each_any_part(part) {
		if (part->update != to_update(kobj))
			continue;
		for_each_function(f, part) {
			/* Whole lines, and room for the last one. */
			if (more || len > PAGE_SIZE - KSYM_NAME_LEN - KMEND_NAME_LEN - 64)
				more++;
			else
				len += sysfs_emit_at(buf, len, "%.*s %s 0x%llx 0x%llx\n", KSYM_NAME_LEN,
						     function_name(f), part->given->target->name,
						     f->old_addr, f->new_addr);
		}
	}
	mutex_unlock(&switch_lock);
	if (more)
		len += sysfs_emit_at(buf, len, "%u more\n", more);
	return len;
}

static ssize_t late_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	ssize_t len;

	mutex_lock(&switch_lock);
	len = late_emit(to_update(kobj), buf);
	mutex_unlock(&switch_lock);
	return len;
}

static struct kobj_attribute state_attr = __ATTR_RO(state);
static struct kobj_attribute enabled_attr = __ATTR_RW_MODE(enabled, 0600);
static struct kobj_attribute pause_ns_attr = __ATTR_RO(pause_ns);
static struct kobj_attribute blockers_attr = __ATTR_RO_MODE(blockers, 0400);
static struct kobj_attribute functions_attr = __ATTR_RO_MODE(functions, 0400);
static struct kobj_attribute update_late_attr = __ATTR_RO(late);

static struct attribute *update_attrs[] = {
	&state_attr.attr, &enabled_attr.attr, &pause_ns_attr.attr,
	&blockers_attr.attr, &functions_attr.attr, &update_late_attr.attr, NULL,
};
ATTRIBUTE_GROUPS(update);

static void release_update(struct kobject *kobj)
{
	kfree(to_update(kobj));
}

static struct kobj_type update_type = {
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

static ssize_t switch_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			    size_t count)
{
	unsigned int ms;
	char verb[8];
	int ids, err;

	if (sscanf(buf, "%7s %u %n", verb, &ms, &ids) != 2 || ms > KMEND_SWITCH_MS_MAX)
		return -EINVAL;
	if (!strcmp(verb, "apply"))
		err = queue_request(true, ms, buf + ids, NULL);
	else if (!strcmp(verb, "undo"))
		err = queue_request(false, ms, buf + ids, NULL);
	else
		err = -EINVAL;
	return err ?: count;
}

static ssize_t outcome_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	ssize_t len;

	mutex_lock(&request.lock);
	if (request.running)
		len = sysfs_emit(buf, "running %u\n", READ_ONCE(request.tries));
	else
		len = sysfs_emit(buf, "%d %u\n", request.err, request.tries);
	mutex_unlock(&request.lock);
	return len;
}

static ssize_t late_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			  size_t count)
{
	char verb[8], first[KMEND_NAME_LEN], name[KMEND_NAME_LEN];
	int err = -EINVAL, words;

	BUILD_BUG_ON(KMEND_NAME_LEN != 56);
	words = sscanf(buf, "%7s %55s %55s", verb, first, name);
	if (words == 3 && !strcmp(verb, "await"))
		err = name_late(first, name);
	else if (words == 2 && !strcmp(verb, "forget"))
		err = name_late(first, NULL);
	else if (words == 2 && !strcmp(verb, "done"))
		err = late_answer(first);
	return err ?: count;
}

static struct kobj_attribute abi_attr = __ATTR_RO(abi);
static struct kobj_attribute switch_attr = __ATTR(switch, 0200, NULL, switch_store);
static struct kobj_attribute late_attr = __ATTR(late, 0200, NULL, late_store);
static struct kobj_attribute outcome_attr = __ATTR_RO_MODE(outcome, 0400);

static const struct attribute *root_attrs[] = {
	&abi_attr.attr, &switch_attr.attr, &outcome_attr.attr, &late_attr.attr, NULL,
};

int sysfs_init(void)
{
	kthread_init_work(&request.work, do_request);
	worker = kthread_create_worker(0, "kmend");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	/* Since 6.14 it would wait for its first work, and be taken for one that hangs. */
	wake_up_process(worker->task);
	root = kobject_create_and_add("kmend", kernel_kobj);
	folder = root ? kobject_create_and_add("updates", root) : NULL;
	if (folder && !sysfs_create_files(root, root_attrs))
		return 0;
	sysfs_exit();
	return -ENOMEM;
}

void sysfs_exit(void)
{
	kobject_put(folder);
	kobject_put(root);
	kthread_destroy_worker(worker);
}
