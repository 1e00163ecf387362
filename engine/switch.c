// SPDX-License-Identifier: GPL-2.0
/* Apply and undo: all that happens around the stop. */
#include <linux/cpu.h>
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/stop_machine.h>
#include <linux/string.h>
#include "stop.h"
#include "watch.h"

/* Room for threads that cannot be judged, and for all while it is found out which. */
#define UNSURE_ROOM(threads) ((threads) + (threads) / 4 + 256)

/* Room for all jumps and ranges of the chosen updates, and for threads. */
static int allocate(struct stop *stop)
{
	unsigned int jumps = 0, ranges = 0;
	struct part *part;

	for_each_part(part) {
		jumps += part->given->function_count;
		ranges += part->given->function_count + part->given->range_count + MODULE_PIECES;
	}
	stop->jumps = kvcalloc(jumps, sizeof(*stop->jumps), GFP_KERNEL);
	stop->ranges = kvcalloc(ranges, sizeof(*stop->ranges), GFP_KERNEL);
	stop->unsure_max = UNSURE_ROOM(watch_count_threads());
	stop->unsure = kvmalloc_array(stop->unsure_max, sizeof(*stop->unsure), GFP_KERNEL);
	return stop->jumps && stop->ranges && stop->unsure ? 0 : -ENOMEM;
}

static void append_range(struct stop *stop, unsigned long start, unsigned long size)
{
	stop->ranges[stop->range_count].start = start;
	stop->ranges[stop->range_count++].end = start + size;
}

static void add_jump(struct stop *stop, struct update *update, const struct kmend_function *f)
{
	struct jump *jump = &stop->jumps[stop->jump_count++];
	u8 *ours = stop->apply ? jump->after : jump->before;
	u8 *expected = stop->apply ? jump->before : jump->after;

	jump->update = update;
	jump->function = f;
	jump->site = jump_site(f);
	jump->to = f->new_addr;
	jump_encode(ours, jump->site, jump->to);
	memcpy(expected, f->expected, KMEND_JUMP_LEN);
}

/*
 * At apply nobody may be in the old functions.  The first address of one is
 * left out: who holds it has yet to enter the function and will find the jump.
 */
static void add_old_code(struct stop *stop, const struct part *part)
{
	const struct kmend_function *f;
	u32 i;

	for_each_function(f, part)
		append_range(stop, f->old_addr + 1, f->old_size - 1);
	for (i = 0; i < part->given->range_count; i++)
		append_range(stop, part->given->ranges[i].addr, part->given->ranges[i].size);
}

static void add_part(struct stop *stop, const struct part *part)
{
	const struct kmend_function *f;
	unsigned int i = stop->range_count;

	for_each_function(f, part)
		add_jump(stop, part->update, f);
	/*
	 * At undo nobody may hold an address of anything in the update's
	 * modules, their strings and data included.
	 */
	if (stop->apply)
		add_old_code(stop, part);
	else
		stop->range_count += module_memory(part->given->owner, stop->ranges + i);
	for (; i < stop->range_count; i++)
		stop->ranges[i].update = part->update;
}

/*
 * text_mutex keeps ftrace, kprobes, jump labels and static calls from being in
 * the middle of a change to text.  The order of the locks is that of
 * register_kprobe().
 */
static int stop_machine_and_write(struct stop *stop)
{
	int err;

	probes_lock();
	cpus_read_lock();
	mutex_lock(&text_mutex);
	stop->shares = stop->plain ? 1 : num_online_cpus();
	err = check_probes(stop, stop->apply);
	wipe_stack();
	err = err ?: stop_machine_cpuslocked(stop_cpu, stop, cpu_online_mask) ?: stop->err;
	mutex_unlock(&text_mutex);
	cpus_read_unlock();
	probes_unlock();
	return err;
}

static int check_preempted(const struct attempt *attempt)
{
	struct update *update;

	if (attempt->after_grace)
		return 0;
	for_each_chosen(update)
		note_blocker(update, NULL, 0, "preempted");
	return -EBUSY;
}

static int stop_and_switch(struct attempt *attempt)
{
	struct stop stop = { .caller = current, .apply = attempt->apply, .move = attempt->move,
			     .plain = attempt->plain, .all = attempt->plain };
	struct update *update;
	struct part *part;
	int err;

	err = allocate(&stop);
	if (err)
		goto out;
	for_each_part(part)
		add_part(&stop, part);
	stop.range_count = sort_ranges(stop.ranges, stop.range_count);
	/* In a module that is late nothing ran yet. */
	if (attempt->late)
		stop.range_count = 0;
	/* An update of hooks or data alone has no code that a thread could be in. */
	if (!attempt->plain && stop.range_count)
		err = check_preempted(attempt) ?: check_sleeping(&stop);
	wipe_stack();
	err = err ?: stop_machine_and_write(&stop);
	for_each_chosen(update)
		update->pause_ns = stop.pause_ns ?: update->pause_ns;
	forget_unsure(&stop);
out:
	kvfree(stop.unsure);
	kvfree(stop.ranges);
	kvfree(stop.jumps);
	return err;
}

static int check_state(const struct attempt *attempt)
{
	struct update *update;

	for_each_chosen(update) {
		update->in_the_way[0] = '\0';
		update->blocker_count = 0;
	}
	for_each_chosen(update) {
		if (!attempt->late && update->applied == attempt->apply)
			return -EALREADY;
	}
	return 0;
}

static void set_applied(bool apply)
{
	struct update *update;

	for_each_chosen(update) {
		update->applied = apply;
		pr_info("kmend: %s %s\n", update->id, apply ? "applied" : "undone");
	}
}

static int switch_parts(struct attempt *attempt)
{
	bool apply = attempt->apply;
	int err;

	err = check_state(attempt) ?: check_order(apply);
	if (!err && apply)
		err = hold_modules(attempt->late);
	if (err)
		return err;

	if (apply)
		err = objects_prepare();
	if (!err) {
		err = hooks_pre(apply) ?: stop_and_switch(attempt);
		if (!err)
			set_applied(apply);
		hooks_done(apply, !err);
	}
	/* Held from apply to undo: dropped after the one fails or the other succeeds. */
	if (apply ? err : !err) {
		objects_release();
		drop_modules();
	}
	return err;
}

int switch_chosen(struct attempt *attempt)
{
	struct part *part;
	int err;

	lockdep_assert_held(&switch_lock);
	for_each_any_part(part)
		part->chosen = attempt->late ? part == attempt->late :
					       part->update->chosen && (attempt->apply || part->in);
	err = switch_parts(attempt);
	for_each_any_part(part)
		part->chosen = false;
	return err;
}
