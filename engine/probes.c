// SPDX-License-Identifier: GPL-2.0
/*
 * kprobes keep a copy of the instruction that they probe, to execute it and to
 * put it back, for as long as they are registered, even while disabled.  Text
 * that they hold a copy of must not change.
 */
#include <linux/kprobes.h>
#include "stop.h"

#ifdef CONFIG_KPROBES
/* Held from before a probe copies its instruction until it can be found. */
extern struct mutex kprobe_mutex;

void probes_lock(void)
{
	mutex_lock(&kprobe_mutex);
}

void probes_unlock(void)
{
	mutex_unlock(&kprobe_mutex);
}

/*
 * An optimized probe copies some instructions behind it, too, so one anywhere
 * between the function's start and the jump's end is in the way; but not one
 * that is called by ftrace.
 */
int check_probes(const struct stop *stop)
{
	const struct jump *jump;
	unsigned long addr;
	struct kprobe *p;
	int err = 0;

	for (jump = stop->jumps; jump < stop->jumps + stop->jump_count; jump++) {
		for (addr = jump->function; addr < jump->site + KMEND_JUMP_LEN; addr++) {
			p = get_kprobe((void *)addr);
			if (!p || kprobe_ftrace(p))
				continue;
			note_blocker(jump->update, NULL, addr, "kprobe");
			err = -EBUSY;
		}
	}
	return err;
}
#else
void probes_lock(void)
{
}

void probes_unlock(void)
{
}

int check_probes(const struct stop *stop)
{
	return 0;
}
#endif
