// SPDX-License-Identifier: GPL-2.0
/*
 * Others who change functions.
 *
 * kprobes keep a copy of the instruction that they probe, to execute it and to
 * put it back, for as long as they are registered, even while disabled.  Text
 * that they hold a copy of must not change.  An optimized probe copies some
 * instructions behind it, too, and threads run these in the copy, where they can
 * be preempted and where no stack tells of the function.
 *
 * A user of ftrace that sets the instruction pointer, as kernel live patching
 * does, leads calls away before they reach the jump.
 */
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include "stop.h"

#ifdef CONFIG_KPROBES
/* Held from before a probe copies its instruction until it can be found. */
extern struct mutex kprobe_mutex;

static bool is_probed(struct update *update, unsigned long start, unsigned long end, u32 wanted_flags)
{
	struct kprobe *p;
	bool found = false;

	for (; start < end; start++) {
		p = get_kprobe((void *)start);
		/* One that is called by ftrace changes nothing. */
		if (!p || kprobe_ftrace(p) || (p->flags & wanted_flags) != wanted_flags)
			continue;
		note_blocker(update, NULL, start, "kprobe");
		found = true;
	}
	return found;
}

static bool is_at_jump(const struct stop *stop, unsigned long addr)
{
	const struct jump *jump;

	for (jump = stop->jumps; jump < stop->jumps + stop->jump_count; jump++) {
		if (addr >= jump->function->old_addr && addr < jump->site + KMEND_JUMP_LEN)
			return true;
	}
	return false;
}

/*
 * None from a function's start to the jump's end, no optimized one where threads
 * must not be.  get_kprobe() walks a list that RCU protects, or kprobe_mutex.
 */
static bool check_kprobes(const struct stop *stop)
{
	const struct text_range *range;
	const struct jump *jump;
	bool found = false;
	unsigned long addr;

	for (jump = stop->jumps; jump < stop->jumps + stop->jump_count; jump++)
		found |= is_probed(jump->update, jump->function->old_addr,
				   jump->site + KMEND_JUMP_LEN, 0);
	for (range = stop->ranges; range < stop->ranges + stop->range_count; range++) {
		for (addr = range->start; addr < range->end && !range->is_data; addr++)
			found |= !is_at_jump(stop, addr) &&
				 is_probed(range->update, addr, addr + 1, KPROBE_FLAG_OPTIMIZED);
	}
	return found;
}
#else
static bool check_kprobes(const struct stop *stop)
{
	return false;
}
#endif

#ifdef CONFIG_DYNAMIC_FTRACE
/* Held from before ftrace sets a site's flags until the site is changed. */
extern struct mutex ftrace_lock;

static bool check_redirected(const struct stop *stop)
{
	struct ftrace_rec_iter *iter;
	const struct jump *jump;
	bool found = false;

	for_ftrace_rec_iter(iter) {
		const struct dyn_ftrace *rec = ftrace_rec_iter_record(iter);

		if (!(rec->flags & FTRACE_FL_IPMODIFY))
			continue;
		for (jump = stop->jumps; jump < stop->jumps + stop->jump_count; jump++) {
			if (rec->ip < jump->function->old_addr || rec->ip >= jump->site)
				continue;
			note_blocker(jump->update, NULL, rec->ip, "redirected");
			found = true;
		}
	}
	return found;
}
#else
static bool check_redirected(const struct stop *stop)
{
	return false;
}
#endif

void probes_lock(void)
{
#ifdef CONFIG_KPROBES
	mutex_lock(&kprobe_mutex);
#endif
#ifdef CONFIG_DYNAMIC_FTRACE
	mutex_lock(&ftrace_lock);
#endif
}

void probes_unlock(void)
{
#ifdef CONFIG_DYNAMIC_FTRACE
	mutex_unlock(&ftrace_lock);
#endif
#ifdef CONFIG_KPROBES
	mutex_unlock(&kprobe_mutex);
#endif
}

int check_probes(const struct stop *stop, bool apply)
{
	bool found = check_kprobes(stop);

	/* What was redirected since does not keep an update from being undone. */
	if (apply)
		found |= check_redirected(stop);
	return found ? -EBUSY : 0;
}
